package eligibility

import (
	"testing"

	"google.golang.org/protobuf/proto"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/services/intake/coverage"
)

type events = []es.Event

const (
	self     = typev1.Relationship_RELATIONSHIP_SELF
	askOther = pb.CoverageStatus_COVERAGE_STATUS_ASK_OTHER_ENTITY
	active   = pb.CoverageStatus_COVERAGE_STATUS_ACTIVE
)

var (
	name  = &typev1.PersonName{Last: "Doe", First: "Pat"}
	doe   = &pb.PatientRegistered{PatientId: "pat_1", Name: name, BirthDate: "2010-05-01"}
	blue  = &registryv1.PayerRegistered{PayerId: "pay_1", Name: "Blue", EdiPayerId: "00621", ReceiverId: "HOUSE"}
	mind  = &registryv1.PayerRegistered{PayerId: "pay_9", Name: "Mind", EdiPayerId: "MIND9", ReceiverId: "OTHER"}
	group = &registryv1.OrganizationRegistered{OrganizationId: "org_1", Name: "Evergreen", Npi: "1234567893"}
	held  = coverage.Held{
		Added: &pb.CoverageAdded{
			CoverageId: "cov_1", PatientId: "pat_1", PayerId: "pay_1", FromDate: "2026-01-01", Relationship: self, MemberId: "W1", SubscriberName: name,
			SubscriberBirthDate: "2010-05-01",
		},
		ThruDate: "2026-12-31",
	}
)

func asked(id string, hop int32, p *registryv1.PayerRegistered) *pb.EligibilityRequested {
	return &pb.EligibilityRequested{
		EligibilityCheckId: id, CoverageId: "cov_1", PatientId: "pat_1", PayerId: p.PayerId, EdiPayerId: p.EdiPayerId, ReceiverId: p.ReceiverId, PayerName: p.Name,
		ServiceTypeCode: "MH", ServiceDate: "2026-03-02", Hop: hop, OrganizationNpi: "1234567893", OrganizationName: "Evergreen", Relationship: self, MemberId: "W1",
		SubscriberName: name, SubscriberBirthDate: "2010-05-01", PatientName: name, PatientBirthDate: "2010-05-01",
	}
}

func responded(s pb.CoverageStatus, otherEDI string) *pb.EligibilityResponded {
	return &pb.EligibilityResponded{
		EligibilityCheckId: "elg_1", CoverageId: "cov_1", PatientId: "pat_1", PayerId: "pay_1", Status: s, ServiceDate: "2026-03-02", OtherEntityEdiPayerId: otherEDI,
	}
}

func TestAsk(t *testing.T) {
	decide := func(known Known) func(State, *pb.CheckEligibilityRequest) ([]es.Event, error) {
		return func(s State, c *pb.CheckEligibilityRequest) ([]es.Event, error) { return Ask(s, c, "elg_1", known) }
	}
	when := func(day string) *pb.CheckEligibilityRequest {
		return &pb.CheckEligibilityRequest{CoverageId: "cov_1", ServiceDate: day, Today: "2026-03-02"}
	}
	all := Known{doe, &held, blue, group}
	estest.Run(t, Stream, decide(all), []estest.Case[*pb.CheckEligibilityRequest]{
		{Name: "the payer is asked for mental health, about the day", When: when("2026-03-02"), Then: events{asked("elg_1", 1, blue)}},
		{Name: "no day means today", When: when(""), Then: events{asked("elg_1", 1, blue)}},
		{Name: "a day outside the coverage is not asked about", When: when("2027-01-01"), Refused: "intake.coverage_in_force"},
		{Name: "nor one that never was", When: when("2026-02-30"), Refused: "intake.day"},
	})
	all.Payer = mind
	estest.Run(t, Stream, decide(all), []estest.Case[*pb.CheckEligibilityRequest]{
		{Name: "a carve-out known beforehand is asked at once: that is the second hop", When: when(""), Then: events{asked("elg_1", 2, mind)}},
	})
	estest.Run(t, Stream, decide(Known{Patient: doe, Coverage: &held}), []estest.Case[*pb.CheckEligibilityRequest]{
		{Name: "who is asked and who asks must be known", When: when(""), Refused: "intake.payer_exists intake.billing_organization"},
	})
	estest.Run(t, Stream, decide(Known{doe, &held, &registryv1.PayerRegistered{PayerId: "pay_1"}, group}), []estest.Case[*pb.CheckEligibilityRequest]{
		{Name: "a payer without a receiver can't be asked", When: when(""), Refused: "intake.payer_reachable"},
	})
	estest.Run(t, Stream, decide(Known{}), []estest.Case[*pb.CheckEligibilityRequest]{
		{Name: "a coverage that does not exist can't be asked about", When: when(""), Refused: "intake.coverage_exists"},
	})
}

