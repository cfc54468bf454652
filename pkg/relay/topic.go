package relay

import (
	"context"

	"github.com/segmentio/kafka-go"
)

// Topic is where a relay publishes: one topic of a broker. relaytest has the contract that every implementation keeps.
type Topic interface {
	Name() string
	// Ensure makes the topic with that many partitions, or adds some. A topic that has more stays as it is. It may be called although nothing is to be done.
	Ensure(ctx context.Context, partitions int) error
	// Partitions is how many the topic has. It is asked before each batch and should answer from memory; a second late is soon enough.
	Partitions(ctx context.Context) (int, error)
	// Produce appends the messages to a partition, in order, and returns the offset of the last one. After an error any number of them, from the first on, may be
	// there. What is there may be there twice (a request was repeated), each time in order.
	Produce(ctx context.Context, partition int, messages []kafka.Message) (last int64, err error)
	// Ends are, by partition, the offsets that the next messages will get.
	Ends(ctx context.Context) ([]int64, error)
	// Last is the last message of a partition; nil if it holds none.
	Last(ctx context.Context, partition int) (*kafka.Message, error)
}
