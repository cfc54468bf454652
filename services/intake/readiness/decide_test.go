package readiness

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

type events = []es.Event

const (
	day      = "2026-03-02"
	active   = pb.CoverageStatus_COVERAGE_STATUS_ACTIVE
	inactive = pb.CoverageStatus_COVERAGE_STATUS_INACTIVE
	askOther = pb.CoverageStatus_COVERAGE_STATUS_ASK_OTHER_ENTITY
)

func visit(authorization string, coverages ...string) *pb.ReadinessNoted {
	return &pb.ReadinessNoted{PatientId: "pat_1", Fact: &pb.ReadinessNoted_Visit{Visit: &pb.PlannedVisit{AppointmentId: "apt_1", ServiceDate: day, AuthorizationId: authorization, CoverageIds: coverages}}}
}

func over() *pb.ReadinessNoted {
	return &pb.ReadinessNoted{PatientId: "pat_1", Fact: &pb.ReadinessNoted_OverAppointmentId{OverAppointmentId: "apt_1"}}
}

func covered(id, payer string, place int32) *pb.ReadinessNoted {
	return &pb.ReadinessNoted{PatientId: "pat_1", Fact: &pb.ReadinessNoted_Coverage{Coverage: &pb.CoverageKnown{CoverageId: id, PayerId: payer, PayerSequence: typev1.PayerSequence(place), FromDate: "2026-01-01"}}}
}

func ended(id, thru string) *pb.ReadinessNoted {
	return &pb.ReadinessNoted{PatientId: "pat_1", Fact: &pb.ReadinessNoted_CoverageEnd{CoverageEnd: &pb.CoverageEnd{CoverageId: id, ThruDate: thru}}}
}

func carved(id, to string) *pb.ReadinessNoted {
	return &pb.ReadinessNoted{PatientId: "pat_1", Fact: &pb.ReadinessNoted_CarveOut{CarveOut: &pb.CarveOutKnown{CoverageId: id, BehavioralPayerId: to}}}
}

func said(check, payer, about string, status pb.CoverageStatus, change ...func(*pb.EligibilityKnown)) *pb.ReadinessNoted {
	e := &pb.EligibilityKnown{EligibilityCheckId: check, CoverageId: "cov_1", PayerId: payer, ServiceDate: about, Status: status}
	for _, c := range change {
		c(e)
	}
	return &pb.ReadinessNoted{PatientId: "pat_1", Fact: &pb.ReadinessNoted_Eligibility{Eligibility: e}}
}

func wants(payer string, required bool) *pb.ReadinessNoted {
	return &pb.ReadinessNoted{PatientId: "pat_1", Fact: &pb.ReadinessNoted_Wanted{Wanted: &pb.AuthorizationWanted{AppointmentId: "apt_1", PayerId: payer, Required: required}}}
}

func holds(held bool, refused ...*problemv1.Reason) *pb.ReadinessNoted {
	return &pb.ReadinessNoted{PatientId: "pat_1", Fact: &pb.ReadinessNoted_Units{Units: &pb.UnitsKnown{AppointmentId: "apt_1", AuthorizationId: "aut_1", Held: held, Refused: refused}}}
}

func required(e *pb.EligibilityKnown) { e.AuthorizationRequired = true }

