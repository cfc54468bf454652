package kafkapubsub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
)

func TestProduceSplitsIntoRequestsAndKeepsTheOrder(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 400<<10)
	cases := map[string][]kafka.Message{
		"one record":                    records(0, 0, 1),
		"more than one request's count": records(0, 0, 2000),
		"more than one request's bytes": {{Value: big}, {Value: big}, {Value: big}, {Value: big}, {Value: big}},
		"one record of nearly 1 MiB":    {{Value: []byte("a")}, {Value: bytes.Repeat([]byte("y"), 1000<<10)}, {Value: []byte("b")}},
		"key, headers, time, no value": {{
			Key: []byte("k"), Time: time.UnixMilli(1_700_000_000_123),
			Headers: []kafka.Header{{Key: "h", Value: []byte("1")}, {Key: "h", Value: []byte("2")}},
		}},
	}
	kafkatest.Each(t, func(t *testing.T, addr string) {
		client := newClient(t, addr)
		for name, want := range cases {
			t.Run(name, func(t *testing.T) {
				topic := newTopic(t, client, 2)
				last, err := kafkapubsub.NewProducer(client, kafkapubsub.ProducerConfig{}).Produce(t.Context(), topic, 1, want)
				if err != nil {
					t.Fatal(err)
				}
				if last != int64(len(want)-1) {
					t.Fatalf("last offset %d, want %d", last, len(want)-1)
				}
				_, messages := subscribe(t, client, quick(""), topic)
				var got []kafka.Message
				until(t, messages, func(b *kafkapubsub.Batch) bool {
					got = append(got, b.Records...)
					return len(got) >= len(want)
				})
				for i := range want {
					if got[i].Partition != 1 || got[i].Offset != int64(i) || !bytes.Equal(got[i].Value, want[i].Value) || !bytes.Equal(got[i].Key, want[i].Key) {
						t.Fatalf("record %d is another one than was produced", i)
					}
					if fmt.Sprint(got[i].Headers) != fmt.Sprint(want[i].Headers) {
						t.Errorf("record %d has headers %v, want %v", i, got[i].Headers, want[i].Headers)
					}
					if !want[i].Time.IsZero() && !got[i].Time.Equal(want[i].Time) {
						t.Errorf("record %d is of %v, want %v", i, got[i].Time, want[i].Time)
					}
				}
			})
		}
	})
}

func TestProduceGivesUp(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, addr string) {
		client := newClient(t, addr)
		topic := newTopic(t, client, 1)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		cases := []struct {
			name    string
			ctx     context.Context
			topic   string
			records []kafka.Message
			wrong   func(error) bool
		}{
			{"at once on a permanent error", t.Context(), topic, []kafka.Message{{Value: make([]byte, 2<<20)}},
				func(err error) bool { return errors.Is(err, kafka.MessageSizeTooLarge) }},
			{"on an unknown topic, in the end", t.Context(), topic + "-unknown", records(0, 0, 1), kafkapubsub.IsUnknownTopic},
			{"when the context ends", ended, topic, records(0, 0, 1),
				func(err error) bool { return errors.Is(err, context.Canceled) }},
			{"with nothing to produce", t.Context(), topic, nil, func(err error) bool { return err != nil }},
		}
		producer := kafkapubsub.NewProducer(client, kafkapubsub.ProducerConfig{RetryFor: 200 * time.Millisecond})
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				if _, err := producer.Produce(c.ctx, c.topic, 0, c.records); !c.wrong(err) {
					t.Fatalf("unexpected error %v", err)
				}
			})
		}
	})
}

// A produce that begins while the broker is away ends when it is back.
func TestProduceWaitsForTheBroker(t *testing.T) {
	b := newRestartable(t)
	client := newClient(t, b.addr())
	topic := newTopic(t, client, 1)
	produce(t, client, topic, 0, 0, 1)
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(t.Context()); err == nil {
		t.Fatal("a broker that is stopped answers a ping")
	}
	done := make(chan error, 1)
	go func() {
		last, err := kafkapubsub.NewProducer(client, kafkapubsub.ProducerConfig{RetryFor: time.Minute}).Produce(t.Context(), topic, 0, records(0, 1, 1))
		if err == nil && last != 1 {
			err = fmt.Errorf("last offset %d, want 1", last)
		}
		done <- err
	}()
	if err := b.start(t); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTopics(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, addr string) {
		client, other := newClient(t, addr), newClient(t, addr)
		if err := client.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		topic := newTopic(t, client, 4)
		partitions := func(c *kafkapubsub.Client) int {
			n, err := c.Partitions(t.Context(), topic)
			if err != nil && !kafkapubsub.IsUnknownTopic(err) {
				t.Fatal(err)
			}
			return n
		}
		ends := func() string {
			ends, err := client.EndOffsets(t.Context(), topic)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(ends)
		}
		last := func(partition int) *kafka.Message {
			m, err := client.ReadLast(t.Context(), topic, partition)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}

		if got := partitions(client); got != 4 {
			t.Fatalf("%d partitions, want 4", got)
		}
		if got := ends(); got != "[0 0 0 0]" {
			t.Fatalf("end offsets %s of an empty topic, want zeros", got)
		}
		if m := last(2); m != nil {
			t.Fatalf("an empty partition has the last record %v", m)
		}

		produce(t, client, topic, 2, 0, 1500)
		if got := ends(); got != "[0 0 1500 0]" {
			t.Fatalf("end offsets %s, want [0 0 1500 0]", got)
		}
		if m := last(2); m == nil || m.Offset != 1499 || string(m.Value) != "2/1499" {
			t.Fatalf("last record %+v, want 2/1499 at offset 1499", m)
		}

		for _, want := range []struct{ ask, get int }{{4, 4}, {6, 6}, {2, 6}} {
			if err := other.EnsureTopic(t.Context(), topic, want.ask, nil); err != nil {
				t.Fatal(err)
			}
			if got := partitions(other); got != want.get {
				t.Errorf("%d partitions after asking for %d, want %d", got, want.ask, want.get)
			}
		}
		await(t, "the other client sees the new partitions", func() bool { return partitions(client) == 6 })
		produce(t, other, topic, 5, 0, 1)

		if _, err := client.EndOffsets(t.Context(), topic+"-unknown"); !kafkapubsub.IsUnknownTopic(err) {
			t.Errorf("end offsets of an unknown topic: %v, want an error that IsUnknownTopic", err)
		}
		if err := client.EnsureTopic(t.Context(), topic+".x", 1, nil); err != nil {
			t.Error(err)
		}
		// Names that differ in dot and underscore alone would share a metric.
		if err := client.EnsureTopic(t.Context(), topic+"_x", 1, nil); !errors.Is(err, kafka.InvalidTopic) {
			t.Errorf("a topic name that collides: %v, want kafka.InvalidTopic at once", err)
		}
	})
}

func TestNewClientNamesEachWrongBroker(t *testing.T) {
	for _, brokers := range [][]string{nil, {"localhost"}, {"a:1", "b", "c"}} {
		if _, err := kafkapubsub.NewClient(kafkapubsub.Config{Brokers: brokers}); err == nil {
			t.Errorf("brokers %q were accepted", brokers)
		}
	}
}
