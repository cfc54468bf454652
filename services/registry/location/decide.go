package location

import (
	"regexp"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/registry/identifier"
	"github.com/evenkeel/evenkeel/services/registry/organization"
)

var (
	// New: a location is registered once. Source: our own choice.
	New = refuse.Rule{ID: "registry.location_new", Version: 1, Owner: "registry"}
	// Exists: clinicians work at registered locations. Source: our own choice.
	Exists = refuse.Rule{ID: "registry.location_exists", Version: 1, Owner: "registry", NotFound: true}
	// PlaceOfService: the place of visits in person has two digits and is not one of telehealth (02, 10), which follow from the visit.
	// Source: CMS place of service code set. Checked 2026-11-24.
	PlaceOfService = refuse.Rule{ID: "registry.place_of_service", Version: 1, Owner: "registry"}
	// TimeZone: a location has a time zone, since it decides on which day a visit was. Source: IANA time zone database.
	TimeZone = refuse.Rule{ID: "registry.time_zone", Version: 1, Owner: "registry"}
)

// Known is what the decision to register is told of what lies outside the stream.
type Known struct{ Organization, TimeZone bool }

var place = regexp.MustCompile(`^\d{2}$`)

// Telehealth says whether a place of service code means that the patient was elsewhere.
func Telehealth(code string) bool { return code == "02" || code == "10" }

// Register records a location.
func Register(s State, c *pb.RegisterLocationRequest, id string, known Known) ([]es.Event, error) {
	var no refuse.List
	no.If(s.Registered != nil, New, "", "location %s is registered already", id)
	no.If(!known.Organization, organization.Exists, "organization_id", "there is no organization %s: register it first", c.OrganizationId)
	identifier.Name(&no, "name", c.Name)
	if c.Npi != "" {
		identifier.NPI(&no, "npi", c.Npi)
	}
	no.If(!place.MatchString(c.PlaceOfService) || Telehealth(c.PlaceOfService), PlaceOfService, "place_of_service",
		"%q is no place of visits in person: two digits, not 02 or 10", c.PlaceOfService)
	identifier.Street(&no, "address", c.Address)
	no.If(!known.TimeZone, TimeZone, "time_zone", "%q is not a time zone: write its IANA name, as America/Chicago", c.TimeZone)
	return no.Or(&pb.LocationRegistered{
		LocationId: id, OrganizationId: c.OrganizationId, Name: c.Name, Npi: c.Npi, PlaceOfService: c.PlaceOfService, Address: c.Address, TimeZone: c.TimeZone,
	})
}

// Import records a location as another system's file names it, unless it is known.
func Import(s State, e *pb.LocationRegistered) ([]es.Event, error) {
	if s.Registered != nil {
		return nil, nil
	}
	return []es.Event{e}, nil
}
