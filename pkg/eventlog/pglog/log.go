package pglog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// Options of a log.
type Options struct {
	Service string           // whose log it is: the source of its events
	Clock   func() time.Time // the time of events that have none of their own
	Project eventlog.Project // nil: no read models of one's own events
	// Dev allows what must not be in production: a server that does not flush, a role that may change the past.
	Dev bool
	// Alone: no other process appends to this log or relays it, so none is told of an append. If one does, it finds out when it looks by itself.
	Alone  bool
	Log    *slog.Logger    // nil: slog.Default()
	Tracer pgx.QueryTracer // of the pool's queries; nil: none
	// Patience is how long a batch is tried again while the database is away, before its callers get the error. 0: 10 s.
	Patience time.Duration
}

// Log is a service's log. Make it with Open.
type Log struct {
	options Options
	pool    *pgxpool.Pool
	signal  eventlog.Signal
	meter   *meter

	queue    chan *call
	closing  context.Context // done: take no more
	shut     context.CancelFunc
	gone     chan struct{} // closed: the writer answers no more
	finished sync.WaitGroup
}

var _ eventlog.Log = (*Log)(nil)

// ErrClosed: the log was closed before the unit was looked at. Nothing has happened.
var ErrClosed = errors.New("the log is closed")

// Open opens the log of a database that Migrate has prepared, as the service's role. It checks that the server keeps what it acknowledges and that the role can't change the past.
func Open(ctx context.Context, url string, o Options) (*Log, error) {
	if o.Service == "" || o.Clock == nil {
		return nil, errors.New("open the log: the service's name and a clock are needed")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: read the connection string: %w", o.Service, err)
	}
	writing := config.ConnConfig.Copy()
	writing.RuntimeParams["application_name"] = "evenkeel " + o.Service + " writer"
	listening := config.ConnConfig.Copy()
	listening.RuntimeParams["application_name"] = "evenkeel " + o.Service + " listener"
	config.ConnConfig.RuntimeParams["application_name"] = "evenkeel " + o.Service
	if _, set := config.ConnConfig.RuntimeParams["plan_cache_mode"]; !set {
		// A plan is made for each query: one kept from when a table was small reads it whole when it is large (30 ms instead of 1 ms at 100,000 events, until the next ANALYZE).
		config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	}
	config.ConnConfig.Tracer = o.Tracer

	w := newWriter(writing, o)
	if err := w.connect(ctx); err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", o.Service, err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		w.disconnect()
		return nil, fmt.Errorf("open the log of %s: %w", o.Service, err)
	}
	l := &Log{options: o, pool: pool, queue: make(chan *call, maxUnits), gone: make(chan struct{})}
	l.closing, l.shut = context.WithCancel(context.Background())
	w.committed = func(position int64) {
		l.meter.position.Store(position)
		l.signal.Raise()
	}
	head, err := l.Head(ctx)
	if err == nil {
		l.meter, err = newMeter(o.Service, head.Position)
	}
	if err != nil {
		pool.Close()
		w.disconnect()
		return nil, fmt.Errorf("open the log of %s: %w", o.Service, err)
	}
	l.finished.Go(func() {
		defer close(l.gone)
		w.run(l.closing, l.queue)
	})
	if !o.Alone {
		l.finished.Go(func() { listen(l.closing, listening, channel(o.Service), w.pid.Load, l.signal.Raise) })
	}
	return l, nil
}

// Close finishes the batch in work, refuses what waits, and closes all connections.
func (l *Log) Close() error {
	l.shut()
	l.finished.Wait()
	l.pool.Close()
	return l.meter.stop()
}

// Pool is for the service's queries. What it writes through it is its own tables; the log's are written by Append alone.
func (l *Log) Pool() *pgxpool.Pool { return l.pool }

// Appended is a channel that is closed once something was appended since the call before, here or by another process.
func (l *Log) Appended() <-chan struct{} { return l.signal.C() }

// call is a unit on its way through the writer.
type call struct {
	ctx  context.Context
	unit eventlog.Unit
	size int
	done chan reply // holds one
}

type reply struct {
	result eventlog.Result
	err    error
}

// errUsed is how the writer says that the request key was used: the caller reads the answer itself, so that the writer can go on.
var errUsed = errors.New("the request key was used")

// Append commits a unit together with those of other callers.
func (l *Log) Append(ctx context.Context, u eventlog.Unit) (eventlog.Result, error) {
	if err := u.Check(); err != nil {
		return eventlog.Result{}, &eventlog.RowError{Err: fmt.Errorf("append to the log of %s: %w", l.options.Service, err)}
	}
	ctx, end := l.meter.append(ctx, u)
	result, err := l.append(ctx, u)
	end(err)
	return result, err
}

func (l *Log) append(ctx context.Context, u eventlog.Unit) (eventlog.Result, error) {
	c := &call{ctx: ctx, unit: u, size: size(u), done: make(chan reply, 1)}
	select {
	case l.queue <- c:
	case <-ctx.Done():
		return eventlog.Result{}, fmt.Errorf("append to the log of %s: not tried: %w", l.options.Service, ctx.Err())
	case <-l.closing.Done():
		return eventlog.Result{}, ErrClosed
	}
	var r reply
	select {
	case r = <-c.done:
	case <-ctx.Done():
		return eventlog.Result{}, fmt.Errorf("append to the log of %s: the outcome is unknown: %w", l.options.Service, ctx.Err())
	case <-l.gone:
		select {
		case r = <-c.done:
		default: // it came into the queue after the writer had emptied it
			r.err = ErrClosed
		}
	}
	refused := r.err == errUsed || r.err == eventlog.ErrConflict || r.err == eventlog.ErrFenced
	if refused && u.Request != nil {
		// Somebody who repeats a request finds the stream moved on by himself.
		answer, err := l.Answer(ctx, u.Request.Tenant, u.Request.Key)
		switch {
		case err != nil:
			return eventlog.Result{}, err
		case answer != nil:
			return eventlog.Result{}, &eventlog.UsedError{Answer: *answer}
		}
	}
	return r.result, r.err
}

// size is about how many bytes a unit is on the wire.
func size(u eventlog.Unit) int {
	n := 0
	for _, a := range u.Appends {
		for _, p := range a.Events {
			n += 300 + len(p.Record.Clear) + len(p.Record.Sealed)
		}
	}
	for _, s := range u.States {
		n += len(s.Body)
	}
	for _, m := range u.Mirrors {
		n += 400 + len(m.Record.Clear) + len(m.Record.Sealed)
	}
	for _, p := range u.Park {
		n += 400 + len(p.Record.Clear) + len(p.Record.Sealed)
	}
	return n + 200*(len(u.Statements)+len(u.SetTimers))
}

// channel is what PostgreSQL's notifications of a log are sent on.
func channel(service string) string { return "evenkeel_log_" + service }

// listen raises the signal when another process has appended. It is only the faster way: who waits also looks by itself now and then.
func listen(ctx context.Context, config *pgx.ConnConfig, channel string, own func() uint32, raise func()) {
	const pause = time.Second
	for ctx.Err() == nil {
		if conn, err := pgx.ConnectConfig(ctx, config); err == nil {
			_, err = conn.Exec(ctx, "LISTEN "+quote(channel))
			for err == nil {
				n, failed := conn.WaitForNotification(ctx)
				if err = failed; err == nil && n.PID != own() {
					raise()
				}
			}
			conn.Close(context.WithoutCancel(ctx))
		}
		raise() // what came meanwhile was not heard
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}
