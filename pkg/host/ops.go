package host

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/pprof"
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
		problems := p.Ready(r.Context())
		w.Header().Set("Content-Type", "application/json")
		if len(problems) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"ready": len(problems) == 0, "problems": problems})
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

// Ready is what keeps the process from serving; nothing when it is ready.
func (p *Process) Ready(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
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
