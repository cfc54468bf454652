package pglog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// The lock on head and every look at what it protects are statements of their own: a statement that waits for a lock goes on with the snapshot from before it got it.
//
// Each row is found by its key in a subquery that the planner can't turn into a join. The writer's plans are kept, and a join planned while its tables were small would read them whole
// when they are large.
const (
	sqlBegin  = `BEGIN ISOLATION LEVEL READ COMMITTED`
	sqlHead   = `SELECT position, epoch, by_slot, recorded_at FROM head FOR UPDATE`
	sqlWriter = `SELECT coalesce((SELECT batch FROM writer WHERE id = $1), 0)`

	sqlVersions = `SELECT coalesce((SELECT e.version FROM event e WHERE e.tenant = k.tenant AND e.stream = k.stream ORDER BY e.version DESC LIMIT 1), 0)
		FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS k(tenant, stream, n) ORDER BY k.n`
	sqlAnswered = `SELECT k.tenant, k.key FROM unnest($1::uuid[], $2::text[]) AS k(tenant, key)
		WHERE (SELECT true FROM request r WHERE r.tenant = k.tenant AND r.key = k.key)`
	sqlMarks = `SELECT k.consumer, k.source, k.slot, i.position FROM unnest($1::text[], $2::text[], $3::smallint[]) AS k(consumer, source, slot)
		CROSS JOIN LATERAL (SELECT position FROM inbox i WHERE i.consumer = k.consumer AND i.source = k.source AND i.slot = k.slot FOR UPDATE) i`
	sqlParked = `SELECT k.consumer, k.source, k.position, p.state, p.waits_mirror, p.waits_tenant, p.waits_key
		FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k(consumer, source, position)
		CROSS JOIN LATERAL (SELECT * FROM parked p WHERE p.consumer = k.consumer AND p.source = k.source AND p.position = k.position OFFSET 0) p`
	sqlWaiting = `SELECT p.consumer, p.source, p.position, p.state, p.waits_mirror, p.waits_tenant, p.waits_key
		FROM unnest($1::text[], $2::uuid[], $3::text[]) AS k(mirror, tenant, key)
		CROSS JOIN LATERAL (SELECT * FROM parked p WHERE p.waits_mirror = k.mirror AND p.waits_tenant = k.tenant AND p.waits_key = k.key AND p.state = 'waiting' OFFSET 0) p`
	sqlKeys = `SELECT k.mirror, k.tenant, k.key FROM unnest($1::text[], $2::uuid[], $3::text[]) AS k(mirror, tenant, key)
		WHERE (SELECT true FROM mirror m WHERE m.mirror = k.mirror AND m.tenant = k.tenant AND m.key = k.key LIMIT 1)`
	sqlTimers = `SELECT k.tenant, k.key, t.due_at FROM unnest($1::uuid[], $2::text[]) AS k(tenant, key)
		CROSS JOIN LATERAL (SELECT due_at FROM timer t WHERE t.tenant = k.tenant AND t.key = k.key OFFSET 0) t`
)

