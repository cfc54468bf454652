// Package security holds what nobody may see, reach or break, against the whole platform in one process: all services and the gateway on PostgreSQL and a broker, spoken to by HTTP.
//
// A canary is a person whose every detail is a string that occurs nowhere else; a wall is what keeps one tenant from another's things. The promises: no detail of a patient is readable in a
// table, topic, log line, span or metric (TestNoPatientIsReadableAnywhere, which also finds what was planted); a bad request is told everything at once and leaves nothing behind
// (TestBadInputLeavesNothingBehind); a tenant reaches nothing of another's (TestATenantReachesNothingOfAnothers); every effect of a signature is reachable from its trace
// (TestAllEffectsOfASignatureAreLinked); a service's database role can do what its service does and no more (TestRolesHaveNoMoreThanTheyNeed).
package security

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/evenkeel/evenkeel/pkg/clock"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/pkg/telemetry"
	"github.com/evenkeel/evenkeel/services/authorization"
	"github.com/evenkeel/evenkeel/services/claims"
	"github.com/evenkeel/evenkeel/services/coding"
	"github.com/evenkeel/evenkeel/services/collections"
	"github.com/evenkeel/evenkeel/services/exchange"
	"github.com/evenkeel/evenkeel/services/gateway"
	"github.com/evenkeel/evenkeel/services/gateway/console"
	"github.com/evenkeel/evenkeel/services/gateway/session"
	"github.com/evenkeel/evenkeel/services/intake"
	"github.com/evenkeel/evenkeel/services/payersim"
	"github.com/evenkeel/evenkeel/services/posting"
	"github.com/evenkeel/evenkeel/services/registry"
	"github.com/evenkeel/evenkeel/services/reporting"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// all are the services beside the gateway.
func all() []host.Service {
	return []host.Service{
		registry.New(), intake.New(), authorization.New(), coding.New(), claims.New(), posting.New(), collections.New(), exchange.New(), payersim.New(), reporting.New(),
	}
}

// The two tenants of these tests.
var (
	tenantA = uuid.MustParse("0e7e0000-0000-8000-8000-00000000000a")
	tenantB = uuid.MustParse("0e7e0000-0000-8000-8000-00000000000b")
)

// start of the sandbox clock: a Monday morning.
var start = time.Date(2026, 1, 5, 15, 0, 0, 0, time.UTC)

// lines collects what is logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write takes a line.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.buf.Bytes())
}

// spans are all that were recorded in this binary. Tracers made before the first provider is set keep to that one, so it is set once.
var spans = sync.OnceValues(func() (*tracetest.InMemoryExporter, *sdktrace.TracerProvider) {
	e := tracetest.NewInMemoryExporter()
	return e, sdktrace.NewTracerProvider(sdktrace.WithSyncer(e), sdktrace.WithSampler(sdktrace.AlwaysSample()))
})

// platform is everything in one process.
type platform struct {
	process *host.Process
	clock   *clock.Sandbox
	admin   *pgxpool.Pool // a superuser's
	broker  string
	url     string
	log     *lines
	spans   *tracetest.InMemoryExporter
	metrics http.Handler
}

// open starts the platform as `evenkeel run` does.
func open(t *testing.T) *platform {
	t.Helper()
	ctx := t.Context()
	p := &platform{log: &lines{}, broker: kafkatest.Embedded(t)}
	var provider *sdktrace.TracerProvider
	p.spans, provider = spans()
	p.spans.Reset()
	otel.SetTracerProvider(provider)
	tel, err := telemetry.Start(ctx, p.log, slog.LevelDebug, "test", []string{"all"})
	if err != nil {
		t.Fatal(err)
	}
	otel.SetTracerProvider(provider) // not telemetry's, which keeps nothing when nobody listens
	p.metrics = tel.Metrics
	database := pgtest.URL(t)
	services := append(all(), gateway.New(gateway.Config{}))
	if err := host.Migrate(ctx, database, hosttest.Secret, services); err != nil {
		t.Fatal(err)
	}
	if err := clock.Prepare(ctx, database, clock.Start{At: start, Frozen: true}, host.Role("gateway")); err != nil {
		t.Fatal(err)
	}
	clockURL, err := host.RoleURL(host.WithoutUser(database), hosttest.Secret, "gateway")
	if err != nil {
		t.Fatal(err)
	}
	if p.clock, err = clock.Open(ctx, clockURL, tel.Log); err != nil {
		t.Fatal(err)
	}
	if p.admin, err = pgxpool.New(ctx, database); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.url = "http://" + listener.Addr().String()
	p.process, err = host.Start(ctx, host.Options{
		Services: append(all(), gateway.New(gateway.Config{
			Listener: listener, Clock: p.clock, Console: func(rt *host.Runtime, store *session.Store) (http.Handler, error) { return console.New(rt, store) },
		})),
		DatabaseURL: host.WithoutUser(database), Brokers: []string{p.broker}, Secret: hosttest.Secret, Clock: p.clock.Now, ClockChanged: p.clock.Moved, Partitions: 2,
		Dev: true, Metrics: tel.Metrics, Log: tel.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := p.process.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		p.clock.Close()
		p.admin.Close()
		if err := tel.Stop(ctx); err != nil {
			t.Errorf("stop telemetry: %v", err)
		}
	})
	return p
}

