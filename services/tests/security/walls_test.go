package security

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// things are all ids that a tenant has, by the name of the field.
type things map[string]map[string]bool

func (th things) take(v any) {
	switch v := v.(type) {
	case object:
		for k, inner := range v {
			if id, ok := inner.(string); ok && strings.HasSuffix(k, "_id") && strings.Contains(id, "_") {
				if th[k] == nil {
					th[k] = map[string]bool{}
				}
				th[k][id] = true
				continue
			}
			th.take(inner)
		}
	case []any:
		for _, inner := range v {
			th.take(inner)
		}
	}
}

// route is a path of the API.
type route struct {
	path   string
	params []string // in the path
	query  []string // that name a thing
}

// routes are all paths of a method, as the platform itself describes them.
func (c *client) routes(method string) []route {
	c.Helper()
	var api struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(c.get("/openapi.json").raw), &api); err != nil {
		c.Fatal(err)
	}
	var out []route
	for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
		raw, ok := api.Paths[path][strings.ToLower(method)]
		if !ok {
			continue
		}
		var operation struct {
			Parameters []struct{ Name, In string }
		}
		if err := json.Unmarshal(raw, &operation); err != nil {
			c.Fatalf("%s %s: %v", method, path, err)
		}
		r := route{path: path}
		for _, parameter := range operation.Parameters {
			switch {
			case parameter.In == "path":
				r.params = append(r.params, parameter.Name)
			case parameter.In == "query" && strings.HasSuffix(parameter.Name, "_id"):
				r.query = append(r.query, parameter.Name)
			}
		}
		out = append(out, r)
	}
	if len(out) < 20 {
		c.Fatalf("only %d paths take %s: is this the whole API?", len(out), method)
	}
	return out
}

// with puts ids into the path; ok is false where the tenant has no such thing.
func (r route) with(th things) (path string, ok bool) {
	path = r.path
	for _, name := range r.params {
		ids := slices.Sorted(maps.Keys(th[name]))
		if len(ids) == 0 {
			return "", false
		}
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(ids[0]))
	}
	return path, !strings.Contains(path, "{")
}

// extra is what a path needs in its query to answer at all.
var extra = map[string]string{
	"/v1/interchanges/{interchange_id}/segments": "?offset=0&length=10",
	"/v1/authorization-requirements":             "?service_code=90837&service_date=2026-01-05",
}

