package x12

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// Options for reading; the zero value is right for files of partners.
type Options struct {
	// Unwrap joins segments that line breaks cut, as in files of 80 columns, and says so; without it a break inside a segment is an error.
	Unwrap bool
	// Component reads composites by this byte instead of ISA16, and says so: for files whose ISA16 is wrong, when a person has decided that it is.
	Component byte
	Limits    Limits
}

// Limits against hostile input; 0 takes the default.
type Limits struct {
	SegmentBytes int // 1 MiB
	Elements     int // 64 a segment
	Components   int // 20 a repeat
	Repeats      int // 200 an element
	SetSegments  int // 1,000,000
	PerCode      int // 1,000 diagnostics of the same code and severity, then one that counts the rest
}

func (l Limits) orDefault() Limits {
	for _, d := range []struct {
		limit *int
		value int
	}{{&l.SegmentBytes, 1 << 20}, {&l.Elements, 64}, {&l.Components, 20}, {&l.Repeats, 200}, {&l.SetSegments, 1_000_000}, {&l.PerCode, 1000}} {
		if *d.limit <= 0 {
			*d.limit = d.value
		}
	}
	return l
}

// isaLength is the only fixed length in the format, its terminator included; isaSeparators is where an ISA's element separators stand.
const isaLength = 106

var isaSeparators = [...]int{3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103}

type class uint8

const (
	data class = iota
	high
	control
	newline
	element
	component
	repetition
	terminator
)

// Scanner splits bytes into segments, interchange by interchange. It checks the rules of the lexer, not those of the envelope; Read does both.
type Scanner struct {
	in      io.Reader // nil when buf has everything
	buf     []byte
	base    int64 // offset of buf[0] in the file
	pos     int   // next byte in buf
	eof     bool
	err     error
	opts    Options
	limits  Limits
	sep     *Separators
	classes [256]class
	open    bool // between ISA and IEA
	skip    bool // the interchange can't be read: go to the next ISA
	nth     int  // ordinal of the interchange
	blanks  bool // blanks between segments were reported for this interchange
	wrapped bool // so was unwrapping
	seg     Segment
	tail    Source // bytes at the end that no terminator closes
	arena   []int32
	found   Diagnostics
	ids     map[string]string
}

// NewScanner reads from in. A Segment it gives is valid until the next Scan.
func NewScanner(in io.Reader, opts Options) *Scanner {
	return &Scanner{in: in, opts: opts, limits: opts.Limits.orDefault(), ids: map[string]string{}}
}

func newBytesScanner(data []byte, opts Options) *Scanner {
	return &Scanner{buf: data, eof: true, opts: opts, limits: opts.Limits.orDefault(), ids: map[string]string{}}
}

// Segment is the one that Scan found.
func (s *Scanner) Segment() Segment { return s.seg }

// Found are the diagnostics since the last call.
func (s *Scanner) Found() Diagnostics {
	found := s.found
	s.found = nil
	return found
}

// Err is the error of the io.Reader, if it had one.
func (s *Scanner) Err() error { return s.err }

// Open says, after Scan has returned false, that the file ends inside an interchange.
func (s *Scanner) Open() bool { return s.open || s.tail.Length > 0 }

// Tail are the last bytes when no terminator closes them.
func (s *Scanner) Tail() Source { return s.tail }

// Scan goes to the next segment; false at the end of the file.
func (s *Scanner) Scan() bool {
	if s.in != nil {
		s.arena = s.arena[:0]
	}
	for {
		if !s.open {
			return s.seekISA()
		}
		if s.skip {
			s.open, s.skip = false, false
			s.toNextISA()
			continue
		}
		if !s.layout() {
			return false
		}
		if s.startsISA() {
			return s.scanISA()
		}
		if ok, again := s.segment(); ok {
			return true
		} else if !again {
			return false
		}
	}
}

// need makes n bytes from pos on available, if the file has them.
func (s *Scanner) need(n int) bool {
	for len(s.buf)-s.pos < n {
		if s.eof {
			return false
		}
		s.fill(s.pos)
	}
	return true
}