// look locks the head and reads what the calls touch, in one round trip. last is the number of the last batch of this writer that was committed.
func (w *writer) look(ctx context.Context, calls []*call, lookUpKeys bool) (v *view, last int64, err error) {
	v = newView(eventlog.Numbering{Source: w.Service})
	b := &pgx.Batch{}
	b.Queue(sqlBegin)
	b.Queue(sqlHead).QueryRow(func(row pgx.Row) error {
		var bySlot []int64
		err := row.Scan(&v.end.Position, &v.end.Epoch, &bySlot, &v.end.RecordedAt)
		copy(v.end.BySlot[:], bySlot)
		return err
	})
	b.Queue(sqlWriter, w.id).QueryRow(func(row pgx.Row) error { return row.Scan(&last) })
	t := touchedBy(calls)
	if n := len(t.streams.tenants); n > 0 {
		b.Queue(sqlVersions, t.streams.tenants, t.streams.names).Query(func(rows pgx.Rows) error {
			i := 0
			for ; rows.Next(); i++ {
				var version int
				if err := rows.Scan(&version); err != nil {
					return err
				}
				v.versions[eventlog.StreamKey{Tenant: t.streams.tenants[i], Stream: t.streams.names[i]}] = version
			}
			return nil
		})
	}
	if lookUpKeys && len(t.requests.tenants) > 0 {
		b.Queue(sqlAnswered, t.requests.tenants, t.requests.names).Query(func(rows pgx.Rows) error {
			var key requestKey
			return each(rows, []any{&key.tenant, &key.key}, func() { v.answered[key] = true })
		})
	}
	if len(t.marks.slots) > 0 {
		b.Queue(sqlMarks, t.marks.consumers, t.marks.sources, t.marks.slots).Query(func(rows pgx.Rows) error {
			var key inboxKey
			var position int64
			return each(rows, []any{&key.consumer, &key.source, &key.slot, &position}, func() { v.inbox[key] = &mark{position, position} })
		})
	}
	if len(t.parked.positions) > 0 {
		b.Queue(sqlParked, t.parked.consumers, t.parked.sources, t.parked.positions).Query(v.readParked)
	}
	if len(t.kept.names) > 0 {
		b.Queue(sqlWaiting, t.kept.mirrors, t.kept.tenants, t.kept.names).Query(v.readParked)
	}
	if len(t.awaited.names) > 0 {
		b.Queue(sqlKeys, t.awaited.mirrors, t.awaited.tenants, t.awaited.names).Query(func(rows pgx.Rows) error {
			var key eventlog.MirrorKey
			return each(rows, []any{&key.Mirror, &key.Tenant, &key.Key}, func() { v.keys[key] = true })
		})
	}
	for _, key := range t.timers {
		v.timers[key] = &timer{}
	}
	if len(t.fired.names) > 0 {
		b.Queue(sqlTimers, t.fired.tenants, t.fired.names).Query(func(rows pgx.Rows) error {
			var key eventlog.TimerKey
			var due time.Time
			return each(rows, []any{&key.Tenant, &key.Key, &due}, func() { v.timers[key].is, v.timers[key].due = true, due })
		})
	}
	if err := w.conn.SendBatch(ctx, b).Close(); err != nil {
		return nil, 0, fmt.Errorf("look at the log: %w", err)
	}
	return v, last, nil
}

// each scans row after row into the same variables.
func each(rows pgx.Rows, into []any, then func()) error {
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		then()
	}
	return rows.Err()
}

func (v *view) readParked(rows pgx.Rows) error {
	var key eventlog.ParkedKey
	var state string
	var mirror, name *string
	var tenant *uuid.UUID
	return each(rows, []any{&key.Consumer, &key.Source, &key.Position, &state, &mirror, &tenant, &name}, func() {
		if v.parked[key] != nil {
			return
		}
		at := &place{was: true, is: true, row: eventlog.Parked{State: state}}
		if name != nil {
			at.row.WaitsFor = eventlog.MirrorKey{Mirror: *mirror, Tenant: *tenant, Key: *name}
			v.waiting[at.row.WaitsFor] = append(v.waiting[at.row.WaitsFor], key)
		}
		v.parked[key] = at
	})
}

// touched is what a batch must look at, as columns, each thing once.
type touched struct {
	streams, requests, fired tenantNames
	marks                    struct {
		consumers, sources []string
		slots              []int16
	}
	parked struct {
		consumers, sources []string
		positions          []int64
	}
	kept, awaited struct {
		mirrors []string
		tenants []uuid.UUID
		names   []string
	}
	timers []eventlog.TimerKey
}

// tenantNames are two columns. The ids are plain arrays, which pgx sends without asking them for their text.
type tenantNames struct {
	tenants [][16]byte
	names   []string
}

func (n *tenantNames) add(tenant uuid.UUID, name string) {
	n.tenants, n.names = append(n.tenants, tenant), append(n.names, name)
}

