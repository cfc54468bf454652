package kafkapubsub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// DefaultSession is how long a group misses a member that says nothing before its partitions are given to others.
const DefaultSession = 10 * time.Second

// SubscriberConfig of a Subscriber or BatchSubscriber. Only Group needs thought.
type SubscriberConfig struct {
	// Group shares the partitions among all subscribers of that name, in all processes, and remembers
	// how far they came. The group in Kafka is called Group + "." + topic: were it Group alone, each
	// subscriber that joins for one topic would interrupt those of all topics. Empty: this subscriber
	// reads all partitions, from StartOffset, each time.
	Group string
	// StartOffset is where a partition begins that the group has not read yet: kafka.FirstOffset
	// (also 0) or kafka.LastOffset.
	StartOffset int64

	// MaxBatch is how many records a batch holds at most; 0 means 500. Subscriber ignores it.
	MaxBatch int
	// MaxBytes bounds one fetch of one partition; 0 means 512 KiB. Twice that is held at most,
	// beside the batch being handled: a slow handler costs lag, not memory.
	MaxBytes int
	// MaxWait is how long the broker holds an empty fetch; 0 means 4 s, which is the most. Data wakes
	// it at once, and so does Close: a shorter one only costs idle requests.
	MaxWait time.Duration

	// NackFrom and NackTo bound the pause before a nacked message comes again, which doubles each
	// time; 0 means 100 ms and 10 s.
	NackFrom, NackTo time.Duration
	// CommitEvery is how often the group's offsets are written; 0 means 500 ms. They are written
	// again when partitions are given up. Records after the last commit come again after a crash.
	CommitEvery time.Duration
	// WatchEvery is how often the number of partitions is looked at; 0 means 2 s.
	WatchEvery time.Duration
	// Heartbeat, Session and Rebalance are the group's times; 0 means 1 s, DefaultSession and 10 s. A member
	// that dies is missed after Session, one that leaves or joins is noticed within a Heartbeat.
	Heartbeat, Session, Rebalance time.Duration

	// Topic is what SubscribeInitialize makes; 0 partitions means 8.
	Topic TopicConfig
}

// TopicConfig is the shape of a topic to make.
type TopicConfig struct {
	Partitions int
	Configs    map[string]string // retention.bytes …
}

func (c SubscriberConfig) withDefaults() SubscriberConfig {
	or := func(d *time.Duration, standard time.Duration) {
		if *d <= 0 {
			*d = standard
		}
	}
	or(&c.MaxWait, 4*time.Second)
	c.MaxWait = min(c.MaxWait, 4*time.Second)
	or(&c.NackFrom, 100*time.Millisecond)
	or(&c.NackTo, 10*time.Second)
	or(&c.CommitEvery, 500*time.Millisecond)
	or(&c.WatchEvery, 2*time.Second)
	or(&c.Heartbeat, time.Second)
	or(&c.Session, DefaultSession)
	or(&c.Rebalance, 10*time.Second)
	if c.StartOffset == 0 {
		c.StartOffset = kafka.FirstOffset
	}
	if c.MaxBatch <= 0 {
		c.MaxBatch = 500
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 512 << 10
	}
	if c.Topic.Partitions <= 0 {
		c.Topic.Partitions = 8
	}
	return c
}

// Subscriber is Watermill's Subscriber on Kafka: one message per record. Each partition has one
// message in flight: its order holds, also after a nack, which brings the same message again.
// Partitions are delivered in parallel.
type Subscriber struct{ subscriber }

// BatchSubscriber is a Subscriber whose messages each stand for all that has arrived of one
// partition: 1 to MaxBatch records, never waiting for more. BatchOf has them. Ack: the next batch.
// Nack: the same records again, with what arrived meanwhile behind them.
type BatchSubscriber struct{ subscriber }

var (
	_ message.Subscriber           = (*Subscriber)(nil)
	_ message.SubscribeInitializer = (*Subscriber)(nil)
	_ message.Subscriber           = (*BatchSubscriber)(nil)
	_ message.SubscribeInitializer = (*BatchSubscriber)(nil)
)

// NewSubscriber makes a subscriber on the client's connections.
func NewSubscriber(client *Client, config SubscriberConfig) (*Subscriber, error) {
	config.MaxBatch = 1
	s := &Subscriber{}
	return s, s.init(client, config, func(records []kafka.Message) *message.Message { return Unmarshal(records[0]) })
}

