package desk

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/payersim/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/ack"
	"github.com/evenkeel/evenkeel/pkg/x12/t27x"
	"github.com/evenkeel/evenkeel/pkg/x12/t835"
	"github.com/evenkeel/evenkeel/pkg/x12/t837"
	"github.com/evenkeel/evenkeel/services/payersim/plans"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	lines := bytes.ReplaceAll(got, []byte("~"), []byte("~\n")) // for people
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, lines, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(lines, want) {
		t.Errorf("%s differs; got\n%s", path, lines)
	}
}

type events = []es.Event

var start = time.Date(2026, 3, 3, 15, 4, 0, 0, time.UTC)

// claims are what a provider bills, as the payer's tests need it.
type bill struct {
	receiver, edi, member string
	claim                 t837.Claim
	sequence              string
}

func one(code string, cents int64, modifiers ...string) t837.Line {
	return t837.Line{
		Procedure: x12.Procedure{Qualifier: "HC", Code: code, Modifiers: modifiers}, Charge: cents, Basis: "UN", Units: 1000, Pointers: []int{1},
		Service: x12.Dates{From: "2026-03-02", Thru: "2026-03-02"}, Control: "L1",
	}
}

func billed(edi, receiver, number string, lines ...t837.Line) bill {
	b := bill{receiver: receiver, edi: edi, member: "W100200300", sequence: "P", claim: t837.Claim{
		Number: number, PlaceOfService: "11", FacilityQualifier: "B", Frequency: "1", SignatureOnFile: "Y", Assignment: "A", BenefitsAssigned: "Y", Release: "Y",
		Diagnoses: []t837.Diagnosis{{Qualifier: "ABK", Code: "F411"}}, Lines: lines,
	}}
	for i := range lines {
		lines[i].Control = fmt.Sprint("L", i+1)
		b.claim.Charge += lines[i].Charge
	}
	return b
}

// file writes what is billed as one 837P.
func file(t testing.TB, n int, bills ...bill) File {
	t.Helper()
	address := &x12.Address{Line1: "12 ELM ST", City: "SPRINGFIELD", State: "IL", ZIP: "627010001"}
	set := &t837.Set{
		Purpose: "00", Reference: fmt.Sprint("EK", n), Date: "2026-03-03", Time: "1504", Type: "CH",
		Submitter: x12.Party{Role: "41", Kind: x12.Organization, Name: "EVENKEEL", IDQualifier: "46", ID: "EVENKEEL", Contacts: []x12.Contact{{Role: "IC", Name: "OFFICE", Numbers: []x12.ContactPoint{{Kind: "TE", Number: "2175550100"}}}}},
		Receiver:  x12.Party{Role: "40", Kind: x12.Organization, Name: bills[0].receiver, IDQualifier: "46", ID: bills[0].receiver},
		Providers: []t837.BillingProvider{{Party: x12.Party{
			Role: "85", Kind: x12.Organization, Name: "LAKESIDE COUNSELING", IDQualifier: "XX", ID: "1234567893", Address: address, Refs: []x12.Ref{{Qualifier: "EI", Value: "361234567"}},
		}}},
	}
	for _, b := range bills {
		set.Providers[0].Subscribers = append(set.Providers[0].Subscribers, t837.Subscriber{
			Insured: t837.Insured{Sequence: b.sequence, Relation: "18", Filing: "CI"},
			Person: x12.Party{
				Role: "IL", Kind: x12.Person, Name: "SAMPLE", First: "JORDAN", IDQualifier: "MI", ID: b.member, Address: address, Birth: "1988-05-06", Sex: "F",
			},
			Payer: x12.Party{Role: "PR", Kind: x12.Organization, Name: "PAYER", IDQualifier: "PI", ID: b.edi}, Claims: []t837.Claim{b.claim},
		})
	}
	w, err := t837.Write(x12.Envelope{
		SenderQualifier: "ZZ", SenderID: "EVENKEEL", ReceiverQualifier: "ZZ", ReceiverID: bills[0].receiver, Date: "2026-03-03", Time: "1504", InterchangeControl: n, GroupControl: n, Usage: "P",
	}, set)
	if err != nil {
		t.Fatal(err)
	}
	return File{Plans: plans.Embedded(), ReceiverID: bills[0].receiver, InterchangeID: fmt.Sprint("itc_", n), SHA256: fmt.Sprint(n), Data: w.Bytes, At: start.AddDate(0, 0, n-1)}
}

