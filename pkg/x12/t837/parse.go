package t837

import (
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/walk"
)

// Parse reads a set. A set of another kind gives nil and one error that names the kind. Otherwise it gives all that can be read, and what is
// wrong with the rest; the rules that hold between values are Check's.
func Parse(set *x12.Set) (*Set, x12.Diagnostics) {
	p := &parser{walk.New(set)}
	if !p.Kind(x12.K837P) {
		return nil, p.Found
	}
	s := p.set()
	return s, p.Done()
}

type parser struct{ *walk.Cursor }

var describing = []string{"N2", "N3", "N4", "DMG", "PRV", "REF", "PER"}

func (p *parser) set() *Set {
	st := p.Cursor.Set
	s := &Set{Control: st.Control, Version: st.Version, Source: st.Source}
	p.Loop = "header"
	if p.Is("BHT") {
		b := p.Next()
		p.NeedCode(b, 1, "0019")
		s.Purpose, s.Reference, s.Date, s.Time = p.NeedCode(b, 2, "00", "18"), p.Need(b, 3), p.Date(b, 4), p.Time(b, 5)
		s.Type = p.NeedCode(b, 6, "CH", "RP", "31")
		p.Need(b, 4)
		p.Only(b, 6)
	} else {
		p.Missing(x12.SegmentRequired, "header", "BHT", "an 837 begins with BHT")
	}
	for p.More() && !p.Is("HL") {
		switch {
		case p.Is("NM1", "41"):
			p.Loop = "1000A"
			s.Submitter = p.party()
		case p.Is("NM1", "40"):
			p.Loop = "1000B"
			s.Receiver = p.party()
		case p.Is("REF"):
			s.Other = append(s.Other, p.Next().Raw())
		default:
			s.Other = append(s.Other, p.Unexpected("before the first HL"))
		}
	}
	if s.Submitter.Role == "" {
		p.Missing(x12.LoopRequired, "1000A", "NM1", "the submitter, NM1*41, is missing")
	}
	if s.Receiver.Role == "" {
		p.Missing(x12.LoopRequired, "1000B", "NM1", "the receiver, NM1*40, is missing")
	}
	p.levelsIn(s)
	if len(s.Providers) == 0 {
		p.Missing(x12.LoopRequired, "2000A", "HL", "a billing provider, HL with HL03 20, is missing")
	}
	return s
}

var parents = map[string]string{"20": "", "22": "20", "23": "22"}

// levelsIn reads the tree of HLs. A level in the wrong place is reported and read where it can be.
func (p *parser) levelsIn(s *Set) {
	for p.More() {
		if !p.Is("HL") {
			s.Other = append(s.Other, p.Unexpected("a level begins with HL"))
			continue
		}
		p.Loop = map[string]string{"20": "2000A", "22": "2000B", "23": "2000C"}[p.Peek().At(3)]
		switch hl := p.Level(parents); hl.At(3) {
		case "20":
			s.Providers = append(s.Providers, BillingProvider{Source: hl.Source})
			p.billing(&s.Providers[len(s.Providers)-1])
		case "22":
			b := last(s.Providers)
			if b == nil {
				p.Lost(hl, "a subscriber stands before any billing provider")
				continue
			}
			b.Subscribers = append(b.Subscribers, Subscriber{Source: hl.Source})
			p.subscriber(last(b.Subscribers))
			b.Source = b.Source.To(p.Last().Source)
		case "23":
			b := last(s.Providers)
			if b == nil || last(b.Subscribers) == nil {
				p.Lost(hl, "a patient stands before any subscriber")
				continue
			}
			sub := last(b.Subscribers)
			sub.Patients = append(sub.Patients, Patient{Source: hl.Source})
			p.patient(last(sub.Patients))
			sub.Source = sub.Source.To(p.Last().Source)
			b.Source = b.Source.To(p.Last().Source)
		default:
			p.Lost(hl, "HL03 must be 20, 22 or 23")
		}
	}
}

func last[T any](list []T) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[len(list)-1]
}

func (p *parser) party() x12.Party {
	party := p.Name()
	p.Describe(&party, describing...)
	return party
}

