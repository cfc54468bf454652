package encounter

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/coding/rules"
	"github.com/evenkeel/evenkeel/services/coding/servicehistory"
)

var (
	// EncounterNew: a session is sent once. Source: our own choice.
	EncounterNew = refuse.Rule{ID: "coding.encounter_new", Version: 1, Owner: "integrations"}
	// EncounterReceived: only what was received can be signed or answered. Source: our own choice.
	EncounterReceived = refuse.Rule{ID: "coding.encounter_received", Version: 1, Owner: "integrations", NotFound: true}
	// PatientExists: the patient is one of this tenant's. Source: our own choice.
	PatientExists = refuse.Rule{ID: "coding.patient_exists", Version: 1, Owner: "intake", NotFound: true}
	// ClinicianExists: the clinician is registered. Source: our own choice.
	ClinicianExists = refuse.Rule{ID: "coding.clinician_exists", Version: 1, Owner: "registry", NotFound: true}
	// LocationExists: the location is registered. Source: our own choice.
	LocationExists = refuse.Rule{ID: "coding.location_exists", Version: 1, Owner: "registry", NotFound: true}
	// SessionTimes: a session ends after it starts, at most 24 hours later. Source: our own choice; longer ones are not outpatient visits.
	SessionTimes = refuse.Rule{ID: "coding.session_times", Version: 1, Owner: "clinic"}
	// ServiceDate: the date of service is the day on which the session started at the location. Source: DTP*472 of the 837P is a local day.
	ServiceDate = refuse.Rule{ID: "coding.service_date", Version: 1, Owner: "clinic"}
	// NotInFuture: what is coded has been given. Source: our own choice.
	NotInFuture = refuse.Rule{ID: "coding.not_in_future", Version: 1, Owner: "clinic"}
	// Diagnoses: 1 to 12 ICD-10-CM codes, each once, principal first. Source: HI of the 837P (12 codes); ICD-10-CM code structure. Checked 2026-11-24.
	Diagnoses = refuse.Rule{ID: "coding.diagnoses", Version: 1, Owner: "clinic"}
	// GroupSize: a group has at least two patients; other sessions have no group. Source: our own choice.
	GroupSize = refuse.Rule{ID: "coding.group_size", Version: 1, Owner: "clinic"}
	// AfterBirth: a service is given to somebody who is born. Source: arithmetic; payers refuse such a claim.
	AfterBirth = refuse.Rule{ID: "coding.after_birth", Version: 1, Owner: "clinic"}
	// AuthorizationOfPatient: an authorization covers the patient it was given for. Source: the approval.
	AuthorizationOfPatient = refuse.Rule{ID: "coding.authorization_of_patient", Version: 1, Owner: "authorizations"}
	// AppointmentExists: a session may be of an appointment, and then of one that intake made. Source: our own choice.
	AppointmentExists = refuse.Rule{ID: "coding.appointment_exists", Version: 1, Owner: "clinic"}
	// AppointmentOfPatient: an appointment is one patient's. Source: our own choice.
	AppointmentOfPatient = refuse.Rule{ID: "coding.appointment_of_patient", Version: 1, Owner: "clinic"}
	// SignedOnce: a session is signed once. Source: our own choice; a change after it is an addendum in the EHR.
	SignedOnce = refuse.Rule{ID: "coding.signed_once", Version: 1, Owner: "clinic"}
	// Signer: who gave the service signs, or the supervisor of that day. Source: our own choice; payers ask for one of the two.
	Signer = refuse.Rule{ID: "coding.signer", Version: 1, Owner: "clinic"}
	// QueryOpen: only an open query can be answered. Source: our own choice.
	QueryOpen = refuse.Rule{ID: "coding.query_open", Version: 1, Owner: "coding"}
	// OneAnswer: a code, or that nothing is billed: not both. Source: our own choice.
	OneAnswer = refuse.Rule{ID: "coding.one_answer", Version: 1, Owner: "coding"}
	// DistinctModifier: a modifier that says a service is distinct comes with the word that it is. Source: our own choice.
	DistinctModifier = refuse.Rule{ID: "coding.distinct_modifier", Version: 1, Owner: "coding"}
	// PayerOrder: on one day one coverage has each place in the order of payers. Source: our own choice; who pays first is never guessed.
	PayerOrder = refuse.Rule{ID: "coding.payer_order", Version: 1, Owner: "intake"}
)

