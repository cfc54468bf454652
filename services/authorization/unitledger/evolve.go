// Package unitledger is the stream of one authorization: what was approved, what visits hold, what has been used.
package unitledger

import (
	"maps"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is what the decisions need to know, and nothing else.
type State struct {
	Requested *pb.AuthorizationRequested
	Approved  *pb.AuthorizationApproved // the last approval; nil: none
	Denied    bool
	Left      map[string]int32             // by service code: units neither held nor consumed
	Held      map[string]*pb.UnitsReserved // by appointment
	Consumed  map[string]*pb.UnitsConsumed // by encounter
	Used      map[string]bool              // appointments whose visit has been given
	Refused   map[string]bool              // visits (appointment or encounter) of which somebody was told already
}

// Stream is the authorization's stream.
var Stream = es.Stream[State]{Kind: "authorization", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.AuthorizationRequested:
		s = State{
			Requested: e, Left: map[string]int32{}, Held: map[string]*pb.UnitsReserved{},
			Consumed: map[string]*pb.UnitsConsumed{}, Used: map[string]bool{}, Refused: map[string]bool{},
		}
	case *pb.AuthorizationApproved:
		s.Approved, s.Denied = e, false
		s.Left = maps.Clone(e.UnitsByCode)
		for _, h := range s.Held {
			s.Left[h.ServiceCode] -= h.Units
		}
		for _, c := range s.Consumed {
			s.Left[c.ServiceCode] -= c.Units
		}
	case *pb.AuthorizationDenied:
		s.Denied = true
	case *pb.UnitsReserved:
		s.Left[e.ServiceCode] -= e.Units
		s.Held[e.AppointmentId] = e
	case *pb.UnitsReleased:
		s.Left[e.ServiceCode] += e.Units
		delete(s.Held, e.AppointmentId)
	case *pb.UnitsConsumed:
		if e.ReleasedUnits > 0 {
			s.Left[e.ReleasedServiceCode] += e.ReleasedUnits
			delete(s.Held, e.AppointmentId)
		}
		s.Left[e.ServiceCode] -= e.Units
		s.Consumed[e.EncounterId] = e
		if e.AppointmentId != "" {
			s.Used[e.AppointmentId] = true
		}
	case *pb.UnitsRefused:
		if s.Refused == nil { // a visit named an authorization that was never requested
			s.Refused = map[string]bool{}
		}
		s.Refused[e.AppointmentId+e.EncounterId] = true
	}
	return s
}
