package t837_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/evenkeel/evenkeel/pkg/x12"
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

func asJSON(t *testing.T, v any) string {
	t.Helper()
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

var envelope = x12.Envelope{
	SenderQualifier: "ZZ", SenderID: "SENDER", ReceiverQualifier: "ZZ", ReceiverID: "RECEIVER", Date: "2026-01-05", Time: "0930",
	InterchangeControl: 7, GroupControl: 42, Usage: "T", LineBreaks: true,
}

func TestSamplesReadAsTheyDid(t *testing.T) {
	for name, data := range golden.Samples(t, "..", "837") {
		t.Run(name, func(t *testing.T) {
			file, _ := x12.Read(data)
			out := ""
			for _, set := range file.Sets() {
				s, found := t837.Parse(set)
				out += "reading:\n" + listing(found)
				if s != nil {
					out += "rules:\n" + listing(t837.Check(s)) + asJSON(t, s) + "\n"
				}
			}
			golden.Equal(t, "testdata/golden/"+name+".txt", out)
		})
	}
}

// What a sample says survives writing and reading; samples that break a rule are not written, and say which.
func TestSamplesSurviveWriting(t *testing.T) {
	for name, data := range golden.Samples(t, "..", "837") {
		opts := x12.Options{}
		if strings.Contains(string(data), "HC>") {
			opts.Component = '>' // samples whose ISA16 is wrong
		}
		file, _ := x12.ReadWith(data, opts)
		for _, set := range file.Sets() {
			s, found := t837.Parse(set)
			if s == nil {
				continue
			}
			if found.Err() != nil {
				t.Errorf("%s: %v", name, found.Err())
			}
			for _, p := range s.Claims() {
				for i := range p.Claim.Lines {
					p.Claim.Lines[i].Control = fmt.Sprint("L", i+1)
				}
			}
			w, err := t837.Write(envelope, s)
			if name == "837/example_5010_837p-sample.txt" {
				if err == nil || !strings.Contains(err.Error(), "837p.pointer") {
					t.Errorf("%s: pointers to a diagnosis that isn't there are not refused: %v", name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			again, _ := x12.Read(w.Bytes)
			b, _ := t837.Parse(again.Sets()[0])
			if x, y := asJSON(t, golden.Strip(s)), asJSON(t, golden.Strip(b)); x != y {
				t.Errorf("%s: differs after writing:\n%s\n%s", name, x, y)
			}
		}
	}
}

func TestOtherKindsAreRefusedByName(t *testing.T) {
	data := golden.Samples(t, "..", "837")["837/example_5010_837d-sample.txt"]
	file, _ := x12.Read(data)
	s, found := t837.Parse(file.Sets()[0])
	if s != nil || len(found) != 1 || found[0].Code != x12.WrongKind || !strings.Contains(found[0].Message, "837D") {
		t.Errorf("got %v %s", s, listing(found))
	}
}

// claims makes sets that keep every rule.
func claims() *rapid.Generator[*t837.Set] {
	return rapid.Custom(func(t *rapid.T) *t837.Set {
		s := &t837.Set{
			Control: rapid.StringMatching(`[0-9]{4,9}`).Draw(t, "control"), Version: t837.Version, Purpose: "00", Reference: gen.Code(1, 30).Draw(t, "reference"),
			Date: gen.Day(2020, 2030).Draw(t, "date"), Time: "1023", Type: "CH", Submitter: gen.Party("41").Draw(t, "submitter"), Receiver: gen.Party("40").Draw(t, "receiver"),
		}
		s.Submitter.Contacts = gen.List(gen.Contact("IC"), 1, 2).Draw(t, "contacts")
		number := 0
		s.Providers = gen.List(billing(&number), 1, 2).Draw(t, "providers")
		return s
	})
}

func billing(number *int) *rapid.Generator[t837.BillingProvider] {
	return rapid.Custom(func(t *rapid.T) t837.BillingProvider {
		b := t837.BillingProvider{Party: gen.Party("85").Draw(t, "billing")}
		b.Party.Refs = append([]x12.Ref{{Qualifier: "EI", Value: "123456789"}}, b.Party.Refs...)
		if rapid.Bool().Draw(t, "taxonomy") {
			b.Party.ProviderCode, b.Party.Taxonomy = "BI", "101YM0800X"
		}
		if rapid.Bool().Draw(t, "pay-to") {
			p := gen.Party("87").Draw(t, "pay-to party")
			b.PayToAddress = &p
		}
		b.Subscribers = gen.List(subscriber(number), 1, 3).Draw(t, "subscribers")
		return b
	})
}

func person(role string) *rapid.Generator[x12.Party] {
	return rapid.Custom(func(t *rapid.T) x12.Party {
		p := gen.Party(role).Draw(t, "person")
		p.Birth, p.Sex = gen.Day(1930, 2020).Draw(t, "birth"), rapid.SampledFrom([]string{"F", "M", "U"}).Draw(t, "sex")
		return p
	})
}

func subscriber(number *int) *rapid.Generator[t837.Subscriber] {
	return rapid.Custom(func(t *rapid.T) t837.Subscriber {
		s := t837.Subscriber{Person: person("IL").Draw(t, "subscriber"), Payer: gen.Party("PR").Draw(t, "payer")}
		s.Insured = t837.Insured{Sequence: "S", Group: gen.Maybe(gen.Code(1, 10)).Draw(t, "group"), GroupName: gen.Maybe(gen.Text()).Draw(t, "group name"), Filing: "CI"}
		if rapid.Bool().Draw(t, "self") {
			s.Insured.Relation = "18"
			s.Claims = gen.List(claim(number), 1, 3).Draw(t, "claims")
			if rapid.Bool().Draw(t, "condition") {
				s.Condition = &t837.Condition{Pounds: gen.Optional(gen.Units()).Draw(t, "pounds"), Pregnant: "Y"}
			}
			return s
		}
		s.Patients = gen.List(rapid.Custom(func(t *rapid.T) t837.Patient {
			return t837.Patient{Relation: rapid.SampledFrom([]string{"01", "19", "G8"}).Draw(t, "relation"), Person: person("QC").Draw(t, "patient"), Claims: gen.List(claim(number), 1, 2).Draw(t, "claims")}
		}), 1, 2).Draw(t, "patients")
		return s
	})
}

func claim(number *int) *rapid.Generator[t837.Claim] {
	return rapid.Custom(func(t *rapid.T) t837.Claim {
		*number++
		c := t837.Claim{
			Number: fmt.Sprintf("C%d%s", *number, gen.Code(0, 10).Draw(t, "number")), PlaceOfService: rapid.SampledFrom([]string{"11", "10", "02"}).Draw(t, "place"), FacilityQualifier: "B",
			Frequency: rapid.SampledFrom([]string{"1", "7", "8"}).Draw(t, "frequency"), SignatureOnFile: "Y", Assignment: "A", BenefitsAssigned: "Y", Release: "Y",
			PatientSignature: gen.Maybe(rapid.Just("P")).Draw(t, "signature"), DelayReason: gen.Maybe(rapid.Just("7")).Draw(t, "delay"),
			PriorAuthorization: gen.Maybe(gen.Code(1, 30)).Draw(t, "authorization"), Refs: gen.List(gen.Ref(), 0, 2).Draw(t, "refs"),
			Diagnoses: []t837.Diagnosis{{Qualifier: "ABK", Code: "F411"}},
		}
		if c.Frequency != "1" {
			c.PayerClaimNumber = gen.Code(1, 30).Draw(t, "payer claim number")
		}
		for range rapid.IntRange(0, 11).Draw(t, "diagnoses") {
			c.Diagnoses = append(c.Diagnoses, t837.Diagnosis{Qualifier: "ABF", Code: gen.Code(3, 7).Draw(t, "diagnosis")})
		}
		if rapid.Bool().Draw(t, "accident") {
			c.Accident = &t837.Accident{Causes: []string{"AA"}, State: "CA"}
			c.Dates = append(c.Dates, x12.Dated{Qualifier: "439", Dates: gen.Days(2020, 2021).Draw(t, "accident day")})
		}
		if rapid.Bool().Draw(t, "paid") {
			c.Amounts = append(c.Amounts, x12.Amount{Qualifier: "F5", Cents: gen.Cents().Draw(t, "by the patient")})
		}
		c.Notes = gen.List(rapid.Custom(func(t *rapid.T) t837.Note { return t837.Note{Code: "ADD", Text: gen.Text().Draw(t, "text")} }), 0, 1).Draw(t, "notes")
		for _, role := range []string{"DN", "82", "77", "DQ"} {
			if rapid.Bool().Draw(t, role) {
				p := gen.Party(role).Draw(t, "provider")
				if role == "82" {
					p.ProviderCode, p.Taxonomy = "PE", "103TC0700X"
				}
				c.Providers = append(c.Providers, p)
			}
		}
		if rapid.Bool().Draw(t, "raw") {
			c.Other = []x12.Raw{x12.Seg("CRC", "ZZ", "Y", "AV"), x12.Seg("HI").Composite("BG", "17")}
		}
		c.Lines = gen.List(line(len(c.Diagnoses)), 1, 4).Draw(t, "lines")
		for i := range c.Lines {
			c.Lines[i].Control = fmt.Sprintf("%dL%d", *number, i+1)
			c.Charge += c.Lines[i].Charge
		}
		if rapid.Bool().Draw(t, "other payer") {
			c.OtherPayers = []t837.OtherPayer{otherPayer(t, &c)}
		}
		return c
	})
}

func line(diagnoses int) *rapid.Generator[t837.Line] {
	return rapid.Custom(func(t *rapid.T) t837.Line {
		l := t837.Line{
			Procedure: gen.Procedure().Draw(t, "procedure"), Charge: gen.Cents().Draw(t, "charge"), Basis: rapid.SampledFrom([]string{"UN", "MJ"}).Draw(t, "basis"), Units: gen.Units().Draw(t, "units"),
			PlaceOfService: gen.Maybe(rapid.Just("10")).Draw(t, "place"), Pointers: gen.List(rapid.IntRange(1, diagnoses), 1, 4).Draw(t, "pointers"),
			Emergency: gen.Maybe(rapid.Just("Y")).Draw(t, "emergency"), FamilyPlanning: gen.Maybe(rapid.Just("Y")).Draw(t, "family planning"), CopayExempt: gen.Maybe(rapid.Just("0")).Draw(t, "copay"),
			Service: gen.Days(2016, 2030).Draw(t, "service"), PriorAuthorization: gen.Maybe(gen.Code(1, 20)).Draw(t, "authorization"), Refs: gen.List(gen.Ref(), 0, 1).Draw(t, "refs"),
		}
		if rapid.Bool().Draw(t, "rendering") {
			p := gen.Party("82").Draw(t, "provider")
			p.ProviderCode, p.Taxonomy = "PE", "103TC0700X"
			l.Providers = []x12.Party{p}
		}
		if rapid.Bool().Draw(t, "drug") {
			l.Drug = []x12.Raw{x12.Seg("LIN", "", "N4", "00026063512"), x12.Seg("CTP", "", "", "", "10").Composite("ML")}
		}
		return l
	})
}

// otherPayer decides each line of the claim, in balance.
func otherPayer(t *rapid.T, c *t837.Claim) t837.OtherPayer {
	o := t837.OtherPayer{
		Insured: t837.Insured{Sequence: "P", Relation: "18", Filing: "CI"}, BenefitsAssigned: "Y", Release: "Y", Subscriber: gen.Party("IL").Draw(t, "other subscriber"), Payer: gen.Party("PR").Draw(t, "other payer"),
		Adjustments: gen.Adjustments(8).Draw(t, "claim adjustments"), PayerClaimNumber: gen.Maybe(gen.Code(1, 20)).Draw(t, "number"), PatientOwes: gen.Optional(gen.Cents()).Draw(t, "owes"),
	}
	o.Payer.Refs = nil
	if rapid.Bool().Draw(t, "outpatient") {
		o.Outpatient = &x12.Outpatient{Remarks: []string{"MA01", "N1"}, Payable: gen.Optional(gen.Cents()).Draw(t, "payable")}
	}
	paid := c.Charge
	for _, a := range o.Adjustments {
		paid -= a.Cents
	}
	if rapid.Bool().Draw(t, "by line") {
		for i := range c.Lines {
			l := &c.Lines[i]
			a := t837.Adjudication{PayerID: o.Payer.ID, Procedure: gen.Procedure().Draw(t, "decided"), Units: gen.Optional(gen.Units()).Draw(t, "units"), Adjustments: gen.Adjustments(8).Draw(t, "line adjustments"), Decided: gen.Day(2020, 2030).Draw(t, "decided on"), Paid: l.Charge}
			for _, x := range a.Adjustments {
				a.Paid -= x.Cents
				paid -= x.Cents
			}
			l.Adjudications = append(l.Adjudications, a)
		}
	} else {
		o.Decided = gen.Day(2020, 2030).Draw(t, "decided on")
	}
	o.Paid = &paid
	return o
}

func TestWhatIsWrittenReadsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env := gen.Envelope().Draw(t, "envelope")
		s := claims().Draw(t, "set")
		w, err := t837.Write(env, s)
		if err != nil {
			t.Fatal(err)
		}
		file, found := x12.Read(w.Bytes)
		got, more := t837.Parse(file.Sets()[0])
		if len(found) > 0 || len(more) > 0 {
			t.Fatalf("findings in what was written:\n%s%s", listing(found), listing(more))
		}
		for i, p := range got.Claims() {
			r := w.Claims[i]
			if r.Number != p.Claim.Number || r.Claim != p.Claim.Source || r.Subscriber != p.Subscriber.Source {
				t.Fatalf("claim %s is said to stand at %v in %v, it stands at %v in %v", r.Number, r.Claim, r.Subscriber, p.Claim.Source, p.Subscriber.Source)
			}
		}
		a, _ := json.MarshalIndent(s, "", " ")
		b, _ := json.MarshalIndent(golden.Strip(got), "", " ")
		if string(a) != string(b) {
			t.Fatalf("wrote\n%s\nread\n%s", a, b)
		}
		again, err := t837.Write(env, s)
		if err != nil || string(again.Bytes) != string(w.Bytes) {
			t.Fatal("the same values give other bytes")
		}
	})
}

// One cent more on any amount fails the equations that contain it, and no others.
func TestOneCentFailsItsEquations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := 0
		c := claim(&number).Draw(t, "claim")
		off := func() map[t837.Equation]int {
			n := map[t837.Equation]int{}
			for _, r := range t837.Balance(&c) {
				if r.Cents != 0 {
					n[r.Equation]++
				}
			}
			return n
		}
		if n := off(); len(n) != 0 {
			t.Fatalf("a balanced claim is off: %v", n)
		}
		decided := len(c.OtherPayers) > 0
		byLine := decided && len(c.Lines[0].Adjudications) > 0
		expect := func(what string, amount *int64, want map[t837.Equation]int) {
			*amount++
			if got := off(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("one cent on the %s: off %v, want %v", what, got, want)
			}
			*amount--
		}
		one := func(equations ...t837.Equation) map[t837.Equation]int {
			n := map[t837.Equation]int{}
			for _, e := range equations {
				n[e] = 1
			}
			return n
		}
		charge := []t837.Equation{t837.Charges}
		if decided {
			charge = append(charge, t837.ClaimPaid)
		}
		expect("claim's charge", &c.Charge, one(charge...))
		charge = []t837.Equation{t837.Charges}
		if byLine {
			charge = append(charge, t837.LineDecided)
		}
		expect("line's charge", &c.Lines[0].Charge, one(charge...))
		if decided {
			expect("payment", c.OtherPayers[0].Paid, one(t837.ClaimPaid))
		}
		if byLine {
			a := &c.Lines[0].Adjudications[0]
			expect("line's payment", &a.Paid, one(t837.LineDecided))
			if len(a.Adjustments) > 0 {
				expect("line's adjustment", &a.Adjustments[0].Cents, one(t837.LineDecided, t837.ClaimPaid))
			}
		}
	})
}

