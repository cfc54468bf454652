package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

// asked are the services whose status is told: those with a log, and reporting.
var asked = append(slices.Sorted(maps.Keys(services)), "payersim")

// statusWithin is how long a service has to tell its status: one that hangs does not hide the others.
const statusWithin = 5 * time.Second

// silence is a service that did not tell its status.
type silence struct {
	Service string `json:"service"`
	Detail  string `json:"detail"`
}

// statuses asks every service how far it has come, all at once, and says which do not tell.
func (e *edge) statuses(ctx context.Context, id session.Identity) (told []*platformv1.StatusResponse, silent []silence) {
	ctx, cancel := context.WithTimeout(host.Outgoing(ctx, e.rt.Process.Token(), engine.Caller{Tenant: id.Tenant, Actor: id.Actor}), statusWithin)
	defer cancel()
	answers, faults := make([]*platformv1.StatusResponse, len(asked)), make([]error, len(asked))
	var all sync.WaitGroup
	for i, name := range asked {
		all.Go(func() {
			conn, err := e.rt.Process.Conn(name)
			if err == nil {
				answers[i], err = platformv1.NewPlatformServiceClient(conn).Status(ctx, &platformv1.StatusRequest{Service: name})
			}
			faults[i] = err
		})
	}
	all.Wait()
	for i, name := range asked {
		if faults[i] == nil {
			told = append(told, answers[i])
			continue
		}
		detail := fmt.Sprintf("the service %s does not tell its status: the log of the gateway says why", name)
		switch status.Code(faults[i]) {
		case codes.Unavailable:
			detail = status.Convert(faults[i]).Message()
		case codes.DeadlineExceeded:
			detail = fmt.Sprintf("the service %s does not answer within %d seconds", name, statusWithin/time.Second)
		default:
			e.rt.Log.WarnContext(ctx, "a service does not tell its status", "service", name, "error", faults[i])
		}
		silent = append(silent, silence{name, detail})
	}
	return told, silent
}

// platform serves GET /v1/platform/status for operators.
func (e *edge) platform() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := session.Of(r.Context())
		if !may(id.Role, r.Method, r.URL.Path) {
			Problem{Status: 403, Code: "not_allowed", Title: "This role may not do that", Detail: "Only an administrator sees the platform."}.write(w, r)
			return
		}
		if !routed(w, r, map[string]own{"/v1/platform/status": {method: http.MethodGet}}) {
			return
		}
		told, silent := e.statuses(r.Context(), id)
		writeJSON(w, map[string]any{"services": raw(told), "silent": append([]silence{}, silent...)})
	})
}

func raw(all []*platformv1.StatusResponse) []json.RawMessage {
	out := make([]json.RawMessage, len(all))
	for i, s := range all {
		s.LastBySlot = nil // 256 numbers that say nothing to a person
		for _, c := range s.Consumers {
			c.HandledBySlot = nil
		}
		b, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(s)
		if err != nil {
			panic(err) // our own message always marshals
		}
		out[i] = b
	}
	return out
}

// fault answers an error of the platform's own.
func (e *edge) fault(w http.ResponseWriter, r *http.Request, err error) {
	if s, ok := status.FromError(err); ok {
		problemOf(s.Err()).write(w, r)
		return
	}
	e.rt.Log.ErrorContext(r.Context(), "a request failed", "request_id", requestID(r.Context()), "error", err)
	Problem{Status: 503, Code: "unavailable", Title: "Try again in a moment", Detail: "A part of the platform does not answer."}.write(w, r)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the caller went away: nothing to be done
}

// quietLook is how often the platform is looked at while somebody waits for it to be quiet.
const quietLook = 15 * time.Millisecond

// jumpMost is how far the sandbox's clock moves at once: it never goes back, and a mistyped year would spoil the data.
const jumpMost = 366 * 24 * time.Hour

// quietWait is how long one request may wait.
const quietWait = 30 * time.Second

// sandbox serves the clock of a sandbox, and whether everything that follows from what was sent has happened.
func (e *edge) sandbox() http.Handler {
	calls := map[string]own{
		"/v1/sandbox/clock":         {method: http.MethodGet, serve: e.now},
		"/v1/sandbox/clock:advance": {method: http.MethodPost, serve: e.advance},
		"/v1/sandbox/quiet":         {method: http.MethodGet, serve: e.quiet, query: []string{"wait"}},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := session.Of(r.Context())
		switch {
		case !may(id.Role, r.Method, r.URL.Path):
			Problem{Status: 403, Code: "not_allowed", Title: "This role may not do that", Detail: "The sandbox is for administrators and EHRs."}.write(w, r)
		case e.clock == nil:
			Problem{Status: 404, Code: "not_found", Title: "This is no sandbox", Detail: "The clock here is the real one."}.write(w, r)
		case routed(w, r, calls):
			calls[r.URL.Path].serve(w, r)
		}
	})
}

// own is a call that the gateway answers itself.
type own struct {
	method string
	query  []string // what may stand behind the question mark
	serve  http.HandlerFunc
}