// fill reads more, forgetting what stands before keep; positions move down by what it returns.
func (s *Scanner) fill(keep int) int {
	const chunk = 64 << 10
	if keep > 0 {
		s.buf = s.buf[:copy(s.buf, s.buf[keep:])]
		s.base += int64(keep)
		s.pos -= keep
	}
	if cap(s.buf)-len(s.buf) < chunk/2 {
		grown := make([]byte, len(s.buf), 2*len(s.buf)+chunk)
		copy(grown, s.buf)
		s.buf = grown
	}
	for empty := 0; ; empty++ {
		n, err := s.in.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		if err == nil && n == 0 && empty >= 100 {
			err = io.ErrNoProgress
		}
		if err != nil {
			s.eof = true
			if err != io.EOF {
				s.err = fmt.Errorf("x12: read at byte %d: %w", s.base+int64(len(s.buf)), err)
			}
		}
		if n > 0 || err != nil {
			return keep
		}
	}
}

func (s *Scanner) at(from, to int) Source { return Source{s.base + int64(from), int64(to - from)} }

func (s *Scanner) report(code Code, at Source, format string, args ...any) *Diagnostic {
	d := NewDiagnostic(code, at, format, args...)
	d.Interchange = s.nth
	s.found = append(s.found, d)
	return &s.found[len(s.found)-1]
}

// fitsISA says whether b begins with an ISA, as far as b goes.
func fitsISA(b []byte) bool {
	for i, c := range []byte("ISA") {
		if i < len(b) && b[i] != c {
			return false
		}
	}
	for _, i := range isaSeparators {
		if i < len(b) && b[i] != b[3] {
			return false
		}
	}
	return len(b) > 0
}

// startsISA says whether a whole ISA stands at pos.
func (s *Scanner) startsISA() bool {
	return s.need(4) && string(s.buf[s.pos:s.pos+3]) == "ISA" && s.need(isaLength) && fitsISA(s.buf[s.pos:s.pos+isaLength])
}

// seekISA goes to the next interchange.
func (s *Scanner) seekISA() bool {
	if s.base == 0 && s.pos == 0 && s.need(3) && string(s.buf[:3]) == "\xEF\xBB\xBF" {
		s.report(FileMark, s.at(0, 3), "a byte order mark stands before the first ISA: skipped; send plain bytes")
		s.pos = 3
	}
	s.blanks = false
	if !s.layout() {
		return false
	}
	if !s.startsISA() {
		rest := s.buf[s.pos:]
		switch {
		case len(rest) < isaLength && fitsISA(rest):
			s.tail = s.at(s.pos, len(s.buf))
			return false
		case bytes.HasPrefix(rest, []byte("ISA")):
			s.malformed()
		default:
			s.junk()
		}
		return s.seekISA()
	}
	return s.scanISA()
}

func (s *Scanner) malformed() {
	at := s.at(s.pos, min(s.pos+isaLength, len(s.buf)))
	s.nth++
	d := NewDiagnostic(ISAMalformed, at, "an ISA is %d bytes with its separator at 16 fixed places; this one is not, so the bytes up to the next ISA are not read", isaLength)
	d.Interchange, d.SegmentID = s.nth, "ISA"
	from := s.base + int64(s.pos)
	s.pos += 3
	s.toNextISA()
	d.Source = Source{from, s.base + int64(s.pos) - from}
	s.found = append(s.found, d)
}

// junk reports the bytes from here to the next ISA that fits, or to the end.
func (s *Scanner) junk() {
	start := s.base + int64(s.pos)
	s.toNextISA()
	end := s.base + int64(s.pos)
	s.report(FileJunk, Source{start, end - start}, "%d bytes that are no interchange: not read", end-start).Interchange = 0
}

