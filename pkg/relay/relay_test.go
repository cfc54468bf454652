package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"
	"pgregory.net/rapid"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/eventlog/memlog"
	"github.com/evenkeel/evenkeel/pkg/membroker"
	"github.com/evenkeel/evenkeel/pkg/relay"
	"github.com/evenkeel/evenkeel/pkg/wire"
)

const (
	topicName = "evenkeel.claims.events"
	firstBeat = time.Second // after the last event
)

var tenant = uuid.MustParse("018f2f5e-0000-7000-8000-0000000000aa")

// world is one log, one broker, and a clock that only the test moves.
type world struct {
	t      fataler
	log    *memlog.Log
	broker *membroker.Broker
	now    time.Time
}

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Context() context.Context
}

func newWorld(t fataler) *world {
	return &world{t: t, log: memlog.New("claims"), broker: membroker.New(membroker.Faults{}), now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
}

func (w *world) relay(change ...func(*relay.Options)) *relay.Relay {
	w.t.Helper()
	o := relay.Options{
		Service: "claims", Log: w.log, Topic: w.broker.Topic(topicName), Partitions: 4, Batch: 40,
		Now: func() time.Time { return w.now }, Logger: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(&o)
	}
	r, err := relay.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// append adds one event to each of the streams.
func (w *world) append(streams ...string) {
	w.t.Helper()
	appendTo(w.t, w.log, streams...)
}

func appendTo(t fataler, log eventlog.Log, streams ...string) {
	t.Helper()
	var u eventlog.Unit
	for _, s := range streams {
		u.Appends = append(u.Appends, eventlog.Append{
			StreamKey: eventlog.StreamKey{Tenant: tenant, Stream: s}, Expect: eventlog.AnyVersion,
			Events: []eventlog.Pending{{Record: &platformv1.StoredEvent{
				EventId: uuid.NewString(), TenantId: tenant.String(), Stream: s, Type: "evenkeel.claims.v1.ClaimSubmitted", Schema: 1, OccurredOn: "2026-03-02", Clear: make([]byte, 300), CorrelationId: uuid.NewString(), Actor: "test",
			}}},
		})
	}
	if _, err := log.Append(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

// spread are n streams, so many that most slots have one.
func spread(n int) (streams []string) {
	for i := range n {
		streams = append(streams, fmt.Sprintf("claim/clm_%d", i))
	}
	return streams
}

// inPartition is a stream whose events go to the partition.
func inPartition(p, partitions int) string {
	for _, s := range spread(10_000) {
		if wire.Partition(int32(es.Slot(tenant, s)), partitions) == p {
			return s
		}
	}
	panic("no stream for the partition")
}

// drain steps until nothing is left to publish.
func (w *world) drain(r *relay.Relay) (published int) {
	w.t.Helper()
	for range 1000 {
		n, err := r.Step(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if n == 0 {
			return published
		}
		published += n
	}
	w.t.Fatal("the relay publishes for ever")
	return 0
}

func (w *world) head() eventlog.Head {
	w.t.Helper()
	h, err := w.log.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// messages are all that a partition holds; the broker must have no faults.
func (w *world) messages(p int) []kafka.Message {
	w.t.Helper()
	all, err := w.broker.Fetch(topicName, p, w.broker.First(topicName, p), 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *world) content(m kafka.Message) wire.Content {
	w.t.Helper()
	c, err := wire.Decode(m)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// positions of the events that a partition holds, in its order.
func (w *world) positions(p int) (all []int64) {
	w.t.Helper()
	for _, m := range w.messages(p) {
		if e := w.content(m).Event; e != nil {
			all = append(all, e.Position)
		}
	}
	return all
}

// chained fails if a partition, read from its start, has an event whose previous one in the slot did not come before. It returns how many different events there are.
func (w *world) chained() (distinct int) {
	w.t.Helper()
	for p := range w.broker.Partitions(topicName) {
		var high [es.Slots]int64
		for _, m := range w.messages(p) {
			c := w.content(m)
			if c.Heartbeat != nil {
				for slot, last := range c.Heartbeat.LastBySlot {
					if last > high[slot] {
						w.t.Fatalf("partition %d offset %d: a heartbeat says slot %d ends at %d, the partition has only %d", p, m.Offset, slot, last, high[slot])
					}
				}
				continue
			}
			e := c.Event
			if want := wire.Partition(e.Slot, w.broker.Partitions(topicName)); want != p {
				w.t.Fatalf("slot %d is in partition %d, want %d", e.Slot, p, want)
			}
			if e.Previous > high[e.Slot] {
				w.t.Fatalf("partition %d offset %d: position %d of slot %d follows %d, the partition has only %d", p, m.Offset, e.Position, e.Slot, e.Previous, high[e.Slot])
			}
			if e.Position > high[e.Slot] {
				high[e.Slot] = e.Position
				distinct++
			}
		}
	}
	return distinct
}

// consumer follows the rule of the chain. Its offsets outlive the topic, as a real one's do.
type consumer struct {
	w       *world
	ask     func(*platformv1.ReplayRequested) // nil: it waits at a hole instead
	offsets map[int]int64
	high    [es.Slots]int64
	handled []int64 // positions, in the order in which they had their effect
	held    int
	asked   int
}

// take fetches once from a partition.
func (c *consumer) take(p, limit int) {
	if c.offsets == nil {
		c.offsets = map[int]int64{}
	}
	found, err := c.w.broker.Fetch(topicName, p, c.offsets[p], limit)
	switch {
	case errors.Is(err, kafka.UnknownTopicOrPartition):
		return
	case errors.Is(err, kafka.OffsetOutOfRange):
		c.offsets[p] = c.w.broker.First(topicName, p)
		return
	case err != nil:
		c.w.t.Fatal(err)
	}
	for _, m := range found {
		content := c.w.content(m)
		if e := content.Event; e != nil && e.Position > c.high[e.Slot] {
			switch {
			case e.Previous <= c.high[e.Slot]:
				c.high[e.Slot] = e.Position
				c.handled = append(c.handled, e.Position)
			case c.ask == nil:
				c.held++
				return
			default:
				c.missing(e.Slot)
			}
		}
		if h := content.Heartbeat; h != nil && c.ask != nil {
			for _, slot := range slices.Sorted(maps.Keys(h.LastBySlot)) {
				if h.LastBySlot[slot] > c.high[slot] {
					c.missing(slot)
				}
			}
		}
		c.offsets[p] = m.Offset + 1
	}
}

func (c *consumer) missing(slot int32) {
	c.asked++
	c.ask(&platformv1.ReplayRequested{Source: "claims", Slot: slot, After: c.high[slot], Consumer: "posting"})
}

func (c *consumer) takeAll() {
	for p := range c.w.broker.Partitions(topicName) {
		c.take(p, 1<<20)
	}
}

// complete fails unless each event of the log had its effect once, those of a slot in the log's order.
func (c *consumer) complete() {
	c.w.t.Helper()
	log, err := c.w.log.Read(c.w.t.Context(), 0, 1<<20)
	if err != nil {
		c.w.t.Fatal(err)
	}
	if len(c.handled) != len(log) {
		c.w.t.Fatalf("%d events were handled, the log has %d", len(c.handled), len(log))
	}
	var high [es.Slots]int64
	for _, position := range c.handled {
		e := log[position-1]
		if e.Previous != high[e.Slot] {
			c.w.t.Fatalf("position %d of slot %d was handled after %d, want after %d", position, e.Slot, high[e.Slot], e.Previous)
		}
		high[e.Slot] = position
	}
}

func drawFaults(t *rapid.T, random *rand.Rand) membroker.Faults {
	rate := rapid.SampledFrom([]float64{0, 0, .1, .5, .9})
	return membroker.Faults{
		Rand: random, Lost: rate.Draw(t, "lost"), Unknown: rate.Draw(t, "unknown"), Repeated: rate.Draw(t, "repeated"),
		Late: rate.Draw(t, "late"), Rewound: rate.Draw(t, "rewound"),
	}
}

// quietly looks at the broker without its faults.
func (w *world) quietly(faults membroker.Faults, look func()) {
	w.broker.SetFaults(membroker.Faults{})
	look()
	w.broker.SetFaults(faults)
}

// Lost requests, lost answers, repeats, restarts and two relays at once: at every moment each partition has a complete chain, and at the end everything.
func TestEveryInterleaving(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		faults := drawFaults(t, random)
		w.broker.SetFaults(faults)
		relays := []*relay.Relay{w.relay(), w.relay()}
		either := rapid.IntRange(0, 1)
		c := &consumer{w: w}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				w.append(rapid.SliceOfN(rapid.SampledFrom(spread(60)), 1, 60).Draw(t, "streams")...)
			},
			"step":    func(t *rapid.T) { _, _ = relays[either.Draw(t, "relay")].Step(t.Context()) },
			"restart": func(t *rapid.T) { relays[either.Draw(t, "relay")] = w.relay() },
			"wait":    func(t *rapid.T) { w.now = w.now.Add(time.Duration(rapid.IntRange(-2, 12).Draw(t, "s")) * time.Second) },
			"replay": func(t *rapid.T) {
				slot := es.Slot(tenant, rapid.SampledFrom(spread(60)).Draw(t, "stream"))
				ask := &platformv1.ReplayRequested{Source: "claims", Slot: int32(slot), After: rapid.Int64Range(0, w.head().Position).Draw(t, "after")}
				// From a position that the consumer has handled, as every request is.
				if ask.After > c.high[slot] {
					ask.After = c.high[slot]
				}
				if err := relays[either.Draw(t, "relay")].Replay(t.Context(), ask); err != nil {
					t.Fatal(err)
				}
			},
			"consume": func(t *rapid.T) {
				c.take(rapid.IntRange(0, 3).Draw(t, "partition"), rapid.IntRange(1, 50).Draw(t, "limit"))
			},
			"faults": func(t *rapid.T) {
				faults = drawFaults(t, random)
				w.broker.SetFaults(faults)
			},
			"": func(t *rapid.T) { w.quietly(faults, func() { w.chained() }) },
		})
		w.broker.SetFaults(membroker.Faults{})
		for _, r := range relays {
			w.drain(r)
		}
		if got, want := int64(w.chained()), w.head().Position; got != want {
			t.Fatalf("the topic has %d different events, the log %d", got, want)
		}
		for range 3 {
			c.takeAll()
		}
		if c.held > 0 {
			t.Fatalf("the consumer met a hole %d times", c.held)
		}
		c.complete()
	})
}

// All that, and topics that lose their tails, their heads or everything, and get more partitions: a consumer that was there all the time, and one that comes afterwards, get
// everything once and in order.
func TestEveryDisaster(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		w.broker.SetFaults(drawFaults(t, random))
		relays := []*relay.Relay{w.relay(), w.relay()}
		either := rapid.IntRange(0, 1)
		ask := func(r *platformv1.ReplayRequested) {
			if err := relays[0].Replay(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		c := &consumer{w: w, ask: ask}
		partition := rapid.IntRange(0, 15)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				w.append(rapid.SliceOfN(rapid.SampledFrom(spread(60)), 1, 60).Draw(t, "streams")...)
			},
			"step":    func(t *rapid.T) { _, _ = relays[either.Draw(t, "relay")].Step(t.Context()) },
			"step on": func(t *rapid.T) { _, _ = relays[either.Draw(t, "relay")].Step(t.Context()) },
			"restart": func(t *rapid.T) { relays[either.Draw(t, "relay")] = w.relay() },
			"wait":    func(t *rapid.T) { w.now = w.now.Add(time.Duration(rapid.IntRange(-2, 12).Draw(t, "s")) * time.Second) },
			"consume": func(t *rapid.T) { c.take(partition.Draw(t, "partition"), rapid.IntRange(1, 50).Draw(t, "limit")) },
			"lose tail": func(t *rapid.T) {
				w.broker.DropTail(topicName, partition.Draw(t, "partition"), rapid.IntRange(1, 60).Draw(t, "n"))
			},
			"retention": func(t *rapid.T) {
				w.broker.DropHead(topicName, partition.Draw(t, "partition"), rapid.IntRange(1, 60).Draw(t, "n"))
			},
			"delete":       func(*rapid.T) { w.broker.Delete(topicName) },
			"delete, make": func(*rapid.T) { w.broker.Delete(topicName); w.broker.Grow(topicName, 4) },
			"grow": func(t *rapid.T) {
				if n := w.broker.Partitions(topicName); n > 0 && n < 16 {
					w.broker.Grow(topicName, 2*n)
				}
			},
			"faults": func(t *rapid.T) { w.broker.SetFaults(drawFaults(t, random)) },
		})
		w.broker.SetFaults(membroker.Faults{})
		late := &consumer{w: w, ask: ask}
		for range 100 {
			w.now = w.now.Add(33 * time.Second)
			for _, r := range relays {
				w.drain(r)
			}
			c.takeAll()
			late.takeAll()
			if want := int(w.head().Position); len(c.handled) == want && len(late.handled) == want {
				break
			}
		}
		c.complete()
		late.complete()
	})
}

