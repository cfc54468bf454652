package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// The desk: patients, cards, questions to payers, permission, the schedule, and what happened in the room.

func (e *ehr) patient(ctx context.Context, p *patient) (string, error) {
	return e.idOf(ctx, p.name, "/v1/patients", func() (proto.Message, error) {
		home, err := e.location(ctx, p.place)
		if err != nil {
			return nil, err
		}
		request := proto.CloneOf(p.request)
		request.LocationId = home
		return request, nil
	})
}

// register takes in who begins on a day: the patient, the cards, what the payers say of them, and permission where it is wanted.
func (e *ehr) register(ctx context.Context, day int) error {
	var today []*patient
	for _, p := range e.plan.patients {
		if p.starts == day {
			today = append(today, p)
		}
	}
	if len(today) == 0 {
		return nil
	}
	if err := each(ctx, today, e.cover); err != nil {
		return err
	}
	if err := e.quiet(ctx); err != nil { // the payers answer
		return err
	}
	return each(ctx, today, func(ctx context.Context, p *patient) error {
		for _, one := range p.permits {
			if _, err := e.permit(ctx, p, one); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *ehr) cover(ctx context.Context, p *patient) error {
	if _, err := e.patient(ctx, p); err != nil {
		return err
	}
	for _, c := range p.coverages {
		if _, err := e.card(ctx, p, c); err != nil {
			return err
		}
	}
	if !p.checked {
		return nil
	}
	return e.ask(ctx, p, "")
}

// card enters a coverage.
func (e *ehr) card(ctx context.Context, p *patient, c *coverage) (string, error) {
	id, err := e.patient(ctx, p)
	if err != nil {
		return "", err
	}
	return e.idOf(ctx, c.name, "/v1/patients/"+id+"/coverages", func() (proto.Message, error) {
		from, err := e.payer(ctx, c.payer)
		if err != nil {
			return nil, err
		}
		request := proto.CloneOf(c.request)
		request.PayerId = from
		return request, nil
	})
}

// ask asks the payers of a patient about behavioral services. round tells one time from another.
func (e *ehr) ask(ctx context.Context, p *patient, round string) error {
	for _, c := range p.coverages {
		id, err := e.card(ctx, p, c)
		if err != nil {
			return err
		}
		if _, err := e.write(ctx, c.name+" eligibility"+round, "/v1/coverages/"+id+"/eligibility-checks", &intakev1.CheckEligibilityRequest{}); err != nil {
			return err
		}
	}
	return nil
}

// askAgain is after how many days payers are asked again: what they said counts for 35.
const askAgain = 4 * daysOfWeek

// verify asks again of whom the answer grows old.
func (e *ehr) verify(ctx context.Context, day int) error {
	var today []*patient
	for _, p := range e.plan.patients {
		if since := day - p.starts; p.checked && since > 0 && since%askAgain == 0 && day < e.plan.weeks*daysOfWeek {
			today = append(today, p)
		}
	}
	if len(today) == 0 {
		return nil
	}
	if err := each(ctx, today, func(ctx context.Context, p *patient) error { return e.ask(ctx, p, fmt.Sprint(" ", day)) }); err != nil {
		return err
	}
	return e.quiet(ctx)
}

// permit asks for an authorization, and enters the payer's yes.
func (e *ehr) permit(ctx context.Context, p *patient, one *permit) (string, error) {
	return e.permitted(ctx, p, one.name, "", e.date(p.starts), e.date(p.starts+one.weeks*daysOfWeek), one.units)
}

// number is how the payer calls an authorization.
func (e *ehr) number(name string) string {
	return fmt.Sprintf("A%d%s", e.seed, strings.ToUpper(strings.NewReplacer(".", "", " after the fact", "R", "permit", "").Replace(name)))
}

func (e *ehr) permitted(ctx context.Context, p *patient, name, channel, from, thru string, units map[string]int32) (string, error) {
	id, err := e.idOf(ctx, name, "/v1/authorizations", func() (proto.Message, error) {
		who, err := e.patient(ctx, p)
		if err != nil {
			return nil, err
		}
		payer, err := e.payer(ctx, p.payer().key)
		if err != nil {
			return nil, err
		}
		if channel == "" {
			channel = "portal"
		}
		return &authorizationv1.RequestAuthorizationRequest{PatientId: who, PayerId: payer, FromDate: from, ThruDate: thru, UnitsByCode: units, Channel: channel, DiagnosisCodes: p.diagnosed()}, nil
	})
	if err != nil {
		return "", err
	}
	_, err = e.create(ctx, name+" yes", "/v1/authorizations/"+id+"/approvals", func() (proto.Message, error) {
		return &authorizationv1.ApproveAuthorizationRequest{AuthNo: e.number(name), FromDate: from, ThruDate: thru, UnitsByCode: units}, nil
	})
	return id, err
}

// bookedOn is the day on which a visit is booked: a week ahead, as soon as the patient is there.
func (v *visit) bookedOn() int { return max(v.day-daysOfWeek, v.patient.starts) }

// book enters the appointments that are made on a day, and calls off what is called off.
func (e *ehr) book(ctx context.Context, day int) error {
	var today, off []*visit
	for _, v := range e.plan.visits {
		if v.walkIn {
			continue
		}
		if v.bookedOn() == day {
			today = append(today, v)
		}
		if v.day == day && v.fate == cancelled {
			off = append(off, v)
		}
	}
	if len(today)+len(off) == 0 {
		return nil
	}
	if err := each(ctx, today, func(ctx context.Context, v *visit) error { _, err := e.appointment(ctx, v); return err }); err != nil {
		return err
	}
	if err := each(ctx, off, func(ctx context.Context, v *visit) error {
		id, err := e.appointment(ctx, v)
		if err != nil {
			return err
		}
		_, err = e.write(ctx, v.name+" off", "/v1/appointments/"+id+"/cancellations", &intakev1.CancelAppointmentRequest{Reason: "the patient called"})
		return err
	}); err != nil {
		return err
	}
	return e.quiet(ctx)
}

// span is from when to when a visit is.
func (e *ehr) span(v *visit, minutes int) (from, thru *timestamppb.Timestamp, err error) {
	for _, p := range places {
		if p.key != v.patient.place {
			continue
		}
		zone, err := time.LoadLocation(p.request.TimeZone)
		if err != nil {
			return nil, nil, fmt.Errorf("time zone of %s: %w", p.key, err)
		}
		day := e.monday.AddDate(0, 0, v.day)
		start := time.Date(day.Year(), day.Month(), day.Day(), v.clock/60, v.clock%60, 0, 0, zone)
		return timestamppb.New(start), timestamppb.New(start.Add(time.Duration(minutes) * time.Minute)), nil
	}
	return nil, nil, fmt.Errorf("location %s: %w", v.patient.place, errNotThere)
}

func (e *ehr) appointment(ctx context.Context, v *visit) (string, error) {
	return e.idOf(ctx, v.name+" appointment", "/v1/appointments", func() (_ proto.Message, err error) {
		request := &intakev1.ScheduleAppointmentRequest{Modality: v.modality, ServiceCode: v.code, Units: &v.units}
		if request.PatientId, err = e.patient(ctx, v.patient); err != nil {
			return nil, err
		}
		if request.ClinicianId, err = e.clinician(ctx, v.patient.clinician.key); err != nil {
			return nil, err
		}
		if request.LocationId, err = e.location(ctx, v.patient.place); err != nil {
			return nil, err
		}
		if v.permit != nil {
			if request.AuthorizationId, err = e.permit(ctx, v.patient, v.permit); err != nil {
				return nil, err
			}
		}
		request.StartAt, request.EndAt, err = e.span(v, v.booked)
		return request, err
	})
}

// enter sends the sessions of a day: who came and who did not, what was taken at the desk, the record and its signature.
func (e *ehr) enter(ctx context.Context, day int) error {
	type session struct {
		*visit
		again bool
	}
	var today []session
	var missed []*visit
	for _, v := range e.plan.visits {
		if v.fate == noShow && v.day == day && !v.walkIn {
			missed = append(missed, v)
		}
		if v.fate == happens && v.entered == day {
			today = append(today, session{v, false})
		}
		if v.again != 0 && v.again == day {
			today = append(today, session{v, true})
		}
	}
	if len(today)+len(missed) == 0 {
		return nil
	}
	if err := each(ctx, missed, func(ctx context.Context, v *visit) error {
		id, err := e.appointment(ctx, v)
		if err != nil {
			return err
		}
		_, err = e.write(ctx, v.name+" missed", "/v1/appointments/"+id+"/no-shows", &intakev1.RecordNoShowRequest{Reason: "the patient did not come"})
		return err
	}); err != nil {
		return err
	}
	if err := each(ctx, today, func(ctx context.Context, s session) error {
		if s.again {
			return e.record(ctx, s.visit, s.name+" again")
		}
		if err := e.arrive(ctx, s.visit); err != nil {
			return err
		}
		return e.record(ctx, s.visit, s.name)
	}); err != nil {
		return err
	}
	return e.quiet(ctx)
}

// arrive checks a patient in and takes the copay.
func (e *ehr) arrive(ctx context.Context, v *visit) error {
	if !v.walkIn {
		id, err := e.appointment(ctx, v)
		if err != nil {
			return err
		}
		if _, err := e.write(ctx, v.name+" here", "/v1/appointments/"+id+"/check-ins", &intakev1.CheckInAppointmentRequest{}); err != nil {
			return err
		}
	}
	first := v.patient.payer()
	if !v.copay || first == nil || first.copay == 0 {
		return nil
	}
	who, err := e.patient(ctx, v.patient)
	if err != nil {
		return err
	}
	_, err = e.write(ctx, v.name+" copay", "/v1/patient-payments", &postingv1.RecordPatientPaymentRequest{PatientId: who, Amount: money.Of(first.copay), Method: "card", Reference: "copay " + v.name})
	return err
}

// record sends a session and signs it. name is that of the requests: a second name is a second session for the platform.
func (e *ehr) record(ctx context.Context, v *visit, name string) error {
	id, err := e.encounter(ctx, v, name)
	if err != nil {
		return err
	}
	signer := v.patient.clinician.key
	if by := v.patient.clinician.supervisor; by != "" {
		signer = by
	}
	by, err := e.clinician(ctx, signer)
	if err != nil {
		return err
	}
	_, err = e.write(ctx, name+" signed", "/v1/encounters/"+id+"/signatures", &codingv1.SignEncounterRequest{SignedByClinicianId: by})
	return err
}

func (e *ehr) encounter(ctx context.Context, v *visit, name string) (string, error) {
	id, err := e.idOf(ctx, name+" encounter", "/v1/encounters", func() (_ proto.Message, err error) {
		request := &codingv1.ReceiveEncounterRequest{
			ServiceDate: e.date(v.day), Modality: v.modality, ServiceKind: v.kind, EvaluationManagementCode: v.em, EvaluationManagementMinutes: int32(v.emMinutes),
			InteractiveComplexity: v.complex, GroupSize: int32(v.size), DiagnosisCodes: slices.Clone(v.diagnoses),
		}
		if request.PatientId, err = e.patient(ctx, v.patient); err != nil {
			return nil, err
		}
		if request.ClinicianId, err = e.clinician(ctx, v.patient.clinician.key); err != nil {
			return nil, err
		}
		if request.LocationId, err = e.location(ctx, v.patient.place); err != nil {
			return nil, err
		}
		if !v.walkIn {
			if request.AppointmentId, err = e.appointment(ctx, v); err != nil {
				return nil, err
			}
		}
		request.StartAt, request.EndAt, err = e.span(v, v.minutes)
		return request, err
	})
	if err != nil {
		return "", err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.visitOf[id] = v
	return id, nil
}
