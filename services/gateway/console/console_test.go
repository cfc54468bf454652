package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

// as is a request of a role, to ask what it may open.
func as(role string) *request {
	return &request{id: session.Identity{Role: role}, screens: (&console{}).views()}
}

// A page stands for API calls, and the gateway's table says who may make them: nobody sees on a page what the API refuses.
func TestRoles(t *testing.T) {
	for _, c := range []struct {
		role, href string
		want       bool
	}{
		{"finance", "/", true}, {"read_only", "/claims", true}, {"read_only", "/claims/clm_1#denials", true}, {"read_only", "/receivables?payer=patient", true},
		{"read_only", "/remittances", false}, {"finance", "/remittances/rem_1", true}, {"clinician_system", "/deposits", false}, {"read_only", "/deposits", false}, {"finance", "/deposits", true},
		{"finance", "/patients/pat_1", false}, {"read_only", "/patients/pat_1", true}, {"finance", "/statements/stm_1", false}, {"clinician_system", "/interchanges/itc_1?offset=5#hit", true},
		{"biller", "/interchanges/itc_1", true},
		// The history of a stream tells what the reads of its thing tell.
		{"read_only", "/events/posting/account/enc_1?event=1", true}, {"read_only", "/events/posting/remittance/rem_1", false}, {"finance", "/events/posting/remittance/rem_1", true},
		{"finance", "/events/intake/patient/pat_1", false}, {"finance", "/events/coding/encounter/enc_1", false}, {"read_only", "/events/registry/contract/con_1", false},
		{"biller", "/events/exchange/partner/x", false}, {"admin", "/events/exchange/partner/x", true},
		{"admin", "/nowhere", false}, {"admin", "/claims/", false}, {"", "/claims", false},
	} {
		if got := as(c.role).opens(c.href) == c.href; got != c.want {
			t.Errorf("%s on %s: %v, want %v", c.role, c.href, got, c.want)
		}
	}
	for _, c := range []struct {
		role, call string
		want       bool
	}{
		{"finance", readsFiles, false}, {"finance", seesPeople, false}, {"biller", seesPeople, true},
	} {
		if got := as(c.role).may(c.call); got != c.want {
			t.Errorf("%s on %s: %v, want %v", c.role, c.call, got, c.want)
		}
	}
}

// A form is there for who may send it.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		role, action string
		want         bool
	}{
		{"biller", "/work-items/wrk_1/resolutions", true}, {"finance", "/work-items/wrk_1/resolutions", false}, {"finance", "/deposits", true}, {"clinician_system", "/deposits", false},
		{"read_only", "/patients/pat_1/statements", false}, {"biller", "/claims/clm_1/release", true}, {"read_only", "/claims/clm_1/release", false}, {"biller", "/claims/clm_1/status-reports", true},
		{"finance", "/patient-payments/ppm_1/refunds", true}, {"clinician_system", "/patient-payments/ppm_1/refunds", false}, {"biller", "/encounters/enc_1/coder-answers", true},
		{"finance", "/accounts/enc_1/underpayment-acceptances", true}, {"read_only", "/appointments/apt_1/no-shows", false}, {"admin", "/nowhere", false},
	} {
		if got := as(c.role).form(c.action, "", "", ""); (got != nil) != c.want {
			t.Errorf("%s on %s: %v, want %v", c.role, c.action, got != nil, c.want)
		}
	}
}

