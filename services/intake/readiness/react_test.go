package readiness

import (
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

func TestReact(t *testing.T) {
	at := date.Time(day)
	when := func(e *pb.EligibilityKnown) { e.AnsweredAt = timestamppb.New(at) }
	exhausted := &problemv1.Reason{RuleId: "authorization.units_within_approval"}
	look := es.Known{
		"intake.authorization": {"aut_1": {&authorizationv1.AuthorizationRequested{AuthorizationId: "aut_1", PatientId: "pat_1"}}},
		"intake.payer_by_edi":  {"MIND9": {&registryv1.PayerRegistered{PayerId: "pay_9"}}},
	}
	for _, c := range []struct {
		name string
		when es.Event
		then *pb.ReadinessNoted
	}{
		{"a visit is booked under its coverages", &pb.AppointmentScheduled{
			AppointmentId: "apt_1", PatientId: "pat_1", ServiceDate: day, AuthorizationId: "aut_1", ResponsiblePayers: []*pb.ResponsiblePayer{{CoverageId: "cov_1"}, {CoverageId: "cov_2"}},
		}, visit("aut_1", "cov_1", "cov_2")},
		{"a cancelled visit is over", &pb.AppointmentCancelled{AppointmentId: "apt_1", PatientId: "pat_1"}, over()},
		{"a visit that was missed is over", &pb.AppointmentNoShowed{AppointmentId: "apt_1", PatientId: "pat_1"}, over()},
		{"a visit that has begun is over", &pb.AppointmentCheckedIn{AppointmentId: "apt_1", PatientId: "pat_1"}, over()},
		{"a coverage is added", &pb.CoverageAdded{CoverageId: "cov_1", PatientId: "pat_1", PayerId: "pay_1", PayerSequence: 1, FromDate: "2026-01-01"}, covered("cov_1", "pay_1", 1)},
		{"a coverage ends", &pb.CoverageTerminated{CoverageId: "cov_1", PatientId: "pat_1", ThruDate: day}, ended("cov_1", day)},
		{"a carve-out is found", &pb.CarveOutIdentified{CoverageId: "cov_1", PatientId: "pat_1", BehavioralPayerId: "pay_9"}, carved("cov_1", "pay_9")},
		{"the payer says yes", &pb.EligibilityResponded{EligibilityCheckId: "elg_1", CoverageId: "cov_1", PatientId: "pat_1", PayerId: "pay_1", ServiceDate: day, Status: active, AuthorizationRequired: true},
			said("elg_1", "pay_1", day, active, required, when)},
		{"the payer names an entity that we know", &pb.EligibilityResponded{
			EligibilityCheckId: "elg_1", CoverageId: "cov_1", PatientId: "pat_1", PayerId: "pay_1", ServiceDate: day, Status: askOther, OtherEntityName: "Mind", OtherEntityEdiPayerId: "mind9",
		}, said("elg_1", "pay_1", day, askOther, when, func(e *pb.EligibilityKnown) { e.OtherEntity, e.OtherPayerId = "Mind mind9", "pay_9" })},
		{"the payer names one that we don't", &pb.EligibilityResponded{
			EligibilityCheckId: "elg_1", CoverageId: "cov_1", PatientId: "pat_1", PayerId: "pay_1", ServiceDate: day, Status: askOther, OtherEntityEdiPayerId: "X",
		}, said("elg_1", "pay_1", day, askOther, when, func(e *pb.EligibilityKnown) { e.OtherEntity = "X" })},
		{"the payer rejects the question", &pb.EligibilityRejected{EligibilityCheckId: "elg_1", CoverageId: "cov_1", PatientId: "pat_1", PayerId: "pay_1", ServiceDate: day, AaaCodes: []string{"72"}, FollowUp: "C"},
			said("elg_1", "pay_1", day, 0, when, func(e *pb.EligibilityKnown) { e.AaaCodes, e.FollowUp = []string{"72"}, "C" })},
		{"the payer's policy is looked up", &authorizationv1.AuthorizationRequirementDetermined{AppointmentId: "apt_1", PatientId: "pat_1", PayerId: "pay_1", Required: true}, wants("pay_1", true)},
		{"units are held", &authorizationv1.UnitsReserved{AuthorizationId: "aut_1", AppointmentId: "apt_1"}, holds(true)},
		{"units are given back", &authorizationv1.UnitsReleased{AuthorizationId: "aut_1", AppointmentId: "apt_1"}, holds(false)},
		{"units are refused", &authorizationv1.UnitsRefused{AuthorizationId: "aut_1", AppointmentId: "apt_1", PatientId: "pat_1", Reasons: []*problemv1.Reason{exhausted}}, holds(false, exhausted)},
		{"units refused to a visit that was given are another's work", &authorizationv1.UnitsRefused{AuthorizationId: "aut_1", EncounterId: "enc_1", PatientId: "pat_1"}, nil},
		{"what decides nothing is not noted", &pb.PatientRegistered{PatientId: "pat_1"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			commands, err := React(es.Recorded{Event: c.when, RecordedAt: at}, look)
			if err != nil {
				t.Fatal(err)
			}
			var got, want events
			for _, command := range commands {
				if command.ID != "pat_1" || command.Kind != "readiness" {
					t.Errorf("noted on %s/%s", command.Kind, command.ID)
				}
				got = append(got, command.Request.(es.Event))
			}
			if c.then != nil {
				want = events{c.then}
			}
			estest.Same(t, got, want)
		})
	}
	if _, err := React(es.Recorded{Event: &authorizationv1.UnitsReserved{AuthorizationId: "aut_9"}}, look); err == nil {
		t.Error("units wait until it is known whose they are")
	}
}
