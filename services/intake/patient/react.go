package patient

import (
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// React registers the patient of a claim that another billing system wrote.
func React(r es.Recorded, _ es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*exchangev1.ClaimImported)
	if !ok || e.PatientId == "" {
		return nil, nil
	}
	p := e.Person
	return []es.Command{es.Do(Stream, e.PatientId, Import, &pb.PatientRegistered{
		PatientId: e.PatientId, Name: p.GetPatientName(), BirthDate: p.GetPatientBirthDate(), Sex: p.GetPatientSex(), Address: p.GetPatientAddress(), LocationId: e.LocationId,
	})}, nil
}
