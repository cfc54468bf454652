// Package eligibility is the stream of one question to a payer, whether it covers behavioral services on a day, and of its answer.
package eligibility

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is the question and its answer.
type State struct {
	Requested *pb.EligibilityRequested
	Responded *pb.EligibilityResponded // nil: none, or rejected
	Rejected  *pb.EligibilityRejected
}

// Stream is the check's stream.
var Stream = es.Stream[State]{Kind: "eligibility_check", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.EligibilityRequested:
		s.Requested = e
	case *pb.EligibilityResponded:
		s.Responded = e
	case *pb.EligibilityRejected:
		s.Rejected = e
	}
	return s
}

// NextID is the id of the second hop that an answer leads to.
func NextID(checkID string) string { return es.Derive("elg", checkID, "second hop") }
