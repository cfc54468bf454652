// Package ack is the typed view of acknowledgments: TA1 for an interchange, 999 (005010X231) for a group and its sets, 277CA (005010X214) for
// claims. Each is read, written, and the first two are made from the findings of a reading.
//
// Words: a Functional is a 999 set: what became of one group; it holds a SetAnswer for each set, with SegmentErrors and their ElementErrors. A
// ClaimAnswers is a 277CA set: Receivers hold Providers, these hold Claims, each with Statuses. A status has a category (A1 received, A2 accepted, A3
// returned …), a code and the entity it is about.
//
// Promises: AnswerGroup and AnswerInterchange say of every error where it is, in the codes the standard has for it (diagnostic codes map to them
// in one table of pkg/x12). What Write… wrote, Parse… reads as the same values. A 999 answers no 999.
//
// Standard: ASC X12 005010 TA1, 999 X231A1, 277 X214, structure from knowledge of the format. Tests: ack_test.go (laws, 999 from injected
// errors), Fuzz999, Fuzz277CA.
package ack

import (
	"fmt"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/walk"
)

// Status of an interchange, a group or a set.
type Status string

const (
	Accepted   Status = "A"
	WithErrors Status = "E"
	Partly     Status = "P" // groups only
	Rejected   Status = "R"
)

// Interchange is a TA1: what became of one interchange.
type Interchange struct {
	Control string     `json:"control"` // ISA13 of the interchange it speaks of
	Date    string     `json:"date"`    // its ISA09, CCYY-MM-DD
	Time    string     `json:"time"`    // its ISA10
	Status  Status     `json:"status"`
	Note    string     `json:"note"` // 000 fine, 001 … 031
	Source  x12.Source `json:"source,omitzero"`
}

// AnswerInterchange makes the TA1 for an interchange from what was found in it.
func AnswerInterchange(i *x12.Interchange, found x12.Diagnostics) Interchange {
	a := Interchange{Control: i.Control, Date: i.Date, Time: i.Time, Status: Accepted, Note: "000"}
	for _, d := range found {
		if d.Interchange != i.Ordinal {
			continue
		}
		if note := d.TA1Note(); note != "" {
			a.Status, a.Note = Rejected, note
			if d.Code == x12.ISAQualifier || d.Code == x12.ISAID { // the receiver's have notes of their own
				a.Note = map[int]string{5: "005", 6: "006", 7: "007", 8: "008"}[d.Element]
			}
			return a
		}
	}
	return a
}

// ReadTA1 gives the TA1s of an interchange.
func ReadTA1(i *x12.Interchange) ([]Interchange, x12.Diagnostics) {
	var all []Interchange
	var found x12.Diagnostics
	report := func(code x12.Code, seg x12.Segment, element int, format string, args ...any) {
		d := x12.NewDiagnostic(code, seg.Source, format, args...).AtElement(seg, element, 0)
		d.Interchange = i.Ordinal
		found = append(found, d)
	}
	for _, seg := range i.TA1 {
		a := Interchange{Control: seg.At(1), Time: seg.At(3), Status: Status(seg.At(4)), Note: seg.At(5), Source: seg.Source}
		if day, ok := x12.ParseDate("20" + seg.At(2)); ok {
			a.Date = day
		} else {
			report(x12.ElementDate, seg, 2, "TA102 must be a day, as YYMMDD")
		}
		if len(a.Control) != 9 {
			report(x12.ElementPattern, seg, 1, "TA101 must be the 9 digits of an ISA13")
		}
		if !slices.Contains([]Status{Accepted, WithErrors, Rejected}, a.Status) {
			report(x12.ElementCode, seg, 4, "TA104 must be A, E or R")
		}
		if len(a.Note) != 3 {
			report(x12.ElementCode, seg, 5, "TA105 must be a note code of 3 digits")
		}
		all = append(all, a)
	}
	return all, found
}

// WriteTA1 makes an interchange of TA1s alone.
func WriteTA1(env x12.Envelope, answers ...Interchange) ([]byte, error) {
	w := x12.NewWriter(env)
	for _, a := range answers {
		date := x12.FormatDate(a.Date)
		w.Put(x12.Seg("TA1", a.Control, date[min(2, len(date)):], a.Time, string(a.Status), a.Note))
	}
	data, _, err := w.Close()
	if err != nil {
		return nil, fmt.Errorf("write TA1: %w", err)
	}
	file, found := x12.Read(data)
	for _, i := range file.Interchanges {
		_, more := ReadTA1(i)
		found = append(found, more...)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("write TA1: %w", err)
	}
	return data, nil
}

