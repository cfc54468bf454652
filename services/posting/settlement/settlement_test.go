package settlement

import (
	"testing"
	"time"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
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
	return &pb.DepositAdvised{SettlementId: "set_1", DepositId: id, PayerIdentifier: payer, TraceNumber: "T1", Amount: amount}
}

func pair(remittance, deposit string, amount int64) *pb.RemittanceMatched {
	return &pb.RemittanceMatched{RemittanceId: remittance, DepositId: deposit, TraceNumber: "T1", Amount: amount}
}

func TestSettle(t *testing.T) {
	type events = []es.Event
	later := advised("rem_2", "A", 100, "")
	later.EffectiveDate = "2026-04-20"
	differed := &pb.DepositDiffered{RemittanceId: "rem_1", DepositId: "dep_1", TraceNumber: "T1", RemittanceAmount: 100, DepositAmount: 90, PayerId: "pay_1"}
	estest.Run(t, Stream, Deposit, []estest.Case[*pb.DepositAdvised]{
		{Name: "money that comes first waits", When: seen("dep_1", "A", 100), Then: events{seen("dep_1", "A", 100)}},
		{Name: "money of the same amount belongs to the remittance", Given: events{advised("rem_1", "A", 100, "")}, When: seen("dep_1", "A", 100), Then: events{seen("dep_1", "A", 100), pair("rem_1", "dep_1", 100)}},
		{Name: "a bank that names no payer is believed", Given: events{advised("rem_1", "A", 100, "")}, When: seen("dep_1", "", 100), Then: events{seen("dep_1", "", 100), pair("rem_1", "dep_1", 100)}},
		{Name: "another payer's money is another's", Given: events{advised("rem_1", "A", 100, "")}, When: seen("dep_1", "B", 100), Then: events{seen("dep_1", "B", 100)}},
		{Name: "another amount is somebody's work, not a match", Given: events{advised("rem_1", "A", 100, "")}, When: seen("dep_1", "A", 90), Then: events{seen("dep_1", "A", 90), differed}},
		{Name: "a remittance is paid once", Given: events{advised("rem_1", "A", 100, ""), seen("dep_0", "A", 100), pair("rem_1", "dep_0", 100)}, When: seen("dep_1", "A", 100), Then: events{seen("dep_1", "A", 100)}},
		{Name: "told again, nothing new", Given: events{seen("dep_1", "A", 100)}, When: seen("dep_1", "A", 100)},
	})
	estest.Run(t, Stream, Advise, []estest.Case[*pb.RemittanceAdvised]{
		{Name: "a remittance finds the money that waited", Given: events{seen("dep_1", "A", 100)}, When: advised("rem_1", "A", 100, ""), Then: events{advised("rem_1", "A", 100, ""), pair("rem_1", "dep_1", 100)}},
		{Name: "the same payment in another file repeats the first and takes no money", Given: events{advised("rem_1", "A", 100, ""), seen("dep_1", "A", 100)}, When: advised("rem_2", "A", 100, ""), Then: events{advised("rem_2", "A", 100, "rem_1")}},
		{Name: "the same number of another payer is another payment", Given: events{advised("rem_1", "A", 100, "")}, When: advised("rem_2", "B", 100, ""), Then: events{advised("rem_2", "B", 100, "")}},
		{Name: "the same number on another day is another payment", Given: events{advised("rem_1", "A", 100, "")}, When: later, Then: events{later}},
		{Name: "a payment of nothing waits for no money", Given: events{seen("dep_1", "A", 90)}, When: advised("rem_1", "A", 0, ""), Then: events{advised("rem_1", "A", 0, "")}},
		{Name: "the same remittance again changes nothing", Given: events{advised("rem_1", "A", 100, "")}, When: advised("rem_1", "A", 100, "")},
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
		{Name: "the money is there", Given: events{advised("rem_1", "A", 100, ""), seen("dep_1", "A", 100), pair("rem_1", "dep_1", 100)}, When: waits},
		{Name: "that the bank shows another amount is work already", Given: events{advised("rem_1", "A", 100, ""), seen("dep_1", "A", 90), differed}, When: waits},
		{Name: "another payer's money under the same number is not its money", Given: events{advised("rem_1", "A", 100, ""), seen("dep_1", "B", 100)}, When: waits, Then: events{unfunded}},
	})
	alone := seen("dep_1", "A", 100)
	alone.PayerId, alone.DepositDate = "pay_1", "2026-03-20"
	asks := &pb.RemittanceDue{SettlementId: "set_1", DepositId: "dep_1"}
	unmatched := &pb.DepositUnmatched{
		SettlementId: "set_1", DepositId: "dep_1", PayerId: "pay_1", TraceNumber: "T1", Amount: 100, DepositDate: "2026-03-20", WaitedDays: 7, RuleId: "posting.reassociated",
	}
	estest.Run(t, Stream, Unmatched, []estest.Case[*pb.RemittanceDue]{
		{Name: "no payer has said what the money is for", Given: events{alone}, When: asks, Then: events{unmatched}},
		{Name: "said once", Given: events{alone, unmatched}, When: asks},
		{Name: "a payer has", Given: events{alone, advised("rem_1", "A", 100, ""), pair("rem_1", "dep_1", 100)}, When: asks},
	})
	estest.Run(t, Stream, Deposit, []estest.Case[*pb.DepositAdvised]{
		{Name: "late money is matched like any", Given: events{advised("rem_1", "A", 100, ""), unfunded}, When: seen("dep_1", "A", 100), Then: events{seen("dep_1", "A", 100), pair("rem_1", "dep_1", 100)}},
	})
}

// The clock runs from the day on which one side came, or on which the payer says that it pays, for seven days, and stops when both are there.
func TestTheClockOfReassociation(t *testing.T) {
	day := func(event es.Event) string {
		ops := Timers(es.Recorded{Event: event, StreamID: "set_1", RecordedAt: date.Time("2026-03-20").Add(15 * time.Hour)})
		switch {
		case len(ops) == 0:
			return "none"
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
		{"both are there", pair("rem_1", "dep_1", 100), "stopped posting.reassociation/rem_1 posting.reassociation/dep_1"},
	} {
		if got := day(c.event); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
