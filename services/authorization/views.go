package authorization

import (
	"maps"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Project keeps authorizations and authorization_units, in the transaction that appends the event.
func Project(r es.Recorded) []es.Statement {
	const units = `UPDATE authorization_units SET held = held + $4, consumed = consumed + $5
		WHERE tenant_id = $1 AND authorization_id = $2 AND service_code = $3`
	move := func(code string, held, consumed int32) es.Statement {
		return es.SQL(units, r.Tenant, r.StreamID, code, held, consumed)
	}
	switch e := r.Event.(type) {
	case *pb.AuthorizationRequested:
		return []es.Statement{es.SQL(`INSERT INTO authorizations (tenant_id, authorization_id, patient_id, payer_id, status, from_date, thru_date, version)
			VALUES ($1, $2, $3, $4, 'requested', $5::text::date, $6::text::date, $7)`, r.Tenant, r.StreamID, e.PatientId, e.PayerId, e.FromDate, e.ThruDate, r.Version)}
	case *pb.AuthorizationApproved:
		out := []es.Statement{es.SQL(`UPDATE authorizations SET status = 'approved', auth_no = $3, from_date = $4::text::date, thru_date = $5::text::date, version = $6, location_ids = $7
			WHERE tenant_id = $1 AND authorization_id = $2`, r.Tenant, r.StreamID, e.AuthNo, e.FromDate, e.ThruDate, r.Version, append([]string{}, e.LocationIds...))}
		for _, code := range slices.Sorted(maps.Keys(e.UnitsByCode)) {
			out = append(out, es.SQL(`INSERT INTO authorization_units (tenant_id, authorization_id, service_code, approved) VALUES ($1, $2, $3, $4)
				ON CONFLICT (tenant_id, authorization_id, service_code) DO UPDATE SET approved = excluded.approved`, r.Tenant, r.StreamID, code, e.UnitsByCode[code]))
		}
		return out
	case *pb.AuthorizationDenied:
		return []es.Statement{es.SQL(`UPDATE authorizations SET status = 'denied', version = $3 WHERE tenant_id = $1 AND authorization_id = $2`, r.Tenant, r.StreamID, r.Version)}
	case *pb.UnitsReserved:
		return []es.Statement{move(e.ServiceCode, e.Units, 0), seen(r)}
	case *pb.UnitsReleased:
		return []es.Statement{move(e.ServiceCode, -e.Units, 0), seen(r)}
	case *pb.UnitsRestored:
		return []es.Statement{move(e.ServiceCode, 0, -e.Units), seen(r)}
	case *pb.UnitsConsumed:
		out := []es.Statement{seen(r)}
		if e.ReleasedUnits > 0 {
			out = append(out, move(e.ReleasedServiceCode, -e.ReleasedUnits, 0))
		}
		return append(out, move(e.ServiceCode, 0, e.Units))
	}
	return nil
}

func seen(r es.Recorded) es.Statement {
	return es.SQL(`UPDATE authorizations SET version = $3 WHERE tenant_id = $1 AND authorization_id = $2`, r.Tenant, r.StreamID, r.Version)
}
