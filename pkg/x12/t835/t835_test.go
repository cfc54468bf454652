package t835_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/gen"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/golden"
	"github.com/evenkeel/evenkeel/pkg/x12/t835"
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

func parsed(t *testing.T, data []byte) []*t835.Set {
	t.Helper()
	file, _ := x12.Read(data)
	var sets []*t835.Set
	for _, set := range file.Sets() {
		s, _ := t835.Parse(set)
		if s == nil {
			t.Fatalf("set %s is no 835", set.Control)
		}
		sets = append(sets, s)
	}
	return sets
}

func TestSamplesReadAsTheyDid(t *testing.T) {
	for name, data := range golden.Samples(t, "..", "835") {
		t.Run(name, func(t *testing.T) {
			file, _ := x12.Read(data)
			out := ""
			for _, set := range file.Sets() {
				s, found := t835.Parse(set)
				out += "reading:\n" + listing(found) + "rules:\n" + listing(t835.Check(s)) + "equations:\n"
				for _, r := range t835.Balance(s) {
					out += r.String() + "\n"
				}
				out += asJSON(t, s) + "\n"
			}
			golden.Equal(t, "testdata/golden/"+name+".txt", out)
		})
	}
}

// What public samples get wrong, by set: the equations that fail and what is left of them.
func TestSamplesBalanceAsKnown(t *testing.T) {
	known := map[string][]string{
		"835/example_5010_835-sample1.txt": {
			"claim 1: claim charge - all adjustments = claim paid: off by .01", "claim 1: sum of lines paid - claim adjustments = claim paid: off by .01",
			"payment: payment is not negative: off by -6173.5", "payment: payment is not negative: off by -6173.4",
		},
		"835/example_5010_835-sample2.txt": {
			"claim 1: claim charge - all adjustments = claim paid: off by -1002", "claim 1: sum of lines paid - claim adjustments = claim paid: off by -1002",
		},
		"835/tertiary-payment.835": {
			"claim 1, line 1: line charge - line adjustments = line paid: off by 21253.5", "claim 1: sum of line charges = claim charge: off by 22832.5",
			"claim 1: sum of lines paid - claim adjustments = claim paid: off by 1579",
		},
	}
	for name, data := range golden.Samples(t, "..", "835") {
		var off []string
		for _, s := range parsed(t, data) {
			for _, r := range t835.Unbalanced(t835.Balance(s)) {
				off = append(off, r.String())
			}
		}
		if !slices.Equal(off, known[name]) {
			t.Errorf("%s is off by\n%s\nwant\n%s", name, strings.Join(off, "\n"), strings.Join(known[name], "\n"))
		}
	}
}

// Every amount names the bytes it was read from.
func TestSourcesAreTheBytes(t *testing.T) {
	data := golden.Samples(t, "..", "835")["835/medicare-part-a.835"]
	s := parsed(t, data)[0]
	at := func(src x12.Source) string { return string(data[src.Offset:src.End()]) }
	c := s.Claims()[0]
	for what, got := range map[string]string{
		"BPR*C*150000.00*C*ACH*CTX*01*99999992*DA*123456*1512345678**01*999988880*DA*98765*20020913~": at(s.Payment.Source),
		"CLP*666123*1*211366.97*138018.40**MA*1999999444444*11*1~":                                    at(c.CLP),
		"CAS*CO*45*73348.57~":                  at(c.Adjustments[0].Source),
		"PLB*6543210903*20021231*CV:CP*-1.27~": at(s.ProviderAdjustments[0].Source),
	} {
		if got != what {
			t.Errorf("want %s, got %s", what, got)
		}
	}
	if got := at(c.Source); !strings.HasPrefix(got, "CLP*666123") || !strings.HasSuffix(got, "QTY*CA*8.00~") {
		t.Errorf("the claim stands at %q", got)
	}
	file, _ := x12.Read(data)
	if seg := file.Sets()[0].Segments[c.Adjustments[0].Segment-1]; seg.ID != "CAS" {
		t.Errorf("segment %d is %s", c.Adjustments[0].Segment, seg.ID)
	}
}

