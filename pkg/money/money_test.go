package money

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

func TestFormat(t *testing.T) {
	for cents, want := range map[int64]string{
		0: "$0.00", 5: "$0.05", -5: "−$0.05", 123456: "$1,234.56", -100000000: "−$1,000,000.00", 99999: "$999.99",
		math.MinInt64: "−$92,233,720,368,547,758.08",
	} {
		if got := Format(cents); got != want {
			t.Errorf("%d: got %s, want %s", cents, got, want)
		}
	}
}

func TestShareRoundsHalfAway(t *testing.T) {
	for _, c := range []struct {
		amount     int64
		millionths int32
		want       int64
	}{
		{10000, 200000, 2000}, {1, 500000, 1}, {-1, 500000, -1}, {3, 100000, 0}, {5, 100000, 1}, {9999, 333333, 3333},
	} {
		if got := Share(c.amount, c.millionths); got != c.want {
			t.Errorf("%d × %d: got %d, want %d", c.amount, c.millionths, got, c.want)
		}
	}
}

func TestEntryBalances(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Int64Range(-1e9, 1e9), 1, 8).Draw(t, "amounts")
		var e Entry
		var sum int64
		for _, a := range amounts {
			e.Debit(a, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT})
			sum += a
		}
		if sum != 0 {
			func() {
				defer func() {
					if recover() == nil {
						t.Fatalf("an entry off by %d was built", sum)
					}
				}()
				e.Legs()
			}()
		}
		legs := e.Credit(sum, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK}).Legs()
		if Residual(legs) != 0 || Residual(append(legs, Mirror(legs)...)) != 0 {
			t.Fatal("a balanced entry or its mirror is not balanced")
		}
		for i, m := range Mirror(legs) {
			if m.Amount != -legs[i].Amount || m.Account != legs[i].Account {
				t.Fatal("the mirror is another entry")
			}
		}
	})
}
