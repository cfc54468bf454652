package x12_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/golden"
)

// good is an interchange of two sets in which nothing is wrong.
const good = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260105*0930*^*00501*000000007*0*T*:~" +
	"GS*HB*SENDER*RECEIVER*20260105*0930*42*X*005010X279A1~" +
	"ST*271*0001*005010X279A1~BHT*0022*11*A1*20260105*0930~EB*1**30^MH~SE*4*0001~" +
	"ST*271*0002*005010X279A1~BHT*0022*11*A2*20260105*0930~SE*3*0002~" +
	"GE*2*42~IEA*1*000000007~"

func listing(found x12.Diagnostics) string {
	var b strings.Builder
	for _, d := range found {
		fmt.Fprintln(&b, d.Error())
	}
	return b.String()
}

func TestSamplesReadAsTheyDid(t *testing.T) {
	for name, data := range golden.Samples(t, ".", "") {
		t.Run(name, func(t *testing.T) {
			file, found := x12.Read(data)
			canon, err := x12.Canon(file)
			if err != nil {
				t.Fatal(err)
			}
			out := fmt.Sprintf("sniffed %s, kinds %v\n\n%s\n%s", x12.Sniff(data), file.Kinds(), listing(found), bytes.ReplaceAll(canon, []byte("~"), []byte("~\n")))
			golden.Equal(t, "testdata/golden/"+name+".txt", out)
		})
	}
}

// Names in Latin-1 are read as such, value by value, with a finding; offsets stay those of the file's bytes.
func TestLettersOfOtherSystems(t *testing.T) {
	for _, c := range []struct{ name, in, want, code string }{
		{"UTF-8 is kept", "M\xC3\x9CLLER", "MÜLLER", "element.high_byte"},
		{"Latin-1", "M\xDCLLER", "MÜLLER", "element.latin1"},
		{"at the end", "QU\xC9BE\xC9", "QUÉBEÉ", "element.latin1"},
		{"an apostrophe of Windows", "O\x92BRIEN", "O’BRIEN", "element.latin1"},
		{"a byte that stands for nothing", "A\x81B", "A\uFFFDB", "element.latin1"},
		{"UTF-8 that is cut", "A\xE2\x80", "Aâ€", "element.latin1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := strings.Replace(good, "EB*1**30^MH", "EB*1**30^MH**"+c.in, 1)
			file, found := x12.Read([]byte(data))
			eb := file.Sets()[0].Body()[1]
			for what, got := range map[string]string{"At": eb.At(5), "Component": eb.Component(5, 1), "Components": eb.Components(5)[0], "Raw": eb.Raw().At(5)} {
				if got != c.want {
					t.Errorf("%s: %q, want %q", what, got, c.want)
				}
			}
			at := strings.Index(data, c.in)
			if len(found) != 1 || string(found[0].Code) != c.code || found[0].Severity != x12.Warning || found[0].Offset != int64(at) || found[0].Length != int64(len(c.in)) || found[0].Element != 5 {
				t.Errorf("found %s", listing(found))
			}
			if got := file.Sets()[1].Offset; got != int64(strings.Index(data, "ST*271*0002")) {
				t.Errorf("the second set begins at %d", got)
			}
		})
	}
}

// What stands in UTF-8 in one value and in Latin-1 in another is read right in both, and lengths count letters.
func TestEachValueByItself(t *testing.T) {
	data := strings.Replace(good, "EB*1**30^MH", "N4*QU\xC9BEC*\xC3\x89\xC3\x89*"+strings.Repeat("\xC9", 15), 1)
	file, found := x12.Read([]byte(data))
	n4 := file.Sets()[0].Body()[1]
	if n4.At(1) != "QUÉBEC" || n4.At(2) != "ÉÉ" || n4.At(3) != strings.Repeat("É", 15) {
		t.Errorf("read %q %q %q", n4.At(1), n4.At(2), n4.At(3))
	}
	if more := x12.Syntax(n4); len(more) != 0 || len(found) != 1 {
		t.Errorf("found %s%s", listing(found), listing(more))
	}
	if d := x12.NewDiagnostic(x12.ElementCode, x12.Source{}, "no").AtElement(file.Sets()[0].Body()[1], 3, 0); d.Value != strings.Repeat("É", 15) {
		t.Errorf("value %q", d.Value)
	}
	long := strings.Replace(good, "EB*1**30^MH", "N3*"+strings.Repeat("\xC9", 60), 1)
	file, _ = x12.Read([]byte(long))
	if d := x12.Syntax(file.Sets()[0].Body()[1]); len(d) != 1 || d[0].Value != strings.Repeat("É", 49) {
		t.Errorf("a finding keeps whole letters: %q", d)
	}
}

