// Package settlement is the stream of one trace number: which remittances were advised under it, what the bank saw under it, and which belongs to which.
//
// Both sides come in any order; each is told once to this stream, which is therefore the one place that can say "this remittance came before, in other bytes" and "these two are
// the same money". A remittance and a deposit belong together when trace number and amount are the same and the payer identifiers do not contradict each other (TestSettle).
package settlement

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is both sides.
type State struct {
	Remittances []*pb.RemittanceAdvised
	Deposits    []*pb.DepositAdvised
	Matched     map[string]bool // remittances and deposits that have found each other
	Told        map[string]bool // remittances and deposits that somebody knows of: the other side differs, or did not come in time
}

// Stream is the settlement's stream.
var Stream = es.Stream[State]{Kind: "settlement", Evolve: Evolve}

// ID is the settlement of a trace number.
func ID(traceNumber string) string { return es.Derive("set", traceNumber) }

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if s.Matched == nil {
		s.Matched, s.Told = map[string]bool{}, map[string]bool{}
	}
	switch e := event.(type) {
	case *pb.RemittanceAdvised:
		s.Remittances = append(s.Remittances, e)
	case *pb.DepositAdvised:
		s.Deposits = append(s.Deposits, e)
	case *pb.RemittanceMatched:
		s.Matched[e.RemittanceId], s.Matched[e.DepositId] = true, true
	case *pb.DepositDiffered:
		s.Told[e.RemittanceId], s.Told[e.DepositId] = true, true
	case *pb.RemittanceUnfunded:
		s.Told[e.RemittanceId] = true
	case *pb.DepositUnmatched:
		s.Told[e.DepositId] = true
	}
	return s
}

// Advise notes a remittance, once. One that repeats an earlier one (same payer, amount and date) says so and is matched with nothing.
func Advise(s State, c *pb.RemittanceAdvised) ([]es.Event, error) {
	for _, r := range s.Remittances {
		if r.RemittanceId == c.RemittanceId {
			return nil, nil
		}
	}
	advised := &pb.RemittanceAdvised{
		SettlementId: c.SettlementId, RemittanceId: c.RemittanceId, PayerId: c.PayerId, PayerIdentifier: c.PayerIdentifier, TraceNumber: c.TraceNumber,
		Amount: c.Amount, EffectiveDate: c.EffectiveDate,
	}
	for _, r := range s.Remittances {
		if r.PayerIdentifier == c.PayerIdentifier && r.Amount == c.Amount && r.EffectiveDate == c.EffectiveDate && r.RepeatsRemittanceId == "" {
			advised.RepeatsRemittanceId = r.RemittanceId
		}
	}
	out := []es.Event{advised}
	if !funds(advised) {
		return out, nil
	}
	for _, d := range s.Deposits {
		if match(advised, d) && !s.Matched[d.DepositId] {
			return append(out, matched(advised, d)), nil
		}
	}
	for _, d := range s.Deposits {
		if differs(advised, d) && !s.Matched[d.DepositId] {
			out = append(out, differed(advised, d))
		}
	}
	return out, nil
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
		if match(r, c) && !s.Matched[r.RemittanceId] {
			return append(out, matched(r, c)), nil
		}
	}
	for _, r := range s.Remittances {
		if differs(r, c) && !s.Matched[r.RemittanceId] {
			out = append(out, differed(r, c))
		}
	}
	return out, nil
}

// funds says whether money comes to the bank for a remittance: not for one that repeats another, nor for one that pays nothing or carries what is taken back forward.
func funds(r *pb.RemittanceAdvised) bool { return r.RepeatsRemittanceId == "" && r.Amount > 0 }

func samePayer(r *pb.RemittanceAdvised, d *pb.DepositAdvised) bool {
	return r.RepeatsRemittanceId == "" && (d.PayerIdentifier == "" || r.PayerIdentifier == "" || d.PayerIdentifier == r.PayerIdentifier)
}

func match(r *pb.RemittanceAdvised, d *pb.DepositAdvised) bool {
	return samePayer(r, d) && r.Amount == d.Amount
}

func differs(r *pb.RemittanceAdvised, d *pb.DepositAdvised) bool {
	return samePayer(r, d) && r.Amount != d.Amount && funds(r)
}

func matched(r *pb.RemittanceAdvised, d *pb.DepositAdvised) es.Event {
	return &pb.RemittanceMatched{RemittanceId: r.RemittanceId, DepositId: d.DepositId, TraceNumber: r.TraceNumber, Amount: d.Amount}
}

func differed(r *pb.RemittanceAdvised, d *pb.DepositAdvised) es.Event {
	return &pb.DepositDiffered{
		RemittanceId: r.RemittanceId, DepositId: d.DepositId, TraceNumber: r.TraceNumber, RemittanceAmount: r.Amount, DepositAmount: d.Amount, PayerId: r.PayerId,
	}
}
