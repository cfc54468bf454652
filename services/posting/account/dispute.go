package account

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

var (
	// PaidAsContracted: the payer that is asked first allows what its contract says, and no more than the charge. What it takes off below that is not taken off: it stays open, in
	// dispute. Source: the contract with the payer; docs/domain.md, "Underpayment": expected = allowed + disputed + accepted loss. Read 2026-11-24.
	PaidAsContracted = refuse.Rule{ID: "posting.paid_as_contracted", Version: 1, Owner: "contracts"}
	// NoBalanceBilling: a payer whose contract is in force on the day of service gives the patient no amount that is taken off by agreement (carc.go, contractual). It is not moved:
	// it stays open with the payer, in dispute. Without a contract the patient owes it. Source: participating-provider agreements forbid to ask the patient for more than the
	// allowed amount, as do 42 CFR 422.504(g)(1) and 42 CFR 447.15 for Medicare Advantage and Medicaid. Checked 2026-11-24.
	NoBalanceBilling = refuse.Rule{ID: "posting.no_balance_billing", Version: 1, Owner: "contracts"}
	// InDispute: only what is in dispute is given up. Source: arithmetic.
	InDispute = refuse.Rule{ID: "posting.in_dispute", Version: 1, Owner: "posting"}
)

// Dispute is what stays open with a payer although the payer says that it owes nothing: it broke a rule.
type Dispute struct {
	Key             // the decision
	ClaimID  string // of the payer
	Payer    Payer
	LineID   string
	Rule     string
	Amount   int64 // cents, more than 0
	Contract string
}

func (d Dispute) place() Place { return Place{d.Payer, d.LineID} }

// Disputed is what is in dispute on a line.
func Disputed(s State, lineID string) int64 {
	return inDispute(s.Disputes, func(d Dispute) bool { return d.LineID == lineID })
}

func inDispute(all []Dispute, counts func(Dispute) bool) (sum int64) {
	for _, d := range all {
		if counts(d) {
			sum += d.Amount
		}
	}
	return sum
}

// disputed is what is in dispute after an event.
func disputed(all []Dispute, event es.Event) []Dispute {
	switch e := event.(type) {
	case *pb.UnderpaymentDetected:
		if e.DisputedAmount > 0 {
			all = append(all, Dispute{Key{e.RemittanceId, e.ClaimOrdinal}, e.ClaimId, Payer{e.PayerId, e.PayerSequence}, e.LineId, e.RuleId, e.DisputedAmount, e.ContractId})
		}
	case *pb.BalanceBillingHeld:
		return held(all, Dispute{Key{e.RemittanceId, e.ClaimOrdinal}, e.ClaimId, Payer{e.PayerId, e.PayerSequence}, e.LineId, e.RuleId, e.DisputedAmount, e.ContractId})
	case *pb.UnderpaymentAccepted:
		return lessened(all, e, e.Amount)
	case *pb.UnderpaymentRecovered:
		return lessened(all, e, e.Amount)
	case *pb.UnderpaymentLapsed:
		return lessened(all, e, e.Amount)
	}
	return all
}

// held adds to what a decision gave the patient of a line: under several codes it is one dispute.
func held(all []Dispute, more Dispute) []Dispute {
	for i, d := range all {
		if d.Key == more.Key && d.LineID == more.LineID && d.Rule == more.Rule {
			all[i].Amount += more.Amount
			return all
		}
	}
	return append(all, more)
}

func lessened(all []Dispute, e interface {
	partOf
	GetLineId() string
	GetRuleId() string
}, amount int64) []Dispute {
	for i, d := range all {
		if d.Key == (Key{e.GetRemittanceId(), e.GetClaimOrdinal()}) && d.LineID == e.GetLineId() && d.Rule == e.GetRuleId() {
			all[i].Amount -= amount
		}
	}
	return slices.DeleteFunc(all, func(d Dispute) bool { return d.Amount <= 0 })
}

// ofClaim is what is in dispute of a claim.
func (b *book) ofClaim(claimID string) int64 {
	return inDispute(b.disputes, func(d Dispute) bool { return d.ClaimID == claimID })
}

