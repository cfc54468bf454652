package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/consume"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/eventlog/pglog"
	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/relay"
	"github.com/evenkeel/evenkeel/pkg/seal"
	"github.com/evenkeel/evenkeel/pkg/timer"
	"github.com/evenkeel/evenkeel/pkg/wire"
)

// Options of a process.
type Options struct {
	Services []Service // those that this process runs
	// DatabaseURL of the server. Without a user in it each service signs in as its own role with the password derived from Secret.
	DatabaseURL string
	Brokers     []string
	Security    kafkapubsub.Security // of the brokers
	Secret      Secret
	Clock       func() time.Time
	// ClockChanged is signalled when Clock jumped (a sandbox); may be nil.
	ClockChanged func() <-chan struct{}
	Partitions   int    // of each topic; 0: 8
	GRPCAddr     string // where other processes reach these services; empty: nowhere
	OpsAddr      string // /livez, /readyz, /metrics; empty: nowhere
	Metrics      http.Handler
	// Addresses of services in other processes: name → host:port. Services of this process are always found.
	Addresses map[string]string
	Dev       bool // accept a database that does not flush: tests only
	Alone     bool // no other process appends to these logs: spares a connection and a notification each
	Log       *slog.Logger
}

// Process runs services. Make it with Start; it runs until Stop, or until one of its parts fails: then Done is closed and Err says why.
type Process struct {
	Options
	secret  Secret
	clock   func() time.Time
	log     *slog.Logger
	running map[string]*running
	kafka   *kafkapubsub.Client
	router  *message.Router
	grpc    *grpc.Server
	inside  *bufconn.Listener
	conns   map[string]*grpc.ClientConn
	connsMu sync.Mutex
	stop    context.CancelFunc
	group   *errgroup.Group
	done    chan struct{}
	err     error
	ready   chan struct{}
	closers []func(context.Context) error // in reverse
}

// running is a service at work.
type running struct {
	Service
	runtime   *Runtime
	log       *pglog.Log
	relay     *relay.Relay
	consumers map[string]*consume.Consumer
	timers    *timer.Loop
	off       sync.Map // invariant → how far off it was
}

// Role is the database role of a service.
func Role(service string) string { return "evenkeel_" + service }

// topicConfig of every topic: Kafka is transport, PostgreSQL is the truth, so little is kept. One event may be large: a remittance of thousands of claims is one fact.
var topicConfig = map[string]string{"retention.bytes": fmt.Sprint(64 << 20), "segment.bytes": fmt.Sprint(32 << 20), "max.message.bytes": fmt.Sprint(30 << 20)}

// Migrate brings the database to what the services need: the vault, roles, schemas, tables. admin is a superuser's URL. Another master secret than the first one's is refused
// before anything is changed.
func Migrate(ctx context.Context, admin string, secret Secret, services []Service) error {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) // gives the lock free, too
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(7046029254386353131)"); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := seal.Prepare(ctx, conn, secret.KeyEncryptionKey()); err != nil {
		return fmt.Errorf("migrate the vault: %w", fitting(err))
	}
	for _, s := range services {
		err := pglog.Migrate(ctx, admin, pglog.Migration{
			Service: s.Name, Schema: s.Name, Role: Role(s.Name), Password: secret.RolePassword(Role(s.Name)), Migrations: s.Migrations,
		})
		if err != nil {
			return fmt.Errorf("migrate %s: %w", s.Name, err)
		}
		if _, err := conn.Exec(ctx, seal.Grants(Role(s.Name))); err != nil {
			return fmt.Errorf("migrate %s: let it use the vault: %w", s.Name, err)
		}
	}
	return nil
}

// Vault opens the vault for a service's log. Another master secret than the one that the database was migrated with is an error.
func Vault(ctx context.Context, pool *pgxpool.Pool, secret Secret, clock func() time.Time) (*seal.PG, error) {
	vault, err := seal.NewPG(pool, secret.KeyEncryptionKey(), clock)
	if err != nil {
		return nil, err
	}
	if err := vault.Check(ctx); err != nil {
		return nil, fitting(err)
	}
	return vault, nil
}

