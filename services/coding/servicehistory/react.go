package servicehistory

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// CodedMirror has coded visits, by encounter_id, which is the account's id too.
var CodedMirror = es.Mirror[*pb.CodingCompleted]{
	Name: "coding.coded",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*pb.CodingCompleted); ok {
			return []string{e.EncounterId}
		}
		return nil
	},
	Evolve: func(_ *pb.CodingCompleted, event es.Event) *pb.CodingCompleted { return event.(*pb.CodingCompleted) },
}

// React enters visits that were coded without an entry (imported ones, and those of an earlier version of the platform), and follows what becomes of their charges.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *pb.CodingCompleted:
		return []es.Command{enter(e)}, nil
	case *postingv1.ChargeCorrected:
		coded, there := es.Find(look, CodedMirror, e.AccountId)
		if !there {
			return nil, es.Wait(CodedMirror, e.AccountId)
		}
		// Entered first, in case that the correction is faster than the visit's own event.
		return []es.Command{enter(coded), es.Do(Stream, e.PatientId, Correct, Correction{EncounterID: e.AccountId, Codes: Codes(e.Lines)})}, nil
	case *postingv1.ChargeVoided:
		return []es.Command{es.Do(Stream, e.PatientId, Remove, &pb.ServicesRemoved{PatientId: e.PatientId, EncounterId: e.AccountId})}, nil
	}
	return nil, nil
}

func enter(e *pb.CodingCompleted) es.Command {
	return es.Do(Stream, e.PatientId, Enter, &pb.ServicesEntered{
		PatientId: e.PatientId, EncounterId: e.EncounterId, OrganizationId: e.OrganizationId, ClinicianId: e.RenderingClinicianId,
		ServiceDate: e.ServiceDate, ServiceCodes: Codes(e.Lines), Imported: e.Imported,
	})
}
