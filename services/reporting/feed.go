package reporting

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/protobuf/proto"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/seal"
)

// Keep puts the stored event into feed, before what Project makes of it: who holds a lock on feed keeps every writer of the tables out.
func Keep(r eventlog.Record) []es.Statement {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil {
		panic(err) // it came as bytes a moment ago; the engine parks the event
	}
	return []es.Statement{es.SQL(`INSERT INTO feed (source, position, tenant_id, type, record) VALUES ($1, $2, $3::text::uuid, $4, $5)`, r.Source, r.Position, r.TenantId, r.Type, body)}
}

// tables are those that are folded from feed, and from nothing else.
var tables = []string{"payers", "locations", "clinicians", "accounts", "ledger_legs", "balances", "receivables", "claims", "claim_days", "denials", "deposits", "remittances", "freshness"}

// projection is the version of what the events make of the tables. It rises with every change of that: tables that older code has made are noticed by it and built anew
// (TestTheVersionRisesWithTheProjection).
const projection = 2

const (
	foldBatch = 2000
	bulkBatch = 10_000
	// overlap: a row takes its arrival number before it commits, so a reader may see a higher number first. What came last is read again once nobody writes.
	overlap = 20_000
)

// database is a connection or a transaction.
type database interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
}

// folder folds feed into the tables that the connection's search path names first. It needs no key: what is sealed stays sealed, and no table holds any of it.
type folder struct {
	codec  *seal.Codec
	after  int64          // arrival
	recent map[int64]bool // arrivals that were folded, of the last ones
	events int64
}

func newFolder() *folder {
	return &folder{codec: seal.NewCodec(nil), recent: map[int64]bool{}}
}

// bulk folds what is there in memory and writes it into the empty tables of a schema.
func (f *folder) bulk(ctx context.Context, db database, schema string, progress func(done int64)) error {
	b := newBulk()
	for {
		n, err := f.read(ctx, db, bulkBatch, func(r es.Recorded) error {
			if err := b.fold(r); err != nil {
				return fmt.Errorf("event %d of %s: %w", r.Position, r.Source, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if n > 0 {
			progress(f.events)
		}
		if n < bulkBatch {
			return b.write(ctx, db, schema)
		}
		if err := b.writeLegs(ctx, db, schema); err != nil {
			return err
		}
	}
}

// all folds what is there, batch by batch, with the statements of the live projection.
func (f *folder) all(ctx context.Context, db database, progress func(done int64)) error {
	for {
		n, err := f.step(ctx, db)
		if err != nil {
			return err
		}
		if n > 0 {
			progress(f.events)
		}
		if n < foldBatch {
			return nil
		}
	}
}

// back makes the next step begin at the first of the last rows that was not there when its turn was; where none is, it goes on behind them.
func (f *folder) back(ctx context.Context, db database) error {
	rows, err := db.Query(ctx, `SELECT arrival FROM feed WHERE arrival > $1 AND arrival <= $2 ORDER BY arrival`, f.after-overlap, f.after)
	if err != nil {
		return fmt.Errorf("look for late rows of feed: %w", err)
	}
	last, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("look for late rows of feed: %w", err)
	}
	for _, arrival := range last {
		if !f.recent[arrival] {
			f.after = arrival - 1
			break
		}
	}
	return nil
}

// read gives the next events, at most so many, in the order in which they came, and says how many rows it read.
func (f *folder) read(ctx context.Context, db database, most int, take func(es.Recorded) error) (int, error) {
	rows, err := db.Query(ctx, `SELECT arrival, record FROM feed WHERE arrival > $1 ORDER BY arrival LIMIT $2`, f.after, most)
	if err != nil {
		return 0, fmt.Errorf("read feed: %w", err)
	}
	var arrival int64
	var body []byte
	n := 0
	if _, err := pgx.ForEachRow(rows, []any{&arrival, &body}, func() error {
		n++
		f.after = arrival
		if f.recent[arrival] {
			return nil
		}
		f.recent[arrival] = true
		r, err := f.open(ctx, body)
		if err != nil {
			return err
		}
		f.events++
		return take(r)
	}); err != nil {
		return 0, fmt.Errorf("read feed: %w", err)
	}
	if len(f.recent) > 3*overlap {
		for a := range f.recent {
			if a <= f.after-2*overlap {
				delete(f.recent, a)
			}
		}
	}
	return n, nil
}

// step folds one batch and says how many rows it read.
func (f *folder) step(ctx context.Context, db database) (int, error) {
	batch := &pgx.Batch{}
	type count struct {
		last   es.Recorded
		events int64
	}
	counts := map[uuid.UUID]*count{}
	n, err := f.read(ctx, db, foldBatch, func(r es.Recorded) error {
		for _, s := range changes(r) {
			batch.Queue(s.SQL, s.Args...)
		}
		c := counts[r.Tenant]
		if c == nil {
			c = &count{last: r}
			counts[r.Tenant] = c
		}
		if c.events++; r.RecordedAt.After(c.last.RecordedAt) {
			c.last = r
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, c := range counts {
		s := handled(c.last, c.events)
		batch.Queue(s.SQL, s.Args...)
	}
	if batch.Len() == 0 {
		return n, nil
	}
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return 0, fmt.Errorf("fold events up to arrival %d: %w", f.after, err)
	}
	return n, nil
}

func (f *folder) open(ctx context.Context, body []byte) (es.Recorded, error) {
	r := &platformv1.StoredEvent{}
	if err := proto.Unmarshal(body, r); err != nil {
		return es.Recorded{}, fmt.Errorf("decode a kept event: %w", err)
	}
	r.Sealed = nil
	return engine.Open(ctx, f.codec, r)
}

// sum is a table's content in two numbers, whatever the order of its rows.
type sum struct {
	rows int64
	hash string
}

func sumOf(ctx context.Context, db database, schema, table string) (s sum, err error) {
	err = db.QueryRow(ctx, `SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM `+pgx.Identifier{schema, table}.Sanitize()+` t`).Scan(&s.rows, &s.hash)
	if err != nil {
		return s, fmt.Errorf("sum up %s: %w", table, err)
	}
	return s, nil
}

// madeBy is the oldest version of the code that made rows of a schema's tables; that of now where there are none.
func madeBy(ctx context.Context, db database, schema string) (version int, err error) {
	if err := db.QueryRow(ctx, `SELECT coalesce(min(projection_version), $1) FROM `+pgx.Identifier{schema, "freshness"}.Sanitize(), projection).Scan(&version); err != nil {
		return 0, fmt.Errorf("read the version of the tables: %w", err)
	}
	return version, nil
}

// differences compares the tables of two schemas; other is made by the code of now.
func differences(ctx context.Context, db database, live, other string) ([]string, error) {
	var out []string
	version, err := madeBy(ctx, db, live)
	if err != nil {
		return nil, err
	}
	if version != projection {
		out = append(out, fmt.Sprintf("the tables were made by version %d of the projection, this is version %d", version, projection))
	}
	for _, t := range tables {
		if t == "freshness" && version != projection {
			continue // it has that version
		}
		a, err := sumOf(ctx, db, live, t)
		if err != nil {
			return nil, err
		}
		b, err := sumOf(ctx, db, other, t)
		if err != nil {
			return nil, err
		}
		switch {
		case a.rows != b.rows:
			out = append(out, fmt.Sprintf("%s has %d rows, the events make %d", t, a.rows, b.rows))
		case a != b:
			out = append(out, fmt.Sprintf("%s has as many rows as the events make, %d, with other content", t, a.rows))
		}
	}
	return out, nil
}