// What a service refuses stands beside the field that it names, with what was typed; what names no field of the form stands above.
func TestARefusedFormSaysWhatIsWrongWhere(t *testing.T) {
	r := as(session.Admin)
	r.refused = &refusal{action: "/claims/clm_1/corrections", sent: url.Values{"lines[1].units_thousandths": {"200"}, "reason": {"typed"}}, reasons: []*problemv1.Reason{
		{Field: "lines[1].units_thousandths", Message: "at most 99 units"}, {Field: "reason", Message: "the day 2026-03-02 has passed"}, {Field: "claim_id", Message: "there is none"}, {Message: "wait for its answer"},
	}}
	fields := func() []input {
		return []input{{Name: "lines[0].units_thousandths", Value: "1"}, {Name: "lines[1].units_thousandths", Value: "1"}, {Name: "reason"}}
	}
	f := r.form("/claims/clm_1/corrections", "Correct", "", "", fields()...)
	if !f.Refused || !r.refused.told || !slices.Equal(f.Problems, []string{"There is none.", "Wait for its answer."}) {
		t.Errorf("above: %q", f.Problems)
	}
	if a, b, c := f.Fields[0], f.Fields[1], f.Fields[2]; len(a.Problems) != 0 || !slices.Equal(b.Problems, []string{"At most 99 units."}) || !slices.Equal(c.Problems, []string{"The day Mar 2, 2026 has passed."}) || b.Value != "200" || c.Value != "typed" || !b.First || c.First {
		t.Errorf("fields: %+v", f.Fields)
	}
	if other := r.form("/claims/clm_1/voids", "Void", "", "", fields()...); other.Refused {
		t.Error("another form of the page says that it was refused")
	}
	for field, want := range map[string]bool{"amount": true, "amount.amount_minor": true, "amounts": false, "": false, "no_bill": true} {
		if got := (input{Name: "amount", Also: []string{"no_bill"}}).holds(field); got != want {
			t.Errorf("%q: %v, want %v", field, got, want)
		}
	}
}

// A claim's lines explain its charge to the cent, whatever became of it.
func TestMoneyByLine(t *testing.T) {
	claim := &claimsv1.Claim{Lines: []*claimsv1.ClaimLine{{LineId: "1", ServiceCode: "90837", Charge: money.Of(17500)}}}
	line := func(charge, paid, adjusted, patient, open int64) *postingv1.AccountLine {
		return &postingv1.AccountLine{LineId: "1", Charge: money.Of(charge), InsurancePaid: money.Of(paid), Adjusted: money.Of(adjusted), PatientShare: money.Of(patient), InsuranceOpen: money.Of(open)}
	}
	whole := &postingv1.AccountLine{Charge: money.Of(0), InsurancePaid: money.Of(-500), InsuranceOpen: money.Of(500)}
	for name, c := range map[string]struct {
		account   *postingv1.Account
		note, sum string
	}{
		"paid":                 {&postingv1.Account{AccountId: "a", Lines: []*postingv1.AccountLine{line(17500, 9000, 6000, 2500, 0)}}, "charged = paid + adjusted + patient + open; of all payers", "175.00 0.00 90.00 60.00 25.00 0.00 0.00"},
		"told as a whole, too": {&postingv1.Account{AccountId: "a", Lines: []*postingv1.AccountLine{line(17500, 9000, 6000, 2500, 0), whole}}, "charged = paid + adjusted + patient + open; of all payers", "175.00 0.00 85.00 60.00 25.00 5.00 0.00"},
		"not charged yet":      {&postingv1.Account{}, "the visit is not charged yet", "175.00 0.00 0.00 0.00 0.00 0.00 0.00"},
		"voided":               {&postingv1.Account{AccountId: "a", Lines: []*postingv1.AccountLine{line(0, 0, 0, 0, 0)}}, "the charge was taken off the account: the visit is billed no more", "175.00 175.00 0.00 0.00 0.00 0.00 0.00 0.00"},
		"charged less":         {&postingv1.Account{AccountId: "a", Lines: []*postingv1.AccountLine{line(10000, 0, 0, 0, 10000)}}, "charged less taken off = paid + adjusted + patient + open; of all payers", "175.00 75.00 0.00 0.00 0.00 0.00 100.00 0.00"},
	} {
		x := claimLines(claim, c.account, "")
		var sum []string
		for _, f := range x.Foot[4:] {
			sum = append(sum, f.Plain)
		}
		if x.Note != c.note || strings.Join(sum, " ") != c.sum || len(x.Foot) != len(x.Columns) || len(x.Rows[0].Cells) != len(x.Columns) {
			t.Errorf("%s: %q, %s", name, x.Note, strings.Join(sum, " "))
		}
	}
}

