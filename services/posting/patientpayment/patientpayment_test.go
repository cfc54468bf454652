package patientpayment

import (
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/pkg/money"
)

func TestReceive(t *testing.T) {
	decide := func(known Known) func(State, *pb.RecordPatientPaymentRequest) ([]es.Event, error) {
		return func(s State, c *pb.RecordPatientPaymentRequest) ([]es.Event, error) {
			return Receive(s, c, "ppm_1", known)
		}
	}
	c := &pb.RecordPatientPaymentRequest{PatientId: "pat_1", Amount: money.Of(2000), Method: "card", ReceivedDate: "2026-03-02", Today: "2026-03-04"}
	today := proto.CloneOf(c)
	today.ReceivedDate = ""
	tomorrow := proto.CloneOf(c)
	tomorrow.ReceivedDate = "2026-03-05"
	never := proto.CloneOf(c)
	never.ReceivedDate = "2026-02-30"
	rich, slipped := proto.CloneOf(c), proto.CloneOf(c)
	rich.Amount, slipped.Amount = money.Of(1_000_000_00), money.Of(1_000_000_01)
	received := &pb.PatientPaymentReceived{
		PatientPaymentId: "ppm_1", PatientId: "pat_1", Amount: 2000, Method: "card", ReceivedDate: "2026-03-02",
		Legs: []*typev1.Leg{{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, Amount: 2000}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, Amount: -2000}},
	}
	onThatDay, much := proto.CloneOf(received), proto.CloneOf(received)
	onThatDay.ReceivedDate, much.Amount = "2026-03-04", 1_000_000_00
	much.Legs[0].Amount, much.Legs[1].Amount = 1_000_000_00, -1_000_000_00
	estest.Run(t, Stream, decide(Known{Patient: true}), []estest.Case[*pb.RecordPatientPaymentRequest]{
		{Name: "a copay is held until something is owed", When: c, Then: []es.Event{received}},
		{Name: "without a day it came today", When: today, Then: []es.Event{onThatDay}},
		{Name: "nobody has paid tomorrow", When: tomorrow, Refused: "posting.not_in_the_future"},
		{Name: "nor on a day that there is not", When: never, Refused: "posting.day"},
		{Name: "a million is the most", When: rich, Then: []es.Event{much}},
		{Name: "a cent more is a slip of the keys", When: slipped, Refused: "posting.payment_limit"},
		{Name: "a payment comes in once", Given: []es.Event{received}, When: c, Refused: "posting.payment_new"},
	})
	estest.Run(t, Stream, decide(Known{Account: true, AccountPatient: "pat_2"}), []estest.Case[*pb.RecordPatientPaymentRequest]{
		{
			Name: "all problems are said at once", When: &pb.RecordPatientPaymentRequest{PatientId: "pat_1", AccountId: "enc_1", Amount: &typev1.Money{}, Method: "barter", Today: "2026-03-04"},
			Refused: "posting.patient_exists posting.account_of_patient posting.money_positive posting.currency posting.payment_method",
		},
	})
}
