package t837

import (
	"fmt"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/walk"
)

// Written is an interchange of claims as it may be sent.
type Written struct {
	Bytes  []byte
	Claims []Range         // in the order of the sets
	Notes  x12.Diagnostics // warnings: what was cleaned, what deserves a look
}

// Range says where a claim stands in the bytes.
type Range struct {
	Set        string     // ST02
	Number     string     // CLM01
	Claim      x12.Source // CLM to the end of its last line
	Subscriber x12.Source // the whole 2000B with all its patients and claims: everything that is about these people
}

// Write makes one interchange. It writes nothing when a set breaks a rule of Check, a line has no number of its own, or the bytes would not read
// as 837P; the error is *x12.Invalid, inside, with all problems.
func Write(env x12.Envelope, sets ...*Set) (*Written, error) {
	w := &writer{Writer: x12.NewWriter(env)}
	for _, s := range sets {
		w.set(s)
	}
	data, found, err := w.Close()
	if err != nil {
		return nil, fmt.Errorf("write 837P: %w", err)
	}
	file, again := x12.Read(data)
	for _, set := range file.Sets() {
		_, more := Parse(set)
		again = append(again, more...)
	}
	if err := again.Err(); err != nil {
		return nil, fmt.Errorf("write 837P: %w", err)
	}
	return &Written{Bytes: data, Claims: w.claims, Notes: append(found, again...)}, nil
}

type writer struct {
	*x12.Writer
	hl      int
	control string
	claims  []Range
}

const (
	partyOrder = "N2 N3 N4 DMG PRV REF PER"
	claimOrder = "DTP CL1 PWK CN1 AMT REF K3 NTE CR1 CR2 CRC HI HCP"
	lineOrder  = "SV1 SV5 PWK CR1 CR2 CR3 CRC DTP QTY MEA CN1 REF AMT K3 NTE PS1 HCP"
)

func (w *writer) put(segs ...x12.Raw) {
	for _, s := range segs {
		w.Put(s)
	}
}

