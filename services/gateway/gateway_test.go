package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// registry is a small service that answers what a test asks of it, and tells who called and with which tokens.
type registry struct {
	registryv1.UnimplementedRegistryServiceServer
	mu      sync.Mutex
	caller  engine.Caller
	tokens  []string
	payer   *registryv1.RegisterPayerRequest
	receipt *typev1.Receipt
}

func (s *registry) note(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caller, _ = engine.CallerOf(ctx)
	md, _ := metadata.FromIncomingContext(ctx)
	s.tokens = md.Get("x-evenkeel-consistency-token")
}

func (s *registry) GetPayer(ctx context.Context, r *registryv1.GetPayerRequest) (*registryv1.Payer, error) {
	s.note(ctx)
	if n, err := strconv.Atoi(r.PayerId); err == nil {
		return nil, status.Error(codes.Code(n), "said by the service")
	}
	switch r.PayerId {
	case "stale":
		return nil, &engine.StaleError{Have: 4, Want: 3}
	case "reused":
		return nil, &engine.KeyReusedError{}
	case "fault":
		return nil, fmt.Errorf("the password of the database is hunter2")
	case "refused":
		var no refuse.List
		no.If(true, refuse.Rule{ID: "registry.first", Version: 2, Owner: "registry"}, "rates[1].service_code", "first")
		no.If(true, refuse.Rule{ID: "registry.second", Version: 1, Owner: "contracts"}, "name", "second")
		return nil, no.Err()
	case "mixed":
		var no refuse.List
		no.If(true, refuse.Rule{ID: "syntax.string.min_len", Version: 1, Owner: "integrations"}, "name", "first")
		no.If(true, refuse.Rule{ID: "registry.second", Version: 1, Owner: "contracts"}, "rates", "second")
		return nil, no.Err()
	case "endless":
		var no refuse.List
		for i := range 250 {
			no.If(true, refuse.Rule{ID: "registry.first", Version: 1, Owner: "registry"}, fmt.Sprintf("rates[%d]", i), "%s", strings.Repeat("x", 5000))
		}
		return nil, no.Err()
	}
	return &registryv1.Payer{PayerId: r.PayerId, Version: 4}, nil
}

func (s *registry) ListPayers(ctx context.Context, r *registryv1.ListPayersRequest) (*registryv1.ListPayersResponse, error) {
	s.note(ctx)
	if _, err := page.Parse(r.PageSize, r.PageToken, ""); err != nil {
		return nil, err
	}
	return &registryv1.ListPayersResponse{}, nil
}

func (s *registry) RegisterPayer(ctx context.Context, r *registryv1.RegisterPayerRequest) (*typev1.Receipt, error) {
	s.note(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.payer = r
	return s.receipt, nil
}

func (s *registry) SetPayerPolicy(ctx context.Context, _ *registryv1.SetPayerPolicyRequest) (*typev1.Receipt, error) {
	s.note(ctx)
	return &typev1.Receipt{Id: "pay_1", Version: 2, Events: []*typev1.EventRef{{}, {}}}, nil
}

type collections struct {
	collectionsv1.UnimplementedCollectionsServiceServer
}

func (collections) GetStatementHtml(context.Context, *collectionsv1.GetStatementHtmlRequest) (*httpbody.HttpBody, error) {
	return &httpbody.HttpBody{ContentType: "text/html; charset=utf-8", Data: []byte("<p>You owe nothing.</p>")}, nil
}

// edgeTest is a gateway before small services.
type edgeTest struct {
	*testing.T
	url      string
	store    *session.Store
	registry *registry
	key      string // of an administrator
	log      *bytes.Buffer
	now      time.Time
}

// open starts one; the services that are away have an address and are not there.
func open(t *testing.T, c Config, away ...string) *edgeTest {
	e := &edgeTest{T: t, registry: &registry{receipt: &typev1.Receipt{Id: "pay_1", Version: 1, Events: []*typev1.EventRef{{}}}}, log: &bytes.Buffer{}, now: time.Now()}
	of := New(c)
	of.Serve = nil // served by httptest
	all := []host.Service{of, {Name: "payersim"}}
	addresses := map[string]string{}
	for name := range services {
		if slices.Contains(away, name) {
			addresses[name] = "127.0.0.1:1"
			continue
		}
		s := host.Service{Name: name}
		switch name {
		case "registry":
			s.Register = func(r grpc.ServiceRegistrar, _ *host.Runtime) {
				registryv1.RegisterRegistryServiceServer(r, e.registry)
			}
		case "collections":
			s.Register = func(r grpc.ServiceRegistrar, _ *host.Runtime) {
				collectionsv1.RegisterCollectionsServiceServer(r, collections{})
			}
		}
		all = append(all, s)
	}
	p := hosttest.Start(t, nil, all...)
	p.Addresses = addresses
	rt := *p.Runtime("gateway")
	rt.Log = slog.New(slog.NewJSONHandler(&locked{to: e.log}, nil))
	e.store = &session.Store{DB: rt.DB, Clock: func() time.Time { return e.now }}
	h, err := Handler(t.Context(), c, &rt, e.store)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	e.url, e.key = server.URL, e.newKey("first", session.Admin)
	return e
}

type locked struct {
	mu sync.Mutex
	to io.Writer
}

// Write writes one line.
func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

func (e *edgeTest) newKey(name, role string) string {
	e.Helper()
	key, err := e.store.NewKey(e.Context(), hosttest.Tenant, name, role)
	if err != nil {
		e.Fatal(err)
	}
	return key
}

type reply struct {
	*http.Response
	text string
	Problem
}

// call sends a request with headers name, value, …; "" takes a header away.
func (e *edgeTest) call(method, path, body string, headers ...string) reply {
	e.Helper()
	r, err := http.NewRequestWithContext(e.Context(), method, e.url+path, strings.NewReader(body))
	if err != nil {
		e.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+e.key)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "k1")
	}
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header[http.CanonicalHeaderKey(headers[i])] = strings.Split(headers[i+1], "|")
		}
	}
	return e.send(http.DefaultClient, r)
}

