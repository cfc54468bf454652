package readiness

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

var (
	// CoverageKnown: somebody covers the day of the visit. A visit that was booked without coverage is self-pay: cleared, and said; one that has lost the coverage it was
	// booked under is held. Source: docs/domain.md, "Eligibility lapse". Checked 2026-11-24.
	CoverageKnown = refuse.Rule{ID: "intake.coverage_known", Version: 1, Owner: "intake"}
	// EligibilityChecked: whoever pays behavioral services first was asked about a day at most 35 days before the visit, and has answered.
	// Source: our own choice; plans change by the month.
	EligibilityChecked = refuse.Rule{ID: "intake.eligibility_checked", Version: 1, Owner: "intake"}
	// EligibilityActive: the newest such answer says that behavioral services are covered. Source: docs/domain.md, "Insurance verification". Checked 2026-11-24.
	EligibilityActive = refuse.Rule{ID: "intake.eligibility_active", Version: 1, Owner: "intake"}
	// EligibilityAnswered: the payer did not reject the question. Source: ASC X12 005010X279A1, AAA segments. Checked 2026-11-24.
	EligibilityAnswered = refuse.Rule{ID: "intake.eligibility_answered", Version: 1, Owner: "intake"}
	// CarveOutPayerKnown: where the payer names another entity that runs the benefit, we know that payer. Source: docs/domain.md, denial 109. Checked 2026-11-24.
	CarveOutPayerKnown = refuse.Rule{ID: "intake.carve_out_payer_known", Version: 1, Owner: "registry"}
	// AuthorizationDetermined: it is known whether the payer wants an authorization, and whether the one that was named holds units.
	// Source: our own choice; the answer is a moment away.
	AuthorizationDetermined = refuse.Rule{ID: "intake.authorization_determined", Version: 1, Owner: "authorizations"}
	// AuthorizationPresent: where the payer wants an authorization for the code, one holds units for the visit. The payer's policy for the code decides; without one, what its
	// eligibility answer says. Source: docs/domain.md, denials 197 and 198. Checked 2026-11-24.
	AuthorizationPresent = refuse.Rule{ID: "intake.authorization_present", Version: 1, Owner: "authorizations"}
)

// FreshDays is for how many days after the day it is about an answer counts.
const FreshDays = 35

// Note notes a fact and says what follows for the patient's visits. A fact that is known changes nothing.
func Note(s State, fact *pb.ReadinessNoted) ([]es.Event, error) {
	if s.knows(fact) {
		return nil, nil
	}
	after := s.clone().with(fact)
	events := []es.Event{fact}
	for _, id := range after.toCome() {
		status, reasons := Assess(after, id)
		if e := saying(after.Visits[id], fact.PatientId, after.Told[id], status, reasons); e != nil {
			events = append(events, e)
		}
	}
	return events, nil
}

// knows says whether a fact is known, or is about a visit that is over.
func (s State) knows(fact *pb.ReadinessNoted) bool {
	switch f := fact.Fact.(type) {
	case *pb.ReadinessNoted_Visit:
		return s.Over[f.Visit.AppointmentId] || proto.Equal(s.Visits[f.Visit.AppointmentId], f.Visit)
	case *pb.ReadinessNoted_OverAppointmentId:
		return s.Over[f.OverAppointmentId]
	case *pb.ReadinessNoted_Coverage:
		return proto.Equal(s.Coverages[f.Coverage.CoverageId], f.Coverage)
	case *pb.ReadinessNoted_CoverageEnd:
		return s.Ends[f.CoverageEnd.CoverageId] == f.CoverageEnd.ThruDate
	case *pb.ReadinessNoted_CarveOut:
		return s.CarveOuts[f.CarveOut.CoverageId] == f.CarveOut.BehavioralPayerId
	case *pb.ReadinessNoted_Eligibility:
		return slices.ContainsFunc(s.Answers, func(a *pb.EligibilityKnown) bool { return a.EligibilityCheckId == f.Eligibility.EligibilityCheckId })
	case *pb.ReadinessNoted_Wanted:
		return s.Over[f.Wanted.AppointmentId] || proto.Equal(s.Wanted[f.Wanted.AppointmentId], f.Wanted)
	case *pb.ReadinessNoted_Units:
		return s.Over[f.Units.AppointmentId] || s.heldElsewhere(f.Units) || proto.Equal(s.Units[f.Units.AppointmentId], f.Units)
	}
	return true
}