// Version999 is GS08 and ST03 of the 999 we write.
const Version999 = "005010X231A1"

// Functional is one 999: what became of one group.
type Functional struct {
	Control      string      `json:"control"`           // ST02 of this 999
	Version      string      `json:"version,omitempty"` // ST03; empty when writing takes Version999
	Kind         string      `json:"kind"`              // AK101 = GS01 of the group
	GroupControl string      `json:"group_control"`     // AK102 = GS06
	GroupVersion string      `json:"group_version,omitempty"`
	Sets         []SetAnswer `json:"sets,omitempty"`
	Status       Status      `json:"status"`          // AK901
	Included     int         `json:"included"`        // AK902: sets by GE01
	Received     int         `json:"received"`        // AK903: sets that arrived; not equal to Included is itself news
	Accepted     int         `json:"accepted"`        // AK904
	Codes        []string    `json:"codes,omitempty"` // AK905–909
	Other        []x12.Raw   `json:"other,omitempty"`
	Source       x12.Source  `json:"source,omitzero"`
}

// SetAnswer is AK2 … IK5.
type SetAnswer struct {
	Type    string         `json:"type"`    // AK201 = ST01
	Control string         `json:"control"` // AK202 = ST02
	Version string         `json:"version,omitempty"`
	Errors  []SegmentError `json:"errors,omitempty"`
	Status  Status         `json:"status"`          // IK501
	Codes   []string       `json:"codes,omitempty"` // IK502–506
	Source  x12.Source     `json:"source,omitzero"`
}

// SegmentError is IK3 with its IK4s.
type SegmentError struct {
	SegmentID string         `json:"segment_id"`
	Position  int            `json:"position"` // in the set, ST is 1
	Loop      string         `json:"loop,omitempty"`
	Code      string         `json:"code"` // IK304
	Contexts  []x12.Raw      `json:"contexts,omitempty"`
	Elements  []ElementError `json:"elements,omitempty"`
}

// ElementError is IK4.
type ElementError struct {
	Element   int       `json:"element"`
	Component int       `json:"component,omitempty"`
	Repeat    int       `json:"repeat,omitempty"`
	Number    int       `json:"number,omitempty"` // of the data element in the dictionary
	Code      string    `json:"code"`             // IK403
	Value     string    `json:"value,omitempty"`  // IK404, may be PHI
	Contexts  []x12.Raw `json:"contexts,omitempty"`
}

// AnswerGroup makes the 999 for a group from what was found in it. A set with an error is rejected, and the group when one is about the group
// itself; who wants to answer only for some levels (balance, rules between values) gives only those findings.
func AnswerGroup(g *x12.Group, found x12.Diagnostics) *Functional {
	a := &Functional{Kind: g.Functional, GroupControl: g.Control, GroupVersion: g.Version, Included: max(g.Claimed, 0), Received: len(g.Sets)}
	if g.Claimed < 0 {
		a.Included = len(g.Sets)
	}
	interchange := 0
	if g.Interchange != nil {
		interchange = g.Interchange.Ordinal
	}
	bySet := map[int]x12.Diagnostics{}
	for _, d := range found {
		if d.Interchange != interchange || d.Group != g.Ordinal {
			continue
		}
		if where, code := d.AckCode(); where == "AK9" {
			a.Codes = addCode(a.Codes, code)
		} else if where != "" && d.Set > 0 {
			bySet[d.Set] = append(bySet[d.Set], d)
		}
	}
	for _, s := range g.Sets {
		answer := SetAnswer{Type: s.Type, Control: s.Control, Status: Accepted}
		if st := s.Segments[0]; st.At(3) != "" {
			answer.Version = st.At(3)
		}
		answer.add(bySet[s.Ordinal])
		if answer.Status == Accepted {
			a.Accepted++
		}
		a.Sets = append(a.Sets, answer)
	}
	switch {
	case len(a.Codes) > 0:
		a.Status, a.Accepted = Rejected, 0
	case a.Accepted == a.Received:
		a.Status = Accepted
	case a.Accepted == 0:
		a.Status = Rejected
	default:
		a.Status = Partly
	}
	return a
}