func (e *edgeTest) send(client *http.Client, r *http.Request) reply {
	e.Helper()
	w, err := client.Do(r)
	if err != nil {
		e.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	b, err := io.ReadAll(w.Body)
	if err != nil {
		e.Fatal(err)
	}
	out := reply{Response: w, text: string(b)}
	if strings.HasPrefix(w.Header.Get("Content-Type"), "application/problem+json") {
		if err := json.Unmarshal(b, &out.Problem); err != nil {
			e.Fatalf("%s: %v", b, err)
		}
	}
	return out
}

// Every error has the same form, whoever found it: the HTTP server, the router, the decoder, or a service.
func TestEveryErrorIsAProblemDocument(t *testing.T) {
	e := open(t, Config{})
	big := `{"name": "` + strings.Repeat("x", jsonMost) + `"}`
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code, errors             string
	}{
		{"no key", "GET", "/v1/payers", "", []string{"Authorization", ""}, 401, "not_signed_in", ""},
		{"a key nobody has", "GET", "/v1/payers", "", []string{"Authorization", "Bearer ek_nobody"}, 401, "not_signed_in", ""},
		{"another scheme", "GET", "/v1/payers", "", []string{"Authorization", "Basic YTpi"}, 401, "not_signed_in", ""},
		{"no such path", "GET", "/v1/nothing", "", nil, 404, "not_found", ""},
		{"no such path outside the API", "GET", "/nothing", "", nil, 404, "not_found", ""},
		{"no such page of the platform", "GET", "/v1/platform/nothing", "", nil, 404, "not_found", ""},
		{"no sandbox", "GET", "/v1/sandbox/clock", "", nil, 404, "not_found", ""},
		{"another method", "DELETE", "/v1/payers", "", nil, 405, "method_not_allowed", ""},
		{"a read where only writes are", "GET", "/v1/payers/pay_1/policies:nothing", "", nil, 404, "not_found", ""},
		{"another media type", "POST", "/v1/payers", "name=x", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "media_type", ""},
		{"no media type", "POST", "/v1/payers", "{}", []string{"Content-Type", ""}, 415, "media_type", ""},
		{"too large", "POST", "/v1/payers", big, nil, 413, "too_large", ""},
		{"no JSON", "POST", "/v1/payers", `{"name": `, nil, 400, "malformed", "syntax.json"},
		{"two documents", "POST", "/v1/payers", `{"name": "Blue"} {"name": "Red"}`, nil, 400, "malformed", "syntax.json"},
		{"a list", "POST", "/v1/payers", `[]`, nil, 400, "malformed", "syntax.json"},
		{"a field twice", "POST", "/v1/payers", `{"name": "Blue", "name": "Red"}`, nil, 400, "malformed", "syntax.json /name"},
		{"an unknown field", "POST", "/v1/payers", "{\"name\": \"Bl\u00fce\",\n \"nmae\": 1}", nil, 400, "malformed", "syntax.json /nmae"},
		{"an unknown field in a list", "POST", "/v1/payers/pay_1/policies", `{"authorization_codes": ["90837"], "license_modifiers": [{"modifier": "HO"}, {"modifyer": "HN"}]}`, nil, 400, "malformed", "syntax.json /license_modifiers/1/modifyer"},
		{"no body", "POST", "/v1/payers", "", nil, 400, "malformed", "request.body"},
		{"another id than the path's", "POST", "/v1/payers/pay_1/policies", `{"payer_id": "pay_2"}`, nil, 400, "malformed", "request.path /payer_id"},
		{"another alphabet", "POST", "/v1/payers", `{}`, []string{"Content-Type", "application/json; charset=latin1"}, 415, "media_type", ""},
		{"a list of the wrong kind", "POST", "/v1/payers/pay_1/policies", `{"authorization_codes": ["90837", 9]}`, nil, 400, "malformed", "syntax.json /authorization_codes/1"},
		{"an unknown parameter", "GET", "/v1/payers?edi_payer=1", "", nil, 400, "malformed", "request.query"},
		{"a parameter that is no number", "GET", "/v1/payers?page_size=many", "", nil, 400, "malformed", "syntax.query"},
		{"all parameters wrong", "GET", "/v1/payers?page_size=99999999999&edi_payer=1&edi_payer_id=a&edi_payer_id=b", "", nil, 400, "malformed", "request.query, syntax.query, syntax.query"},
		{"parameters that are wrong for the gateway and for the service", "GET", "/v1/payers?edi_payer=1&page_size=501&page_token=x", "", nil, 400, "malformed", "request.query, request.page_size, request.page_token"},
		{"a list without the filter that it needs", "GET", "/v1/patient-payments", "", nil, 400, "malformed", "syntax.string.min_len"},
		{"another list without it", "GET", "/v1/authorizations?patient_id=", "", nil, 400, "malformed", "syntax.string.min_len"},
		{"words that are none", "GET", "/v1/work-items?kind=nonsense&owner=me&state=OPEN", "", nil, 400, "malformed", "syntax.query, syntax.string.in, syntax.string.in"},
		{"a last day before the first, and a status that is none", "GET", "/v1/reports/claims?from_date=2026-03-02&thru_date=2026-03-01&status=lost", "", nil, 400, "malformed", "syntax.string.in, request.period"},
		{"a last day before the first of visits", "GET", "/v1/appointments?from_date=2026-03-02&thru_date=2026-03-01", "", nil, 400, "malformed", "request.period"},
		{"a direction that is none", "GET", "/v1/interchanges?direction=up", "", nil, 400, "malformed", "syntax.string.in"},
		{"a parameter without a value", "GET", "/v1/payers?page_size=&x=1", "", nil, 400, "malformed", "request.query"},
		{"a choice that nothing was filled into, of a service that has no such list", "GET", "/v1/work-items?state=&kind=", "", nil, 501, "not_there", ""},
		{"a path without its id", "GET", "/v1/payers/", "", nil, 404, "not_found", ""},
		{"a path with nothing between two strokes", "GET", "/v1/payers//policies", "", nil, 404, "not_found", ""},
		{"a path that begins with two strokes", "GET", "//v1/payers", "", nil, 404, "not_found", ""},
		{"a write to a path with nothing between two strokes", "POST", "/v1/claims//corrections", "{}", nil, 404, "not_found", ""},
		{"a path that goes up", "GET", "/v1/payers/../patients", "", nil, 404, "not_found", ""},
		{"a path that goes up, hidden", "GET", "/v1/payers/%2e%2e/patients", "", nil, 404, "not_found", ""},
		{"strokes that are hidden", "GET", "/v1/payers/a%2F%2Fb", "", nil, 404, "not_found", ""},
		{"a stroke in an id", "GET", "/v1/payers/a%2Fb", "", nil, 404, "not_found", ""},
		{"a stroke behind a path", "GET", "/v1/payers/pay_1/", "", nil, 404, "not_found", ""},
		{"which methods are there", "OPTIONS", "/v1/payers/pay_1", "", nil, 405, "method_not_allowed", ""},
		{"another language is wanted", "GET", "/v1/payers/5", "", []string{"Accept", "text/html"}, 404, "not_found", ""},
		{"two media types", "POST", "/v1/payers", "{}", []string{"Content-Type", "application/json, text/plain"}, 415, "media_type", ""},
		{"a parameter with a write", "POST", "/v1/payers?dry_run=true", "{}", nil, 400, "malformed", "request.query"},
		{"no Idempotency-Key", "POST", "/v1/payers", "{}", []string{"Idempotency-Key", ""}, 400, "malformed", "request.idempotency_key"},
		{"an Idempotency-Key with blanks", "POST", "/v1/payers", "{}", []string{"Idempotency-Key", "a b"}, 400, "malformed", "request.idempotency_key"},
		{"an Idempotency-Key that is too long", "POST", "/v1/payers", "{}", []string{"Idempotency-Key", strings.Repeat("k", 256)}, 400, "malformed", "request.idempotency_key"},
		{"all headers wrong", "POST", "/v1/payers?x=1", "{}", []string{"Idempotency-Key", "", "If-Match", "abc", "X-Dry-Run", "maybe"}, 400, "malformed", "request.query, request.idempotency_key, request.if_match, request.dry_run"},
		{"headers and body wrong", "POST", "/v1/payers", `{"nmae": 1, "name": 2}`, []string{"Idempotency-Key", ""}, 400, "malformed", "request.idempotency_key, syntax.json /nmae, syntax.json /name"},
		{"headers wrong and no body", "POST", "/v1/payers", "", []string{"Idempotency-Key", ""}, 400, "malformed", "request.idempotency_key, request.body"},
		{"headers wrong and a body too large", "POST", "/v1/payers", big, []string{"Idempotency-Key", ""}, 413, "too_large", ""},
		{"another method than the document's", "POST", "/openapi.json", "", nil, 405, "method_not_allowed", ""},
		{"refused by its form and by a rule", "GET", "/v1/payers/mixed", "", nil, 400, "malformed", "syntax.string.min_len /name, registry.second /rates"},
		{"a token of nobody", "GET", "/v1/payers/pay_1", "", []string{"X-Consistency-Token", "nonsense"}, 400, "malformed", "request.consistency_token"},
		{"refused by two rules", "GET", "/v1/payers/refused", "", nil, 422, "refused", "registry.first /rates/1/service_code, registry.second /name"},
		{"stale", "GET", "/v1/payers/stale", "", nil, 412, "stale", ""},
		{"key reused", "GET", "/v1/payers/reused", "", nil, 422, "key_reused", ""},
		{"a fault", "GET", "/v1/payers/fault", "", nil, 500, "internal", ""},
		{"not found", "GET", "/v1/payers/5", "", nil, 404, "not_found", ""},
		{"malformed", "GET", "/v1/payers/3", "", nil, 400, "malformed", "syntax.query"},
		{"not allowed", "GET", "/v1/payers/7", "", nil, 403, "not_allowed", ""},
		{"too slow", "GET", "/v1/payers/4", "", nil, 504, "too_slow", ""},
		{"unavailable", "GET", "/v1/payers/14", "", nil, 503, "unavailable", ""},
		{"a service that does not know the gateway", "GET", "/v1/payers/16", "", nil, 500, "internal", ""},
		{"not there", "GET", "/v1/contracts/con_1", "", nil, 501, "not_there", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := e.call(c.method, c.path, c.body, append([]string{"X-Request-Id", "req-7"}, c.headers...)...)
			var said []string
			for _, reason := range w.Errors {
				said = append(said, strings.TrimSuffix(reason.RuleID+" "+reason.Pointer, " "))
				if reason.Message == "" || reason.Owner == "" || reason.RuleVersion == 0 {
					t.Errorf("a reason lacks something: %+v", reason)
				}
			}
			p := w.Problem
			if w.StatusCode != c.status || p.Status != c.status || p.Code != c.code || strings.Join(said, ", ") != c.errors {
				t.Errorf("%d %s, want %d %s %s", w.StatusCode, w.text, c.status, c.code, c.errors)
			}
			if p.Type != "https://evenkeel.dev/problems/"+c.code || p.Title == "" || p.Detail == "" || p.Instance != "req-7" || w.Header.Get("X-Request-Id") != "req-7" {
				t.Errorf("the problem is not whole: %s", w.text)
			}
			if strings.Contains(w.text, "hunter2") {
				t.Error("a fault is told to the caller")
			}
			if (c.status == 503) != (w.Header.Get("Retry-After") != "") || (c.status == 401) != (w.Header.Get("WWW-Authenticate") != "") || (c.status == 405) != (w.Header.Get("Allow") != "") {
				t.Errorf("headers: %v", w.Header)
			}
		})
	}
}

