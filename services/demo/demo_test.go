package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
)

// door is a platform's front door without a platform behind it: it takes what the API's descriptors allow, keeps every write, and answers a key that it has seen as before.
type door struct {
	t  *testing.T
	mu sync.Mutex

	now    time.Time
	writes map[string]string // body and path, by key
	ids    map[string]string
	fresh  int
	again  int
	fail   func(n int) int // status to fail the n-th request with; 0: none
	n      int
	codes  []string // encounters with an open query
	denied []*claimsv1.Claim
}

func newDoor(t *testing.T) *door {
	return &door{t: t, now: time.Date(2026, 1, 5, 13, 0, 0, 0, time.UTC), writes: map[string]string{}, ids: map[string]string{}}
}

func (d *door) start() (*httptest.Server, Options) {
	s := httptest.NewServer(d)
	d.t.Cleanup(s.Close)
	return s, Options{BaseURL: s.URL + "/", APIKey: "ek_test", Seed: 1, Weeks: 6, Patients: 40, Out: io.Discard}
}

// method of the API that a request means, and the names in its path.
func method(verb, path string) (protoreflect.MethodDescriptor, map[string]string) {
	var found protoreflect.MethodDescriptor
	var names map[string]string
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			for j := range f.Services().Get(i).Methods().Len() {
				m := f.Services().Get(i).Methods().Get(j)
				rule, ok := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
				if !ok || rule == nil {
					continue
				}
				pattern := rule.GetGet()
				if verb == http.MethodPost {
					pattern = rule.GetPost()
				}
				if got, ok := match(pattern, path); ok {
					found, names = m, got
					return false
				}
			}
		}
		return true
	})
	return found, names
}

func match(pattern, path string) (map[string]string, bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if pattern == "" || len(want) != len(have) {
		return nil, false
	}
	names := map[string]string{}
	for i, w := range want {
		switch {
		case strings.HasPrefix(w, "{") && strings.HasSuffix(w, "}"):
			names[strings.Trim(w, "{}")] = have[i]
		case w != have[i]:
			return nil, false
		}
	}
	return names, true
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Error(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	if d.fail != nil {
		if status := d.fail(d.n); status != 0 {
			http.Error(w, "{}", status)
			return
		}
	}
	if r.Header.Get("Authorization") != "Bearer ek_test" {
		d.t.Errorf("%s %s without the API key", r.Method, r.URL.Path)
	}
	switch r.URL.Path {
	case "/v1/sandbox/clock":
		_ = json.NewEncoder(w).Encode(map[string]time.Time{"now": d.now})
		return
	case "/v1/sandbox/clock:advance":
		var to struct{ To time.Time }
		if err := json.Unmarshal(body, &to); err != nil || !to.To.After(d.now) {
			d.t.Errorf("the clock goes from %s to %s: %v", d.now, to.To, err)
		}
		d.now = to.To
		return
	case "/v1/sandbox/quiet":
		_, _ = io.WriteString(w, `{"quiet": true}`)
		return
	}
	m, names := method(r.Method, r.URL.Path)
	if m == nil {
		d.t.Errorf("%s %s is not in the API", r.Method, r.URL.Path)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var answer proto.Message
	if r.Method == http.MethodPost {
		answer = d.write(r, m, names, body)
	} else {
		answer = d.read(m, names)
	}
	b, err := protojson.Marshal(answer)
	if err != nil {
		d.t.Error(err)
	}
	_, _ = w.Write(b)
}

func (d *door) write(r *http.Request, m protoreflect.MethodDescriptor, names map[string]string, body []byte) *typev1.Receipt {
	in := dynamicpb.NewMessage(m.Input())
	if err := protojson.Unmarshal(body, in); err != nil {
		d.t.Errorf("POST %s: %v", r.URL.Path, err)
	}
	for name, value := range names {
		f := m.Input().Fields().ByName(protoreflect.Name(name))
		if in.Has(f) {
			d.t.Errorf("POST %s: %s is in the path and in the body", r.URL.Path, name)
		}
		in.Set(f, protoreflect.ValueOfString(value))
	}
	in.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if proto.HasExtension(f.Options(), typev1.E_Fill) {
			d.t.Errorf("POST %s: %s is written by the platform", r.URL.Path, f.Name())
		}
		return true
	})
	key := r.Header.Get("Idempotency-Key")
	canonical, err := proto.MarshalOptions{Deterministic: true}.Marshal(in)
	if err != nil {
		d.t.Error(err)
	}
	what := r.URL.Path + "\n" + string(canonical)
	if before, seen := d.writes[key]; seen {
		d.again++
		if before != what {
			d.t.Errorf("POST %s: its key was used for another request", r.URL.Path)
		}
		return &typev1.Receipt{Id: d.ids[key], Replayed: true, RecordedAt: timestamppb.New(time.Date(2026, 1, 5, 13, 0, 0, 0, time.UTC))}
	}
	if key == "" {
		d.t.Errorf("POST %s without an Idempotency-Key", r.URL.Path)
	}
	d.fresh++
	d.writes[key], d.ids[key] = what, "id-"+strings.TrimPrefix(key, "demo-")
	return &typev1.Receipt{Id: d.ids[key], RecordedAt: timestamppb.New(d.now), Events: []*typev1.EventRef{{Type: "x"}}}
}

