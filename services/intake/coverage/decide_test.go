package coverage

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

type events = []es.Event

const (
	primary   = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY
	secondary = typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY
	self      = typev1.Relationship_RELATIONSHIP_SELF
	child     = typev1.Relationship_RELATIONSHIP_CHILD
	female    = typev1.Sex_SEX_FEMALE
)

var (
	name    = &typev1.PersonName{Last: "Doe", First: "Pat"}
	parent  = &typev1.PersonName{Last: "Doe", First: "Robin"}
	address = &typev1.Address{Line1: "12 Main St", City: "Springfield", State: "IL", PostalCode: "62701"}
	doe     = &pb.PatientRegistered{PatientId: "pat_1", Name: name, BirthDate: "2010-05-01", Sex: female, Address: address}
	blue    = &registryv1.PayerRegistered{PayerId: "pay_1"}
)

func ask(change func(*pb.AddCoverageRequest)) *pb.AddCoverageRequest {
	c := &pb.AddCoverageRequest{
		PatientId: "pat_1", PayerId: "pay_1", PayerSequence: primary, FromDate: "2026-01-01", Relationship: self, MemberId: "W123456789", Today: "2026-03-02",
	}
	change(c)
	return c
}

func plain(*pb.AddCoverageRequest) {}

func added(id string, place typev1.PayerSequence, from, thru string) *pb.CoverageAdded {
	return &pb.CoverageAdded{
		CoverageId: id, PatientId: "pat_1", PayerId: "pay_1", PayerSequence: place, FromDate: from, ThruDate: thru, Relationship: self, MemberId: "W123456789",
		SubscriberName: name, SubscriberBirthDate: "2010-05-01", SubscriberSex: female, SubscriberAddress: address,
	}
}

func ended(id, thru string) es.Event {
	return &pb.CoverageTerminated{CoverageId: id, PatientId: "pat_1", ThruDate: thru}
}

func add(id string, known Known) func(State, *pb.AddCoverageRequest) ([]es.Event, error) {
	return func(s State, c *pb.AddCoverageRequest) ([]es.Event, error) { return Add(s, c, id, known) }
}

func TestAdd(t *testing.T) {
	open := added("cov_1", primary, "2025-01-01", "")
	otherPlan, elsewhere := added("cov_2", secondary, "2026-01-01", ""), added("cov_1", primary, "2025-01-01", "")
	otherPlan.MemberId, elsewhere.PayerId = "X2", "pay_7"
	dependent := added("cov_2", primary, "2026-01-01", "")
	dependent.Relationship, dependent.SubscriberName, dependent.SubscriberBirthDate = child, parent, "1980-01-01"
	estest.Run(t, Stream, add("cov_2", Known{doe, blue}), []estest.Case[*pb.AddCoverageRequest]{
		{Name: "who is insured oneself is the subscriber", When: ask(plain), Then: events{added("cov_2", primary, "2026-01-01", "")}},
		{
			Name: "who is insured through a parent names the parent; the address is the patient's when none is told", Then: events{dependent},
			When: ask(func(c *pb.AddCoverageRequest) {
				c.Relationship, c.SubscriberName, c.SubscriberBirthDate, c.SubscriberSex = child, parent, "1980-01-01", female
			}),
		},
		{Name: "who is insured through a parent must name the parent", When: ask(func(c *pb.AddCoverageRequest) { c.Relationship = child }), Refused: "intake.subscriber intake.subscriber intake.subscriber"},
		{Name: "who is insured through nobody knows whom misses nobody", When: ask(func(c *pb.AddCoverageRequest) { c.Relationship = 0 }), Refused: "intake.relationship"},
		{Name: "who is insured oneself names nobody else", When: ask(func(c *pb.AddCoverageRequest) { c.SubscriberName = parent }), Refused: "intake.subscriber"},
		{Name: "a second primary at the same time is refused", Given: events{open}, When: ask(plain), Refused: "intake.one_coverage_per_sequence"},
		{Name: "a secondary beside the primary is right", Given: events{open}, When: ask(func(c *pb.AddCoverageRequest) { c.PayerSequence, c.MemberId = secondary, "X2" }), Then: events{otherPlan}},
		{Name: "the same membership is not primary and secondary", Given: events{open}, When: ask(func(c *pb.AddCoverageRequest) { c.PayerSequence = secondary }), Refused: "intake.one_place_per_member_id"},
		{Name: "however it is written", Given: events{open}, When: ask(func(c *pb.AddCoverageRequest) { c.PayerSequence, c.MemberId = secondary, "w12345-67 89" }), Refused: "intake.one_place_per_member_id"},
		{Name: "one after the other it may be", Given: events{open, ended("cov_1", "2025-12-31")}, When: ask(func(c *pb.AddCoverageRequest) { c.PayerSequence = secondary }), Then: events{added("cov_2", secondary, "2026-01-01", "")}},
		{Name: "another payer's number may be the same", Given: events{elsewhere}, When: ask(func(c *pb.AddCoverageRequest) { c.PayerSequence = secondary }), Then: events{added("cov_2", secondary, "2026-01-01", "")}},
		{Name: "the next primary begins when the last has ended", Given: events{open, ended("cov_1", "2025-12-31")}, When: ask(plain), Then: events{added("cov_2", primary, "2026-01-01", "")}},
		{Name: "one day of both is one too many", Given: events{open, ended("cov_1", "2026-01-01")}, When: ask(plain), Refused: "intake.one_coverage_per_sequence"},
		{Name: "a coverage ends after it begins", When: ask(func(c *pb.AddCoverageRequest) { c.ThruDate = "2025-12-31" }), Refused: "intake.period"},
		{
			Name: "everything that is wrong is said at once", When: &pb.AddCoverageRequest{FromDate: "2026-02-30", Relationship: self, MemberId: "?"},
			Refused: "intake.payer_sequence intake.member_id intake.day",
		},
	})
	estest.Run(t, Stream, add("cov_2", Known{}), []estest.Case[*pb.AddCoverageRequest]{
		{Name: "the patient and the payer must exist", When: ask(plain), Refused: "intake.patient_exists intake.payer_exists"},
	})
	estest.Run(t, Stream, add("cov_2", Known{doe, &registryv1.PayerRegistered{PayerId: "pay_1", BehavioralPayerId: "pay_9"}}), []estest.Case[*pb.AddCoverageRequest]{
		{
			Name: "a carve-out that the registry knows is known from the first day", When: ask(plain),
			Then: events{added("cov_2", primary, "2026-01-01", ""), &pb.CarveOutIdentified{CoverageId: "cov_2", PatientId: "pat_1", BehavioralPayerId: "pay_9"}},
		},
	})
	_, err := Add(estest.Fold(Stream, events{open}), ask(plain), "cov_2", Known{doe, blue})
	if err == nil || !strings.Contains(err.Error(), "cov_1") || !strings.Contains(err.Error(), "cov_2") {
		t.Errorf("an overlap names both coverages, it said: %v", err)
	}
}