// fitting adds to an error of the vault what an operator does about it.
func fitting(err error) error {
	switch {
	case errors.Is(err, seal.ErrOtherKey):
		return fmt.Errorf("this is not the master secret that the database was first migrated with, so what is sealed in it would not open; nothing was changed: name the file with that one (%w)", err)
	case errors.Is(err, seal.ErrNoVault):
		return fmt.Errorf("the database is not what this version needs: run `evenkeel migrate` first (%w)", err)
	}
	return err
}

// RoleURL is the URL with which a service signs in: database, with the service's role in it unless it names a user.
func RoleURL(database string, secret Secret, service string) (string, error) {
	u, err := url.Parse(database)
	if err != nil {
		return "", fmt.Errorf("the database URL is not a URL: want postgres://host:port/name")
	}
	if u.User != nil && u.User.Username() != "" {
		return database, nil
	}
	u.User = url.UserPassword(Role(service), secret.RolePassword(Role(service)))
	return u.String(), nil
}

// WithoutUser is a database URL with nobody signed in.
func WithoutUser(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		return database
	}
	u.User = nil
	q := u.Query()
	q.Del("user")
	q.Del("password")
	u.RawQuery = q.Encode()
	return u.String()
}

// Start starts the services: database, topics, consumers, servers, in that order. An error says which part could not start; nothing is left running then.
func Start(ctx context.Context, o Options) (_ *Process, err error) {
	if o.Partitions == 0 {
		o.Partitions = 8
	}
	p := &Process{
		Options: o, secret: o.Secret, clock: o.Clock, log: o.Log, running: map[string]*running{}, conns: map[string]*grpc.ClientConn{},
		done: make(chan struct{}), ready: make(chan struct{}), inside: bufconn.Listen(1 << 20),
	}
	defer func() {
		if err != nil {
			closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			err = errors.Join(err, p.close(closeCtx))
		}
	}()
	config := kafkapubsub.Config{Brokers: o.Brokers, ClientID: "evenkeel", Log: o.Log}
	if err := o.Security.Apply(&config); err != nil {
		return nil, err
	}
	if p.kafka, err = kafkapubsub.NewClient(config); err != nil {
		return nil, err
	}
	p.onClose(func(context.Context) error { return p.kafka.Close() })
	if err := p.kafka.Ping(ctx); errors.Is(err, kafkapubsub.ErrRefused) {
		return nil, fmt.Errorf("a Kafka broker answers, and does not take this process as it comes: %w", err)
	} else if err != nil {
		return nil, fmt.Errorf("no Kafka broker answers at %s: %w", strings.Join(o.Brokers, ", "), err)
	}
	for _, s := range o.Services {
		if err := p.open(ctx, s); err != nil {
			return nil, fmt.Errorf("start %s: %w", s.Name, err)
		}
	}
	for _, observe := range []func() error{p.observe, p.observeLag, p.observeInvariants} {
		if err := observe(); err != nil {
			return nil, err
		}
	}
	if err := p.topics(ctx); err != nil {
		return nil, err
	}
	p.serveGRPC()
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.stop = cancel
	group, run := errgroup.WithContext(run)
	p.group = group
	if err := p.consume(run); err != nil {
		cancel()
		return nil, err
	}
	if err := p.listen(run); err != nil {
		cancel()
		p.grpc.Stop() // it serves inside already: nobody would wait for it otherwise
		return nil, errors.Join(err, group.Wait())
	}
	for _, s := range p.running {
		p.work(run, s)
	}
	go func() {
		p.err = group.Wait()
		close(p.done)
	}()
	select {
	case <-p.router.Running():
	case <-p.done:
		return nil, fmt.Errorf("start: %w", p.err)
	case <-ctx.Done():
		p.stop()
		return nil, ctx.Err()
	}
	close(p.ready)
	for _, notice := range p.Notices(ctx) {
		p.log.Warn(notice)
	}
	return p, nil
}