const mostCodes = 5 // that IK5 and AK9 have room for

func addCode(codes []string, code string) []string {
	if len(codes) >= mostCodes || slices.Contains(codes, code) {
		return codes
	}
	return append(codes, code)
}

func (s *SetAnswer) add(found x12.Diagnostics) {
	for _, d := range found {
		s.Status = Rejected
		id, named := segmentID(d.SegmentID)
		switch where, code := d.AckCode(); {
		case where == "IK5":
			s.Codes = addCode(s.Codes, code)
		case !named:
			s.Codes = addCode(s.Codes, segmentErrors)
		case where == "IK3":
			s.Errors = append(s.Errors, SegmentError{SegmentID: id, Position: d.Segment, Loop: loopID(d.Loop), Code: code})
		case where == "IK4":
			e := ElementError{Element: d.Element, Component: d.Component, Repeat: d.Repeat, Number: x12.ElementNumberOf(d.SegmentID, d.Element, d.Component), Code: code, Value: ackValue(d.Value)}
			if n := len(s.Errors); n > 0 && s.Errors[n-1].Code == elementErrors && s.Errors[n-1].Position == d.Segment {
				s.Errors[n-1].Elements = append(s.Errors[n-1].Elements, e)
			} else {
				s.Errors = append(s.Errors, SegmentError{SegmentID: id, Position: d.Segment, Loop: loopID(d.Loop), Code: elementErrors, Elements: []ElementError{e}})
			}
		}
	}
	if len(s.Errors) > 0 {
		s.Codes = addCode(s.Codes, segmentErrors)
	}
}

const (
	segmentErrors = "5" // IK502: segments of the set have errors
	elementErrors = "8" // IK304: the segment has element errors
)

// segmentID is the id as IK301 can carry it; false when it can't.
func segmentID(id string) (string, bool) {
	id = ackValue(id[:min(3, len(id))])
	return id, len(id) >= 2 && id == strings.TrimSpace(id)
}

// loopID leaves out our own names of places that are no loops.
func loopID(loop string) string {
	if loop == "" || loop[0] < '0' || loop[0] > '9' {
		return ""
	}
	return loop
}

// ackValue is the bad value as IK404 can carry it: nothing when it holds a separator of ours.
func ackValue(value string) string {
	for _, c := range []byte(value) {
		if c < ' ' || c > '~' || c == '*' || c == '^' || c == ':' || c == '~' {
			return ""
		}
	}
	return value
}

// Parse999 reads a 999. A set of another kind gives nil and one error that names the kind.
func Parse999(set *x12.Set) (*Functional, x12.Diagnostics) {
	p := walk.New(set)
	if !p.Kind(x12.K999) {
		return nil, p.Found
	}
	f := &Functional{Control: set.Control, Version: set.Version, Source: set.Source}
	if p.Is("AK1") {
		ak1 := p.Next()
		f.Kind, f.GroupControl, f.GroupVersion = p.Need(ak1, 1), p.Need(ak1, 2), ak1.At(3)
		p.Only(ak1, 3)
	} else {
		p.Missing(x12.SegmentRequired, "header", "AK1", "a 999 begins with AK1, the group it speaks of")
	}
	done := false
	for p.More() {
		switch {
		case p.Is("AK2"):
			f.Sets = append(f.Sets, setAnswer(p))
		case p.Is("AK9") && !done:
			done = true
			ak9 := p.Next()
			f.Status = Status(p.NeedCode(ak9, 1, "A", "E", "P", "R", "M", "W", "X"))
			f.Included, f.Received, f.Accepted = p.Number(ak9, 2, 0), p.Number(ak9, 3, 0), p.Number(ak9, 4, 0)
			for e := 2; e <= 4; e++ {
				p.Need(ak9, e)
			}
			f.Codes = codesFrom(ak9, 5)
			p.Only(ak9, 9)
		default:
			f.Other = append(f.Other, p.Unexpected("999"))
		}
	}
	if !done {
		p.Missing(x12.SegmentRequired, "footer", "AK9", "a 999 ends with AK9, the status of the group")
	}
	return f, p.Done()
}

