package pglog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/eventlog/memlog"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

// What a writer does with a batch is what memlog does with its units one by one: the same refusals, the same numbers, the same rows.
func TestBatchesAreLikeOneByOne(t *testing.T) {
	m := Migration{Service: "here", Schema: "here", Role: "pglog_test_batch"}
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			url := pgtest.URL(t, pgtest.WithTemplate("pglog batches", func(ctx context.Context, url string) error { return Migrate(ctx, url, m) }))
			o := Options{Service: "here", Clock: func() time.Time { return at(0) }, Dev: true}
			log, err := Open(t.Context(), url+"&search_path=here", o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { log.Close() })
			model := memlog.New("here")
			model.Clock = o.Clock
			for _, l := range []eventlog.Log{log, model} {
				if _, err := l.Inbox(t.Context(), "c", "there"); err != nil {
					t.Fatal(err)
				}
			}
			config, err := pgx.ParseConfig(url + "&search_path=here")
			if err != nil {
				t.Fatal(err)
			}
			o.Log, o.Patience = log.options.Log, time.Minute
			w := newWriter(config, o)
			t.Cleanup(w.disconnect)
			g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
			committed := 0
			for range 8 {
				var calls []*call
				for range 1 + g.IntN(40) {
					calls = append(calls, &call{ctx: t.Context(), unit: g.unit(), done: make(chan reply, 1)})
				}
				w.write(t.Context(), calls)
				for i, c := range calls {
					got := <-c.done
					want, err := model.Append(t.Context(), c.unit)
					if !sameOutcome(got.err, err) {
						t.Fatalf("unit %d %+v:\n got %v\nwant %v", i, c.unit, got.err, err)
					}
					if err != nil {
						continue
					}
					committed++
					if got.result.Position != want.Position || got.result.Woken != want.Woken || !slices.EqualFunc(got.result.Records, want.Records, sameRecord) {
						t.Fatalf("unit %d:\n got %+v\nwant %+v", i, got.result, want)
					}
				}
				if got, want := describe(t, log), describe(t, model); got != want {
					t.Fatalf("the rows differ:\n got %s\nwant %s", got, want)
				}
			}
			if committed < 30 {
				t.Errorf("only %d units were committed: the test says little", committed)
			}
			t.Logf("%d units committed", committed)
		})
	}
}

// sameOutcome compares refusals. Which one is not promised where several hold; for a used key Append asks itself, after any of them.
func sameOutcome(got, want error) bool {
	refused := got == errUsed || got == eventlog.ErrConflict || got == eventlog.ErrFenced
	return refused == (want != nil) && (got == nil) == (want == nil)
}

func sameRecord(a, b eventlog.Record) bool { return proto.Equal(a, b) }

func at(minutes int) time.Time {
	return time.Date(2026, 3, 2, 9, minutes, 0, 0, time.UTC)
}

var tenant = uuid.MustParse("0190a000-0000-7000-8000-000000000001")

// generator makes units out of few names, so that they meet.
type generator struct {
	*rand.Rand
}

func (g *generator) name(prefix string) string { return fmt.Sprint(prefix, g.IntN(4)) }

func (g *generator) maybe(one int) bool { return g.IntN(one) == 0 }

// unit has one to three parts, of any kind.
func (g *generator) unit() (u eventlog.Unit) {
	for range 1 + g.IntN(3) {
		switch g.IntN(12) {
		case 0, 1, 2:
			a := eventlog.Append{StreamKey: eventlog.StreamKey{Tenant: tenant, Stream: g.name("s/")}, Expect: eventlog.AnyVersion}
			if g.maybe(3) {
				a.Expect = g.IntN(10)
			}
			for range g.IntN(3) {
				a.Events = append(a.Events, eventlog.Pending{Record: g.record()})
			}
			u.Appends = append(u.Appends, a)
		case 3:
			u.Request = &eventlog.Request{Tenant: tenant, Key: fmt.Sprint("r", g.IntN(40)), BodyHash: []byte{1}, Stream: g.name("s/")}
		case 4:
			u.Inbox = []eventlog.Advance{{Consumer: "c", Source: "there", Slot: int16(g.IntN(3)), Old: int64(g.IntN(2)), New: int64(g.IntN(2))}}
		case 5:
			u.Mirrors = append(u.Mirrors, eventlog.MirrorRow{Mirror: "m", Tenant: tenant, Key: fmt.Sprint("k", g.IntN(30)), Record: g.foreign(int64(1 + g.IntN(30)))})
		case 6:
			u.Unpark = append(u.Unpark, parkedKey(g.parked()))
		case 7:
			u.Repark = append(u.Repark, g.parked())
		case 8, 9:
			u.Park = append(u.Park, g.parked())
		case 10:
			t := g.timer()
			switch g.IntN(3) {
			case 0:
				u.Fired = append(u.Fired, t)
			case 1:
				u.Fired = append(u.Fired, t)
				u.SetTimers = append(u.SetTimers, t)
			case 2:
				u.SetTimers = append(u.SetTimers, t)
			}
			if key := g.timer().TimerKey; g.maybe(3) && key != t.TimerKey {
				u.Cancel = append(u.Cancel, key)
			}
		case 11:
			u.States = append(u.States, eventlog.State{StreamKey: eventlog.StreamKey{Tenant: tenant, Stream: g.name("s/")}, FoldHash: "h", Body: []byte{byte(g.IntN(9))}})
		}
	}
	if u.Check() != nil { // a timer both set and cancelled
		return g.unit()
	}
	return u
}

