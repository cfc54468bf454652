package t27x

import (
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/walk"
)

// Parse reads a 270 or a 271. A set of another kind gives nil and one error that names the kind.
func Parse(set *x12.Set) (*Set, x12.Diagnostics) {
	p := &parser{walk.New(set)}
	want := x12.K271
	if set.Kind == x12.K270 {
		want = x12.K270
	}
	if !p.Kind(want) {
		return nil, p.Found
	}
	s := p.set(want)
	return s, p.Done()
}

type parser struct{ *walk.Cursor }

func (p *parser) set(kind x12.Kind) *Set {
	st := p.Cursor.Set
	s := &Set{Kind: kind, Control: st.Control, Version: st.Version, Source: st.Source}
	p.Loop = "header"
	if p.Is("BHT") {
		b := p.Next()
		p.NeedCode(b, 1, "0022")
		if kind == x12.K270 {
			s.Purpose = p.NeedCode(b, 2, "13", "01")
		} else {
			s.Purpose = p.NeedCode(b, 2, "11", "06")
		}
		s.Reference, s.Date, s.Time, s.Type = b.At(3), p.Date(b, 4), p.Time(b, 5), b.At(6)
		p.Need(b, 4)
		p.Only(b, 6)
	} else {
		p.Missing(x12.SegmentRequired, "header", "BHT", "a 270 and a 271 begin with BHT")
	}
	for p.More() {
		if !p.Is("HL") {
			s.Other = append(s.Other, p.Unexpected("a level begins with HL"))
			continue
		}
		p.level(s)
	}
	if len(s.Sources) == 0 {
		p.Missing(x12.LoopRequired, "2000A", "HL", "the payer, HL with HL03 20, is missing")
	}
	return s
}

func last[T any](list []T) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[len(list)-1]
}

var (
	parents = map[string]string{"20": "", "21": "20", "22": "21", "23": "22"}
	loops   = map[string][2]string{"20": {"2000A", "2100A"}, "21": {"2000B", "2100B"}, "22": {"2000C", "2100C"}, "23": {"2000D", "2100D"}}
)

func (p *parser) level(s *Set) {
	p.Loop = loops[p.Peek().At(3)][0]
	hl := p.Level(parents)
	kind := hl.At(3)
	src := last(s.Sources)
	var rcv *InformationReceiver
	if src != nil {
		rcv = last(src.Receivers)
	}
	var sub *Subscriber
	if rcv != nil {
		sub = last(rcv.Subscribers)
	}
	switch {
	case kind == "20":
		s.Sources = append(s.Sources, InformationSource{})
		p.source(last(s.Sources))
	case kind == "21" && src != nil:
		src.Receivers = append(src.Receivers, InformationReceiver{})
		p.receiver(last(src.Receivers))
	case kind == "22" && rcv != nil:
		rcv.Subscribers = append(rcv.Subscribers, Subscriber{})
		p.member(&last(rcv.Subscribers).Member, hl, kind)
	case kind == "23" && sub != nil:
		sub.Dependents = append(sub.Dependents, Member{})
		p.member(last(sub.Dependents), hl, kind)
	default:
		p.Lost(hl, "HL03 must be 20, 21, 22 or 23, each under the one before")
	}
}

var describing = []string{"REF", "N2", "N3", "N4", "PER", "PRV", "DMG"}

func (p *parser) source(src *InformationSource) {
	for p.More() && !p.Is("HL") {
		switch {
		case p.Is("AAA") && src.Party.Role == "":
			src.LevelRejections = append(src.LevelRejections, p.rejection())
		case p.Is("AAA"):
			src.Rejections = append(src.Rejections, p.rejection())
		case p.Is("NM1") && src.Party.Role == "":
			p.Loop = "2100A"
			src.Party = p.Name()
			p.Describe(&src.Party, describing...)
		default:
			src.Other = append(src.Other, p.Unexpected("payer"))
		}
	}
	if src.Party.Role == "" {
		p.Missing(x12.LoopRequired, "2100A", "NM1", "the payer's name, NM1, is missing")
	}
}

func (p *parser) receiver(r *InformationReceiver) {
	for p.More() && !p.Is("HL") {
		switch {
		case p.Is("AAA"):
			r.Rejections = append(r.Rejections, p.rejection())
			p.Describe(&r.Party, "PRV")
		case p.Is("NM1") && r.Party.Role == "":
			p.Loop = "2100B"
			r.Party = p.Name()
			p.Describe(&r.Party, describing...)
		default:
			r.Other = append(r.Other, p.Unexpected("provider"))
		}
	}
	if r.Party.Role == "" {
		p.Missing(x12.LoopRequired, "2100B", "NM1", "the provider's name, NM1, is missing")
	}
}

func (p *parser) rejection() Rejection {
	seg := p.Next()
	p.Only(seg, 4)
	if seg.At(2) != "" {
		p.At(x12.ElementUnread, seg, 2, "AAA02 isn't used: it stays in the file only")
	}
	return Rejection{p.NeedCode(seg, 1, "Y", "N"), p.Need(seg, 3), seg.At(4), seg.Ordinal, seg.Source}
}