// Known is what the decision to receive is told of other services' facts.
type Known struct {
	Patient, Clinician, Location bool
	BirthDate                    string // of the patient; empty: not known
	StartDay                     string // on which it started, at the location
	Today                        string // at the location
	Authorization                *authorizationv1.AuthorizationApproved
	Appointment                  *intakev1.AppointmentScheduled
}

const (
	longest      = 24 * 60 * 60 // seconds
	mostDiagnose = 12
)

// A letter, a digit, a digit or A or B, and up to four more; the dot is not written.
var diagnosis = regexp.MustCompile(`^[A-Z][0-9][0-9AB][0-9A-Z]{0,4}$`)

// Receive takes a session.
func Receive(s State, c *pb.ReceiveEncounterRequest, id string, known Known) ([]es.Event, error) {
	var no refuse.List
	no.If(s.Received != nil, EncounterNew, "", "encounter %s was received already", id)
	no.If(!known.Patient, PatientExists, "patient_id", "there is no patient %s: register the patient first", c.PatientId)
	no.If(!known.Clinician, ClinicianExists, "clinician_id", "there is no clinician %s: register the clinician first", c.ClinicianId)
	no.If(!known.Location, LocationExists, "location_id", "there is no location %s: register it first", c.LocationId)
	times(&no, c, known)
	no.If(date.Valid(c.ServiceDate) && c.ServiceDate < known.BirthDate, AfterBirth, "service_date", "the patient was not born on %s: is it the right patient, the right day?", c.ServiceDate)
	codes := diagnoses(&no, c.DiagnosisCodes)
	management(&no, c)
	group := c.ServiceKind == pb.ServiceKind_SERVICE_KIND_GROUP
	no.If(group && c.GroupSize < 2, GroupSize, "group_size", "a group of %d: send how many patients took part", c.GroupSize)
	no.If(!group && c.GroupSize > 0, GroupSize, "group_size", "%d patients in a session that is no group: send 0, or the group kind", c.GroupSize)
	no.If(known.Authorization != nil && known.Authorization.PatientId != c.PatientId, AuthorizationOfPatient, "authorization_id", "%s is another patient's", c.AuthorizationId)
	no.If(known.Appointment == nil && c.AppointmentId != "", AppointmentExists, "appointment_id", "there is no appointment %s: schedule it first, or leave it out", c.AppointmentId)
	no.If(known.Appointment != nil && known.Appointment.PatientId != c.PatientId, AppointmentOfPatient, "appointment_id", "%s is another patient's", c.AppointmentId)
	return no.Or(&pb.EncounterReceived{
		EncounterId: id, PatientId: c.PatientId, AppointmentId: c.AppointmentId, ClinicianId: c.ClinicianId, LocationId: c.LocationId,
		ServiceDate: c.ServiceDate, StartAt: c.StartAt, EndAt: c.EndAt, Modality: c.Modality, ServiceKind: c.ServiceKind,
		EvaluationManagementCode: c.EvaluationManagementCode, EvaluationManagementMinutes: c.EvaluationManagementMinutes,
		InteractiveComplexity: c.InteractiveComplexity, GroupSize: c.GroupSize, AuthorizationId: c.AuthorizationId, DiagnosisCodes: codes,
	})
}

func times(no *refuse.List, c *pb.ReceiveEncounterRequest, known Known) {
	seconds := c.EndAt.GetSeconds() - c.StartAt.GetSeconds()
	no.If(seconds <= 0, SessionTimes, "end_at", "it ends before it starts, or when it starts: send the end of the session")
	no.If(seconds > longest, SessionTimes, "end_at", "it lasts %d hours, at most 24 are one session", seconds/3600)
	if !date.Valid(c.ServiceDate) {
		no.If(true, ServiceDate, "service_date", "%q is not a day", c.ServiceDate)
		return
	}
	if !known.Location {
		return // where it was, and so which day it was, is not known
	}
	no.If(c.ServiceDate != known.StartDay, ServiceDate, "service_date", "it started on %s at the location, not on %s: send that day", known.StartDay, c.ServiceDate)
	no.If(c.ServiceDate > known.Today, NotInFuture, "service_date", "%s is in the future, today is %s at the location: send it after it was given", c.ServiceDate, known.Today)
}

// diagnoses without dots. Messages say places, never codes: they say something about a person.
func diagnoses(no *refuse.List, codes []string) []string {
	no.If(len(codes) == 0, Diagnoses, "diagnosis_codes", "none: send at least the principal diagnosis")
	if len(codes) > mostDiagnose {
		no.If(true, Diagnoses, "diagnosis_codes", "%d, a claim carries %d", len(codes), mostDiagnose)
		return nil
	}
	out := make([]string, len(codes))
	for i, code := range codes {
		out[i] = strings.ToUpper(strings.Replace(strings.TrimSpace(code), ".", "", 1))
		at := fmt.Sprintf("diagnosis_codes[%d]", i)
		no.If(!diagnosis.MatchString(out[i]), Diagnoses, at, "number %d is not written like an ICD-10-CM code", i+1)
		no.If(slices.Contains(out[:i], out[i]), Diagnoses, at, "number %d is there twice", i+1)
	}
	return out
}

