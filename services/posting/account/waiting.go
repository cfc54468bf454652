package account

import (
	"maps"
	"slices"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// TakebackMeetsItsPayment: files come in any order, and one file may hold a payment and what takes it back. A takeback whose payment is not there waits for it; when the payment comes
// the two undo each other, and what the payer has decided since stands. Source: 835 CLP02 22; our own choice of the wait. Read 2026-11-24.
var TakebackMeetsItsPayment = refuse.Rule{ID: "posting.takeback_meets_its_payment", Version: 1, Owner: "posting"}

// Waiting is what is held of the account, and how many payments were posted when it came.
type Waiting struct {
	*pb.ClaimPaymentUnmatched
	before int
}

func (w Waiting) key() Key { return Key{w.RemittanceId, w.ClaimOrdinal} }

// unmatched holds the money of what has no place on the account.
func (b *book) unmatched(a Advice, p Payer, why string) {
	c := a.Claim
	b.add(&pb.ClaimPaymentUnmatched{
		AccountId: a.AccountID, ClaimId: a.ClaimID, PayerId: p.ID, PayerSequence: p.Sequence, RemittanceId: a.RemittanceID, ClaimOrdinal: c.Ordinal, PaidAmount: c.PaidAmount, Reason: why,
		PatientId: b.s.Charge.PatientId, Legs: unmatchedLegs(a.RemitterID, c.PaidAmount), Source: c.Source, RemittanceClaim: c, AdjudicationDate: a.AdjudicationDate, RemitterId: a.RemitterID,
	})
}

// meet adds to what was posted of a payment the takeback that waited for it.
func meet(s State, a Advice, posted []es.Event) []es.Event {
	for _, w := range s.Waiting {
		if w.RemittanceClaim.GetStatusCode() != statusReversal || w.PayerSequence == typev1.PayerSequence_PAYER_SEQUENCE_UNSPECIFIED {
			continue
		}
		back := Advice{
			AccountID: w.AccountId, RemittanceID: w.RemittanceId, RemitterID: w.RemitterId, AdjudicationDate: w.AdjudicationDate, ClaimID: w.ClaimId,
			Payer: Payer{w.PayerId, w.PayerSequence}, Claim: w.RemittanceClaim, Contracts: a.Contracts,
		}
		after := s.with(posted)
		// The payment was made before the takeback came, whenever we hear of it: what was decided since stands.
		last := len(after.Payments) - 1
		after.Payments = slices.Insert(after.Payments[:last:last], w.before, after.Payments[last])
		b := begin(after)
		if b.answering(back) == nil {
			continue
		}
		b.add(find(w.ClaimPaymentUnmatched, w.ClaimId, "the payment that it takes back has come"))
		b.reverse(back)
		return append(posted, b.done(a.AccountID, s.Charge.PatientId)...)
	}
	return posted
}

// find takes from what is held what has its place.
func find(held *pb.ClaimPaymentUnmatched, claimID, reason string) *pb.ClaimPaymentFound {
	return &pb.ClaimPaymentFound{
		AccountId: held.AccountId, ClaimId: held.ClaimId, PayerId: held.PayerId, RemittanceId: held.RemittanceId, ClaimOrdinal: held.ClaimOrdinal, PaidAmount: held.PaidAmount,
		ToClaimId: claimID, Reason: reason, PatientId: held.PatientId, Legs: money.Mirror(held.Legs), Source: held.Source,
	}
}

// with is the state after more events, which leaves this one alone.
func (s State) with(events []es.Event) State {
	s.Open, s.Done, s.Left, s.Passed = maps.Clone(s.Open), maps.Clone(s.Done), maps.Clone(s.Left), maps.Clone(s.Passed)
	s.Lines, s.Payments = maps.Clone(s.Lines), slices.Clone(s.Payments)
	for id, l := range s.Lines {
		own := *l
		s.Lines[id] = &own
	}
	for i, p := range s.Payments {
		own := *p
		own.Legs, own.Denied, own.Shares = slices.Clip(p.Legs), slices.Clip(p.Denied), slices.Clip(p.Shares)
		own.Booked, own.To, own.Accepted = maps.Clone(p.Booked), maps.Clone(p.To), maps.Clone(p.Accepted)
		s.Payments[i] = &own
	}
	s.Prior, s.Waiting, s.Questions = slices.Clip(s.Prior), slices.Clip(s.Waiting), slices.Clip(s.Questions)
	s.Allocated, s.Disputes, s.Losses = slices.Clone(s.Allocated), slices.Clone(s.Disputes), slices.Clone(s.Losses)
	for _, e := range events {
		s = Evolve(s, e)
	}
	return s
}

// fileOrder is the order in which the claims of one file are posted: what is taken back before what is decided anew, but a payment that is in the file too before what takes it back.
func fileOrder(claims []*exchangev1.RemittanceClaim) []*exchangev1.RemittanceClaim {
	var first, then []*exchangev1.RemittanceClaim
	for i, c := range claims {
		if c.StatusCode == statusReversal && !slices.ContainsFunc(claims[:i], func(p *exchangev1.RemittanceClaim) bool { return undoes(c, p) }) {
			first = append(first, c)
		} else {
			then = append(then, c)
		}
	}
	return append(first, then...)
}

// undoes says whether a takeback is the mirror of a decision, reason by reason.
func undoes(back, c *exchangev1.RemittanceClaim) bool {
	told := reasons(c)
	for k, amount := range reasons(back) {
		told[k] += amount
	}
	return c.StatusCode != statusReversal && c.ClaimId == back.ClaimId && c.AnsweringPayerId == back.AnsweringPayerId && c.PaidAmount == -back.PaidAmount &&
		c.ChargeAmount == -back.ChargeAmount && !slices.ContainsFunc(slices.Collect(maps.Values(told)), func(amount int64) bool { return amount != 0 })
}

// reasons are the amounts of a claim by reason, wherever they are told.
func reasons(c *exchangev1.RemittanceClaim) map[reason]int64 {
	out := map[reason]int64{}
	each := func(adjustments []*typev1.Adjustment) {
		for _, x := range adjustments {
			out[reason{"", x.GroupCode, x.Carc}] += x.Amount
		}
	}
	each(c.Adjustments)
	for _, l := range c.Lines {
		each(l.Adjustments)
	}
	return out
}
