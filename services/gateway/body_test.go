package gateway

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/dynamicpb"
)

// said are the places and rules of what is wrong with a body.
func said(bad []ProblemError) []string {
	var out []string
	for _, e := range bad {
		out = append(out, strings.TrimSpace(e.RuleID+" "+e.Field))
	}
	slices.Sort(out)
	return out
}

// Everything that is wrong with a body's form is told at once, and nothing that only seems wrong because something beside it could not be read.
func TestEveryMisfitOfABodyIsTold(t *testing.T) {
	const patients, approvals, policies, encounters = "POST /v1/patients", "POST /v1/authorizations/{authorization_id}/approvals", "POST /v1/payers/{payer_id}/policies", "POST /v1/encounters"
	for _, c := range []struct {
		name, call, body string
		want             []string
		words            string // in one of the messages
	}{
		{"nothing", patients, "", []string{"request.body"}, "takes name, birth_date, sex"},
		{"blanks", patients, " \n", []string{"request.body"}, "missing"},
		{"nothing, where nothing is wanted", "POST /v1/patients/{patient_id}/statements", "", nil, ""},
		{"null", patients, "null", []string{"syntax.json"}, "object"},
		{"a text", patients, `"x"`, []string{"syntax.json"}, "object"},
		{"cut", patients, `{"name": {"last": "T`, []string{"syntax.json"}, "ends in the middle"},
		{"cut behind a comma", patients, `{"sex": "SEX_MALE",`, []string{"syntax.json"}, "ends in the middle"},
		{"something behind it", patients, "{}\n {}", []string{"syntax.json"}, "line 2, column 2"},
		{"a word that is none", patients, "{\n \"é\": tru}", []string{"syntax.json"}, "line 2, column 10"},
		{"other bytes", patients, "{\"name\": {\"last\": \"\xff\"}}", []string{"syntax.json"}, "UTF-8"},
		{"unknown fields, wrong kinds, an unknown word; and what is missing", patients, `{"foo": 1, "name": {"last": 5, "nick": "x"}, "sex": "F", "address": [], "bar": {}}`,
			[]string{"syntax.json address", "syntax.json bar", "syntax.json foo", "syntax.json name.last", "syntax.json name.nick", "syntax.json sex", "syntax.string.min_len location_id"}, "One of SEX_FEMALE, SEX_MALE, SEX_UNKNOWN"},
		{"what could not be read is not called missing", patients, `{"location_id": 7}`, []string{"syntax.json location_id"}, "text in double quotes"},
		{"what stands in the path is not called missing", approvals, `{"auth_no": 1, "from_date": "soon"}`,
			[]string{"syntax.json auth_no", "syntax.map.min_pairs units_by_code", "syntax.string.pattern from_date", "syntax.string.pattern thru_date"}, "YYYY-MM-DD"},
		{"another id than the path's", approvals, `{"authorization_id": "aut_2", "auth_no": "1"}`, []string{"request.path authorization_id"}, "leave it out"},
		{"the path's id", approvals, `{"authorization_id": "the authorization_id", "auth_no": "1"}`, nil, ""},
		{"a field twice, also under its other name, deep, and beside an unknown one", patients, `{"foo": 1, "birth_date": "1990-01-01", "birthDate": "1991-01-01", "name": {"last": "a", "last": "b"}}`,
			[]string{"syntax.json birthDate", "syntax.json foo", "syntax.json name.last", "syntax.string.min_len location_id"}, "twice"},
		{"elements of a list", policies, `{"authorization_codes": ["90837", 9, null], "license_modifiers": [{"modifier": "HO"}, {"modifyer": "HN"}, 3]}`,
			[]string{"syntax.json authorization_codes[1]", "syntax.json authorization_codes[2]", "syntax.json license_modifiers[1].modifyer", "syntax.json license_modifiers[2]"}, "object"},
		{"entries of a map", approvals, `{"auth_no": "1", "from_date": "2026-01-01", "thru_date": "2026-02-01", "units_by_code": {"A": "many", "B": 4, "B": 5}}`,
			[]string{`syntax.json units_by_code["A"]`, `syntax.json units_by_code["B"]`}, "A whole number of at most 32 bits"},
		{"a map that is a list", approvals, `{"auth_no": "1", "from_date": "2026-01-01", "thru_date": "2026-02-01", "units_by_code": []}`, []string{"syntax.json units_by_code"}, "object"},
		{"instants that are none", encounters, `{"patient_id": "p", "clinician_id": "c", "location_id": "l", "service_date": "2026-03-02", "start_at": "2026-02-30T10:00:00Z", "end_at": 7, "modality": "MODALITY_IN_PERSON", "service_kind": "SERVICE_KIND_GROUP", "interactive_complexity": "yes", "group_size": 2.5}`,
			[]string{"syntax.json end_at", "syntax.json group_size", "syntax.json interactive_complexity", "syntax.json start_at"}, `"2026-03-02T15:00:00Z"`},
		{"money that is none", "POST /v1/patient-payments", `{"patient_id": "p", "amount": {"amount_minor": 12.5, "cents": 3}}`, []string{"syntax.json amount.amount_minor", "syntax.json amount.cents"}, "A whole number of at most 64 bits"},
		{"control characters", patients, `{"name": {"last": "A\u0000", "first": "\u007f"}, "address": {"line1": "1\n2"}}`, []string{"syntax.text name.first", "syntax.text name.last"}, "control"},
		{"a name that shows as another", patients, `{"name": {"last": "\u202eelpmaS"}, "location_id": "loc_1"}`, []string{"syntax.text name.last"}, "control"},
		{"a list that is null", policies, `{"authorization_codes": null}`, nil, ""},
		{"all is well", patients, `{"name": {"last": "A", "first": "B"}, "birthDate": "1990-01-01"}`, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			to, ok := routes[c.call]
			if !ok {
				t.Fatalf("there is no %s", c.call)
			}
			path := map[string]string{}
			if _, rest, ok := strings.Cut(to.pattern, "{"); ok {
				name, _, _ := strings.Cut(rest, "}")
				path[name] = "the " + name
			}
			bad := misread([]byte(c.body), dynamicpb.NewMessage(to.rpc.Input()), to, path)
			if got := said(bad); !slices.Equal(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
			if !slices.ContainsFunc(bad, func(e ProblemError) bool { return strings.Contains(e.Message, c.words) }) && c.words != "" {
				t.Errorf("%q is not in %v", c.words, bad)
			}
		})
	}
}

