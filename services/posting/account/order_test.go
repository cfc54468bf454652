package account

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

// A payer that decides anew takes its old decision back, and files come in any order: the books end the same whichever comes first.
func TestATakebackMayComeAfterWhatTakesItsPlace(t *testing.T) {
	contract := &registryv1.ContractPublished{ContractId: "con_1", PayerId: "pay_1", FromDate: "2026-01-01", Rates: []*registryv1.ContractRate{{ServiceCode: "90837", AllowedAmount: 12000}}}
	rapid.Check(t, func(t *rapid.T) {
		decision := func(name string) *exchangev1.RemittanceClaim {
			var lines []*exchangev1.RemittanceLine
			for _, l := range visit(aetna).Lines {
				left := l.ChargeAmount
				x := line(l.LineId, l.ChargeAmount, 0)
				for _, reason := range []*typev1.Adjustment{cas("CO", "45", 0), cas("PR", "3", 0), cas("PR", "2", 0), cas("CO", "197", 0), cas("PR", "45", 0)} {
					reason.Amount = rapid.Int64Range(0, left).Draw(t, name+" "+reason.GroupCode+reason.Carc)
					if left -= reason.Amount; reason.Amount > 0 {
						x.Adjustments = append(x.Adjustments, reason)
					}
				}
				x.PaidAmount = left
				lines = append(lines, x)
			}
			return clp(1, "1", lines...)
		}
		first, second := decision("first"), decision("second")
		second.PayerClaimControlNumber = "ICN2"
		payers := []Payer{aetna, medico}[:rapid.IntRange(1, 2).Draw(t, "payers")]
		var contracts []*registryv1.ContractPublished
		if rapid.Bool().Draw(t, "contract") {
			contracts = append(contracts, contract)
		}
		booked := func(steps ...*exchangev1.RemittanceClaim) *story {
			st := charged(t, visit(payers...), contracts...)
			for i, c := range steps {
				st.rem = i
				st.post(aetna, c)
			}
			return st
		}
		straight, crossed := booked(first, turned(first, 1), second), booked(first, second, turned(first, 1))
		for _, x := range []struct{ want, got any }{
			{straight.s.Lines, crossed.s.Lines}, {nonZero(straight.s.Open), nonZero(crossed.s.Open)}, {straight.cash, crossed.cash}, {straight.s.Settled, crossed.s.Settled},
			{Disputed(straight.s, "L1"), Disputed(crossed.s, "L1")},
		} {
			if !reflect.DeepEqual(x.want, x.got) {
				t.Fatalf("in order %s, crossed %s", fmt.Sprint(x.want), fmt.Sprint(x.got))
			}
		}
		for _, e := range crossed.all {
			if p, ok := e.(*pb.ClaimPaymentPosted); ok && p.Reversal && !p.DecisionStands {
				t.Fatalf("the later decision stands, and the reversal does not say so: %v", p)
			}
		}
	})
}

func nonZero(open map[Place]int64) map[Place]int64 {
	out := map[Place]int64{}
	for place, amount := range open {
		if amount != 0 {
			out[place] = amount
		}
	}
	return out
}

// A leg of a takeback says why it was there, and which bytes take it back.
func TestATakebackSaysWhy(t *testing.T) {
	st := charged(t, visit(aetna))
	c := clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "3", 2000)), line("L2", 2000, 2000))
	st.post(aetna, c)
	back := turned(c, 1)
	back.Source = &typev1.Source{Segment: "CLP"}
	back.Lines[0].Source, back.Lines[0].Adjustments[0].Source, back.Lines[0].Adjustments[1].Source = &typev1.Source{Segment: "SVC"}, &typev1.Source{Segment: "CAS", Offset: 45}, &typev1.Source{Segment: "CAS", Offset: 3}
	st.rem++
	st.post(aetna, back)
	got := map[string]int64{}
	for _, e := range st.all {
		if e, ok := e.(*pb.PostingReversed); ok {
			for _, l := range e.Legs {
				got[fmt.Sprint(l.LineId, " ", l.Carc, " ", l.Source.GetSegment(), l.Source.GetOffset())] += max(l.Amount, 0)
			}
		}
	}
	want := map[string]int64{"L1  SVC0": 9000, "L1 45 CAS45": 4000, "L1 3 CAS3": 2000, "L2  0": 2000}
	if !reflect.DeepEqual(got, want) {
		t.Fatal(got)
	}
}

