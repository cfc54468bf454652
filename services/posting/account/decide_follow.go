package account

import (
	"cmp"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// DecidedOnWhatIsLeft: a later payer decides on what earlier payers leave, and its decision may come before theirs, or they may decide anew after it. What it moves and takes off by its own
// reasons follows what lies with it; what it refused, and what its reasons don't say, stays with it. So the books are the same in whatever order the payers' files come.
// Source: coordination of benefits (837 loop 2430 tells the later payer what the earlier one paid and took off; 835 CLP02 19 to 23); docs/domain.md, path 4. Checked 2026-11-24.
var DecidedOnWhatIsLeft = refuse.Rule{ID: "posting.decided_on_what_is_left", Version: 1, Owner: "posting"}

// first is the payer that is asked first; none: the patient.
func (b *book) first() (p Payer) {
	if all := Payers(b.s.Prior, b.s.Charge.ResponsiblePayers); len(all) > 0 {
		p = all[0]
	}
	return p
}

// follow lets what payers from a place in the order on have decided follow the money that came to them, or went from them, in what is booked now: see DecidedOnWhatIsLeft. What one of
// them leaves lies with the one after it, so they are taken in their order. So does what the payer itself has decided, when it takes an earlier decision back.
func (b *book) follow(booked Advice, from typev1.PayerSequence) {
	if b.s.Voided {
		return
	}
	for _, p := range Payers(b.s.Prior, b.s.Charge.ResponsiblePayers) {
		if p.Sequence >= from && !b.s.Left[p] && b.moves(p) {
			b.anew(booked, p)
		}
	}
}

// moves says whether something comes to a payer, or goes from it, in what is booked now.
func (b *book) moves(p Payer) bool {
	return slices.ContainsFunc(b.events, func(e es.Event) bool {
		moves, ok := e.(interface{ GetLegs() []*typev1.Leg })
		return ok && slices.ContainsFunc(moves.GetLegs(), func(l *typev1.Leg) bool {
			place, ok := placeOf(l)
			return ok && place.Payer == p
		})
	})
}

// anew posts a payer's decisions once more, one after the other, on what lies with it now, and books what becomes different.
func (b *book) anew(booking Advice, p Payer) {
	all := b.decisions(p)
	for _, d := range all {
		if p == booking.Payer {
			d.Contract = cmp.Or(d.Contract, booking.contract) // posted before payments said it
		}
	}
	again := &book{s: b.s, open: maps.Clone(b.open), passed: maps.Clone(b.passed), disputes: slices.DeleteFunc(slices.Clone(b.disputes), func(d Dispute) bool { return d.Payer == p })}
	for _, d := range all {
		for _, l := range d.Legs {
			if place, ok := placeOf(l); ok {
				again.open[place] -= l.Amount
			}
		}
		for lineID, amount := range d.Accepted { // a person's decision, which stays
			again.open[Place{p, lineID}] -= amount
		}
	}
	for _, d := range all {
		var told []string // when it was posted
		again.parts(b.advice(d), &told)
		again.lessen()
	}
	booked := map[Key]map[reason]int64{}
	book := func(e partOf, lineID, group, carc string, amount int64) {
		key := Key{e.GetRemittanceId(), e.GetClaimOrdinal()}
		if booked[key] == nil {
			booked[key] = map[reason]int64{}
		}
		booked[key][reason{lineID, group, carc}] += amount
	}
	for _, e := range again.events {
		switch e := e.(type) {
		case *pb.ResponsibilityTransferred:
			book(e, e.LineId, e.GroupCode, e.Carc, e.Amount)
		case *pb.ContractualAdjusted:
			book(e, e.LineId, e.GroupCode, e.Carc, e.Amount)
		}
	}
	for _, d := range all {
		a, seen := b.advice(d), map[reason]bool{}
		each(a.Claim, func(lineID string, x *typev1.Adjustment) {
			k := reason{lineID, x.GroupCode, x.Carc}
			change := booked[d.Key][k] - d.Booked[k]
			if seen[k] || change == 0 {
				return
			}
			seen[k] = true
			at := Place{p, lineID}
			switch to, sent := d.To[k]; {
			case x.GroupCode != "PR":
				b.contractual(a, at, x, change)
			case sent && change < 0: // from where it went
				for b.s.Left[to] {
					to = b.next(to)
				}
				b.transfer(a, at, to, x, change)
			default:
				b.transfer(a, at, b.next(p), x, change)
			}
		})
	}
	b.disputeAnew(p, again)
}

// disputeAnew leaves in dispute with a payer what is in dispute where its decisions were posted once more.
func (b *book) disputeAnew(p Payer, again *book) {
	of := func(all []Dispute, key Key, lineID, rule string) int64 {
		return inDispute(all, func(d Dispute) bool { return d.Key == key && d.LineID == lineID && d.Rule == rule })
	}
	for _, d := range slices.Clone(b.disputes) {
		if d.Payer != p {
			continue
		}
		left := of(again.disputes, d.Key, d.LineID, d.Rule)
		if d.Rule == PaidAsContracted.ID && left > d.Amount {
			left = 0 // it is found anew
		}
		if left < d.Amount {
			b.lapse(d, d.Amount-left)
		}
	}
	for _, e := range again.events {
		switch e := e.(type) {
		case *pb.BalanceBillingHeld:
			key := Key{e.RemittanceId, e.ClaimOrdinal}
			if more := of(again.disputes, key, e.LineId, e.RuleId) - of(b.disputes, key, e.LineId, e.RuleId); more > 0 {
				e = proto.CloneOf(e)
				e.DisputedAmount = more
				b.record(e)
			}
		case *pb.UnderpaymentDetected:
			key := Key{e.RemittanceId, e.ClaimOrdinal}
			if more := of(again.disputes, key, e.LineId, e.RuleId) - of(b.disputes, key, e.LineId, e.RuleId); more > 0 {
				e = proto.CloneOf(e)
				e.DisputedAmount = more
				b.record(e)
			}
		}
	}
}

// decisions are a payer's claim payments that count, with what was booked of them until now.
func (b *book) decisions(p Payer) (out []*Payment) {
	s := State{Charge: b.s.Charge}
	for _, paid := range b.s.Payments {
		if paid.Payer == p {
			c := *paid
			c.Booked, c.To, c.Accepted = maps.Clone(paid.Booked), maps.Clone(paid.To), maps.Clone(paid.Accepted)
			s.Payments = append(s.Payments, &c)
		}
	}
	for _, e := range b.events {
		s = Evolve(s, e)
	}
	return slices.DeleteFunc(live(s), func(paid *Payment) bool { return paid.Payer != p })
}

// advice is a claim payment as it was told; what was given up of it is disputed no more.
func (b *book) advice(p *Payment) Advice {
	a := Advice{AccountID: b.s.Charge.AccountId, RemittanceID: p.RemittanceID, RemitterID: p.Payer.ID, ClaimID: p.ClaimID, Payer: p.Payer, Claim: proto.CloneOf(p.Claim), contract: p.Contract}
	given := maps.Clone(p.Accepted)
	each(a.Claim, func(lineID string, x *typev1.Adjustment) {
		if b.forbids(a, x) != "" {
			part := min(x.Amount, given[lineID])
			x.Amount -= part
			if part > 0 {
				given[lineID] -= part
			}
		}
	})
	a.accepted = given
	return a
}

// each visits the adjustments of every line and of the claim as a whole.
func each(c *exchangev1.RemittanceClaim, visit func(lineID string, x *typev1.Adjustment)) {
	for _, l := range c.Lines {
		for _, x := range l.Adjustments {
			visit(l.LineId, x)
		}
	}
	for _, x := range c.Adjustments {
		visit("", x)
	}
}
