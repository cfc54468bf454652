package patientpayment

import (
	"testing"

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
	c := &pb.RecordPatientPaymentRequest{PatientId: "pat_1", Amount: money.Of(2000), Method: "card", ReceivedDate: "2026-03-02"}
	received := &pb.PatientPaymentReceived{
		PatientPaymentId: "ppm_1", PatientId: "pat_1", Amount: 2000, Method: "card", ReceivedDate: "2026-03-02",
		Legs: []*typev1.Leg{{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, Amount: 2000}, {Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, Amount: -2000}},
	}
	estest.Run(t, Stream, decide(Known{Patient: true}), []estest.Case[*pb.RecordPatientPaymentRequest]{
		{Name: "a copay is held until something is owed", When: c, Then: []es.Event{received}},
		{Name: "a payment comes in once", Given: []es.Event{received}, When: c, Refused: "posting.payment_new"},
	})
	estest.Run(t, Stream, decide(Known{Account: true, AccountPatient: "pat_2"}), []estest.Case[*pb.RecordPatientPaymentRequest]{
		{
			Name: "all problems are said at once", When: &pb.RecordPatientPaymentRequest{PatientId: "pat_1", AccountId: "enc_1", Amount: &typev1.Money{}, Method: "barter"},
			Refused: "posting.patient_exists posting.account_of_patient posting.money_positive posting.currency posting.payment_method",
		},
	})
}
