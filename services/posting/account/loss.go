package account

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// LossIsWhatIsNotPaid: what was given up of a price and is paid after all is no loss, and no credit of the payer: it has paid what its contract says.
// Source: docs/domain.md, "Underpayment": expected = allowed + disputed + accepted loss. Read 2026-11-24.
var LossIsWhatIsNotPaid = refuse.Rule{ID: "posting.loss_is_what_is_not_paid", Version: 1, Owner: "posting"}

// Loss is what was given up of a dispute with a payer and is not paid.
type Loss struct {
	Dispute
	PaidBy []Recovery // since
}

// Recovery is a claim payment that pays a part of a loss.
type Recovery struct {
	Key
	Amount int64
}

// lost is what is given up after an event.
func lost(all []Loss, event es.Event) []Loss {
	switch e := event.(type) {
	case *pb.UnderpaymentAccepted:
		return append(all, Loss{Dispute: Dispute{
			Key: Key{e.RemittanceId, e.ClaimOrdinal}, ClaimID: e.ClaimId, Payer: Payer{e.PayerId, e.PayerSequence}, LineID: e.LineId, Rule: e.RuleId, Amount: e.Amount,
		}})
	case *pb.AcceptedLossRecovered:
		all = slices.Clone(all)
		for i, l := range all {
			if l.Key == (Key{e.RemittanceId, e.ClaimOrdinal}) && l.LineID == e.LineId && l.Rule == e.RuleId {
				all[i].Amount -= e.Amount
				all[i].PaidBy = append(slices.Clone(l.PaidBy), Recovery{Key{e.PayingRemittanceId, e.PayingClaimOrdinal}, e.Amount})
			}
		}
	case *pb.PostingReversed:
		undone := Key{e.ReversedRemittanceId, e.ReversedClaimOrdinal}
		return slices.DeleteFunc(slices.Clone(all), func(l Loss) bool { return l.Key == undone })
	}
	return all
}

// recover takes what is paid now, beyond what is owed, from what was given up before, the oldest first.
func (b *book) recover() {
	for _, event := range slices.Clone(b.events) {
		paid, ok := event.(*pb.InsurancePaymentPosted)
		if !ok {
			continue
		}
		p, rest := Payer{paid.PayerId, paid.PayerSequence}, paid.PaidAmount
		for _, l := range slices.Clone(b.losses) {
			amount := min(rest, l.Amount, -Owed(b.open, p))
			if paid.LineId != "" && l.LineID != "" {
				amount = min(amount, -b.open[l.place()])
			}
			if amount <= 0 || l.Payer != p || l.LineID != paid.LineId && l.LineID != "" && paid.LineId != "" {
				continue
			}
			b.recovered(l, Key{paid.RemittanceId, paid.ClaimOrdinal}, amount)
			rest -= amount
		}
	}
}

// loseAgain is recover's mirror for a payment that the payer took back.
func (b *book) loseAgain(payment Key) {
	for _, l := range slices.Clone(b.losses) {
		var amount int64
		for _, r := range l.PaidBy {
			if r.Key == payment {
				amount += r.Amount
			}
		}
		if amount != 0 {
			b.recovered(l, payment, -amount)
		}
	}
}

func (b *book) recovered(l Loss, by Key, amount int64) {
	b.add(&pb.AcceptedLossRecovered{
		AccountId: b.s.Charge.AccountId, ClaimId: l.ClaimID, PatientId: b.s.Charge.PatientId, PayerId: l.Payer.ID, PayerSequence: l.Payer.Sequence, RemittanceId: l.RemittanceID,
		ClaimOrdinal: l.Ordinal, LineId: l.LineID, RuleId: l.Rule, Amount: amount, ServiceDate: b.s.Charge.ServiceDate, PayingRemittanceId: by.RemittanceID, PayingClaimOrdinal: by.Ordinal,
		Legs: money.Mirror(contractualLegs(l.place(), amount)),
	})
}