// payments makes sets in balance.
func payments() *rapid.Generator[*t835.Set] {
	return rapid.Custom(func(t *rapid.T) *t835.Set {
		s := &t835.Set{
			Control: rapid.StringMatching(`[0-9]{4,9}`).Draw(t, "control"), Version: t835.Version, Production: gen.Day(2020, 2030).Draw(t, "production"),
			ReceiverID: gen.Maybe(gen.Code(1, 20)).Draw(t, "receiver"), Payer: organization("PR").Draw(t, "payer"), Payee: organization("PE").Draw(t, "payee"),
			Payment: t835.Payment{
				Handling: "I", Credit: "C", Method: "ACH", Format: "CCP", Originator: "1123456789", From: &t835.Account{BankQualifier: "01", Bank: "999999992", Kind: "DA", Number: "123456"},
				To: gen.Optional(rapid.Just(t835.Account{BankQualifier: "01", Bank: "999988880", Kind: "DA", Number: "98765"})).Draw(t, "to"), Effective: gen.Day(2020, 2030).Draw(t, "effective"),
				TraceType: "1", Trace: gen.Code(1, 30).Draw(t, "trace"), TraceOriginator: "1123456789",
			},
		}
		s.Payer.Contacts = append(s.Payer.Contacts, gen.Contact("BL").Draw(t, "contact"))
		for n := range rapid.IntRange(1, 3).Draw(t, "batches") {
			s.Batches = append(s.Batches, t835.Batch{Number: fmt.Sprint(n + 1), Claims: gen.List(claim(), 0, 3).Draw(t, "claims")})
		}
		s.ProviderAdjustments = gen.List(rapid.Custom(func(t *rapid.T) t835.ProviderAdjustment {
			return t835.ProviderAdjustment{
				ProviderID: rapid.SampledFrom([]string{"1234567893", "1999999992"}).Draw(t, "provider"), YearEnd: "2026-12-31", Reason: rapid.SampledFrom([]string{"WO", "FB", "L6", "72"}).Draw(t, "reason"),
				Reference: gen.Maybe(gen.Code(1, 20)).Draw(t, "reference"), Cents: gen.Signed().Draw(t, "cents"),
			}
		}), 0, 8).Draw(t, "provider adjustments")
		for _, c := range s.Claims() {
			s.Payment.Amount += c.Paid
		}
		for _, a := range s.ProviderAdjustments {
			s.Payment.Amount -= a.Cents
		}
		if low := s.Payment.Amount; low < 0 { // carried forward
			s.ProviderAdjustments = append(s.ProviderAdjustments, t835.ProviderAdjustment{ProviderID: "1234567893", YearEnd: "2026-12-31", Reason: "FB", Cents: low})
			s.Payment.Amount = 0
		}
		if s.Payment.Amount == 0 {
			s.Payment.Method, s.Payment.Handling = "NON", "H"
		}
		return s
	})
}

func organization(role string) *rapid.Generator[x12.Party] {
	return rapid.Custom(func(t *rapid.T) x12.Party {
		return x12.Party{Role: role, Name: gen.Text().Draw(t, "name"), IDQualifier: "XV", ID: gen.Code(2, 20).Draw(t, "id"), Address: gen.Address().Draw(t, "address"), Refs: gen.List(gen.Ref(), 0, 2).Draw(t, "refs")}
	})
}

