package security

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample is a public X12 file.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "pkg", "x12", "testdata", "samples", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// with is an object with some fields changed.
func with(base object, changes object) object {
	out := maps.Clone(base)
	maps.Copy(out, changes)
	return out
}

// Each bad request is a problem document that names every rule that was not met and where; no service has written anything after it.
func TestBadInputLeavesNothingBehind(t *testing.T) {
	p := open(t)
	a, b := p.key(t, tenantA, "admin"), p.key(t, tenantB, "admin")
	g := a.register(evergreen)
	other := b.register(harbor)
	patient, coverage := a.plain(g, "000001")
	foreign, _ := b.plain(other, "000002")
	a.quiet()
	visit := a.visit(g, patient, nil)
	a.sign(g, visit)
	open := a.visit(g, patient, nil)
	a.quiet()

	day := func(n int) string { return p.clock.Now().AddDate(0, 0, n).Format("2006-01-02") }
	born := object{
		"name": object{"last": "Testpatient", "first": "Other"}, "birth_date": "1990-02-03", "sex": "SEX_FEMALE", "location_id": g.location,
		"address": object{"line1": "2 Elm Street", "city": "Portland", "state": "ME", "postal_code": "04101"},
	}
	covered := object{
		"payer_id": g.payer, "payer_sequence": "PAYER_SEQUENCE_SECONDARY", "plan_name": "Plan", "from_date": "2025-01-01", "relationship": "RELATIONSHIP_SELF", "member_id": "M000009",
	}
	from := p.clock.Now().Add(-3 * time.Hour)
	session := object{
		"patient_id": patient, "clinician_id": g.clinician, "location_id": g.location, "service_date": from.Format("2006-01-02"), "start_at": from, "end_at": from.Add(time.Hour),
		"modality": "MODALITY_IN_PERSON", "service_kind": "SERVICE_KIND_PSYCHOTHERAPY", "diagnosis_codes": []string{"F411"},
	}
	approval := object{"patient_id": patient, "payer_id": g.payer, "from_date": day(0), "thru_date": day(100), "units_by_code": object{"90837": 4}}

	for _, c := range []struct {
		name, path string
		body       any
		headers    []string
		status     int
		code       string
		rules      []string
	}{
		{"malformed JSON", "/v1/patients", `{"name": {"last": "Test"`, nil, 400, "malformed", []string{"syntax.json"}},
		{"JSON with something behind it", "/v1/patients", `{} {}`, nil, 400, "malformed", []string{"syntax.json"}},
		{"a body that is no object", "/v1/patients", `[]`, nil, 400, "malformed", []string{"syntax.json"}},
		{"an unknown field", "/v1/patients", with(born, object{"nickname": "T"}), nil, 400, "malformed", []string{"syntax.json /nickname"}},
		{"an unknown field, deep", "/v1/patients", with(born, object{"address": object{"line1": "2 Elm", "street": "2 Elm"}}), nil, 400, "malformed", []string{"syntax.json /address/street"}},
		{"several unknown fields, a wrong kind and an unknown word", "/v1/patients",
			with(born, object{"nickname": "T", "address": object{"line1": 2, "street": "2 Elm"}, "sex": "SEX_X", "aliases": []string{"T"}}), nil, 400, "malformed",
			[]string{"syntax.json /address/line1", "syntax.json /address/street", "syntax.json /aliases", "syntax.json /nickname", "syntax.json /sex"}},
		{"no body", "/v1/patients", "", nil, 400, "malformed", []string{"request.body"}},
		{"a field twice beside an unknown one", "/v1/patients", `{"foo": 1, "birth_date": "1990-01-01", "birthDate": "1991-01-01", "location_id": "loc_9"}`, nil, 400, "malformed",
			[]string{"syntax.json /birthDate", "syntax.json /foo"}},
		{"a patient with nothing at all", "/v1/patients", object{}, nil, 400, "malformed", []string{
			"intake.address /address/city", "intake.address /address/line1", "intake.address /address/postal_code", "intake.address /address/state",
			"intake.birth_date /birth_date", "intake.named /name/first", "intake.named /name/last", "intake.sex /sex", "syntax.string.min_len /location_id",
		}},
		{"a name that no file carries", "/v1/patients", with(born, object{"name": object{"last": "Test\x00", "first": "Other\x07"}}), nil, 400, "malformed",
			[]string{"syntax.text /name/first", "syntax.text /name/last"}},
		{"a state that is none", "/v1/patients", with(born, object{"address": object{"line1": "2 Elm", "city": "Portland", "state": "ZZ", "postal_code": "04101"}}), nil, 422, "refused",
			[]string{"intake.address /address/state"}},
		{"a location in no state", "/v1/locations", object{"organization_id": g.organization, "name": "Nowhere", "place_of_service": "11", "address": with(officeAddress, object{"state": "ZZ"}), "time_zone": "America/New_York"},
			nil, 422, "refused", []string{"registry.street_address /address/state"}},
		{"an encounter before the patient's birth", "/v1/encounters", with(session, object{"service_date": "1989-02-03", "start_at": "1989-02-03T15:00:00Z", "end_at": "1989-02-03T16:00:00Z"}), nil, 422, "refused",
			[]string{"coding.after_birth /service_date"}},
		{"an appointment before the patient's birth", "/v1/appointments", object{
			"patient_id": patient, "clinician_id": g.clinician, "location_id": g.location, "start_at": "1989-02-03T15:00:00Z", "end_at": "1989-02-03T16:00:00Z", "modality": "MODALITY_IN_PERSON", "service_code": "90837",
		}, nil, 422, "refused", []string{"intake.after_birth /start_at"}},
		{"an encounter with more diagnoses than there are", "/v1/encounters", with(session, object{"diagnosis_codes": strings.Split(strings.Repeat("F411 ", 5000)+"F411", " ")}), nil, 422, "refused",
			[]string{"coding.diagnoses /diagnosis_codes"}},
		{"a payment of more money than there is", "/v1/patient-payments", object{"patient_id": patient, "amount": object{"amount_minor": "9223372036854775807", "currency": "USD"}, "method": "card"}, nil, 400, "malformed",
			[]string{"syntax.int64.gte_lte /amount/amount_minor"}},
		{"a payment of more money than anybody pays, tomorrow", "/v1/patient-payments",
			object{"patient_id": patient, "amount": object{"amount_minor": "100000001", "currency": "USD"}, "method": "card", "received_date": day(1)}, nil, 422, "refused",
			[]string{"posting.not_in_the_future /received_date", "posting.payment_limit /amount"}},
		{"a refund of a payment that nobody made", "/v1/patient-payments/ppm_9/refunds", object{"amount": object{"amount_minor": "1", "currency": "USD"}, "reason": "x"}, nil, 404, "not_found",
			[]string{"posting.patient_payment_exists /patient_payment_id"}},
		{"a payment in another currency, in beads", "/v1/patient-payments", object{"patient_id": patient, "amount": object{"amount_minor": "1", "currency": "EUR"}, "method": "beads"}, nil, 422, "refused",
			[]string{"posting.currency /amount/currency", "posting.payment_method /method"}},
		{"a field that the platform writes", "/v1/patients", with(born, object{"today": "2020-01-01"}), nil, 400, "malformed", []string{"request.platform_fills /today"}},
		{"another media type", "/v1/patients", born, []string{"Content-Type", "text/plain"}, 415, "media_type", nil},
		{"no idempotency key", "/v1/patients", born, []string{"Idempotency-Key", ""}, 400, "malformed", []string{"request.idempotency_key"}},
		{"a patient born tomorrow", "/v1/patients", with(born, object{"birth_date": day(1)}), nil, 422, "refused", []string{"intake.birth_date /birth_date"}},
		{"a patient with everything wrong", "/v1/patients", object{"name": object{}, "birth_date": day(1), "location_id": "loc_9"}, nil, 422, "refused", nil},
		{"an encounter that ends before it starts", "/v1/encounters", with(session, object{"end_at": from.Add(-time.Minute)}), nil, 422, "refused", []string{"coding.session_times /end_at"}},
		{"an encounter that ends before it starts, of nobody, somewhere", "/v1/encounters",
			with(session, object{"end_at": from.Add(-time.Minute), "patient_id": "pat_9", "location_id": "loc_9", "diagnosis_codes": []string{}}), nil, 422, "refused",
			[]string{"coding.diagnoses /diagnosis_codes", "coding.location_exists /location_id", "coding.patient_exists /patient_id", "coding.session_times /end_at"}},
		{"an appointment that ends before it starts", "/v1/appointments", object{
			"patient_id": patient, "clinician_id": g.clinician, "location_id": g.location, "start_at": from, "end_at": from.Add(-time.Minute), "modality": "MODALITY_IN_PERSON", "service_code": "90837",
		}, nil, 422, "refused", nil},
		{"a coverage of an unknown payer", "/v1/patients/" + patient + "/coverages", with(covered, object{"payer_id": "pay_9"}), nil, 404, "not_found", []string{"intake.payer_exists /payer_id"}},
		{"a coverage of another tenant's payer", "/v1/patients/" + patient + "/coverages", with(covered, object{"payer_id": other.payer}), nil, 404, "not_found", []string{"intake.payer_exists /payer_id"}},
		{"a coverage of another tenant's patient", "/v1/patients/" + foreign + "/coverages", covered, nil, 404, "not_found", []string{"intake.patient_exists /patient_id"}},
		{"a second signature", "/v1/encounters/" + visit.encounter + "/signatures", object{"signed_by_clinician_id": g.clinician}, nil, 422, "refused", []string{"coding.signed_once"}},
		{"a signature by nobody", "/v1/encounters/" + open.encounter + "/signatures", object{"signed_by_clinician_id": "cli_9"}, nil, 422, "refused", []string{"coding.signer /signed_by_clinician_id"}},
		{"an authorization for another tenant's patient", "/v1/authorizations", with(approval, object{"patient_id": foreign}), nil, 404, "not_found", []string{"authorization.patient_exists /patient_id"}},
		{"an encounter of another tenant's patient", "/v1/encounters", with(session, object{"patient_id": foreign}), nil, 404, "not_found", []string{"coding.patient_exists /patient_id"}},
		{"an appointment of another tenant's patient", "/v1/appointments", object{
			"patient_id": foreign, "clinician_id": g.clinician, "location_id": g.location, "start_at": from, "end_at": from.Add(time.Hour), "modality": "MODALITY_IN_PERSON", "service_code": "90837",
		}, nil, 404, "not_found", nil},
		{"an eligibility check of a coverage that is not there", "/v1/coverages/cov_9/eligibility-checks", object{}, nil, 404, "not_found", nil},
		{"a statement for another tenant's patient", "/v1/patients/" + foreign + "/statements", object{}, nil, 404, "not_found", nil},
		{"a payment of less than nothing", "/v1/patient-payments", object{"patient_id": patient, "amount": object{"amount_minor": "-1", "currency": "USD"}, "method": "card"}, nil, 422, "refused", nil},
		{"a payment of another tenant's patient", "/v1/patient-payments", object{"patient_id": foreign, "amount": object{"amount_minor": "1", "currency": "USD"}, "method": "card"}, nil, 404, "not_found", nil},
		{"an empty file", "/v1/interchanges", object{"file_name": "none.837", "content": ""}, nil, 422, "refused", []string{"exchange.file_not_empty /content"}},
		{"coverage that is there, terminated in the past, by somebody who read it before", "/v1/coverages/" + coverage + "/terminations", object{"thru_date": "2026-06-30"}, []string{"If-Match", `"7"`}, 412, "stale", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := *a
			a.T = t
			before := a.positions()
			got := a.send(http.MethodPost, c.path, c.body, c.headers...)
			if got.status != c.status || got.text("code") != c.code || got.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s, want %d %s", got.status, got.raw, c.status, c.code)
			}
			if got.text("type") == "" || got.text("title") == "" || got.text("detail") == "" || got.text("instance") != got.header.Get("X-Request-Id") {
				t.Errorf("the problem is not complete: %s", got.raw)
			}
			if c.rules != nil && !slices.Equal(got.rules(), c.rules) {
				t.Errorf("rules %q, want %q", got.rules(), c.rules)
			}
			for _, e := range got.list("errors") {
				if message, _ := e["message"].(string); message == "" || e["rule_id"] == nil {
					t.Errorf("an error without its rule or message: %v", e)
				}
			}
			if got.status == 422 && len(got.list("errors")) == 0 {
				t.Errorf("refused without a reason: %s", got.raw)
			}
			a.quiet()
			if after := a.positions(); !maps.Equal(before, after) {
				t.Errorf("something was written: %v, before %v", after, before)
			}
		})
	}
}

