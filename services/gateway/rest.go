package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

// Body limits in bytes. A file of claims may be large; nothing else may.
const (
	fileMost = 64 << 20
	jsonMost = 1 << 20
)

func bodyMost(path string) int64 {
	if path == "/v1/interchanges" {
		return fileMost
	}
	return jsonMost
}

func (e *edge) rest(ctx context.Context) (http.Handler, error) {
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, newMarshaler()), runtime.WithDisablePathLengthFallback(),
		runtime.WithErrorHandler(e.onError), runtime.WithRoutingErrorHandler(onRouting),
		// Nothing of the request's headers reaches a service but what allowed puts into the call; grpc-gateway begins the call's metadata anew.
		runtime.WithMetadata(func(_ context.Context, r *http.Request) metadata.MD {
			md, _ := metadata.FromOutgoingContext(r.Context())
			return md
		}),
		runtime.WithIncomingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithForwardResponseOption(e.answer), runtime.WithMiddlewares(e.allowed),
	)
	for name, a := range services {
		conn, err := e.rt.Process.Conn(name)
		if err != nil {
			return nil, err
		}
		if err := a.register(ctx, mux, conn); err != nil {
			return nil, fmt.Errorf("serve %s: %w", name, err)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if query, err := url.QueryUnescape(r.URL.RawQuery); err != nil || !plain(r.URL.Path) || !plain(query) {
			Problem{Status: 400, Code: "malformed", Title: "The request is not well formed", Detail: "The path or the query holds control characters, a % that begins no escape, or is not UTF-8."}.write(w, r)
			return
		}
		if r.Method == http.MethodPost {
			if kind := r.Header.Get("Content-Type"); !isJSON(kind) && (kind != "" || r.ContentLength != 0) {
				notThisMedia(w, r)
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, bodyMost(r.URL.Path))
		}
		if r.Method == http.MethodHead { // GET, and net/http sends no body
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
		}
		mux.ServeHTTP(w, r)
	}), nil
}

func notThisMedia(w http.ResponseWriter, r *http.Request) {
	Problem{Status: 415, Code: "media_type", Title: "This media type is not taken", Detail: "Send Content-Type: application/json, in UTF-8."}.write(w, r)
}

func isJSON(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/json" && (params["charset"] == "" || strings.EqualFold(params["charset"], "utf-8"))
}

type callKey struct{}

// call is what the edge knows of one request while it runs.
type call struct {
	credential string
	route      route
	dryRun     bool
	body       *requestBody // nil: a GET
}

// allowed runs inside the router, where the method is known: may this role call it, and with which headers does the call go on.
func (e *edge) allowed(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, params map[string]string) {
		id, ok := session.Of(r.Context())
		if !ok {
			problemOf(errNobody).write(w, r)
			return
		}
		pattern := pathPattern(r)
		note(r, pattern)
		if !may(id.Role, r.Method, pattern) {
			Problem{
				Status: 403, Code: "not_allowed", Title: "This role may not do that", Detail: "The role " + id.Role + " may not " + r.Method + " " + pattern + ".",
			}.write(w, r)
			return
		}
		to := routes[r.Method+" "+pattern]
		caller := engine.Caller{Tenant: id.Tenant, Actor: id.Actor, Correlation: correlation(r.Context())}
		for _, part := range params {
			if part == "" {
				onRouting(r.Context(), nil, nil, w, r, http.StatusNotFound)
				return
			}
		}
		c := call{credential: id.Credential, route: to}
		if r.Method == http.MethodPost {
			c.body = &requestBody{ReadCloser: r.Body, to: to, path: params}
		}
		bad := headers(r, to, &caller)
		tokens := append(e.seen.tokens(id.Credential), r.Header.Values("X-Consistency-Token")...)
		ctx := host.Outgoing(r.Context(), e.rt.Process.Token(), caller, tokens...)
		if r.Method == http.MethodGet {
			question, misfits := ask(r.URL.Query(), to, params)
			if bad = append(bad, misfits...); len(bad) > 0 {
				bad = append(bad, e.ruled(ctx, to, question, bad)...)
			}
			r = filledIn(r)
		}
		if len(bad) > 0 {
			e.refuse(w, r, c, bad)
			return
		}
		c.dryRun = caller.DryRun
		r = r.WithContext(context.WithValue(ctx, callKey{}, c))
		if c.body != nil {
			r.Body = c.body
		}
		next(w, r, params)
	}
}

