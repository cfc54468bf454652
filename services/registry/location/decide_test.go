package location

import (
	"testing"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

type events = []es.Event

var address = &typev1.Address{Line1: "12 Main St", City: "Springfield", State: "IL", PostalCode: "62701"}

func TestRegister(t *testing.T) {
	decide := func(known Known) func(State, *pb.RegisterLocationRequest) ([]es.Event, error) {
		return func(s State, c *pb.RegisterLocationRequest) ([]es.Event, error) {
			return Register(s, c, "loc_1", known)
		}
	}
	ask := func(place string) *pb.RegisterLocationRequest {
		return &pb.RegisterLocationRequest{OrganizationId: "org_1", Name: "Downtown", PlaceOfService: place, Address: address, TimeZone: "America/Chicago"}
	}
	said := &pb.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1", Name: "Downtown", PlaceOfService: "11", Address: address, TimeZone: "America/Chicago"}
	estest.Run(t, Stream, decide(Known{true, true}), []estest.Case[*pb.RegisterLocationRequest]{
		{Name: "a location without an NPI of its own bills under the organization's", When: ask("11"), Then: events{said}},
		{Name: "it is registered once", Given: events{said}, When: ask("11"), Refused: "registry.location_new"},
		{Name: "telehealth is no place of visits in person", When: ask("10"), Refused: "registry.place_of_service"},
	})
	estest.Run(t, Stream, decide(Known{}), []estest.Case[*pb.RegisterLocationRequest]{
		{Name: "its organization and its time zone must exist", When: ask("11"), Refused: "registry.organization_exists registry.time_zone"},
	})
}

func TestReactToAnImportedClaim(t *testing.T) {
	imported := func(place string, at *claimsv1.Provider) es.Recorded {
		return es.Recorded{Event: &exchangev1.ClaimImported{
			OrganizationId: "org_1", LocationId: "loc_1", PlaceOfService: place, ServiceLocation: at,
			BillingProvider: &claimsv1.Provider{OrganizationName: "Old Group", Npi: "1234567893", Address: address},
		}}
	}
	clinic := &claimsv1.Provider{OrganizationName: "Clinic North", Npi: "123"}
	known := &pb.LocationRegistered{LocationId: "loc_1"}
	for _, c := range []struct {
		name  string
		given events
		when  es.Recorded
		then  events
	}{
		{"the service location of the file is registered", nil, imported("53", clinic), events{&pb.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1", Name: "Clinic North", Npi: "123", PlaceOfService: "53"}}},
		{"where the file names none, the billing provider's address is it", nil, imported("11", nil), events{&pb.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1", Name: "Old Group", PlaceOfService: "11", Address: address}}},
		{"a telehealth claim does not say where visits in person are", nil, imported("10", clinic), events{&pb.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1", Name: "Clinic North", Npi: "123"}}},
		{"a location that is known is not touched", events{known}, imported("11", clinic), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			commands, err := React(c.when, es.Known{})
			if err != nil || len(commands) != 1 {
				t.Fatalf("%d commands, %v", len(commands), err)
			}
			got, err := commands[0].Decide(estest.Fold(Stream, c.given))
			if err != nil {
				t.Fatal(err)
			}
			estest.Same(t, got, c.then)
		})
	}
}
