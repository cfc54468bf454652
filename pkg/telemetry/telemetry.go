// Package telemetry sets up what operators see of a process: JSON logs that name their trace, metrics for Prometheus, traces over OTLP.
//
// Log lines, spans and metrics carry ids, types, counts and outcomes, never what is marked as PHI in the .proto files; services/tests has a canary patient that proves it. Traces are
// sent only when OTEL_EXPORTER_OTLP_ENDPOINT is set, by OpenTelemetry's own environment variables.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Telemetry of a process.
type Telemetry struct {
	Log     *slog.Logger
	Metrics http.Handler // the page that Prometheus reads
	close   []func(context.Context) error
}

// Start sets up the global tracer and meter. Logs go to out, at the level and above.
func Start(ctx context.Context, out io.Writer, level slog.Level, version string, targets []string) (*Telemetry, error) {
	t := &Telemetry{Log: slog.New(withTrace{slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level})}).With("version", version)}
	res, err := resource.Merge(resource.Default(), resource.NewSchemaless(
		attribute.String("service.name", "evenkeel"), attribute.String("service.version", version), attribute.StringSlice("evenkeel.targets", targets)))
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprom.New(otelprom.WithRegisterer(registry), otelprom.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("telemetry: metrics: %w", err)
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(res))
	otel.SetMeterProvider(meters)
	t.close = append(t.close, meters.Shutdown)
	t.Metrics = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})

	otel.SetTextMapPropagator(propagation.TraceContext{})
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(res)}
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" {
		traces, err := otlptracegrpc.New(ctx)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("telemetry: traces: %w", err), t.Stop(ctx))
		}
		options = append(options, sdktrace.WithBatcher(traces))
	} else {
		// Nobody listens: trace ids are still made, so that an event names the request that it came from.
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	}
	traces := sdktrace.NewTracerProvider(options...)
	otel.SetTracerProvider(traces)
	t.close = append(t.close, traces.Shutdown)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { t.Log.Warn("telemetry", "error", err) }))
	return t, nil
}

// Stop sends what is left.
func (t *Telemetry) Stop(ctx context.Context) error {
	var errs []error
	for _, f := range t.close {
		errs = append(errs, f(ctx))
	}
	return errors.Join(errs...)
}

// withTrace adds the trace and span of the context to each line.
type withTrace struct{ slog.Handler }

// Handle writes one line.
func (h withTrace) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the trace with derived loggers.
func (h withTrace) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withTrace{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the trace with derived loggers.
func (h withTrace) WithGroup(name string) slog.Handler { return withTrace{h.Handler.WithGroup(name)} }
