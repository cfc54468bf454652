package account

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Advice is one claim of a balanced remittance, for the account it belongs to.
type Advice struct {
	AccountID        string
	RemittanceID     string
	RemitterID       string // the payer that sent the money
	AdjudicationDate string
	ClaimID          string
	Payer            Payer // whom the claim was sent to
	Claim            *exchangev1.RemittanceClaim
	Contracts        []*registryv1.ContractPublished // of that payer

	contract string           // the one of them that is in force on the day of service; empty: none
	accepted map[string]int64 // by line_id: the shortfall that was given up, where a decision is posted once more
}

// CLP02, where it changes what is booked.
const (
	statusReversal         = "22" // takes an earlier payment back
	statusForwarded        = "23" // not theirs: sent on, nothing decided
	statusPredetermination = "25" // what would be paid: nothing decided
)

// Post books one claim of a remittance, once. Its cash is booked to the cent whatever its parts say, so that the remittance's cash is its payment.
func Post(s State, a Advice) ([]es.Event, error) {
	if s.Done[Key{a.RemittanceID, a.Claim.Ordinal}] {
		return nil, nil
	}
	if s.Charge == nil {
		return nil, fmt.Errorf("claim %s is paid before its charge is posted on account %s", a.ClaimID, a.AccountID)
	}
	a.contract = inForce(a.Contracts, s.Charge.ServiceDate).GetContractId()
	b := begin(s)
	switch a, fits := answering(s, a); {
	case !fits:
		b.stranger(a)
	case a.Claim.StatusCode == statusReversal:
		b.reverse(a)
	default:
		b.pay(a)
		return meet(s, a, b.done(a.AccountID, s.Charge.PatientId)), nil
	}
	return b.done(a.AccountID, s.Charge.PatientId), nil
}

// decides says whether the payer decided anything about the claim.
func decides(c *exchangev1.RemittanceClaim) bool {
	return c.StatusCode != statusForwarded && c.StatusCode != statusPredetermination
}

// book collects events and follows what they move, leaving the state alone.
type book struct {
	s        State
	open     map[Place]int64
	passed   map[Passage]int64
	disputes []Dispute
	losses   []Loss
	events   []es.Event
	moved    bool
}

func begin(s State) *book {
	b := &book{s: s, open: maps.Clone(s.Open), passed: maps.Clone(s.Passed), disputes: slices.Clone(s.Disputes), losses: slices.Clone(s.Losses)}
	if b.open == nil {
		b.open, b.passed = map[Place]int64{}, map[Passage]int64{}
	}
	return b
}

func (b *book) add(e interface {
	es.Event
	GetLegs() []*typev1.Leg
}) {
	b.record(e)
	pass(b.passed, b.s, e)
	for _, l := range e.GetLegs() {
		if place, ok := placeOf(l); ok {
			b.open[place] += l.Amount
			b.moved = true
		}
	}
}

// record adds what moves nothing.
func (b *book) record(e es.Event) {
	b.events = append(b.events, e)
	b.disputes, b.losses = disputed(b.disputes, e), lost(b.losses, e)
}

// done gives back what a patient paid too much and says when nothing is open any more.
func (b *book) done(accountID, patientID string) []es.Event {
	b.askNobody()
	b.giveBack(accountID, patientID)
	b.lessen()
	b.recover()
	b.answer()
	b.credits(accountID, patientID)
	if b.moved && settled(b.open) {
		b.events = append(b.events, &pb.AccountSettled{AccountId: accountID, PatientId: patientID})
	}
	return b.events
}

