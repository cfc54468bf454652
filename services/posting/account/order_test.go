package account

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
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

// What a later payer decides before an earlier one has, or before an earlier one decides anew, is booked on what the earlier one leaves in the end.
func TestALaterPayerFollowsTheEarlierOne(t *testing.T) {
	type files = []answered
	paid := func() answered {
		return answered{aetna, clp(1, "19", line("L1", 15000, 7500, cas("CO", "45", 5500), cas("PR", "3", 2000)), line("L2", 2000, 2000))}
	}
	second := func(paid int64, reasons ...*typev1.Adjustment) answered {
		return answered{medico, clp(1, "2", line("L1", 15000, paid, append([]*typev1.Adjustment{cas("OA", "23", 13000)}, reasons...)...))}
	}
	part := func() answered { // denies 3000
		return answered{aetna, clp(1, "1", line("L1", 15000, 4500, cas("CO", "45", 5500), cas("PR", "3", 2000), cas("CO", "50", 3000)), line("L2", 2000, 2000))}
	}
	more := func() answered {
		return answered{aetna, clp(1, "1", line("L1", 15000, 2400, cas("CO", "45", 12000), cas("PR", "2", 600)))}
	}
	back := func(a answered) answered { return answered{a.Payer, turned(a.claim, 1)} }
	for _, c := range []struct {
		name             string
		files            files
		patient, later   int64 // owed
		adjusted, denied int64 // of L1
	}{
		{"its patient share reaches the patient", files{second(1600, cas("PR", "3", 400)), paid()}, 400, 0, 5500, 0},
		{"also in turn", files{paid(), second(1600, cas("PR", "3", 400))}, 400, 0, 5500, 0},
		{"what it takes off by agreement is taken off", files{second(1600, cas("CO", "45", 400)), paid()}, 0, 0, 5900, 0},
		{"what it refuses stays with it, denied", files{second(0, cas("CO", "29", 2000)), paid()}, 0, 2000, 5500, 2000},
		{"also in turn", files{paid(), second(0, cas("CO", "29", 2000))}, 0, 2000, 5500, 2000},
		{"what it refuses of a part stays with it", files{second(1000, cas("CO", "29", 700), cas("PR", "3", 300)), paid()}, 300, 700, 5500, 700},
		{"all of it is the patient's where it says so", files{second(0, cas("PR", "1", 2000)), paid()}, 2000, 0, 5500, 0},
		{"what comes after it and is not of its words stays with it, not with the patient", files{part(), second(1500, cas("PR", "3", 500)), more()}, 500, 600, 5500, 0},
		{"until it decides on that too", files{part(), second(1500, cas("PR", "3", 500)), more(), back(second(1500, cas("PR", "3", 500))), second(2100, cas("PR", "3", 500))}, 500, 0, 5500, 0},
		{"what it gave the patient rests on what it was asked for", files{paid(), second(1500, cas("PR", "3", 500)), back(paid())}, 0, -1500, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := charged(t, visit(aetna, medico))
			for i, f := range c.files {
				st.rem = i
				st.post(f.Payer, f.claim)
			}
			l := st.s.Lines["L1"]
			if patient, later := Owed(st.s.Open, Payer{}), Owed(st.s.Open, medico); patient != c.patient || later != c.later || l.Adjusted != c.adjusted || Denied(st.s, "L1") != c.denied {
				t.Errorf("the patient owes %d, the later payer %d; taken off %d, denied %d", patient, later, l.Adjusted, Denied(st.s, "L1"))
			}
		})
	}
}

// answered is what a payer says.
type answered struct {
	Payer
	claim *exchangev1.RemittanceClaim
}