func touchedBy(calls []*call) *touched {
	t := &touched{}
	streams, requests, marks := once[eventlog.StreamKey]{}, once[requestKey]{}, once[inboxKey]{}
	parked, kept, awaited, timers := once[eventlog.ParkedKey]{}, once[eventlog.MirrorKey]{}, once[eventlog.MirrorKey]{}, once[eventlog.TimerKey]{}
	for _, c := range calls {
		u := &c.unit
		for _, a := range u.Appends {
			if streams.first(a.StreamKey) {
				t.streams.add(a.Tenant, a.Stream)
			}
		}
		if r := u.Request; r != nil {
			if streams.first(eventlog.StreamKey{Tenant: r.Tenant, Stream: r.Stream}) {
				t.streams.add(r.Tenant, r.Stream)
			}
			if requests.first(requestKey{r.Tenant, r.Key}) {
				t.requests.add(r.Tenant, r.Key)
			}
		}
		for _, a := range u.Inbox {
			if marks.first(inboxKey{a.Consumer, a.Source, a.Slot}) {
				t.marks.consumers, t.marks.sources, t.marks.slots = append(t.marks.consumers, a.Consumer), append(t.marks.sources, a.Source), append(t.marks.slots, a.Slot)
			}
		}
		park := func(key eventlog.ParkedKey) {
			if parked.first(key) {
				t.parked.consumers, t.parked.sources, t.parked.positions = append(t.parked.consumers, key.Consumer), append(t.parked.sources, key.Source), append(t.parked.positions, key.Position)
			}
		}
		for _, key := range u.Unpark {
			park(key)
		}
		for _, rows := range [][]eventlog.Parked{u.Repark, u.Park} {
			for _, p := range rows {
				park(parkedKey(p))
				if p.State == eventlog.Waiting && awaited.first(p.WaitsFor) {
					t.awaited.mirrors, t.awaited.tenants, t.awaited.names = append(t.awaited.mirrors, p.WaitsFor.Mirror), append(t.awaited.tenants, p.WaitsFor.Tenant), append(t.awaited.names, p.WaitsFor.Key)
				}
			}
		}
		for _, m := range u.Mirrors {
			if kept.first(eventlog.MirrorKey{Mirror: m.Mirror, Tenant: m.Tenant, Key: m.Key}) {
				t.kept.mirrors, t.kept.tenants, t.kept.names = append(t.kept.mirrors, m.Mirror), append(t.kept.tenants, m.Tenant), append(t.kept.names, m.Key)
			}
		}
		for _, f := range u.Fired {
			if timers.first(f.TimerKey) {
				t.timers = append(t.timers, f.TimerKey)
			}
			t.fired.add(f.Tenant, f.Key)
		}
		for _, key := range u.Cancel {
			if timers.first(key) {
				t.timers = append(t.timers, key)
			}
		}
		for _, s := range u.SetTimers {
			if timers.first(s.TimerKey) {
				t.timers = append(t.timers, s.TimerKey)
			}
		}
	}
	return t
}

// once tells a thing that comes for the first time.
type once[K comparable] map[K]struct{}

func (o once[K]) first(key K) bool {
	n := len(o)
	o[key] = struct{}{}
	return len(o) > n
}

