package relay

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

const scope = "github.com/evenkeel/evenkeel/pkg/relay"

func newRequests() (metric.Int64Counter, error) {
	return otel.Meter(scope).Int64Counter("evenkeel_replay_requests_total", metric.WithDescription("times a consumer asked this service to publish a slot again"))
}

func (r *Relay) labels() metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("service", r.o.Service))
}

// observe reports how far the topic is behind the log. It is measured when it is read, so that a relay that hangs shows too. Call the function to end it.
func (r *Relay) observe() (end func() error, err error) {
	meter := otel.Meter(scope)
	events, err := meter.Int64ObservableGauge("evenkeel_relay_lag_events", metric.WithDescription("events that are in the log and not known to be in the topic"))
	if err != nil {
		return nil, fmt.Errorf("make the relay's metrics: %w", err)
	}
	seconds, err := meter.Float64ObservableGauge("evenkeel_relay_lag_seconds", metric.WithUnit("s"), metric.WithDescription("age of the oldest event that is not known to be in the topic"))
	if err != nil {
		return nil, fmt.Errorf("make the relay's metrics: %w", err)
	}
	callback, err := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		position := r.Position()
		head, err := r.o.Log.Head(ctx)
		if err != nil {
			return err
		}
		oldest, err := r.o.Log.Read(ctx, position, 1)
		if err != nil {
			return err
		}
		age := 0.0
		if len(oldest) > 0 {
			// The log may keep another clock than the relay.
			age = max(0, r.o.Now().Sub(oldest[0].RecordedAt.AsTime()).Seconds())
		}
		o.ObserveInt64(events, max(0, head.Position-position), r.labels())
		o.ObserveFloat64(seconds, age, r.labels())
		return nil
	}, events, seconds)
	if err != nil {
		return nil, fmt.Errorf("make the relay's metrics: %w", err)
	}
	return callback.Unregister, nil
}
