// Package edge_test runs registry and intake behind the gateway, as a process does, on PostgreSQL and a broker, and speaks to them by HTTP alone.
package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/pkg/clock"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/gateway"
	"github.com/evenkeel/evenkeel/services/intake"
	"github.com/evenkeel/evenkeel/services/registry"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// others are the services that the gateway reaches too; here they answer nothing.
var others = []string{"authorization", "coding", "claims", "posting", "collections", "exchange", "reporting", "payersim"}

// sandbox is a clock that a test's operator moves.
type sandbox struct{ *clock.Manual }

// Advance goes forward only.
func (s sandbox) Advance(_ context.Context, to time.Time) error {
	if to.Before(s.Now()) {
		return errors.New("the clock is past that already")
	}
	s.Set(to)
	return nil
}

type site struct {
	*testing.T
	url, key string
	keys     int
}

func open(t *testing.T) *site {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	made := make(chan gateway.Credentials, 1)
	now := clock.NewManual(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	control := sandbox{now}
	services := []host.Service{registry.New(), intake.New(), gateway.New(gateway.Config{
		Listener: l, Clock: control,
		Bootstrap: &gateway.Bootstrap{Tenant: hosttest.Tenant, Email: "Admin@evenkeel.example", Keep: func(c gateway.Credentials) error { made <- c; return nil }},
	})}
	for _, name := range others {
		services = append(services, host.Service{Name: name})
	}
	hosttest.Start(t, now.Now, services...)
	select {
	case c := <-made:
		return &site{T: t, url: "http://" + l.Addr().String(), key: c.APIKey}
	case <-time.After(20 * time.Second):
		t.Fatal("nobody was made")
		return nil
	}
}

type object = map[string]any

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   object
}

func (a answer) text(name string) string { s, _ := a.body[name].(string); return s }

// rules are the rules that a problem names, in order.
func (a answer) rules() string {
	var out []string
	list, _ := a.body["errors"].([]any)
	for _, e := range list {
		out = append(out, e.(object)["rule_id"].(string)+" "+e.(object)["pointer"].(string))
	}
	return strings.Join(out, ", ")
}

func (s *site) do(method, path string, body any, headers ...string) answer {
	s.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			s.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, in)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	a := answer{status: w.StatusCode, header: w.Header}
	if err := json.NewDecoder(w.Body).Decode(&a.body); err != nil {
		s.Fatalf("%s %s: the answer is no JSON: %v", method, path, err)
	}
	return a
}

// post writes under a new key, and wants it to be made.
func (s *site) post(path string, body any) answer {
	s.Helper()
	s.keys++
	a := s.do(http.MethodPost, path, body, "Idempotency-Key", "k-"+string(rune('a'+s.keys)))
	if a.status != http.StatusCreated && a.status != http.StatusOK {
		s.Fatalf("POST %s: %d %v", path, a.status, a.body)
	}
	return a
}

var address = object{"line1": "12 Main St", "city": "Springfield", "state": "IL", "postal_code": "627010001"}

// A group registers itself, a patient, and a coverage; each write is seen by the same caller's next call, in another service too.
func TestAGroupIsSetUpByHTTP(t *testing.T) {
	s := open(t)
	org := s.post("/v1/organizations", object{"name": "Evergreen Group", "npi": "1234567893", "tax_id": "123456789", "taxonomy": "261QM0801X", "address": address, "phone": "2175550100"})
	if at := org.header.Get("Location"); org.status != 201 || at != "/v1/organizations/"+org.text("id") || org.header.Get("ETag") != `"1"` {
		t.Errorf("made: %d %s %s", org.status, at, org.header.Get("ETag"))
	}
	if token := org.header.Get("X-Consistency-Token"); token == "" || token != org.text("consistency_token") {
		t.Errorf("token %q, the receipt has %q", token, org.text("consistency_token"))
	}
	loc := s.post("/v1/locations", object{"organization_id": org.text("id"), "name": "Downtown", "place_of_service": "11", "address": address, "time_zone": "America/Chicago"})
	payer := s.post("/v1/payers", object{"name": "Blue", "edi_payer_id": "00621", "filing_indicator": "CI", "receiver_id": "HOUSE"})
	born := object{"name": object{"last": "Quartzsample", "first": "Pat"}, "birth_date": "1990-05-01", "sex": "SEX_FEMALE", "address": address, "medical_record_number": "MRN-1", "location_id": loc.text("id")}
	// Intake learns of the location from its events: what this key has written before, its next call waits for.
	pat := s.post("/v1/patients", born)
	cov := s.post("/v1/patients/"+pat.text("id")+"/coverages", object{
		"payer_id": payer.text("id"), "payer_sequence": "PAYER_SEQUENCE_PRIMARY", "from_date": "2026-01-01", "relationship": "RELATIONSHIP_SELF", "member_id": "W123456789",
	})
	if at := cov.header.Get("Location"); cov.status != 201 || at != "/v1/coverages/"+cov.text("id") {
		t.Errorf("coverage: %d at %q", cov.status, at)
	}

	got := s.do("GET", pat.header.Get("Location"), nil)
	if name, _ := got.body["name"].(object); got.status != 200 || name["last"] != "Quartzsample" || got.header.Get("ETag") != `"1"` || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("patient: %v %v", got.header, got.body)
	}
	if found := s.do("POST", "/v1/patients:search", object{"medical_record_number": "MRN-1"}); found.status != 200 || len(found.body["patients"].([]any)) != 1 {
		t.Errorf("search: %d %v", found.status, found.body)
	}
	if l := s.do("GET", "/v1/coverages/"+cov.text("id"), nil); l.text("payer_id") != payer.text("id") || l.text("thru_date") != "" {
		t.Errorf("coverage: %v", l.body)
	}
	if l := s.do("GET", "/v1/locations?organization_id="+org.text("id")+"&page_size=1", nil); l.status != 200 || len(l.body["locations"].([]any)) != 1 {
		t.Errorf("locations: %v", l.body)
	}
}

