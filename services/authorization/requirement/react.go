package requirement

import (
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// React asks the question for each visit that is booked, of the payer that comes first.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*intakev1.AppointmentScheduled)
	if !ok || len(e.ResponsiblePayers) == 0 { // self-pay: nobody to ask
		return nil, nil
	}
	payer := e.ResponsiblePayers[0].PayerId
	policies, known := es.Find(look, PolicyMirror, payer)
	if !known {
		return nil, es.Wait(PolicyMirror, payer)
	}
	return []es.Command{es.Do(Stream, e.AppointmentId, func(s State, v Visit) ([]es.Event, error) { return Determine(s, v, policies) }, Visit{
		AppointmentID: e.AppointmentId, PatientID: e.PatientId, PayerID: payer, ServiceCode: e.ServiceCode, ServiceDate: e.ServiceDate, AuthorizationID: e.AuthorizationId,
	})}, nil
}
