package kafkapubsub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	maxRequestRecords = 700
	maxRequestBytes   = 900 << 10 // below the broker's default limit of 1 MiB for a batch
	recordOverhead    = 32        // at most, beside key, value and headers
)

// ProducerConfig of a Producer; the zero value is good.
type ProducerConfig struct {
	// RetryFor bounds the retries of one request; 0 means 10 s. After that Produce returns the last
	// error, so that the caller can look (IsUnknownTopic: make the topic again).
	RetryFor time.Duration
	// Compression of a batch; 0 is none.
	Compression kafka.Compression
}

// Producer writes records to a partition that the caller chose. There is no goroutine and no
// lingering in it: what it is given goes out at once.
type Producer struct {
	client *Client
	config ProducerConfig
}

// NewProducer makes a producer on the client's connections. There is nothing to close.
func NewProducer(client *Client, config ProducerConfig) *Producer {
	if config.RetryFor <= 0 {
		config.RetryFor = 10 * time.Second
	}
	return &Producer{client, config}
}

// Produce appends the records' key, value, headers and time to the partition, in order, and returns
// the offset of the last one once all in-sync replicas have them all. Requests of at most 700
// records and 900 KB go out one after the other; each is repeated with backoff on a transient error
// (a broken connection, no leader, an unknown topic, too few replicas, a time-out). A request whose
// answer was lost is sent again: records may be there twice, never out of order.
//
// After an error the records before it may have been written. Two calls at once for one partition
// have no order between them.
func (p *Producer) Produce(ctx context.Context, topic string, partition int, records []kafka.Message) (lastOffset int64, err error) {
	if len(records) == 0 {
		return -1, errors.New("produce: no records")
	}
	ctx, done := p.client.startSend(ctx, topic, partition, records)
	defer func() { done(err) }()
	for len(records) > 0 {
		n := requestLen(records)
		if lastOffset, err = p.send(ctx, topic, partition, records[:n]); err != nil {
			return -1, fmt.Errorf("produce %d records to partition %d of topic %s: %w", n, partition, topic, err)
		}
		records = records[n:]
	}
	return lastOffset, nil
}

// send writes one request's worth, until it is acknowledged.
func (p *Producer) send(ctx context.Context, topic string, partition int, records []kafka.Message) (last int64, err error) {
	wait := newPause(10*time.Millisecond, time.Second)
	until := time.Now().Add(p.config.RetryFor)
	for {
		res, err := p.client.kafka.Produce(ctx, &kafka.ProduceRequest{
			Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll,
			Compression: p.config.Compression, Records: &recordReader{records: records},
		})
		if err == nil {
			err = res.Error
		}
		if err == nil {
			return res.BaseOffset + int64(len(records)) - 1, nil
		}
		if !transient(err) || time.Now().After(until) {
			return -1, err
		}
		p.client.log.Debug("kafka: produce again", "topic", topic, "partition", partition, "error", err)
		if !wait.wait(ctx) {
			return -1, errors.Join(ctx.Err(), err)
		}
	}
}

// requestLen is how many of the records fit into one request; at least one.
func requestLen(records []kafka.Message) int {
	bytes := 0
	for i, r := range records {
		if bytes += recordSize(r); i > 0 && (i >= maxRequestRecords || bytes > maxRequestBytes) {
			return i
		}
	}
	return len(records)
}

func recordSize(r kafka.Message) int {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += 10 + len(h.Key) + len(h.Value)
	}
	return n
}

// recordReader lends records to kafka-go without copying them.
type recordReader struct {
	records []kafka.Message
	record  kafka.Record
}

func (r *recordReader) ReadRecord() (*kafka.Record, error) {
	if len(r.records) == 0 {
		return nil, io.EOF
	}
	m := &r.records[0]
	r.records = r.records[1:]
	r.record = kafka.Record{Time: m.Time, Headers: m.Headers}
	if m.Key != nil {
		r.record.Key = kafka.NewBytes(m.Key)
	}
	if m.Value != nil {
		r.record.Value = kafka.NewBytes(m.Value)
	}
	return &r.record, nil
}
