package pglog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// binaryRows asks for rows as decoder reads them.
var binaryRows = pgx.QueryResultFormats{pgx.BinaryFormatCode}

// events runs a query for all columns of event.
func (l *Log) events(ctx context.Context, what, sql string, args ...any) ([]eventlog.Record, error) {
	rows, err := l.pool.Query(ctx, sql, append([]any{binaryRows}, args...)...)
	if err != nil {
		return nil, l.failed(what, err)
	}
	defer rows.Close()
	var records []eventlog.Record
	d := l.decoder()
	for rows.Next() {
		records = append(records, d.decode(rows.RawValues()))
	}
	if err := rows.Err(); err != nil {
		return nil, l.failed(what, err)
	}
	return records, nil
}

func (l *Log) failed(what string, err error) error {
	return fmt.Errorf("%s of the log of %s: %w", what, l.options.Service, err)
}

// Stream reads a stream's events with a version greater than after.
func (l *Log) Stream(ctx context.Context, key eventlog.StreamKey, after int) ([]eventlog.Record, error) {
	return l.events(ctx, "read a stream", `SELECT `+eventColumns+` FROM event WHERE tenant = $1 AND stream = $2 AND version > $3 ORDER BY version`, key.Tenant, key.Stream, after)
}

// Read reads events with a position greater than after, at most limit.
func (l *Log) Read(ctx context.Context, after int64, limit int) ([]eventlog.Record, error) {
	return l.events(ctx, "read", `SELECT `+eventColumns+` FROM event WHERE position > $1 ORDER BY position LIMIT $2`, after, max(limit, 0))
}

// ReadSlot is Read within one slot. It walks the chain of the slot back from its end, so it costs what lies behind after, and needs no index.
func (l *Log) ReadSlot(ctx context.Context, slot int16, after int64, limit int) ([]eventlog.Record, error) {
	return l.events(ctx, "read a slot", `WITH RECURSIVE chain(position) AS (
			SELECT by_slot[$1::integer + 1] FROM head
			UNION ALL
			SELECT e.previous FROM chain c JOIN event e ON e.position = c.position WHERE c.position > $2
		)
		SELECT `+eventColumns+` FROM event WHERE position IN (SELECT position FROM chain WHERE position > $2 ORDER BY position LIMIT $3) ORDER BY position`,
		int32(slot), after, max(limit, 0))
}