func TestNothingIsWrongWithAGoodFile(t *testing.T) {
	file, found := x12.Read([]byte(good))
	if len(found) > 0 {
		t.Fatal(listing(found))
	}
	i := file.Interchanges[0]
	if i.Sender != "SENDER" || i.Date != "2026-01-05" || i.Control != "000000007" || !i.Complete || i.Length != int64(len(good)) {
		t.Errorf("interchange %+v", i)
	}
	if sets := file.Sets(); len(sets) != 2 || sets[1].Control != "0002" || sets[1].Kind != x12.K271 || len(sets[0].Body()) != 2 {
		t.Errorf("sets %+v", sets)
	}
	set := file.Sets()[0]
	if got := good[set.Offset:set.End()]; !strings.HasPrefix(got, "ST*271*0001") || !strings.HasSuffix(got, "SE*4*0001~") {
		t.Errorf("the bytes of the first set are %q", got)
	}
	eb := set.Body()[1]
	if got := eb.Repeats(3); len(got) != 2 || got[1] != "MH" {
		t.Errorf("EB03 repeats as %q", got)
	}
	if s := eb.ElementSource(3); good[s.Offset:s.End()] != "30^MH" {
		t.Errorf("EB03 stands at %v", s)
	}
}

// Each row makes one error in the good file; it is found once, at the right bytes, and nothing else is.
func TestOneErrorIsOneFinding(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		code           x12.Code
		at             string // the bytes the finding points to, in the changed file; "" for any
	}{
		{"the element separator is not where it must be", "ZZ*SENDER  ", "ZZ*SENDER ", x12.ISAMalformed, ""},
		{"the component separator is a letter", "*T*:~", "*T*A~", x12.ISAComponent, "A"},
		{"the terminator is the element separator", "*T*:~", "*T*:*", x12.ISATerminator, "*"},
		{"the repetition separator is the component separator", "*^*00501", "*:*00501", x12.ISARepetition, ":"},
		{"repetition as before 5010", "*^*00501", "*U*00501", x12.ISANoRepetition, "U"},
		{"an unknown qualifier", "*ZZ*RECEIVER  ", "*XY*RECEIVER  ", x12.ISAQualifier, "XY"},
		{"nobody sends", "SENDER         ", "               ", x12.ISAID, ""},
		{"a day that isn't", "*260105*", "*260230*", x12.ISADate, "260230"},
		{"a time that isn't", "*0930*^", "*2430*^", x12.ISATime, "2430"},
		{"another version of X12", "*00501*", "*00401*", x12.ISAVersion, "00401"},
		{"a control number that is none", "*000000007*0", "*00000000A*0", x12.ISAControl, ""},
		{"asks for an acknowledgment by a letter", "*0*T*", "*Y*T*", x12.ISAAck, "Y"},
		{"neither test nor production", "*0*T*", "*0*X*", x12.ISAUsage, "X"},
		{"IEA02 is not ISA13", "IEA*1*000000007", "IEA*1*000000008", x12.IEAControl, "000000008"},
		{"IEA01 miscounts", "IEA*1*", "IEA*2*", x12.IEACount, "2"},
		{"no IEA", "IEA*1*000000007~", "", x12.FileCut, ""},
		{"an unknown kind of group", "GS*HB", "GS*QQ", x12.GSKind, "QQ"},
		{"GS06 is no number", "*42*X*", "*4B*X*", x12.GSControl, "4B"},
		{"GE02 is not GS06", "GE*2*42", "GE*2*43", x12.GEControl, "43"},
		{"GE02 has leading zeros", "GE*2*42", "GE*2*0042", x12.GEControlZeros, "0042"},
		{"GE01 miscounts", "GE*2*42", "GE*3*42", x12.GECount, "3"},
		{"no GE", "GE*2*42~", "", x12.GEMissing, ""},
		{"a short set number", "ST*271*0002", "ST*271*02", x12.STControl, "02"},
		{"SE02 is not ST02", "SE*3*0002", "SE*3*0003", x12.SEControl, "0003"},
		{"SE01 miscounts", "SE*4*0001", "SE*5*0001", x12.SECount, "5"},
		{"no SE", "SE*4*0001~", "", x12.SEMissing, ""},
		{"ST03 and GS08 differ", "ST*271*0002*005010X279A1", "ST*271*0002*005010X279", x12.STVersion, "005010X279"},
		{"a set in the group of another kind", "ST*271*0002*", "ST*270*0002*", x12.STKind, "270"},
		{"a segment between the sets", "~ST*271*0002", "~NTE*A~ST*271*0002", x12.NotASet, "NTE*A~"},
		{"a segment between the groups", "~IEA", "~NTE*A~IEA", x12.NotAGroup, "NTE*A~"},
		{"a terminator too many", "~EB*", "~~EB*", x12.SegmentEmpty, "~"},
		{"a small letter in a segment id", "~EB*1", "~eb*1", x12.SegmentID, "eb*1**30^MH~"},
		{"a line break inside a segment", "EB*1**30^MH", "EB*1**\n30^MH", x12.SegmentNewline, "EB*1**\n30^MH~"},
		{"separators at the end of a segment", "EB*1**30^MH", "EB*1**30^MH**", x12.SegmentTrailing, "EB*1**30^MH**~"},
		{"a separator at the end of an element", "EB*1**30^MH", "EB*1**30^MH^", x12.ElementTrailing, "30^MH^"},
		{"a control character", "EB*1**30^MH", "EB*1**30^M\x00", x12.ElementCharacter, "30^M\x00"},
		{"a letter beyond the character set", "EB*1**30^MH", "EB*1**30^M\xc3", x12.ElementLatin, "30^M\xc3"},
		{"bytes before the first interchange", "ISA*00", "hello ISA*00", x12.FileJunk, "hello "},
		{"a byte order mark", "ISA*00", "\xEF\xBB\xBFISA*00", x12.FileMark, "\xEF\xBB\xBF"},
		{"blanks between segments", "~EB*", "~ \tEB*", x12.FileLayout, " "},
		{"bytes behind the last interchange", "IEA*1*000000007~", "IEA*1*000000007~\n\nbye", x12.FileJunk, "bye"},
		{"security information", "ISA*00*", "ISA*03*", x12.ISASecurity, "03"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := strings.Replace(good, c.old, c.new, 1)
			if data == good {
				t.Fatal("the case changes nothing")
			}
			_, found := x12.Read([]byte(data))
			if len(found) != 1 || found[0].Code != c.code {
				t.Fatalf("want one %s, got\n%s", c.code, listing(found))
			}
			if d := found[0]; c.at != "" && data[d.Offset:d.End()] != c.at {
				t.Errorf("the finding points to %q", data[d.Offset:d.End()])
			}
		})
	}
}

