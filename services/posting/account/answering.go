package account

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// AnsweredByItsPayer: an answer is booked to the payer that gives it. A payer to which another one has sent the claim answers under the number that the first one got; then it is the
// answer to the visit's claim of that payer. An answer of a payer that the visit does not have is nobody's here: its money is held.
// Source: 835 N1*PR, REF*2U, TRN03 (who answers) and CLP02 1, 19 / 2, 20 / 3, 21 (as which payer). Checked 2026-11-24.
var AnsweredByItsPayer = refuse.Rule{ID: "posting.answered_by_its_payer", Version: 1, Owner: "posting"}

// places are what CLP02 says of the answering payer's place.
var places = map[string]typev1.PayerSequence{
	"1": typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, "19": typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY,
	"2": typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY, "20": typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY,
	"3": typev1.PayerSequence_PAYER_SEQUENCE_TERTIARY, "21": typev1.PayerSequence_PAYER_SEQUENCE_TERTIARY,
}

// answering is the advice with the payer that gives it and that payer's claim; false: the visit has no such payer. A payer that is asked twice answers as a later one only where it
// says so, and never for an earlier one: payers count themselves as they see the patient's coverages.
func answering(s State, a Advice) (Advice, bool) {
	named, told := a.Claim.AnsweringPayerId, places[a.Claim.StatusCode]
	theirs := slices.DeleteFunc(Payers(s.Prior, s.Charge.ResponsiblePayers), func(p Payer) bool { return p.ID != cmp.Or(named, a.Payer.ID) })
	n := slices.IndexFunc(theirs, func(p Payer) bool { return p.Sequence == told })
	switch {
	case named == "" && (n < 0 || told <= a.Payer.Sequence):
		return a, true
	case len(theirs) == 0:
		return a, false
	}
	a.Payer = theirs[max(n, 0)]
	a.Claim = proto.CloneOf(a.Claim)
	a.ClaimID = claimID(a.AccountID, a.Payer.Sequence)
	a.Claim.ClaimId, a.Claim.AnsweringPayerId = a.ClaimID, a.Payer.ID
	return a, true
}

// claimID is claims' own name of the visit's claim to the payer at a place, which is the same before that claim is made: see claim.ID there. An account is called after its visit.
func claimID(accountID string, s typev1.PayerSequence) string {
	return es.Derive("clm", accountID, fmt.Sprint(int32(s)))
}

// stranger holds the money of a payer that the visit does not have.
func (b *book) stranger(a Advice) {
	b.unmatched(a, Payer{ID: a.Claim.AnsweringPayerId},
		"the payer that answers is none of the visit's, and the claim of this number went to another: find out whose payment it is ("+AnsweredByItsPayer.ID+")")
}