func (p *Process) onClose(f func(context.Context) error) { p.closers = append(p.closers, f) }

func (p *Process) close(ctx context.Context) error {
	var errs []error
	for _, f := range slices.Backward(p.closers) {
		errs = append(errs, f(ctx))
	}
	p.closers = nil
	return errors.Join(errs...)
}

// open connects one service to its log.
func (p *Process) open(ctx context.Context, s Service) error {
	database, err := RoleURL(p.DatabaseURL, p.secret, s.Name)
	if err != nil {
		return err
	}
	log := p.log.With("service", s.Name)
	l, err := pglog.Open(ctx, database, pglog.Options{Service: s.Name, Clock: p.clock, Project: s.Project, Dev: p.Dev, Alone: p.Alone, Log: log})
	if err != nil {
		return err
	}
	p.onClose(func(context.Context) error { l.Close(); return nil })
	vault, err := Vault(ctx, l.Pool(), p.secret, p.clock)
	if err != nil {
		return err
	}
	e, err := engine.New(engine.Options{
		Service: s.Name, Log: l, Codec: seal.NewCodec(vault), Clock: p.clock, Timers: s.Timers, OnTimer: s.OnTimer, HashKey: p.secret.HashKey(),
	})
	if err != nil {
		return err
	}
	s.Handler.Consumer = s.Name
	r := &running{
		Service: s, log: l, consumers: map[string]*consume.Consumer{}, timers: timer.NewLoop(e, log),
		runtime: &Runtime{Engine: e, DB: l.Pool(), Clock: p.clock, Log: log, Process: p, LookupKey: p.secret.LookupKey()},
	}
	for _, source := range s.Sources {
		r.consumers[source] = consume.New(consume.Options{Source: source, Handler: s.Handler, Engine: e, Log: log, Replay: p.askReplay})
	}
	r.relay, err = relay.New(relay.Options{
		Service: s.Name, Log: l, Topic: relay.Kafka(p.kafka, wire.Topic(s.Name), topicConfig), Logger: p.log, Partitions: p.Partitions,
		Lock: relay.AdvisoryLock(database, s.Name),
	})
	if err != nil {
		return err
	}
	p.running[s.Name] = r
	return nil
}

