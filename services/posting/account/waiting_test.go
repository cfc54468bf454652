package account

import (
	"reflect"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

func decidedAnew() *exchangev1.RemittanceClaim {
	c := clp(1, "1", line("L1", 15000, 7500, cas("CO", "45", 4000), cas("PR", "3", 3500)), line("L2", 2000, 2000))
	c.PayerClaimControlNumber = "ICN2"
	return c
}

func TestATakebackWaitsForItsPayment(t *testing.T) {
	st := charged(t, visit(aetna))
	st.says("first the takeback", st.post(aetna, turned(firstOfTwo(), 1)), "unmatched -11000")
	st.rem++
	st.says("its payment", st.post(aetna, firstOfTwo()), "L1 paid 9000", "L1 PR-3 to patient 2000", "L1 CO-45 off 4000", "L2 paid 2000", "posted 1",
		"found -11000: the payment that it takes back has come", "reversed rem_1/1 -11000", "posted 22")
	if got := nonZero(st.s.Open); !reflect.DeepEqual(got, map[Place]int64{{aetna, "L1"}: 15000, {aetna, "L2"}: 2000}) || len(st.s.Waiting) != 0 {
		t.Fatal(got, st.s.Waiting)
	}
	st.rem++
	st.says("and another of the same amounts stands", st.post(aetna, firstOfTwo()), "L1 paid 9000", "L1 PR-3 to patient 2000", "L1 CO-45 off 4000", "L2 paid 2000", "posted 1")

	other := charged(t, visit(aetna))
	other.post(aetna, turned(firstOfTwo(), 1))
	other.rem++
	other.says("of other amounts it is not", other.post(aetna, decidedAnew()), "L1 paid 7500", "L1 PR-3 to patient 3500", "L1 CO-45 off 4000", "L2 paid 2000", "posted 1")
	if len(other.s.Waiting) != 1 {
		t.Fatal(other.s.Waiting)
	}

	old := charged(t, visit(aetna))
	old.take([]es.Event{&pb.ClaimPaymentUnmatched{AccountId: "enc_1", ClaimId: "clm_1", PayerId: "pay_1", RemittanceId: "rem_x", ClaimOrdinal: 1, PaidAmount: -11000}}, nil)
	old.says("an event of before this rule waits for a person", old.post(aetna, firstOfTwo()), "L1 paid 9000", "L1 PR-3 to patient 2000", "L1 CO-45 off 4000", "L2 paid 2000", "posted 1")
}

// A payment, its takeback and what the payer decides in its place end the same in every order, and a decision told after the takeback stands.
func TestAPaymentAndItsTakebackComeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := []*exchangev1.RemittanceClaim{firstOfTwo(), turned(firstOfTwo(), 1), decidedAnew()}
		payers := []Payer{aetna, medico}[:rapid.IntRange(1, 2).Draw(t, "payers")]
		ends := func(order []int) *story {
			st := charged(t, visit(payers...))
			for _, i := range order {
				st.rem++
				before := proto.CloneOf(files[i])
				st.post(aetna, files[i])
				if !proto.Equal(before, files[i]) {
					t.Fatal("the file was written to")
				}
			}
			return st
		}
		order := rapid.Permutation([]int{0, 1, 2}).Draw(t, "order")
		straight, crossed := ends([]int{0, 1, 2}), ends(order)
		if !reflect.DeepEqual(nonZero(straight.s.Open), nonZero(crossed.s.Open)) || !reflect.DeepEqual(straight.s.Lines, crossed.s.Lines) || straight.cash != crossed.cash ||
			len(crossed.s.Waiting) != 0 || straight.s.Settled != crossed.s.Settled {
			t.Fatalf("%v %v, in order %v %v", crossed.s.Open, crossed.s.Waiting, straight.s.Open, straight.s.Waiting)
		}
		at := func(i int) int { return slices.Index(order, i) }
		for _, e := range crossed.all {
			if p, ok := e.(*pb.ClaimPaymentPosted); ok && p.Reversal && at(1) < at(2) && at(2) < at(0) && !p.DecisionStands {
				t.Fatalf("the decision after the takeback stands, and the reversal does not say so: %v", p)
			}
		}
	})
}

// The order within a file: takebacks first, but not before a payment of the same file that they take back.
func TestFileOrder(t *testing.T) {
	of := func(n int32, c *exchangev1.RemittanceClaim) *exchangev1.RemittanceClaim {
		c.Ordinal = n
		return c
	}
	denial := func(carc string) *exchangev1.RemittanceClaim {
		return clp(1, "4", line("L1", 15000, 0, cas("CO", carc, 15000)))
	}
	for _, c := range []struct {
		name string
		file []*exchangev1.RemittanceClaim
		want []int32
	}{
		{"the payment is in the file", []*exchangev1.RemittanceClaim{of(1, firstOfTwo()), of(2, turned(firstOfTwo(), 2)), of(3, decidedAnew())}, []int32{1, 2, 3}},
		{"it is not", []*exchangev1.RemittanceClaim{of(1, decidedAnew()), of(2, turned(firstOfTwo(), 2))}, []int32{2, 1}},
		{"it comes after its takeback", []*exchangev1.RemittanceClaim{of(1, decidedAnew()), of(2, turned(firstOfTwo(), 2)), of(3, firstOfTwo())}, []int32{2, 1, 3}},
		{"a denial of the same amount for another reason is another decision", []*exchangev1.RemittanceClaim{of(1, denial("197")), of(2, turned(denial("29"), 2))}, []int32{2, 1}},
	} {
		var got []int32
		for _, x := range fileOrder(c.file) {
			got = append(got, x.Ordinal)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A file with a payment, its takeback and the new decision is posted in its own order.
func TestOneFilePaysTakesBackAndPaysAnew(t *testing.T) {
	created := &claimsv1.ClaimCreated{ClaimId: "clm_1", AccountId: "enc_1", Content: &claimsv1.ClaimContent{PayerId: "pay_1", PayerSequence: primary}}
	st := charged(t, visit(aetna))
	back, anew := turned(firstOfTwo(), 2), decidedAnew()
	anew.Ordinal = 3
	commands, err := React(es.Recorded{Event: &pb.RemittanceBalanced{RemittanceId: "rem_1", PayerId: "pay_1", EffectiveDate: march, Claims: []*exchangev1.RemittanceClaim{firstOfTwo(), back, anew}}},
		es.Known{ClaimMirror.Name: {"clm_1": {created}}, ChargeMirror.Name: {"enc_1": {st.all[0]}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		events, err := c.Decide(st.s)
		for _, e := range events {
			if _, held := e.(*pb.ClaimPaymentUnmatched); held {
				t.Fatalf("held: %v", e)
			}
		}
		st.take(events, err)
	}
	if Owed(st.s.Open, aetna) != 0 || Owed(st.s.Open, Payer{}) != 3500 || st.s.Lines["L1"].Paid != 7500 {
		t.Fatal(st.s.Open)
	}
}