// desk is a stream in memory.
type desk struct {
	t     testing.TB
	state State
	all   events
}

func (d *desk) add(out events, err error) events {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range out {
		d.state = Evolve(d.state, e)
	}
	d.all = append(d.all, out...)
	return out
}

func (d *desk) take(f File) events { d.t.Helper(); return d.add(Take(d.state, f)) }

// run pays everything that is due until nothing is pending.
func (d *desk) run() {
	d.t.Helper()
	for len(d.state.Pending) > 0 {
		day := d.state.Pending[0].PayOnDate
		for _, p := range d.state.Pending {
			day = min(day, p.PayOnDate)
		}
		d.add(Run(d.state, RunDay{ReceiverID: "X", Date: day, At: date.Time(day).Add(payHour)}))
	}
}

func answers(all events, kind x12.Kind) [][]byte {
	var out [][]byte
	for _, e := range all {
		if r, ok := e.(*pb.ResponseIssued); ok && r.Kind == string(kind) {
			out = append(out, r.Data)
		}
	}
	return out
}

// read is a set of a response, which has to be without any finding.
func read[S any](t testing.TB, data []byte, parse func(*x12.Set) (S, x12.Diagnostics)) S {
	t.Helper()
	f, found := x12.Read(data)
	if len(found) > 0 {
		t.Fatalf("the answer is not clean: %v\n%s", found, data)
	}
	s, found := parse(f.Sets()[0])
	if len(found) > 0 {
		t.Fatalf("the answer is not clean: %v\n%s", found, data)
	}
	return s
}

// settled is what becomes of bills that are sent one file after the other: the remittances, in order.
func settled(t testing.TB, bills ...bill) []*t835.Set {
	t.Helper()
	d := &desk{t: t}
	for i, b := range bills {
		d.take(file(t, i+1, b))
	}
	d.run()
	return remittances(t, d)
}

func remittances(t testing.TB, d *desk) []*t835.Set {
	t.Helper()
	var out []*t835.Set
	for _, data := range answers(d.all, x12.K835) {
		s := read(t, data, t835.Parse)
		if off := t835.Check(s); len(off) > 0 {
			t.Fatalf("the remittance is off: %v\n%s", off, data)
		}
		out = append(out, s)
	}
	return out
}

// said is a decision as one reads it in a remittance: status, payment, and what happened to each line.
func said(c *t835.Claim) string {
	out := fmt.Sprintf("%s %d", c.Status, c.Paid)
	for _, l := range c.Lines {
		out += fmt.Sprintf(" | %d", l.Paid)
		for _, a := range l.Adjustments {
			out += fmt.Sprintf(" %s-%s %d", a.Group, a.Reason, a.Cents)
		}
	}
	return out
}