func management(no *refuse.List, c *pb.ReceiveEncounterRequest) {
	if !rules.NeedsManagement(c.ServiceKind) {
		no.If(c.EvaluationManagementCode != "" || c.EvaluationManagementMinutes > 0, rules.EvaluationManagement, "evaluation_management_code", "this kind of service has no E/M: leave its code and minutes out, or send a medication kind")
		return
	}
	no.If(!rules.IsManagement(c.EvaluationManagementCode), rules.EvaluationManagement, "evaluation_management_code", "%q is no E/M code: send the one that was given", c.EvaluationManagementCode)
	minutes := (c.EndAt.GetSeconds() - c.StartAt.GetSeconds()) / 60
	no.If(minutes > 0 && int64(c.EvaluationManagementMinutes) > minutes, rules.EvaluationManagement, "evaluation_management_minutes",
		"%d minutes of E/M in a session of %d", c.EvaluationManagementMinutes, minutes)
	no.If(c.ServiceKind == pb.ServiceKind_SERVICE_KIND_MEDICATION_AND_PSYCHOTHERAPY && c.EvaluationManagementMinutes == 0, rules.EvaluationManagement, "evaluation_management_minutes",
		"0: say how many minutes of the session went to the E/M, they are not therapy time")
}

// Situation is what coding a visit is told of other services' facts, as they are now.
type Situation struct {
	rules.Facts
	PatientID       string
	OrganizationID  string
	Payers          []*intakev1.ResponsiblePayer // in order; none: self-pay
	AuthorizationID string                       // the encounter's, or the appointment's
	Approved        *authorizationv1.AuthorizationApproved
}

// Sign records the signature and codes the visit, and enters it into the patient's history.
func Sign(s State, given servicehistory.State, c *pb.SignEncounterRequest, now Situation) (events, entered []es.Event, err error) {
	if s.Received == nil {
		return nil, nil, missing(c.EncounterId)
	}
	var no refuse.List
	no.If(s.Signed, SignedOnce, "", "encounter %s is signed already", c.EncounterId)
	supervises := now.Supervisor != nil && c.SignedByClinicianId == now.Supervisor.ClinicianId
	no.If(c.SignedByClinicianId != s.Received.ClinicianId && !supervises, Signer, "signed_by_clinician_id",
		"%s neither gave the service nor was the supervisor on %s", c.SignedByClinicianId, s.Received.ServiceDate)
	if no.Any() {
		return nil, nil, no.Err()
	}
	coded, entered := code(s.Received, s.Said, given, now)
	return append([]es.Event{&pb.EncounterSigned{
		EncounterId: c.EncounterId, PatientId: s.Received.PatientId, SignedByClinicianId: c.SignedByClinicianId, SignedAt: c.SignedAt,
	}}, coded...), entered, nil
}

// Answer is a coder's answer to the open query.
func Answer(s State, given servicehistory.State, c *pb.AnswerCoderQueryRequest, now Situation) (events, entered []es.Event, err error) {
	if s.Received == nil {
		return nil, nil, missing(c.EncounterId)
	}
	var no refuse.List
	no.If(s.Query == nil, QueryOpen, "", "encounter %s has no open query", c.EncounterId)
	no.If(c.NoBill && c.ServiceCode != "", OneAnswer, "no_bill", "a code and that nothing is billed: send one of them")
	no.If(c.NoBill && c.DistinctService, OneAnswer, "no_bill", "that it stands beside others and that nothing is billed: send one of them")
	no.If(c.DistinctModifier != "" && !c.DistinctService, DistinctModifier, "distinct_modifier", "modifier %s without distinct_service: say that the service is one of its own", c.DistinctModifier)
	if no.Any() {
		return nil, nil, no.Err()
	}
	answered := &pb.CoderQueryAnswered{
		EncounterId: c.EncounterId, PatientId: s.Received.PatientId, ServiceCode: c.ServiceCode, Note: c.Note, NoBill: c.NoBill,
		DistinctService: c.DistinctService, DistinctModifier: c.DistinctModifier,
	}
	if c.NoBill {
		return []es.Event{answered}, nil, nil
	}
	coded, entered := code(s.Received, s.Said.and(answered), given, now)
	return append([]es.Event{answered}, coded...), entered, nil
}

