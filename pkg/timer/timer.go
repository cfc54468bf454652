// Package timer fires durable timers: rows that were set in the transaction of the event that wanted them.
//
// A timer that is due becomes the commands that the service's OnTimer makes of it; the row goes in the same transaction as what they did, so a timer fires once, whoever
// fires it, and never early by the injected clock. The promise is kept by TestATimerFiresOnce in package engine, and by the simulation.
package timer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"

	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// Timers fired in one transaction at most.
const batch = 200

// A timer that failed is tried again after this time of the clock.
const retryAfter = time.Minute

// Loop fires the timers of one service.
type Loop struct {
	Engine *engine.Engine
	Log    *slog.Logger
	failed map[eventlog.TimerKey]time.Time // when to try again
	late   metric.Float64Gauge
}

// NewLoop makes a loop.
func NewLoop(e *engine.Engine, log *slog.Logger) *Loop {
	late, err := otel.Meter("evenkeel/timer").Float64Gauge("evenkeel_timer_late_seconds", metric.WithDescription("how long after it was due the last timer fired"))
	if err != nil {
		otel.Handle(err)
	}
	return &Loop{Engine: e, Log: log, failed: map[eventlog.TimerKey]time.Time{}, late: late}
}

// Step fires what is due by the engine's clock and returns how many fired.
func (l *Loop) Step(ctx context.Context) (fired int, err error) {
	if l.Engine.OnTimer == nil {
		return 0, nil
	}
	for {
		now := l.Engine.Clock()
		due, err := l.Engine.Log.DueTimers(ctx, now, batch+len(l.failed))
		if err != nil {
			return fired, fmt.Errorf("read timers: %w", err)
		}
		ready := due[:0]
		for _, t := range due {
			if again, ok := l.failed[t.TimerKey]; !ok || !now.Before(again) {
				ready = append(ready, t)
			}
		}
		if len(ready) == 0 {
			return fired, nil
		}
		n, err := l.fire(ctx, ready)
		fired += n
		if err != nil || n == 0 {
			return fired, err
		}
		l.late.Record(ctx, now.Sub(ready[0].DueAt).Seconds())
	}
}

// fire fires timers as one unit, and one by one when one of them spoils the unit.
func (l *Loop) fire(ctx context.Context, timers []eventlog.TimerRow) (fired int, err error) {
	failed, err := l.Engine.Fire(ctx, timers)
	var row *eventlog.RowError
	again := errors.Is(err, eventlog.ErrConflict) || errors.Is(err, eventlog.ErrFenced) || errors.As(err, &row)
	switch {
	case again && len(timers) > 1:
		for _, t := range timers {
			n, err := l.fire(ctx, []eventlog.TimerRow{t})
			fired += n
			if err != nil {
				return fired, err
			}
		}
		return fired, nil
	case errors.As(err, &row):
		l.fail(timers[0], err)
		return 0, nil
	case again:
		return 0, nil // somebody else fires it, or its stream moved on: the next step sees
	case err != nil:
		return 0, fmt.Errorf("fire timers: %w", err)
	}
	for _, t := range timers {
		if why, ok := failed[t.TimerKey]; ok {
			l.fail(t, why)
			continue
		}
		delete(l.failed, t.TimerKey)
		fired++
	}
	return fired, nil
}

func (l *Loop) fail(t eventlog.TimerRow, why error) {
	l.failed[t.TimerKey] = l.Engine.Clock().Add(retryAfter)
	l.Log.Error("a timer could not be fired and will be tried again", "timer", t.Type, "kind", t.Kind, "error", why)
}