// toNextISA moves to the next ISA whose separators fit, or to the end of the file.
func (s *Scanner) toNextISA() {
	for {
		i := bytes.Index(s.buf[s.pos:], []byte("ISA"))
		switch {
		case i >= 0:
			s.pos += i
			if s.startsISA() {
				return
			}
			if len(s.buf)-s.pos < isaLength && fitsISA(s.buf[s.pos:]) {
				return // the file is cut inside this ISA
			}
			s.pos += 3
		case s.eof:
			s.pos = len(s.buf)
			return
		default:
			s.pos = max(s.pos, len(s.buf)-2) // "IS" may stand at the end
			s.fill(s.pos)
		}
	}
}

// scanISA takes the ISA at pos and sets the separators by it.
func (s *Scanner) scanISA() bool {
	b := s.buf[s.pos : s.pos+isaLength]
	s.nth++
	s.open, s.skip, s.wrapped = true, false, false
	sep := &Separators{Element: b[3], Repetition: b[82], Component: b[104], Terminator: b[105]}
	s.sep = sep
	at := s.at(s.pos, s.pos+isaLength)
	unusable := func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == ' ' || c == '.' || c == '-' || c == '+' || c >= 0x80
	}
	bad := func(code Code, i int, what string, c byte) {
		d := s.report(code, Source{at.Offset + int64(i), 1}, "byte %q can't be the %s: it must be no letter, digit, blank, point or sign, and differ from the other separators; this interchange is not read", c, what)
		d.SegmentID = "ISA"
		s.skip = true
	}
	switch {
	case unusable(sep.Element):
		bad(ISAElement, 3, "element separator", sep.Element)
	case unusable(sep.Component) || sep.Component == sep.Element:
		bad(ISAComponent, 104, "component separator (ISA16)", sep.Component)
	case unusable(sep.Terminator) || sep.Terminator == sep.Element || sep.Terminator == sep.Component:
		bad(ISATerminator, 105, "segment terminator", sep.Terminator)
	}
	switch r := sep.Repetition; {
	case r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z':
		s.report(ISANoRepetition, Source{at.Offset + 82, 1}, "ISA11 is %q, as before 5010: elements of this interchange don't repeat", r).SegmentID = "ISA"
		sep.Repetition = 0
	case unusable(r) || r == sep.Element || r == sep.Component || r == sep.Terminator:
		if !s.skip {
			bad(ISARepetition, 82, "repetition separator (ISA11)", r)
		}
		sep.Repetition = 0
	}
	if o := s.opts.Component; o != 0 && o != sep.Component && !s.skip {
		s.report(FileOverride, Source{at.Offset + 104, 1}, "composites are read by %q, ISA16 names %q", o, sep.Component)
		sep.Component = o
	}
	ends := s.ends(len(isaSeparators) + 1)
	for _, i := range isaSeparators {
		ends = append(ends, int32(i))
	}
	ends = append(ends, isaLength-1)
	s.keep(len(ends))
	s.seg = Segment{ID: "ISA", Source: at, raw: b[:isaLength-1], ends: ends[:len(ends):len(ends)], sep: sep}

	for i := range s.classes {
		switch {
		case i >= 0x80:
			s.classes[i] = high
		case i == '\r' || i == '\n':
			s.classes[i] = newline
		case i < ' ' || i == 0x7F:
			s.classes[i] = control
		default:
			s.classes[i] = data
		}
	}
	if sep.Repetition != 0 {
		s.classes[sep.Repetition] = repetition
	}
	s.classes[sep.Component] = component
	s.classes[sep.Element] = element
	s.classes[sep.Terminator] = terminator
	s.pos += isaLength
	return true
}

// ends gives room for the offsets of one segment; views of earlier segments stay valid.
func (s *Scanner) ends(room int) []int32 {
	const chunk = 64 << 10
	if cap(s.arena)-len(s.arena) < room {
		guess := 0 // a stream needs room for one segment only
		if s.in == nil {
			guess = min((len(s.buf)-s.pos)/4, chunk)
		}
		s.arena = make([]int32, 0, max(guess, room))
	}
	return s.arena[len(s.arena):len(s.arena)]
}

func (s *Scanner) keep(n int) { s.arena = s.arena[:len(s.arena)+n] }

