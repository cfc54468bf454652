// Package walk is what the typed views of pkg/x12 share: a cursor over the segments of one set, readers of fields that report what is wrong
// with them, and the way back from parts to segments.
//
// Promise: a segment that a cursor steps over is either read into typed fields, kept as x12.Raw, or reported; a reader never panics on what a
// file holds. The golden files and fuzz targets of t837, t835, t27x and ack prove it.
package walk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Cursor stands before one segment of a set's body.
type Cursor struct {
	Set   *x12.Set
	Loop  string // where findings are placed
	Found x12.Diagnostics
	segs  []x12.Segment
	loops []string // of the segments stepped over
	i     int
	hl    int               // levels so far
	kinds map[string]string // HL03 by HL01
}

// New stands before the first segment behind ST.
func New(set *x12.Set) *Cursor {
	body := set.Body()
	return &Cursor{Set: set, segs: body, loops: make([]string, len(body)), kinds: map[string]string{}}
}

// Kind reports a set of another kind than wanted; false then.
func (c *Cursor) Kind(want x12.Kind) bool {
	if c.Set.Kind == want {
		return true
	}
	st := c.Set.Segments[0]
	element := 1
	if st.At(3) != "" {
		element = 3
	}
	c.Report(x12.NewDiagnostic(x12.WrongKind, st.Source, "the set is %s (ST01 %q, version %q), not %s: not read", c.Set.Kind, c.Set.Type, c.Set.Version, want).AtElement(st, element, 0))
	return false
}

// Done gives all findings of the set, in the order of its segments: those of the reading, and what the dictionary says of elements that the reading
// found nothing wrong with.
func (c *Cursor) Done() x12.Diagnostics {
	type place struct{ segment, element int }
	bad := map[place]bool{}
	for _, d := range c.Found {
		bad[place{d.Segment, d.Element}] = true
	}
	for i, seg := range c.segs {
		for _, d := range x12.Syntax(seg) {
			if !bad[place{d.Segment, d.Element}] && !bad[place{d.Segment, 0}] {
				d.Loop = c.loops[i]
				c.Report(d)
			}
		}
	}
	slices.SortStableFunc(c.Found, func(a, b x12.Diagnostic) int { return a.Segment - b.Segment })
	return c.Found
}

// More says whether a segment follows.
func (c *Cursor) More() bool { return c.i < len(c.segs) }

// ID of the segment that follows; empty at the end.
func (c *Cursor) ID() string {
	if !c.More() {
		return ""
	}
	return c.segs[c.i].ID
}

// Is says whether a segment follows with this id and one of these values in its first element; any without values.
func (c *Cursor) Is(id string, first ...string) bool {
	return c.ID() == id && (len(first) == 0 || slices.Contains(first, c.segs[c.i].At(1)))
}

// Peek is the segment that follows.
func (c *Cursor) Peek() x12.Segment { return c.segs[c.i] }

// Next steps over it.
func (c *Cursor) Next() x12.Segment {
	c.loops[c.i] = c.Loop
	c.i++
	return c.segs[c.i-1]
}

// Last is the segment stepped over last, ST at the begin.
func (c *Cursor) Last() x12.Segment {
	if c.i == 0 {
		return c.Set.Segments[0]
	}
	return c.segs[c.i-1]
}

// Report adds a finding, placed in set and loop.
func (c *Cursor) Report(d x12.Diagnostic) {
	if g := c.Set.Group; g != nil {
		d.Group, d.Set = g.Ordinal, c.Set.Ordinal
		if g.Interchange != nil {
			d.Interchange = g.Interchange.Ordinal
		}
	}
	if d.Loop == "" {
		d.Loop = c.Loop
	}
	c.Found = append(c.Found, d)
}

// At reports a finding in an element; element 0 is the whole segment.
func (c *Cursor) At(code x12.Code, seg x12.Segment, element int, format string, args ...any) {
	d := x12.NewDiagnostic(code, seg.Source, format, args...)
	if element > 0 {
		d = d.AtElement(seg, element, 0)
	} else {
		d = d.AtSegment(seg)
	}
	c.Report(d)
}

// Missing reports that a segment or loop isn't there; it is placed at the segment where it should have come.
func (c *Cursor) Missing(code x12.Code, loop, id, format string, args ...any) {
	at := c.Last()
	d := x12.NewDiagnostic(code, at.Source, format, args...)
	d.Segment, d.SegmentID, d.Loop = at.Ordinal, id, loop
	c.Report(d)
}

