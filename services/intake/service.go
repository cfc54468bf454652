package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // time zones are known on machines without a database of them

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/intake/appointment"
	"github.com/evenkeel/evenkeel/services/intake/coverage"
	"github.com/evenkeel/evenkeel/services/intake/eligibility"
	"github.com/evenkeel/evenkeel/services/intake/known"
	"github.com/evenkeel/evenkeel/services/intake/patient"
	"github.com/evenkeel/evenkeel/services/intake/readiness"
)

// Server answers the service's gRPC methods.
type Server struct {
	pb.UnimplementedIntakeServiceServer
	rt *host.Runtime
}

// NewServer answers with a runtime.
func NewServer(rt *host.Runtime) *Server { return &Server{rt: rt} }

// RegisterPatient registers a patient.
func (s *Server) RegisterPatient(ctx context.Context, r *pb.RegisterPatientRequest) (*typev1.Receipt, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	_, located, err := engine.Find(ctx, s.rt.Engine, known.Locations, r.LocationId)
	if err != nil {
		return nil, err
	}
	facts := patient.Known{
		Location: located, NumberHash: numberHash(s.rt.LookupKey, caller.Tenant, r.MedicalRecordNumber),
		PersonHash: personHash(s.rt.LookupKey, caller.Tenant, r.Name, r.BirthDate),
	}
	if facts.NumberHash != nil {
		same, err := s.entries(ctx, `number_hash = $2`, facts.NumberHash)
		if err != nil {
			return nil, err
		}
		if len(same) > 0 {
			facts.SameNumber = same[0].PatientId
		}
	}
	id := engine.NewID(ctx, "pat")
	return engine.Execute(ctx, s.rt.Engine, patient.Stream, id, func(st patient.State, c *pb.RegisterPatientRequest) ([]es.Event, error) {
		return patient.Register(st, c, id, facts)
	}, r)
}

// AddCoverage adds a coverage.
func (s *Server) AddCoverage(ctx context.Context, r *pb.AddCoverageRequest) (*typev1.Receipt, error) {
	who, _, err := engine.Load(ctx, s.rt.Engine, patient.Stream, r.PatientId)
	if err != nil {
		return nil, err
	}
	payer, _, err := engine.Find(ctx, s.rt.Engine, known.Payers, r.PayerId)
	if err != nil {
		return nil, err
	}
	id := engine.NewID(ctx, "cov")
	receipt, err := engine.Execute(ctx, s.rt.Engine, coverage.Stream, r.PatientId, func(st coverage.State, c *pb.AddCoverageRequest) ([]es.Event, error) {
		return coverage.Add(st, c, id, coverage.Known{Patient: who.Registered, Payer: payer})
	}, r)
	return of(id, receipt, err)
}

// TerminateCoverage ends a coverage.
func (s *Server) TerminateCoverage(ctx context.Context, r *pb.TerminateCoverageRequest) (*typev1.Receipt, error) {
	patientID, err := s.patientOf(ctx, r.CoverageId)
	if err != nil {
		return nil, err
	}
	receipt, err := engine.Execute(ctx, s.rt.Engine, coverage.Stream, patientID, coverage.Terminate, r)
	return of(r.CoverageId, receipt, err)
}

// of is the receipt of a coverage, which lives on the stream of its patient's coverages.
func of(coverageID string, r *typev1.Receipt, err error) (*typev1.Receipt, error) {
	if err != nil {
		return nil, err
	}
	r.Id = coverageID
	return r, nil
}

// CheckEligibility asks a payer.
func (s *Server) CheckEligibility(ctx context.Context, r *pb.CheckEligibilityRequest) (*typev1.Receipt, error) {
	facts, err := s.toAsk(ctx, r.CoverageId)
	if err != nil {
		return nil, err
	}
	id := engine.NewID(ctx, "elg")
	return engine.Execute(ctx, s.rt.Engine, eligibility.Stream, id, func(st eligibility.State, c *pb.CheckEligibilityRequest) ([]es.Event, error) {
		return eligibility.Ask(st, c, id, facts)
	}, r)
}