func TestDecisions(t *testing.T) {
	with := func(b bill, change func(*bill)) bill { change(&b); return b }
	prior := func(paid, contractual, patient int64) func(*bill) {
		return func(b *bill) {
			b.sequence = "S"
			b.claim.OtherPayers = []t837.OtherPayer{{
				Insured: t837.Insured{Sequence: "P", Relation: "18", Filing: "CI"}, Paid: &paid, BenefitsAssigned: "Y", Release: "Y",
				Subscriber: x12.Party{Role: "IL", Kind: x12.Person, Name: "SAMPLE", First: "JORDAN", IDQualifier: "MI", ID: "W1"},
				Payer:      x12.Party{Role: "PR", Kind: x12.Organization, Name: "FIRST", IDQualifier: "PI", ID: "FIRST"},
			}}
			b.claim.Lines[0].Adjudications = []t837.Adjudication{{
				PayerID: "FIRST", Paid: paid, Procedure: b.claim.Lines[0].Procedure, Decided: "2026-03-20",
				Adjustments: []x12.Adjustment{{Group: "CO", Reason: "45", Cents: contractual}, {Group: "PR", Reason: "1", Cents: patient}},
			}}
		}
	}
	late := func(b *bill) {
		b.claim.Lines[0].Service = x12.Dates{From: "2025-08-01", Thru: "2025-08-01"}
	}
	for _, c := range []struct {
		name string
		bill bill
		want string
	}{
		{"a clean claim is paid by contract, the copay is the patient's", billed("EVG01", "EVERGREEN", "E1", one("90837", 15000)), "1 12000 | 12000 CO-45 1000 PR-3 2000"},
		{"the copay is asked once for a claim", billed("EVG01", "EVERGREEN", "E1", one("90837", 15000), one("90853", 4500)), "1 16000 | 12000 CO-45 1000 PR-3 2000 | 4000 CO-45 500"},
		{"no more is allowed than was charged", billed("EVG01", "EVERGREEN", "E1", one("90834", 5000)), "1 3000 | 3000 PR-3 2000"},
		{"a service without a price is allowed at 80 %", billed("EVG01", "EVERGREEN", "E1", one("99999", 10000)), "1 6000 | 6000 CO-45 2000 PR-3 2000"},
		{"deductible first", billed("HRB02", "HARBOR", "E1", one("90834", 12000)), "1 0 | 0 CO-45 2500 PR-1 9500"},
		{"the licence's modifier has its own price", billed("HRB02", "HARBOR", "E1", one("90834", 12000, "HO")), "1 0 | 0 CO-45 3500 PR-1 8500"},
		{"copay, then coinsurance of the rest", billed("CLR04", "CLEARWATER", "E1", one("90834", 12000)), "1 7470 | 7470 CO-45 2200 PR-3 1500 PR-2 830"},
		{"no authorization where one is needed", billed("HRB02", "HARBOR", "E1", one("90837", 15000)), "4 0 | 0 CO-197 15000"},
		{
			"with its number it is covered", with(billed("HRB02", "HARBOR", "E1", one("90837", 15000)), func(b *bill) { b.claim.PriorAuthorization = "A77" }),
			"1 0 | 0 CO-45 2000 PR-1 13000",
		},
		{"one line lacks it, the other is paid", billed("CLR04", "CLEARWATER", "E1", one("H0015", 30000), one("90834", 12000)), "1 7470 | 0 CO-197 30000 | 7470 CO-45 2200 PR-3 1500 PR-2 830"},
		{"behavioral services are another payer's", billed("SUM03", "SUMMIT", "E1", one("90837", 15000)), "4 0 | 0 CO-109 15000"},
		{"too late after the service, in time after the first payer's decision", with(with(billed("EVG01", "EVERGREEN", "E1", one("90837", 15000)), prior(9000, 4000, 2000)), late), "2 2000 | 2000 OA-23 13000"},
		{"too late", with(billed("EVG01", "EVERGREEN", "E1", one("90837", 15000)), late), "4 0 | 0 CO-29 15000"},
		{
			"telehealth without its modifier", with(billed("EVG01", "EVERGREEN", "E1", one("90837", 15000)), func(b *bill) { b.claim.PlaceOfService = "10" }),
			"4 0 | 0 CO-4 15000",
		},
		{
			"telehealth with it", with(billed("EVG01", "EVERGREEN", "E1", one("90837", 15000, "95")), func(b *bill) { b.claim.PlaceOfService = "02" }),
			"1 12000 | 12000 CO-45 1000 PR-3 2000",
		},
		{"a payer that nobody knows allows 80 %", billed("STRANGE", "STRANGER", "E1", one("90837", 15000)), "1 12000 | 12000 CO-45 3000"},
		{"the second payer pays what is left, up to its price", with(billed("STM05", "STATEMCD", "E1", one("90837", 15000)), prior(8000, 1000, 6000)), "2 2500 | 2500 OA-23 9000 CO-45 3500"},
		{"the second payer pays no more than is left", with(billed("STM05", "STATEMCD", "E1", one("90837", 15000)), prior(9500, 5000, 500)), "2 500 | 500 OA-23 14500"},
		{"the first paid more than the second allows", with(billed("STM05", "STATEMCD", "E1", one("90837", 15000)), prior(11000, 1000, 3000)), "2 0 | 0 OA-23 12000 CO-45 3000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sets := settled(t, c.bill)
			if len(sets) != 1 || len(sets[0].Claims()) != 1 {
				t.Fatalf("%d remittances", len(sets))
			}
			if got := said(sets[0].Claims()[0]); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func history(sets []*t835.Set) string {
	var out []string
	for _, s := range sets {
		for _, c := range s.Claims() {
			out = append(out, said(c))
		}
	}
	return strings.Join(out, "\n")
}

func TestHistories(t *testing.T) {
	clean := func(number string) bill { return billed("EVG01", "EVERGREEN", number, one("90837", 15000)) }
	again := func(frequency string, b bill) bill {
		b.claim.Frequency, b.claim.PayerClaimNumber = frequency, letters(b.receiver)+"00000001"
		return b
	}
	second := billed("HRB02", "HARBOR", "E2", one("90834", 60000))
	second.claim.Lines[0].Units = 5000
	third := billed("HRB02", "HARBOR", "E3", one("90834", 12000))
	third.claim.Lines[0].Service = x12.Dates{From: "2026-03-01", Thru: "2026-03-01"}
	unauthorized := billed("HRB02", "HARBOR", "E1", one("90837", 15000))
	authorized := again("7", billed("HRB02", "HARBOR", "E1", one("90837", 15000)))
	authorized.claim.PriorAuthorization = "A77"
	for _, c := range []struct {
		name  string
		bills []bill
		want  string
	}{
		{"the same visit billed twice is a duplicate", []bill{clean("E1"), clean("E2")}, "1 12000 | 12000 CO-45 1000 PR-3 2000\n4 0 | 0 CO-18 15000"},
		{
			"a replacement takes the payment back and pays anew", []bill{clean("E1"), again("7", billed("EVG01", "EVERGREEN", "E1", one("90834", 12000)))},
			"1 12000 | 12000 CO-45 1000 PR-3 2000\n22 -12000 | -12000 CO-45 -1000 PR-3 -2000\n1 8000 | 8000 CO-45 2000 PR-3 2000",
		},
		{"a void takes it back", []bill{clean("E1"), again("8", clean("E1"))}, "1 12000 | 12000 CO-45 1000 PR-3 2000\n22 -12000 | -12000 CO-45 -1000 PR-3 -2000"},
		{"a corrected denial has nothing to take back", []bill{unauthorized, authorized}, "4 0 | 0 CO-197 15000\n1 0 | 0 CO-45 2000 PR-1 13000"},
		{
			"the deductible is used up over claims", []bill{second, third},
			"1 0 | 0 CO-45 12500 PR-1 47500\n1 5600 | 5600 CO-45 2500 PR-1 2500 PR-2 1400",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := history(settled(t, c.bills...)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestOneClaimThroughAllFiles(t *testing.T) {
	b := billed("EVG01", "EVERGREEN", "E0123456789ABCDEF", one("90837", 15000))
	d := &desk{t: t}
	d.take(file(t, 1, b))
	d.run()
	golden(t, "claim.999", answers(d.all, x12.K999)[0])
	golden(t, "claim.277", answers(d.all, x12.K277CA)[0])
	golden(t, "claim.835", answers(d.all, x12.K835)[0])
}

func TestAClaimForAnotherReceiverIsRejected(t *testing.T) {
	d := &desk{t: t}
	d.take(file(t, 1, billed("NOT-OURS", "EVERGREEN", "E1", one("90837", 15000)), billed("EVG01", "EVERGREEN", "E2", one("90837", 15000))))
	var got []string
	f, _ := x12.Read(answers(d.all, x12.K277CA)[0])
	for _, set := range f.Sets() {
		a, _ := ack.Parse277CA(set)
		for _, c := range a.Claims() {
			got = append(got, fmt.Sprint(c.Number, " ", c.Accepted(), " ", c.Statuses[0].Reasons[0].Category, c.PayerClaimNumber != ""))
		}
	}
	if want := "[E1 false A3false E2 true A2true]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestACorrectionOfAClaimThatTheyNeverHad(t *testing.T) {
	b := billed("EVG01", "EVERGREEN", "E1", one("90837", 15000))
	b.claim.Frequency, b.claim.PayerClaimNumber = "7", "NEVER"
	d := &desk{t: t}
	d.take(file(t, 1, b))
	c := read(t, answers(d.all, x12.K277CA)[0], ack.Parse277CA).Claims()[0]
	if c.Accepted() || c.Statuses[0].Reasons[0].Category != "A7" || len(d.state.Pending) != 0 {
		t.Errorf("answered by %+v", c.Statuses)
	}
}

func TestABrokenFileIsRejectedAsAWhole(t *testing.T) {
	f := file(t, 1, billed("EVG01", "EVERGREEN", "E1", one("90837", 15000)))
	f.Data = bytes.Replace(f.Data, []byte("CLM*E1*150*"), []byte("CLM*E1*149*"), 1)
	d := &desk{t: t}
	d.take(f)
	if a := read(t, answers(d.all, x12.K999)[0], ack.Parse999); a.Status != ack.Rejected || a.Sets[0].Status != ack.Rejected {
		t.Errorf("answered by %+v", a)
	}
	if len(answers(d.all, x12.K277CA)) != 0 || len(d.state.Pending) != 0 {
		t.Error("a rejected file went on")
	}
}

func TestTheSameFileTwiceIsTakenOnce(t *testing.T) {
	d := &desk{t: t}
	f := file(t, 1, billed("EVG01", "EVERGREEN", "E1", one("90837", 15000)))
	d.take(f)
	if again := d.take(f); len(again) != 0 {
		t.Errorf("the same file again: %v", again)
	}
}

func asked(t *testing.T, receiver, edi, member string) File {
	t.Helper()
	set := &t27x.Set{Kind: x12.K270, Control: "0001", Purpose: "13", Reference: "EK1", Date: "2026-03-03", Time: "1504", Sources: []t27x.InformationSource{{
		Party: x12.Party{Role: "PR", Kind: x12.Organization, Name: "PAYER", IDQualifier: "PI", ID: edi},
		Receivers: []t27x.InformationReceiver{{
			Party: x12.Party{Role: "1P", Kind: x12.Organization, Name: "LAKESIDE COUNSELING", IDQualifier: "XX", ID: "1234567893"},
			Subscribers: []t27x.Subscriber{{Member: t27x.Member{
				Traces: []t27x.Trace{{Type: "1", Number: "elg_1", Originator: "9EVENKEEL1"}},
				Person: x12.Party{Role: "IL", Kind: x12.Person, Name: "SAMPLE", First: "JORDAN", IDQualifier: "MI", ID: member, Birth: "1988-05-06", Sex: "F"},
				Dates:  []x12.Dated{{Qualifier: "291", Dates: x12.Dates{From: "2026-03-05", Thru: "2026-03-05"}}}, Inquiries: []t27x.Inquiry{{ServiceTypes: []string{"MH"}}},
			}}},
		}},
	}}}
	data, _, err := t27x.Write(x12.Envelope{
		SenderQualifier: "ZZ", SenderID: "EVENKEEL", ReceiverQualifier: "ZZ", ReceiverID: receiver, Date: "2026-03-03", Time: "1504", InterchangeControl: 1, GroupControl: 1, Usage: "P",
	}, set)
	if err != nil {
		t.Fatal(err)
	}
	return File{Plans: plans.Embedded(), ReceiverID: receiver, InterchangeID: "itc_q", Data: data, At: start.AddDate(0, 0, 40)}
}

func TestEligibility(t *testing.T) {
	for _, c := range []struct{ name, receiver, edi, member, want string }{
		{"active, with a copay", "EVERGREEN", "EVG01", "W1", "1[30] 1[MH]N B[MH]$2000 A[MH]%0 C[MH]$0"},
		{"authorization, coinsurance and deductible", "HARBOR", "HRB02", "W1", "1[30] 1[MH]Y B[MH]$0 A[MH]%200000 C[MH]$50000 C[MH]$50000"},
		{"what claims have used of the deductible is told", "HARBOR", "HRB02", "W100200300", "1[30] 1[MH]Y B[MH]$0 A[MH]%200000 C[MH]$50000 C[MH]$40500"},
		{"another entity runs the benefit", "SUMMIT", "SUM03", "W1", "1[30] U[MH]>CLR04"},
		{"nobody of that id", "EVERGREEN", "EVG01", "NOBODY1", "AAA 75"},
		{"not a payer of this receiver", "EVERGREEN", "NOT-OURS", "W1", "AAA 41"},
		{"a payer that nobody knows", "STRANGER", "STRANGE", "W1", "1[30] 1[MH]N B[MH]$0 A[MH]%0 C[MH]$0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &desk{t: t}
			d.take(file(t, 1, billed("HRB02", "HARBOR", "E1", one("90834", 12000))))
			d.take(asked(t, c.receiver, c.edi, c.member))
			data := answers(d.all, x12.K271)[0]
			if c.name == "active, with a copay" {
				golden(t, "active.271", data)
			}
			m := read(t, data, t27x.Parse).Members()[0]
			var got []string
			for _, r := range m.AllRejections() {
				got = append(got, "AAA "+r.Reason)
			}
			for _, b := range m.Member.Benefits {
				s := fmt.Sprint(b.Info, b.ServiceTypes, b.Authorization)
				if b.Cents != nil {
					s += fmt.Sprint("$", *b.Cents)
				}
				if b.Fraction != nil {
					s += fmt.Sprint("%", *b.Fraction)
				}
				for _, e := range b.Entities {
					s += ">" + e.ID
				}
				got = append(got, s)
			}
			if strings.Join(got, " ") != c.want || m.Member.Trace(x12.K271) != "elg_1" {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " "), c.want)
			}
		})
	}
}

func TestSettle(t *testing.T) {
	for _, c := range []struct{ total, owed, amount, after, moved int64 }{
		{100, 0, 100, 0, 0}, {-100, 0, 0, 100, -100}, {-100, 50, 0, 150, -100}, {100, 40, 60, 0, 40}, {100, 150, 0, 50, 100}, {0, 20, 0, 20, 0},
	} {
		amount, after, moved := settle(c.total, c.owed)
		if amount != c.amount || after != c.after || moved != c.moved || amount != c.total-moved {
			t.Errorf("a run of %d with %d owed: pays %d, owes %d, moves %d", c.total, c.owed, amount, after, moved)
		}
	}
}

func TestPayDay(t *testing.T) {
	for day := "2026-03-01"; day < "2026-04-15"; day = date.Add(day, 1) {
		due := payDay(day, "")
		if n := date.Days(day, due); n < 6 || n > 12 || date.Time(due).Weekday() != time.Wednesday {
			t.Errorf("a claim of %s is paid %s, after %d days", day, due, n)
		}
	}
}

// A file that reaches the desk after the run of its week has been made, as after an outage, is paid in the next one: no run is made twice.
func TestALateFileIsPaidInTheNextRun(t *testing.T) {
	d := &desk{t: t}
	d.take(file(t, 1, billed("EVG01", "EVERGREEN", "E1", one("90837", 15000))))
	first := d.state.Pending[0].PayOnDate
	d.run()
	late := file(t, 2, billed("EVG01", "EVERGREEN", "E2", one("90834", 15000)))
	late.At = start
	d.take(late)
	if got := d.state.Pending[0].PayOnDate; got != date.Add(first, 7) {
		t.Errorf("the run of %s was made; the late claim is paid %s", first, got)
	}
}

// bills are visits at one receiver, with some that repeat, replace or void earlier ones.
func bills() *rapid.Generator[[]bill] {
	return rapid.Custom(func(t *rapid.T) []bill {
		at := rapid.SampledFrom([][2]string{{"EVG01", "EVERGREEN"}, {"HRB02", "HARBOR"}, {"CLR04", "CLEARWATER"}, {"X9", "STRANGER"}}).Draw(t, "payer")
		var out []bill
		for i := range rapid.IntRange(1, 8).Draw(t, "bills") {
			var lines []t837.Line
			for range rapid.IntRange(1, 3).Draw(t, "lines") {
				l := one(rapid.SampledFrom([]string{"90834", "90837", "90853", "97153"}).Draw(t, "code"), rapid.Int64Range(1, 50000).Draw(t, "cents"))
				l.Units = rapid.SampledFrom([]int64{1000, 2500, 8000}).Draw(t, "units")
				lines = append(lines, l)
			}
			b := billed(at[0], at[1], fmt.Sprint("E", i), lines...)
			b.member = rapid.SampledFrom([]string{"W1", "W2"}).Draw(t, "member")
			if frequency := rapid.SampledFrom([]string{"1", "1", "7", "8"}).Draw(t, "frequency"); i > 0 && frequency != "1" {
				b.claim.Frequency, b.claim.PayerClaimNumber = frequency, fmt.Sprintf("%s%08d", letters(at[1]), rapid.IntRange(1, i).Draw(t, "original"))
			}
			out = append(out, b)
		}
		return out
	})
}

// Whatever is billed in whatever order: each 835 balances, pays nothing negative and is deposited to the cent; what the payer's decisions sum to was paid, or is still owed by
// the payee; and nothing that is written has a finding of our own readers.
func TestEachRemittanceBalancesAndIsDeposited(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := &desk{t: t}
		for i, b := range bills().Draw(rt, "bills") {
			d.take(file(t, i+1, b))
			if rapid.Bool().Draw(rt, "paid between") {
				d.run()
			}
		}
		d.run()
		deposits, decisions := map[string]int64{}, int64(0)
		for _, e := range d.all {
			switch e := e.(type) {
			case *pb.DepositMade:
				deposits[e.TraceNumber] = e.Amount
			case *pb.ClaimDecided:
				decisions += e.PaidAmount
			}
		}
		paid, owed := int64(0), int64(0)
		for _, s := range remittances(t, d) {
			if s.Payment.Amount < 0 || deposits[s.Payment.Trace] != s.Payment.Amount {
				rt.Fatalf("remittance %s pays %d, deposited %d", s.Payment.Trace, s.Payment.Amount, deposits[s.Payment.Trace])
			}
			paid += s.Payment.Amount
		}
		for _, n := range d.state.Forward {
			owed += n
		}
		if paid-owed != decisions {
			rt.Fatalf("paid %d, owed %d, decided %d", paid, owed, decisions)
		}
		for member, used := range d.state.Used {
			if used < 0 || used > 50000 {
				rt.Fatalf("%d of the deductible of %s is used", used, member)
			}
		}
	})
}

func TestAnswersAreReadWithoutFindings(t *testing.T) {
	d := &desk{t: t}
	for i, b := range []bill{
		billed("HRB02", "HARBOR", "E1", one("90837", 15000)), billed("HRB02", "HARBOR", "E2", one("90834", 12000), one("90853", 4000)), billed("NOT-OURS", "HARBOR", "E3", one("90834", 1)),
	} {
		d.take(file(t, i+1, b))
	}
	d.run()
	for _, data := range answers(d.all, x12.K999) {
		read(t, data, ack.Parse999)
	}
	for _, data := range answers(d.all, x12.K277CA) {
		read(t, data, ack.Parse277CA)
	}
	if len(remittances(t, d)) == 0 {
		t.Error("nothing was paid")
	}
}

func TestTheSameFilesGiveTheSameBytes(t *testing.T) {
	history := func() string {
		d := &desk{t: t}
		for i := range 30 {
			b := billed("HRB02", "HARBOR", fmt.Sprint("E", i), one("90834", 12000+int64(i)))
			b.claim.PriorAuthorization = "A1"
			d.take(file(t, i+1, b))
		}
		d.run()
		var out strings.Builder
		for _, e := range d.all {
			text, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%T %x\n", e, text)
		}
		return out.String()
	}
	if first, again := history(), history(); first != again {
		t.Error("the same files led to other bytes")
	}
}
