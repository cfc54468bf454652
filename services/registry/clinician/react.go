package clinician

import (
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// React registers the clinicians that an imported claim names. A claim does not tell a licence: it stays unspecified.
func React(r es.Recorded, _ es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*exchangev1.ClaimImported)
	if !ok {
		return nil, nil
	}
	var all []es.Command
	for _, c := range []struct {
		id string
		is *claimsv1.Provider
	}{{e.RenderingClinicianId, e.RenderingProvider}, {e.SupervisingClinicianId, e.SupervisingProvider}} {
		if c.id == "" {
			continue
		}
		registered := &pb.ClinicianRegistered{ClinicianId: c.id, Name: c.is.GetName(), Npi: c.is.GetNpi(), Taxonomy: c.is.GetTaxonomy()}
		if registered.Name == nil { // the file named an organization as the one who gave the service
			registered.Name = &typev1.PersonName{Last: c.is.GetOrganizationName()}
		}
		if e.LocationId != "" {
			registered.LocationIds = []string{e.LocationId}
		}
		if date.Valid(e.ServiceDate) {
			registered.FromDate = e.ServiceDate
		}
		all = append(all, es.Do(Stream, c.id, Import, registered))
	}
	return all, nil
}