// HEAD is GET without its body, of what is there and of what is not; a body that comes in pieces is read like another, and has the same end.
func TestHeadsAndPieces(t *testing.T) {
	e := open(t, Config{})
	head := func(path string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, e.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+e.key)
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return w // HEAD has no body to close
	}
	for _, c := range []struct {
		path   string
		status int
		media  string
	}{
		{"/v1/payers", 200, "application/json"}, {"/v1/payers/pay_1", 200, "application/json"}, {"/v1/nothing", 404, "application/problem+json"}, {"/v1//payers", 404, "application/problem+json"},
		{"/v1/payers/pay_1/policies/x", 404, "application/problem+json"}, {"/v1/platform/status", 200, "application/json"}, {"/openapi.json", 200, "application/json"},
	} {
		w := head(c.path)
		if w.StatusCode != c.status || w.Header.Get("Content-Type") != c.media {
			t.Errorf("HEAD %s: %d %s", c.path, w.StatusCode, w.Header.Get("Content-Type"))
		}
	}
	for _, c := range []struct {
		size, status int
		code         string
	}{{10, 201, ""}, {jsonMost, 413, "too_large"}} {
		pieces := io.MultiReader(strings.NewReader(`{"name": "`), strings.NewReader(strings.Repeat("x", c.size)), strings.NewReader(`"}`)) // no length is known
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.url+"/v1/payers", pieces)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+e.key)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "k1")
		if w := e.send(http.DefaultClient, r); w.StatusCode != c.status || w.Code != c.code {
			t.Errorf("%d bytes in pieces: %d %s", c.size, w.StatusCode, w.text)
		}
	}
}