// Streams reads many streams whole, or after their stored state where the hash of the fold agrees. One statement: state and events must be of one moment.
func (l *Log) Streams(ctx context.Context, keys []eventlog.StreamKey, foldHash map[string]string) (map[eventlog.StreamKey]eventlog.Loaded, error) {
	out := make(map[eventlog.StreamKey]eventlog.Loaded, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	var names tenantNames
	var hashes []*string
	for _, key := range keys {
		kind, _ := es.Split(key.Stream)
		names.add(key.Tenant, key.Stream)
		hashes = append(hashes, optional(foldHash[kind]))
		out[key] = eventlog.Loaded{}
	}
	rows, err := l.pool.Query(ctx, `SELECT `+eventColumns+`, k.n, k.state_version, CASE WHEN e.version IS NULL OR e.version = k.state_version + 1 THEN k.state_body END
		FROM (
			SELECT k.tenant AS k_tenant, k.stream AS k_stream, k.n, s.version AS state_version, s.body AS state_body
			FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS k(tenant, stream, fold_hash, n)
			LEFT JOIN state s ON s.tenant = k.tenant AND s.stream = k.stream AND s.fold_hash = k.fold_hash
		) k
		LEFT JOIN LATERAL (
			SELECT * FROM event e WHERE e.tenant = k.k_tenant AND e.stream = k.k_stream AND e.version > coalesce(k.state_version, 0)
		) e ON true
		ORDER BY k.n, e.version`, binaryRows, names.tenants, names.names, hashes)
	if err != nil {
		return nil, l.failed("load streams", err)
	}
	defer rows.Close()
	d := l.decoder()
	for rows.Next() {
		raw := rows.RawValues()
		n, version, body := raw[columnCount], raw[columnCount+1], raw[columnCount+2]
		key := keys[int(d.int64(n))-1]
		loaded := out[key]
		if version != nil && loaded.State == nil {
			loaded.State = &eventlog.State{StreamKey: key, Version: int(d.int32(version)), FoldHash: *hashes[d.int64(n)-1], Body: copied(body)}
			loaded.Version = loaded.State.Version
		}
		if raw[0] != nil {
			r := d.decode(raw)
			loaded.Events, loaded.Version = append(loaded.Events, r), int(r.Version)
		}
		out[key] = loaded
	}
	if err := rows.Err(); err != nil {
		return nil, l.failed("load streams", err)
	}
	return out, nil
}

// Head is the end of the log.
func (l *Log) Head(ctx context.Context) (h eventlog.Head, err error) {
	var bySlot []int64
	if err := l.pool.QueryRow(ctx, `SELECT position, epoch, by_slot FROM head`).Scan(&h.Position, &h.Epoch, &bySlot); err != nil {
		return h, l.failed("read the head", err)
	}
	copy(h.BySlot[:], bySlot)
	return h, nil
}

// Answer is what a request key was answered with; nil: it was never used.
func (l *Log) Answer(ctx context.Context, tenant uuid.UUID, key string) (*eventlog.Answer, error) {
	var a eventlog.Answer
	var first int64
	var events int
	err := l.pool.QueryRow(ctx, `SELECT body_hash, stream, version, position, first, events FROM request WHERE tenant = $1 AND key = $2`, tenant, key).
		Scan(&a.BodyHash, &a.Stream, &a.Version, &a.Position, &first, &events)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, l.failed("look for an answer", err)
	}
	if events > 0 {
		if a.Events, err = l.Read(ctx, first-1, events); err != nil {
			return nil, err
		}
	}
	return &a, nil
}

// Inbox are a consumer's marks of a source. The rows are made at the first call.
func (l *Log) Inbox(ctx context.Context, consumer, source string) (marks [es.Slots]int64, err error) {
	const what = "read an inbox"
	read := func() (found int, err error) {
		rows, err := l.pool.Query(ctx, `SELECT slot, position FROM inbox WHERE consumer = $1 AND source = $2`, consumer, source)
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		var slot int16
		var position int64
		return found, each(rows, []any{&slot, &position}, func() { marks[slot], found = position, found+1 })
	}
	found, err := read()
	if err == nil && found < es.Slots {
		_, err = l.pool.Exec(ctx, `INSERT INTO inbox (consumer, source, slot, position) SELECT $1, $2, slot, 0 FROM generate_series(0, $3::integer - 1) AS slot ON CONFLICT DO NOTHING`,
			consumer, source, es.Slots)
		if err == nil {
			_, err = read()
		}
	}
	if err != nil {
		return marks, l.failed(what, err)
	}
	return marks, nil
}