func (p *parser) billing(b *BillingProvider) {
	var prv *x12.Party
	for p.More() && !p.Is("HL") {
		switch {
		case p.Is("PRV"):
			holder := x12.Party{}
			p.Describe(&holder, "PRV")
			prv = &holder
		case p.Is("NM1", "85"):
			p.Loop = "2010AA"
			b.Party = p.party()
		case p.Is("NM1", "87"):
			p.Loop = "2010AB"
			party := p.party()
			b.PayToAddress = &party
		case p.Is("NM1", "PE"):
			p.Loop = "2010AC"
			party := p.party()
			b.PayToPlan = &party
		case p.Is("CUR"):
			b.Other = append(b.Other, p.Next().Raw())
		default:
			b.Other = append(b.Other, p.Unexpected("billing provider"))
		}
	}
	if prv != nil {
		b.Party.ProviderCode, b.Party.Taxonomy = prv.ProviderCode, prv.Taxonomy
		b.Other = append(b.Other, prv.Other...)
	}
	b.Source = b.Source.To(p.Last().Source)
	if b.Party.Role == "" {
		p.Missing(x12.LoopRequired, "2010AA", "NM1", "the billing provider's name, NM1*85, is missing")
	}
}

func (p *parser) insured(seg x12.Segment) Insured {
	p.Only(seg, 9)
	for e := 6; e <= 8; e++ {
		if seg.At(e) != "" {
			p.At(x12.ElementUnread, seg, e, "SBR%02d isn't used in claims: it stays in the file only", e)
		}
	}
	return Insured{
		Sequence: p.NeedCode(seg, 1, "P", "S", "T", "A", "B", "C", "D", "E", "F", "G", "H", "U"),
		Relation: seg.At(2), Group: seg.At(3), GroupName: seg.At(4), MedicareType: seg.At(5), Filing: seg.At(9),
	}
}

// condition takes what a PAT says beside the relation; nil when it says nothing.
func (p *parser) condition(seg x12.Segment) *Condition {
	c := Condition{Pounds: p.Quantity(seg, 8), Pregnant: p.Code(seg, 9, "Y")}
	for e := 2; e <= 4; e++ {
		if seg.At(e) != "" {
			p.At(x12.ElementUnread, seg, e, "PAT%02d isn't used in claims: it stays in the file only", e)
		}
	}
	if seg.At(6) != "" && p.NeedCode(seg, 5, "D8") == "D8" {
		c.Death = p.Date(seg, 6)
	}
	if seg.At(8) != "" {
		p.NeedCode(seg, 7, "01")
	}
	if c == (Condition{}) {
		return nil
	}
	return &c
}

func (p *parser) subscriber(s *Subscriber) {
	seen := false
	for p.More() && !p.Is("HL") {
		switch {
		case p.Is("SBR"):
			p.Loop = "2000B"
			s.Insured, seen = p.insured(p.Next()), true
		case p.Is("PAT"):
			pat := p.Next()
			if s.Condition = p.condition(pat); s.Condition == nil || pat.At(1) != "" {
				p.At(x12.ElementUnread, pat, 1, "a subscriber's PAT says death, weight or pregnancy only")
			}
		case p.Is("NM1", "IL"):
			p.Loop = "2010BA"
			s.Person = p.party()
		case p.Is("NM1", "PR"):
			p.Loop = "2010BB"
			s.Payer = p.party()
		case p.Is("CLM"):
			p.Loop = "2300"
			s.Claims = append(s.Claims, p.claim())
		default:
			s.Other = append(s.Other, p.Unexpected("subscriber"))
		}
	}
	s.Source = s.Source.To(p.Last().Source)
	if !seen {
		p.Missing(x12.SegmentRequired, "2000B", "SBR", "a subscriber needs an SBR")
	}
	if s.Person.Role == "" {
		p.Missing(x12.LoopRequired, "2010BA", "NM1", "the subscriber's name, NM1*IL, is missing")
	}
	if s.Payer.Role == "" {
		p.Missing(x12.LoopRequired, "2010BB", "NM1", "the payer, NM1*PR, is missing")
	}
}

func (p *parser) patient(t *Patient) {
	seen := false
	for p.More() && !p.Is("HL") {
		switch {
		case p.Is("PAT"):
			pat := p.Next()
			t.Relation, t.Condition, seen = p.Need(pat, 1), p.condition(pat), true
		case p.Is("NM1", "QC"):
			p.Loop = "2010CA"
			t.Person = p.party()
		case p.Is("CLM"):
			p.Loop = "2300"
			t.Claims = append(t.Claims, p.claim())
		default:
			t.Other = append(t.Other, p.Unexpected("patient"))
		}
	}
	t.Source = t.Source.To(p.Last().Source)
	if !seen {
		p.Missing(x12.SegmentRequired, "2000C", "PAT", "a patient needs a PAT")
	}
	if t.Person.Role == "" {
		p.Missing(x12.LoopRequired, "2010CA", "NM1", "the patient's name, NM1*QC, is missing")
	}
}