func (d *door) read(m protoreflect.MethodDescriptor, names map[string]string) proto.Message {
	switch m.Name() {
	case "ListEncounters":
		out := &codingv1.ListEncountersResponse{}
		for _, id := range d.codes {
			out.Encounters = append(out.Encounters, &codingv1.EncounterSummary{EncounterId: id})
		}
		return out
	case "ListClaims":
		out := &claimsv1.ListClaimsResponse{}
		for _, c := range d.denied {
			out.Claims = append(out.Claims, c.Summary)
		}
		return out
	case "GetClaim":
		for _, c := range d.denied {
			if c.Summary.ClaimId == names["claim_id"] {
				return c
			}
		}
	case "GetPayers":
		answer := dynamicpb.NewMessage(m.Output())
		answer.Set(m.Output().Fields().ByName("equals_ledger"), protoreflect.ValueOfBool(true))
		return answer
	}
	return dynamicpb.NewMessage(m.Output())
}

// Everything that is sent is in the API, has a key, and leaves what the platform writes to the platform: the door checks each request against the descriptors.
func TestSameSeedSameCalls(t *testing.T) {
	var first map[string]string
	for range 2 {
		d := newDoor(t)
		_, o := d.start()
		if _, err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = d.writes
			continue
		}
		if len(first) != len(d.writes) || len(first) < 500 {
			t.Fatalf("%d writes, then %d", len(first), len(d.writes))
		}
		for key, what := range first {
			if d.writes[key] != what {
				t.Fatalf("another run sends something else under the key %s", key)
			}
		}
	}
	d := newDoor(t)
	_, o := d.start()
	o.Seed = 2
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for key := range d.writes {
		if first[key] != "" {
			t.Fatalf("two seeds share the key %s", key)
		}
	}
}

func TestGoesOnWhereItEnded(t *testing.T) {
	whole := newDoor(t)
	_, o := whole.start()
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for _, after := range []int{1, 30, 400, 1200} {
		t.Run(fmt.Sprint("interrupted after ", after), func(t *testing.T) {
			d := newDoor(t)
			_, o := d.start()
			ctx, cancel := context.WithCancel(t.Context())
			d.fail = func(n int) int {
				if n == after {
					cancel()
				}
				return 0
			}
			if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
				t.Fatalf("interrupted: %v", err)
			}
			if _, err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if len(d.writes) != len(whole.writes) {
				t.Errorf("%d writes in two runs, %d in one", len(d.writes), len(whole.writes))
			}
			for key, what := range whole.writes {
				if d.writes[key] != what {
					t.Fatalf("in two runs something else is sent under the key %s", key)
				}
			}
		})
	}
}

