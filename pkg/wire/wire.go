// Package wire is how a log's events look on Kafka: a stored record to a message and back.
//
// Words: an *event* message carries one StoredEvent of a service's log on the service's topic; a *heartbeat*, on the same topic, says what the last event of each slot
// is; a *replay request*, on the control topic, asks a service to publish a slot again. The value is the protobuf message and alone decides; of the headers only "kind" is read
// back. The rest follow CloudEvents 1.0 (Kafka binding, binary mode), with the log's own attributes beside them, so that other programs can route and filter without our
// schema. No header and no key holds PHI.
//
// Messages carry no time of their own: the one that a broker keeps decides about retention and about what is "too far in the future", so it is the time of publishing;
// when an event happened says ce_time.
//
// Promise: what Decode accepts is what was encoded, and everything else is a *BadError, never a panic (TestRoundTrip, FuzzDecode).
package wire

import (
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"google.golang.org/protobuf/proto"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// ControlTopic carries replay requests, of every consumer to every service.
const ControlTopic = "evenkeel.control"

// Topic of a service's events.
func Topic(service string) string { return "evenkeel." + service + ".events" }

// Partition that holds a slot. Double a topic's partitions: then each splits in two, and no two are mixed.
func Partition(slot int32, partitions int) int { return int(slot) % partitions }

// Kinds of message, in the header "kind".
const (
	KindEvent     = "event"
	KindHeartbeat = "heartbeat"
	KindReplay    = "replay"
)

// Content of a message: exactly one field is set.
type Content struct {
	Event     eventlog.Record
	Heartbeat *platformv1.Heartbeat
	Replay    *platformv1.ReplayRequested
}

// BadError is a message that is none of ours, or was damaged on the way. Its text quotes nothing from the value.
type BadError struct {
	Topic     string
	Partition int
	Offset    int64
	Why       string
}

func (e *BadError) Error() string {
	return fmt.Sprintf("message at offset %d of partition %d of topic %s: %s", e.Offset, e.Partition, e.Topic, e.Why)
}

// Encode is the message of an event.
func Encode(r eventlog.Record) (kafka.Message, error) {
	value, err := proto.Marshal(r)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("encode event at position %d of %s: %w", r.Position, r.Source, err)
	}
	h := headers{list: make([]kafka.Header, 0, 15), bytes: make([]byte, 0, 384)}
	h.text("kind", KindEvent)
	h.text("ce_specversion", "1.0")
	h.text("content-type", "application/protobuf")
	h.text("ce_id", r.EventId)
	h.text("ce_type", r.Type)
	h.text("ce_source", r.Source)
	h.text("ce_subject", r.Stream)
	h.add("ce_time", r.RecordedAt.AsTime().AppendFormat(h.bytes, time.RFC3339Nano))
	h.text("tenant", r.TenantId)
	h.number("position", r.Position)
	h.number("version", int64(r.Version))
	h.number("slot", int64(r.Slot))
	h.number("previous", r.Previous)
	h.number("epoch", int64(r.Epoch))
	if len(r.Trace) > 0 {
		h.text("traceparent", string(r.Trace))
	}
	return kafka.Message{Value: value, Headers: h.list}, nil
}

// EncodeHeartbeat is the message of a heartbeat.
func EncodeHeartbeat(b *platformv1.Heartbeat) (kafka.Message, error) {
	m, err := encode(KindHeartbeat, b)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("encode heartbeat of %s: %w", b.Source, err)
	}
	return m, nil
}

// EncodeReplay is the message of a replay request, for the control topic.
func EncodeReplay(r *platformv1.ReplayRequested) (kafka.Message, error) {
	m, err := encode(KindReplay, r)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("encode replay request of %s to %s: %w", r.Consumer, r.Source, err)
	}
	return m, nil
}

func encode(kind string, m proto.Message) (kafka.Message, error) {
	// Deterministic, because a simulation compares its runs byte by byte and a heartbeat has a map.
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	return kafka.Message{Value: value, Headers: []kafka.Header{{Key: "kind", Value: []byte(kind)}}}, err
}

// Decode reads a message. The only error is *BadError.
func Decode(m kafka.Message) (Content, error) {
	bad := func(format string, args ...any) (Content, error) {
		return Content{}, &BadError{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Why: fmt.Sprintf(format, args...)}
	}
	var c Content
	var target proto.Message
	switch kind := Header(m, "kind"); kind {
	case KindEvent:
		c.Event = new(platformv1.StoredEvent)
		target = c.Event
	case KindHeartbeat:
		c.Heartbeat = new(platformv1.Heartbeat)
		target = c.Heartbeat
	case KindReplay:
		c.Replay = new(platformv1.ReplayRequested)
		target = c.Replay
	default:
		return bad("header kind is %.20q, want %s, %s or %s", kind, KindEvent, KindHeartbeat, KindReplay)
	}
	if proto.Unmarshal(m.Value, target) != nil {
		return bad("%d bytes are no %s", len(m.Value), target.ProtoReflect().Descriptor().FullName())
	}
	if why := flaw(c); why != "" {
		return bad("%s", why)
	}
	return c, nil
}

// flaw is what makes a readable message impossible: any bytes, an empty value too, may parse as protobuf.
func flaw(c Content) string {
	switch {
	case c.Event != nil:
		e := c.Event
		switch {
		case e.Source == "" || e.EventId == "" || e.TenantId == "" || e.Stream == "" || e.Type == "":
			return "an event lacks its source, id, tenant, stream or type"
		case e.Slot < 0 || e.Slot >= es.Slots:
			return fmt.Sprintf("an event's slot is %d, want 0 to %d", e.Slot, es.Slots-1)
		case e.Version < 1 || e.Position < 1 || e.Previous < 0 || e.Previous >= e.Position:
			return fmt.Sprintf("an event has version %d, position %d, previous %d", e.Version, e.Position, e.Previous)
		}
	case c.Heartbeat != nil:
		if c.Heartbeat.Source == "" {
			return "a heartbeat lacks its source"
		}
		for slot := range c.Heartbeat.LastBySlot {
			if slot < 0 || slot >= es.Slots {
				return fmt.Sprintf("a heartbeat's slot is %d, want 0 to %d", slot, es.Slots-1)
			}
		}
	case c.Replay != nil:
		r := c.Replay
		if r.Source == "" || r.Slot < 0 || r.Slot >= es.Slots || r.After < 0 {
			return fmt.Sprintf("a replay request asks %q for slot %d after %d", r.Source, r.Slot, r.After)
		}
	}
	return ""
}

// Header of a message; "" if it has none of that name.
func Header(m kafka.Message, name string) string {
	for _, h := range m.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// headers share one buffer: an event has fifteen, and a relay publishes more than a hundred thousand events a second.
type headers struct {
	list  []kafka.Header
	bytes []byte
}

// add takes the buffer with the value appended. When it had to grow, earlier values keep the memory they had.
func (h *headers) add(key string, grown []byte) {
	from, to := len(h.bytes), len(grown)
	h.list = append(h.list, kafka.Header{Key: key, Value: grown[from:to:to]})
	h.bytes = grown
}

func (h *headers) text(key, value string)     { h.add(key, append(h.bytes, value...)) }
func (h *headers) number(key string, n int64) { h.add(key, strconv.AppendInt(h.bytes, n, 10)) }