// topics makes the topics that are read or written here, so that nobody subscribes to one that is not there.
func (p *Process) topics(ctx context.Context) error {
	names := map[string]int{wire.ControlTopic: 1}
	for _, s := range p.running {
		names[wire.Topic(s.Name)] = p.Partitions
		for _, source := range s.Sources {
			names[wire.Topic(source)] = p.Partitions
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	for name, partitions := range names {
		g.Go(func() error { return p.kafka.EnsureTopic(ctx, name, partitions, topicConfig) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("make topics: %w", err)
	}
	return nil
}

// consume builds the router: each (service, source) is one handler, and the control topic is one.
func (p *Process) consume(ctx context.Context) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second}, watermill.NewSlogLogger(p.log))
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	p.router = router
	p.kafka.Instrument(router)
	for _, s := range p.running {
		for source, c := range s.consumers {
			sub, err := kafkapubsub.NewBatchSubscriber(p.kafka, kafkapubsub.SubscriberConfig{Group: "evenkeel." + s.Name})
			if err != nil {
				return err
			}
			p.onClose(func(context.Context) error { return sub.Close() })
			router.AddConsumerHandler(s.Name+" reads "+source, wire.Topic(source), sub, func(m *message.Message) error {
				batch, ok := kafkapubsub.BatchOf(m)
				if !ok {
					return errors.New("not a batch")
				}
				return c.Handle(m.Context(), p.decode(batch.Records))
			})
		}
	}
	// Every process hears what is asked for on the control topic from now on, whichever of them relays.
	control, err := kafkapubsub.NewBatchSubscriber(p.kafka, kafkapubsub.SubscriberConfig{StartOffset: kafka.LastOffset})
	if err != nil {
		return err
	}
	p.onClose(func(context.Context) error { return control.Close() })
	router.AddConsumerHandler("control", wire.ControlTopic, control, func(m *message.Message) error {
		batch, ok := kafkapubsub.BatchOf(m)
		if !ok {
			return errors.New("not a batch")
		}
		for _, content := range p.decode(batch.Records) {
			if q := content.Replay; q != nil && p.running[q.Source] != nil {
				if err := p.running[q.Source].relay.Replay(m.Context(), q); err != nil {
					return err
				}
			}
		}
		return nil
	})
	p.group.Go(func() error { return router.Run(ctx) })
	return nil
}

// decode reads messages. Bytes that are none of ours are logged and left: a hole that they leave is noticed like any other.
func (p *Process) decode(messages []kafka.Message) []wire.Content {
	out := make([]wire.Content, 0, len(messages))
	for _, m := range messages {
		content, err := wire.Decode(m)
		if err != nil {
			p.log.Error("a message that can't be read", "error", err)
			continue
		}
		out = append(out, content)
	}
	return out
}

// askReplay asks whichever process relays the source.
func (p *Process) askReplay(ctx context.Context, q *platformv1.ReplayRequested) error {
	m, err := wire.EncodeReplay(q)
	if err != nil {
		return err
	}
	_, err = kafkapubsub.NewProducer(p.kafka, kafkapubsub.ProducerConfig{}).Produce(ctx, wire.ControlTopic, 0, []kafka.Message{m})
	return err
}

// sweepEvery is how often parked events and timers are looked at when nobody says that something is there.
const sweepEvery = time.Second

// work runs what a service does beside answering: relay, parked events, timers, and what it serves itself.
func (p *Process) work(ctx context.Context, s *running) {
	p.group.Go(func() error {
		s.relay.Run(ctx)
		return nil
	})
	woken := make(chan struct{}, 1)
	for _, c := range s.consumers {
		p.group.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-c.Woken():
					select {
					case woken <- struct{}{}:
					default:
					}
				}
			}
		})
	}
	p.group.Go(func() error {
		p.every(ctx, sweepEvery, func() <-chan struct{} { return woken }, func() {
			if _, err := consume.Drain(ctx, s.runtime.Engine, s.runtime.handler(s)); err != nil && ctx.Err() == nil {
				s.runtime.Log.Error("parked events could not be handled", "error", err)
			}
		})
		return nil
	})
	p.group.Go(func() error {
		changed := p.ClockChanged
		if changed == nil {
			changed = func() <-chan struct{} { return nil }
		}
		p.every(ctx, sweepEvery, changed, func() {
			if _, err := s.timers.Step(ctx); err != nil && ctx.Err() == nil {
				s.runtime.Log.Error("timers could not be fired", "error", err)
			}
		})
		return nil
	})
	if len(s.Invariants) > 0 {
		p.group.Go(func() error {
			p.every(ctx, invariantEvery, func() <-chan struct{} { return nil }, func() { p.lookAtInvariants(ctx, s) })
			return nil
		})
	}
	if s.Serve != nil {
		p.group.Go(func() error {
			if err := s.Serve(ctx, s.runtime); err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			return nil
		})
	}
}

func (r *Runtime) handler(s *running) engine.Handler {
	h := s.Handler
	h.Consumer = s.Name
	return h
}

// every does something now, whenever it is woken, and at least once in a period, until ctx ends.
func (p *Process) every(ctx context.Context, period time.Duration, woken func() <-chan struct{}, do func()) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		wake := woken() // before doing, so that nothing that happens meanwhile is missed
		do()
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-tick.C:
		}
	}
}

