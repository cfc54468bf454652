package ack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/ack"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/gen"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/golden"
	"github.com/evenkeel/evenkeel/pkg/x12/t837"
)

func listing(found x12.Diagnostics) string {
	var b strings.Builder
	for _, d := range found {
		fmt.Fprintln(&b, d.Error())
	}
	return b.String()
}

func asJSON(t interface{ Fatal(...any) }, v any) string {
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

var envelope = x12.Envelope{
	SenderQualifier: "ZZ", SenderID: "PAYER", ReceiverQualifier: "ZZ", ReceiverID: "GROUP", Date: "2026-01-05", Time: "0930",
	InterchangeControl: 7, GroupControl: 42, Usage: "T", LineBreaks: true,
}

// answers reads claims as a payer does and gives the bytes of its 999.
func answers(t *testing.T, data string) (*ack.Functional, string) {
	t.Helper()
	file, found := x12.Read([]byte(data))
	for _, set := range file.Sets() {
		s, more := t837.Parse(set)
		found = append(found, more...)
		if found.Err() == nil {
			found = append(found, t837.Check(s).Of(set)...)
		}
	}
	f := ack.AnswerGroup(file.Interchanges[0].Groups[0], found)
	out, err := ack.Write999(envelope, f)
	if err != nil {
		t.Fatal(err)
	}
	body := string(out)
	return f, body[strings.Index(body, "AK1"):strings.Index(body, "SE*")]
}

// Each row makes one error in a sound file of claims; the 999 says where it is, in the standard's codes.
func TestA999SaysWhereTheErrorIs(t *testing.T) {
	sample := string(golden.Samples(t, "..", "837")["837/demo.example1.837"])
	sample = strings.ReplaceAll(sample, "\n", "")
	head := "AK1*HC*1*005010X222A2~\nAK2*837*0021*005010X222A2~\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing is wrong", "", "", "IK5*A~\nAK9*A*1*1*1~\n"},
		{"a code that isn't one", "*Y*A*Y*I~", "*Q*A*Y*I~", "IK3*CLM*25*2300*8~\nIK4*6*1073*7*Q~\nIK5*R*5~\nAK9*R*1*1*0~\n"},
		{"an amount that is none", "CLM*26463774*100.00", "CLM*26463774*1OO", "IK3*CLM*25*2300*8~\nIK4*2*782*6*1OO~\nIK5*R*5~\nAK9*R*1*1*0~\n"},
		{"a day that isn't", "DTP*472*D8*20061003~LX*2", "DTP*472*D8*20061303~LX*2", "IK3*DTP*30*2400*8~\nIK4*3*1251*8*20061303~\nIK5*R*5~\nAK9*R*1*1*0~\n"},
		{"a required element left out", "CLM*26463774*", "CLM**", "IK3*CLM*25*2300*8~\nIK4*1*1028*1~\nIK5*R*5~\nAK9*R*1*1*0~\n"},
		{"an unexpected segment", "LX*1~", "ZZZ*1~LX*1~", "IK3*ZZZ*28*2300*2~\nIK5*R*4*5~\nAK9*R*1*1*0~\n"},
		{"a small letter in a segment id", "HI*BK", "hi*BK", "IK3*hi*27**1~\nIK5*R*5~\nAK9*R*1*1*0~\n"},
		{"a terminator too many", "~HI*BK", "~~HI*BK", "IK5*R*5~\nAK9*R*1*1*0~\n"},
		{"a wrong count", "SE*40", "SE*41", "IK5*R*4~\nAK9*R*1*1*0~\n"},
		{"another set number behind", "SE*40*0021", "SE*40*0022", "IK5*R*3~\nAK9*R*1*1*0~\n"},
		{"charges that don't add up", "CLM*26463774*100.00", "CLM*26463774*101.00", "IK5*R*I5~\nAK9*R*1*1*0~\n"},
		{"fewer sets than said", "GE*1*1~", "GE*2*1~", "IK5*A~\nAK9*R*2*1*0*5~\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := sample
			if c.old != "" {
				if data = strings.Replace(sample, c.old, c.new, 1); data == sample {
					t.Fatal("the case changes nothing")
				}
			}
			if _, got := answers(t, data); got != head+c.want {
				t.Errorf("want\n%s\ngot\n%s", head+c.want, got)
			}
		})
	}
}

