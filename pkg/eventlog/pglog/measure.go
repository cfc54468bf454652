package pglog

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// Workload is what Measure has appended.
type Workload struct {
	Callers  int           // at once, each with the next append as soon as the one before is acknowledged
	For      time.Duration // how long
	Complete bool          // with a request key and a stored state, as commands append; otherwise events alone
}

// Reference is what the same server does for anybody, in the same run.
type Reference struct {
	Copy   float64 // rows/s by COPY, 10,000 a commit
	Single float64 // rows/s, one a commit, on one connection
}

// Rate is a measured workload.
type Rate struct {
	Workload
	Appends  float64 // acknowledged a second, of one event each
	P50, P99 time.Duration
}

const payload = 600 // bytes of an event

// Measure prepares a log of its own in the database and runs each workload for a while, and the reference before. The server must flush, as in production.
func Measure(ctx context.Context, adminURL string, reference time.Duration, workloads ...Workload) (Reference, []Rate, error) {
	m := Migration{Service: "measure", Schema: "measure", Role: "evenkeel_measure", Password: rand.Text()}
	if err := Migrate(ctx, adminURL, m); err != nil {
		return Reference{}, nil, err
	}
	at, err := url.Parse(adminURL)
	if err != nil {
		return Reference{}, nil, fmt.Errorf("measure: the connection string is no URL: %w", err)
	}
	ref, err := measureReference(ctx, adminURL, reference)
	if err != nil {
		return ref, nil, fmt.Errorf("measure the reference: %w", err)
	}
	at.User = url.UserPassword(m.Role, m.Password)
	log, err := Open(ctx, at.String(), Options{Service: m.Service, Clock: time.Now})
	if err != nil {
		return ref, nil, err
	}
	var rates []Rate
	for i, w := range workloads {
		r, failed := measureAppends(ctx, log, fmt.Sprint("w", i, "-", uuid.NewString()), w)
		if err = failed; err != nil {
			break
		}
		rates = append(rates, r)
	}
	return ref, rates, errors.Join(err, log.Close())
}

func measureReference(ctx context.Context, adminURL string, limit time.Duration) (ref Reference, err error) {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return ref, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := execute(ctx, conn, "SET search_path = measure", "DROP TABLE IF EXISTS reference", "CREATE TABLE reference (LIKE event INCLUDING ALL)"); err != nil {
		return ref, err
	}
	end := eventlog.Numbering{Source: "measure"}
	tenant := uuid.New()
	record := func() eventlog.Record {
		key := eventlog.StreamKey{Tenant: tenant, Stream: "reference/" + uuid.NewString()}
		return end.Next(key, 1, measured(), time.Now())
	}
	busy, rows := time.Duration(0), 0
	for busy < limit {
		records := make([]eventlog.Record, 10_000)
		for i := range records {
			records[i] = record()
		}
		encoded, err := encodeEvents(records)
		if err != nil {
			return ref, err
		}
		start := time.Now()
		if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(encoded), `COPY reference (`+eventColumns+`) FROM STDIN (FORMAT binary)`); err != nil {
			return ref, err
		}
		busy, rows = busy+time.Since(start), rows+len(records)
	}
	ref.Copy = float64(rows) / busy.Seconds()
	busy, rows = 0, 0
	insert := `INSERT INTO reference (` + eventColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`
	for ; busy < limit; rows++ {
		r := record()
		p, err := parse(r)
		if err != nil {
			return ref, err
		}
		start := time.Now()
		if _, err := conn.Exec(ctx, insert, r.Position, [16]byte(p.id), [16]byte(p.tenant), r.Stream, r.Version, r.Slot, r.Previous, r.Epoch, r.Type, r.Schema, p.day,
			r.RecordedAt.AsTime(), r.Actor, [16]byte(p.correlation), nil, nil, nil, r.Clear, nil, nil); err != nil {
			return ref, err
		}
		busy += time.Since(start)
	}
	ref.Single = float64(rows) / busy.Seconds()
	return ref, execute(ctx, conn, "DROP TABLE reference")
}

// measured is an event of the usual size.
func measured() eventlog.Record {
	id := uuid.NewString()
	return &platformv1.StoredEvent{
		EventId: id, Type: "evenkeel.measure.v1.Measured", Schema: 1, OccurredOn: "2026-03-02", Actor: "user:measure", CorrelationId: id,
		Clear: bytes.Repeat([]byte(id), payload/len(id)+1)[:payload],
	}
}

func measureAppends(ctx context.Context, log *Log, name string, w Workload) (Rate, error) {
	const versions = 16 // of a stream
	var all sync.WaitGroup
	times, errs := make([][]time.Duration, w.Callers), make([]error, w.Callers)
	start := time.Now()
	for c := range w.Callers {
		all.Go(func() {
			for i := 0; time.Since(start) < w.For; i++ {
				key := eventlog.StreamKey{Tenant: uuid.NameSpaceOID, Stream: fmt.Sprintf("measure/%s-%d-%d", name, c, i/versions)}
				u := eventlog.Unit{Appends: []eventlog.Append{{StreamKey: key, Expect: i % versions, Events: []eventlog.Pending{{Record: measured()}}}}}
				if w.Complete {
					u.Request = &eventlog.Request{Tenant: key.Tenant, Key: fmt.Sprintf("%s-%d-%d", name, c, i), BodyHash: make([]byte, 32), Stream: key.Stream}
					u.States = []eventlog.State{{StreamKey: key, Version: i%versions + 1, FoldHash: "measure", Body: make([]byte, 200)}}
				}
				began := time.Now()
				if _, err := log.Append(ctx, u); err != nil {
					errs[c] = err
					return
				}
				times[c] = append(times[c], time.Since(began))
			}
		})
	}
	all.Wait()
	took := time.Since(start)
	each := slices.Concat(times...)
	if err := errors.Join(errs...); err != nil || len(each) == 0 {
		return Rate{}, fmt.Errorf("measure appends: %w", err)
	}
	slices.Sort(each)
	return Rate{Workload: w, Appends: float64(len(each)) / took.Seconds(), P50: each[len(each)/2], P99: each[len(each)*99/100]}, nil
}
