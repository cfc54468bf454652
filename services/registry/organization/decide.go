package organization

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/registry/identifier"
)

var (
	// New: an organization is registered once. Source: our own choice.
	New = refuse.Rule{ID: "registry.organization_new", Version: 1, Owner: "registry"}
	// Exists: what is priced or located belongs to a registered organization. Source: our own choice.
	Exists = refuse.Rule{ID: "registry.organization_exists", Version: 1, Owner: "registry", NotFound: true}
)

// Register records who bills.
func Register(s State, c *pb.RegisterOrganizationRequest, id string) ([]es.Event, error) {
	var no refuse.List
	no.If(s.Registered != nil, New, "", "organization %s is registered already", id)
	identifier.Name(&no, "name", c.Name)
	identifier.NPI(&no, "npi", c.Npi)
	identifier.TaxID(&no, "tax_id", c.TaxId)
	identifier.Taxonomy(&no, "taxonomy", c.Taxonomy)
	identifier.Street(&no, "address", c.Address)
	identifier.Phone(&no, "phone", c.Phone)
	return no.Or(&pb.OrganizationRegistered{
		OrganizationId: id, Name: c.Name, Npi: c.Npi, TaxId: c.TaxId, Taxonomy: c.Taxonomy, Address: c.Address, Phone: c.Phone,
	})
}

// Import records an organization as another system's file names it, unless it is known.
func Import(s State, e *pb.OrganizationRegistered) ([]es.Event, error) {
	if s.Registered != nil {
		return nil, nil
	}
	return []es.Event{e}, nil
}

// PublishCharges records gross prices from a day on.
func PublishCharges(s State, c *pb.PublishChargeScheduleRequest) ([]es.Event, error) {
	if s.Registered == nil {
		return nil, Missing(c.OrganizationId)
	}
	var no refuse.List
	identifier.Day(&no, "from_date", c.FromDate)
	no.If(len(c.Rates) == 0, identifier.RatesGiven, "rates", "no rate was given")
	published := &pb.ChargeSchedulePublished{OrganizationId: c.OrganizationId, FromDate: c.FromDate}
	seen := map[string]bool{}
	for i, r := range c.Rates {
		at := fmt.Sprintf("rates[%d]", i)
		identifier.Code(&no, at+".service_code", r.ServiceCode)
		identifier.Price(&no, at+".charge", r.Charge)
		no.If(seen[r.ServiceCode], identifier.RateUnique, at, "%s has a price already", r.ServiceCode)
		seen[r.ServiceCode] = true
		published.Rates = append(published.Rates, &pb.ChargeRate{ServiceCode: r.ServiceCode, ChargeAmount: r.Charge.GetAmountMinor()})
	}
	if at, found := s.find(c.FromDate); found && !no.Any() && proto.Equal(s.Schedules[at], published) {
		return nil, nil
	}
	return no.Or(published)
}

// Missing is the refusal of an organization that is not registered.
func Missing(id string) error {
	return refuse.Because(Exists, "organization_id", "there is no organization %s: register it first", id)
}
