package t835

import (
	"fmt"
	"slices"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/walk"
)

// Written is an interchange of payments as it may be sent.
type Written struct {
	Bytes  []byte
	Claims []Range         // in the order of the sets
	Notes  x12.Diagnostics // warnings
}

// Range says where a claim stands in the bytes.
type Range struct {
	Set    string // ST02
	Number string // CLP01
	Claim  x12.Source
}

// Write makes one interchange. It writes nothing when a set is out of balance or would not read as an 835; the error is *x12.Invalid, inside,
// with all problems.
func Write(env x12.Envelope, sets ...*Set) (*Written, error) {
	w := &writer{Writer: walk.NewWriter(env, "BPR", "TRN", "N1", "LX", "CLP", "SVC", "PLB")}
	for _, s := range sets {
		w.set(s)
	}
	data, found, err := w.Close()
	if err != nil {
		return nil, fmt.Errorf("write 835: %w", err)
	}
	again, err := walk.ReadBack(data, func(set *x12.Set) x12.Diagnostics { _, found := Parse(set); return found })
	if err != nil {
		return nil, fmt.Errorf("write 835: %w", err)
	}
	return &Written{Bytes: data, Claims: w.claims, Notes: append(found, again...)}, nil
}

type writer struct {
	*walk.Writer
	control string
	claims  []Range
}

const (
	partyOrder = "N2 N3 N4 REF RDM PER"
	headOrder  = "CUR REF DTM"
	claimOrder = "CAS NM1 MIA MOA REF DTM PER AMT QTY"
	lineOrder  = "DTM CAS REF AMT QTY LQ"
)

func (w *writer) set(s *Set) {
	version := s.Version
	if version == "" {
		version = Version
	}
	w.control = w.BeginSet("835", s.Control, version, false)
	m := s.Payment
	w.Segs(x12.Seg("BPR", m.Handling, x12.Money(m.Amount), m.Credit, m.Method, m.Format).Add(accountElements(m.From)...).
		Add(m.Originator, m.OriginatorMore).Add(accountElements(m.To)...).Add(x12.FormatDate(m.Effective)))
	w.Segs(x12.Seg("TRN", m.TraceType, m.Trace, m.TraceOriginator, m.TraceMore))
	head := append(walk.OneRef("EV", s.ReceiverID), walk.RefSegments(s.Refs)...)
	if s.Production != "" {
		head = append(head, x12.Seg("DTM", "405", x12.FormatDate(s.Production)))
	}
	w.Segs(walk.Order(headOrder, append(head, w.Kept("header", s.Other)...)...)...)
	w.Segs(walk.PartySegments(s.Payer, partyOrder)...)
	w.Segs(walk.PartySegments(s.Payee, partyOrder)...)
	for _, b := range s.Batches {
		w.Segs(x12.Seg("LX", b.Number))
		w.Segs(w.Kept("2000", b.Totals)...)
		w.Segs(w.Kept("2000", b.Other)...)
		for i := range b.Claims {
			w.claim(&b.Claims[i])
		}
	}
	w.providerAdjustments(s.ProviderAdjustments)
	w.EndSet()
	w.Add(Check(s))
}

func accountElements(a *Account) []string {
	if a == nil {
		return []string{"", "", "", ""}
	}
	return []string{a.BankQualifier, a.Bank, a.Kind, a.Number}
}

func dates(list []Date) []x12.Raw {
	var segs []x12.Raw
	for _, d := range list {
		segs = append(segs, x12.Seg("DTM", d.Qualifier, x12.FormatDate(d.Day)))
	}
	return segs
}

func quantities(list []Quantity) []x12.Raw {
	var segs []x12.Raw
	for _, q := range list {
		segs = append(segs, x12.Seg("QTY", q.Qualifier, x12.Quantity(q.Value)))
	}
	return segs
}

func (w *writer) claim(c *Claim) {
	start := w.Offset()
	w.Segs(x12.Seg("CLP", c.Number, c.Status, x12.Money(c.Charge), x12.Money(c.Paid), walk.MaybeMoney(c.PatientResponsibility), c.Filing, c.PayerClaimNumber,
		c.Facility, c.Frequency, "", c.DRG, walk.MaybeQuantity(c.Weight), walk.MaybeFraction(c.DischargeFraction)))
	segs := walk.AdjustmentSegments(c.Adjustments)
	for _, n := range c.Names {
		segs = append(segs, walk.PartySegments(n, partyOrder)[0])
	}
	segs = append(segs, c.Inpatient...)
	if c.Outpatient != nil {
		segs = append(segs, walk.OutpatientSegment(c.Outpatient))
	}
	segs = append(segs, walk.RefSegments(c.Refs)...)
	segs = append(segs, dates(c.Dates)...)
	segs = append(segs, walk.PartySegments(x12.Party{Contacts: c.Contacts}, partyOrder)[1:]...)
	segs = append(segs, walk.AmountSegments(c.Amounts)...)
	segs = append(segs, quantities(c.Quantities)...)
	w.Segs(walk.Order(claimOrder, append(segs, w.Kept("2100", c.Other)...)...)...)
	for i := range c.Lines {
		w.line(&c.Lines[i])
	}
	w.claims = append(w.claims, Range{w.control, c.Number, w.Since(start)})
}

func (w *writer) line(l *Line) {
	svc := x12.Seg("SVC").Composite(walk.ProcedureComponents(l.Procedure)...).Add(x12.Money(l.Charge), x12.Money(l.Paid), l.Revenue, walk.MaybeQuantity(l.Units))
	if l.Original != nil {
		svc = svc.Composite(walk.ProcedureComponents(*l.Original)...)
	} else {
		svc = svc.Add("")
	}
	w.Segs(svc.Add(walk.MaybeQuantity(l.BilledUnits)))
	segs := append(dates(l.Dates), walk.AdjustmentSegments(l.Adjustments)...)
	segs = append(segs, walk.OneRef("6R", l.Control)...)
	segs = append(segs, walk.RefSegments(l.Refs)...)
	segs = append(segs, walk.AmountSegments(l.Amounts)...)
	segs = append(segs, quantities(l.Quantities)...)
	for _, r := range l.Remarks {
		segs = append(segs, x12.Seg("LQ", r.List, r.Code))
	}
	w.Segs(walk.Order(lineOrder, append(segs, w.Kept("2110", l.Other)...)...)...)
}

// providerAdjustments share a PLB while provider and year are the same, up to six.
func (w *writer) providerAdjustments(list []ProviderAdjustment) {
	same := func(a, b ProviderAdjustment) bool { return a.ProviderID == b.ProviderID && a.YearEnd == b.YearEnd }
	for len(list) > 0 {
		n := slices.IndexFunc(list, func(a ProviderAdjustment) bool { return !same(a, list[0]) })
		if n < 0 {
			n = len(list)
		}
		n = min(n, 6)
		plb := x12.Seg("PLB", list[0].ProviderID, x12.FormatDate(list[0].YearEnd))
		for _, a := range list[:n] {
			plb = plb.Composite(a.Reason, a.Reference).Add(x12.Money(a.Cents))
		}
		w.Segs(plb)
		list = list[n:]
	}
}
