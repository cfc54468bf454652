// Package servicehistory is the stream of what one patient was given and is billed, over all visits.
//
// Rules like "one psychotherapy a day" are between visits, and a visit's own stream can't see the others. So a visit is coded in one transaction with its entry here: of two
// that are signed at the same instant the second is decided again, and sees the first. A visit that is billed no more is removed, for ever.
package servicehistory

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is the patient's billed visits, in the order in which they were entered.
type State struct {
	Entered []*pb.ServicesEntered
	Removed map[string]bool // by encounter_id
}

// Stream is the stream of the patient's services; its id is the patient's.
var Stream = es.Stream[State]{Kind: "service_history", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.ServicesEntered:
		if i := s.at(e.EncounterId); i >= 0 {
			s.Entered[i] = e
		} else {
			s.Entered = append(s.Entered, e)
		}
	case *pb.ServicesRemoved:
		if i := s.at(e.EncounterId); i >= 0 {
			s.Entered = slices.Delete(s.Entered, i, i+1)
		}
		if s.Removed == nil {
			s.Removed = map[string]bool{}
		}
		s.Removed[e.EncounterId] = true
	}
	return s
}

func (s State) at(encounterID string) int {
	return slices.IndexFunc(s.Entered, func(e *pb.ServicesEntered) bool { return e.EncounterId == encounterID })
}
