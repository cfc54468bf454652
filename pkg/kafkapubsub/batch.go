package kafkapubsub

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"
)

// Batch is what has arrived of one partition: its records, in order, without a gap between them that
// was not in the partition.
type Batch struct {
	Topic     string
	Partition int
	Records   []kafka.Message // never empty; not to be changed
	// Generation ends when the partition is taken away from this member of the group, or the
	// subscriber is closed. Who works on after that works beside the partition's next owner: put it
	// (or the message's own context, which ends with it) into every wait and every transaction.
	Generation context.Context
}

// BatchOf returns the batch that a message of a BatchSubscriber stands for. It is found through the
// message's context, so a middleware may replace the context only by one derived from it.
func BatchOf(msg *message.Message) (*Batch, bool) {
	d, ok := deliveryOf(msg)
	if !ok {
		return nil, false
	}
	return &Batch{Topic: d.topic, Partition: d.partition, Records: d.records, Generation: d.generation}, true
}

// RecordOf returns the Kafka record that a message of a Subscriber came from, with its key, offset
// and time; of a batch the first one.
func RecordOf(msg *message.Message) (kafka.Message, bool) {
	d, ok := deliveryOf(msg)
	if !ok {
		return kafka.Message{}, false
	}
	return d.records[0], true
}

// delivery travels in the message's context.
type delivery struct {
	topic, group string
	partition    int
	records      []kafka.Message
	generation   context.Context
}

type deliveryKey struct{}

func deliveryOf(msg *message.Message) (delivery, bool) {
	d, ok := msg.Context().Value(deliveryKey{}).(delivery)
	return d, ok
}

// batchMessage has no payload of its own; its UUID and metadata say which records it stands for.
func batchMessage(records []kafka.Message) *message.Message {
	first := records[0]
	msg := message.NewMessage(fmt.Sprintf("%s/%d/%d+%d", first.Topic, first.Partition, first.Offset, len(records)), nil)
	msg.Metadata.Set("topic", first.Topic)
	msg.Metadata.Set("partition", strconv.Itoa(first.Partition))
	msg.Metadata.Set("offset", strconv.FormatInt(first.Offset, 10))
	msg.Metadata.Set("records", strconv.Itoa(len(records)))
	return msg
}