const (
	// COPY with an encoder of our own beats INSERT … unnest at any size, by a third at 1,000 rows, though it costs a round trip.
	sqlEvents   = `COPY event (` + eventColumns + `) FROM STDIN (FORMAT binary)`
	sqlRequests = `INSERT INTO request (tenant, key, body_hash, stream, version, position, first, events)
		SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::integer[], $6::bigint[], $7::bigint[], $8::integer[])`
	sqlAdvance = `UPDATE inbox i SET position = k.new FROM unnest($1::text[], $2::text[], $3::smallint[], $4::bigint[]) AS k(consumer, source, slot, new)
		WHERE i.consumer = k.consumer AND i.source = k.source AND i.slot = k.slot` // they are locked and compared
	sqlMirror = `INSERT INTO mirror (mirror, tenant, key, source, position, record)
		SELECT mirror, tenant, key, source, position, record FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bytea[])
		WITH ORDINALITY AS k(mirror, tenant, key, source, position, record, n) ORDER BY n ON CONFLICT DO NOTHING`
	sqlParkedAt = `(SELECT p.ctid FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k(consumer, source, position)
		CROSS JOIN LATERAL (SELECT ctid FROM parked p WHERE p.consumer = k.consumer AND p.source = k.source AND p.position = k.position OFFSET 0) p)`
	sqlUnpark = `DELETE FROM parked WHERE ctid = ANY (ARRAY ` + sqlParkedAt + `)`
	sqlWake   = `UPDATE parked SET state = 'ready', waits_mirror = NULL, waits_tenant = NULL, waits_key = NULL WHERE ctid = ANY (ARRAY ` + sqlParkedAt + `)`
	sqlRepark = `UPDATE parked SET state = $4, waits_mirror = $5, waits_tenant = $6, waits_key = $7, error = $8, attempts = $9
		WHERE consumer = $1 AND source = $2 AND position = $3`
	sqlPark = `INSERT INTO parked (consumer, source, position, state, waits_mirror, waits_tenant, waits_key, error, attempts, tenant, stream, record, since)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	sqlUnset = `DELETE FROM timer WHERE ctid = ANY (ARRAY (SELECT t.ctid FROM unnest($1::uuid[], $2::text[]) AS k(tenant, key)
		CROSS JOIN LATERAL (SELECT ctid FROM timer t WHERE t.tenant = k.tenant AND t.key = k.key OFFSET 0) t))`
	sqlSet = `INSERT INTO timer (tenant, key, kind, stream_id, due_at, type, body)
		SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::bytea[])
		ON CONFLICT (tenant, key) DO UPDATE SET kind = excluded.kind, stream_id = excluded.stream_id, due_at = excluded.due_at, type = excluded.type, body = excluded.body`
	sqlState = `INSERT INTO state (tenant, stream, version, fold_hash, body) SELECT * FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::bytea[])
		ON CONFLICT (tenant, stream) DO UPDATE SET version = excluded.version, fold_hash = excluded.fold_hash, body = excluded.body`
	sqlMoveHead = `UPDATE head SET position = $1, by_slot = $2, recorded_at = $3`
	sqlMark     = `INSERT INTO writer (id, batch, since) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET batch = excluded.batch`
	sqlCommit   = `COMMIT`
	sqlNotify   = `SELECT pg_notify($1, '')`
)

// sent is an attempt that was sent to the server.
type sent struct {
	batch int64
	plan  *plan
	queue *pgx.Batch
	calls []int // of queue's statements: the call each belongs to, or −1
	next  int   // the statement whose result comes next
}

func (s *sent) add(call int, sql string, args ...any) *pgx.QueuedQuery {
	s.calls = append(s.calls, call)
	return s.queue.Queue(sql, args...)
}

// culprit is the call whose statement failed, or −1; own: it was a statement of the log itself.
func (s *sent) culprit(err error) (call int, own bool) {
	var early pgx.ErrPreprocessingBatch
	if errors.As(err, &early) { // which one is not said; its text is
		for i, q := range s.queue.QueuedQueries {
			if q.SQL == early.SQL() && s.calls[i] < 0 {
				return -1, true
			}
		}
		return -1, false
	}
	if s.queue == nil || s.next >= len(s.calls) {
		return -1, true
	}
	return s.calls[s.next], s.calls[s.next] < 0
}

// commit writes the plan and commits: one round trip for the events, one for all the rest.
func (w *writer) commit(ctx context.Context, v *view, s *sent) error {
	if len(s.plan.records) > 0 {
		rows, err := encodeEvents(s.plan.records)
		if err != nil {
			return err
		}
		if _, err := w.conn.PgConn().CopyFrom(ctx, bytes.NewReader(rows), sqlEvents); err != nil {
			return fmt.Errorf("copy events: %w", err)
		}
	}
	s.queue = &pgx.Batch{}
	if err := w.fill(v, s); err != nil {
		return err
	}
	results := w.conn.SendBatch(ctx, s.queue)
	for ; s.next < len(s.calls); s.next++ {
		tag, err := results.Exec()
		if err != nil {
			results.Close()
			return err
		}
		if sql := s.queue.QueuedQueries[s.next].SQL; sql == sqlCommit && tag.String() != "COMMIT" {
			results.Close()
			return fmt.Errorf("commit: the server answered %s", tag)
		}
	}
	return results.Close()
}

// fill queues the plan's statements.
func (w *writer) fill(v *view, s *sent) error {
	p := s.plan
	const own = -1
	if len(p.records) > 0 {
		s.add(own, sqlMoveHead, v.end.Position, v.end.BySlot[:], v.end.RecordedAt)
	}
	if len(p.requests) > 0 {
		s.add(own, sqlRequests, requestArrays(p.requests)...)
	}
	if n, args := advanceArrays(v.inbox); n > 0 {
		s.add(own, sqlAdvance, args...)
	}
	if len(p.mirrors) > 0 {
		args, err := mirrorArrays(p.mirrors)
		if err != nil {
			return err
		}
		s.add(own, sqlMirror, args...)
	}
	if err := fillParked(v, s); err != nil {
		return err
	}
	fillTimers(v, s)
	if len(p.states) > 0 {
		var keys tenantNames
		var versions []int
		var hashes []string
		var bodies [][]byte
		for key, state := range p.states {
			keys.add(key.Tenant, key.Stream)
			versions, hashes, bodies = append(versions, state.Version), append(hashes, state.FoldHash), append(bodies, full(state.Body))
		}
		s.add(own, sqlState, keys.tenants, keys.names, versions, hashes, bodies)
	}
	s.add(own, sqlMark, w.id, s.batch, v.end.RecordedAt)
	for _, statement := range p.statements {
		s.add(statement.call, statement.SQL, statement.Args...)
	}
	s.add(own, sqlCommit)
	if len(p.records) > 0 && !w.Alone {
		// After the commit: within it, it would make all commits of all services of the server wait for each other's flush. A lost one costs a listener a look.
		s.add(own, sqlNotify, channel(w.Service))
	}
	return nil
}

func requestArrays(rows []requestRow) []any {
	var keys tenantNames
	var hashes [][]byte
	var streams []string
	var versions, events []int
	var positions, firsts []int64
	for _, r := range rows {
		keys.add(r.Tenant, r.Key)
		hashes, streams = append(hashes, full(r.BodyHash)), append(streams, r.Stream)
		versions, events = append(versions, r.version), append(events, r.events)
		positions, firsts = append(positions, r.position), append(firsts, r.first)
	}
	return []any{keys.tenants, keys.names, hashes, streams, versions, positions, firsts, events}
}

func advanceArrays(inbox map[inboxKey]*mark) (int, []any) {
	var consumers, sources []string
	var slots []int16
	var news []int64
	for key, m := range inbox {
		if m.old != m.new {
			consumers, sources, slots = append(consumers, key.consumer), append(sources, key.source), append(slots, key.slot)
			news = append(news, m.new)
		}
	}
	return len(slots), []any{consumers, sources, slots, news}
}

func mirrorArrays(rows []eventlog.MirrorRow) ([]any, error) {
	var mirrors, keys, sources []string
	var tenants []uuid.UUID
	var positions []int64
	var records [][]byte
	for _, m := range rows {
		record, err := proto.Marshal(m.Record)
		if err != nil {
			return nil, fmt.Errorf("mirror event %d of %s: %w", m.Record.Position, m.Record.Source, err)
		}
		mirrors, tenants, keys = append(mirrors, m.Mirror), append(tenants, m.Tenant), append(keys, m.Key)
		sources, positions, records = append(sources, m.Record.Source), append(positions, m.Record.Position), append(records, record)
	}
	return []any{mirrors, tenants, keys, sources, positions, records}, nil
}

func fillParked(v *view, s *sent) error {
	type columns struct {
		consumers, sources []string
		positions          []int64
	}
	add := func(c *columns, key eventlog.ParkedKey) {
		c.consumers, c.sources, c.positions = append(c.consumers, key.Consumer), append(c.sources, key.Source), append(c.positions, key.Position)
	}
	var gone, awake columns
	for key, at := range v.parked {
		switch {
		case at.was && (!at.is || at.change == inserted):
			add(&gone, key)
		case at.is && at.change == woken:
			add(&awake, key)
		}
	}
	if len(gone.positions) > 0 {
		s.add(-1, sqlUnpark, gone.consumers, gone.sources, gone.positions)
	}
	if len(awake.positions) > 0 {
		s.add(-1, sqlWake, awake.consumers, awake.sources, awake.positions)
	}
	for key, at := range v.parked {
		if !at.is || at.change < rewritten {
			continue
		}
		var mirror, name *string
		var tenant *uuid.UUID
		if r := &at.row; r.State == eventlog.Waiting {
			mirror, tenant, name = &r.WaitsFor.Mirror, &r.WaitsFor.Tenant, &r.WaitsFor.Key
		}
		args := []any{key.Consumer, key.Source, key.Position, at.row.State, mirror, tenant, name, at.row.Error, at.row.Attempts}
		if at.change == rewritten {
			s.add(-1, sqlRepark, args...)
			continue
		}
		record, err := proto.Marshal(at.row.Record)
		if err != nil {
			return fmt.Errorf("park event %d of %s: %w", key.Position, key.Source, err)
		}
		s.add(-1, sqlPark, append(args, at.row.Record.TenantId, at.row.Record.Stream, record, at.row.Since)...)
	}
	return nil
}

func fillTimers(v *view, s *sent) {
	var gone, set tenantNames
	var kinds, streams, types []string
	var dues []time.Time
	var bodies [][]byte
	for key, t := range v.timers {
		switch {
		case t.gone:
			gone.add(key.Tenant, key.Key)
		case t.set != nil:
			set.add(key.Tenant, key.Key)
			kinds, streams, types = append(kinds, t.set.Kind), append(streams, t.set.StreamID), append(types, t.set.Type)
			dues, bodies = append(dues, t.set.DueAt), append(bodies, full(t.set.Body))
		}
	}
	if len(gone.names) > 0 {
		s.add(-1, sqlUnset, gone.tenants, gone.names)
	}
	if len(set.names) > 0 {
		s.add(-1, sqlSet, set.tenants, set.names, kinds, streams, dues, types, bodies)
	}
}

// full is never NULL.
func full(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
