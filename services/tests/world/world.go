// Package world runs the real services in memory, in one goroutine, under one seed: their decisions, reactions, mirrors, timers, relays and consumers over memlog and membroker.
//
// A World is the platform; a node is one service of it. Settle runs everything until nothing is left to do. Under Chaos each step may lose, repeat, delay or reorder deliveries,
// crash a node (what is in memory goes, what was appended stays), fail an append before or after it worked, or damage a topic. The same seed gives the same history
// (TestTheSameSeedGivesTheSameHistory in services/tests/sim). Commands reach services through their real gRPC methods, called in place.
package world

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/consume"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/eventlog/memlog"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/membroker"
	"github.com/evenkeel/evenkeel/pkg/relay"
	"github.com/evenkeel/evenkeel/pkg/seal"
	"github.com/evenkeel/evenkeel/pkg/timer"
	"github.com/evenkeel/evenkeel/pkg/wire"
)

// Tenant of everything in a world.
var Tenant = uuid.MustParse("0e7e0000-0000-8000-8000-000000000001")

// Faults are the rates, 0 to 1 of a step, of what goes wrong.
type Faults struct {
	Broker membroker.Faults
	Crash  float64 // a node loses its memory
	Before float64 // an append fails and did not happen
	After  float64 // an append fails and did happen
	Skip   float64 // a consumer loses a delivery: it goes on behind it
	Rewind float64 // a consumer gets old deliveries again
	Damage float64 // a topic loses its head or tail, or is gone
	Grow   float64 // a topic gets more partitions
	Slow   float64 // share of the readers that read rarely, and not at all while the world settles: what they bring comes long after what needs it
}

// World is the platform in memory.
type World struct {
	Now    time.Time
	Rand   *rand.Rand
	Broker *membroker.Broker
	Trace  func(format string, args ...any) // may be nil
	// Check, if set, runs after each step that changed a log.
	Check  func() error
	faults Faults
	vault  *seal.Memory
	nodes  []*Node
	byName map[string]*Node
	seen   int64 // sum of log heads at the last check
	Steps  int
	Waits  int                 // events that had to wait at a consumer
	waits  map[waitKey]waiting // events whose reaction, when it ran last, had to wait
	waited map[waitKey]bool    // events that have ever waited
	broken error               // the first event that took effect before its turn
}

// waitKey is an event at a consumer.
type waitKey struct {
	consumer string
	event    uuid.UUID
}

// waiting says where an event stands and what it waits for.
type waiting struct {
	source, stream string
	version        int
	es.WaitError
}

// Node is one service.
type Node struct {
	Service host.Service
	Log     *memlog.Log
	Engine  *engine.Engine
	world   *World
	runtime *host.Runtime
	relay   *relay.Relay
	readers []*reader
	timers  *timer.Loop
	methods map[string]method
	control int64 // offset on the control topic
	Crashes int
}

type reader struct {
	slow     bool
	consumer *consume.Consumer
	topic    string
	offsets  []int64 // next to read, by partition
}

type method struct {
	desc grpc.MethodDesc
	impl any
}

// Partitions of each topic at the start.
const Partitions = 4

// New makes a world of services.
func New(seed uint64, start time.Time, services ...host.Service) *World {
	w := &World{
		Now: start, Rand: rand.New(rand.NewPCG(seed, 1)), byName: map[string]*Node{}, vault: &seal.Memory{Seed: "world"},
		waits: map[waitKey]waiting{}, waited: map[waitKey]bool{},
	}
	w.Broker = membroker.New(membroker.Faults{})
	for _, s := range services {
		s.Handler.Consumer = s.Name
		w.watch(&s.Handler)
		n := &Node{Service: s, Log: memlog.New(s.Name), world: w}
		n.Log.Faults = func(op string) error { return w.appendFault(op) }
		w.nodes = append(w.nodes, n)
		w.byName[s.Name] = n
	}
	for _, n := range w.nodes {
		n.boot()
	}
	return w
}