// heldShare is what a decision gave the patient and the posting did not move.
func (b *book) heldShare(a Advice) (sum int64) {
	for _, e := range b.events {
		if e, ok := e.(*pb.BalanceBillingHeld); ok && e.RemittanceId == a.RemittanceID && e.ClaimOrdinal == a.Claim.Ordinal {
			sum += e.DisputedAmount
		}
	}
	return sum
}

// forbids is the contract that forbids to ask the patient for an adjustment; empty: none does.
func (b *book) forbids(a Advice, x *typev1.Adjustment) string {
	if x.GroupCode != "PR" || x.Amount <= 0 || !effects[x.Carc].contractual {
		return ""
	}
	return a.contract
}

func (b *book) hold(a Advice, lineID, contract string, x *typev1.Adjustment, amount int64) {
	b.record(&pb.BalanceBillingHeld{
		AccountId: a.AccountID, ClaimId: a.ClaimID, PatientId: b.s.Charge.PatientId, PayerId: a.Payer.ID, PayerSequence: a.Payer.Sequence, RemittanceId: a.RemittanceID,
		ClaimOrdinal: a.Claim.Ordinal, LineId: lineID, GroupCode: x.GroupCode, Carc: x.Carc, DisputedAmount: amount, ContractId: contract, RuleId: NoBalanceBilling.ID, Source: x.Source,
	})
}

// shortfall compares what the first payer allowed for a line with what its contract says, never more than the charge. It is what the payer took off beyond the difference between
// charge and price; nil: nothing. A line of which something is refused has no price yet.
func (b *book) shortfall(a Advice, lineID string, l *exchangev1.RemittanceLine) *pb.UnderpaymentDetected {
	if lineID == "" || a.Payer != b.first() || slices.ContainsFunc(l.Adjustments, refuses) {
		return nil
	}
	allowed, off := l.PaidAmount, int64(0)
	for _, x := range l.Adjustments {
		switch does := effects[x.Carc]; {
		case b.forbids(a, x) != "":
		case x.GroupCode == "PR" || does.belowAllowed:
			allowed += x.Amount
		case does.contractual:
			off += x.Amount
		}
	}
	if allowed <= 0 {
		return nil
	}
	if l.AllowedAmountTold {
		allowed = l.AllowedAmount
	}
	for _, expected := range b.s.Charge.Expected {
		billed := charge(b.s.Charge.Lines, lineID)
		price := min(expected.AllowedAmount, billed)
		if short := min(price-allowed, off-(billed-price)); expected.LineId == lineID && short > 0 {
			return &pb.UnderpaymentDetected{
				AccountId: a.AccountID, ClaimId: a.ClaimID, PatientId: b.s.Charge.PatientId, PayerId: a.Payer.ID, PayerSequence: a.Payer.Sequence, LineId: lineID,
				ExpectedAmount: price, AllowedAmount: allowed, ContractId: expected.ContractId, RemittanceId: a.RemittanceID, ClaimOrdinal: a.Claim.Ordinal,
				DisputedAmount: short, RuleId: PaidAsContracted.ID,
			}
		}
	}
	return nil
}

// keepOpen is the adjustments of a line without the shortfall: what is above the agreed price gives first, then whatever else is taken off by agreement.
func keepOpen(adjustments []*typev1.Adjustment, short *pb.UnderpaymentDetected, notes *[]string) []*typev1.Adjustment {
	if short == nil {
		return adjustments
	}
	out := slices.Clone(adjustments)
	rest := short.DisputedAmount
	for _, price := range []bool{true, false} {
		for i, x := range out {
			does := effects[x.Carc]
			part := min(rest, x.Amount)
			if x.GroupCode == "PR" || !does.contractual || does.belowAllowed || part <= 0 || price != (x.Carc == "45") {
				continue
			}
			out[i] = proto.CloneOf(x)
			out[i].Amount -= part
			rest -= part
			*notes = append(*notes, fmt.Sprintf("%s-%s of line %q takes %d of %d cents: the rest is below the contract's price", x.GroupCode, x.Carc, short.LineId, out[i].Amount, x.Amount))
		}
	}
	return out
}

