package t835

import (
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/walk"
)

// Parse reads a set. A set of another kind gives nil and one error that names the kind. Otherwise it gives all that can be read, and what is
// wrong with the rest; whether the amounts add up is Balance's.
func Parse(set *x12.Set) (*Set, x12.Diagnostics) {
	p := &parser{walk.New(set)}
	if !p.Kind(x12.K835) {
		return nil, p.Found
	}
	s := p.set()
	return s, p.Done()
}

type parser struct{ *walk.Cursor }

func (p *parser) set() *Set {
	s := &Set{Control: p.Cursor.Set.Control, Version: p.Cursor.Set.Version, Source: p.Cursor.Set.Source}
	p.Loop = "header"
	if p.Is("BPR") {
		p.payment(&s.Payment)
	} else {
		p.Missing(x12.SegmentRequired, "header", "BPR", "an 835 begins with BPR, the payment")
	}
	if p.Is("TRN") {
		trn := p.Next()
		s.Payment.TraceType, s.Payment.Trace, s.Payment.TraceOriginator, s.Payment.TraceMore = p.NeedCode(trn, 1, "1"), p.Need(trn, 2), p.Need(trn, 3), trn.At(4)
		p.Only(trn, 4)
	} else {
		p.Missing(x12.SegmentRequired, "header", "TRN", "TRN, the number of the payment, is missing")
	}
	for p.More() && !p.Is("LX") && !p.Is("CLP") && !p.Is("PLB") {
		p.Loop = "header"
		switch {
		case p.Is("REF"):
			seg := p.Next()
			switch r, ok := p.Ref(seg); {
			case !ok:
				s.Other = append(s.Other, seg.Raw())
			case r.Qualifier == "EV" && r.Description == "" && s.ReceiverID == "":
				s.ReceiverID = r.Value
			default:
				s.Refs = append(s.Refs, r)
			}
		case p.Is("DTM", "405") && s.Production == "":
			seg := p.Next()
			s.Production = p.Date(seg, 2)
		case p.Is("CUR"):
			s.Other = append(s.Other, p.Next().Raw())
		case p.Is("N1", "PR"):
			p.Loop = "1000A"
			s.Payer = p.Organization()
			p.Describe(&s.Payer, "N2", "N3", "N4", "REF", "PER")
		case p.Is("N1", "PE"):
			p.Loop = "1000B"
			s.Payee = p.Organization()
			p.Describe(&s.Payee, "N2", "N3", "N4", "REF", "RDM", "PER")
		default:
			s.Other = append(s.Other, p.Unexpected("before the first claim"))
		}
	}
	if s.Payer.Role == "" {
		p.Missing(x12.LoopRequired, "1000A", "N1", "the payer, N1*PR, is missing")
	} else if !hasContact(s.Payer, "BL") {
		p.Missing(x12.GuideAdvice, "1000A", "PER", "the payer names nobody for technical questions, PER*BL")
	}
	if s.Payee.Role == "" {
		p.Missing(x12.LoopRequired, "1000B", "N1", "the payee, N1*PE, is missing")
	}
	p.claims(s)
	for p.More() {
		p.Loop = "footer"
		switch {
		case p.Is("PLB"):
			s.ProviderAdjustments = append(s.ProviderAdjustments, p.providerAdjustments()...)
		case p.Is("LX") || p.Is("CLP"):
			p.At(x12.SegmentUnexpected, p.Peek(), 0, "claims stand before PLB: read as if they did")
			p.claims(s)
		default:
			s.Other = append(s.Other, p.Unexpected("behind the claims"))
		}
	}
	return s
}

func hasContact(p x12.Party, role string) bool {
	for _, c := range p.Contacts {
		if c.Role == role {
			return true
		}
	}
	return false
}