// watch notes which events a reaction could not handle yet. One that never runs again has lost its effect, and one of the same stream that takes effect meanwhile does so
// before its turn: the logs alone show neither.
func (w *World) watch(h *engine.Handler) {
	react, project, consumer := h.React, h.Project, h.Consumer
	if react == nil {
		return
	}
	h.React = func(r es.Recorded, look es.Look) ([]es.Command, error) {
		commands, err := react(r, look)
		key := waitKey{consumer, r.ID}
		var wait *es.WaitError
		if errors.As(err, &wait) {
			w.waits[key] = waiting{r.Source, es.Name(r.Kind, r.StreamID), r.Version, *wait}
		} else {
			delete(w.waits, key)
		}
		return commands, err
	}
	h.Project = func(r es.Recorded) []es.Statement { // runs for events that have their effect in the unit
		stream := es.Name(r.Kind, r.StreamID)
		for key, before := range w.waits {
			if key.consumer == consumer && before.source == r.Source && before.stream == stream && before.version < r.Version {
				w.broken = fmt.Errorf("%s: version %d of %s %s took effect while version %d waits for %s", consumer, r.Version, r.Source, stream, before.version, before.Mirror)
			}
		}
		if project == nil {
			return nil
		}
		return project(r)
	}
}

// countWaits counts, at the end of a step, what waits since it: a reaction may be run a few times in one step, until all that it looks up has been read.
func (w *World) countWaits() {
	for key := range w.waits {
		if !w.waited[key] {
			w.waited[key] = true
			w.Waits++
		}
	}
}

// Unwoken are the events whose reaction had to wait and has not run since. At rest there are none, parked or not.
func (w *World) Unwoken() []string {
	var out []string
	for key, wait := range w.waits {
		out = append(out, fmt.Sprintf("%s never reacted to version %d of %s %s, which waited for %s", key.consumer, wait.version, wait.source, wait.stream, wait.Mirror))
	}
	slices.Sort(out)
	return out
}

// SetFaults changes what goes wrong from now on.
func (w *World) SetFaults(f Faults) {
	f.Broker.Rand = w.Rand
	w.faults = f
	w.Broker.SetFaults(f.Broker)
	w.Delay()
}

// Delay draws other readers to be slow, at the rate of the faults.
func (w *World) Delay() {
	for _, n := range w.nodes {
		for _, r := range n.readers {
			r.slow = w.happens(w.faults.Slow)
		}
	}
}

var (
	errBefore = errors.New("the database is away")
	errAfter  = errors.New("the connection broke after the commit was sent")
)

func (w *World) appendFault(op string) error {
	switch {
	case op == memlog.BeforeCommit && w.happens(w.faults.Before):
		return errBefore
	case op == memlog.AfterCommit && w.happens(w.faults.After):
		return errAfter
	}
	return nil
}

func (w *World) happens(rate float64) bool { return rate > 0 && w.Rand.Float64() < rate }

func (w *World) trace(format string, args ...any) {
	if w.Trace != nil {
		w.Trace(format, args...)
	}
}

// boot gives the node its memory: what a process has after it started.
func (n *Node) boot() {
	w := n.world
	log := slog.New(slog.DiscardHandler)
	clock := func() time.Time { return w.Now }
	e, err := engine.New(engine.Options{
		Service: n.Service.Name, Log: n.Log, Codec: seal.NewCodec(w.vault), Clock: clock, Timers: n.Service.Timers, OnTimer: n.Service.OnTimer, HashKey: []byte("world"),
	})
	if err != nil {
		panic(err) // the validator can't be built: a defect
	}
	n.Engine = e
	n.runtime = &host.Runtime{Engine: e, Clock: clock, Log: log, LookupKey: []byte("world")}
	n.methods = map[string]method{}
	if n.Service.Register != nil {
		n.Service.Register(registrar{n}, n.runtime)
	}
	n.timers = timer.NewLoop(e, log)
	n.relay, err = relay.New(relay.Options{Service: n.Service.Name, Log: n.Log, Topic: w.Broker.Topic(wire.Topic(n.Service.Name)), Now: clock, Logger: log, Partitions: Partitions})
	if err != nil {
		panic(err)
	}
	old := n.readers
	n.readers = nil
	for i, source := range n.Service.Sources {
		r := &reader{slow: old != nil && old[i].slow, topic: wire.Topic(source), consumer: consume.New(consume.Options{
			Source: source, Handler: n.Service.Handler, Engine: e, Log: log, Now: clock, Replay: w.askReplay,
		})}
		if old != nil { // offsets are a hint: somewhere at or before what was read
			for p, at := range old[i].offsets {
				read := max(at-w.Broker.First(r.topic, p), 0)
				if w.Rand.IntN(8) > 0 { // else a process that crashes often would never read a long partition to its end
					read = min(read, 100)
				}
				r.offsets = append(r.offsets, max(at, w.Broker.First(r.topic, p))-w.Rand.Int64N(read+1))
			}
		}
		n.readers = append(n.readers, r)
	}
}