// routed says whether a request is one of the gateway's own calls, and answers it where it is not.
func routed(w http.ResponseWriter, r *http.Request, calls map[string]own) bool {
	c, ok := calls[r.URL.Path]
	if !ok {
		onRouting(r.Context(), nil, nil, w, r, http.StatusNotFound)
		return false
	}
	if r.Method != c.method && (r.Method != http.MethodHead || c.method != http.MethodGet) {
		notThisMethod(w, r, c.method)
		return false
	}
	var bad []ProblemError
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if !slices.Contains(c.query, name) {
			bad = append(bad, unknownParameter(name, c.query))
		}
	}
	if len(bad) > 0 {
		malformed(bad).write(w, r)
		return false
	}
	return true
}

func (e *edge) now(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]string{"now": e.clock.Now().UTC().Format(time.RFC3339Nano)})
}

// advance moves the sandbox's clock.
func (e *edge) advance(w http.ResponseWriter, r *http.Request) {
	if !isJSON(r.Header.Get("Content-Type")) {
		notThisMedia(w, r)
		return
	}
	var body struct {
		To time.Time `json:"to"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, jsonMost))
	d.DisallowUnknownFields()
	err := d.Decode(&body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		e.onError(r.Context(), nil, nil, w, r, err)
		return
	}
	if _, after := d.Token(); err != nil || !errors.Is(after, io.EOF) || body.To.IsZero() {
		Problem{Status: 400, Code: "malformed", Title: "The request is not well formed", Detail: `Send {"to": "2026-03-02T09:00:00Z"} and nothing else: the instant to move the clock to.`}.write(w, r)
		return
	}
	if v := r.Header.Get("X-Dry-Run"); v != "" && v != "false" {
		Problem{Status: 400, Code: "malformed", Title: "The request is not well formed", Detail: "The clock has no dry run: leave X-Dry-Run out."}.write(w, r)
		return
	}
	if body.To.After(e.clock.Now().Add(jumpMost)) {
		Problem{Status: 422, Code: "refused", Title: "The clock does not go there", Detail: "It can't go back, so it moves at most 366 days at a time."}.write(w, r)
		return
	}
	if err := e.clock.Advance(r.Context(), body.To); err != nil {
		Problem{Status: 422, Code: "refused", Title: "The clock does not go there", Detail: err.Error()}.write(w, r)
		return
	}
	e.now(w, r)
}

// quiet says whether anything is left to do.
func (e *edge) quiet(w http.ResponseWriter, r *http.Request) {
	wait, err := time.ParseDuration(r.URL.Query().Get("wait"))
	if r.URL.Query().Get("wait") == "" {
		wait, err = 0, nil
	}
	if err != nil || wait < 0 || wait > quietWait {
		Problem{Status: 400, Code: "malformed", Title: "The request is not well formed", Detail: "wait is a duration of at most 30s, such as 5s."}.write(w, r)
		return
	}
	quiet, why, err := e.awaitQuiet(r.Context(), wait)
	if err != nil {
		e.fault(w, r, err)
		return
	}
	writeJSON(w, map[string]any{"quiet": quiet, "busy": why})
}

// awaitQuiet waits until two looks, one after the other, see a platform with nothing left to do and the same positions.
func (e *edge) awaitQuiet(ctx context.Context, wait time.Duration) (quiet bool, why []string, err error) {
	id, ok := session.Of(ctx)
	if !ok {
		return false, nil, errors.New("nobody is signed in")
	}
	deadline := time.Now().Add(wait)
	last := ""
	for {
		all, silent := e.statuses(ctx, id)
		if ctx.Err() != nil {
			return false, nil, ctx.Err()
		}
		if len(silent) > 0 { // what it has to do, nobody knows
			return false, nil, status.Error(codes.Unavailable, silent[0].Detail)
		}
		now := fmt.Sprint(positions(all))
		if why = busy(all); len(why) == 0 && now == last {
			return true, []string{}, nil
		}
		if len(why) > 0 {
			now = ""
		}
		last = now
		if !time.Now().Before(deadline) {
			if len(why) == 0 {
				why = []string{"nothing is left to do at this moment; whether it stays so shows at a second look: ask with wait=5s"}
			}
			return false, why, nil
		}
		select {
		case <-ctx.Done():
			return false, nil, ctx.Err()
		case <-time.After(quietLook):
		}
	}
}

func positions(all []*platformv1.StatusResponse) []int64 {
	var out []int64
	for _, s := range all {
		out = append(out, s.LogPosition)
	}
	return out
}

// busy says what is left to do.
func busy(all []*platformv1.StatusResponse) []string {
	why := []string{}
	heads := map[string][]int64{}
	for _, s := range all {
		heads[s.Service] = s.LastBySlot
	}
	say := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	for _, s := range all {
		if s.CommandsRunning > 0 {
			say("%s runs %d commands", s.Service, s.CommandsRunning)
		}
		if s.ParkedReady > 0 {
			say("%s has %d parked events to handle", s.Service, s.ParkedReady)
		}
		if s.TimersDue > 0 {
			say("%s has %d timers to fire", s.Service, s.TimersDue)
		}
		for _, c := range s.Consumers {
			behind := 0
			for slot, last := range heads[c.Source] {
				if slot >= len(c.HandledBySlot) || c.HandledBySlot[slot] < last {
					behind++
				}
			}
			if behind > 0 {
				say("%s has not handled all of %s yet, in %d slots", s.Service, c.Source, behind)
			}
		}
	}
	return why
}
