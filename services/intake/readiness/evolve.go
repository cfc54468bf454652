// Package readiness is the stream that decides whether a patient's visits to come are clear to happen.
//
// What it depends on happens on many streams, of this service and of authorization, in any order. React notes each such fact on one stream per patient, so that two facts
// that arrive at once are decided one after the other and none is missed. A visit is pending (something is not known yet), cleared, or held (somebody must act); Note
// says so by an event when it changes, Assess says it to whoever asks. The promise: the order in which facts arrive does not matter (TestOrderDoesNotMatter).
package readiness

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is what is known of a patient.
type State struct {
	Visits    map[string]*pb.PlannedVisit        // to come, by appointment
	Over      map[string]bool                    // appointments of which nothing is asked any more
	Told      map[string]es.Event                // the last VisitCleared, VisitHeld or VisitPended, by appointment
	Coverages map[string]*pb.CoverageKnown       // by coverage
	Ends      map[string]string                  // by coverage: last covered day, where it was ended
	CarveOuts map[string]string                  // by coverage: who pays behavioral services
	Answers   []*pb.EligibilityKnown             // by the day asked about, then by when they were recorded
	Wanted    map[string]*pb.AuthorizationWanted // by appointment
	Units     map[string]*pb.UnitsKnown          // by appointment
}

// Stream is the stream of what is known of a patient's visits; its id is the patient's.
var Stream = es.Stream[State]{Kind: "readiness", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.ReadinessNoted:
		return s.with(e)
	case *pb.VisitCleared:
		return s.told(e.AppointmentId, e)
	case *pb.VisitHeld:
		return s.told(e.AppointmentId, e)
	case *pb.VisitPended:
		return s.told(e.AppointmentId, e)
	}
	return s
}

func (s State) told(appointment string, e es.Event) State {
	if !s.Over[appointment] {
		s.Told[appointment] = e
	}
	return s
}

// with adds a fact.
func (s State) with(e *pb.ReadinessNoted) State {
	if s.Visits == nil {
		s = State{
			Visits: map[string]*pb.PlannedVisit{}, Over: map[string]bool{}, Told: map[string]es.Event{}, Coverages: map[string]*pb.CoverageKnown{},
			Ends: map[string]string{}, CarveOuts: map[string]string{}, Wanted: map[string]*pb.AuthorizationWanted{}, Units: map[string]*pb.UnitsKnown{},
		}
	}
	switch f := e.Fact.(type) {
	case *pb.ReadinessNoted_Visit:
		s.Visits[f.Visit.AppointmentId] = f.Visit
	case *pb.ReadinessNoted_OverAppointmentId:
		id := f.OverAppointmentId
		s.Over[id] = true
		delete(s.Visits, id)
		delete(s.Told, id)
		delete(s.Wanted, id)
		delete(s.Units, id)
	case *pb.ReadinessNoted_Coverage:
		s.Coverages[f.Coverage.CoverageId] = f.Coverage
	case *pb.ReadinessNoted_CoverageEnd:
		s.Ends[f.CoverageEnd.CoverageId] = f.CoverageEnd.ThruDate
	case *pb.ReadinessNoted_CarveOut:
		s.CarveOuts[f.CarveOut.CoverageId] = f.CarveOut.BehavioralPayerId
	case *pb.ReadinessNoted_Eligibility:
		s.Answers = append(s.Answers, f.Eligibility)
		slices.SortFunc(s.Answers, func(a, b *pb.EligibilityKnown) int {
			return cmp.Or(strings.Compare(a.ServiceDate, b.ServiceDate), a.AnsweredAt.AsTime().Compare(b.AnsweredAt.AsTime()), strings.Compare(a.EligibilityCheckId, b.EligibilityCheckId))
		})
	case *pb.ReadinessNoted_Wanted:
		s.Wanted[f.Wanted.AppointmentId] = f.Wanted
	case *pb.ReadinessNoted_Units:
		if s.heldElsewhere(f.Units) {
			break
		}
		s.Units[f.Units.AppointmentId] = f.Units
	}
	return s
}

// heldElsewhere says that another authorization holds units for the visit: that this one does not is no news then, whichever of the two is heard first.
func (s State) heldElsewhere(u *pb.UnitsKnown) bool {
	has := s.Units[u.AppointmentId]
	return has.GetHeld() && !u.Held && has.AuthorizationId != u.AuthorizationId
}

// clone is a state that can be folded further without touching this one.
func (s State) clone() State {
	return State{
		Visits: maps.Clone(s.Visits), Over: maps.Clone(s.Over), Told: maps.Clone(s.Told), Coverages: maps.Clone(s.Coverages), Ends: maps.Clone(s.Ends),
		CarveOuts: maps.Clone(s.CarveOuts), Answers: slices.Clone(s.Answers), Wanted: maps.Clone(s.Wanted), Units: maps.Clone(s.Units),
	}
}
