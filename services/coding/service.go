package coding

import (
	"context"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/services/coding/encounter"
	"github.com/evenkeel/evenkeel/services/coding/servicehistory"
)

// Server answers the service's gRPC methods.
type Server struct {
	pb.UnimplementedCodingServiceServer
	rt *host.Runtime
}

// NewServer answers with a runtime.
func NewServer(rt *host.Runtime) *Server { return &Server{rt: rt} }

// ReceiveEncounter takes one session from the EHR.
func (s *Server) ReceiveEncounter(ctx context.Context, r *pb.ReceiveEncounterRequest) (*typev1.Receipt, error) {
	known, err := s.known(ctx, r)
	if err != nil {
		return nil, err
	}
	id := engine.NewID(ctx, "enc")
	return engine.Execute(ctx, s.rt.Engine, encounter.Stream, id, func(st encounter.State, c *pb.ReceiveEncounterRequest) ([]es.Event, error) {
		return encounter.Receive(st, c, id, known)
	}, r)
}

// SignEncounter signs a session and codes it.
func (s *Server) SignEncounter(ctx context.Context, r *pb.SignEncounterRequest) (*typev1.Receipt, error) {
	now, err := s.situation(ctx, r.EncounterId)
	if err != nil {
		return nil, err
	}
	decide := func(st encounter.State, given servicehistory.State, c *pb.SignEncounterRequest) ([]es.Event, []es.Event, error) {
		return encounter.Sign(st, given, c, now)
	}
	return engine.ExecuteBeside(ctx, s.rt.Engine, encounter.Stream, r.EncounterId, servicehistory.Stream, now.PatientID, decide, r)
}

// AnswerCoderQuery answers the open query.
func (s *Server) AnswerCoderQuery(ctx context.Context, r *pb.AnswerCoderQueryRequest) (*typev1.Receipt, error) {
	now, err := s.situation(ctx, r.EncounterId)
	if err != nil {
		return nil, err
	}
	decide := func(st encounter.State, given servicehistory.State, c *pb.AnswerCoderQueryRequest) ([]es.Event, []es.Event, error) {
		return encounter.Answer(st, given, c, now)
	}
	return engine.ExecuteBeside(ctx, s.rt.Engine, encounter.Stream, r.EncounterId, servicehistory.Stream, now.PatientID, decide, r)
}

// known is what receiving needs to know of others.
func (s *Server) known(ctx context.Context, r *pb.ReceiveEncounterRequest) (encounter.Known, error) {
	var k encounter.Known
	patient, _, err := engine.Find(ctx, s.rt.Engine, encounter.PatientMirror, r.PatientId)
	if err != nil {
		return k, err
	}
	clinician, _, err := engine.Find(ctx, s.rt.Engine, encounter.ClinicianMirror, r.ClinicianId)
	if err != nil {
		return k, err
	}
	location, there, err := engine.Find(ctx, s.rt.Engine, encounter.LocationMirror, r.LocationId)
	if err != nil {
		return k, err
	}
	k.Patient, k.BirthDate, k.Clinician, k.Location = patient.Registered, patient.BirthDate, clinician.Registered != nil, there
	if there {
		zone, err := time.LoadLocation(location.TimeZone)
		if err != nil {
			return k, fmt.Errorf("time zone of location %s: %w", r.LocationId, err)
		}
		k.StartDay, k.Today = date.Of(r.StartAt.AsTime(), zone), date.Of(s.rt.Clock(), zone)
	}
	if k.Authorization, _, err = engine.Find(ctx, s.rt.Engine, encounter.AuthorizationMirror, r.AuthorizationId); err != nil {
		return k, err
	}
	k.Appointment, _, err = engine.Find(ctx, s.rt.Engine, encounter.AppointmentMirror, r.AppointmentId)
	return k, err
}

