package membroker_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/membroker"
	"github.com/evenkeel/evenkeel/pkg/relay"
	"github.com/evenkeel/evenkeel/pkg/relay/relaytest"
)

func TestContract(t *testing.T) {
	b := membroker.New(membroker.Faults{})
	relaytest.Run(t, relaytest.Broker{
		Topic: func(name string) relay.Topic { return b.Topic(name) },
		Read: func(t *testing.T, topic string, partition int) []kafka.Message {
			all, err := b.Fetch(topic, partition, 0, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			return all
		},
		Delete: func(_ *testing.T, topic string) { b.Delete(topic) },
	})
}

func letters(s string) (all []kafka.Message) {
	for _, l := range s {
		all = append(all, kafka.Message{Value: []byte(string(l))})
	}
	return all
}

func text(t *testing.T, b *membroker.Broker, offset int64, limit int) (s string) {
	t.Helper()
	all, err := b.Fetch("topic", 0, offset, limit)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range all {
		if m.Topic != "topic" || m.Partition != 0 || i > 0 && m.Offset != all[i-1].Offset+1 {
			t.Errorf("message %d is at offset %d of partition %d of %s", i, m.Offset, m.Partition, m.Topic)
		}
		s += string(m.Value)
	}
	return s
}

func made(t *testing.T, s string) *membroker.Broker {
	t.Helper()
	b := membroker.New(membroker.Faults{})
	b.Grow("topic", 2)
	if _, err := b.Topic("topic").Produce(t.Context(), 0, letters(s)); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFetch(t *testing.T) {
	b := made(t, "abcdef")
	if got := text(t, b, 2, 3); got != "cde" {
		t.Errorf("three from offset 2: %q", got)
	}
	if got := text(t, b, 6, 3); got != "" {
		t.Errorf("at the end: %q", got)
	}
	if _, err := b.Fetch("topic", 0, 7, 1); !errors.Is(err, kafka.OffsetOutOfRange) {
		t.Errorf("beyond the end: %v", err)
	}
	if _, err := b.Fetch("topic", 2, 0, 1); !errors.Is(err, kafka.UnknownTopicOrPartition) {
		t.Errorf("partition 2 of 2: %v", err)
	}
}

func TestDisasters(t *testing.T) {
	b := made(t, "abcdef")
	b.DropTail("topic", 0, 2)
	if last, err := b.Topic("topic").Produce(t.Context(), 0, letters("xy")); err != nil || last != 5 {
		t.Errorf("after the tail was lost, offsets go on at %d (%v)", last, err)
	}
	if got := text(t, b, 0, 9); got != "abcdxy" {
		t.Errorf("tail lost, then written: %q", got)
	}
	b.DropHead("topic", 0, 3)
	if got := b.First("topic", 0); got != 3 {
		t.Errorf("first offset %d", got)
	}
	if _, err := b.Fetch("topic", 0, 2, 1); !errors.Is(err, kafka.OffsetOutOfRange) {
		t.Errorf("before the first offset: %v", err)
	}
	if got := text(t, b, 3, 9); got != "dxy" {
		t.Errorf("head lost: %q", got)
	}
	b.DropHead("topic", 0, 9)
	if m, err := b.Topic("topic").Last(t.Context(), 0); err != nil || m != nil {
		t.Errorf("the last of none is %v (%v)", m, err)
	}
	if ends, err := b.Topic("topic").Ends(t.Context()); err != nil || ends[0] != 6 {
		t.Errorf("an emptied partition ends at %v (%v)", ends, err)
	}
	b.Delete("topic")
	if b.Partitions("topic") != 0 {
		t.Error("a deleted topic has partitions")
	}
}

// Each fault alone and always: what is there afterwards, and what the caller was told.
func TestFaults(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		start := func(f membroker.Faults) *membroker.Broker {
			b := made(t, "ab")
			f.Rand = random
			b.SetFaults(f)
			return b
		}
		produce := func(b *membroker.Broker) (int64, error) {
			return b.Topic("topic").Produce(t.Context(), 0, letters("cdef"))
		}

		b := start(membroker.Faults{Lost: 1})
		if _, err := produce(b); !errors.Is(err, kafka.RequestTimedOut) {
			t.Fatalf("lost: %v", err)
		}
		if got := text(t, b, 0, 9); got != "abcdef"[:min(len(got), 5)] || len(got) < 2 {
			t.Fatalf("lost, and yet there: %q", got)
		}

		b = start(membroker.Faults{Unknown: 1})
		if _, err := produce(b); !errors.Is(err, kafka.RequestTimedOut) {
			t.Fatalf("unknown: %v", err)
		}
		if got := text(t, b, 0, 9); got != "abcdef" {
			t.Fatalf("unknown outcome: %q", got)
		}

		b = start(membroker.Faults{Repeated: 1})
		last, err := produce(b)
		got := text(t, b, 0, 99)
		if err != nil || last != int64(len(got))-1 || got != "ab"+"cdef"[:len(got)-6]+"cdef" || len(got) < 7 {
			t.Fatalf("repeated: %q, last offset %d (%v)", got, last, err)
		}

		b = start(membroker.Faults{Late: 1})
		if got := text(t, b, 0, 9); got != "ab"[:len(got)] {
			t.Fatalf("late: %q", got)
		}

		b = start(membroker.Faults{Rewound: 1})
		if got := text(t, b, 2, 9); got != "b" && got != "ab" {
			t.Fatalf("rewound: %q", got)
		}
	}
}

func TestTheSameSeedGivesTheSameRun(t *testing.T) {
	run := func() (trace string) {
		b := membroker.New(membroker.Faults{Rand: rand.New(rand.NewPCG(7, 7)), Lost: .3, Unknown: .3, Repeated: .3, Late: .3, Rewound: .3})
		b.Grow("topic", 1)
		for range 100 {
			last, err := b.Topic("topic").Produce(t.Context(), 0, letters("abc"))
			trace += fmt.Sprint(last, err, text(t, b, 0, 1000))
		}
		return trace
	}
	if first := run(); run() != first {
		t.Error("two runs with one seed differ")
	}
}