// serveGRPC registers the services' methods and serves them inside the process.
func (p *Process) serveGRPC() {
	p.grpc = grpc.NewServer(grpc.ChainUnaryInterceptor(p.intercept), grpc.StatsHandler(wordless{otelgrpc.NewServerHandler()}), grpc.MaxRecvMsgSize(messageMost))
	for _, s := range p.running {
		if s.Register != nil {
			s.Register(p.grpc, s.runtime)
		}
	}
	platformv1.RegisterPlatformServiceServer(p.grpc, platform{process: p})
}

// wordless keeps the words of errors out of spans: they may repeat what a caller typed. The code stays.
type wordless struct{ stats.Handler }

// HandleRPC passes everything on but the words of the error.
func (h wordless) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if end, ok := s.(*stats.End); ok && end.Error != nil {
		without := *end
		code := status.Code(end.Error)
		without.Error = status.Error(code, code.String())
		s = &without
	}
	h.Handler.HandleRPC(ctx, s)
}

// messageMost is the largest message between the gateway and a service: a file of claims.
const messageMost = 64 << 20

func (p *Process) listen(ctx context.Context) error {
	p.group.Go(func() error { return served(p.grpc.Serve(p.inside)) })
	p.onClose(func(ctx context.Context) error {
		stopped := make(chan struct{})
		go func() {
			p.grpc.GracefulStop()
			close(stopped)
		}()
		select {
		case <-stopped:
		case <-ctx.Done():
			p.grpc.Stop()
		}
		return nil
	})
	if p.GRPCAddr != "" {
		l, err := net.Listen("tcp", p.GRPCAddr)
		if err != nil {
			return fmt.Errorf("the port for other services is not free: %w", err)
		}
		p.group.Go(func() error { return served(p.grpc.Serve(l)) })
	}
	if p.OpsAddr != "" {
		l, err := net.Listen("tcp", p.OpsAddr)
		if err != nil {
			return fmt.Errorf("the address for /livez, /readyz and /metrics can't be used, choose another with --ops-addr=host:port: %w", err)
		}
		server := &http.Server{Handler: p.Ops(), ReadHeaderTimeout: 5 * time.Second}
		p.group.Go(func() error {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve /readyz: %w", err)
			}
			return nil
		})
		p.onClose(server.Shutdown)
	}
	return nil
}

func served(err error) error {
	if errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return err
}

// Conn reaches a service: inside this process, or at its address.
func (p *Process) Conn(service string) (grpc.ClientConnInterface, error) {
	p.connsMu.Lock()
	defer p.connsMu.Unlock()
	if c := p.conns[service]; c != nil {
		return c, nil
	}
	target := p.Addresses[service]
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(wordless{otelgrpc.NewClientHandler()}), grpc.WithUnaryInterceptor(reached(service, p.log)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageMost), grpc.MaxCallSendMsgSize(messageMost)),
	}
	if p.running[service] != nil {
		target = "passthrough:///inside"
		options = append(options, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return p.inside.DialContext(ctx) }))
	}
	if target == "" {
		return nil, fmt.Errorf("no address is known for the service %s: name it with --service-address=%s=host:port", service, service)
	}
	c, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", service, err)
	}
	p.conns[service] = c
	p.onClose(func(context.Context) error { return c.Close() })
	return c, nil
}

// Token is what calls to services must show.
func (p *Process) Token() string { return p.secret.InternalToken() }

// Runtime of a service of this process; nil if it does not run here.
func (p *Process) Runtime(service string) *Runtime {
	if s := p.running[service]; s != nil {
		return s.runtime
	}
	return nil
}

// Done is closed when the process has stopped by itself: Err says why.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is why the process stopped.
func (p *Process) Err() error { return p.err }

// Stop stops taking work, finishes what is in work, and closes everything. ctx bounds how long that may take.
func (p *Process) Stop(ctx context.Context) error {
	p.stop()
	err := p.close(ctx)
	select {
	case <-p.done:
		return errors.Join(err, p.err)
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("not everything stopped in time: %w", ctx.Err()))
	}
}
