package organization

import (
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/registry/identifier"
)

// React registers the billing provider of a claim that another billing system wrote.
func React(r es.Recorded, _ es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*exchangev1.ClaimImported)
	if !ok || e.OrganizationId == "" {
		return nil, nil
	}
	p := e.BillingProvider
	return []es.Command{es.Do(Stream, e.OrganizationId, Import, &pb.OrganizationRegistered{
		OrganizationId: e.OrganizationId, Name: identifier.ProviderName(p), Npi: p.GetNpi(), TaxId: p.GetTaxId(), Taxonomy: p.GetTaxonomy(),
		Address: p.GetAddress(), Phone: p.GetPhone(),
	})}, nil
}