// credits says which payers have paid more than they owe now, and which do not any more. Source: 42 CFR 401.305 (overpayments are reported and returned within 60 days after they are
// identified, for Medicare; contracts say alike). Checked 2026-11-24.
func (b *book) credits(accountID, patientID string) {
	var payers []Payer
	for place := range b.open {
		if place.Payer != (Payer{}) && !slices.Contains(payers, place.Payer) {
			payers = append(payers, place.Payer)
		}
	}
	slices.SortFunc(payers, func(a, c Payer) int { return cmp.Or(cmp.Compare(a.Sequence, c.Sequence), cmp.Compare(a.ID, c.ID)) })
	for _, p := range payers {
		before, after := Owed(b.s.Open, p), Owed(b.open, p)
		switch {
		case after < 0 && after != before:
			b.events = append(b.events, &pb.CreditBalanceDetected{AccountId: accountID, PatientId: patientID, PayerId: p.ID, PayerSequence: p.Sequence, CreditAmount: -after})
		case before < 0 && after >= 0:
			b.events = append(b.events, &pb.CreditBalanceCleared{AccountId: accountID, PatientId: patientID, PayerId: p.ID, PayerSequence: p.Sequence})
		}
	}
}

// left is the most that may still be taken off a place: what is open there, or moved on for the claim as a whole, and no more than the payer owes in all. What is in dispute is
// not to be taken off.
func (b *book) left(p Place) int64 {
	owed := Owed(b.open, p.Payer) - inDispute(b.disputes, func(d Dispute) bool { return d.Payer == p.Payer })
	if p.LineID != "" {
		owed = min(owed, b.at(p)-inDispute(b.disputes, func(d Dispute) bool { return d.place() == p }))
	}
	return max(owed, 0)
}

// at is what is open at a line, with what is open for the claim as a whole.
func (b *book) at(p Place) int64 { return b.open[p] + max(b.open[Place{Payer: p.Payer}], 0) }

func (b *book) pay(a Advice) {
	c := a.Claim
	ours := proto.CloneOf(c)
	var notes []string
	if !decides(c) {
		notes = append(notes, "status "+c.StatusCode+": nothing was decided, nothing is taken off")
	}
	for i, id := range match(b.s.Charge.Lines, c.Lines) {
		ours.Lines[i].LineId = id
		if id == "" {
			notes = append(notes, fmt.Sprintf("line %d answers to no line of ours: posted for the claim as a whole", i+1))
		}
	}
	a.Claim = ours
	b.parts(a, &notes)
	b.follow(a, a.Payer.Sequence+1)
	b.askNobody()
	b.lessen()
	b.record(&pb.ClaimPaymentPosted{
		AccountId: a.AccountID, ClaimId: a.ClaimID, PayerId: a.Payer.ID, PayerSequence: a.Payer.Sequence, RemittanceId: a.RemittanceID,
		AdjudicationDate: a.AdjudicationDate, RemittanceClaim: ours, PatientId: b.s.Charge.PatientId, ClaimStatusCode: c.StatusCode, Notes: notes,
		DisputedAmount: b.ofClaim(a.ClaimID), HeldShareAmount: b.heldShare(a), ContractId: a.contract,
	})
}

// parts books what a payer says of each line of ours and of the claim as a whole.
func (b *book) parts(a Advice, notes *[]string) {
	c, paid := a.Claim, int64(0)
	for _, l := range c.Lines {
		paid += l.PaidAmount
		b.payment(a, l.LineId, l.PaidAmount, l.Source)
		if decides(c) {
			short := b.shortfall(a, l.LineId, l)
			b.adjust(a, l.LineId, l.ServiceCode, l.ServiceDate, l.Rarc, keepOpen(l.Adjustments, short, notes), notes)
			if short != nil {
				short.DisputedAmount -= a.accepted[l.LineId]
			}
			b.detect(short)
		}
	}
	// Σ lines − claim-level adjustments = the claim's payment: the difference is paid, or not paid, for the claim as a whole.
	b.payment(a, "", c.PaidAmount-paid, c.Source)
	if decides(c) {
		b.adjust(a, "", "", c.ServiceDate, c.Rarc, c.Adjustments, notes)
	}
}