func TestTwiceTheSameNumber(t *testing.T) {
	for _, c := range []struct {
		name, data string
		code       x12.Code
	}{
		{"the same interchange again", good + "\r\n" + good, x12.ISAControlTwice},
		{"the same group number", strings.Replace(good, "IEA*1", "GS*HB*S*R*20260105*0930*042*X*005010X279A1~GE*0*042~IEA*2", 1), x12.GSControlTwice},
		{"the same set number", strings.NewReplacer("0002*005010", "0001*005010", "SE*3*0002", "SE*3*0001").Replace(good), x12.STControlTwice},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, found := x12.Read([]byte(c.data)); len(found) != 1 || found[0].Code != c.code {
				t.Errorf("want one %s, got\n%s", c.code, listing(found))
			}
		})
	}
}

func TestInterchangesOfOneFileMayHaveOtherSeparators(t *testing.T) {
	other := strings.NewReplacer("*", "|", "^", "!", ":", ">", "~", "\n", "000000007", "000000008").Replace(good)
	crlf := strings.NewReplacer("~", "\r\n", "000000007", "000000009").Replace(good)
	file, found := x12.Read([]byte(good + other + "\r\n \r\n" + crlf))
	if len(found) != 1 || found[0].Code != x12.FileLayout {
		t.Error(listing(found))
	}
	if len(file.Interchanges) != 3 || len(file.Sets()) != 6 {
		t.Fatalf("%d interchanges, %d sets", len(file.Interchanges), len(file.Sets()))
	}
	for _, set := range file.Sets() {
		if set.Type != "271" {
			t.Errorf("set of type %q", set.Type)
		}
	}
	if got := file.Interchanges[1].Separators; got != (x12.Separators{Element: '|', Repetition: '!', Component: '>', Terminator: '\n'}) {
		t.Errorf("separators %q", got)
	}
}