func TestWhatAPaymentWasAppliedTo(t *testing.T) {
	e := func(kind, json string) *platformv1.HistoryEvent {
		return &platformv1.HistoryEvent{Type: "evenkeel.posting.v1." + kind, Json: json}
	}
	by := appliedBy([]*platformv1.HistoryEvent{
		e("PatientFundsNoted", `{"patient_payment_id":"p1","amount":"5000"}`), e("PatientPaymentAssigned", `{"patient_payment_id":"p1","account_id":"a2","amount":"2500"}`),
		e("PatientPaymentAssigned", `{"patient_payment_id":"p1","account_id":"a1","amount":"2000"}`), e("PatientFundsNoted", `{"patient_payment_id":"p1","amount":"500","returned_by_account_id":"a2"}`),
		e("PatientPaymentAssigned", `{"patient_payment_id":"p2","account_id":"a1","amount":"100"}`), e("PatientPaymentReversed", `{"patient_payment_id":"p2","shares":[{"account_id":"a1","amount":"100"}]}`),
	})
	if a := by["p1"]; !slices.Equal(a.accounts, []string{"a2", "a1"}) || a.of["a2"] != 2000 || a.of["a1"] != 2000 || by["p2"].of["a1"] != 0 {
		t.Errorf("%+v, %+v", by["p1"], by["p2"])
	}
}

func TestAFilterNamesTheValueThatMeansNothing(t *testing.T) {
	r := as(session.Admin)
	r.Request = httptest.NewRequest("GET", "/claims", nil)
	f := r.filter(
		choice{Name: "status", Label: "Status", Value: "lost", Options: []option{{"", "Any"}, {"held", "Held"}}}, choice{Name: "from", Label: "From", Value: "soon", Type: "date"},
		choice{Name: "assignee", Label: "Assigned to", Value: "ray@evenkeel.example", Options: []option{{"", "Anybody"}}, Free: true}, choice{Name: "payer", Label: "Payer", Options: []option{{"", "All"}}})
	if !slices.Equal(f.Wrong, []string{"Status: “lost” is none of the choices. Choose one of the list.", "From: “soon” is no day. Write it as 2026-03-31."}) {
		t.Errorf("%q", f.Wrong)
	}
	if f.Fields[0].text() != "lost (unknown)" || f.Fields[2].text() != "ray@evenkeel.example" {
		t.Errorf("the fields do not show their values: %+v", f.Fields)
	}
}

// Every page stands for calls that the API has, and a form for one that writes.
func TestPagesStandForCallsOfTheAPI(t *testing.T) {
	b, err := os.ReadFile("../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(b, &api); err != nil {
		t.Fatal(err)
	}
	there := func(call string) bool {
		method, path, _ := strings.Cut(call, " ")
		return api.Paths[path][strings.ToLower(method)] != nil
	}
	for pattern, s := range (&console{}).views() {
		free := pattern == "GET /help" || pattern == "GET /search" || strings.HasPrefix(pattern, "GET /events/")
		if len(s.calls) == 0 && !free {
			t.Errorf("%s stands for no call", pattern)
		}
		for _, call := range s.calls {
			if !there(call) {
				t.Errorf("%s stands for %s, which the API has not", pattern, call)
			}
			if !allows(session.Admin, call) {
				t.Errorf("not even an administrator may %s", call)
			}
			if strings.HasPrefix(pattern, "POST") != strings.HasPrefix(call, "POST") {
				t.Errorf("%s stands for %s", pattern, call)
			}
		}
	}
	for kind, call := range streams {
		if !there(call) {
			t.Errorf("the history of %s stands for %s, which the API has not", kind, call)
		}
	}
}