func TestAssess(t *testing.T) {
	named := func(e *pb.EligibilityKnown) { e.OtherEntity = "Mind MIND9" }
	known := func(e *pb.EligibilityKnown) { e.OtherPayerId = "pay_9" }
	rejected := func(e *pb.EligibilityKnown) { e.AaaCodes = []string{"72"} }
	later := func(e *pb.EligibilityKnown) { e.AnsweredAt = timestamppb.New(date.Time(day)) }
	policy := wants("pay_1", false)
	exhausted := &problemv1.Reason{RuleId: "authorization.units_within_approval"}
	otherSaysNo := holds(false, exhausted)
	otherSaysNo.GetUnits().AuthorizationId = "aut_2"
	for _, c := range []struct {
		name  string
		facts []*pb.ReadinessNoted
		want  string // status and the rules that are named
	}{
		{"nothing is known of the visit", nil, "PENDING"},
		{"a visit without coverage is self-pay: cleared, and said", []*pb.ReadinessNoted{visit("")}, "CLEARED intake.coverage_known"},
		{"the coverage it was booked under has not been heard of", []*pb.ReadinessNoted{visit("", "cov_1")}, "PENDING intake.coverage_known"},
		{"nobody has asked the payer, and its policy is not known", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1)}, "PENDING intake.eligibility_checked intake.authorization_determined"},
		{"active, and no authorization wanted", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", day, active)}, "CLEARED"},
		{"an answer of 35 days ago still counts", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", "2026-01-26", active)}, "CLEARED"},
		{"one of 36 days ago does not", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", "2026-01-25", active)}, "PENDING intake.eligibility_checked"},
		{"nor one about a later day", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", "2026-03-04", active)}, "PENDING intake.eligibility_checked"},
		{"the answer about the latest day counts, also when another was recorded after it", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", "2026-03-01", inactive), said("elg_2", "pay_1", "2026-02-01", active, later)}, "HELD intake.eligibility_active"},
		{"of two about one day the later counts", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", day, inactive, later), said("elg_2", "pay_1", day, active)}, "HELD intake.eligibility_active"},
		{"the payer rejected the question", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", day, 0, rejected)}, "HELD intake.eligibility_answered"},
		{"the payer answered something else", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", day, 0)}, "HELD intake.eligibility_active"},
		{"another entity runs the benefit, one we don't know", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", day, askOther, named)}, "HELD intake.carve_out_payer_known"},
		{"one we know is being asked", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", day, askOther, named, known)}, "PENDING intake.eligibility_checked"},
		{"the plan's yes is not the administrator's", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), carved("cov_1", "pay_9"), policy, said("elg_1", "pay_1", day, active)}, "PENDING intake.eligibility_checked"},
		{"the administrator's yes clears", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), carved("cov_1", "pay_9"), policy, said("elg_2", "pay_9", day, active)}, "CLEARED"},
		{"where the carve-out was found after booking, the administrator's answer says whether it wants an authorization", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), carved("cov_1", "pay_9"), policy, said("elg_2", "pay_9", day, active, required)}, "HELD intake.authorization_present"},
		{"an administrator that sends us on is nobody we can bill", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), carved("cov_1", "pay_9"), policy, said("elg_2", "pay_9", day, askOther, known)}, "HELD intake.carve_out_payer_known"},
		{"the payer wants an authorization and none was named", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), wants("pay_1", true), said("elg_1", "pay_1", day, active)}, "HELD intake.authorization_present"},
		{"one was named, and has not answered", []*pb.ReadinessNoted{visit("aut_1", "cov_1"), covered("cov_1", "pay_1", 1), wants("pay_1", true), said("elg_1", "pay_1", day, active)}, "PENDING intake.authorization_determined"},
		{"it holds units", []*pb.ReadinessNoted{visit("aut_1", "cov_1"), covered("cov_1", "pay_1", 1), wants("pay_1", true), said("elg_1", "pay_1", day, active), holds(true)}, "CLEARED"},
		{"it has none left: its reasons are told too", []*pb.ReadinessNoted{visit("aut_1", "cov_1"), covered("cov_1", "pay_1", 1), wants("pay_1", true), said("elg_1", "pay_1", day, active), holds(false, exhausted)}, "HELD intake.authorization_present authorization.units_within_approval"},
		{"another one's no is no news while one holds", []*pb.ReadinessNoted{visit("aut_1", "cov_1"), covered("cov_1", "pay_1", 1), wants("pay_1", true), said("elg_1", "pay_1", day, active), holds(true), otherSaysNo}, "CLEARED"},
		{"also when it was heard first", []*pb.ReadinessNoted{visit("aut_1", "cov_1"), covered("cov_1", "pay_1", 1), wants("pay_1", true), said("elg_1", "pay_1", day, active), otherSaysNo, holds(true)}, "CLEARED"},
		{"its units were given back", []*pb.ReadinessNoted{visit("aut_1", "cov_1"), covered("cov_1", "pay_1", 1), wants("pay_1", true), said("elg_1", "pay_1", day, active), holds(true), holds(false)}, "HELD intake.authorization_present"},
		{"refused units of a code that needs none don't hold", []*pb.ReadinessNoted{visit("aut_1", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", day, active), holds(false, exhausted)}, "CLEARED"},
		{"the payer's policy for the code decides over its general answer, which is said", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", day, active, required)}, "CLEARED intake.authorization_present"},
		{"every hold is said at once", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), wants("pay_1", true), said("elg_1", "pay_1", day, inactive)}, "HELD intake.eligibility_active intake.authorization_present"},
		{"the coverage it was booked under has ended", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", day, active), ended("cov_1", "2026-03-01")}, "HELD intake.coverage_known"},
		{"its last day is covered", []*pb.ReadinessNoted{visit("", "cov_1"), covered("cov_1", "pay_1", 1), policy, said("elg_1", "pay_1", day, active), ended("cov_1", day)}, "CLEARED"},
		{"only the first payer is asked", []*pb.ReadinessNoted{visit("", "cov_1", "cov_2"), covered("cov_1", "pay_1", 1), covered("cov_2", "pay_2", 2), policy, said("elg_1", "pay_1", day, active)}, "CLEARED"},
		{"a coverage that came after booking is asked about", []*pb.ReadinessNoted{visit(""), covered("cov_1", "pay_1", 1)}, "PENDING intake.eligibility_checked"},
		{"a visit that is over is asked about no more", []*pb.ReadinessNoted{visit(""), over()}, "PENDING"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s State
			for _, f := range c.facts {
				s = Evolve(s, f)
			}
			status, reasons := Assess(s, "apt_1")
			got := []string{strings.TrimPrefix(status.String(), "READINESS_")}
			for _, r := range reasons {
				got = append(got, r.RuleId)
			}
			if strings.Join(got, " ") != c.want {
				t.Fatalf("%v, want %s", got, c.want)
			}
		})
	}
}

