// Package relay publishes one log to its topic, in order and without a hole, however often it or the broker dies.
//
// Words: a *lane* is one partition as the relay knows it; its *mark* says that all the partition's events up to a log position lie at or before an offset. The *front* is
// the highest mark; a lane below it is *behind* (its last request failed, or the partition lost its tail or everything) and is published again from its mark while the
// others go on. A *heartbeat* tells consumers, when nothing happens, what the last event of each slot is. A *replay* publishes one slot again because a consumer asked.
//
// Promise: each partition holds, for each of its slots, the events in log order with a complete chain of previous positions, plus repeats of what was there before; what is in
// the log and not yet in the topic will be. The truth about what was published is the topic, so that losing it costs nothing but the time to publish it again. Two relays of
// one log do no harm: each publishes in order from where the topic was complete. Proven by TestEveryInterleaving and the tests beside it; relaytest holds the contract of
// topics.
//
// What a relay can't see is a message that a broker acknowledged and then lost from the middle of a partition while its end kept growing elsewhere; consumers see that by the
// chain and ask for a replay.
package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/metric"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/wire"
)

const (
	checkEvery = 10 * time.Second // the topic is compared with the marks
	// An idle relay's heartbeats: the first soon, so that a hole at the end shows; then rarer, because on a quiet platform they would be most of what the broker stores.
	firstBeat, rarestBeat = time.Second, 32 * time.Second

	defaultPartitions = 8
	defaultBatch      = 2000
	defaultPoll       = 100 * time.Millisecond
)

// Options of a relay. Service, Log, Topic and Logger must be set.
type Options struct {
	Service    string
	Log        eventlog.Log
	Topic      Topic
	Now        func() time.Time // decides when to check and to beat; nil: the system's clock, also where the business has another
	Logger     *slog.Logger
	Partitions int           // of the topic when it is made, and at least; 0: 8
	Batch      int           // events that are read at once; 0: 2,000
	Poll       time.Duration // Run looks at the log at least so often; 0: 100 ms
	Lock       Lock          // who may Run; nil: this relay, always
}

// Relay of one log. Step and Run belong to one goroutine; Replay and Position to any.
type Relay struct {
	o     Options
	lanes []lane // nil: not loaded

	read func(ctx context.Context, after int64) ([]eventlog.Record, error)
	each func(n int, do func(int)) // does something for each of 0 … n-1

	checked, active time.Time     // last check; last time that there was something to publish
	quiet           time.Duration // from active to the next heartbeat

	position atomic.Int64 // everything up to it is in the topic
	requests metric.Int64Counter

	mu      sync.Mutex
	replays []replay // in the order in which they are served
	asked   chan struct{}
}

// lane is a partition as the relay knows it.
type lane struct {
	mark  eventlog.PartitionMark
	trail []eventlog.PartitionMark // marks of the past, rising: what is still true when the partition lost its tail
	dirty bool                     // the mark is to be saved
}

// replay of a slot: events after next, up to the lane's mark, are still to be published. It began after from.
type replay struct {
	slot       int32
	from, next int64
}

