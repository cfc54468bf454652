package pglog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

const (
	maxUnits = 1000    // of a batch
	maxBytes = 4 << 20 // of a batch, about
	// attemptLimit ends an attempt whose connection hangs.
	attemptLimit = 30 * time.Second
)

// writer commits batches. All but pid belongs to its one goroutine.
type writer struct {
	Options
	config    *pgx.ConnConfig
	id        uuid.UUID
	committed func(position int64) // called after each commit that appended events

	conn  *pgx.Conn // nil: not connected
	pid   atomic.Uint32
	batch int64 // number of the last attempt that was sent whole
}

func newWriter(config *pgx.ConnConfig, o Options) *writer {
	return &writer{Options: o, config: config, id: uuid.New(), committed: func(int64) {}}
}

// run takes what is waiting, commits it, and so on. It never lingers: while one batch is written the next one fills.
func (w *writer) run(closing context.Context, queue <-chan *call) {
	defer w.disconnect()
	for {
		select {
		case first := <-queue:
			if closing.Err() != nil {
				first.done <- reply{err: ErrClosed}
				continue
			}
			if calls := gather(first, queue); len(calls) > 0 {
				w.write(closing, calls)
			}
		case <-closing.Done():
			for {
				select {
				case c := <-queue:
					c.done <- reply{err: ErrClosed}
				default:
					return
				}
			}
		}
	}
}

// gather makes a batch of the first call and what waits behind it, without those whose callers have left.
func gather(first *call, queue <-chan *call) []*call {
	var calls []*call
	bytes := 0
	for c := first; ; {
		if err := c.ctx.Err(); err != nil {
			c.done <- reply{err: fmt.Errorf("append: not tried: %w", err)}
		} else {
			calls = append(calls, c)
			bytes += c.size
		}
		if len(calls) >= maxUnits || bytes >= maxBytes {
			return calls
		}
		select {
		case c = <-queue:
		default:
			return calls
		}
	}
}

// write commits the calls, or as many as can be, and answers them all.
func (w *writer) write(closing context.Context, calls []*call) {
	var lost *sent // an attempt whose outcome is not known
	lookUpKeys := false
	var deadline <-chan time.Time
	for pause := time.Millisecond; ; {
		tried, err := w.attempt(calls, lost, lookUpKeys)
		if err == nil {
			answer(calls, tried.plan.replies)
			return
		}
		var projection *projectionError
		switch {
		case errors.As(err, &projection):
			w.without(closing, calls, projection.call, &eventlog.RowError{Err: projection.err})
			return
		case isUnsendable(err): // pgx gives the connection up over it, before the commit
			w.sortOut(closing, calls, tried, err)
			return
		case w.conn == nil: // never connected, or the connection was lost
			if tried != nil {
				lost = tried
			}
		case code(err) == "40001" || code(err) == "40P01": // some statement of a service met somebody: again
		case isUsedKey(err) && !lookUpKeys:
			lookUpKeys = true
			continue
		default:
			w.sortOut(closing, calls, tried, err)
			return
		}
		if deadline == nil {
			w.Log.Warn("the log's database does not answer; trying again", "service", w.Service, "error", discreet(err))
			deadline = time.After(w.Patience)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, 100*time.Millisecond)
			continue
		case <-deadline:
		case <-closing.Done():
		}
		if lost != nil {
			err = fmt.Errorf("the outcome is unknown: %w", err)
		}
		refuse(calls, fmt.Errorf("append to the log of %s: %w", w.Service, discreet(err)))
		return
	}
}

// sortOut handles a batch that the database refused: only the unit at fault fails, if there is one.
func (w *writer) sortOut(closing context.Context, calls []*call, tried *sent, err error) {
	culprit, own := -1, false
	if tried != nil {
		culprit, own = tried.culprit(err)
	}
	fault := fmt.Errorf("append to the log of %s: %w", w.Service, discreet(err))
	if isRowFault(err) {
		fault = &eventlog.RowError{Err: discreet(err)}
	}
	switch {
	case culprit >= 0:
		w.without(closing, calls, culprit, fault)
	case own && !isRowFault(err) || tried == nil: // the log's own tables, or the server: nobody's rows
		w.disconnect() // the next connection may reach a server that can write
		refuse(calls, fault)
	case len(calls) > 1:
		w.write(closing, calls[:len(calls)/2])
		w.write(closing, calls[len(calls)/2:])
	default:
		refuse(calls, fault)
	}
}

// without writes the others.
func (w *writer) without(closing context.Context, calls []*call, culprit int, err error) {
	if culprit > 0 {
		w.write(closing, calls[:culprit])
	}
	calls[culprit].done <- reply{err: err}
	if culprit+1 < len(calls) {
		w.write(closing, calls[culprit+1:])
	}
}

func answer(calls []*call, replies []reply) {
	for i, c := range calls {
		c.done <- replies[i]
	}
}

func refuse(calls []*call, err error) {
	for _, c := range calls {
		c.done <- reply{err: err}
	}
}

