package account

import (
	"cmp"
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
