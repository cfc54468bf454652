package x12

import (
	"slices"
	"strconv"
)

// File is everything that was read. It stays valid as long as the bytes given to Read are not changed.
type File struct {
	Size         int64
	Interchanges []*Interchange
}

// Interchange is ISA … IEA.
type Interchange struct {
	Source
	Ordinal    int // in the file
	Separators Separators
	ISA        Segment
	SenderQualifier, Sender,
	ReceiverQualifier, Receiver string // ISA05–08, without blanks at the right
	Date, Time   string // CCYY-MM-DD (ISA09 has two digits of the year: 20xx), HHMM
	Version      string // ISA12
	Control      string // ISA13
	AckRequested bool   // ISA14 asks for a TA1
	Usage        string // T or P
	TA1          []Segment
	Groups       []*Group
	Complete     bool // an IEA closes it
	unreadable   bool // by its separators: the ISA is all there is
}

// Group is GS … GE.
type Group struct {
	Source
	Ordinal          int // in the interchange
	Interchange      *Interchange
	GS               Segment
	Functional       string // GS01
	Sender, Receiver string // GS02, GS03
	Date, Time       string // CCYY-MM-DD, as written
	Control          string // GS06
	Version          string // GS08
	Claimed          int    // GE01, how many sets the sender says it holds; -1 when it says none
	Sets             []*Set
	Complete         bool // a GE closes it
}

// Set is ST … SE.
type Set struct {
	Source
	Ordinal  int // in the group
	Group    *Group
	Type     string // ST01
	Control  string // ST02
	Version  string // ST03, or GS08 where that is missing
	Kind     Kind
	Segments []Segment // ST first; SE last when Complete
	Complete bool      // an SE closes it
}

// Body are the segments between ST and SE.
func (s *Set) Body() []Segment {
	body := s.Segments[1:]
	if s.Complete {
		body = body[:len(body)-1]
	}
	return body
}

// Sets are all sets of the file, in order.
func (f *File) Sets() []*Set {
	var sets []*Set
	for _, i := range f.Interchanges {
		for _, g := range i.Groups {
			sets = append(sets, g.Sets...)
		}
	}
	return sets
}

