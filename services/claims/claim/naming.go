package claim

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/claims/edits"
)

// A file may tell that a payer comes next and not who it is. The claim to it is made, and held (edits.PayerNamed); when a later file names the payer, the claim to that one takes its place.

// Named closes a claim to nobody, because its payer is named. What was taken back, or is answered, stays as it is.
func Named(s State, continuedBy string) ([]es.Event, error) {
	if s.Created == nil || s.Closed || s.EverDecided {
		return nil, nil
	}
	return []es.Event{&pb.ClaimClosed{ClaimId: s.Created.ClaimId, Reason: "its payer is named: claim " + continuedBy + " goes to it", ContinuedByClaimId: continuedBy}}, nil
}

// named ends the claim to nobody at the place of a payer that has a name.
func named(coded *codingv1.CodingCompleted, p *intakev1.ResponsiblePayer) []es.Command {
	if !coded.Imported || p.PayerId == edits.Unnamed {
		return nil
	}
	nobody := idOf(coded.EncounterId, &intakev1.ResponsiblePayer{PayerId: edits.Unnamed, PayerSequence: p.PayerSequence})
	return []es.Command{es.Do(Stream, nobody, Named, ID(coded.EncounterId, p.PayerSequence))}
}

// crossedName ends a new claim to nobody whose payer was named while it was made, so that neither saw the other.
func crossedName(look es.Look, e *pb.ClaimCreated) []es.Command {
	if e.Content.GetPayerId() != edits.Unnamed {
		return nil
	}
	coded, there := es.Find(look, CodedMirror, e.EncounterId)
	if !there {
		return nil // see payersTold
	}
	var out []es.Command
	for _, p := range coded.ResponsiblePayers {
		if p.PayerSequence == e.Content.PayerSequence {
			out = append(out, named(coded, p)...)
		}
	}
	return out
}

// continued makes the claim to a payer that is named now, as its turn has come: it is sent, unless the payer before has sent it on.
func continued(look es.Look, e *pb.ClaimClosed, today string) ([]es.Command, error) {
	coded, err := visitOf(look, e.ClaimId)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(coded.ResponsiblePayers, func(p *intakev1.ResponsiblePayer) bool { return idOf(coded.EncounterId, p) == e.ContinuedByClaimId })
	if n < 0 {
		return nil, nil
	}
	payer := coded.ResponsiblePayers[n]
	payments, _ := es.Find(look, PaymentMirror, coded.EncounterId)
	for _, p := range slices.Backward(payments) {
		if to := sentOnTo(coded, p); to != nil && to.PayerSequence == payer.PayerSequence {
			return crossOver(look, coded, payer, p, today)
		}
	}
	return open(look, coded, payer, Opening{}, today)
}
