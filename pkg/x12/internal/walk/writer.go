package walk

import (
	"fmt"
	"slices"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Writer is an x12.Writer with what the typed views need to write loops.
type Writer struct {
	*x12.Writer
	structure []string // ids that make the structure of the set: never among segments kept as they were
	hl        int
}

// NewWriter begins an interchange of sets whose structure is made by segments with these ids.
func NewWriter(env x12.Envelope, structure ...string) *Writer {
	return &Writer{Writer: x12.NewWriter(env), structure: append(structure, "ISA", "IEA", "GS", "GE", "ST", "SE", "TA1")}
}

// BeginSet is x12's, and counts levels anew.
func (w *Writer) BeginSet(set, control, version string, withVersion bool) string {
	w.hl = 0
	return w.Writer.BeginSet(set, control, version, withVersion)
}

// Segs writes segments in the order given.
func (w *Writer) Segs(segs ...x12.Raw) {
	for _, s := range segs {
		w.Put(s)
	}
}

// Kept are segments that a typed view kept as they were; one that makes the structure would change what the set says, and is refused.
func (w *Writer) Kept(loop string, segs []x12.Raw) []x12.Raw {
	var fit []x12.Raw
	for _, s := range segs {
		if slices.Contains(w.structure, s.ID) {
			w.Problem(x12.SegmentUnexpected, loop, s.ID, 0, "%s makes the structure of the set and can't be written as another segment of loop %s", s.ID, loop)
			continue
		}
		fit = append(fit, s)
	}
	return fit
}

// Level writes an HL and gives its number; parent 0 is none.
func (w *Writer) Level(parent int, kind string, children bool) int {
	w.hl++
	child := "0"
	if children {
		child = "1"
	}
	w.Put(x12.Seg("HL", fmt.Sprint(w.hl), Positive(parent), kind, child))
	return w.hl
}

// Positive writes a number, and nothing for 0.
func Positive(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// Numbers writes whole numbers.
func Numbers(list []int) []string {
	var all []string
	for _, n := range list {
		all = append(all, fmt.Sprint(n))
	}
	return all
}

// RefSegments, AmountSegments and DatedSegments are lists as REF, AMT and DTP.
func RefSegments(list []x12.Ref) []x12.Raw {
	var segs []x12.Raw
	for _, r := range list {
		segs = append(segs, x12.Seg("REF", r.Qualifier, r.Value, r.Description))
	}
	return segs
}

func AmountSegments(list []x12.Amount) []x12.Raw {
	var segs []x12.Raw
	for _, a := range list {
		segs = append(segs, x12.Seg("AMT", a.Qualifier, x12.Money(a.Cents)))
	}
	return segs
}

func DatedSegments(list []x12.Dated) []x12.Raw {
	var segs []x12.Raw
	for _, d := range list {
		segs = append(segs, DatesSegment(d.Qualifier, d.Dates))
	}
	return segs
}

// OneRef is a REF of a value that has a field of its own; none when it is empty.
func OneRef(qualifier, value string) []x12.Raw {
	if value == "" {
		return nil
	}
	return []x12.Raw{x12.Seg("REF", qualifier, value)}
}

// OneAmount is an AMT of a value that has a field of its own; none when it isn't given.
func OneAmount(qualifier string, cents *int64) []x12.Raw {
	if cents == nil {
		return nil
	}
	return []x12.Raw{x12.Seg("AMT", qualifier, x12.Money(*cents))}
}

// OneDay is a DTP of a day that has a field of its own; none when it is empty.
func OneDay(qualifier, day string) []x12.Raw {
	if day == "" {
		return nil
	}
	return []x12.Raw{DatesSegment(qualifier, x12.Dates{From: day, Thru: day})}
}

// ReadBack reads what was written by the function that reads such sets: what doesn't read without error must not be sent. Warnings come back.
func ReadBack(data []byte, parse func(*x12.Set) x12.Diagnostics) (x12.Diagnostics, error) {
	file, found := x12.Read(data)
	if len(file.Sets()) == 0 {
		found = append(found, x12.NewDiagnostic(x12.NotAGroup, x12.Source{}, "nothing to send: an interchange needs a set"))
	}
	for _, set := range file.Sets() {
		found = append(found, parse(set)...)
	}
	return found, found.Err()
}
