package console

import (
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/services/gateway/session"
)

// policy lets a page use our own files and nothing else: no script or style in the page, no other site.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
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

// Who may see what; the API's table of roles says the same of the calls behind the pages.
var (
	finance = []string{session.Admin, session.Biller, session.Finance}
	billing = []string{session.Admin, session.Biller}
	people  = []string{session.Admin, session.Biller, session.ClinicianSystem, session.ReadOnly}
)

// restricted pages, by the first part of their path after the method; POST is for billing, but for deposits.
var restricted = map[string][]string{
	"remittances": finance, "deposits": finance, "interchanges": finance, "patients": people, "statements": people,
}

// allowed says whether a role may use a page.
func allowed(role, pattern string) bool {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		return true // the page that says that there is none
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	first, _, _ = strings.Cut(first, ".") // the CSV of a page
	if method == http.MethodPost && first != "deposits" && !slices.Contains(billing, role) {
		return false
	}
	only, ok := restricted[first]
	return !ok || slices.Contains(only, role)
}

// may says whether who is signed in has one of the roles.
func (r *request) may(roles []string) bool { return slices.Contains(roles, r.id.Role) }
