package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

// stopWithin is how long requests may take to end when the gateway stops.
const stopWithin = 10 * time.Second

func serve(ctx context.Context, c Config, rt *host.Runtime) error {
	store := &session.Store{DB: rt.DB, Clock: time.Now, Secure: c.Secure}
	if err := bootstrap(ctx, c.Bootstrap, store); err != nil {
		return err
	}
	handler, err := Handler(ctx, c, rt, store)
	if err != nil {
		return err
	}
	l := c.Listener
	if l == nil {
		if l, err = net.Listen("tcp", c.HTTPAddr); err != nil {
			return fmt.Errorf("the port of the REST API and the console is not free: %w", err)
		}
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	rt.Log.Info("the gateway serves", "addr", l.Addr().String())
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		return errors.Join(fmt.Errorf("requests did not end in time: %w", err), server.Close())
	}
	return nil
}

// bootstrap makes the first user and key.
func bootstrap(ctx context.Context, b *Bootstrap, store *session.Store) error {
	if b == nil {
		return nil
	}
	empty, err := store.Empty(ctx)
	if err != nil || !empty {
		return err
	}
	c := Credentials{Tenant: b.Tenant, Email: b.Email}
	if c.Password, err = store.NewUser(ctx, b.Tenant, b.Email, "Administrator", session.Admin, ""); err != nil {
		return err
	}
	if c.APIKey, err = store.NewKey(ctx, b.Tenant, "first", session.Admin); err != nil {
		return err
	}
	return b.Keep(c)
}

// Handler is everything the gateway serves.
func Handler(ctx context.Context, c Config, rt *host.Runtime, store *session.Store) (http.Handler, error) {
	e := &edge{rt: rt, store: store, clock: c.Clock, seen: &seen{of: map[string][]token{}}, limits: &limits{of: map[string]*limit{}}, secure: c.Secure}
	rest, err := e.rest(ctx)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", e.signedIn(rest))
	mux.Handle("/v1/platform/", e.signedIn(e.platform()))
	mux.Handle("/v1/sandbox/", e.signedIn(e.sandbox()))
	mux.HandleFunc("GET /openapi.json", openAPI)
	mux.HandleFunc("/openapi.json", func(w http.ResponseWriter, r *http.Request) { notThisMethod(w, r, http.MethodGet) })
	if c.Console != nil {
		pages, err := c.Console(rt, store)
		if err != nil {
			return nil, err
		}
		mux.Handle("/", pages)
	} else {
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			onRouting(r.Context(), nil, nil, w, r, http.StatusNotFound)
		})
	}
	return traced(e.outside(straight(mux))), nil
}

// straight refuses paths that http.ServeMux would answer with a redirect, in HTML: //, /./ and /../. Who sends one has left something out of a path.
func straight(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at := r.URL.Path; at != "*" && path.Clean(at) != at && path.Clean(at)+"/" != at {
			Problem{Status: http.StatusNotFound, Code: "not_found", Title: "There is no such path", Detail: "The path has an empty part, or one of dots: is an id missing in it?"}.write(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

type realURL struct{}

// traced makes a span of each request. The span sees no path: a caller may have typed a name into one.
func traced(next http.Handler) http.Handler {
	inner := otelhttp.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := r.Clone(r.Context())
		seen.URL, _ = r.Context().Value(realURL{}).(*url.URL)
		next.ServeHTTP(w, seen)
	}), "gateway")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hidden := r.Clone(context.WithValue(r.Context(), realURL{}, r.URL))
		hidden.URL = &url.URL{Path: "/"}
		inner.ServeHTTP(w, hidden)
	})
}

// edge is what all requests share.
type edge struct {
	rt     *host.Runtime
	store  *session.Store
	clock  Clock
	seen   *seen
	limits *limits
	secure bool
}

// seen remembers, for each credential, the consistency tokens of its latest writes, so that its reads see them.
type seen struct {
	mu sync.Mutex
	of map[string][]token
}

type token struct {
	text string
	at   time.Time
}

const (
	seenMost = 48
	seenFor  = 20 * time.Second
)

func (s *seen) add(credential, text string) {
	if text == "" {
		return
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	list := append(s.of[credential], token{text, now})
	if len(list) > seenMost {
		list = list[len(list)-seenMost:]
	}
	s.of[credential] = list
	if len(s.of) > 10_000 {
		for k, l := range s.of {
			if now.Sub(l[len(l)-1].at) > seenFor {
				delete(s.of, k)
			}
		}
	}
}

func (s *seen) tokens(credential string) []string {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, t := range s.of[credential] {
		if now.Sub(t.at) <= seenFor {
			out = append(out, t.text)
		}
	}
	return out
}