// Mirrored are the records kept under each key, in the order in which they arrived.
func (l *Log) Mirrored(ctx context.Context, keys []eventlog.MirrorKey) (map[eventlog.MirrorKey][]eventlog.Record, error) {
	out := map[eventlog.MirrorKey][]eventlog.Record{}
	if len(keys) == 0 {
		return out, nil
	}
	var mirrors []string
	var names tenantNames
	for _, k := range keys {
		mirrors = append(mirrors, k.Mirror)
		names.add(k.Tenant, k.Key)
	}
	rows, err := l.pool.Query(ctx, `SELECT k.n, m.record FROM unnest($1::text[], $2::uuid[], $3::text[]) WITH ORDINALITY AS k(mirror, tenant, key, n)
		JOIN mirror m ON m.mirror = k.mirror AND m.tenant = k.tenant AND m.key = k.key ORDER BY k.n, m.seq`, mirrors, names.tenants, names.names)
	if err != nil {
		return nil, l.failed("read mirrors", err)
	}
	defer rows.Close()
	seen := once[eventlog.MirrorKey]{}
	wanted := make([]bool, len(keys)) // a key that is asked for twice is answered once
	for i, k := range keys {
		wanted[i] = seen.first(k)
	}
	var n int
	var body []byte
	var broken error
	err = each(rows, []any{&n, &body}, func() {
		if !wanted[n-1] {
			return
		}
		r := &platformv1.StoredEvent{}
		broken = errors.Join(broken, proto.Unmarshal(body, r))
		out[keys[n-1]] = append(out[keys[n-1]], r)
	})
	if err := errors.Join(err, broken); err != nil {
		return nil, l.failed("read mirrors", err)
	}
	return out, nil
}

// ParkedStreams are the streams of a source that are stopped for a consumer.
func (l *Log) ParkedStreams(ctx context.Context, consumer, source string) (map[eventlog.StreamKey]bool, error) {
	rows, err := l.pool.Query(ctx, `SELECT DISTINCT tenant, stream FROM parked WHERE consumer = $1 AND source = $2`, consumer, source)
	if err != nil {
		return nil, l.failed("read parked streams", err)
	}
	defer rows.Close()
	out := map[eventlog.StreamKey]bool{}
	var key eventlog.StreamKey
	if err := each(rows, []any{&key.Tenant, &key.Stream}, func() { out[key] = true }); err != nil {
		return nil, l.failed("read parked streams", err)
	}
	return out, nil
}

const parkedColumns = `p.consumer, p.record, p.state, p.waits_mirror, p.waits_tenant, p.waits_key, p.error, p.attempts, p.since`

// ReadyParked are the first parked events of the streams that can go on, by source and position.
func (l *Log) ReadyParked(ctx context.Context, consumer string, limit int) ([]eventlog.Parked, error) {
	return l.parked(ctx, `SELECT `+parkedColumns+` FROM parked p WHERE consumer = $1 AND state IN ('ready', 'behind') AND NOT EXISTS (
			SELECT FROM parked q WHERE q.consumer = p.consumer AND q.source = p.source AND q.tenant = p.tenant AND q.stream = p.stream AND q.position < p.position)
		ORDER BY source COLLATE "C", position LIMIT $2`, consumer, max(limit, 0))
}

// ListParked are parked events of a state, or all, by source and position.
func (l *Log) ListParked(ctx context.Context, consumer, state string, limit int) ([]eventlog.Parked, error) {
	return l.parked(ctx, `SELECT `+parkedColumns+` FROM parked p WHERE consumer = $1 AND ($3 = '' OR state = $3) ORDER BY source COLLATE "C", position LIMIT $2`, consumer, max(limit, 0), state)
}

// Count is how many events are parked in one state, and since when the oldest of them.
type Count struct {
	Events int64
	Since  time.Time
}

// CountParked counts a consumer's parked events by state. States without any are left out.
func (l *Log) CountParked(ctx context.Context, consumer string) (map[string]Count, error) {
	rows, err := l.pool.Query(ctx, `SELECT state, count(*), min(since) FROM parked WHERE consumer = $1 GROUP BY state`, consumer)
	if err != nil {
		return nil, l.failed("count parked events", err)
	}
	out := map[string]Count{}
	var state string
	var c Count
	if _, err := pgx.ForEachRow(rows, []any{&state, &c.Events, &c.Since}, func() error {
		out[state] = c
		return nil
	}); err != nil {
		return nil, l.failed("count parked events", err)
	}
	return out, nil
}