// What a client may get wrong with a write, on real services.
func TestWritesAreSafeToRepeat(t *testing.T) {
	s := open(t)
	group := object{"name": "Evergreen Group", "npi": "1234567893", "tax_id": "123456789", "taxonomy": "261QM0801X", "address": address}
	dry := s.do("POST", "/v1/organizations", group, "Idempotency-Key", "one", "X-Dry-Run", "true")
	if dry.status != 200 || dry.header.Get("Location") != "" || dry.header.Get("ETag") != "" || len(dry.body["events"].([]any)) != 1 {
		t.Errorf("dry run: %d %v %v", dry.status, dry.header, dry.body)
	}
	if l := s.do("GET", "/v1/organizations", nil); len(l.body["organizations"].([]any)) != 0 {
		t.Errorf("a dry run left something: %v", l.body)
	}
	first := s.do("POST", "/v1/organizations", group, "Idempotency-Key", "one")
	again := s.do("POST", "/v1/organizations", group, "Idempotency-Key", "one")
	if first.status != 201 || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("first: %d %v", first.status, first.header)
	}
	if again.status != 201 || again.header.Get("Idempotent-Replayed") != "true" || again.text("id") != first.text("id") || again.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("again: %d %v %v", again.status, again.header, again.body)
	}
	group["name"] = "Another Group"
	if other := s.do("POST", "/v1/organizations", group, "Idempotency-Key", "one"); other.status != 422 || other.text("code") != "key_reused" {
		t.Errorf("another body under the same key: %d %v", other.status, other.body)
	}
	path := "/v1/organizations/" + first.text("id") + "/charge-schedules"
	prices := object{"from_date": "2026-01-01", "rates": []any{object{"service_code": "90837", "charge": object{"amount_minor": "20000", "currency": "USD"}}}}
	if stale := s.do("POST", path, prices, "Idempotency-Key", "two", "If-Match", `"7"`); stale.status != 412 || stale.text("code") != "stale" {
		t.Errorf("If-Match of another version: %d %v", stale.status, stale.body)
	}
	if fresh := s.do("POST", path, prices, "Idempotency-Key", "two", "If-Match", first.header.Get("ETag")); fresh.status != 200 || fresh.header.Get("ETag") != `"2"` || fresh.header.Get("Location") != "" {
		t.Errorf("If-Match of this version: %d %v %v", fresh.status, fresh.header, fresh.body)
	}
}