// other puts the segments kept as they were; those that make the structure must not hide among them.
func (w *writer) other(loop string, segs []x12.Raw) []x12.Raw {
	var fit []x12.Raw
	for _, s := range segs {
		switch s.ID {
		case "ISA", "IEA", "GS", "GE", "ST", "SE", "HL", "CLM", "LX", "SBR":
			w.Problem(x12.SegmentUnexpected, loop, s.ID, 0, "%s makes the structure of a claim and can't be written as another segment of loop %s", s.ID, loop)
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

func (w *writer) set(s *Set) {
	version := s.Version
	if version == "" {
		version = Version
	}
	if x12.KindOf("837", version) != x12.K837P {
		w.Problem(x12.WrongKind, "", "ST", 3, "the version must be one of 837P, such as %s", Version)
	}
	w.hl = 0
	w.control = w.BeginSet("837", s.Control, version, true)
	w.put(x12.Seg("BHT", "0019", s.Purpose, s.Reference, x12.FormatDate(s.Date), s.Time, s.Type))
	w.put(w.other("header", s.Other)...)
	w.put(walk.PartySegments(s.Submitter, partyOrder)...)
	w.put(walk.PartySegments(s.Receiver, partyOrder)...)
	for i := range s.Providers {
		w.billing(&s.Providers[i])
	}
	w.EndSet()
	w.Add(Check(s))
	for _, p := range s.Claims() {
		for i, l := range p.Claim.Lines {
			if l.Control == "" {
				d := x12.NewDiagnostic(x12.GuideRule, x12.Source{}, "line %d needs a number of its own (REF*6R), by which its payment is found", i+1)
				d.Rule, d.Loop, d.SegmentID = "837p.line_number", "2400", "REF"
				w.Add(x12.Diagnostics{d})
			}
		}
	}
}

func (w *writer) billing(b *BillingProvider) {
	hl := w.level(0, "20", len(b.Subscribers) > 0)
	party := b.Party
	if party.Taxonomy != "" {
		code := party.ProviderCode
		if code == "" {
			code = "BI"
		}
		w.put(x12.Seg("PRV", code, "PXC", party.Taxonomy))
	}
	party.ProviderCode, party.Taxonomy = "", ""
	w.put(walk.Order("PRV CUR", w.other("2000A", b.Other)...)...)
	w.put(walk.PartySegments(party, partyOrder)...)
	for _, p := range []*x12.Party{b.PayToAddress, b.PayToPlan} {
		if p != nil {
			w.put(walk.PartySegments(*p, partyOrder)...)
		}
	}
	for i := range b.Subscribers {
		w.subscriber(hl, &b.Subscribers[i])
	}
}

func insuredSegment(i Insured) x12.Raw {
	return x12.Seg("SBR", i.Sequence, i.Relation, i.Group, i.GroupName, i.MedicareType, "", "", "", i.Filing)
}

func conditionSegment(relation string, c *Condition) x12.Raw {
	pat := x12.Seg("PAT", relation, "", "", "")
	if c == nil {
		return pat
	}
	format, unit := "", ""
	if c.Death != "" {
		format = "D8"
	}
	if c.Pounds != nil {
		unit = "01"
	}
	return pat.Add(format, x12.FormatDate(c.Death), unit, walk.MaybeQuantity(c.Pounds), c.Pregnant)
}

func (w *writer) subscriber(parent int, s *Subscriber) {
	start, first := w.Offset(), len(w.claims)
	hl := w.level(parent, "22", len(s.Patients) > 0)
	w.put(insuredSegment(s.Insured))
	if s.Condition != nil {
		w.put(conditionSegment("", s.Condition))
	}
	w.put(w.other("2000B", s.Other)...)
	w.put(walk.PartySegments(s.Person, partyOrder)...)
	w.put(walk.PartySegments(s.Payer, partyOrder)...)
	for i := range s.Claims {
		w.claim(&s.Claims[i])
	}
	for i := range s.Patients {
		p := &s.Patients[i]
		w.level(hl, "23", false)
		w.put(conditionSegment(p.Relation, p.Condition))
		w.put(w.other("2000C", p.Other)...)
		w.put(walk.PartySegments(p.Person, partyOrder)...)
		for j := range p.Claims {
			w.claim(&p.Claims[j])
		}
	}
	for i := range w.claims[first:] {
		w.claims[first+i].Subscriber = w.Since(start)
	}
}

func (w *writer) claim(c *Claim) {
	start := w.Offset()
	clm := x12.Seg("CLM", c.Number, x12.Money(c.Charge), "", "").Composite(c.PlaceOfService, c.FacilityQualifier, c.Frequency).
		Add(c.SignatureOnFile, c.Assignment, c.BenefitsAssigned, c.Release, c.PatientSignature)
	if a := c.Accident; a != nil {
		causes := append(append([]string{}, a.Causes...), "", "", "")[:3]
		clm = clm.Composite(append(causes, a.State, a.Country)...)
	} else {
		clm = clm.Add("")
	}
	w.put(clm.Add(c.SpecialProgram, "", "", "", "", "", "", "", c.DelayReason))

	var segs []x12.Raw
	for _, d := range c.Dates {
		segs = append(segs, walk.DatesSegment(d.Qualifier, d.Dates))
	}
	segs = append(segs, amounts(c.Amounts)...)
	segs = append(segs, numbers(x12.Ref{Qualifier: "G1", Value: c.PriorAuthorization}, x12.Ref{Qualifier: "F8", Value: c.PayerClaimNumber})...)
	segs = append(segs, numbers(c.Refs...)...)
	segs = append(segs, notes(c.Notes)...)
	if len(c.Diagnoses) > 0 {
		hi := x12.Seg("HI")
		for _, d := range c.Diagnoses {
			hi = hi.Composite(d.Qualifier, d.Code)
		}
		segs = append(segs, hi)
	}
	w.put(walk.Order(claimOrder, append(segs, w.other("2300", c.Other)...)...)...)
	for _, p := range c.Providers {
		w.put(walk.PartySegments(p, partyOrder)...)
	}
	for i := range c.OtherPayers {
		w.otherPayer(&c.OtherPayers[i])
	}
	for i := range c.Lines {
		w.line(i+1, &c.Lines[i])
	}
	w.claims = append(w.claims, Range{Set: w.control, Number: c.Number, Claim: w.Since(start)})
}

// numbers are the REFs of those that have a value.
func numbers(refs ...x12.Ref) []x12.Raw {
	var segs []x12.Raw
	for _, r := range refs {
		if r.Value != "" || r.Description != "" {
			segs = append(segs, walk.RefSegment(r))
		}
	}
	return segs
}

func amounts(list []x12.Amount) []x12.Raw {
	var segs []x12.Raw
	for _, a := range list {
		segs = append(segs, x12.Seg("AMT", a.Qualifier, x12.Money(a.Cents)))
	}
	return segs
}

func maybeAmount(qualifier string, cents *int64) []x12.Raw {
	if cents == nil {
		return nil
	}
	return amounts([]x12.Amount{{Qualifier: qualifier, Cents: *cents}})
}

func notes(list []Note) []x12.Raw {
	var segs []x12.Raw
	for _, n := range list {
		segs = append(segs, x12.Seg("NTE", n.Code, n.Text))
	}
	return segs
}

func (w *writer) otherPayer(o *OtherPayer) {
	w.put(insuredSegment(o.Insured))
	w.put(walk.AdjustmentSegments(o.Adjustments)...)
	w.put(maybeAmount("D", o.Paid)...)
	w.put(maybeAmount("EAF", o.PatientOwes)...)
	w.put(maybeAmount("A8", o.NonCovered)...)
	w.put(amounts(o.Amounts)...)
	if o.BenefitsAssigned != "" || o.PatientSignature != "" || o.Release != "" {
		w.put(x12.Seg("OI", "", "", o.BenefitsAssigned, o.PatientSignature, "", o.Release))
	}
	w.put(w.other("2320", o.Other)...)
	if o.Outpatient != nil {
		w.put(walk.OutpatientSegment(o.Outpatient))
	}
	if o.Subscriber.Role != "" {
		w.put(walk.PartySegments(o.Subscriber, partyOrder)...)
	}
	if o.Payer.Role != "" {
		payer := o.Payer
		if o.PayerClaimNumber != "" {
			payer.Refs = append([]x12.Ref{{Qualifier: "F8", Value: o.PayerClaimNumber}}, payer.Refs...)
		}
		if o.Decided != "" {
			payer.Other = append([]x12.Raw{walk.DatesSegment("573", x12.Dates{From: o.Decided})}, payer.Other...)
		}
		w.put(walk.PartySegments(payer, "N2 N3 N4 DTP REF PER")...)
	}
	for _, p := range o.Providers {
		w.put(walk.PartySegments(p, partyOrder)...)
	}
}

func (w *writer) line(n int, l *Line) {
	pointers := make([]string, len(l.Pointers))
	for i, p := range l.Pointers {
		pointers[i] = fmt.Sprint(p)
	}
	w.put(x12.Seg("LX", fmt.Sprint(n)))
	segs := []x12.Raw{
		x12.Seg("SV1").Composite(walk.ProcedureComponents(l.Procedure)...).
			Add(x12.Money(l.Charge), l.Basis, x12.Quantity(l.Units), l.PlaceOfService, "").Composite(pointers...).
			Add("", l.Emergency, "", l.EPSDT, l.FamilyPlanning, "", "", l.CopayExempt),
	}
	if l.Service.From != "" {
		segs = append(segs, walk.DatesSegment("472", l.Service))
	}
	for _, d := range l.Dates {
		segs = append(segs, walk.DatesSegment(d.Qualifier, d.Dates))
	}
	segs = append(segs, numbers(x12.Ref{Qualifier: "6R", Value: l.Control}, x12.Ref{Qualifier: "G1", Value: l.PriorAuthorization})...)
	segs = append(segs, numbers(l.Refs...)...)
	segs = append(segs, amounts(l.Amounts)...)
	segs = append(segs, notes(l.Notes)...)
	w.put(walk.Order(lineOrder, append(segs, w.other("2400", l.Other)...)...)...)
	w.put(w.other("2410", l.Drug)...)
	for _, p := range l.Providers {
		w.put(walk.PartySegments(p, partyOrder)...)
	}
	for _, a := range l.Adjudications {
		bundled := ""
		if a.BundledInto > 0 {
			bundled = fmt.Sprint(a.BundledInto)
		}
		w.put(x12.Seg("SVD", a.PayerID, x12.Money(a.Paid)).Composite(walk.ProcedureComponents(a.Procedure)...).
			Add(a.Revenue, walk.MaybeQuantity(a.Units), bundled))
		w.put(walk.AdjustmentSegments(a.Adjustments)...)
		if a.Decided != "" {
			w.put(walk.DatesSegment("573", x12.Dates{From: a.Decided}))
		}
		w.put(maybeAmount("EAF", a.PatientOwes)...)
		w.put(w.other("2430", a.Other)...)
	}
	w.put(w.other("2440", l.Forms)...)
}
