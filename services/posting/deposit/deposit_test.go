package deposit

import (
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/pkg/money"
)

func TestADepositIsBookedOnce(t *testing.T) {
	c := &pb.RecordDepositRequest{PayerId: "pay_1", PayerIdentifier: "1123", TraceNumber: "T1", Amount: money.Of(9400), DepositDate: "2026-03-20", Today: "2026-03-20"}
	received := &pb.DepositReceived{
		DepositId: ID(c), PayerId: "pay_1", PayerIdentifier: "1123", TraceNumber: "T1", Amount: 9400, DepositDate: "2026-03-20",
		Legs: []*typev1.Leg{
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, Amount: 9400, PayerId: "pay_1"},
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, Amount: -9400, PayerId: "pay_1"},
		},
	}
	changed := func(change func(*pb.RecordDepositRequest)) *pb.RecordDepositRequest {
		c := proto.CloneOf(c)
		change(c)
		return c
	}
	decide := func(payer bool) func(State, *pb.RecordDepositRequest) ([]es.Event, error) {
		return func(s State, c *pb.RecordDepositRequest) ([]es.Event, error) { return Receive(s, c, ID(c), payer) }
	}
	reversed := &pb.DepositReversed{
		DepositId: ID(c), PayerId: "pay_1", TraceNumber: "T1", Amount: 9400, Reason: "typed twice", ReversedDate: "2026-03-21",
		Legs: []*typev1.Leg{
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, Amount: -9400, PayerId: "pay_1"},
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, Amount: 9400, PayerId: "pay_1"},
		},
	}
	type events = []es.Event
	estest.Run(t, Stream, decide(true), []estest.Case[*pb.RecordDepositRequest]{
		{Name: "money reaches the bank", When: c, Then: events{received}},
		{Name: "the bank's file and a person tell of one deposit", Given: events{received}, When: c},
		{Name: "all problems are said at once", When: changed(func(c *pb.RecordDepositRequest) {
			c.Amount, c.DepositDate = &typev1.Money{AmountMinor: -1, Currency: "EUR"}, "2026-02-30"
		}), Refused: "posting.money_positive posting.currency posting.day"},
		{Name: "nor in another century", When: changed(func(c *pb.RecordDepositRequest) { c.DepositDate = "1800-01-01" }), Refused: "posting.not_long_ago"},
		{Name: "nobody has been paid tomorrow", When: changed(func(c *pb.RecordDepositRequest) { c.DepositDate = "2026-03-21" }), Refused: "posting.not_in_the_future"},
		{Name: "a cent more than ten million is a slip of the keys", When: changed(func(c *pb.RecordDepositRequest) { c.Amount = money.Of(10_000_000_01) }), Refused: "posting.deposit_limit"},
		{Name: "what was taken back stays so: the same money is the next deposit", Given: events{received, reversed}, When: c, Refused: "posting.deposit_stands"},
	})
	estest.Run(t, Stream, decide(false), []estest.Case[*pb.RecordDepositRequest]{
		{Name: "a payer that is not known", When: c, Refused: "posting.payer_exists"},
	})
	estest.Run(t, Stream, fromBank, []estest.Case[*pb.RecordDepositRequest]{
		{Name: "the bank's own file is believed", When: changed(func(c *pb.RecordDepositRequest) { c.Today = "2026-03-19" }), Then: events{received}},
		{Name: "and told again changes nothing", Given: events{received, reversed}, When: c},
	})
	next := proto.CloneOf(received)
	next.DepositId = Next(received.DepositId)
	estest.Run(t, Stream, func(s State, c *pb.RecordDepositRequest) ([]es.Event, error) { return Receive(s, c, Next(ID(c)), true) }, []estest.Case[*pb.RecordDepositRequest]{
		{Name: "the next deposit has the same trace number, amount and day", When: c, Then: events{next}},
		{Name: "and is booked once too", Given: events{next}, When: c},
	})
	undo := &pb.ReverseDepositRequest{DepositId: ID(c), Reason: "typed twice", Today: "2026-03-21"}
	estest.Run(t, Stream, Reverse, []estest.Case[*pb.ReverseDepositRequest]{
		{Name: "a mistake is mirrored", Given: events{received}, When: undo, Then: events{reversed}},
		{Name: "once", Given: events{received, reversed}, When: undo, Refused: "posting.deposit_stands"},
		{Name: "what nobody recorded is not taken back", When: undo, Refused: "posting.deposit_exists"},
	})
}
