package unitledger

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// React keeps the ledger in step with what visits to come and given ones are to have of it (package allocation).
func React(r es.Recorded, _ es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*pb.UnitsAssigned)
	if !ok {
		return nil, nil
	}
	use := Use{
		AuthorizationID: e.AuthorizationId, EncounterID: e.EncounterId, AppointmentID: e.AppointmentId, PatientID: e.PatientId,
		ServiceCode: e.ServiceCode, ServiceDate: e.ServiceDate, LocationID: e.LocationId, Units: e.Units,
	}
	switch {
	case e.EncounterId != "" && e.Units > 0:
		return []es.Command{es.Do(Stream, e.AuthorizationId, consumeOrRecord, use)}, nil
	case e.EncounterId != "":
		return []es.Command{es.Do(Stream, e.AuthorizationId, giveBack(e.Reason), use)}, nil
	case e.Units > 0:
		return []es.Command{es.Do(Stream, e.AuthorizationId, reserveOrRecord(e.PatientId), &pb.ReserveUnitsRequest{
			AuthorizationId: e.AuthorizationId, AppointmentId: e.AppointmentId, ServiceCode: e.ServiceCode, ServiceDate: e.ServiceDate, Units: e.Units, LocationId: e.LocationId,
		})}, nil
	}
	return []es.Command{es.Do(Stream, e.AuthorizationId, releaseIfKnown, &pb.ReleaseUnitsRequest{
		AuthorizationId: e.AuthorizationId, AppointmentId: e.AppointmentId, Reason: e.Reason,
	})}, nil
}

// reserveOrRecord is Reserve where nobody is there to hear a no: the visit is booked already.
func reserveOrRecord(patientID string) func(State, *pb.ReserveUnitsRequest) ([]es.Event, error) {
	return func(s State, c *pb.ReserveUnitsRequest) ([]es.Event, error) {
		events, err := Reserve(s, c)
		return orRefused(s, events, err, &pb.UnitsRefused{
			AuthorizationId: c.AuthorizationId, AppointmentId: c.AppointmentId, PatientId: patientID, ServiceCode: c.ServiceCode, ServiceDate: c.ServiceDate, Units: c.Units,
		})
	}
}

// consumeOrRecord is Consume of a service that has been given. Where it is refused, what the visit held, and what it had used of another code, is free again.
func consumeOrRecord(s State, c Use) ([]es.Event, error) {
	events, err := Consume(s, c)
	if refuse.Reasons(err) == nil {
		return events, err
	}
	var out []es.Event
	if held := s.Held[c.AppointmentID]; held != nil {
		out = append(out, &pb.UnitsReleased{
			AuthorizationId: c.AuthorizationID, AppointmentId: c.AppointmentID, ServiceCode: held.ServiceCode, Units: held.Units, Reason: "the visit was given as " + c.ServiceCode,
			PatientId: s.Requested.GetPatientId(),
		})
	}
	if has := s.Consumed[c.EncounterID]; has.ServiceCode != c.ServiceCode {
		out = append(out, restore(s, c, has.Units, "the visit is billed as "+c.ServiceCode)...)
	}
	refused, err := orRefused(s, nil, err, &pb.UnitsRefused{
		AuthorizationId: c.AuthorizationID, EncounterId: c.EncounterID, PatientId: c.PatientID, ServiceCode: c.ServiceCode, ServiceDate: c.ServiceDate, Units: c.Units,
	})
	return append(out, refused...), err
}

// giveBack restores all that an encounter has used.
func giveBack(reason string) func(State, Use) ([]es.Event, error) {
	return func(s State, c Use) ([]es.Event, error) {
		return restore(s, c, s.Consumed[c.EncounterID].Units, reason), nil
	}
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
	refused.Reasons = why
	if proto.Equal(s.Refused[visit(refused)], refused) {
		return nil, nil
	}
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
