// Package explain says in plain words how the balance of one session came about.
//
// An Account is what the ledger knows of a session: what was charged, what plans paid and took off, what they left to the patient and why, what the patient paid, and what is still
// open with whom. The same words stand on a statement, in the patient's balance and on the account, since they are written here alone. The promise: every amount that is not 0 is said,
// and none is said twice (TestSentence).
package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// Share is what a plan left to the patient for one reason, a claim adjustment reason code.
type Share struct {
	Carc   string
	Amount int64
}

// Account is one session's money, in cents.
type Account struct {
	ServiceDate            string
	Charge, Paid, Discount int64
	Shares                 []Share
	Before                 int64 // left to the patient by a payer that decided before the account was ours
	PatientPaid            int64
	Voided                 bool                           // the charge was taken back: what plans left to the patient is asked no more
	WithPatient            int64                          // open with the patient
	WithPlans              map[typev1.PayerSequence]int64 // open with plans, by their place in the order
}

// Reasons of a patient's share that have a name of their own. Source: X12 external code list 139. Checked 2026-11-24.
const (
	deductible  = "1"
	coinsurance = "2"
	copay       = "3"
)

// Shared is what plans left to the patient, by its plain name.
type Shared struct{ Deductible, Coinsurance, Copay, Other int64 }

// Shared adds up the shares.
func (a Account) Shared() (s Shared) {
	for _, x := range a.Shares {
		switch x.Carc {
		case deductible:
			s.Deductible += x.Amount
		case coinsurance:
			s.Coinsurance += x.Amount
		case copay:
			s.Copay += x.Amount
		default:
			s.Other += x.Amount
		}
	}
	return s
}

// Sentence explains the balance: what happened, then what is open and with whom.
func (a Account) Sentence() string {
	var parts []string
	say := func(words string, amount int64) {
		if amount != 0 {
			parts = append(parts, words+" "+money.Format(amount))
		}
	}
	shared := a.Shared()
	if a.Voided {
		parts = append(parts, "the charge was taken back")
		shared, a.Before = Shared{}, 0
	}
	say("charged", a.Charge)
	say("plan paid", a.Paid)
	say("plan discount", a.Discount)
	say("your deductible", shared.Deductible)
	say("your coinsurance", shared.Coinsurance)
	say("your copay", shared.Copay)
	say("not covered by your plan", shared.Other)
	say("left to you by an earlier plan", a.Before)
	say("you paid", a.PatientPaid)
	return fmt.Sprintf("Session of %s: %s. %s.", Day(a.ServiceDate), strings.Join(parts, ", "), a.open())
}

// open says with whom something is open; too much paid is money back.
func (a Account) open() string {
	var open, back []string
	say := func(with string, amount int64) {
		switch {
		case amount > 0:
			open = append(open, money.Format(amount)+" with "+with)
		case amount < 0:
			back = append(back, money.Format(-amount)+" to "+with)
		}
	}
	say("you", a.WithPatient)
	plans := make([]typev1.PayerSequence, 0, len(a.WithPlans))
	for p := range a.WithPlans {
		plans = append(plans, p)
	}
	slices.SortFunc(plans, func(x, y typev1.PayerSequence) int { return cmp.Compare(x, y) })
	for _, p := range plans {
		say(plan(p), a.WithPlans[p])
	}
	var out []string
	if len(open) > 0 {
		out = append(out, "open: "+strings.Join(open, ", "))
	}
	if len(back) > 0 {
		out = append(out, "due back: "+strings.Join(back, ", "))
	}
	if len(out) == 0 {
		return "Nothing is open"
	}
	all := strings.Join(out, "; ")
	return strings.ToUpper(all[:1]) + all[1:]
}

func plan(p typev1.PayerSequence) string {
	switch p {
	case typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY:
		return "your primary plan"
	case typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY:
		return "your secondary plan"
	case typev1.PayerSequence_PAYER_SEQUENCE_TERTIARY:
		return "your tertiary plan"
	}
	return "your plan"
}

// Day writes a date as people do: 2 March 2026. What is no date stays as it is.
func Day(s string) string {
	if !date.Valid(s) {
		return s
	}
	return date.Time(s).Format("2 January 2006")
}
