package settlement

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

func advised(id, payer string, amount int64, repeats string) *pb.RemittanceAdvised {
	return &pb.RemittanceAdvised{
		SettlementId: "set_1", RemittanceId: id, PayerId: "pay_1", PayerIdentifier: payer, TraceNumber: "T1", Amount: amount, EffectiveDate: "2026-03-20", RepeatsRemittanceId: repeats,
	}
}

func seen(id, payer string, amount int64) *pb.DepositAdvised {
	return &pb.DepositAdvised{SettlementId: "set_1", DepositId: id, PayerIdentifier: payer, TraceNumber: "T1", Amount: amount, PayerId: "pay_1"}
}

func pairOf(remittance, deposit string, amount int64) *pb.RemittanceMatched {
	return &pb.RemittanceMatched{RemittanceId: remittance, DepositId: deposit, TraceNumber: "T1", Amount: amount, PayerId: "pay_1"}
}

func TestSettle(t *testing.T) {
	type events = []es.Event
	soon, later := advised("rem_2", "A", 100, ""), advised("rem_2", "A", 100, "")
	soon.EffectiveDate, later.EffectiveDate = "2026-04-20", "2027-03-20"
	soonHeld, other := proto.CloneOf(soon), advised("rem_2", "A", 101, "")
	soonHeld.ContradictsRemittanceId, other.ContradictsRemittanceId = "rem_1", "rem_1"
	differed := &pb.DepositDiffered{RemittanceId: "rem_1", DepositId: "dep_1", TraceNumber: "T1", RemittanceAmount: 100, DepositAmount: 90, PayerId: "pay_1"}
	estest.Run(t, Stream, Deposit, []estest.Case[*pb.DepositAdvised]{
		{Name: "money that comes first waits", When: seen("dep_1", "A", 100), Then: events{seen("dep_1", "A", 100)}},
		{Name: "money of the same amount belongs to the remittance", Given: events{advised("rem_1", "A", 100, "")}, When: seen("dep_1", "A", 100), Then: events{seen("dep_1", "A", 100), pairOf("rem_1", "dep_1", 100)}},
		{Name: "a bank that names no payer is believed", Given: events{advised("rem_1", "A", 100, "")}, When: seen("dep_1", "", 100), Then: events{seen("dep_1", "", 100), pairOf("rem_1", "dep_1", 100)}},
		{Name: "a bank that shows the bare tax id means the same payer", Given: events{advised("rem_1", "1391234567", 100, "")}, When: seen("dep_1", "391234567", 100),
			Then: events{seen("dep_1", "391234567", 100), pairOf("rem_1", "dep_1", 100)}},
		{Name: "written with its hyphen too", Given: events{advised("rem_1", "1391234567", 100, "")}, When: seen("dep_1", "39-1234567", 100),
			Then: events{seen("dep_1", "39-1234567", 100), pairOf("rem_1", "dep_1", 100)}},
		{Name: "a tax id that begins with 1 is not cut", Given: events{advised("rem_1", "1123456789", 100, "")}, When: seen("dep_1", "23456789", 100), Then: events{seen("dep_1", "23456789", 100)}},
		{Name: "another payer's money is another's", Given: events{advised("rem_1", "A", 100, "")}, When: seen("dep_1", "B", 100), Then: events{seen("dep_1", "B", 100)}},
		{Name: "another amount is somebody's work, not a match", Given: events{advised("rem_1", "A", 100, "")}, When: seen("dep_1", "A", 90), Then: events{seen("dep_1", "A", 90), differed}},
		{Name: "a remittance is paid once", Given: events{advised("rem_1", "A", 100, ""), seen("dep_0", "A", 100), pairOf("rem_1", "dep_0", 100)}, When: seen("dep_1", "A", 100), Then: events{seen("dep_1", "A", 100)}},
		{Name: "told again, nothing new", Given: events{seen("dep_1", "A", 100)}, When: seen("dep_1", "A", 100)},
	})
	estest.Run(t, Stream, Advise, []estest.Case[*pb.RemittanceAdvised]{
		{Name: "a remittance finds the money that waited", Given: events{seen("dep_1", "A", 100)}, When: advised("rem_1", "A", 100, ""), Then: events{advised("rem_1", "A", 100, ""), pairOf("rem_1", "dep_1", 100)}},
		{Name: "the same payment in another file repeats the first and takes no money", Given: events{advised("rem_1", "A", 100, ""), seen("dep_1", "A", 100)}, When: advised("rem_2", "A", 100, ""), Then: events{advised("rem_2", "A", 100, "rem_1")}},
		{Name: "the same number of another payer is another payment", Given: events{advised("rem_1", "A", 100, "")}, When: advised("rem_2", "B", 100, ""), Then: events{advised("rem_2", "B", 100, "")}},
		{Name: "the same number with another amount is held: it names one payment", Given: events{advised("rem_1", "A", 100, "")}, When: advised("rem_2", "A", 101, ""), Then: events{other}},
		{Name: "nor does it take the money of its amount", Given: events{advised("rem_1", "A", 100, ""), seen("dep_1", "A", 101)}, When: advised("rem_2", "A", 101, ""), Then: events{other}},
		{Name: "the same number on another day too", Given: events{advised("rem_1", "A", 100, "")}, When: soon, Then: events{soonHeld}},
		{Name: "a year later the number has come round again", Given: events{advised("rem_1", "A", 100, "")}, When: later, Then: events{later}},
		{Name: "a payment of nothing waits for no money", Given: events{seen("dep_1", "A", 90)}, When: advised("rem_1", "A", 0, ""), Then: events{advised("rem_1", "A", 0, "")}},
		{Name: "the same remittance again changes nothing", Given: events{advised("rem_1", "A", 100, "")}, When: advised("rem_1", "A", 100, "")},
	})
}

