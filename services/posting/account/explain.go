package account

import (
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/explain"
)

// Explained is the account as it is told to people.
func Explained(s State) explain.Account {
	a := explain.Account{
		ServiceDate: s.Charge.GetServiceDate(), WithPatient: Owed(s.Open, Payer{}), WithPlans: map[typev1.PayerSequence]int64{},
		Voided: s.Voided,
	}
	for _, l := range s.Lines {
		a.Charge, a.Paid, a.Discount = a.Charge+l.Charge, a.Paid+l.Paid, a.Discount+l.Adjusted
	}
	for _, p := range live(s) {
		a.Shares = append(a.Shares, p.Shares...)
	}
	if s.Moved != 0 {
		a.Shares = append(a.Shares, explain.Share{Amount: s.Moved})
	}
	for _, p := range s.Prior {
		for _, l := range p.Legs {
			if l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT {
				a.Before += l.Amount
			}
		}
	}
	for _, p := range s.Allocated {
		a.PatientPaid += p.Amount
	}
	for place, amount := range s.Open {
		if place.Payer != (Payer{}) {
			a.WithPlans[place.Sequence] += amount
		}
	}
	return a
}
