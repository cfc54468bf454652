package account

import (
	"cmp"
	"maps"
	"slices"

	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// NobodyIsAsked: of a visit whose charge was taken off nobody is asked for anything. What a payer has left to another one or to the patient goes back to it, whether it takes its
// decision back before the charge goes, after it or never; so the patient owes nothing, and a payer's credit is what it has paid and taken off itself.
// Source: docs/domain.md, path 8 and "Credit balance"; a visit that is not billed leaves no patient responsibility. Checked 2026-11-24.
var NobodyIsAsked = refuse.Rule{ID: "posting.nobody_is_asked", Version: 1, Owner: "posting"}

// pass follows what an event moves from a payer to others. s is the state before it.
func pass(all map[Passage]int64, s State, event es.Event) {
	var from Payer
	switch e := event.(type) {
	case *pb.ChargeVoided: // events of before 2026-11-24 took it off where it was open: that is what the first payer had left there
		if payers := Payers(s.Prior, s.Charge.GetResponsiblePayers()); len(payers) > 0 {
			from = payers[0]
		}
	case *pb.PayersTold:
		renamed(all, s.Charge.GetResponsiblePayers(), e.ResponsiblePayers)
	case interface {
		GetPayerId() string
		GetPayerSequence() typev1.PayerSequence
	}:
		from = Payer{e.GetPayerId(), e.GetPayerSequence()}
	}
	e, ok := event.(interface{ GetLegs() []*typev1.Leg })
	if !ok || from == (Payer{}) {
		return
	}
	for _, l := range e.GetLegs() {
		if place, ok := placeOf(l); ok && place.Payer != from {
			all[Passage{from, place}] += l.Amount
		}
	}
}

// renamed gives what was left to a payer to the one that stands at its place now.
func renamed(all map[Passage]int64, before, now []*intakev1.ResponsiblePayer) {
	as := map[Payer]Payer{}
	for _, old := range before {
		for _, p := range now {
			if p.PayerSequence == old.PayerSequence && p.PayerId != old.PayerId {
				as[Payer{old.PayerId, old.PayerSequence}] = Payer{p.PayerId, p.PayerSequence}
			}
		}
	}
	for p, amount := range maps.Clone(all) {
		if to, ok := as[p.To.Payer]; ok {
			delete(all, p)
			p.To.Payer = to
			all[p] += amount
		}
	}
}

// askNobody gives back what payers have left to others, where the charge was taken off.
func (b *book) askNobody() {
	if !b.s.Voided && !slices.ContainsFunc(b.events, func(e es.Event) bool { _, ok := e.(*pb.ChargeVoided); return ok }) {
		return
	}
	back := map[Payer][]Passage{}
	for p, amount := range b.passed {
		if amount != 0 {
			back[p.From] = append(back[p.From], p)
		}
	}
	payers := slices.SortedFunc(maps.Keys(back), func(a, c Payer) int { return cmp.Or(cmp.Compare(a.Sequence, c.Sequence), cmp.Compare(a.ID, c.ID)) })
	for _, payer := range payers {
		slices.SortFunc(back[payer], func(a, c Passage) int {
			return cmp.Or(cmp.Compare(a.To.Sequence, c.To.Sequence), cmp.Compare(a.To.ID, c.To.ID), cmp.Compare(a.To.LineID, c.To.LineID))
		})
		e := &pb.BalanceReturned{
			AccountId: b.s.Charge.AccountId, PatientId: b.s.Charge.PatientId, PayerId: payer.ID, PayerSequence: payer.Sequence, ServiceDate: b.s.Charge.ServiceDate,
		}
		var entry money.Entry
		for _, p := range back[payer] {
			amount := b.passed[p]
			e.Amount += amount
			entry.Debit(amount, receivable(Place{payer, p.To.LineID})).Credit(amount, receivable(p.To))
		}
		if e.Legs = entry.Legs(); len(e.Legs) > 0 {
			b.add(e)
		}
	}
}
