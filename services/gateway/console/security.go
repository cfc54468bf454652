package console

import (
	"io/fs"
	"net/http"
	"strings"

	"github.com/evenkeel/evenkeel/services/gateway"
)

// policy lets a page use our own files and nothing else: no script or style in the page, no other site.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin") // a page that refuses a form leads back to it
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// assets are the style sheet, the scripts and the icon. They change with the binary alone.
func assets() http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is embedded
	}
	serve := http.StripPrefix("/static/", http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=3600")
		serve.ServeHTTP(w, r)
	})
}

// screen is a page and the API calls that it stands for. Who may make them all may use the page: there is one table of roles, the gateway's.
type screen struct {
	view  view
	calls []string // METHOD /v1/path
}

// allows says whether a role may make all of the calls.
func allows(role string, calls ...string) bool {
	for _, c := range calls {
		method, path, _ := strings.Cut(c, " ")
		if !gateway.May(role, method, path) {
			return false
		}
	}
	return true
}

// may says whether who is signed in may make all of the calls.
func (r *request) may(calls ...string) bool { return allows(r.id.Role, calls...) }

// opens is the address if who is signed in may open it, else empty: a link nobody can follow is none.
func (r *request) opens(href string) string {
	path, _, _ := strings.Cut(href, "?")
	path, _, _ = strings.Cut(path, "#")
	if kind, ok := kindOf(path); ok && !r.reads(kind) {
		return ""
	}
	for pattern, s := range r.screens {
		if matches(pattern, "GET "+path) && r.may(s.calls...) {
			return href
		}
	}
	return ""
}

// sends says whether who is signed in may send the form of an address.
func (r *request) sends(action string) bool {
	for pattern, s := range r.screens {
		if matches(pattern, "POST "+action) && r.may(s.calls...) {
			return true
		}
	}
	return false
}

// matches says whether METHOD /a/path has the form of a pattern.
func matches(pattern, path string) bool {
	want, have := strings.Split(strings.TrimSuffix(pattern, "{$}"), "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return false
	}
	for i, w := range want {
		if w != have[i] && (!strings.HasPrefix(w, "{") || have[i] == "") {
			return false
		}
	}
	return true
}

// streams are the calls that tell what an event of that kind of stream tells. The history of a kind that is not here is for who sees the platform itself.
var streams = map[string]string{
	"claim": "GET /v1/claims/{claim_id}", "account": "GET /v1/accounts/{account_id}", "settlement": "GET /v1/remittances/{remittance_id}", "remittance": "GET /v1/remittances/{remittance_id}",
	"deposit": "GET /v1/deposits", "patient_payment": "GET /v1/patient-payments", "patient_ledger": "GET /v1/patient-payments", "patient_balance": "GET /v1/patients/{patient_id}/balance",
	"interchange": "GET /v1/interchanges/{interchange_id}", "work_item": "GET /v1/work-items/{work_item_id}", "patient": "GET /v1/patients/{patient_id}",
	"appointment": "GET /v1/appointments/{appointment_id}", "encounter": "GET /v1/encounters/{encounter_id}", "coverage": "GET /v1/coverages/{coverage_id}",
	"eligibility_check": "GET /v1/eligibility-checks/{eligibility_check_id}", "authorization": "GET /v1/authorizations/{authorization_id}", "payer": "GET /v1/payers/{payer_id}",
	"contract": "GET /v1/contracts/{contract_id}",
}

// reads says whether who is signed in may read the history of a kind of stream.
func (r *request) reads(kind string) bool {
	call, ok := streams[kind]
	if !ok {
		call = "GET /v1/platform/status"
	}
	return r.may(call)
}

// kindOf is the kind of the stream whose events a page shows.
func kindOf(path string) (kind string, ok bool) {
	parts := strings.Split(path, "/") // /events/posting/account/enc_1
	if len(parts) != 5 || parts[1] != "events" {
		return "", false
	}
	return parts[3], true
}

// Calls that stand for what a page shows beside its own.
const (
	seesPeople = "GET /v1/patients/{patient_id}"
	readsFiles = "GET /v1/interchanges/{interchange_id}/segments"
)
