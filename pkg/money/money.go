// Package money has cents and balanced entries.
//
// An amount is an int64 of cents; a rate is a scaled integer; no float comes near either. Entry builds the legs of one money event and refuses
// to hand them out when they do not sum to zero, so that an unbalanced entry can't be built (TestEntryBalances). Format is the one way in which amounts are
// printed for people.
package money

import (
	"fmt"
	"strings"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

// USD is the one currency of this release.
const USD = "USD"

// Of is the API's form of an amount in cents.
func Of(cents int64) *typev1.Money {
	return &typev1.Money{AmountMinor: cents, Currency: USD}
}

// Format prints cents for people: $1,234.50, negative as −$12.00 (U+2212).
func Format(cents int64) string {
	sign := ""
	u := uint64(cents)
	if cents < 0 {
		sign, u = "−", -u
	}
	whole := fmt.Sprint(u / 100)
	var b strings.Builder
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return fmt.Sprintf("%s$%s.%02d", sign, b.String(), u%100)
}

// Share is amount × millionths / 1,000,000, rounded half away from zero: the rounding payers use for coinsurance.
func Share(amount int64, millionths int32) int64 {
	p := amount * int64(millionths)
	half := int64(500_000)
	if p < 0 {
		half = -half
	}
	return (p + half) / 1_000_000
}

// Entry collects the legs of one money event.
type Entry struct{ legs []*typev1.Leg }

// Debit adds to an account; a negative amount is a credit; zero adds no leg.
func (e *Entry) Debit(amount int64, leg *typev1.Leg) *Entry {
	if amount != 0 {
		leg.Amount = amount
		e.legs = append(e.legs, leg)
	}
	return e
}

// Credit takes from an account.
func (e *Entry) Credit(amount int64, leg *typev1.Leg) *Entry { return e.Debit(-amount, leg) }

// Legs are the legs of the entry. It panics when they do not sum to zero: that is a defect of the rule that built them, never of its input.
func (e *Entry) Legs() []*typev1.Leg {
	if r := Residual(e.legs); r != 0 {
		panic(fmt.Sprintf("money: the legs of an entry are off by %d cents", r))
	}
	return e.legs
}

// Residual is the sum of the legs: 0 for a balanced entry.
func Residual(legs []*typev1.Leg) int64 {
	var sum int64
	for _, l := range legs {
		sum += l.Amount
	}
	return sum
}

// Mirror are the legs that undo others, line for line.
func Mirror(legs []*typev1.Leg) []*typev1.Leg {
	out := make([]*typev1.Leg, len(legs))
	for i, l := range legs {
		out[i] = &typev1.Leg{Account: l.Account, Amount: -l.Amount, PayerId: l.PayerId, PayerSequence: l.PayerSequence, LineId: l.LineId, Carc: l.Carc}
	}
	return out
}
