package pglog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/wrapperspb"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/eventlog/logtest"
	"github.com/evenkeel/evenkeel/pkg/eventlog/pglog"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

func TestMain(m *testing.M) {
	maybeWriterProcess()
	pgtest.Main(m)
}

const password = "a password, quite 'quoted'"

// service is what the tests migrate.
var service = pglog.Migration{Service: "here", Schema: "here", Role: "pglog_test_here", Password: password}

// prepared is a database with the service's schema, and the URLs of administrator and service.
func prepared(t testing.TB, given ...pgtest.Option) (admin, role string) {
	t.Helper()
	admin = pgtest.URL(t, append(given, pgtest.WithTemplate("pglog", func(ctx context.Context, url string) error {
		return pglog.Migrate(ctx, url, service)
	}))...)
	return admin, as(t, admin, service.Role, password)
}

// as is the URL for another user.
func as(t testing.TB, admin, role, password string) string {
	t.Helper()
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}

func open(t testing.TB, role string, o pglog.Options) *pglog.Log {
	t.Helper()
	if o.Service == "" {
		o.Service = "here"
	}
	if o.Clock == nil {
		o.Clock = clock
	}
	o.Log = slog.New(slog.DiscardHandler)
	log, err := pglog.Open(t.Context(), role, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log
}

func TestPglog(t *testing.T) {
	logtest.Run(t, func(t *testing.T) (eventlog.Log, func() eventlog.Log) {
		_, role := prepared(t)
		opened := func() *pglog.Log { return open(t, role, pglog.Options{Dev: true}) }
		log := opened()
		return log, func() eventlog.Log {
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			return opened()
		}
	})
}

func clock() time.Time { return time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC) }

var tenant = uuid.MustParse("0190a000-0000-7000-8000-000000000001")

// say is a unit that appends texts to a stream, whatever it holds.
func say(stream string, texts ...string) eventlog.Unit {
	a := eventlog.Append{StreamKey: eventlog.StreamKey{Tenant: tenant, Stream: stream}, Expect: eventlog.AnyVersion}
	for _, text := range texts {
		m := wrapperspb.String(text)
		a.Events = append(a.Events, eventlog.Pending{Message: m, Record: &platformv1.StoredEvent{
			EventId: uuid.NewString(), Type: string(m.ProtoReflect().Descriptor().FullName()), OccurredOn: "2026-03-02", Clear: []byte(text),
		}})
	}
	return eventlog.Unit{Appends: []eventlog.Append{a}}
}

func statement(sql string, args ...any) es.Statement { return es.SQL(sql, args...) }

// inParallel runs n functions at once and waits for all.
func inParallel(n int, run func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { run(i) })
	}
	all.Wait()
}

