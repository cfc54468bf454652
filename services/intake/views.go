package intake

import (
	"encoding/json"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Project keeps patients, coverages, eligibility_checks and appointments, in the transaction that appends the event.
func Project(r es.Recorded) []es.Statement {
	switch e := r.Event.(type) {
	case *pb.PatientRegistered:
		return []es.Statement{es.SQL(`INSERT INTO patients (tenant_id, patient_id, location_id, number_hash, person_hash, version) VALUES ($1, $2, $3, $4, $5, $6)`,
			r.Tenant, r.StreamID, e.LocationId, hash(e.MedicalRecordNumberHash), hash(e.PersonHash), r.Version)}
	case *pb.CoverageAdded:
		return []es.Statement{es.SQL(`INSERT INTO coverages (tenant_id, coverage_id, patient_id) VALUES ($1, $2, $3)`, r.Tenant, e.CoverageId, e.PatientId)}
	case *pb.EligibilityRequested:
		return []es.Statement{es.SQL(`INSERT INTO eligibility_checks (tenant_id, eligibility_check_id, coverage_id, payer_id, service_date, hop, status, coverage_status)
			VALUES ($1, $2, $3, $4, $5::text::date, $6, $7, 0)`, r.Tenant, r.StreamID, e.CoverageId, e.PayerId, e.ServiceDate, e.Hop,
			int32(pb.EligibilityCheckStatus_ELIGIBILITY_CHECK_STATUS_ASKED))}
	case *pb.EligibilityResponded:
		return []es.Statement{answered(r, pb.EligibilityCheckStatus_ELIGIBILITY_CHECK_STATUS_ANSWERED, e.Status)}
	case *pb.EligibilityRejected:
		return []es.Statement{answered(r, pb.EligibilityCheckStatus_ELIGIBILITY_CHECK_STATUS_REJECTED, 0)}
	case *pb.AppointmentScheduled:
		return []es.Statement{es.SQL(`INSERT INTO appointments (tenant_id, appointment_id, patient_id, clinician_id, location_id, service_date, start_at, end_at, service_code, status,
			readiness, readiness_reasons, version) VALUES ($1, $2, $3, $4, $5, $6::text::date, $7, $8, $9, $10, $11, '[]', $12)`,
			r.Tenant, r.StreamID, e.PatientId, e.ClinicianId, e.LocationId, e.ServiceDate, e.StartAt.AsTime(), e.EndAt.AsTime(), e.ServiceCode,
			int32(pb.AppointmentStatus_APPOINTMENT_STATUS_SCHEDULED), int32(pb.Readiness_READINESS_PENDING), r.Version)}
	case *pb.AppointmentCancelled:
		return []es.Statement{became(r, pb.AppointmentStatus_APPOINTMENT_STATUS_CANCELLED)}
	case *pb.AppointmentNoShowed:
		return []es.Statement{became(r, pb.AppointmentStatus_APPOINTMENT_STATUS_NO_SHOWED)}
	case *pb.AppointmentCheckedIn:
		return []es.Statement{became(r, pb.AppointmentStatus_APPOINTMENT_STATUS_CHECKED_IN)}
	case *pb.VisitCleared:
		return []es.Statement{ready(r, e.AppointmentId, pb.Readiness_READINESS_CLEARED, e.Notes)}
	case *pb.VisitHeld:
		return []es.Statement{ready(r, e.AppointmentId, pb.Readiness_READINESS_HELD, e.Reasons)}
	case *pb.VisitPended:
		return []es.Statement{ready(r, e.AppointmentId, pb.Readiness_READINESS_PENDING, e.Reasons)}
	}
	return nil
}

// hash is NULL where there is none.
func hash(h []byte) any {
	if len(h) == 0 {
		return nil
	}
	return h
}

func answered(r es.Recorded, status pb.EligibilityCheckStatus, covered pb.CoverageStatus) es.Statement {
	return es.SQL(`UPDATE eligibility_checks SET status = $3, coverage_status = $4 WHERE tenant_id = $1 AND eligibility_check_id = $2`, r.Tenant, r.StreamID, int32(status), int32(covered))
}

func became(r es.Recorded, status pb.AppointmentStatus) es.Statement {
	// Readiness is of visits to come.
	return es.SQL(`UPDATE appointments SET status = $3, version = $4, readiness = 0, readiness_reasons = '[]' WHERE tenant_id = $1 AND appointment_id = $2`, r.Tenant, r.StreamID, int32(status), r.Version)
}

func ready(r es.Recorded, appointment string, readiness pb.Readiness, reasons []*problemv1.Reason) es.Statement {
	if reasons == nil {
		reasons = []*problemv1.Reason{}
	}
	text, err := json.Marshal(reasons)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return es.SQL(`UPDATE appointments SET readiness = $3, readiness_reasons = $4::text::jsonb WHERE tenant_id = $1 AND appointment_id = $2 AND status = $5`,
		r.Tenant, appointment, int32(readiness), string(text), int32(pb.AppointmentStatus_APPOINTMENT_STATUS_SCHEDULED))
}
