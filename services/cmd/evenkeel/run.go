package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/evenkeel/evenkeel/pkg/clock"
	"github.com/evenkeel/evenkeel/pkg/embedded"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/telemetry"
	"github.com/evenkeel/evenkeel/services/demo"
	"github.com/evenkeel/evenkeel/services/gateway"
	"github.com/evenkeel/evenkeel/services/gateway/console"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

// demoTenant is the tenant of a platform that runs on its own parts.
var demoTenant = uuid.MustParse("0e7e0000-0000-8000-8000-000000000001")

const (
	demoEmail = "admin@evenkeel.example"
	// demoStart is where the sandbox clock begins, so that the same seed always gives the same table.
	demoStart = "2026-01-05T13:00:00Z"
)

type gatewayOptions struct {
	HTTPAddr  string
	Listener  net.Listener
	Clock     gateway.Clock
	Bootstrap *gateway.Bootstrap
	Secure    bool
}

func newGateway(o gatewayOptions) host.Service {
	return gateway.New(gateway.Config{
		HTTPAddr: o.HTTPAddr, Listener: o.Listener, Clock: o.Clock, Bootstrap: o.Bootstrap, Secure: o.Secure,
		Console: func(rt *host.Runtime, store *session.Store) (http.Handler, error) { return console.New(rt, store) },
	})
}

// clock is the system's, or the sandbox's that all processes share.
func (c serveCommand) clock(ctx context.Context, secret host.Secret, log *slog.Logger) (now func() time.Time, changed func() <-chan struct{}, control gateway.Clock, err error) {
	if !c.SandboxClock {
		return clock.System{}.Now, nil, nil, nil
	}
	url, err := host.RoleURL(c.DatabaseURL, secret, "gateway")
	if err != nil {
		return nil, nil, nil, err
	}
	s, err := clock.Open(ctx, url, log)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("--sandbox-clock: %w", err)
	}
	return s.Now, s.Moved, s, nil
}

// migrate brings the database to what the services need.
func migrate(ctx context.Context, admin string, secret host.Secret, services []host.Service, sandbox bool) error {
	if err := host.Migrate(ctx, admin, secret, services); err != nil {
		return err
	}
	if !sandbox {
		return nil
	}
	at, err := time.Parse(time.RFC3339, demoStart)
	if err != nil {
		return err
	}
	return clock.Prepare(ctx, admin, clock.Start{At: at, Frozen: true}, host.Role("gateway"))
}

type runCommand struct {
	DataDir  string `help:"The data folder. Default: /var/lib/evenkeel for root, else evenkeel in the user's data folder." env:"EVENKEEL_DATA_DIR"`
	HTTPAddr string `name:"http-addr" help:"Where REST and the console are." default:"127.0.0.1:8080"`
	OpsAddr  string `help:"Where /livez, /readyz and /metrics are." default:"127.0.0.1:9091"`
	NoDemo   bool   `help:"Start empty: no demo group on the first start."`
	Seed     uint64 `help:"Of the demo group." default:"1"`
	Weeks    int    `help:"Weeks of sessions of the demo group." default:"10"`
	Patients int    `help:"Patients of the demo group." default:"150"`
	LogLevel string `help:"Of the log file: debug, info, warn or error." default:"info"`
}

// platform is what run holds.
type platform struct {
	parts   *embedded.Parts
	clock   *clock.Sandbox
	process *host.Process
	tel     *telemetry.Telemetry
	log     *os.File
	once    sync.Once
}

// Run starts the platform, fills it on its first start, and stops it when it is told to.
func (c runCommand) Run(ctx context.Context) (err error) {
	out := os.Stdout
	if err := (demo.Options{Weeks: c.Weeks, Patients: c.Patients}).Check(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.HTTPAddr)
	if err != nil {
		return busy(c.HTTPAddr, "--http-addr", err)
	}
	p := &platform{}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		stopErr := p.stop(stopping)
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			err = nil // told to stop: that is how it ends
		}
		if err = p.orFull(errors.Join(err, stopErr)); err == nil {
			fmt.Fprintln(out, "Stopped.")
		}
		_ = listener.Close()
	}()
	began := time.Now()
	w, first, err := p.start(ctx, c, listener)
	if err != nil {
		return err
	}
	watching, unwatch := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		p.watchDisk(watching, out)
	}()
	defer func() { unwatch(); <-watched }()
	fmt.Fprintf(out, "Evenkeel %s is up after %s.\n", version, time.Since(began).Round(100*time.Millisecond))
	if first && !c.NoDemo || !c.NoDemo && p.unfinished() {
		fmt.Fprintln(out, "Filling it with a demo group through the REST API (Ctrl-C stops; the next start goes on).")
		if err := p.fill(ctx, c, w, out); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n  Console   %s\n  Sign in   %s  /  %s\n  API key   %s\n  Data      %s\n  Log       %s\n\nCtrl-C stops it.\n",
		w.Console, w.Email, w.Password, w.APIKey, p.parts.Dir.Path(), p.parts.Dir.Path("log.json"))
	return p.ended(ctx)
}