// NewBatchSubscriber makes a batch subscriber on the client's connections.
func NewBatchSubscriber(client *Client, config SubscriberConfig) (*BatchSubscriber, error) {
	s := &BatchSubscriber{}
	return s, s.init(client, config, batchMessage)
}

// subscriber is what both kinds share: they differ in how many records become one message.
type subscriber struct {
	client  *Client
	config  SubscriberConfig
	message func([]kafka.Message) *message.Message

	life    context.Context // of all subscriptions; stop ends it
	stop    context.CancelFunc
	mutex   sync.Mutex
	closed  bool
	running sync.WaitGroup
}

func (s *subscriber) init(client *Client, config SubscriberConfig, build func([]kafka.Message) *message.Message) error {
	s.client, s.config, s.message = client, config.withDefaults(), build
	s.life, s.stop = context.WithCancel(context.Background())
	if s.config.StartOffset != kafka.FirstOffset && s.config.StartOffset != kafka.LastOffset {
		return fmt.Errorf("kafka subscriber: StartOffset is %d, want kafka.FirstOffset or kafka.LastOffset", config.StartOffset)
	}
	if s.config.Group == "" {
		return nil
	}
	check := s.groupConfig("any")
	if err := check.Validate(); err != nil {
		return fmt.Errorf("kafka subscriber of group %s: %w", s.config.Group, err)
	}
	return nil
}

// SubscribeInitialize makes the topic as the configuration says.
func (s *subscriber) SubscribeInitialize(topic string) error {
	ctx, cancel := context.WithTimeout(s.life, 30*time.Second)
	defer cancel()
	return s.client.EnsureTopic(ctx, topic, s.config.Topic.Partitions, s.config.Topic.Configs)
}

// Subscribe starts to read and returns at once; a topic that does not exist yet is waited for. The
// channel closes after ctx ended, or Close was called, and nothing is in flight any more.
func (s *subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed {
		return nil, fmt.Errorf("subscribe to topic %s: the subscriber is closed", topic)
	}
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(s.life, cancel)
	sub := &subscription{
		subscriber: s, topic: topic,
		out:   make(chan *message.Message),
		lasts: map[int]kafka.Message{},
	}
	s.running.Go(func() {
		defer close(sub.out)
		defer cancel()
		defer unhook()
		sub.run(ctx)
	})
	return sub.out, nil
}

// Close ends all subscriptions and waits for them; with a group it leaves it. Messages in flight are
// not waited for: their contexts end. Closing twice is no error.
func (s *subscriber) Close() error {
	s.mutex.Lock()
	s.closed = true
	s.mutex.Unlock()
	s.stop()
	s.running.Wait()
	return nil
}

func (s *subscriber) groupConfig(topic string) kafka.ConsumerGroupConfig {
	return kafka.ConsumerGroupConfig{
		ID: s.config.Group + "." + topic, Topics: []string{topic},
		Brokers: s.client.brokers, Dialer: s.client.dialer,
		HeartbeatInterval: s.config.Heartbeat, SessionTimeout: s.config.Session, RebalanceTimeout: s.config.Rebalance,
		JoinGroupBackoff: time.Second, StartOffset: s.config.StartOffset,
	}
}

// subscription is one Subscribe.
type subscription struct {
	*subscriber
	topic string
	out   chan *message.Message

	known int // partitions when we last looked, 0 if the topic was missing; for one goroutine at a time

	lastsMutex sync.Mutex
	lasts      map[int]kafka.Message // the last acknowledged record of each partition, over generations
}

func (s *subscription) run(ctx context.Context) {
	// A group that joins before the topic exists would get nothing and not be told.
	for s.known = s.look(ctx); s.known == 0; s.known = s.look(ctx) {
		if !sleep(ctx, min(s.config.WatchEvery, time.Second)) {
			return
		}
	}
	if s.config.Group == "" {
		s.readAll(ctx)
		return
	}
	s.readShare(ctx)
}

// look returns the number of partitions, 0 if the topic does not exist, or what it was if that can't be told.
func (s *subscription) look(ctx context.Context) int {
	n, err := s.client.Partitions(ctx, s.topic)
	switch {
	case err == nil:
		return n
	case IsUnknownTopic(err):
		return 0
	}
	return s.known
}