func (p *parser) payment(m *Payment) {
	b := p.Next()
	m.Segment, m.Source = b.Ordinal, b.Source
	m.Handling, m.Amount, m.Credit = p.NeedCode(b, 1, "C", "D", "H", "I", "P", "U", "X"), p.Cents(b, 2), p.NeedCode(b, 3, "C", "D")
	m.Method, m.Format = p.NeedCode(b, 4, "ACH", "BOP", "CHK", "FWT", "NON"), p.Code(b, 5, "CCP", "CTX")
	m.From, m.Originator, m.OriginatorMore, m.To = account(b, 6), b.At(10), b.At(11), account(b, 12)
	if b.At(16) != "" {
		m.Effective = p.Date(b, 16)
		p.Only(b, 16)
		return
	}
	// Senders who leave out an empty element write the day one too early.
	if day, ok := x12.ParseDate(b.At(15)); ok && b.At(12) == "" && b.At(13) == "" && b.At(14) == "" {
		p.At(x12.ElementMisplaced, b, 15, "the day of the payment stands in BPR15, one element before its place: read from there")
		m.Effective, m.To = day, nil
		return
	}
	p.Need(b, 16)
}

func account(b x12.Segment, e int) *Account {
	a := Account{b.At(e), b.At(e + 1), b.At(e + 2), b.At(e + 3)}
	if a == (Account{}) {
		return nil
	}
	return &a
}

func (p *parser) claims(s *Set) {
	for p.More() && !p.Is("PLB") {
		p.Loop = "2000"
		switch {
		case p.Is("LX"):
			lx := p.Next()
			s.Batches = append(s.Batches, Batch{Number: p.Need(lx, 1), Source: lx.Source})
		case p.Is("CLP"):
			if len(s.Batches) == 0 {
				p.At(x12.SegmentRequired, p.Peek(), 0, "a claim stands before any LX")
				s.Batches = append(s.Batches, Batch{Source: p.Peek().Source})
			}
			b := &s.Batches[len(s.Batches)-1]
			b.Claims = append(b.Claims, p.claim())
			b.Source = b.Source.To(p.Last().Source)
		case len(s.Batches) == 0:
			s.Other = append(s.Other, p.Unexpected("before the first claim"))
		case p.Is("TS3"), p.Is("TS2"):
			b := &s.Batches[len(s.Batches)-1]
			b.Totals = append(b.Totals, p.Next().Raw())
			b.Source = b.Source.To(p.Last().Source)
		default:
			b := &s.Batches[len(s.Batches)-1]
			b.Other = append(b.Other, p.Unexpected("batch of claims"))
		}
	}
}

// endsClaim says that the next segment belongs to no claim.
func (p *parser) endsClaim() bool { return !p.More() || p.Is("CLP") || p.Is("LX") || p.Is("PLB") }

func (p *parser) claim() Claim {
	clp := p.Next()
	p.Loop = "2100"
	c := Claim{
		Number: p.Need(clp, 1), Status: p.NeedCode(clp, 2, Primary, Secondary, Tertiary, Denied, PrimaryForwarded, SecondaryForwarded, TertiaryForwarded, Reversal, ForwardedOnly, Predetermination),
		Charge: p.Cents(clp, 3), Paid: p.Cents(clp, 4), PatientResponsibility: p.MaybeCents(clp, 5), Filing: clp.At(6), PayerClaimNumber: clp.At(7),
		Facility: clp.At(8), Frequency: clp.At(9), DRG: clp.At(11), Weight: p.Quantity(clp, 12), DischargeFraction: p.Fraction(clp, 13),
		Segment: clp.Ordinal, CLP: clp.Source, Source: clp.Source,
	}
	if clp.At(10) != "" {
		p.At(x12.ElementUnread, clp, 10, "CLP10 isn't used in payments: it stays in the file only")
	}
	p.Only(clp, 13)
	for !p.endsClaim() {
		p.Loop = "2100"
		switch p.ID() {
		case "CAS":
			c.Adjustments = append(c.Adjustments, p.Adjustments(p.Next())...)
		case "NM1":
			c.Names = append(c.Names, p.Name())
		case "MIA":
			seg := p.Next()
			c.Inpatient = append(c.Inpatient, seg.Raw())
			for _, e := range []int{5, 20, 21, 22, 23} {
				if v := seg.At(e); v != "" {
					c.InpatientRemarks = append(c.InpatientRemarks, v)
				}
			}
		case "MOA":
			c.Outpatient = p.Outpatient(p.Next())
		case "REF":
			seg := p.Next()
			if r, ok := p.Ref(seg); ok {
				c.Refs = append(c.Refs, r)
			} else {
				c.Other = append(c.Other, seg.Raw())
			}
		case "DTM":
			p.date(&c.Dates, &c.Other)
		case "PER":
			holder := x12.Party{}
			p.Describe(&holder, "PER")
			c.Contacts = append(c.Contacts, holder.Contacts...)
		case "AMT":
			c.Amounts = append(c.Amounts, p.Amount(p.Next()))
		case "QTY":
			p.quantity(&c.Quantities, &c.Other)
		case "SVC":
			c.Lines = append(c.Lines, p.line())
		default:
			c.Other = append(c.Other, p.Unexpected("claim"))
		}
	}
	c.Source = c.Source.To(p.Last().Source)
	return c
}

