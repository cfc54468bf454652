package gateway

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

// services are the APIs that REST serves, by the service that answers.
var services = map[string]func(context.Context, *runtime.ServeMux, grpc.ClientConnInterface) error{
	"registry": func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return registryv1.RegisterRegistryServiceHandlerClient(ctx, m, registryv1.NewRegistryServiceClient(c))
	},
	"intake": func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return intakev1.RegisterIntakeServiceHandlerClient(ctx, m, intakev1.NewIntakeServiceClient(c))
	},
	"authorization": func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return authorizationv1.RegisterAuthorizationServiceHandlerClient(ctx, m, authorizationv1.NewAuthorizationServiceClient(c))
	},
	"coding": func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return codingv1.RegisterCodingServiceHandlerClient(ctx, m, codingv1.NewCodingServiceClient(c))
	},
	"claims": func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return claimsv1.RegisterClaimsServiceHandlerClient(ctx, m, claimsv1.NewClaimsServiceClient(c))
	},
	"posting": func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return postingv1.RegisterPostingServiceHandlerClient(ctx, m, postingv1.NewPostingServiceClient(c))
	},
	"collections": func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return collectionsv1.RegisterCollectionsServiceHandlerClient(ctx, m, collectionsv1.NewCollectionsServiceClient(c))
	},
	"exchange": func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return exchangev1.RegisterExchangeServiceHandlerClient(ctx, m, exchangev1.NewExchangeServiceClient(c))
	},
	"reporting": func(ctx context.Context, m *runtime.ServeMux, c grpc.ClientConnInterface) error {
		return reportingv1.RegisterReportingServiceHandlerClient(ctx, m, reportingv1.NewReportingServiceClient(c))
	},
}

// Body limits in bytes. A file of claims may be large; nothing else may.
const (
	bodyMost = 64 << 20
	jsonMost = 1 << 20
)

func (e *edge) rest(ctx context.Context) (http.Handler, error) {
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.HTTPBodyMarshaler{Marshaler: &runtime.JSONPb{
			MarshalOptions:   protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true},
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: false},
		}}),
		runtime.WithErrorHandler(onError), runtime.WithRoutingErrorHandler(onRouting),
		// Nothing of the request's headers reaches a service but what allowed puts into the call.
		runtime.WithIncomingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithForwardResponseOption(e.answer), runtime.WithMiddlewares(e.allowed),
	)
	for name, register := range services {
		conn, err := e.rt.Process.Conn(name)
		if err != nil {
			return nil, err
		}
		if err := register(ctx, mux, conn); err != nil {
			return nil, fmt.Errorf("serve %s: %w", name, err)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
			if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
				Problem{Status: 415, Code: "media_type", Title: "This media type is not taken", Detail: "Send Content-Type: application/json."}.write(w, r)
				return
			}
			most := int64(jsonMost)
			if r.URL.Path == "/v1/interchanges" {
				most = bodyMost
			}
			r.Body = http.MaxBytesReader(w, r.Body, most)
		}
		mux.ServeHTTP(w, r)
	}), nil
}

type callKey struct{}

// call is what the edge knows of one request while it runs.
type call struct {
	identity session.Identity
	pattern  string
	create   bool
}

// allowed runs inside the router, where the method is known: may this role call it, and with which headers does the call go on.
func (e *edge) allowed(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, params map[string]string) {
		id, ok := session.Of(r.Context())
		if !ok {
			problemOf(engineNobody).write(w, r)
			return
		}
		pattern := pathPattern(r)
		if !may(id.Role, r.Method, pattern) {
			Problem{
				Status: 403, Code: "not_allowed", Title: "This role may not do that", Detail: "The role " + id.Role + " may not " + r.Method + " " + pattern + ".",
			}.write(w, r)
			return
		}
		caller := engine.Caller{Tenant: id.Tenant, Actor: id.Actor, Correlation: correlation(r.Context())}
		if p := headers(r, pattern, &caller); p != nil {
			p.write(w, r)
			return
		}
		tokens := append(e.seen.tokens(id.Credential), r.Header.Values("X-Consistency-Token")...)
		ctx := host.Outgoing(r.Context(), e.rt.Process.Token(), caller, tokens...)
		ctx = context.WithValue(ctx, callKey{}, call{identity: id, pattern: pattern, create: r.Method == http.MethodPost})
		next(w, r.WithContext(ctx), params)
	}
}

