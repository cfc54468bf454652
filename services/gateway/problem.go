package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
)

// Problem is an RFC 9457 problem document.
type Problem struct {
	Type     string         `json:"type"`
	Title    string         `json:"title"`
	Status   int            `json:"status"`
	Code     string         `json:"code"` // stable
	Detail   string         `json:"detail"`
	Instance string         `json:"instance,omitempty"` // the request's id
	Errors   []ProblemError `json:"errors,omitempty"`
}

// ProblemError is one reason.
type ProblemError struct {
	Pointer     string `json:"pointer,omitempty"` // JSON pointer into the body
	Field       string `json:"field,omitempty"`
	RuleID      string `json:"rule_id,omitempty"`
	RuleVersion int32  `json:"rule_version,omitempty"`
	Message     string `json:"message"`
	Owner       string `json:"owner,omitempty"` // the team that can mend it
}

// kinds of problems: code, HTTP status, title.
var kinds = map[codes.Code]struct {
	status      int
	code, title string
}{
	codes.InvalidArgument:    {400, "malformed", "The request is not well formed"},
	codes.OutOfRange:         {400, "malformed", "The request is not well formed"},
	codes.Unauthenticated:    {401, "not_signed_in", "Nobody is signed in"},
	codes.PermissionDenied:   {403, "not_allowed", "This role may not do that"},
	codes.NotFound:           {404, "not_found", "There is no such thing"},
	codes.Aborted:            {412, "stale", "It has changed since it was read"},
	codes.FailedPrecondition: {422, "refused", "The rules do not allow it"},
	codes.AlreadyExists:      {422, "key_reused", "The Idempotency-Key was used for another request"},
	codes.ResourceExhausted:  {429, "too_many_requests", "Too many requests"},
	codes.Unimplemented:      {501, "not_there", "This is not there"},
	codes.Unavailable:        {503, "unavailable", "Try again in a moment"},
	codes.DeadlineExceeded:   {504, "too_slow", "It took too long"},
	codes.Canceled:           {499, "cancelled", "The caller went away"},
}

func problemOf(err error) Problem {
	s := status.Convert(err)
	k, ok := kinds[s.Code()]
	if !ok {
		k.status, k.code, k.title = 500, "internal", "Something went wrong here"
	}
	p := Problem{Title: k.title, Status: k.status, Code: k.code, Detail: s.Message()}
	if k.status == 500 {
		p.Detail = "The error was logged under the request id; trying again with the same Idempotency-Key is safe."
	}
	for _, d := range s.Details() {
		if reasons, ok := d.(*problemv1.Reasons); ok {
			p.Detail = "See errors: each names a rule that was not met."
			p.Errors = append(p.Errors, errorsOf(reasons.Reasons)...)
		}
	}
	if slices.ContainsFunc(p.Errors, func(e ProblemError) bool {
		return strings.HasPrefix(e.RuleID, "syntax.") || strings.HasPrefix(e.RuleID, "request.")
	}) {
		k := kinds[codes.InvalidArgument] // whatever rule it breaks beside
		p.Status, p.Code, p.Title = k.status, k.code, k.title
	}
	return p
}

func errorsOf(reasons []*problemv1.Reason) (out []ProblemError) {
	for _, r := range reasons {
		out = append(out, ProblemError{Pointer: pointer(r.Field), Field: r.Field, RuleID: r.RuleId, RuleVersion: r.RuleVersion, Message: r.Message, Owner: r.Owner})
	}
	return out
}

// malformed is the problem of a request whose form is wrong.
func malformed(bad []ProblemError) Problem {
	return Problem{Status: 400, Code: "malformed", Title: "The request is not well formed", Detail: "The request is not what this call takes: see errors, and the schema in /openapi.json.", Errors: bad}
}

// pointer turns a proto path (lines[1].service_code) into a JSON pointer (/lines/1/service_code).
func pointer(field string) string {
	if field == "" || strings.HasPrefix(field, "X-") {
		return ""
	}
	r := strings.NewReplacer("~", "~0", "/", "~1", ".", "/", "[", "/", "]", "", `"`, "")
	return "/" + r.Replace(field)
}

