// Package settlement is the stream of one trace number: which remittances were advised under it, what the bank saw under it, and which belongs to which.
//
// Both sides come in any order; each is told once to this stream, which is therefore the one place that can say "this remittance came before, in other bytes" and "these two are
// the same money". A remittance and a deposit belong together when trace number and amount are the same and the payer identifiers do not contradict each other (TestSettle). A
// remittance that is not booked is neither: it takes no deposit and nothing repeats it, so the mended file finds the money (TestAMendedFileIsBookedInAnyOrder).
package settlement

import (
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// State is both sides.
type State struct {
	Remittances []*pb.RemittanceAdvised
	Deposits    []*pb.DepositAdvised
	Matched     map[string]*pb.RemittanceMatched // remittances and deposits that have found each other
	Told        map[string]bool                  // remittances and deposits that somebody knows of: the other side differs, or did not come in time
	Differed    []Pair                           // of which somebody knows, and neither has found its own
	Withdrawn   map[string]bool                  // deposits that were recorded by mistake
}

// Pair is a remittance and a deposit of its trace number.
type Pair struct{ RemittanceID, DepositID string }

// Stream is the settlement's stream.
var Stream = es.Stream[State]{Kind: "settlement", Evolve: Evolve}

// ID is the settlement of a trace number.
func ID(traceNumber string) string { return es.Derive("set", traceNumber) }

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if s.Matched == nil {
		s.Matched, s.Told, s.Withdrawn = map[string]*pb.RemittanceMatched{}, map[string]bool{}, map[string]bool{}
	}
	switch e := event.(type) {
	case *pb.RemittanceAdvised:
		s.Remittances = append(s.Remittances, e)
	case *pb.DepositAdvised:
		s.Deposits = append(s.Deposits, e)
	case *pb.RemittanceMatched:
		s.Matched[e.RemittanceId], s.Matched[e.DepositId] = e, e
		for _, id := range e.DifferingRemittanceIds {
			delete(s.Told, id)
		}
		s.Differed = slices.DeleteFunc(s.Differed, func(p Pair) bool { return p.DepositID == e.DepositId })
	case *pb.DepositDiffered:
		s.Told[e.RemittanceId], s.Told[e.DepositId] = true, true
		s.Differed = append(s.Differed, Pair{e.RemittanceId, e.DepositId})
	case *pb.DepositLeftOver:
		s.Differed = slices.DeleteFunc(s.Differed, func(p Pair) bool { return p == Pair{e.RemittanceId, e.DepositId} })
	case *pb.DepositWithdrawn:
		s.Withdrawn[e.DepositId] = true
		delete(s.Matched, e.DepositId)
		for _, id := range slices.Concat(e.DifferingRemittanceIds, []string{e.RemittanceId}) { // they wait anew
			delete(s.Matched, id)
			delete(s.Told, id)
		}
		s.Differed = slices.DeleteFunc(s.Differed, func(p Pair) bool { return p.DepositID == e.DepositId })
	case *pb.RemittanceUnfunded:
		s.Told[e.RemittanceId] = true
	case *pb.DepositUnmatched:
		s.Told[e.DepositId] = true
	}
	return s
}

// OnePaymentATrace: the trace number of a payer (TRN03 and TRN02) names one payment for a year; check numbers may come round again after that, and a remittance that pays nothing
// names no money. Source: 45 CFR 162.1602 with CAQH CORE 370, by which the trace number re-associates one transfer with one remittance; the year is our own choice. Checked 2026-11-24.
var OnePaymentATrace = refuse.Rule{ID: "posting.one_payment_a_trace", Version: 1, Owner: "posting"}

const traceDays = 365 // of OnePaymentATrace

// onePayment says whether two remittances of a payer and trace number must be the same payment.
func onePayment(a, b *pb.RemittanceAdvised) bool {
	first, last := min(a.EffectiveDate, b.EffectiveDate), max(a.EffectiveDate, b.EffectiveDate)
	return (a.Amount != 0 || b.Amount != 0) && (!date.Valid(first) || !date.Valid(last) || last < date.Add(first, traceDays))
}