// New makes a relay. It does nothing before Step or Run.
func New(o Options) (*Relay, error) {
	if o.Service == "" || o.Log == nil || o.Topic == nil || o.Logger == nil {
		return nil, fmt.Errorf("relay of %q: Service, Log, Topic and Logger must be set", o.Service)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Partitions = cmp.Or(o.Partitions, defaultPartitions)
	o.Batch = cmp.Or(o.Batch, defaultBatch)
	o.Poll = cmp.Or(o.Poll, defaultPoll)
	o.Logger = o.Logger.With("service", o.Service, "topic", o.Topic.Name())
	requests, err := newRequests()
	if err != nil {
		return nil, fmt.Errorf("relay of %s: %w", o.Service, err)
	}
	r := &Relay{o: o, requests: requests, asked: make(chan struct{}, 1)}
	r.reset()
	return r, nil
}

// reset forgets everything but the replays: another relay may have been at work.
func (r *Relay) reset() {
	r.lanes, r.checked, r.active, r.quiet = nil, time.Time{}, time.Time{}, firstBeat
	r.read = func(ctx context.Context, after int64) ([]eventlog.Record, error) {
		return r.o.Log.Read(ctx, after, r.o.Batch)
	}
	r.each = inOrder
}

func inOrder(n int, do func(int)) {
	for i := range n {
		do(i)
	}
}

// Position of the log up to which every event is in the topic, as far as this relay knows.
func (r *Relay) Position() int64 { return r.position.Load() }

// Step does one round in the caller's goroutine: looks after the topic if that is due, publishes what was asked for again, then what is new, then what
// is behind; a heartbeat if there was nothing. It returns how many events it went through; 0: there was nothing to do. After an error some may have been published; the next
// Step goes on where the topic ends.
func (r *Relay) Step(ctx context.Context) (events int, err error) {
	events, err = r.step(ctx)
	if err != nil {
		r.checked = time.Time{} // the topic may be gone, or not be what it was
		return events, fmt.Errorf("relay %s: %w", r.o.Service, err)
	}
	return events, nil
}

func (r *Relay) step(ctx context.Context) (events int, err error) {
	if err := r.look(ctx); err != nil {
		return 0, err
	}
	var errs []error
	for _, do := range []func(context.Context) (int, error){r.again, r.front, r.behind} {
		n, err := do(ctx)
		events += n
		errs = append(errs, err)
	}
	switch {
	case events > 0:
		r.active, r.quiet = r.o.Now(), firstBeat
	case errors.Join(errs...) == nil:
		errs = append(errs, r.beat(ctx))
	}
	return events, errors.Join(append(errs, r.save(ctx))...)
}

// due also when the clock went back.
func (r *Relay) due(last time.Time, after time.Duration) bool {
	passed := r.o.Now().Sub(last)
	return last.IsZero() || passed >= after || passed < 0
}

// look compares what the topic has with what the marks say, if it is due or the topic has another number of partitions.
func (r *Relay) look(ctx context.Context) error {
	partitions, gone := r.o.Topic.Partitions(ctx)
	if gone == nil && partitions == len(r.lanes) && !r.due(r.checked, checkEvery) {
		return nil
	}
	if r.lanes == nil {
		if err := r.load(ctx); err != nil {
			return err
		}
	}
	// Only if it must be: a service need not have the right to make topics.
	if gone != nil || partitions < r.o.Partitions {
		if err := r.o.Topic.Ensure(ctx, r.o.Partitions); err != nil {
			return err
		}
	}
	ends, err := r.o.Topic.Ends(ctx)
	if err != nil {
		return err
	}
	r.fit(ends)
	for p, end := range ends {
		if end > r.lanes[p].mark.Offset {
			continue
		}
		last, err := r.o.Topic.Last(ctx, p)
		if err != nil {
			return err
		}
		held := eventlog.PartitionMark{Offset: end - 1}
		if last != nil {
			held.Offset = last.Offset
			held.Position = min(r.upTo(*last), r.lanes[p].mark.Position)
		}
		r.lost(p, held)
	}
	r.checked = r.o.Now()
	return nil
}

func (r *Relay) load(ctx context.Context) error {
	state, _, err := r.o.Log.RelayState(ctx, r.o.Topic.Name())
	if err != nil {
		return err
	}
	r.lanes = make([]lane, len(state.Acked))
	for p, mark := range state.Acked {
		r.lanes[p].mark = mark
		if mark.Offset >= 0 {
			r.lanes[p].trail = []eventlog.PartitionMark{mark}
		}
	}
	r.position.Store(r.lowest())
	return nil
}

// fit makes a lane for each partition.
func (r *Relay) fit(ends []int64) {
	if len(ends) < len(r.lanes) {
		r.o.Logger.Warn("the topic has fewer partitions than before, so it was made again: everything is published again", "partitions", len(ends), "before", len(r.lanes))
		r.lanes = nil
	}
	if len(ends) == len(r.lanes) {
		return
	}
	// Up to here the slots of a new partition were published to another one.
	fresh := lane{mark: eventlog.PartitionMark{Offset: -1, Position: r.lowest()}, dirty: true}
	for len(r.lanes) < len(ends) {
		r.lanes = append(r.lanes, fresh)
	}
	// Each new partition should hold something soon, so that its loss can be seen.
	r.active = time.Time{}
}

// upTo is a position up to which all events of the partition are published before the message, if it is the partition's last. Every message is published when
// those before its position are there; a repeat has a lower one.
func (r *Relay) upTo(m kafka.Message) int64 {
	c, err := wire.Decode(m)
	switch {
	case err != nil:
		r.o.Logger.Warn("the topic's last message is not ours: the partition is published again from its start", "error", err)
		return 0
	case c.Heartbeat != nil:
		position := int64(0)
		for _, last := range c.Heartbeat.LastBySlot {
			position = max(position, last)
		}
		return position
	}
	return c.Event.GetPosition()
}

// lost sets back a lane whose partition lost messages that it held.
func (r *Relay) lost(p int, held eventlog.PartitionMark) {
	l := &r.lanes[p]
	r.o.Logger.Warn("the topic lost messages: the partition is published again", "partition", p, "after_position", held.Position, "had_offset", l.mark.Offset, "had_position", l.mark.Position)
	*l = lane{mark: held, trail: []eventlog.PartitionMark{held}, dirty: true}
}

// lowest and highest position of the lanes; 0 if there are none.
func (r *Relay) lowest() int64 {
	if len(r.lanes) == 0 {
		return 0
	}
	return slices.MinFunc(r.lanes, byPosition).mark.Position
}

func (r *Relay) highest() int64 {
	if len(r.lanes) == 0 {
		return 0
	}
	return slices.MaxFunc(r.lanes, byPosition).mark.Position
}

func byPosition(a, b lane) int { return cmp.Compare(a.mark.Position, b.mark.Position) }

// front publishes what is new.
func (r *Relay) front(ctx context.Context) (int, error) {
	after := r.highest()
	events, err := r.read(ctx, after)
	if err != nil {
		return 0, err
	}
	return r.publish(ctx, events, after)
}

// behind publishes what lanes below the front miss.
func (r *Relay) behind(ctx context.Context) (int, error) {
	after := r.lowest()
	if after == r.highest() {
		return 0, nil
	}
	events, err := r.o.Log.Read(ctx, after, r.o.Batch)
	if err != nil {
		return 0, err
	}
	return r.publish(ctx, events, after)
}

// publish gives each lane what it misses of the events, which are all that the log has after a position. Lanes that miss earlier ones have to wait.
func (r *Relay) publish(ctx context.Context, events []eventlog.Record, after int64) (int, error) {
	if len(events) == 0 {
		return 0, nil
	}
	through := events[len(events)-1].Position
	parts := make([][]eventlog.Record, len(r.lanes))
	for _, e := range events {
		if p := wire.Partition(e.Slot, len(r.lanes)); e.Position > r.lanes[p].mark.Position {
			parts[p] = append(parts[p], e)
		}
	}
	errs := make([]error, len(r.lanes))
	r.each(len(r.lanes), func(p int) {
		l := &r.lanes[p]
		switch {
		case l.mark.Position < after || l.mark.Position >= through:
		case len(parts[p]) == 0:
			l.advance(l.mark.Offset, through)
		default:
			errs[p] = r.send(ctx, p, parts[p], through)
		}
	})
	return len(events), errors.Join(errs...)
}

// send publishes events to a partition, which then has all up to a position.
func (r *Relay) send(ctx context.Context, p int, events []eventlog.Record, through int64) error {
	messages := make([]kafka.Message, len(events))
	for i, e := range events {
		var err error
		if messages[i], err = wire.Encode(e); err != nil {
			return err
		}
	}
	return r.produce(ctx, p, messages, through)
}

func (r *Relay) produce(ctx context.Context, p int, messages []kafka.Message, through int64) error {
	last, err := r.o.Topic.Produce(ctx, p, messages)
	if err != nil {
		return err
	}
	l := &r.lanes[p]
	// One relay writes, so offsets only rise, unless the partition lost its tail. What was just published then comes after a hole, and will come again.
	if first := last - int64(len(messages)) + 1; first <= l.mark.Offset {
		held := eventlog.PartitionMark{Offset: last}
		for _, m := range l.trail {
			if m.Offset < first {
				held.Position = m.Position
			}
		}
		r.lost(p, held)
		return nil
	}
	l.advance(last, through)
	return nil
}

const longestTrail = 64

func (l *lane) advance(offset, position int64) {
	l.dirty = l.dirty || position > l.mark.Position || l.mark.Offset < 0
	if position > l.mark.Position && offset >= 0 { // an empty partition may owe its position to another one, which can be lost too
		l.remember(eventlog.PartitionMark{Offset: offset, Position: position})
	}
	l.mark = eventlog.PartitionMark{Offset: max(offset, l.mark.Offset), Position: max(position, l.mark.Position)}
}

func (l *lane) remember(m eventlog.PartitionMark) {
	if n := len(l.trail); n > 0 && l.trail[n-1].Offset == m.Offset {
		l.trail[n-1] = m
		return
	}
	if len(l.trail) == longestTrail { // every other one will do: an older mark only means more repeats
		for i := range longestTrail / 2 {
			l.trail[i] = l.trail[2*i]
		}
		l.trail = l.trail[:longestTrail/2]
	}
	l.trail = append(l.trail, m)
}

// Replay has a slot published again. Requests for a slot that is being published again already, from there or from further back, are merged; those for other services are not
// for this relay and change nothing. A relay that doesn't run serves none: a consumer asks again as long as it misses something.
func (r *Relay) Replay(ctx context.Context, ask *platformv1.ReplayRequested) error {
	if ask.Source != r.o.Service {
		return nil
	}
	if ask.Slot < 0 || ask.Slot >= es.Slots || ask.After < 0 {
		return fmt.Errorf("relay %s: replay slot %d after position %d, asked by %s: want a slot from 0 to %d and a position from 0", r.o.Service, ask.Slot, ask.After, ask.Consumer, es.Slots-1)
	}
	r.requests.Add(ctx, 1, r.labels())
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.replays, func(p replay) bool { return p.slot == ask.Slot }); i < 0 {
		r.replays = append(r.replays, replay{ask.Slot, ask.After, ask.After})
	} else if ask.After < r.replays[i].from {
		r.replays[i].from, r.replays[i].next = ask.After, ask.After
	}
	select {
	case r.asked <- struct{}{}:
	default:
	}
	return nil
}

