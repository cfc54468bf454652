package kafkapubsub

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"
)

// UUIDHeader carries a Watermill message's UUID; the name is the one that Watermill's own Kafka
// Pub/Sub uses, so the two read each other's messages.
const UUIDHeader = "_watermill_message_uuid"

// Marshal turns a Watermill message into a record: payload → value, each metadata entry → a header
// of the same name, UUID → the header UUIDHeader. Headers are in the order of their names.
func Marshal(msg *message.Message) (kafka.Message, error) {
	if _, taken := msg.Metadata[UUIDHeader]; taken {
		return kafka.Message{}, fmt.Errorf("message %s: metadata %s is reserved for the message's UUID: remove it", msg.UUID, UUIDHeader)
	}
	headers := make([]kafka.Header, 0, len(msg.Metadata)+1)
	for k, v := range msg.Metadata {
		headers = append(headers, kafka.Header{Key: k, Value: []byte(v)})
	}
	slices.SortFunc(headers, func(a, b kafka.Header) int { return cmp.Compare(a.Key, b.Key) })
	if msg.UUID != "" {
		headers = append(headers, kafka.Header{Key: UUIDHeader, Value: []byte(msg.UUID)})
	}
	return kafka.Message{Value: msg.Payload, Headers: headers}, nil
}

// Unmarshal is the way back: value → payload, headers → metadata (of a repeated one the last), and
// the UUID from UUIDHeader. A record without that header, which another producer wrote, is called
// topic/partition/offset. Key, offset and time are not in the message: RecordOf has them.
func Unmarshal(record kafka.Message) *message.Message {
	msg := message.NewMessage("", record.Value)
	for _, h := range record.Headers {
		if h.Key == UUIDHeader {
			msg.UUID = string(h.Value)
			continue
		}
		msg.Metadata.Set(h.Key, string(h.Value))
	}
	if msg.UUID == "" {
		msg.UUID = fmt.Sprintf("%s/%d/%d", record.Topic, record.Partition, record.Offset)
	}
	return msg
}
