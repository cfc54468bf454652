package account

import (
	"cmp"
	"maps"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// Take puts patient money that was assigned to the account onto it. What the patient no longer owes is given back in the same breath, so that nothing is ever
// paid beyond what is owed and every cent assigned is either on the account or returned.
func Take(s State, c *pb.PatientPaymentAssigned) ([]es.Event, error) {
	b := begin(s)
	b.allocate(c.AccountId, c.PatientId, c.PatientPaymentId, c.Amount)
	return b.done(c.AccountId, c.PatientId), nil
}

// Bounced is a payment that was taken back, and an account that has some of it.
type Bounced struct {
	AccountID string
	Payment   *pb.PatientPaymentReversed
}

// TakeBack gives back what the account has of a payment that was taken back, so that the patient owes it again: on the lines from which it came.
func TakeBack(s State, c Bounced) ([]es.Event, error) {
	b := begin(s)
	for _, h := range s.Allocated {
		if h.PaymentID == c.Payment.PatientPaymentId && h.Amount > 0 {
			b.add(&pb.PatientPaymentAllocated{
				AccountId: c.AccountID, PatientPaymentId: h.PaymentID, PatientId: c.Payment.PatientId, Amount: -h.Amount, ServiceDate: s.Charge.GetServiceDate(),
				Legs: allocationLegs(b.unpaid(h.Amount)),
			})
		}
	}
	if b.events == nil {
		return nil, nil
	}
	return b.done(c.AccountID, c.Payment.PatientId), nil
}

// unpaid puts an amount back on the patient's lines, up to what was moved to the patient on each; what is more goes to the account as a whole.
func (b *book) unpaid(amount int64) []share {
	var out []share
	for _, line := range slices.Sorted(maps.Keys(b.s.Lines)) {
		if part := min(amount, b.s.Lines[line].Patient-b.open[Place{LineID: line}]); part > 0 {
			out = append(out, share{line, -part})
			amount -= part
		}
	}
	if amount != 0 {
		out = append(out, share{"", -amount})
	}
	return out
}

func (b *book) allocate(accountID, patientID, paymentID string, amount int64) {
	b.add(&pb.PatientPaymentAllocated{
		AccountId: accountID, PatientPaymentId: paymentID, PatientId: patientID, Amount: amount, ServiceDate: b.s.Charge.GetServiceDate(),
		Legs: allocationLegs(b.spread(amount)),
	})
}

// giveBack returns patient money, the latest first, while the patient has paid more than is owed.
func (b *book) giveBack(accountID, patientID string) {
	held := slices.Clone(b.s.Allocated)
	for _, e := range b.events {
		if e, ok := e.(*pb.PatientPaymentAllocated); ok {
			held = allocated(held, e.PatientPaymentId, e.Amount)
		}
	}
	for _, h := range slices.Backward(held) {
		if over := -Owed(b.open, Payer{}); over > 0 && h.Amount > 0 {
			b.allocate(accountID, patientID, h.PaymentID, -min(over, h.Amount))
		}
	}
}

type share struct {
	lineID string
	amount int64
}

// spread puts an amount on the patient's lines where its sign brings them to 0, in the order of the lines; what is too much goes to the account as a whole.
func (b *book) spread(amount int64) []share {
	var out []share
	var at []Place
	for place, open := range b.open {
		if place.Payer == (Payer{}) && open != 0 && (open > 0) == (amount > 0) {
			at = append(at, place)
		}
	}
	slices.SortFunc(at, func(a, c Place) int { return cmp.Compare(a.LineID, c.LineID) })
	for _, place := range at {
		part := b.open[place]
		if amount > 0 {
			part = min(part, amount)
		} else {
			part = max(part, amount)
		}
		if part != 0 {
			out = append(out, share{place.LineID, part})
			amount -= part
		}
	}
	if amount != 0 {
		out = append(out, share{"", amount})
	}
	return out
}

// mirror undoes legs. The cash goes back to who takes it back now.
func mirror(legs []*typev1.Leg, remitter string) []*typev1.Leg {
	out := money.Mirror(legs)
	for _, l := range out {
		if l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING {
			l.PayerId = remitter
		}
	}
	return out
}