func TestTerminate(t *testing.T) {
	open, next := added("cov_1", primary, "2026-01-01", ""), added("cov_2", primary, "2026-07-01", "")
	when := func(thru string) *pb.TerminateCoverageRequest {
		return &pb.TerminateCoverageRequest{CoverageId: "cov_1", ThruDate: thru}
	}
	estest.Run(t, Stream, Terminate, []estest.Case[*pb.TerminateCoverageRequest]{
		{Name: "a coverage ends on its last covered day", Given: events{open}, When: when("2026-06-30"), Then: events{ended("cov_1", "2026-06-30")}},
		{Name: "the same day again changes nothing", Given: events{open, ended("cov_1", "2026-06-30")}, When: when("2026-06-30")},
		{Name: "the payer may take it back further", Given: events{open, ended("cov_1", "2026-06-30")}, When: when("2026-05-31"), Then: events{ended("cov_1", "2026-05-31")}},
		{Name: "it does not reach into the next one", Given: events{open, ended("cov_1", "2026-06-30"), next}, When: when("2026-07-31"), Refused: "intake.one_coverage_per_sequence"},
		{Name: "it does not end before it begins", Given: events{open}, When: when("2025-12-31"), Refused: "intake.period"},
		{Name: "the last day is told", Given: events{open}, When: when("soon"), Refused: "intake.day"},
		{Name: "without a day nothing is ended, also where none is told yet", Given: events{open}, When: when(""), Refused: "intake.day"},
		{Name: "a coverage of which no first day is known (imported) ends too", Given: events{added("cov_1", primary, "", "")}, When: when("2026-06-30"), Then: events{ended("cov_1", "2026-06-30")}},
		{Name: "what does not exist can't be ended", When: when("2026-06-30"), Refused: "intake.coverage_exists"},
	})
}

func TestIdentifyCarveOut(t *testing.T) {
	carved := func(to, by string) es.Event {
		return &pb.CarveOutIdentified{CoverageId: "cov_1", PatientId: "pat_1", BehavioralPayerId: to, EligibilityCheckId: by}
	}
	open := added("cov_1", primary, "2026-01-01", "")
	estest.Run(t, Stream, IdentifyCarveOut, []estest.Case[CarveOut]{
		{Name: "the payer named its administrator", Given: events{open}, When: CarveOut{"cov_1", "pay_9", "elg_1"}, Then: events{carved("pay_9", "elg_1")}},
		{Name: "named again, nothing new", Given: events{open, carved("pay_9", "elg_1")}, When: CarveOut{"cov_1", "pay_9", "elg_2"}},
		{Name: "another administrator replaces the first", Given: events{open, carved("pay_9", "elg_1")}, When: CarveOut{"cov_1", "pay_8", "elg_2"}, Then: events{carved("pay_8", "elg_2")}},
		{Name: "a payer that names itself is no carve-out", Given: events{open}, When: CarveOut{"cov_1", "pay_1", "elg_1"}},
	})
}