// situation is what coding needs to know of others, as it is now. Empty if there is no such encounter: the decision says so.
func (s *Server) situation(ctx context.Context, id string) (encounter.Situation, error) {
	var now encounter.Situation
	st, _, err := engine.Load(ctx, s.rt.Engine, encounter.Stream, id)
	if err != nil || st.Received == nil {
		return now, err
	}
	e, day := st.Received, st.Received.ServiceDate
	now.PatientID = e.PatientId
	if now.Location, _, err = engine.Find(ctx, s.rt.Engine, encounter.LocationMirror, e.LocationId); err != nil {
		return now, err
	}
	now.OrganizationID = now.Location.GetOrganizationId()
	clinician, _, err := engine.Find(ctx, s.rt.Engine, encounter.ClinicianMirror, e.ClinicianId)
	if err != nil {
		return now, err
	}
	now.Clinician = clinician.Registered
	supervisor, _, err := engine.Find(ctx, s.rt.Engine, encounter.ClinicianMirror, clinician.SupervisorOn(day))
	if err != nil {
		return now, err
	}
	now.Supervisor = supervisor.Registered
	schedules, _, err := engine.Find(ctx, s.rt.Engine, encounter.ChargesMirror, now.OrganizationID)
	if err != nil {
		return now, err
	}
	now.Charges = encounter.ChargesOn(schedules, day)
	if err := s.payers(ctx, e, &now); err != nil {
		return now, err
	}
	now.AuthorizationID = e.AuthorizationId
	if now.AuthorizationID == "" {
		appointment, _, err := engine.Find(ctx, s.rt.Engine, encounter.AppointmentMirror, e.AppointmentId)
		if err != nil {
			return now, err
		}
		now.AuthorizationID = appointment.GetAuthorizationId()
	}
	now.Approved, _, err = engine.Find(ctx, s.rt.Engine, encounter.AuthorizationMirror, now.AuthorizationID)
	return now, err
}

func (s *Server) payers(ctx context.Context, e *pb.EncounterReceived, now *encounter.Situation) error {
	patient, _, err := engine.Find(ctx, s.rt.Engine, encounter.PatientMirror, e.PatientId)
	if err != nil {
		return err
	}
	payers := patient.Responsible(e.ServiceDate)
	registered := map[string]*registryv1.PayerRegistered{}
	for _, p := range payers {
		payer, _, err := engine.Find(ctx, s.rt.Engine, encounter.PayerMirror, p.PayerId)
		if err != nil {
			return err
		}
		registered[p.PayerId] = payer.Registered
	}
	now.Payers = encounter.Carved(payers, func(id string) *registryv1.PayerRegistered { return registered[id] })
	if now.SelfPay = len(now.Payers) == 0; now.SelfPay {
		return nil
	}
	now.PayerID = now.Payers[0].PayerId
	payer, _, err := engine.Find(ctx, s.rt.Engine, encounter.PayerMirror, now.PayerID)
	now.Payer, now.Policy = payer.Registered, payer.PolicyOn(e.ServiceDate)
	return err
}

// GetEncounter is one encounter, folded from what happened to it.
func (s *Server) GetEncounter(ctx context.Context, r *pb.GetEncounterRequest) (*pb.Encounter, error) {
	history, err := s.rt.Engine.History(ctx, encounter.Stream.Name(r.EncounterId))
	if err != nil {
		return nil, err
	}
	if len(history) == 0 {
		return nil, status.Errorf(codes.NotFound, "there is no encounter %s", r.EncounterId)
	}
	out := &pb.Encounter{EncounterId: r.EncounterId}
	for _, h := range history {
		show(out, h.Event)
		out.Version = int32(h.Version)
	}
	return out, nil
}

// paid is what a patient paid before the move; nil: nothing that is told.
func paid(amount int64) *typev1.Money {
	if amount == 0 {
		return nil
	}
	return money.Of(amount)
}