// story tells one settlement of what comes in, and what it comes to.
type story struct {
	State
	said []es.Event
}

func (s *story) take(events []es.Event, err error) {
	if err != nil {
		panic(err)
	}
	for _, e := range events {
		s.State = Evolve(s.State, e)
		s.said = append(s.said, e)
	}
}

// clearing is what is left in cash.clearing by payer, where each booked remittance and each standing deposit has moved it; of remittances on payer pay_1.
func (s *story) clearing() map[string]int64 {
	out := map[string]int64{}
	for _, r := range s.Remittances {
		if booked(r) {
			out[r.PayerId] += r.Amount
		}
	}
	for _, d := range s.Deposits {
		if !s.Withdrawn[d.DepositId] {
			out[d.PayerId] -= d.Amount
		}
	}
	for _, e := range s.said {
		if m, ok := e.(interface{ GetLegs() []*typev1.Leg }); ok {
			var sum int64
			for _, l := range m.GetLegs() {
				out[l.PayerId] += l.Amount
				sum += l.Amount
			}
			if sum != 0 {
				panic("legs are off")
			}
		}
	}
	return out
}

func permutations(n int) (out [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, p := range permutations(n - 1) {
		for i := range n {
			out = append(out, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return out
}

// A file that is out of balance, the mended one and the money, in any order: the mended one is booked and has the money, the bad one has nothing, and nobody is asked about it.
func TestAMendedFileIsBookedInAnyOrder(t *testing.T) {
	bad := advised("bad", "A", 100, "")
	bad.OutOfBalance = true
	good, money := advised("good", "A", 100, ""), seen("dep_1", "", 100)
	money.PayerId = ""
	for _, order := range permutations(3) {
		s := &story{}
		for _, i := range order {
			switch i {
			case 0:
				s.take(Advise(s.State, bad))
			case 1:
				s.take(Advise(s.State, good))
			case 2:
				s.take(Deposit(s.State, money))
			}
		}
		for _, r := range s.Remittances {
			if booked(r) != (r.RemittanceId == "good") {
				t.Errorf("%v: booked: %v", order, r)
			}
		}
		if m := s.Matched["dep_1"]; m.GetRemittanceId() != "good" || s.Matched["bad"] != nil {
			t.Errorf("%v: the money is matched as %v", order, m)
		}
		asked := !mended(s.State, "bad")
		for _, r := range s.Remittances {
			asked = asked && r.MendedByRemittanceId != "good"
		}
		if asked {
			t.Errorf("%v: the bad one is still asked about", order)
		}
		if left := s.clearing(); left["pay_1"] != 0 || left[""] != 0 {
			t.Errorf("%v: left in clearing: %v", order, left)
		}
	}
}

// The mistake may be in the payment's own amount: the mended file is booked, whatever the bad one said; a bad one that says otherwise after it is asked about.
func TestAMendedFileMaySayAnotherAmount(t *testing.T) {
	bad := advised("bad", "A", 101, "")
	bad.OutOfBalance = true
	mends, late := advised("good", "A", 100, ""), proto.CloneOf(bad)
	mends.MendsRemittanceIds, late.ContradictsRemittanceId = []string{"bad"}, "good"
	estest.Run(t, Stream, Advise, []estest.Case[*pb.RemittanceAdvised]{
		{Name: "the mended one after the bad one", Given: []es.Event{bad}, When: advised("good", "A", 100, ""), Then: []es.Event{mends}},
		{Name: "a bad one after a good one", Given: []es.Event{advised("good", "A", 100, "")}, When: bad, Then: []es.Event{late}},
		{Name: "what was mended is not mended twice", Given: []es.Event{bad, mends}, When: advised("again", "A", 100, ""), Then: []es.Event{advised("again", "A", 100, "good")}},
	})
}

// Two deposits of one trace number, the second of the right amount, and the remittance, in any order: they match, and the other deposit is asked about as what it is.
func TestALeftOverDepositIsAskedAboutAsItIs(t *testing.T) {
	wrong, right, remittance := seen("dep_79", "A", 79), seen("dep_80", "A", 80), advised("rem_1", "A", 80, "")
	for _, order := range permutations(3) {
		s := &story{}
		for _, i := range order {
			switch i {
			case 0:
				s.take(Deposit(s.State, wrong))
			case 1:
				s.take(Deposit(s.State, right))
			case 2:
				s.take(Advise(s.State, remittance))
			}
		}
		var differs, left []string
		for _, e := range s.said {
			switch e := e.(type) {
			case *pb.DepositDiffered:
				differs = append(differs, e.DepositId)
			case *pb.DepositLeftOver:
				left = append(left, fmt.Sprint(e.DepositId, " ", e.Amount))
			}
		}
		if s.Matched["rem_1"].GetDepositId() != "dep_80" || len(s.Differed) != 0 || len(differs) != len(left) || len(left) == 1 && left[0] != "dep_79 79" {
			t.Errorf("%v: matched %v, differs %v, left %v", order, s.Matched["rem_1"], differs, left)
		}
	}
}

// Money of no payer differs from one payer's remittance and is another's of the same number: the first waits anew.
func TestMoneyThatWasAnothersIsNotAskedAbout(t *testing.T) {
	type events = []es.Event
	other := advised("rem_2", "B", 79, "")
	differed := &pb.DepositDiffered{RemittanceId: "rem_1", DepositId: "dep_1", TraceNumber: "T1", RemittanceAmount: 80, DepositAmount: 79, PayerId: "pay_1"}
	found := pairOf("rem_2", "dep_1", 79)
	found.DifferingRemittanceIds = []string{"rem_1"}
	given := events{advised("rem_1", "A", 80, ""), seen("dep_1", "", 79), differed}
	estest.Run(t, Stream, Advise, []estest.Case[*pb.RemittanceAdvised]{{Name: "the other payer's comes", Given: given, When: other, Then: events{other, found}}})
	estest.Run(t, Stream, Unfunded, []estest.Case[*pb.DepositDue]{{
		Name: "the first one's money is asked for when it does not come", Given: append(given, other, found), When: &pb.DepositDue{SettlementId: "set_1", RemittanceId: "rem_1"},
		Then: events{&pb.RemittanceUnfunded{
			SettlementId: "set_1", RemittanceId: "rem_1", PayerId: "pay_1", TraceNumber: "T1", Amount: 80, EffectiveDate: "2026-03-20", WaitedDays: 7, RuleId: "posting.reassociated",
		}},
	}})
}

// A deposit that is taken back gives its remittance free: it waits again, or takes the next money of its amount; what the match had carried over goes back.
func TestWithdraw(t *testing.T) {
	type events = []es.Event
	blank := seen("dep_1", "", 100)
	blank.PayerId = ""
	over := []*typev1.Leg{
		{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, Amount: 100},
		{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, Amount: -100, PayerId: "pay_1"},
	}
	carried := pairOf("rem_1", "dep_1", 100)
	carried.Legs = over
	withdraw := &pb.DepositWithdrawn{SettlementId: "set_1", DepositId: "dep_1"}
	gone, back, differed := proto.CloneOf(withdraw), proto.CloneOf(withdraw), proto.CloneOf(withdraw)
	gone.RemittanceId, back.RemittanceId, differed.DifferingRemittanceIds = "rem_1", "rem_1", []string{"rem_1"}
	back.Legs = []*typev1.Leg{
		{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, Amount: -100},
		{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, Amount: 100, PayerId: "pay_1"},
	}
	differs := func(deposit string, amount int64) *pb.DepositDiffered {
		return &pb.DepositDiffered{RemittanceId: "rem_1", DepositId: deposit, TraceNumber: "T1", RemittanceAmount: 100, DepositAmount: amount, PayerId: "pay_1"}
	}
	rem := advised("rem_1", "A", 100, "")
	estest.Run(t, Stream, Deposit, []estest.Case[*pb.DepositAdvised]{
		{Name: "money of no payer becomes the payer's with its remittance", Given: events{rem}, When: blank, Then: events{blank, carried}},
	})
	estest.Run(t, Stream, Withdraw, []estest.Case[*pb.DepositWithdrawn]{
		{Name: "one that waits", Given: events{blank}, When: withdraw, Then: events{withdraw}},
		{Name: "one that was matched", Given: events{rem, seen("dep_1", "A", 100), pairOf("rem_1", "dep_1", 100)}, When: withdraw, Then: events{gone}},
		{Name: "one that was carried over", Given: events{rem, blank, carried}, When: withdraw, Then: events{back}},
		{Name: "one that differs", Given: events{rem, seen("dep_1", "A", 90), differs("dep_1", 90)}, When: withdraw, Then: events{differed}},
		{
			Name: "the next money of its amount takes its place", Given: events{rem, seen("dep_1", "A", 100), pairOf("rem_1", "dep_1", 100), seen("dep_2", "A", 100)}, When: withdraw,
			Then: events{gone, pairOf("rem_1", "dep_2", 100)},
		},
		{
			Name: "money of another amount differs again", Given: events{rem, seen("dep_1", "A", 100), pairOf("rem_1", "dep_1", 100), seen("dep_2", "A", 90)}, When: withdraw,
			Then: events{gone, differs("dep_2", 90)},
		},
		{Name: "once", Given: events{blank, withdraw}, When: withdraw},
	})
	estest.Run(t, Stream, Advise, []estest.Case[*pb.RemittanceAdvised]{
		{Name: "what was taken back pays nothing", Given: events{blank, withdraw}, When: rem, Then: events{rem}},
	})
	estest.Run(t, Stream, Unfunded, []estest.Case[*pb.DepositDue]{
		{
			Name: "a remittance whose money was taken back waits anew", Given: events{rem, seen("dep_1", "A", 100), pairOf("rem_1", "dep_1", 100), gone},
			When: &pb.DepositDue{SettlementId: "set_1", RemittanceId: "rem_1"},
			Then: events{&pb.RemittanceUnfunded{
				SettlementId: "set_1", RemittanceId: "rem_1", PayerId: "pay_1", TraceNumber: "T1", Amount: 100, EffectiveDate: "2026-03-20", WaitedDays: 7, RuleId: "posting.reassociated",
			}},
		},
	})
	estest.Run(t, Stream, Unmatched, []estest.Case[*pb.RemittanceDue]{
		{Name: "nobody asks what money was that is gone", Given: events{blank, withdraw}, When: &pb.RemittanceDue{SettlementId: "set_1", DepositId: "dep_1"}},
	})
}

// Who waits too long for the other side says so, once; who waits for nothing never does.
func TestWhatDoesNotComeIsToldOnce(t *testing.T) {
	type events = []es.Event
	waits := &pb.DepositDue{SettlementId: "set_1", RemittanceId: "rem_1"}
	unfunded := &pb.RemittanceUnfunded{
		SettlementId: "set_1", RemittanceId: "rem_1", PayerId: "pay_1", TraceNumber: "T1", Amount: 100, EffectiveDate: "2026-03-20", WaitedDays: 7, RuleId: "posting.reassociated",
	}
	differed := &pb.DepositDiffered{RemittanceId: "rem_1", DepositId: "dep_1", TraceNumber: "T1", RemittanceAmount: 100, DepositAmount: 90, PayerId: "pay_1"}
	estest.Run(t, Stream, Unfunded, []estest.Case[*pb.DepositDue]{
		{Name: "the bank has shown nothing", Given: events{advised("rem_1", "A", 100, "")}, When: waits, Then: events{unfunded}},
		{Name: "said once", Given: events{advised("rem_1", "A", 100, ""), unfunded}, When: waits},
		{Name: "the money is there", Given: events{advised("rem_1", "A", 100, ""), seen("dep_1", "A", 100), pairOf("rem_1", "dep_1", 100)}, When: waits},
		{Name: "that the bank shows another amount is work already", Given: events{advised("rem_1", "A", 100, ""), seen("dep_1", "A", 90), differed}, When: waits},
		{Name: "another payer's money under the same number is not its money", Given: events{advised("rem_1", "A", 100, ""), seen("dep_1", "B", 100)}, When: waits, Then: events{unfunded}},
	})
	alone := seen("dep_1", "A", 100)
	alone.DepositDate = "2026-03-20"
	asks := &pb.RemittanceDue{SettlementId: "set_1", DepositId: "dep_1"}
	unmatched := &pb.DepositUnmatched{
		SettlementId: "set_1", DepositId: "dep_1", PayerId: "pay_1", TraceNumber: "T1", Amount: 100, DepositDate: "2026-03-20", WaitedDays: 7, RuleId: "posting.reassociated",
	}
	estest.Run(t, Stream, Unmatched, []estest.Case[*pb.RemittanceDue]{
		{Name: "no payer has said what the money is for", Given: events{alone}, When: asks, Then: events{unmatched}},
		{Name: "said once", Given: events{alone, unmatched}, When: asks},
		{Name: "a payer has", Given: events{alone, advised("rem_1", "A", 100, ""), pairOf("rem_1", "dep_1", 100)}, When: asks},
	})
	estest.Run(t, Stream, Deposit, []estest.Case[*pb.DepositAdvised]{
		{Name: "late money is matched like any", Given: events{advised("rem_1", "A", 100, ""), unfunded}, When: seen("dep_1", "A", 100), Then: events{seen("dep_1", "A", 100), pairOf("rem_1", "dep_1", 100)}},
	})
}

// The clock runs from the day on which one side came, or on which the payer says that it pays, for seven days, and stops when both are there.
func TestTheClockOfReassociation(t *testing.T) {
	day := func(event es.Event) string {
		ops := Timers(es.Recorded{Event: event, StreamID: "set_1", RecordedAt: date.Time("2026-03-20").Add(15 * time.Hour)})
		switch {
		case len(ops) == 0:
			return "none"
		case ops[0].Set == nil && len(ops) > 1 && ops[1].Set != nil:
			return "stopped " + ops[0].Cancel + ", " + ops[1].Set.Key + " " + date.Of(ops[1].Set.DueAt, nil)
		case ops[0].Set == nil:
			return "stopped " + ops[0].Cancel + " " + ops[1].Cancel
		}
		return date.Of(ops[0].Set.DueAt, nil)
	}
	later, old := advised("rem_1", "A", 100, ""), advised("rem_1", "A", 100, "")
	later.EffectiveDate, old.EffectiveDate = "2026-03-31", "2019-03-31"
	for _, c := range []struct {
		name  string
		event es.Event
		want  string
	}{
		{"a remittance", advised("rem_1", "A", 100, ""), "2026-03-27"},
		{"one that says it is paid later", later, "2026-04-07"},
		{"an old one that comes now", old, "2026-03-27"},
		{"a deposit", seen("dep_1", "A", 100), "2026-03-27"},
		{"one that pays nothing", advised("rem_1", "A", 0, ""), "none"},
		{"one below nothing, which is carried forward", advised("rem_1", "A", -100, ""), "none"},
		{"one that repeats another", advised("rem_2", "A", 100, "rem_1"), "none"},
		{"one that is out of balance", &pb.RemittanceAdvised{RemittanceId: "rem_1", Amount: 100, OutOfBalance: true}, "none"},
		{
			"the money was taken back", &pb.DepositWithdrawn{SettlementId: "set_1", DepositId: "dep_1", RemittanceId: "rem_1"},
			"stopped posting.reassociation/dep_1, posting.reassociation/rem_1 2026-03-27",
		},
		{"both are there", pairOf("rem_1", "dep_1", 100), "stopped posting.reassociation/rem_1 posting.reassociation/dep_1"},
	} {
		if got := day(c.event); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