func (b *book) payment(a Advice, lineID string, amount int64, source *typev1.Source) {
	if amount == 0 {
		return
	}
	b.add(&pb.InsurancePaymentPosted{
		AccountId: a.AccountID, ClaimId: a.ClaimID, PayerId: a.Payer.ID, PayerSequence: a.Payer.Sequence, RemittanceId: a.RemittanceID, ClaimOrdinal: a.Claim.Ordinal,
		LineId: lineID, PaidAmount: amount, Source: source, PatientId: b.s.Charge.PatientId, ServiceDate: b.s.Charge.ServiceDate,
		Legs: paymentLegs(Place{a.Payer, lineID}, a.RemitterID, amount),
	})
}

// adjust books the adjustments of a line or, without a line, of the claim as a whole. The patient's share is moved first, as far as something is open and the contract allows it;
// then what is taken off by agreement, as far as something is open: a later payer repeats what an earlier one took off.
func (b *book) adjust(a Advice, lineID, code, day string, rarc []string, adjustments []*typev1.Adjustment, notes *[]string) {
	at := Place{a.Payer, lineID}
	less := func(x *typev1.Adjustment) int64 {
		amount := min(x.Amount, b.left(at))
		if x.Amount < 0 {
			return x.Amount
		}
		if amount < x.Amount {
			*notes = append(*notes, fmt.Sprintf("%s-%s of line %q takes %d of %d cents: no more is open", x.GroupCode, x.Carc, lineID, amount, x.Amount))
		}
		return amount
	}
	for _, x := range adjustments {
		if x.GroupCode != "PR" {
			continue
		}
		if contract := b.forbids(a, x); contract != "" {
			if amount := less(x); amount > 0 {
				b.hold(a, lineID, contract, x, amount)
			}
			continue
		}
		if amount := less(x); amount != 0 {
			b.transfer(a, at, b.next(a.Payer), x, amount)
		}
	}
	for _, x := range adjustments {
		does := effects[x.Carc]
		// A negative amount gives; nothing is refused by it.
		if x.GroupCode == "PR" || does.onBooks || !does.contractual && x.Amount >= 0 {
			continue
		}
		if amount := less(x); amount != 0 {
			b.contractual(a, at, x, amount)
		}
	}
	for _, x := range adjustments {
		if !refuses(x) {
			continue
		}
		b.record(&pb.DenialRecorded{
			AccountId: a.AccountID, ClaimId: a.ClaimID, PayerId: a.Payer.ID, PayerSequence: a.Payer.Sequence, RemittanceId: a.RemittanceID, ClaimOrdinal: a.Claim.Ordinal,
			LineId: lineID, ServiceCode: code, ServiceDate: day, GroupCode: x.GroupCode, Carc: x.Carc, Rarc: rarc, Amount: x.Amount, Source: x.Source,
			PatientId: b.s.Charge.PatientId,
		})
	}
}

func (b *book) transfer(a Advice, at Place, to Payer, x *typev1.Adjustment, amount int64) {
	b.add(&pb.ResponsibilityTransferred{
		AccountId: a.AccountID, ClaimId: a.ClaimID, PayerId: a.Payer.ID, PayerSequence: a.Payer.Sequence, ToPayerId: to.ID, ToPayerSequence: to.Sequence,
		RemittanceId: a.RemittanceID, ClaimOrdinal: a.Claim.Ordinal, LineId: at.LineID, GroupCode: x.GroupCode, Carc: x.Carc, Amount: amount, Source: x.Source,
		PatientId: b.s.Charge.PatientId, ServiceDate: b.s.Charge.ServiceDate, Legs: transferLegs(at, Place{to, at.LineID}, amount),
	})
}

func (b *book) contractual(a Advice, at Place, x *typev1.Adjustment, amount int64) {
	b.add(&pb.ContractualAdjusted{
		AccountId: a.AccountID, ClaimId: a.ClaimID, PayerId: a.Payer.ID, PayerSequence: a.Payer.Sequence, RemittanceId: a.RemittanceID, ClaimOrdinal: a.Claim.Ordinal,
		LineId: at.LineID, GroupCode: x.GroupCode, Carc: x.Carc, Amount: amount, Source: x.Source,
		PatientId: b.s.Charge.PatientId, ServiceDate: b.s.Charge.ServiceDate, Legs: contractualLegs(at, amount),
	})
}