// layout skips what may stand between segments; false at the end of the file.
func (s *Scanner) layout() bool {
	for {
		for ; s.pos < len(s.buf); s.pos++ {
			switch s.buf[s.pos] {
			case '\r', '\n':
			case ' ', '\t':
				if !s.blanks {
					s.blanks = true
					s.report(FileLayout, s.at(s.pos, s.pos+1), "blanks or tabs stand between segments: skipped; only line breaks should")
				}
			default:
				return true
			}
		}
		if s.eof {
			return false
		}
		s.fill(s.pos)
	}
}

// marks are what one pass over a segment notices, by the element where it was first seen; -1 for nowhere.
type marks struct{ control, high, spare, wide, often int }

var nowhere = marks{-1, -1, -1, -1, -1}

// segment takes the segment at pos; ok when it gave one, again when there may be another behind it.
func (s *Scanner) segment() (ok, again bool) {
	var (
		first               = s.base + int64(s.pos) // in the file
		start, i            = s.pos, s.pos
		ends                = s.ends(s.limits.Elements + 1)
		seen                = nowhere
		components, repeats = 1, 1
		buf, classes        = s.buf, &s.classes
		broken, tooMany     bool
		dropped             bool // the begin is forgotten: the segment is longer than allowed
		lengthAt            = 0  // the element that says how many raw bytes follow it
		rawEnd              = 0
	)
scan:
	for {
		for i < len(buf) && classes[buf[i]] == data {
			i++
		}
		if i == len(buf) {
			if s.eof {
				s.tail = Source{first, s.base + int64(i) - first}
				s.pos = i
				return false, false
			}
			if i-start > s.limits.SegmentBytes {
				dropped, start, ends = true, i, ends[:0]
			}
			shift := s.fill(start)
			buf = s.buf
			i, start, rawEnd = i-shift, start-shift, rawEnd-shift
			continue
		}
		switch classes[buf[i]] {
		case element, terminator:
			if i > start && len(ends) > 0 && i != rawEnd && seen.spare < 0 {
				if c := classes[buf[i-1]]; c == component || c == repetition {
					seen.spare = len(ends)
				}
			}
			if len(ends) <= s.limits.Elements {
				ends = append(ends, int32(i-start))
			} else {
				tooMany = true
			}
			components, repeats = 1, 1
			if classes[buf[i]] == terminator {
				break scan
			}
			switch {
			case dropped:
			case len(ends) == 1 && i-start == 3 && string(buf[start:i]) == "BIN":
				lengthAt = 1
			case len(ends) == 1 && i-start == 3 && string(buf[start:i]) == "BDS":
				lengthAt = 2
			case lengthAt > 0 && len(ends) == lengthAt+1:
				lengthAt = 0
				text := string(buf[start+int(ends[len(ends)-2])+1 : i])
				if n := number(text); digitsOnly(text) && n >= 0 && n <= s.limits.SegmentBytes {
					s.pos = i + 1
					shift, whole := s.needBehind(start, n)
					buf = s.buf
					i, start = i-shift, start-shift
					if !whole {
						s.tail = Source{first, s.base + int64(len(s.buf)) - first}
						s.pos = len(s.buf)
						return false, false
					}
					i += n
					rawEnd = i + 1
				}
			}
		case component:
			if components++; components > s.limits.Components && seen.wide < 0 {
				seen.wide = len(ends)
			}
		case repetition:
			components = 1
			if repeats++; repeats > s.limits.Repeats && seen.often < 0 {
				seen.often = len(ends)
			}
		case newline:
			broken = true
		case control:
			if seen.control < 0 {
				seen.control = len(ends)
			}
		case high:
			if seen.high < 0 {
				seen.high = len(ends)
			}
		}
		i++
	}
	s.pos = i + 1
	at := Source{first, s.base + int64(i) + 1 - first}
	switch {
	case at.Length == 1:
		s.report(SegmentEmpty, at, "a terminator without a segment: skipped")
		return false, true
	case at.Length-1 > int64(s.limits.SegmentBytes):
		s.report(SegmentTooLong, at, "a segment has at most %d bytes: not read", s.limits.SegmentBytes)
		return false, true
	}
	raw := buf[start:i:i]
	if broken && s.opts.Unwrap {
		raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r"), nil), []byte("\n"), nil)
		ends = s.split(raw, ends[:0])
	}
	s.keep(len(ends))
	s.seg = Segment{ID: s.intern(raw[:ends[0]]), Source: at, raw: raw, ends: ends[:len(ends):len(ends)], sep: s.sep}
	switch {
	case broken && !s.opts.Unwrap:
		s.report(SegmentNewline, at, "a line break stands inside the segment; if the sender wraps its lines, ask to unwrap them")
	case broken && !s.wrapped:
		s.wrapped = true
		s.report(FileUnwrapped, at, "line breaks inside segments are left out as asked")
	}
	s.check(tooMany, seen)
	s.open = s.seg.ID != "IEA"
	return true, true
}

