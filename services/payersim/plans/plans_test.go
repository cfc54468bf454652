package plans

import (
	"fmt"
	"testing"
)

func TestFind(t *testing.T) {
	p := Embedded()
	for _, c := range []struct {
		name, receiver, edi, want string
		served, plain             bool
	}{
		{"a payer of the data", "EVERGREEN", "EVG01", "EVERGREEN HEALTH PLAN", true, false},
		{"in small letters", "EVERGREEN", " evg01 ", "EVERGREEN HEALTH PLAN", true, false},
		{"another payer's receiver", "EVERGREEN", "HRB02", "", false, false},
		{"a receiver that nobody knows", "STRANGER", "X9", "X9", true, true},
		{"a known payer through it is not that payer", "STRANGER", "EVG01", "EVG01", true, true},
	} {
		if y, served := p.Find(c.receiver, c.edi); y.Name != c.want || served != c.served || y.Plain != c.plain {
			t.Errorf("%s: %q, served %v, plain %v", c.name, y.Name, served, y.Plain)
		}
	}
}

func TestPlansHold(t *testing.T) {
	p := Embedded()
	seen := map[string]bool{}
	for _, y := range p.Payers {
		if y.EDIPayerID == "" || y.Name == "" || y.ReceiverID == "" || len(y.ReceiverID) > 15 || len(y.TaxID) != 9 || seen[y.EDIPayerID] || seen[y.TaxID] {
			t.Errorf("%+v", y)
		}
		seen[y.EDIPayerID], seen[y.TaxID] = true, true
	}
	for _, y := range p.Payers {
		if y.CarveOut != nil && !seen[y.CarveOut.EDIPayerID] {
			t.Errorf("%s carves out to %s, which is no payer", y.Name, y.CarveOut.EDIPayerID)
		}
	}
}

func TestAllowed(t *testing.T) {
	y := Payer{Prices: []Price{{Code: "90837", Cents: 13000}, {Code: "90837", Modifier: "HO", Cents: 11500}}}
	for _, c := range []struct {
		code          string
		modifiers     []string
		units, charge int64
		want          int64
	}{
		{"90837", nil, 1000, 20000, 13000}, {"90837", []string{"95", "HO"}, 1000, 20000, 11500}, {"90837", []string{"HN"}, 2000, 50000, 26000},
		{"90837", nil, 1500, 50000, 19500}, {"90837", nil, 1000, 9000, 9000}, {"90834", nil, 1000, 10001, 8000},
	} {
		if got := y.Allowed(c.code, c.modifiers, c.units, c.charge); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// Habits are drawn from what a claim is: the same claim again meets the same fate, and over many claims each habit is about as frequent as the data says.
func TestTheSameClaimMeetsTheSameFate(t *testing.T) {
	p := Embedded()
	y := Payer{EDIPayerID: "X", Behavior: Behavior{ShortPay: 20, TakeBack: 10, Silent: 10}}
	n := map[string]int{}
	for i := range 20_000 {
		who := fmt.Sprint("claim ", i)
		f := p.Fate(y, who)
		if f != p.Fate(y, who) {
			t.Fatal("the same claim met another fate")
		}
		if f.ShortPaid {
			n["short"]++
		}
		if f.TakenBack {
			n["back"]++
		}
		if f.Silent {
			n["silent"]++
		}
	}
	for habit, want := range map[string]int{"short": 400, "back": 200, "silent": 200} {
		if n[habit] < want*7/10 || n[habit] > want*13/10 {
			t.Errorf("%s: %d of 20,000 claims, about %d are meant", habit, n[habit], want)
		}
	}
	if (p.Fate(Payer{EDIPayerID: "X"}, "claim 1") != Fate{}) {
		t.Error("a payer without habits has one")
	}
}