func TestAGroupIsPartlyAccepted(t *testing.T) {
	sample := string(golden.Samples(t, "..", "837")["837/demo.example1.837"])
	begin, end := strings.Index(sample, "ST*"), strings.Index(sample, "GE*")
	set := sample[begin:end]
	bad := strings.NewReplacer("0021", "0022", "*Y*A*Y*I~", "*Q*A*Y*I~").Replace(set)
	f, _ := answers(t, sample[:begin]+set+bad+"GE*2*1~IEA*1*000000907~")
	if f.Status != ack.Partly || f.Accepted != 1 || f.Received != 2 || f.Sets[0].Status != ack.Accepted || f.Sets[1].Status != ack.Rejected {
		t.Errorf("%+v", f)
	}
}

func TestTA1(t *testing.T) {
	sample := string(golden.Samples(t, "..", "837")["837/demo.example1.837"])
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing is wrong", "", "", "TA1*000000907*131031*1147*A*000~"},
		{"another control number behind", "IEA*1*000000907", "IEA*1*000000908", "TA1*000000907*131031*1147*R*001~"},
		{"a wrong count of groups", "IEA*1*", "IEA*3*", "TA1*000000907*131031*1147*R*021~"},
		{"cut", "GE*1*1~\nIEA*1*000000907~", "", "TA1*000000907*131031*1147*R*023~"},
		{"another version", "*00501*", "*00601*", "TA1*000000907*131031*1147*R*003~"},
		{"an unknown qualifier of the receiver", "*30*12345 ", "*XX*12345 ", "TA1*000000907*131031*1147*R*007~"},
		{"an error in a claim is none of the interchange", "*Y*A*Y*I~", "*Q*A*Y*I~", "TA1*000000907*131031*1147*A*000~"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := strings.Replace(sample, c.old, c.new, 1)
			file, found := x12.Read([]byte(data))
			answer := ack.AnswerInterchange(file.Interchanges[0], found)
			out, err := ack.WriteTA1(envelope, answer)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(out), c.want) || !strings.Contains(string(out), "IEA*0*") {
				t.Errorf("want %s, got %s", c.want, out)
			}
			again, _ := x12.Read(out)
			read, found := ack.ReadTA1(again.Interchanges[0])
			if len(found) > 0 || len(read) != 1 || *golden.Strip(&read[0]) != answer {
				t.Errorf("%+v %s", read, listing(found))
			}
		})
	}
}

func functional() *rapid.Generator[*ack.Functional] {
	contexts := gen.List(rapid.Just(x12.Seg("CTX", "SITUATIONAL TRIGGER", "CLM", "43")), 0, 1)
	element := rapid.Custom(func(t *rapid.T) ack.ElementError {
		return ack.ElementError{
			Element: rapid.IntRange(1, 20).Draw(t, "element"), Component: rapid.IntRange(0, 8).Draw(t, "component"), Number: rapid.IntRange(0, 9999).Draw(t, "number"),
			Code: rapid.SampledFrom([]string{"1", "7", "I12"}).Draw(t, "code"), Value: gen.Maybe(gen.Text()).Draw(t, "value"), Contexts: contexts.Draw(t, "contexts"),
		}
	})
	segment := rapid.Custom(func(t *rapid.T) ack.SegmentError {
		return ack.SegmentError{
			SegmentID: rapid.SampledFrom([]string{"CLM", "NM1", "HI"}).Draw(t, "id"), Position: rapid.IntRange(1, 9999).Draw(t, "position"), Loop: gen.Maybe(rapid.Just("2010BA")).Draw(t, "loop"),
			Code: rapid.SampledFrom([]string{"2", "3", "8"}).Draw(t, "code"), Contexts: contexts.Draw(t, "contexts"), Elements: gen.List(element, 0, 3).Draw(t, "elements"),
		}
	})
	set := rapid.Custom(func(t *rapid.T) ack.SetAnswer {
		return ack.SetAnswer{
			Type: "837", Control: gen.Code(4, 9).Draw(t, "control"), Version: gen.Maybe(rapid.Just("005010X222A1")).Draw(t, "version"), Errors: gen.List(segment, 0, 3).Draw(t, "errors"),
			Status: rapid.SampledFrom([]ack.Status{ack.Accepted, ack.WithErrors, ack.Rejected}).Draw(t, "status"), Codes: gen.List(gen.Code(1, 2), 0, 5).Draw(t, "codes"),
		}
	})
	return rapid.Custom(func(t *rapid.T) *ack.Functional {
		return &ack.Functional{
			Control: gen.Code(4, 9).Draw(t, "control"), Version: ack.Version999, Kind: "HC", GroupControl: "42", GroupVersion: gen.Maybe(rapid.Just("005010X222A1")).Draw(t, "version"),
			Sets: gen.List(set, 0, 4).Draw(t, "sets"), Status: rapid.SampledFrom([]ack.Status{ack.Accepted, ack.Partly, ack.Rejected}).Draw(t, "status"),
			Included: rapid.IntRange(0, 99).Draw(t, "included"), Received: rapid.IntRange(0, 99).Draw(t, "received"), Accepted: rapid.IntRange(0, 99).Draw(t, "accepted"),
			Codes: gen.List(gen.Code(1, 2), 0, 5).Draw(t, "codes"),
		}
	})
}

