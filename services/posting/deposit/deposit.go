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
	// NotInTheFuture: money that moved has moved by today. Today is UTC's day, which no day in the United States is ahead of. Source: arithmetic.
	NotInTheFuture = refuse.Rule{ID: "posting.not_in_the_future", Version: 1, Owner: "posting"}
	// NotLongAgo: money that moved more than ten years ago is in nobody's books any more. Source: our own choice, 2026-11-24; the longest retention that is asked for is ten years.
	NotLongAgo = refuse.Rule{ID: "posting.not_long_ago", Version: 1, Owner: "posting"}
	// PayerExists: a payer that is named is one of this tenant's. Source: our own choice; money of a payer that is not known names none.
	PayerExists = refuse.Rule{ID: "posting.payer_exists", Version: 1, Owner: "registry", NotFound: true}
	// Limit: no payer sends a group more than ten million dollars at once; who seems to has slipped on the keys. Source: our own choice, 2026-11-24.
	Limit = refuse.Rule{ID: "posting.deposit_limit", Version: 1, Owner: "posting"}
	// Exists: what is taken back was recorded. Source: arithmetic.
	Exists = refuse.Rule{ID: "posting.deposit_exists", Version: 1, Owner: "posting", NotFound: true}
	// Stands: a deposit is taken back once; the same money after that is the next deposit (Next). Source: our own choice.
	Stands = refuse.Rule{ID: "posting.deposit_stands", Version: 1, Owner: "posting"}
)

const (
	limit   = 10_000_000_00 // cents, of Limit
	longAgo = 3652          // days, of NotLongAgo
)

// State is the deposit.
type State struct {
	Received *pb.DepositReceived
	Reversed *pb.DepositReversed
}

// Stream is the deposit's stream.
var Stream = es.Stream[State]{Kind: "deposit", Evolve: func(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.DepositReceived:
		s.Received = e
	case *pb.DepositReversed:
		s.Reversed = e
	}
	return s
}}

// ID is derived from what identifies a deposit.
func ID(c *pb.RecordDepositRequest) string {
	return es.Derive("dep", c.PayerIdentifier, c.TraceNumber, fmt.Sprint(c.Amount.GetAmountMinor()), c.DepositDate)
}

// Next is the deposit that the same money makes when the one of this id was taken back: a slip that is mended, or a reversal that was the slip.
func Next(id string) string { return es.Derive("dep", "after", id) }

// Receive books what the bank saw as the deposit of an id, once: Dr bank / Cr cash.clearing. payer says whether the payer that it names is known.
func Receive(s State, c *pb.RecordDepositRequest, id string, payer bool) ([]es.Event, error) {
	amount := c.Amount.GetAmountMinor()
	var no refuse.List
	if s.Received != nil {
		no.If(s.Reversed != nil, Stands, "", "deposit %s was taken back on %s: %s", s.Received.DepositId, s.Reversed.GetReversedDate(), s.Reversed.GetReason())
		return nil, no.Err()
	}
	no.If(c.PayerId != "" && !payer, PayerExists, "payer_id", "there is no payer %s: register it first, or leave it out", c.PayerId)
	no.If(amount <= 0, MoneyPositive, "amount", "%d cents: a deposit is more than 0", amount)
	no.If(amount > limit, Limit, "amount", "%s: a deposit is at most %s; send what the bank shows, in cents", money.Format(amount), money.Format(limit))
	no.If(c.Amount.GetCurrency() != money.USD, Currency, "amount.currency", "%q: send USD", c.Amount.GetCurrency())
	OnDay(&no, "deposit_date", c.DepositDate, c.Today)
	return no.Or(received(c, id))
}

// fromBank books what the bank's own file says, once: what somebody took back it does not bring again. Nobody is there to hear a no, and nobody has slipped on the keys.
func fromBank(s State, c *pb.RecordDepositRequest) ([]es.Event, error) {
	if s.Received != nil {
		return nil, nil
	}
	return []es.Event{received(c, ID(c))}, nil
}

func received(c *pb.RecordDepositRequest, id string) *pb.DepositReceived {
	amount := c.Amount.GetAmountMinor()
	return &pb.DepositReceived{
		DepositId: id, PayerId: c.PayerId, PayerIdentifier: c.PayerIdentifier, TraceNumber: c.TraceNumber, Amount: amount, DepositDate: c.DepositDate,
		Legs: new(money.Entry).
			Debit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, PayerId: c.PayerId}).
			Credit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, PayerId: c.PayerId}).Legs(),
	}
}

// Reverse takes a deposit back, once: the mirror of its entry. Its settlement then takes it from the remittance that it paid.
func Reverse(s State, c *pb.ReverseDepositRequest) ([]es.Event, error) {
	var no refuse.List
	no.If(s.Received == nil, Exists, "deposit_id", "there is no deposit %s", c.DepositId)
	no.If(s.Reversed != nil, Stands, "deposit_id", "deposit %s was taken back on %s: %s", c.DepositId, s.Reversed.GetReversedDate(), s.Reversed.GetReason())
	return no.Or(&pb.DepositReversed{
		DepositId: c.DepositId, PayerId: s.Received.GetPayerId(), TraceNumber: s.Received.GetTraceNumber(), Amount: s.Received.GetAmount(), Reason: c.Reason, ReversedDate: c.Today,
		Legs: money.Mirror(s.Received.GetLegs()),
	})
}

// OnDay adds what is wrong with the day on which money moved.
func OnDay(no *refuse.List, field, day, today string) {
	no.If(!date.Valid(day), Day, field, "%q is not a day", day)
	no.If(date.Valid(day) && day > today, NotInTheFuture, field, "%s is after today, %s", day, today)
	no.If(date.Valid(day) && date.Valid(today) && day < date.Add(today, -longAgo), NotLongAgo, field, "%s is more than ten years before today, %s: a digit has slipped", day, today)
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
	return []es.Command{es.Do(Stream, ID(c), fromBank, c)}, nil
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

// KnownMirror knows which payers there are, by payer_id.
var KnownMirror = es.Mirror[bool]{
	Name: "posting.payer",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.PayerRegistered); ok {
			return []string{e.PayerId}
		}
		return nil
	},
	Evolve: func(bool, es.Event) bool { return true },
}