func (p *parser) date(dates *[]Date, other *[]x12.Raw) {
	seg := p.Next()
	if day := p.Date(seg, 2); day != "" && seg.At(3) == "" && seg.Len() <= 2 {
		*dates = append(*dates, Date{p.Need(seg, 1), day})
		return
	}
	if seg.At(2) == "" {
		p.Need(seg, 2)
	}
	*other = append(*other, seg.Raw())
}

func (p *parser) quantity(quantities *[]Quantity, other *[]x12.Raw) {
	seg := p.Next()
	if q := p.Quantity(seg, 2); q != nil && seg.Len() <= 2 {
		*quantities = append(*quantities, Quantity{p.Need(seg, 1), *q})
		return
	}
	*other = append(*other, seg.Raw())
}

func (p *parser) line() Line {
	svc := p.Next()
	p.Loop = "2110"
	l := Line{
		Procedure: p.Procedure(svc, 1), Charge: p.Cents(svc, 2), Revenue: svc.At(4), Units: p.Quantity(svc, 5), BilledUnits: p.Quantity(svc, 7),
		Segment: svc.Ordinal, SVC: svc.Source, Source: svc.Source,
	}
	if paid := p.MaybeCents(svc, 3); paid != nil {
		l.Paid = *paid
	}
	if svc.At(6) != "" {
		original := p.Procedure(svc, 6)
		l.Original = &original
	}
	p.Only(svc, 7)
	for !p.endsClaim() && !p.Is("SVC") {
		switch p.ID() {
		case "DTM":
			p.date(&l.Dates, &l.Other)
		case "CAS":
			l.Adjustments = append(l.Adjustments, p.Adjustments(p.Next())...)
		case "REF":
			seg := p.Next()
			switch r, ok := p.Ref(seg); {
			case !ok:
				l.Other = append(l.Other, seg.Raw())
			case r.Qualifier == "6R" && r.Description == "" && l.Control == "":
				l.Control = r.Value
			default:
				l.Refs = append(l.Refs, r)
			}
		case "AMT":
			l.Amounts = append(l.Amounts, p.Amount(p.Next()))
		case "QTY":
			p.quantity(&l.Quantities, &l.Other)
		case "LQ":
			seg := p.Next()
			p.Only(seg, 2)
			l.Remarks = append(l.Remarks, Remark{p.Need(seg, 1), p.Need(seg, 2)})
		default:
			l.Other = append(l.Other, p.Unexpected("line"))
		}
	}
	l.Source = l.Source.To(p.Last().Source)
	return l
}

func (p *parser) providerAdjustments() []ProviderAdjustment {
	seg := p.Next()
	id, end := p.Need(seg, 1), p.Date(seg, 2)
	p.Only(seg, 14)
	var all []ProviderAdjustment
	for e := 3; e <= 13; e += 2 {
		if seg.At(e) == "" && seg.At(e+1) == "" {
			continue
		}
		p.Composite(seg, e, 1)
		parts := append(seg.Components(e), "", "")
		all = append(all, ProviderAdjustment{id, end, parts[0], parts[1], p.Cents(seg, e+1), seg.Ordinal, seg.Source})
	}
	return all
}