func TestTokensOfTheLatestCommands(t *testing.T) {
	c := &console{store: &session.Store{}}
	r := httptest.NewRequest("POST", "/deposits", nil)
	for i, token := range []string{"posting:3:7", "claims:9:1", "posting:3:8", "not a token", "", "posting:4:1"} {
		w := httptest.NewRecorder()
		c.remember(&request{Request: r, w: w}, token)
		r = httptest.NewRequest("POST", "/deposits", nil)
		for _, k := range w.Result().Cookies() {
			if !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.MaxAge != 20 {
				t.Errorf("cookie %d: %v", i, k)
			}
			r.AddCookie(k)
		}
		if len(w.Result().Cookies()) == 0 { // what is no token is not kept, and leaves what there is
			r.AddCookie(&http.Cookie{Name: wroteCookie, Value: "posting:3:8/claims:9:1"})
		}
	}
	if got := strings.Join(wrote(r), " "); got != "posting:4:1 posting:3:8 claims:9:1" {
		t.Errorf("tokens: %s", got)
	}
	r = httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: wroteCookie, Value: "x/posting:3:7/../posting:1:" + strings.Repeat("9", 40) + strings.Repeat("/claims:1:1", 20)})
	if got := wrote(r); len(got) != wroteMost || got[0] != "posting:3:7" {
		t.Errorf("of a cookie that somebody wrote: %v", got)
	}
}