func Test999ReadsAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := functional().Draw(t, "999")
		data, err := ack.Write999(gen.Envelope().Draw(t, "envelope"), f)
		if err != nil {
			t.Fatal(err)
		}
		file, found := x12.Read(data)
		got, more := ack.Parse999(file.Sets()[0])
		if len(found)+len(more) > 0 {
			t.Fatalf("%s%s", listing(found), listing(more))
		}
		if a, b := asJSON(t, f), asJSON(t, golden.Strip(got)); a != b {
			t.Fatalf("wrote\n%s\nread\n%s", a, b)
		}
	})
}

func status() *rapid.Generator[ack.ClaimStatus] {
	return rapid.Custom(func(t *rapid.T) ack.ClaimStatus {
		return ack.ClaimStatus{
			Reasons: gen.List(rapid.Custom(func(t *rapid.T) ack.Reason {
				return ack.Reason{Category: rapid.SampledFrom([]string{"A1", "A2", "A3", "A7"}).Draw(t, "category"), Code: gen.Code(1, 3).Draw(t, "code"), Entity: gen.Maybe(rapid.Just("85")).Draw(t, "entity")}
			}), 1, 3).Draw(t, "reasons"),
			Date: gen.Day(2020, 2030).Draw(t, "date"), Action: rapid.SampledFrom([]string{"WQ", "U", ""}).Draw(t, "action"), Charge: gen.Optional(gen.Cents()).Draw(t, "charge"), Text: gen.Maybe(gen.Text()).Draw(t, "text"),
		}
	})
}

func totals() *rapid.Generator[ack.Totals] {
	return rapid.Custom(func(t *rapid.T) ack.Totals {
		count := gen.Optional(rapid.Int64Range(0, 9999))
		return ack.Totals{
			AcceptedClaims: count.Draw(t, "accepted"), RejectedClaims: count.Draw(t, "rejected"),
			AcceptedCharge: gen.Optional(gen.Cents()).Draw(t, "accepted charge"), RejectedCharge: gen.Optional(gen.Cents()).Draw(t, "rejected charge"),
		}
	})
}