// refuses says whether an adjustment refuses an amount.
func refuses(x *typev1.Adjustment) bool {
	does := effects[x.Carc]
	return x.GroupCode != "PR" && !does.onBooks && !does.contractual && x.Amount > 0
}

// next is who is asked for what a payer leaves: the next payer, also one that has decided already, since it has not decided on this (see follow); else the patient. One that decided before
// the move is asked only where it has paid more than it owed.
func (b *book) next(p Payer) Payer {
	for _, n := range Payers(b.s.Prior, b.s.Charge.ResponsiblePayers) {
		before := slices.ContainsFunc(b.s.Prior, func(d *pb.PriorAdjudicationPosted) bool { return Payer{d.PayerId, d.PayerSequence} == n })
		if n.Sequence > p.Sequence && !b.s.Left[n] && (!before || Owed(b.open, n) < 0) {
			return n
		}
	}
	return Payer{}
}

func charge(lines []*typev1.ServiceLine, lineID string) int64 {
	for _, l := range lines {
		if l.LineId == lineID {
			return l.ChargeAmount
		}
	}
	return 0
}

// match gives each line of the payer the id of ours: by the id we sent, else by code, modifiers, date, charge and units when exactly one of ours that nobody else
// claims is like it. The code we billed counts (SVC06), when the payer changed it.
func match(ours []*typev1.ServiceLine, theirs []*exchangev1.RemittanceLine) []string {
	out := make([]string, len(theirs))
	taken := map[string]bool{}
	for i, t := range theirs {
		for _, o := range ours {
			if t.LineId != "" && t.LineId == o.LineId {
				out[i], taken[o.LineId] = o.LineId, true
			}
		}
	}
	for i, t := range theirs {
		if out[i] != "" {
			continue
		}
		var like []string
		for _, o := range ours {
			code := t.ServiceCode
			if t.OriginalServiceCode != "" {
				code = t.OriginalServiceCode
			}
			if !taken[o.LineId] && code == o.ServiceCode && t.ChargeAmount == o.ChargeAmount && (t.ServiceDate == "" || t.ServiceDate == o.ServiceDate) &&
				(t.UnitsThousandths == 0 || t.UnitsThousandths == o.UnitsThousandths) && sameModifiers(t, o) {
				like = append(like, o.LineId)
			}
		}
		if len(like) == 1 {
			out[i], taken[like[0]] = like[0], true
		}
	}
	return out
}

// sameModifiers: a payer that changed the code may have left the modifiers out.
func sameModifiers(t *exchangev1.RemittanceLine, o *typev1.ServiceLine) bool {
	return slices.Equal(t.Modifiers, o.Modifiers) || t.OriginalServiceCode != "" && len(t.Modifiers) == 0
}

// reverse undoes the one live claim payment that the reversal answers to.
func (b *book) reverse(a Advice) {
	c := a.Claim
	found := b.answering(a)
	if found == nil {
		b.unmatched(a, a.Payer, "the payer takes back a payment, and no payment of this claim with these amounts is posted: it waits for it")
		return
	}
	b.takenBack(found.Key)
	b.add(&pb.PostingReversed{
		AccountId: a.AccountID, ClaimId: a.ClaimID, PayerId: a.Payer.ID, PayerSequence: a.Payer.Sequence, RemittanceId: a.RemittanceID, ClaimOrdinal: c.Ordinal,
		ReversedRemittanceId: found.RemittanceID, ReversedClaimOrdinal: found.Ordinal, PaidAmount: c.PaidAmount, Legs: b.sourced(mirror(found.Legs, a.RemitterID), c), Source: c.Source,
		PatientId: b.s.Charge.PatientId, ServiceDate: b.s.Charge.ServiceDate,
	})
	b.loseAgain(found.Key)
	stands := b.stands(a, found)
	b.follow(a, a.Payer.Sequence)
	if !stands {
		b.question(a)
	}
	ours := proto.CloneOf(c)
	for i, id := range match(b.s.Charge.Lines, negated(c.Lines)) {
		ours.Lines[i].LineId = id
	}
	b.askNobody()
	b.lessen()
	b.record(&pb.ClaimPaymentPosted{
		AccountId: a.AccountID, ClaimId: a.ClaimID, PayerId: a.Payer.ID, PayerSequence: a.Payer.Sequence, RemittanceId: a.RemittanceID,
		AdjudicationDate: a.AdjudicationDate, Reversal: true, RemittanceClaim: ours, PatientId: b.s.Charge.PatientId, ClaimStatusCode: c.StatusCode,
		DisputedAmount: b.ofClaim(a.ClaimID), DecisionStands: stands,
	})
}