// toCome are the visits in order of their day.
func (s State) toCome() []string {
	return slices.SortedFunc(maps.Keys(s.Visits), func(a, b string) int {
		return cmp.Or(strings.Compare(s.Visits[a].ServiceDate, s.Visits[b].ServiceDate), strings.Compare(a, b))
	})
}

// saying is the event that tells a new answer; nil when nobody needs to hear it.
func saying(v *pb.PlannedVisit, patient string, told es.Event, status pb.Readiness, reasons []*problemv1.Reason) es.Event {
	var e es.Event
	switch status {
	case pb.Readiness_READINESS_CLEARED:
		e = &pb.VisitCleared{AppointmentId: v.AppointmentId, PatientId: patient, ServiceDate: v.ServiceDate, Notes: reasons}
	case pb.Readiness_READINESS_HELD:
		e = &pb.VisitHeld{AppointmentId: v.AppointmentId, PatientId: patient, ServiceDate: v.ServiceDate, Reasons: reasons}
	default:
		if _, pended := told.(*pb.VisitPended); pended || told == nil {
			return nil // it is pending as it was, be it for another reason
		}
		e = &pb.VisitPended{AppointmentId: v.AppointmentId, PatientId: patient, ServiceDate: v.ServiceDate, Reasons: reasons}
	}
	if told != nil && proto.Equal(told, e) {
		return nil
	}
	return e
}

// Assess is whether a visit is clear to happen, and why: what to mend when it is held, what is missing when it is pending, what to know when it is cleared. A visit that
// is not known here (yet, or any more) is pending without reasons.
func Assess(s State, appointmentID string) (pb.Readiness, []*problemv1.Reason) {
	v := s.Visits[appointmentID]
	if v == nil {
		return pb.Readiness_READINESS_PENDING, nil
	}
	var hold, wait, notes refuse.List
	first := s.first(v.ServiceDate)
	switch {
	case slices.ContainsFunc(v.CoverageIds, func(id string) bool { return s.Coverages[id] == nil }):
		wait.If(true, CoverageKnown, "", "a coverage of the patient is not known here yet")
	case first == nil && len(v.CoverageIds) > 0:
		hold.If(true, CoverageKnown, "", "the coverage it was booked under is not in force on %s: add the one that is, or book it anew as self-pay", v.ServiceDate)
	case first == nil:
		notes.If(true, CoverageKnown, "", "nobody covers %s: the patient pays", v.ServiceDate)
	default:
		answer := s.eligible(&hold, &wait, v, first)
		s.authorized(&hold, &wait, &notes, v, first, answer)
	}
	switch {
	case hold.Any():
		return pb.Readiness_READINESS_HELD, hold.Reasons()
	case wait.Any():
		return pb.Readiness_READINESS_PENDING, wait.Reasons()
	}
	return pb.Readiness_READINESS_CLEARED, notes.Reasons()
}

// payer is who pays first on a day.
type payer struct {
	coverage  *pb.CoverageKnown
	id        string // who pays behavioral services
	carvedOut bool
}

// first is who pays first on a day; nil: nobody.
func (s State) first(day string) *payer {
	var in []*pb.CoverageKnown
	for _, c := range s.Coverages {
		thru, ended := s.Ends[c.CoverageId]
		if !ended {
			thru = c.ThruDate
		}
		if date.Within(day, c.FromDate, thru) {
			in = append(in, c)
		}
	}
	if len(in) == 0 {
		return nil
	}
	c := slices.MinFunc(in, func(a, b *pb.CoverageKnown) int {
		return cmp.Or(cmp.Compare(a.PayerSequence, b.PayerSequence), strings.Compare(b.FromDate, a.FromDate), strings.Compare(a.CoverageId, b.CoverageId))
	})
	if to := s.CarveOuts[c.CoverageId]; to != "" {
		return &payer{c, to, to != c.PayerId}
	}
	return &payer{c, c.PayerId, false}
}