func (g *generator) timer() eventlog.TimerRow {
	return eventlog.TimerRow{
		TimerKey: eventlog.TimerKey{Tenant: tenant, Key: g.name("t")}, Kind: "s", StreamID: "1", DueAt: at(g.IntN(2)), Type: "x.Y", Body: []byte{byte(g.IntN(9))},
	}
}

func (g *generator) record() eventlog.Record {
	return &platformv1.StoredEvent{EventId: uuid.NewString(), Type: "x.Y", OccurredOn: "2026-03-02", RecordedAt: timestamppb.New(at(g.IntN(60))), Clear: []byte("x")}
}

func (g *generator) foreign(position int64) eventlog.Record {
	return &platformv1.StoredEvent{EventId: uuid.NewString(), TenantId: tenant.String(), Source: "there", Stream: fmt.Sprint("p/", position%5), Position: position}
}

func (g *generator) parked() eventlog.Parked {
	p := eventlog.Parked{
		Consumer: fmt.Sprint("c", g.IntN(2)), Record: g.foreign(int64(1 + g.IntN(12))), Error: g.name("e"), Attempts: g.IntN(3), Since: at(g.IntN(60)),
		State: []string{eventlog.Waiting, eventlog.Waiting, eventlog.Dead, eventlog.Behind, eventlog.Ready}[g.IntN(5)],
	}
	if p.State == eventlog.Waiting {
		p.WaitsFor = eventlog.MirrorKey{Mirror: "m", Tenant: tenant, Key: fmt.Sprint("k", g.IntN(30))}
	}
	return p
}

// describe is all that a log holds, as text.
func describe(t *testing.T, l eventlog.Log) string {
	t.Helper()
	ctx := t.Context()
	var out strings.Builder
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	events, err := l.Read(ctx, 0, 1_000_000)
	ok(err)
	for _, r := range events {
		fmt.Fprintln(&out, r.Position, r.EventId, r.Stream, r.Version, r.Previous, r.Slot, r.RecordedAt.AsTime())
	}
	head, err := l.Head(ctx)
	ok(err)
	fmt.Fprintln(&out, head)
	for i := range 40 {
		a, err := l.Answer(ctx, tenant, fmt.Sprint("r", i))
		ok(err)
		if a != nil {
			fmt.Fprintln(&out, "answer", i, a.Stream, a.Version, a.Position, len(a.Events))
			for _, r := range a.Events {
				fmt.Fprintln(&out, "  ", r.Position)
			}
		}
	}
	marks, err := l.Inbox(ctx, "c", "there")
	ok(err)
	fmt.Fprintln(&out, marks)
	for i := range 30 {
		key := eventlog.MirrorKey{Mirror: "m", Tenant: tenant, Key: fmt.Sprint("k", i)}
		rows, err := l.Mirrored(ctx, []eventlog.MirrorKey{key})
		ok(err)
		for _, r := range rows[key] {
			fmt.Fprintln(&out, key.Key, r.Position, r.EventId)
		}
	}
	for i := range 4 {
		consumer := fmt.Sprint("c", i)
		all, err := l.ListParked(ctx, consumer, "", 1000)
		ok(err)
		for _, p := range all {
			fmt.Fprintln(&out, p.Consumer, p.Record.Position, p.Record.EventId, p.State, p.WaitsFor, p.Error, p.Attempts, p.Since)
		}
		ready, err := l.ReadyParked(ctx, consumer, 1000)
		ok(err)
		for _, p := range ready {
			fmt.Fprintln(&out, "ready", p.Consumer, p.Record.Position)
		}
	}
	timers, err := l.DueTimers(ctx, at(100), 1000)
	ok(err)
	fmt.Fprintln(&out, timers)
	var keys []eventlog.StreamKey
	for i := range 4 {
		keys = append(keys, eventlog.StreamKey{Tenant: tenant, Stream: fmt.Sprint("s/", i)})
	}
	loaded, err := l.Streams(ctx, keys, map[string]string{"s": "h"})
	ok(err)
	for _, key := range keys {
		s := loaded[key]
		fmt.Fprintln(&out, key.Stream, s.Version, len(s.Events))
		if s.State != nil {
			fmt.Fprintln(&out, *s.State)
		}
	}
	return out.String()
}