func claim() *rapid.Generator[t835.Claim] {
	return rapid.Custom(func(t *rapid.T) t835.Claim {
		c := t835.Claim{
			Number: gen.Code(1, 20).Draw(t, "number"), Status: rapid.SampledFrom([]string{"1", "2", "4", "19", "22"}).Draw(t, "status"), Filing: "12", PayerClaimNumber: gen.Code(1, 30).Draw(t, "payer's number"),
			Facility: "11", Frequency: "1", Weight: gen.Optional(gen.Units()).Draw(t, "weight"), DischargeFraction: gen.Optional(rapid.Int64Range(0, 1_000_000)).Draw(t, "fraction"),
			Adjustments: gen.Adjustments(9).Draw(t, "adjustments"), Refs: gen.List(gen.Ref(), 0, 2).Draw(t, "refs"),
		}
		for _, role := range []string{"QC", "IL", "82"} {
			if rapid.Bool().Draw(t, role) {
				n := gen.Party(role).Draw(t, "name")
				n.Address, n.Refs = nil, nil
				c.Names = append(c.Names, n)
			}
		}
		if rapid.Bool().Draw(t, "remarks") {
			c.Outpatient = &x12.Outpatient{Remarks: gen.List(gen.Code(2, 5), 1, 5).Draw(t, "codes")}
		}
		c.Dates = gen.List(date("232", "233", "050"), 0, 3).Draw(t, "dates")
		c.Amounts = gen.List(amount("AU", "I", "F5"), 0, 2).Draw(t, "amounts")
		c.Quantities = gen.List(rapid.Custom(func(t *rapid.T) t835.Quantity {
			return t835.Quantity{Qualifier: "CA", Value: gen.Units().Draw(t, "value")}
		}), 0, 1).Draw(t, "quantities")
		c.Lines = gen.List(line(), 0, 3).Draw(t, "lines")
		if len(c.Lines) == 0 {
			c.Charge = gen.Cents().Draw(t, "charge")
		}
		adjusted := total(c.Adjustments)
		for _, l := range c.Lines {
			c.Charge += l.Charge
			adjusted += total(l.Adjustments)
		}
		c.Paid = c.Charge - adjusted
		if rapid.Bool().Draw(t, "says what the patient owes") {
			owes := int64(0)
			for _, list := range append([][]x12.Adjustment{c.Adjustments}, lineAdjustments(c)...) {
				for _, a := range list {
					if a.Group == "PR" {
						owes += a.Cents
					}
				}
			}
			c.PatientResponsibility = &owes
		}
		return c
	})
}

func lineAdjustments(c t835.Claim) [][]x12.Adjustment {
	var all [][]x12.Adjustment
	for _, l := range c.Lines {
		all = append(all, l.Adjustments)
	}
	return all
}

func total(adjustments []x12.Adjustment) int64 {
	sum := int64(0)
	for _, a := range adjustments {
		sum += a.Cents
	}
	return sum
}

func date(qualifiers ...string) *rapid.Generator[t835.Date] {
	return rapid.Custom(func(t *rapid.T) t835.Date {
		return t835.Date{Qualifier: rapid.SampledFrom(qualifiers).Draw(t, "qualifier"), Day: gen.Day(2020, 2030).Draw(t, "day")}
	})
}

func amount(qualifiers ...string) *rapid.Generator[x12.Amount] {
	return rapid.Custom(func(t *rapid.T) x12.Amount {
		return x12.Amount{Qualifier: rapid.SampledFrom(qualifiers).Draw(t, "qualifier"), Cents: gen.Signed().Draw(t, "cents")}
	})
}

func line() *rapid.Generator[t835.Line] {
	return rapid.Custom(func(t *rapid.T) t835.Line {
		l := t835.Line{
			Procedure: gen.Procedure().Draw(t, "procedure"), Charge: gen.Signed().Draw(t, "charge"), Revenue: gen.Maybe(rapid.StringMatching(`0[0-9]{3}`)).Draw(t, "revenue"),
			Units: gen.Optional(gen.Units()).Draw(t, "units"), Original: gen.Optional(gen.Procedure()).Draw(t, "original"), BilledUnits: gen.Optional(gen.Units()).Draw(t, "billed"),
			Dates: gen.List(date("472"), 0, 1).Draw(t, "dates"), Adjustments: gen.Adjustments(14).Draw(t, "adjustments"), Control: gen.Maybe(gen.Code(1, 30)).Draw(t, "control"),
			Refs: gen.List(gen.Ref(), 0, 2).Draw(t, "refs"), Amounts: gen.List(amount("B6", "T"), 0, 2).Draw(t, "amounts"),
			Remarks: gen.List(rapid.Custom(func(t *rapid.T) t835.Remark { return t835.Remark{List: "HE", Code: gen.Code(2, 5).Draw(t, "code")} }), 0, 3).Draw(t, "remarks"),
		}
		l.Paid = l.Charge - total(l.Adjustments)
		return l
	})
}

func TestWhatIsWrittenReadsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env, s := gen.Envelope().Draw(t, "envelope"), payments().Draw(t, "set")
		w, err := t835.Write(env, s)
		if err != nil {
			t.Fatal(err)
		}
		file, found := x12.Read(w.Bytes)
		got, more := t835.Parse(file.Sets()[0])
		if len(found)+len(more) > 0 {
			t.Fatalf("findings in what was written:\n%s%s", listing(found), listing(more))
		}
		for i, c := range got.Claims() {
			if w.Claims[i].Number != c.Number || w.Claims[i].Claim != c.Source {
				t.Fatalf("claim %s is said to stand at %v, it stands at %v", c.Number, w.Claims[i].Claim, c.Source)
			}
		}
		if a, b := asJSON(t, s), asJSON(t, golden.Strip(got)); a != b {
			t.Fatalf("wrote\n%s\nread\n%s", a, b)
		}
	})
}

// One cent more on any amount of a balanced set fails the equations that contain it, and no others.
func TestOneCentFailsItsEquations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := payments().Draw(t, "set")
		off := func() string {
			var names []string
			for _, r := range t835.Unbalanced(t835.Balance(s)) {
				if r.Cents != 1 && r.Cents != -1 {
					t.Fatalf("a cent makes %s", r)
				}
				names = append(names, fmt.Sprintf("%d/%d %s", r.Claim, r.Line, r.Equation))
			}
			slices.Sort(names)
			return strings.Join(names, "; ")
		}
		if got := off(); got != "" {
			t.Fatalf("a balanced set is off: %s", got)
		}
		expect := func(what string, amount *int64, equations ...string) {
			*amount++
			slices.Sort(equations)
			if got := off(); got != strings.Join(equations, "; ") {
				t.Fatalf("one cent on the %s: off %s\nwant %s", what, got, strings.Join(equations, "; "))
			}
			*amount--
		}
		payment := fmt.Sprintf("0/0 %s", t835.PaymentSum)
		expect("payment", &s.Payment.Amount, payment)
		if len(s.ProviderAdjustments) > 0 {
			expect("provider adjustment", &s.ProviderAdjustments[0].Cents, payment)
		}
		for n, c := range s.Claims() {
			of := func(line int, e t835.Equation) string { return fmt.Sprintf("%d/%d %s", n+1, line, e) }
			charge, paid, own := []string{of(0, t835.ClaimPaid)}, []string{of(0, t835.ClaimPaid), payment}, []string{of(0, t835.ClaimPaid)}
			if len(c.Lines) > 0 {
				charge = append(charge, of(0, t835.LineCharges))
				paid = append(paid, of(0, t835.LinesPaid))
				own = append(own, of(0, t835.LinesPaid))
			}
			expect("claim's charge", &c.Charge, charge...)
			expect("claim's payment", &c.Paid, paid...)
			if len(c.Adjustments) > 0 {
				expect("claim's adjustment", &c.Adjustments[0].Cents, own...)
			}
			for i := range c.Lines {
				l := &c.Lines[i]
				expect("line's charge", &l.Charge, of(i+1, t835.LinePaid), of(0, t835.LineCharges))
				expect("line's payment", &l.Paid, of(i+1, t835.LinePaid), of(0, t835.LinesPaid))
				if k := len(l.Adjustments); k > 0 {
					expect("line's last adjustment", &l.Adjustments[k-1].Cents, of(i+1, t835.LinePaid), of(0, t835.ClaimPaid))
				}
			}
		}
	})
}

