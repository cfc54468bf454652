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
	w := &writer{Writer: walk.NewWriter(env, "BHT", "HL", "SBR", "CLM", "LX", "SV1", "SVD", "NM1")}
	for _, s := range sets {
		w.set(s)
	}
	data, found, err := w.Close()
	if err != nil {
		return nil, fmt.Errorf("write 837P: %w", err)
	}
	again, err := walk.ReadBack(data, func(set *x12.Set) x12.Diagnostics { _, found := Parse(set); return found })
	if err != nil {
		return nil, fmt.Errorf("write 837P: %w", err)
	}
	return &Written{Bytes: data, Claims: w.claims, Notes: append(found, again...)}, nil
}

type writer struct {
	*walk.Writer
	control string
	claims  []Range
}

const (
	partyOrder = "N2 N3 N4 DMG PRV REF PER"
	claimOrder = "DTP CL1 PWK CN1 AMT REF K3 NTE CR1 CR2 CRC HI HCP"
	lineOrder  = "SV1 SV5 PWK CR1 CR2 CR3 CRC DTP QTY MEA CN1 REF AMT K3 NTE PS1 HCP"
)

func (w *writer) set(s *Set) {
	version := s.Version
	if version == "" {
		version = Version
	}
	if x12.KindOf("837", version) != x12.K837P {
		w.Problem(x12.WrongKind, "", "ST", 3, "the version must be one of 837P, such as %s", Version)
	}
	w.control = w.BeginSet("837", s.Control, version, true)
	w.Segs(x12.Seg("BHT", "0019", s.Purpose, s.Reference, x12.FormatDate(s.Date), s.Time, s.Type))
	w.Segs(w.Kept("header", s.Other)...)
	w.Segs(walk.PartySegments(s.Submitter, partyOrder)...)
	w.Segs(walk.PartySegments(s.Receiver, partyOrder)...)
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
	hl := w.Level(0, "20", len(b.Subscribers) > 0)
	party := b.Party
	if party.Taxonomy != "" {
		code := party.ProviderCode
		if code == "" {
			code = "BI"
		}
		w.Segs(x12.Seg("PRV", code, "PXC", party.Taxonomy))
	}
	party.ProviderCode, party.Taxonomy = "", ""
	w.Segs(walk.Order("PRV CUR", w.Kept("2000A", b.Other)...)...)
	w.Segs(walk.PartySegments(party, partyOrder)...)
	for _, p := range []*x12.Party{b.PayToAddress, b.PayToPlan} {
		if p != nil {
			w.Segs(walk.PartySegments(*p, partyOrder)...)
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
	hl := w.Level(parent, "22", len(s.Patients) > 0)
	w.Segs(insuredSegment(s.Insured))
	if s.Condition != nil {
		w.Segs(conditionSegment("", s.Condition))
	}
	w.Segs(w.Kept("2000B", s.Other)...)
	w.Segs(walk.PartySegments(s.Person, partyOrder)...)
	w.Segs(walk.PartySegments(s.Payer, partyOrder)...)
	for i := range s.Claims {
		w.claim(&s.Claims[i])
	}
	for i := range s.Patients {
		p := &s.Patients[i]
		w.Level(hl, "23", false)
		w.Segs(conditionSegment(p.Relation, p.Condition))
		w.Segs(w.Kept("2000C", p.Other)...)
		w.Segs(walk.PartySegments(p.Person, partyOrder)...)
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
	w.Segs(clm.Add(c.SpecialProgram, "", "", "", "", "", "", "", c.DelayReason))

	var segs []x12.Raw
	segs = append(segs, walk.DatedSegments(c.Dates)...)
	segs = append(segs, walk.AmountSegments(c.Amounts)...)
	segs = append(segs, walk.OneRef("G1", c.PriorAuthorization)...)
	segs = append(segs, walk.OneRef("F8", c.PayerClaimNumber)...)
	segs = append(segs, walk.RefSegments(c.Refs)...)
	segs = append(segs, notes(c.Notes)...)
	if len(c.Diagnoses) > 0 {
		hi := x12.Seg("HI")
		for _, d := range c.Diagnoses {
			hi = hi.Composite(d.Qualifier, d.Code)
		}
		segs = append(segs, hi)
	}
	w.Segs(walk.Order(claimOrder, append(segs, w.Kept("2300", c.Other)...)...)...)
	for _, p := range c.Providers {
		w.Segs(walk.PartySegments(p, partyOrder)...)
	}
	for i := range c.OtherPayers {
		w.otherPayer(&c.OtherPayers[i])
	}
	for i := range c.Lines {
		w.line(i+1, &c.Lines[i])
	}
	w.claims = append(w.claims, Range{Set: w.control, Number: c.Number, Claim: w.Since(start)})
}

func notes(list []Note) []x12.Raw {
	var segs []x12.Raw
	for _, n := range list {
		segs = append(segs, x12.Seg("NTE", n.Code, n.Text))
	}
	return segs
}

func (w *writer) otherPayer(o *OtherPayer) {
	w.Segs(insuredSegment(o.Insured))
	w.Segs(walk.AdjustmentSegments(o.Adjustments)...)
	w.Segs(walk.OneAmount("D", o.Paid)...)
	w.Segs(walk.OneAmount("EAF", o.PatientOwes)...)
	w.Segs(walk.OneAmount("A8", o.NonCovered)...)
	w.Segs(walk.AmountSegments(o.Amounts)...)
	if o.BenefitsAssigned != "" || o.PatientSignature != "" || o.Release != "" {
		w.Segs(x12.Seg("OI", "", "", o.BenefitsAssigned, o.PatientSignature, "", o.Release))
	}
	w.Segs(w.Kept("2320", o.Other)...)
	if o.Outpatient != nil {
		w.Segs(walk.OutpatientSegment(o.Outpatient))
	}
	if o.Subscriber.Role != "" {
		w.Segs(walk.PartySegments(o.Subscriber, partyOrder)...)
	}
	if o.Payer.Role != "" {
		payer := o.Payer
		if o.PayerClaimNumber != "" {
			payer.Refs = append([]x12.Ref{{Qualifier: "F8", Value: o.PayerClaimNumber}}, payer.Refs...)
		}
		if o.Decided != "" {
			payer.Other = append(walk.OneDay("573", o.Decided), payer.Other...)
		}
		w.Segs(walk.PartySegments(payer, "N2 N3 N4 DTP REF PER")...)
	}
	for _, p := range o.Providers {
		w.Segs(walk.PartySegments(p, partyOrder)...)
	}
}

func (w *writer) line(n int, l *Line) {
	w.Segs(x12.Seg("LX", fmt.Sprint(n)))
	segs := []x12.Raw{
		x12.Seg("SV1").Composite(walk.ProcedureComponents(l.Procedure)...).
			Add(x12.Money(l.Charge), l.Basis, x12.Quantity(l.Units), l.PlaceOfService, "").Composite(walk.Numbers(l.Pointers)...).
			Add("", l.Emergency, "", l.EPSDT, l.FamilyPlanning, "", "", l.CopayExempt),
	}
	if l.Service.From != "" {
		segs = append(segs, walk.DatesSegment("472", l.Service))
	}
	segs = append(segs, walk.DatedSegments(l.Dates)...)
	segs = append(segs, walk.OneRef("6R", l.Control)...)
	segs = append(segs, walk.OneRef("G1", l.PriorAuthorization)...)
	segs = append(segs, walk.RefSegments(l.Refs)...)
	segs = append(segs, walk.AmountSegments(l.Amounts)...)
	segs = append(segs, notes(l.Notes)...)
	w.Segs(walk.Order(lineOrder, append(segs, w.Kept("2400", l.Other)...)...)...)
	w.Segs(w.Kept("2410", l.Drug)...)
	for _, p := range l.Providers {
		w.Segs(walk.PartySegments(p, partyOrder)...)
	}
	for _, a := range l.Adjudications {
		w.Segs(x12.Seg("SVD", a.PayerID, x12.Money(a.Paid)).Composite(walk.ProcedureComponents(a.Procedure)...).
			Add(a.Revenue, walk.MaybeQuantity(a.Units), walk.Positive(a.BundledInto)))
		w.Segs(walk.AdjustmentSegments(a.Adjustments)...)
		w.Segs(walk.OneDay("573", a.Decided)...)
		w.Segs(walk.OneAmount("EAF", a.PatientOwes)...)
		w.Segs(w.Kept("2430", a.Other)...)
	}
	w.Segs(w.Kept("2440", l.Forms)...)
}