func TestACompleteGroupIsRecognised(t *testing.T) {
	d := newDoor(t)
	_, o := d.start()
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	fresh, again := d.fresh, d.again
	var out bytes.Buffer
	o.Out = &out
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if d.fresh != fresh || d.again != again+1 || !strings.Contains(out.String(), "complete; nothing was sent") {
		t.Errorf("%d new writes, %d repeated ones: %s", d.fresh-fresh, d.again-again, out.String())
	}
}

func TestAPlatformThatFailsNowAndThen(t *testing.T) {
	whole, d := newDoor(t), newDoor(t)
	_, o := whole.start()
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	_, o = d.start()
	d.fail = func(n int) int {
		if n%97 == 0 {
			return []int{503, 429, 500, 504}[n/97%4]
		}
		return 0
	}
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if len(d.writes) != len(whole.writes) {
		t.Errorf("%d writes, without failures %d", len(d.writes), len(whole.writes))
	}
}

func TestARefusalEndsItWithEveryReason(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/sandbox/clock":
			_, _ = io.WriteString(w, `{"now": "2026-01-05T13:00:00Z"}`)
		case "/v1/sandbox/quiet":
			_, _ = io.WriteString(w, `{"quiet": true}`)
		default:
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"status": 422, "code": "refused", "title": "The rules do not allow it", "detail": "See errors.", "errors": [
				{"field": "npi", "rule_id": "registry.npi", "message": "no"}, {"field": "name", "rule_id": "registry.named", "message": "empty"}]}`)
		}
	}))
	defer s.Close()
	_, err := Run(t.Context(), Options{BaseURL: s.URL, APIKey: "k", Seed: 1, Weeks: 1, Patients: 1})
	for _, part := range []string{"POST /v1/organizations", "422", "npi (registry.npi): no", "name (registry.named): empty"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
}

func TestWithoutASandboxNothingIsSent(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"status": 404, "code": "not_found"}`)
	}))
	defer s.Close()
	if _, err := Run(t.Context(), Options{BaseURL: s.URL, APIKey: "k", Seed: 1, Weeks: 1, Patients: 1}); !errors.Is(err, errNoSandbox) {
		t.Errorf("got %v", err)
	}
}

