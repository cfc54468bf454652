// Package deposit is the stream of one amount that the bank saw.
//
// Its id is derived from what identifies it (payer identifier, trace number, amount, date), so that the bank's file and a person who types it in make one deposit
// (TestADepositIsBookedOnce). Which remittance it pays is the settlement's to say.
package deposit

import (
	"fmt"

	payersimv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/payersim/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

var (
	// MoneyPositive: what came in is more than nothing. Source: our own choice; a takeback is another event.
	MoneyPositive = refuse.Rule{ID: "posting.money_positive", Version: 1, Owner: "posting"}
	// Currency: amounts are in US dollars. Source: one currency per tenant, docs/domain.md.
	Currency = refuse.Rule{ID: "posting.currency", Version: 1, Owner: "integrations"}
	// Day: a date is a day of the calendar. Source: arithmetic.
	Day = refuse.Rule{ID: "posting.day", Version: 1, Owner: "integrations"}
)

// State is the deposit.
type State struct{ Received *pb.DepositReceived }

// Stream is the deposit's stream.
var Stream = es.Stream[State]{Kind: "deposit", Evolve: func(s State, event es.Event) State {
	if e, ok := event.(*pb.DepositReceived); ok {
		s.Received = e
	}
	return s
}}

// ID is derived from what identifies a deposit.
func ID(c *pb.RecordDepositRequest) string {
	return es.Derive("dep", c.PayerIdentifier, c.TraceNumber, fmt.Sprint(c.Amount.GetAmountMinor()), c.DepositDate)
}

// Receive books what the bank saw, once: Dr bank / Cr cash.clearing.
func Receive(s State, c *pb.RecordDepositRequest) ([]es.Event, error) {
	if s.Received != nil {
		return nil, nil
	}
	var no refuse.List
	no.If(c.Amount.GetAmountMinor() <= 0, MoneyPositive, "amount", "%d cents: a deposit is more than 0", c.Amount.GetAmountMinor())
	no.If(c.Amount.GetCurrency() != money.USD, Currency, "amount.currency", "%q: send USD", c.Amount.GetCurrency())
	no.If(!date.Valid(c.DepositDate), Day, "deposit_date", "%q is not a day", c.DepositDate)
	amount := c.Amount.GetAmountMinor()
	return no.Or(&pb.DepositReceived{
		DepositId: ID(c), PayerId: c.PayerId, PayerIdentifier: c.PayerIdentifier, TraceNumber: c.TraceNumber, Amount: amount, DepositDate: c.DepositDate,
		Legs: new(money.Entry).
			Debit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, PayerId: c.PayerId}).
			Credit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, PayerId: c.PayerId}).Legs(),
	})
}

// React books what the simulated payer's bank sent.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*payersimv1.DepositMade)
	if !ok || e.Amount <= 0 { // a payment of 0 reaches no bank
		return nil, nil
	}
	payerID, known := es.Find(look, PayerMirror, e.EdiPayerId)
	if !known {
		return nil, es.Wait(PayerMirror, e.EdiPayerId)
	}
	day := e.EffectiveDate
	if !date.Valid(day) {
		day = r.OccurredOn
	}
	c := &pb.RecordDepositRequest{PayerId: payerID, PayerIdentifier: e.PayerIdentifier, TraceNumber: e.TraceNumber, Amount: money.Of(e.Amount), DepositDate: day}
	return []es.Command{es.Do(Stream, ID(c), Receive, c)}, nil
}

// PayerMirror has our id of each payer, by the id it has in EDI files.
var PayerMirror = es.Mirror[string]{
	Name: "posting.payer_by_edi_id",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.PayerRegistered); ok {
			return []string{e.EdiPayerId}
		}
		return nil
	},
	Evolve: func(_ string, event es.Event) string { return event.(*registryv1.PayerRegistered).PayerId },
}