// Advise notes a remittance, once. Beside an earlier one of the same payer that was booked it repeats it (same amount and date) or contradicts it (OnePaymentATrace) and is matched
// with nothing; nor is one that is out of balance.
func Advise(s State, c *pb.RemittanceAdvised) ([]es.Event, error) {
	for _, r := range s.Remittances {
		if r.RemittanceId == c.RemittanceId {
			return nil, nil
		}
	}
	advised := &pb.RemittanceAdvised{
		SettlementId: c.SettlementId, RemittanceId: c.RemittanceId, PayerId: c.PayerId, PayerIdentifier: c.PayerIdentifier, TraceNumber: c.TraceNumber,
		Amount: c.Amount, EffectiveDate: c.EffectiveDate, OutOfBalance: c.OutOfBalance,
	}
	for _, r := range s.Remittances {
		if r.PayerIdentifier != c.PayerIdentifier || !booked(r) {
			continue
		}
		switch same := r.Amount == c.Amount && r.EffectiveDate == c.EffectiveDate; {
		case same && c.OutOfBalance:
			advised.MendedByRemittanceId = r.RemittanceId
		case same:
			advised.RepeatsRemittanceId = r.RemittanceId
		case onePayment(r, c):
			advised.ContradictsRemittanceId = r.RemittanceId
		}
	}
	if advised.RepeatsRemittanceId != "" || advised.MendedByRemittanceId != "" { // which is the better answer
		advised.ContradictsRemittanceId = ""
	}
	if booked(advised) {
		for _, r := range s.Remittances {
			if r.PayerIdentifier == c.PayerIdentifier && r.OutOfBalance && r.MendedByRemittanceId == "" && !mended(s, r.RemittanceId) {
				advised.MendsRemittanceIds = append(advised.MendsRemittanceIds, r.RemittanceId)
			}
		}
	}
	return append([]es.Event{advised}, settle(s, advised)...), nil
}

func mended(s State, remittanceID string) bool {
	return slices.ContainsFunc(s.Remittances, func(r *pb.RemittanceAdvised) bool { return slices.Contains(r.MendsRemittanceIds, remittanceID) })
}

// settle finds the deposit of a remittance that has none, or says which differ from it.
func settle(s State, r *pb.RemittanceAdvised) []es.Event {
	if !funds(r) {
		return nil
	}
	for _, d := range s.Deposits {
		if match(r, d) && waits(s, d) {
			return pair(s, r, d)
		}
	}
	var out []es.Event
	for _, d := range s.Deposits {
		if differs(r, d) && waits(s, d) {
			out = append(out, differed(r, d))
		}
	}
	return out
}

// waits says whether a deposit has not found its remittance.
func waits(s State, d *pb.DepositAdvised) bool {
	return s.Matched[d.DepositId] == nil && !s.Withdrawn[d.DepositId]
}

// Deposit notes what the bank saw, once.
func Deposit(s State, c *pb.DepositAdvised) ([]es.Event, error) {
	for _, d := range s.Deposits {
		if d.DepositId == c.DepositId {
			return nil, nil
		}
	}
	out := []es.Event{c}
	for _, r := range s.Remittances {
		if match(r, c) && s.Matched[r.RemittanceId] == nil {
			return append(out, pair(s, r, c)...), nil
		}
	}
	for _, r := range s.Remittances {
		if differs(r, c) && s.Matched[r.RemittanceId] == nil {
			out = append(out, differed(r, c))
		}
	}
	return out, nil
}

// Withdraw takes a deposit off that was reversed, once. The remittance that it paid waits for its money again, or finds it in another deposit.
func Withdraw(s State, c *pb.DepositWithdrawn) ([]es.Event, error) {
	if s.Withdrawn[c.DepositId] {
		return nil, nil
	}
	withdrawn := &pb.DepositWithdrawn{SettlementId: c.SettlementId, DepositId: c.DepositId}
	for _, p := range s.Differed {
		if p.DepositID == c.DepositId {
			withdrawn.DifferingRemittanceIds = append(withdrawn.DifferingRemittanceIds, p.RemittanceID)
		}
	}
	out := []es.Event{withdrawn}
	m := s.Matched[c.DepositId]
	if m == nil {
		return out, nil
	}
	withdrawn.RemittanceId, withdrawn.Legs = m.RemittanceId, money.Mirror(m.Legs)
	for _, r := range s.Remittances {
		if r.RemittanceId == m.RemittanceId {
			out = append(out, settle(s, r)...) // the deposit itself still counts as matched here
		}
	}
	return out, nil
}

