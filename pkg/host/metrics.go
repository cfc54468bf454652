package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// countWithin bounds what a scrape may wait for one service's database.
const countWithin = 2 * time.Second

// observe tells how many events are parked, and for how long, whenever metrics are asked for. Every replica of a service tells the same: take the maximum.
func (p *Process) observe() error {
	meter := otel.Meter("evenkeel/host")
	events, err1 := meter.Int64ObservableGauge("evenkeel_parked_events", metric.WithDescription("events that a service could not handle yet, by state: waiting, dead, behind or ready"))
	oldest, err2 := meter.Float64ObservableGauge("evenkeel_parked_oldest_seconds", metric.WithUnit("s"), metric.WithDescription("age of the oldest of them; 0: there is none"))
	registered, err3 := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		var errs []error
		for _, s := range p.running {
			counting, cancel := context.WithTimeout(ctx, countWithin)
			counts, err := s.log.CountParked(counting, s.Name)
			cancel()
			if err != nil {
				errs = append(errs, fmt.Errorf("count what %s has parked: %w", s.Name, err))
				continue
			}
			for _, state := range []string{eventlog.Waiting, eventlog.Dead, eventlog.Behind, eventlog.Ready} {
				labels := metric.WithAttributes(attribute.String("service", s.Name), attribute.String("state", state))
				c, age := counts[state], 0.0
				if c.Events > 0 {
					age = max(0, p.clock().Sub(c.Since).Seconds())
				}
				o.ObserveInt64(events, c.Events, labels)
				o.ObserveFloat64(oldest, age, labels)
			}
		}
		return errors.Join(errs...)
	}, events, oldest)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	p.onClose(func(context.Context) error { return registered.Unregister() })
	return nil
}
