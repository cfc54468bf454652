package relay

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
)

// Short: a relay that gets an error looks what became of the topic, says so, and tries again by itself.
const (
	retryFor  = 2 * time.Second
	ensureFor = 10 * time.Second
)

// Kafka is a topic of a broker that speaks Kafka's protocol. Configs apply when the topic is made. Each produce is a span "send <topic>" that links to the traces in
// which its events were stored.
func Kafka(client *kafkapubsub.Client, topic string, configs map[string]string) Topic {
	return kafkaTopic{client, kafkapubsub.NewProducer(client, kafkapubsub.ProducerConfig{RetryFor: retryFor}), topic, configs}
}

type kafkaTopic struct {
	client   *kafkapubsub.Client
	producer *kafkapubsub.Producer
	name     string
	configs  map[string]string
}

func (k kafkaTopic) Name() string { return k.name }

func (k kafkaTopic) Ensure(ctx context.Context, partitions int) error {
	ctx, cancel := context.WithTimeout(ctx, ensureFor)
	defer cancel()
	return k.client.EnsureTopic(ctx, k.name, partitions, k.configs)
}

func (k kafkaTopic) Partitions(ctx context.Context) (int, error) {
	return k.client.Partitions(ctx, k.name)
}

func (k kafkaTopic) Produce(ctx context.Context, partition int, messages []kafka.Message) (last int64, err error) {
	return k.producer.Produce(ctx, k.name, partition, messages)
}

func (k kafkaTopic) Ends(ctx context.Context) ([]int64, error) {
	return k.client.EndOffsets(ctx, k.name)
}

func (k kafkaTopic) Last(ctx context.Context, partition int) (*kafka.Message, error) {
	return k.client.ReadLast(ctx, k.name, partition)
}
