package patientpayment

import (
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/services/posting/account"
)

// OtherSystem is the method of what a patient paid before the move.
const OtherSystem = "other_system"

// Before is what a patient paid of a visit in the other billing system, in all.
type Before struct {
	PatientID, AccountID, ServiceDate string
	Amount                            int64
	Source                            *typev1.Source
}

// React takes in what imported visits tell of their patients' payments.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *codingv1.CodingCompleted:
		if e.Imported {
			return before(Before{e.PatientId, e.EncounterId, e.ServiceDate, e.PatientPaidAmount, e.Source}), nil
		}
	case *codingv1.VisitPayersTold:
		if e.PatientPaidAmount == 0 {
			return nil, nil
		}
		charge, charged := es.Find(look, account.ChargeMirror, e.EncounterId)
		if !charged {
			return nil, es.Wait(account.ChargeMirror, e.EncounterId)
		}
		return before(Before{charge.PatientId, e.EncounterId, charge.ServiceDate, e.PatientPaidAmount, e.Source}), nil
	}
	return nil, nil
}

func before(b Before) []es.Command {
	if b.Amount <= 0 {
		return nil
	}
	return []es.Command{es.Do(Stream, es.Derive("ppm", b.AccountID, OtherSystem), TakeOver, b)}
}

// TakeOver books what a patient paid before the move, once a visit: Dr conversion / Cr unapplied.patient, named for the visit. It is on no bank statement of ours. No file tells the
// day, which is the day of service here: patients pay then, or later.
func TakeOver(s State, b Before) ([]es.Event, error) {
	if s.Received != nil {
		return nil, nil
	}
	return []es.Event{&pb.PatientPaymentReceived{
		PatientPaymentId: es.Derive("ppm", b.AccountID, OtherSystem), PatientId: b.PatientID, AccountId: b.AccountID, Amount: b.Amount, Method: OtherSystem, ReceivedDate: b.ServiceDate,
		Source: b.Source,
		Legs: new(money.Entry).
			Debit(b.Amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CONVERSION, Source: b.Source}).
			Credit(b.Amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, Source: b.Source}).Legs(),
	}}, nil
}
