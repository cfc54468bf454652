package t27x_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/gen"
	"github.com/evenkeel/evenkeel/pkg/x12/internal/golden"
	"github.com/evenkeel/evenkeel/pkg/x12/t27x"
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
	SenderQualifier: "ZZ", SenderID: "GROUP", ReceiverQualifier: "ZZ", ReceiverID: "PAYER", Date: "2026-01-05", Time: "0930",
	InterchangeControl: 7, GroupControl: 42, Usage: "T", LineBreaks: true,
}

func samples(t testing.TB) map[string][]byte {
	all := golden.Samples(t, "..", "270")
	for name, data := range golden.Samples(t, "..", "271") {
		all[name] = data
	}
	return all
}

func TestSamplesReadAsTheyDid(t *testing.T) {
	for name, data := range samples(t) {
		t.Run(name, func(t *testing.T) {
			file, _ := x12.Read(data)
			s, found := t27x.Parse(file.Sets()[0])
			golden.Equal(t, "testdata/golden/"+name+".txt", listing(found)+asJSON(t, s)+"\n")

			written, _, err := t27x.Write(envelope, s)
			if err != nil {
				t.Fatal(err)
			}
			again, _ := x12.Read(written)
			b, _ := t27x.Parse(again.Sets()[0])
			if x, y := asJSON(t, golden.Strip(s)), asJSON(t, golden.Strip(b)); x != y {
				t.Errorf("differs after writing:\n%s\n%s", x, y)
			}
		})
	}
}

func member(kind x12.Kind) *rapid.Generator[t27x.Member] {
	return rapid.Custom(func(t *rapid.T) t27x.Member {
		m := t27x.Member{Person: gen.Party("IL").Draw(t, "person")}
		m.Person.Birth, m.Person.Sex = gen.Day(1930, 2020).Draw(t, "birth"), rapid.SampledFrom([]string{"F", "M", "U", ""}).Draw(t, "sex")
		trace := func(kind string) t27x.Trace {
			return t27x.Trace{Type: kind, Number: gen.Code(1, 30).Draw(t, "trace"), Originator: "9123456789", More: gen.Maybe(gen.Code(1, 9)).Draw(t, "more")}
		}
		if rapid.Bool().Draw(t, "relation") {
			m.Self, m.Relation = "N", "19"
		}
		m.Dates = gen.List(dated("291", "346"), 0, 2).Draw(t, "dates")
		if kind == x12.K270 {
			m.Traces = []t27x.Trace{trace("1")}
			m.Inquiries = gen.List(inquiry(), 1, 3).Draw(t, "inquiries")
			return m
		}
		m.Traces = []t27x.Trace{trace("2"), trace("1")}
		m.Rejections = gen.List(rejection(), 0, 2).Draw(t, "rejections")
		m.Benefits = gen.List(benefit(), 0, 4).Draw(t, "benefits")
		return m
	})
}

func dated(qualifiers ...string) *rapid.Generator[x12.Dated] {
	return rapid.Custom(func(t *rapid.T) x12.Dated {
		return x12.Dated{Qualifier: rapid.SampledFrom(qualifiers).Draw(t, "qualifier"), Dates: gen.Days(2020, 2030).Draw(t, "days")}
	})
}

func rejection() *rapid.Generator[t27x.Rejection] {
	return rapid.Custom(func(t *rapid.T) t27x.Rejection {
		return t27x.Rejection{Valid: rapid.SampledFrom([]string{"Y", "N"}).Draw(t, "valid"), Reason: rapid.SampledFrom([]string{"42", "72", "75"}).Draw(t, "reason"), FollowUp: gen.Maybe(rapid.Just("C")).Draw(t, "follow up")}
	})
}

func inquiry() *rapid.Generator[t27x.Inquiry] {
	return rapid.Custom(func(t *rapid.T) t27x.Inquiry {
		q := t27x.Inquiry{Level: gen.Maybe(rapid.Just("IND")).Draw(t, "level"), Refs: gen.List(gen.Ref(), 0, 1).Draw(t, "refs"), Dates: gen.List(dated("472"), 0, 1).Draw(t, "dates")}
		if rapid.Bool().Draw(t, "by procedure") {
			q.Procedure, q.Pointers = gen.Optional(gen.Procedure()).Draw(t, "procedure"), gen.List(rapid.IntRange(1, 8), 0, 4).Draw(t, "pointers")
		}
		q.ServiceTypes = gen.List(rapid.SampledFrom([]string{"30", "MH", "A6", "98"}), 0, 5).Draw(t, "service types")
		if q.Procedure == nil && q.ServiceTypes == nil {
			q.ServiceTypes = []string{"30"}
		}
		if rapid.Bool().Draw(t, "place") {
			q.Other = []x12.Raw{x12.Seg("III", "ZZ", "11")}
		}
		return q
	})
}

