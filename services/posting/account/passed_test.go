package account

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
)

func (st *story) void() []string {
	st.t.Helper()
	return st.take(Void(st.s, Withdrawal{Closed: &claimsv1.ClaimClosed{ClaimId: "clm_1", Reason: "billed by mistake", Withdrawn: true}, Payer: aetna}))
}

// Both payers have paid, and left something of L1 to the next.
func firstOfTwo() *exchangev1.RemittanceClaim {
	return clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "3", 2000)), line("L2", 2000, 2000))
}

func secondOfTwo() *exchangev1.RemittanceClaim {
	return clp(1, "2", line("L1", 15000, 1500, cas("OA", "23", 13000), cas("PR", "3", 500)))
}

func TestOfAVoidedVisitNobodyIsAsked(t *testing.T) {
	both := func(t *testing.T) *story {
		st := charged(t, visit(aetna, medico))
		st.post(aetna, firstOfTwo())
		st.rem++
		st.post(medico, secondOfTwo())
		st.rem++
		return st
	}
	t.Run("the share that a second payer left to the patient goes back, and its credit is what it has paid", func(t *testing.T) {
		st := both(t)
		st.says("takeback", st.post(aetna, turned(firstOfTwo(), 1)), "reversed rem_0/1 -11000", "L1 PR-3 to patient -500", "pay_2 paid 1500 on what pay_1 took back", "posted 22", "pay_2 has paid 1500 too much")
		st.says("void", st.void(), "charge 17000 voided")
		if Owed(st.s.Open, Payer{}) != 0 {
			t.Fatal(st.s.Open)
		}
		st.rem++
		st.says("the second payer takes it back", st.post(medico, turned(secondOfTwo(), 1)),
			"reversed rem_1/1 -1500", "posted 22", "pay_2: the later payer took its payment back", "pay_2 has not paid too much any more", "settled")
	})
	t.Run("what the patient has paid of it is free", func(t *testing.T) {
		st := both(t)
		st.take(Take(st.s, &pb.PatientPaymentAssigned{PatientId: "pat_1", AccountId: "enc_1", PatientPaymentId: "ppm_1", Amount: 500}))
		st.says("void", st.void(), "charge 17000 voided", "2000 back to pay_1", "500 back to pay_2", "allocated ppm_1 -500", "pay_1 has paid 15000 too much", "pay_2 has paid 1500 too much")
	})
	t.Run("before the first payer takes its decision back, too", func(t *testing.T) {
		st := both(t)
		st.says("void", st.void(), "charge 17000 voided", "2000 back to pay_1", "500 back to pay_2", "pay_1 has paid 15000 too much", "pay_2 has paid 1500 too much")
		st.says("takeback", st.post(aetna, turned(firstOfTwo(), 1)),
			"reversed rem_0/1 -11000", "pay_2 paid 1500 on what pay_1 took back", "-2000 back to pay_1", "posted 22", "pay_1 has not paid too much any more")
	})
	t.Run("a decision that comes after the void leaves nothing to the patient", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.void()
		st.says("paid all the same", st.post(aetna, clp(1, "1", line("L1", 15000, 9000, cas("PR", "3", -100)))), "L1 paid 9000", "L1 PR-3 to patient -100", "-100 back to pay_1", "posted 1", "pay_1 has paid 9000 too much")
	})
	t.Run("a payer that was named later has what was left to the one that stood there", func(t *testing.T) {
		st := charged(t, visit(aetna, medico))
		st.post(aetna, firstOfTwo())
		named := Payer{"pay_9", secondary}
		st.take(Tell(st.s, &codingv1.VisitPayersTold{EncounterId: "enc_1", ResponsiblePayers: []*intakev1.ResponsiblePayer{
			{PayerId: aetna.ID, PayerSequence: aetna.Sequence}, {PayerId: named.ID, PayerSequence: named.Sequence},
		}}))
		st.rem++
		st.post(aetna, turned(firstOfTwo(), 1))
		st.void()
		if got := nonZero(st.s.Open); len(got) != 0 {
			t.Fatal(got)
		}
	})
	t.Run("a charge that was taken off where it was open, before this was known, is put right by what comes next", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.post(aetna, firstOfTwo()) // no second payer: 2000 are the patient's
		st.take([]es.Event{&pb.ChargeVoided{AccountId: "enc_1", PatientId: "pat_1", ChargeAmount: 17000, Legs: new(money.Entry).
			Debit(17000, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS}).
			Credit(2000, receivable(Place{LineID: "L1"})).Credit(13000, receivable(Place{aetna, "L1"})).Credit(2000, receivable(Place{aetna, "L2"})).Legs()}}, nil)
		st.rem++
		st.post(aetna, turned(firstOfTwo(), 1))
		if got := nonZero(st.s.Open); len(got) != 0 {
			t.Fatal(got)
		}
	})
}

// Whether the charge goes before, between or after the takebacks, the books end the same, and at no time after it is the patient asked for anything.
func TestAVoidAndItsTakebacksComeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paid := rapid.Int64Range(0, 500).Draw(t, "the patient paid")
		back := rapid.SliceOfNDistinct(rapid.SampledFrom([]Payer{aetna, medico}), 0, 2, func(p Payer) Payer { return p }).Draw(t, "who takes back")
		ends := func(void int, order []Payer) *story {
			st := charged(t, visit(aetna, medico))
			st.post(aetna, firstOfTwo())
			st.rem++
			st.post(medico, secondOfTwo())
			if paid > 0 {
				st.take(Take(st.s, &pb.PatientPaymentAssigned{PatientId: "pat_1", AccountId: "enc_1", PatientPaymentId: "ppm_1", Amount: paid}))
			}
			for i := range len(order) + 1 {
				if i == void {
					st.void()
				}
				if i < len(order) {
					st.rem++
					c := firstOfTwo()
					if order[i] == medico {
						c = secondOfTwo()
					}
					st.post(order[i], turned(c, 1))
				}
				if st.s.Voided && Owed(st.s.Open, Payer{}) != 0 {
					t.Fatalf("the patient is asked: %v", st.s.Open)
				}
			}
			return st
		}
		last := ends(len(back), back)
		other := ends(rapid.IntRange(0, len(back)).Draw(t, "void"), rapid.Permutation(back).Draw(t, "order"))
		if !reflect.DeepEqual(nonZero(last.s.Open), nonZero(other.s.Open)) || !reflect.DeepEqual(last.s.Allocated, other.s.Allocated) || last.cash != other.cash {
			t.Fatalf("%v %v, in another order %v %v", last.s.Open, last.s.Allocated, other.s.Open, other.s.Allocated)
		}
	})
}
