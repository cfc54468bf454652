package kafkapubsub

import (
	"context"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// commits writes a generation's acknowledged offsets to the group: now and then, and once more when
// all its readers have ended. They are a hint where to begin, so a failure costs a second reading,
// which the next commit or the next owner makes up for.
type commits struct {
	generation *kafka.Generation
	topic      string
	client     *Client
	readers    sync.WaitGroup

	mutex   sync.Mutex
	pending map[int]int64
}

// add notes the offset that the partition's next reader begins with.
func (c *commits) add(partition int, next int64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.pending == nil {
		c.pending = map[int]int64{}
	}
	c.pending[partition] = next
}

func (c *commits) run(ended context.Context, every time.Duration) {
	for sleep(ended, every) {
		c.write()
	}
	c.readers.Wait()
	c.write()
}

func (c *commits) write() {
	c.mutex.Lock()
	offsets := c.pending
	c.pending = nil
	c.mutex.Unlock()
	if len(offsets) == 0 {
		return
	}
	if err := c.generation.CommitOffsets(map[string]map[int]int64{c.topic: offsets}); err != nil {
		c.client.log.Debug("kafka: offsets were not committed", "group", c.generation.GroupID, "error", err)
	}
}
