package console

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

//go:embed templates/*.html
var templates embed.FS

// page is what a view answers with: a template and what goes into it.
type page struct {
	Title  string
	Nav    string // the menu's entry
	Crumbs []crumb
	Body   string // template
	Data   any
	Dated  bool // its reads take an as-of date
	Done   string

	Searched string // what the search box holds
}

type crumb struct{ Text, Href string }

// frame is what the layout shows around a page.
type frame struct {
	*page
	Menu     []entry
	Name     string
	Role     string
	CSRF     string
	AsOf     string
	Today    string
	Keep     []field // the query, for forms that change a part of it
	Path     string
	Searched string
	Late     string // the page once more, when it does not hold what was just done
}

type entry struct {
	Text, Href, Key string
	On, Gap         bool
}

type field struct{ Name, Value string }

// menu in its order; keys are typed after g.
var menu = []struct {
	text, path, nav, key string
	dated, gap           bool
}{
	{"Dashboard", "/", "dashboard", "d", true, false},
	{"Receivables", "/receivables", "receivables", "a", true, false},
	{"Claims", "/claims", "claims", "c", true, false},
	{"Denials", "/denials", "denials", "n", true, false},
	{"Work items", "/work-items", "work", "w", false, false},
	{"Payers", "/payers", "payers", "p", true, true},
	{"Ledger", "/ledger", "ledger", "l", true, false},
	{"Remittances", "/remittances", "remittances", "r", false, false},
	{"Deposits", "/deposits", "deposits", "b", true, false},
	{"Files", "/interchanges", "files", "f", false, false},
}

var funcs = template.FuncMap{
	"money":   money.Format,
	"spelled": spelled,
	"words":   words,
	"tone":    tone,
	"event":   eventName,
	"short":   short,
	"grouped": grouped,
	"postal":  postal,
	"phone":   phone,
}

// pages has a set of templates for each file in templates/, every one inside the layout.
var pages = parse()

func parse() map[string]*template.Template {
	files, err := templates.ReadDir("templates")
	if err != nil {
		panic(err) // the folder is embedded
	}
	shared := template.Must(template.New("").Funcs(funcs).ParseFS(templates, "templates/layout.html", "templates/parts.html"))
	set := map[string]*template.Template{}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".html")
		if name != "layout" && name != "parts" {
			set[name] = template.Must(template.Must(shared.Clone()).ParseFS(templates, "templates/"+f.Name()))
		}
	}
	return set
}

