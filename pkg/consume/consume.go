// Package consume handles the events of one source for one consumer, each with its effect exactly once, whatever the broker does.
//
// The truth about what has been handled is the inbox: one high-water mark per (consumer, source, slot), moved by compare-and-set in the same transaction as what the events
// made the service do. An event at or below the mark was seen before; one whose previous lies above it has a hole before it: it is not handled, and the source's
// relay is asked to publish the slot again. An event that needs what is not there yet, or that can't be handled, is parked with the events of its stream behind it; everything
// else flows on. The promises: no event is lost, doubled or handled out of its stream's order (TestWhateverTheBrokerDoes);
// a poison event stops its stream only (TestAPoisonEventStopsItsStreamOnly); an early event is woken once (TestAnEarlyEventWaits).
package consume

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/wire"
)

// Options of a consumer.
type Options struct {
	Source  string // the service whose topic it reads
	Handler engine.Handler
	Engine  *engine.Engine
	// Replay asks the source's relay to publish a slot again. It must not wait for the answer.
	Replay func(context.Context, *platformv1.ReplayRequested) error
	Now    func() time.Time // decides when to ask again; nil: the system's clock, also where the business has another
	Log    *slog.Logger
}

// Consumer handles one source for one service. Safe for one goroutine per partition.
type Consumer struct {
	Options
	mu      sync.Mutex
	loaded  bool
	handled [es.Slots]int64
	heard   [es.Slots][]heard // what is not handled yet, in the order of the log
	seen    int64
	asked   [es.Slots]time.Time // when a replay was asked for
	moved   chan struct{}       // closed and made anew when a mark moves
	oldest  time.Time           // when the oldest event of the last batch was recorded
	doneAt  time.Time           // and when that batch was done
	woken   chan struct{}
	metrics metrics
}

// New makes a consumer.
func New(o Options) *Consumer {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Consumer{Options: o, moved: make(chan struct{}), woken: make(chan struct{}, 1), metrics: newMetrics(o.Handler.Consumer, o.Source)}
}

// Events handled in one transaction at most.
const batchMost = 500

// Attempts at one batch when others are faster.
const attempts = 20

// A replay of a slot is asked for again after this time.
const askAgain = 2 * time.Second

// Handle takes what has arrived of one partition, in order. When it returns nil every event is handled, parked, was seen before, or is asked for again; after an error
// the same may be delivered again.
func (c *Consumer) Handle(ctx context.Context, contents []wire.Content) error {
	for len(contents) > 0 {
		n := min(len(contents), batchMost)
		if err := c.handle(ctx, contents[:n]); err != nil {
			return err
		}
		contents = contents[n:]
	}
	return nil
}

func (c *Consumer) handle(ctx context.Context, contents []wire.Content) error {
	if err := c.load(ctx, false); err != nil {
		return err
	}
	for range attempts {
		records, holes := c.sift(contents)
		if len(holes) > 0 {
			// Another member may have handled what is missing here: what counts is what the database says.
			if err := c.load(ctx, true); err != nil {
				return err
			}
			records, holes = c.sift(contents)
		}
		for _, h := range holes {
			if err := c.ask(ctx, h); err != nil {
				return err
			}
		}
		if len(records) == 0 {
			return nil
		}
		err := c.commit(ctx, records)
		if errors.Is(err, eventlog.ErrFenced) {
			if err := c.load(ctx, true); err != nil {
				return err
			}
			continue
		}
		return err
	}
	return fmt.Errorf("consume %s: another worker is always faster: %w", c.Source, eventlog.ErrFenced)
}

// hole is a slot of which something is missing after a position.
type hole struct {
	slot  int32
	after int64
}