func claimAnswers() *rapid.Generator[*ack.ClaimAnswers] {
	party := func(role string) *rapid.Generator[x12.Party] {
		return rapid.Custom(func(t *rapid.T) x12.Party {
			p := gen.Party(role).Draw(t, "party")
			p.Address, p.Refs = nil, nil
			return p
		})
	}
	line := rapid.Custom(func(t *rapid.T) ack.ClaimLine {
		return ack.ClaimLine{
			Procedure: gen.Procedure().Draw(t, "procedure"), Charge: gen.Cents().Draw(t, "charge"), Revenue: gen.Maybe(rapid.Just("0905")).Draw(t, "revenue"), Units: gen.Optional(gen.Units()).Draw(t, "units"),
			Statuses: gen.List(status(), 0, 2).Draw(t, "statuses"), Control: gen.Maybe(gen.Code(1, 30)).Draw(t, "control"), Service: gen.Days(2020, 2030).Draw(t, "service"),
		}
	})
	claim := rapid.Custom(func(t *rapid.T) ack.Claim {
		return ack.Claim{
			Patient: party("QC").Draw(t, "patient"), Number: gen.Code(1, 20).Draw(t, "number"), Statuses: gen.List(status(), 1, 3).Draw(t, "statuses"),
			PayerClaimNumber: gen.Maybe(gen.Code(1, 30)).Draw(t, "payer's number"), Refs: gen.List(gen.Ref(), 0, 2).Draw(t, "refs"), Service: gen.Days(2020, 2030).Draw(t, "service"),
			Lines: gen.List(line, 0, 2).Draw(t, "lines"),
		}
	})
	provider := rapid.Custom(func(t *rapid.T) ack.Provider {
		p := ack.Provider{Party: party("85").Draw(t, "provider"), Claims: gen.List(claim, 0, 3).Draw(t, "claims")}
		if rapid.Bool().Draw(t, "answered") {
			p.Trace, p.Statuses, p.Totals = "0", gen.List(status(), 1, 1).Draw(t, "statuses"), totals().Draw(t, "totals")
		}
		return p
	})
	return rapid.Custom(func(t *rapid.T) *ack.ClaimAnswers {
		return &ack.ClaimAnswers{
			Control: gen.Code(4, 9).Draw(t, "control"), Version: ack.Version277CA, Reference: gen.Code(1, 30).Draw(t, "reference"), Date: gen.Day(2020, 2030).Draw(t, "date"), Time: "1200",
			Source: party(rapid.SampledFrom([]string{"PR", "AY"}).Draw(t, "role")).Draw(t, "source"), Trace: gen.Code(1, 30).Draw(t, "trace"), Received: gen.Day(2020, 2030).Draw(t, "received"), Processed: gen.Day(2020, 2030).Draw(t, "processed"),
			Receivers: gen.List(rapid.Custom(func(t *rapid.T) ack.Receiver {
				return ack.Receiver{Party: party("41").Draw(t, "receiver"), Trace: gen.Code(1, 30).Draw(t, "trace"), Statuses: gen.List(status(), 1, 2).Draw(t, "statuses"), Totals: totals().Draw(t, "totals"), Providers: gen.List(provider, 0, 2).Draw(t, "providers")}
			}), 1, 2).Draw(t, "receivers"),
		}
	})
}

func Test277CAReadsAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := claimAnswers().Draw(t, "277CA")
		w, err := ack.Write277CA(gen.Envelope().Draw(t, "envelope"), a)
		if err != nil {
			t.Fatal(err)
		}
		file, found := x12.Read(w.Bytes)
		got, more := ack.Parse277CA(file.Sets()[0])
		if len(found)+len(more) > 0 {
			t.Fatalf("%s%s", listing(found), listing(more))
		}
		for i, c := range got.Claims() {
			if w.Claims[i].Number != c.Number || w.Claims[i].Bytes != c.Bytes {
				t.Fatalf("claim %s is said to stand at %v, it stands at %v", c.Number, w.Claims[i].Bytes, c.Bytes)
			}
		}
		if x, y := asJSON(t, a), asJSON(t, golden.Strip(got)); x != y {
			t.Fatalf("wrote\n%s\nread\n%s", x, y)
		}
	})
}

