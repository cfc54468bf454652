package t27x

import (
	"fmt"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/walk"
)

// Write makes one interchange of sets that are all questions or all answers. The error is *x12.Invalid, inside, with all problems; notes are what
// was cleaned.
func Write(env x12.Envelope, sets ...*Set) (data []byte, notes x12.Diagnostics, err error) {
	w := &writer{walk.NewWriter(env, "BHT", "HL", "NM1", "EQ", "EB", "LS", "LE")}
	for _, s := range sets {
		w.set(s)
		if s.Kind != x12.K270 && s.Kind != x12.K271 || s.Kind != sets[0].Kind {
			w.Problem(x12.WrongKind, "", "ST", 1, "an interchange holds 270s or 271s, not %q beside %q", s.Kind, sets[0].Kind)
		}
	}
	data, notes, err = w.Close()
	if err != nil {
		return nil, notes, fmt.Errorf("write eligibility: %w", err)
	}
	found, err := walk.ReadBack(data, func(set *x12.Set) x12.Diagnostics { _, found := Parse(set); return found })
	if err != nil {
		return nil, notes, fmt.Errorf("write eligibility: %w", err)
	}
	return data, append(notes, found...), nil
}

type writer struct{ *walk.Writer }

const (
	partyOrder   = "REF N2 N3 N4 PER PRV DMG"
	memberOrder  = "REF N3 N4 PER AAA PRV DMG INS HI DTP MPI"
	inquiryOrder = "AMT III REF DTP"
	benefitOrder = "HSD REF DTP AAA MSG III"
)

func rejections(list []Rejection) []x12.Raw {
	var segs []x12.Raw
	for _, r := range list {
		segs = append(segs, x12.Seg("AAA", r.Valid, "", r.Reason, r.FollowUp))
	}
	return segs
}

func (w *writer) set(s *Set) {
	version := s.Version
	if version == "" {
		version = Version
	}
	w.BeginSet(string(s.Kind), s.Control, version, true)
	w.Segs(x12.Seg("BHT", "0022", s.Purpose, s.Reference, x12.FormatDate(s.Date), s.Time, s.Type))
	w.Segs(w.Kept("header", s.Other)...)
	for _, src := range s.Sources {
		source := w.Level(0, "20", len(src.Receivers) > 0)
		w.Segs(rejections(src.LevelRejections)...)
		w.Segs(walk.PartySegments(src.Party, partyOrder)...)
		w.Segs(rejections(src.Rejections)...)
		w.Segs(w.Kept("2100A", src.Other)...)
		for _, r := range src.Receivers {
			receiver := w.Level(source, "21", len(r.Subscribers) > 0)
			segs := walk.PartySegments(r.Party, partyOrder)
			w.Segs(segs[0])
			w.Segs(walk.Order("REF N2 N3 N4 PER AAA PRV", append(segs[1:], rejections(r.Rejections)...)...)...)
			w.Segs(w.Kept("2100B", r.Other)...)
			for i := range r.Subscribers {
				sub := &r.Subscribers[i]
				subscriber := w.Level(receiver, "22", len(sub.Dependents) > 0)
				w.member("2100C", &sub.Member)
				for j := range sub.Dependents {
					w.Level(subscriber, "23", false)
					w.member("2100D", &sub.Dependents[j])
				}
			}
		}
	}
	w.EndSet()
}

func procedure(p *x12.Procedure) []string {
	if p == nil {
		return nil
	}
	return walk.ProcedureComponents(*p)
}

func (w *writer) member(loop string, m *Member) {
	for _, t := range m.Traces {
		w.Segs(x12.Seg("TRN", t.Type, t.Number, t.Originator, t.More))
	}
	segs := walk.PartySegments(m.Person, partyOrder)
	w.Segs(segs[0])
	rest := append(segs[1:], rejections(m.Rejections)...)
	if m.Self != "" || m.Relation != "" {
		rest = append(rest, x12.Seg("INS", m.Self, m.Relation))
	}
	rest = append(rest, walk.DatedSegments(m.Dates)...)
	w.Segs(walk.Order(memberOrder, append(rest, w.Kept(loop, m.Other)...)...)...)
	for _, q := range m.Inquiries {
		w.Segs(x12.Seg("EQ").Repeated(q.ServiceTypes...).Composite(procedure(q.Procedure)...).Add(q.Level, "").Composite(walk.Numbers(q.Pointers)...))
		w.Segs(walk.Order(inquiryOrder, append(append(walk.RefSegments(q.Refs), walk.DatedSegments(q.Dates)...), w.Kept("2110", q.Other)...)...)...)
	}
	for _, b := range m.Benefits {
		w.benefit(&b)
	}
}

func (w *writer) benefit(b *Benefit) {
	w.Segs(x12.Seg("EB", b.Info, b.Level).Repeated(b.ServiceTypes...).Add(b.InsuranceType, b.Plan, b.Period, walk.MaybeMoney(b.Cents), walk.MaybeFraction(b.Fraction),
		b.QuantityQualifier, walk.MaybeQuantity(b.Quantity), b.Authorization, b.InNetwork).Composite(procedure(b.Procedure)...).Composite(walk.Numbers(b.Pointers)...))
	segs := append(walk.RefSegments(b.Refs), walk.DatedSegments(b.Dates)...)
	segs = append(segs, rejections(b.Rejections)...)
	for _, m := range b.Messages {
		segs = append(segs, x12.Seg("MSG", m))
	}
	w.Segs(walk.Order(benefitOrder, append(segs, w.Kept("2110", b.Other)...)...)...)
	if len(b.Entities) > 0 {
		w.Segs(x12.Seg("LS", "2120"))
		for _, e := range b.Entities {
			w.Segs(walk.PartySegments(e, "N2 N3 N4 PER PRV REF")...)
		}
		w.Segs(x12.Seg("LE", "2120"))
	}
}
