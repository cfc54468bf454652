// Package membroker is a broker in memory for simulations and tests: topics, partitions and offsets that behave like Kafka's, and that misbehave on request.
//
// Words: a *fault* is drawn from the caller's seeded random source at each produce and fetch, at the rates of Faults; a *disaster* (DropTail, DropHead, Delete, Grow) is
// something the caller does to a topic. Errors are Kafka's own (kafka.UnknownTopicOrPartition, OffsetOutOfRange, RequestTimedOut), so that callers need not know which
// broker they talk to.
//
// Promise: the same calls with the same seed give the same answers; it starts no goroutine, reads no clock and never waits. As a relay's topic it keeps the contract that the
// adapter for real brokers keeps (TestContract). It may be used by several goroutines.
package membroker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/segmentio/kafka-go"
)

// Faults are the rates, 0 to 1, of what goes wrong by itself. The zero value is a perfect broker.
type Faults struct {
	Rand *rand.Rand // must be set if a rate is

	Lost     float64 // a produce fails; a part of it, from the first message on, or nothing is stored
	Unknown  float64 // a produce fails, though everything is stored
	Repeated float64 // a produce succeeds at the second try of the client; what the first one stored is there twice
	Late     float64 // a fetch finds less than is there, so that partitions run ahead of each other
	Rewound  float64 // a fetch begins up to 50 messages before the offset asked for
}

// Broker holds topics.
type Broker struct {
	mu     sync.Mutex
	faults Faults
	topics map[string][]partition
}

type partition struct {
	first    int64 // offset of messages[0]
	messages []kafka.Message
}

func (p *partition) end() int64 { return p.first + int64(len(p.messages)) }

// New makes an empty broker.
func New(f Faults) *Broker { return &Broker{faults: f, topics: map[string][]partition{}} }

// SetFaults changes what goes wrong from now on.
func (b *Broker) SetFaults(f Faults) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = f
}

// happens draws one fault.
func (b *Broker) happens(rate float64) bool { return rate > 0 && b.faults.Rand.Float64() < rate }

// find must be called with the lock held.
func (b *Broker) find(topic string, number int) (*partition, error) {
	partitions := b.topics[topic]
	if number < 0 || number >= len(partitions) {
		return nil, fmt.Errorf("partition %d of topic %s: %w", number, topic, kafka.UnknownTopicOrPartition)
	}
	return &partitions[number], nil
}

// Fetch returns at most limit messages of a partition from an offset on; none: nothing is there yet. An offset that the partition doesn't have, and isn't about to
// have, is kafka.OffsetOutOfRange. The messages are shared: don't change them.
func (b *Broker) Fetch(topic string, number int, offset int64, limit int) ([]kafka.Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, err := b.find(topic, number)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	if offset < p.first || offset > p.end() {
		return nil, fmt.Errorf("fetch partition %d of topic %s from offset %d, it holds %d to %d: %w", number, topic, offset, p.first, p.end(), kafka.OffsetOutOfRange)
	}
	if b.happens(b.faults.Rewound) {
		offset = max(p.first, offset-b.faults.Rand.Int64N(50)-1)
	}
	there := p.messages[offset-p.first:]
	if b.happens(b.faults.Late) {
		there = there[:b.faults.Rand.IntN(len(there)+1)]
	}
	found := slices.Clone(there[:min(limit, len(there))])
	for i := range found {
		found[i].HighWaterMark = p.end()
	}
	return found, nil
}

// Partitions of a topic; 0: there is no such topic.
func (b *Broker) Partitions(topic string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.topics[topic])
}

// First offset that a partition still has, where a consumer begins anew; 0 if there is no such partition.
func (b *Broker) First(topic string, number int) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, err := b.find(topic, number); err == nil {
		return p.first
	}
	return 0
}

// DropTail makes a partition forget its last n messages, as an unclean leader election does. Their offsets will be used again.
func (b *Broker) DropTail(topic string, number, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, err := b.find(topic, number); err == nil {
		p.messages = slices.Clip(p.messages[:len(p.messages)-min(n, len(p.messages))])
	}
}

// DropHead makes a partition forget its first n messages, as retention does.
func (b *Broker) DropHead(topic string, number, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, err := b.find(topic, number); err == nil {
		n = min(n, len(p.messages))
		p.first, p.messages = p.first+int64(n), p.messages[n:]
	}
}

// Delete makes the broker forget a topic.
func (b *Broker) Delete(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.topics, topic)
}

// Grow makes a topic, or adds partitions to it.
func (b *Broker) Grow(topic string, partitions int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.topics[topic]) < partitions {
		b.topics[topic] = append(b.topics[topic], partition{})
	}
}

// Topic is a topic of the broker, as a relay (or whoever writes to the control topic) sees it. It need not exist yet.
func (b *Broker) Topic(name string) Topic { return Topic{b, name} }

// Topic keeps relay.Topic's contract.
type Topic struct {
	broker *Broker
	name   string
}

// Name of the topic.
func (t Topic) Name() string { return t.name }

// Ensure makes the topic, or adds partitions to it.
func (t Topic) Ensure(_ context.Context, partitions int) error {
	t.broker.Grow(t.name, partitions)
	return nil
}

// Partitions is how many there are.
func (t Topic) Partitions(context.Context) (int, error) {
	if n := t.broker.Partitions(t.name); n > 0 {
		return n, nil
	}
	return 0, fmt.Errorf("partitions of topic %s: %w", t.name, kafka.UnknownTopicOrPartition)
}

// Produce appends to a partition, unless a fault says otherwise.
func (t Topic) Produce(_ context.Context, number int, messages []kafka.Message) (last int64, err error) {
	b := t.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(messages) == 0 {
		return -1, fmt.Errorf("produce to partition %d of topic %s: no messages", number, t.name)
	}
	p, err := b.find(t.name, number)
	if err != nil {
		return -1, fmt.Errorf("produce: %w", err)
	}
	failed := fmt.Errorf("produce %d messages to partition %d of topic %s: %w", len(messages), number, t.name, kafka.RequestTimedOut)
	if b.happens(b.faults.Lost) {
		t.store(p, number, messages[:b.faults.Rand.IntN(len(messages))])
		return -1, failed
	}
	if b.happens(b.faults.Repeated) {
		t.store(p, number, messages[:1+b.faults.Rand.IntN(len(messages))])
	}
	t.store(p, number, messages)
	if b.happens(b.faults.Unknown) {
		return -1, failed
	}
	return p.end() - 1, nil
}

func (t Topic) store(p *partition, number int, messages []kafka.Message) {
	for _, m := range messages {
		m.Topic, m.Partition, m.Offset = t.name, number, p.end()
		p.messages = append(p.messages, m)
	}
}

// Ends are the offsets that the next messages will get.
func (t Topic) Ends(context.Context) ([]int64, error) {
	b := t.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	partitions := b.topics[t.name]
	if len(partitions) == 0 {
		return nil, fmt.Errorf("ends of topic %s: %w", t.name, kafka.UnknownTopicOrPartition)
	}
	ends := make([]int64, len(partitions))
	for i := range partitions {
		ends[i] = partitions[i].end()
	}
	return ends, nil
}

// Last message of a partition.
func (t Topic) Last(_ context.Context, number int) (*kafka.Message, error) {
	b := t.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	p, err := b.find(t.name, number)
	if err != nil {
		return nil, fmt.Errorf("last message: %w", err)
	}
	if len(p.messages) == 0 {
		return nil, nil
	}
	last := p.messages[len(p.messages)-1]
	return &last, nil
}