func TestAnswer(t *testing.T) {
	q := asked("elg_1", 1, blue)
	yes := &exchangev1.EligibilityAnswered{EligibilityCheckId: "elg_1", Status: active}
	no := &exchangev1.EligibilityAnswered{EligibilityCheckId: "elg_1", AaaCodes: []string{"72"}, AaaFollowUp: "C"}
	rejected := &pb.EligibilityRejected{EligibilityCheckId: "elg_1", CoverageId: "cov_1", PatientId: "pat_1", AaaCodes: []string{"72"}, FollowUp: "C", PayerId: "pay_1", ServiceDate: "2026-03-02"}
	estest.Run(t, Stream, Answer, []estest.Case[*exchangev1.EligibilityAnswered]{
		{Name: "the payer says yes", Given: events{q}, When: yes, Then: events{responded(active, "")}},
		{Name: "the payer can't say", Given: events{q}, When: no, Then: events{rejected}},
		{Name: "the same answer in a second file changes nothing", Given: events{q, responded(active, "")}, When: yes},
		{Name: "the first answer counts", Given: events{q, rejected}, When: yes},
		{Name: "an answer to a question nobody asked is not recorded", When: yes},
	})
}

func TestReactToAnotherEntity(t *testing.T) {
	look := func(hop int32) es.Known {
		return es.Known{"intake.eligibility_check": {"elg_1": {asked("elg_1", hop, blue)}}, "intake.payer_by_edi": {"MIND9": {mind}, "00621": {blue}}}
	}
	for _, c := range []struct {
		name string
		hop  int32
		said *pb.EligibilityResponded
		asks bool
	}{
		{"the administrator we know is asked", 1, responded(askOther, " mind9 "), true},
		{"one we don't know is not", 1, responded(askOther, "XX"), false},
		{"none is named", 1, responded(askOther, ""), false},
		{"an administrator does not send us further", 2, responded(askOther, "MIND9"), false},
		{"a payer that names itself is not asked again", 1, responded(askOther, "00621"), false},
		{"an active coverage needs nobody else", 1, responded(active, "MIND9"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			commands, err := React(es.Recorded{Event: c.said}, look(c.hop))
			if err != nil || len(commands) > 0 != c.asks {
				t.Fatalf("%d commands, %v", len(commands), err)
			}
			if !c.asks {
				return
			}
			carved, err := commands[0].Decide(coverage.State{All: []coverage.Held{held}})
			if err != nil {
				t.Fatal(err)
			}
			estest.Same(t, carved, events{&pb.CarveOutIdentified{CoverageId: "cov_1", PatientId: "pat_1", BehavioralPayerId: "pay_9", EligibilityCheckId: "elg_1"}})
			next := asked(NextID("elg_1"), 2, mind)
			got, err := commands[1].Decide(State{})
			if err != nil {
				t.Fatal(err)
			}
			estest.Same(t, got, events{next})
			if commands[1].ID != next.EligibilityCheckId {
				t.Errorf("asked on stream %s", commands[1].ID)
			}
			if again, err := commands[1].Decide(State{Requested: proto.CloneOf(next)}); err != nil || len(again) > 0 {
				t.Errorf("asked twice: %v, %v", again, err)
			}
		})
	}
	if _, err := React(es.Recorded{Event: responded(askOther, "MIND9")}, es.Known{}); err == nil {
		t.Error("the answer waits until the question is known")
	}
}
