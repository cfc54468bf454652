package kafkapubsub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// EnsureTopic makes the topic, or adds partitions to it, and returns when each partition has a
// leader that this client knows. Replication is the broker's default; configs (retention.bytes …)
// apply only when the topic is made. A topic with more partitions than asked stays as it is: they
// can't be taken away.
func (c *Client) EnsureTopic(ctx context.Context, name string, partitions int, configs map[string]string) error {
	wait := newPause(20*time.Millisecond, time.Second)
	for {
		err := c.ensureTopic(ctx, name, partitions, configs)
		if err == nil || !transient(err) {
			return err
		}
		if !wait.wait(ctx) {
			return err
		}
	}
}

func (c *Client) ensureTopic(ctx context.Context, name string, partitions int, configs map[string]string) error {
	entries := make([]kafka.ConfigEntry, 0, len(configs))
	for k, v := range configs {
		entries = append(entries, kafka.ConfigEntry{ConfigName: k, ConfigValue: v})
	}
	created, err := c.kafka.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: name, NumPartitions: partitions, ReplicationFactor: -1, ConfigEntries: entries,
	}}})
	if err == nil {
		err = created.Errors[name]
	}
	if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s with %d partitions: %w", name, partitions, err)
	}
	now, err := c.awaitLeaders(ctx, name, 1)
	if err != nil || now >= partitions {
		return err
	}
	grown, err := c.kafka.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{
		Name: name, Count: int32(partitions),
	}}})
	if err == nil {
		err = grown.Errors[name]
	}
	// InvalidPartitionNumber: somebody else grew it since; waiting shows.
	if err != nil && !errors.Is(err, kafka.InvalidPartitionNumber) {
		return fmt.Errorf("grow topic %s from %d to %d partitions: %w", name, now, partitions, err)
	}
	_, err = c.awaitLeaders(ctx, name, partitions)
	return err
}

// awaitLeaders waits until this client sees at least so many partitions, each with a leader.
// Another connection's view would not do: requests are routed by what the transport knows.
func (c *Client) awaitLeaders(ctx context.Context, topic string, atLeast int) (partitions int, err error) {
	wait := newPause(10*time.Millisecond, 200*time.Millisecond)
	for {
		partitions, err := c.Partitions(ctx, topic)
		if err == nil && partitions >= atLeast {
			return partitions, nil
		}
		if err != nil && !transient(err) {
			return 0, err
		}
		if !wait.wait(ctx) {
			if err == nil {
				err = fmt.Errorf("topic %s has %d partitions with a leader, want %d", topic, partitions, atLeast)
			}
			return 0, errors.Join(err, ctx.Err())
		}
	}
}

// Partitions returns how many partitions the topic has, as this client knows it (at most about a
// second old). An error says that the topic is unknown (IsUnknownTopic) or a partition has no leader.
func (c *Client) Partitions(ctx context.Context, topic string) (int, error) {
	res, err := c.kafka.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, fmt.Errorf("partitions of topic %s: %w", topic, err)
	}
	found := res.Topics[0]
	if found.Error != nil {
		return 0, fmt.Errorf("partitions of topic %s: %w", topic, found.Error)
	}
	for _, p := range found.Partitions {
		if p.Error != nil {
			return 0, fmt.Errorf("partition %d of topic %s: %w", p.ID, topic, p.Error)
		}
		if p.Leader.Host == "" {
			return 0, fmt.Errorf("partition %d of topic %s: %w", p.ID, topic, kafka.LeaderNotAvailable)
		}
	}
	return len(found.Partitions), nil
}

// EndOffsets returns, for each partition, the offset that the next record will get. Errors that pass,
// such as a leader that doesn't know yet that it is one, are waited out for up to 10 s.
func (c *Client) EndOffsets(ctx context.Context, topic string) (ends []int64, err error) {
	err = retry(ctx, func() error {
		n, err := c.Partitions(ctx, topic)
		if err != nil {
			return err
		}
		partitions := make([]int, n)
		for i := range partitions {
			partitions[i] = i
		}
		bounds, err := c.bounds(ctx, topic, partitions...)
		if err != nil {
			return err
		}
		ends = make([]int64, n)
		for i, b := range bounds {
			ends[i] = b.LastOffset
		}
		return nil
	})
	return ends, err
}

// ReadLast returns the last record of a partition, or nil if it holds none. It waits like EndOffsets.
func (c *Client) ReadLast(ctx context.Context, topic string, partition int) (last *kafka.Message, err error) {
	err = retry(ctx, func() error {
		last, err = c.readLast(ctx, topic, partition)
		return err
	})
	return last, err
}