// sift tells new events from seen ones, and finds holes.
func (c *Consumer) sift(contents []wire.Content) (records []eventlog.Record, holes []hole) {
	c.mu.Lock()
	defer c.mu.Unlock()
	high := map[int32]int64{}
	open := map[int32]bool{}
	at := func(slot int32) int64 {
		if h, ok := high[slot]; ok {
			return h
		}
		return c.handled[slot]
	}
	miss := func(slot int32) {
		if !open[slot] {
			open[slot] = true
			holes = append(holes, hole{slot, at(slot)})
		}
	}
	for _, content := range contents {
		if b := content.Heartbeat; b != nil && b.Source == c.Source {
			for _, slot := range slices.Sorted(maps.Keys(b.LastBySlot)) { // in one order: a seed asks for the same again
				last := b.LastBySlot[slot]
				c.seen = max(c.seen, last)
				if slot >= 0 && slot < es.Slots && last > at(slot) {
					c.hear(slot, last, c.Engine.Clock())
					miss(slot)
				}
			}
		}
		r := content.Event
		if r == nil || r.Source != c.Source || r.Slot < 0 || r.Slot >= es.Slots {
			continue
		}
		c.seen = max(c.seen, r.Position)
		switch h := at(r.Slot); {
		case r.Position <= h:
			c.metrics.duplicates.Add(context.Background(), 1, c.metrics.labels)
		case open[r.Slot] || r.Previous > h:
			c.hear(r.Slot, r.Position, r.RecordedAt.AsTime())
			miss(r.Slot)
		default:
			c.hear(r.Slot, r.Position, r.RecordedAt.AsTime())
			high[r.Slot] = r.Position
			records = append(records, r)
		}
	}
	return records, holes
}

// heard is an event that is there and not handled, and when it was recorded, or first heard of.
type heard struct {
	position int64
	at       time.Time
}

// heardMost of a slot are remembered.
const heardMost = 1000

// hear notes an event of a slot until it is handled. The lock is held.
func (c *Consumer) hear(slot int32, position int64, at time.Time) {
	all := c.heard[slot]
	i, known := slices.BinarySearchFunc(all, position, func(h heard, position int64) int { return cmp.Compare(h.position, position) })
	switch {
	case known && at.Before(all[i].at):
		all[i].at = at
	case !known && len(all) < heardMost:
		c.heard[slot] = slices.Insert(all, i, heard{position, at})
	}
}

// settle forgets what has been handled of a slot. The lock is held.
func (c *Consumer) settle(slot int) {
	all := c.heard[slot]
	n := 0
	for n < len(all) && all[n].position <= c.handled[slot] {
		n++
	}
	c.heard[slot] = slices.Delete(all, 0, n)
}

func (c *Consumer) ask(ctx context.Context, h hole) error {
	c.mu.Lock()
	now := c.Now()
	recently := !c.asked[h.slot].IsZero() && now.Sub(c.asked[h.slot]) < askAgain && !now.Before(c.asked[h.slot])
	if !recently {
		c.asked[h.slot] = now
	}
	c.mu.Unlock()
	if recently {
		return nil
	}
	c.metrics.gaps.Add(ctx, 1, c.metrics.labels)
	c.Log.Warn("a hole in what arrived: asking for it again", "consumer", c.Handler.Consumer, "source", c.Source, "slot", h.slot, "after", h.after)
	err := c.Replay(ctx, &platformv1.ReplayRequested{Source: c.Source, Slot: h.slot, After: h.after, Consumer: c.Handler.Consumer})
	if err != nil {
		c.mu.Lock()
		c.asked[h.slot] = time.Time{}
		c.mu.Unlock()
		return fmt.Errorf("ask for slot %d of %s again: %w", h.slot, c.Source, err)
	}
	return nil
}

// commit handles new records as one unit; records that the log refuses end alone.
func (c *Consumer) commit(ctx context.Context, records []eventlog.Record) error {
	err := c.tryCommit(ctx, records, nil)
	var row *eventlog.RowError
	if !errors.As(err, &row) {
		return err
	}
	if len(records) == 1 {
		return c.tryCommit(ctx, records, row)
	}
	half := len(records) / 2
	if err := c.commit(ctx, records[:half]); err != nil {
		return err
	}
	return c.commit(ctx, records[half:])
}