func TestALostTopicIsWholeAgain(t *testing.T) {
	w := newWorld(t)
	r := w.relay()
	for range 5 {
		w.append(spread(100)...)
	}
	if got := w.drain(r); got != 500 {
		t.Fatalf("%d events were published, want 500", got)
	}
	w.broker.Delete(topicName)
	if got := w.drain(r); got != 500 {
		t.Errorf("%d events were published again, want 500", got)
	}
	if got := w.chained(); got != 500 {
		t.Errorf("the topic has %d of 500 events", got)
	}
	if got := r.Position(); got != 500 {
		t.Errorf("the relay's position is %d", got)
	}
}

// The topic is deleted and made again behind the relay's back: the next answer shows it, without waiting for the check.
func TestATopicThatWasMadeAgainIsNoticedByTheNextAnswer(t *testing.T) {
	w := newWorld(t)
	r := w.relay()
	w.append(spread(100)...)
	w.drain(r)
	w.broker.Delete(topicName)
	w.broker.Grow(topicName, 4)
	w.append(spread(100)...)
	w.drain(r)
	distinct := map[int64]bool{}
	for p := range 4 {
		for _, position := range w.positions(p) {
			distinct[position] = true
		}
	}
	if len(distinct) != 200 {
		t.Errorf("the topic has %d of 200 events", len(distinct))
	}
}

