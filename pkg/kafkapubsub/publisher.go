package kafkapubsub

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel"
	"golang.org/x/sync/errgroup"
)

// PublisherConfig of a Publisher; the zero value spreads messages evenly.
type PublisherConfig struct {
	ProducerConfig
	// Key chooses the record's key; messages with equal keys keep their order. Nil, or a nil key: any partition.
	Key func(topic string, msg *message.Message) []byte
	// Balancer maps keys to partitions. Nil: kafka.Hash (FNV-1a); use kafka.Murmur2Balancer to agree
	// with Java producers.
	Balancer kafka.Balancer
}

// Publisher is Watermill's Publisher on Kafka.
type Publisher struct {
	producer *Producer
	config   PublisherConfig
	closed   atomic.Bool
}

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher makes a publisher on the client's connections.
func NewPublisher(client *Client, config PublisherConfig) *Publisher {
	if config.Balancer == nil {
		config.Balancer = &kafka.Hash{}
	}
	return &Publisher{producer: NewProducer(client, config.ProducerConfig), config: config}
}

// Publish returns when all in-sync replicas have all messages. Messages of one partition keep the
// order given here. On an error some may have been written; giving them all again repeats those. The
// first message's context bounds the call; each message carries its own context's trace to the
// consumer, unless its metadata already holds one.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	if p.closed.Load() {
		return errors.New("publish: the publisher is closed")
	}
	if len(messages) == 0 {
		return nil
	}
	ctx := messages[0].Context()
	partitions, err := p.partitions(ctx, topic)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	byPartition := map[int][]kafka.Message{}
	for _, msg := range messages {
		record, err := Marshal(msg)
		if err != nil {
			return fmt.Errorf("publish to topic %s: %w", topic, err)
		}
		if carrier := (HeaderCarrier{&record.Headers}); carrier.Get("traceparent") == "" {
			otel.GetTextMapPropagator().Inject(msg.Context(), carrier)
		}
		if p.config.Key != nil {
			record.Key = p.config.Key(topic, msg)
		}
		to := p.config.Balancer.Balance(record, partitions...)
		byPartition[to] = append(byPartition[to], record)
	}
	sends, ctx := errgroup.WithContext(ctx)
	for partition, records := range byPartition {
		sends.Go(func() error {
			_, err := p.producer.Produce(ctx, topic, partition, records)
			return err
		})
	}
	return sends.Wait()
}

// Close makes later calls fail. Closing twice is no error; running calls end by themselves.
func (p *Publisher) Close() error {
	p.closed.Store(true)
	return nil
}

// partitions lists the partitions, waiting for a topic just made as long as a produce would.
func (p *Publisher) partitions(ctx context.Context, topic string) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, p.producer.config.RetryFor)
	defer cancel()
	n, err := p.producer.client.awaitLeaders(ctx, topic, 1)
	if err != nil {
		return nil, err
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all, nil
}