// A service that is away is named by whoever needed it, without where it would be; of the others the status is told.
func TestAServiceThatIsAway(t *testing.T) {
	e := open(t, Config{}, "intake")
	w := e.call("GET", "/v1/patients/pat_1", "")
	if w.StatusCode != 503 || w.Problem.Detail != "the service intake does not answer" || w.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", w.StatusCode, w.text)
	}
	if w := e.call("GET", "/v1/payers/14", ""); w.StatusCode != 503 || w.Problem.Detail != "said by the service" {
		t.Errorf("one that is there and says no: %d %s", w.StatusCode, w.text)
	}
	var all struct {
		Services []struct{ Service string }
		Silent   []silence
	}
	w = e.call("GET", "/v1/platform/status", "")
	if err := json.Unmarshal([]byte(w.text), &all); err != nil || w.StatusCode != 200 || len(all.Services) != len(asked)-1 || len(all.Silent) != 1 || all.Silent[0] != (silence{"intake", "the service intake does not answer"}) {
		t.Errorf("%d %s, %v", w.StatusCode, w.text, err)
	}
}

// An answer does not grow with the nonsense that was sent: it tells the first errors and how many there are beside.
func TestAnAnswerHasAnEnd(t *testing.T) {
	w := open(t, Config{}).call("GET", "/v1/payers/endless", "")
	if len(w.Errors) != errorsMost || !strings.Contains(w.Problem.Detail, "150 more") || len(w.Errors[0].Message) > 510 {
		t.Errorf("%d errors, %q, %q", len(w.Errors), w.Problem.Detail, w.Errors[0].Message)
	}
}

