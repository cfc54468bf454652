package account

import (
	"testing"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// The files of a visit that went to two payers come in any order: the charge is booked once, and what is open lies in the same place.
func TestTell(t *testing.T) {
	decided := &codingv1.PriorAdjudication{PayerId: aetna.ID, PayerSequence: primary, PaidAmount: 9000, Lines: []*codingv1.PriorLine{
		{LineId: "L1", PaidAmount: 9000, Adjustments: []*typev1.Adjustment{cas("CO", "45", 4000), cas("PR", "2", 2000)}},
		{LineId: "L2", Adjustments: []*typev1.Adjustment{cas("PR", "1", 2000)}},
	}}
	told := &codingv1.VisitPayersTold{EncounterId: "enc_1", PatientId: "pat_1", ResponsiblePayers: visit(aetna, medico).ResponsiblePayers, PriorAdjudications: []*codingv1.PriorAdjudication{decided}}
	count := func(all []es.Event) (charges int, prior, held int64) {
		for _, e := range all {
			switch e := e.(type) {
			case *pb.ChargePosted:
				charges++
			case *pb.PriorAdjudicationPosted:
				prior += e.PaidAmount
			case *pb.PriorAdjudicationHeld:
				held += e.PaidAmount
			}
		}
		return
	}

	t.Run("what the first payer decided is told after the visit was charged", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.take(Tell(st.s, told))
		whole := visit(aetna, medico)
		whole.PriorAdjudications = []*codingv1.PriorAdjudication{decided}
		atOnce := charged(t, whole)
		for place, amount := range atOnce.s.Open {
			if st.s.Open[place] != amount {
				t.Errorf("%v: %d open, told at once %d", place, st.s.Open[place], amount)
			}
		}
		if charges, prior, _ := count(st.all); charges != 1 || prior != 9000 || Owed(st.s.Open, medico) != 4000 {
			t.Errorf("%d charges, %d paid before, %d open", charges, prior, Owed(st.s.Open, medico))
		}
		if again, err := Tell(st.s, told); err != nil || len(again) > 0 {
			t.Errorf("told again: %v, %v", again, err)
		}
		st.says("the second payer pays", st.post(medico, clp(1, "2", line("L1", 15000, 2000), line("L2", 2000, 2000))), "L1 paid 2000", "L2 paid 2000", "posted 2", "settled")
	})
	t.Run("a next payer alone moves no money; it is asked for what the first leaves", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.take(Tell(st.s, &codingv1.VisitPayersTold{EncounterId: "enc_1", PatientId: "pat_1", ResponsiblePayers: told.ResponsiblePayers}))
		st.post(aetna, clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "2", 2000)), line("L2", 2000, 2000)))
		if Owed(st.s.Open, medico) != 2000 || Owed(st.s.Open, Payer{}) != 0 {
			t.Errorf("%d asked of the second payer, %d of the patient", Owed(st.s.Open, medico), Owed(st.s.Open, Payer{}))
		}
	})
	t.Run("a payer that no file had named is named: what is open is asked of it", func(t *testing.T) {
		nobody := Payer{"pay_unnamed", primary}
		st := charged(t, visit(nobody))
		st.take(Tell(st.s, &codingv1.VisitPayersTold{EncounterId: "enc_1", PatientId: "pat_1", ResponsiblePayers: visit(aetna).ResponsiblePayers}))
		if Owed(st.s.Open, aetna) != 17000 || Owed(st.s.Open, nobody) != 0 {
			t.Errorf("%d asked of the payer, %d of nobody", Owed(st.s.Open, aetna), Owed(st.s.Open, nobody))
		}
		st.says("it pays", st.post(aetna, clp(1, "1", line("L1", 15000, 15000), line("L2", 2000, 2000))), "L1 paid 15000", "L2 paid 2000", "posted 1", "settled")
	})
	t.Run("a payer that has decided here too: nothing is booked, somebody looks", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.post(aetna, clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "2", 2000)), line("L2", 2000, 2000)))
		before := Owed(st.s.Open, Payer{})
		st.take(Tell(st.s, told))
		if _, prior, held := count(st.all); prior != 0 || held != 9000 || Owed(st.s.Open, Payer{}) != before {
			t.Errorf("%d booked, %d held", prior, held)
		}
	})
	t.Run("the first payer has the claim and pays as well: the money is a credit, nothing is lost", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.take(Tell(st.s, told))
		st.post(aetna, clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 6000)), line("L2", 2000, 0, cas("CO", "45", 2000))))
		if st.cash != 9000 || Owed(st.s.Open, aetna) != -9000 || Owed(st.s.Open, medico) != 4000 {
			t.Errorf("cash %d, the first payer owes %d, the second %d", st.cash, Owed(st.s.Open, aetna), Owed(st.s.Open, medico))
		}
	})
	t.Run("a charge that was taken off takes nothing more", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.s.Voided = true
		st.take(Tell(st.s, told))
		if _, prior, held := count(st.all); prior != 0 || held != 9000 {
			t.Errorf("%d booked, %d held", prior, held)
		}
	})
}
