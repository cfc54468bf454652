package account

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Correction is a corrected version of a claim, and what the price of its lines depends on.
type Correction struct {
	Prepared *claimsv1.CorrectedClaimPrepared
	Payer    Payer // whom the claim is for
	Price
}

// Correct follows the lines of a corrected claim, so that what is on the books is what is billed. The claim to the payer that is asked first decides: later ones repeat its lines.
func Correct(s State, c Correction) ([]es.Event, error) {
	if payers := Payers(s.Prior, s.Charge.ResponsiblePayers); s.Voided || len(payers) == 0 || payers[0] != c.Payer {
		return nil, nil
	}
	lines := c.Prepared.Content.GetLines()
	if slices.EqualFunc(lines, s.Charge.Lines, sameCharge) {
		return nil, nil
	}
	e := &pb.ChargeCorrected{
		AccountId: s.Charge.AccountId, PatientId: s.Charge.PatientId, ClaimId: c.Prepared.ClaimId, ClaimVersion: c.Prepared.ClaimVersion, ServiceDate: s.Charge.ServiceDate,
		Lines: lines, PreviousChargeAmount: s.Charge.ChargeAmount, Expected: Expect(c.Contracts, c.License, lines, s.Charge.ServiceDate),
	}
	var entry money.Entry
	change := func(lineID string, amount int64) {
		entry.Debit(amount, receivable(Place{c.Payer, lineID}))
		entry.Credit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS, LineId: lineID})
	}
	for _, l := range lines {
		e.ChargeAmount += l.ChargeAmount
		change(l.LineId, l.ChargeAmount-charge(s.Charge.Lines, l.LineId))
	}
	for _, l := range s.Charge.Lines {
		if !slices.ContainsFunc(lines, func(n *typev1.ServiceLine) bool { return n.LineId == l.LineId }) {
			change(l.LineId, -l.ChargeAmount)
		}
	}
	e.Legs = entry.Legs()
	b := begin(s)
	b.add(e)
	return b.done(s.Charge.AccountId, s.Charge.PatientId), nil
}

// sameCharge says whether two lines bill the same; which diagnoses and which authorization a claim names for them is not on the books.
func sameCharge(a, b *typev1.ServiceLine) bool {
	a, b = proto.CloneOf(a), proto.CloneOf(b)
	for _, l := range []*typev1.ServiceLine{a, b} {
		l.DiagnosisPointers, l.AuthorizationNumber = nil, ""
	}
	return proto.Equal(a, b)
}

var (
	// Exists: an account that is named has charges. Source: our own choice; money for a visit to come names no account.
	Exists = refuse.Rule{ID: "posting.account_exists", Version: 1, Owner: "posting", NotFound: true}
	// NoPayerAsked: a charge that a claim asks for goes with its claim, so that no payer pays what is billed no more. Source: our own choice.
	NoPayerAsked = refuse.Rule{ID: "posting.no_payer_asked", Version: 1, Owner: "billing"}
	// ChargeStands: a charge is taken off once. Source: our own choice.
	ChargeStands = refuse.Rule{ID: "posting.charge_stands", Version: 1, Owner: "posting"}
)

// Withdrawal is a claim that was taken back.
type Withdrawal struct {
	Closed *claimsv1.ClaimClosed
	Payer  Payer // whom it was for
}

// Void takes the charge off with the first payer's claim, once.
func Void(s State, w Withdrawal) ([]es.Event, error) {
	if s.Voided {
		return nil, nil
	}
	return takeOff(s, w.Payer, w.Closed.ClaimId, w.Closed.Reason), nil
}

// MoveOn ends what is asked of a later payer whose claim was taken back, once: what is open with it is the patient's, unless another payer comes after it.
func MoveOn(s State, w Withdrawal) ([]es.Event, error) {
	if s.Voided || s.Left[w.Payer] {
		return nil, nil
	}
	b := begin(s)
	e := &pb.BalanceMoved{
		AccountId: s.Charge.AccountId, PatientId: s.Charge.PatientId, ClaimId: w.Closed.ClaimId, PayerId: w.Payer.ID, PayerSequence: w.Payer.Sequence, Reason: w.Closed.Reason,
		ServiceDate: s.Charge.ServiceDate,
	}
	if b.next(w.Payer) == (Payer{}) {
		rest := max(Owed(b.open, w.Payer), 0)
		var entry money.Entry
		for _, place := range b.places(w.Payer) {
			part := min(max(b.open[place], 0), rest)
			entry.Debit(part, receivable(Place{LineID: place.LineID})).Credit(part, receivable(place))
			rest -= part
			e.Amount += part
		}
		e.Legs = entry.Legs()
	} else {
		e.LeftAmount = max(Owed(b.open, w.Payer), 0)
	}
	b.add(e)
	return b.done(s.Charge.AccountId, s.Charge.PatientId), nil
}

// places of a payer, by line.
func (b *book) places(p Payer) (out []Place) {
	for place := range b.open {
		if place.Payer == p {
			out = append(out, place)
		}
	}
	slices.SortFunc(out, func(x, y Place) int { return cmp.Compare(x.LineID, y.LineID) })
	return out
}

// VoidSelfPay takes a charge off that no payer is asked for.
func VoidSelfPay(s State, c *pb.VoidChargeRequest) ([]es.Event, error) {
	var no refuse.List
	no.If(s.Charge == nil, Exists, "account_id", "there is no account %s: a visit has one once it is coded", c.AccountId)
	if s.Charge != nil {
		no.If(len(Payers(s.Prior, s.Charge.ResponsiblePayers)) > 0, NoPayerAsked, "account_id", "payers are asked for account %s: take the first payer's claim back, the charge goes with it", c.AccountId)
		no.If(s.Voided, ChargeStands, "account_id", "the charge of account %s was taken off already", c.AccountId)
	}
	if no.Any() {
		return no.Or()
	}
	return takeOff(s, Payer{}, "", c.Reason), nil
}

// takeOff takes the charge off, from who was asked first (NobodyIsAsked gives back what that one had left to others); what somebody has paid or taken off of it stays as that one's
// credit, to be given back.
func takeOff(s State, first Payer, claimID, reason string) []es.Event {
	b := begin(s)
	e := &pb.ChargeVoided{
		AccountId: s.Charge.AccountId, EncounterId: s.Charge.EncounterId, PatientId: s.Charge.PatientId, ClaimId: claimID, ServiceDate: s.Charge.ServiceDate,
		ChargeAmount: s.Charge.ChargeAmount, Reason: reason,
	}
	var entry money.Entry
	for _, l := range s.Charge.Lines {
		entry.Debit(l.ChargeAmount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS, LineId: l.LineId}).Credit(l.ChargeAmount, receivable(Place{first, l.LineId}))
	}
	e.Legs = entry.Legs()
	b.add(e)
	return b.done(s.Charge.AccountId, s.Charge.PatientId)
}