// toAsk is what a question to the payer of a coverage needs.
func (s *Server) toAsk(ctx context.Context, coverageID string) (facts eligibility.Known, err error) {
	patientID, err := s.patientOf(ctx, coverageID)
	if err != nil {
		return facts, err
	}
	who, _, err := engine.Load(ctx, s.rt.Engine, patient.Stream, patientID)
	if err != nil {
		return facts, err
	}
	all, _, err := engine.Load(ctx, s.rt.Engine, coverage.Stream, patientID)
	if err != nil {
		return facts, err
	}
	held, ok := all.Find(coverageID)
	if !ok {
		return facts, coverage.Missing(coverageID)
	}
	facts.Patient, facts.Coverage = who.Registered, &held
	if facts.Payer, _, err = engine.Find(ctx, s.rt.Engine, known.Payers, held.Payer()); err != nil {
		return facts, err
	}
	at, _, err := engine.Find(ctx, s.rt.Engine, known.Locations, who.Registered.GetLocationId())
	if err != nil {
		return facts, err
	}
	facts.Organization, _, err = engine.Find(ctx, s.rt.Engine, known.Organizations, at.GetOrganizationId())
	return facts, err
}

// ScheduleAppointment books a visit.
func (s *Server) ScheduleAppointment(ctx context.Context, r *pb.ScheduleAppointmentRequest) (*typev1.Receipt, error) {
	who, _, err := engine.Load(ctx, s.rt.Engine, patient.Stream, r.PatientId)
	if err != nil {
		return nil, err
	}
	coverages, _, err := engine.Load(ctx, s.rt.Engine, coverage.Stream, r.PatientId)
	if err != nil {
		return nil, err
	}
	_, clinician, err := engine.Find(ctx, s.rt.Engine, known.Clinicians, r.ClinicianId)
	if err != nil {
		return nil, err
	}
	at, located, err := engine.Find(ctx, s.rt.Engine, known.Locations, r.LocationId)
	if err != nil {
		return nil, err
	}
	var authorization *authorizationv1.AuthorizationRequested
	if r.AuthorizationId != "" {
		if authorization, _, err = engine.Find(ctx, s.rt.Engine, known.Authorizations, r.AuthorizationId); err != nil {
			return nil, err
		}
	}
	day, err := serviceDate(r.StartAt, at)
	if err != nil {
		return nil, err
	}
	facts := appointment.Known{
		Patient: who.Registered != nil, BirthDate: who.Registered.GetBirthDate(), Clinician: clinician, Location: located, Authorization: authorization, ServiceDate: day, Responsible: coverages.Responsible(day),
	}
	id := engine.NewID(ctx, "apt")
	return engine.Execute(ctx, s.rt.Engine, appointment.Stream, id, func(st appointment.State, c *pb.ScheduleAppointmentRequest) ([]es.Event, error) {
		return appointment.Schedule(st, c, id, facts)
	}, r)
}

// serviceDate is the day of an instant at a location; in UTC where its time zone is not known.
func serviceDate(start *timestamppb.Timestamp, at *registryv1.LocationRegistered) (string, error) {
	zone, err := time.LoadLocation(at.GetTimeZone())
	if err != nil {
		return "", fmt.Errorf("location %s: %w", at.GetLocationId(), err)
	}
	return date.Of(start.AsTime(), zone), nil
}

// CancelAppointment calls a visit off.
func (s *Server) CancelAppointment(ctx context.Context, r *pb.CancelAppointmentRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, appointment.Stream, r.AppointmentId, appointment.Cancel, r)
}

// RecordNoShow says that the patient did not come.
func (s *Server) RecordNoShow(ctx context.Context, r *pb.RecordNoShowRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, appointment.Stream, r.AppointmentId, appointment.NoShow, r)
}

// CheckInAppointment says that the patient is there.
func (s *Server) CheckInAppointment(ctx context.Context, r *pb.CheckInAppointmentRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, appointment.Stream, r.AppointmentId, appointment.CheckIn, r)
}

// GetPatient is one patient.
func (s *Server) GetPatient(ctx context.Context, r *pb.GetPatientRequest) (*pb.Patient, error) {
	st, version, err := engine.Load(ctx, s.rt.Engine, patient.Stream, r.PatientId)
	if err != nil {
		return nil, err
	}
	if st.Registered == nil {
		return nil, status.Errorf(codes.NotFound, "there is no patient %s", r.PatientId)
	}
	e := st.Registered
	return &pb.Patient{
		PatientId: r.PatientId, Name: e.Name, BirthDate: e.BirthDate, Sex: e.Sex, Address: e.Address, Phone: e.Phone, MedicalRecordNumber: e.MedicalRecordNumber,
		LocationId: e.LocationId, Version: int32(version),
	}, nil
}