// What a caller sends beside the body reaches the service, and nothing else of its headers does.
func TestACallCarriesItsCaller(t *testing.T) {
	e := open(t, Config{})
	const id = "018f0000-0000-7000-8000-000000000001"
	w := e.call("POST", "/v1/payers", `{"name": "Blue"}`, "X-Request-Id", id, "If-Match", `"3"`, "X-Dry-Run", "true", "Idempotency-Key", "order-1",
		"X-Evenkeel-Tenant", "0e7e0000-0000-8000-8000-0000000000ff", "Grpc-Metadata-X-Evenkeel-Tenant", "0e7e0000-0000-8000-8000-0000000000ff", "Grpc-Metadata-X-Evenkeel-Actor", "user:root")
	if w.StatusCode != 200 {
		t.Fatalf("%d %s", w.StatusCode, w.text)
	}
	want := engine.Caller{Tenant: hosttest.Tenant, Actor: "key:first", RequestKey: "order-1", IfMatch: 3, DryRun: true, Correlation: e.registry.caller.Correlation}
	if e.registry.caller != want || want.Correlation.String() != id || e.registry.payer.Name != "Blue" {
		t.Errorf("the service saw %+v, %v", e.registry.caller, e.registry.payer)
	}
	if e.call("GET", "/v1/payers/pay_1", "", "Idempotency-Key", "k", "X-Request-Id", "not a uuid"); e.registry.caller.RequestKey != "" || e.registry.caller.Correlation == want.Correlation {
		t.Errorf("a read: %+v", e.registry.caller)
	}
}

// A receipt's answer in HTTP's own words.
func TestReceipts(t *testing.T) {
	e := open(t, Config{})
	at := timestamppb.New(time.Date(2026, 3, 2, 12, 0, 0, 123456789, time.UTC))
	one, two := []*typev1.EventRef{{EventId: "e"}}, []*typev1.EventRef{{EventId: "e"}, {EventId: "f"}}
	for _, c := range []struct {
		name                 string
		receipt              *typev1.Receipt
		dry                  string
		status               int
		location, etag, seen string
	}{
		{"made", &typev1.Receipt{Id: "pay_1", Version: 1, Events: one, RecordedAt: at, ConsistencyToken: "registry:1:7"}, "", 201, "/v1/payers/pay_1", `"1"`, "registry:1:7"},
		{"made with two events", &typev1.Receipt{Id: "pay_1", Version: 2, Events: two}, "", 201, "/v1/payers/pay_1", `"2"`, ""},
		{"the same again", &typev1.Receipt{Id: "pay_1", Version: 1, Events: one, Replayed: true}, "", 201, "/v1/payers/pay_1", `"1"`, ""},
		{"changed, not made", &typev1.Receipt{Id: "pay_1", Version: 5, Events: one}, "", 200, "", `"5"`, ""},
		{"nothing had to change", &typev1.Receipt{Id: "pay_1", Version: 1}, "", 200, "", `"1"`, ""},
		{"a dry run", &typev1.Receipt{Id: "pay_1", Version: 1, Events: one}, "true", 200, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e.registry.receipt = c.receipt
			w := e.call("POST", "/v1/payers", "{}", "X-Dry-Run", c.dry)
			h := w.Header
			if w.StatusCode != c.status || h.Get("Location") != c.location || h.Get("ETag") != c.etag || h.Get("X-Consistency-Token") != c.seen || (h.Get("Idempotent-Replayed") == "true") != c.receipt.Replayed {
				t.Errorf("%d %v", w.StatusCode, h)
			}
			if c.receipt.RecordedAt != nil && !strings.Contains(w.text, "12:00:00.123456Z") {
				t.Errorf("an instant is finer than what is kept: %s", w.text)
			}
		})
	}
	if w := e.call("POST", "/v1/payers/pay_1/policies", "{}"); w.StatusCode != 200 || w.Header.Get("Location") != "" || w.Header.Get("ETag") != `"2"` {
		t.Errorf("a change of a payer makes no new thing: %d %v", w.StatusCode, w.Header)
	}
	if w := e.call("GET", "/v1/payers/pay_1", ""); w.Header.Get("ETag") != `"4"` || !strings.Contains(w.text, `"behavioral_payer_id":""`) {
		t.Errorf("read: %v %s", w.Header, w.text)
	}
	if w := e.call("GET", "/v1/statements/sta_1:html", ""); w.text != "<p>You owe nothing.</p>" || !strings.HasPrefix(w.Header.Get("Content-Type"), "text/html") || !strings.Contains(w.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("a page: %v %s", w.Header, w.text)
	}
}