// Bad input: each a problem document that says everything at once and where; nothing is half-written.
func TestBadInput(t *testing.T) {
	s := open(t)
	rates := func(charge object) object {
		return object{"from_date": "soon", "rates": []any{object{"service_code": "90837", "charge": charge}}}
	}
	for _, c := range []struct {
		name, path string
		body       any
		status     int
		rules      string
	}{
		{"a patient born tomorrow, without an address, at a place nobody knows", "/v1/patients",
			object{"name": object{"last": "Quartzsample", "first": "Pat"}, "birth_date": "2026-03-03", "sex": "SEX_FEMALE", "location_id": "loc_9"}, 422,
			"intake.birth_date /birth_date, intake.address /address/line1, intake.address /address/city, intake.address /address/state, intake.address /address/postal_code, intake.location_exists /location_id"},
		{"a coverage of an unknown payer", "/v1/patients/pat_9/coverages", object{"payer_id": "pay_9", "member_id": "W1234", "from_date": "2026-01-01"}, 422, "intake.patient_exists /patient_id, intake.payer_exists /payer_id, "},
		{"a misspelt field, deep", "/v1/organizations/org_1/charge-schedules", rates(object{"amount": "1"}), 400, "syntax.json /rates/0/charge/amount"},
		{"a number that is none", "/v1/organizations/org_1/charge-schedules", rates(object{"amount_minor": "ten"}), 400, "syntax.json /rates/0/charge/amount_minor"},
		{"a field that the platform writes", "/v1/patients", object{"location_id": "loc_1", "today": "2020-01-01"}, 400, "request.platform_fills /today"},
		{"a field that is missing", "/v1/locations", object{"name": "Downtown"}, 400, "syntax.string.min_len /organization_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.do("POST", c.path, c.body, "Idempotency-Key", "bad")
			if a.status != c.status || !strings.Contains(a.rules(), c.rules) || a.header.Get("Content-Type") != "application/problem+json" || a.text("instance") != a.header.Get("X-Request-Id") {
				t.Errorf("%d %v, want %d %s", a.status, a.body, c.status, c.rules)
			}
			if strings.Contains(strings.ToLower(a.text("detail")), "quartz") {
				t.Errorf("the problem names a person: %v", a.body)
			}
		})
	}
	if l := s.do("GET", "/v1/patients", nil); len(l.body["patients"].([]any)) != 0 {
		t.Errorf("something was written: %v", l.body)
	}
}

// Operators see how far everything has come; a sandbox says when nothing is left to do.
func TestThePlatformIsQuietAfterEachWrite(t *testing.T) {
	s := open(t)
	s.post("/v1/organizations", object{"name": "Evergreen Group", "npi": "1234567893", "tax_id": "123456789", "taxonomy": "261QM0801X", "address": address})
	if q := s.do("GET", "/v1/sandbox/quiet?wait=20s", nil); q.status != 200 || q.body["quiet"] != true || len(q.body["busy"].([]any)) != 0 {
		t.Fatalf("quiet: %d %v", q.status, q.body)
	}
	all := s.do("GET", "/v1/platform/status", nil)
	services, _ := all.body["services"].([]any)
	if len(services) != 10 {
		t.Fatalf("status: %v", all.body)
	}
	for _, v := range services {
		if of := v.(object); of["service"] == "registry" && of["log_position"] != "1" {
			t.Errorf("registry: %v", of)
		}
	}
	if c := s.do("POST", "/v1/sandbox/clock:advance", object{"to": "2026-03-03T09:00:00Z"}); c.status != 200 || c.text("now") != "2026-03-03T09:00:00Z" {
		t.Errorf("advance: %d %v", c.status, c.body)
	}
	if c := s.do("POST", "/v1/sandbox/clock:advance", object{"to": "2026-03-01T09:00:00Z"}); c.status != 422 {
		t.Errorf("back: %d %v", c.status, c.body)
	}
	if c := s.do("GET", "/v1/sandbox/clock", nil); c.text("now") != "2026-03-03T09:00:00Z" {
		t.Errorf("clock: %v", c.body)
	}
}

// The examples of docs/api.md, as a reader would paste them.
func TestTheExamplesWork(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: it runs the examples of docs/api.md")
	}
	text, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t)
	var script strings.Builder
	for i, part := range strings.Split(string(text), "```") {
		if code, ok := strings.CutPrefix(part, "sh\n"); ok && i%2 == 1 {
			script.WriteString(code + "echo\necho ---\n")
		}
	}
	run := strings.NewReplacer("http://127.0.0.1:8080", s.url, "ek_...", s.key).Replace(script.String())
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", run)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answers := strings.Split(string(out), "---\n")
	for i, want := range []string{
		"", `"name":"Evergreen Group"`, `"patient_id":"pat_`, `"code":"key_reused"`, `"version":2`, `"next_page_token":""`, `"rule_id":"intake.birth_date"`, `"quiet":true`, "",
	} {
		if i >= len(answers) || !strings.Contains(answers[i], want) {
			t.Errorf("example %d does not answer %s:\n%s", i+1, want, out)
		}
	}
}