func benefit() *rapid.Generator[t27x.Benefit] {
	return rapid.Custom(func(t *rapid.T) t27x.Benefit {
		b := t27x.Benefit{
			Info: rapid.SampledFrom([]string{"1", "6", "A", "B", "C", "F", "G", "U", "R"}).Draw(t, "info"), Level: gen.Maybe(rapid.Just("IND")).Draw(t, "level"),
			ServiceTypes: gen.List(rapid.SampledFrom([]string{"30", "MH", "A6", "98"}), 0, 5).Draw(t, "service types"), InsuranceType: gen.Maybe(rapid.Just("HM")).Draw(t, "insurance type"),
			Plan: gen.Maybe(gen.Text()).Draw(t, "plan"), Period: gen.Maybe(rapid.SampledFrom([]string{"23", "27", "29"})).Draw(t, "period"),
			Cents: gen.Optional(gen.Cents()).Draw(t, "cents"), Fraction: gen.Optional(rapid.Int64Range(0, 1_000_000)).Draw(t, "fraction"),
			Authorization: gen.Maybe(rapid.SampledFrom([]string{"Y", "N", "U"})).Draw(t, "authorization"), InNetwork: gen.Maybe(rapid.SampledFrom([]string{"Y", "N", "W"})).Draw(t, "in network"),
			Procedure: gen.Optional(gen.Procedure()).Draw(t, "procedure"), Pointers: gen.List(rapid.IntRange(1, 8), 0, 4).Draw(t, "pointers"),
			Refs: gen.List(gen.Ref(), 0, 2).Draw(t, "refs"), Dates: gen.List(dated("348", "292"), 0, 2).Draw(t, "dates"), Rejections: gen.List(rejection(), 0, 1).Draw(t, "rejections"),
			Messages: gen.List(gen.Text(), 0, 2).Draw(t, "messages"),
		}
		if rapid.Bool().Draw(t, "quantity") {
			q := gen.Units().Draw(t, "units")
			b.QuantityQualifier, b.Quantity = "VS", &q
		}
		b.Entities = gen.List(rapid.Custom(func(t *rapid.T) x12.Party {
			e := gen.Party(rapid.SampledFrom([]string{"VN", "PR", "X3"}).Draw(t, "role")).Draw(t, "entity")
			e.Refs, e.Contacts = nil, gen.List(gen.Contact("IC"), 0, 2).Draw(t, "contacts")
			return e
		}), 0, 2).Draw(t, "entities")
		if rapid.Bool().Draw(t, "pattern") {
			b.Other = []x12.Raw{x12.Seg("HSD", "VS", "1", "WK", "1", "34", "3")}
		}
		return b
	})
}

func sets() *rapid.Generator[*t27x.Set] {
	return rapid.Custom(func(t *rapid.T) *t27x.Set {
		s := &t27x.Set{
			Kind: rapid.SampledFrom([]x12.Kind{x12.K270, x12.K271}).Draw(t, "kind"), Control: rapid.StringMatching(`[0-9]{4,9}`).Draw(t, "control"), Version: t27x.Version,
			Purpose: "13", Reference: gen.Maybe(gen.Code(1, 30)).Draw(t, "reference"), Date: gen.Day(2020, 2030).Draw(t, "date"), Time: "1319",
		}
		if s.Kind == x12.K271 {
			s.Purpose = "11"
		}
		s.Sources = gen.List(rapid.Custom(func(t *rapid.T) t27x.InformationSource {
			src := t27x.InformationSource{Party: gen.Party("PR").Draw(t, "payer")}
			if s.Kind == x12.K271 {
				src.LevelRejections, src.Rejections = gen.List(rejection(), 0, 1).Draw(t, "level rejections"), gen.List(rejection(), 0, 1).Draw(t, "rejections")
			}
			src.Receivers = gen.List(rapid.Custom(func(t *rapid.T) t27x.InformationReceiver {
				r := t27x.InformationReceiver{Party: gen.Party("1P").Draw(t, "provider")}
				if s.Kind == x12.K271 {
					r.Rejections = gen.List(rejection(), 0, 1).Draw(t, "rejections")
				}
				r.Subscribers = gen.List(rapid.Custom(func(t *rapid.T) t27x.Subscriber {
					return t27x.Subscriber{Member: member(s.Kind).Draw(t, "subscriber"), Dependents: gen.List(member(s.Kind), 0, 2).Draw(t, "dependents")}
				}), 0, 2).Draw(t, "subscribers")
				return r
			}), 1, 2).Draw(t, "receivers")
			return src
		}), 1, 1).Draw(t, "sources")
		return s
	})
}

func TestWhatIsWrittenReadsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sets().Draw(t, "set")
		data, notes, err := t27x.Write(gen.Envelope().Draw(t, "envelope"), s)
		if err != nil || len(notes) > 0 {
			t.Fatal(err, notes)
		}
		file, found := x12.Read(data)
		got, more := t27x.Parse(file.Sets()[0])
		if len(found)+len(more) > 0 {
			t.Fatalf("findings in what was written:\n%s%s", listing(found), listing(more))
		}
		if a, b := asJSON(t, s), asJSON(t, golden.Strip(got)); a != b {
			t.Fatalf("wrote\n%s\nread\n%s\n%s", a, b, data)
		}
	})
}

