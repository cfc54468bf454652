package console

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

//go:embed static
var static embed.FS

// Services that the pages read.
var services = []string{"registry", "claims", "posting", "collections", "exchange", "reporting", "intake", "authorization", "coding"}

// readWithin bounds what one page may take.
const readWithin = 20 * time.Second

// console is what all pages share.
type console struct {
	store *session.Store
	token string
	clock func() time.Time
	log   *slog.Logger

	registry    registryv1.RegistryServiceClient
	claims      claimsv1.ClaimsServiceClient
	posting     postingv1.PostingServiceClient
	collections collectionsv1.CollectionsServiceClient
	exchange    exchangev1.ExchangeServiceClient
	reporting   reportingv1.ReportingServiceClient
	intake      intakev1.IntakeServiceClient
	coding      codingv1.CodingServiceClient
	history     map[string]platformv1.PlatformServiceClient

	screens map[string]screen
	tries   session.Tries
}

// New is the pages, for the gateway to serve under /.
func New(rt *host.Runtime, store *session.Store) (http.Handler, error) {
	return build(rt.Process.Conn, rt.Process.Token(), rt.Clock, rt.Log, store)
}

func build(dial func(service string) (grpc.ClientConnInterface, error), token string, clock func() time.Time, log *slog.Logger, store *session.Store) (http.Handler, error) {
	to := map[string]grpc.ClientConnInterface{}
	c := &console{store: store, token: token, clock: clock, log: log, history: map[string]platformv1.PlatformServiceClient{}}
	for _, name := range services {
		conn, err := dial(name)
		if err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
		to[name], c.history[name] = conn, platformv1.NewPlatformServiceClient(conn)
	}
	c.registry = registryv1.NewRegistryServiceClient(to["registry"])
	c.claims = claimsv1.NewClaimsServiceClient(to["claims"])
	c.posting = postingv1.NewPostingServiceClient(to["posting"])
	c.collections = collectionsv1.NewCollectionsServiceClient(to["collections"])
	c.exchange = exchangev1.NewExchangeServiceClient(to["exchange"])
	c.reporting = reportingv1.NewReportingServiceClient(to["reporting"])
	c.intake = intakev1.NewIntakeServiceClient(to["intake"])
	c.coding = codingv1.NewCodingServiceClient(to["coding"])
	return c.routes(), nil
}

// request is one page being asked for.
type request struct {
	*http.Request
	w  http.ResponseWriter
	id session.Identity
	at string // as of: the day in the address, or empty for today
	q  url.Values

	screens map[string]screen
	late    bool     // what this browser just did is not in what is shown
	refused *refusal // the form that was sent, while its page is shown again
}

// view answers a request with a page.
type view func(context.Context, *request) (*page, error)

func (c *console) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", assets())
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/static/icon.svg", http.StatusMovedPermanently)
	})
	mux.HandleFunc("GET /sign-in", c.signInPage)
	mux.HandleFunc("POST /sign-in", c.signIn)
	mux.HandleFunc("POST /sign-out", c.signOut)
	c.screens = c.views()
	for pattern, s := range c.screens {
		mux.HandleFunc(pattern, c.serve(s))
	}
	mux.HandleFunc("/", c.serve(screen{view: func(context.Context, *request) (*page, error) {
		return nil, notThere("There is no page at this address.")
	}}))
	// Forms carry the session's token; the browser's own word on where a request comes from is checked first.
	same := http.NewCrossOriginProtection()
	same.SetDenyHandler(c.serve(screen{view: func(context.Context, *request) (*page, error) { return nil, errForged }}))
	return secure(same.Handler(mux))
}

