package desk

import (
	"fmt"
	"testing"

	"github.com/evenkeel/evenkeel/services/payersim/plans"
)

// habitual is a plan whose payer does one thing always.
func habitual(b plans.Behavior) *plans.Plans {
	p := plans.Embedded()
	p.Payers[0].Behavior = b
	return p
}

func TestHabits(t *testing.T) {
	for _, c := range []struct {
		name     string
		behavior plans.Behavior
		times    int // the visit is billed
		want     string
	}{
		{"pays less than was agreed", plans.Behavior{ShortPay: 1000}, 1, "1 10600 | 10600 CO-45 2400 PR-3 2000"},
		{"takes a payment back two weeks later", plans.Behavior{TakeBack: 1000}, 1, "1 12000 | 12000 CO-45 1000 PR-3 2000\n22 -12000 | -12000 CO-45 -1000 PR-3 -2000"},
		{"says nothing", plans.Behavior{Silent: 1000}, 1, ""},
		{"says nothing the first time, and pays when it is billed again", plans.Behavior{Silent: 1000}, 2, "1 12000 | 12000 CO-45 1000 PR-3 2000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &desk{t: t}
			for i := range c.times {
				f := file(t, i+1, billed("EVG01", "EVERGREEN", fmt.Sprint("E", i), one("90837", 15000)))
				f.Plans = habitual(c.behavior)
				d.take(f)
			}
			d.run()
			if got := history(remittances(t, d)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// What is taken back when nothing else is paid is carried forward, and kept from the next payment.
func TestWhatIsTakenBackIsKeptFromTheNextPayment(t *testing.T) {
	d := &desk{t: t}
	f := file(t, 1, billed("EVG01", "EVERGREEN", "E1", one("90837", 15000)))
	f.Plans = habitual(plans.Behavior{TakeBack: 1000})
	d.take(f)
	d.run()
	d.take(file(t, 2, billed("EVG01", "EVERGREEN", "E2", one("90791", 30000))))
	d.run()
	var got []string
	for _, s := range remittances(t, d) {
		line := fmt.Sprint(s.Payment.Method, " ", s.Payment.Amount)
		for _, a := range s.ProviderAdjustments {
			line += fmt.Sprint(" ", a.Reason, " ", a.Cents)
		}
		got = append(got, line)
	}
	if want := "[ACH 12000 NON 0 FB -12000 ACH 3500 FB 12000]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