func TestNote(t *testing.T) {
	cleared := func(notes ...*problemv1.Reason) es.Event {
		return &pb.VisitCleared{AppointmentId: "apt_1", PatientId: "pat_1", ServiceDate: day, Notes: notes}
	}
	ready := events{visit("", "cov_1"), covered("cov_1", "pay_1", 1), wants("pay_1", false)}
	done := append(ready[:3:3], said("elg_1", "pay_1", day, active), cleared())
	lapsed := &problemv1.Reason{
		RuleId: "intake.coverage_known", RuleVersion: 1, Owner: "intake",
		Message: "the coverage it was booked under is not in force on 2026-03-02: add the one that is, or book it anew as self-pay",
	}
	held := &pb.VisitHeld{AppointmentId: "apt_1", PatientId: "pat_1", ServiceDate: day, Reasons: []*problemv1.Reason{lapsed}}
	ask := &problemv1.Reason{
		RuleId: "intake.eligibility_checked", RuleVersion: 1, Owner: "intake",
		Message: "payer pay_9 has not said within 35 days before 2026-03-02 whether it covers behavioral services: check eligibility",
	}
	pended := &pb.VisitPended{AppointmentId: "apt_1", PatientId: "pat_1", ServiceDate: day, Reasons: []*problemv1.Reason{ask}}
	estest.Run(t, Stream, Note, []estest.Case[*pb.ReadinessNoted]{
		{Name: "the last missing fact clears the visit", Given: ready, When: said("elg_1", "pay_1", day, active), Then: events{said("elg_1", "pay_1", day, active), cleared()}},
		{Name: "the same fact again changes nothing", Given: done, When: said("elg_1", "pay_1", day, active)},
		{Name: "a fact that changes no answer is noted alone", Given: done, When: said("elg_2", "pay_1", "2026-03-01", active), Then: events{said("elg_2", "pay_1", "2026-03-01", active)}},
		{Name: "a coverage that is taken back holds the visit", Given: done, When: ended("cov_1", "2026-02-28"), Then: events{ended("cov_1", "2026-02-28"), held}},
		{Name: "and gives it free when the payer takes that back", Given: append(done[:5:5], ended("cov_1", "2026-02-28"), held), When: ended("cov_1", "2026-12-31"), Then: events{ended("cov_1", "2026-12-31"), cleared()}},
		{Name: "a cleared visit waits again when another payer turns out to pay", Given: done, When: carved("cov_1", "pay_9"), Then: events{carved("cov_1", "pay_9"), pended}},
		{Name: "a visit that was never answered waits in silence", Given: ready[:1], When: covered("cov_1", "pay_1", 1), Then: events{covered("cov_1", "pay_1", 1)}},
		{Name: "what comes after the visit is not noted", Given: append(done[:5:5], over()), When: holds(true)},
		{Name: "nor is the visit itself, when its end was heard first", Given: events{over()}, When: visit("", "cov_1")},
		{Name: "its end is noted once", Given: events{over()}, When: over()},
	})
}

