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

// Invariants are looked at so often, and for at most so long.
const (
	invariantEvery  = 10 * time.Minute
	invariantWithin = time.Minute
)

// observeInvariants tells of each invariant how far off it was when it was last looked at. Of one that could not be looked at nothing is told.
func (p *Process) observeInvariants() error {
	gauge, err := otel.Meter("evenkeel/host").Int64ObservableGauge("evenkeel_invariant_violation", metric.WithDescription("how far off something is that must be 0"))
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	registered, err := otel.Meter("evenkeel/host").RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, s := range p.running {
			for _, i := range s.Invariants {
				if off, ok := s.off.Load(i.Name); ok {
					o.ObserveInt64(gauge, off.(int64), metric.WithAttributes(attribute.String("service", s.Name), attribute.String("invariant", i.Name)))
				}
			}
		}
		return nil
	}, gauge)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	p.onClose(func(context.Context) error { return registered.Unregister() })
	return nil
}

// lookAtInvariants asks the service's tables.
func (p *Process) lookAtInvariants(ctx context.Context, s *running) {
	ctx, cancel := context.WithTimeout(ctx, invariantWithin)
	defer cancel()
	for _, i := range s.Invariants {
		var off int64
		if err := s.runtime.DB.QueryRow(ctx, i.SQL).Scan(&off); err != nil {
			s.off.Delete(i.Name)
			if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
				s.runtime.Log.Error("an invariant could not be looked at", "invariant", i.Name, "error", err)
			}
			continue
		}
		if off != 0 {
			s.runtime.Log.Error("an invariant does not hold", "invariant", i.Name, "off", off)
		}
		s.off.Store(i.Name, off)
	}
}

// observeLag tells how far each consumer is behind.
func (p *Process) observeLag() error {
	meter := otel.Meter("evenkeel/host")
	events, err1 := meter.Int64ObservableGauge("evenkeel_consumer_lag_events", metric.WithDescription("events of a source that a consumer has heard of and not handled"))
	seconds, err2 := meter.Float64ObservableGauge("evenkeel_consumer_lag_seconds", metric.WithUnit("s"), metric.WithDescription("age of the oldest event that a consumer has heard of and not handled; 0: it is up to date"))
	registered, err3 := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		for _, s := range p.running {
			for source, c := range s.consumers {
				labels := metric.WithAttributes(attribute.String("consumer", s.Name), attribute.String("source", source))
				n, age := c.Lag()
				if n > 0 { // of partitions that are another process's now, that one may have handled it
					counting, cancel := context.WithTimeout(ctx, countWithin)
					if c.Refresh(counting) == nil {
						n, age = c.Lag()
					}
					cancel()
				}
				o.ObserveInt64(events, n, labels)
				o.ObserveFloat64(seconds, max(0, age.Seconds()), labels)
			}
		}
		return nil
	}, events, seconds)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	p.onClose(func(context.Context) error { return registered.Unregister() })
	return nil
}

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