// eligible judges the answer that counts for the visit, and returns it; nil: there is none.
func (s State) eligible(hold, wait *refuse.List, v *pb.PlannedVisit, p *payer) *pb.EligibilityKnown {
	answer := s.answer(v.ServiceDate, p)
	if answer == nil {
		wait.If(true, EligibilityChecked, "", "payer %s has not said within %d days before %s whether it covers behavioral services: check eligibility", p.id, FreshDays, v.ServiceDate)
		return nil
	}
	switch answer.Status {
	case pb.CoverageStatus_COVERAGE_STATUS_ACTIVE:
	case pb.CoverageStatus_COVERAGE_STATUS_INACTIVE:
		hold.If(true, EligibilityActive, "", "payer %s says that behavioral services are not covered on %s: ask the patient for the coverage in force", p.id, answer.ServiceDate)
	case pb.CoverageStatus_COVERAGE_STATUS_ASK_OTHER_ENTITY:
		asked := answer.OtherPayerId != "" && !p.carvedOut && answer.OtherPayerId != p.id
		wait.If(asked, EligibilityChecked, "", "payer %s runs the benefit: it is being asked", answer.OtherPayerId)
		hold.If(!asked, CarveOutPayerKnown, "", "payer %s says that another entity runs the benefit (%s): register that payer with its EDI id, then check eligibility again", p.id, or(answer.OtherEntity, "not named"))
	default:
		if len(answer.AaaCodes) == 0 {
			hold.If(true, EligibilityActive, "", "payer %s did not say whether behavioral services are covered: ask it another way", p.id)
			break
		}
		hold.If(true, EligibilityAnswered, "", "payer %s rejected the question (AAA %s, follow-up %s): mend the coverage's data and check eligibility again",
			p.id, strings.Join(answer.AaaCodes, " "), or(answer.FollowUp, "not told"))
	}
	return answer
}

// answer is the payer's newest answer that counts on a day: about that day or at most 35 days before. One day after is let pass, since the day asked about by default is a day of
// UTC, which may be the next one in the evening.
func (s State) answer(day string, p *payer) *pb.EligibilityKnown {
	for _, a := range slices.Backward(s.Answers) {
		if a.CoverageId != p.coverage.CoverageId || a.PayerId != p.id {
			continue
		}
		if age := date.Days(a.ServiceDate, day); age >= -1 && age <= FreshDays {
			return a
		}
	}
	return nil
}

func (s State) authorized(hold, wait, notes *refuse.List, v *pb.PlannedVisit, p *payer, answer *pb.EligibilityKnown) {
	wanted, byPolicy := answer.GetAuthorizationRequired(), false
	switch w := s.Wanted[v.AppointmentId]; {
	case w != nil && w.PayerId == p.id:
		wanted, byPolicy = w.Required, true
	case w == nil && len(v.CoverageIds) > 0: // the question is asked when a visit is booked under a coverage
		wait.If(true, AuthorizationDetermined, "", "whether the payer wants an authorization is not known yet")
		return
	}
	if !wanted {
		notes.If(byPolicy && answer.GetAuthorizationRequired(), AuthorizationPresent, "",
			"payer %s says that it wants authorizations for behavioral services; its policy does not list this code", p.id)
		return
	}
	units := s.Units[v.AppointmentId]
	switch {
	case units.GetHeld():
	case units != nil && len(units.Refused) > 0:
		hold.If(true, AuthorizationPresent, "", "payer %s wants an authorization, and %s holds no units for the visit", p.id, units.AuthorizationId)
		hold.Add(units.Refused...)
	case units == nil && v.AuthorizationId != "":
		wait.If(true, AuthorizationDetermined, "", "whether %s holds units for the visit is not known yet", v.AuthorizationId)
	default:
		hold.If(true, AuthorizationPresent, "", "payer %s wants an authorization, and none holds units for the visit: request one and reserve its units", p.id)
	}
}

func or(said, otherwise string) string {
	if said == "" {
		return otherwise
	}
	return said
}