// In whatever order the streams' facts are interleaved, the visit ends with the same answer, and the last event told is that answer.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		status := func(label string) pb.CoverageStatus { return pb.CoverageStatus(rapid.IntRange(0, 3).Draw(t, label)) }
		streams := [][]*pb.ReadinessNoted{
			{visit(rapid.SampledFrom([]string{"", "aut_1"}).Draw(t, "authorization"), "cov_1")},
			{covered("cov_1", "pay_1", 1)},
			{said("elg_1", "pay_1", day, status("first"))},
			{said("elg_2", rapid.SampledFrom([]string{"pay_1", "pay_9"}).Draw(t, "who"), rapid.SampledFrom([]string{day, "2026-03-01", "2025-12-01"}).Draw(t, "about"), status("second"))},
			{wants("pay_1", rapid.Bool().Draw(t, "wanted"))},
		}
		if rapid.Bool().Draw(t, "carved") {
			streams[1] = append(streams[1], carved("cov_1", "pay_9"))
		}
		if rapid.Bool().Draw(t, "ended") {
			streams[1] = append(streams[1], ended("cov_1", rapid.SampledFrom([]string{day, "2026-02-01"}).Draw(t, "thru")))
		}
		if rapid.Bool().Draw(t, "held") {
			streams = append(streams, []*pb.ReadinessNoted{holds(true)})
		}
		play := func(pick func(open int) int) (pb.Readiness, []*problemv1.Reason) {
			left := append([][]*pb.ReadinessNoted(nil), streams...)
			var s State
			for len(left) > 0 {
				i := pick(len(left))
				fact := left[i][0]
				if left[i] = left[i][1:]; len(left[i]) == 0 {
					left = append(left[:i:i], left[i+1:]...)
				}
				said, err := Note(s, fact)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range said {
					s = Evolve(s, e)
				}
				if again, _ := Note(s, fact); len(again) > 0 {
					t.Fatalf("noted twice: %v", again)
				}
			}
			status, reasons := Assess(s, "apt_1")
			if e := saying(s.Visits["apt_1"], "pat_1", s.Told["apt_1"], status, reasons); e != nil {
				t.Fatalf("never told: %v", e)
			}
			return status, reasons
		}
		status1, reasons1 := play(func(int) int { return 0 })
		status2, reasons2 := play(func(open int) int { return rapid.IntRange(0, open-1).Draw(t, "next") })
		same := status1 == status2 && len(reasons1) == len(reasons2)
		for i := 0; same && i < len(reasons1); i++ {
			same = proto.Equal(reasons1[i], reasons2[i])
		}
		if !same {
			t.Fatalf("%v %v, in another order %v %v", status1, reasons1, status2, reasons2)
		}
	})
}