// Unexpected reports the segment that follows, steps over it and gives it to keep.
func (c *Cursor) Unexpected(where string) x12.Raw {
	seg := c.Next()
	if known(seg.ID) { // others have been reported for their id
		c.At(x12.SegmentUnexpected, seg, 0, "no %s stands here (%s): kept as it is", seg.ID, where)
	}
	return seg.Raw()
}

func known(id string) bool {
	return len(id) >= 2 && len(id) <= 3 && strings.IndexFunc(id, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) < 0 && id[0] >= 'A'
}

// Only reports elements behind the n-th: the typed view has no field for them.
func (c *Cursor) Only(seg x12.Segment, n int) {
	for e := n + 1; e <= seg.Len(); e++ {
		if seg.At(e) != "" {
			c.At(x12.ElementUnread, seg, e, "nothing of ours holds %s%02d: it stays in the file only", seg.ID, e)
		}
	}
}

// Need is a text that must be there.
func (c *Cursor) Need(seg x12.Segment, element int) string {
	v := seg.At(element)
	if v == "" {
		c.At(x12.ElementRequired, seg, element, "%s%02d must be given", seg.ID, element)
	}
	return v
}

// Code is one of some values; another one is reported and given back as it is. An empty one is fine.
func (c *Cursor) Code(seg x12.Segment, element int, allowed ...string) string {
	v := seg.At(element)
	if v != "" && !slices.Contains(allowed, v) {
		c.At(x12.ElementCode, seg, element, "%s%02d must be one of %s", seg.ID, element, strings.Join(allowed, " "))
	}
	return v
}

// NeedCode is Code for one that must be there.
func (c *Cursor) NeedCode(seg x12.Segment, element int, allowed ...string) string {
	if seg.At(element) == "" {
		return c.Need(seg, element)
	}
	return c.Code(seg, element, allowed...)
}

func (c *Cursor) decimal(seg x12.Segment, element, component, decimals int, what string) (int64, bool) {
	text := seg.At(element)
	if component > 0 {
		text = seg.Component(element, component)
	}
	n, form := x12.ParseDecimal(text, decimals)
	const most = 1e15 // so that no sum over a file can overflow
	if n > most || n < -most {
		n, form = 0, x12.Broken
	}
	var d x12.Diagnostic
	switch form {
	case x12.Good:
		return n, true
	case x12.Odd:
		d = x12.NewDiagnostic(x12.ElementNumberForm, seg.Source, "%s is exact but not in its usual form (zeros behind the last decimal that counts, or a minus before zero)", what)
	case x12.Broken:
		d = x12.NewDiagnostic(x12.ElementNumber, seg.Source, "%s must be a number: digits, a leading minus, one point, at most %d decimals, not too large", what, decimals)
	}
	c.Report(d.AtElement(seg, element, component))
	return n, form == x12.Odd
}

// Cents is money that must be there; 0 when it isn't, which is reported.
func (c *Cursor) Cents(seg x12.Segment, element int) int64 {
	if c.Need(seg, element) == "" {
		return 0
	}
	n, _ := c.decimal(seg, element, 0, x12.CentsDecimals, "an amount of money")
	return n
}

// MaybeCents is money that may be absent: nil then, and when it can't be read.
func (c *Cursor) MaybeCents(seg x12.Segment, element int) *int64 {
	return c.maybe(seg, element, x12.CentsDecimals, "an amount of money")
}

// Quantity is a number of units in thousandths, nil when absent or unreadable.
func (c *Cursor) Quantity(seg x12.Segment, element int) *int64 {
	return c.maybe(seg, element, x12.QuantityDecimals, "a quantity")
}

// Fraction is a share in millionths, nil when absent or unreadable.
func (c *Cursor) Fraction(seg x12.Segment, element int) *int64 {
	return c.maybe(seg, element, x12.FractionDecimals, "a share")
}

func (c *Cursor) maybe(seg x12.Segment, element, decimals int, what string) *int64 {
	if seg.At(element) == "" {
		return nil
	}
	if n, ok := c.decimal(seg, element, 0, decimals, what); ok {
		return &n
	}
	return nil
}

// Int is a whole number of a component (component 0: of the element); false when it is absent, or unreadable, which is reported.
func (c *Cursor) Int(seg x12.Segment, element, component int) (int, bool) {
	text := seg.At(element)
	if component > 0 {
		text = seg.Component(element, component)
	}
	if text == "" {
		return 0, false
	}
	n, ok := c.decimal(seg, element, component, 0, "a whole number")
	if n < -1<<31 || n > 1<<31 {
		return 0, false
	}
	return int(n), ok
}

