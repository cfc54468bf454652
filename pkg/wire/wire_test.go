package wire

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
)

func event() *platformv1.StoredEvent {
	return &platformv1.StoredEvent{
		EventId: "018f2f5e-0000-7000-8000-000000000001", TenantId: "018f2f5e-0000-7000-8000-0000000000aa", Source: "claims", Stream: "claim/clm_1",
		Version: 3, Position: 77, Previous: 70, Slot: 201, Epoch: 2, Type: "evenkeel.claims.v1.ClaimSubmitted", Schema: 1, OccurredOn: "2026-03-02",
		RecordedAt: timestamppb.New(time.Date(2026, 3, 2, 9, 30, 0, 120_000, time.UTC)), Actor: "user/1",
		Trace: []byte("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), Clear: []byte{1, 2}, Sealed: []byte{3, 4}, Subject: "pat_1",
	}
}

func TestAnEventsHeaders(t *testing.T) {
	m, err := Encode(event())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"kind": "event", "ce_specversion": "1.0", "content-type": "application/protobuf", "ce_id": "018f2f5e-0000-7000-8000-000000000001",
		"ce_type": "evenkeel.claims.v1.ClaimSubmitted", "ce_source": "claims", "ce_subject": "claim/clm_1", "ce_time": "2026-03-02T09:30:00.00012Z",
		"tenant": "018f2f5e-0000-7000-8000-0000000000aa", "position": "77", "version": "3", "slot": "201", "previous": "70", "epoch": "2",
		"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	got := map[string]string{}
	for _, h := range m.Headers {
		got[h.Key] = string(h.Value)
	}
	if !maps.Equal(got, want) || len(got) != len(m.Headers) {
		t.Errorf("headers are %v\nwant %v", m.Headers, want)
	}
	if !m.Time.IsZero() {
		t.Errorf("the message has time %v: retention would count from when the event happened", m.Time)
	}
}

// Values longer than the shared buffer move to a new one; those before must stay what they were.
func TestRoundTrip(t *testing.T) {
	text := rapid.StringN(1, 120, 300)
	rapid.Check(t, func(t *rapid.T) {
		e := &platformv1.StoredEvent{
			EventId: text.Draw(t, "id"), TenantId: text.Draw(t, "tenant"), Source: text.Draw(t, "source"), Stream: text.Draw(t, "stream"),
			Type: text.Draw(t, "type"), Version: rapid.Int32Min(1).Draw(t, "version"), Position: rapid.Int64Min(1).Draw(t, "position"),
			Slot: rapid.Int32Range(0, 255).Draw(t, "slot"), Epoch: rapid.Int32().Draw(t, "epoch"), RecordedAt: timestamppb.New(time.Unix(1, 0)),
			Trace: rapid.SliceOf(rapid.Byte()).Draw(t, "trace"), Clear: rapid.SliceOf(rapid.Byte()).Draw(t, "clear"),
		}
		e.Previous = rapid.Int64Range(0, e.Position-1).Draw(t, "previous")
		m, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Decode(m)
		if err != nil || !proto.Equal(c.Event, e) || c.Heartbeat != nil || c.Replay != nil {
			t.Fatalf("came back as %v, %v", c, err)
		}
		for name, want := range map[string]string{"ce_id": e.EventId, "ce_type": e.Type, "ce_source": e.Source, "ce_subject": e.Stream, "tenant": e.TenantId} {
			if got := Header(m, name); got != want {
				t.Fatalf("header %s is %q, want %q", name, got, want)
			}
		}
	})
}

func TestHeartbeatAndReplayComeBack(t *testing.T) {
	beat := &platformv1.Heartbeat{Source: "claims", Epoch: 1, LastBySlot: map[int32]int64{0: 5, 8: 9, 255: 1}}
	m, err := EncodeHeartbeat(beat)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Decode(m); err != nil || !proto.Equal(c.Heartbeat, beat) {
		t.Errorf("heartbeat came back as %v, %v", c, err)
	}
	again, err := EncodeHeartbeat(beat)
	if err != nil || !slices.Equal(again.Value, m.Value) {
		t.Errorf("the same heartbeat has other bytes the second time (%v)", err)
	}
	ask := &platformv1.ReplayRequested{Source: "claims", Slot: 8, After: 5, Consumer: "posting"}
	m, err = EncodeReplay(ask)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Decode(m); err != nil || !proto.Equal(c.Replay, ask) {
		t.Errorf("replay request came back as %v, %v", c, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	message := func(kind string, change func(*platformv1.StoredEvent)) kafka.Message {
		e := event()
		change(e)
		value, err := proto.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return kafka.Message{Topic: "evenkeel.claims.events", Partition: 3, Offset: 9, Value: value, Headers: []kafka.Header{{Key: "kind", Value: []byte(kind)}}}
	}
	same := func(*platformv1.StoredEvent) {}
	cases := map[string]struct {
		in  kafka.Message
		why string
	}{
		"no headers":             {kafka.Message{Value: message("", same).Value}, `kind is ""`},
		"an unknown kind":        {message("snapshot", same), `kind is "snapshot"`},
		"an empty value":         {kafka.Message{Headers: message(KindEvent, same).Headers}, "lacks its source"},
		"half a value":           {kafka.Message{Value: message(KindEvent, same).Value[:40], Headers: message(KindEvent, same).Headers}, "40 bytes are no evenkeel.platform.v1.StoredEvent"},
		"a slot too high":        {message(KindEvent, func(e *platformv1.StoredEvent) { e.Slot = 256 }), "slot is 256"},
		"a slot below zero":      {message(KindEvent, func(e *platformv1.StoredEvent) { e.Slot = -1 }), "slot is -1"},
		"position zero":          {message(KindEvent, func(e *platformv1.StoredEvent) { e.Position = 0 }), "position 0"},
		"previous not before it": {message(KindEvent, func(e *platformv1.StoredEvent) { e.Previous = 77 }), "previous 77"},
		"no version":             {message(KindEvent, func(e *platformv1.StoredEvent) { e.Version = 0 }), "version 0"},
		"an empty heartbeat":     {kafka.Message{Headers: message(KindHeartbeat, same).Headers}, "lacks its source"},
		"an empty replay":        {kafka.Message{Headers: message(KindReplay, same).Headers}, `asks ""`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(c.in)
			var bad *BadError
			if !errors.As(err, &bad) || !strings.Contains(bad.Why, c.why) {
				t.Fatalf("got %v and error %v, want one with %q", got, err, c.why)
			}
			if bad.Topic != c.in.Topic || bad.Partition != c.in.Partition || bad.Offset != c.in.Offset {
				t.Errorf("the error names offset %d of partition %d of %q", bad.Offset, bad.Partition, bad.Topic)
			}
		})
	}
}

func TestTopicsAndPartitions(t *testing.T) {
	if got := Topic("claims"); got != "evenkeel.claims.events" {
		t.Error(got)
	}
	for slot := range int32(256) {
		for _, n := range []int{1, 4, 8, 16} {
			if Partition(slot, 2*n)%n != Partition(slot, n) {
				t.Fatalf("slot %d: doubling %d partitions mixes two", slot, n)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	m, err := Encode(event())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(KindEvent, m.Value)
	f.Add(KindHeartbeat, []byte{})
	f.Add(KindReplay, []byte{0xff})
	f.Fuzz(func(t *testing.T, kind string, value []byte) {
		c, err := Decode(kafka.Message{Value: value, Headers: []kafka.Header{{Key: "kind", Value: []byte(kind)}}})
		var bad *BadError
		switch {
		case err != nil && !errors.As(err, &bad):
			t.Fatalf("error is %T", err)
		case err == nil && c.Event != nil:
			if m, err := Encode(c.Event); err != nil {
				t.Fatalf("accepted, but can't be encoded: %v", err)
			} else if again, err := Decode(m); err != nil || !proto.Equal(again.Event, c.Event) {
				t.Fatalf("accepted, but comes back as %v, %v", again, err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	e := event()
	e.Clear = make([]byte, 600)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(e); err != nil {
			b.Fatal(err)
		}
	}
}