// registrar takes a service's methods, to call them in place.
type registrar struct{ node *Node }

// RegisterService notes the methods.
func (r registrar) RegisterService(d *grpc.ServiceDesc, impl any) {
	for _, m := range d.Methods {
		r.node.methods["/"+d.ServiceName+"/"+m.MethodName] = method{m, impl}
	}
}

// Conn calls a service's methods in place, as a caller.
type Conn struct {
	Node   *Node
	Caller engine.Caller
}

// Conn of a service for generated clients.
func (w *World) Conn(service string, key string) Conn {
	return Conn{Node: w.byName[service], Caller: engine.Caller{Tenant: Tenant, Actor: "user:world", RequestKey: key}}
}

// Invoke calls one method.
func (c Conn) Invoke(ctx context.Context, name string, args, reply any, _ ...grpc.CallOption) error {
	m, ok := c.Node.methods[name]
	if !ok {
		return status.Errorf(codes.Unimplemented, "%s is not there", name)
	}
	answer, err := m.desc.Handler(m.impl, engine.WithCaller(ctx, c.Caller), func(in any) error {
		proto.Merge(in.(proto.Message), args.(proto.Message))
		return nil
	}, nil)
	if err != nil {
		return err
	}
	proto.Merge(reply.(proto.Message), answer.(proto.Message))
	return nil
}

// NewStream is for no method of ours.
func (c Conn) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "no streams")
}

// Do runs a command, again and again with the same key while its outcome is unknown, as a client does.
func (w *World) Do(service, key string, call func(context.Context, Conn) error) error {
	for range 1000 {
		err := call(context.Background(), w.Conn(service, key))
		if errors.Is(err, errBefore) || errors.Is(err, errAfter) || status.Code(err) == codes.Unavailable {
			continue
		}
		return errors.Join(err, w.check())
	}
	return fmt.Errorf("%s: the command never gets through", service)
}

func (w *World) askReplay(ctx context.Context, q *platformv1.ReplayRequested) error {
	m, err := wire.EncodeReplay(q)
	if err != nil {
		return err
	}
	topic := w.Broker.Topic(wire.ControlTopic)
	if err := topic.Ensure(ctx, 1); err != nil {
		return err
	}
	_, err = topic.Produce(ctx, 0, []kafka.Message{m})
	return err
}

// Node of a service.
func (w *World) Node(service string) *Node { return w.byName[service] }

// Nodes are all services.
func (w *World) Nodes() []*Node { return w.nodes }

// Step does one thing of one node, chosen by the seed, perhaps with a fault. It says whether something happened.
func (w *World) Step() (bool, error) {
	w.Steps++
	n := w.nodes[w.Rand.IntN(len(w.nodes))]
	if w.happens(w.faults.Crash) {
		w.trace("%s crashes", n.Service.Name)
		n.Crashes++
		n.boot()
		return true, nil
	}
	if w.happens(w.faults.Damage) {
		w.damage(wire.Topic(n.Service.Name))
		return true, nil
	}
	if w.happens(w.faults.Grow) {
		topic := wire.Topic(n.Service.Name)
		if k := w.Broker.Partitions(topic); k > 0 && k < 16 {
			w.trace("%s grows to %d partitions", topic, 2*k)
			w.Broker.Grow(topic, 2*k)
		}
	}
	did, err := n.step(w.Rand.IntN(4))
	if err != nil {
		w.trace("%s: %v", n.Service.Name, err)
		if !w.expected(err) {
			return false, fmt.Errorf("%s: %w", n.Service.Name, err)
		}
		if w.happens(0.3) { // a process that meets an unknown outcome may as well be restarted
			n.boot()
		}
	}
	return did || err != nil, w.check()
}

// expected says whether an error is one of the faults that were asked for.
func (w *World) expected(err error) bool {
	var broker kafka.Error
	return errors.Is(err, errBefore) || errors.Is(err, errAfter) || errors.As(err, &broker)
}

