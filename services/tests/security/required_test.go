package security

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// schema is what the API's description says of a value.
type schema struct {
	Ref        string            `json:"$ref"`
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
}

// description are the bodies of all writes, by path, and what their parts are made of.
type description struct {
	bodies  map[string]schema
	schemas map[string]schema
}

func (c *client) description() description {
	c.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Schema schema }
			} `json:"requestBody"`
		}
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal([]byte(c.get("/openapi.json").raw), &doc); err != nil {
		c.Fatal(err)
	}
	d := description{bodies: map[string]schema{}, schemas: doc.Components.Schemas}
	for path, methods := range doc.Paths {
		if post, ok := methods["post"]; ok {
			d.bodies[path] = post.RequestBody.Content["application/json"].Schema
		}
	}
	return d
}

// without gives, for each required field of a body, however deep, its place and the body without it.
func (d description) without(s schema, body object) map[string]object {
	if at, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.schemas[at]
	}
	out := map[string]object{}
	for _, name := range s.Required {
		less := maps.Clone(body)
		delete(less, name)
		out["/"+name] = less
	}
	for name, value := range body {
		switch value := value.(type) {
		case object:
			for at, less := range d.without(s.Properties[name], value) {
				out["/"+name+at] = with(body, object{name: less})
			}
		case []object:
			for at, less := range d.without(*s.Properties[name].Items, value[0]) {
				out["/"+name+"/0"+at] = with(body, object{name: []object{less}})
			}
		}
	}
	return out
}

// touches says whether a problem names a place, or one in it or around it.
func (a answer) touches(at string) bool {
	for _, e := range a.list("errors") {
		pointer, _ := e["pointer"].(string)
		if pointer != "" && (strings.HasPrefix(pointer+"/", at+"/") || strings.HasPrefix(at+"/", pointer+"/")) {
			return true
		}
	}
	return false
}

