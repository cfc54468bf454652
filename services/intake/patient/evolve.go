// Package patient is the stream of one patient: who it is.
package patient

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is the patient.
type State struct {
	Registered *pb.PatientRegistered
}

// Stream is the patient's stream.
var Stream = es.Stream[State]{Kind: "patient", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if e, ok := event.(*pb.PatientRegistered); ok {
		s.Registered = e
	}
	return s
}
