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

// countWithin bounds what a scrape may wait for the database.
const countWithin = 2 * time.Second

// observe tells how many events are parked, and for how long, whenever metrics are asked for. Every replica of a service tells the same: take the maximum.
func (p *Process) observe() error {
	meter := otel.Meter("evenkeel/host")
	events, err1 := meter.Int64ObservableGauge("evenkeel_parked_events", metric.WithDescription("events that a service could not handle yet, by state: waiting, dead, behind or ready"))
	oldest, err2 := meter.Float64ObservableGauge("evenkeel_parked_oldest_seconds", metric.WithUnit("s"), metric.WithDescription("age of the oldest of them; 0: there is none"))
	registered, err3 := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, countWithin)
		defer cancel()
		var errs []error
		for _, s := range p.running {
			parked, err := s.log.ListParked(ctx, s.Name, "", parkedMost)
			if err != nil {
				errs = append(errs, fmt.Errorf("count what %s has parked: %w", s.Name, err))
				continue
			}
			counts, ages := map[string]int64{}, map[string]time.Duration{}
			for _, k := range parked {
				counts[k.State]++
				ages[k.State] = max(ages[k.State], p.clock().Sub(k.Since))
			}
			for _, state := range []string{eventlog.Waiting, eventlog.Dead, eventlog.Behind, eventlog.Ready} {
				labels := metric.WithAttributes(attribute.String("service", s.Name), attribute.String("state", state))
				o.ObserveInt64(events, counts[state], labels)
				o.ObserveFloat64(oldest, ages[state].Seconds(), labels)
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
