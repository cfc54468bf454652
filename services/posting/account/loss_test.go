package account

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
)

// 90.00 and 20.00 of a price of 120.00 for L1: 10.00 is given up.
func acceptedLoss(t interface {
	Helper()
	Fatalf(string, ...any)
}) *story {
	st := charged(t, visit(aetna), agreed())
	st.contracts = append(st.contracts, agreed())
	st.post(aetna, shortOfTheContract())
	st.accept("clm_1", "L1")
	st.rem++
	return st
}

func shortOfTheContract() *exchangev1.RemittanceClaim {
	return clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "3", 2000)), line("L2", 2000, 2000))
}

func supplement(paid int64) *exchangev1.RemittanceClaim {
	return clp(1, "1", line("L1", 15000, paid, cas("CO", "45", 15000-paid)))
}

func TestAnAcceptedLossThatIsPaidIsNone(t *testing.T) {
	t.Run("the payer has paid what its contract says, and nothing too much", func(t *testing.T) {
		st := acceptedLoss(t)
		st.says("the rest", st.post(aetna, supplement(1000)), "L1 paid 1000", "posted 1", "L1 1000 lost no more")
		if l := st.s.Lines["L1"]; l.Paid != 10000 || l.Adjusted != 3000 || Owed(st.s.Open, aetna) != 0 || len(st.s.Losses) != 1 || st.s.Losses[0].Amount != 0 {
			t.Fatalf("%+v %v", l, st.s.Losses)
		}
		st.rem++
		st.says("and takes it back", st.post(aetna, turned(supplement(1000), 1)), "reversed rem_1/1 -1000", "L1 -1000 lost no more", "posted 22")
		if l := st.s.Lines["L1"]; l.Adjusted != 4000 || l.Open != 0 {
			t.Fatalf("%+v", l)
		}
	})
	t.Run("what is more than that is a credit", func(t *testing.T) {
		st := acceptedLoss(t)
		st.says("a part", st.post(aetna, supplement(400)), "L1 paid 400", "posted 1", "L1 400 lost no more")
		st.rem++
		st.says("more than the rest", st.post(aetna, supplement(900)), "L1 paid 900", "posted 1", "L1 600 lost no more", "pay_1 has paid 300 too much")
	})
	t.Run("what is paid for another line recovers nothing", func(t *testing.T) {
		st := acceptedLoss(t)
		st.says("L2", st.post(aetna, clp(1, "1", line("L2", 2000, 1000, cas("CO", "45", 1000)))), "L2 paid 1000", "posted 1", "pay_1 has paid 1000 too much")
	})
	t.Run("what is paid for the claim as a whole does", func(t *testing.T) {
		st := acceptedLoss(t)
		c := clp(1, "1")
		c.ChargeAmount, c.PaidAmount = 17000, 1000
		st.says("whole", st.post(aetna, c), " paid 1000", "posted 1", "L1 1000 lost no more")
	})
}

// Whichever of the two payments the payer takes back first, nothing is left of either.
func TestARecoveredLossIsTakenBackInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paid := rapid.Int64Range(1, 2000).Draw(t, "paid")
		st := acceptedLoss(t)
		st.post(aetna, supplement(paid))
		if over := max(0, paid-1000); Owed(st.s.Open, aetna) != -over || st.s.Lines["L1"].Adjusted != 4000-min(paid, 1000) {
			t.Fatalf("%v %+v", st.s.Open, st.s.Lines["L1"])
		}
		back := []*exchangev1.RemittanceClaim{turned(shortOfTheContract(), 1), turned(supplement(paid), 1)}
		for _, c := range rapid.Permutation(back).Draw(t, "order") {
			st.rem++
			st.post(aetna, c)
		}
		if got := nonZero(st.s.Open); !reflect.DeepEqual(got, map[Place]int64{{aetna, "L1"}: 15000, {aetna, "L2"}: 2000}) || st.s.Lines["L1"].Adjusted != 0 {
			t.Fatalf("%v %+v", got, st.s.Lines["L1"])
		}
	})
}