// Payers decide on what the ones before them leave, and their files come in any order: the books end the same as when each is told only after all before it have decided. What a later
// payer refused stays with it, what it said nothing of stays open with it, and the patient is asked for nothing that no payer has given to the patient.
func TestPayersMayAnswerInAnyOrder(t *testing.T) {
	contract := &registryv1.ContractPublished{ContractId: "con_1", PayerId: "pay_1", FromDate: "2026-01-01", Rates: []*registryv1.ContractRate{{ServiceCode: "90837", AllowedAmount: 12000}}}
	rapid.Check(t, func(t *rapid.T) {
		all := []Payer{aetna, medico, {"pay_3", tertiary}}[:rapid.IntRange(2, 3).Draw(t, "payers")]
		var contracts []*registryv1.ContractPublished
		if rapid.Bool().Draw(t, "contract") {
			contracts = append(contracts, contract)
		}
		type answer struct {
			Payer
			remittance int
			claim      *exchangev1.RemittanceClaim
		}
		remittances := 0
		var inTurn, files [][]answer // by payer
		var given int64
		for _, p := range all {
			answers := func(claim *exchangev1.RemittanceClaim) answer {
				remittances++
				return answer{p, remittances, claim}
			}
			decision := func(name string) *exchangev1.RemittanceClaim {
				var lines []*exchangev1.RemittanceLine
				for _, l := range visit(aetna).Lines {
					left := l.ChargeAmount
					x := line(l.LineId, l.ChargeAmount, 0)
					for _, code := range [][2]string{{"OA", "23"}, {"CO", "45"}, {"PR", "3"}, {"PR", "2"}, {"CO", "197"}, {"PR", "45"}} {
						if p.Sequence == primary && code[1] == "23" || rapid.IntRange(0, 2).Draw(t, "told") == 0 {
							continue
						}
						reason := cas(code[0], code[1], rapid.Int64Range(0, left).Draw(t, p.ID+name+code[0]+code[1]))
						if code[0] == "PR" {
							given += reason.Amount
						}
						if left -= reason.Amount; reason.Amount > 0 {
							x.Adjustments = append(x.Adjustments, reason)
						}
					}
					x.PaidAmount = left
					lines = append(lines, x)
				}
				c := clp(1, "1", lines...)
				c.PayerClaimControlNumber = p.ID + name
				return c
			}
			first := answers(decision("first"))
			turn := []answer{first}
			file := turn
			switch rapid.IntRange(0, 4).Draw(t, "what comes after") {
			case 1:
				turn = append(turn, answers(decision("more")))
				file = turn
			case 2:
				turn = append(turn, answers(turned(first.claim, 1)))
				file = turn
			case 3:
				back, anew := answers(turned(first.claim, 1)), answers(decision("anew"))
				turn, file = []answer{first, back, anew}, []answer{first, back, anew}
				if rapid.Bool().Draw(t, "the takeback comes after what takes its place") {
					file = []answer{first, anew, back}
				}
			case 4:
				more, back, anew := answers(decision("more")), answers(turned(first.claim, 1)), answers(decision("anew"))
				turn, file = []answer{first, more, back, anew}, []answer{first, more, back, anew}
				if rapid.Bool().Draw(t, "the takeback comes after what takes its place") {
					file = []answer{first, more, anew, back}
				}
			}
			inTurn, files = append(inTurn, turn), append(files, file)
		}
		booked := func(answers []answer) *story {
			st := charged(t, visit(all...), contracts...)
			st.contracts = contracts
			for _, a := range answers {
				st.rem = a.remittance
				st.post(a.Payer, proto.CloneOf(a.claim))
			}
			return st
		}
		var mixed []answer
		for {
			files = slices.DeleteFunc(files, func(f []answer) bool { return len(f) == 0 })
			if len(files) == 0 {
				break
			}
			n := rapid.IntRange(0, len(files)-1).Draw(t, "whose file comes now")
			mixed, files[n] = append(mixed, files[n][0]), files[n][1:]
		}
		straight, crossed := booked(slices.Concat(inTurn...)), booked(mixed)
		said := func(st *story) (out []any) {
			for _, l := range []string{"", "L1", "L2"} {
				if books := st.s.Lines[l]; books != nil && *books != (Line{}) {
					out = append(out, fmt.Sprintf("%s: %+v", l, *books))
				}
				out = append(out, Disputed(st.s, l), Denied(st.s, l))
			}
			return append(out, nonZero(st.s.Open), st.cash, st.s.Settled)
		}
		if want, got := said(straight), said(crossed); !reflect.DeepEqual(want, got) {
			t.Fatalf("\nin turn %v\ncrossed %v", want, got)
		}
		for place, owed := range crossed.s.Open {
			if place.Payer == (Payer{}) && (owed < 0 || owed > given) {
				t.Fatalf("the patient owes %d", owed)
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
