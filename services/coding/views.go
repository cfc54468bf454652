package coding

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Project keeps encounters, in the transaction that appends the event.
func Project(r es.Recorded) []es.Statement {
	is := func(status string) []es.Statement {
		return []es.Statement{es.SQL(`UPDATE encounters SET status = $3, version = $4 WHERE tenant_id = $1 AND encounter_id = $2`, r.Tenant, r.StreamID, status, r.Version)}
	}
	switch e := r.Event.(type) {
	case *pb.EncounterReceived:
		return []es.Statement{es.SQL(`INSERT INTO encounters (tenant_id, encounter_id, patient_id, clinician_id, location_id, service_date, status, version)
			VALUES ($1, $2, $3, $4, $5, $6::text::date, 'received', $7)`, r.Tenant, r.StreamID, e.PatientId, e.ClinicianId, e.LocationId, e.ServiceDate, r.Version)}
	case *pb.EncounterSigned, *pb.CodesDerived, *pb.VisitPayersTold, *pb.ImportHeld:
		return []es.Statement{es.SQL(`UPDATE encounters SET version = $3 WHERE tenant_id = $1 AND encounter_id = $2`, r.Tenant, r.StreamID, r.Version)}
	case *pb.CoderQueryRaised:
		return is("coder_query")
	case *pb.CoderQueryAnswered:
		if e.NoBill {
			return is("not_billed")
		}
		return is("coder_query") // what it leads to follows in the same transaction
	case *pb.CodingCompleted:
		return []es.Statement{es.SQL(`INSERT INTO encounters (tenant_id, encounter_id, patient_id, clinician_id, location_id, service_date, status, imported, charge_amount, version)
			VALUES ($1, $2, $3, $4, $5, $6::text::date, 'coded', $7, $8, $9)
			ON CONFLICT (tenant_id, encounter_id) DO UPDATE SET status = 'coded', charge_amount = excluded.charge_amount, version = excluded.version`,
			r.Tenant, r.StreamID, e.PatientId, e.RenderingClinicianId, e.LocationId, e.ServiceDate, e.Imported, e.ChargeAmount, r.Version)}
	}
	return nil
}