func TestResponsible(t *testing.T) {
	s := estest.Fold(Stream, events{
		added("cov_2", secondary, "2026-01-01", ""), added("cov_1", primary, "2026-01-01", ""), ended("cov_1", "2026-06-30"), added("cov_3", primary, "2026-07-01", ""),
		&pb.CarveOutIdentified{CoverageId: "cov_3", PatientId: "pat_1", BehavioralPayerId: "pay_9"},
	})
	for _, c := range []struct{ name, day, want string }{
		{"before any coverage nobody pays", "2025-12-31", ""},
		{"primary before secondary", "2026-06-30", "cov_1/pay_1 cov_2/pay_1"},
		{"the administrator stands for the carved-out payer", "2026-07-01", "cov_3/pay_9 cov_2/pay_1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, p := range s.Responsible(c.day) {
				got = append(got, p.CoverageId+"/"+p.PayerId)
			}
			if strings.Join(got, " ") != c.want {
				t.Fatalf("%v, want %s", got, c.want)
			}
		})
	}
}

func TestReactToAnImportedClaim(t *testing.T) {
	when := es.Recorded{Event: &exchangev1.ClaimImported{
		PatientId: "pat_1", ServiceDate: "2026-03-02",
		Coverages:   []*exchangev1.ImportedCoverage{{CoverageId: "cov_1", PayerId: "pay_1", PayerSequence: primary, Relationship: self}},
		Subscribers: []*exchangev1.ImportedSubscriber{{MemberId: "1"}},
	}}
	_, err := React(when, es.Known{})
	var wait *es.WaitError
	if !errors.As(err, &wait) || wait.Key != "pay_1" {
		t.Fatalf("it waits for the payer: %v", err)
	}
	commands, err := React(when, es.Known{"intake.payer": {"pay_1": {&registryv1.PayerRegistered{PayerId: "pay_1", BehavioralPayerId: "pay_9"}}}})
	if err != nil || len(commands) != 1 {
		t.Fatalf("%d commands, %v", len(commands), err)
	}
	got, err := commands[0].Decide(State{})
	if err != nil {
		t.Fatal(err)
	}
	want := events{
		&pb.CoverageAdded{CoverageId: "cov_1", PatientId: "pat_1", PayerId: "pay_1", PayerSequence: primary, FromDate: "2026-03-02", Relationship: self, MemberId: "1"},
		&pb.CarveOutIdentified{CoverageId: "cov_1", PatientId: "pat_1", BehavioralPayerId: "pay_9"},
	}
	estest.Same(t, got, want)
	if got, err = commands[0].Decide(estest.Fold(Stream, want)); err != nil || len(got) > 0 {
		t.Fatalf("the next claim under the same coverage changes nothing: %v, %v", got, err)
	}
}

// Whatever is added and ended in whatever order, on no day do two coverages have the same place.
func TestNoTwoCoveragesInOnePlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s State
		day := func(label string) string { return date.Add("2026-01-01", rapid.IntRange(0, 12).Draw(t, label)) }
		for i := range rapid.IntRange(1, 15).Draw(t, "steps") {
			var es []es.Event
			var err error
			if rapid.Bool().Draw(t, "add") {
				c := ask(func(c *pb.AddCoverageRequest) {
					c.PayerSequence = typev1.PayerSequence(rapid.IntRange(1, 2).Draw(t, "place"))
					c.FromDate = day("from")
					if rapid.Bool().Draw(t, "ends") {
						c.ThruDate = day("thru")
					}
				})
				es, err = Add(s, c, fmt.Sprint("cov_", i), Known{doe, blue})
			} else {
				es, err = Terminate(s, &pb.TerminateCoverageRequest{CoverageId: fmt.Sprint("cov_", rapid.IntRange(0, 14).Draw(t, "which")), ThruDate: day("last")})
			}
			if err != nil && refuse.Reasons(err) == nil {
				t.Fatal(err)
			}
			for _, e := range es {
				s = Evolve(s, e)
			}
			for d := range 14 {
				on := map[typev1.PayerSequence]string{}
				for _, h := range s.All {
					if !h.In(date.Add("2026-01-01", d)) {
						continue
					}
					if other := on[h.Added.PayerSequence]; other != "" {
						t.Fatalf("%s and %s are both %s", other, h.Added.CoverageId, h.Added.PayerSequence)
					}
					on[h.Added.PayerSequence] = h.Added.CoverageId
				}
			}
		}
	})
}
