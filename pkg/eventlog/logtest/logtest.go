// Package logtest is the contract of eventlog.Log as tests. Every implementation runs it; what the simulation proves over memlog then holds over pglog.
//
// Each test opens an empty log and says in its name what must hold. Reopen in Open is what a service does after a restart: a Log on the same data.
package logtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// Open makes an empty log for one test, and a function that closes it and opens another on the same data.
type Open func(t *testing.T) (log eventlog.Log, reopen func() eventlog.Log)

// Run tests the contract.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(*fixture)
	}{
		{"positions are dense under concurrent writers, and readers never see a hole", densePositions},
		{"a stream's versions are 1, 2, 3 and tenants are apart", versions},
		{"an expected version that is not the stream's is a conflict", conflicts},
		{"of many appends that expect the same version one wins", oneWins},
		{"two appends to one stream in one unit follow each other", twoAppends},
		{"a unit commits whole or not at all", atomicUnits},
		{"a malformed unit is refused whole", malformed},
		{"nothing is appended for a caller who has left", cancelled},
		{"a pending record is not touched and can be appended again", untouched},
		{"what is stored is what was appended", faithful},
		{"a request key is answered once and for ever", requests},
		{"of many units with one request key one wins and all others get its answer", oneRequest},
		{"a used key is answered also where the unit would be refused otherwise", usedBeforeRefused},
		{"an inbox mark moves only from where it is", inbox},
		{"of two workers on one inbox each position is handled once", twoWorkers},
		{"a mirror keeps records under keys in the order of their arrival", mirrors},
		{"a mirror row wakes what waits for its key, in the same commit", wake},
		{"no wake-up is lost, whichever commits first", wakeRace},
		{"the first parked event of a stream decides whether it goes on", readyParked},
		{"a parked event is written again or taken away once", repark},
		{"timers are set, moved, cancelled and fired once", timers},
		{"a stored state saves reading the events before it", states},
		{"reading goes on after a position, and previous chains each slot", reading},
		{"recorded_at never goes back", recordedAt},
		{"an append signals", appended},
		{"relay state is kept by topic", relayState},
		{"everything is there after opening again", reopened},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log, reopen := open(t)
			c.test(&fixture{T: t, Log: log, reopen: reopen})
		})
	}
}

// Tenants of the tests.
var (
	one = uuid.MustParse("0190a000-0000-7000-8000-000000000001")
	two = uuid.MustParse("0190a000-0000-7000-8000-000000000002")
)

var t0 = time.Date(2026, 3, 2, 9, 30, 0, 123456000, time.UTC)

type fixture struct {
	*testing.T
	eventlog.Log
	reopen func() eventlog.Log
}

// patience ends a test that hangs.
const patience = time.Minute

func (f *fixture) ctx() context.Context {
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	f.Cleanup(cancel)
	return ctx
}

func (f *fixture) append(u eventlog.Unit) eventlog.Result {
	f.Helper()
	r, err := f.Append(f.ctx(), u)
	if err != nil {
		f.Fatalf("append: %v", err)
	}
	return r
}

func (f *fixture) refused(u eventlog.Unit, want error) {
	f.Helper()
	if r, err := f.Append(f.ctx(), u); !errors.Is(err, want) {
		f.Fatalf("append: %v, %v; want %v", r, err, want)
	}
}

func (f *fixture) all() []eventlog.Record {
	f.Helper()
	return must(f.Read(f.ctx(), 0, 1_000_000))(f)
}

// must is the value of a call that may not fail.
func must[T any](v T, err error) func(*fixture) T {
	return func(f *fixture) T {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
		return v
	}
}

func key(stream string) eventlog.StreamKey {
	return eventlog.StreamKey{Tenant: one, Stream: stream}
}

// event is a pending event that says text.
func event(text string) eventlog.Pending {
	m := wrapperspb.String(text)
	clear, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return eventlog.Pending{Message: m, Record: &platformv1.StoredEvent{
		EventId: uuid.NewString(), Type: string(m.ProtoReflect().Descriptor().FullName()), Schema: 1, OccurredOn: "2026-03-02",
		RecordedAt: timestamppb.New(t0), Actor: "user:u1", CorrelationId: uuid.NewString(), Clear: clear,
	}}
}

func text(r eventlog.Record) string {
	var m wrapperspb.StringValue
	if err := proto.Unmarshal(r.Clear, &m); err != nil {
		return err.Error()
	}
	return m.Value
}

func texts(records []eventlog.Record) []string {
	out := []string{}
	for _, r := range records {
		out = append(out, text(r))
	}
	return out
}

// to appends texts to a stream.
func to(stream string, expect int, say ...string) eventlog.Append {
	a := eventlog.Append{StreamKey: key(stream), Expect: expect}
	for _, s := range say {
		a.Events = append(a.Events, event(s))
	}
	return a
}

func unit(appends ...eventlog.Append) eventlog.Unit { return eventlog.Unit{Appends: appends} }

// foreign is an event of another service's log.
func foreign(source string, position int64, stream, say string) eventlog.Record {
	p := event(say)
	n := eventlog.Numbering{Source: source, Head: eventlog.Head{Epoch: 1, Position: position - 1}}
	return n.Next(key(stream), 1, p.Record, t0)
}

func equal[T any](f *fixture, what string, got, want T) {
	f.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		f.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// same compares records as the wire would.
func same(f *fixture, what string, got, want []eventlog.Record) {
	f.Helper()
	if len(got) != len(want) {
		f.Errorf("%s: %d records, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if !proto.Equal(got[i], want[i]) {
			f.Errorf("%s: record %d:\n got %v\nwant %v", what, i, got[i], want[i])
		}
	}
}

// inParallel runs n functions at once and waits for all.
func inParallel(n int, run func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { run(i) })
	}
	all.Wait()
}

// dense checks positions, versions and the chains of slots of a whole log.
func dense(f *fixture, records []eventlog.Record) {
	f.Helper()
	var last [es.Slots]int64
	versions := map[string]int32{}
	for i, r := range records {
		tenant, err := uuid.Parse(r.TenantId)
		if err != nil {
			f.Fatal(err)
		}
		stream := r.TenantId + r.Stream
		versions[stream]++
		switch slot := es.Slot(tenant, r.Stream); {
		case r.Position != int64(i+1):
			f.Fatalf("event %d has position %d", i+1, r.Position)
		case r.Version != versions[stream]:
			f.Fatalf("event %d of %s has version %d, want %d", i+1, r.Stream, r.Version, versions[stream])
		case r.Slot != int32(slot):
			f.Fatalf("event %d of %s is in slot %d, want %d", i+1, r.Stream, r.Slot, slot)
		case r.Previous != last[r.Slot]:
			f.Fatalf("event %d has previous %d, want %d", i+1, r.Previous, last[r.Slot])
		}
		last[r.Slot] = r.Position
	}
	head := must(f.Head(f.ctx()))(f)
	if head.Position != int64(len(records)) || head.BySlot != last {
		f.Errorf("head %v does not fit the %d events", head, len(records))
	}
}