// A body is refused exactly when protojson refuses it or a text has control characters, and each reason is whole.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"units_by_code": {"90837": 4}, "auth_no": "1"}`, `{"authNo": "1", "auth_no": "2"}`, `{"units_by_code": {"a": {}}}`, `{"auth_no": "\ud800"}`, `[1,{"a":null}]`, `{"a":`, `{"[x]": 1}`, `{"from_date": null}`,
	} {
		f.Add([]byte(seed))
	}
	to := routes["POST /v1/authorizations/{authorization_id}/approvals"]
	f.Fuzz(func(t *testing.T, body []byte) {
		m := dynamicpb.NewMessage(to.rpc.Input())
		bad := misread(body, m, to, nil)
		err := protojson.Unmarshal(body, dynamicpb.NewMessage(to.rpc.Input()))
		if err != nil && len(bad) == 0 {
			t.Errorf("%q is taken, and can't be read: %v", body, err)
		}
		for _, e := range bad {
			if e.Message == "" || e.RuleID == "" || e.Pointer != "" && e.Pointer[0] != '/' {
				t.Errorf("%q: a reason is not whole: %+v", body, e)
			}
			if err == nil && e.RuleID != "syntax.text" {
				t.Errorf("%q can be read, and %v is told", body, e)
			}
		}
	})
}