func TestALostTailIsPublishedAgain(t *testing.T) {
	const partition = 2
	start := func(t *testing.T, rounds, lose int) (w *world, r *relay.Relay, before [4][]int64) {
		w = newWorld(t)
		r = w.relay()
		for range rounds {
			w.append(spread(40)...)
			w.drain(r)
		}
		for p := range before {
			before[p] = w.positions(p)
		}
		w.broker.DropTail(topicName, partition, lose)
		return w, r, before
	}
	others := func(t *testing.T, w *world, before [4][]int64) {
		t.Helper()
		for p := range before {
			if got := w.positions(p); p != partition && !slices.Equal(got, before[p]) {
				t.Errorf("partition %d, which lost nothing, has %v, want %v", p, got, before[p])
			}
		}
	}

	t.Run("at the next check, from what the partition holds", func(t *testing.T) {
		w, r, before := start(t, 10, 30)
		w.drain(r)
		if got := w.positions(partition); len(got) >= len(before[partition]) {
			t.Errorf("it was published again before the check was due")
		}
		w.now = w.now.Add(10 * time.Second)
		w.drain(r)
		if got := w.positions(partition); !slices.Equal(got, before[partition]) {
			t.Errorf("the partition has %v, want %v", got, before[partition])
		}
		others(t, w, before)
	})
	t.Run("by a relay that starts", func(t *testing.T) {
		w, _, before := start(t, 10, 30)
		w.drain(w.relay())
		if got := w.positions(partition); !slices.Equal(got, before[partition]) {
			t.Errorf("the partition has %v, want %v", got, before[partition])
		}
		others(t, w, before)
	})
	t.Run("by the next answer, from what the relay remembers", func(t *testing.T) {
		type loss struct{ rounds, lose int }
		losses := []loss{{100, 17}, {100, 300}, {100, 551}, {100, 777}, {100, 1000}} // a relay doesn't remember all of a hundred requests
		for lose := 1; lose < 60; lose++ {
			losses = append(losses, loss{10, lose})
		}
		for _, l := range losses {
			w, r, before := start(t, l.rounds, l.lose)
			w.append(inPartition(partition, 4))
			w.drain(r)
			c := &consumer{w: w, ask: func(*platformv1.ReplayRequested) {}}
			c.takeAll()
			c.complete()
			if got, all := len(w.positions(partition)), len(before[partition]); l.rounds == 10 && got > all+l.lose+40 {
				t.Errorf("%d of %d events were lost, and the partition has %d now: too much was published again", l.lose, all, got)
			}
			others(t, w, before)
		}
	})
	t.Run("also where what is missing is far ahead", func(t *testing.T) {
		w := newWorld(t)
		r := w.relay()
		w.append(inPartition(partition, 4))
		for range 300 {
			w.append(inPartition(partition+1, 4))
		}
		w.append(inPartition(partition, 4))
		w.drain(r)
		w.broker.DropTail(topicName, partition, 1)
		w.now = w.now.Add(10 * time.Second)
		w.drain(r)
		if got := w.positions(partition); !slices.Equal(got, []int64{1, 302}) {
			t.Errorf("the partition has %v", got)
		}
		w.chained()
	})
}

