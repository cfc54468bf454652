package organization

import (
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/pkg/money"
)

type events = []es.Event

var (
	address    = &typev1.Address{Line1: "12 Main St", City: "Springfield", State: "IL", PostalCode: "62701"}
	registered = &pb.OrganizationRegistered{OrganizationId: "org_1", Name: "Evergreen Group", Npi: "1234567893", TaxId: "123456789", Taxonomy: "261QM0801X", Address: address}
)

func TestRegister(t *testing.T) {
	decide := func(s State, c *pb.RegisterOrganizationRequest) ([]es.Event, error) { return Register(s, c, "org_1") }
	right := &pb.RegisterOrganizationRequest{Name: "Evergreen Group", Npi: "1234567893", TaxId: "123456789", Taxonomy: "261QM0801X", Address: address}
	estest.Run(t, Stream, decide, []estest.Case[*pb.RegisterOrganizationRequest]{
		{Name: "an organization with its numbers is registered", When: right, Then: events{registered}},
		{Name: "it is registered once", Given: events{registered}, When: right, Refused: "registry.organization_new"},
		{
			Name: "everything that is wrong is said at once",
			When: &pb.RegisterOrganizationRequest{
				Npi: "1234567890", TaxId: "12", Taxonomy: "X", Phone: "1",
				Address: &typev1.Address{Line1: "PO Box 1", City: "Springfield", State: "IL", PostalCode: "62701"},
			},
			Refused: "registry.named registry.npi registry.tax_id registry.taxonomy registry.street_address registry.phone",
		},
	})
}

func TestImport(t *testing.T) {
	bare := &pb.OrganizationRegistered{OrganizationId: "org_1", Name: "Old Group", Npi: "123456789"}
	estest.Run(t, Stream, Import, []estest.Case[*pb.OrganizationRegistered]{
		{Name: "another system's organization is recorded as it is, a short NPI and no tax id included", When: bare, Then: events{bare}},
		{Name: "what is registered already is not touched", Given: events{registered}, When: bare},
	})
}

func TestPublishCharges(t *testing.T) {
	ask := func(from string, prices ...*pb.ChargePrice) *pb.PublishChargeScheduleRequest {
		return &pb.PublishChargeScheduleRequest{OrganizationId: "org_1", FromDate: from, Rates: prices}
	}
	price := func(code string, cents int64) *pb.ChargePrice {
		return &pb.ChargePrice{ServiceCode: code, Charge: money.Of(cents)}
	}
	said := func(from, code string, cents int64) es.Event {
		return &pb.ChargeSchedulePublished{OrganizationId: "org_1", FromDate: from, Rates: []*pb.ChargeRate{{ServiceCode: code, ChargeAmount: cents}}}
	}
	estest.Run(t, Stream, PublishCharges, []estest.Case[*pb.PublishChargeScheduleRequest]{
		{Name: "prices hold from a day on", Given: events{registered}, When: ask("2026-01-01", price("90837", 20000)), Then: events{said("2026-01-01", "90837", 20000)}},
		{Name: "the same schedule again changes nothing", Given: events{registered, said("2026-01-01", "90837", 20000)}, When: ask("2026-01-01", price("90837", 20000))},
		{
			Name: "the schedule of the same day is replaced", Given: events{registered, said("2026-01-01", "90837", 20000), said("2026-07-01", "90837", 22000)},
			When: ask("2026-01-01", price("90837", 21000)), Then: events{said("2026-01-01", "90837", 21000)},
		},
		{Name: "a code has one price", Given: events{registered}, When: ask("2026-01-01", price("90837", 1), price("90837", 2)), Refused: "registry.rate_unique"},
		{
			Name: "a price is above zero, a code has five characters, a day exists", Given: events{registered}, When: ask("2026-02-30", price("9083", 0)),
			Refused: "registry.day registry.service_code registry.rate_positive",
		},
		{Name: "a schedule without prices prices nothing", Given: events{registered}, When: ask("2026-01-01"), Refused: "registry.rates_given"},
		{Name: "nobody charges who is not registered", When: ask("2026-01-01", price("90837", 1)), Refused: "registry.organization_exists"},
	})
}
