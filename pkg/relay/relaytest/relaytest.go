// Package relaytest is the contract of relay.Topic as tests: what a relay may rely on, whichever broker it publishes to.
//
// Promise: an implementation that passes Run can be swapped for any other that does. membroker passes it, and so does the adapter for real brokers on the embedded one and on
// Apache Kafka (TestContract in pkg/membroker and TestKafkaContract in pkg/relay).
package relaytest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/relay"
)

// Broker is the one under test, with what the contract needs beside the topics.
type Broker struct {
	Topic  func(name string) relay.Topic
	Read   func(t *testing.T, topic string, partition int) []kafka.Message // all that a partition holds
	Delete func(t *testing.T, topic string)
}

// Run tests the contract. Topics get names that nobody else has.
func Run(t *testing.T, b Broker) {
	name := func() string { return "evenkeel.relaytest-" + uuid.NewString() + ".events" }
	ready := func(t *testing.T, partitions int) relay.Topic {
		t.Helper()
		topic := b.Topic(name())
		if err := topic.Ensure(soon(t), partitions); err != nil {
			t.Fatal(err)
		}
		return topic
	}

	t.Run("a topic that nobody made has no partitions and takes nothing", func(t *testing.T) {
		topic := b.Topic(name())
		if n, err := topic.Partitions(soon(t)); err == nil {
			t.Errorf("it has %d partitions", n)
		}
		if ends, err := topic.Ends(soon(t)); err == nil {
			t.Errorf("it ends at %v", ends)
		}
		if last, err := topic.Produce(soon(t), 0, numbered(0, 1)); err == nil {
			t.Errorf("it took a message at offset %d", last)
		}
	})
	t.Run("ensured once, twice, with more and with fewer partitions", func(t *testing.T) {
		topic := ready(t, 4)
		for _, c := range []struct{ ensure, want int }{{4, 4}, {8, 8}, {2, 8}} {
			if err := topic.Ensure(soon(t), c.ensure); err != nil {
				t.Fatal(err)
			}
			if n, err := topic.Partitions(soon(t)); err != nil || n != c.want {
				t.Errorf("ensured %d: %d partitions (%v), want %d", c.ensure, n, err, c.want)
			}
			if ends, err := topic.Ends(soon(t)); err != nil || !slices.Equal(ends, make([]int64, c.want)) {
				t.Errorf("ensured %d: ends are %v (%v)", c.ensure, ends, err)
			}
		}
		if topic.Name() == "" {
			t.Error("it has no name")
		}
	})
	t.Run("an empty partition has no last message", func(t *testing.T) {
		if m, err := ready(t, 1).Last(soon(t), 0); err != nil || m != nil {
			t.Errorf("it is %v (%v)", m, err)
		}
	})
	t.Run("messages stay whole and in order", func(t *testing.T) {
		topic := ready(t, 2)
		want := numbered(0, 2500) // more than one request's worth
		for _, part := range [][]kafka.Message{want[:1], want[1:900], want[900:]} {
			before := ends(t, topic)[1]
			last, err := topic.Produce(soon(t), 1, part)
			if err != nil {
				t.Fatal(err)
			}
			if last != before+int64(len(part))-1 {
				t.Errorf("%d messages after offset %d end at %d", len(part), before, last)
			}
		}
		if got := ends(t, topic); got[0] != 0 || got[1] != int64(len(want)) {
			t.Errorf("ends are %v", got)
		}
		same(t, b.Read(t, topic.Name(), 1), want)
		same(t, b.Read(t, topic.Name(), 0), nil)
		m, err := topic.Last(soon(t), 1)
		if err != nil || m == nil {
			t.Fatalf("the last message is %v (%v)", m, err)
		}
		if m.Offset != int64(len(want))-1 || m.Partition != 1 || m.Topic != topic.Name() {
			t.Errorf("the last message is at offset %d of partition %d of %s", m.Offset, m.Partition, m.Topic)
		}
		same(t, []kafka.Message{*m}, want[len(want)-1:])
	})
	t.Run("partitions take messages at the same time", func(t *testing.T) {
		topic := ready(t, 4)
		var all sync.WaitGroup
		for p := range 4 {
			all.Go(func() {
				for i := range 5 {
					if _, err := topic.Produce(soon(t), p, numbered(i*100, 100)); err != nil {
						t.Errorf("partition %d: %v", p, err)
					}
				}
			})
		}
		all.Wait()
		for p := range 4 {
			same(t, b.Read(t, topic.Name(), p), numbered(0, 500))
		}
	})
	t.Run("a partition that isn't there takes nothing", func(t *testing.T) {
		topic := ready(t, 2)
		if last, err := topic.Produce(soon(t), 2, numbered(0, 1)); err == nil {
			t.Errorf("it took a message at offset %d", last)
		}
	})
	t.Run("new partitions leave the old ones as they are", func(t *testing.T) {
		topic := ready(t, 1)
		if _, err := topic.Produce(soon(t), 0, numbered(0, 3)); err != nil {
			t.Fatal(err)
		}
		if err := topic.Ensure(soon(t), 2); err != nil {
			t.Fatal(err)
		}
		if _, err := topic.Produce(soon(t), 1, numbered(3, 2)); err != nil {
			t.Fatal(err)
		}
		same(t, b.Read(t, topic.Name(), 0), numbered(0, 3))
		same(t, b.Read(t, topic.Name(), 1), numbered(3, 2))
	})
	t.Run("a topic that was deleted and made again is empty", func(t *testing.T) {
		topic := ready(t, 2)
		if _, err := topic.Produce(soon(t), 0, numbered(0, 10)); err != nil {
			t.Fatal(err)
		}
		b.Delete(t, topic.Name())
		if err := topic.Ensure(soon(t), 2); err != nil {
			t.Fatal(err)
		}
		if got := ends(t, topic); !slices.Equal(got, []int64{0, 0}) {
			t.Errorf("ends are %v", got)
		}
		if last, err := topic.Produce(soon(t), 0, numbered(5, 2)); err != nil || last != 1 {
			t.Errorf("two messages end at offset %d (%v)", last, err)
		}
		same(t, b.Read(t, topic.Name(), 0), numbered(5, 2))
	})
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func ends(t *testing.T, topic relay.Topic) []int64 {
	t.Helper()
	all, err := topic.Ends(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// numbered are n messages whose values are from, from+1 …
func numbered(from, n int) []kafka.Message {
	all := make([]kafka.Message, n)
	for i := range all {
		all[i] = kafka.Message{
			Value:   fmt.Appendf(nil, "value %d", from+i),
			Headers: []kafka.Header{{Key: "number", Value: fmt.Append(nil, from+i)}, {Key: "empty", Value: []byte{}}},
		}
	}
	return all
}

func same(t *testing.T, got, want []kafka.Message) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("the partition holds %d messages, want %d", len(got), len(want))
		return
	}
	for i := range got {
		if string(got[i].Value) != string(want[i].Value) || !slices.EqualFunc(got[i].Headers, want[i].Headers, func(a, b kafka.Header) bool {
			return a.Key == b.Key && string(a.Value) == string(b.Value)
		}) {
			t.Errorf("message %d is %q %v, want %q %v", i, got[i].Value, got[i].Headers, want[i].Value, want[i].Headers)
			return
		}
	}
}