// Number is Int where it doesn't matter why there is none: 0 then.
func (c *Cursor) Number(seg x12.Segment, element, component int) int {
	n, _ := c.Int(seg, element, component)
	return n
}

// Level steps over an HL and checks its numbers; parents gives the kind above for each kind, nothing for the topmost.
func (c *Cursor) Level(parents map[string]string) x12.Segment {
	hl := c.Next()
	c.hl++
	kind, up := hl.At(3), hl.At(2)
	if n, ok := c.Int(hl, 1, 0); ok && n != c.hl {
		c.At(x12.LevelWrong, hl, 1, "HL01 counts the levels of the set: %d is expected", c.hl)
	} else {
		c.Need(hl, 1)
	}
	switch parent, known := parents[kind]; {
	case known && parent == "" && up != "":
		c.At(x12.LevelWrong, hl, 2, "HL02 must be empty: nothing stands above a level of kind %s", kind)
	case parent != "" && c.kinds[up] != parent:
		c.At(x12.LevelWrong, hl, 2, "HL02 must name an earlier level of kind %s", parent)
	}
	c.kinds[hl.At(1)] = kind
	c.Code(hl, 4, "0", "1")
	c.Only(hl, 4)
	return hl
}

// Lost reports a level in a wrong place and steps over what stands under it.
func (c *Cursor) Lost(hl x12.Segment, format string, args ...any) {
	c.At(x12.LevelWrong, hl, 3, format+": nothing up to the next HL is read", args...)
	for c.More() && !c.Is("HL") {
		c.Next()
	}
}

// Date is a day, CCYY-MM-DD; empty when absent or no day, which is reported.
func (c *Cursor) Date(seg x12.Segment, element int) string {
	text := seg.At(element)
	if text == "" {
		return ""
	}
	iso, ok := x12.ParseDate(text)
	if !ok {
		c.At(x12.ElementDate, seg, element, "%s%02d must be a day of the calendar, as CCYYMMDD", seg.ID, element)
	}
	return iso
}

// Time is a time of the day as written.
func (c *Cursor) Time(seg x12.Segment, element int) string {
	text := seg.At(element)
	if text != "" && !x12.ValidTime(text) {
		c.At(x12.ElementTime, seg, element, "%s%02d must be a time, as HHMM", seg.ID, element)
	}
	return text
}

// Dates is a DTP: D8 or RD8 in its second element, the days in its third. False when it is of another format or can't be read: keep the segment then.
func (c *Cursor) Dates(seg x12.Segment) (x12.Dates, bool) {
	format, text := seg.At(2), seg.At(3)
	switch format {
	case "D8":
		if iso, ok := x12.ParseDate(text); ok {
			return x12.Dates{From: iso, Thru: iso}, true
		}
		c.At(x12.ElementDate, seg, 3, "%s03 must be a day of the calendar, as CCYYMMDD", seg.ID)
	case "RD8":
		from, thru, _ := strings.Cut(text, "-")
		a, okA := x12.ParseDate(from)
		b, okB := x12.ParseDate(thru)
		switch {
		case !okA || !okB:
			c.At(x12.ElementDate, seg, 3, "%s03 must be two days of the calendar, as CCYYMMDD-CCYYMMDD", seg.ID)
		case a > b:
			c.At(x12.ElementDate, seg, 3, "%s03 must not end before it begins", seg.ID)
		default:
			return x12.Dates{From: a, Thru: b}, true
		}
	case "DT", "TM", "D6", "DDT", "DTD":
	case "":
		c.Need(seg, 2)
	default:
		c.At(x12.ElementCode, seg, 2, "%s02 must be D8 or RD8", seg.ID)
	}
	return x12.Dates{}, false
}

// Composite reports an element that has fewer components than it must; a foreign separator in it is named, not obeyed.
func (c *Cursor) Composite(seg x12.Segment, element, atLeast int) bool {
	have := len(seg.Components(element))
	if have >= atLeast {
		return true
	}
	text := seg.At(element)
	if text == "" {
		c.Need(seg, element)
		return false
	}
	hint := ""
	sep := seg.Separators().Component
	if i := strings.IndexAny(text, ">:<|"); i >= 0 && text[i] != sep {
		hint = fmt.Sprintf("; ISA16 says the separator is %q, this value looks as if it were %q", sep, text[i])
	}
	d := x12.NewDiagnostic(x12.CompositeBroken, seg.Source, "%s%02d needs %d components and has %d%s", seg.ID, element, atLeast, have, hint)
	c.Report(d.AtElement(seg, element, 0))
	return false
}