// needBehind makes n bytes behind pos available without forgetting what stands from keep on; positions move down by shift.
func (s *Scanner) needBehind(keep, n int) (shift int, ok bool) {
	for len(s.buf)-s.pos < n {
		if s.eof {
			return shift, false
		}
		moved := s.fill(keep)
		keep, shift = keep-moved, shift+moved
	}
	return shift, true
}

// split finds the elements of a segment that was unwrapped.
func (s *Scanner) split(raw []byte, ends []int32) []int32 {
	for i, c := range raw {
		if c == s.sep.Element && len(ends) <= s.limits.Elements {
			ends = append(ends, int32(i))
		}
	}
	if len(ends) <= s.limits.Elements {
		ends = append(ends, int32(len(raw)))
	}
	return ends
}

func (s *Scanner) intern(id []byte) string {
	if known, ok := s.ids[string(id)]; ok {
		return known
	}
	name := text(id)
	if len(s.ids) < 1000 {
		s.ids[string(id)] = name
	}
	return name
}

func (s *Scanner) check(tooMany bool, seen marks) {
	seg := s.seg
	if n := seg.Len(); n > 0 && len(seg.element(n)) == 0 && !tooMany {
		s.report(SegmentTrailing, seg.Source, "element separators stand at the end without a value behind them: read as if absent").SegmentID = seg.ID
	}
	if !validID(seg.ID) {
		s.report(SegmentID, seg.Source, "a segment id is a capital letter and one or two capital letters or digits").SegmentID = clip(seg.ID)
	}
	if tooMany {
		s.report(ElementTooMany, seg.Source, "a segment has at most %d elements: the others are not read", s.limits.Elements).SegmentID = seg.ID
	}
	if seen == nowhere {
		return
	}
	foreign := seen.high
	for foreign >= 0 && foreign <= seg.Len() && utf8.Valid(seg.element(foreign)) {
		foreign++
	}
	if foreign > seg.Len() {
		foreign = -1
	} else {
		seen.high = -1
	}
	for _, f := range []struct {
		at   int
		code Code
		text string
	}{
		{seen.control, ElementCharacter, "a control character stands in the data: the sender must take it out"},
		{seen.high, ElementHighByte, "letters beyond the character set stand in the data, as UTF-8: kept as they are"},
		{foreign, ElementLatin, "letters beyond the character set stand in the data, and not as UTF-8: read as Latin-1 (Windows-1252), so look whether the names are right"},
		{seen.wide, ElementComponents, "too many components"},
		{seen.often, ElementRepeats, "too many repeats"},
		{seen.spare, ElementTrailing, "a separator stands at the end of the element without a value behind it: read as if absent"},
	} {
		if f.at < 0 {
			continue
		}
		at := seg.ElementSource(f.at)
		if at.Length == 0 {
			at = seg.Source
		}
		d := s.report(f.code, at, "%s", f.text)
		d.SegmentID, d.Element = seg.ID, f.at
	}
}

func validID(id string) bool {
	if len(id) < 2 || len(id) > 3 || id[0] < 'A' || id[0] > 'Z' {
		return false
	}
	for _, c := range []byte(id[1:]) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
