package kafkapubsub_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
)

func TestPublisherRefusesAfterClose(t *testing.T) {
	client := newClient(t, kafkatest.Embedded(t))
	pub := kafkapubsub.NewPublisher(client, kafkapubsub.PublisherConfig{})
	if err := errors.Join(pub.Close(), pub.Close()); err != nil {
		t.Fatal(err)
	}
	if err := pub.Publish("any", message.NewMessage("1", nil)); err == nil {
		t.Fatal("a closed publisher published")
	}
	sub, err := kafkapubsub.NewSubscriber(client, quick("closed"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sub.Close(), sub.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Subscribe(t.Context(), "any"); err == nil {
		t.Fatal("a closed subscriber subscribed")
	}
}

// Messages with equal keys go to one partition, in order.
func TestPublishKeepsTheOrderOfAKey(t *testing.T) {
	client := newClient(t, kafkatest.Embedded(t))
	topic := newTopic(t, client, 4)
	pub := kafkapubsub.NewPublisher(client, kafkapubsub.PublisherConfig{
		Key: func(_ string, msg *message.Message) []byte { return []byte(msg.Metadata.Get("stream")) },
	})
	var all []*message.Message
	for _, stream := range []string{"a", "b", "c", "d", "e"} {
		for i := range 20 {
			msg := message.NewMessage(fmt.Sprintf("%02d", i), []byte(stream))
			msg.Metadata.Set("stream", stream)
			all = append(all, msg)
		}
	}
	if err := pub.Publish(topic, all...); err != nil {
		t.Fatal(err)
	}
	_, messages := subscribe(t, client, quick(""), topic)
	partition, previous, n := map[string]int{}, map[string]kafka.Message{}, 0
	uuid := func(r kafka.Message) string {
		return kafkapubsub.HeaderCarrier{Headers: &r.Headers}.Get(kafkapubsub.UUIDHeader)
	}
	until(t, messages, func(b *kafkapubsub.Batch) bool {
		for _, r := range b.Records {
			stream := string(r.Key)
			if p, ok := partition[stream]; ok && p != r.Partition {
				t.Errorf("stream %s is in partitions %d and %d", stream, p, r.Partition)
			}
			if before, ok := previous[stream]; ok && uuid(before) >= uuid(r) {
				t.Errorf("stream %s: %s came before %s", stream, uuid(before), uuid(r))
			}
			partition[stream], previous[stream] = r.Partition, r
			n++
		}
		return n == len(all)
	})
}
