package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/evenkeel/evenkeel/pkg/syntax"
)

// Of every read: a value that a parameter does not take, a parameter that is needed and missing, and days in the wrong order are named, with what is taken; none of them is answered as
// if nothing were there.
func TestEveryReadNamesWhatItDoesNotTake(t *testing.T) {
	words, choices, others, needed, periods := 0, 0, 0, 0, 0
	for call, r := range routes {
		if r.method != http.MethodGet {
			continue
		}
		wrong := func(query url.Values, field string, says ...string) {
			t.Helper()
			_, bad := ask(query, r, map[string]string{})
			i := slices.IndexFunc(bad, func(e ProblemError) bool { return e.Field == field })
			if i < 0 {
				t.Errorf("%s?%s: %s is not named in %v", call, query.Encode(), field, bad)
				return
			}
			for _, word := range says {
				if !strings.Contains(bad[i].Message, word) {
					t.Errorf("%s?%s: %q does not say %s", call, query.Encode(), bad[i].Message, word)
				}
			}
		}
		for _, name := range r.query {
			f := r.rpc.Input().Fields().ByTextName(name)
			rules, err := protovalidate.ResolveFieldRules(f)
			if err != nil {
				t.Fatal(err)
			}
			wrong(url.Values{name: {"a", "b"}}, name, "more than once")
			if in := rules.GetString().GetIn(); len(in) > 0 {
				words++
				wrong(url.Values{name: {"nonsense"}}, name, in...)
			}
			if rules.GetString().GetMinLen() > 0 || rules.GetString().GetLen() > 0 || rules.GetString().GetPattern() == `^\d{4}-\d{2}-\d{2}$` {
				needed++
				wrong(nil, name, "it is missing")
			}
			switch f.Kind() {
			case protoreflect.EnumKind:
				choices++
				wrong(url.Values{name: {"nonsense"}}, name, "One of ")
				wrong(url.Values{name: {"77"}}, name, "One of ")
				for _, word := range syntax.Names(f.Enum()) {
					if taken := syntax.Taken(f); !slices.Contains(taken, word) {
						others++
						wrong(url.Values{name: {word}}, name, taken...)
					}
				}
			case protoreflect.StringKind:
			default:
				wrong(url.Values{name: {"nonsense"}}, name, "is wanted here")
			}
		}
		if slices.Contains(r.query, "from_date") && slices.Contains(r.query, "thru_date") {
			periods++
			wrong(url.Values{"from_date": {"2026-03-02"}, "thru_date": {"2026-03-01"}}, "thru_date", "2026-03-02", "2026-03-01")
		}
	}
	if words < 5 || choices < 8 || others < 3 || needed < 5 || periods < 4 {
		t.Errorf("only %d words, %d choices, %d of other calls, %d needed parameters and %d periods were found", words, choices, others, needed, periods)
	}
}

// What a form sends without a value is as if it were not there, a choice too; what has one stays.
func TestAParameterWithoutAValueIsNotThere(t *testing.T) {
	for in, want := range map[string]string{
		"/v1/claims?status=": "", "/v1/claims?status=&payer_id=pay_1&status=": "payer_id=pay_1", "/v1/reports/aging?basis=&group_by=GROUP_BY_PAYER": "group_by=GROUP_BY_PAYER",
		"/v1/claims?status=a&status=b": "status=a&status=b",
	} {
		if got := filledIn(httptest.NewRequest(http.MethodGet, in, nil)).URL.RawQuery; got != want {
			t.Errorf("%s is read as %q, want %q", in, got, want)
		}
	}
}