// So does one of a takeback that is told of the claim as a whole, of a decision that was told by line.
func TestATakebackOfTheClaimAsAWholeSaysWhy(t *testing.T) {
	st := charged(t, visit(aetna))
	c := clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "3", 2000)), line("L2", 2000, 2000))
	st.post(aetna, c)
	back := turned(c, 1)
	back.Source, back.Adjustments, back.Lines = &typev1.Source{Segment: "CLP"}, back.Lines[0].Adjustments, nil
	back.Adjustments[0].Source, back.Adjustments[1].Source = &typev1.Source{Segment: "CAS", Offset: 45}, &typev1.Source{Segment: "CAS", Offset: 3}
	st.rem++
	st.post(aetna, back)
	got := map[string]int64{}
	for _, e := range st.all {
		if e, ok := e.(*pb.PostingReversed); ok {
			for _, l := range e.Legs {
				got[fmt.Sprint(l.LineId, " ", l.Carc, " ", l.Source.GetSegment(), l.Source.GetOffset())] += max(l.Amount, 0)
			}
		}
	}
	want := map[string]int64{"L1  0": 9000, "L1 45 CAS45": 4000, "L1 3 CAS3": 2000, "L2  0": 2000} // what was paid is told by the claim itself
	if !reflect.DeepEqual(got, want) {
		t.Fatal(got)
	}
}

// What is open with a later payer whose claim was taken back is the patient's, unless a payer comes after it.
func TestMoveOn(t *testing.T) {
	withdraw := func(st *story, p Payer) []string {
		return st.take(MoveOn(st.s, Withdrawal{Closed: &claimsv1.ClaimClosed{ClaimId: "clm_2", Reason: "its coverage had ended", Withdrawn: true, ChargeStands: true}, Payer: p}))
	}
	left := func(payers ...Payer) *story {
		st := charged(t, visit(payers...))
		st.post(aetna, clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "2", 2000)), line("L2", 2000, 2000)))
		return st
	}
	st := left(aetna, medico)
	st.says("the rest is the patient's", withdraw(st, medico), "2000 of pay_2 to the patient")
	st.says("once", withdraw(st, medico))
	if Owed(st.s.Open, medico) != 0 || Owed(st.s.Open, Payer{}) != 2000 {
		t.Fatal(st.s.Open)
	}
	if to := begin(st.s).next(aetna); to != (Payer{}) {
		t.Fatalf("%v is asked again", to)
	}
	third := Payer{"pay_3", tertiary}
	st = left(aetna, medico, third)
	st.says("a payer comes after it", withdraw(st, medico), "0 of pay_2 to the patient")
	if e := st.all[len(st.all)-1].(*pb.BalanceMoved); e.LeftAmount != 2000 || Owed(st.s.Open, medico) != 2000 {
		t.Fatal(e, st.s.Open)
	}
}

// What an earlier payer refused before the move is not written off: it stays with that payer, as somebody's work.
func TestWhatWasDeniedBeforeTheMoveStaysOpen(t *testing.T) {
	for name, c := range map[string]struct {
		prior *codingv1.PriorAdjudication
		want  []string
		owed  [2]int64 // by the first payer, by the second
	}{
		"of a line": {
			&codingv1.PriorAdjudication{PayerId: "pay_1", PayerSequence: primary, PaidAmount: 2000, Lines: []*codingv1.PriorLine{
				{LineId: "L1", Adjustments: []*typev1.Adjustment{cas("CO", "197", 11000), cas("CO", "45", 4000)}}, {LineId: "L2", PaidAmount: 2000},
			}},
			[]string{"charged 17000", "prior pay_1 paid 2000", "L1 denied before CO-197 11000"}, [2]int64{11000, 0},
		},
		"of the claim as a whole": {
			&codingv1.PriorAdjudication{PayerId: "pay_1", PayerSequence: primary, PaidAmount: 7000, Adjustments: []*typev1.Adjustment{cas("OA", "zz", 10000)}},
			[]string{"charged 17000", "prior pay_1 paid 7000", " denied before OA-zz 10000"}, [2]int64{10000, 0},
		},
		"what we don't know is never written off, what is the patient's moves on": {
			&codingv1.PriorAdjudication{PayerId: "pay_1", PayerSequence: primary, PaidAmount: 2000, Lines: []*codingv1.PriorLine{
				{LineId: "L1", Adjustments: []*typev1.Adjustment{cas("CO", "B99", 9000), cas("PR", "3", 6000)}}, {LineId: "L2", PaidAmount: 2000},
			}},
			[]string{"charged 17000", "prior pay_1 paid 2000", "L1 denied before CO-B99 9000"}, [2]int64{9000, 6000},
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := visit(aetna, medico)
			v.PriorAdjudications = []*codingv1.PriorAdjudication{c.prior}
			st := &story{t: t}
			st.says("booked", st.take(Charge(State{}, Coded{Visit: v})), c.want...)
			if got := [2]int64{Owed(st.s.Open, aetna), Owed(st.s.Open, medico)}; got != c.owed {
				t.Fatalf("owed %v, want %v", got, c.owed)
			}
		})
	}
}
