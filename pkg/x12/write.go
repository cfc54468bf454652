package x12

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Envelope is what stands around sets that are written: one interchange with one group. The numbers come from the caller, who counts them per
// partner, so that the same send gives the same bytes again.
type Envelope struct {
	SenderQualifier    string // ISA05: ZZ, 30 …
	SenderID           string // ISA06, at most 15
	ReceiverQualifier  string // ISA07
	ReceiverID         string // ISA08
	GroupSender        string // GS02; empty takes SenderID
	GroupReceiver      string // GS03; empty takes ReceiverID
	Date               string // CCYY-MM-DD
	Time               string // HHMM
	InterchangeControl int    // ISA13, 1 to 999999999
	GroupControl       int    // GS06, 1 to 999999999
	Usage              string // ISA15: T or P
	AckRequested       bool   // ISA14: ask for a TA1
	LineBreaks         bool   // a line feed behind each terminator, for people; partners get none
}

// Writer makes one interchange. It counts segments, sets and groups by itself, never writes a delimiter inside data, and collects all
// problems; Close gives the bytes only when there is none of severity Error.
type Writer struct {
	env      Envelope
	buf      []byte
	found    Diagnostics
	group    bool
	sets     int
	kind     string // ST01 of the open set
	control  string
	segments int // in the open set
	controls map[string]bool
}

// NewWriter begins an interchange.
func NewWriter(env Envelope) *Writer {
	w := &Writer{env: env, controls: map[string]bool{}}
	bad := func(code Code, element int, format string, args ...any) {
		d := NewDiagnostic(code, Source{}, format, args...)
		d.SegmentID, d.Element = "ISA", element
		w.found = append(w.found, d)
	}
	for i, q := range []string{env.SenderQualifier, env.ReceiverQualifier} {
		if len(q) != 2 || w.dirty(q) {
			bad(ISAQualifier, 5+2*i, "the qualifier of the partner's id has two characters, such as ZZ")
		}
	}
	for i, id := range []string{env.SenderID, env.ReceiverID} {
		if id == "" || len(id) > 15 || w.dirty(id) || id != strings.TrimSpace(id) {
			bad(ISAID, 6+2*i, "the partner's id has 1 to 15 characters, no separator and no blank at its ends")
		}
	}
	if !ValidDate(env.Date) || env.Date < "2000" {
		bad(ISADate, 9, "the date must be a day, as CCYY-MM-DD")
	}
	if len(env.Time) != 4 || !ValidTime(env.Time) {
		bad(ISATime, 10, "the time must be HHMM")
	}
	if env.InterchangeControl < 1 || env.InterchangeControl > 999_999_999 {
		bad(ISAControl, 13, "the interchange's number must be 1 to 999999999")
	}
	if env.GroupControl < 1 || env.GroupControl > 999_999_999 {
		d := NewDiagnostic(GSControl, Source{}, "the group's number must be 1 to 999999999")
		d.SegmentID, d.Element = "GS", 6
		w.found = append(w.found, d)
	}
	if env.Usage != "T" && env.Usage != "P" {
		bad(ISAUsage, 15, "the usage must be T (test) or P (production)")
	}
	ack := "0"
	if env.AckRequested {
		ack = "1"
	}
	date := strings.TrimPrefix(FormatDate(env.Date), "20")
	w.buf = fmt.Appendf(w.buf, "ISA*00*%10s*00*%10s*%-2s*%-15s*%-2s*%-15s*%s*%s*^*00501*%09d*%s*%s*:~",
		"", "", env.SenderQualifier, env.SenderID, env.ReceiverQualifier, env.ReceiverID, date, env.Time, env.InterchangeControl, ack, env.Usage)
	w.lineBreak()
	return w
}

func (w *Writer) lineBreak() {
	if w.env.LineBreaks {
		w.buf = append(w.buf, '\n')
	}
}

// Offset is where the next segment will begin.
func (w *Writer) Offset() int64 { return int64(len(w.buf)) }

// Since is the range from an offset to here, without the line break at its end.
func (w *Writer) Since(offset int64) Source {
	end := w.Offset()
	if w.env.LineBreaks && end > offset {
		end--
	}
	return Source{offset, end - offset}
}