// ended waits until a part has ended by itself, and says which; nil when ctx ends first.
func (p *platform) ended(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-p.process.Done():
		return fmt.Errorf("a part of the platform has failed: %w", p.process.Err())
	case <-p.parts.Failed():
		return fmt.Errorf("PostgreSQL has ended by itself: see %s", p.parts.Dir.Path("postgres", "postgres.log"))
	}
}

// fullDisk is what PostgreSQL and the broker need to go on: a segment of each and some.
const fullDisk = 48 << 20

// orFull says that the disk is full, where that is why something failed: PostgreSQL can't even write its last checkpoint then, and makes up for it at its next start.
func (p *platform) orFull(err error) error {
	if err == nil || p.parts == nil {
		return err
	}
	if free, unknown := p.parts.Dir.Free(); unknown != nil || free >= fullDisk {
		return err
	}
	return fmt.Errorf("the disk of the data folder %s is full: free some space and start again, nothing that was acknowledged is lost (%s)", p.parts.Dir.Path(), strings.ReplaceAll(err.Error(), "\n", "; "))
}

// watchDisk says on the terminal that the disk is full, and that there is room again. All parts try again by themselves: whoever asks is answered 503 meanwhile.
func (p *platform) watchDisk(ctx context.Context, out io.Writer) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for full := false; ; {
		if free, err := p.parts.Dir.Free(); err == nil && full != (free < fullDisk) {
			if full = !full; full {
				fmt.Fprintf(out, "\nThe disk of the data folder %s is full (%d MB left): free some space. What can't be kept is refused and tried again, nothing is lost.\n", p.parts.Dir.Path(), free>>20)
			} else {
				fmt.Fprintf(out, "\nThe disk of the data folder has room again (%d MB): it goes on.\n", free>>20)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// start brings everything up. first: nobody had signed in here before.
func (p *platform) start(ctx context.Context, c runCommand, listener net.Listener) (w whereabouts, first bool, err error) {
	// The log goes to a file in the data folder, once the folder is ours; until then nowhere.
	var sink lateWriter
	level := slog.LevelInfo
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return w, false, fmt.Errorf("--log-level: %w", err)
	}
	if p.tel, err = telemetry.Start(ctx, &sink, level, version, []string{"all"}); err != nil {
		return w, false, err
	}
	if p.parts, err = embedded.Start(ctx, embedded.Options{Dir: c.DataDir, Log: p.tel.Log}); err != nil {
		return w, false, err
	}
	if p.log, err = os.OpenFile(p.parts.Dir.Path("log.json"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return w, false, fmt.Errorf("open the log file: %w", err)
	}
	sink.to(p.log)
	services := append(all(), newGateway(gatewayOptions{}))
	if err := migrate(ctx, p.parts.AdminURL, p.parts.Secret, services, true); err != nil {
		return w, false, err
	}
	if err := renewBooks(ctx, p.parts.AdminURL, os.Stdout); err != nil {
		return w, false, err
	}
	gatewayURL, err := host.RoleURL(p.parts.URL, p.parts.Secret, "gateway")
	if err != nil {
		return w, false, err
	}
	if p.clock, err = clock.Open(ctx, gatewayURL, p.tel.Log); err != nil {
		return w, false, err
	}
	if old, err := readWhereabouts(p.parts.Dir.Path()); err == nil {
		w = old
	}
	w.PID, w.AdminURL, w.DatabaseURL, w.Brokers = os.Getpid(), p.parts.AdminURL, p.parts.URL, p.parts.Brokers
	w.Console = "http://" + listener.Addr().String() + "/"
	boot := &gateway.Bootstrap{Tenant: demoTenant, Email: demoEmail, Keep: func(made gateway.Credentials) error {
		first = true
		w.Email, w.Password, w.APIKey = made.Email, made.Password, made.APIKey
		return w.write(p.parts.Dir.Path())
	}}
	p.process, err = host.Start(ctx, host.Options{
		Services: append(all(), newGateway(gatewayOptions{Listener: listener, Clock: p.clock, Bootstrap: boot})), DatabaseURL: p.parts.URL, Brokers: p.parts.Brokers,
		Secret: p.parts.Secret, Clock: p.clock.Now, ClockChanged: p.clock.Moved, OpsAddr: c.OpsAddr, Metrics: p.tel.Metrics, Alone: true, Log: p.tel.Log,
	})
	if err != nil {
		return w, false, err
	}
	if err := awaitAnswer(ctx, w.Console+"openapi.json", p.process.Done()); err != nil {
		return w, false, errors.Join(err, p.process.Err())
	}
	return w, first, w.write(p.parts.Dir.Path())
}

// awaitAnswer waits until the gateway answers: its first user has been made then.
func awaitAnswer(ctx context.Context, url string, failed <-chan struct{}) error {
	client := http.Client{Timeout: 10 * time.Second}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if answer, err := client.Do(request); err == nil {
			_ = answer.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-failed:
			return errors.New("the gateway did not start")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

const (
	demoBegun    = "demo-begun"
	demoFinished = "demo-finished"
)

// unfinished: a demo group was begun here and not completed.
func (p *platform) unfinished() bool {
	_, begun := os.Stat(p.parts.Dir.Path(demoBegun))
	_, finished := os.Stat(p.parts.Dir.Path(demoFinished))
	return begun == nil && finished != nil
}

// fill is the demo client, over HTTP like any other.
func (p *platform) fill(ctx context.Context, c runCommand, w whereabouts, out io.Writer) error {
	if err := os.WriteFile(p.parts.Dir.Path(demoBegun), nil, 0o600); err != nil {
		return fmt.Errorf("note that the demo has begun: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if err := p.ended(ctx); err != nil {
			cancel(err)
		}
	}()
	defer func() { cancel(nil); <-watched }()
	_, err := demo.Run(ctx, demo.Options{BaseURL: w.Console, APIKey: w.APIKey, Seed: c.Seed, Weeks: c.Weeks, Patients: c.Patients, Out: out, Progress: true})
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			return cause
		}
		return err
	}
	if err := os.WriteFile(p.parts.Dir.Path(demoFinished), nil, 0o600); err != nil {
		return fmt.Errorf("note that the demo is complete: %w", err)
	}
	return nil
}

// stop stops everything in reverse, once.
func (p *platform) stop(ctx context.Context) (err error) {
	p.once.Do(func() {
		var errs []error
		if p.process != nil {
			errs = append(errs, p.process.Stop(ctx))
		}
		if p.clock != nil {
			p.clock.Close()
		}
		if p.tel != nil {
			errs = append(errs, p.tel.Stop(ctx))
		}
		if p.parts != nil {
			errs = append(errs, p.parts.Stop(ctx))
		}
		if p.log != nil {
			errs = append(errs, p.log.Close())
		}
		err = errors.Join(errs...)
	})
	return err
}

// busy is a taken port in one sentence.
func busy(addr, flag string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("the address %s is in use by another program: stop that, or choose another with %s=host:port", addr, flag)
	}
	return fmt.Errorf("the address %s can't be served: %w", addr, err)
}

// lateWriter throws away what is written before it knows where to.
type lateWriter struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lateWriter) to(out io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = out
}

// Write writes one line.
func (l *lateWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out == nil {
		return len(b), nil
	}
	return l.out.Write(b)
}

type client struct {
	URL     string `name:"url" help:"Of the platform. Default: the one that runs on this machine." env:"EVENKEEL_URL"`
	APIKey  string `help:"An API key." env:"EVENKEEL_API_KEY"`
	DataDir string `help:"Data folder of a running platform." env:"EVENKEEL_DATA_DIR"`
}

// resolve is the platform that is asked, once it has answered, and the key to it.
func (c client) resolve(ctx context.Context) (url, key string, err error) {
	var w whereabouts
	switch {
	case c.URL == "":
		w, err = running(c.DataDir, "another with --url and --api-key")
	case c.APIKey == "":
		if w, err = readWhereabouts(c.DataDir); errors.As(err, new(nowhere)) {
			err = errors.New("--url needs --api-key, a key that `evenkeel key create` has made there")
		}
	}
	if err != nil {
		return "", "", err
	}
	url, key = cmp.Or(c.URL, w.Console), cmp.Or(c.APIKey, w.APIKey)
	return url, key, contact(ctx, url)
}

type demoCommand struct {
	client
	Seed     uint64 `help:"The same seed gives the same group and the same table." default:"1"`
	Weeks    int    `help:"Weeks of sessions." default:"10"`
	Patients int    `help:"Patients." default:"150"`
}

// Run is an EHR for a while.
func (c demoCommand) Run(ctx context.Context) error {
	if err := (demo.Options{Weeks: c.Weeks, Patients: c.Patients}).Check(); err != nil {
		return err
	}
	url, key, err := c.resolve(ctx)
	if err != nil {
		return err
	}
	_, err = demo.Run(ctx, demo.Options{BaseURL: url, APIKey: key, Seed: c.Seed, Weeks: c.Weeks, Patients: c.Patients, Out: os.Stdout, Progress: true})
	return err
}

type importCommand struct {
	client
	Files []string `arg:"" help:"X12 files." type:"existingfile"`
}

// Run brings files in.
func (c importCommand) Run(ctx context.Context) error {
	url, key, err := c.resolve(ctx)
	if err != nil {
		return err
	}
	return demo.Import(ctx, demo.Options{BaseURL: url, APIKey: key, Out: os.Stdout}, c.Files...)
}
