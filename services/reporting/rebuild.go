package reporting

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Rebuilt is what Rebuild did.
type Rebuilt struct {
	Events      int64
	Differences []string // between the live tables and those that were built
	Swapped     bool
}

// Rebuilding says how.
type Rebuilding struct {
	AdminURL string // of a user who may become Owner and make a schema
	Schema   string // of the live tables
	Owner    string // the role that owns them
	Role     string // the role that reads and writes them
	// Replace swaps also where the tables differ: after the code that makes them has changed, or a row was spoilt.
	Replace  bool
	Progress func(done, total int64) // may be nil
}

// Outdated says in one sentence that the tables of a schema were made by another version of the code, and what to do; empty: they were not.
func Outdated(ctx context.Context, db *pgxpool.Pool, schema string) (string, error) {
	version, err := madeBy(ctx, db, schema)
	if err != nil || version == projection {
		return "", err
	}
	return fmt.Sprintf("the tables were made by version %d of the projection and this is version %d: run `evenkeel rebuild --replace` once every instance is of this version; until then figures are as the older one made them",
		version, projection), nil
}

// ErrIncomplete: feed has fewer events than the live tables were made of. A table built from it would have lost something.
var ErrIncomplete = errors.New("feed does not hold every event that the live tables were made of: import the topics again instead")

// The pause in which the tables change places ends after that long, and the next try begins.
const (
	swapWithin = 5 * time.Second
	swapTries  = 5
)

