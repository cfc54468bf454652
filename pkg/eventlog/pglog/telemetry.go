package pglog

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

const scope = "evenkeel/pglog"

// meter makes the spans and figures of one log.
type meter struct {
	tracer    trace.Tracer
	seconds   metric.Float64Histogram
	conflicts metric.Int64Counter
	outcomes  map[string]metric.MeasurementOption
	service   metric.MeasurementOption
	label     attribute.KeyValue
	position  atomic.Int64
	observed  metric.Registration
}

func newMeter(service string, position int64) (*meter, error) {
	label := attribute.String("service", service)
	m := &meter{tracer: otel.Tracer(scope), label: label, service: metric.WithAttributeSet(attribute.NewSet(label)), outcomes: map[string]metric.MeasurementOption{}}
	m.position.Store(position)
	for _, o := range []string{"committed", "conflict", "fenced", "repeated", "row", "fault"} {
		m.outcomes[o] = metric.WithAttributeSet(attribute.NewSet(label, attribute.String("outcome", o)))
	}
	meter := otel.Meter(scope)
	var errs [4]error
	m.seconds, errs[0] = meter.Float64Histogram("evenkeel_append_seconds", metric.WithUnit("s"), metric.WithDescription("from a call of Append to its answer"),
		metric.WithExplicitBucketBoundaries(.0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	m.conflicts, errs[1] = meter.Int64Counter("evenkeel_append_conflicts_total", metric.WithDescription("units refused because a stream or an inbox had moved on"))
	gauge, err := meter.Int64ObservableGauge("evenkeel_log_position", metric.WithDescription("position of the last event this process knows of"))
	errs[2] = err
	m.observed, errs[3] = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(gauge, m.position.Load(), m.service)
		return nil
	}, gauge)
	return m, errors.Join(errs[:]...)
}

func (m *meter) stop() error { return m.observed.Unregister() }

// append starts the span of an append; the function it returns ends it.
func (m *meter) append(ctx context.Context, u eventlog.Unit) (context.Context, func(error)) {
	events := 0
	for _, a := range u.Appends {
		events += len(a.Events)
	}
	start := time.Now()
	ctx, span := m.tracer.Start(ctx, "append", trace.WithAttributes(m.label, attribute.Int("events", events)))
	return ctx, func(err error) {
		o := outcome(err)
		m.seconds.Record(ctx, time.Since(start).Seconds(), m.outcomes[o])
		if o == "conflict" || o == "fenced" {
			m.conflicts.Add(ctx, 1, m.service)
		}
		span.SetAttributes(attribute.String("outcome", o))
		if o == "row" || o == "fault" {
			span.SetStatus(codes.Error, o)
		}
		span.End()
	}
}

func outcome(err error) string {
	var used *eventlog.UsedError
	var row *eventlog.RowError
	switch {
	case err == nil:
		return "committed"
	case errors.Is(err, eventlog.ErrConflict):
		return "conflict"
	case errors.Is(err, eventlog.ErrFenced):
		return "fenced"
	case errors.As(err, &used):
		return "repeated"
	case errors.As(err, &row):
		return "row"
	}
	return "fault"
}
