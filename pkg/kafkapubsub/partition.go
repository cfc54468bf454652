package kafkapubsub

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/metric"
)

// partitionReader fetches one partition, from an offset on, for as long as its context lives.
//
// It asks with Client.Fetch and not with kafka.Reader: a Reader whose topic was deleted and made
// again between two of its fetches waits in silence until the new topic has grown past the old
// offset, and it has no way to take what has arrived without waiting for more.
type partitionReader struct {
	client    *Client
	topic     string
	partition int
	maxBytes  int
	maxWait   time.Duration

	offset int64         // to ask for next; may be kafka.FirstOffset or kafka.LastOffset
	last   kafka.Message // the record before offset, if it was read here
	doubt  bool          // the topic may have been made again: look whether last is still there
}

// run sends what arrives to out, which has one reader. It returns when ctx ends.
func (r *partitionReader) run(ctx context.Context, out chan<- []kafka.Message) {
	wait := newPause(50*time.Millisecond, time.Second)
	failing := false
	for ctx.Err() == nil {
		records, err := r.read(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			// One line when it starts to fail, not one for each try while a broker is away.
			if !failing {
				r.client.log.Warn("kafka: reading fails, trying again", "topic", r.topic, "partition", r.partition, "offset", r.offset, "error", err)
			}
			failing = true
			r.client.metrics.fetchErrors.Add(ctx, 1, metric.WithAttributes(topicAttributes(r.topic)...))
			r.doubt = r.doubt || IsUnknownTopic(err)
			wait.wait(ctx)
			continue
		}
		if failing {
			r.client.log.Info("kafka: reading again", "topic", r.topic, "partition", r.partition, "offset", r.offset)
			failing = false
			wait.Reset()
		}
		if len(records) == 0 {
			continue
		}
		select {
		case out <- records:
		case <-ctx.Done():
			return
		}
	}
}

// read makes one step: find the offset, or look whether the topic is still the same one, or fetch.
func (r *partitionReader) read(ctx context.Context) ([]kafka.Message, error) {
	switch {
	case r.offset < 0:
		bounds, err := r.client.bounds(ctx, r.topic, r.partition)
		if err != nil {
			return nil, err
		}
		if r.offset == kafka.LastOffset {
			r.offset = bounds[0].LastOffset
		} else {
			r.offset = bounds[0].FirstOffset
		}
		return nil, nil
	case r.doubt:
		return nil, r.resolveDoubt(ctx)
	}
	got, err := r.client.fetch(ctx, fetchRequest{r.topic, r.partition, r.offset, r.maxBytes, r.maxWait})
	if errors.Is(err, kafka.OffsetOutOfRange) {
		// Retention removed it, or the topic was made again and is shorter: all that is there is new.
		r.restart(ctx)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.offset = got.next
	if n := len(got.records); n > 0 {
		r.last = got.records[n-1]
	}
	return got.records, nil
}

// resolveDoubt reads the last record again. In a topic that was deleted and made again, and has grown
// past our offset meanwhile, there is another record in its place, and no error would ever tell.
func (r *partitionReader) resolveDoubt(ctx context.Context) error {
	if r.last.Time.IsZero() || r.last.Offset+1 != r.offset {
		r.doubt = false // nothing to compare with
		return nil
	}
	got, err := r.client.fetch(ctx, fetchRequest{r.topic, r.partition, r.last.Offset, 1, time.Millisecond})
	switch {
	case errors.Is(err, kafka.OffsetOutOfRange):
	case err != nil:
		return err
	case got.end >= r.offset && (len(got.records) == 0 || same(got.records[0], r.last)):
		r.doubt = false
		return nil
	}
	r.restart(ctx)
	return nil
}

func same(a, b kafka.Message) bool {
	return a.Offset == b.Offset && a.Time.Equal(b.Time) && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
}

// restart goes back to the first record there is.
func (r *partitionReader) restart(ctx context.Context) {
	r.client.log.Warn("kafka: the offset is not there any more, reading the partition from its start",
		"topic", r.topic, "partition", r.partition, "offset", r.offset)
	r.client.metrics.resets.Add(ctx, 1, metric.WithAttributes(topicAttributes(r.topic)...))
	r.offset, r.last, r.doubt = kafka.FirstOffset, kafka.Message{}, false
}