func TestBundledLinesCountTogether(t *testing.T) {
	decided := func(paid int64, into int, adjustments ...x12.Adjustment) []t837.Adjudication {
		return []t837.Adjudication{{PayerID: "P1", Paid: paid, BundledInto: into, Adjustments: adjustments}}
	}
	paid := int64(12000)
	c := &t837.Claim{Charge: 20000, OtherPayers: []t837.OtherPayer{{Payer: x12.Party{ID: "P1"}, Paid: &paid}}, Lines: []t837.Line{
		{Charge: 15000, Adjudications: decided(12000, 0, x12.Adjustment{Group: "CO", Reason: "45", Cents: 8000})},
		{Charge: 5000, Adjudications: decided(0, 1)},
	}}
	for _, r := range t837.Balance(c) {
		if r.Cents != 0 {
			t.Errorf("%+v", r)
		}
	}
	c.Lines[1].Adjudications[0].BundledInto = 0
	off := 0
	for _, r := range t837.Balance(c) {
		if r.Cents != 0 {
			off++
		}
	}
	if off != 2 {
		t.Errorf("without bundling %d equations fail, want both lines", off)
	}
}

// sound is a claim that may be sent.
func sound() *t837.Set {
	address := &x12.Address{Line1: "1 MAIN ST", City: "SPRINGFIELD", State: "IL", ZIP: "627010001"}
	return &t837.Set{
		Purpose: "00", Reference: "B1", Date: "2026-01-05", Time: "0930", Type: "CH",
		Submitter: x12.Party{Role: "41", Kind: "2", Name: "GROUP", IDQualifier: "46", ID: "S1", Contacts: []x12.Contact{{Role: "IC", Numbers: []x12.ContactPoint{{Kind: "TE", Number: "5551234567"}}}}},
		Receiver:  x12.Party{Role: "40", Kind: "2", Name: "PAYER", IDQualifier: "46", ID: "R1"},
		Providers: []t837.BillingProvider{{
			Party: x12.Party{Role: "85", Kind: "2", Name: "GROUP", IDQualifier: "XX", ID: "1234567893", Address: address, Refs: []x12.Ref{{Qualifier: "EI", Value: "123456789"}}},
			Subscribers: []t837.Subscriber{{
				Insured: t837.Insured{Sequence: "P", Relation: "18", Filing: "CI"},
				Person:  x12.Party{Role: "IL", Kind: "1", Name: "DOE", First: "JANE", IDQualifier: "MI", ID: "M1", Address: address, Birth: "1980-02-29", Sex: "F"},
				Payer:   x12.Party{Role: "PR", Kind: "2", Name: "PAYER", IDQualifier: "PI", ID: "P1"},
				Claims: []t837.Claim{{
					Number: "C1", Charge: 15000, PlaceOfService: "11", FacilityQualifier: "B", Frequency: "1", SignatureOnFile: "Y", Assignment: "A", BenefitsAssigned: "Y", Release: "Y",
					Diagnoses: []t837.Diagnosis{{Qualifier: "ABK", Code: "F411"}},
					Lines:     []t837.Line{{Procedure: x12.Procedure{Qualifier: "HC", Code: "90837"}, Charge: 15000, Basis: "UN", Units: 1000, Pointers: []int{1}, Service: x12.Dates{From: "2026-01-02", Thru: "2026-01-02"}, Control: "L1"}},
				}},
			}},
		}},
	}
}