// key makes an API key of a tenant.
func (p *platform) key(t *testing.T, tenant uuid.UUID, role string) *client {
	t.Helper()
	store := &session.Store{DB: p.process.Runtime("gateway").DB, Clock: time.Now}
	key, err := store.NewKey(t.Context(), tenant, "test-"+role, role)
	if err != nil {
		t.Fatal(err)
	}
	return &client{T: t, platform: p, key: key}
}

// page is what the operators' port serves at a path.
func (p *platform) page(path string) string {
	w := httptest.NewRecorder()
	p.process.Ops().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Body.String()
}

type object = map[string]any

// client calls by REST with one key.
type client struct {
	*testing.T
	*platform
	key   string
	calls int
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	raw    string
	body   object // nil: no JSON
}

func (a answer) text(name string) string { s, _ := a.body[name].(string); return s }

func (a answer) list(name string) []object {
	var out []object
	list, _ := a.body[name].([]any)
	for _, v := range list {
		if o, ok := v.(object); ok {
			out = append(out, o)
		}
	}
	return out
}

// rules are the rules that a problem names with the place of each, sorted.
func (a answer) rules() []string {
	var out []string
	for _, e := range a.list("errors") {
		pointer, _ := e["pointer"].(string)
		rule, _ := e["rule_id"].(string)
		out = append(out, strings.TrimSpace(rule+" "+pointer))
	}
	slices.Sort(out)
	return out
}

// send is one request. body: a string or []byte as it is, anything else as JSON, nil: none.
func (c *client) send(method, path string, body any, headers ...string) answer {
	c.Helper()
	var in io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	case []byte:
		in = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			c.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(c.Context(), method, c.url+path, in)
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	if method == http.MethodPost {
		c.calls++
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", fmt.Sprintf("%s-%d", strings.ReplaceAll(c.Name(), "/", "-"), c.calls))
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	raw, err := io.ReadAll(w.Body)
	if err != nil {
		c.Fatalf("%s %s: %v", method, path, err)
	}
	a := answer{status: w.StatusCode, header: w.Header, raw: string(raw)}
	if strings.Contains(w.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			c.Fatalf("%s %s: the answer is no JSON: %v", method, path, err)
		}
	}
	return a
}

// make writes and wants it to be taken; it gives the receipt's id.
func (c *client) make(path string, body any, headers ...string) string {
	c.Helper()
	a := c.send(http.MethodPost, path, body, headers...)
	if a.status != http.StatusCreated && a.status != http.StatusOK {
		c.Fatalf("POST %s: %d %s", path, a.status, a.raw)
	}
	return a.text("id")
}

// get reads and wants an answer.
func (c *client) get(path string) answer {
	c.Helper()
	a := c.send(http.MethodGet, path, nil)
	if a.status != http.StatusOK {
		c.Fatalf("GET %s: %d %s", path, a.status, a.raw)
	}
	return a
}

// quiet waits until everything that follows from what was sent has happened.
func (c *client) quiet() {
	c.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		a := c.get("/v1/sandbox/quiet?wait=10s")
		if a.body["quiet"] == true {
			return
		}
		if time.Now().After(deadline) {
			c.Fatalf("the platform does not come to rest: %s", a.raw)
		}
	}
}

// days moves the clock on, a day at a time.
func (c *client) days(n int) {
	c.Helper()
	for range n {
		if a := c.send(http.MethodPost, "/v1/sandbox/clock:advance", object{"to": c.clock.Now().AddDate(0, 0, 1)}); a.status != http.StatusOK {
			c.Fatalf("advance: %d %s", a.status, a.raw)
		}
		c.quiet()
	}
}

// positions is how far each service's log has come.
func (c *client) positions() map[string]string {
	c.Helper()
	out := map[string]string{}
	for _, s := range c.get("/v1/platform/status").list("services") {
		name, _ := s["service"].(string)
		out[name], _ = s["log_position"].(string)
		if dead, _ := s["parked_dead"].(string); dead != "0" {
			c.Errorf("%s has %s events that it can't handle", name, dead)
		}
	}
	return out
}

// group is what a tenant has registered before its first patient.
type group struct{ organization, location, clinician, payer, contract string }

var officeAddress = object{"line1": "1 Harbor Street", "city": "Portland", "state": "ME", "postal_code": "041010001"}

// payer is one of those that the payer simulator plays.
type payer struct{ name, edi, receiver string }

var (
	evergreen = payer{"Evergreen Health Plan", "EVG01", "EVERGREEN"}
	harbor    = payer{"Harbor Mutual", "HRB02", "HARBOR"}
)