// detect puts a shortfall in dispute, as far as it is open.
func (b *book) detect(short *pb.UnderpaymentDetected) {
	if short == nil {
		return
	}
	short.DisputedAmount = min(short.DisputedAmount, b.left(Place{Payer{short.PayerId, short.PayerSequence}, short.LineId}))
	if short.DisputedAmount > 0 {
		b.record(short)
	}
}

// lessen ends what is in dispute and not open any more, the oldest first: paid, or not asked.
func (b *book) lessen() {
	for _, d := range slices.Clone(b.disputes) {
		over := inDispute(b.disputes, func(o Dispute) bool { return o.Payer == d.Payer }) - max(Owed(b.open, d.Payer), 0)
		if d.LineID != "" {
			over = max(over, inDispute(b.disputes, func(o Dispute) bool { return o.place() == d.place() })-max(b.at(d.place()), 0))
		}
		if over = min(over, d.Amount); over <= 0 {
			continue
		}
		if !b.pays(d.Payer) {
			b.lapse(d, over)
			continue
		}
		b.record(&pb.UnderpaymentRecovered{
			AccountId: b.s.Charge.AccountId, ClaimId: d.ClaimID, PatientId: b.s.Charge.PatientId, PayerId: d.Payer.ID, PayerSequence: d.Payer.Sequence,
			RemittanceId: d.RemittanceID, ClaimOrdinal: d.Ordinal, LineId: d.LineID, RuleId: d.Rule, Amount: over, RemainingAmount: d.Amount - over,
		})
	}
}

func (b *book) lapse(d Dispute, amount int64) {
	b.record(&pb.UnderpaymentLapsed{
		AccountId: b.s.Charge.AccountId, ClaimId: d.ClaimID, PatientId: b.s.Charge.PatientId, PayerId: d.Payer.ID, PayerSequence: d.Payer.Sequence,
		RemittanceId: d.RemittanceID, ClaimOrdinal: d.Ordinal, LineId: d.LineID, RuleId: d.Rule, Amount: amount, RemainingAmount: d.Amount - amount,
	})
}

// takenBack ends what is in dispute about a decision that the payer takes back.
func (b *book) takenBack(decision Key) {
	for _, d := range slices.Clone(b.disputes) {
		if d.Key == decision {
			b.lapse(d, d.Amount)
		}
	}
}

// pays says whether the payer pays something in what is booked now.
func (b *book) pays(p Payer) bool {
	return slices.ContainsFunc(b.events, func(e es.Event) bool {
		paid, ok := e.(*pb.InsurancePaymentPosted)
		return ok && paid.PaidAmount > 0 && paid.PayerId == p.ID && paid.PayerSequence == p.Sequence
	})
}

// Accept gives up what is in dispute on a line of a claim: Dr contractual / Cr ar.insurance. It belongs to the payer's decision: when that is taken back, so is this.
func Accept(s State, c *pb.AcceptUnderpaymentRequest) ([]es.Event, error) {
	of := slices.DeleteFunc(slices.Clone(s.Disputes), func(d Dispute) bool { return d.ClaimID != c.ClaimId || d.LineID != c.LineId })
	var no refuse.List
	no.If(s.Charge == nil, Exists, "account_id", "there is no account %s", c.AccountId)
	what := "line " + c.LineId
	if c.LineId == "" {
		what = "what was told for the claim as a whole"
	}
	no.If(s.Charge != nil && c.ClaimId != "" && len(of) == 0, InDispute, "line_id", "nothing of %s of claim %s is in dispute: the account says what is", what, c.ClaimId)
	if err := no.Err(); err != nil {
		return nil, err
	}
	b := begin(s)
	for _, d := range of {
		b.add(&pb.UnderpaymentAccepted{
			AccountId: c.AccountId, ClaimId: d.ClaimID, PatientId: s.Charge.PatientId, PayerId: d.Payer.ID, PayerSequence: d.Payer.Sequence, RemittanceId: d.RemittanceID,
			ClaimOrdinal: d.Ordinal, LineId: d.LineID, RuleId: d.Rule, Amount: d.Amount, Reason: c.Reason, ServiceDate: s.Charge.ServiceDate,
			Legs: contractualLegs(d.place(), d.Amount), DisputedAmount: b.ofClaim(d.ClaimID) - d.Amount,
		})
	}
	return b.done(c.AccountId, s.Charge.PatientId), nil
}