func (w *World) damage(topic string) {
	parts := w.Broker.Partitions(topic)
	if parts == 0 {
		return
	}
	p, n := w.Rand.IntN(parts), 1+w.Rand.IntN(40)
	switch w.Rand.IntN(5) {
	case 0:
		w.trace("%s is gone", topic)
		w.Broker.Delete(topic)
	case 1, 2:
		w.trace("%s/%d loses its last %d", topic, p, n)
		w.Broker.DropTail(topic, p, n)
	default:
		w.trace("%s/%d loses its first %d", topic, p, n)
		w.Broker.DropHead(topic, p, n)
	}
}

func (n *Node) step(kind int) (bool, error) {
	ctx := context.Background()
	switch kind {
	case 0:
		if err := n.hear(ctx); err != nil {
			return false, err
		}
		before := n.relay.Position()
		events, err := n.relay.Step(ctx)
		return events > 0 || n.relay.Position() != before, err
	case 1:
		fired, err := n.timers.Step(ctx)
		return fired > 0, err
	case 2:
		handled, err := consume.Drain(ctx, n.Engine, n.Service.Handler)
		return handled > 0, err
	default:
		if len(n.readers) == 0 {
			return false, nil
		}
		return n.read(ctx, n.readers[n.world.Rand.IntN(len(n.readers))])
	}
}

// hear takes what is asked for on the control topic.
func (n *Node) hear(ctx context.Context) error {
	if n.world.Broker.Partitions(wire.ControlTopic) == 0 {
		return nil
	}
	messages, err := n.world.Broker.Fetch(wire.ControlTopic, 0, n.control, 100)
	if err != nil {
		n.control = n.world.Broker.First(wire.ControlTopic, 0)
		return nil
	}
	for _, m := range messages {
		n.control = m.Offset + 1
		content, err := wire.Decode(m)
		if err != nil {
			return err
		}
		if content.Replay != nil {
			if err := n.relay.Replay(ctx, content.Replay); err != nil {
				return err
			}
		}
	}
	return nil
}

// read delivers what has arrived of one partition, or loses or repeats some of it.
func (n *Node) read(ctx context.Context, r *reader) (bool, error) {
	w := n.world
	parts := w.Broker.Partitions(r.topic)
	if parts == 0 {
		return false, nil
	}
	for len(r.offsets) < parts {
		r.offsets = append(r.offsets, w.Broker.First(r.topic, len(r.offsets)))
	}
	if r.slow && !w.happens(0.002) {
		return false, nil
	}
	p := w.Rand.IntN(parts)
	if w.happens(w.faults.Rewind) {
		r.offsets[p] = max(w.Broker.First(r.topic, p), r.offsets[p]-int64(1+w.Rand.IntN(50)))
	}
	messages, err := w.Broker.Fetch(r.topic, p, r.offsets[p], 1+w.Rand.IntN(200))
	if err != nil { // out of range: the topic was cut or made again
		r.offsets[p] = w.Broker.First(r.topic, p)
		return true, nil
	}
	if len(messages) == 0 {
		return false, nil
	}
	next := messages[len(messages)-1].Offset + 1
	if w.happens(w.faults.Skip) {
		w.trace("%s loses %d messages of %s/%d", n.Service.Name, len(messages), r.topic, p)
		r.offsets[p] = next
		return true, nil
	}
	contents := make([]wire.Content, 0, len(messages))
	events := false
	for _, m := range messages {
		content, err := wire.Decode(m)
		if err != nil {
			return false, err
		}
		events = events || content.Event != nil
		contents = append(contents, content)
	}
	if err := r.consumer.Handle(ctx, contents); err != nil {
		return false, err
	}
	r.offsets[p] = next
	return events, nil
}

func (w *World) check() error {
	w.countWaits()
	if w.broken != nil {
		return w.broken
	}
	if w.Check == nil {
		return nil
	}
	sum := int64(0)
	for _, n := range w.nodes {
		head, err := n.Log.Head(context.Background())
		if err != nil {
			return err
		}
		sum += head.Position
	}
	if sum == w.seen {
		return nil
	}
	w.seen = sum
	return w.Check()
}

// Chaos runs steps with the world's faults.
func (w *World) Chaos(steps int) error {
	for range steps {
		if _, err := w.Step(); err != nil {
			return err
		}
	}
	return nil
}