func TestTripletsKeepOrderSignAndQuantity(t *testing.T) {
	data := strings.Replace(string(golden.Samples(t, "..", "835")["835/secondary-payment.835"]), "CAS*PR*1*150.00**2*70.00~", "CAS*PR*1*150.00**2*70.00*3.5*3*-1**4*1*1*5*2**6*-2~", 1)
	l := parsed(t, []byte(data))[0].Claims()[1].Lines[1]
	got := ""
	for _, a := range l.Adjustments {
		got += fmt.Sprintf("%s %s %d", a.Group, a.Reason, a.Cents)
		if a.Quantity != nil {
			got += fmt.Sprintf(" %d", *a.Quantity)
		}
		got += "; "
	}
	if want := "PR 1 15000; PR 2 7000 3500; PR 3 -100; PR 4 100 1000; PR 5 200; PR 6 -200; CO 42 8500; "; got != want {
		t.Errorf("got %s", got)
	}
}

func TestUnbalancedIsNotWritten(t *testing.T) {
	s := parsed(t, golden.Samples(t, "..", "835")["835/example_5010_835-sample2.txt"])[0]
	if w, err := t835.Write(envelope, s); err == nil || !strings.Contains(err.Error(), "835.balance") {
		t.Errorf("got %v, %v", w, err)
	}
}

func TestSamplesSurviveWriting(t *testing.T) {
	written := 0
	for name, data := range golden.Samples(t, "..", "835") {
		file, _ := x12.ReadWith(data, x12.Options{})
		for _, set := range file.Sets() {
			s, found := t835.Parse(set)
			if found.Err() != nil || t835.Check(s).Err() != nil {
				continue
			}
			w, err := t835.Write(envelope, s)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			written++
			if a, b := asJSON(t, golden.Strip(s)), asJSON(t, golden.Strip(parsed(t, w.Bytes)[0])); a != b {
				t.Errorf("%s differs after writing:\n%s\n%s", name, a, b)
			}
		}
	}
	if written == 0 {
		t.Error("no sample is sound")
	}
}

// The rules that only warn: each row changes a sound payment.
func TestAdvice(t *testing.T) {
	sound := string(golden.Samples(t, "..", "835")["835/managed-care.835"])
	for _, c := range []struct{ name, old, new, want string }{
		{"CLP05 is not the patient's share", "*450.00*300.00*", "*450.00*299.00*", "835.patient_responsibility"},
		{"no payment by a method that pays", "BPR*I*945.00*C*ACH", "BPR*I*945.00*C*NON", "835.non_payment"},
		{"allowed is not paid and share", "CAS*PR*1*300.00~", "CAS*PR*1*300.00~AMT*B6*700~", "835.allowed"},
		{"allowed is paid and share", "CAS*PR*1*300.00~", "CAS*PR*1*300.00~AMT*B6*800~", ""},
		{"a reversal has no patient's share to compare", "CLP*5554555444*1*800.00*450.00*300.00", "CLP*5554555444*22*800.00*450.00*0", ""},
	} {
		data := strings.Replace(sound, c.old, c.new, 1)
		if data == sound {
			t.Fatalf("%s changes nothing", c.name)
		}
		found := t835.Check(parsed(t, []byte(data))[0])
		if c.want == "" && len(found) > 0 || c.want != "" && (len(found) != 1 || found[0].Rule != c.want || found[0].Severity != x12.Warning) {
			t.Errorf("%s: want %q, got\n%s", c.name, c.want, listing(found))
		}
	}
}

