package x12

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"
)

// Source is a range of bytes in the file that was read; the terminator of a segment belongs to it, layout after it does not.
type Source struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// End is the offset of the first byte behind the range.
func (s Source) End() int64 { return s.Offset + s.Length }

// To is the range from the begin of s to the end of t.
func (s Source) To(t Source) Source { return Source{s.Offset, t.End() - s.Offset} }

// Severity tells what stops a file from what only deserves a look.
type Severity uint8

const (
	Warning Severity = iota + 1
	Error
)

func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Diagnostic is one finding. Ordinals count from 1; 0 means that there is no such thing at this place.
type Diagnostic struct {
	Code        Code     `json:"code"`
	Rule        string   `json:"rule,omitempty"` // which one, for rules between values: 837p.original_number
	Severity    Severity `json:"severity"`
	Interchange int      `json:"interchange,omitempty"` // in the file
	Group       int      `json:"group,omitempty"`       // in the interchange
	Set         int      `json:"set,omitempty"`         // in the group
	Segment     int      `json:"segment,omitempty"`     // in the set, ST is 1
	Loop        string   `json:"loop,omitempty"`
	SegmentID   string   `json:"segment_id,omitempty"`
	Element     int      `json:"element,omitempty"`
	Component   int      `json:"component,omitempty"`
	Repeat      int      `json:"repeat,omitempty"`
	Source
	Value   string `json:"value,omitempty"` // the bad text, at most 99 bytes; may be PHI, so no log or error text shows it
	Message string `json:"message"`         // the rule and the fix, without PHI
}

// Error is the finding in one line, without Value.
func (d Diagnostic) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", d.Severity, d.Code)
	if d.Rule != "" {
		b.WriteString(" " + d.Rule)
	}
	if at := d.place(); at != "" {
		b.WriteString(" at " + at)
	}
	if d.Length > 0 {
		fmt.Fprintf(&b, " (bytes %d to %d)", d.Offset, d.End())
	}
	b.WriteString(": " + d.Message)
	return b.String()
}

func (d Diagnostic) place() string {
	var at []string
	for _, p := range []struct {
		name string
		n    int
	}{{"interchange", d.Interchange}, {"group", d.Group}, {"set", d.Set}, {"segment", d.Segment}} {
		if p.n > 0 {
			at = append(at, fmt.Sprintf("%s %d", p.name, p.n))
		}
	}
	if d.Loop != "" {
		at = append(at, "loop "+d.Loop)
	}
	if d.SegmentID != "" {
		id := d.SegmentID
		if d.Element > 0 {
			id += fmt.Sprintf("%02d", d.Element)
		}
		if d.Component > 0 {
			id += fmt.Sprintf("-%d", d.Component)
		}
		at = append(at, id)
	}
	return strings.Join(at, ", ")
}

// LogValue keeps Value out of logs.
func (d Diagnostic) LogValue() slog.Value { return slog.StringValue(d.Error()) }

// SNIP is the level of the finding by the WEDI SNIP types: 1 syntax, 2 guide, 3 balance, 4 between segments.
func (d Diagnostic) SNIP() int { return codes[d.Code].snip }

// Diagnostics are all findings of one reading, in the order of the file.
type Diagnostics []Diagnostic

// Errors are the findings of severity Error.
func (ds Diagnostics) Errors() Diagnostics {
	var errs Diagnostics
	for _, d := range ds {
		if d.Severity == Error {
			errs = append(errs, d)
		}
	}
	return errs
}

// Err is nil without errors, else a *Invalid with all of them.
func (ds Diagnostics) Err() error {
	if errs := ds.Errors(); len(errs) > 0 {
		return &Invalid{errs}
	}
	return nil
}

// Of are the findings placed in a set: those that were made from typed values don't know where it stands.
func (ds Diagnostics) Of(set *Set) Diagnostics {
	placed := slices.Clone(ds)
	for i := range placed {
		placed[i].Set, placed[i].Group, placed[i].Interchange = set.Ordinal, set.Group.Ordinal, set.Group.Interchange.Ordinal
	}
	return placed
}

// Invalid is the error for bytes or values that break the rules: all problems at once.
type Invalid struct{ Problems Diagnostics }

