// Package demo_test holds the demo group against the sandbox's payers: what the group's contracts promise is what the simulated payers' own plans allow, so that an underpayment in the
// demo is one that a payer made, not one that the demo was wrong about. The demo and the payers import nothing of each other; this is where both are known.
package demo_test

import (
	"testing"

	"github.com/evenkeel/evenkeel/services/demo"
	"github.com/evenkeel/evenkeel/services/payersim/plans"
)

func TestContractsAreWhatThePayersPay(t *testing.T) {
	contracted := 0
	for _, p := range plans.Embedded().Payers {
		rates := demo.Rates(p.EDIPayerID)
		if p.CarveOut != nil {
			if len(rates) > 0 {
				t.Errorf("%s pays no behavioral services and has a contract for them", p.Name)
			}
			continue
		}
		if len(rates) == 0 {
			t.Errorf("%s has no contract", p.Name)
			continue
		}
		contracted++
		known := map[string]bool{}
		for _, r := range rates {
			known[r.ServiceCode+r.Modifier] = true
			var modifiers []string
			if r.Modifier != "" {
				modifiers = []string{r.Modifier}
			}
			charge := demo.Price(r.ServiceCode)
			if allowed := p.Allowed(r.ServiceCode, modifiers, 1000, charge); allowed != r.Allowed.AmountMinor {
				t.Errorf("%s, %s%s: the contract says %d cents, the payer allows %d of %d", p.Name, r.ServiceCode, r.Modifier, r.Allowed.AmountMinor, allowed, charge)
			}
		}
		for _, price := range p.Prices {
			if demo.Price(price.Code) != 0 && !known[price.Code+price.Modifier] {
				t.Errorf("%s prices %s%s, the contract does not", p.Name, price.Code, price.Modifier)
			}
		}
	}
	if contracted != 4 {
		t.Errorf("%d payers have a contract, the demo speaks of 4", contracted)
	}
}

// The copay at the desk is what the payer takes off: else every visit would leave a credit or a debt.
func TestCopaysAreThePayers(t *testing.T) {
	for _, p := range plans.Embedded().Payers {
		if got := demo.Copay(p.EDIPayerID); got != p.CopayCents {
			t.Errorf("%s: %d cents at the desk, the payer's copay is %d", p.Name, got, p.CopayCents)
		}
	}
}
