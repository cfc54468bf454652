package kafkapubsub

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const (
	scope    = "github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	maxLinks = 64 // of one span; a batch may hold hundreds of traces
)

// HeaderCarrier lets an OpenTelemetry propagator read and write Kafka headers.
type HeaderCarrier struct{ Headers *[]kafka.Header }

var _ propagation.TextMapCarrier = HeaderCarrier{}

// Get returns the value of the last header of that name, "" if there is none.
func (c HeaderCarrier) Get(key string) string {
	for _, h := range slices.Backward(*c.Headers) {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// Set replaces all headers of that name by one.
func (c HeaderCarrier) Set(key, value string) {
	*c.Headers = append(slices.DeleteFunc(*c.Headers, func(h kafka.Header) bool { return h.Key == key }),
		kafka.Header{Key: key, Value: []byte(value)})
}

// Keys lists the names, in order, a repeated one repeatedly.
func (c HeaderCarrier) Keys() []string {
	keys := make([]string, len(*c.Headers))
	for i, h := range *c.Headers {
		keys[i] = h.Key
	}
	return keys
}

// link makes the span point at the traces that the records' headers carry. They are links and not
// parents: a batch comes from many traces, and a record may be read years after it was written.
// Headers are only decoded for a span that is recorded.
func link(span trace.Span, records []kafka.Message) {
	if !span.IsRecording() {
		return
	}
	seen := make(map[trace.TraceID]bool, maxLinks)
	for i := range records {
		if len(seen) == maxLinks {
			return
		}
		carried := otel.GetTextMapPropagator().Extract(context.Background(), HeaderCarrier{&records[i].Headers})
		from := trace.SpanContextFromContext(carried)
		if !from.IsValid() || seen[from.TraceID()] {
			continue
		}
		seen[from.TraceID()] = true
		span.AddLink(trace.Link{SpanContext: from})
	}
}

type metrics struct {
	sent, consumed                   metric.Int64Counter
	sendSeconds, processSeconds      metric.Float64Histogram
	lag                              metric.Int64Gauge
	fetchErrors, resets, generations metric.Int64Counter
}

// newMetrics makes the instruments of one client. Names follow OpenTelemetry's messaging
// conventions where they have one.
func newMetrics() (m metrics, err error) {
	meter := otel.Meter(scope)
	var errs [8]error
	m.sent, errs[0] = meter.Int64Counter("messaging.client.sent.messages", metric.WithUnit("{message}"),
		metric.WithDescription("records that a producer tried to send, by topic and outcome"))
	m.sendSeconds, errs[1] = meter.Float64Histogram("messaging.client.operation.duration", metric.WithUnit("s"),
		metric.WithDescription("time from handing records to a producer until all are acknowledged or given up"))
	m.consumed, errs[2] = meter.Int64Counter("messaging.client.consumed.messages", metric.WithUnit("{message}"),
		metric.WithDescription("records handed to a handler, by topic and outcome; a nacked one counts each time"))
	m.processSeconds, errs[3] = meter.Float64Histogram("messaging.process.duration", metric.WithUnit("s"),
		metric.WithDescription("time that a handler took for one message or batch"))
	m.lag, errs[4] = meter.Int64Gauge("messaging.kafka.consumer.lag", metric.WithUnit("{message}"),
		metric.WithDescription("records of a partition behind those handed over last, and these too once they were nacked"))
	m.fetchErrors, errs[5] = meter.Int64Counter("messaging.kafka.consumer.fetch.errors",
		metric.WithDescription("fetches that failed and were tried again"))
	m.resets, errs[6] = meter.Int64Counter("messaging.kafka.consumer.resets",
		metric.WithDescription("times a partition was read from its start because the wanted offset was not there"))
	m.generations, errs[7] = meter.Int64Counter("messaging.kafka.consumer.generations",
		metric.WithDescription("generations of the consumer group that this member was part of"))
	if err := errors.Join(errs[:]...); err != nil {
		return m, fmt.Errorf("make kafka metrics: %w", err)
	}
	return m, nil
}

func topicAttributes(topic string) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.destination.name", topic),
	}
}