// pathPattern is the template that the router matched: /v1/claims/{claim_id}.
func pathPattern(r *http.Request) string {
	if p, ok := runtime.HTTPPattern(r.Context()); ok {
		return strings.ReplaceAll(p.String(), "=*}", "}")
	}
	return "" // no row in the table of roles
}

// headers reads what a command carries beside its body. All problems at once.
func headers(r *http.Request, pattern string, c *engine.Caller) *Problem {
	var bad []ProblemError
	c.RequestKey = r.Header.Get("Idempotency-Key")
	command := r.Method == http.MethodPost && !readsByPost(pattern)
	if command && c.RequestKey == "" {
		bad = append(bad, ProblemError{Field: "Idempotency-Key", RuleID: "request.idempotency_key", RuleVersion: 1, Message: "Every write carries an Idempotency-Key header: send a new one (a UUID, say) for each new request, and the same one when you repeat it."})
	}
	if len(c.RequestKey) > 255 || strings.ContainsFunc(c.RequestKey, func(c rune) bool { return c < '!' || c > '~' }) {
		bad = append(bad, ProblemError{Field: "Idempotency-Key", RuleID: "request.idempotency_key", RuleVersion: 1, Message: "An Idempotency-Key has at most 255 printable ASCII characters without blanks."})
	}
	if v := r.Header.Get("If-Match"); v != "" && v != "*" {
		n, err := strconv.Atoi(strings.Trim(v, `"`))
		if err != nil || n < 1 {
			bad = append(bad, ProblemError{Field: "If-Match", RuleID: "request.if_match", RuleVersion: 1, Message: `If-Match is a stream version in double quotes, as ETag gave it: "3".`})
		}
		c.IfMatch = n
	}
	switch v := r.Header.Get("X-Dry-Run"); v {
	case "", "false":
	case "true":
		c.DryRun = true
	default:
		bad = append(bad, ProblemError{Field: "X-Dry-Run", RuleID: "request.dry_run", RuleVersion: 1, Message: "X-Dry-Run is true or false."})
	}
	if !command {
		c.RequestKey = ""
	}
	if len(bad) == 0 {
		return nil
	}
	return &Problem{Status: 400, Code: "malformed", Title: "The request is not well formed", Detail: "See errors.", Errors: bad}
}

// readsByPost are calls that read, with a body because what is asked for must not stand in a URL.
func readsByPost(pattern string) bool { return strings.HasSuffix(pattern, ":search") }

// answer adds to a receipt's response what HTTP has its own words for.
func (e *edge) answer(ctx context.Context, w http.ResponseWriter, m proto.Message) error {
	w.Header().Set("Cache-Control", "no-store")
	c, _ := ctx.Value(callKey{}).(call)
	r, ok := m.(*typev1.Receipt)
	if !ok {
		return nil
	}
	if r.RecordedAt != nil { // what PostgreSQL keeps
		r.RecordedAt.Nanos -= r.RecordedAt.Nanos % 1000
	}
	w.Header().Set("ETag", strconv.Quote(strconv.Itoa(int(r.Version))))
	if r.ConsistencyToken != "" {
		w.Header().Set("X-Consistency-Token", r.ConsistencyToken)
		e.seen.add(c.identity.Credential, r.ConsistencyToken)
	}
	if r.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	if c.create && r.Version == 1 && !strings.Contains(c.pattern, "{") {
		w.Header().Set("Location", c.pattern+"/"+r.Id)
		w.WriteHeader(http.StatusCreated)
	}
	return nil
}

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

// outside is around everything: request id, log line, security headers, panics.
func (e *edge) outside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if id == "" || len(id) > 128 || strings.ContainsFunc(id, func(c rune) bool { return c < '!' || c > '~' }) {
			id = uuid.NewString()
		}
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		began := time.Now()
		defer func() {
			if v := recover(); v != nil {
				if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				e.rt.Log.ErrorContext(r.Context(), "a request failed", "request_id", id, "panic", fmt.Sprintf("%T", v))
				if !rec.wrote {
					Problem{Status: 500, Code: "internal", Title: "Something went wrong here", Detail: "The error was logged under the request id."}.write(rec, r)
				}
			}
			// The path may hold ids, never names: PHI is not allowed in a URL. The query stays out.
			e.rt.Log.InfoContext(r.Context(), "request", "request_id", id, "method", r.Method, "path", r.URL.Path, "status", rec.status, "ms", time.Since(began).Milliseconds())
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
