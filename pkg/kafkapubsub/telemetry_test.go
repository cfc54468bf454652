package kafkapubsub_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
)

// watched sends spans and metrics to the test. They are global, so tests with it are not parallel.
func watched(t *testing.T) (*tracetest.SpanRecorder, *sdkmetric.ManualReader) {
	t.Helper()
	spans, reader := tracetest.NewSpanRecorder(), sdkmetric.NewManualReader()
	tracer, meter, propagator := otel.GetTracerProvider(), otel.GetMeterProvider(), otel.GetTextMapPropagator()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	otel.SetTextMapPropagator(propagation.TraceContext{})
	t.Cleanup(func() {
		otel.SetTracerProvider(tracer)
		otel.SetMeterProvider(meter)
		otel.SetTextMapPropagator(propagator)
	})
	return spans, reader
}

// runRouter runs one handler on the router, instrumented, until the test ends.
func runRouter(t *testing.T, client *kafkapubsub.Client, topic string, sub message.Subscriber, handle message.NoPublishHandlerFunc) {
	t.Helper()
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second},
		watermill.NewSlogLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	if err != nil {
		t.Fatal(err)
	}
	client.Instrument(router)
	router.AddConsumerHandler("handler", topic, sub, handle)
	ended := make(chan error, 1)
	go func() { ended <- router.Run(context.WithoutCancel(t.Context())) }()
	t.Cleanup(func() {
		if err := errors.Join(router.Close(), <-ended); err != nil {
			t.Error(err)
		}
	})
	<-router.Running()
}

// Records of three requests, stored with their traces: the producer's and the consumer's spans are
// traces of their own, linked to the three.
func TestSpansAreLinkedToStoredTraces(t *testing.T) {
	spans, _ := watched(t)
	client := newClient(t, kafkatest.Embedded(t))
	topic := newTopic(t, client, 1)

	stored := map[trace.TraceID]bool{}
	batch := records(0, 0, 4)
	for i := range 3 {
		ctx, span := otel.Tracer("test").Start(context.Background(), "request")
		otel.GetTextMapPropagator().Inject(ctx, kafkapubsub.HeaderCarrier{Headers: &batch[i].Headers})
		span.End()
		stored[span.SpanContext().TraceID()] = true
	}
	batch[3].Headers = batch[2].Headers // two events of one request: one link
	if _, err := kafkapubsub.NewProducer(client, kafkapubsub.ProducerConfig{}).Produce(t.Context(), topic, 0, batch); err != nil {
		t.Fatal(err)
	}
	sub, err := kafkapubsub.NewBatchSubscriber(client, quick("linked"))
	if err != nil {
		t.Fatal(err)
	}
	handled := make(chan struct{})
	runRouter(t, client, topic, sub, func(*message.Message) error { close(handled); return nil })
	<-handled

	find := func(name string) (found sdktrace.ReadOnlySpan) {
		await(t, "span "+name, func() bool {
			for _, s := range spans.Ended() {
				if s.Name() == name {
					found = s
				}
			}
			return found != nil
		})
		return found
	}
	for name, kind := range map[string]trace.SpanKind{
		"send " + topic: trace.SpanKindProducer, "process " + topic: trace.SpanKindConsumer,
	} {
		span := find(name)
		if span.SpanKind() != kind || span.Parent().IsValid() {
			t.Errorf("span %q has kind %v and parent %v, want %v and none", name, span.SpanKind(), span.Parent(), kind)
		}
		if len(span.Links()) != len(stored) {
			t.Errorf("span %q has %d links, want %d", name, len(span.Links()), len(stored))
		}
		for _, l := range span.Links() {
			if !stored[l.SpanContext.TraceID()] {
				t.Errorf("span %q is linked to a trace that no record carries", name)
			}
		}
	}
}

// What a publisher's caller is doing is found again by the consumer, unless the message brings a
// trace of its own.
func TestPublishCarriesTheCallersTrace(t *testing.T) {
	watched(t)
	client := newClient(t, kafkatest.Embedded(t))
	topic := newTopic(t, client, 1)
	ctx, span := otel.Tracer("test").Start(t.Context(), "caller")
	defer span.End()
	const own = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
	plain, carrying := message.NewMessageWithContext(ctx, "plain", nil), message.NewMessageWithContext(ctx, "carrying", nil)
	carrying.Metadata.Set("traceparent", own)
	if err := kafkapubsub.NewPublisher(client, kafkapubsub.PublisherConfig{}).Publish(topic, plain, carrying); err != nil {
		t.Fatal(err)
	}
	sub, err := kafkapubsub.NewSubscriber(client, quick(""))
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	messages, err := sub.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{span.SpanContext().TraceID().String(), own} {
		msg := <-messages
		if got := msg.Metadata.Get("traceparent"); !strings.Contains(got, want) {
			t.Errorf("message %s carries %q, want %q", msg.UUID, got, want)
		}
		if record, ok := kafkapubsub.RecordOf(msg); !ok || record.Topic != topic {
			t.Errorf("message %s has no record of topic %s", msg.UUID, topic)
		}
		msg.Ack()
	}
}

// A panic is an error of that message: nacked, counted, marked in its span, and tried again. Neither
// span nor log line quotes what was panicked with.
func TestPanicIsNackedAndCounted(t *testing.T) {
	spans, reader := watched(t)
	client := newClient(t, kafkatest.Embedded(t))
	topic := newTopic(t, client, 1)
	produce(t, client, topic, 0, 0, 5)
	sub, err := kafkapubsub.NewBatchSubscriber(client, quick("panics"))
	if err != nil {
		t.Fatal(err)
	}
	calls, handled := 0, make(chan struct{})
	runRouter(t, client, topic, sub, func(*message.Message) error {
		if calls++; calls == 1 {
			panic("a patient's name")
		}
		close(handled)
		return nil
	})
	<-handled

	counts := map[string]int64{}
	await(t, "both attempts are counted", func() bool {
		var got metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &got); err != nil {
			t.Fatal(err)
		}
		for _, s := range got.ScopeMetrics {
			for _, m := range s.Metrics {
				if m.Name != "messaging.client.consumed.messages" {
					continue
				}
				for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
					outcome, _ := p.Attributes.Value("outcome")
					counts[outcome.AsString()] = p.Value
				}
			}
		}
		return counts["ok"] == 5 && counts["error"] == 5
	})
	for _, s := range spans.Ended() {
		if strings.Contains(s.Status().Description, "patient") {
			t.Errorf("span %s quotes the panic: %s", s.Name(), s.Status().Description)
		}
	}
	err = (&kafkapubsub.PanicError{Value: "a patient's name"})
	if strings.Contains(err.Error(), "patient") {
		t.Errorf("the error quotes the panic: %v", err)
	}
	var index []int
	_, err = kafkapubsub.Recover(func(*message.Message) ([]*message.Message, error) { return nil, errors.New(string(rune(index[3]))) })(nil)
	if err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("error %v, want the runtime's words", err)
	}
}