func TestARelayThatStartsGoesOnWhereTheLastOneEnded(t *testing.T) {
	w := newWorld(t)
	w.append(spread(100)...)
	w.drain(w.relay())
	w.append(spread(3)...)
	r := w.relay()
	if got := w.drain(r); got != 3 {
		t.Errorf("%d events were published, want the 3 new ones", got)
	}
	if got := r.Position(); got != 103 {
		t.Errorf("the relay's position is %d, want 103", got)
	}
}

// A consumer that only waits at holes, and is behind, loses nothing while the partitions double twice under it.
func TestPartitionsGrowUnderLoad(t *testing.T) {
	w := newWorld(t)
	r := w.relay()
	c := &consumer{w: w}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		switch i {
		case 100:
			w.broker.Grow(topicName, 8)
		case 200:
			w.broker.Grow(topicName, 16)
		}
		w.append(spread(40)[random.IntN(20):]...)
		if _, err := r.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.take(random.IntN(16), 20)
	}
	w.drain(r)
	for range 20 {
		c.takeAll()
	}
	c.complete()
	if c.held == 0 {
		t.Error("the consumer never met an event before its predecessor: the test shows nothing")
	}
	for p := range 16 {
		if len(w.positions(p)) == 0 {
			t.Errorf("partition %d got nothing", p)
		}
	}
	state, _, err := w.log.RelayState(t.Context(), topicName)
	if err != nil || state.Partitions != 16 || len(state.Acked) != 16 {
		t.Errorf("saved: %v (%v)", state, err)
	}
}

