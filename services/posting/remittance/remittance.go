// Package remittance is the stream of one 835 payment: taken in whole, or quarantined whole.
//
// A remittance whose equations do not hold to the cent is quarantined with the residual of each; nothing of it is booked and no line ever plugs the hole
// (TestOneCentOffIsQuarantined). Of a balanced one, the claims that are ours go to their accounts; money for others is held in unapplied.insurance; adjustments of the
// provider as a whole go to the accounts of plb.go. All of its legs on cash.clearing sum to its payment (TestTheCashOfARemittanceIsItsPayment).
package remittance

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// State is what became of it.
type State struct {
	Received    *pb.RemittanceReceived
	Quarantined *pb.RemittanceQuarantined
	Balanced    bool
	Mended      bool                            // quarantined, and one that balances came
	Held        map[int32]*pb.UnappliedRecorded // by the claim's ordinal
	Assigned    map[int32]*pb.UnappliedAssigned
}

// Stream is the remittance's stream.
var Stream = es.Stream[State]{Kind: "remittance", Evolve: Evolve}

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	if s.Held == nil {
		s.Held, s.Assigned = map[int32]*pb.UnappliedRecorded{}, map[int32]*pb.UnappliedAssigned{}
	}
	switch e := event.(type) {
	case *pb.UnappliedRecorded:
		s.Held[e.ClaimOrdinal] = e
	case *pb.UnappliedAssigned:
		s.Assigned[e.ClaimOrdinal] = e
	case *pb.RemittanceReceived:
		s.Received = e
	case *pb.RemittanceQuarantined:
		s.Quarantined = e
	case *pb.RemittanceBalanced:
		s.Balanced = true
	case *pb.RemittanceMended:
		s.Mended = true
	}
	return s
}

// Advised is a remittance as it was read, and what its settlement says of it beside others; remittance ids, empty: none.
type Advised struct {
	Read        *exchangev1.RemittanceRead
	Repeats     string // an earlier one of the same payer, trace number, amount and date
	Contradicts string // an earlier one of the same payer and trace number with another amount or date, which must be the same payment
	MendedBy    string // an earlier one of the same payer, trace number, amount and date, where this one is out of balance
}

// Mend is one that balances and takes the place of an earlier one.
type Mend struct{ RemittanceID, MendedBy string }

// Mended notes, once, that nothing is to be asked about a quarantined remittance any more.
func Mended(s State, c Mend) ([]es.Event, error) {
	if s.Quarantined == nil || s.Mended {
		return nil, nil
	}
	return []es.Event{&pb.RemittanceMended{RemittanceId: c.RemittanceID, MendedByRemittanceId: c.MendedBy}}, nil
}

// OutOfBalance says whether a remittance is quarantined whatever came before it.
func OutOfBalance(r *exchangev1.RemittanceRead) bool { return r.PaymentAmount < 0 || len(Check(r)) > 0 }