func TestAnInterchangeWithoutIEAEndsAtTheNextISA(t *testing.T) {
	first := strings.Replace(good, "IEA*1*000000007~", "", 1)
	file, found := x12.Read([]byte(first + strings.ReplaceAll(good, "000000007", "000000008")))
	if len(found) != 1 || found[0].Code != x12.IEAMissing || len(file.Sets()) != 4 {
		t.Error(listing(found))
	}
}

func TestTA1Alone(t *testing.T) {
	data := good[:106] + "TA1*000000001*260104*1200*A*000~IEA*0*000000007~"
	file, found := x12.Read([]byte(data))
	if len(found) != 0 || len(file.Interchanges[0].TA1) != 1 {
		t.Error(listing(found))
	}
	if got := x12.Sniff([]byte(data)).Kind; got != x12.KTA1 {
		t.Errorf("sniffed %s", got)
	}
}

func TestWhatIsNoX12IsSaidToBeNone(t *testing.T) {
	for data, code := range map[string]x12.Code{
		"":                       x12.FileEmpty,
		"%PDF-1.7 and so on":     x12.FileNotX12,
		"{\"claim\": 1}":         x12.FileNotX12,
		"\n \n":                  x12.FileNotX12,
		"ISA":                    x12.FileCut,
		good[:50]:                x12.FileCut,
		strings.Repeat("x", 1e5): x12.FileNotX12,
	} {
		_, found := x12.Read([]byte(data))
		if errs := found.Errors(); len(errs) != 1 || errs[0].Code != code {
			t.Errorf("%.20q: want %s, got\n%s", data, code, listing(found))
		}
		if got := x12.Sniff([]byte(data)).Kind; got != x12.NotX12 {
			t.Errorf("%.20q: sniffed %s", data, got)
		}
	}
}

func TestSniffNamesUnknownKinds(t *testing.T) {
	data := strings.NewReplacer("ST*271*0001*005010X279A1", "ST*850*0001", "005010X279A1", "004010").Replace(good)
	if got := x12.Sniff([]byte(data)).String(); got != `unknown (ST01 "850", version "004010")` {
		t.Error(got)
	}
}

// A file that ends anywhere before its last terminator is reported as cut, by one error.
func TestTruncationIsReportedAtEveryByte(t *testing.T) {
	files := golden.Samples(t, ".", "")
	files["good"] = []byte(good)
	for name, data := range files {
		data = bytes.TrimRight(data, "\r\n")
		for n := 1; n < len(data); n++ {
			_, found := x12.Read(data[:n:n])
			cut := 0
			for _, d := range found.Errors() {
				if d.Code == x12.FileCut {
					cut++
				}
			}
			if cut != 1 {
				t.Fatalf("%s cut at byte %d of %d: %s", name, n, len(data), listing(found))
			}
		}
	}
}

// events are what a Scanner gives, as text.
func events(s *x12.Scanner) string {
	var b strings.Builder
	for s.Scan() {
		fmt.Fprintf(&b, "%d+%d %s %q\n", s.Segment().Offset, s.Segment().Length, s.Segment().ID, s.Segment().Raw())
		b.WriteString(listing(s.Found()))
	}
	b.WriteString(listing(s.Found()))
	fmt.Fprintf(&b, "%v %v %v", s.Open(), s.Tail(), s.Err())
	return b.String()
}