// Kinds are the kinds in the file, each once, in order of appearance; an interchange of TA1s alone counts as TA1.
func (f *File) Kinds() []Kind {
	var kinds []Kind
	add := func(k Kind) {
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	for _, i := range f.Interchanges {
		if len(i.TA1) > 0 && len(i.Groups) == 0 {
			add(KTA1)
		}
		for _, g := range i.Groups {
			for _, s := range g.Sets {
				add(s.Kind)
			}
		}
	}
	return kinds
}

// Read reads a whole file. It always gives a File, with as much as can be read; what is wrong is in the diagnostics, all at once.
func Read(data []byte) (*File, Diagnostics) { return ReadWith(data, Options{}) }

// ReadWith is Read with options.
func ReadWith(data []byte, opts Options) (*File, Diagnostics) {
	r := &reader{scan: newBytesScanner(data, opts)}
	r.run()
	r.file.Size = int64(len(data))
	return &r.file, r.found.list()
}

// collected are diagnostics, with a limit for each code so that a hostile file can't fill memory by its errors.
type collected struct {
	all    Diagnostics
	count  map[Code]int
	most   int
	hidden map[Code]Diagnostic // the last one, for codes beyond their limit
}

func (c *collected) add(d Diagnostic) {
	if c.count == nil {
		c.count, c.hidden = map[Code]int{}, map[Code]Diagnostic{}
	}
	if c.count[d.Code]++; c.count[d.Code] > c.most {
		c.hidden[d.Code] = d
		return
	}
	c.all = append(c.all, d)
}

func (c *collected) list() Diagnostics {
	slices.SortStableFunc(c.all, func(a, b Diagnostic) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
	codes := make([]Code, 0, len(c.hidden))
	for code := range c.hidden {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		last := c.hidden[code]
		d := NewDiagnostic(MoreLikeThis, last.Source, "%d more of %s are not listed, this is the last", c.count[code]-c.most, code)
		d.Severity = last.Severity
		c.all = append(c.all, d)
	}
	return c.all
}

// reader puts segments into envelopes and checks counts and control numbers at each level.
type reader struct {
	scan     *Scanner
	found    collected
	file     File
	i        *Interchange
	g        *Group
	s        *Set
	ordinal  int // of the last segment in the set
	controls map[[3]string]bool
	inGroups map[string]bool
	inSets   map[string]bool
	last     Source
	strayI   bool // content of the interchange outside of groups was reported
	strayG   bool
}

func (r *reader) run() {
	r.found.most = r.scan.limits.PerCode
	r.controls = map[[3]string]bool{}
	for r.scan.Scan() {
		r.take(r.scan.Segment())
		r.last = r.scan.Segment().Source
	}
	r.fromScanner()
	if r.scan.Open() {
		r.cut()
	} else if r.i != nil {
		r.endInterchange(nil)
	}
	if len(r.file.Interchanges) == 0 && len(r.found.all) == 0 {
		r.report(NewDiagnostic(FileEmpty, Source{}, "the file holds nothing: an interchange begins with ISA"))
	} else if len(r.file.Interchanges) == 0 && !r.scan.Open() && r.found.count[ISAMalformed] == 0 {
		r.found.all = nil
		r.report(NewDiagnostic(FileNotX12, Source{}, "no interchange begins in this file: X12 begins with ISA"))
	}
}

// place fills in where the reader stands.
func (r *reader) place(d Diagnostic) Diagnostic {
	if r.i != nil {
		d.Interchange = r.i.Ordinal
	}
	if r.g != nil {
		d.Group = r.g.Ordinal
	}
	if r.s != nil {
		d.Set = r.s.Ordinal
	}
	return d
}

func (r *reader) report(d Diagnostic) { r.found.add(r.place(d)) }

func (r *reader) at(code Code, seg Segment, element int, format string, args ...any) {
	d := NewDiagnostic(code, seg.Source, format, args...)
	if element > 0 {
		d = d.AtElement(seg, element, 0)
	} else {
		d = d.AtSegment(seg)
	}
	r.report(d)
}

// fromScanner takes over what the scanner found in the segment it just gave, or before it.
func (r *reader) fromScanner() {
	for _, d := range r.scan.Found() {
		if r.i == nil || d.Interchange != r.i.Ordinal {
			r.found.add(d)
			continue
		}
		d = r.place(d)
		if r.s != nil {
			d.Segment = r.ordinal
		}
		r.found.add(d)
	}
}

func (r *reader) take(seg Segment) {
	switch seg.ID {
	case "ISA":
		if fitsISA(seg.Bytes()) && len(seg.Bytes()) == isaLength-1 {
			if r.i != nil {
				r.endInterchange(nil)
			}
			r.beginInterchange(seg)
			r.fromScanner()
			return
		}
	case "IEA":
		r.fromScanner()
		if r.i != nil {
			r.endInterchange(&seg)
		}
		return
	case "GS":
		r.endGroup(nil)
		r.beginGroup(seg)
		r.fromScanner()
		return
	case "GE":
		if r.g != nil {
			r.fromScanner()
			r.endGroup(&seg)
			return
		}
	case "ST":
		if r.g != nil {
			r.endSet(nil)
			r.beginSet(seg)
			r.fromScanner()
			return
		}
	case "SE":
		if r.s != nil {
			r.ordinal++
			seg.Ordinal = r.ordinal
			r.fromScanner()
			r.endSet(&seg)
			return
		}
	}
	switch {
	case r.s != nil:
		r.ordinal++
		seg.Ordinal = r.ordinal
		if most := r.scan.limits.SetSegments; r.ordinal == most+1 {
			r.at(SetTooLong, seg, 0, "a set has at most %d segments: the others are not read", most)
		} else if r.ordinal <= most {
			r.s.Segments = append(r.s.Segments, seg)
		}
		r.fromScanner()
	case r.g != nil:
		r.fromScanner()
		if !r.strayG {
			r.strayG = true
			r.at(NotASet, seg, 0, "a group holds sets, each from ST to SE: this segment stands outside of one and is not read, nor are others like it")
		}
	case seg.ID == "TA1" && len(r.i.Groups) == 0:
		r.fromScanner()
		r.i.TA1 = append(r.i.TA1, seg)
	default:
		r.fromScanner()
		if !r.strayI {
			r.strayI = true
			r.at(NotAGroup, seg, 0, "an interchange holds TA1s, then groups from GS to GE: this segment stands outside of one and is not read, nor are others like it")
		}
	}
}

func (r *reader) beginInterchange(seg Segment) {
	i := &Interchange{
		Source: seg.Source, Separators: seg.Separators(), ISA: seg,
		SenderQualifier: seg.At(5), Sender: seg.At(6), ReceiverQualifier: seg.At(7), Receiver: seg.At(8),
		Version: seg.At(12), Control: seg.At(13), AckRequested: seg.At(14) == "1", Usage: seg.At(15),
	}
	r.file.Interchanges = append(r.file.Interchanges, i)
	r.i, r.strayI, r.inGroups = i, false, map[string]bool{}
	i.Ordinal, i.unreadable = r.scan.nth, r.scan.skip

	for _, c := range []struct {
		element int
		used    string
	}{{1, "03"}, {3, "01"}} {
		switch v := seg.At(c.element); v {
		case "00":
		case c.used:
			r.at(ISASecurity, seg, c.element, "ISA%02d is %s: partners agree on 00 (nothing), since files travel protected", c.element, v)
		default:
			r.at(ISASecurityCode, seg, c.element, "ISA%02d must be 00 or %s", c.element, c.used)
		}
	}
	for _, e := range []int{5, 7} {
		if v := seg.At(e); !slices.Contains([]string{"01", "14", "20", "27", "28", "29", "30", "33", "ZZ"}, v) {
			r.at(ISAQualifier, seg, e, "ISA%02d must be one of 01 14 20 27 28 29 30 33 ZZ", e)
		}
		if seg.At(e+1) == "" {
			r.at(ISAID, seg, e+1, "ISA%02d must name the partner", e+1)
		}
	}
	if date, ok := ParseDate("20" + seg.At(9)); ok {
		i.Date = date
	} else {
		r.at(ISADate, seg, 9, "ISA09 must be a day, as YYMMDD")
	}
	if i.Time = seg.At(10); len(i.Time) != 4 || !ValidTime(i.Time) {
		r.at(ISATime, seg, 10, "ISA10 must be a time, as HHMM")
	}
	if i.Version != "00501" {
		r.at(ISAVersion, seg, 12, "ISA12 must be 00501: this is another version of X12")
	}
	if !validControl(i.Control) {
		r.at(ISAControl, seg, 13, "ISA13 must be 9 digits")
	} else if key := [3]string{i.SenderQualifier + i.Sender, i.ReceiverQualifier + i.Receiver, i.Control}; r.controls[key] {
		r.at(ISAControlTwice, seg, 13, "ISA13 %s stands twice in this file, from the same sender to the same receiver", i.Control)
	} else {
		r.controls[key] = true
	}
	if v := seg.At(14); v != "0" && v != "1" {
		r.at(ISAAck, seg, 14, "ISA14 must be 0 or 1")
	}
	if i.Usage != "T" && i.Usage != "P" {
		r.at(ISAUsage, seg, 15, "ISA15 must be T (test) or P (production)")
	}
}

func validControl(isa13 string) bool { return len(isa13) == 9 && digitsOnly(isa13) }

func validNumber(gs06 string) bool { return len(gs06) <= 9 && digitsOnly(gs06) }

func validSetControl(st02 string) bool { return len(st02) >= 4 && len(st02) <= 9 }

// endInterchange closes it by its IEA, or without one.
func (r *reader) endInterchange(iea *Segment) {
	r.endGroup(nil)
	i := r.i
	if i.unreadable {
		r.i = nil
		return
	}
	if iea == nil {
		i.Source = i.Source.To(r.last)
		r.report(NewDiagnostic(IEAMissing, i.Source, "interchange %s has no IEA", i.Control))
		r.i = nil
		return
	}
	i.Source, i.Complete = i.Source.To(iea.Source), true
	if n, ok := count(*iea, 1); !ok || n != len(i.Groups) {
		r.at(IEACount, *iea, 1, "IEA01 says %s groups, the interchange has %d", shown(n, ok), len(i.Groups))
	}
	if v := iea.At(2); v != i.Control && validControl(i.Control) {
		r.at(IEAControl, *iea, 2, "IEA02 must be the ISA13 of its interchange, %s", i.Control)
	}
	r.i = nil
}

func (r *reader) beginGroup(seg Segment) {
	g := &Group{
		Source: seg.Source, Ordinal: len(r.i.Groups) + 1, Interchange: r.i, GS: seg, Functional: seg.At(1), Sender: seg.At(2), Receiver: seg.At(3),
		Time: seg.At(5), Control: seg.At(6), Version: seg.At(8), Claimed: -1,
	}
	r.i.Groups = append(r.i.Groups, g)
	r.g, r.inSets, r.strayG = g, map[string]bool{}, false
	if !knownFunctional(g.Functional) {
		r.at(GSKind, seg, 1, "GS01 is no kind of group that we read")
	}
	if date, ok := ParseDate(seg.At(4)); ok {
		g.Date = date
	} else {
		r.at(GSDate, seg, 4, "GS04 must be a day, as CCYYMMDD")
	}
	switch key := trimZeros(g.Control); {
	case !validNumber(g.Control):
		r.at(GSControl, seg, 6, "GS06 must be 1 to 9 digits")
	case r.inGroups[key]:
		r.at(GSControlTwice, seg, 6, "GS06 %s stands twice in this interchange", g.Control)
	default:
		r.inGroups[key] = true
	}
}

func knownFunctional(code string) bool {
	for _, f := range functional {
		if f == code {
			return true
		}
	}
	return false
}

func (r *reader) endGroup(ge *Segment) {
	if r.g == nil {
		return
	}
	r.endSet(nil)
	g := r.g
	if ge == nil {
		g.Source = g.Source.To(r.last)
		r.report(NewDiagnostic(GEMissing, g.Source, "group %s has no GE", g.Control))
		r.g = nil
		return
	}
	g.Source, g.Complete = g.Source.To(ge.Source), true
	n, ok := count(*ge, 1)
	if ok {
		g.Claimed = n
	}
	if !ok || n != len(g.Sets) {
		r.at(GECount, *ge, 1, "GE01 says %s sets, the group has %d", shown(n, ok), len(g.Sets))
	}
	switch v := ge.At(2); {
	case v == g.Control || !validNumber(g.Control):
	case trimZeros(v) == trimZeros(g.Control) && digitsOnly(v):
		r.at(GEControlZeros, *ge, 2, "GE02 and GS06 are the same number with different leading zeros")
	default:
		r.at(GEControl, *ge, 2, "GE02 must be the GS06 of its group, %s", g.Control)
	}
	r.g = nil
}

func (r *reader) beginSet(seg Segment) {
	seg.Ordinal, r.ordinal = 1, 1
	s := &Set{Source: seg.Source, Ordinal: len(r.g.Sets) + 1, Group: r.g, Type: seg.At(1), Control: seg.At(2), Version: seg.At(3), Segments: append(make([]Segment, 0, 32), seg)}
	if s.Version == "" {
		s.Version = r.g.Version
	}
	s.Kind = KindOf(s.Type, s.Version)
	r.g.Sets = append(r.g.Sets, s)
	r.s = s
	if f := functional[s.Type]; f != r.g.Functional && knownFunctional(r.g.Functional) {
		if f == "" {
			f = "another kind"
		}
		r.at(STKind, seg, 1, "a set %s stands in a group %s, it belongs to %s", quoted(s.Type), quoted(r.g.Functional), f)
	}
	if s.Version != r.g.Version {
		r.at(STVersion, seg, 3, "ST03 names another guide than GS08: read by ST03")
	}
	switch {
	case !validSetControl(s.Control):
		r.at(STControl, seg, 2, "ST02 must have 4 to 9 characters")
	case r.inSets[s.Control]:
		r.at(STControlTwice, seg, 2, "ST02 %s stands twice in this group", s.Control)
	default:
		r.inSets[s.Control] = true
	}
}

func (r *reader) endSet(se *Segment) {
	if r.s == nil {
		return
	}
	s := r.s
	if se == nil {
		s.Source = s.Source.To(r.last)
		r.report(NewDiagnostic(SEMissing, s.Source, "set %s has no SE", s.Control))
		r.s = nil
		return
	}
	s.Source, s.Complete = s.Source.To(se.Source), true
	s.Segments = append(s.Segments, *se)
	if n, ok := count(*se, 1); !ok || n != r.ordinal {
		r.at(SECount, *se, 1, "SE01 says %s segments, the set has %d from ST to SE", shown(n, ok), r.ordinal)
	}
	if v := se.At(2); v != s.Control && validSetControl(s.Control) {
		r.at(SEControl, *se, 2, "SE02 must be the ST02 of its set, %s", s.Control)
	}
	r.s = nil
}

// cut is the one finding for a file that ends too early.
func (r *reader) cut() {
	at, where := r.scan.Tail(), "behind a whole segment"
	if at.Length > 0 {
		where = "inside a segment"
	} else {
		at = Source{r.last.End(), 0}
	}
	missing := "the rest of the interchange, up to IEA"
	switch {
	case r.s != nil:
		r.s.Source = r.s.Source.To(r.last)
		r.g.Source = r.g.Source.To(r.last)
		missing = "the rest of set " + r.s.Control + ", its SE, and GE and IEA behind it"
	case r.g != nil:
		r.g.Source = r.g.Source.To(r.last)
		missing = "the rest of group " + r.g.Control + ", its GE, and IEA behind it"
	}
	name := "an interchange"
	if r.i != nil {
		r.i.Source = r.i.Source.To(r.last)
		name = "interchange " + r.i.Control
	}
	d := NewDiagnostic(FileCut, at, "the file is cut: %s ends %s at byte %d; missing is %s. Ask the sender for the whole file", name, where, at.End(), missing)
	if r.s != nil {
		d.Segment = r.ordinal
	}
	r.report(d)
}

func count(seg Segment, element int) (int, bool) {
	text := seg.At(element)
	if len(text) > 10 || !digitsOnly(text) {
		return 0, false
	}
	return number(text), true
}

func shown(n int, ok bool) string {
	if !ok {
		return "no number of"
	}
	return strconv.Itoa(n)
}

func trimZeros(text string) string {
	for len(text) > 1 && text[0] == '0' {
		text = text[1:]
	}
	return text
}