// Settle runs everything in turn until nothing is left to do at this instant: all relayed, all read, all handled; slow readers are left aside, and read later. It fails when that
// does not come to an end.
func (w *World) Settle() error {
	for round := 0; ; round++ {
		did := false
		for _, n := range w.nodes {
			for kind := range 3 {
				for {
					again, err := n.step(kind)
					if err != nil {
						return fmt.Errorf("%s: %w", n.Service.Name, err)
					}
					did = did || again
					if !again {
						break
					}
				}
			}
			for _, r := range n.readers {
				if r.slow {
					continue
				}
				again, err := n.readAll(r)
				if err != nil {
					return fmt.Errorf("%s: %w", n.Service.Name, err)
				}
				did = did || again
			}
		}
		if err := w.check(); err != nil {
			return err
		}
		if !did {
			behind, err := w.Behind()
			if err != nil || len(behind) == 0 {
				return err
			}
			// Something is missing: time must pass for heartbeats and for asking again.
			w.Now = w.Now.Add(3 * time.Second)
			if round > 3000 {
				return fmt.Errorf("the world does not come to rest: %v", behind)
			}
		}
		if round > 10_000 {
			return errors.New("the world does not come to rest: it goes on and on")
		}
	}
}

func (n *Node) readAll(r *reader) (did bool, err error) {
	w := n.world
	parts := w.Broker.Partitions(r.topic)
	for len(r.offsets) < parts {
		r.offsets = append(r.offsets, w.Broker.First(r.topic, len(r.offsets)))
	}
	for p := range parts {
		for {
			messages, err := w.Broker.Fetch(r.topic, p, r.offsets[p], 500)
			if err != nil {
				r.offsets[p] = w.Broker.First(r.topic, p)
				continue
			}
			if len(messages) == 0 {
				break
			}
			contents := make([]wire.Content, 0, len(messages))
			for _, m := range messages {
				content, err := wire.Decode(m)
				if err != nil {
					return did, err
				}
				did = did || content.Event != nil
				contents = append(contents, content)
			}
			if err := r.consumer.Handle(context.Background(), contents); err != nil {
				return did, err
			}
			r.offsets[p] = messages[len(messages)-1].Offset + 1
		}
	}
	return did, nil
}

// Behind says which consumer has not handled which source's events, but for what slow readers bring.
func (w *World) Behind() ([]string, error) {
	var out []string
	for _, n := range w.nodes {
		for i, source := range n.Service.Sources {
			from := w.byName[source]
			if from == nil || n.readers[i].slow {
				continue
			}
			head, err := from.Log.Head(context.Background())
			if err != nil {
				return nil, err
			}
			marks, err := n.Log.Inbox(context.Background(), n.Service.Name, source)
			if err != nil {
				return nil, err
			}
			for slot, last := range head.BySlot {
				if marks[slot] < last {
					out = append(out, fmt.Sprintf("%s is at %d of %d of %s in slot %d", n.Service.Name, marks[slot], last, source, slot))
				}
			}
		}
	}
	return out, nil
}

// Advance moves the clock and settles, at most step at a time.
func (w *World) Advance(d, step time.Duration) error {
	for d > 0 {
		by := min(d, step)
		w.Now = w.Now.Add(by)
		d -= by
		if err := w.Settle(); err != nil {
			return err
		}
	}
	return nil
}

// Parked are the events that a service could not handle, or that wait.
func (w *World) Parked() ([]eventlog.Parked, error) {
	var out []eventlog.Parked
	for _, n := range w.nodes {
		parked, err := n.Log.ListParked(context.Background(), n.Service.Name, "", 10_000)
		if err != nil {
			return nil, err
		}
		out = append(out, parked...)
	}
	return out, nil
}

// Events of a service's log, whole, with a position after one.
func (n *Node) Events(after int64) ([]es.Recorded, error) {
	records, err := n.Log.Read(context.Background(), after, 1_000_000)
	if err != nil {
		return nil, err
	}
	return n.Engine.OpenAll(context.Background(), records)
}

// Digest names the history: event ids, streams and versions of every log.
func (w *World) Digest() (string, error) {
	h := sha256.New()
	for _, n := range w.nodes {
		records, err := n.Log.Read(context.Background(), 0, 1_000_000)
		if err != nil {
			return "", err
		}
		for _, r := range records {
			fmt.Fprintf(h, "%s %d %s %s %d %s\n", n.Service.Name, r.Position, r.EventId, r.Stream, r.Version, r.Type)
			h.Write(r.Clear)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Names of the services.
func (w *World) Names() []string {
	var out []string
	for _, n := range w.nodes {
		out = append(out, n.Service.Name)
	}
	slices.Sort(out)
	return out
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