func (c *console) render(r *request, code int, p *page) {
	f := frame{page: p, Name: r.id.Name, Role: r.id.Role, CSRF: r.id.CSRF, AsOf: r.at, Today: c.today(), Path: r.URL.Path, Searched: p.Searched}
	if r.late {
		f.Late = r.URL.RequestURI()
	}
	for _, m := range menu {
		if r.opens(m.path) == "" {
			continue
		}
		e := entry{Text: m.text, Href: m.path, Key: m.key, On: m.nav == p.Nav, Gap: m.gap}
		if m.dated {
			e.Href = r.to(m.path)
		}
		f.Menu = append(f.Menu, e)
	}
	for k, v := range r.q {
		if k != "as_of" && k != "page" && k != "done" && len(v) > 0 {
			f.Keep = append(f.Keep, field{k, v[0]})
		}
	}
	slices.SortFunc(f.Keep, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
	if p.Done == "" {
		p.Done = done[r.q.Get("done")]
	}
	c.write(r.w, r.Request, code, p.Body, f)
}

// done are the words for what a form did, by the done key of the address it leads to.
var done = map[string]string{
	"assigned": "The work item was assigned.",
	"resolved": "The work item was resolved.",
	"rescrub":  "The claim was checked again with the facts of now.",
	"released": "The claim was released.",
	"issued":   "The statement was written.",
	"recorded": "The deposit was recorded.",

	"reported":           "What the payer says was recorded.",
	"corrected":          "The claim was corrected.",
	"voided":             "The claim was taken back.",
	"accepted":           "What was in dispute was given up.",
	"taken_off":          "The charge was taken off.",
	"answered":           "The query was answered.",
	"no_show":            "The no-show was recorded.",
	"cancelled":          "The visit was cancelled.",
	"paid":               "The payment was recorded.",
	"refunded":           "The refund was recorded.",
	"taken_back":         "The payment was taken back.",
	"deposit_taken_back": "The deposit was taken back.",
}

// bare is a page outside the menu.
func (c *console) bare(w http.ResponseWriter, r *http.Request, code int, name string, data any) {
	c.write(w, r, code, name, data)
}

// write renders first and sends then, so that no half page goes out.
func (c *console) write(w http.ResponseWriter, r *http.Request, code int, name string, data any) {
	var b bytes.Buffer
	t := pages[name]
	if t == nil {
		panic("console: there is no template " + name)
	}
	if err := t.ExecuteTemplate(&b, "page", data); err != nil {
		c.log.ErrorContext(r.Context(), "a page could not be rendered", "request_id", requestID(w), "template", name, "error", err)
		http.Error(w, "This page could not be shown. Tell your administrator the request id "+requestID(w)+".", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = b.WriteTo(w) // the reader went away: nothing to be done
}

// failure is a page that says what went wrong and what to do.
type failure struct {
	Title, Why, Todo string
	Reasons          []*problemv1.Reason
	Request          string
	Again            string // the same page once more
	Back             string
}

// failures by the code a service answers with: HTTP status, title, what to do.
var failures = map[codes.Code]struct {
	status      int
	title, todo string
}{
	codes.NotFound:           {404, "There is no such thing here", "Check the address, or look for it with the search at the top."},
	codes.InvalidArgument:    {400, "This can't be asked like that", "Change what is named, then try again."},
	codes.PermissionDenied:   {403, "You may not do this", "Nothing was changed."},
	codes.Unauthenticated:    {401, "You are not signed in", "Sign in again."},
	codes.FailedPrecondition: {422, "The rules do not allow it", "Nothing was changed. Clear what is named, then try again."},
	codes.Aborted:            {409, "Somebody else was faster", "Nothing was changed. Go back to see what is there now, then decide again."},
	codes.AlreadyExists:      {409, "This form was sent before, with other words in it", "The first sending counts. Go back to see what is there now, then fill in the form anew."},
	codes.Unimplemented:      {501, "This can't be shown yet", "The service behind this page does not answer this question in this release."},
	codes.Unavailable:        {503, "A part of the platform does not answer", "Nothing is lost. Try again in a moment; if it stays so, tell your administrator the request id."},
	codes.DeadlineExceeded:   {504, "This took too long", "Nothing is lost. Try again, or ask for less with a filter."},
	codes.Canceled:           {504, "This took too long", "Nothing is lost. Try again, or ask for less with a filter."},
	codes.ResourceExhausted:  {429, "Too many requests", "Wait a moment, then try again."},
}

// errForged: the form has not the session's token. It was open since before the last sign-in, or it is not ours.
var errForged = status.Error(codes.PermissionDenied, "The form on the page belongs to an earlier session, or did not come from here.")

// said is what a service answered, without the words our own code put before it.
func said(err error) *status.Status {
	var answer interface{ GRPCStatus() *status.Status }
	if errors.As(err, &answer) {
		return answer.GRPCStatus()
	}
	return status.FromContextError(err)
}

func (c *console) fail(r *request, err error) {
	s := said(err)
	k, ok := failures[s.Code()]
	f := failure{Title: k.title, Why: sentence(s.Message()), Todo: k.todo, Request: requestID(r.w)}
	switch {
	case !ok:
		k.status = http.StatusInternalServerError
		f.Title, f.Why, f.Todo = "Something went wrong here", "The error was logged under the request id below.", "Try again; if it stays so, tell your administrator the request id."
	case err == errForged:
		f.Title, f.Todo = "This form can't be taken", "Nothing was changed. Go back, load the page again, and send the form once more."
	}
	if k.status >= 500 {
		c.log.ErrorContext(r.Context(), "a page failed", "request_id", f.Request, "path", r.URL.Path, "code", s.Code().String(), "error", err)
		switch s.Code() {
		case codes.Unavailable:
			f.Why = "One of its services could not be reached."
		case codes.DeadlineExceeded, codes.Canceled:
			f.Why = fmt.Sprintf("A page may take %d seconds.", int(readWithin.Seconds()))
		}
	}
	for _, d := range s.Details() {
		if reasons, ok := d.(*problemv1.Reasons); ok {
			f.Reasons = append(f.Reasons, reasons.Reasons...)
			f.Why = "These rules are not met:"
		}
	}
	if r.Method == http.MethodGet && (k.status >= 500 || k.status == http.StatusTooManyRequests) {
		f.Again = r.URL.RequestURI()
	} else if u, err := url.Parse(r.Referer()); err == nil && inside(u.Path) && (r.Method != http.MethodGet || u.Path != r.URL.Path) {
		f.Back = u.RequestURI()
	}
	r.at = "" // what was wrong may be the date
	c.render(r, k.status, &page{Title: f.Title, Body: "error", Data: f})
}

// sentence is a service's message as one: with a capital and a full stop.
func sentence(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?:") {
		return upper(s)
	}
	return upper(s) + "."
}

// notThere is a 404 with its own words.
func notThere(format string, args ...any) error {
	return status.Error(codes.NotFound, fmt.Sprintf(format, args...))
}

// invalid is a 400 with its own words.
func invalid(format string, args ...any) error {
	return status.Error(codes.InvalidArgument, fmt.Sprintf(format, args...))
}

// upper makes the first letter a capital.
func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