func codesFrom(seg x12.Segment, first int) []string {
	var codes []string
	for e := first; e < first+mostCodes; e++ {
		if v := seg.At(e); v != "" {
			codes = append(codes, v)
		}
	}
	return codes
}

func setAnswer(p *walk.Cursor) SetAnswer {
	ak2 := p.Next()
	p.Loop = "2000"
	s := SetAnswer{Type: p.Need(ak2, 1), Control: p.Need(ak2, 2), Version: ak2.At(3), Source: ak2.Source}
	p.Only(ak2, 3)
	done := false
	for p.More() && !p.Is("AK2") && !p.Is("AK9") && !done {
		switch {
		case p.Is("IK3"):
			ik3 := p.Next()
			s.Errors = append(s.Errors, SegmentError{SegmentID: p.Need(ik3, 1), Position: p.Number(ik3, 2, 0), Loop: ik3.At(3), Code: p.Need(ik3, 4)})
			p.Only(ik3, 4)
		case p.Is("CTX") && len(s.Errors) > 0:
			e := &s.Errors[len(s.Errors)-1]
			if n := len(e.Elements); n > 0 {
				e.Elements[n-1].Contexts = append(e.Elements[n-1].Contexts, p.Next().Raw())
			} else {
				e.Contexts = append(e.Contexts, p.Next().Raw())
			}
		case p.Is("IK4") && len(s.Errors) > 0:
			ik4 := p.Next()
			e := &s.Errors[len(s.Errors)-1]
			e.Elements = append(e.Elements, ElementError{
				Element: p.Number(ik4, 1, 1), Component: p.Number(ik4, 1, 2), Repeat: p.Number(ik4, 1, 3), Number: p.Number(ik4, 2, 0), Code: p.Need(ik4, 3), Value: ik4.At(4),
			})
			p.Only(ik4, 4)
		case p.Is("IK5"):
			ik5 := p.Next()
			done = true
			s.Status, s.Codes = Status(p.NeedCode(ik5, 1, "A", "E", "R", "M", "W", "X")), codesFrom(ik5, 2)
			p.Only(ik5, 6)
		default:
			p.Unexpected("answer to a set")
		}
	}
	s.Source = s.Source.To(p.Last().Source)
	if !done {
		p.Missing(x12.SegmentRequired, "2000", "IK5", "the answer to a set ends with IK5, its status")
	}
	return s
}

// Write999 makes one interchange of 999s. The error is *x12.Invalid, inside, with all problems.
func Write999(env x12.Envelope, answers ...*Functional) ([]byte, error) {
	w := walk.NewWriter(env, "AK1", "AK2", "IK3", "IK4", "IK5", "AK9")
	for _, f := range answers {
		version := f.Version
		if version == "" {
			version = Version999
		}
		w.BeginSet("999", f.Control, version, true)
		w.Put(x12.Seg("AK1", f.Kind, f.GroupControl, f.GroupVersion))
		for _, s := range f.Sets {
			w.Put(x12.Seg("AK2", s.Type, s.Control, s.Version))
			for _, e := range s.Errors {
				w.Put(x12.Seg("IK3", e.SegmentID, fmt.Sprint(e.Position), e.Loop, e.Code))
				w.Segs(w.Kept("2100", e.Contexts)...)
				for _, x := range e.Elements {
					w.Put(x12.Seg("IK4").Composite(walk.Positive(x.Element), walk.Positive(x.Component), walk.Positive(x.Repeat)).Add(walk.Positive(x.Number), x.Code, x.Value))
					w.Segs(w.Kept("2110", x.Contexts)...)
				}
			}
			w.Put(x12.Seg("IK5", string(s.Status)).Add(s.Codes...))
		}
		w.Segs(w.Kept("footer", f.Other)...)
		w.Put(x12.Seg("AK9", string(f.Status), fmt.Sprint(f.Included), fmt.Sprint(f.Received), fmt.Sprint(f.Accepted)).Add(f.Codes...))
		w.EndSet()
	}
	data, _, err := w.Close()
	if err != nil {
		return nil, fmt.Errorf("write 999: %w", err)
	}
	if _, err := walk.ReadBack(data, func(set *x12.Set) x12.Diagnostics { _, found := Parse999(set); return found }); err != nil {
		return nil, fmt.Errorf("write 999: %w", err)
	}
	return data, nil
}
