package clock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	channel   = "sandbox_clock"
	pollEvery = 200 * time.Millisecond // at the latest; a change is also told
	lockKey   = 0x65766b636c6f636b     // of Prepare: one process at a time
)

// version rises with each change, so that a process never takes an old reading for a new one.
const schema = `
CREATE SCHEMA IF NOT EXISTS sandbox;
CREATE TABLE IF NOT EXISTS sandbox.clock (
    one             boolean     PRIMARY KEY DEFAULT true CHECK (one),
    version         bigint      NOT NULL,
    offset_micros   bigint      NOT NULL,  -- to add to the system's time, when it runs
    frozen_at       timestamptz            -- null: it runs
);
GRANT USAGE ON SCHEMA sandbox TO PUBLIC;
GRANT SELECT ON sandbox.clock TO PUBLIC;`

// Start is what a sandbox clock shows when it is made.
type Start struct {
	At     time.Time // zero: the system's time
	Frozen bool
}

// Prepare makes the table of the sandbox clock, if it isn't there, and lets the writers, which are roles, move the clock; everybody may read it. Start counts only when the
// table is made: a clock that is there goes on from where it is. Several processes may call it at once.
func Prepare(ctx context.Context, adminURL string, start Start, writers ...string) error {
	failed := func(err error) error { return fmt.Errorf("prepare the sandbox clock: %w", err) }
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return failed(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(lockKey)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, schema); err != nil {
			return err
		}
		for _, role := range writers {
			if _, err := tx.Exec(ctx, "GRANT UPDATE ON sandbox.clock TO "+pgx.Identifier{role}.Sanitize()); err != nil {
				return err
			}
		}
		now := time.Now()
		first := state{version: 1}
		if start.At.IsZero() {
			start.At = now
		}
		if start.Frozen {
			first.frozen = stored(start.At)
		} else {
			first.offset = start.At.Sub(now)
		}
		_, err := tx.Exec(ctx, "INSERT INTO sandbox.clock (version, offset_micros, frozen_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
			first.version, first.offset.Microseconds(), first.frozenOrNull())
		return err
	})
	if err != nil {
		return failed(err)
	}
	return nil
}

// state of the clock, as the table has it.
type state struct {
	version int64
	offset  time.Duration
	frozen  time.Time // zero: it runs
}

func (s state) at(system time.Time) time.Time {
	if !s.frozen.IsZero() {
		return s.frozen
	}
	return system.Add(s.offset).Round(0).UTC()
}

func (s state) frozenOrNull() *time.Time {
	if s.frozen.IsZero() {
		return nil
	}
	return &s.frozen
}

// stored is a time as PostgreSQL keeps it.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// BackError refuses to move a sandbox clock back.
type BackError struct{ Now, To time.Time }

func (e *BackError) Error() string {
	return fmt.Sprintf("the sandbox clock is at %s and can't go back to %s: choose a later time, or begin with an empty installation",
		e.Now.Format(time.RFC3339), e.To.Format(time.RFC3339))
}

// Sandbox is the adjustable clock of an installation. Make it with Open, after Prepare.
type Sandbox struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	stop context.CancelFunc
	done sync.WaitGroup

	mu    sync.Mutex
	state state
	last  time.Time // that was shown
	moved chan struct{}
}

// Open reads the clock and follows its changes until Close. ctx bounds the opening alone.
func Open(ctx context.Context, url string, log *slog.Logger) (*Sandbox, error) {
	failed := func(err error) error { return fmt.Errorf("open the sandbox clock: %w", err) }
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, failed(err)
	}
	config.MaxConns = 2 // one listens, one moves the clock
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, failed(err)
	}
	first, err := read(ctx, pool, "")
	if err != nil {
		pool.Close()
		return nil, failed(err)
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Sandbox{pool: pool, log: log, stop: stop, state: first, moved: make(chan struct{})}
	s.done.Go(func() { s.follow(following) })
	log.Warn("the sandbox clock is in use: business time is not the system's time, and whoever may move it can", "now", s.Now(), "runs", first.frozen.IsZero())
	return s, nil
}

