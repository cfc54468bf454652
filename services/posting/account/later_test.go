package account

import (
	"testing"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
)

// What a later payer paid rests on what an earlier one decided: when that is taken back, somebody must ask, until the two agree again.
func TestLaterPayments(t *testing.T) {
	first := func() *exchangev1.RemittanceClaim {
		return clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "2", 2000)), line("L2", 2000, 2000))
	}
	second := func() *exchangev1.RemittanceClaim {
		return clp(1, "2", line("L1", 15000, 1500, cas("OA", "23", 13000), cas("PR", "3", 500)))
	}
	both := func(t *testing.T) *story {
		st := charged(t, visit(aetna, medico))
		st.post(aetna, first())
		st.rem++
		st.post(medico, second())
		st.rem++
		return st
	}
	const asked = "pay_2 paid 1500 on what pay_1 took back"
	t.Run("a takeback without a new decision questions what the later payer paid", func(t *testing.T) {
		st := both(t)
		st.says("takeback, and what the later payer gave the patient of it comes back", st.post(aetna, turned(first(), 1)), "reversed rem_0/1 -11000", "L1 PR-3 to patient -500", asked, "posted 22", "pay_2 has paid 1500 too much")
	})
	t.Run("the same share again answers it", func(t *testing.T) {
		st := both(t)
		st.post(aetna, turned(first(), 1))
		st.rem++
		st.says("decision", st.post(aetna, clp(1, "1", line("L1", 15000, 8500, cas("CO", "45", 4500), cas("PR", "2", 2000)), line("L2", 2000, 2000))),
			"L1 paid 8500", "L1 PR-2 to pay_2 2000", "L1 CO-45 off 4500", "L2 paid 2000", "L1 PR-3 to patient 500", "posted 1",
			"pay_2: the earlier payer decided anew and leaves the later one what it has decided", "pay_2 has not paid too much any more")
	})
	t.Run("another share does not", func(t *testing.T) {
		st := both(t)
		st.post(aetna, turned(first(), 1))
		st.rem++
		st.post(aetna, clp(1, "1", line("L1", 15000, 10000, cas("CO", "45", 4000), cas("PR", "2", 1000)), line("L2", 2000, 2000)))
		if len(st.s.Questions) != 1 || Owed(st.s.Open, medico) != -500 {
			t.Fatalf("questions %v, open %v", st.s.Questions, st.s.Open)
		}
	})
	t.Run("nor does one that is as much as it paid, and less than it gave the patient beside it", func(t *testing.T) {
		st := both(t)
		st.post(aetna, turned(first(), 1))
		st.rem++
		st.post(aetna, clp(1, "1", line("L1", 15000, 9300, cas("CO", "45", 4000), cas("PR", "2", 1700)), line("L2", 2000, 2000)))
		if len(st.s.Questions) != 1 || Owed(st.s.Open, medico) != 0 || Owed(st.s.Open, Payer{}) != 200 {
			t.Fatalf("questions %v, open %v", st.s.Questions, st.s.Open)
		}
	})
	t.Run("the later payer takes its own back", func(t *testing.T) {
		st := both(t)
		st.post(aetna, turned(first(), 1))
		st.rem++
		st.says("takeback", st.post(medico, turned(second(), 1)), "reversed rem_1/1 -1500", "posted 22", "pay_2: the later payer took its payment back", "pay_2 has not paid too much any more")
	})
	t.Run("one that has taken its payment back is not asked", func(t *testing.T) {
		st := both(t)
		st.post(medico, turned(second(), 1))
		st.rem++
		st.says("takeback", st.post(aetna, turned(first(), 1)), "reversed rem_0/1 -11000", "posted 22")
	})
	t.Run("an earlier payer's payment is not questioned by a later one's takeback", func(t *testing.T) {
		st := both(t)
		st.says("takeback", st.post(medico, turned(second(), 1)), "reversed rem_1/1 -1500", "posted 22")
	})
}