// What a key has written is what its later calls wait for, and nobody else's.
func TestACallerSeesItsOwnWrites(t *testing.T) {
	e := open(t, Config{})
	for i := range seenMost + 2 {
		e.registry.receipt = &typev1.Receipt{Id: "pay_1", Version: 1, ConsistencyToken: fmt.Sprintf("registry:1:%d", i+1)}
		e.call("POST", "/v1/payers", "{}")
	}
	e.call("GET", "/v1/payers", "", "X-Consistency-Token", "intake:2:9|claims:3:4")
	got := e.registry.tokens
	if len(got) != seenMost+2 || got[0] != "registry:1:3" || !slices.Equal(got[seenMost:], []string{"intake:2:9", "claims:3:4"}) {
		t.Errorf("tokens: %v", got)
	}
	if e.call("GET", "/v1/payers", "", "Authorization", "Bearer "+e.newKey("other", session.Admin)); len(e.registry.tokens) != 0 {
		t.Errorf("another key waits for %v", e.registry.tokens)
	}
}

// The table of roles has a row for each call and no row without one.
func TestEveryCallHasARow(t *testing.T) {
	used := map[string]bool{"platform": true, "sandbox": true}
	for _, r := range routes {
		row := resource(strings.TrimPrefix(r.pattern, "/v1/"))
		if _, ok := table[row]; !ok {
			t.Errorf("%s %s has no row %q", r.method, r.pattern, row)
		}
		used[row] = true
		if !may(session.Admin, r.method, r.pattern) {
			t.Errorf("not even an administrator may %s %s", r.method, r.pattern)
		}
		if (r.method == http.MethodPost && !readsByPost(r.pattern)) && may(session.ReadOnly, r.method, r.pattern) {
			t.Errorf("who only reads may %s %s", r.method, r.pattern)
		}
		for _, role := range []string{"", "root"} {
			if may(role, r.method, r.pattern) {
				t.Errorf("%q may %s %s", role, r.method, r.pattern)
			}
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			if may(session.ReadOnly, method, r.pattern) && !readsByPost(r.pattern) {
				t.Errorf("who only reads may %s %s", method, r.pattern)
			}
		}
	}
	for row := range table {
		if !used[row] {
			t.Errorf("the row %q is of no call", row)
		}
	}
	if len(routes) < 60 {
		t.Errorf("only %d calls were found", len(routes))
	}
	if may(session.Admin, "GET", "/v1/nothing") || may(session.Admin, "GET", "") || may(session.Admin, "GET", "/v2/claims") {
		t.Error("what is not in the table is allowed")
	}
}

// Who may send a file may read what became of it.
func TestWhoSendsAFileSeesWhatBecameOfIt(t *testing.T) {
	for _, role := range session.Roles {
		if may(role, "POST", "/v1/interchanges") && !(may(role, "GET", "/v1/interchanges/{interchange_id}") && may(role, "GET", "/v1/encounters/{encounter_id}")) {
			t.Errorf("%s sends files and does not see what became of them", role)
		}
	}
}

// A role does what its row says, through HTTP.
func TestRoles(t *testing.T) {
	e := open(t, Config{})
	for _, c := range []struct {
		role, method, path string
		status             int
	}{
		{session.ReadOnly, "GET", "/v1/payers", 200},
		{session.ReadOnly, "POST", "/v1/payers", 403},
		{session.Biller, "POST", "/v1/payers", 403},
		{session.Admin, "POST", "/v1/payers", 201},
		{session.ClinicianSystem, "GET", "/v1/deposits", 403},
		{session.Finance, "GET", "/v1/deposits", 501}, // let through; nobody answers here
		{session.Finance, "GET", "/v1/patients", 403},
		{session.ReadOnly, "POST", "/v1/patients:search", 501},
		{session.Finance, "POST", "/v1/patients:search", 403},
		{session.ClinicianSystem, "POST", "/v1/interchanges", 501},
		{session.ClinicianSystem, "GET", "/v1/interchanges/itc_1", 501},
		{session.ClinicianSystem, "GET", "/v1/interchanges/itc_1:content", 403},
		{session.ClinicianSystem, "GET", "/v1/interchanges/itc_1/segments", 403},
		{session.Biller, "GET", "/v1/platform/status", 403},
		{session.Admin, "GET", "/v1/platform/status", 200},
		{session.Biller, "GET", "/v1/sandbox/clock", 403},
	} {
		w := e.call(c.method, c.path, "{}", "Authorization", "Bearer "+e.newKey(c.role, c.role))
		if w.StatusCode != c.status || w.StatusCode == 403 && w.Code != "not_allowed" {
			t.Errorf("%s may %s %s: %d %s, want %d", c.role, c.method, c.path, w.StatusCode, w.text, c.status)
		}
	}
}