// ListPatients are the tenant's patients.
func (s *Server) ListPatients(ctx context.Context, r *pb.ListPatientsRequest) (*pb.ListPatientsResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "")
	if err != nil {
		return nil, err
	}
	where, args := `patient_id > $2`, []any{at.Key[0]}
	if r.LocationId != "" {
		where, args = where+` AND location_id = $3`, append(args, r.LocationId)
	}
	list, err := s.entries(ctx, where+fmt.Sprintf(` ORDER BY patient_id LIMIT %d`, at.Limit+1), args...)
	if err != nil {
		return nil, err
	}
	out := &pb.ListPatientsResponse{}
	out.Patients, out.NextPageToken = page.Cut(list, at, func(p *pb.PatientEntry) []string { return []string{p.PatientId} })
	return out, nil
}

// SearchTerms: a search names the medical record number alone, or last name, first name and birth date. Source: our own choice; less would list strangers.
var SearchTerms = refuse.Rule{ID: "intake.search_terms", Version: 1, Owner: "integrations"}

// SearchPatients finds patients by number, or by name and birth date.
func (s *Server) SearchPatients(ctx context.Context, r *pb.SearchPatientsRequest) (*pb.SearchPatientsResponse, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	byNumber := r.MedicalRecordNumber != ""
	named := r.LastName != "" && r.FirstName != "" && r.BirthDate != ""
	if part := r.LastName != "" || r.FirstName != "" || r.BirthDate != ""; byNumber == part || part && !named {
		return nil, refuse.Because(SearchTerms, "", "send the medical record number alone, or last name, first name and birth date together")
	}
	column, sought := `number_hash`, numberHash(s.rt.LookupKey, caller.Tenant, r.MedicalRecordNumber)
	if named {
		column, sought = `person_hash`, personHash(s.rt.LookupKey, caller.Tenant, &typev1.PersonName{Last: r.LastName, First: r.FirstName}, r.BirthDate)
	}
	list, err := s.entries(ctx, column+` = $2 ORDER BY patient_id LIMIT 100`, sought)
	if err != nil {
		return nil, err
	}
	return &pb.SearchPatientsResponse{Patients: list}, nil
}

// entries are patients of the caller's tenant for which a condition holds.
func (s *Server) entries(ctx context.Context, condition string, args ...any) ([]*pb.PatientEntry, error) {
	rows, err := s.query(ctx, `SELECT patient_id, location_id, version FROM patients WHERE tenant_id = $1 AND `+condition, args...)
	if err != nil {
		return nil, fmt.Errorf("list patients: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pb.PatientEntry, error) {
		p := &pb.PatientEntry{}
		return p, row.Scan(&p.PatientId, &p.LocationId, &p.Version)
	})
	if err != nil {
		return nil, fmt.Errorf("list patients: %w", err)
	}
	return list, nil
}

// ListCoverages are a patient's coverages.
func (s *Server) ListCoverages(ctx context.Context, r *pb.ListCoveragesRequest) (*pb.ListCoveragesResponse, error) {
	who, _, err := engine.Load(ctx, s.rt.Engine, patient.Stream, r.PatientId)
	if err != nil {
		return nil, err
	}
	if who.Registered == nil {
		return nil, status.Errorf(codes.NotFound, "there is no patient %s", r.PatientId)
	}
	st, version, err := engine.Load(ctx, s.rt.Engine, coverage.Stream, r.PatientId)
	if err != nil {
		return nil, err
	}
	out := &pb.ListCoveragesResponse{}
	for _, h := range st.Ordered() {
		out.Coverages = append(out.Coverages, answer(h, version))
	}
	return out, nil
}

// GetCoverage is one coverage.
func (s *Server) GetCoverage(ctx context.Context, r *pb.GetCoverageRequest) (*pb.Coverage, error) {
	patientID, err := s.patientOf(ctx, r.CoverageId)
	if err != nil {
		return nil, err
	}
	st, version, err := engine.Load(ctx, s.rt.Engine, coverage.Stream, patientID)
	if err != nil {
		return nil, err
	}
	h, ok := st.Find(r.CoverageId)
	if !ok {
		return nil, coverage.Missing(r.CoverageId)
	}
	return answer(h, version), nil
}

func answer(h coverage.Held, version int) *pb.Coverage {
	e := h.Added
	out := &pb.Coverage{
		CoverageId: e.CoverageId, PatientId: e.PatientId, PayerId: e.PayerId, PayerSequence: e.PayerSequence, PlanName: e.PlanName, FromDate: e.FromDate, ThruDate: h.ThruDate,
		Relationship: e.Relationship, MemberId: e.MemberId, GroupNumber: e.GroupNumber, SubscriberName: e.SubscriberName, SubscriberBirthDate: e.SubscriberBirthDate,
		Version: int32(version),
	}
	if h.CarveOut != nil {
		out.BehavioralPayerId, out.CarveOutEvidence = h.CarveOut.BehavioralPayerId, h.CarveOut.EligibilityCheckId
		if out.CarveOutEvidence == "" {
			out.CarveOutEvidence = "registry"
		}
	}
	return out
}

