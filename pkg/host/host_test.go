package host_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/pkg/seal"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// One fact may be large: a remittance of many thousand claims is one event. It must pass the broker, and what comes after it must, too.
func TestALargeEventArrives(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, addr string) {
		seen := es.Stream[int]{Kind: "seen", Evolve: func(n int, _ es.Event) int { return n + 1 }}
		reader := host.Service{Name: "reader", Sources: []string{"exchange"}, Handler: engine.Handler{React: func(r es.Recorded, _ es.Look) ([]es.Command, error) {
			return []es.Command{es.Do(seen, r.StreamID, func(int, *platformv1.StatusRequest) ([]es.Event, error) {
				e, ok := r.Event.(*exchangev1.RemittanceRead)
				if !ok {
					return nil, nil
				}
				return []es.Event{&platformv1.HistoryRequest{Stream: fmt.Sprint(len(e.Claims))}}, nil
			}, &platformv1.StatusRequest{})}, nil
		}}}
		p := hosttest.StartOn(t, addr, nil, reader)
		large := &exchangev1.RemittanceRead{}
		for i := range 20_000 {
			large.Claims = append(large.Claims, &exchangev1.RemittanceClaim{Ordinal: int32(i), PatientControlNumber: strings.Repeat("E", 300)})
		}
		hosttest.Publish(t, p, "exchange", "remittance/large", large)
		hosttest.Publish(t, p, "exchange", "remittance/small", &exchangev1.RemittanceRead{})
		hosttest.Until(t, "both arrive", func() error {
			head, err := p.Runtime("reader").Engine.Log.Head(t.Context())
			if err == nil && head.Position != 2 {
				err = fmt.Errorf("%d of 2 arrived", head.Position)
			}
			return err
		})
	})
}

// An invariant that does not hold is told with how far off it is, one that can't be asked for is not told at all, and each consumer says how far it is behind.
func TestInvariantsAndLagAreTold(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	before := otel.GetMeterProvider()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	t.Cleanup(func() { otel.SetMeterProvider(before) })
	hosttest.Start(t, nil, host.Service{Name: "checked", Sources: []string{"checked"}, Invariants: []host.Invariant{
		{Name: "holds", SQL: "SELECT 0"}, {Name: "is_off", SQL: "SELECT 7"}, {Name: "unknown", SQL: "SELECT n FROM nowhere"},
	}})
	hosttest.Until(t, "the invariants are looked at", func() error {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &all); err != nil {
			return err
		}
		found := map[string]float64{}
		for _, scope := range all.ScopeMetrics {
			for _, m := range scope.Metrics {
				switch data := m.Data.(type) {
				case metricdata.Gauge[int64]:
					for _, point := range data.DataPoints {
						name, _ := point.Attributes.Value("invariant")
						found[m.Name+" "+name.AsString()] = float64(point.Value)
					}
				case metricdata.Gauge[float64]:
					for _, point := range data.DataPoints {
						consumer, _ := point.Attributes.Value("consumer")
						found[m.Name+" "+consumer.AsString()] = point.Value
					}
				}
			}
		}
		_, unknown := found["evenkeel_invariant_violation unknown"]
		holds, ok := found["evenkeel_invariant_violation holds"]
		seconds, told := found["evenkeel_consumer_lag_seconds checked"]
		if _, events := found["evenkeel_consumer_lag_events "]; unknown || !ok || holds != 0 || found["evenkeel_invariant_violation is_off"] != 7 || !told || seconds != 0 || !events {
			return errors.New(fmt.Sprint(found))
		}
		return nil
	})
}

// What a service could not handle, and what waits, is counted for whoever watches.
func TestParkedEventsAreCounted(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	before := otel.GetMeterProvider()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	t.Cleanup(func() { otel.SetMeterProvider(before) })
	p := hosttest.Start(t, nil, host.Service{Name: "counter", Sources: []string{"counted"}, Handler: engine.Handler{React: func(r es.Recorded, _ es.Look) ([]es.Command, error) {
		if r.StreamID == "odd" {
			return nil, refuse.Because(refuse.Rule{ID: "reader.even", Version: 1}, "", "odd")
		}
		return nil, nil
	}}})
	count := func() (map[string]int64, error) {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &all); err != nil {
			return nil, err
		}
		found := map[string]int64{}
		for _, scope := range all.ScopeMetrics {
			for _, m := range scope.Metrics {
				if data, ok := m.Data.(metricdata.Gauge[int64]); ok && m.Name == "evenkeel_parked_events" {
					for _, point := range data.DataPoints {
						if service, _ := point.Attributes.Value("service"); service.AsString() == "counter" {
							state, _ := point.Attributes.Value("state")
							found[state.AsString()] = point.Value
						}
					}
				}
			}
		}
		return found, nil
	}
	if found, err := count(); err != nil || len(found) != 4 || found["dead"] != 0 {
		t.Fatalf("before anything: %v, %v", found, err)
	}
	for _, id := range []string{"remittance/odd", "remittance/even", "remittance/odd"} {
		hosttest.Publish(t, p, "counted", id, &exchangev1.RemittanceRead{})
	}
	hosttest.Until(t, "one is dead, one stands behind it", func() error {
		found, err := count()
		if err == nil && (found["dead"] != 1 || found["behind"] != 1 || found["waiting"] != 0) {
			err = errors.New(fmt.Sprint(found))
		}
		return err
	})
}

// A process does not start with another master secret, whoever it signs in as: what is sealed would not open, and what it seals nobody else would read.
func TestAnotherMasterSecretDoesNotStart(t *testing.T) {
	admin := pgtest.URL(t)
	services := []host.Service{{Name: "reader"}}
	signedIn, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	query := signedIn.Query()
	query.Set("search_path", "reader")
	signedIn.RawQuery = query.Encode()
	start := func(secret host.Secret) error {
		p, err := host.Start(t.Context(), host.Options{
			Services: services, DatabaseURL: signedIn.String(), Brokers: []string{kafkatest.Embedded(t)}, Secret: secret, Clock: time.Now, Partitions: 1, Dev: true, Log: slog.New(slog.DiscardHandler),
		})
		if err == nil {
			err = p.Stop(t.Context())
		}
		return err
	}
	if err := host.Migrate(t.Context(), admin, hosttest.Secret, services); err != nil {
		t.Fatal(err)
	}
	if err := start(hosttest.Secret); err != nil {
		t.Fatal(err)
	}
	other := host.Secret("another master secret that only this test has")
	for what, err := range map[string]error{"start": start(other), "migrate": host.Migrate(t.Context(), admin, other, services)} {
		if !errors.Is(err, seal.ErrOtherKey) || !strings.Contains(err.Error(), "this is not the master secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