// Receive takes a remittance in, once.
func Receive(s State, c Advised) ([]es.Event, error) {
	r := c.Read
	if s.Received != nil {
		return nil, nil
	}
	out := []es.Event{&pb.RemittanceReceived{
		RemittanceId: r.RemittanceId, InterchangeId: r.InterchangeId, PayerId: r.PayerId, PayerName: r.PayerName, PayerIdentifier: r.PayerIdentifier,
		TraceNumber: r.TraceNumber, PaymentAmount: r.PaymentAmount, EffectiveDate: r.EffectiveDate, Claims: int32(len(r.Claims)), Source: r.Source,
	}}
	residuals := Check(r)
	var reasons []string
	if c.Repeats != "" {
		reasons = append(reasons, fmt.Sprintf("remittance %s had the same payer, trace number, amount and date in other bytes: find out which of the two is right", c.Repeats))
	}
	if c.Contradicts != "" {
		reasons = append(reasons, fmt.Sprintf("remittance %s had the same payer and trace number, with another amount or date: a trace number names one payment (posting.one_payment_a_trace), ask the payer which of the two is right", c.Contradicts))
	}
	if r.PaymentAmount < 0 {
		reasons = append(reasons, fmt.Sprintf("its payment is %s: a remittance never pays less than nothing, the payer must carry the rest forward", money.Format(r.PaymentAmount)))
	}
	if len(residuals) > 0 || len(reasons) > 0 {
		out = append(out, &pb.RemittanceQuarantined{
			RemittanceId: r.RemittanceId, PayerId: r.PayerId, PaymentAmount: r.PaymentAmount, Residuals: residuals, Reasons: reasons,
		})
		if c.MendedBy != "" {
			out = append(out, &pb.RemittanceMended{RemittanceId: r.RemittanceId, MendedByRemittanceId: c.MendedBy})
		}
		return out, nil
	}
	balanced := &pb.RemittanceBalanced{
		RemittanceId: r.RemittanceId, PayerId: r.PayerId, TraceNumber: r.TraceNumber, PaymentAmount: r.PaymentAmount, EffectiveDate: day(r),
	}
	out = append(out, balanced)
	for _, claim := range r.Claims {
		if claim.ClaimId != "" {
			balanced.Claims = append(balanced.Claims, claim)
			continue
		}
		out = append(out, &pb.UnappliedRecorded{
			RemittanceId: r.RemittanceId, PayerId: r.PayerId, ClaimOrdinal: claim.Ordinal, PatientControlNumber: claim.PatientControlNumber, Amount: claim.PaidAmount,
			Reason: "no claim of ours has this number", Source: claim.Source,
			Legs: new(money.Entry).Debit(claim.PaidAmount, cash(r)).
				Credit(claim.PaidAmount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE, PayerId: r.PayerId}).Legs(),
		})
	}
	for i, p := range r.ProviderAdjustments {
		out = append(out, &pb.ProviderAdjustmentRecorded{
			RemittanceId: r.RemittanceId, PayerId: r.PayerId, ReasonCode: p.ReasonCode, Reference: p.Reference, Amount: p.Amount, Source: p.Source,
			Ordinal: int32(i + 1), Reason: providerReasons[p.ReasonCode],
			Legs: new(money.Entry).Debit(p.Amount, &typev1.Leg{Account: providerAccount(p.ReasonCode), PayerId: r.PayerId}).Credit(p.Amount, cash(r)).Legs(),
		})
	}
	return out, nil
}

func cash(r *exchangev1.RemittanceRead) *typev1.Leg {
	return &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, PayerId: r.PayerId}
}

// day is the payment's date; files without a readable one say at least when they were made.
func day(r *exchangev1.RemittanceRead) string {
	if r.EffectiveDate != "" {
		return r.EffectiveDate
	}
	return r.ProductionDate
}

// Check is the residual of each equation that does not hold: of our own reckoning, and what the reader of the file found beyond it.
//
//	line         charge − adjustments = paid
//	claim        charge − adjustments of claim and lines = paid
//	claim_lines  where there are lines: their charges sum to the claim's, their payments − adjustments of the claim to the claim's payment
//	set          payment = Σ claims paid − Σ provider adjustments
func Check(r *exchangev1.RemittanceRead) []*exchangev1.Residual {
	var out []*exchangev1.Residual
	off := func(equation, subject string, residual int64, source *typev1.Source) {
		if residual != 0 {
			out = append(out, &exchangev1.Residual{Equation: equation, Subject: subject, ResidualAmount: residual, Source: source})
		}
	}
	set := -r.PaymentAmount
	for i, c := range r.Claims {
		subject := fmt.Sprintf("claim %d", i+1)
		set += c.PaidAmount
		atClaim, atLines, charged, paid := total(c.Adjustments), int64(0), int64(0), int64(0)
		for j, l := range c.Lines {
			adjusted := total(l.Adjustments)
			atLines, charged, paid = atLines+adjusted, charged+l.ChargeAmount, paid+l.PaidAmount
			off("line", fmt.Sprintf("%s line %d", subject, j+1), l.ChargeAmount-adjusted-l.PaidAmount, l.Source)
		}
		off("claim", subject, c.ChargeAmount-atClaim-atLines-c.PaidAmount, c.Source)
		if len(c.Lines) > 0 {
			off("claim_lines", subject+" charge", charged-c.ChargeAmount, c.Source)
			off("claim_lines", subject, paid-atClaim-c.PaidAmount, c.Source)
		}
	}
	for _, p := range r.ProviderAdjustments {
		set -= p.Amount
	}
	off("set", "payment", set, r.Source)
	for _, told := range r.Residuals {
		known := false
		for _, o := range out {
			known = known || o.Equation == told.Equation && o.ResidualAmount == told.ResidualAmount
		}
		if !known {
			out = append(out, proto.CloneOf(told))
		}
	}
	return out
}

func total(adjustments []*typev1.Adjustment) int64 {
	var sum int64
	for _, a := range adjustments {
		sum += a.Amount
	}
	return sum
}
