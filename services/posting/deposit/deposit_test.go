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
	c := &pb.RecordDepositRequest{PayerId: "pay_1", PayerIdentifier: "1123", TraceNumber: "T1", Amount: money.Of(9400), DepositDate: "2026-03-20"}
	received := &pb.DepositReceived{
		DepositId: ID(c), PayerId: "pay_1", PayerIdentifier: "1123", TraceNumber: "T1", Amount: 9400, DepositDate: "2026-03-20",
		Legs: []*typev1.Leg{
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, Amount: 9400, PayerId: "pay_1"},
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, Amount: -9400, PayerId: "pay_1"},
		},
	}
	bad := proto.CloneOf(c)
	bad.Amount, bad.DepositDate = &typev1.Money{AmountMinor: -1, Currency: "EUR"}, "2026-02-30"
	type events = []es.Event
	estest.Run(t, Stream, Receive, []estest.Case[*pb.RecordDepositRequest]{
		{Name: "money reaches the bank", When: c, Then: events{received}},
		{Name: "the bank's file and a person tell of one deposit", Given: events{received}, When: c},
		{Name: "all problems are said at once", When: bad, Refused: "posting.money_positive posting.currency posting.day"},
	})
}