func TestATenantReachesNothingOfAnothers(t *testing.T) {
	p := open(t)
	a, b := p.key(t, tenantA, "admin"), p.key(t, tenantB, "admin")
	g := a.register(evergreen)
	patient, coverage := a.plain(g, "000001")
	a.make("/v1/coverages/"+coverage+"/eligibility-checks", object{})
	authorization := a.make("/v1/authorizations", object{"patient_id": patient, "payer_id": g.payer, "from_date": "2026-01-01", "thru_date": "2026-12-31", "units_by_code": object{"90837": 4}})
	a.quiet()
	a.sign(g, a.visit(g, patient, nil))
	a.make("/v1/patient-payments", object{"patient_id": patient, "amount": object{"amount_minor": "500", "currency": "USD"}, "method": "card", "reference": "R1"})
	a.make("/v1/deposits", object{"trace_number": "T1", "amount": object{"amount_minor": "1", "currency": "USD"}, "deposit_date": "2026-01-05"}) // nothing comes for it: a work item
	a.make("/v1/interchanges", object{"file_name": "remittance.835", "content": sample(t, "835/managed-care.835")})
	a.paid(patient)
	a.make("/v1/patients/"+patient+"/statements", object{})
	a.quiet()
	reads := a.routes(http.MethodGet)

	// What A has: whatever its lists and things say, found by going from one to the next.
	mine := things{"authorization_id": {authorization: true}, "patient_id": {patient: true}, "coverage_id": {coverage: true}}
	for range 3 {
		for _, r := range reads {
			path, ok := r.with(mine)
			if !ok {
				continue
			}
			if r.path == "/v1/work-items" {
				path += "?page_size=500"
			}
			for _, q := range r.query {
				if ids := slices.Sorted(maps.Keys(mine[q])); len(ids) > 0 {
					mine.take(a.send(http.MethodGet, path+"?"+q+"="+url.QueryEscape(ids[0]), nil).body)
				}
			}
			mine.take(a.send(http.MethodGet, path+extra[r.path], nil).body)
		}
	}
	var secrets []string
	for name, ids := range mine {
		for id := range ids {
			if name != "rule_id" && name != "group_id" && name != "kpi_id" && !strings.HasPrefix(id, "pcn") {
				secrets = append(secrets, id)
			}
		}
	}
	shows := func(text string) (found []string) {
		for _, id := range secrets {
			if strings.Contains(text, id) {
				found = append(found, id)
			}
		}
		return found
	}
	tried, seen := 0, 0
	for _, r := range reads {
		path, ok := r.with(mine)
		if !ok {
			t.Errorf("A has nothing for %s: the test does not go there", r.path)
			continue
		}
		own := a.send(http.MethodGet, path+extra[r.path], nil)
		if own.status == http.StatusOK && len(shows(own.raw)) > 0 {
			seen++
		}
		paths := []string{path + extra[r.path]}
		for _, q := range r.query {
			for id := range mine[q] {
				join := "?"
				if extra[r.path] != "" {
					join = "&"
				}
				paths = append(paths, path+extra[r.path]+join+q+"="+url.QueryEscape(id))
				break
			}
		}
		for _, path := range paths {
			tried++
			got := b.send(http.MethodGet, path, nil)
			one := strings.HasSuffix(r.path, "}") || strings.Contains(r.path, "}:") || strings.HasSuffix(r.path, "/segments") || strings.HasSuffix(r.path, "/balance")
			if len(r.params) > 0 && one && got.status != http.StatusNotFound {
				t.Errorf("B gets A's thing by %s: %d %.300s", path, got.status, got.raw)
			}
			if got.status == http.StatusOK {
				if found := shows(got.raw); len(found) > 0 {
					t.Errorf("B sees %v of A's by %s: %.300s", found, path, got.raw)
				}
			} else if got.status >= 500 {
				t.Errorf("B asks for A's thing by %s: %d %.300s", path, got.status, got.raw)
			}
		}
	}
	t.Logf("%d ids of A, %d reads tried by B; %d of %d paths show A its own", len(secrets), tried, seen, len(reads))
	if seen < len(reads)/2 {
		t.Errorf("only %d of %d paths show A its own: the test looks at empty pages", seen, len(reads))
	}
	foreignWrites(t, a, b, mine, g, patient)
}

