package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

// client speaks REST. Safe for concurrent use.
type client struct {
	base string
	key  string
	// space is in front of every name of a request: the same names of another group are other requests.
	space string
	http  *http.Client

	mu    sync.Mutex
	made  map[string]*made // by name of the request
	fresh int              // writes that the platform had not seen before
}

// made is the receipt of a create, asked for once.
type made struct {
	once    sync.Once
	receipt *typev1.Receipt
	err     error
}

func newClient(o Options, space string) *client {
	return &client{
		base: strings.TrimSuffix(o.BaseURL, "/"), key: o.APIKey, space: space, made: map[string]*made{},
		http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: workers, Proxy: http.ProxyFromEnvironment}},
	}
}

// ProblemError is what the platform said no to, or could not do.
type ProblemError struct {
	Call   string // e.g. POST /v1/patients
	Status int
	Code   string
	Title  string
	Detail string
	Errors []struct {
		Field   string `json:"field"`
		RuleID  string `json:"rule_id"`
		Message string `json:"message"`
	}
}

// Error says all of it.
func (p *ProblemError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d %s", p.Call, p.Status, p.Title)
	if p.Detail != "" && len(p.Errors) == 0 {
		fmt.Fprintf(&b, ": %s", p.Detail)
	}
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "\n  %s (%s): %s", e.Field, e.RuleID, e.Message)
	}
	return b.String()
}

// refused says whether err is the platform's no by a rule.
func refused(err error, rule string) bool {
	var p *ProblemError
	if !errors.As(err, &p) {
		return false
	}
	for _, e := range p.Errors {
		if e.RuleID == rule {
			return true
		}
	}
	return false
}

func coded(err error, code string) bool {
	var p *ProblemError
	return errors.As(err, &p) && p.Code == code
}

// Waits between attempts. A minute in all: a platform that starts again is met again.
const (
	firstWait = 50 * time.Millisecond
	mostWait  = 2 * time.Second
	attempts  = 40
)

// do sends one request until it is answered. A write is sent again under the same key, so that it happens once.
func (c *client) do(ctx context.Context, method, path, key string, body []byte) (answer []byte, err error) {
	wait := firstWait
	for attempt := 1; ; attempt++ {
		answer, after, err := c.once(ctx, method, path, key, body)
		if err == nil || after < 0 || attempt == attempts {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(max(after, wait)):
		}
		wait = min(2*wait, mostWait)
	}
}

// once sends one request. after is how long to wait before it makes sense to send it again; below zero: never.
func (c *client) once(ctx context.Context, method, path, key string, body []byte) (answer []byte, after time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, -1, fmt.Errorf("%s %s: %w", method, path, err)
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	got, err := c.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, -1, ctx.Err()
		}
		return nil, 0, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer got.Body.Close()
	answer, err = io.ReadAll(got.Body)
	if err != nil {
		return nil, 0, fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	if got.StatusCode < 300 {
		return answer, 0, nil
	}
	p := &ProblemError{Status: got.StatusCode, Title: http.StatusText(got.StatusCode)}
	_ = json.Unmarshal(answer, p) // not a problem document: the status alone is told
	p.Call, p.Status = method+" "+path, got.StatusCode
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, err := strconv.Atoi(got.Header.Get("Retry-After"))
		if err != nil {
			seconds = 0
		}
		return nil, time.Duration(seconds) * time.Second, p
	}
	return nil, -1, p
}

var (
	encode = protojson.MarshalOptions{UseProtoNames: true}
	decode = protojson.UnmarshalOptions{DiscardUnknown: true} // a newer platform may say more
)

// keyOf is the Idempotency-Key of a named request.
func (c *client) keyOf(name string) string {
	sum := sha256.Sum256([]byte(c.space + "\x00" + name))
	return "demo-" + hex.EncodeToString(sum[:16])
}