// Of every write: a body with nothing but what the API's description calls required is taken, and without any one of these fields it is refused by its form or by a rule, with that field
// named.
func TestWhatIsRequiredIsAskedFor(t *testing.T) {
	p := open(t)
	c := p.key(t, tenantA, "admin")
	g := c.register(evergreen)
	patient, coverage := c.plain(g, "000001")
	c.quiet()
	visit := c.visit(g, patient, nil)
	c.sign(g, visit)
	unsigned := c.visit(g, patient, nil).encounter
	approval := object{"auth_no": "A1", "from_date": "2026-01-01", "thru_date": "2026-12-31", "units_by_code": object{"90837": 4}}
	authorization := func() string {
		return c.make("/v1/authorizations", object{"patient_id": patient, "payer_id": g.payer, "from_date": "2026-01-01", "thru_date": "2026-12-31", "units_by_code": object{"90837": 4}})
	}
	asked, approved := authorization(), authorization()
	c.make("/v1/authorizations/"+approved+"/approvals", approval)
	dollar := object{"amount_minor": "100", "currency": "USD"}
	payment := c.make("/v1/patient-payments", object{"patient_id": patient, "amount": dollar, "method": "card"})
	day := p.clock.Now().Format("2006-01-02")
	deposit := c.make("/v1/deposits", object{"trace_number": "T1", "amount": dollar, "deposit_date": day})
	second := c.make("/v1/clinicians", object{
		"name": object{"last": "Example", "first": "Second"}, "npi": "1000000012", "taxonomy": "1041C0700X", "license_type": "LICENSE_TYPE_CLINICAL_SOCIAL_WORKER",
		"license_number": "LC2", "license_state": "ME", "location_ids": []string{g.location}, "from_date": "2020-01-01",
	})
	associate := c.make("/v1/clinicians", object{
		"name": object{"last": "Example", "first": "Third"}, "npi": "1000000020", "taxonomy": "101YM0800X", "license_type": "LICENSE_TYPE_ASSOCIATE",
		"license_number": "LC3", "license_state": "ME", "location_ids": []string{g.location}, "from_date": "2020-01-01",
	})
	c.quiet()
	claim := c.get("/v1/claims?encounter_id=" + visit.encounter).list("claims")[0]["claim_id"].(string)
	c.days(12) // nobody answers to the deposit: a work item
	item := c.get("/v1/work-items").list("work_items")[0]["work_item_id"].(string)

	from := p.clock.Now().Add(-3 * time.Hour)
	street := object{"line1": "2 Elm Street", "city": "Portland", "state": "ME", "postal_code": "041010001"}
	because := object{"reason": "x"}
	// A call with state in front of it that a test can't reach in a line is only asked for its fields.
	const taken, fieldsOnly = true, false
	examples := map[string]struct {
		at    string // the path with ids
		body  object
		taken bool
	}{
		"/v1/organizations": {"", object{"name": "Another Group", "npi": "1234567893", "tax_id": "010000002", "taxonomy": "261QM0801X", "address": street}, taken},
		"/v1/organizations/{organization_id}/charge-schedules": {"/v1/organizations/" + g.organization + "/charge-schedules",
			object{"from_date": "2026-06-01", "rates": []object{{"service_code": "90837", "charge": dollar}}}, taken},
		"/v1/locations": {"", object{"organization_id": g.organization, "name": "Uptown", "place_of_service": "11", "address": street, "time_zone": "America/New_York"}, taken},
		"/v1/clinicians": {"", object{"name": object{"last": "Example", "first": "Fourth"}, "npi": "1000000038", "taxonomy": "1041C0700X", "license_type": "LICENSE_TYPE_CLINICAL_SOCIAL_WORKER",
			"license_number": "LC4", "license_state": "ME", "location_ids": []string{g.location}, "from_date": "2020-01-01"}, taken},
		"/v1/clinicians/{clinician_id}/supervisions": {"/v1/clinicians/" + associate + "/supervisions", object{"supervisor_clinician_id": second, "from_date": "2026-01-01"}, taken},
		"/v1/payers":                     {"", object{"name": "Blue", "edi_payer_id": "00621", "filing_indicator": "CI", "receiver_id": "HOUSE"}, taken},
		"/v1/payers/{payer_id}/policies": {"/v1/payers/" + g.payer + "/policies", object{"from_date": "2026-06-01", "supervised_billing": "SUPERVISED_BILLING_SUPERVISOR_RENDERS"}, taken},
		"/v1/contracts":                  {"", object{"payer_id": g.payer, "from_date": "2026-06-01", "rates": []object{{"service_code": "90837", "allowed": dollar}}}, taken},
		"/v1/patients":                   {"", object{"name": object{"last": "Testpatient", "first": "New"}, "birth_date": "1990-02-03", "sex": "SEX_FEMALE", "address": street, "location_id": g.location}, taken},
		"/v1/patients/{patient_id}/coverages": {"/v1/patients/" + patient + "/coverages", object{
			"payer_id": g.payer, "payer_sequence": "PAYER_SEQUENCE_SECONDARY", "from_date": "2026-01-01", "relationship": "RELATIONSHIP_SELF", "member_id": "M9"}, taken},
		"/v1/coverages/{coverage_id}/terminations": {"/v1/coverages/" + coverage + "/terminations", object{"thru_date": "2026-06-30"}, taken},
		"/v1/appointments": {"", object{"patient_id": patient, "clinician_id": g.clinician, "location_id": g.location, "start_at": from, "end_at": from.Add(time.Hour),
			"modality": "MODALITY_IN_PERSON", "service_code": "90837"}, taken},
		"/v1/authorizations":                              {"", object{"patient_id": patient, "payer_id": g.payer, "from_date": "2026-01-01", "thru_date": "2026-12-31", "units_by_code": object{"90837": 4}}, taken},
		"/v1/authorizations/{authorization_id}/approvals": {"/v1/authorizations/" + asked + "/approvals", approval, taken},
		"/v1/authorizations/{authorization_id}/denials":   {"/v1/authorizations/" + asked + "/denials", because, taken},
		"/v1/authorizations/{authorization_id}/reservations": {"/v1/authorizations/" + approved + "/reservations",
			object{"appointment_id": "apt_9", "service_code": "90837", "service_date": "2026-01-06", "units": 1}, taken},
		"/v1/authorizations/{authorization_id}/releases": {"/v1/authorizations/" + approved + "/releases", object{"appointment_id": "apt_9"}, taken},
		"/v1/encounters": {"", object{"patient_id": patient, "clinician_id": g.clinician, "location_id": g.location, "service_date": from.Format("2006-01-02"), "start_at": from, "end_at": from.Add(time.Hour),
			"modality": "MODALITY_IN_PERSON", "service_kind": "SERVICE_KIND_PSYCHOTHERAPY", "diagnosis_codes": []string{"F411"}}, taken},
		"/v1/encounters/{encounter_id}/signatures":            {"/v1/encounters/" + unsigned + "/signatures", object{"signed_by_clinician_id": g.clinician}, taken},
		"/v1/claims/{claim_id}/corrections":                   {"/v1/claims/" + claim + "/corrections", because, fieldsOnly},
		"/v1/claims/{claim_id}/voids":                         {"/v1/claims/" + claim + "/voids", because, fieldsOnly},
		"/v1/claims/{claim_id}/releases":                      {"/v1/claims/" + claim + "/releases", because, fieldsOnly},
		"/v1/claims/{claim_id}/status-reports":                {"/v1/claims/" + claim + "/status-reports", object{"finding": "CLAIM_FINDING_NOT_ON_FILE", "reason": "x"}, fieldsOnly},
		"/v1/accounts/{account_id}/voids":                     {"/v1/accounts/" + visit.encounter + "/voids", because, fieldsOnly},
		"/v1/accounts/{account_id}/underpayment-acceptances":  {"/v1/accounts/" + visit.encounter + "/underpayment-acceptances", object{"claim_id": claim, "reason": "x"}, fieldsOnly},
		"/v1/patient-payments":                                {"", object{"patient_id": patient, "amount": dollar, "method": "card"}, taken},
		"/v1/patient-payments/{patient_payment_id}/refunds":   {"/v1/patient-payments/" + payment + "/refunds", object{"amount": dollar, "reason": "x"}, fieldsOnly},
		"/v1/patient-payments/{patient_payment_id}/reversals": {"/v1/patient-payments/" + payment + "/reversals", because, taken},
		"/v1/deposits":                        {"", object{"trace_number": "T2", "amount": dollar, "deposit_date": day}, taken},
		"/v1/deposits/{deposit_id}/reversals": {"/v1/deposits/" + deposit + "/reversals", because, taken},
		"/v1/remittances/{remittance_id}/claims/{claim_ordinal}/assignments": {"/v1/remittances/rem_9/claims/1/assignments", because, fieldsOnly},
		"/v1/work-items/{work_item_id}/assignments":                          {"/v1/work-items/" + item + "/assignments", object{"assignee": "ann"}, taken},
		"/v1/work-items/{work_item_id}/resolutions":                          {"/v1/work-items/" + item + "/resolutions", object{"outcome": "accepted"}, taken},
		"/v1/interchanges": {"", object{"content": sample(t, "835/managed-care.835")}, taken},
		// These ask for nothing.
		"/v1/patients:search": {}, "/v1/coverages/{coverage_id}/eligibility-checks": {}, "/v1/appointments/{appointment_id}/cancellations": {}, "/v1/appointments/{appointment_id}/no-shows": {},
		"/v1/appointments/{appointment_id}/check-ins": {}, "/v1/encounters/{encounter_id}/coder-answers": {}, "/v1/claims/{claim_id}:rescrub": {}, "/v1/patients/{patient_id}/statements": {},
		"/v1/sandbox/clock:advance": {"", object{"to": p.clock.Now()}, fieldsOnly}, // of the gateway itself: its one field is named in words
	}
	d := c.description()
	dropped := 0
	for path, s := range d.bodies {
		e, ok := examples[path]
		if !ok {
			t.Errorf("POST %s has no example here: what of it is required?", path)
			continue
		}
		if want := slices.Sorted(slices.Values(s.Required)); !slices.Equal(want, slices.Sorted(maps.Keys(e.body))) {
			t.Errorf("POST %s: the description requires %v, the example has %v", path, want, slices.Sorted(maps.Keys(e.body)))
		}
		if e.at == "" {
			e.at = path
		}
		if strings.HasPrefix(path, "/v1/sandbox/") {
			continue
		}
		if got := c.send(http.MethodPost, e.at, e.body, "X-Dry-Run", "true"); e.taken && got.status != http.StatusOK {
			t.Errorf("POST %s with what is required is not taken: %d %s", e.at, got.status, got.raw)
		}
		for at, less := range d.without(s, e.body) {
			dropped++
			got := c.send(http.MethodPost, e.at, less, "X-Dry-Run", "true")
			if (got.status != 400 && got.status != 422 && got.status != 404) || !got.touches(at) {
				t.Errorf("POST %s without %s: %d %s", e.at, at, got.status, got.raw)
			}
		}
	}
	if dropped < 100 {
		t.Errorf("only %d required fields were tried", dropped)
	}
	t.Logf("%d required fields tried", dropped)
}
