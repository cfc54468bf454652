// Package allocation is the stream that decides from which authorization the units of each of a patient's visits come.
//
// Visits, approvals and answers of unit ledgers happen on many streams, in any order: an authorization may be approved after the visit it covers was coded. React notes each such
// fact on one stream per patient, so that two facts that arrive at once are decided one after the other and no visit is covered twice or missed. What follows is told
// as UnitsAssigned, oldest service first; the ledger of the authorization (package unitledger) answers, and its no lets the next authorization be asked.
// The promise: the order in which facts arrive does not matter, and a visit has units of one authorization of a payer at most (TestInAnyOrder).
package allocation

import (
	"maps"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// place is a visit, by its encounter or, as long as it is to come, its appointment, at an authorization.
type place struct{ visit, authorization string }

// State is what is known of a patient.
type State struct {
	Visits    map[string]*pb.VisitToCover // by encounter, or appointment
	Over      map[string]bool             // appointments that hold nothing any more: given, cancelled, or nobody came
	Approvals map[string]*pb.ApprovalKnown
	Assigned  map[place]*pb.UnitsAssigned // what was asked for last
	Refused   map[place]bool              // and was answered with no
	Again     map[place]bool              // but the no may be a yes now
	ByHand    map[place]bool              // holds that nobody here asked for
	Reasons   map[string]string           // by appointment: why it is over
}

// Stream is the stream of what is known of a patient's visits and authorizations; its id is the patient's.
var Stream = es.Stream[State]{Kind: "allocation", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if s.Visits == nil {
		s = State{
			Visits: map[string]*pb.VisitToCover{}, Over: map[string]bool{}, Approvals: map[string]*pb.ApprovalKnown{}, Assigned: map[place]*pb.UnitsAssigned{},
			Refused: map[place]bool{}, Again: map[place]bool{}, ByHand: map[place]bool{}, Reasons: map[string]string{},
		}
	}
	switch e := event.(type) {
	case *pb.AllocationNoted:
		s.note(e)
	case *pb.UnitsAssigned:
		at := place{visitID(e.EncounterId, e.AppointmentId), e.AuthorizationId}
		s.Assigned[at] = e
		if e.Units > 0 { // giving back is no question, and the answer to the last one holds
			delete(s.Refused, at)
			delete(s.Again, at)
		}
		if hold := (place{e.AppointmentId, e.AuthorizationId}); e.EncounterId != "" || e.Units == 0 {
			// The ledger turns the hold of a visit that was given into use, or frees it.
			delete(s.ByHand, hold)
			if e.EncounterId != "" {
				delete(s.Assigned, hold)
			}
		}
	}
	return s
}

func (s State) note(e *pb.AllocationNoted) {
	switch f := e.Fact.(type) {
	case *pb.AllocationNoted_Visit:
		v := f.Visit
		id := visitID(v.EncounterId, v.AppointmentId)
		s.Visits[id] = v
		s.askAgain(func(at place) bool { return at.visit == id })
		if v.EncounterId != "" && v.AppointmentId != "" {
			s.over(v.AppointmentId, "the visit was given under another authorization, or needs none")
		}
	case *pb.AllocationNoted_Over:
		s.over(f.Over.AppointmentId, f.Over.Reason)
	case *pb.AllocationNoted_Approval:
		s.Approvals[f.Approval.AuthorizationId] = f.Approval
		s.askAgain(func(at place) bool { return at.authorization == f.Approval.AuthorizationId })
	case *pb.AllocationNoted_Hold:
		s.ByHand[place{f.Hold.AppointmentId, f.Hold.AuthorizationId}] = true
	case *pb.AllocationNoted_Refusal:
		s.Refused[place{visitID(f.Refusal.EncounterId, f.Refusal.AppointmentId), f.Refusal.AuthorizationId}] = true
	case *pb.AllocationNoted_FreedAuthorizationId:
		s.askAgain(func(at place) bool { return at.authorization == f.FreedAuthorizationId })
	}
}

func (s State) over(appointment, reason string) {
	if !s.Over[appointment] {
		s.Over[appointment], s.Reasons[appointment] = true, reason
	}
	delete(s.Visits, appointment)
}

// askAgain takes back the refusals that may have become a yes.
func (s State) askAgain(which func(place) bool) {
	for at := range s.Refused {
		if which(at) {
			s.Again[at] = true
			delete(s.Refused, at)
		}
	}
}

// visitID names a visit: by its encounter once it was given.
func visitID(encounter, appointment string) string {
	if encounter != "" {
		return encounter
	}
	return appointment
}

// clone is a state that can be folded further without touching this one.
func (s State) clone() State {
	return State{
		Visits: maps.Clone(s.Visits), Over: maps.Clone(s.Over), Approvals: maps.Clone(s.Approvals), Assigned: maps.Clone(s.Assigned), Refused: maps.Clone(s.Refused),
		Again: maps.Clone(s.Again), ByHand: maps.Clone(s.ByHand), Reasons: maps.Clone(s.Reasons),
	}
}
