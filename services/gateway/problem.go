package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

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
			for _, r := range reasons.Reasons {
				p.Errors = append(p.Errors, ProblemError{
					Pointer: pointer(r.Field), Field: r.Field, RuleID: r.RuleId, RuleVersion: r.RuleVersion, Message: r.Message, Owner: r.Owner,
				})
			}
		}
	}
	return p
}

// pointer turns a proto path (lines[1].service_code) into a JSON pointer (/lines/1/service_code).
func pointer(field string) string {
	if field == "" || strings.HasPrefix(field, "X-") {
		return ""
	}
	r := strings.NewReplacer("~", "~0", "/", "~1", ".", "/", "[", "/", "]", "", `"`, "")
	return "/" + r.Replace(field)
}

func (p Problem) write(w http.ResponseWriter, r *http.Request) {
	p.Type = "https://evenkeel.dev/problems/" + p.Code
	p.Instance = requestID(r.Context())
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
func onError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || strings.Contains(err.Error(), "request body too large") {
		Problem{
			Title: "The body is too large", Status: 413, Code: "too_large", Detail: "At most " + strconv.Itoa(bodyMost>>20) + " MB are taken here.",
		}.write(w, r)
		return
	}
	p := problemOf(err)
	if p.Status == 400 && len(p.Errors) == 0 {
		p.Errors = []ProblemError{{Message: decoded(p.Detail)}}
		p.Detail = "The body is not the JSON that this call takes: see errors, and the schema in /openapi.json."
	}
	p.write(w, r)
}

// decoded is a decoder's message without its own noise.
func decoded(s string) string {
	s = strings.ReplaceAll(s, "\u00a0", " ")
	s = strings.TrimPrefix(s, "proto: ")
	return s
}

// onRouting is grpc-gateway's handler for paths and methods that are not there.
func onRouting(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	p := Problem{Status: code, Code: "not_found", Title: "There is no such path", Detail: "No call has the path " + r.URL.Path + ": see /openapi.json."}
	if code == http.StatusMethodNotAllowed {
		p.Code, p.Title, p.Detail = "method_not_allowed", "This path does not take this method", r.Method+" is not a method of "+r.URL.Path+": see /openapi.json."
	}
	if code == http.StatusBadRequest {
		p.Code, p.Title, p.Detail = "malformed", "The request is not well formed", "The path can't be read."
	}
	p.write(w, r)
}
