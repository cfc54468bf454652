package x12_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/gen"
)

var sending = x12.Envelope{
	SenderQualifier: "ZZ", SenderID: "SENDER", ReceiverQualifier: "30", ReceiverID: "RECEIVER", Date: "2026-01-05", Time: "0930",
	InterchangeControl: 7, GroupControl: 42, Usage: "T",
}

func TestTheWriterCountsAndNumbers(t *testing.T) {
	w := x12.NewWriter(sending)
	w.BeginSet("271", "", "005010X279A1", true)
	w.Put(x12.Seg("EB", "1", "").Repeated("30", "MH").Add("", ""))
	w.EndSet()
	w.BeginSet("271", "0777", "005010X279A1", true)
	w.Put(x12.Seg("EB", "B").Add("", "", "", "", "").Composite("HC", "90837", "95", ""))
	w.EndSet()
	data, notes, err := w.Close()
	if err != nil || len(notes) > 0 {
		t.Fatal(err, notes)
	}
	want := "ISA*00*          *00*          *ZZ*SENDER         *30*RECEIVER       *260105*0930*^*00501*000000007*0*T*:~" +
		"GS*HB*SENDER*RECEIVER*20260105*0930*42*X*005010X279A1~" +
		"ST*271*0001*005010X279A1~EB*1**30^MH~SE*3*0001~" +
		"ST*271*0777*005010X279A1~EB*B******HC:90837:95~SE*3*0777~" +
		"GE*2*42~IEA*1*000000007~"
	if string(data) != want {
		t.Errorf("want\n%s\ngot\n%s", want, data)
	}
	if _, found := x12.Read(data); len(found) > 0 {
		t.Error(listing(found))
	}
}

func TestAnEnvelopeIsCheckedWhole(t *testing.T) {
	w := x12.NewWriter(x12.Envelope{SenderQualifier: "Z", SenderID: "A*B", ReceiverID: strings.Repeat("x", 16), Date: "20260105", Time: "930", InterchangeControl: 1e9, Usage: "D"})
	_, _, err := w.Close()
	var invalid *x12.Invalid
	if !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	got := map[x12.Code]int{}
	for _, p := range invalid.Problems {
		got[p.Code]++
	}
	want := map[x12.Code]int{x12.ISAQualifier: 2, x12.ISAID: 2, x12.ISADate: 1, x12.ISATime: 1, x12.ISAControl: 1, x12.GSControl: 1, x12.ISAUsage: 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("want %v, got %v", want, got)
	}
}

// What can't stand in data is refused in codes and numbers, and cleaned in names and notes, which is said.
func TestDelimitersInData(t *testing.T) {
	for _, c := range []struct {
		name string
		seg  x12.Raw
		want string // "" for refused
	}{
		{"a separator in a number", x12.Seg("REF", "EA", "12*3"), ""},
		{"a terminator in a number", x12.Seg("REF", "EA", "12~3"), ""},
		{"a line break in a number", x12.Seg("REF", "EA", "12\n3"), ""},
		{"a letter beyond the character set in a number", x12.Seg("REF", "EA", "é"), ""},
		{"a component separator in a component", x12.Seg("SV1").Composite("HC", "90:37"), ""},
		{"a separator in a name", x12.Seg("NM1", "IL", "1", "A*B^C:D~E"), "NM1*IL*1*A B C D E~"},
		{"accents in a name", x12.Seg("NM1", "IL", "1", "Núñez", "Jürgen"), "NM1*IL*1*Nunez*Jurgen~"},
		{"letters with a bar or a tail in a name", x12.Seg("NM1", "IL", "1", "Łódź Straße Ægir"), "NM1*IL*1*Lodz Strasse AEgir~"},
		{"typographic marks in a note", x12.Seg("NTE", "ADD", "it’s – “so”"), "NTE*ADD*it's - \"so\"~"},
		{"a name in letters without counterpart", x12.Seg("NM1", "IL", "1", "山田"), ""},
		{"a description inside a composite", x12.Seg("SV1").Composite("HC", "H0004", "", "", "", "", "a:b"), "SV1*HC:H0004:::::a b~"},
		{"blanks at the end", x12.Seg("NM1", "IL", "1", "DOE  "), "NM1*IL*1*DOE~"},
		{"an id that is none", x12.Seg("lx", "1"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := x12.NewWriter(sending)
			w.BeginSet("271", "0001", "005010X279A1", true)
			w.Put(c.seg)
			w.EndSet()
			data, notes, err := w.Close()
			if c.want == "" {
				if err == nil {
					t.Errorf("written: %s", data)
				}
				return
			}
			if err != nil || !strings.Contains(string(data), c.want) {
				t.Fatalf("want %s, got %s, %v", c.want, data, err)
			}
			if said := len(notes) > 0; said != (c.name != "blanks at the end") {
				t.Errorf("notes: %s", listing(notes))
			}
		})
	}
}

