package host

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/pprof"
	"slices"
	"time"
)

// Ops serves /livez (this process can make progress), /readyz (its database and broker answer) and /metrics.
func (p *Process) Ops() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-p.done:
			http.Error(w, "stopped", http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte("ok\n"))
		}
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
		defer cancel()
		problems, notices := p.Ready(ctx), p.Notices(ctx)
		w.Header().Set("Content-Type", "application/json")
		if len(problems) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"ready": len(problems) == 0, "problems": problems, "notices": notices})
	})
	// Profiles of the running process: go tool pprof http://…/debug/pprof/profile
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	if p.Metrics != nil {
		mux.Handle("GET /metrics", p.Metrics)
	}
	return mux
}

// readyWithin is how long /readyz may take in all.
const readyWithin = 2 * time.Second

// Ready is what keeps the process from serving; nothing when it is ready.
func (p *Process) Ready(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	problems := []string{}
	select {
	case <-p.ready:
	default:
		problems = append(problems, "starting")
	}
	if err := p.kafka.Ping(ctx); err != nil {
		problems = append(problems, "the Kafka brokers do not answer")
	}
	for name, s := range p.running {
		if _, err := s.log.Head(ctx); err != nil {
			problems = append(problems, name+": its database does not answer")
		}
	}
	return problems
}

// Notices are what an operator should do about services that go on meanwhile.
func (p *Process) Notices(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	notices := []string{}
	for _, name := range slices.Sorted(maps.Keys(p.running)) {
		s := p.running[name]
		if s.Notice == nil {
			continue
		}
		if text, err := s.Notice(ctx, s.runtime); err == nil && text != "" { // a fault of the database is a problem, which Ready tells
			notices = append(notices, name+": "+text)
		}
	}
	return notices
}
