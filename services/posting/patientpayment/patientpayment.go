// Package patientpayment is the stream of one payment of a patient: money that came in. What it pays is decided on the patient's ledger and taken by accounts.
package patientpayment

import (
	"cmp"
	"slices"

	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/posting/account"
	"github.com/evenkeel/evenkeel/services/posting/deposit"
)

var (
	// New: a payment comes in once. Source: our own choice; another payment is another request.
	New = refuse.Rule{ID: "posting.payment_new", Version: 1, Owner: "posting"}
	// PatientExists: the patient is one of this tenant's. Source: our own choice.
	PatientExists = refuse.Rule{ID: "posting.patient_exists", Version: 1, Owner: "intake", NotFound: true}
	// AccountOfPatient: money of one patient never pays another's account. Source: docs/domain.md, "Credit balance": no netting across patients.
	AccountOfPatient = refuse.Rule{ID: "posting.account_of_patient", Version: 1, Owner: "posting"}
	// Method: how it was paid is one we know. Source: our own choice.
	Method = refuse.Rule{ID: "posting.payment_method", Version: 1, Owner: "posting"}
	// Limit: nobody pays more than a million dollars for care at once; who seems to has slipped on the keys. Source: our own choice, 2026-11-24.
	Limit = refuse.Rule{ID: "posting.payment_limit", Version: 1, Owner: "posting"}
)

// Methods are the ways in which patients pay and are paid back.
var Methods = []string{"card", "cash", "check"}

const limit = 1_000_000_00 // cents, of Limit

// State is the payment.
type State struct{ Received *pb.PatientPaymentReceived }

// Stream is the payment's stream.
var Stream = es.Stream[State]{Kind: "patient_payment", Evolve: func(s State, event es.Event) State {
	if e, ok := event.(*pb.PatientPaymentReceived); ok {
		s.Received = e
	}
	return s
}}

// Known is what the decision is told of the patient and of the account it names.
type Known struct {
	Patient        bool
	Account        bool
	AccountPatient string
}

// Receive books a patient's money: Dr bank / Cr unapplied.patient.
func Receive(s State, c *pb.RecordPatientPaymentRequest, id string, known Known) ([]es.Event, error) {
	amount := c.Amount.GetAmountMinor()
	day := cmp.Or(c.ReceivedDate, c.Today)
	var no refuse.List
	no.If(s.Received != nil, New, "", "payment %s was recorded already", id)
	no.If(!known.Patient, PatientExists, "patient_id", "there is no patient %s: register the patient first", c.PatientId)
	no.If(c.AccountId != "" && !known.Account, account.Exists, "account_id", "there is no account %s: a visit has one once it is coded; leave it out, and the money goes to what is owed", c.AccountId)
	no.If(known.Account && known.AccountPatient != c.PatientId, AccountOfPatient, "account_id", "account %s is another patient's", c.AccountId)
	no.If(amount <= 0, deposit.MoneyPositive, "amount", "%d cents: a payment is more than 0", amount)
	no.If(amount > limit, Limit, "amount", "%s: a patient pays at most %s at once; send what was paid, in cents", money.Format(amount), money.Format(limit))
	no.If(c.Amount.GetCurrency() != money.USD, deposit.Currency, "amount.currency", "%q: send USD", c.Amount.GetCurrency())
	no.If(!slices.Contains(Methods, c.Method), Method, "method", "%q is none of card, cash, check", c.Method)
	deposit.OnDay(&no, "received_date", day, c.Today)
	return no.Or(&pb.PatientPaymentReceived{
		PatientPaymentId: id, PatientId: c.PatientId, Amount: amount, Method: c.Method, Reference: c.Reference, ReceivedDate: day, AccountId: c.AccountId,
		Legs: new(money.Entry).
			Debit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK}).
			Credit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT}).Legs(),
	})
}

// PatientMirror knows which patients there are, by patient_id.
var PatientMirror = es.Mirror[bool]{
	Name: "posting.patient",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*intakev1.PatientRegistered); ok {
			return []string{e.PatientId}
		}
		return nil
	},
	Evolve: func(bool, es.Event) bool { return true },
}