func (p *parser) member(m *Member, hl x12.Segment, kind string) {
	m.Segment, m.Source = hl.Ordinal, hl.Source
	loop := loops[kind][1]
	for p.More() && !p.Is("HL") {
		p.Loop = loop
		switch {
		case p.Is("TRN"):
			seg := p.Next()
			m.Traces = append(m.Traces, Trace{p.NeedCode(seg, 1, "1", "2"), p.Need(seg, 2), seg.At(3), seg.At(4)})
			p.Only(seg, 4)
		case p.Is("NM1") && m.Person.Role == "":
			m.Person = p.Name()
			p.Describe(&m.Person, describing...)
		case p.Is("AAA"):
			m.Rejections = append(m.Rejections, p.rejection())
		case p.Is("REF"), p.Is("N3"), p.Is("N4"), p.Is("PER"), p.Is("PRV"), p.Is("DMG"): // behind AAA
			p.Describe(&m.Person, describing...)
		case p.Is("INS"):
			p.insured(m)
		case p.Is("DTP"):
			p.dates(&m.Dates, &m.Other)
		case p.Is("HI"), p.Is("MPI"):
			m.Other = append(m.Other, p.Next().Raw())
		case p.Is("EQ"):
			p.Loop = "2110"
			m.Inquiries = append(m.Inquiries, p.inquiry())
		case p.Is("EB"):
			p.Loop = "2110"
			m.Benefits = append(m.Benefits, p.benefit())
		default:
			m.Other = append(m.Other, p.Unexpected("member"))
		}
	}
	m.Source = m.Source.To(p.Last().Source)
	if m.Person.Role == "" {
		p.Missing(x12.LoopRequired, loop, "NM1", "the member's name, NM1, is missing")
	}
}

// insured takes the relation of an INS; one that says more stays whole.
func (p *parser) insured(m *Member) {
	seg := p.Next()
	self, relation := p.NeedCode(seg, 1, "Y", "N"), p.Need(seg, 2)
	for e := 3; e <= seg.Len(); e++ {
		if seg.At(e) != "" {
			m.Other = append(m.Other, seg.Raw())
			return
		}
	}
	m.Self, m.Relation = self, relation
}

func (p *parser) dates(dates *[]x12.Dated, other *[]x12.Raw) {
	seg := p.Next()
	if d, ok := p.Dates(seg); ok {
		*dates = append(*dates, x12.Dated{Qualifier: p.Need(seg, 1), Dates: d})
		return
	}
	*other = append(*other, seg.Raw())
}

func (p *parser) refs(refs *[]x12.Ref, other *[]x12.Raw) {
	seg := p.Next()
	if r, ok := p.Ref(seg); ok {
		*refs = append(*refs, r)
		return
	}
	*other = append(*other, seg.Raw())
}

func (p *parser) pointers(seg x12.Segment, element int) []int {
	var all []int
	for k := range seg.Components(element) {
		if n, ok := p.Int(seg, element, k+1); ok {
			all = append(all, n)
		}
	}
	return all
}

func (p *parser) inquiry() Inquiry {
	eq := p.Next()
	q := Inquiry{ServiceTypes: eq.Repeats(1), Level: eq.At(3), Pointers: p.pointers(eq, 5)}
	if eq.At(2) != "" {
		proc := p.Procedure(eq, 2)
		q.Procedure = &proc
	}
	if eq.At(1) == "" && eq.At(2) == "" {
		p.At(x12.ElementPair, eq, 1, "an inquiry names a service type, EQ01, or a procedure, EQ02")
	}
	if eq.At(4) != "" {
		p.At(x12.ElementUnread, eq, 4, "EQ04 isn't used: it stays in the file only")
	}
	p.Only(eq, 5)
	for {
		switch {
		case p.Is("AMT"), p.Is("III"):
			q.Other = append(q.Other, p.Next().Raw())
		case p.Is("REF"):
			p.refs(&q.Refs, &q.Other)
		case p.Is("DTP"):
			p.dates(&q.Dates, &q.Other)
		default:
			return q
		}
	}
}

func (p *parser) benefit() Benefit {
	eb := p.Next()
	b := Benefit{
		Info: p.Need(eb, 1), Level: eb.At(2), ServiceTypes: eb.Repeats(3), InsuranceType: eb.At(4), Plan: eb.At(5), Period: eb.At(6),
		Cents: p.MaybeCents(eb, 7), Fraction: p.Fraction(eb, 8), QuantityQualifier: eb.At(9), Quantity: p.Quantity(eb, 10),
		Authorization: p.Code(eb, 11, "Y", "N", "U"), InNetwork: p.Code(eb, 12, "Y", "N", "W", "U"), Pointers: p.pointers(eb, 14),
		Segment: eb.Ordinal, Source: eb.Source,
	}
	if eb.At(13) != "" {
		proc := p.Procedure(eb, 13)
		b.Procedure = &proc
	}
	p.Only(eb, 14)
	for more := true; more; {
		switch {
		case p.Is("HSD"), p.Is("III"):
			b.Other = append(b.Other, p.Next().Raw())
		case p.Is("REF"):
			p.refs(&b.Refs, &b.Other)
		case p.Is("DTP"):
			p.dates(&b.Dates, &b.Other)
		case p.Is("AAA"):
			b.Rejections = append(b.Rejections, p.rejection())
		case p.Is("MSG"):
			seg := p.Next()
			b.Messages = append(b.Messages, p.Need(seg, 1))
			p.Only(seg, 1)
		case p.Is("LS"):
			p.entities(&b)
		default:
			more = false
		}
	}
	b.Source = b.Source.To(p.Last().Source)
	return b
}

// entities reads what stands between LS and LE.
func (p *parser) entities(b *Benefit) {
	ls := p.Next()
	p.Loop = "2120"
	for p.Is("NM1") {
		e := p.Name()
		p.Describe(&e, "N2", "N3", "N4", "PER", "PRV", "REF")
		b.Entities = append(b.Entities, e)
	}
	if p.Is("LE") {
		p.Next()
	} else {
		p.At(x12.SegmentRequired, ls, 0, "LS opens a loop that no LE closes")
	}
	p.Loop = "2110"
}