// isRowFault tells what is wrong with rows or with the statement that makes them from what is wrong with the server.
func isRowFault(err error) bool {
	c := code(err)
	switch {
	case c == "":
		return true // a value that can't be sent
	case c == "42501", c == "42P01": // no right, no such table: a migration is missing
		return false
	}
	return strings.HasPrefix(c, "21") || strings.HasPrefix(c, "22") || strings.HasPrefix(c, "23") || strings.HasPrefix(c, "42") || strings.HasPrefix(c, "P0")
}

// discreetError tells what went wrong without the values it went wrong with, which may name a patient. Whoever needs them unwraps it.
type discreetError struct {
	text string
	err  error
}

func (e *discreetError) Error() string { return e.text }
func (e *discreetError) Unwrap() error { return e.err }

func discreet(err error) error {
	var pg *pgconn.PgError
	var early pgx.ErrPreprocessingBatch
	switch {
	case errors.As(err, &pg) && strings.HasPrefix(pg.Code, "22"): // PostgreSQL quotes the value
		return &discreetError{"a value does not fit its column (SQLSTATE " + pg.Code + ")", err}
	case isUnsendable(err) && errors.As(err, &early): // so does the driver
		return &discreetError{"an argument can't be sent as what its statement wants: " + firstWords(early.SQL()) + " …", err}
	}
	return err
}

// isUnsendable: an argument could not be encoded. pgx has no other sign of it than this text; "prepare" stands there for everything else.
func isUnsendable(err error) bool {
	var early pgx.ErrPreprocessingBatch
	return errors.As(err, &early) && strings.Contains(early.Error(), "(build)")
}

// isUsedKey: a request key of the batch is in the table already.
func isUsedKey(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505" && pg.TableName == "request" && pg.ConstraintName == "request_key"
}

// connect connects, if need be, and checks that what is acknowledged will be on disk.
func (w *writer) connect(ctx context.Context) error {
	if w.conn != nil {
		return nil
	}
	conn, err := pgx.ConnectConfig(ctx, w.config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := w.check(ctx, conn); err != nil {
		conn.Close(ctx)
		return err
	}
	// A plan that was made while a table was small must not live on. The writer reads nothing but single rows by their keys.
	if err := execute(ctx, conn, "SET enable_seqscan = off", "SET jit = off"); err != nil {
		conn.Close(ctx)
		return err
	}
	w.conn = conn
	w.pid.Store(conn.PgConn().PID())
	return nil
}

func (w *writer) disconnect() {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	w.conn.Close(ctx)
	w.conn = nil
}

// check says everything that is wrong with the server's settings and the role's rights.
func (w *writer) check(ctx context.Context, conn *pgx.Conn) error {
	var fsync, pages, commit string
	var log, change bool
	err := conn.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
		to_regclass('event') IS NOT NULL AND to_regclass('head') IS NOT NULL,
		to_regclass('event') IS NOT NULL AND has_table_privilege(to_regclass('event'), 'UPDATE, DELETE, TRUNCATE')`).Scan(&fsync, &pages, &commit, &log, &change)
	if err != nil {
		return fmt.Errorf("look at the server's settings: %w", err)
	}
	if !log {
		return errors.New("the log's tables are not in the role's search path: run the migrations, and sign in with the service's role")
	}
	if w.Dev {
		return nil
	}
	var wrong []error
	for _, s := range []struct{ name, value string }{{"fsync", fsync}, {"full_page_writes", pages}, {"synchronous_commit", commit}} {
		if s.value == "off" {
			wrong = append(wrong, fmt.Errorf("%s is off, so a crash would lose what was acknowledged: turn it on (server, database, role and connection string), or run in development mode", s.name))
		}
	}
	if change {
		wrong = append(wrong, errors.New("the role may change or delete events: sign in with the service's role, which may only add, or run in development mode"))
	}
	return errors.Join(wrong...)
}

// attempt tries the batch once. Without an error every call has its reply. lost is an attempt before it whose outcome is not known. What it returns beside an error was sent.
func (w *writer) attempt(calls []*call, lost *sent, lookUpKeys bool) (tried *sent, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), attemptLimit)
	defer cancel()
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	defer func() {
		switch {
		case w.conn.IsClosed():
			w.conn = nil
			if err == nil {
				err = errors.New("the connection was lost")
			}
		case err != nil:
			if _, failed := w.conn.Exec(ctx, "ROLLBACK"); failed != nil {
				w.disconnect()
			}
		}
	}()
	v, last, err := w.look(ctx, calls, lookUpKeys)
	if err != nil {
		return nil, err
	}
	if lost != nil && last == lost.batch { // it had been committed
		if _, err := w.conn.Exec(ctx, "ROLLBACK"); err != nil {
			return lost, err
		}
		w.done(lost.plan)
		return lost, nil
	}
	p, err := decide(v, calls, w.Clock(), w.Project)
	if err != nil {
		return nil, err
	}
	if p.accepted == 0 {
		_, err := w.conn.Exec(ctx, "ROLLBACK")
		return &sent{plan: p}, err
	}
	w.batch++
	tried = &sent{batch: w.batch, plan: p}
	if err := w.commit(ctx, v, tried); err != nil {
		return tried, err
	}
	w.done(p)
	return tried, nil
}

func (w *writer) done(p *plan) {
	if n := len(p.records); n > 0 {
		w.committed(p.records[n-1].Position)
	}
}