func TestASoundClaimIsWritten(t *testing.T) {
	w, err := t837.Write(envelope, sound())
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "testdata/golden/sound.837", string(w.Bytes))
}

func TestRulesARefusedByName(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*t837.Set, *t837.Claim)
		want string // in the error
	}{
		{"charges that don't add up", func(_ *t837.Set, c *t837.Claim) { c.Charge++ }, "837p.balance"},
		{"a replacement without the payer's number", func(_ *t837.Set, c *t837.Claim) { c.Frequency = "7" }, "837p.original_number"},
		{"a void without the payer's number", func(_ *t837.Set, c *t837.Claim) { c.Frequency = "8" }, "837p.original_number"},
		{"a frequency that isn't one", func(_ *t837.Set, c *t837.Claim) { c.Frequency = "5" }, "837p.frequency"},
		{"a pointer to a diagnosis that isn't there", func(_ *t837.Set, c *t837.Claim) { c.Lines[0].Pointers = []int{2} }, "837p.pointer"},
		{"five pointers", func(_ *t837.Set, c *t837.Claim) { c.Lines[0].Pointers = []int{1, 1, 1, 1, 1} }, "837p.pointer"},
		{"no diagnosis", func(_ *t837.Set, c *t837.Claim) { c.Diagnoses = nil }, "837p.diagnosis"},
		{"the principal diagnosis second", func(_ *t837.Set, c *t837.Claim) { c.Diagnoses[0].Qualifier = "ABF" }, "837p.principal"},
		{"old diagnosis codes for a new service", func(_ *t837.Set, c *t837.Claim) { c.Diagnoses[0].Qualifier = "BK" }, "837p.icd_version"},
		{"new diagnosis codes for an old service", func(_ *t837.Set, c *t837.Claim) {
			c.Lines[0].Service = x12.Dates{From: "2015-09-30", Thru: "2015-09-30"}
		}, "837p.icd_version"},
		{"a line without a number", func(_ *t837.Set, c *t837.Claim) { c.Lines[0].Control = "" }, "837p.line_number"},
		{"a line number twice", func(_ *t837.Set, c *t837.Claim) {
			c.Lines = append(c.Lines, c.Lines[0])
			c.Charge *= 2
		}, "837p.line_number"},
		{"a patient without birth date", func(s *t837.Set, _ *t837.Claim) { s.Providers[0].Subscribers[0].Person.Birth = "" }, "837p.patient_birth"},
		{"a subscriber who is and is not the patient", func(s *t837.Set, _ *t837.Claim) { s.Providers[0].Subscribers[0].Insured.Relation = "" }, "837p.self"},
		{"a billing provider without tax id", func(s *t837.Set, _ *t837.Claim) { s.Providers[0].Party.Refs = nil }, "837p.billing_tax_id"},
		{"a payer decided a line that isn't on the claim", func(_ *t837.Set, c *t837.Claim) {
			c.Lines[0].Adjudications = []t837.Adjudication{{PayerID: "NOBODY", Paid: 15000, Procedure: c.Lines[0].Procedure, Decided: "2026-01-03"}}
		}, "837p.line_payer"},
		{"two payers in one place", func(_ *t837.Set, c *t837.Claim) {
			c.OtherPayers = []t837.OtherPayer{{Insured: t837.Insured{Sequence: "P", Relation: "18"}, Subscriber: x12.Party{Role: "IL", Kind: "1", Name: "DOE"}, Payer: x12.Party{Role: "PR", Kind: "2", Name: "OTHER", IDQualifier: "PI", ID: "P2"}}}
		}, "837p.payer_order"},
		{"a claim without a line", func(_ *t837.Set, c *t837.Claim) { c.Lines, c.Charge = nil, 0 }, "a claim needs a line"},
		{"no claim number", func(_ *t837.Set, c *t837.Claim) { c.Number = "" }, "CLM01 must be given"},
		{"a separator in the claim number", func(_ *t837.Set, c *t837.Claim) { c.Number = "A*B" }, "element.delimiter"},
		{"a day that isn't", func(_ *t837.Set, c *t837.Claim) {
			c.Lines[0].Service = x12.Dates{From: "2026-02-30", Thru: "2026-02-30"}
		}, "element.date"},
		{"structure among the other segments", func(_ *t837.Set, c *t837.Claim) { c.Other = []x12.Raw{x12.Seg("HL", "9")} }, "makes the structure"},
		{"another guide", func(s *t837.Set, _ *t837.Claim) { s.Version = "005010X223A2" }, "set.kind"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sound()
			c.do(s, &s.Providers[0].Subscribers[0].Claims[0])
			w, err := t837.Write(envelope, s)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("want %s, got %v (%v)", c.want, err, w)
			}
			var invalid *x12.Invalid
			if !errors.As(err, &invalid) {
				t.Errorf("the error is no *x12.Invalid: %v", err)
			}
			if strings.Contains(err.Error(), "DOE") || strings.Contains(err.Error(), "JANE") {
				t.Errorf("the error names a person: %v", err)
			}
		})
	}
}

