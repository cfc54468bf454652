package relay_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
	"github.com/evenkeel/evenkeel/pkg/membroker"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/pkg/relay"
	"github.com/evenkeel/evenkeel/pkg/wire"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// running is a relay that runs; call the function to end it.
func (w *world) running(change ...func(*relay.Options)) (r *relay.Relay, stop func()) {
	r = w.relay(append([]func(*relay.Options){func(o *relay.Options) { o.Now = time.Now }}, change...)...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); r.Run(ctx) }()
	return r, func() { cancel(); <-ended }
}

// The tests of Run are in bubbles of synctest: they sleep in fake time.

func TestRunPublishesAsSoonAsSomethingIsAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, stop := w.running()
		defer stop()
		synctest.Wait()
		began := time.Now()
		w.append(spread(100)...)
		synctest.Wait()
		if got := w.chained(); got != 100 || time.Since(began) != 0 {
			t.Errorf("%d of 100 events are published after %v", got, time.Since(began))
		}
	})
}

// deaf is a log whose word of an append does not come through: another process appended, and the connection that should tell is broken.
type deaf struct{ eventlog.Log }

func (deaf) Appended() <-chan struct{} { return nil }

func TestRunLooksAtTheLatestAfterTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, stop := w.running(func(o *relay.Options) { o.Log = deaf{w.log} })
		defer stop()
		synctest.Wait()
		w.append("claim/clm_1")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if got := w.chained(); got != 1 {
			t.Errorf("%d of 1 events are published", got)
		}
	})
}

// Requests and answers get lost, the topic is deleted, the partitions grow, while many write.
func TestRunThroughFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rate := .2
		w.broker.SetFaults(membroker.Faults{Rand: rand.New(rand.NewPCG(1, 1)), Lost: rate, Unknown: rate, Repeated: rate})
		r, stop := w.running()
		defer stop()
		for i := range 200 {
			w.append(spread(50)...)
			time.Sleep(time.Duration(i%7) * 10 * time.Millisecond)
			switch i {
			case 50:
				w.broker.Delete(topicName)
			case 100:
				w.broker.Grow(topicName, 8)
			case 150:
				w.broker.DropTail(topicName, 3, 40)
			}
		}
		w.broker.SetFaults(membroker.Faults{})
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := r.Position(); got != w.head().Position {
			t.Errorf("the relay is at %d, the log at %d", got, w.head().Position)
		}
		c := &consumer{w: w, ask: func(ask *platformv1.ReplayRequested) {
			if err := r.Replay(t.Context(), ask); err != nil {
				t.Error(err)
			}
		}}
		for len(c.handled) < int(w.head().Position) && c.asked < 10_000 {
			c.takeAll()
			time.Sleep(time.Second)
		}
		c.complete()
	})
}

// Replays wake a relay that has nothing to do.
func TestRunServesReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r, stop := w.running(func(o *relay.Options) { o.Poll = time.Hour })
		defer stop()
		w.append("claim/clm_1")
		synctest.Wait()
		slot := es.Slot(tenant, "claim/clm_1")
		if err := r.Replay(t.Context(), &platformv1.ReplayRequested{Source: "claims", Slot: int32(slot)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := w.positions(wire.Partition(int32(slot), 4)); len(got) != 2 {
			t.Errorf("the partition has %v, want the event twice", got)
		}
	})
}

// What the alerts watch: how far the topic is behind while the broker refuses, and how often consumers asked.
func TestMetrics(t *testing.T) {
	before := otel.GetMeterProvider()
	defer otel.SetMeterProvider(before)
	synctest.Test(t, func(t *testing.T) {
		reader := metric.NewManualReader()
		provider := metric.NewMeterProvider(metric.WithReader(reader))
		otel.SetMeterProvider(provider)
		read := func() map[string]float64 {
			t.Helper()
			var all metricdata.ResourceMetrics
			if err := reader.Collect(t.Context(), &all); err != nil {
				t.Fatal(err)
			}
			values := map[string]float64{}
			for _, scope := range all.ScopeMetrics {
				for _, m := range scope.Metrics {
					switch data := m.Data.(type) {
					case metricdata.Gauge[int64]:
						values[m.Name] = float64(data.DataPoints[0].Value)
					case metricdata.Gauge[float64]:
						values[m.Name] = data.DataPoints[0].Value
					case metricdata.Sum[int64]:
						values[m.Name] = float64(data.DataPoints[0].Value)
					}
				}
			}
			return values
		}
		w := newWorld(t)
		w.log.Clock = time.Now
		w.broker.SetFaults(membroker.Faults{Rand: rand.New(rand.NewPCG(1, 1)), Lost: 1})
		r, stop := w.running()
		w.append(spread(30)...)
		time.Sleep(20 * time.Second)
		got := read()
		if got["evenkeel_relay_lag_events"] != 30 || got["evenkeel_relay_lag_seconds"] < 20 {
			t.Errorf("behind by 30 events and 20 s, it says %v", got)
		}
		w.broker.SetFaults(membroker.Faults{})
		time.Sleep(20 * time.Second)
		for range 3 {
			if err := r.Replay(t.Context(), &platformv1.ReplayRequested{Source: "claims"}); err != nil {
				t.Fatal(err)
			}
		}
		got = read()
		if got["evenkeel_relay_lag_events"] != 0 || got["evenkeel_relay_lag_seconds"] != 0 || got["evenkeel_replay_requests_total"] != 3 {
			t.Errorf("with everything published and three requests, it says %v", got)
		}
		stop()
		if _, still := read()["evenkeel_relay_lag_events"]; still {
			t.Error("a relay that has stopped still reports")
		}
	})
}

