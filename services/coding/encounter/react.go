package encounter

import (
	"cmp"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// React takes in visits that another billing system coded.
func React(r es.Recorded, _ es.Look) ([]es.Command, error) {
	if e, ok := r.Event.(*exchangev1.ClaimImported); ok {
		return []es.Command{es.Do(Stream, e.EncounterId, Import, e)}, nil
	}
	return nil, nil
}

// importedPayers are all payers of the claim, in order.
func importedPayers(e *exchangev1.ClaimImported) []*intakev1.ResponsiblePayer {
	var out []*intakev1.ResponsiblePayer
	for _, c := range e.Coverages {
		out = append(out, &intakev1.ResponsiblePayer{CoverageId: c.CoverageId, PayerId: c.PayerId, PayerSequence: c.PayerSequence})
	}
	slices.SortStableFunc(out, func(a, b *intakev1.ResponsiblePayer) int { return cmp.Compare(a.PayerSequence, b.PayerSequence) })
	return out
}

// priors are the decisions of the payers before the one the claim went to (the first coverage). A payer before it that told no amounts has decided all the same:
// else the claim would not have gone to the next; it is there with nothing paid.
func priors(e *exchangev1.ClaimImported) []*pb.PriorAdjudication {
	out := slices.Clone(e.PriorAdjudications)
	if len(e.Coverages) == 0 {
		return out
	}
	for _, c := range e.Coverages[1:] {
		told := slices.ContainsFunc(out, func(p *pb.PriorAdjudication) bool { return p.PayerSequence == c.PayerSequence })
		if c.PayerSequence != typev1.PayerSequence_PAYER_SEQUENCE_UNSPECIFIED && c.PayerSequence < e.Coverages[0].PayerSequence && !told {
			out = append(out, &pb.PriorAdjudication{PayerId: c.PayerId, PayerSequence: c.PayerSequence})
		}
	}
	slices.SortStableFunc(out, func(a, b *pb.PriorAdjudication) int { return cmp.Compare(a.PayerSequence, b.PayerSequence) })
	return out
}