// BeginSet writes ST, and GS before the first one, and gives ST02: control, or the next of 0001, 0002 … when that is empty. version is GS08;
// withVersion writes it as ST03 too.
func (w *Writer) BeginSet(set, control, version string, withVersion bool) string {
	if !w.group {
		w.group = true
		sender, receiver := w.env.GroupSender, w.env.GroupReceiver
		if sender == "" {
			sender = w.env.SenderID
		}
		if receiver == "" {
			receiver = w.env.ReceiverID
		}
		w.Put(Seg("GS", functional[set], sender, receiver, FormatDate(w.env.Date), w.env.Time, fmt.Sprint(w.env.GroupControl), "X", version))
	}
	w.sets++
	w.segments = 0
	if control == "" {
		control = fmt.Sprintf("%04d", w.sets)
	}
	w.kind, w.control = set, control
	st := Seg("ST", set, control)
	if withVersion {
		st = st.Add(version)
	}
	w.Put(st)
	switch {
	case len(control) < 4 || len(control) > 9:
		w.Problem(STControl, "", "ST", 2, "the set's number must have 4 to 9 characters")
	case w.controls[control]:
		w.Problem(STControlTwice, "", "ST", 2, "set number %s stands twice in the group", control)
	}
	w.controls[control] = true
	return control
}

// EndSet writes SE.
func (w *Writer) EndSet() {
	w.Put(Seg("SE", fmt.Sprint(w.segments+1), w.control))
	w.kind, w.segments = "", 0
}

// Close ends group and interchange. The error is *Invalid with all problems; notes are what was cleaned on the way.
func (w *Writer) Close() (bytes []byte, notes Diagnostics, err error) {
	groups := 0
	if w.group {
		groups = 1
		w.Put(Seg("GE", fmt.Sprint(w.sets), fmt.Sprint(w.env.GroupControl)))
	}
	w.Put(Seg("IEA", fmt.Sprint(groups), fmt.Sprintf("%09d", w.env.InterchangeControl)))
	if err := w.found.Err(); err != nil {
		return nil, w.found, fmt.Errorf("write interchange %09d: %w", w.env.InterchangeControl, err)
	}
	return w.buf, w.found, nil
}

// Problem notes a finding at the segment that was written last.
func (w *Writer) Problem(code Code, loop, segment string, element int, format string, args ...any) {
	d := NewDiagnostic(code, Source{}, format, args...)
	d.Loop, d.SegmentID, d.Element, d.Segment, d.Set = loop, segment, element, w.segments, w.sets
	w.found = append(w.found, d)
}

// Add takes over findings that a typed writer made about its values.
func (w *Writer) Add(found Diagnostics) {
	for _, d := range found {
		d.Set = w.sets
		w.found = append(w.found, d)
	}
}

// Put writes one segment: without trailing empties, refusing or cleaning what can't stand in data.
func (w *Writer) Put(seg Raw) {
	w.segments++
	if !validID(seg.ID) {
		w.Problem(SegmentID, "", clip(seg.ID), 0, "a segment id is a capital letter and one or two capital letters or digits")
		return
	}
	w.buf = append(w.buf, seg.ID...)
	elements := slices.Clone(seg.Elements)
	for i, e := range elements {
		elements[i] = w.clean(seg.ID, i+1, e)
	}
	for i, e := range trimElements(elements) {
		w.buf = append(w.buf, Canonical.Element)
		for j, r := range e {
			if j > 0 {
				w.buf = append(w.buf, Canonical.Repetition)
			}
			for k, c := range r {
				if k > 0 {
					w.buf = append(w.buf, Canonical.Component)
				}
				w.buf = append(w.buf, c...)
			}
		}
		if len(e) > 99 && i > 0 {
			w.Problem(ElementRepeats, "", seg.ID, i+1, "an element repeats at most 99 times")
		}
	}
	w.buf = append(w.buf, Canonical.Terminator)
	w.lineBreak()
}

// clean gives the element as it may be written: values trimmed, without trailing empties.
func (w *Writer) clean(id string, element int, e Element) Element {
	var cleaned Element
	for _, r := range e {
		var components []string
		for k, c := range r {
			components = append(components, w.value(id, element, k+1, c))
		}
		cleaned = append(cleaned, trimEmpty(components))
	}
	for len(cleaned) > 0 && len(cleaned[len(cleaned)-1]) == 0 {
		cleaned = cleaned[:len(cleaned)-1]
	}
	return cleaned
}

// freeText are the elements where a character may be replaced instead of refused: names, addresses and notes. Component 7 of SV101 is the only
// one inside a composite.
var freeText = map[string][]int{
	"NM1": {3, 4, 5, 6, 7, 12}, "N1": {2}, "N2": {1, 2}, "N3": {1, 2}, "N4": {1}, "PER": {2}, "NTE": {2}, "MSG": {1}, "SBR": {4}, "EB": {5}, "K3": {1},
	"STC": {12},
}