func (l *Log) parked(ctx context.Context, sql string, args ...any) ([]eventlog.Parked, error) {
	rows, err := l.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, l.failed("read parked events", err)
	}
	defer rows.Close()
	var out []eventlog.Parked
	var p eventlog.Parked
	var record []byte
	var mirror, name *string
	var tenant *uuid.UUID
	var broken error
	err = each(rows, []any{&p.Consumer, &record, &p.State, &mirror, &tenant, &name, &p.Error, &p.Attempts, &p.Since}, func() {
		row := p
		row.Record, row.Since = &platformv1.StoredEvent{}, p.Since.UTC()
		broken = errors.Join(broken, proto.Unmarshal(record, row.Record))
		if name != nil {
			row.WaitsFor = eventlog.MirrorKey{Mirror: *mirror, Tenant: *tenant, Key: *name}
		}
		out = append(out, row)
	})
	if err := errors.Join(err, broken); err != nil {
		return nil, l.failed("read parked events", err)
	}
	return out, nil
}

// DueTimers are the timers that are due, the longest due first.
func (l *Log) DueTimers(ctx context.Context, now time.Time, limit int) ([]eventlog.TimerRow, error) {
	rows, err := l.pool.Query(ctx, `SELECT tenant, key, kind, stream_id, due_at, type, body FROM timer WHERE due_at <= $1 ORDER BY due_at, tenant, key COLLATE "C" LIMIT $2`, now, max(limit, 0))
	if err != nil {
		return nil, l.failed("read timers", err)
	}
	defer rows.Close()
	var out []eventlog.TimerRow
	var t eventlog.TimerRow
	if err := each(rows, []any{&t.Tenant, &t.Key, &t.Kind, &t.StreamID, &t.DueAt, &t.Type, &t.Body}, func() {
		t.DueAt = t.DueAt.UTC()
		t.Body = copied(t.Body)
		out = append(out, t)
	}); err != nil {
		return nil, l.failed("read timers", err)
	}
	return out, nil
}

// NextTimer is when the next timer is due.
func (l *Log) NextTimer(ctx context.Context) (time.Time, bool, error) {
	var next *time.Time
	if err := l.pool.QueryRow(ctx, `SELECT min(due_at) FROM timer`).Scan(&next); err != nil {
		return time.Time{}, false, l.failed("read timers", err)
	}
	if next == nil {
		return time.Time{}, false, nil
	}
	return next.UTC(), true, nil
}

// RelayState is how far a relay has published.
func (l *Log) RelayState(ctx context.Context, topic string) (eventlog.RelayState, bool, error) {
	s := eventlog.RelayState{Topic: topic}
	var acked []byte
	err := l.pool.QueryRow(ctx, `SELECT position, partitions, acked FROM relay WHERE topic = $1`, topic).Scan(&s.Position, &s.Partitions, &acked)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, false, nil
	}
	if err == nil {
		err = json.Unmarshal(acked, &s.Acked)
	}
	if err != nil {
		return s, false, l.failed("read the relay's state", err)
	}
	return s, true, nil
}

// SaveRelayState keeps how far a relay has published. It does not wait for the disk: a relay that has forgotten a little publishes a little again.
func (l *Log) SaveRelayState(ctx context.Context, s eventlog.RelayState) error {
	acked, err := json.Marshal(s.Acked)
	if err != nil {
		return l.failed("save the relay's state", err)
	}
	b := &pgx.Batch{}
	b.Queue(`BEGIN`)
	b.Queue(`SET LOCAL synchronous_commit = off`)
	b.Queue(`INSERT INTO relay (topic, position, partitions, acked) VALUES ($1, $2, $3, $4)
		ON CONFLICT (topic) DO UPDATE SET position = excluded.position, partitions = excluded.partitions, acked = excluded.acked`, s.Topic, s.Position, s.Partitions, string(acked))
	b.Queue(`COMMIT`)
	if err := l.pool.SendBatch(ctx, b).Close(); err != nil {
		return l.failed("save the relay's state", err)
	}
	return nil
}
