package walk

import (
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Name reads an NM1.
func (c *Cursor) Name() x12.Party {
	seg := c.Next()
	c.Only(seg, 9)
	return x12.Party{
		Role: c.Need(seg, 1), Kind: c.NeedCode(seg, 2, x12.Person, x12.Organization), Name: seg.At(3), First: seg.At(4), Middle: seg.At(5), Prefix: seg.At(6),
		Suffix: seg.At(7), IDQualifier: seg.At(8), ID: seg.At(9), Source: seg.Source,
	}
}

// Organization reads an N1.
func (c *Cursor) Organization() x12.Party {
	seg := c.Next()
	c.Only(seg, 4)
	return x12.Party{Role: c.Need(seg, 1), Name: seg.At(2), IDQualifier: seg.At(3), ID: seg.At(4), Source: seg.Source}
}

// Describe reads what follows an NM1 or N1 and belongs to it, as far as ids lists it, and extends the party's range over it.
func (c *Cursor) Describe(p *x12.Party, ids ...string) {
	once := map[string]bool{}
	for c.More() && slices.Contains(ids, c.ID()) {
		seg := c.Next()
		p.Source = p.Source.To(seg.Source)
		if once[seg.ID] {
			c.At(x12.SegmentTooOften, seg, 0, "%s stands here once: kept as it is", seg.ID)
			p.Other = append(p.Other, seg.Raw())
			continue
		}
		switch seg.ID {
		case "N3":
			once["N3"] = true
			c.Only(seg, 2)
			p.Address = orNew(p.Address)
			p.Address.Line1, p.Address.Line2 = c.Need(seg, 1), seg.At(2)
		case "N4":
			once["N4"] = true
			c.Only(seg, 4)
			p.Address = orNew(p.Address)
			p.Address.City, p.Address.State, p.Address.ZIP, p.Address.Country = seg.At(1), seg.At(2), seg.At(3), seg.At(4)
		case "DMG":
			once["DMG"] = true
			c.Only(seg, 3)
			if seg.At(2) != "" {
				c.NeedCode(seg, 1, "D8")
			}
			p.Birth, p.Sex = c.Date(seg, 2), c.Code(seg, 3, "F", "M", "U")
		case "PRV":
			if seg.At(2) != "PXC" && seg.At(2) != "" || p.Taxonomy != "" {
				p.Other = append(p.Other, seg.Raw())
				break
			}
			c.Only(seg, 3)
			p.ProviderCode, p.Taxonomy = c.Need(seg, 1), seg.At(3)
		case "REF":
			if r, ok := c.Ref(seg); ok {
				p.Refs = append(p.Refs, r)
			} else {
				p.Other = append(p.Other, seg.Raw())
			}
		case "PER":
			c.Only(seg, 8)
			p.Contacts = append(p.Contacts, c.contact(seg))
		default:
			p.Other = append(p.Other, seg.Raw())
		}
	}
}

func orNew(a *x12.Address) *x12.Address {
	if a == nil {
		return &x12.Address{}
	}
	return a
}

func (c *Cursor) contact(seg x12.Segment) x12.Contact {
	k := x12.Contact{Role: c.Need(seg, 1), Name: seg.At(2)}
	for e := 3; e <= 7; e += 2 {
		if kind, number := seg.At(e), seg.At(e+1); kind != "" && number != "" { // one without the other is an error of syntax
			k.Numbers = append(k.Numbers, x12.ContactPoint{Kind: kind, Number: number})
		}
	}
	return k
}

// Ref reads a REF; false when it has more than a Ref holds.
func (c *Cursor) Ref(seg x12.Segment) (x12.Ref, bool) {
	if seg.At(4) != "" || len(seg.Components(2)) > 1 || len(seg.Repeats(2)) > 1 {
		return x12.Ref{}, false
	}
	return x12.Ref{Qualifier: c.Need(seg, 1), Value: seg.At(2), Description: seg.At(3)}, true
}

// Amount reads an AMT.
func (c *Cursor) Amount(seg x12.Segment) x12.Amount {
	c.Only(seg, 2)
	return x12.Amount{Qualifier: c.Need(seg, 1), Cents: c.Cents(seg, 2)}
}

// Adjustments reads a CAS: each of its triplets.
func (c *Cursor) Adjustments(seg x12.Segment) []x12.Adjustment {
	group := c.NeedCode(seg, 1, "CO", "PR", "OA", "PI", "CR")
	c.Only(seg, 19)
	var all []x12.Adjustment
	for e := 2; e <= 17; e += 3 {
		reason, amount, quantity := seg.At(e), seg.At(e+1), seg.At(e+2)
		if reason == "" && amount == "" && quantity == "" {
			if e == 2 {
				c.Need(seg, 2)
			}
			continue
		}
		all = append(all, x12.Adjustment{
			Group: group, Reason: c.Need(seg, e), Cents: c.Cents(seg, e+1), Quantity: c.Quantity(seg, e+2), Segment: seg.Ordinal, Source: seg.Source,
		})
	}
	return all
}

// Procedure reads the composite of a service.
func (c *Cursor) Procedure(seg x12.Segment, element int) x12.Procedure {
	c.Composite(seg, element, 2)
	parts := seg.Components(element)
	parts = append(slices.Clone(parts), make([]string, 8)...)
	p := x12.Procedure{Qualifier: parts[0], Code: parts[1], Description: parts[6], Thru: parts[7]}
	p.Modifiers = append(p.Modifiers, parts[2:6]...)
	for len(p.Modifiers) > 0 && p.Modifiers[len(p.Modifiers)-1] == "" {
		p.Modifiers = p.Modifiers[:len(p.Modifiers)-1]
	}
	if len(p.Modifiers) == 0 {
		p.Modifiers = nil
	}
	if len(seg.Components(element)) > 8 {
		c.At(x12.ElementComponents, seg, element, "%s%02d has at most 8 components", seg.ID, element)
	}
	return p
}

// Outpatient reads a MOA.
func (c *Cursor) Outpatient(seg x12.Segment) *x12.Outpatient {
	c.Only(seg, 9)
	m := &x12.Outpatient{Rate: c.Fraction(seg, 1), Payable: c.MaybeCents(seg, 2), ESRD: c.MaybeCents(seg, 8), NonPayable: c.MaybeCents(seg, 9), Source: seg.Source}
	for e := 3; e <= 7; e++ {
		if v := seg.At(e); v != "" {
			m.Remarks = append(m.Remarks, v)
		}
	}
	return m
}

// Order puts the segments of one loop into the order of its guide, given as ids with blanks between; ids it doesn't list come last. Segments of
// the same id keep their order.
func Order(ids string, segs ...x12.Raw) []x12.Raw {
	rank := strings.Fields(ids)
	place := func(s x12.Raw) int {
		if i := slices.Index(rank, s.ID); i >= 0 {
			return i
		}
		return len(rank)
	}
	slices.SortStableFunc(segs, func(a, b x12.Raw) int { return place(a) - place(b) })
	return segs
}

// PartySegments are a party as segments, in the order given; NM1 or N1 is first.
func PartySegments(p x12.Party, order string) []x12.Raw {
	head := x12.Seg("NM1", p.Role, p.Kind, p.Name, p.First, p.Middle, p.Prefix, p.Suffix, p.IDQualifier, p.ID)
	if p.Kind == "" {
		head = x12.Seg("N1", p.Role, p.Name, p.IDQualifier, p.ID)
	}
	var segs []x12.Raw
	if a := p.Address; a != nil {
		if a.Line1 != "" || a.Line2 != "" {
			segs = append(segs, x12.Seg("N3", a.Line1, a.Line2))
		}
		if a.City != "" || a.State != "" || a.ZIP != "" || a.Country != "" {
			segs = append(segs, x12.Seg("N4", a.City, a.State, a.ZIP, a.Country))
		}
	}
	switch {
	case p.Birth != "":
		segs = append(segs, x12.Seg("DMG", "D8", x12.FormatDate(p.Birth), p.Sex))
	case p.Sex != "":
		segs = append(segs, x12.Seg("DMG", "", "", p.Sex))
	}
	if p.ProviderCode != "" || p.Taxonomy != "" {
		prv := x12.Seg("PRV", p.ProviderCode)
		if p.Taxonomy != "" {
			prv = prv.Add("PXC", p.Taxonomy)
		}
		segs = append(segs, prv)
	}
	segs = append(segs, RefSegments(p.Refs)...)
	for _, k := range p.Contacts {
		per := x12.Seg("PER", k.Role, k.Name)
		for _, n := range k.Numbers {
			per = per.Add(n.Kind, n.Number)
		}
		segs = append(segs, per)
	}
	return append([]x12.Raw{head}, Order(order, append(segs, p.Other...)...)...)
}

// DatesSegment is a DTP: D8 for a day, RD8 for a range.
func DatesSegment(qualifier string, d x12.Dates) x12.Raw {
	if d.Thru == "" || d.From == d.Thru {
		return x12.Seg("DTP", qualifier, "D8", x12.FormatDate(d.From))
	}
	return x12.Seg("DTP", qualifier, "RD8", x12.FormatDate(d.From)+"-"+x12.FormatDate(d.Thru))
}

// AdjustmentSegments are triplets as CAS: neighbours of the same group share one, up to six.
func AdjustmentSegments(adjustments []x12.Adjustment) []x12.Raw {
	var segs []x12.Raw
	for i, a := range adjustments {
		if n := len(segs); n == 0 || adjustments[i-1].Group != a.Group || len(segs[n-1].Elements) > 16 {
			segs = append(segs, x12.Seg("CAS", a.Group))
		}
		last := &segs[len(segs)-1]
		*last = last.Add(a.Reason, x12.Money(a.Cents), MaybeQuantity(a.Quantity))
	}
	return segs
}

// MaybeMoney and its like write what may be absent.
func MaybeMoney(cents *int64) string {
	if cents == nil {
		return ""
	}
	return x12.Money(*cents)
}

func MaybeQuantity(thousandths *int64) string {
	if thousandths == nil {
		return ""
	}
	return x12.Quantity(*thousandths)
}

func MaybeFraction(millionths *int64) string {
	if millionths == nil {
		return ""
	}
	return x12.FormatDecimal(*millionths, x12.FractionDecimals)
}

// ProcedureComponents are a service as the components of its composite.
func ProcedureComponents(p x12.Procedure) []string {
	parts := append([]string{p.Qualifier, p.Code}, p.Modifiers...)
	for len(parts) < 6 {
		parts = append(parts, "")
	}
	return append(parts, p.Description, p.Thru)
}

// OutpatientSegment is a MOA.
func OutpatientSegment(m *x12.Outpatient) x12.Raw {
	remarks := append(slices.Clone(m.Remarks), make([]string, 5)...)[:5]
	return x12.Seg("MOA", MaybeFraction(m.Rate), MaybeMoney(m.Payable)).Add(remarks...).Add(MaybeMoney(m.ESRD), MaybeMoney(m.NonPayable))
}
