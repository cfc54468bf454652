package patientledger

import (
	"cmp"
	"maps"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/posting/deposit"
	"github.com/evenkeel/evenkeel/services/posting/patientpayment"
)

var (
	// PaymentExists: what is given back was paid. Source: arithmetic.
	PaymentExists = refuse.Rule{ID: "posting.patient_payment_exists", Version: 1, Owner: "posting", NotFound: true}
	// RefundOfWhatIsHeld: only money that is on no account and promised to none is given back; what an account has taken pays a visit. Source: docs/domain.md, "Credit balance": a
	// credit is extinguished once.
	RefundOfWhatIsHeld = refuse.Rule{ID: "posting.refund_of_what_is_held", Version: 1, Owner: "posting"}
	// AfterItCame: money is given back on the day on which it came or later. Source: arithmetic.
	AfterItCame = refuse.Rule{ID: "posting.after_it_came", Version: 1, Owner: "posting"}
	// PaymentStands: a payment is taken back once. Source: our own choice.
	PaymentStands = refuse.Rule{ID: "posting.patient_payment_stands", Version: 1, Owner: "posting"}
	// NothingGivenBack: what the bank takes back of a payment of which a part was given back is asked of nobody by the books; somebody must say who owes it. Source: our own choice.
	NothingGivenBack = refuse.Rule{ID: "posting.nothing_given_back", Version: 1, Owner: "posting"}
)

// Refund gives back what is held of a payment: Dr unapplied.patient / Cr bank. It is decided here, where the patient's money is divided, so that no cent is both given back and
// promised to an account. paid is nil for a payment that nobody made.
func Refund(s State, c *pb.RefundPatientPaymentRequest, id string, paid *pb.PatientPaymentReceived) ([]es.Event, error) {
	amount, method, day := c.Amount.GetAmountMinor(), cmp.Or(c.Method, paid.GetMethod()), cmp.Or(c.RefundedDate, c.Today)
	held := max(find(s, c.PatientPaymentId).Left, 0) // below 0 while accounts have to give back what was taken back
	var no refuse.List
	no.If(paid == nil, PaymentExists, "patient_payment_id", "there is no patient payment %s", c.PatientPaymentId)
	no.If(amount <= 0, deposit.MoneyPositive, "amount", "%d cents: a refund is more than 0", amount)
	no.If(paid != nil && amount > held, RefundOfWhatIsHeld, "amount", "%s is more than the %s that are held of the payment: the rest is on accounts or was given back", money.Format(amount), money.Format(held))
	no.If(c.Amount.GetCurrency() != money.USD, deposit.Currency, "amount.currency", "%q: send USD", c.Amount.GetCurrency())
	no.If(paid != nil && !slices.Contains(patientpayment.Methods, method), patientpayment.Method, "method", "%q is none of card, cash, check", method)
	deposit.OnDay(&no, "refunded_date", day, c.Today)
	no.If(paid != nil && date.Valid(day) && day < paid.GetReceivedDate(), AfterItCame, "refunded_date", "%s is before %s, when the payment came", day, paid.GetReceivedDate())
	return no.Or(&pb.PatientPaymentRefunded{
		RefundId: id, PatientPaymentId: c.PatientPaymentId, PatientId: paid.GetPatientId(), Amount: amount, Method: method, Reference: c.Reference, Reason: c.Reason, RefundedDate: day,
		Legs: new(money.Entry).
			Debit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT}).
			Credit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK}).Legs(),
	})
}

// Reverse takes a whole payment back: the mirror of its entry. What accounts have of it they give back; until they have, less than nothing is left of it, so no account gets it.
func Reverse(s State, c *pb.ReversePatientPaymentRequest, paid *pb.PatientPaymentReceived) ([]es.Event, error) {
	p := find(s, c.PatientPaymentId)
	var no refuse.List
	no.If(paid == nil, PaymentExists, "patient_payment_id", "there is no patient payment %s", c.PatientPaymentId)
	no.If(p.Reversed, PaymentStands, "patient_payment_id", "patient payment %s was taken back already", c.PatientPaymentId)
	no.If(p.Refunded != 0, NothingGivenBack, "patient_payment_id", "%s of payment %s were given back: the rest is given back too, or stays", money.Format(p.Refunded), c.PatientPaymentId)
	e := &pb.PatientPaymentReversed{
		PatientPaymentId: c.PatientPaymentId, PatientId: paid.GetPatientId(), Amount: paid.GetAmount(), Reason: c.Reason, ReversedDate: c.Today, Legs: money.Mirror(paid.GetLegs()),
		AccountId: paid.GetAccountId(),
	}
	for _, id := range slices.Sorted(maps.Keys(p.Assigned)) {
		if amount := p.Assigned[id]; amount != 0 {
			e.Shares = append(e.Shares, &pb.PatientPaymentShare{AccountId: id, Amount: amount})
		}
	}
	return no.Or(e)
}

// find is what the ledger knows of a payment; nothing while it was not told of it.
func find(s State, paymentID string) Payment {
	for _, p := range s.Payments {
		if p.ID == paymentID {
			return p
		}
	}
	return Payment{}
}