func TestSentencesOfServices(t *testing.T) {
	n := &names{payers: map[string]string{"pay_et1g1tec": "Harbor Mutual"}, locations: map[string]string{}}
	for in, want := range map[string]string{
		"payer pay_et1g1tec wants an authorization: request one (intake.authorization_present)":       "Harbor Mutual wants an authorization: request one",
		"the filing limit was 2025-12-05 (claims.timely_filing)":                                      "The filing limit was Dec 5, 2025",
		"payer pay_zzzzzzzzzzzzzzzz is not known; 2025-13-40 is no day; (see the remark) stays as is": "Pay_zzzzzz is not known; 2025-13-40 is no day; (see the remark) stays as is",
		"": "",
	} {
		if got, _ := n.readable(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
	}
	if _, rules := n.readable("a (claims.first_rule); b (claims.second)"); !slices.Equal(rules, []string{"claims.first_rule", "claims.second"}) {
		t.Errorf("rules: %q", rules)
	}
	if got := diagnoses([]string{"F411", "F900", "F41.1", "F32"}); got != "F41.1, F90.0, F41.1, F32" {
		t.Error(got)
	}
	for in, want := range map[string]string{"606010001": "60601-0001", "62701": "62701", "": ""} {
		if got := postal(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	for in, want := range map[string]string{"3125550100": "(312) 555-0100", "+44 20": "+44 20", "(217) 555-0142": "(217) 555-0142"} {
		if got := phone(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// What a service says is told; what our own code put before it, and the transport's words, are not.
func TestErrorsAreTheServicesWords(t *testing.T) {
	err := fmt.Errorf("read the claim: %w", status.Error(codes.NotFound, "there is no claim clm_x"))
	if s := said(err); s.Code() != codes.NotFound || sentence(s.Message()) != "There is no claim clm_x." {
		t.Errorf("%s: %s", s.Code(), s.Message())
	}
	if s := said(fmt.Errorf("wait: %w", context.DeadlineExceeded)); s.Code() != codes.DeadlineExceeded {
		t.Errorf("%s", s.Code())
	}
}

func TestNextStaysOnThisSite(t *testing.T) {
	for path, want := range map[string]bool{"/claims?status=held": true, "//evil.example": false, "https://evil.example": false, `/\evil.example`: false, "": false} {
		if inside(path) != want {
			t.Errorf("%q: %v, want %v", path, !want, want)
		}
	}
}

func TestPercentagesAndCounts(t *testing.T) {
	for in, want := range map[int64]string{123_456: "12.3%", 0: "0.0%", 999_950: "100.0%", -20_000: "−2.0%"} {
		if got := rate(in); got != want {
			t.Errorf("%d: %s, want %s", in, got, want)
		}
	}
	if got := grouped(1234567); got != "1,234,567" {
		t.Error(got)
	}
	if got := eventName("evenkeel.posting.v1.ChargePosted"); got != "Charge posted" {
		t.Error(got)
	}
}

func TestAFigureSaysHowItChangedAsFarAsItIsPrinted(t *testing.T) {
	for _, c := range []struct {
		kpi, unit   string
		now, before int64
		want, turn  string
	}{
		{"clean_claim_rate", "percent", 953_000, 941_000, "up 1.2 points from 94.1%", "better"},
		{"initial_denial_rate", "percent", 94_100, 82_000, "up 1.2 points from 8.2%", "worse"},
		{"days_in_ar", "days", 30_100_000, 31_400_000, "down 1.3 days from 31.4 days", "better"},
		{"clean_claim_rate", "percent", 950_200, 950_100, "Unchanged from the period before", ""},
		{"clean_claim_rate", "percent", 950_500, 950_400, "up 0.1 points from 95.0%", "better"}, // 95.1 after 95.0: not up 0.0
		{"days_in_ar", "days", 30_149_999, 30_050_001, "Unchanged from the period before", ""},
		{"days_in_ar", "days", 0, 0, "Unchanged from the period before", ""},
		{"ar_total", "money", 100_000_03, 100_000_00, "up $0.03 from $100,000.00", ""},
		{"ar_total", "money", 110_000_00, 100_000_00, "up $10,000.00 (10.0%) from $100,000.00", ""},
		{"ar_total", "money", 500, 0, "up $5.00 from $0.00", ""},
	} {
		k := &reportingv1.Kpi{KpiId: c.kpi, Unit: c.unit, Known: true, ValueMillionths: c.now, PreviousKnown: true, PreviousValueMillionths: c.before}
		if got := tileOf(as(session.Admin), k); got.Change != c.want || got.Turn != c.turn {
			t.Errorf("%s from %d to %d: %q %q, want %q %q", c.kpi, c.before, c.now, got.Change, got.Turn, c.want, c.turn)
		}
	}
}

func TestASpreadsheetReadsNoFormula(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "-12.00": "-12.00", "-x": "'-x", "@a": "'@a", "Harbor": "Harbor", "": ""} {
		if got := harmless(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestADayShowsItsYearWhereAnotherCouldBeMeant(t *testing.T) {
	for _, c := range [][3]string{
		{"2026-01-06", "2025-12-23", "Jan 6"}, {"2025-12-23", "2026-01-06", "Dec 23"}, {"2025-09-01", "2026-03-02", "Sep 1"}, {"2025-08-31", "2026-03-02", "Aug 31, 2025"},
		{"2026-03-02", "", "Mar 2, 2026"}, {"", "2026-03-02", "–"},
	} {
		if got := near(c[0], c[1]); got.Text != c[2] || got.Plain != c[0] {
			t.Errorf("%s beside %s: %q", c[0], c[1], got.Text)
		}
	}
}

// What an event of an account says; one that this build does not know keeps its name, and a page stands.
func TestStoriesOfEvents(t *testing.T) {
	n := &names{payers: map[string]string{"pay_1": "Harbor Mutual"}}
	for _, c := range []struct{ typ, json, want string }{
		{"evenkeel.posting.v1.ChargePosted", `{"charge_amount":"15000"}`, "Charged $150.00"},
		{"evenkeel.posting.v1.ChargeCorrected", `{"charge_amount":"7500","previous_charge_amount":"15000"}`, "Charge corrected from $150.00 to $75.00"},
		{"evenkeel.posting.v1.ChargeCorrected", `{"charge_amount":"15000","previous_charge_amount":"15000"}`, "Charge corrected, still $150.00"},
		{"evenkeel.posting.v1.ChargeVoided", `{"charge_amount":"15000","reason":"the visit was billed twice"}`, "Charge voided: $150.00 taken off, the visit was billed twice"},
		{"evenkeel.posting.v1.ChargeVoided", `{"charge_amount":"15000","added_in_a_later_version":[1]}`, "Charge voided: $150.00 taken off"},
		{"evenkeel.posting.v1.InsurancePaymentPosted", `{"payer_id":"pay_1","paid_amount":"9820"}`, "Harbor Mutual paid $98.20"},
		{"evenkeel.posting.v1.UnderpaymentAccepted", `{"amount":"1000","reason":"too little to argue about"}`, "$10.00 in dispute given up, too little to argue about"},
		{"evenkeel.posting.v1.AccountSettled", `{}`, "Account settled"},
		{"evenkeel.posting.v9.MoonPhaseNoted", `{"phase":"full"}`, "Moon phase noted"},
		{"evenkeel.posting.v1.ChargePosted", `no JSON`, "Charge posted"},
		{"", "", ""},
	} {
		if got := story(n, &platformv1.HistoryEvent{Type: c.typ, Json: c.json}); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.typ, c.json, got, c.want)
		}
	}
	events := []*platformv1.HistoryEvent{
		{Type: "evenkeel.posting.v1.ChargePosted", Json: `{}`}, {Type: "evenkeel.posting.v1.ChargeCorrected", Json: `{"claim_id":"clm_1"}`}, {Type: "evenkeel.posting.v1.ChargeCorrected", Json: `{"claim_id":"clm_2"}`},
		{Type: "evenkeel.posting.v1.ChargeVoided", Json: `{"claim_id":"clm_1"}`}, {Type: "evenkeel.posting.v9.MoonPhaseNoted", Json: `{"claim_id":"clm_1"}`},
	}
	if got := chargeChanges("clm_1", events); len(got) != 2 || len(events) != 5 {
		t.Errorf("%d events, %d are left: want two, of five", len(got), len(events))
	}
}

// Files may have ends of lines between segments: they are no segment's, in what is shown and in what is marked.
func TestSegmentsOfAFileWithLines(t *testing.T) {
	const file = "ISA*1~\r\nCLM*2~\nHI*3~\nSE*4~\n"
	at := int64(strings.Index(file, "CLM"))
	e := cut(file, "~", 0, int64(len(file)), at, int64(len("CLM*2~\nHI*3~")), false)
	var got []string
	for _, s := range e.Segments {
		if file[s.Offset:s.Offset+2] != (s.Before + s.Hit)[:2] {
			t.Errorf("%q does not begin at %d", s.Before+s.Hit, s.Offset)
		}
		got = append(got, s.Before+"|"+s.Hit+"|"+s.After)
	}
	if want := []string{"ISA*1~||", "|CLM*2~|", "|HI*3~|", "SE*4~||"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestManyGroupsInAChart(t *testing.T) {
	a := &reportingv1.Aging{}
	for i := range 17 {
		g := &reportingv1.AgingGroup{GroupId: fmt.Sprint("pay_", i), Name: "P", Total: money.Of(int64(100 - i)), Buckets: []*reportingv1.AgingBucket{{Bucket: "0-30", Amount: money.Of(int64(100 - i))}}}
		if i == 15 {
			g.GroupId, g.Name = "patient", "Patients"
		}
		a.Groups = append(a.Groups, g)
	}
	c := agingChart(as(session.Admin), "x", "X", a, func(group, bucket string) string { return group })
	if n := len(c.Bars.Rows); n != 10 || c.Bars.Rows[9].Label != "Patients" || c.Bars.Rows[8].Href != "pay_8" || c.Note != "The largest 10; the table has 7 more." || len(c.Table.Rows) != 17 {
		t.Errorf("%d bars, the last %+v; %q; %d rows", n, c.Bars.Rows[n-1], c.Note, len(c.Table.Rows))
	}
}

func TestAPlaceOfTelehealthSaysWhetherThereWasAPicture(t *testing.T) {
	for _, c := range []struct {
		code, want string
		modifiers  []string
	}{{"10", "10 Video, at home", []string{"95"}}, {"10", "10 Audio only, at home", []string{"HO", "93"}}, {"02", "02 Audio only, not at home", []string{"93"}}, {"11", "11 Office", nil}} {
		if got := place(c.code, c.modifiers...); got.Text != c.want {
			t.Errorf("%s %v: %q, want %q", c.code, c.modifiers, got.Text, c.want)
		}
	}
}

func TestClip(t *testing.T) {
	for name, want := range map[string]string{
		"Harbor Mutual": "Harbor Mutual", "Clearwater Behavioral": "Clearwater Beha…", "EXTRA HEALTHY INSURANCE": "EXTRA HEALTH…", "": "",
	} {
		if got := clip(name, 17); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}