// Rebuild builds the tables anew from the kept events, in a schema beside the live one, while everything goes on; then, in one transaction that keeps writers out, folds what came
// meanwhile, compares, and lets the tables change places. Readers never fail and never see half of it: they have the old tables or the new ones.
func Rebuild(ctx context.Context, o Rebuilding) (done Rebuilt, err error) {
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	conn, err := pgx.Connect(ctx, o.AdminURL)
	if err != nil {
		return done, fmt.Errorf("rebuild: connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	r := &rebuild{Rebuilding: o, conn: conn, next: o.Schema + "_rebuild", old: o.Schema + "_replaced"}
	var alone bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, "evenkeel rebuild "+o.Schema).Scan(&alone); err != nil {
		return done, fmt.Errorf("rebuild: lock: %w", err)
	}
	if !alone {
		return done, errors.New("rebuild: another rebuild is under way")
	}
	defer func() {
		err = errors.Join(err, r.drop(context.WithoutCancel(ctx)))
		if err != nil {
			err = fmt.Errorf("rebuild: %w", err)
		}
	}()
	if err := r.drop(ctx); err != nil { // what an earlier one left that was killed
		return done, err
	}
	if err := r.begin(ctx); err != nil {
		return done, err
	}
	f := newFolder()
	if err := f.bulk(ctx, conn, r.next, r.tell(ctx)); err != nil {
		return done, err
	}
	if err := r.finish(ctx); err != nil {
		return done, err
	}
	for try := 1; ; try++ {
		done, err = r.swap(ctx, f)
		done.Events = f.events
		if !errors.Is(err, errBusy) || try == swapTries {
			return done, err
		}
		// What the failed try folded was rolled back: the next one folds it again.
		select {
		case <-ctx.Done():
			return done, ctx.Err()
		case <-time.After(time.Duration(try) * time.Second):
		}
	}
}

// errBusy: the tables were read without a pause for as long as writers may be kept waiting.
var errBusy = errors.New("the tables are read without a pause; nothing was changed: try again when less is asked")

type rebuild struct {
	Rebuilding
	conn      *pgx.Conn
	next, old string // schemas
}

func (r *rebuild) in(schema, name string) string { return pgx.Identifier{schema, name}.Sanitize() }

func (r *rebuild) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := r.conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// drop removes what is beside the live schema. Not by CASCADE: that would take along what somebody else has built upon a table that was replaced.
func (r *rebuild) drop(ctx context.Context) error {
	statements := []string{`RESET ROLE`}
	for _, schema := range []string{r.next, r.old} {
		for _, t := range tables {
			statements = append(statements, `DROP TABLE IF EXISTS `+r.in(schema, t))
		}
		statements = append(statements, `DROP SCHEMA IF EXISTS `+quoted(schema))
	}
	return r.exec(ctx, statements...)
}

// begin makes empty tables that are like the live ones, but for what finish adds once they are full.
func (r *rebuild) begin(ctx context.Context) error {
	if err := r.exec(ctx,
		`CREATE SCHEMA `+quoted(r.next)+` AUTHORIZATION `+quoted(r.Owner), `CREATE SCHEMA `+quoted(r.old)+` AUTHORIZATION `+quoted(r.Owner), `SET ROLE `+quoted(r.Owner),
		`SET search_path = pg_catalog`, // so that every name below is written with its schema
		`SET synchronous_commit = off`, `SET jit = off`,
	); err != nil {
		return err
	}
	for _, t := range tables {
		next := r.in(r.next, t)
		if err := r.exec(ctx, `CREATE TABLE `+next+` (LIKE `+r.in(r.Schema, t)+` INCLUDING ALL EXCLUDING INDEXES)`, `GRANT SELECT, INSERT, UPDATE, DELETE ON `+next+` TO `+quoted(r.Role)); err != nil {
			return err
		}
	}
	// The fold finds feed in the second schema; finish needs the names in full again.
	return r.exec(ctx, `SET search_path = `+quoted(r.next)+`, `+quoted(r.Schema))
}

// finish gives the tables the constraints, indexes and triggers of the live ones, with the same names: made of full tables they cost a part of what they cost row by row.
func (r *rebuild) finish(ctx context.Context) error {
	if err := r.exec(ctx, `SET search_path = pg_catalog`); err != nil {
		return err
	}
	for _, t := range tables {
		live, next := r.in(r.Schema, t), r.in(r.next, t)
		statements, err := r.strings(ctx, `SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', $2::text, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype IN ('p', 'u')
			UNION ALL SELECT replace(pg_get_indexdef(indexrelid), ' ON ' || $1 || ' ', ' ON ' || $2 || ' ') FROM pg_index i WHERE indrelid = $1::text::regclass
				AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND contype IN ('p', 'u'))
			UNION ALL SELECT format('ALTER TABLE %s SET (%s)', $2::text, array_to_string(reloptions, ', ')) FROM pg_class WHERE oid = $1::text::regclass AND reloptions IS NOT NULL
			UNION ALL SELECT replace(pg_get_triggerdef(oid), ' ON ' || $1 || ' ', ' ON ' || $2 || ' ') FROM pg_trigger WHERE tgrelid = $1::text::regclass AND NOT tgisinternal`,
			unquotedIfPlain(live), unquotedIfPlain(next))
		if err != nil {
			return err
		}
		if err := r.exec(ctx, append(statements, `ANALYZE `+next)...); err != nil {
			return err
		}
	}
	// What is folded from here on writes to the first schema that has a table; feed is found in the second. Single rows are what it looks for.
	return r.exec(ctx, `SET search_path = `+quoted(r.next)+`, `+quoted(r.Schema), `SET enable_seqscan = off`)
}

// unquotedIfPlain is a name as PostgreSQL writes it in a definition.
func unquotedIfPlain(name string) string { return strings.ReplaceAll(name, `"`, ``) }

func (r *rebuild) strings(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, err := r.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read the definitions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read the definitions: %w", err)
	}
	return list, nil
}

// tell reports progress against how many events there were at the start.
func (r *rebuild) tell(ctx context.Context) func(int64) {
	var total int64
	if err := r.conn.QueryRow(ctx, `SELECT count(*) FROM feed`).Scan(&total); err != nil {
		total = 0 // only told to a person; the fold meets the same fault
	}
	return func(done int64) { r.Progress(done, max(total, done)) }
}