func missing(id string) error {
	return refuse.Because(EncounterReceived, "encounter_id", "there is no encounter %s: send it first", id)
}

// code is what a signed visit becomes: codes, and its entry in the patient's history; or a query with every reason.
func code(e *pb.EncounterReceived, said Said, given servicehistory.State, now Situation) (events, entered []es.Event) {
	visit := rules.Visit{EncounterReceived: e, CoderCode: said.Code}
	coding, open := rules.Derive(visit, now.Facts)
	entry := &pb.ServicesEntered{
		PatientId: e.PatientId, EncounterId: e.EncounterId, OrganizationId: now.OrganizationID, ClinicianId: e.ClinicianId, ServiceDate: e.ServiceDate,
		ServiceCodes: servicehistory.Codes(coding.Lines), StartAt: e.StartAt, EndAt: e.EndAt,
	}
	if asked := rules.Beside(entry, given.Entered, now.Policy); !said.Distinct {
		open = append(open, asked...)
	} else if len(asked) > 0 {
		visit.DistinctModifier = said.Modifier
		coding, open = rules.Derive(visit, now.Facts)
		coding.Decisions = append(coding.Decisions, rules.Overruled(asked, said.Modifier))
	}
	open = append(open, payerOrder(now.Payers)...)
	if len(open) > 0 {
		return []es.Event{&pb.CoderQueryRaised{EncounterId: e.EncounterId, PatientId: e.PatientId, Reasons: open}}, nil
	}
	return []es.Event{
		&pb.CodesDerived{EncounterId: e.EncounterId, PatientId: e.PatientId, Lines: coding.Lines, Decisions: coding.Decisions, Minutes: coding.Minutes},
		&pb.CodingCompleted{
			EncounterId: e.EncounterId, PatientId: e.PatientId, AppointmentId: e.AppointmentId, OrganizationId: now.OrganizationID, LocationId: e.LocationId,
			RenderingClinicianId: coding.RenderingID, SupervisingClinicianId: coding.SupervisingID, ServiceDate: e.ServiceDate,
			Lines: coding.Lines, ChargeAmount: coding.Charge, ResponsiblePayers: now.Payers,
			AuthorizationId: now.AuthorizationID, AuthNo: authNo(now.Approved, e, coding.Lines, now.Payers),
			DiagnosisCodes: e.DiagnosisCodes, DiagnosisCodeSystem: "10", Modality: e.Modality,
		},
	}, []es.Event{entry}
}

// authNo is the payer's number, when its approval is this patient's and one of the visit's payers', for a code of the visit, and reaches this day and place. Whether it has units
// for the visit its ledger says, later: claims asks there before the number is sent.
func authNo(a *authorizationv1.AuthorizationApproved, e *pb.EncounterReceived, lines []*typev1.ServiceLine, payers []*intakev1.ResponsiblePayer) string {
	if a == nil || a.PatientId != e.PatientId || !date.Within(e.ServiceDate, a.FromDate, a.ThruDate) {
		return ""
	}
	code := slices.ContainsFunc(lines, func(l *typev1.ServiceLine) bool { return a.UnitsByCode[l.ServiceCode] > 0 })
	payer := slices.ContainsFunc(payers, func(p *intakev1.ResponsiblePayer) bool { return p.PayerId == a.PayerId })
	if !code || !payer || len(a.LocationIds) > 0 && !slices.Contains(a.LocationIds, e.LocationId) {
		return ""
	}
	return a.AuthNo
}

func payerOrder(payers []*intakev1.ResponsiblePayer) []*problemv1.Reason {
	var no refuse.List
	for i := 1; i < len(payers); i++ {
		a, b := payers[i-1], payers[i]
		no.If(a.PayerSequence == b.PayerSequence, PayerOrder, "patient_id",
			"coverages %s and %s are both in force as number %d: correct the order of payers, then answer", a.CoverageId, b.CoverageId, a.PayerSequence)
	}
	return no.Reasons()
}

// Carved puts the behavioral payer of the registry's carve-outs in the place of the payer, where intake has not found one itself.
func Carved(payers []*intakev1.ResponsiblePayer, registered func(payerID string) *registryv1.PayerRegistered) []*intakev1.ResponsiblePayer {
	for _, p := range payers {
		if to := registered(p.PayerId).GetBehavioralPayerId(); to != "" {
			p.PayerId = to
		}
	}
	return payers
}