func (e *Invalid) Error() string {
	const most = 20 // an error text is for people; Problems has all
	lines := make([]string, 0, most+1)
	for i, p := range e.Problems {
		if i == most {
			lines = append(lines, fmt.Sprintf("and %d more", len(e.Problems)-most))
			break
		}
		lines = append(lines, p.Error())
	}
	return "x12: " + strings.Join(lines, "\n")
}

// Code names a rule of the format. It is stable: programs may switch on it.
type Code string

const (
	FileEmpty       Code = "file.empty"
	FileNotX12      Code = "file.not_x12"
	FileCut         Code = "file.cut"
	FileJunk        Code = "file.junk"
	FileMark        Code = "file.mark"
	FileLayout      Code = "file.layout"
	FileUnwrapped   Code = "file.unwrapped"
	FileOverride    Code = "file.component_override"
	MoreLikeThis    Code = "file.more_like_this"
	ISAMalformed    Code = "isa.malformed"
	ISATerminator   Code = "isa.terminator"
	ISAElement      Code = "isa.element_separator"
	ISAComponent    Code = "isa.component_separator"
	ISARepetition   Code = "isa.repetition_separator"
	ISANoRepetition Code = "isa.no_repetition"
	ISASecurity     Code = "isa.security"
	ISASecurityCode Code = "isa.security_code"
	ISAQualifier    Code = "isa.qualifier"
	ISAID           Code = "isa.id"
	ISADate         Code = "isa.date"
	ISATime         Code = "isa.time"
	ISAVersion      Code = "isa.version"
	ISAControl      Code = "isa.control"
	ISAControlTwice Code = "isa.control_twice"
	ISAAck          Code = "isa.ack_requested"
	ISAUsage        Code = "isa.usage"
	IEAMissing      Code = "iea.missing"
	IEAControl      Code = "iea.control"
	IEACount        Code = "iea.count"
	NotAGroup       Code = "interchange.content"
	GSKind          Code = "gs.kind"
	GSControl       Code = "gs.control"
	GSControlTwice  Code = "gs.control_twice"
	GSDate          Code = "gs.date"
	GEMissing       Code = "ge.missing"
	GEControl       Code = "ge.control"
	GEControlZeros  Code = "ge.control_zeros"
	GECount         Code = "ge.count"
	STKind          Code = "st.kind"
	STControl       Code = "st.control"
	STControlTwice  Code = "st.control_twice"
	STVersion       Code = "st.version"
	SEMissing       Code = "se.missing"
	SEControl       Code = "se.control"
	SECount         Code = "se.count"
	SetTooLong      Code = "set.too_long"
	NotASet         Code = "group.content"
	SegmentEmpty    Code = "segment.empty"
	SegmentID       Code = "segment.id"
	SegmentNewline  Code = "segment.newline"
	SegmentTooLong  Code = "segment.too_long"
	SegmentTrailing Code = "segment.trailing"

	SegmentRequired   Code = "segment.required"
	SegmentUnexpected Code = "segment.unexpected"
	SegmentTooOften   Code = "segment.too_often"
	LoopRequired      Code = "loop.required"
	LoopTooOften      Code = "loop.too_often"
	LevelWrong        Code = "loop.hierarchy"

	ElementTrailing   Code = "element.trailing"
	ElementTooMany    Code = "element.too_many"
	ElementComponents Code = "element.too_many_components"
	ElementRepeats    Code = "element.too_many_repeats"
	ElementCharacter  Code = "element.character"
	ElementHighByte   Code = "element.high_byte"
	ElementLatin      Code = "element.latin1"
	ElementRequired   Code = "element.required"
	ElementPair       Code = "element.conditional"
	ElementCode       Code = "element.code"
	ElementNumber     Code = "element.number"
	ElementNumberForm Code = "element.number_form"
	ElementDate       Code = "element.date"
	ElementTime       Code = "element.time"
	ElementLong       Code = "element.long"
	ElementShort      Code = "element.short"
	ElementPattern    Code = "element.pattern"
	ElementMisplaced  Code = "element.misplaced"
	ElementUnread     Code = "element.unread"
	CompositeBroken   Code = "element.composite_incomplete"
	DelimiterInData   Code = "element.delimiter"
	DataCleaned       Code = "element.cleaned"

	GuideRule   Code = "guide.rule"
	GuideAdvice Code = "guide.advice"
	Unbalanced  Code = "balance"
	BalanceHint Code = "balance.advice"
	WrongKind   Code = "set.kind"
)