// foreignWrites: B's commands on A's things change nothing.
func foreignWrites(t *testing.T, a, b *client, mine things, g group, patient string) {
	t.Helper()
	bodies := map[string]object{
		"/v1/encounters/{encounter_id}/signatures":                           {"signed_by_clinician_id": g.clinician},
		"/v1/encounters/{encounter_id}/coder-answers":                        {"no_bill": true, "note": "x"},
		"/v1/claims/{claim_id}/corrections":                                  {"reason": "x"},
		"/v1/claims/{claim_id}/voids":                                        {"reason": "x"},
		"/v1/claims/{claim_id}/releases":                                     {"reason": "x"},
		"/v1/authorizations/{authorization_id}/approvals":                    {"auth_no": "1", "from_date": "2026-01-01", "thru_date": "2026-12-31", "units_by_code": object{"90837": 1}},
		"/v1/authorizations/{authorization_id}/denials":                      {"reason": "x"},
		"/v1/authorizations/{authorization_id}/reservations":                 {"appointment_id": "apt_1", "service_code": "90837", "service_date": "2026-01-06", "units": 1},
		"/v1/authorizations/{authorization_id}/releases":                     {"appointment_id": "apt_1", "reason": "x"},
		"/v1/patient-payments/{patient_payment_id}/refunds":                  {"amount": object{"amount_minor": "1", "currency": "USD"}, "reason": "x"},
		"/v1/accounts/{account_id}/underpayment-acceptances":                 {"claim_id": "clm_1", "line_id": "L1", "reason": "x"},
		"/v1/remittances/{remittance_id}/claims/{claim_ordinal}/assignments": {"claim_id": "clm_1", "reason": "x"},
		"/v1/work-items/{work_item_id}/assignments":                          {"assignee": "x"},
		"/v1/work-items/{work_item_id}/resolutions":                          {"outcome": "accepted"},
		"/v1/coverages/{coverage_id}/terminations":                           {"thru_date": "2026-06-30", "reason": "x"},
		"/v1/appointments/{appointment_id}/cancellations":                    {"reason": "x"},
		"/v1/appointments/{appointment_id}/no-shows":                         {"reason": "x"},
		"/v1/organizations/{organization_id}/charge-schedules":               {"from_date": "2026-06-01", "rates": []object{{"service_code": "90837", "charge": object{"amount_minor": "1", "currency": "USD"}}}},
		"/v1/payers/{payer_id}/policies":                                     {"from_date": "2026-06-01", "supervised_billing": "SUPERVISED_BILLING_SUPERVISOR_RENDERS"},
		"/v1/clinicians/{clinician_id}/supervisions":                         {"supervisor_clinician_id": g.clinician, "from_date": "2026-06-01"},
		"/v1/patients/{patient_id}/coverages":                                {"payer_id": g.payer, "payer_sequence": "PAYER_SEQUENCE_SECONDARY", "from_date": "2026-01-01", "relationship": "RELATIONSHIP_SELF", "member_id": "M9"},
	}
	mine["claim_ordinal"] = map[string]bool{"1": true} // a number in a remittance, no secret
	before := a.positions()
	tried := 0
	for _, r := range b.routes(http.MethodPost) {
		if len(r.params) == 0 {
			continue
		}
		path, ok := r.with(mine)
		if !ok {
			t.Errorf("A has nothing for %s: the test does not go there", r.path)
			continue
		}
		tried++
		body := bodies[r.path]
		if body == nil {
			body = object{}
		}
		got := b.send(http.MethodPost, path, body)
		if got.status < 400 || got.status >= 500 {
			t.Errorf("B's POST %s on A's thing: %d %.300s", path, got.status, got.raw)
		}
		if body := got.raw; strings.Contains(body, "Testpatient") {
			t.Errorf("B is told of A's patient by POST %s: %s", path, body)
		}
	}
	for _, w := range []struct {
		path string
		body object
	}{
		{"/v1/authorizations", object{"patient_id": patient, "payer_id": g.payer, "from_date": "2026-01-01", "thru_date": "2026-12-31", "units_by_code": object{"90837": 4}}},
		{"/v1/patient-payments", object{"patient_id": patient, "amount": object{"amount_minor": "500", "currency": "USD"}, "method": "card"}},
		{"/v1/locations", object{"organization_id": g.organization, "name": "X", "place_of_service": "11", "address": officeAddress, "time_zone": "America/New_York"}},
		{"/v1/contracts", object{"payer_id": g.payer, "from_date": "2026-06-01", "rates": []object{{"service_code": "90837", "allowed": object{"amount_minor": "1", "currency": "USD"}}}}},
	} {
		tried++
		if got := b.send(http.MethodPost, w.path, w.body); got.status < 400 || got.status >= 500 {
			t.Errorf("B's POST %s about A's thing: %d %.300s", w.path, got.status, got.raw)
		}
	}
	a.quiet()
	if after := a.positions(); !maps.Equal(before, after) {
		t.Errorf("B's commands wrote something: %v, before %v", after, before)
	}
	t.Logf("%d writes tried by B", tried)
}