// swap folds what is left with the writers kept out, compares, and changes the tables' places.
func (r *rebuild) swap(ctx context.Context, f *folder) (done Rebuilt, err error) {
	kept := *f
	kept.recent = map[int64]bool{}
	for a := range f.recent {
		kept.recent[a] = true
	}
	err = pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		// Every writer writes to feed first: whoever holds this lock waits for those who have begun, and nobody begins.
		if _, err := tx.Exec(ctx, `SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '5s'; LOCK TABLE `+r.in(r.Schema, "feed")+` IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return waited(err)
		}
		if err := f.back(ctx, tx); err != nil {
			return err
		}
		if err := f.all(ctx, tx, func(int64) {}); err != nil {
			return err
		}
		if err := r.complete(ctx, tx, f); err != nil {
			return err
		}
		if done.Differences, err = differences(ctx, tx, r.Schema, r.next); err != nil {
			return err
		}
		if len(done.Differences) > 0 && !r.Replace {
			return errKeep
		}
		views, err := r.views(ctx, tx)
		if err != nil {
			return err
		}
		if err := r.holdAll(ctx, tx, views); err != nil {
			return err
		}
		for _, t := range tables {
			if _, err := tx.Exec(ctx, `ALTER TABLE `+r.in(r.Schema, t)+` SET SCHEMA `+quoted(r.old)+`; ALTER TABLE `+r.in(r.next, t)+` SET SCHEMA `+quoted(r.Schema)); err != nil {
				return fmt.Errorf("change the places of %s: %w", t, err)
			}
		}
		// A view follows its tables: it is told anew which they are. Its rights and comments stay.
		for _, v := range views {
			if _, err := tx.Exec(ctx, `CREATE OR REPLACE VIEW `+r.in(r.Schema, v.name)+` WITH (security_barrier) AS `+v.definition); err != nil {
				return fmt.Errorf("tell view %s its new tables: %w", v.name, err)
			}
		}
		return nil
	})
	if err != nil {
		*f = kept
	}
	if errors.Is(err, errKeep) {
		return done, nil
	}
	done.Swapped = err == nil
	return done, err
}

// errKeep rolls a swap back that is not to be.
var errKeep = errors.New("the tables differ")

// complete holds what was folded against what the live tables say they were made of.
func (r *rebuild) complete(ctx context.Context, tx pgx.Tx, f *folder) error {
	var kept, handled int64
	if err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM feed), (SELECT coalesce(sum(events_handled), 0)::bigint FROM `+r.in(r.Schema, "freshness")+`)`).Scan(&kept, &handled); err != nil {
		return fmt.Errorf("count the events: %w", err)
	}
	if f.events != kept {
		return fmt.Errorf("%d events were folded, feed has %d: a defect; nothing was changed", f.events, kept)
	}
	if kept < handled {
		return fmt.Errorf("%w (%d of %d)", ErrIncomplete, kept, handled)
	}
	return nil
}

type view struct{ name, definition string }

// views are those that read one of the tables, with every name in full.
func (r *rebuild) views(ctx context.Context, tx pgx.Tx) ([]view, error) {
	if _, err := tx.Exec(ctx, `SET LOCAL search_path = pg_catalog`); err != nil {
		return nil, fmt.Errorf("read the views: %w", err)
	}
	rows, err := tx.Query(ctx, `SELECT c.relname::text, pg_get_viewdef(c.oid) FROM pg_class c WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'v' ORDER BY c.oid`, quoted(r.Schema))
	if err != nil {
		return nil, fmt.Errorf("read the views: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v view, err error) {
		return v, row.Scan(&v.name, &v.definition)
	})
	if err != nil {
		return nil, fmt.Errorf("read the views: %w", err)
	}
	return list, nil
}

// holdAll takes every table and view for itself, or none: it asks and never waits while it holds one, so no reader can be caught in a circle of waiting.
func (r *rebuild) holdAll(ctx context.Context, tx pgx.Tx, views []view) error {
	var names []string
	for _, t := range tables {
		names = append(names, r.in(r.Schema, t))
	}
	for _, v := range views {
		names = append(names, r.in(r.Schema, v.name))
	}
	lock := `LOCK TABLE ` + strings.Join(names, ", ") + ` IN ACCESS EXCLUSIVE MODE NOWAIT`
	give := time.NewTimer(swapWithin)
	defer give.Stop()
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { // a savepoint
			_, err := tx.Exec(ctx, lock)
			return err
		})
		if err = waited(err); !errors.Is(err, errBusy) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-give.C:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waited is errBusy where a lock was not to be had.
func waited(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "55P03" {
		return errBusy
	}
	if err != nil {
		return fmt.Errorf("lock the tables: %w", err)
	}
	return nil
}