// sourced names, for each leg of a takeback, the segment of its remittance that takes it back; without one it is the claim's.
func (b *book) sourced(legs []*typev1.Leg, c *exchangev1.RemittanceClaim) []*typev1.Leg {
	find := func(adjustments []*typev1.Adjustment, carc string) *typev1.Source { // of no adjustment: the claim's
		if carc == "" {
			return nil
		}
		for _, x := range adjustments {
			if x.Carc == carc {
				return x.Source
			}
		}
		return nil
	}
	ids := match(b.s.Charge.Lines, negated(c.Lines))
	for _, leg := range legs {
		if leg.LineId == "" {
			leg.Source = find(c.Adjustments, leg.Carc)
			continue
		}
		i := slices.Index(ids, leg.LineId)
		switch {
		case i < 0: // told of the claim as a whole
			leg.Source = find(c.Adjustments, leg.Carc)
		case leg.Carc == "":
			leg.Source = c.Lines[i].Source
		default:
			if leg.Source = find(c.Lines[i].Adjustments, leg.Carc); leg.Source == nil {
				leg.Source = find(c.Adjustments, leg.Carc)
			}
		}
	}
	return legs
}

// stands says whether a decision of the payer on the claim, told before the reversal of what it replaces, counts.
func (b *book) stands(a Advice, undone *Payment) bool {
	n := slices.Index(b.s.Payments, undone)
	return slices.ContainsFunc(b.s.Payments[n+1:], func(p *Payment) bool {
		return !p.Reversed && p.Claim != nil && p.ClaimID == a.ClaimID && p.Payer == a.Payer && decides(p.Claim)
	})
}

// answering is the live claim payment of the same claim with the same amounts, sign turned; the payer's claim number decides between several, then the latest
// is taken, since they are the same to the cent.
func (b *book) answering(a Advice) *Payment {
	c := a.Claim
	var found *Payment
	for _, p := range live(b.s) {
		if p.ClaimID != a.ClaimID || p.Payer != a.Payer || p.Claim.PaidAmount != -c.PaidAmount || p.Claim.ChargeAmount != -c.ChargeAmount {
			continue
		}
		if sum(p.Claim) != -sum(c) {
			continue
		}
		if found == nil || named(p, c) || !named(found, c) {
			found = p
		}
	}
	return found
}

func named(p *Payment, c *exchangev1.RemittanceClaim) bool {
	number := p.Claim.PayerClaimControlNumber
	return number != "" && (number == c.PayerClaimControlNumber || number == c.OriginalClaimNumber)
}

// sum of what was left to the patient: told by the adjustments, since CLP05 is left out of reversals.
func sum(c *exchangev1.RemittanceClaim) int64 {
	var total int64
	each := func(adjustments []*typev1.Adjustment) {
		for _, x := range adjustments {
			if x.GroupCode == "PR" {
				total += x.Amount
			}
		}
	}
	each(c.Adjustments)
	for _, l := range c.Lines {
		each(l.Adjustments)
	}
	return total
}

func negated(lines []*exchangev1.RemittanceLine) []*exchangev1.RemittanceLine {
	out := make([]*exchangev1.RemittanceLine, len(lines))
	for i, l := range lines {
		out[i] = proto.CloneOf(l)
		out[i].ChargeAmount = -l.ChargeAmount
		if l.UnitsThousandths < 0 {
			out[i].UnitsThousandths = -l.UnitsThousandths
		}
	}
	return out
}