// A partition that is behind when the topic grows: what it misses goes to the new partitions too.
func TestPartitionsGrowWhileOneFails(t *testing.T) {
	w := newWorld(t)
	topic := &stubborn{Topic: w.broker.Topic(topicName), partition: 1, err: kafka.NotEnoughReplicas}
	r := w.relay(func(o *relay.Options) { o.Topic = topic })
	w.append(spread(40)...)
	if _, err := r.Step(t.Context()); err == nil {
		t.Fatal("the step did not fail")
	}
	w.broker.Grow(topicName, 8)
	topic.err = nil
	w.drain(r)
	c := &consumer{w: w}
	c.takeAll()
	c.complete()
}

// A topic that was made again with fewer partitions holds other slots in each, whatever its offsets say.
func TestATopicWithFewerPartitionsIsPublishedAgain(t *testing.T) {
	w := newWorld(t)
	r := w.relay()
	w.broker.Grow(topicName, 8)
	w.append(spread(100)...)
	w.drain(r)
	w.broker.Delete(topicName)
	w.broker.Grow(topicName, 4)
	beat, err := wire.EncodeHeartbeat(&platformv1.Heartbeat{Source: "claims", Epoch: 1})
	if err != nil {
		t.Fatal(err)
	}
	for p := range 4 {
		if _, err := w.broker.Topic(topicName).Produce(t.Context(), p, slices.Repeat([]kafka.Message{beat}, 100)); err != nil {
			t.Fatal(err)
		}
	}
	w.drain(r)
	if got := w.chained(); got != 100 {
		t.Errorf("the topic has %d of 100 events", got)
	}
}