// GetEligibilityCheck is one check with its answer.
func (s *Server) GetEligibilityCheck(ctx context.Context, r *pb.GetEligibilityCheckRequest) (*pb.EligibilityCheck, error) {
	st, version, err := engine.Load(ctx, s.rt.Engine, eligibility.Stream, r.EligibilityCheckId)
	if err != nil {
		return nil, err
	}
	if st.Requested == nil {
		return nil, status.Errorf(codes.NotFound, "there is no eligibility check %s", r.EligibilityCheckId)
	}
	q := st.Requested
	out := &pb.EligibilityCheck{
		EligibilityCheckId: r.EligibilityCheckId, CoverageId: q.CoverageId, PatientId: q.PatientId, PayerId: q.PayerId, ServiceTypeCode: q.ServiceTypeCode,
		ServiceDate: q.ServiceDate, Hop: q.Hop, Status: pb.EligibilityCheckStatus_ELIGIBILITY_CHECK_STATUS_ASKED, Version: int32(version),
	}
	if a := st.Rejected; a != nil {
		out.Status, out.AaaCodes, out.FollowUp = pb.EligibilityCheckStatus_ELIGIBILITY_CHECK_STATUS_REJECTED, a.AaaCodes, a.FollowUp
	}
	if a := st.Responded; a != nil {
		out.Status, out.CoverageStatus = pb.EligibilityCheckStatus_ELIGIBILITY_CHECK_STATUS_ANSWERED, a.Status
		out.Copay, out.CoinsuranceMillionths, out.DeductibleRemaining = money.Of(a.CopayAmount), a.CoinsuranceMillionths, money.Of(a.DeductibleRemainingAmount)
		out.AuthorizationRequired, out.OtherEntityName, out.OtherEntityEdiPayerId = a.AuthorizationRequired, a.OtherEntityName, a.OtherEntityEdiPayerId
		next, _, err := engine.Load(ctx, s.rt.Engine, eligibility.Stream, eligibility.NextID(r.EligibilityCheckId))
		if err != nil {
			return nil, err
		}
		out.NextEligibilityCheckId = next.Requested.GetEligibilityCheckId()
	}
	return out, nil
}

// ListEligibilityChecks are a coverage's checks.
func (s *Server) ListEligibilityChecks(ctx context.Context, r *pb.ListEligibilityChecksRequest) (*pb.ListEligibilityChecksResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "9999-12-31", "~")
	if err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, `SELECT eligibility_check_id, payer_id, service_date::text, hop, status, coverage_status FROM eligibility_checks
		WHERE tenant_id = $1 AND coverage_id = $2 AND (service_date, eligibility_check_id) < ($3::text::date, $4)
		ORDER BY service_date DESC, eligibility_check_id DESC LIMIT $5`, r.CoverageId, at.Key[0], at.Key[1], at.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("list eligibility checks: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pb.EligibilityCheckEntry, error) {
		c := &pb.EligibilityCheckEntry{}
		return c, row.Scan(&c.EligibilityCheckId, &c.PayerId, &c.ServiceDate, &c.Hop, &c.Status, &c.CoverageStatus)
	})
	if err != nil {
		return nil, fmt.Errorf("list eligibility checks: %w", err)
	}
	out := &pb.ListEligibilityChecksResponse{}
	out.EligibilityChecks, out.NextPageToken = page.Cut(list, at, func(c *pb.EligibilityCheckEntry) []string { return []string{c.ServiceDate, c.EligibilityCheckId} })
	return out, nil
}

// GetAppointment is one visit with its readiness: as it follows from what is known now.
func (s *Server) GetAppointment(ctx context.Context, r *pb.GetAppointmentRequest) (*pb.Appointment, error) {
	st, version, err := engine.Load(ctx, s.rt.Engine, appointment.Stream, r.AppointmentId)
	if err != nil {
		return nil, err
	}
	if st.Scheduled == nil {
		return nil, status.Errorf(codes.NotFound, "there is no appointment %s", r.AppointmentId)
	}
	facts, _, err := engine.Load(ctx, s.rt.Engine, readiness.Stream, st.Scheduled.PatientId)
	if err != nil {
		return nil, err
	}
	e := st.Scheduled
	out := &pb.Appointment{
		AppointmentId: r.AppointmentId, PatientId: e.PatientId, ClinicianId: e.ClinicianId, LocationId: e.LocationId, ServiceDate: e.ServiceDate, StartAt: e.StartAt,
		EndAt: e.EndAt, Modality: e.Modality, ServiceCode: e.ServiceCode, Units: e.Units, AuthorizationId: e.AuthorizationId, ResponsiblePayers: e.ResponsiblePayers,
		Status: pb.AppointmentStatus_APPOINTMENT_STATUS_SCHEDULED, Version: int32(version),
	}
	switch {
	case st.Cancelled:
		out.Status = pb.AppointmentStatus_APPOINTMENT_STATUS_CANCELLED
	case st.NoShowed:
		out.Status = pb.AppointmentStatus_APPOINTMENT_STATUS_NO_SHOWED
	case st.CheckedIn:
		out.Status = pb.AppointmentStatus_APPOINTMENT_STATUS_CHECKED_IN
	default:
		out.Readiness, out.ReadinessReasons = readiness.Assess(facts, r.AppointmentId)
	}
	return out, nil
}

