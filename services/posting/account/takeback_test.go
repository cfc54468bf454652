package account

import (
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

// What a bounced check has paid is owed again, on the lines that the patient owed before, and other money stays.
func TestTakeBack(t *testing.T) {
	leg := func(account typev1.LedgerAccount, line string, amount int64) *typev1.Leg {
		return &typev1.Leg{Account: account, LineId: line, Amount: amount}
	}
	const (
		owed, held, revenue = typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS
	)
	charge := &pb.ChargePosted{
		AccountId: "enc_1", PatientId: "pat_1", ServiceDate: "2026-03-02", ChargeAmount: 30,
		Legs: []*typev1.Leg{leg(owed, "L1", 10), leg(revenue, "L1", -10), leg(owed, "L2", 20), leg(revenue, "L2", -20)},
	}
	moved := func(payment string, amount int64, legs ...*typev1.Leg) *pb.PatientPaymentAllocated {
		return &pb.PatientPaymentAllocated{AccountId: "enc_1", PatientPaymentId: payment, PatientId: "pat_1", Amount: amount, ServiceDate: "2026-03-02", Legs: legs}
	}
	first := moved("p1", 15, leg(owed, "L1", -10), leg(owed, "L2", -5), leg(held, "", 15))
	second := moved("p2", 15, leg(owed, "L2", -15), leg(held, "", 15))
	settled := &pb.AccountSettled{AccountId: "enc_1", PatientId: "pat_1"}
	bounced := Bounced{AccountID: "enc_1", Payment: &pb.PatientPaymentReversed{PatientPaymentId: "p1", PatientId: "pat_1"}}
	back := moved("p1", -15, leg(owed, "L1", 10), leg(owed, "L2", 5), leg(held, "", -15))
	type events = []es.Event
	estest.Run(t, Stream, TakeBack, []estest.Case[Bounced]{
		{Name: "a settled visit is owed again", Given: events{charge, first, second, settled}, When: bounced, Then: events{back}},
		{Name: "once", Given: events{charge, first, back}, When: bounced},
		{Name: "an account that has none of it gives nothing back", Given: events{charge, second}, When: bounced},
	})
}