// again publishes slots that consumers asked for, a batch at most.
func (r *Relay) again(ctx context.Context) (published int, err error) {
	for budget := r.o.Batch; budget > 0; {
		r.mu.Lock()
		if len(r.replays) == 0 {
			r.mu.Unlock()
			return published, nil
		}
		now := r.replays[0]
		r.mu.Unlock()

		events, err := r.o.Log.ReadSlot(ctx, int16(now.slot), now.next, budget)
		if err != nil {
			return published, err
		}
		p := wire.Partition(now.slot, len(r.lanes))
		mark := r.lanes[p].mark.Position
		// What is after the mark comes by itself.
		known := slices.IndexFunc(events, func(e eventlog.Record) bool { return e.Position > mark })
		done := known >= 0 || len(events) < budget
		if known >= 0 {
			events = events[:known]
		}
		if len(events) > 0 {
			if err := r.send(ctx, p, events, mark); err != nil {
				return published, err
			}
			published, budget = published+len(events), budget-len(events)
			now.next = events[len(events)-1].Position
		}
		r.served(now, done)
	}
	return published, nil
}

// served notes how far the first replay has come, unless it was asked from further back meanwhile. Unfinished, it goes to the end of the queue.
func (r *Relay) served(now replay, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replays[0].from < now.from {
		return
	}
	r.replays = slices.Delete(r.replays, 0, 1)
	if !done {
		r.replays = append(r.replays, now)
	}
}