// readAll reads every partition, also those that are added later.
func (s *subscription) readAll(ctx context.Context) {
	var readers sync.WaitGroup
	defer readers.Wait()
	start, started := s.config.StartOffset, 0
	for {
		for ; started < s.known; started++ {
			partition, offset := started, start
			readers.Go(func() { s.partition(ctx, partition, offset, func(int64) {}) })
		}
		// What is added later is new: all of it was written after we began.
		start = kafka.FirstOffset
		if !sleep(ctx, s.config.WatchEvery) {
			return
		}
		s.known = s.look(ctx)
	}
}

// readShare joins the group and reads the partitions it is given, generation after generation.
//
// The group is closed only within a generation, or right after an error, when kafka-go is no member:
// closed while it joins, and the broker starts another rebalance just then, it goes without leaving,
// and the whole group waits for the dead member's session to run out.
func (s *subscription) readShare(ctx context.Context) {
	group, err := kafka.NewConsumerGroup(s.groupConfig(s.topic))
	if err != nil {
		panic(fmt.Sprintf("kafka: group configuration was validated: %v", err))
	}
	var burials sync.WaitGroup
	defer burials.Wait()
	// They go on while ctx has ended and the group is still joining: behind a ghost that takes long.
	burial, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer group.Close()
	wait := newPause(100*time.Millisecond, 2*time.Second)
	failing, member := false, ""
	for {
		generation, err := group.Next(context.WithoutCancel(ctx))
		switch {
		case errors.Is(err, kafka.RebalanceInProgress):
			// Still a member; it joins again at once.
		case err != nil && ctx.Err() != nil:
			return
		case err != nil:
			// Around a restart or an election brokers answer many things; all of them pass.
			level := slog.LevelDebug
			if !failing {
				level = slog.LevelWarn
			}
			failing = true
			s.client.log.Log(ctx, level, "kafka: joining the group fails, trying again", "group", s.config.Group, "topic", s.topic, "error", err)
			if member != "" {
				ghost := member
				burials.Go(func() { s.bury(burial, ghost) })
				member = ""
			}
			wait.wait(ctx)
		default:
			member = generation.MemberID
			failing = false
			wait.Reset()
			s.client.metrics.generations.Add(ctx, 1, metric.WithAttributes(s.attributes()...))
			if s.generation(ctx, generation) {
				return
			}
		}
	}
}

// bury says that a member has left. After an error kafka-go joins as a new member, and it could not
// take leave for the old one if that error was that no broker answered: the group would wait for the
// dead member's session to run out.
func (s *subscription) bury(ctx context.Context, member string) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Session)
	defer cancel()
	wait := newPause(50*time.Millisecond, 500*time.Millisecond)
	for {
		res, err := s.client.kafka.LeaveGroup(ctx, &kafka.LeaveGroupRequest{
			GroupID: s.groupConfig(s.topic).ID, Members: []kafka.LeaveGroupRequestMember{{ID: member}},
		})
		if err == nil {
			err = res.Error
		}
		if err == nil || !transient(err) || !wait.wait(ctx) {
			return // left, or unknown already, or its session is over
		}
	}
}

// generation starts a reader for each partition, the committer, and the watch, and returns when the
// generation ends (false) or ctx does (true: then it still runs). All of them end with the
// generation; as long as one does not, nobody in the group gets on.
func (s *subscription) generation(ctx context.Context, g *kafka.Generation) (leave bool) {
	c := &commits{generation: g, topic: s.topic, client: s.client}
	assigned := g.Assignments[s.topic]
	c.readers.Add(len(assigned))
	for _, a := range assigned {
		g.Start(func(ended context.Context) {
			defer c.readers.Done()
			// The subscriber's values, but not its end: that comes through the group's Close, or the
			// member would join again before it leaves.
			ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
			defer cancel()
			defer context.AfterFunc(ended, cancel)()
			s.partition(ctx, a.ID, a.Offset, func(next int64) { c.add(a.ID, next) })
		})
	}
	g.Start(func(ended context.Context) { c.run(ended, s.config.CommitEvery) })
	g.Start(s.watch)

	over := make(chan struct{})
	g.Start(func(ended context.Context) {
		<-ended.Done()
		close(over)
	})
	select {
	case <-over:
		return false
	case <-ctx.Done():
	}
	select {
	case <-over:
		return false
	default:
		return true
	}
}