// serve is a page behind the sign-in.
func (c *console) serve(s screen) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, cookie, err := c.store.Request(r)
		if err == session.ErrNobody {
			if r.Method != http.MethodGet {
				from := "/"
				if u, err := url.Parse(r.Referer()); err == nil && inside(u.Path) {
					from = u.RequestURI()
				}
				http.Redirect(w, r, "/sign-in?unsent=1&next="+url.QueryEscape(from), http.StatusSeeOther)
				return
			}
			if r.Header.Get("HX-Request") != "" { // a part of a page cannot hold the sign-in
				w.Header().Set("HX-Redirect", "/sign-in?next="+url.QueryEscape(r.URL.RequestURI()))
				return
			}
			http.Redirect(w, r, "/sign-in?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		}
		req := &request{Request: r, w: w, id: id, q: r.URL.Query(), screens: c.screens}
		if err != nil {
			c.log.ErrorContext(r.Context(), "a session could not be looked up", "request_id", requestID(w), "error", err)
			c.fail(req, status.Error(codes.Unavailable, "Who is signed in could not be looked up."))
			return
		}
		if !req.may(s.calls...) {
			c.fail(req, denied(id.Role))
			return
		}
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
			if cookie && !id.Genuine(r) {
				c.fail(req, errForged)
				return
			}
		}
		if at := req.q.Get("as_of"); at != "" {
			if !date.Valid(at) {
				c.fail(req, status.Error(codes.InvalidArgument, "The as-of date in the address is not a day: write it as 2026-03-31."))
				return
			}
			req.at = at
		}
		ctx, cancel := context.WithTimeout(r.Context(), readWithin)
		defer cancel()
		var tokens []string
		if r.Method == http.MethodGet {
			tokens = wrote(r)
		}
		p, err := s.view(c.calling(ctx, req, "", tokens...), req)
		if len(tokens) > 0 && status.Code(err) == codes.Unavailable { // a service that is behind rather than away answers without waiting
			req.late = true
			p, err = s.view(c.calling(ctx, req, ""), req)
		}
		if err != nil && r.Method == http.MethodPost && refused(err) {
			if p, ok := c.again(ctx, req, err); ok {
				c.render(req, failures[said(err).Code()].status, p)
				return
			}
		}
		if err != nil {
			c.fail(req, err)
			return
		}
		if p != nil {
			c.render(req, http.StatusOK, p)
		}
	}
}

// denied is a 403 with the way on.
func denied(role string) error {
	return status.Error(codes.PermissionDenied, "The role "+strings.ToLower(words(role))+" may not use this page. An administrator of your group can give you another role.")
}

// calling is a context whose gRPC calls are made for who is signed in. key is the idempotency key of a command, tokens are what the answer must hold.
func (c *console) calling(ctx context.Context, r *request, key string, tokens ...string) context.Context {
	correlation, err := uuid.Parse(requestID(r.w))
	if err != nil {
		correlation = uuid.NewSHA1(uuid.NameSpaceOID, []byte(requestID(r.w)))
	}
	return host.Outgoing(ctx, c.token, engine.Caller{Tenant: r.id.Tenant, Actor: r.id.Actor, RequestKey: key, Correlation: correlation}, tokens...)
}

// requestID is the id that the gateway gave the request.
func requestID(w http.ResponseWriter) string { return w.Header().Get("X-Request-Id") }

// today is the day of the platform's clock.
func (c *console) today() string { return date.Of(c.clock(), time.UTC) }

// asOf is the day a report is for.
func (c *console) asOf(r *request) string {
	if r.at != "" {
		return r.at
	}
	return c.today()
}

// to is a link to another page, keeping the as-of date. pairs are keys and values; empty values are left out.
func (r *request) to(path string, pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if r.at != "" {
		v.Set("as_of", r.at)
	}
	return address(path, v)
}

// here is this page with some of its query changed; an empty value takes the key away. Following it begins at the first row unless page is among the pairs.
func (r *request) here(pairs ...string) string {
	v := url.Values{}
	for k, l := range r.q {
		if k != "page" && k != "done" && len(l) > 0 && l[0] != "" {
			v[k] = l[:1]
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			v.Del(pairs[i])
		} else {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return address(r.URL.Path, v)
}

func address(path string, v url.Values) string {
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// inside says whether a path stays on this site.
func inside(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.ContainsAny(path, "\\\r\n")
}