// ListAppointments are visits, by day.
func (s *Server) ListAppointments(ctx context.Context, r *pb.ListAppointmentsRequest) (*pb.ListAppointmentsResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "0001-01-01", "")
	var no refuse.List
	for _, d := range []struct{ field, day string }{{"from_date", r.FromDate}, {"thru_date", r.ThruDate}} {
		no.If(d.day != "" && !date.Valid(d.day), coverage.Day, d.field, "%q is not a day: write YYYY-MM-DD", d.day)
	}
	no.If(!no.Any() && r.FromDate != "" && r.ThruDate != "" && r.FromDate > r.ThruDate, coverage.Day, "thru_date", "the last day, %s, is before the first, %s", r.ThruDate, r.FromDate)
	if err := refuse.Together(err, no.Err()); err != nil {
		return nil, err
	}
	// Only the filters that are given are in the statement, so that each finds its index.
	where, args := `(service_date, appointment_id) > ($2::text::date, $3)`, []any{at.Key[0], at.Key[1]}
	for _, f := range []struct {
		given bool
		is    string
		value any
	}{
		{r.PatientId != "", "patient_id = $%d", r.PatientId},
		{r.ClinicianId != "", "clinician_id = $%d", r.ClinicianId},
		{r.LocationId != "", "location_id = $%d", r.LocationId},
		{r.FromDate != "", "service_date >= $%d::text::date", r.FromDate},
		{r.ThruDate != "", "service_date <= $%d::text::date", r.ThruDate},
		{r.Readiness != 0, "readiness = $%d", int32(r.Readiness)},
	} {
		if f.given {
			args = append(args, f.value)
			where += fmt.Sprintf(" AND "+f.is, len(args)+1)
		}
	}
	rows, err := s.query(ctx, `SELECT appointment_id, patient_id, clinician_id, location_id, service_date::text, start_at, end_at, service_code, status, readiness, readiness_reasons, version
		FROM appointments WHERE tenant_id = $1 AND `+where+fmt.Sprintf(" ORDER BY service_date, appointment_id LIMIT %d", at.Limit+1), args...)
	if err != nil {
		return nil, fmt.Errorf("list appointments: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pb.AppointmentEntry, error) {
		a := &pb.AppointmentEntry{}
		var start, end time.Time
		err := row.Scan(&a.AppointmentId, &a.PatientId, &a.ClinicianId, &a.LocationId, &a.ServiceDate, &start, &end, &a.ServiceCode, &a.Status, &a.Readiness, &a.ReadinessReasons, &a.Version)
		a.StartAt, a.EndAt = timestamppb.New(start), timestamppb.New(end)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("list appointments: %w", err)
	}
	out := &pb.ListAppointmentsResponse{}
	out.Appointments, out.NextPageToken = page.Cut(list, at, func(a *pb.AppointmentEntry) []string { return []string{a.ServiceDate, a.AppointmentId} })
	return out, nil
}

// patientOf is whose a coverage is.
func (s *Server) patientOf(ctx context.Context, coverageID string) (patientID string, err error) {
	rows, err := s.query(ctx, `SELECT patient_id FROM coverages WHERE tenant_id = $1 AND coverage_id = $2`, coverageID)
	if err != nil {
		return "", fmt.Errorf("find coverage: %w", err)
	}
	patientID, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
	if errors.Is(err, pgx.ErrNoRows) {
		return "", coverage.Missing(coverageID)
	}
	if err != nil {
		return "", fmt.Errorf("find coverage: %w", err)
	}
	return patientID, nil
}

// query reads the caller's tenant: $1.
func (s *Server) query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	return s.rt.DB.Query(ctx, sql, slices.Concat([]any{caller.Tenant}, args)...)
}