// refuse answers a request whose headers or query are wrong, with what is wrong with its body beside.
func (e *edge) refuse(w http.ResponseWriter, r *http.Request, c call, bad []ProblemError) {
	if c.body != nil {
		if err := c.body.into(dynamicpb.NewMessage(c.route.rpc.Input())); err != nil && !errors.Is(err, errBody) {
			e.onError(r.Context(), nil, nil, w, r, err)
			return
		}
		bad = append(bad, c.body.bad...)
	}
	malformed(bad).write(w, r)
}

// pathPattern is the template that the router matched: /v1/claims/{claim_id}.
func pathPattern(r *http.Request) string {
	if p, ok := runtime.HTTPPattern(r.Context()); ok {
		return strings.ReplaceAll(p.String(), "=*}", "}")
	}
	return "" // no row in the table of roles
}

// headers reads what a call carries beside its body. All problems at once.
func headers(r *http.Request, to route, c *engine.Caller) (bad []ProblemError) {
	no := func(field, rule, format string, args ...any) {
		bad = append(bad, ProblemError{Field: field, RuleID: rule, RuleVersion: 1, Message: fmt.Sprintf(format, args...), Owner: "integrations"})
	}
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if !slices.Contains(to.query, name) {
			bad = append(bad, unknownParameter(name, to.query))
		}
	}
	for _, t := range r.Header.Values("X-Consistency-Token") {
		if !isToken.MatchString(t) {
			no("X-Consistency-Token", "request.consistency_token", "An X-Consistency-Token is what a receipt gave as consistency_token, whole; send several as several headers.")
		}
	}
	command := to.method == http.MethodPost && !readsByPost(to.pattern)
	if !command {
		return bad
	}
	c.RequestKey = r.Header.Get("Idempotency-Key")
	switch {
	case c.RequestKey == "":
		no("Idempotency-Key", "request.idempotency_key", "Every write carries an Idempotency-Key header: send a new one (a UUID, say) for each new request, and the same one when you repeat it.")
	case len(c.RequestKey) > 255 || strings.ContainsFunc(c.RequestKey, func(c rune) bool { return c < '!' || c > '~' }):
		no("Idempotency-Key", "request.idempotency_key", "An Idempotency-Key has at most 255 printable ASCII characters without blanks.")
	}
	if v := r.Header.Get("If-Match"); v != "" && v != "*" {
		n, err := strconv.Atoi(strings.Trim(v, `"`))
		if err != nil || n < 1 {
			no("If-Match", "request.if_match", `If-Match is a stream version in double quotes, as ETag gave it: "3".`)
		}
		c.IfMatch = n
	}
	switch v := r.Header.Get("X-Dry-Run"); v {
	case "", "false":
	case "true":
		c.DryRun = true
	default:
		no("X-Dry-Run", "request.dry_run", "X-Dry-Run is true or false.")
	}
	return bad
}

// unknownParameter is the reason where a call takes other parameters.
func unknownParameter(name string, takes []string) ProblemError {
	e := ProblemError{Field: name, RuleID: "request.query", RuleVersion: 1, Owner: "integrations"}
	if e.Message = "This call does not know this parameter: it takes " + strings.Join(takes, ", ") + "."; len(takes) == 0 {
		e.Message = "This call takes nothing in the query: the body and the headers carry what it needs (X-Dry-Run: true for a dry run)."
	}
	return e
}

var isToken = regexp.MustCompile(`^[a-z]+:\d{1,3}:\d{1,18}$`)

// readsByPost are calls that read, with a body because what is asked for must not stand in a URL.
func readsByPost(pattern string) bool { return strings.HasSuffix(pattern, ":search") }