// pieces gives data in reads of n bytes.
type pieces struct {
	data []byte
	n    int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.data[:min(p.n, len(p.data))])
	p.data = p.data[n:]
	return n, nil
}

func TestReadingInPiecesGivesTheSame(t *testing.T) {
	crlf := strings.ReplaceAll(good, "~", "~\r\n")
	odd := "junk ISAISA*" + crlf + "~~\nx" + strings.Replace(good, "EB*1", "BIN*9*a~b*c:~d\n~eb*\x00:", 1) + good[:300]
	for _, data := range []string{good, crlf, odd, string(golden.Samples(t, ".", "837")["837/example_5010_837p-sample.txt"])} {
		whole := events(x12.NewScanner(strings.NewReader(data), x12.Options{}))
		for n := 1; n <= len(data); n++ {
			if got := events(x12.NewScanner(&pieces{[]byte(data), n}, x12.Options{})); got != whole {
				t.Fatalf("in pieces of %d bytes:\n%s\nwhole:\n%s", n, got, whole)
			}
		}
	}
}

func TestAReaderThatFailsIsReported(t *testing.T) {
	s := x12.NewScanner(iotest.TimeoutReader(&pieces{[]byte(good), 200}), x12.Options{})
	for s.Scan() {
		_ = s.Segment()
	}
	if s.Err() == nil || !strings.Contains(s.Err().Error(), "timeout") {
		t.Errorf("got %v", s.Err())
	}
}

func TestBinarySegmentsCarrySeparators(t *testing.T) {
	file, found := x12.Read([]byte(strings.Replace(good, "EB*1**30^MH", "BIN*7*a~b*c:~", 1)))
	if len(found) != 0 {
		t.Error(listing(found))
	}
	if seg := file.Sets()[0].Body()[1]; string(seg.Bytes()) != "BIN*7*a~b*c:~" {
		t.Errorf("got %q", seg.Bytes())
	}
}

func TestUnwrapJoinsLines(t *testing.T) {
	data := good[:106] // the ISA alone is longer than a line
	for rest := good[106:]; rest != ""; rest = rest[min(80, len(rest)):] {
		data += rest[:min(80, len(rest))] + "\r\n"
	}
	if _, found := x12.Read([]byte(data)); found.Err() == nil {
		t.Error("a wrapped file reads without error")
	}
	file, found := x12.ReadWith([]byte(data), x12.Options{Unwrap: true})
	if found.Err() != nil || len(found) != 1 || found[0].Code != x12.FileUnwrapped {
		t.Error(listing(found))
	}
	if len(file.Sets()) != 2 {
		t.Errorf("%d sets", len(file.Sets()))
	}
}

func TestAPersonMayOverrideISA16(t *testing.T) {
	data := golden.Samples(t, ".", "837")["837/demo.example6.837"]
	file, found := x12.ReadWith(data, x12.Options{Component: '>'})
	if found.Err() != nil {
		t.Fatal(found.Err())
	}
	for _, seg := range file.Sets()[0].Body() {
		if seg.ID == "CLM" && seg.Component(5, 3) != "1" {
			t.Errorf("CLM05 reads as %q", seg.Components(5))
		}
	}
}