// Whatever else is odd about a request is told as well, and nothing is taken that was not understood whole.
func TestOddRequestsAreToldWhatIsWrong(t *testing.T) {
	p := open(t)
	c := p.key(t, tenantA, "admin")
	text := []string{"Content-Type", "text/plain"}
	for _, o := range []struct {
		method, path string
		body         any
		headers      []string
		status       int
		code         string
		rules        string
	}{
		{"GET", "/v1/appointments?readiness=ready&page_size=x&when=now", nil, nil, 400, "malformed", "request.query, syntax.query, syntax.query"},
		{"GET", "/v1/appointments?from_date=2026-02-30&thru_date=soon", nil, nil, 422, "refused", "intake.day, intake.day"},
		{"GET", "/v1/appointments?from_date=2026-02-02&thru_date=2026-02-01", nil, nil, 400, "malformed", "request.period"},
		{"GET", "/v1/accounts?open_only=yes&page_size=-1", nil, nil, 400, "malformed", "request.page_size, syntax.query"},
		{"GET", "/v1/locations?page_size=501&page_token=%2A", nil, nil, 400, "malformed", "request.page_size, request.page_token"},
		{"GET", "/v1/locations?page_size=1&page_size=2", nil, nil, 400, "malformed", "syntax.query"},
		{"GET", "/v1/locations?name=%zz", nil, nil, 400, "malformed", ""},
		{"GET", "/v1/locations/", nil, nil, 404, "not_found", ""},
		{"DELETE", "/v1/patients/pat_1", nil, nil, 405, "method_not_allowed", ""},
		{"PUT", "/v1/sandbox/clock", nil, nil, 405, "method_not_allowed", ""},
		{"GET", "/v1/sandbox/clock:advance", nil, nil, 405, "method_not_allowed", ""},
		{"GET", "/v1/sandbox/nothing", nil, nil, 404, "not_found", ""},
		{"GET", "/v1/sandbox/quiet?until=5s", nil, nil, 400, "malformed", "request.query"},
		{"GET", "/v1/platform/status?service=claims", nil, nil, 400, "malformed", "request.query"},
		{"POST", "/v1/sandbox/clock:advance", `{"to": "2026-01-06T00:00:00Z"}`, text, 415, "media_type", ""},
		{"POST", "/v1/sandbox/clock:advance", `{"to": "2026-01-06T00:00:00Z"} x`, nil, 400, "malformed", ""},
		{"POST", "/v1/sandbox/clock:advance", `{"to": "2026-01-06T00:00:00Z", "by": 1}`, nil, 400, "malformed", ""},
		{"POST", "/v1/sandbox/clock:advance", `{"to": "` + strings.Repeat("x", 1<<20) + `"}`, nil, 413, "too_large", ""},
		{"GET", "/v1/claims?status=lost&page_size=501&patient_control_number=x&page=2", nil, nil, 400, "malformed", "claims.number_typed_right, request.page_size, request.query, syntax.query"},
		{"GET", "/v1/reports/claims?status=lost&page_size=501&sort=age&as_of=soon", nil, nil, 400, "malformed", "reporting.day_exists, request.page_size, request.sort, syntax.string.in"},
		{"POST", "/v1/claims/clm_1/voids", object{"reason": " \t"}, nil, 400, "malformed", "claims.exists /claim_id, syntax.blank /reason"},
		{"POST", "/v1/patients:search", `{"page_size": 5, "name": "x"}`, nil, 400, "malformed", "syntax.json /name, syntax.json /page_size"},
		{"POST", "/v1/patients", `{"nickname": 1}`, []string{"Idempotency-Key", "", "If-Match", "three"}, 400, "malformed",
			"request.idempotency_key, request.if_match, syntax.json /nickname, syntax.string.min_len /location_id"},
		{"POST", "/v1/patients", strings.Repeat(`{"name":`, 20_000), nil, 400, "malformed", "syntax.json"},
		{"POST", "/v1/patients/pat_1/coverages", object{}, nil, 400, "malformed",
			"intake.day /from_date, intake.member_id /member_id, intake.patient_exists /patient_id, intake.payer_sequence /payer_sequence, intake.relationship /relationship, syntax.string.min_len /payer_id"},
	} {
		t.Run(o.method+" "+o.path, func(t *testing.T) {
			c := *c
			c.T = t
			now := c.clock.Now()
			a := c.send(o.method, o.path, o.body, o.headers...)
			if a.status != o.status || a.text("code") != o.code || strings.Join(a.rules(), ", ") != o.rules || a.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s, want %d %s %s", a.status, a.raw, o.status, o.code, o.rules)
			}
			if !c.clock.Now().Equal(now) {
				t.Errorf("the clock went on to %s", c.clock.Now())
			}
		})
	}
}

