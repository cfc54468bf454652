package payer

import (
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// React registers the payers of an imported claim. The file does not say through whom they are reached, so each is its own receiver.
func React(r es.Recorded, _ es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*exchangev1.ClaimImported)
	if !ok {
		return nil, nil
	}
	var all []es.Command
	for _, c := range e.Coverages {
		if c.PayerId == "" {
			continue
		}
		edi := Capitals(c.EdiPayerId)
		all = append(all, es.Do(Stream, c.PayerId, Import, &pb.PayerRegistered{
			PayerId: c.PayerId, Name: c.PayerName, EdiPayerId: edi, FilingIndicator: c.FilingIndicator, ReceiverId: edi[:min(len(edi), 15)],
		}))
	}
	return all, nil
}