// A new partition that nothing was sent to yet gets a heartbeat, so that its loss, and with it that of its slots' earlier events, can be seen.
func TestANewPartitionsSlotsAreWholeAgainToo(t *testing.T) {
	w := newWorld(t)
	r := w.relay()
	w.append(spread(100)...)
	w.drain(r)
	w.broker.Grow(topicName, 8)
	w.drain(r)
	w.broker.Delete(topicName)
	w.broker.Grow(topicName, 8)
	w.now = w.now.Add(10 * time.Second)
	w.drain(r)
	if got := w.chained(); got != 100 {
		t.Errorf("the topic has %d of 100 events", got)
	}
}

// The same, when the topic is made again so quickly that only offsets tell.
func TestANewPartitionForgetsNothing(t *testing.T) {
	w := newWorld(t)
	r := w.relay()
	w.append(spread(100)...)
	w.drain(r)
	w.broker.Grow(topicName, 8)
	w.append(inPartition(0, 8))
	w.drain(r)
	w.now = w.now.Add(firstBeat)
	w.drain(r)
	w.broker.Delete(topicName)
	w.broker.Grow(topicName, 8)
	for p := range 8 {
		w.append(inPartition(p, 8))
	}
	w.drain(r)
	c := &consumer{w: w, ask: func(*platformv1.ReplayRequested) {}}
	c.takeAll()
	c.complete()
}

// stubborn is a topic one of whose partitions fails.
type stubborn struct {
	relay.Topic
	partition int
	err       error
}

func (s *stubborn) Produce(ctx context.Context, partition int, messages []kafka.Message) (int64, error) {
	if partition == s.partition && s.err != nil {
		return -1, s.err
	}
	return s.Topic.Produce(ctx, partition, messages)
}

func TestAPartitionThatFailsDoesNotStopTheOthers(t *testing.T) {
	w := newWorld(t)
	topic := &stubborn{Topic: w.broker.Topic(topicName), partition: 1, err: kafka.NotEnoughReplicas}
	r := w.relay(func(o *relay.Options) { o.Topic = topic })
	for range 5 {
		w.append(spread(40)...)
		if _, err := r.Step(t.Context()); !errors.Is(err, kafka.NotEnoughReplicas) {
			t.Fatalf("the step's error is %v", err)
		}
	}
	for p := range 4 {
		got := w.positions(p)
		if p == 1 && len(got) > 0 {
			t.Errorf("partition 1 has %v", got)
		}
		if p != 1 && got[len(got)-1] < 150 {
			t.Errorf("partition %d ends at position %d: it waited", p, got[len(got)-1])
		}
	}
	if got := r.Position(); got != 0 {
		t.Errorf("the relay's position is %d, though partition 1 has nothing", got)
	}
	topic.err = nil
	w.drain(r)
	if got := w.chained(); got != 200 {
		t.Errorf("the topic has %d of 200 events", got)
	}
	for p := range 4 {
		if got := w.positions(p); !slices.IsSorted(got) || len(slices.Compact(got)) != len(w.positions(p)) {
			t.Errorf("partition %d has repeats: %v", p, got)
		}
	}
}