func TestAllProblemsAreSaidAtOnce(t *testing.T) {
	s := sound()
	c := &s.Providers[0].Subscribers[0].Claims[0]
	c.Charge, c.Frequency, c.Lines[0].Pointers = 1, "7", []int{9}
	env := envelope
	env.Usage = "X"
	_, err := t837.Write(env, s)
	var invalid *x12.Invalid
	if !errors.As(err, &invalid) || len(invalid.Problems) != 4 {
		t.Errorf("want 4 problems, got %v", err)
	}
}

func TestNothingIsNotWritten(t *testing.T) {
	if w, err := t837.Write(envelope); err == nil {
		t.Errorf("an interchange without a set: %s", w.Bytes)
	}
}

func TestNamesAreCleanedAndThatIsSaid(t *testing.T) {
	s := sound()
	p := &s.Providers[0].Subscribers[0].Person
	p.Name, p.First = "GARCÍA*LÓPEZ", "Zoë"
	w, err := t837.Write(envelope, s)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(w.Bytes), "NM1*IL*1*GARCIA LOPEZ*Zoe*") {
		t.Errorf("got %s", w.Bytes)
	}
	cleaned := 0
	for _, d := range w.Notes {
		if d.Code == x12.DataCleaned {
			cleaned++
		}
	}
	if cleaned != 2 {
		t.Errorf("%d notes of cleaning:\n%s", cleaned, listing(w.Notes))
	}
}

