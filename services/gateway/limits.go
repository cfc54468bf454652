package gateway

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/evenkeel/evenkeel/services/gateway/session"
)

// What one credential may do in this process: a steady rate and a burst above it.
const (
	perSecond = 400
	burst     = 2000
)

// limits keeps one bucket for each credential.
type limits struct {
	mu sync.Mutex
	of map[string]*limit
}

type limit struct {
	*rate.Limiter
	used time.Time
}

func (l *limits) bucket(credential string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.of[credential]
	if b == nil {
		if len(l.of) > 10_000 {
			for k, old := range l.of {
				if now.Sub(old.used) > time.Minute {
					delete(l.of, k)
				}
			}
		}
		b = &limit{Limiter: rate.NewLimiter(perSecond, burst)}
		l.of[credential] = b
	}
	b.used = now
	return b.Limiter
}

// take says whether the credential may go on, and tells it what is left.
func (l *limits) take(w http.ResponseWriter, r *http.Request, credential string) bool {
	now := time.Now()
	b := l.bucket(credential, now)
	ok := b.AllowN(now, 1)
	left := max(0, int(math.Floor(b.TokensAt(now))))
	w.Header().Set("RateLimit-Limit", strconv.Itoa(burst))
	w.Header().Set("RateLimit-Remaining", strconv.Itoa(left))
	w.Header().Set("RateLimit-Reset", strconv.Itoa((burst-left)/perSecond))
	if !ok {
		w.Header().Set("Retry-After", "1")
		Problem{Status: 429, Code: "too_many_requests", Title: "Too many requests", Detail: fmt.Sprintf("This key may make %d requests a second; go on after Retry-After seconds.", perSecond)}.write(w, r)
	}
	return ok
}

// signedIn lets only known callers through. Who comes with the cookie must back a write with the session's token.
func (e *edge) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, cookie, err := e.store.Request(r)
		if errors.Is(err, session.ErrNobody) {
			problemOf(errNobody).write(w, r)
			return
		}
		if err != nil {
			e.rt.Log.ErrorContext(r.Context(), "a caller could not be looked up", "request_id", requestID(r.Context()), "error", err)
			Problem{Status: 503, Code: "unavailable", Title: "Try again in a moment", Detail: "Who is calling could not be looked up."}.write(w, r)
			return
		}
		if l, ok := r.Context().Value(lineKey{}).(*line); ok {
			l.actor = id.Actor
		}
		if !e.limits.take(w, r, id.Credential) {
			return
		}
		if cookie && r.Method != http.MethodGet && r.Method != http.MethodHead && !id.Genuine(r) {
			Problem{Status: 403, Code: "forged", Title: "This did not come from one of our pages", Detail: "Send the session's token in X-CSRF-Token, or use an API key."}.write(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(session.With(r.Context(), id)))
	})
}