// A carve-out as payers answer it: the plan is active, mental health is someone else's, and that one's name, number and phone stand beside it.
func TestCarveOutNamesWhomToAsk(t *testing.T) {
	data := string(golden.Samples(t, "..", "271")["271/subscriber-health-benefit-check.271"])
	data = strings.Replace(data, "EB*L~\nLS*2120~\nNM1*P3*1*JONES*MARCUS****SV*0202034~\nLE*2120~\n",
		"EB*U**MH~\nLS*2120~\nNM1*VN*2*BEHAVIORAL PLAN*****PI*BHO01~\nPER*IC*PROVIDER LINE*TE*5551234567~\nLE*2120~\n", 1)
	data = strings.Replace(data, "SE*22", "SE*23", 1)
	file, found := x12.Read([]byte(data))
	if found.Err() != nil {
		t.Fatal(found.Err())
	}
	s, found := t27x.Parse(file.Sets()[0])
	if len(found) > 0 {
		t.Fatal(listing(found))
	}
	asked := s.Members()
	if len(asked) != 1 || asked[0].Member.Trace(s.Kind) != "93175-012547" {
		t.Fatalf("%+v", asked)
	}
	var carved *t27x.Benefit
	for i, b := range asked[0].Member.Benefits {
		if b.Info == "U" {
			carved = &asked[0].Member.Benefits[i]
		}
	}
	if carved == nil || carved.ServiceTypes[0] != "MH" || carved.Entities[0].ID != "BHO01" || carved.Entities[0].Contacts[0].Numbers[0].Number != "5551234567" {
		t.Fatalf("%+v", carved)
	}
	if got := data[carved.Source.Offset:carved.Source.End()]; !strings.HasPrefix(got, "EB*U") || !strings.HasSuffix(got, "LE*2120~") {
		t.Errorf("the benefit stands at %q", got)
	}
}

func TestRejectionsOfEveryLevelAreFound(t *testing.T) {
	data := golden.Samples(t, "..", "271")["271/subscriber-health-benefit-check-error.271"]
	file, _ := x12.Read(data)
	s, _ := t27x.Parse(file.Sets()[0])
	r := s.Sources[0].Receivers[0].Rejections
	if len(r) != 1 || r[0].Reason != "50" || r[0].FollowUp != "N" {
		t.Errorf("%+v", r)
	}
	m := t27x.Member{Rejections: []t27x.Rejection{{Reason: "75"}}, Benefits: []t27x.Benefit{{Rejections: []t27x.Rejection{{Reason: "33"}}}}}
	src := &t27x.InformationSource{LevelRejections: []t27x.Rejection{{Reason: "42"}}}
	a := t27x.Asked{Payer: src, Provider: &s.Sources[0].Receivers[0], Subscriber: &t27x.Subscriber{}, Member: &m}
	reasons := ""
	for _, r := range a.AllRejections() {
		reasons += r.Reason + " "
	}
	if reasons != "42 50 75 33 " {
		t.Errorf("got %s", reasons)
	}
}

func TestWriteRefuses(t *testing.T) {
	file, _ := x12.Read(samples(t)["270/subscriber-health-benefit-check.270"])
	read := func() *t27x.Set { s, _ := t27x.Parse(file.Sets()[0]); return s }
	answer := read()
	answer.Kind = x12.K271
	for name, c := range map[string]struct {
		sets []*t27x.Set
		want string
	}{
		"a question with the purpose of an answer": {[]*t27x.Set{answer}, "BHT02 must be one of"},
		"questions beside answers":                 {[]*t27x.Set{read(), answer}, "set.kind"},
	} {
		if _, _, err := t27x.Write(envelope, c.sets...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	nothing := read()
	nothing.Sources[0].Receivers[0].Subscribers[0].Inquiries[0].ServiceTypes = nil
	if _, _, err := t27x.Write(envelope, nothing); err == nil || !strings.Contains(err.Error(), "element.conditional") {
		t.Errorf("an inquiry about nothing: got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, _ := x12.Read(data)
		for _, set := range file.Sets() {
			s, _ := t27x.Parse(set)
			if s == nil {
				continue
			}
			for _, a := range s.Members() {
				a.AllRejections()
			}
			written, _, err := t27x.Write(envelope, s)
			if err != nil {
				continue
			}
			again, _ := x12.Read(written)
			b, found := t27x.Parse(again.Sets()[0])
			if b == nil || found.Err() != nil || len(b.Members()) != len(s.Members()) {
				t.Fatalf("what was written doesn't read: %v", found.Err())
			}
		}
	})
}