func outcome(err error) attribute.KeyValue {
	if err != nil {
		return attribute.String("outcome", "error")
	}
	return attribute.String("outcome", "ok")
}

// startSend begins the producer's span and clock; the function it returns ends both.
func (c *Client) startSend(ctx context.Context, topic string, partition int, records []kafka.Message) (context.Context, func(error)) {
	began := time.Now()
	attributes := topicAttributes(topic)
	ctx, span := otel.Tracer(scope).Start(ctx, "send "+topic, trace.WithSpanKind(trace.SpanKindProducer))
	if span.IsRecording() {
		span.SetAttributes(append(attributes,
			attribute.String("messaging.operation.type", "send"),
			attribute.Int("messaging.destination.partition.id", partition),
			attribute.Int("messaging.batch.message_count", len(records)))...)
	}
	link(span, records)
	return ctx, func(err error) {
		set := metric.WithAttributes(append(attributes, outcome(err))...)
		c.metrics.sent.Add(ctx, int64(len(records)), set)
		c.metrics.sendSeconds.Record(ctx, time.Since(began).Seconds(), set)
		end(span, err)
	}
}

func end(span trace.Span, err error) {
	if err != nil {
		// The type alone: a handler's error text may quote what it read.
		span.SetStatus(codes.Error, fmt.Sprintf("%T", err))
	}
	span.End()
}

// Instrument adds to the router what each of its handlers should have: metrics and a span around
// each message (a batch is one message), and inside them the panic that becomes an error, so that a
// panic is counted, and nacked, like any other failure.
func (c *Client) Instrument(router *message.Router) {
	router.AddMiddleware(c.Measure, c.Trace, Recover)
}

// PanicError is a handler's panic. Its text has the stack, and the value only if the Go runtime made
// it: another may quote what was being handled.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	if err, ok := e.Value.(runtime.Error); ok {
		return fmt.Sprintf("handler panicked: %v\n%s", err, e.Stack)
	}
	return fmt.Sprintf("handler panicked with a %T\n%s", e.Value, e.Stack)
}

// Recover is a middleware: a panic becomes a *PanicError, and the message is nacked.
func Recover(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) (out []*message.Message, err error) {
		defer func() {
			if v := recover(); v != nil {
				err = &PanicError{Value: v, Stack: debug.Stack()}
			}
		}()
		return next(msg)
	}
}

// Trace is a middleware: a consumer span around the handler, linked to the traces of what it handles.
func (c *Client) Trace(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) (out []*message.Message, err error) {
		d, _ := deliveryOf(msg)
		ctx, span := otel.Tracer(scope).Start(msg.Context(), "process "+d.topic, trace.WithSpanKind(trace.SpanKindConsumer))
		if span.IsRecording() {
			span.SetAttributes(append(topicAttributes(d.topic),
				attribute.String("messaging.operation.type", "process"),
				attribute.String("messaging.consumer.group.name", d.group),
				attribute.Int("messaging.destination.partition.id", d.partition),
				attribute.Int("messaging.batch.message_count", len(d.records)))...)
		}
		link(span, d.records)
		msg.SetContext(ctx)
		defer func() { end(span, err) }()
		return next(msg)
	}
}

// Measure is a middleware: counts what handlers take, by outcome, and how long they take.
func (c *Client) Measure(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		began := time.Now()
		d, _ := deliveryOf(msg)
		out, err := next(msg)
		set := metric.WithAttributes(append(topicAttributes(d.topic),
			attribute.String("messaging.consumer.group.name", d.group), outcome(err))...)
		c.metrics.consumed.Add(msg.Context(), int64(len(d.records)), set)
		c.metrics.processSeconds.Record(msg.Context(), time.Since(began).Seconds(), set)
		return out, err
	}
}
