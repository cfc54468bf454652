// Package appointment is the stream of one visit to come: booked, cancelled, missed or begun. Whether it is clear to happen is decided in package readiness.
package appointment

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is the visit.
type State struct {
	Scheduled *pb.AppointmentScheduled
	Cancelled bool
	NoShowed  bool
	CheckedIn bool
}

// Stream is the appointment's stream.
var Stream = es.Stream[State]{Kind: "appointment", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.AppointmentScheduled:
		s.Scheduled = e
	case *pb.AppointmentCancelled:
		s.Cancelled = true
	case *pb.AppointmentNoShowed:
		s.NoShowed = true
	case *pb.AppointmentCheckedIn:
		s.CheckedIn = true
	}
	return s
}