// level is the acknowledgment segment that carries a code.
type level uint8

const (
	noLevel level = iota
	inAK9         // group
	inIK5         // set
	inIK3         // segment
	inIK4         // element
)

// rule is what a code means for an acknowledgment (x12.md section 3): the TA1 note, and the code of AK905, IK502, IK304 or IK403.
type rule struct {
	severity Severity
	snip     int
	ta1      string
	level    level
	ack      string
}

var codes = map[Code]rule{
	FileEmpty:       {Error, 1, "", 0, ""},
	FileNotX12:      {Error, 1, "", 0, ""},
	FileCut:         {Error, 1, "023", 0, ""},
	FileJunk:        {Error, 1, "", 0, ""},
	FileMark:        {Warning, 1, "", 0, ""},
	FileLayout:      {Warning, 1, "", 0, ""},
	FileUnwrapped:   {Warning, 1, "", 0, ""},
	FileOverride:    {Warning, 1, "", 0, ""},
	MoreLikeThis:    {Warning, 1, "", 0, ""},
	ISAMalformed:    {Error, 1, "022", 0, ""},
	ISATerminator:   {Error, 1, "004", 0, ""},
	ISAElement:      {Error, 1, "026", 0, ""},
	ISAComponent:    {Error, 1, "027", 0, ""},
	ISARepetition:   {Error, 1, "002", 0, ""},
	ISANoRepetition: {Warning, 1, "", 0, ""},
	ISASecurity:     {Warning, 1, "", 0, ""},
	ISASecurityCode: {Error, 1, "010", 0, ""},
	ISAQualifier:    {Error, 1, "005", 0, ""},
	ISAID:           {Error, 1, "006", 0, ""},
	ISADate:         {Error, 1, "014", 0, ""},
	ISATime:         {Error, 1, "015", 0, ""},
	ISAVersion:      {Error, 1, "003", 0, ""},
	ISAControl:      {Error, 1, "018", 0, ""},
	ISAControlTwice: {Error, 1, "025", 0, ""},
	ISAAck:          {Error, 1, "019", 0, ""},
	ISAUsage:        {Error, 1, "020", 0, ""},
	IEAMissing:      {Error, 1, "022", 0, ""},
	IEAControl:      {Error, 1, "001", 0, ""},
	IEACount:        {Error, 1, "021", 0, ""},
	NotAGroup:       {Error, 1, "024", 0, ""},
	GSKind:          {Error, 1, "", inAK9, "1"},
	GSControl:       {Error, 1, "", inAK9, "6"},
	GSControlTwice:  {Error, 1, "", inAK9, "19"},
	GSDate:          {Warning, 1, "", 0, ""},
	GEMissing:       {Error, 1, "", inAK9, "3"},
	GEControl:       {Error, 1, "", inAK9, "4"},
	GEControlZeros:  {Warning, 1, "", 0, ""},
	GECount:         {Error, 1, "", inAK9, "5"},
	STKind:          {Error, 1, "", inIK5, "6"},
	STControl:       {Error, 1, "", inIK5, "7"},
	STControlTwice:  {Error, 1, "", inIK5, "23"},
	STVersion:       {Warning, 1, "", 0, ""},
	SEMissing:       {Error, 1, "", inIK5, "2"},
	SEControl:       {Error, 1, "", inIK5, "3"},
	SECount:         {Error, 1, "", inIK5, "4"},
	SetTooLong:      {Error, 1, "", inIK5, "I5"},
	NotASet:         {Error, 1, "022", 0, ""},
	SegmentEmpty:    {Error, 1, "", inIK5, "5"}, // nothing an IK3 could name
	SegmentID:       {Error, 1, "", inIK3, "1"},
	SegmentNewline:  {Error, 1, "", inIK3, "8"},
	SegmentTooLong:  {Error, 1, "", inIK3, "8"},
	SegmentTrailing: {Warning, 1, "", 0, ""},

	SegmentRequired:   {Error, 2, "", inIK3, "3"},
	SegmentUnexpected: {Error, 2, "", inIK3, "2"},
	SegmentTooOften:   {Error, 2, "", inIK3, "5"},
	LoopRequired:      {Error, 2, "", inIK3, "I7"},
	LoopTooOften:      {Error, 2, "", inIK3, "4"},
	LevelWrong:        {Error, 2, "", inIK3, "7"},

	ElementTrailing:   {Warning, 1, "", 0, ""},
	ElementTooMany:    {Error, 1, "", inIK4, "3"},
	ElementComponents: {Error, 1, "", inIK4, "13"},
	ElementRepeats:    {Error, 1, "", inIK4, "12"},
	ElementCharacter:  {Error, 1, "", inIK4, "6"},
	ElementHighByte:   {Warning, 1, "", 0, ""},
	ElementLatin:      {Warning, 1, "", 0, ""},
	ElementRequired:   {Error, 2, "", inIK4, "1"},
	ElementPair:       {Error, 2, "", inIK4, "2"},
	ElementCode:       {Error, 2, "", inIK4, "7"},
	ElementNumber:     {Error, 1, "", inIK4, "6"},
	ElementNumberForm: {Warning, 1, "", 0, ""},
	ElementDate:       {Error, 1, "", inIK4, "8"},
	ElementTime:       {Error, 1, "", inIK4, "9"},
	ElementLong:       {Error, 1, "", inIK4, "5"},
	ElementShort:      {Error, 1, "", inIK4, "4"},
	ElementPattern:    {Error, 2, "", inIK4, "I12"},
	ElementMisplaced:  {Warning, 2, "", 0, ""},
	ElementUnread:     {Warning, 2, "", 0, ""},
	CompositeBroken:   {Error, 2, "", inIK4, "1"},
	DelimiterInData:   {Error, 1, "", inIK4, "6"},
	DataCleaned:       {Warning, 1, "", 0, ""},

	GuideRule:   {Error, 4, "", inIK5, "I5"},
	GuideAdvice: {Warning, 4, "", 0, ""},
	Unbalanced:  {Error, 3, "", inIK5, "I5"},
	BalanceHint: {Warning, 3, "", 0, ""},
	WrongKind:   {Error, 2, "", inIK5, "1"},
}