// claimOther and lineOther are the segments of 2300 and 2400 that stay as they are.
var (
	claimOther = map[string]bool{"CL1": true, "PWK": true, "CN1": true, "K3": true, "CR1": true, "CR2": true, "CRC": true, "HCP": true}
	lineOther  = map[string]bool{"SV5": true, "PWK": true, "CR1": true, "CR3": true, "CRC": true, "QTY": true, "MEA": true, "CN1": true, "K3": true, "PS1": true, "HCP": true, "CR2": true}
)

func (p *parser) claim() Claim {
	clm := p.Next()
	c := Claim{Number: p.Need(clm, 1), Charge: p.Cents(clm, 2), Segment: clm.Ordinal, Source: clm.Source}
	if p.Composite(clm, 5, 1) {
		parts := append(clm.Components(5), "", "", "")
		c.PlaceOfService, c.FacilityQualifier, c.Frequency = parts[0], parts[1], parts[2]
		if len(clm.Components(5)) < 3 {
			p.Composite(clm, 5, 3)
		}
	}
	c.SignatureOnFile = p.Code(clm, 6, "Y", "N")
	c.Assignment = p.Code(clm, 7, "A", "B", "C")
	c.BenefitsAssigned = p.Code(clm, 8, "Y", "N", "W")
	c.Release = p.Code(clm, 9, "Y", "I")
	c.PatientSignature = p.Code(clm, 10, "P")
	if clm.At(11) != "" {
		parts := append(clm.Components(11), make([]string, 5)...)
		a := Accident{State: parts[3], Country: parts[4]}
		for _, cause := range parts[:3] {
			if cause != "" {
				a.Causes = append(a.Causes, cause)
			}
		}
		c.Accident = &a
	}
	c.SpecialProgram, c.DelayReason = clm.At(12), clm.At(20)
	for _, e := range []int{3, 4, 13, 14, 15, 16, 17, 18, 19} {
		if clm.At(e) != "" {
			p.At(x12.ElementUnread, clm, e, "CLM%02d isn't used in professional claims: it stays in the file only", e)
		}
	}
	p.Only(clm, 20)

	for p.More() && !p.Is("HL") && !p.Is("CLM") {
		p.Loop = "2300"
		switch id := p.ID(); {
		case id == "DTP":
			seg := p.Next()
			if d, ok := p.Dates(seg); ok {
				c.Dates = append(c.Dates, x12.Dated{Qualifier: p.Need(seg, 1), Dates: d})
			} else {
				c.Other = append(c.Other, seg.Raw())
			}
		case id == "REF":
			seg := p.Next()
			switch r, ok := p.Ref(seg); {
			case !ok:
				c.Other = append(c.Other, seg.Raw())
			case r.Qualifier == "G1" && r.Description == "" && c.PriorAuthorization == "":
				c.PriorAuthorization = r.Value
			case r.Qualifier == "F8" && r.Description == "" && c.PayerClaimNumber == "":
				c.PayerClaimNumber = r.Value
			default:
				c.Refs = append(c.Refs, r)
			}
		case id == "AMT":
			c.Amounts = append(c.Amounts, p.Amount(p.Next()))
		case id == "NTE":
			c.Notes = append(c.Notes, p.note())
		case id == "HI":
			p.codes(&c)
		case id == "NM1":
			p.Loop = "2310"
			c.Providers = append(c.Providers, p.party())
		case id == "SBR":
			p.Loop = "2320"
			c.OtherPayers = append(c.OtherPayers, p.otherPayer())
		case id == "LX":
			p.Loop = "2400"
			c.Lines = append(c.Lines, p.line(len(c.Lines)+1))
		case claimOther[id]:
			c.Other = append(c.Other, p.Next().Raw())
		default:
			c.Other = append(c.Other, p.Unexpected("claim"))
		}
	}
	c.Source = c.Source.To(p.Last().Source)
	if len(c.Lines) == 0 {
		p.Missing(x12.LoopRequired, "2400", "LX", "a claim needs a line, LX with SV1")
	}
	if len(c.Lines) > 50 {
		p.Missing(x12.LoopTooOften, "2400", "LX", "a claim has at most 50 lines, this one has %d", len(c.Lines))
	}
	return c
}

func (p *parser) note() Note {
	seg := p.Next()
	p.Only(seg, 2)
	return Note{Code: seg.At(1), Text: p.Need(seg, 2)}
}