// The group is what docs/demo.md says of it.
func TestPlan(t *testing.T) {
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	p := newPlan(1, 10, 150, monday)
	count := map[string]int{}
	seen := map[string]bool{}
	for _, one := range p.patients {
		if len(one.coverages) > 1 {
			count["secondary"]++
		}
		if len(one.coverages) == 0 {
			count["self-pay"]++
		}
		if one.starts%daysOfWeek != 0 {
			t.Errorf("%s begins on day %d, which is no Monday", one.name, one.starts)
		}
		if !date.Valid(one.request.BirthDate) || one.request.BirthDate > iso(monday) {
			t.Errorf("%s is born on %s", one.name, one.request.BirthDate)
		}
	}
	for _, v := range p.visits {
		if seen[v.name] {
			t.Errorf("two visits are called %s", v.name)
		}
		seen[v.name] = true
		count["visits"]++
		count["kind "+v.kind.String()]++
		count["modality "+v.modality.String()]++
		if v.day >= 0 && (v.day%daysOfWeek > 4 || v.day >= 10*daysOfWeek) {
			t.Errorf("%s is on day %d", v.name, v.day)
		}
		if v.entered < v.patient.starts || v.entered < v.day {
			t.Errorf("%s of day %d is entered on day %d, its patient begins on %d", v.name, v.day, v.entered, v.patient.starts)
		}
		if prices[v.code] == 0 {
			t.Errorf("%s expects %s, which has no price", v.name, v.code)
		}
		for name, is := range map[string]bool{
			"duplicate": v.again != 0, "late": v.walkIn, "forgotten": v.missing != nothingMissing, "permitted": v.permit != nil, "called off": v.fate == cancelled, "no show": v.fate == noShow,
			"too short": v.kind == codingv1.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY && v.minutes < 16,
		} {
			if is {
				count[name]++
			}
		}
	}
	for name, span := range map[string][2]int{
		"visits": {900, 1500}, "secondary": {15, 32}, "self-pay": {6, 20}, "duplicate": {2, 15}, "late": {2, 10}, "forgotten": {5, 80}, "permitted": {20, 200}, "called off": {30, 120},
		"no show": {15, 70}, "too short": {1, 12}, "kind SERVICE_KIND_GROUP": {20, 200}, "kind SERVICE_KIND_CRISIS": {2, 30}, "kind SERVICE_KIND_MEDICATION": {20, 150},
		"kind SERVICE_KIND_FAMILY_WITH_PATIENT": {20, 150}, "modality MODALITY_VIDEO_PATIENT_HOME": {150, 400},
	} {
		if n := count[name]; n < span[0] || n > span[1] {
			t.Errorf("%d %s, want %d to %d", n, name, span[0], span[1])
		}
	}
	if t.Failed() {
		t.Log(count)
	}
	if len(clinicians) != 12 || len(places) != 3 {
		t.Errorf("%d clinicians, %d locations", len(clinicians), len(places))
	}
}

// Whatever size the options allow, there is a plan, and each visit of it begins and ends within its day.
func TestAGroupOfAnySize(t *testing.T) {
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for _, weeks := range []int{1, 2, 3, 9, 52} {
		for _, patients := range []int{1, 7, 80, 5000} {
			for seed := range uint64(10) {
				if patients*weeks*int(seed) > 100_000 {
					continue // it takes long, and shows nothing that the smaller ones don't
				}
				for _, v := range newPlan(seed, weeks, patients, monday).visits {
					if v.clock < 0 || v.clock+max(v.booked, v.minutes) >= 24*60 || v.booked <= 0 || v.minutes <= 0 {
						t.Fatalf("seed %d, %d weeks, %d patients: %s begins at minute %d, is booked for %d and lasts %d", seed, weeks, patients, v.name, v.clock, v.booked, v.minutes)
					}
				}
			}
		}
	}
}

func TestFirstMonday(t *testing.T) {
	for _, c := range []struct{ founded, monday string }{
		{"2026-01-05T13:00:00Z", "2026-01-05"}, // a Monday, in time
		{"2026-01-05T13:00:01Z", "2026-01-12"}, // too late for this one
		{"2026-01-06T00:00:00Z", "2026-01-12"},
		{"2026-01-11T23:30:00Z", "2026-01-12"},
	} {
		founded, err := time.Parse(time.RFC3339, c.founded)
		if err != nil {
			t.Fatal(err)
		}
		if got := iso(firstMonday(founded)); got != c.monday {
			t.Errorf("founded %s: %s, want %s", c.founded, got, c.monday)
		}
	}
}

func TestBillerActsOnce(t *testing.T) {
	d := newDoor(t)
	_, o := d.start()
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	// The same group, of whose visits two met a query and one a denial for a missing modifier.
	var encounters []string
	for key, what := range d.writes {
		if strings.HasPrefix(what, "/v1/encounters\n") {
			encounters = append(encounters, d.ids[key])
		}
	}
	slices.Sort(encounters)
	again := newDoor(t)
	_, o = again.start()
	again.codes = []string{encounters[0], encounters[1], "enc_of_another_group"}
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	answers := 0
	for _, what := range again.writes {
		if strings.Contains(what, "/coder-answers\n") {
			answers++
		}
	}
	if answers != 2 {
		t.Errorf("%d queries were answered, of this group there are 2", answers)
	}
}