// beat publishes heartbeats, if it is time and the topic has everything. It is called when no lane is behind.
func (r *Relay) beat(ctx context.Context) error {
	if !r.due(r.active, r.quiet) {
		return nil
	}
	head, err := r.o.Log.Head(ctx)
	if err != nil {
		return err
	}
	if head.Position == 0 || head.Position != r.highest() {
		return nil
	}
	beats := make([]*platformv1.Heartbeat, len(r.lanes))
	for p := range beats {
		beats[p] = &platformv1.Heartbeat{Source: r.o.Service, Epoch: head.Epoch, LastBySlot: map[int32]int64{}}
	}
	for slot, last := range head.BySlot {
		if last > 0 {
			beats[wire.Partition(int32(slot), len(beats))].LastBySlot[int32(slot)] = last
		}
	}
	errs := make([]error, len(beats))
	r.each(len(beats), func(p int) {
		m, err := wire.EncodeHeartbeat(beats[p])
		if err == nil {
			err = r.produce(ctx, p, []kafka.Message{m}, head.Position)
		}
		errs[p] = err
	})
	r.active, r.quiet = r.o.Now(), min(2*r.quiet, rarestBeat)
	return errors.Join(errs...)
}

// save keeps the marks, if one of them says more than before.
func (r *Relay) save(ctx context.Context) error {
	if !slices.ContainsFunc(r.lanes, func(l lane) bool { return l.dirty }) {
		return nil
	}
	state := eventlog.RelayState{Topic: r.o.Topic.Name(), Position: r.lowest(), Partitions: len(r.lanes)}
	for _, l := range r.lanes {
		state.Acked = append(state.Acked, l.mark)
	}
	r.position.Store(state.Position)
	if err := r.o.Log.SaveRelayState(ctx, state); err != nil {
		return err
	}
	for p := range r.lanes {
		r.lanes[p].dirty = false
	}
	return nil
}
