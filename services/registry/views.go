package registry

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Project keeps the lists of organizations, locations, clinicians, payers and contracts, in the transaction that appends the event.
func Project(r es.Recorded) []es.Statement {
	switch e := r.Event.(type) {
	case *pb.OrganizationRegistered:
		a := e.Address
		return []es.Statement{es.SQL(`INSERT INTO organizations (tenant_id, organization_id, name, npi, tax_id, taxonomy, line1, line2, city, state, postal_code, phone, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`, r.Tenant, r.StreamID, e.Name, e.Npi, e.TaxId, e.Taxonomy,
			a.GetLine1(), a.GetLine2(), a.GetCity(), a.GetState(), a.GetPostalCode(), e.Phone, r.Version)}
	case *pb.ChargeSchedulePublished:
		return []es.Statement{es.SQL(`UPDATE organizations SET version = $3 WHERE tenant_id = $1 AND organization_id = $2`, r.Tenant, r.StreamID, r.Version)}
	case *pb.LocationRegistered:
		a := e.Address
		return []es.Statement{es.SQL(`INSERT INTO locations (tenant_id, location_id, organization_id, name, npi, place_of_service, line1, line2, city, state, postal_code, time_zone, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`, r.Tenant, r.StreamID, e.OrganizationId, e.Name, e.Npi, e.PlaceOfService,
			a.GetLine1(), a.GetLine2(), a.GetCity(), a.GetState(), a.GetPostalCode(), e.TimeZone, r.Version)}
	case *pb.ClinicianRegistered:
		at := e.LocationIds
		if at == nil {
			at = []string{}
		}
		return []es.Statement{es.SQL(`INSERT INTO clinicians (tenant_id, clinician_id, last_name, first_name, middle_name, name_suffix, npi, taxonomy, license_type, license_number,
			license_state, location_ids, from_date, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULLIF($13::text, '')::date, $14)`,
			r.Tenant, r.StreamID, e.Name.GetLast(), e.Name.GetFirst(), e.Name.GetMiddle(), e.Name.GetSuffix(), e.Npi, e.Taxonomy, int32(e.LicenseType), e.LicenseNumber,
			e.LicenseState, at, e.FromDate, r.Version)}
	case *pb.SupervisionAssigned:
		return []es.Statement{es.SQL(`UPDATE clinicians SET version = $3 WHERE tenant_id = $1 AND clinician_id = $2`, r.Tenant, r.StreamID, r.Version)}
	case *pb.PayerRegistered:
		return []es.Statement{es.SQL(`INSERT INTO payers (tenant_id, payer_id, name, edi_payer_id, filing_indicator, receiver_id, behavioral_payer_id, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, r.Tenant, r.StreamID, e.Name, e.EdiPayerId, e.FilingIndicator, e.ReceiverId, e.BehavioralPayerId, r.Version)}
	case *pb.PayerPolicySet:
		return []es.Statement{es.SQL(`UPDATE payers SET version = $3 WHERE tenant_id = $1 AND payer_id = $2`, r.Tenant, r.StreamID, r.Version)}
	case *pb.ContractPublished:
		return []es.Statement{es.SQL(`INSERT INTO contracts (tenant_id, contract_id, payer_id, from_date, thru_date, version)
			VALUES ($1, $2, $3, $4::text::date, NULLIF($5::text, '')::date, $6)`, r.Tenant, r.StreamID, e.PayerId, e.FromDate, e.ThruDate, r.Version)}
	}
	return nil
}