func TestReplay(t *testing.T) {
	const stream = "claim/clm_7"
	slot := int32(es.Slot(tenant, stream))
	p := wire.Partition(slot, 4)
	start := func(t *testing.T) (*world, *relay.Relay, func(after int64)) {
		w := newWorld(t)
		r := w.relay()
		for range 100 {
			w.append(stream, inPartition((p+1)%4, 4))
		}
		w.drain(r)
		return w, r, func(after int64) {
			if err := r.Replay(t.Context(), &platformv1.ReplayRequested{Source: "claims", Slot: slot, After: after, Consumer: "posting"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// odd are the positions of the stream: 1, 3 …
	odd := func(after int64) (all []int64) {
		for position := int64(1); position < 200; position += 2 {
			if position > after {
				all = append(all, position)
			}
		}
		return all
	}
	t.Run("publishes the slot again, after the position", func(t *testing.T) {
		w, r, ask := start(t)
		ask(141)
		w.drain(r)
		if got, want := w.positions(p), append(odd(0), odd(141)...); !slices.Equal(got, want) {
			t.Errorf("the partition has %v, want %v", got, want)
		}
		if got := w.drain(r); got != 0 {
			t.Errorf("%d more are published", got)
		}
	})
	t.Run("requests are merged", func(t *testing.T) {
		w, r, ask := start(t)
		ask(181)
		ask(141)
		ask(191)
		w.drain(r)
		if got, want := w.positions(p), append(odd(0), odd(141)...); !slices.Equal(got, want) {
			t.Errorf("the partition has %v, want %v", got, want)
		}
	})
	t.Run("a request while it runs is merged, one from further back begins again", func(t *testing.T) {
		w, r, ask := start(t)
		ask(101) // 49 events, in two steps
		if n, err := r.Step(t.Context()); err != nil || n != 40 {
			t.Fatalf("the first step published %d (%v)", n, err)
		}
		ask(121)
		if n := w.drain(r); n != 9 {
			t.Errorf("the rest is %d events, want 9", n)
		}
		ask(101)
		if _, err := r.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		ask(99)
		if n := w.drain(r); n != 50 {
			t.Errorf("begun again it is %d events, want 50", n)
		}
	})
	t.Run("a failed one is tried again", func(t *testing.T) {
		w, r, ask := start(t)
		w.broker.SetFaults(membroker.Faults{Rand: rand.New(rand.NewPCG(1, 1)), Unknown: 1})
		ask(191)
		if _, err := r.Step(t.Context()); err == nil {
			t.Fatal("the step did not fail")
		}
		w.broker.SetFaults(membroker.Faults{})
		w.drain(r)
		if got, want := w.positions(p), slices.Concat(odd(0), odd(191), odd(191)); !slices.Equal(got, want) {
			t.Errorf("the partition has %v, want %v", got, want)
		}
	})
	t.Run("new events are not published twice", func(t *testing.T) {
		w, r, ask := start(t)
		w.append(stream)
		ask(199)
		if n := w.drain(r); n != 1 {
			t.Errorf("%d events were published, want the new one", n)
		}
	})
	t.Run("another service's is not ours, an impossible one is refused", func(t *testing.T) {
		w, r, _ := start(t)
		if err := r.Replay(t.Context(), &platformv1.ReplayRequested{Source: "posting", Slot: slot}); err != nil {
			t.Error(err)
		}
		for _, ask := range []*platformv1.ReplayRequested{{Source: "claims", Slot: 256}, {Source: "claims", Slot: -1}, {Source: "claims", After: -1}} {
			if err := r.Replay(t.Context(), ask); err == nil {
				t.Errorf("%v is accepted", ask)
			}
		}
		if n := w.drain(r); n != 0 {
			t.Errorf("%d events were published", n)
		}
	})
}

func TestHeartbeats(t *testing.T) {
	w := newWorld(t)
	r := w.relay()
	beats := func() (n int) {
		for p := range 4 {
			for _, m := range w.messages(p) {
				if w.content(m).Heartbeat != nil {
					n++
				}
			}
		}
		return n / 4
	}
	step := func(wait time.Duration) {
		t.Helper()
		w.now = w.now.Add(wait)
		if _, err := r.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	step(0)
	if beats() != 0 {
		t.Error("an empty log has a heartbeat")
	}
	w.append(spread(100)...)
	w.drain(r)
	step(999 * time.Millisecond)
	if beats() != 0 {
		t.Error("a heartbeat before a second has passed")
	}
	step(time.Millisecond)
	if beats() != 1 {
		t.Errorf("%d heartbeats a second after the last event, want 1", beats())
	}
	var all map[int32]int64
	for p := range 4 {
		last := w.messages(p)[len(w.messages(p))-1]
		h := w.content(last).Heartbeat
		if h.Source != "claims" || h.Epoch != w.head().Epoch {
			t.Errorf("heartbeat %v", h)
		}
		for slot, position := range h.LastBySlot {
			if wire.Partition(slot, 4) != p || position != w.head().BySlot[slot] || position == 0 {
				t.Errorf("partition %d says that slot %d ends at %d, the log says %d", p, slot, position, w.head().BySlot[slot])
			}
		}
		if all == nil {
			all = map[int32]int64{}
		}
		maps.Copy(all, h.LastBySlot)
	}
	for slot, last := range w.head().BySlot {
		if last != all[int32(slot)] {
			t.Errorf("slot %d ends at %d, the heartbeats say %d", slot, last, all[int32(slot)])
		}
	}

	// Ever rarer, at the rarest each 32 s.
	for range 600 {
		step(time.Second)
	}
	if got := beats(); got < 20 || got > 24 {
		t.Errorf("%d heartbeats in ten quiet minutes", got)
	}
	before := beats()
	w.append("claim/clm_1")
	step(0)
	step(time.Second)
	if beats() != before+1 {
		t.Errorf("%d heartbeats a second after a new event", beats()-before)
	}
	w.broker.Grow(topicName, 8)
	step(0)
	for p := 4; p < 8; p++ {
		if len(w.messages(p)) != 1 {
			t.Errorf("new partition %d has %d messages, want a heartbeat", p, len(w.messages(p)))
		}
	}
	w.chainedAcross(t)
}

// growing is a log to which something is appended just before its end is read.
type growing struct {
	eventlog.Log
	grow func()
}

func (g growing) Head(ctx context.Context) (eventlog.Head, error) {
	g.grow()
	return g.Log.Head(ctx)
}

func TestAHeartbeatSaysNothingThatIsNotPublished(t *testing.T) {
	w := newWorld(t)
	r := w.relay(func(o *relay.Options) { o.Log = growing{w.log, func() { w.append(spread(10)...) }} })
	w.append("claim/clm_1")
	for range 10 {
		w.now = w.now.Add(40 * time.Second)
		w.drain(r)
		w.chained()
	}
}

// chainedAcross checks heartbeats after the partitions grew: what they say is somewhere in the topic.
func (w *world) chainedAcross(t *testing.T) {
	t.Helper()
	there := map[int64]bool{}
	for p := range w.broker.Partitions(topicName) {
		for _, position := range w.positions(p) {
			there[position] = true
		}
	}
	for p := range w.broker.Partitions(topicName) {
		for _, m := range w.messages(p) {
			for slot, last := range w.content(m).Heartbeat.GetLastBySlot() {
				if !there[last] {
					t.Errorf("partition %d: a heartbeat says that slot %d ends at %d, which is nowhere", p, slot, last)
				}
			}
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	if _, err := relay.New(relay.Options{Service: "claims"}); err == nil {
		t.Error("a relay without a log was made")
	}
}