func isFreeText(id string, element, component int) bool {
	if id == "SV1" && element == 1 && component == 7 {
		return true
	}
	return slices.Contains(freeText[id], element)
}

func (w *Writer) dirty(text string) bool {
	return strings.ContainsAny(text, "*^:~") || !printable(text)
}

func printable(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// value is one value as it may be written.
func (w *Writer) value(id string, element, component int, text string) string {
	text = strings.TrimRight(text, " ")
	if !w.dirty(text) {
		return text
	}
	if !isFreeText(id, element, component) {
		w.Problem(DelimiterInData, "", id, element, "the value holds a separator (* ^ : ~), a control character or one beyond the character set; it can't be written")
		w.found[len(w.found)-1].Value, w.found[len(w.found)-1].Component = clip(text), component
		return ""
	}
	var b strings.Builder
	for _, c := range norm.NFD.String(text) {
		switch latin, known := letters[c]; {
		case strings.ContainsRune("*^:~", c) || c < ' ' || c == 0x7F:
			b.WriteByte(' ')
		case c < 0x7F:
			b.WriteRune(c)
		case unicode.Is(unicode.Mn, c): // the accent of the letter before it
		case known:
			b.WriteString(latin)
		default:
			w.Problem(ElementCharacter, "", id, element, "a letter of the text has no counterpart in the character set; spell it in Latin letters")
			return ""
		}
	}
	w.Problem(DataCleaned, "", id, element, "accents were taken off and separators became blanks, since the format can't carry them")
	return strings.TrimRight(b.String(), " ")
}

// letters that don't come apart into a Latin letter and its accent.
var letters = map[rune]string{
	'ß': "ss", 'ẞ': "SS", 'æ': "ae", 'Æ': "AE", 'œ': "oe", 'Œ': "OE", 'ø': "o", 'Ø': "O", 'ł': "l", 'Ł': "L", 'đ': "d", 'Đ': "D", 'ð': "d", 'Ð': "D",
	'þ': "th", 'Þ': "TH", 'ı': "i", '’': "'", '‘': "'", '“': "\"", '”': "\"", '–': "-", '—': "-", '\u00a0': " ",
}

// Canon writes a file again in canonical bytes: our separators, no trailing empties, no layout, envelopes counted anew; values stay as they are.
// Segments outside of envelopes are left out, as in File. The error names data that our separators can't carry.
func Canon(f *File) ([]byte, error) {
	var out []byte
	var found Diagnostics
	for _, i := range f.Interchanges {
		w := &Writer{controls: map[string]bool{}}
		isa := i.ISA.Bytes()
		for e := 1; e <= 16; e++ {
			v := string(i.ISA.element(e))
			switch e {
			case 11:
				v = string(Canonical.Repetition)
			case 16:
				v = string(Canonical.Component)
			default:
				if w.dirty(v) {
					w.Problem(DelimiterInData, "", "ISA", e, "the value holds a separator (* ^ : ~), a control character or one beyond the character set; it can't be written")
				}
			}
			if e == 1 {
				w.buf = append(w.buf, isa[:3]...)
			}
			w.buf = append(append(w.buf, Canonical.Element), v...)
		}
		w.buf = append(w.buf, Canonical.Terminator)
		for _, t := range i.TA1 {
			w.Put(t.Raw())
		}
		for _, g := range i.Groups {
			w.Put(g.GS.Raw())
			for n, s := range g.Sets {
				w.sets, w.segments = n+1, 0
				for _, seg := range s.Segments {
					if seg.ID != "SE" {
						w.Put(seg.Raw())
					}
				}
				se := Seg("SE", fmt.Sprint(w.segments+1))
				se.Elements = append(se.Elements, s.Segments[0].Element(2))
				w.Put(se)
			}
			ge := Seg("GE", fmt.Sprint(len(g.Sets)))
			ge.Elements = append(ge.Elements, g.GS.Element(6))
			w.Put(ge)
		}
		w.Put(Seg("IEA", fmt.Sprint(len(i.Groups)), i.Control))
		out = append(out, w.buf...)
		for _, d := range w.found {
			d.Interchange = i.Ordinal
			found = append(found, d)
		}
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("canonical bytes: %w", err)
	}
	return out, nil
}
