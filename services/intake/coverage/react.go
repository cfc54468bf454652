package coverage

import (
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/intake/known"
)

// React adds the coverages of an imported claim. The registry registers their payers from the same claim, so waiting for them ends.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*exchangev1.ClaimImported)
	if !ok || e.PatientId == "" {
		return nil, nil
	}
	var all []Imported
	for i, c := range e.Coverages {
		if c.CoverageId == "" {
			continue
		}
		added := &pb.CoverageAdded{
			CoverageId: c.CoverageId, PatientId: e.PatientId, PayerId: c.PayerId, PayerSequence: c.PayerSequence, Relationship: c.Relationship,
		}
		if date.Valid(e.ServiceDate) { // the first day that was claimed under it; the file tells no other
			added.FromDate = e.ServiceDate
		}
		if i < len(e.Subscribers) { // none: the patient's key was destroyed
			s := e.Subscribers[i]
			added.MemberId, added.GroupNumber = s.MemberId, s.GroupNumber
			added.SubscriberName, added.SubscriberBirthDate, added.SubscriberSex, added.SubscriberAddress = s.Name, s.BirthDate, s.Sex, s.Address
		}
		imported := Imported{Added: added}
		if c.PayerId != "" {
			payer, there := es.Find(look, known.Payers, c.PayerId)
			if !there {
				return nil, es.Wait(known.Payers, c.PayerId)
			}
			imported.BehavioralPayerID = payer.BehavioralPayerId
		}
		all = append(all, imported)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return []es.Command{es.Do(Stream, e.PatientId, Import, all)}, nil
}