// clip ends a text that grew with what was sent.
func clip(text string) string {
	const most = 500
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

// errorsMost are the errors that one answer tells.
const errorsMost = 100

func (p Problem) write(w http.ResponseWriter, r *http.Request) {
	p.Type = "https://evenkeel.dev/problems/" + p.Code
	p.Instance = requestID(r.Context())
	p.Detail = clip(p.Detail)
	for i := range p.Errors {
		p.Errors[i].Message = clip(p.Errors[i].Message)
	}
	if more := len(p.Errors) - errorsMost; more > 0 {
		p.Errors = p.Errors[:errorsMost]
		p.Detail = fmt.Sprintf("%s These are the first %d; %d more are not shown.", p.Detail, errorsMost, more)
	}
	h := w.Header()
	h.Del("ETag")
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.Status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "1")
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="evenkeel"`)
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller went away: nothing to be done
}

// onError is grpc-gateway's error handler. Errors of its own decoding arrive here as InvalidArgument with the decoder's words.
func (e *edge) onError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || strings.Contains(err.Error(), "request body too large") {
		Problem{
			Title: "The body is too large", Status: 413, Code: "too_large", Detail: "At most " + strconv.FormatInt(bodyMost(r.URL.Path)>>20, 10) + " MB are taken here.",
		}.write(w, r)
		return
	}
	if status.Code(err) == codes.Unauthenticated { // the caller was known here: it is we who are not known there
		e.rt.Log.ErrorContext(r.Context(), "a service does not know the gateway: do both have the same master secret?", "request_id", requestID(r.Context()))
		err = status.Error(codes.Internal, "internal error")
	}
	c, _ := r.Context().Value(callKey{}).(call)
	if c.body != nil && len(c.body.bad) > 0 {
		malformed(c.body.bad).write(w, r)
		return
	}
	p := problemOf(err)
	if p.Status == 400 && len(p.Errors) == 0 {
		p = malformed([]ProblemError{{RuleID: "syntax.query", RuleVersion: 1, Message: decoded(p.Detail), Owner: "integrations"}})
	}
	for i, e := range p.Errors {
		if slices.Contains(c.route.query, e.Field) {
			p.Errors[i].Pointer = "" // it stands in no body
		}
	}
	p.write(w, r)
}

// field is the proto path (lines[1].service_code) of a JSON pointer (/lines/1/service_code).
func field(pointer string) string {
	var b strings.Builder
	for _, part := range strings.Split(pointer, "/")[1:] {
		switch _, err := strconv.Atoi(part); {
		case err == nil:
			b.WriteString("[" + part + "]")
		case b.Len() == 0:
			b.WriteString(part)
		default:
			b.WriteString("." + part)
		}
	}
	return b.String()
}

// decoded is a decoder's message without its own noise.
func decoded(s string) string {
	s = strings.ReplaceAll(s, "\u00a0", " ")
	s = strings.TrimPrefix(s, "proto: ")
	return s
}

// onRouting is grpc-gateway's handler for paths and methods that are not there.
func onRouting(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	// grpc-gateway finds a method that another verb has even where the path is only alike: what the path takes says the table of calls.
	if takes := methodsOf(r.URL.Path); code == http.StatusMethodNotAllowed && len(takes) > 0 {
		notThisMethod(w, r, takes...)
		return
	}
	p := Problem{Status: http.StatusNotFound, Code: "not_found", Title: "There is no such path", Detail: "No call has this path: see /openapi.json."}
	if code == http.StatusBadRequest {
		p = Problem{Status: code, Code: "malformed", Title: "The request is not well formed", Detail: "The path can't be read."}
	}
	p.write(w, r)
}

// notThisMethod is the answer of a path that takes other methods.
func notThisMethod(w http.ResponseWriter, r *http.Request, takes ...string) {
	w.Header().Set("Allow", strings.Join(takes, ", "))
	Problem{
		Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Title: "This path does not take this method", Detail: "This path takes " + strings.Join(takes, " and ") + ": see /openapi.json.",
	}.write(w, r)
}
