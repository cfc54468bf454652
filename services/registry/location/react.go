package location

import (
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/registry/identifier"
)

// React registers where the services of an imported claim were given: the file's service location, or else where its billing provider is.
func React(r es.Recorded, _ es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*exchangev1.ClaimImported)
	if !ok || e.LocationId == "" {
		return nil, nil
	}
	place, npi := e.ServiceLocation, e.ServiceLocation.GetNpi()
	if place == nil {
		place, npi = e.BillingProvider, "" // the organization's
	}
	registered := &pb.LocationRegistered{
		LocationId: e.LocationId, OrganizationId: e.OrganizationId, Name: identifier.ProviderName(place), Npi: npi, Address: place.GetAddress(),
	}
	if !Telehealth(e.PlaceOfService) { // else the claim does not say where visits in person are
		registered.PlaceOfService = e.PlaceOfService
	}
	return []es.Command{es.Do(Stream, e.LocationId, Import, registered)}, nil
}
