package settlement

import (
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
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
