// Package requirement is the stream of one visit's question: did the payer want an authorization for it, by which rule, and is there one.
package requirement

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is what was determined.
type State struct {
	Determined *pb.AuthorizationRequirementDetermined
}

// Stream is the requirement's stream; its id is the appointment's.
var Stream = es.Stream[State]{Kind: "requirement", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if e, ok := event.(*pb.AuthorizationRequirementDetermined); ok {
		s.Determined = e
	}
	return s
}