func TestTwoWritersOnOneLog(t *testing.T) {
	t.Parallel()
	const callers, each = 16, 30
	_, role := prepared(t)
	logs := []*pglog.Log{open(t, role, pglog.Options{Dev: true}), open(t, role, pglog.Options{Dev: true})}
	signal := logs[0].Appended()
	var wins, repeated atomic.Int64
	inParallel(callers, func(c int) {
		log := logs[c%2]
		for i := range each {
			if _, err := log.Append(t.Context(), say(fmt.Sprint("own/", c), fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
			shared := say("shared/1", fmt.Sprint(i)) // one wins for each version, whichever process it is in
			shared.Appends[0].Expect = i
			switch _, err := log.Append(t.Context(), shared); {
			case err == nil:
				wins.Add(1)
			case !errors.Is(err, eventlog.ErrConflict):
				t.Error(err)
			}
			once := say(fmt.Sprint("once/", c), "x")
			once.Request = &eventlog.Request{Tenant: tenant, Key: fmt.Sprint(i), Stream: once.Appends[0].Stream}
			var used *eventlog.UsedError
			switch _, err := log.Append(t.Context(), once); {
			case errors.As(err, &used) && len(used.Answer.Events) == 1:
				repeated.Add(1)
			case err != nil:
				t.Error(err)
			}
		}
	})
	events := readAll(t, logs[1])
	if want := callers*each + int(wins.Load()) + each; len(events) != want {
		t.Errorf("%d events, want %d", len(events), want)
	}
	if repeated.Load() != (callers-1)*each {
		t.Errorf("%d requests were answered with the first answer, want %d", repeated.Load(), (callers-1)*each)
	}
	versions := map[string]int32{}
	for _, r := range events {
		if versions[r.Stream]++; r.Version != versions[r.Stream] {
			t.Fatalf("%s: version %d after %d", r.Stream, r.Version, versions[r.Stream]-1)
		}
	}
	if versions["shared/1"] != int32(wins.Load()) {
		t.Errorf("the shared stream is at %d, %d have won", versions["shared/1"], wins.Load())
	}
	<-signal
	for signal := logs[0].Appended(); ; signal = logs[0].Appended() { // an append elsewhere is heard of here
		if _, err := logs[1].Append(t.Context(), say("own/0", "heard")); err != nil {
			t.Fatal(err)
		}
		select {
		case <-signal:
		case <-time.After(30 * time.Second):
			t.Fatal("nothing was heard of the other process's append")
		}
		if head, err := logs[0].Head(t.Context()); err != nil || head.Position > int64(len(events)) {
			break
		}
	}
}

// The project function of the tests: a row by position, and what the text asks for.
func project(r es.Recorded) []es.Statement {
	text := r.Event.(*wrapperspb.StringValue).Value
	switch text {
	case "panic":
		panic("as asked")
	case "syntax":
		return []es.Statement{es.SQL("INSERT INTO seen VALUES (")}
	case "no table":
		return []es.Statement{es.SQL("INSERT INTO nowhere VALUES (1)")}
	case "value":
		return []es.Statement{es.SQL("INSERT INTO seen (position, text) VALUES ($1, $2)", struct{}{}, text)}
	}
	return []es.Statement{es.SQL("INSERT INTO seen (position, stream, text) VALUES ($1, $2, $3)", r.Position, r.StreamID, text)}
}

func TestOnlyTheUnitAtFaultFails(t *testing.T) {
	t.Parallel()
	admin, role := prepared(t)
	super := connect(t, admin)
	execute(t, super, "CREATE TABLE here.seen (position bigint PRIMARY KEY, stream text, text text CHECK (text <> 'refused'))", "GRANT ALL ON here.seen TO pglog_test_here")
	log := open(t, role, pglog.Options{Dev: true, Project: project})
	faults := []struct {
		unit eventlog.Unit
		row  bool
	}{
		{say("bad/1", "fine", "refused"), true},
		{say("bad/2", "panic"), true},
		{say("bad/3", "syntax"), true},
		{say("bad/4", "value"), true},     // one that can't be sent
		{say("bad/5", "no table"), false}, // a migration is missing: not the unit's fault, and still not the others'
		{func() eventlog.Unit {
			u := say("bad/6", "actor")
			u.Appends[0].Events[0].Record.Actor = "a\x00b"
			return u
		}(), true},
		{func() eventlog.Unit {
			u := say("bad/7", "actor")
			u.Appends[0].Events[0].Record.Actor = "a\xff"
			return u
		}(), true},
		{func() eventlog.Unit {
			u := say("bad/8", "statement")
			u.Statements = []es.Statement{es.SQL("UPDATE seen SET position = 1 / $1::integer", 0)}
			return u
		}(), true},
		{func() eventlog.Unit {
			u := say("bad/9", slices.Repeat([]string{"many"}, 500)...)
			u.Appends[0].Events[499].Record.Actor = "Jane Roe\xff"
			return u
		}(), true},
		{func() eventlog.Unit {
			u := say("bad/10", "statement")
			u.Statements = []es.Statement{es.SQL("INSERT INTO seen (position) VALUES ($1::text::bigint)", "Jane Roe")}
			return u
		}(), true},
	}
	good := 0
	for range 3 { // each time in another company
		inParallel(100, func(i int) {
			if i%10 != 5 {
				if _, err := log.Append(t.Context(), say(fmt.Sprint("good/", i), "fine")); err != nil {
					t.Errorf("a good unit: %v", err)
				}
				return
			}
			f := faults[i/10]
			var row *eventlog.RowError
			_, err := log.Append(t.Context(), f.unit)
			if err == nil || errors.As(err, &row) != f.row || strings.Contains(err.Error(), "Jane Roe") || strings.Contains(err.Error(), "{}") {
				t.Errorf("%s: %v", f.unit.Appends[0].Stream, err)
			}
		})
		good += 90
	}
	events := readAll(t, log)
	if len(events) != good {
		t.Errorf("%d events, want the %d good ones", len(events), good)
	}
	if n := count(t, super, "SELECT count(*) FROM here.seen s JOIN here.event e ON e.position = s.position AND e.stream = 'good/' || s.stream"); n != good {
		t.Errorf("%d projected rows, want %d", n, good)
	}
}

func TestStatementsRunInOrderAndReadTheUnitsRows(t *testing.T) {
	t.Parallel()
	admin, role := prepared(t)
	super := connect(t, admin)
	execute(t, super, "CREATE TABLE here.seen (n bigint GENERATED ALWAYS AS IDENTITY, position bigint, stream text, text text)", "GRANT ALL ON here.seen TO pglog_test_here")
	log := open(t, role, pglog.Options{Dev: true, Project: project})
	u := say("a/1", "first", "second")
	u.Statements = []es.Statement{
		es.SQL("INSERT INTO seen (position, text) SELECT max(position), 'events are there' FROM event"),
		es.SQL("INSERT INTO seen (text) VALUES ($1)", "before the unit's own events"),
	}
	if _, err := log.Append(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := super.QueryRow(t.Context(), "SELECT string_agg(concat_ws(' ', position, text), ', ' ORDER BY n) FROM here.seen").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if want := "2 events are there, before the unit's own events, 1 first, 2 second"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestClosedLogRefuses(t *testing.T) {
	t.Parallel()
	_, role := prepared(t)
	log := open(t, role, pglog.Options{Dev: true})
	var acknowledged atomic.Int64
	started := make(chan struct{})
	var once sync.Once
	var all sync.WaitGroup
	for c := range 20 {
		all.Go(func() {
			for i := 0; ; i++ {
				switch _, err := log.Append(t.Context(), say(fmt.Sprint("a/", c), "x")); {
				case errors.Is(err, pglog.ErrClosed):
					return
				case err != nil:
					t.Error(err)
					return
				}
				acknowledged.Add(1)
				once.Do(func() { close(started) })
			}
		})
	}
	<-started
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
	if events := readAll(t, open(t, role, pglog.Options{Dev: true})); len(events) != int(acknowledged.Load()) {
		t.Errorf("%d events, %d acknowledged", len(events), acknowledged.Load())
	}
}
