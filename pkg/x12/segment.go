package x12

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Separators are the delimiters of one interchange. Repetition 0 means that it has none.
type Separators struct {
	Element, Repetition, Component, Terminator byte
}

// Canonical are the delimiters the Writer uses.
var Canonical = Separators{Element: '*', Repetition: '^', Component: ':', Terminator: '~'}

// Segment is a view of one segment's bytes: it stays valid as long as the data given to Read is not changed. Elements count from 1;
// what isn't there reads as empty.
type Segment struct {
	ID      string
	Ordinal int // position in its set, ST is 1; 0 outside of sets
	Source
	raw  []byte  // without terminator
	ends []int32 // end of the id, then of each element, in raw
	sep  *Separators
}

// Bytes is the segment as read, without its terminator.
func (s Segment) Bytes() []byte { return s.raw }

// Len is the number of elements, trailing empty ones included.
func (s Segment) Len() int { return max(len(s.ends)-1, 0) }

func (s Segment) element(i int) []byte {
	if i < 1 || i >= len(s.ends) {
		return nil
	}
	return s.raw[s.ends[i-1]+1 : s.ends[i]]
}

// text is what bytes of the data say. Letters beyond the character set come as UTF-8 or, from most of the systems that send them, as Latin-1 (in the form that Windows has, which
// fills 80 to 9F): a value that is no UTF-8 is read as that, so that every value is text and any event can hold it.
func text(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	latin, err := charmap.Windows1252.NewDecoder().Bytes(data)
	if err != nil { // it knows every byte
		return string(bytes.ToValidUTF8(data, []byte("\uFFFD")))
	}
	return string(latin)
}

// value is text without blanks at its right end.
func value(data []byte) string { return text(bytes.TrimRight(data, " ")) }

// At is element i as text, without blanks at its right end.
func (s Segment) At(i int) string { return value(s.element(i)) }

// ElementSource is the byte range of element i in the file.
func (s Segment) ElementSource(i int) Source {
	if i < 1 || i >= len(s.ends) {
		return Source{}
	}
	return Source{s.Offset + int64(s.ends[i-1]) + 1, int64(s.ends[i] - s.ends[i-1] - 1)}
}

// Component is component j of element i, in its first repeat.
func (s Segment) Component(i, j int) string {
	e := s.element(i)
	if s.sep.Repetition != 0 {
		e, _, _ = bytes.Cut(e, []byte{s.sep.Repetition})
	}
	for ; j > 1; j-- {
		_, rest, found := bytes.Cut(e, []byte{s.sep.Component})
		if !found {
			return ""
		}
		e = rest
	}
	e, _, _ = bytes.Cut(e, []byte{s.sep.Component})
	return value(e)
}

// Components are all components of element i, in its first repeat, without trailing empty ones.
func (s Segment) Components(i int) []string {
	e := s.Element(i)
	if len(e) == 0 {
		return nil
	}
	return e[0]
}

// Repeats are the repeats of a simple element i.
func (s Segment) Repeats(i int) []string {
	var values []string
	for _, r := range s.Element(i) {
		if len(r) > 0 {
			values = append(values, r[0])
		} else {
			values = append(values, "")
		}
	}
	return values
}

// Element is element i as values: repeats of components, without trailing empty ones.
func (s Segment) Element(i int) Element {
	e := s.element(i)
	if len(e) == 0 {
		return nil
	}
	repeats := [][]byte{e}
	if s.sep.Repetition != 0 {
		repeats = bytes.Split(e, []byte{s.sep.Repetition})
	}
	values := make(Element, 0, len(repeats))
	for _, r := range repeats {
		var components []string
		for _, c := range bytes.Split(r, []byte{s.sep.Component}) {
			components = append(components, value(c))
		}
		values = append(values, trimEmpty(components))
	}
	for len(values) > 0 && len(values[len(values)-1]) == 0 {
		values = values[:len(values)-1]
	}
	if len(values) == 0 {
		return nil
	}
	return values
}

// Raw is the segment as values.
func (s Segment) Raw() Raw {
	r := Raw{ID: s.ID}
	for i := 1; i <= s.Len(); i++ {
		r.Elements = append(r.Elements, s.Element(i))
	}
	r.Elements = trimElements(r.Elements)
	return r
}

// Separators of the interchange the segment stands in.
func (s Segment) Separators() Separators { return *s.sep }

func trimEmpty(values []string) []string {
	for len(values) > 0 && values[len(values)-1] == "" {
		values = values[:len(values)-1]
	}
	return values
}

// Element is one element as values: repeats, each of components. Empty means not given.
type Element [][]string

// Raw is a segment as values, free of separators: what is written, and what a typed view keeps of segments it doesn't model.
type Raw struct {
	ID       string    `json:"id"`
	Elements []Element `json:"elements"`
}

// Seg begins a segment to write: x12.Seg("SV1").Composite("HC", "90837").Add("150", "UN", "1").
func Seg(id string, values ...string) Raw { return Raw{ID: id}.Add(values...) }

// Add appends simple elements; "" keeps the position of one that isn't given.
func (r Raw) Add(values ...string) Raw {
	for _, v := range values {
		if v == "" {
			r.Elements = append(r.Elements, nil)
		} else {
			r.Elements = append(r.Elements, Element{{v}})
		}
	}
	return r
}

// Composite appends one element of components.
func (r Raw) Composite(components ...string) Raw {
	if components = trimEmpty(components); len(components) == 0 {
		return r.Add("")
	}
	r.Elements = append(r.Elements, Element{components})
	return r
}

// Repeated appends one element that repeats.
func (r Raw) Repeated(values ...string) Raw {
	var e Element
	for _, v := range trimEmpty(values) {
		if v == "" {
			e = append(e, nil)
		} else {
			e = append(e, []string{v})
		}
	}
	r.Elements = append(r.Elements, e)
	return r
}

// Trim drops trailing elements that aren't given.
func (r Raw) Trim() Raw {
	r.Elements = trimElements(r.Elements)
	return r
}

// At is the text of simple element i, counted from 1.
func (r Raw) At(i int) string {
	if i < 1 || i > len(r.Elements) || len(r.Elements[i-1]) == 0 || len(r.Elements[i-1][0]) == 0 {
		return ""
	}
	return r.Elements[i-1][0][0]
}

func trimElements(elements []Element) []Element {
	for len(elements) > 0 && len(elements[len(elements)-1]) == 0 {
		elements = elements[:len(elements)-1]
	}
	return elements
}