// register makes a group with one payer.
func (c *client) register(with payer) group {
	c.Helper()
	g := group{}
	g.organization = c.make("/v1/organizations", object{
		"name": "Harbor Behavioral Group", "npi": "1234567893", "tax_id": "010000001", "taxonomy": "261QM0801X", "address": officeAddress, "phone": "2075550100",
	})
	price := func(code, cents string) object {
		return object{"service_code": code, "charge": object{"amount_minor": cents, "currency": "USD"}}
	}
	c.make("/v1/organizations/"+g.organization+"/charge-schedules", object{"from_date": "2025-01-01", "rates": []object{price("90834", "15000"), price("90837", "20000")}})
	g.location = c.make("/v1/locations", object{
		"organization_id": g.organization, "name": "Harbor Street", "place_of_service": "11", "address": officeAddress, "time_zone": "America/New_York",
	})
	g.clinician = c.make("/v1/clinicians", object{
		"name": object{"last": "Example", "first": "Clinician"}, "npi": "1000000004", "taxonomy": "1041C0700X", "license_type": "LICENSE_TYPE_CLINICAL_SOCIAL_WORKER",
		"license_number": "LC1", "license_state": "ME", "location_ids": []string{g.location}, "from_date": "2020-01-01",
	})
	g.payer = c.make("/v1/payers", object{"name": with.name, "edi_payer_id": with.edi, "filing_indicator": "CI", "receiver_id": with.receiver})
	c.make("/v1/payers/"+g.payer+"/policies", object{
		"from_date": "2025-01-01", "timely_filing_days": 180, "telehealth_modifier": "95", "telehealth_covered": true,
		"supervised_billing": "SUPERVISED_BILLING_SUPERVISOR_RENDERS",
	})
	allowed := func(code, cents string) object {
		return object{"service_code": code, "allowed": object{"amount_minor": cents, "currency": "USD"}}
	}
	g.contract = c.make("/v1/contracts", object{"payer_id": g.payer, "from_date": "2025-01-01", "rates": []object{allowed("90834", "10000"), allowed("90837", "14000")}})
	return g
}

// visited is what one visit has led to so far.
type visited struct{ appointment, encounter string }

// visit books a visit of today, which took place two hours ago, and writes it down; it is not signed yet.
func (c *client) visit(g group, patient string, more object) visited {
	c.Helper()
	from := c.clock.Now().Add(-2 * time.Hour)
	to := from.Add(55 * time.Minute)
	v := visited{}
	v.appointment = c.make("/v1/appointments", object{
		"patient_id": patient, "clinician_id": g.clinician, "location_id": g.location, "start_at": from, "end_at": to, "modality": "MODALITY_IN_PERSON", "service_code": "90837", "units": 1,
	})
	encounter := object{
		"patient_id": patient, "appointment_id": v.appointment, "clinician_id": g.clinician, "location_id": g.location, "service_date": from.Format("2006-01-02"), "start_at": from, "end_at": to,
		"modality": "MODALITY_IN_PERSON", "service_kind": "SERVICE_KIND_PSYCHOTHERAPY", "diagnosis_codes": []string{"F411"},
	}
	for k, value := range more {
		encounter[k] = value
	}
	v.encounter = c.make("/v1/encounters", encounter)
	return v
}

// sign signs a visit.
func (c *client) sign(g group, v visited, headers ...string) {
	c.Helper()
	c.make("/v1/encounters/"+v.encounter+"/signatures", object{"signed_by_clinician_id": g.clinician}, headers...)
}

// plain is a patient without anything unusual, insured with the group's payer.
func (c *client) plain(g group, number string) (patient, coverage string) {
	c.Helper()
	patient = c.make("/v1/patients", object{
		"name": object{"last": "Testpatient", "first": "Sample"}, "birth_date": "1990-02-03", "sex": "SEX_FEMALE", "location_id": g.location, "medical_record_number": "MRN" + number,
		"address": object{"line1": "2 Elm Street", "city": "Portland", "state": "ME", "postal_code": "04101"},
	})
	coverage = c.make("/v1/patients/"+patient+"/coverages", object{
		"payer_id": g.payer, "payer_sequence": "PAYER_SEQUENCE_PRIMARY", "plan_name": "Plan", "from_date": "2025-01-01", "relationship": "RELATIONSHIP_SELF", "member_id": "M" + number,
	})
	return patient, coverage
}

// paid waits, for at most five weeks of the sandbox clock, until the claims of a patient are paid, and gives them.
func (c *client) paid(patient string) []object {
	c.Helper()
	var claims []object
	for range 35 {
		c.days(1)
		claims = c.get("/v1/claims?patient_id=" + url.QueryEscape(patient)).list("claims")
		if len(claims) > 0 && !slices.ContainsFunc(claims, func(o object) bool {
			return o["status"] != "CLAIM_STATUS_CLOSED" && o["status"] != "CLAIM_STATUS_ADJUDICATED"
		}) {
			return claims
		}
	}
	c.Fatalf("after five weeks the claims are not paid: %v", claims)
	return nil
}