// show folds one event into what is shown.
func show(out *pb.Encounter, event es.Event) {
	switch e := event.(type) {
	case *pb.EncounterReceived:
		out.PatientId, out.AppointmentId, out.ClinicianId, out.LocationId = e.PatientId, e.AppointmentId, e.ClinicianId, e.LocationId
		out.ServiceDate, out.StartAt, out.EndAt, out.Modality, out.ServiceKind = e.ServiceDate, e.StartAt, e.EndAt, e.Modality, e.ServiceKind
		out.EvaluationManagementCode, out.EvaluationManagementMinutes = e.EvaluationManagementCode, e.EvaluationManagementMinutes
		out.InteractiveComplexity, out.GroupSize, out.AuthorizationId = e.InteractiveComplexity, e.GroupSize, e.AuthorizationId
		out.DiagnosisCodes, out.Status = e.DiagnosisCodes, pb.EncounterStatus_ENCOUNTER_STATUS_RECEIVED
	case *pb.EncounterSigned:
		out.SignedByClinicianId, out.SignedAt = e.SignedByClinicianId, e.SignedAt
	case *pb.CoderQueryRaised:
		out.OpenQuery, out.Status = e.Reasons, pb.EncounterStatus_ENCOUNTER_STATUS_CODER_QUERY
	case *pb.CoderQueryAnswered:
		out.OpenQuery, out.Answers = nil, append(out.Answers, e)
		if e.NoBill {
			out.Status = pb.EncounterStatus_ENCOUNTER_STATUS_NOT_BILLED
		}
	case *pb.CodesDerived:
		out.Decisions, out.Minutes = e.Decisions, e.Minutes
	case *pb.VisitPayersTold:
		out.ResponsiblePayers = e.ResponsiblePayers
		out.Imports = append(out.Imports, &pb.EncounterImport{ImportId: e.ImportId, Outcome: "payers_told", Source: e.Source, PatientPaid: paid(e.PatientPaidAmount)})
	case *pb.ImportHeld:
		if out.PatientId == "" {
			out.PatientId, out.Imported = e.PatientId, true
		}
		out.Imports = append(out.Imports, &pb.EncounterImport{ImportId: e.ImportId, Outcome: "held", PatientControlNumber: e.PatientControlNumber, Source: e.Source, Reasons: e.Reasons})
	case *pb.CodingCompleted:
		if e.Imported {
			out.Imports = append(out.Imports, &pb.EncounterImport{ImportId: e.ImportId, Outcome: "visit", PatientControlNumber: e.PriorClaimNumber, Source: e.Source, PatientPaid: paid(e.PatientPaidAmount)})
		}
		out.Status, out.PatientId, out.LocationId, out.ServiceDate, out.Imported = pb.EncounterStatus_ENCOUNTER_STATUS_CODED, e.PatientId, e.LocationId, e.ServiceDate, e.Imported
		out.RenderingClinicianId, out.SupervisingClinicianId = e.RenderingClinicianId, e.SupervisingClinicianId
		if out.ClinicianId == "" {
			out.ClinicianId = e.RenderingClinicianId
		}
		out.ResponsiblePayers, out.AuthorizationId, out.AuthNo, out.DiagnosisCodes = e.ResponsiblePayers, e.AuthorizationId, e.AuthNo, e.DiagnosisCodes
		out.Charge = money.Of(e.ChargeAmount)
		for _, l := range e.Lines {
			out.Lines = append(out.Lines, &pb.EncounterLine{
				LineId: l.LineId, ServiceCode: l.ServiceCode, Modifiers: l.Modifiers, UnitsThousandths: l.UnitsThousandths,
				PlaceOfService: l.PlaceOfService, Charge: money.Of(l.ChargeAmount), DiagnosisPointers: l.DiagnosisPointers,
			})
		}
	}
}

// word is the status as the table has it; empty for unspecified.
func word(s pb.EncounterStatus) string {
	if s == pb.EncounterStatus_ENCOUNTER_STATUS_UNSPECIFIED {
		return ""
	}
	return strings.ToLower(strings.TrimPrefix(s.String(), "ENCOUNTER_STATUS_"))
}

func scan(row pgx.CollectableRow) (*pb.EncounterSummary, error) {
	e := &pb.EncounterSummary{}
	var state string
	var charge int64
	err := row.Scan(&e.EncounterId, &e.PatientId, &e.ClinicianId, &e.LocationId, &e.ServiceDate, &state, &e.Imported, &charge, &e.Version)
	e.Status = pb.EncounterStatus(pb.EncounterStatus_value["ENCOUNTER_STATUS_"+strings.ToUpper(state)])
	e.Charge = money.Of(charge)
	return e, err
}

// ListEncounters are encounters, newest service date first.
func (s *Server) ListEncounters(ctx context.Context, r *pb.ListEncountersRequest) (*pb.ListEncountersResponse, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	at, err := page.Parse(r.PageSize, r.PageToken, "9999-12-31", "")
	if err != nil {
		return nil, err
	}
	query, args := `SELECT encounter_id, patient_id, clinician_id, location_id, service_date::text, status, imported, charge_amount, version
		FROM encounters WHERE tenant_id = $1 AND (service_date, encounter_id) < ($2::text::date, $3)`, []any{caller.Tenant, at.Key[0], at.Key[1]}
	for _, f := range []struct{ column, value string }{
		{"patient_id", r.PatientId}, {"clinician_id", r.ClinicianId}, {"location_id", r.LocationId}, {"status", word(r.Status)},
	} {
		if f.value != "" { // only what is asked for, so that its index is used
			args = append(args, f.value)
			query += fmt.Sprintf(" AND %s = $%d", f.column, len(args))
		}
	}
	rows, err := s.rt.DB.Query(ctx, fmt.Sprintf("%s ORDER BY service_date DESC, encounter_id DESC LIMIT %d", query, at.Limit+1), args...)
	if err != nil {
		return nil, fmt.Errorf("list encounters: %w", err)
	}
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list encounters: %w", err)
	}
	out := &pb.ListEncountersResponse{}
	out.Encounters, out.NextPageToken = page.Cut(list, at, func(e *pb.EncounterSummary) []string { return []string{e.ServiceDate, e.EncounterId} })
	return out, nil
}