// booked says whether a remittance's claims are posted.
func booked(r *pb.RemittanceAdvised) bool {
	return r.RepeatsRemittanceId == "" && r.ContradictsRemittanceId == "" && !r.OutOfBalance
}

// funds says whether money comes to the bank for a remittance: not for one that is not booked, nor for one that pays nothing or carries what is taken back forward.
func funds(r *pb.RemittanceAdvised) bool { return booked(r) && r.Amount > 0 }

func samePayer(r *pb.RemittanceAdvised, d *pb.DepositAdvised) bool {
	return booked(r) && (d.PayerIdentifier == "" || r.PayerIdentifier == "" || taxID(d.PayerIdentifier) == taxID(r.PayerIdentifier))
}

// taxID is who pays by its tax id of nine digits: banks show it bare, remittances and addenda behind a 1. Others are what they say. Source: TRN03 of the 835, docs/x12.md. Checked 2026-11-24.
func taxID(identifier string) string {
	bare, found := strings.CutPrefix(strings.ReplaceAll(identifier, "-", ""), "1")
	if found && len(bare) == 9 && strings.Trim(bare, "0123456789") == "" {
		return bare
	}
	return strings.ReplaceAll(identifier, "-", "")
}

func match(r *pb.RemittanceAdvised, d *pb.DepositAdvised) bool {
	return samePayer(r, d) && r.Amount == d.Amount
}

func differs(r *pb.RemittanceAdvised, d *pb.DepositAdvised) bool {
	return samePayer(r, d) && r.Amount != d.Amount && funds(r)
}

// pair matches the two. Where the bank named no payer, or another, its money is carried over to the remittance's: cash.clearing of each payer comes to 0. A deposit that was said
// to differ from the remittance is on its own now, and so is a remittance of another payer from which the deposit was said to differ.
func pair(s State, r *pb.RemittanceAdvised, d *pb.DepositAdvised) []es.Event {
	matched := &pb.RemittanceMatched{RemittanceId: r.RemittanceId, DepositId: d.DepositId, TraceNumber: r.TraceNumber, Amount: d.Amount, PayerId: r.PayerId}
	if d.PayerId != r.PayerId {
		matched.Legs = new(money.Entry).
			Debit(d.Amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, PayerId: d.PayerId}).
			Credit(d.Amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, PayerId: r.PayerId}).Legs()
	}
	for _, p := range s.Differed {
		if p.DepositID == d.DepositId && p.RemittanceID != r.RemittanceId {
			matched.DifferingRemittanceIds = append(matched.DifferingRemittanceIds, p.RemittanceID)
		}
	}
	out := []es.Event{matched}
	for _, other := range s.Deposits {
		if other.DepositId != d.DepositId && slices.Contains(s.Differed, Pair{r.RemittanceId, other.DepositId}) && waits(s, other) {
			out = append(out, &pb.DepositLeftOver{
				SettlementId: r.SettlementId, DepositId: other.DepositId, RemittanceId: r.RemittanceId, PayerId: other.PayerId, TraceNumber: other.TraceNumber,
				Amount: other.Amount, DepositDate: other.DepositDate,
			})
		}
	}
	return out
}

func differed(r *pb.RemittanceAdvised, d *pb.DepositAdvised) es.Event {
	return &pb.DepositDiffered{
		RemittanceId: r.RemittanceId, DepositId: d.DepositId, TraceNumber: r.TraceNumber, RemittanceAmount: r.Amount, DepositAmount: d.Amount, PayerId: r.PayerId,
	}
}