func (c *Client) readLast(ctx context.Context, topic string, partition int) (*kafka.Message, error) {
	bounds, err := c.bounds(ctx, topic, partition)
	if err != nil {
		return nil, err
	}
	// An offset may belong to a transaction marker or to a compacted record: look further back.
	for offset := bounds[0].LastOffset - 1; offset >= bounds[0].FirstOffset; offset-- {
		got, err := c.fetch(ctx, fetchRequest{topic: topic, partition: partition, offset: offset, maxBytes: 1, maxWait: time.Millisecond})
		if err != nil {
			return nil, err
		}
		if n := len(got.records); n > 0 {
			return &got.records[n-1], nil
		}
	}
	return nil, nil
}

// retry repeats a question while its error is one that passes, for as long as a request may take. An
// unknown topic is an answer: whoever asked may want to make it.
func retry(ctx context.Context, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	wait := newPause(10*time.Millisecond, time.Second)
	for {
		err := ask()
		if err == nil || !transient(err) || IsUnknownTopic(err) || !wait.wait(ctx) {
			return err
		}
	}
}

// bounds returns first and end offset of each partition, in the order asked.
func (c *Client) bounds(ctx context.Context, topic string, partitions ...int) ([]kafka.PartitionOffsets, error) {
	ask := make([]kafka.OffsetRequest, 0, 2*len(partitions))
	for _, p := range partitions {
		ask = append(ask, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	res, err := c.kafka.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
	if err != nil {
		return nil, fmt.Errorf("offsets of topic %s: %w", topic, err)
	}
	found := make([]kafka.PartitionOffsets, len(partitions))
	for i, p := range partitions {
		at := slices.IndexFunc(res.Topics[topic], func(o kafka.PartitionOffsets) bool { return o.Partition == p })
		if at < 0 {
			return nil, fmt.Errorf("offsets of topic %s: the broker left out partition %d: %w", topic, p, kafka.UnknownTopicOrPartition)
		}
		found[i] = res.Topics[topic][at]
		if found[i].Error != nil {
			return nil, fmt.Errorf("offsets of partition %d of topic %s: %w", p, topic, found[i].Error)
		}
	}
	return found, nil
}

type fetchRequest struct {
	topic     string
	partition int
	offset    int64
	maxBytes  int // the first batch comes whole, however large
	maxWait   time.Duration
}

type fetched struct {
	records []kafka.Message
	next    int64 // the offset to ask for after them
	end     int64 // the partition's end offset
}

// fetch asks once for what is there from an offset on, waiting up to maxWait for the first byte.
func (c *Client) fetch(ctx context.Context, r fetchRequest) (fetched, error) {
	subject := func(err error) error {
		return fmt.Errorf("fetch partition %d of topic %s from offset %d: %w", r.partition, r.topic, r.offset, err)
	}
	res, err := c.kafka.Fetch(ctx, &kafka.FetchRequest{
		Topic: r.topic, Partition: r.partition, Offset: r.offset,
		MinBytes: 1, MaxBytes: int64(r.maxBytes), MaxWait: r.maxWait,
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return fetched{}, subject(err)
	}
	got := fetched{next: r.offset, end: res.HighWatermark}
	for {
		record, err := res.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			if len(got.records) == 0 {
				got.next = max(got.next, afterMarkers(res.Records))
			}
			return got, nil
		}
		if err != nil {
			return fetched{}, subject(err)
		}
		m, err := r.message(record, res.HighWatermark)
		if err != nil {
			return fetched{}, subject(err)
		}
		if m.Offset < r.offset { // a batch is sent whole, also the part before the offset
			continue
		}
		got.records = append(got.records, m)
		got.next = m.Offset + 1
	}
}

// afterMarkers is the offset after batches that hold no record for us (transaction markers, what
// compaction left empty): asking again from before them would get them again, for ever.
func afterMarkers(records kafka.RecordReader) (next int64) {
	stream, ok := records.(*protocol.RecordStream)
	if !ok {
		return 0
	}
	for _, batch := range stream.Records {
		if b, ok := batch.(interface{ Offset() int64 }); ok {
			next = max(next, b.Offset()+1)
		}
	}
	return next
}

// message copies a record out of the pages that kafka-go lent for it.
func (r fetchRequest) message(record *kafka.Record, end int64) (kafka.Message, error) {
	key, err := owned(record.Key)
	if err != nil {
		return kafka.Message{}, err
	}
	value, err := owned(record.Value)
	if err != nil {
		return kafka.Message{}, err
	}
	return kafka.Message{
		Topic: r.topic, Partition: r.partition, Offset: record.Offset, HighWaterMark: end,
		Key: key, Value: value, Headers: record.Headers, Time: record.Time,
	}, nil
}

func owned(b kafka.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	bytes, err := kafka.ReadAll(b)
	return bytes, errors.Join(err, b.Close())
}
