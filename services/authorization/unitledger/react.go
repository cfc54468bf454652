package unitledger

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// React keeps the ledger in step with the schedule and with what was given.
func React(r es.Recorded, _ es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *intakev1.AppointmentScheduled:
		if e.AuthorizationId == "" { // none was named; requirement says whether one was needed
			return nil, nil
		}
		return []es.Command{es.Do(Stream, e.AuthorizationId, reserveOrRecord(e.PatientId), &pb.ReserveUnitsRequest{
			AuthorizationId: e.AuthorizationId, AppointmentId: e.AppointmentId, ServiceCode: e.ServiceCode, ServiceDate: e.ServiceDate, Units: e.Units,
		})}, nil
	case *intakev1.AppointmentCancelled:
		if e.AuthorizationId == "" {
			return nil, nil
		}
		return []es.Command{es.Do(Stream, e.AuthorizationId, releaseIfKnown, &pb.ReleaseUnitsRequest{
			AuthorizationId: e.AuthorizationId, AppointmentId: e.AppointmentId, Reason: e.Reason,
		})}, nil
	case *codingv1.CodingCompleted:
		if e.AuthorizationId == "" || len(e.Lines) == 0 {
			return nil, nil
		}
		line := e.Lines[0] // the primary service; add-ons go with it
		return []es.Command{es.Do(Stream, e.AuthorizationId, consumeOrRecord, Use{
			AuthorizationID: e.AuthorizationId, EncounterID: e.EncounterId, AppointmentID: e.AppointmentId, PatientID: e.PatientId,
			ServiceCode: line.ServiceCode, ServiceDate: e.ServiceDate, Units: (line.UnitsThousandths + 999) / 1000,
		})}, nil
	}
	return nil, nil
}

// reserveOrRecord is Reserve where nobody is there to hear a no: the visit is booked already.
func reserveOrRecord(patientID string) func(State, *pb.ReserveUnitsRequest) ([]es.Event, error) {
	return func(s State, c *pb.ReserveUnitsRequest) ([]es.Event, error) {
		events, err := Reserve(s, c)
		return orRefused(s, events, err, &pb.UnitsRefused{AuthorizationId: c.AuthorizationId, AppointmentId: c.AppointmentId, PatientId: patientID})
	}
}

// consumeOrRecord is Consume of a service that has been given.
func consumeOrRecord(s State, c Use) ([]es.Event, error) {
	events, err := Consume(s, c)
	out, err := orRefused(s, events, err, &pb.UnitsRefused{AuthorizationId: c.AuthorizationID, EncounterId: c.EncounterID, PatientId: c.PatientID})
	if held := s.Held[c.AppointmentID]; held != nil && len(events) == 0 && len(out) > 0 { // the visit is over: what it held for another service is free again
		out = append([]es.Event{&pb.UnitsReleased{
			AuthorizationId: c.AuthorizationID, AppointmentId: c.AppointmentID, ServiceCode: held.ServiceCode, Units: held.Units, Reason: "the visit was given as " + c.ServiceCode,
		}}, out...)
	}
	return out, err
}

// releaseIfKnown is Release of an authorization that may never have been: then there is nothing to give back.
func releaseIfKnown(s State, c *pb.ReleaseUnitsRequest) ([]es.Event, error) {
	if s.Requested == nil {
		return nil, nil
	}
	return Release(s, c)
}

func orRefused(s State, events []es.Event, err error, refused *pb.UnitsRefused) ([]es.Event, error) {
	why := refuse.Reasons(err)
	if why == nil {
		return events, err
	}
	if s.Refused[refused.AppointmentId+refused.EncounterId] {
		return nil, nil
	}
	refused.Reasons = why
	return []es.Event{refused}, nil
}

// PatientMirror knows which patients there are, by patient_id.
var PatientMirror = es.Mirror[bool]{
	Name: "authorization.patient",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*intakev1.PatientRegistered); ok {
			return []string{e.PatientId}
		}
		return nil
	},
	Evolve: func(bool, es.Event) bool { return true },
}