func TestErrorsOfWritingShowNoData(t *testing.T) {
	w := x12.NewWriter(sending)
	w.Put(x12.Seg("REF", "SY", "123*45*6789"))
	_, _, err := w.Close()
	if err == nil || strings.Contains(err.Error(), "6789") {
		t.Error(err)
	}
}

// A reader gives back what a writer was given, whatever the values.
func TestSegmentsReadAsWritten(t *testing.T) {
	element := rapid.Custom(func(t *rapid.T) x12.Element {
		var e x12.Element
		for range rapid.IntRange(0, 3).Draw(t, "repeats") {
			e = append(e, gen.List(gen.Text(), 1, 4).Draw(t, "components"))
		}
		return e
	})
	rapid.Check(t, func(t *rapid.T) {
		want := gen.List(rapid.Custom(func(t *rapid.T) x12.Raw {
			return x12.Raw{ID: rapid.StringMatching(`Z[A-Z0-9]{1,2}`).Draw(t, "id"), Elements: gen.List(element, 0, 12).Draw(t, "elements")}.Trim()
		}), 0, 10).Draw(t, "segments")
		w := x12.NewWriter(gen.Envelope().Draw(t, "envelope"))
		w.BeginSet("271", "0001", "005010X279A1", true)
		for _, s := range want {
			start := w.Offset()
			w.Put(s)
			if r := w.Since(start); r.Length < 3 {
				t.Fatalf("segment at %v", r)
			}
		}
		w.EndSet()
		data, _, err := w.Close()
		if err != nil {
			t.Fatal(err)
		}
		file, found := x12.Read(data)
		if len(found) > 0 {
			t.Fatal(listing(found))
		}
		var got []x12.Raw
		for _, seg := range file.Sets()[0].Body() {
			got = append(got, seg.Raw())
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Fatalf("want %q\ngot %q", want, got)
		}
	})
}