// write sends a command under the key that its name gives. The same name is the same request, whenever it is sent.
func (c *client) write(ctx context.Context, name, path string, command proto.Message) (*typev1.Receipt, error) {
	body, err := encode.Marshal(command)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	answer, err := c.do(ctx, http.MethodPost, path, c.keyOf(name), body)
	if err != nil {
		return nil, err
	}
	var receipt typev1.Receipt
	if err := decode.Unmarshal(answer, &receipt); err != nil {
		return nil, fmt.Errorf("POST %s: read the receipt: %w", path, err)
	}
	if !receipt.Replayed {
		c.mu.Lock()
		c.fresh++
		c.mu.Unlock()
	}
	return &receipt, nil
}

// create is write whose receipt is remembered: whoever needs the id asks for it by sending the request, which happens once.
func (c *client) create(ctx context.Context, name, path string, command func() (proto.Message, error)) (*typev1.Receipt, error) {
	c.mu.Lock()
	m := c.made[name]
	if m == nil {
		m = &made{}
		c.made[name] = m
	}
	c.mu.Unlock()
	m.once.Do(func() {
		var body proto.Message
		if body, m.err = command(); m.err == nil {
			m.receipt, m.err = c.write(ctx, name, path, body)
		}
	})
	return m.receipt, m.err
}

// read asks.
func (c *client) read(ctx context.Context, path string, query url.Values, into proto.Message) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	answer, err := c.do(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	if err := decode.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("GET %s: read the answer: %w", path, err)
	}
	return nil
}

// errNoSandbox says that the clock of the platform is the real one.
var errNoSandbox = errors.New("this platform's clock is the real one: a demo group needs a sandbox, whose clock can be moved (evenkeel run, or serve --sandbox-clock)")

// now is the sandbox clock.
func (c *client) now(ctx context.Context) (time.Time, error) {
	answer, err := c.do(ctx, http.MethodGet, "/v1/sandbox/clock", "", nil)
	if coded(err, "not_found") {
		return time.Time{}, errNoSandbox
	}
	if err != nil {
		return time.Time{}, err
	}
	var clock struct {
		Now time.Time `json:"now"`
	}
	if err := json.Unmarshal(answer, &clock); err != nil || clock.Now.IsZero() {
		return time.Time{}, fmt.Errorf("GET /v1/sandbox/clock: no instant in the answer: %w", err)
	}
	return clock.Now, nil
}

// advance moves the sandbox clock.
func (c *client) advance(ctx context.Context, to time.Time) error {
	body, err := json.Marshal(map[string]time.Time{"to": to.UTC()})
	if err != nil {
		return fmt.Errorf("move the clock: %w", err)
	}
	_, err = c.do(ctx, http.MethodPost, "/v1/sandbox/clock:advance", "", body)
	return err
}

// stuckAfter is how long nothing may change on a busy platform. Beyond it something waits for what never comes.
const stuckAfter = 5 * time.Minute

// quiet waits until everything that follows from what was sent has happened.
func (c *client) quiet(ctx context.Context) error { return c.quietTelling(ctx, func([]string) {}) }

// quietTelling tells every ten seconds what there is still to do. As long as that changes it waits on.
func (c *client) quietTelling(ctx context.Context, tell func(busy []string)) error {
	deadline, last := time.Now().Add(stuckAfter), ""
	for {
		answer, err := c.do(ctx, http.MethodGet, "/v1/sandbox/quiet?wait=10s", "", nil)
		if err != nil {
			return err
		}
		var state struct {
			Quiet bool     `json:"quiet"`
			Busy  []string `json:"busy"`
		}
		if err := json.Unmarshal(answer, &state); err != nil {
			return fmt.Errorf("GET /v1/sandbox/quiet: %w", err)
		}
		if state.Quiet {
			return nil
		}
		tell(state.Busy)
		if now := strings.Join(state.Busy, "; "); now != last {
			deadline, last = time.Now().Add(stuckAfter), now
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("nothing has moved on the platform for %s: %s. Look at evenkeel status and evenkeel dlq", stuckAfter, strings.Join(state.Busy, "; "))
		}
	}
}