// withoutPeople takes what names people, or says what they have, out of an answer: finance follows a claim to its dollars and need not know whose it is.
func withoutPeople(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		phi, _ := proto.GetExtension(f.Options(), typev1.E_Phi).(bool)
		switch {
		case phi:
			m.Clear(f)
		case f.Message() == nil || f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				withoutPeople(v.List().Get(i).Message())
			}
		default:
			withoutPeople(v.Message())
		}
		return true
	})
}

// answer adds what HTTP has its own words for.
func (e *edge) answer(ctx context.Context, w http.ResponseWriter, m proto.Message) error {
	w.Header().Set("Cache-Control", "no-store")
	if b, ok := m.(*httpbody.HttpBody); ok && strings.HasPrefix(b.ContentType, "text/html") {
		// A statement is shown as it is, and can do nothing.
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox")
	}
	if id, ok := session.Of(ctx); ok && id.Role == session.Finance {
		withoutPeople(m.ProtoReflect())
	}
	c, _ := ctx.Value(callKey{}).(call)
	r, ok := m.(*typev1.Receipt)
	if !ok {
		if v, ok := m.(interface{ GetVersion() int32 }); ok && v.GetVersion() > 0 {
			w.Header().Set("ETag", etag(v.GetVersion()))
		}
		return nil
	}
	if r.RecordedAt != nil { // what PostgreSQL keeps
		r.RecordedAt.Nanos -= r.RecordedAt.Nanos % 1000
	}
	if c.dryRun {
		return nil // nothing has a version yet, and nothing is there to be found
	}
	w.Header().Set("ETag", etag(r.Version))
	if r.ConsistencyToken != "" {
		w.Header().Set("X-Consistency-Token", r.ConsistencyToken)
		e.seen.add(c.credential, r.ConsistencyToken)
	}
	if r.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	// Its stream began with these events.
	if c.route.creates && len(r.Events) > 0 && int(r.Version) == len(r.Events) {
		if c.route.created != "" {
			w.Header().Set("Location", c.route.created+r.Id)
		}
		w.WriteHeader(http.StatusCreated)
	}
	return nil
}

func etag(version int32) string { return strconv.Quote(strconv.Itoa(int(version))) }

type requestIDKey struct{}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// correlation is the request's id where that is a UUID, else one derived from it.
func correlation(ctx context.Context) uuid.UUID {
	id := requestID(ctx)
	if u, err := uuid.Parse(id); err == nil {
		return u
	}
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(id))
}

// line is what the access log says of a request. The path itself is not told: a client may have put a name into it.
type line struct{ pattern, actor string }

type lineKey struct{}

// note says which call a request turned out to be.
func note(r *http.Request, pattern string) {
	if l, ok := r.Context().Value(lineKey{}).(*line); ok {
		l.pattern = pattern
	}
}

// outside is around everything: request id, log line, security headers, panics.
func (e *edge) outside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if id == "" || len(id) > 128 || strings.ContainsFunc(id, func(c rune) bool { return c < '!' || c > '~' }) {
			id = uuid.NewString()
		}
		l := &line{}
		r = r.WithContext(context.WithValue(context.WithValue(r.Context(), requestIDKey{}, id), lineKey{}, l))
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		if e.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		began := time.Now()
		defer func() {
			if v := recover(); v != nil {
				if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				e.rt.Log.ErrorContext(r.Context(), "a request failed", "request_id", id, "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
				if !rec.wrote {
					Problem{Status: 500, Code: "internal", Title: "Something went wrong here", Detail: "The error was logged under the request id."}.write(rec, r)
				}
			}
			if l.pattern == "" {
				l.pattern = r.Pattern
			}
			e.rt.Log.InfoContext(r.Context(), "request", "request_id", id, "method", r.Method, "path", l.pattern, "status", rec.status, "ms", time.Since(began).Milliseconds(), "actor", l.actor)
		}()
		next.ServeHTTP(rec, r)
	})
}

type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

// WriteHeader notes the status.
func (r *recorder) WriteHeader(code int) {
	if !r.wrote {
		r.status, r.wrote = code, true
	}
	r.ResponseWriter.WriteHeader(code)
}

// Write notes that the answer has begun.
func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(b)
}

// Unwrap gives http.ResponseController the real writer.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// plain says whether text is UTF-8 without control characters.
func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