// Close stops following. The clock still shows the time, as it was last heard of.
func (s *Sandbox) Close() {
	s.stop()
	s.done.Wait()
	s.pool.Close()
}

// Now is the time of the installation.
func (s *Sandbox) Now() time.Time { return s.look().now }

// Wait until the clock, running or moved, has come that far.
func (s *Sandbox) Wait(ctx context.Context, until time.Time) error { return wait(ctx, until, s.look) }

func (s *Sandbox) look() reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The system's clock may be set back.
	if now := s.state.at(time.Now()); now.After(s.last) {
		s.last = now
	}
	return reading{now: s.last, runs: s.state.frozen.IsZero(), moved: s.moved}
}

// Advance moves the clock to a later time, for all processes; a frozen one stays frozen there. *BackError: the time is past.
func (s *Sandbox) Advance(ctx context.Context, to time.Time) error {
	to = stored(to)
	return s.change(ctx, "advance", func(is state, system time.Time) (state, error) {
		if now := is.at(system); to.Before(stored(now)) {
			return is, &BackError{Now: now, To: to}
		}
		if is.frozen.IsZero() {
			is.offset = to.Sub(system)
		} else {
			is.frozen = to
		}
		return is, nil
	})
}

// Freeze stops the clock where it is.
func (s *Sandbox) Freeze(ctx context.Context) error {
	return s.change(ctx, "freeze", func(is state, system time.Time) (state, error) {
		is.frozen = stored(is.at(system))
		return is, nil
	})
}

// Run lets a frozen clock run on from where it is.
func (s *Sandbox) Run(ctx context.Context) error {
	return s.change(ctx, "run", func(is state, system time.Time) (state, error) {
		is.offset, is.frozen = is.at(system).Sub(system), time.Time{}
		return is, nil
	})
}

func (s *Sandbox) change(ctx context.Context, what string, next func(state, time.Time) (state, error)) error {
	var changed state
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		is, err := read(ctx, tx, "FOR UPDATE")
		if err != nil {
			return err
		}
		if changed, err = next(is, time.Now()); err != nil {
			return err
		}
		changed.version++
		// As the table keeps it, so that all processes show the same.
		changed.offset = changed.offset.Truncate(time.Microsecond)
		if _, err = tx.Exec(ctx, "UPDATE sandbox.clock SET version = $1, offset_micros = $2, frozen_at = $3",
			changed.version, changed.offset.Microseconds(), changed.frozenOrNull()); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "NOTIFY "+channel)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s the sandbox clock: %w", what, err)
	}
	s.show(changed)
	return nil
}

// show takes a state, unless a later one is known.
func (s *Sandbox) show(is state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is.version <= s.state.version {
		return
	}
	s.state = is
	close(s.moved)
	s.moved = make(chan struct{})
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func read(ctx context.Context, q querier, lock string) (state, error) {
	var is state
	var micros int64
	var frozen *time.Time
	err := q.QueryRow(ctx, "SELECT version, offset_micros, frozen_at FROM sandbox.clock "+lock).Scan(&is.version, &micros, &frozen)
	if err != nil {
		return is, fmt.Errorf("read sandbox.clock: %w", err)
	}
	is.offset = time.Duration(micros) * time.Microsecond
	if frozen != nil {
		is.frozen = frozen.UTC()
	}
	return is, nil
}

// follow shows what other processes do to the clock.
func (s *Sandbox) follow(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.listen(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("the sandbox clock can't be followed, and is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollEvery):
		}
	}
}

// listen returns when the connection fails.
func (s *Sandbox) listen(ctx context.Context) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		is, err := read(ctx, conn, "")
		if err != nil {
			return err
		}
		s.show(is)
		waiting, cancel := context.WithTimeout(ctx, pollEvery)
		_, err = conn.Conn().WaitForNotification(waiting)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

// Moved is closed when the clock is moved, frozen or let run; ask again for the next time.
func (s *Sandbox) Moved() <-chan struct{} { return s.look().moved }
