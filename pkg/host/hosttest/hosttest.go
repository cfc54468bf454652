// Package hosttest runs services as a process does, on a real PostgreSQL and the embedded broker, for a test.
//
// Start gives a running Process; As is a context on whose behalf a call is made, with an Idempotency-Key; Conn reaches a service's methods through gRPC, with the interceptors that
// run in production; Publish puts events into the log of a service that is not under test, so that they arrive over the broker like any other; Until waits for a condition.
package hosttest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

// Tenant of a test's calls.
var Tenant = uuid.MustParse("0e7e0000-0000-8000-8000-000000000001")

// Secret of a test's process.
var Secret = host.Secret("a master secret that only tests have")

// Start runs services, and stands in for the sources that they read and that are not among them with logs that only Publish writes to.
func Start(t *testing.T, clock func() time.Time, services ...host.Service) *host.Process {
	t.Helper()
	return StartOn(t, kafkatest.Embedded(t), clock, services...)
}

// StartOn is Start on a broker that is there.
func StartOn(t *testing.T, broker string, clock func() time.Time, services ...host.Service) *host.Process {
	t.Helper()
	have := map[string]bool{}
	for _, s := range services {
		have[s.Name] = true
	}
	for _, s := range services {
		for _, source := range s.Sources {
			if !have[source] {
				have[source] = true
				services = append(services, host.Service{Name: source})
			}
		}
	}
	// Roles belong to the whole server: one test's roles are the next one's too, with the same passwords.
	admin := pgtest.URL(t)
	if err := host.Migrate(t.Context(), admin, Secret, services); err != nil {
		t.Fatal(err)
	}
	if clock == nil {
		clock = time.Now
	}
	p, err := host.Start(t.Context(), host.Options{
		Services: services, DatabaseURL: host.WithoutUser(admin), Brokers: []string{broker}, Secret: Secret, Clock: clock, Partitions: 2, Dev: true,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return p
}

// As is a context for a call with that Idempotency-Key. tokens are consistency tokens of earlier receipts.
func As(ctx context.Context, p *host.Process, key string, tokens ...string) context.Context {
	return host.Outgoing(ctx, p.Token(), engine.Caller{Tenant: Tenant, Actor: "user:test", RequestKey: key, Correlation: uuid.New()}, tokens...)
}

// Conn reaches a service.
func Conn(t *testing.T, p *host.Process, service string) grpc.ClientConnInterface {
	t.Helper()
	c, err := p.Conn(service)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Publish appends an event to the log of a service (a stand-in, or a real one) and returns its consistency token.
func Publish(t *testing.T, p *host.Process, service, stream string, event proto.Message) string {
	t.Helper()
	kind, id := es.Split(stream)
	s := es.Stream[int]{Kind: kind, Evolve: func(n int, _ es.Event) int { return n + 1 }}
	ctx := engine.WithCaller(t.Context(), engine.Caller{Tenant: Tenant, Actor: "service:" + service})
	r, err := engine.Execute(ctx, p.Runtime(service).Engine, s, id, func(int, *platformv1.StatusRequest) ([]es.Event, error) { return []es.Event{event}, nil }, &platformv1.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return r.ConsistencyToken
}

// Until waits until something holds, and fails the test after 20 seconds with the last reason why it does not.
func Until(t *testing.T, what string, holds func() error) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
