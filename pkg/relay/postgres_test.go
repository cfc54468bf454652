package relay_test

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog/pglog"
	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/pkg/relay"
	"github.com/evenkeel/evenkeel/pkg/wire"
)

// migrated is the connection string of a service's role on a database with its log.
func migrated(t testing.TB, admin, service string) string {
	t.Helper()
	m := pglog.Migration{Service: service, Schema: "claims", Role: "relay_test_claims", Password: "claims"}
	if err := pglog.Migrate(t.Context(), admin, m); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(m.Role, m.Password)
	return u.String()
}

func openedLog(t testing.TB, url, service string) *pglog.Log {
	t.Helper()
	log, err := pglog.Open(t.Context(), url, pglog.Options{Service: service, Clock: time.Now, Dev: true, Log: slog.New(slog.DiscardHandler)})
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

// Two instances of a service append to one log in PostgreSQL; one of them relays it. That one stops half-way, the other takes over: the topic has everything once.
func TestTwoInstancesRelayOneLog(t *testing.T) {
	const service, rounds = "claims", 40
	url := migrated(t, pgtest.URL(t), service)
	addr := kafkatest.Embedded(t)
	c := client(t, addr)
	type instance struct {
		log   *pglog.Log
		relay *relay.Relay
		stop  func()
	}
	start := func() instance {
		log := openedLog(t, url, service)
		r, err := relay.New(relay.Options{
			Service: service, Log: log, Topic: relay.Kafka(c, wire.Topic(service), nil), Partitions: 4,
			Logger: slog.New(slog.DiscardHandler), Lock: relay.AdvisoryLock(url, service),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); r.Run(ctx) }()
		return instance{log, r, func() { cancel(); <-ended }}
	}
	first := start()
	defer first.stop()
	until(t, func() bool { appendTo(t, first.log, spread(10)...); return first.relay.Position() > 0 })
	second := start()
	defer second.stop()

	var writers sync.WaitGroup
	for _, i := range []instance{first, second} {
		writers.Go(func() {
			for range rounds {
				appendTo(t, i.log, spread(50)...)
			}
		})
	}
	until(t, func() bool { return first.relay.Position() > rounds*50 })
	if got := second.relay.Position(); got != 0 {
		t.Errorf("the second instance relays beside the first: it is at %d", got)
	}
	first.stop()
	writers.Wait()
	appendTo(t, first.log, "claim/clm_last") // by a process that does not relay
	head, err := second.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return second.relay.Position() == head.Position })

	all := int64(0)
	var high [es.Slots]int64
	for p := range 4 {
		messages, err := held(t.Context(), addr, wire.Topic(service), p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			content, err := wire.Decode(m)
			if err != nil {
				t.Fatal(err)
			}
			e := content.Event
			if e == nil {
				continue
			}
			all++
			if e.Previous > high[e.Slot] {
				t.Fatalf("partition %d offset %d: position %d of slot %d follows %d, the partition has only %d", p, m.Offset, e.Position, e.Slot, e.Previous, high[e.Slot])
			}
			high[e.Slot] = max(high[e.Slot], e.Position)
		}
	}
	// The first may have been stopped between an answer and its note of it.
	if all < head.Position || all > head.Position+2000 || high != head.BySlot {
		t.Errorf("the topic has %d events, the log %d", all, head.Position)
	}
}

// BenchmarkPublishPostgreSQL is a relay that runs, from PostgreSQL to the embedded broker, beside what COPY writes in the same run.
func BenchmarkPublishPostgreSQL(b *testing.B) {
	admin := pgtest.URL(b, pgtest.WithFsync())
	reference, _, err := pglog.Measure(b.Context(), admin, 2*time.Second)
	if err != nil {
		b.Fatal(err)
	}
	log := openedLog(b, migrated(b, admin, "claims"), "claims")
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range b.N/8000 + 1 {
				appendTo(b, log, spread(1000)...)
			}
		})
	}
	writers.Wait()
	c, err := kafkapubsub.NewClient(kafkapubsub.Config{Brokers: []string{kafkatest.Embedded(b)}})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r, err := relay.New(relay.Options{
		Service: "claims", Log: log, Topic: relay.Kafka(c, wire.Topic("bench-"+uuid.NewString()), nil), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan struct{})
	b.ResetTimer()
	go func() { defer close(ended); r.Run(ctx) }()
	for tick := time.NewTicker(time.Millisecond); r.Position() < int64(b.N); {
		<-tick.C
	}
	rate := float64(b.N) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "events/s")
	b.ReportMetric(rate/reference.Copy, "of-COPY")
	cancel()
	<-ended
}