// tryCommit commits a batch. poison, if set, is why its only record can't be handled.
func (c *Consumer) tryCommit(ctx context.Context, records []eventlog.Record, poison error) error {
	ctx, span := tracer.Start(ctx, "process "+wire.Topic(c.Source), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(links(records)...),
		trace.WithAttributes(attribute.String("evenkeel.consumer", c.Handler.Consumer), attribute.Int("messaging.batch.message_count", len(records))))
	defer span.End()
	for range attempts {
		stopped, err := c.Engine.Log.ParkedStreams(ctx, c.Handler.Consumer, c.Source)
		if err != nil {
			return fmt.Errorf("consume %s: %w", c.Source, err)
		}
		unit := eventlog.Unit{}
		var run []eventlog.Record
		for _, r := range records {
			switch key := streamKey(r); {
			case stopped[key]:
				unit.Park = append(unit.Park, c.park(r, engine.Outcome{Err: engine.ErrBehind}))
			case poison != nil:
				unit.Park = append(unit.Park, c.park(r, engine.Outcome{Err: poison}))
			default:
				run = append(run, r)
			}
		}
		prepared, err := c.Engine.Prepare(ctx, c.Handler, run)
		if err != nil {
			return fmt.Errorf("consume %s: %w", c.Source, err)
		}
		for i, o := range prepared.Outcomes {
			if !o.OK() {
				unit.Park = append(unit.Park, c.park(run[i], o))
			}
		}
		prepared.Unit.Park = unit.Park
		prepared.Unit.Inbox = c.advances(records)
		result, err := prepared.Commit(ctx)
		if errors.Is(err, eventlog.ErrConflict) {
			continue // a stream moved on: decide again
		}
		if err != nil {
			return err
		}
		c.done(records, prepared.Unit.Inbox, result)
		c.metrics.handled.Add(ctx, int64(len(records)), c.metrics.labels)
		for _, p := range unit.Park {
			if p.State == eventlog.Dead {
				c.metrics.dead.Add(ctx, 1, c.metrics.labels)
				c.Log.Error("an event can't be handled: it is a dead letter now", "consumer", p.Consumer, "source", c.Source, "position", p.Record.Position,
					"type", p.Record.Type, "event_id", p.Record.EventId, "error", p.Error)
			}
		}
		return nil
	}
	return fmt.Errorf("consume %s: others are always faster: %w", c.Source, eventlog.ErrConflict)
}

func (c *Consumer) park(r eventlog.Record, o engine.Outcome) eventlog.Parked {
	p := eventlog.Parked{Consumer: c.Handler.Consumer, Record: r, Since: c.Engine.Clock()}
	c.state(&p, o)
	return p
}

func (c *Consumer) state(p *eventlog.Parked, o engine.Outcome) {
	p.WaitsFor, p.Error = eventlog.MirrorKey{}, ""
	switch {
	case o.Wait != nil:
		p.State, p.WaitsFor = eventlog.Waiting, eventlog.MirrorKey{Mirror: o.Wait.Mirror, Tenant: streamKey(p.Record).Tenant, Key: o.Wait.Key}
	case errors.Is(o.Err, engine.ErrBehind):
		p.State = eventlog.Behind
	default:
		p.State, p.Error = eventlog.Dead, plain(o.Err.Error())
		p.Attempts++
	}
}

// plain is a text that a database can hold, whatever spoilt the event.
func plain(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
}

func (c *Consumer) advances(records []eventlog.Record) []eventlog.Advance {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []eventlog.Advance
	at := map[int32]int{}
	for _, r := range records {
		if i, ok := at[r.Slot]; ok {
			out[i].New = r.Position
			continue
		}
		at[r.Slot] = len(out)
		out = append(out, eventlog.Advance{Consumer: c.Handler.Consumer, Source: c.Source, Slot: int16(r.Slot), Old: c.handled[r.Slot], New: r.Position})
	}
	return out
}

func (c *Consumer) done(records []eventlog.Record, advances []eventlog.Advance, result eventlog.Result) {
	now, oldest := c.Engine.Clock(), records[0].RecordedAt.AsTime()
	for _, r := range records {
		if at := r.RecordedAt.AsTime(); at.Before(oldest) {
			oldest = at
		}
	}
	c.mu.Lock()
	for _, a := range advances {
		c.handled[a.Slot] = max(c.handled[a.Slot], a.New)
		c.settle(int(a.Slot))
	}
	c.oldest, c.doneAt = oldest, now
	close(c.moved)
	c.moved = make(chan struct{})
	c.mu.Unlock()
	if result.Woken > 0 {
		c.Wake()
	}
}