// A lock that is lost ends the lead, is taken again, and the relay goes on from what was saved; what was asked of it in between is forgotten.
func TestRunLeadsOnlyWithTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var leads atomic.Int32
		take := make(chan struct{})
		lose := make(chan struct{})
		lock := func(ctx context.Context, lead func(context.Context)) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-take:
			}
			leads.Add(1)
			ctx, cancel := context.WithCancel(ctx)
			ended := make(chan struct{})
			go func() { defer close(ended); lead(ctx) }()
			select {
			case <-lose:
			case <-ctx.Done():
			}
			cancel()
			<-ended
			return errors.New("the connection broke")
		}
		r, stop := w.running(func(o *relay.Options) { o.Lock = lock })
		defer stop()
		w.append(spread(10)...)
		time.Sleep(time.Second)
		if n := w.broker.Partitions(topicName); n != 0 {
			t.Fatalf("it made a topic of %d partitions without the lock", n)
		}
		take <- struct{}{}
		time.Sleep(time.Second)
		if got := w.chained(); got != 10 {
			t.Errorf("%d of 10 events are published", got)
		}
		lose <- struct{}{}
		synctest.Wait()
		w.append(spread(10)...)
		if err := r.Replay(t.Context(), &platformv1.ReplayRequested{Source: "claims", Slot: int32(es.Slot(tenant, "claim/clm_1"))}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := w.chained(); got != 10 {
			t.Errorf("%d events are published, though the lock is lost", got)
		}
		take <- struct{}{}
		time.Sleep(time.Second)
		all := 0
		for p := range 4 {
			all += len(w.positions(p))
		}
		if got := w.chained(); got != 20 || all != 20 {
			t.Errorf("%d messages with %d of 20 events are published", all, got)
		}
		if leads.Load() != 2 {
			t.Errorf("it led %d times, want 2", leads.Load())
		}
	})
}

// Two processes: the second leads when the first ends, or when its connection is cut.
func TestAdvisoryLock(t *testing.T) {
	url := pgtest.URL(t)
	type holder struct {
		name    string
		leading chan struct{}
		stop    func()
		ended   chan error
	}
	hold := func(name, service string) *holder {
		ctx, cancel := context.WithCancel(t.Context())
		h := &holder{name, make(chan struct{}), cancel, make(chan error, 1)}
		go func() {
			h.ended <- relay.AdvisoryLock(url, service)(ctx, func(ctx context.Context) {
				close(h.leading)
				<-ctx.Done()
			})
		}()
		return h
	}
	leads := func(h *holder) {
		t.Helper()
		select {
		case <-h.leading:
		case <-time.After(time.Minute):
			t.Fatalf("%s does not lead", h.name)
		}
	}
	waits := func(h *holder) {
		t.Helper()
		select {
		case <-h.leading:
			t.Fatalf("%s leads beside another", h.name)
		default:
		}
	}
	first := hold("first", "claims")
	leads(first)
	other := hold("another service", "posting")
	leads(other)
	second := hold("second", "claims")

	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	// The second is connected and has asked at least once.
	until(t, func() bool {
		var n int
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n >= 2
	})
	waits(second)

	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"); err != nil {
		t.Fatal(err)
	}
	for _, h := range []*holder{first, other} {
		select {
		case err := <-h.ended:
			if err == nil {
				t.Errorf("%s lost its lock and does not say so", h.name)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s leads on without its lock", h.name)
		}
	}
	leads(second)
	third := hold("third", "claims")
	second.stop()
	if err := <-second.ended; err != nil {
		t.Errorf("the second ends with %v", err)
	}
	leads(third)
	third.stop()
	if err := <-third.ended; err != nil {
		t.Errorf("the third ends with %v", err)
	}
}

// BenchmarkPublish is a relay that runs, from a log in memory to a broker; 300 payload bytes an event.
func BenchmarkPublish(b *testing.B) {
	b.Run("membroker", func(b *testing.B) {
		publish(b, membroker.New(membroker.Faults{}).Topic(topicName))
	})
	b.Run("embedded", func(b *testing.B) {
		c, err := kafkapubsub.NewClient(kafkapubsub.Config{Brokers: []string{kafkatest.Embedded(b)}})
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		publish(b, relay.Kafka(c, wire.Topic("bench-"+uuid.NewString()), nil))
	})
}

func publish(b *testing.B, topic relay.Topic) {
	w := newWorld(b)
	for range b.N/1000 + 1 {
		w.append(spread(1000)...)
	}
	b.ResetTimer()
	r, stop := w.running(func(o *relay.Options) { o.Topic, o.Partitions, o.Batch = topic, 8, 0 })
	defer stop()
	for tick := time.NewTicker(time.Millisecond); r.Position() < int64(b.N); {
		<-tick.C
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
