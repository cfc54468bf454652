package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
)

func TestLinesNameTheirTrace(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	var out bytes.Buffer
	tel, err := Start(context.Background(), &out, slog.LevelInfo, "test", []string{"claims"})
	if err != nil {
		t.Fatal(err)
	}
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	tel.Log.With("service", "claims").InfoContext(trace.ContextWithSpanContext(context.Background(), sc), "something happened")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["trace_id"] != sc.TraceID().String() || line["service"] != "claims" || line["version"] != "test" {
		t.Fatalf("the line says %v", line)
	}

	counter, err := otel.Meter("test").Int64Counter("evenkeel_test_total")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(context.Background(), 3)
	page := httptest.NewRecorder()
	tel.Metrics.ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	if !strings.Contains(page.Body.String(), "evenkeel_test_total 3") {
		t.Fatal("the metric is not on the page")
	}
	if err := tel.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
}