func TestValidNPI(t *testing.T) {
	for npi, want := range map[string]bool{"1234567893": true, "1234567890": false, "123456789": false, "3234567893": false, "12345678X3": false, "": false} {
		if got := t837.ValidNPI(npi); got != want {
			t.Errorf("%q: %v", npi, got)
		}
	}
}

// Each row makes one error in a sound file; it is found once, in the right place, and nothing else is.
func TestOneErrorIsOneFinding(t *testing.T) {
	w, err := t837.Write(envelope, sound())
	if err != nil {
		t.Fatal(err)
	}
	good := strings.ReplaceAll(string(w.Bytes), "\n", "")
	for _, c := range []struct{ name, old, new, want string }{
		{"no BHT", "BHT*0019*00*B1*20260105*0930*CH~", "", "segment.required header BHT"},
		{"another purpose", "BHT*0019*00", "BHT*0019*11", "element.code header BHT02"},
		{"no submitter", "NM1*41*2*GROUP*****46*S1~PER*IC**TE*5551234567~", "", "loop.required 1000A NM1"},
		{"no receiver", "NM1*40*2*PAYER*****46*R1~", "", "loop.required 1000B NM1"},
		{"no billing provider's name", "NM1*85*2*GROUP*****XX*1234567893~N3*1 MAIN ST~N4*SPRINGFIELD*IL*627010001~REF*EI*123456789~", "", "loop.required 2010AA NM1"},
		{"a level's number", "HL*2*1*22*0", "HL*3*1*22*0", "loop.hierarchy 2000B HL01"},
		{"a level under none", "HL*2*1*22*0", "HL*2*9*22*0", "loop.hierarchy 2000B HL02"},
		{"a billing provider under something", "HL*1**20*1", "HL*1*1*20*1", "loop.hierarchy 2000A HL02"},
		{"an unknown level", "HL*2*1*22*0", "HL*2*1*77*0", "loop.hierarchy  HL03"},
		{"no SBR", "SBR*P*18*******CI~", "", "segment.required 2000B SBR"},
		{"no subscriber", "NM1*IL*1*DOE*JANE****MI*M1~N3*1 MAIN ST~N4*SPRINGFIELD*IL*627010001~DMG*D8*19800229*F~", "", "loop.required 2010BA NM1"},
		{"no payer", "NM1*PR*2*PAYER*****PI*P1~", "", "loop.required 2010BB NM1"},
		{"a birth date that isn't one", "19800229", "19800230", "element.date 2010BA DMG02"},
		{"an unknown sex", "*19800229*F~", "*19800229*X~", "element.code 2010BA DMG03"},
		{"no charge", "CLM*C1*150*", "CLM*C1**", "element.required 2300 CLM02"},
		{"a charge that is no number", "CLM*C1*150*", "CLM*C1*1E2*", "element.number 2300 CLM02"},
		{"a charge in parts of a cent", "CLM*C1*150*", "CLM*C1*150.001*", "element.number 2300 CLM02"},
		{"a charge with zeros behind the cents", "CLM*C1*150*", "CLM*C1*150.000*", "element.number_form 2300 CLM02"},
		{"no frequency", "11:B:1", "11:B", "element.composite_incomplete 2300 CLM05"},
		{"an element that isn't used", "CLM*C1*150***", "CLM*C1*150*A**", "element.unread 2300 CLM03"},
		{"a diagnosis without code", "HI*ABK:F411", "HI*ABK", "element.composite_incomplete 2300 HI01"},
		{"a separator of others", "HI*ABK:F411", "HI*ABK>F411", "element.composite_incomplete 2300 HI01"},
		{"no line", "LX*1~SV1*HC:90837*150*UN*1***1~DTP*472*D8*20260102~REF*6R*L1~", "", "loop.required 2400 LX"},
		{"a line's number", "LX*1~", "LX*2~", "element.pattern 2400 LX01"},
		{"a line without service", "SV1*HC:90837*150*UN*1***1~", "", "segment.required 2400 SV1"},
		{"a service without code", "SV1*HC:90837*", "SV1*HC*", "element.composite_incomplete 2400 SV101"},
		{"an unknown basis", "*UN*1*", "*XX*1*", "element.code 2400 SV103"},
		{"no units", "*UN*1***1", "*UN****1", "element.required 2400 SV104"},
		{"no pointer", "*UN*1***1", "*UN*1", "element.required 2400 SV107"},
		{"a pointer that is no number", "*UN*1***1", "*UN*1***A", "element.number 2400 SV107"},
		{"a pointer beyond 12", "*UN*1***1", "*UN*1***13", "element.pattern 2400 SV107"},
		{"no date of service", "DTP*472*D8*20260102~", "", "segment.required 2400 DTP"},
		{"a range that ends before it begins", "D8*20260102", "RD8*20260102-20260101", "element.date 2400 DTP03"},
		{"a range of one day", "D8*20260102", "RD8*20260102", "element.date 2400 DTP03"},
		{"an unknown format", "D8*20260102", "D9*20260102", "element.code 2400 DTP02"},
		{"a segment that doesn't belong", "LX*1~", "EB*1~LX*1~", "segment.unexpected 2300 EB"},
		{"a name too long", "DOE*JANE", strings.Repeat("X", 61) + "*JANE", "element.long 2010BA NM103"},
		{"an id without qualifier", "****MI*M1", "*****M1", "element.conditional 2010BA NM108"},
		{"two addresses", "N3*1 MAIN ST~N4*SPRINGFIELD*IL*627010001~DMG", "N3*1 MAIN ST~N3*2 MAIN ST~N4*SPRINGFIELD*IL*627010001~DMG", "segment.too_often 2010BA N3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := strings.Replace(good, c.old, c.new, 1)
			if data == good {
				t.Fatal("the case changes nothing")
			}
			file, _ := x12.Read([]byte(data))
			_, found := t837.Parse(file.Sets()[0])
			var got []string
			for _, d := range found {
				place := d.SegmentID
				if d.Element > 0 {
					place += fmt.Sprintf("%02d", d.Element)
				}
				got = append(got, fmt.Sprintf("%s %s %s", d.Code, d.Loop, place))
			}
			if len(got) != 1 || got[0] != c.want {
				t.Errorf("want %q, got %q", c.want, got)
			}
		})
	}
}

func TestACutFileIsReadAsFarAsItGoes(t *testing.T) {
	for name, data := range golden.Samples(t, "..", "837") {
		for n := range data {
			file, found := x12.Read(data[:n:n])
			for _, set := range file.Sets() {
				if s, _ := t837.Parse(set); s != nil {
					t837.Check(s)
				}
			}
			if n > 0 && n < len(strings.TrimSpace(string(data))) && found.Err() == nil {
				t.Fatalf("%s cut at byte %d: nothing said", name, n)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, data := range golden.Samples(f, "..", "837") {
		f.Add(data)
	}
	if w, err := t837.Write(envelope, sound()); err == nil {
		f.Add(w.Bytes)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, _ := x12.Read(data)
		for _, set := range file.Sets() {
			s, _ := t837.Parse(set)
			if s == nil {
				continue
			}
			t837.Check(s)
			w, err := t837.Write(envelope, s)
			if err != nil {
				continue
			}
			again, _ := x12.Read(w.Bytes)
			b, found := t837.Parse(again.Sets()[0])
			if b == nil || found.Err() != nil || len(b.Claims()) != len(s.Claims()) {
				t.Fatalf("what was written doesn't read: %v", found.Err())
			}
		}
	})
}