// codes reads an HI: diagnoses into the claim, other kinds as they are.
func (p *parser) codes(c *Claim) {
	seg := p.Next()
	var found []Diagnosis
	given := 0
	for e := 1; e <= seg.Len(); e++ {
		if seg.At(e) == "" {
			continue
		}
		given++
		parts := seg.Components(e)
		switch {
		case !p.Composite(seg, e, 2):
		case len(parts) == 2 && (parts[0] == "ABK" || parts[0] == "ABF" || parts[0] == "BK" || parts[0] == "BF"):
			found = append(found, Diagnosis{parts[0], parts[1]})
		}
	}
	if len(found) < given {
		c.Other = append(c.Other, seg.Raw())
		return
	}
	c.Diagnoses = append(c.Diagnoses, found...)
}

func (p *parser) otherPayer() OtherPayer {
	sbr := p.Next()
	o := OtherPayer{Insured: p.insured(sbr), Source: sbr.Source}
	inPayer := false
	for p.More() {
		p.Loop = "2320"
		switch {
		case p.Is("CAS"):
			o.Adjustments = append(o.Adjustments, p.Adjustments(p.Next())...)
		case p.Is("AMT"):
			switch a := p.Amount(p.Next()); {
			case a.Qualifier == "D" && o.Paid == nil:
				o.Paid = &a.Cents
			case a.Qualifier == "EAF" && o.PatientOwes == nil:
				o.PatientOwes = &a.Cents
			case a.Qualifier == "A8" && o.NonCovered == nil:
				o.NonCovered = &a.Cents
			default:
				o.Amounts = append(o.Amounts, a)
			}
		case p.Is("OI"):
			oi := p.Next()
			o.BenefitsAssigned, o.PatientSignature, o.Release = p.Code(oi, 3, "Y", "N", "W"), p.Code(oi, 4, "P"), p.Code(oi, 6, "Y", "I")
			for _, e := range []int{1, 2, 5} {
				if oi.At(e) != "" {
					p.At(x12.ElementUnread, oi, e, "OI%02d isn't used in claims: it stays in the file only", e)
				}
			}
		case p.Is("MOA"):
			o.Outpatient = p.Outpatient(p.Next())
		case p.Is("MIA"):
			o.Other = append(o.Other, p.Next().Raw())
		case p.Is("NM1", "IL"):
			p.Loop = "2330A"
			o.Subscriber, inPayer = p.party(), false
		case p.Is("NM1", "PR"):
			p.Loop = "2330B"
			o.Payer, inPayer = p.party(), true
			o.takeNumber()
		case p.Is("DTP", "573") && inPayer:
			p.Loop = "2330B"
			seg := p.Next()
			if d, ok := p.Dates(seg); ok {
				o.Decided = d.From
			} else {
				o.Payer.Other = append(o.Payer.Other, seg.Raw())
			}
			p.Describe(&o.Payer, "REF")
			o.takeNumber()
		case p.Is("NM1"):
			p.Loop = "2330"
			o.Providers = append(o.Providers, p.party())
			inPayer = false
		default:
			o.Source = o.Source.To(p.Last().Source)
			return o
		}
	}
	o.Source = o.Source.To(p.Last().Source)
	return o
}

// takeNumber moves the payer's claim number out of the payer's other numbers.
func (o *OtherPayer) takeNumber() {
	var rest []x12.Ref
	for _, r := range o.Payer.Refs {
		if r.Qualifier == "F8" && r.Description == "" && o.PayerClaimNumber == "" {
			o.PayerClaimNumber = r.Value
		} else {
			rest = append(rest, r)
		}
	}
	o.Payer.Refs = rest
}