func TestDecimals(t *testing.T) {
	for _, c := range []struct {
		text     string
		decimals int
		want     int64
		form     x12.Form
	}{
		{"100", 2, 10000, x12.Good}, {"12.5", 2, 1250, x12.Good}, {"12.50", 2, 1250, x12.Good}, {".5", 2, 50, x12.Good}, {"5.", 2, 500, x12.Good}, {"-3", 2, -300, x12.Good}, {"-.01", 2, -1, x12.Good},
		{"0", 2, 0, x12.Good}, {"007", 2, 700, x12.Good}, {"150.000", 2, 15000, x12.Odd}, {"-0", 2, 0, x12.Odd}, {"1.00", 0, 1, x12.Odd}, {"1.125", 3, 1125, x12.Good},
		{"150.001", 2, 0, x12.Broken}, {"+1", 2, 0, x12.Broken}, {"1e3", 2, 0, x12.Broken}, {"1 000", 2, 0, x12.Broken}, {"1,5", 2, 0, x12.Broken}, {"1.2.3", 2, 0, x12.Broken}, {"--1", 2, 0, x12.Broken},
		{"", 2, 0, x12.Broken}, {"-", 2, 0, x12.Broken}, {".", 2, 0, x12.Broken}, {"9999999999999999999", 2, 0, x12.Broken}, {"999999999999999999", 2, 0, x12.Broken}, {"9999999999999999.99", 2, 0, x12.Broken},
		{"99999999999999.99", 2, 9999999999999999, x12.Good},
	} {
		got, form := x12.ParseDecimal(c.text, c.decimals)
		if form != c.form || form != x12.Broken && got != c.want {
			t.Errorf("%q with %d decimals: %d in form %d, want %d in form %d", c.text, c.decimals, got, form, c.want, c.form)
		}
	}
	for n, want := range map[int64]string{0: "0", 10000: "100", 1250: "12.5", 50: ".5", 5: ".05", -1: "-.01", -300: "-3"} {
		if got := x12.Money(n); got != want {
			t.Errorf("%d cents are written %q, want %q", n, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n, decimals := rapid.Int64Range(-1e15, 1e15).Draw(t, "number"), rapid.IntRange(0, 6).Draw(t, "decimals")
		if got, form := x12.ParseDecimal(x12.FormatDecimal(n, decimals), decimals); got != n || form != x12.Good {
			t.Fatalf("%d reads back as %d, form %d", n, got, form)
		}
	})
}

func TestDates(t *testing.T) {
	for text, want := range map[string]string{
		"20260105": "2026-01-05", "20240229": "2024-02-29", "20000229": "2000-02-29",
		"20260229": "", "19000229": "", "20261301": "", "20260100": "", "20260132": "", "2026010": "", "2026-1-5": "", "17991231": "", "": "",
	} {
		if got, ok := x12.ParseDate(text); got != want || ok != (want != "") {
			t.Errorf("%q reads as %q", text, got)
		}
		if want != "" && x12.FormatDate(want) != text {
			t.Errorf("%q is written %q", want, x12.FormatDate(want))
		}
	}
	for text, want := range map[string]bool{"0930": true, "235959": true, "2359599": true, "23595999": true, "2400": false, "0960": false, "093": false, "09300": false, "093060": false, "9h30": false} {
		if got := x12.ValidTime(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		set, version string
		want         x12.Kind
	}{
		{"837", "005010X222A1", x12.K837P}, {"837", "005010X222", x12.K837P}, {"837", "005010X222A2", x12.K837P}, {"837", "005010X223A3", x12.K837I}, {"837", "005010X224A2", x12.K837D},
		{"835", "005010X221A1", x12.K835}, {"835", "", x12.K835}, {"277", "005010X212", x12.K277}, {"277", "005010X214", x12.K277CA}, {"999", "005010X231", x12.K999},
		{"837", "", x12.Unknown}, {"837", "005010X2222", x12.Unknown}, {"850", "004010", x12.Unknown}, {"277", "005010X222A1", x12.Unknown},
	} {
		if got := x12.KindOf(c.set, c.version); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.set, c.version, got, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(good), 7)
	f.Add([]byte(strings.ReplaceAll(good, "~", "\r\n")), 1)
	f.Add([]byte("junk"+good[:200]), 64)
	f.Add([]byte(strings.Replace(good, "EB*1**30^MH", "BDS*A*9*a~b*c:~d", 1)), 3)
	f.Add([]byte(strings.ReplaceAll(good, "MH", "M\xC9:\x92B^\xC3\xA9")), 5)
	f.Add([]byte(strings.Replace(good, "EB*1", "E\xC9*1", 1)), 1)
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		file, found := x12.Read(data)
		_ = found.Err()
		for _, d := range found {
			if !utf8.ValidString(d.Message + d.Value + d.SegmentID) {
				t.Fatalf("a finding that is no text: %+v", d)
			}
		}
		x12.Sniff(data)
		end := int64(0)
		for _, i := range file.Interchanges {
			if i.Offset < end || i.End() > int64(len(data)) {
				t.Fatalf("interchange at %v", i.Source)
			}
			end = i.Offset
		}
		for _, set := range file.Sets() {
			for _, seg := range set.Segments {
				if seg.Offset < set.Offset || seg.End() > set.End() || utf8.Valid(seg.Bytes()) && !strings.HasPrefix(string(data[seg.Offset:]), seg.ID) {
					t.Fatalf("segment %s at %v of a set at %v", seg.ID, seg.Source, set.Source)
				}
				for e := 1; e <= seg.Len(); e++ {
					if !utf8.ValidString(seg.At(e)+seg.Component(e, 2)+seg.ID) || !utf8.ValidString(strings.Join(seg.Components(e), "")) {
						t.Fatalf("%s%02d is no text: %q", seg.ID, e, seg.At(e))
					}
				}
			}
		}
		if piece < 1 || piece > 1<<16 {
			piece = 1
		}
		opts := x12.Options{Limits: x12.Limits{SegmentBytes: 300}}
		if a, b := events(x12.NewScanner(&pieces{data, piece}, opts)), events(x12.NewScanner(&pieces{data, len(data) + 1}, opts)); a != b {
			t.Fatalf("in pieces of %d:\n%s\nwhole:\n%s", piece, a, b)
		}
		canon, err := x12.Canon(file)
		if err != nil {
			return
		}
		again, _ := x12.Read(canon)
		if twice, err := x12.Canon(again); err != nil || string(twice) != string(canon) {
			t.Fatalf("canonical bytes are not stable: %v\n%q\n%q", err, canon, twice)
		}
	})
}