// Each row makes one error in a sound file; it is found once, in the right place, and nothing else is.
func TestOneErrorIsOneFinding(t *testing.T) {
	good := strings.ReplaceAll(string(golden.Samples(t, "..", "835")["835/medicare-part-a.835"]), "\n", "")
	good = strings.Replace(good, "REF*2U*999~", "REF*2U*999~PER*BL*HELP*TE*5551234567~", 1)
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing is wrong", "BPR*", "BPR*", ""},
		{"no TRN", "TRN*1*12345*1512345678~", "", "segment.required header TRN"},
		{"no payer", "N1*PR*INSURANCE COMPANY OF TIMBUCKTU~N3*1 MAIN STREET~N4*TIMBUCKTU*AK*89111~REF*2U*999~PER*BL*HELP*TE*5551234567~", "", "loop.required 1000A N1"},
		{"no payee", "N1*PE*REGIONAL HOPE HOSPITAL*XX*6543210903~", "", "loop.required 1000B N1"},
		{"nobody for technical questions", "PER*BL*HELP*TE*5551234567~", "", "guide.advice 1000A PER"},
		{"an unknown method", "*C*ACH*", "*C*XXX*", "element.code header BPR04"},
		{"no day of payment", "*98765*20020913", "*98765", "element.required header BPR16"},
		{"a day that isn't", "*98765*20020913", "*98765*20021313", "element.date header BPR16"},
		{"a claim before any batch", "LX*110212~TS3*6543210903*11*20021231*1*211366.97****138018.40**73348.57~TS2*2178.45*1919.71**56.82*197.69*4.23~", "", "segment.required 2000 CLP"},
		{"an unknown status", "CLP*666123*1*", "CLP*666123*99*", "element.code 2100 CLP02"},
		{"no payment", "*211366.97*138018.40**MA", "*211366.97***MA", "element.required 2100 CLP04"},
		{"an unknown group of adjustments", "CAS*CO*45*73348.57", "CAS*XX*45*73348.57", "element.code 2100 CAS01"},
		{"an adjustment without amount", "CAS*CO*45*73348.57", "CAS*CO*45", "element.required 2100 CAS03"},
		{"an adjustment without reason", "CAS*CO*45*73348.57", "CAS*CO**73348.57", "element.required 2100 CAS02"},
		{"an amount that is none", "CV:CP*-1.27", "CV:CP*-1.2.7", "element.number footer PLB04"},
		{"a provider adjustment without amount", "CV:CP*-1.27", "CV:CP", "element.required footer PLB04"},
		{"a segment that doesn't belong", "QTY*CA*8.00~", "QTY*CA*8.00~HL*1~", "segment.unexpected 2100 HL"},
		{"a claim behind the provider adjustments", "SE*28", "LX*9~SE*28", "segment.unexpected footer LX"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := strings.Replace(good, c.old, c.new, 1)
			if data == good && c.want != "" {
				t.Fatal("the case changes nothing")
			}
			file, _ := x12.Read([]byte(data))
			_, found := t835.Parse(file.Sets()[0])
			var got []string
			for _, d := range found {
				place := d.SegmentID
				if d.Element > 0 {
					place += fmt.Sprintf("%02d", d.Element)
				}
				got = append(got, fmt.Sprintf("%s %s %s", d.Code, d.Loop, place))
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("want %q, got %q", c.want, got)
			}
		})
	}
}

func TestACutFileIsReadAsFarAsItGoes(t *testing.T) {
	for name, data := range golden.Samples(t, "..", "835") {
		for n := range data {
			file, found := x12.Read(data[:n:n])
			for _, set := range file.Sets() {
				if s, _ := t835.Parse(set); s != nil {
					t835.Check(s)
				}
			}
			if n > 0 && n < len(strings.TrimSpace(string(data))) && found.Err() == nil {
				t.Fatalf("%s cut at byte %d: nothing said", name, n)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, data := range golden.Samples(f, "..", "835") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, _ := x12.Read(data)
		for _, set := range file.Sets() {
			s, _ := t835.Parse(set)
			if s == nil {
				continue
			}
			t835.Check(s)
			w, err := t835.Write(envelope, s)
			if err != nil {
				continue
			}
			again, _ := x12.Read(w.Bytes)
			b, found := t835.Parse(again.Sets()[0])
			if b == nil || found.Err() != nil || len(t835.Unbalanced(t835.Balance(b))) > 0 {
				t.Fatalf("what was written doesn't read: %v", found.Err())
			}
		}
	})
}