func TestLimits(t *testing.T) {
	long := strings.Replace(good, "EB*1", "EB*"+strings.Repeat("x", 500), 1)
	wide := strings.Replace(good, "EB*1", "EB*"+strings.Repeat("x*", 100)+"x", 1)
	comps := strings.Replace(good, "EB*1", "EB*"+strings.Repeat("x:", 30)+"x", 1)
	reps := strings.Replace(good, "EB*1", "EB*"+strings.Repeat("x^", 300)+"x", 1)
	many := strings.Replace(good, "EB*1**30^MH~SE*4", strings.Repeat("EB*1~", 50)+"SE*53", 1)
	noisy := strings.Replace(good, "EB*1**30^MH~SE*4", strings.Repeat("EB*1*~", 50)+"SE*53", 1)
	for name, c := range map[string]struct {
		data   string
		limits x12.Limits
		code   x12.Code
	}{
		"a long segment":    {long, x12.Limits{SegmentBytes: 400}, x12.SegmentTooLong},
		"many elements":     {wide, x12.Limits{}, x12.ElementTooMany},
		"many components":   {comps, x12.Limits{}, x12.ElementComponents},
		"many repeats":      {reps, x12.Limits{}, x12.ElementRepeats},
		"many segments":     {many, x12.Limits{SetSegments: 20}, x12.SetTooLong},
		"many of one error": {noisy, x12.Limits{PerCode: 10}, x12.MoreLikeThis},
	} {
		t.Run(name, func(t *testing.T) {
			file, found := x12.ReadWith([]byte(c.data), x12.Options{Limits: c.limits})
			n := 0
			for _, d := range found {
				if d.Code == c.code {
					n++
				}
			}
			if n != 1 {
				t.Errorf("want one %s, got\n%s", c.code, listing(found))
			}
			for _, set := range file.Sets() {
				for _, seg := range set.Segments {
					if seg.Len() > 64 || c.limits.SetSegments > 0 && len(set.Segments) > c.limits.SetSegments+1 {
						t.Error("a limit is not kept")
					}
				}
			}
			// The limits hold for a stream too.
			s := x12.NewScanner(&pieces{[]byte(c.data), 100}, x12.Options{Limits: c.limits})
			if whole := events(x12.NewScanner(strings.NewReader(c.data), x12.Options{Limits: c.limits})); events(s) != whole {
				t.Error("a stream reads differently")
			}
		})
	}
}

// The bytes of all segments and the layout between them are the file.
func TestSegmentsCoverTheFile(t *testing.T) {
	for name, data := range golden.Samples(t, ".", "") {
		s := x12.NewScanner(bytes.NewReader(data), x12.Options{})
		end := int64(0)
		for s.Scan() {
			seg := s.Segment()
			if between := data[end:seg.Offset]; len(bytes.Trim(between, "\r\n")) > 0 {
				t.Errorf("%s: %q belongs to no segment", name, between)
			}
			end = seg.End()
			if got := data[seg.Offset : end-1]; !bytes.Equal(got, seg.Bytes()) {
				t.Errorf("%s: segment %q stands at %q", name, seg.Bytes(), got)
			}
		}
		if rest := data[end:]; len(bytes.Trim(rest, "\r\n")) > 0 {
			t.Errorf("%s: %q belongs to no segment", name, rest)
		}
	}
}

func TestCanonKeepsTokensAndIsStable(t *testing.T) {
	files := golden.Samples(t, ".", "")
	files["odd separators"] = []byte(strings.NewReplacer("*", "|", "^", "!", ":", ">", "~", "\r\n").Replace(good))
	for name, data := range files {
		file, _ := x12.Read(data)
		canon, err := x12.Canon(file)
		if err != nil {
			t.Fatal(err)
		}
		again, found := x12.Read(canon)
		twice, err := x12.Canon(again)
		if err != nil || !bytes.Equal(canon, twice) {
			t.Errorf("%s: canonical bytes are not stable: %v\n%s", name, err, listing(found))
		}
		if a, b := tokens(file), tokens(again); a != b {
			t.Errorf("%s: tokens differ:\n%s\n%s", name, a, b)
		}
	}
}

func tokens(f *x12.File) string {
	var b strings.Builder
	for _, set := range f.Sets() {
		for _, seg := range set.Segments {
			if seg.ID != "SE" {
				fmt.Fprintln(&b, seg.Raw())
			}
		}
	}
	return b.String()
}

func TestFindingsShowNoData(t *testing.T) {
	data := strings.Replace(good, "EB*1", "EB*JANE\x01DOE", 1)
	_, found := x12.Read([]byte(data))
	if len(found) != 1 || strings.Contains(found[0].Error(), "JANE") || strings.Contains(found[0].LogValue().String(), "JANE") {
		t.Errorf("%s", listing(found))
	}
}