func (p *parser) line(n int) Line {
	lx := p.Next()
	l := Line{Segment: lx.Ordinal, Source: lx.Source}
	if got, ok := p.Int(lx, 1, 0); ok && got != n {
		p.At(x12.ElementPattern, lx, 1, "LX01 counts the lines of the claim: %d is expected", n)
	}
	seen, dated := false, false
	for p.More() && !p.Is("HL") && !p.Is("CLM") && !p.Is("LX") {
		p.Loop = "2400"
		switch id := p.ID(); {
		case id == "SV1" && !seen:
			seen = true
			p.service(&l)
		case id == "DTP":
			seg := p.Next()
			dated = dated || seg.At(1) == "472"
			switch d, ok := p.Dates(seg); {
			case !ok:
				l.Other = append(l.Other, seg.Raw())
			case seg.At(1) == "472" && l.Service == x12.Dates{}:
				l.Service = d
			default:
				l.Dates = append(l.Dates, x12.Dated{Qualifier: p.Need(seg, 1), Dates: d})
			}
		case id == "REF":
			seg := p.Next()
			switch r, ok := p.Ref(seg); {
			case !ok:
				l.Other = append(l.Other, seg.Raw())
			case r.Qualifier == "6R" && r.Description == "" && l.Control == "":
				l.Control = r.Value
			case r.Qualifier == "G1" && r.Description == "" && l.PriorAuthorization == "":
				l.PriorAuthorization = r.Value
			default:
				l.Refs = append(l.Refs, r)
			}
		case id == "AMT":
			l.Amounts = append(l.Amounts, p.Amount(p.Next()))
		case id == "NTE":
			l.Notes = append(l.Notes, p.note())
		case id == "LIN":
			for first := true; p.Is("LIN") && first || p.Is("CTP") || p.Is("REF"); first = false {
				l.Drug = append(l.Drug, p.Next().Raw())
			}
		case id == "NM1":
			p.Loop = "2420"
			l.Providers = append(l.Providers, p.party())
		case id == "SVD":
			p.Loop = "2430"
			l.Adjudications = append(l.Adjudications, p.adjudication())
		case id == "LQ":
			for first := true; p.Is("LQ") && first || p.Is("FRM"); first = false {
				l.Forms = append(l.Forms, p.Next().Raw())
			}
		case lineOther[id]:
			l.Other = append(l.Other, p.Next().Raw())
		default:
			l.Other = append(l.Other, p.Unexpected("line"))
		}
	}
	l.Source = l.Source.To(p.Last().Source)
	if !seen {
		p.Missing(x12.SegmentRequired, "2400", "SV1", "a line needs SV1")
	}
	if !dated {
		p.Missing(x12.SegmentRequired, "2400", "DTP", "a line needs its date of service, DTP*472")
	}
	return l
}

func (p *parser) service(l *Line) {
	seg := p.Next()
	l.Procedure, l.Charge, l.Basis = p.Procedure(seg, 1), p.Cents(seg, 2), p.NeedCode(seg, 3, "UN", "MJ")
	if q := p.Quantity(seg, 4); q != nil {
		l.Units = *q
	} else if seg.At(4) == "" {
		p.Need(seg, 4)
	}
	l.PlaceOfService = seg.At(5)
	for k := range seg.Components(7) {
		if n, ok := p.Int(seg, 7, k+1); ok && n >= 1 && n <= 12 {
			l.Pointers = append(l.Pointers, n)
		} else if ok || seg.Component(7, k+1) == "" {
			d := x12.NewDiagnostic(x12.ElementPattern, seg.Source, "a pointer names a diagnosis of the claim, 1 to 12")
			p.Report(d.AtElement(seg, 7, k+1))
		}
	}
	if seg.At(7) == "" {
		p.Need(seg, 7)
	}
	l.Emergency, l.EPSDT, l.FamilyPlanning, l.CopayExempt = p.Code(seg, 9, "Y"), p.Code(seg, 11, "Y"), p.Code(seg, 12, "Y"), p.Code(seg, 15, "0")
	for _, e := range []int{6, 8, 10, 13, 14} {
		if seg.At(e) != "" {
			p.At(x12.ElementUnread, seg, e, "SV1%02d isn't used in professional claims: it stays in the file only", e)
		}
	}
	p.Only(seg, 15)
}

func (p *parser) adjudication() Adjudication {
	svd := p.Next()
	a := Adjudication{
		PayerID: p.Need(svd, 1), Paid: p.Cents(svd, 2), Procedure: p.Procedure(svd, 3), Revenue: svd.At(4), Units: p.Quantity(svd, 5),
		BundledInto: p.Number(svd, 6, 0), Source: svd.Source,
	}
	p.Only(svd, 6)
	dated := false
	for more := true; more; {
		switch {
		case p.Is("CAS"):
			a.Adjustments = append(a.Adjustments, p.Adjustments(p.Next())...)
		case p.Is("DTP", "573") && a.Decided == "":
			dated = true
			seg := p.Next()
			if d, ok := p.Dates(seg); ok {
				a.Decided = d.From
			} else {
				a.Other = append(a.Other, seg.Raw())
			}
		case p.Is("AMT", "EAF") && a.PatientOwes == nil:
			a.PatientOwes = p.MaybeCents(p.Next(), 2)
		case p.Is("AMT"):
			a.Other = append(a.Other, p.Next().Raw())
		default:
			more = false
		}
	}
	a.Source = a.Source.To(p.Last().Source)
	if !dated {
		p.Missing(x12.SegmentRequired, "2430", "DTP", "a payer's decision on a line needs its date, DTP*573")
	}
	return a
}