// TA1Note is the note code a TA1 gives for the finding, empty when a TA1 doesn't speak of it.
func (d Diagnostic) TA1Note() string {
	if d.Severity != Error {
		return ""
	}
	return codes[d.Code].ta1
}

// AckCode is where a 999 puts the finding ("AK9", "IK5", "IK3", "IK4") and the code it uses there; both empty for what a 999 doesn't say.
func (d Diagnostic) AckCode() (segment, code string) {
	r := codes[d.Code]
	if d.Severity != Error || r.level == noLevel {
		return "", ""
	}
	return [...]string{inAK9: "AK9", inIK5: "IK5", inIK3: "IK3", inIK4: "IK4"}[r.level], r.ack
}

// NewDiagnostic is a finding with the severity its code has.
func NewDiagnostic(code Code, at Source, format string, args ...any) Diagnostic {
	return Diagnostic{Code: code, Severity: codes[code].severity, Source: at, Message: fmt.Sprintf(format, args...)}
}

// clip keeps a bad value to the 99 bytes an acknowledgment can carry, and its last letter whole.
func clip(value string) string {
	const most = 99
	if len(value) <= most {
		return value
	}
	end := most
	for end > 0 && !utf8.RuneStart(value[end]) {
		end--
	}
	return value[:end]
}

// AtElement places the finding in an element of a segment and keeps the text found there.
func (d Diagnostic) AtElement(seg Segment, element, component int) Diagnostic {
	d = d.AtSegment(seg)
	d.Element, d.Component = element, component
	if component > 0 {
		d.Value = clip(seg.Component(element, component))
	} else {
		d.Value = clip(seg.At(element))
	}
	if at := seg.ElementSource(element); at.Length > 0 {
		d.Source = at
	}
	return d
}

// AtSegment places the finding at a segment.
func (d Diagnostic) AtSegment(seg Segment) Diagnostic {
	d.Segment, d.SegmentID, d.Source = seg.Ordinal, seg.ID, seg.Source
	return d
}
