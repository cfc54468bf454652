package payer

import (
	"testing"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

type events = []es.Event

var blue = &pb.PayerRegistered{PayerId: ID("00621"), Name: "Blue", EdiPayerId: "00621", FilingIndicator: "BL", ReceiverId: "CLEARHOUSE"}

func TestRegister(t *testing.T) {
	decide := func(behavioral *pb.PayerRegistered) func(State, *pb.RegisterPayerRequest) ([]es.Event, error) {
		return func(s State, c *pb.RegisterPayerRequest) ([]es.Event, error) { return Register(s, c, behavioral) }
	}
	ask := func(edi, behavioral string) *pb.RegisterPayerRequest {
		return &pb.RegisterPayerRequest{Name: "Blue", EdiPayerId: edi, FilingIndicator: "BL", ReceiverId: "CLEARHOUSE", BehavioralPayerId: behavioral}
	}
	estest.Run(t, Stream, decide(nil), []estest.Case[*pb.RegisterPayerRequest]{
		{Name: "a payer is registered under the id that its EDI id gives it", When: ask("00621", ""), Then: events{blue}},
		{Name: "an EDI id is registered once", Given: events{blue}, When: ask("00621", ""), Refused: "registry.payer_new"},
		{Name: "the behavioral payer is registered before", When: ask("00621", "pay_9"), Refused: "registry.behavioral_payer_exists"},
		{
			Name: "everything that is wrong is said at once", When: &pb.RegisterPayerRequest{EdiPayerId: "A-1", FilingIndicator: "commercial", ReceiverId: "A B*C"},
			Refused: "registry.named registry.edi_payer_id registry.filing_indicator registry.receiver",
		},
	})
	estest.Run(t, Stream, decide(&pb.PayerRegistered{PayerId: "pay_9", BehavioralPayerId: "pay_8"}), []estest.Case[*pb.RegisterPayerRequest]{
		{Name: "a carve-out is one hop", When: ask("00621", "pay_9"), Refused: "registry.carve_out_one_hop"},
	})
	if ID(" ab1 ") != ID("AB1") || ID("AB1") == ID("AB2") {
		t.Error("an EDI id in small letters is the same payer, another id is not")
	}
}

func TestSetPolicy(t *testing.T) {
	ask := func(change func(*pb.SetPayerPolicyRequest)) *pb.SetPayerPolicyRequest {
		c := &pb.SetPayerPolicyRequest{
			PayerId: blue.PayerId, FromDate: "2026-01-01", TimelyFilingDays: 90, AuthorizationCodes: []string{"90837"}, TelehealthModifier: "95", EvaluationGapDays: 180,
			SupervisedBilling: pb.SupervisedBilling_SUPERVISED_BILLING_NOT_COVERED,
		}
		change(c)
		return c
	}
	plain := func(*pb.SetPayerPolicyRequest) {}
	said := &pb.PayerPolicySet{
		PayerId: blue.PayerId, FromDate: "2026-01-01", TimelyFilingDays: 90, AuthorizationCodes: []string{"90837"}, TelehealthModifier: "95", EvaluationGapDays: 180,
		SupervisedBilling: pb.SupervisedBilling_SUPERVISED_BILLING_NOT_COVERED,
	}
	shorter := &pb.PayerPolicySet{PayerId: blue.PayerId, FromDate: "2026-01-01", TimelyFilingDays: 60, SupervisedBilling: pb.SupervisedBilling_SUPERVISED_BILLING_NOT_COVERED}
	social := &pb.LicenseModifier{LicenseType: typev1.LicenseType_LICENSE_TYPE_CLINICAL_SOCIAL_WORKER, Modifier: "AJ"}
	estest.Run(t, Stream, SetPolicy, []estest.Case[*pb.SetPayerPolicyRequest]{
		{Name: "a payer's rules hold from a day on", Given: events{blue}, When: ask(plain), Then: events{said}},
		{Name: "the same policy again changes nothing", Given: events{blue, said}, When: ask(plain)},
		{Name: "the policy of the same day is replaced", Given: events{blue, shorter}, When: ask(plain), Then: events{said}},
		{Name: "only a registered payer has rules", When: ask(plain), Refused: "registry.payer_exists"},
		{
			Name: "a licence has one modifier", Given: events{blue}, Refused: "registry.license_modifier_unique",
			When: ask(func(c *pb.SetPayerPolicyRequest) { c.LicenseModifiers = []*pb.LicenseModifier{social, social} }),
		},
		{
			Name: "everything that is wrong is said at once", Given: events{blue},
			When:    &pb.SetPayerPolicyRequest{FromDate: "soon", TimelyFilingDays: -1, GroupSizeMax: -1, AuthorizationCodes: []string{"9"}, TelehealthModifier: "video"},
			Refused: "registry.day registry.not_negative registry.not_negative registry.service_code registry.modifier registry.supervised_billing",
		},
	})
}

func TestReactToAnImportedClaim(t *testing.T) {
	commands, err := React(es.Recorded{Event: &exchangev1.ClaimImported{Coverages: []*exchangev1.ImportedCoverage{
		{PayerId: "pay_1", PayerName: "Blue", EdiPayerId: "00621", FilingIndicator: "BL"},
		{PayerId: "pay_2", PayerName: "State"},
	}}}, es.Known{})
	if err != nil || len(commands) != 2 {
		t.Fatalf("%d commands, %v", len(commands), err)
	}
	want := events{
		&pb.PayerRegistered{PayerId: "pay_1", Name: "Blue", EdiPayerId: "00621", FilingIndicator: "BL", ReceiverId: "00621"},
		&pb.PayerRegistered{PayerId: "pay_2", Name: "State"},
	}
	for i, c := range commands {
		got, err := c.Decide(State{})
		if err != nil {
			t.Fatal(err)
		}
		estest.Same(t, got, want[i:i+1])
		if got, err = c.Decide(estest.Fold(Stream, events{blue})); err != nil || len(got) > 0 {
			t.Fatalf("a payer that is known is not touched: %v, %v", got, err)
		}
	}
}
