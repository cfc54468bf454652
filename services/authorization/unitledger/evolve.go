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
	Consumed  map[string]Consumed          // by encounter
	Used      map[string]bool              // appointments whose visit has been given
	Refused   map[string]*pb.UnitsRefused  // by visit (appointment or encounter): what somebody was told already
}

// Consumed is what an encounter has used, in all.
type Consumed struct {
	AppointmentID, ServiceCode, ServiceDate string
	Units                                   int32
}

// Stream is the authorization's stream.
var Stream = es.Stream[State]{Kind: "authorization", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.AuthorizationRequested:
		s = State{
			Requested: e, Left: map[string]int32{}, Held: map[string]*pb.UnitsReserved{},
			Consumed: map[string]Consumed{}, Used: map[string]bool{}, Refused: map[string]*pb.UnitsRefused{},
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
		s.free()
	case *pb.AuthorizationDenied:
		s.Denied = true
	case *pb.UnitsReserved:
		s.Left[e.ServiceCode] -= e.Units
		s.Held[e.AppointmentId] = e
	case *pb.UnitsReleased:
		s.Left[e.ServiceCode] += e.Units
		delete(s.Held, e.AppointmentId)
		s.free()
	case *pb.UnitsConsumed:
		if e.ReleasedUnits > 0 {
			s.Left[e.ReleasedServiceCode] += e.ReleasedUnits
			delete(s.Held, e.AppointmentId)
			s.free()
		}
		s.Left[e.ServiceCode] -= e.Units
		s.Consumed[e.EncounterId] = Consumed{e.AppointmentId, e.ServiceCode, e.ServiceDate, s.Consumed[e.EncounterId].Units + e.Units}
		if e.AppointmentId != "" {
			s.Used[e.AppointmentId] = true
		}
	case *pb.UnitsRestored:
		s.Left[e.ServiceCode] += e.Units
		if has := s.Consumed[e.EncounterId]; has.Units > e.Units {
			has.Units -= e.Units
			s.Consumed[e.EncounterId] = has
		} else {
			delete(s.Consumed, e.EncounterId)
		}
		s.free()
	case *pb.UnitsRefused:
		if s.Refused == nil { // a visit named an authorization that was never requested
			s.Refused = map[string]*pb.UnitsRefused{}
		}
		s.Refused[visit(e)] = e
	}
	return s
}

// free forgets who was refused: there are other units now, and whoever asks again is answered again.
func (s State) free() { clear(s.Refused) }

func visit(e *pb.UnitsRefused) string {
	if e.EncounterId != "" {
		return e.EncounterId
	}
	return e.AppointmentId
}