func TestAcceptedIsWhatNoStatusTurnsAway(t *testing.T) {
	one := func(action, category string) ack.ClaimStatus {
		return ack.ClaimStatus{Action: action, Reasons: []ack.Reason{{Category: category, Code: "20"}}}
	}
	for _, c := range []struct {
		name  string
		claim ack.Claim
		want  bool
	}{
		{"accepted", ack.Claim{Statuses: []ack.ClaimStatus{one("WQ", "A2")}}, true},
		{"received by a clearinghouse", ack.Claim{Statuses: []ack.ClaimStatus{one("WQ", "A1")}}, true},
		{"returned", ack.Claim{Statuses: []ack.ClaimStatus{one("U", "A3")}}, false},
		{"rejected by category alone", ack.Claim{Statuses: []ack.ClaimStatus{one("", "A7")}}, false},
		{"a second status rejects", ack.Claim{Statuses: []ack.ClaimStatus{one("WQ", "A1"), one("U", "A8")}}, false},
		{"a line rejects", ack.Claim{Statuses: []ack.ClaimStatus{one("WQ", "A1")}, Lines: []ack.ClaimLine{{Statuses: []ack.ClaimStatus{one("U", "A7")}}}}, false},
		{"no status says nothing", ack.Claim{}, false},
	} {
		if got := c.claim.Accepted(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestOtherKindsAreRefusedByName(t *testing.T) {
	file, _ := x12.Read(golden.Samples(t, "..", "277")["277/claim-level-status.277"])
	set := file.Sets()[0]
	if a, found := ack.Parse277CA(set); a != nil || len(found) != 1 || found[0].Code != x12.WrongKind {
		t.Errorf("%v %s", a, listing(found))
	}
	if f, found := ack.Parse999(set); f != nil || len(found) != 1 || found[0].Code != x12.WrongKind {
		t.Errorf("%v %s", f, listing(found))
	}
}

func TestWriteRefuses(t *testing.T) {
	a := &ack.ClaimAnswers{Reference: "R", Date: "2026-01-05", Source: x12.Party{Role: "PR", Kind: "2", Name: "PAYER"}, Trace: "T", Receivers: []ack.Receiver{{Party: x12.Party{Role: "41", Kind: "2", Name: "GROUP"},
		Providers: []ack.Provider{{Party: x12.Party{Role: "85", Kind: "2", Name: "GROUP"}, Claims: []ack.Claim{{Patient: x12.Party{Role: "QC", Kind: "1", Name: "DOE"}}}}}}}}
	if w, err := ack.Write277CA(envelope, a); err == nil || !strings.Contains(err.Error(), "2200D") {
		t.Errorf("a claim without number and status: %v %v", w, err)
	}
	if data, err := ack.Write999(envelope, &ack.Functional{Kind: "HC", GroupControl: "1", Status: "Q"}); err == nil {
		t.Errorf("an unknown status: %s", data)
	}
}

func Fuzz999(f *testing.F) {
	rapidSeeds(f, func(t *rapid.T) []byte {
		data, err := ack.Write999(envelope, functional().Draw(t, "999"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		file, found := x12.Read(data)
		for _, set := range file.Sets() {
			a, _ := ack.Parse999(set)
			if a == nil {
				continue
			}
			if again, err := ack.Write999(envelope, a); err == nil {
				x12.Read(again)
			}
		}
		for _, i := range file.Interchanges {
			ack.ReadTA1(i)
			ack.AnswerInterchange(i, found)
			for _, g := range i.Groups {
				ack.AnswerGroup(g, found)
			}
		}
	})
}

func Fuzz277CA(f *testing.F) {
	rapidSeeds(f, func(t *rapid.T) []byte {
		w, err := ack.Write277CA(envelope, claimAnswers().Draw(t, "277CA"))
		if err != nil {
			t.Fatal(err)
		}
		return w.Bytes
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		file, _ := x12.Read(data)
		for _, set := range file.Sets() {
			a, _ := ack.Parse277CA(set)
			if a == nil {
				continue
			}
			for _, c := range a.Claims() {
				c.Accepted()
			}
			w, err := ack.Write277CA(envelope, a)
			if err != nil {
				continue
			}
			again, _ := x12.Read(w.Bytes)
			if b, found := ack.Parse277CA(again.Sets()[0]); b == nil || found.Err() != nil || len(b.Claims()) != len(a.Claims()) {
				t.Fatalf("what was written doesn't read: %v", found.Err())
			}
		}
	})
}

// rapidSeeds gives the fuzzer a few files that a generator made, the same in every run.
func rapidSeeds(f *testing.F, make func(*rapid.T) []byte) {
	g := rapid.Custom(make)
	for seed := range 5 {
		f.Add(g.Example(seed))
	}
}
