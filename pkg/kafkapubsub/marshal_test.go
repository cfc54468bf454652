package kafkapubsub_test

import (
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"
	"pgregory.net/rapid"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
)

// Whatever a message holds comes back as it was.
func TestMarshalAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := message.NewMessage(rapid.StringN(1, 40, -1).Draw(t, "uuid"), rapid.SliceOf(rapid.Byte()).Draw(t, "payload"))
		keys := rapid.String().Filter(func(s string) bool { return s != kafkapubsub.UUIDHeader })
		want.Metadata = rapid.MapOf(keys, rapid.String()).Draw(t, "metadata")
		record, err := kafkapubsub.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := kafkapubsub.Unmarshal(record); !got.Equals(want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestMarshalRefusesTheReservedHeader(t *testing.T) {
	msg := message.NewMessage("1", nil)
	msg.Metadata.Set(kafkapubsub.UUIDHeader, "2")
	if _, err := kafkapubsub.Marshal(msg); err == nil || !strings.Contains(err.Error(), kafkapubsub.UUIDHeader) {
		t.Fatalf("error %v, want one that names the header", err)
	}
}

func TestUnmarshalRecordsOfOthers(t *testing.T) {
	msg := kafkapubsub.Unmarshal(kafka.Message{
		Topic: "orders", Partition: 3, Offset: 17, Value: []byte("v"),
		Headers: []kafka.Header{{Key: "a", Value: []byte("first")}, {Key: "a", Value: []byte("last")}},
	})
	if msg.UUID != "orders/3/17" || msg.Metadata.Get("a") != "last" || string(msg.Payload) != "v" {
		t.Fatalf("got %+v", msg)
	}
}

func TestHeaderCarrier(t *testing.T) {
	headers := []kafka.Header{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}, {Key: "a", Value: []byte("3")}}
	c := kafkapubsub.HeaderCarrier{Headers: &headers}
	if c.Get("a") != "3" || c.Get("none") != "" || strings.Join(c.Keys(), "") != "aba" {
		t.Fatalf("a=%q none=%q keys=%v", c.Get("a"), c.Get("none"), c.Keys())
	}
	c.Set("a", "4")
	if c.Get("a") != "4" || strings.Join(c.Keys(), "") != "ba" {
		t.Fatalf("after Set: a=%q keys=%v", c.Get("a"), c.Keys())
	}
}