// A file that can't be taken is recorded as refused, whole, with everything that was found; nothing but a work item comes of it, and the same file again changes nothing.
func TestABadFileIsRefusedWhole(t *testing.T) {
	p := open(t)
	c := p.key(t, tenantA, "admin")
	c.register(evergreen)
	c.quiet()
	claims := sample(t, filepath.Join("837", "demo.example1.837"))
	for n, f := range []struct {
		name   string
		data   []byte
		reason string
	}{
		{"cut in half", claims[:len(claims)/2], "cut"},
		{"cut behind its claims", claims[:strings.Index(string(claims), "GE*")], "cut"},
		{"dental claims", sample(t, filepath.Join("837", "example_5010_837d-sample.txt")), "dental"},
		{"an eligibility question", sample(t, filepath.Join("270", "subscriber-health-benefit-check.270")), "eligibility question"},
		{"not X12", []byte("dear payer, please pay"), "not X12"},
	} {
		t.Run(f.name, func(t *testing.T) {
			c := *c
			c.T = t
			before := c.positions()
			refused := func() string {
				a := c.send(http.MethodPost, "/v1/interchanges", object{"file_name": f.name, "content": f.data})
				kept := regexp.MustCompile(`kept as (itc_[0-9a-z]+)`).FindStringSubmatch(a.raw)
				if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.raw, "exchange.file_taken") || kept == nil {
					t.Fatalf("answered %d %s", a.status, a.raw)
				}
				return kept[1]
			}
			id := refused()
			c.quiet()
			i := c.get("/v1/interchanges/" + id)
			if i.text("status") != "refused" || !strings.Contains(i.text("reason"), f.reason) {
				t.Errorf("status %q, reason %q, want refused because of %q", i.text("status"), i.text("reason"), f.reason)
			}
			if f.reason != "dental" && f.reason != "eligibility question" && len(i.list("findings")) == 0 {
				t.Error("nothing was found in it")
			}
			after := c.positions()
			for name := range after {
				if name != "exchange" && name != "collections" && before[name] != after[name] {
					t.Errorf("%s has written something: %s, before %s", name, after[name], before[name])
				}
			}
			if items := c.get("/v1/work-items?kind=refused_file").list("work_items"); len(items) != n+1 {
				t.Errorf("%d work items of %d refused files", len(items), n+1)
			}
			if again := refused(); again != id {
				t.Errorf("the same file again is %s", again)
			}
			c.quiet()
			if again := c.positions(); !maps.Equal(after, again) {
				t.Errorf("the same file again: %v, before %v", again, after)
			}
		})
	}
}
