package t27x

import (
	"fmt"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/walk"
)

// Write makes one interchange of sets that are all questions or all answers. The error is *x12.Invalid, inside, with all problems; notes are what
// was cleaned.
func Write(env x12.Envelope, sets ...*Set) (data []byte, notes x12.Diagnostics, err error) {
	w := &writer{Writer: x12.NewWriter(env)}
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
	file, found := x12.Read(data)
	for _, set := range file.Sets() {
		_, more := Parse(set)
		found = append(found, more...)
	}
	if err := found.Err(); err != nil {
		return nil, notes, fmt.Errorf("write eligibility: %w", err)
	}
	return data, append(notes, found...), nil
}

type writer struct {
	*x12.Writer
	hl int
}

const (
	partyOrder   = "REF N2 N3 N4 PER PRV DMG"
	memberOrder  = "REF N3 N4 PER AAA PRV DMG INS HI DTP MPI"
	inquiryOrder = "AMT III REF DTP"
	benefitOrder = "HSD REF DTP AAA MSG III"
)

func (w *writer) put(segs ...x12.Raw) {
	for _, s := range segs {
		w.Put(s)
	}
}

// other keeps segments that make the structure from hiding among those kept as they were.
func (w *writer) other(loop string, segs []x12.Raw) []x12.Raw {
	var fit []x12.Raw
	for _, s := range segs {
		switch s.ID {
		case "ISA", "IEA", "GS", "GE", "ST", "SE", "HL", "NM1", "EQ", "EB", "LS", "LE":
			w.Problem(x12.SegmentUnexpected, loop, s.ID, 0, "%s makes the structure of the set and can't be written as another segment of loop %s", s.ID, loop)
		default:
			fit = append(fit, s)
		}
	}
	return fit
}

func (w *writer) level(parent int, code string, children bool) int {
	w.hl++
	up, child := "", "0"
	if parent > 0 {
		up = fmt.Sprint(parent)
	}
	if children {
		child = "1"
	}
	w.put(x12.Seg("HL", fmt.Sprint(w.hl), up, code, child))
	return w.hl
}

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
	w.hl = 0
	w.BeginSet(string(s.Kind), s.Control, version, true)
	w.put(x12.Seg("BHT", "0022", s.Purpose, s.Reference, x12.FormatDate(s.Date), s.Time, s.Type))
	w.put(w.other("header", s.Other)...)
	for _, src := range s.Sources {
		source := w.level(0, "20", len(src.Receivers) > 0)
		w.put(rejections(src.LevelRejections)...)
		w.put(walk.PartySegments(src.Party, partyOrder)...)
		w.put(rejections(src.Rejections)...)
		w.put(w.other("2100A", src.Other)...)
		for _, r := range src.Receivers {
			receiver := w.level(source, "21", len(r.Subscribers) > 0)
			segs := walk.PartySegments(r.Party, partyOrder)
			w.put(segs[0])
			w.put(walk.Order("REF N2 N3 N4 PER AAA PRV", append(segs[1:], rejections(r.Rejections)...)...)...)
			w.put(w.other("2100B", r.Other)...)
			for i := range r.Subscribers {
				sub := &r.Subscribers[i]
				subscriber := w.level(receiver, "22", len(sub.Dependents) > 0)
				w.member("2100C", &sub.Member)
				for j := range sub.Dependents {
					w.level(subscriber, "23", false)
					w.member("2100D", &sub.Dependents[j])
				}
			}
		}
	}
	w.EndSet()
}

func dates(list []x12.Dated) []x12.Raw {
	var segs []x12.Raw
	for _, d := range list {
		segs = append(segs, walk.DatesSegment(d.Qualifier, d.Dates))
	}
	return segs
}

func refs(list []x12.Ref) []x12.Raw {
	var segs []x12.Raw
	for _, r := range list {
		segs = append(segs, walk.RefSegment(r))
	}
	return segs
}

func pointers(list []int) []string {
	var all []string
	for _, n := range list {
		all = append(all, fmt.Sprint(n))
	}
	return all
}

func procedure(p *x12.Procedure) []string {
	if p == nil {
		return nil
	}
	return walk.ProcedureComponents(*p)
}

func (w *writer) member(loop string, m *Member) {
	for _, t := range m.Traces {
		w.put(x12.Seg("TRN", t.Type, t.Number, t.Originator, t.More))
	}
	segs := walk.PartySegments(m.Person, partyOrder)
	w.put(segs[0])
	rest := append(segs[1:], rejections(m.Rejections)...)
	if m.Self != "" || m.Relation != "" {
		rest = append(rest, x12.Seg("INS", m.Self, m.Relation))
	}
	rest = append(rest, dates(m.Dates)...)
	w.put(walk.Order(memberOrder, append(rest, w.other(loop, m.Other)...)...)...)
	for _, q := range m.Inquiries {
		w.put(x12.Seg("EQ").Repeated(q.ServiceTypes...).Composite(procedure(q.Procedure)...).Add(q.Level, "").Composite(pointers(q.Pointers)...))
		w.put(walk.Order(inquiryOrder, append(append(refs(q.Refs), dates(q.Dates)...), w.other("2110", q.Other)...)...)...)
	}
	for _, b := range m.Benefits {
		w.benefit(&b)
	}
}

func (w *writer) benefit(b *Benefit) {
	w.put(x12.Seg("EB", b.Info, b.Level).Repeated(b.ServiceTypes...).Add(b.InsuranceType, b.Plan, b.Period, walk.MaybeMoney(b.Cents), walk.MaybeFraction(b.Fraction),
		b.QuantityQualifier, walk.MaybeQuantity(b.Quantity), b.Authorization, b.InNetwork).Composite(procedure(b.Procedure)...).Composite(pointers(b.Pointers)...))
	segs := append(refs(b.Refs), dates(b.Dates)...)
	segs = append(segs, rejections(b.Rejections)...)
	for _, m := range b.Messages {
		segs = append(segs, x12.Seg("MSG", m))
	}
	w.put(walk.Order(benefitOrder, append(segs, w.other("2110", b.Other)...)...)...)
	if len(b.Entities) > 0 {
		w.put(x12.Seg("LS", "2120"))
		for _, e := range b.Entities {
			w.put(walk.PartySegments(e, "N2 N3 N4 PER PRV REF")...)
		}
		w.put(x12.Seg("LE", "2120"))
	}
}
