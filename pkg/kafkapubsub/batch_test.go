package kafkapubsub_test

import (
	"fmt"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
)

func newClient(t *testing.T, addr string) *kafkapubsub.Client {
	t.Helper()
	client, err := kafkapubsub.NewClient(kafkapubsub.Config{
		Brokers: []string{addr}, ClientID: t.Name(),
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// newTopic makes a topic with a name of its own: the real broker outlives a test.
func newTopic(t *testing.T, client *kafkapubsub.Client, partitions int) string {
	t.Helper()
	topic := fmt.Sprintf("%s-%d", regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(t.Name(), "-"), time.Now().UnixNano())
	if err := client.EnsureTopic(t.Context(), topic, partitions, nil); err != nil {
		t.Fatal(err)
	}
	return topic
}

// records makes n records, with the partition and a number that counts up as their values.
func records(partition, from, n int) []kafka.Message {
	records := make([]kafka.Message, n)
	for i := range records {
		records[i] = kafka.Message{Value: fmt.Appendf(nil, "%d/%d", partition, from+i)}
	}
	return records
}

// produce appends them and returns the last offset.
func produce(t *testing.T, client *kafkapubsub.Client, topic string, partition, from, n int) int64 {
	t.Helper()
	last, err := kafkapubsub.NewProducer(client, kafkapubsub.ProducerConfig{}).Produce(t.Context(), topic, partition, records(partition, from, n))
	if err != nil {
		t.Fatal(err)
	}
	return last
}

// quick is a configuration with the waits of a test.
func quick(group string) kafkapubsub.SubscriberConfig {
	return kafkapubsub.SubscriberConfig{
		Group: group, WatchEvery: 100 * time.Millisecond, CommitEvery: 50 * time.Millisecond,
		NackFrom: time.Millisecond, NackTo: 10 * time.Millisecond, Heartbeat: 100 * time.Millisecond, Session: 6 * time.Second,
	}
}

func subscribe(t *testing.T, client *kafkapubsub.Client, config kafkapubsub.SubscriberConfig, topic string) (*kafkapubsub.BatchSubscriber, <-chan *message.Message) {
	t.Helper()
	sub, err := kafkapubsub.NewBatchSubscriber(client, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
	})
	messages, err := sub.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return sub, messages
}

// next returns the next message and its batch, or fails after a while.
func next(t *testing.T, messages <-chan *message.Message) (*message.Message, *kafkapubsub.Batch) {
	t.Helper()
	select {
	case msg, ok := <-messages:
		if !ok {
			t.Fatal("the channel is closed")
		}
		batch, ok := kafkapubsub.BatchOf(msg)
		if !ok {
			t.Fatalf("message %s stands for no batch", msg.UUID)
		}
		return msg, batch
	case <-time.After(30 * time.Second):
		t.Fatal("nothing arrived within 30 s")
	}
	return nil, nil
}

func values(b *kafkapubsub.Batch) []string {
	values := make([]string, len(b.Records))
	for i, r := range b.Records {
		values[i] = string(r.Value)
	}
	return values
}

func TestBatchesKeepEachPartitionInOrder(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, addr string) {
		client := newClient(t, addr)
		const partitions, each = 4, 3000
		topic := newTopic(t, client, partitions)
		for p := range partitions {
			produce(t, client, topic, p, 0, each)
		}
		_, messages := subscribe(t, client, quick("order"), topic)
		got := make([]int, partitions)
		for total, batches := 0, 0; total < partitions*each; batches++ {
			msg, batch := next(t, messages)
			if n := len(batch.Records); n < 1 || n > 500 {
				t.Fatalf("a batch of %d records, want 1 to 500", n)
			}
			for _, value := range values(batch) {
				want := fmt.Sprintf("%d/%d", batch.Partition, got[batch.Partition])
				if value != want {
					t.Fatalf("record %s, want %s", value, want)
				}
				got[batch.Partition]++
				total++
			}
			if batches > partitions*each/100 {
				t.Fatalf("%d records in %d batches: what had arrived was not taken together", total, batches)
			}
			msg.Ack()
		}
	})
}