// Wake says that parked events may be ready.
func (c *Consumer) Wake() {
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// Woken is signalled when parked events may be ready.
func (c *Consumer) Woken() <-chan struct{} { return c.woken }

func (c *Consumer) load(ctx context.Context, again bool) error {
	c.mu.Lock()
	loaded := c.loaded
	c.mu.Unlock()
	if loaded && !again {
		return nil
	}
	marks, err := c.Engine.Log.Inbox(ctx, c.Handler.Consumer, c.Source)
	if err != nil {
		return fmt.Errorf("read the inbox of %s for %s: %w", c.Handler.Consumer, c.Source, err)
	}
	c.mu.Lock()
	c.handled, c.loaded = marks, true
	for slot, m := range marks {
		c.seen = max(c.seen, m)
		c.settle(slot)
	}
	c.mu.Unlock()
	return nil
}

// lagHolds is for how long a batch that was done still counts: between two batches a consumer is not up to date.
const lagHolds = 15 * time.Second

// Lag is how far what has been handled is behind: how many events of the source this process has heard of and not handled, and how old the oldest of them is, or of the last batch
// was a moment ago. Of a consumer that has handled everything both are 0; one slot that is stuck shows, however well the others go on. What another process has handled
// since is known after Refresh.
func (c *Consumer) Lag() (events int64, age time.Duration) {
	now := c.Engine.Clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, all := range c.heard {
		if len(all) > 0 {
			events += int64(len(all))
			age = max(age, now.Sub(all[0].at))
		}
	}
	if events > 0 && !c.doneAt.IsZero() && now.Sub(c.doneAt) < lagHolds {
		age = max(age, c.doneAt.Sub(c.oldest))
	}
	return events, age
}

// Handled is the high-water mark of a slot, as this process knows it, and the last position of the source it has heard of.
func (c *Consumer) Handled(slot int16) (handled, seen int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.handled[slot], c.seen
}

// Position is the position up to which everything is handled that this process has heard of, and the last one it has heard of.
func (c *Consumer) Position() (handled, seen int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.handled {
		handled = max(handled, h)
	}
	for _, all := range c.heard {
		if len(all) > 0 {
			handled = min(handled, all[0].position-1)
		}
	}
	return handled, c.seen
}

func streamKey(r eventlog.Record) eventlog.StreamKey { return eventlog.KeyOf(r) }

var tracer = otel.Tracer("evenkeel/consume")

// Links of a span at most.
const linksMost = 16

func links(records []eventlog.Record) []trace.Link {
	var out []trace.Link
	for _, r := range records {
		if len(r.Trace) == 0 || len(out) == linksMost {
			continue
		}
		ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": string(r.Trace)})
		if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
			out = append(out, trace.Link{SpanContext: sc, Attributes: []attribute.KeyValue{attribute.Int64("evenkeel.position", r.Position)}})
		}
	}
	return out
}

type metrics struct {
	handled, duplicates, gaps, dead metric.Int64Counter
	labels                          metric.MeasurementOption
}

func newMetrics(consumer, source string) metrics {
	m := otel.Meter("evenkeel/consume")
	counter := func(name, what string) metric.Int64Counter {
		c, err := m.Int64Counter(name, metric.WithDescription(what))
		if err != nil {
			otel.Handle(err)
		}
		return c
	}
	return metrics{
		handled:    counter("evenkeel_consumer_handled_total", "events that had their effect, or were parked"),
		duplicates: counter("evenkeel_consumer_duplicates_total", "deliveries of events that had been handled"),
		gaps:       counter("evenkeel_consumer_gaps_total", "holes that were noticed and asked for again"),
		dead:       counter("evenkeel_consumer_dead_total", "events that became dead letters"),
		labels:     metric.WithAttributes(attribute.String("consumer", consumer), attribute.String("source", source)),
	}
}

// How often a waiting reader looks at what other members have handled. What this one handles it is told at once.
const lookAgain = 25 * time.Millisecond

// Await waits until everything of the slot up to the position has been handled or parked, by whichever member.
func (c *Consumer) Await(ctx context.Context, slot int16, position int64) error {
	if err := c.load(ctx, false); err != nil {
		return err
	}
	for {
		c.mu.Lock()
		handled, moved := c.handled[slot], c.moved
		c.mu.Unlock()
		if handled >= position {
			return nil
		}
		again := time.NewTimer(lookAgain)
		select {
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-moved:
			again.Stop()
		case <-again.C:
			if err := c.load(ctx, true); err != nil {
				return err
			}
		}
	}
}

// Refresh reads the marks that other members have moved.
func (c *Consumer) Refresh(ctx context.Context) error { return c.load(ctx, true) }

// Marks are the high-water marks of all slots, as this process knows them.
func (c *Consumer) Marks() []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.handled[:])
}