// watch ends the generation when the number of partitions has changed since before it was formed, so
// that the group shares them out anew. kafka-go's own watch takes its first look after the leader's,
// and misses what was added in between; and while a topic is missing it ends each generation at once.
func (s *subscription) watch(ended context.Context) {
	for sleep(ended, s.config.WatchEvery) {
		before := s.known
		s.known = s.look(ended)
		if s.known != 0 && s.known != before {
			s.client.log.Info("kafka: the number of partitions has changed", "topic", s.topic, "from", before, "to", s.known)
			return
		}
	}
}

func (s *subscription) attributes() []attribute.KeyValue {
	return append(topicAttributes(s.topic), attribute.String("messaging.consumer.group.name", s.config.Group))
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// partition reads one partition and hands it over, message by message, until ctx ends.
func (s *subscription) partition(ctx context.Context, partition int, offset int64, acked func(next int64)) {
	reader := &partitionReader{
		client: s.client, topic: s.topic, partition: partition,
		maxBytes: s.config.MaxBytes, maxWait: s.config.MaxWait,
		offset: offset, last: s.lastOf(partition), doubt: true,
	}
	arriving := make(chan []kafka.Message)
	var reading sync.WaitGroup
	reading.Go(func() { reader.run(ctx, arriving) })
	defer reading.Wait()

	nacks := newPause(s.config.NackFrom, s.config.NackTo)
	var held []kafka.Message
	for {
		held = s.take(ctx, held, arriving)
		if len(held) == 0 {
			return
		}
		n := min(len(held), s.config.MaxBatch)
		switch s.deliver(ctx, held[:n:n]) {
		case deliveryAcked:
			last := held[n-1]
			s.keepLast(partition, last)
			acked(last.Offset + 1)
			nacks.Reset()
			held = held[n:]
		case deliveryNacked:
			nacks.wait(ctx)
		case deliveryEnded:
			return
		}
	}
}

// take adds all that has arrived to what is held, up to a batch; with nothing held it waits for
// something. Nothing is held after it: ctx has ended.
func (s *subscription) take(ctx context.Context, held []kafka.Message, arriving <-chan []kafka.Message) []kafka.Message {
	if len(held) == 0 {
		select {
		case held = <-arriving:
		case <-ctx.Done():
			return nil
		}
	}
	for len(held) < s.config.MaxBatch {
		select {
		case more := <-arriving:
			held = append(held, more...)
		default:
			return held
		}
	}
	return held
}

type deliveryResult int

const (
	deliveryEnded deliveryResult = iota
	deliveryAcked
	deliveryNacked
)

// deliver hands records over as one message and waits for its answer. The message's context ends
// with the answer, or with ctx.
func (s *subscription) deliver(ctx context.Context, records []kafka.Message) deliveryResult {
	if ctx.Err() != nil { // the select below would choose either way
		return deliveryEnded
	}
	last := records[len(records)-1]
	s.lag(ctx, last, last.Offset+1)

	msg := s.message(records)
	own, cancel := context.WithCancel(context.WithValue(ctx, deliveryKey{}, delivery{
		topic: s.topic, group: s.config.Group, partition: last.Partition, records: records, generation: ctx,
	}))
	defer cancel()
	msg.SetContext(own)
	select {
	case s.out <- msg:
	case <-ctx.Done():
		return deliveryEnded
	}
	select {
	case <-msg.Acked():
		return deliveryAcked
	case <-msg.Nacked():
		s.lag(ctx, last, records[0].Offset) // they are still to be handled
		return deliveryNacked
	case <-ctx.Done():
	}
	select {
	case <-msg.Acked(): // in the same moment: worth committing
		return deliveryAcked
	default:
		return deliveryEnded
	}
}

// lag tells how many records of a partition there are from an offset on.
func (s *subscription) lag(ctx context.Context, last kafka.Message, from int64) {
	s.client.metrics.lag.Record(ctx, max(0, last.HighWaterMark-from), metric.WithAttributes(
		append(s.attributes(), attribute.Int("messaging.destination.partition.id", last.Partition))...))
}

func (s *subscription) keepLast(partition int, m kafka.Message) {
	s.lastsMutex.Lock()
	defer s.lastsMutex.Unlock()
	s.lasts[partition] = m
}

func (s *subscription) lastOf(partition int) kafka.Message {
	s.lastsMutex.Lock()
	defer s.lastsMutex.Unlock()
	return s.lasts[partition]
}