// stopped is a sandbox's clock that stands.
type stopped time.Time

func (s stopped) Now() time.Time                           { return time.Time(s) }
func (s stopped) Advance(context.Context, time.Time) error { return nil }

// quiet says what is left to do as a list of texts, as the document says: one look never suffices, and says so.
func TestQuietSaysWhatIsLeft(t *testing.T) {
	e := open(t, Config{Clock: stopped(time.Now())})
	for path, want := range map[string]string{"/v1/sandbox/quiet": `{"busy":["nothing is left to do at this moment`, "/v1/sandbox/quiet?wait=30s": `{"busy":[],"quiet":true}`} {
		if w := e.call("GET", path, ""); w.StatusCode != 200 || !strings.HasPrefix(w.text, want) {
			t.Errorf("%s: %d %s, want %s", path, w.StatusCode, w.text, want)
		}
	}
}

// A key that asks too much is told when to go on; others are not held up.
func TestTooManyRequests(t *testing.T) {
	e := open(t, Config{})
	l := &limits{of: map[string]*limit{}}
	now := time.Now()
	for range burst {
		if !l.bucket("a", now).AllowN(now, 1) {
			t.Fatal("refused within the burst")
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/v1/payers", nil)
	l.bucket("a", now).AllowN(now.Add(time.Hour), burst) // used up for some time to come
	if l.take(w, r, "a") || w.Code != 429 || w.Header().Get("Retry-After") == "" || w.Header().Get("RateLimit-Remaining") != "0" || !strings.Contains(w.Body.String(), "too_many_requests") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if !l.take(httptest.NewRecorder(), r, "b") {
		t.Error("another key is held up")
	}
	if w := e.call("GET", "/v1/payers", ""); w.Header.Get("RateLimit-Limit") != strconv.Itoa(burst) || w.Header.Get("RateLimit-Remaining") == "" {
		t.Errorf("%v", w.Header)
	}
}

// The log has one line for a request, and none of what a client put into its URL.
func TestTheLogNamesNobody(t *testing.T) {
	e := open(t, Config{})
	e.call("GET", "/v1/patients/Quartzsample?name=Quartzsample", "", "X-Request-Id", "req-8")
	e.call("GET", "/v1/Quartzsample", "")
	e.call("POST", "/v1/payers", `{"nmae": "Quartzsample"}`)
	log := e.log.String()
	if strings.Contains(log, "Quartz") {
		t.Errorf("the log names somebody: %s", log)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(strings.SplitN(log, "\n", 2)[0]), &line); err != nil {
		t.Fatal(err)
	}
	if line["path"] != "/v1/patients/{patient_id}" || line["status"] != 400.0 || line["actor"] != "key:first" || line["request_id"] != "req-8" || line["method"] != "GET" || strings.Count(log, "\n") != 3 {
		t.Errorf("log: %s", log)
	}
}

// pages are a console as small as can be.
func pages(rt *host.Runtime, s *session.Store) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		if err := s.SignIn(r.Context(), w, r.PostFormValue("email"), r.PostFormValue("password")); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("POST /sign-out", func(w http.ResponseWriter, r *http.Request) {
		id, _, err := s.Request(r)
		if err != nil || !id.Genuine(r) {
			http.Error(w, "forged", http.StatusForbidden)
			return
		}
		if err := s.SignOut(r.Context(), w, r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		id, _, err := s.Request(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprint(w, id.CSRF)
	})
	return mux, nil
}

// People sign in, use the API from a page, and sign out; a form of another site does nothing.
func TestForgedFormIsRefused(t *testing.T) {
	e := open(t, Config{Console: pages})
	password, err := e.store.NewUser(t.Context(), hosttest.Tenant, "Anna@Example.org", "Anna", session.Admin, "")
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	send := func(method, path, body string, headers ...string) reply {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, e.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return e.send(browser, r)
	}
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	signIn := func(email, password string) reply {
		t.Helper()
		return send("POST", "/sign-in", url.Values{"email": {email}, "password": {password}}.Encode(), form...)
	}
	for _, wrong := range [][2]string{{"anna@example.org", "wrong"}, {"nobody@example.org", password}, {"", ""}} {
		if w := signIn(wrong[0], wrong[1]); w.StatusCode != 401 || !strings.Contains(w.text, session.ErrWrong.Error()) || len(w.Cookies()) != 0 {
			t.Errorf("%s signed in: %d %s", wrong[0], w.StatusCode, w.text)
		}
	}
	in := signIn("ANNA@example.org", password)
	if in.StatusCode != 200 || len(in.Cookies()) != 1 {
		t.Fatalf("sign-in: %d %s", in.StatusCode, in.text)
	}
	if c := in.Cookies()[0]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" {
		t.Errorf("cookie: %v", c)
	}
	csrf := send("GET", "/", "").text
	if csrf == "" || strings.Contains(in.Cookies()[0].Value, csrf) {
		t.Fatalf("token: %q", csrf)
	}
	if w := send("GET", "/v1/payers", ""); w.StatusCode != 200 || e.registry.caller.Actor != "user:anna@example.org" {
		t.Errorf("a read from a page: %d %s, by %s", w.StatusCode, w.text, e.registry.caller.Actor)
	}
	post := []string{"Content-Type", "application/json", "Idempotency-Key", "k"}
	for _, token := range []string{"", "forged"} {
		if w := send("POST", "/v1/payers", "{}", append([]string{"X-CSRF-Token", token}, post...)...); w.StatusCode != 403 || w.Code != "forged" || e.registry.payer != nil {
			t.Errorf("a write with the token %q: %d %s", token, w.StatusCode, w.text)
		}
	}
	if w := send("POST", "/v1/payers", "{}", append([]string{"X-CSRF-Token", csrf}, post...)...); w.StatusCode != 201 {
		t.Errorf("a write from a page: %d %s", w.StatusCode, w.text)
	}
	if w := send("POST", "/sign-out", "csrf_token=forged", form...); w.StatusCode != 403 {
		t.Errorf("another site signed her out: %d", w.StatusCode)
	}
	stolen := in.Cookies()[0]
	if w := send("POST", "/sign-out", url.Values{"csrf_token": {csrf}}.Encode(), form...); w.StatusCode != 200 {
		t.Errorf("sign-out: %d %s", w.StatusCode, w.text)
	}
	for _, cookie := range []string{"", stolen.Name + "=" + stolen.Value} {
		if w := send("GET", "/v1/payers", "", "Cookie", cookie); w.StatusCode != 401 {
			t.Errorf("signed out, and yet: %d", w.StatusCode)
		}
	}

	// A session that nobody uses ends; each use keeps it.
	if w := signIn("anna@example.org", password); w.StatusCode != 200 {
		t.Fatal(w.text)
	}
	for range 3 {
		e.now = e.now.Add(11 * time.Hour)
		if w := send("GET", "/v1/payers", ""); w.StatusCode != 200 {
			t.Errorf("a session in use has ended: %d", w.StatusCode)
		}
	}
	e.now = e.now.Add(13 * time.Hour)
	if w := send("GET", "/v1/payers", ""); w.StatusCode != 401 {
		t.Errorf("a session nobody used goes on: %d", w.StatusCode)
	}
}

// Who is made has a known role and a password worth the name; nothing in the database lets anybody in.
func TestCredentialsAreKeptAsHashes(t *testing.T) {
	e := open(t, Config{})
	if _, err := e.store.NewKey(t.Context(), hosttest.Tenant, "x", "root"); err == nil {
		t.Error("a key of an unknown role was made")
	}
	for _, bad := range []string{"", " ", "\u200b", "ehr\nkey:admin", "ehr\x00", "\u202erhe", " ehr", strings.Repeat("x", 101), "\xff"} {
		if _, err := e.store.NewKey(t.Context(), hosttest.Tenant, bad, session.Biller); err == nil || !strings.Contains(err.Error(), "name") {
			t.Errorf("a key with the name %q: %v", bad, err)
		}
		if _, err := e.store.NewUser(t.Context(), hosttest.Tenant, "c@example.org", bad, session.Biller, ""); err == nil || !strings.Contains(err.Error(), "name") {
			t.Errorf("a user with the name %q: %v", bad, err)
		}
	}
	for _, bad := range []string{"short", strings.Repeat("x", 73)} {
		if _, err := e.store.NewUser(t.Context(), hosttest.Tenant, "b@example.org", "B", session.Biller, bad); err == nil {
			t.Errorf("the password %q was taken", bad)
		}
	}
	password, err := e.store.NewUser(t.Context(), hosttest.Tenant, "b@example.org", "B", session.Biller, "")
	if err != nil || len(password) < 20 {
		t.Fatalf("%q, %v", password, err)
	}
	var kept string
	if err := e.store.DB.QueryRow(t.Context(), `SELECT (SELECT string_agg(k::text, ' ') FROM api_keys k) || (SELECT string_agg(u::text || convert_from(password_hash, 'UTF8'), ' ') FROM users u)`).Scan(&kept); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(kept, password) || strings.Contains(kept, strings.TrimPrefix(e.key, "ek_")) || !strings.Contains(kept, "$2a$") {
		t.Errorf("kept: %s", kept)
	}
	if _, err := e.store.DB.Exec(t.Context(), `UPDATE api_keys SET revoked_at = now()`); err != nil {
		t.Fatal(err)
	}
	if w := e.call("GET", "/v1/payers", ""); w.StatusCode != 401 {
		t.Errorf("a revoked key: %d", w.StatusCode)
	}
}
