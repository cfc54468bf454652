// Package memlog is an event log in memory, for the simulation and for tests: the same contract as pglog (logtest), deterministic, and without goroutines of its own.
//
// A Log outlives the crashes of the service that uses it: to "open it again" is to use the same Log. What Append has committed is never lost. Faults puts a
// fault before or after the commit, so that a caller sees "it did not happen" and "it happened, but you were not told". Statements are ignored: there is no
// database here. TestMemlog runs the contract.
package memlog

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// Operations that Faults is asked about.
const (
	BeforeCommit = "append.before_commit" // an error: nothing has happened
	AfterCommit  = "append.after_commit"  // an error: it is committed all the same
)

// Log is a log in memory. Make it with New.
type Log struct {
	// Clock gives the time of events that have none of their own; nil: they get the time of the event before. Set it before the first use.
	Clock func() time.Time
	// Faults, if set, is asked before and after each commit and may fail it. Set it before the first use.
	Faults func(op string) error

	mu       sync.Mutex
	end      eventlog.Numbering
	events   []eventlog.Record // by position, from 1
	streams  map[eventlog.StreamKey][]eventlog.Record
	answers  map[requestKey]eventlog.Answer
	inbox    map[inboxKey]int64
	mirrored map[eventlog.MirrorKey][]eventlog.Record
	parked   map[eventlog.ParkedKey]eventlog.Parked
	timers   map[eventlog.TimerKey]eventlog.TimerRow
	states   map[eventlog.StreamKey]eventlog.State
	relays   map[string]eventlog.RelayState
	appended eventlog.Signal
}

type requestKey struct {
	tenant uuid.UUID
	key    string
}

type inboxKey struct {
	consumer, source string
	slot             int16
}

// New makes an empty log of a service.
func New(service string) *Log {
	return &Log{
		end:      eventlog.Numbering{Source: service, Head: eventlog.Head{Epoch: 1}},
		streams:  map[eventlog.StreamKey][]eventlog.Record{},
		answers:  map[requestKey]eventlog.Answer{},
		inbox:    map[inboxKey]int64{},
		mirrored: map[eventlog.MirrorKey][]eventlog.Record{},
		parked:   map[eventlog.ParkedKey]eventlog.Parked{},
		timers:   map[eventlog.TimerKey]eventlog.TimerRow{},
		states:   map[eventlog.StreamKey]eventlog.State{},
		relays:   map[string]eventlog.RelayState{},
	}
}

var _ eventlog.Log = (*Log)(nil)

// Append commits a unit.
func (l *Log) Append(ctx context.Context, u eventlog.Unit) (eventlog.Result, error) {
	if err := u.Check(); err != nil {
		return eventlog.Result{}, &eventlog.RowError{Err: fmt.Errorf("append: %w", err)}
	}
	if err := ctx.Err(); err != nil {
		return eventlog.Result{}, fmt.Errorf("append: %w", err)
	}
	if err := l.fault(BeforeCommit); err != nil {
		return eventlog.Result{}, fmt.Errorf("append: %w", err)
	}
	result, err := l.commit(u)
	if err != nil {
		return eventlog.Result{}, err
	}
	if err := l.fault(AfterCommit); err != nil {
		return eventlog.Result{}, fmt.Errorf("append: %w", err)
	}
	return result, nil
}

func (l *Log) fault(op string) error {
	if l.Faults == nil {
		return nil
	}
	return l.Faults(op)
}

func (l *Log) commit(u eventlog.Unit) (eventlog.Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refused(u); err != nil {
		return eventlog.Result{}, err
	}
	return l.apply(u), nil
}

// refused is why the unit can't be committed. It changes nothing.
func (l *Log) refused(u eventlog.Unit) error {
	if u.Request != nil {
		if a, used := l.answers[requestKey{u.Request.Tenant, u.Request.Key}]; used {
			return &eventlog.UsedError{Answer: a}
		}
	}
	marks := map[inboxKey]int64{}
	for _, a := range u.Inbox {
		key := inboxKey{a.Consumer, a.Source, a.Slot}
		mark, ok := marks[key]
		if !ok {
			mark, ok = l.inbox[key]
		}
		if !ok || mark != a.Old {
			return eventlog.ErrFenced
		}
		marks[key] = a.New
	}
	there := map[eventlog.ParkedKey]bool{}
	isThere := func(key eventlog.ParkedKey) bool {
		if is, ok := there[key]; ok {
			return is
		}
		_, is := l.parked[key]
		return is
	}
	for _, key := range u.Unpark {
		if !isThere(key) {
			return eventlog.ErrFenced
		}
		there[key] = false
	}
	for _, p := range u.Repark {
		if !isThere(parkedKey(p)) {
			return eventlog.ErrFenced
		}
	}
	for _, p := range u.Park {
		if isThere(parkedKey(p)) {
			return eventlog.ErrFenced
		}
		there[parkedKey(p)] = true
	}
	fired := map[eventlog.TimerKey]bool{}
	for _, t := range u.Fired {
		have, ok := l.timers[t.TimerKey]
		if !ok || fired[t.TimerKey] || !have.DueAt.Equal(stored(t.DueAt)) {
			return eventlog.ErrFenced
		}
		fired[t.TimerKey] = true
	}
	versions := map[eventlog.StreamKey]int{}
	for _, a := range u.Appends {
		version, ok := versions[a.StreamKey]
		if !ok {
			version = len(l.streams[a.StreamKey])
		}
		if a.Expect != eventlog.AnyVersion && a.Expect != version {
			return eventlog.ErrConflict
		}
		versions[a.StreamKey] = version + len(a.Events)
	}
	return nil
}

func (l *Log) apply(u eventlog.Unit) eventlog.Result {
	var result eventlog.Result
	now := l.end.RecordedAt
	if l.Clock != nil {
		now = l.Clock()
	}
	for _, a := range u.Appends {
		for _, p := range a.Events {
			r := l.end.Next(a.StreamKey, len(l.streams[a.StreamKey])+1, p.Record, now)
			l.events = append(l.events, r)
			l.streams[a.StreamKey] = append(l.streams[a.StreamKey], r)
			result.Records = append(result.Records, r)
		}
	}
	result.Position = l.end.Position
	if r := u.Request; r != nil {
		l.answers[requestKey{r.Tenant, r.Key}] = eventlog.Answer{
			BodyHash: bytes.Clone(r.BodyHash), Stream: r.Stream, Version: len(l.streams[eventlog.StreamKey{Tenant: r.Tenant, Stream: r.Stream}]),
			Events: result.Records, Position: result.Position,
		}
	}
	for _, a := range u.Inbox {
		l.inbox[inboxKey{a.Consumer, a.Source, a.Slot}] = a.New
	}
	for _, key := range u.Unpark {
		delete(l.parked, key)
	}
	result.Woken = l.keep(u.Mirrors)
	for _, p := range u.Repark {
		old := l.parked[parkedKey(p)]
		old.State, old.WaitsFor, old.Error, old.Attempts = p.State, p.WaitsFor, p.Error, p.Attempts
		l.parked[parkedKey(p)] = l.awake(old)
	}
	for _, p := range u.Park {
		p.Since = stored(p.Since)
		l.parked[parkedKey(p)] = l.awake(p)
	}
	for _, t := range u.Fired {
		delete(l.timers, t.TimerKey)
	}
	for _, key := range u.Cancel {
		delete(l.timers, key)
	}
	for _, t := range u.SetTimers {
		t.DueAt, t.Body = stored(t.DueAt), bytes.Clone(t.Body)
		l.timers[t.TimerKey] = t
	}
	for _, s := range u.States {
		s.Body = bytes.Clone(s.Body)
		l.states[s.StreamKey] = s
	}
	if len(result.Records) > 0 {
		l.appended.Raise()
	}
	return result
}

// keep adds mirror rows and wakes what waited for their keys.
func (l *Log) keep(rows []eventlog.MirrorRow) (woken int) {
	fresh := map[eventlog.MirrorKey]bool{}
	for _, row := range rows {
		key := eventlog.MirrorKey{Mirror: row.Mirror, Tenant: row.Tenant, Key: row.Key}
		fresh[key] = true
		if !slices.ContainsFunc(l.mirrored[key], func(r eventlog.Record) bool {
			return r.Source == row.Record.Source && r.Position == row.Record.Position
		}) {
			l.mirrored[key] = append(l.mirrored[key], row.Record)
		}
	}
	if len(fresh) == 0 {
		return 0
	}
	for key, p := range l.parked { // in any order: each is changed for itself
		if p.State == eventlog.Waiting && fresh[p.WaitsFor] {
			p.State, p.WaitsFor = eventlog.Ready, eventlog.MirrorKey{}
			l.parked[key] = p
			woken++
		}
	}
	return woken
}

// awake makes an event ready that would wait for what is there.
func (l *Log) awake(p eventlog.Parked) eventlog.Parked {
	if p.State == eventlog.Waiting && len(l.mirrored[p.WaitsFor]) > 0 {
		p.State, p.WaitsFor = eventlog.Ready, eventlog.MirrorKey{}
	}
	return p
}

func parkedKey(p eventlog.Parked) eventlog.ParkedKey {
	return eventlog.ParkedKey{Consumer: p.Consumer, Source: p.Record.Source, Position: p.Record.Position}
}

// stored is a time as a database keeps it.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Stream reads a stream's events with a version greater than after.
func (l *Log) Stream(_ context.Context, key eventlog.StreamKey, after int) ([]eventlog.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stream(key, after), nil
}

func (l *Log) stream(key eventlog.StreamKey, after int) []eventlog.Record {
	all := l.streams[key]
	return slices.Clone(all[min(max(after, 0), len(all)):])
}

// Streams reads many streams whole, or after their stored state where the hash of the fold agrees.
func (l *Log) Streams(_ context.Context, keys []eventlog.StreamKey, foldHash map[string]string) (map[eventlog.StreamKey]eventlog.Loaded, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[eventlog.StreamKey]eventlog.Loaded, len(keys))
	for _, key := range keys {
		loaded := eventlog.Loaded{Version: len(l.streams[key])}
		kind, _ := es.Split(key.Stream)
		after := 0
		if s, ok := l.states[key]; ok && foldHash[kind] != "" && foldHash[kind] == s.FoldHash {
			loaded.State, after = &s, s.Version
		}
		loaded.Events = l.stream(key, after)
		out[key] = loaded
	}
	return out, nil
}

// Read reads events with a position greater than after, at most limit.
func (l *Log) Read(_ context.Context, after int64, limit int) ([]eventlog.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := min(max(after, 0), int64(len(l.events)))
	return slices.Clone(head(l.events[from:], limit)), nil
}

// ReadSlot is Read within one slot.
func (l *Log) ReadSlot(_ context.Context, slot int16, after int64, limit int) ([]eventlog.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var back []eventlog.Record
	for at := l.end.BySlot[slot]; at > after; at = l.events[at-1].Previous {
		back = append(back, l.events[at-1])
	}
	slices.Reverse(back)
	return head(back, limit), nil
}

func head[T any](all []T, limit int) []T { return all[:min(max(limit, 0), len(all))] }

// Head is the end of the log.
func (l *Log) Head(context.Context) (eventlog.Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end.Head, nil
}

// Appended is a channel that is closed once something was appended since the call before.
func (l *Log) Appended() <-chan struct{} { return l.appended.C() }

// Answer is what a request key was answered with; nil: it was never used.
func (l *Log) Answer(_ context.Context, tenant uuid.UUID, key string) (*eventlog.Answer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.answers[requestKey{tenant, key}]
	if !ok {
		return nil, nil
	}
	return &a, nil
}

// Inbox are a consumer's marks of a source.
func (l *Log) Inbox(_ context.Context, consumer, source string) (marks [es.Slots]int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for slot := range marks {
		key := inboxKey{consumer, source, int16(slot)}
		marks[slot] = l.inbox[key]
		l.inbox[key] = marks[slot]
	}
	return marks, nil
}

// Mirrored are the records kept under each key, in the order in which they arrived.
func (l *Log) Mirrored(_ context.Context, keys []eventlog.MirrorKey) (map[eventlog.MirrorKey][]eventlog.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[eventlog.MirrorKey][]eventlog.Record{}
	for _, key := range keys {
		if rows := l.mirrored[key]; len(rows) > 0 {
			out[key] = slices.Clone(rows)
		}
	}
	return out, nil
}

// ParkedStreams are the streams of a source that are stopped for a consumer.
func (l *Log) ParkedStreams(_ context.Context, consumer, source string) (map[eventlog.StreamKey]bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[eventlog.StreamKey]bool{}
	for key, p := range l.parked {
		if key.Consumer == consumer && key.Source == source {
			out[streamOf(p)] = true
		}
	}
	return out, nil
}

// ReadyParked are the first parked events of the streams that can go on, by source and position.
func (l *Log) ReadyParked(_ context.Context, consumer string, limit int) ([]eventlog.Parked, error) {
	type stream struct {
		source string
		key    eventlog.StreamKey
	}
	seen := map[stream]bool{}
	var ready []eventlog.Parked
	for _, p := range l.ofConsumer(consumer) {
		s := stream{p.Record.Source, streamOf(p)}
		if !seen[s] && (p.State == eventlog.Ready || p.State == eventlog.Behind) {
			ready = append(ready, p)
		}
		seen[s] = true
	}
	return head(ready, limit), nil
}

// ListParked are parked events of a state, or all, by source and position.
func (l *Log) ListParked(_ context.Context, consumer, state string, limit int) ([]eventlog.Parked, error) {
	all := l.ofConsumer(consumer)
	all = slices.DeleteFunc(all, func(p eventlog.Parked) bool { return state != "" && p.State != state })
	return head(all, limit), nil
}

func (l *Log) ofConsumer(consumer string) []eventlog.Parked {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []eventlog.Parked
	for key, p := range l.parked {
		if key.Consumer == consumer {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b eventlog.Parked) int {
		return cmp.Or(strings.Compare(a.Record.Source, b.Record.Source), cmp.Compare(a.Record.Position, b.Record.Position))
	})
	return all
}

func streamOf(p eventlog.Parked) eventlog.StreamKey {
	return eventlog.StreamKey{Tenant: uuid.MustParse(p.Record.TenantId), Stream: p.Record.Stream} // Unit.Check has parsed it
}

// DueTimers are the timers that are due, the longest due first.
func (l *Log) DueTimers(_ context.Context, now time.Time, limit int) ([]eventlog.TimerRow, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	due := slices.DeleteFunc(slices.Collect(maps.Values(l.timers)), func(t eventlog.TimerRow) bool { return t.DueAt.After(now) })
	slices.SortFunc(due, func(a, b eventlog.TimerRow) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), bytes.Compare(a.Tenant[:], b.Tenant[:]), strings.Compare(a.Key, b.Key))
	})
	return head(due, limit), nil
}

// NextTimer is when the next timer is due.
func (l *Log) NextTimer(context.Context) (next time.Time, found bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.timers {
		if !found || t.DueAt.Before(next) {
			next, found = t.DueAt, true
		}
	}
	return next, found, nil
}

// RelayState is how far a relay has published.
func (l *Log) RelayState(_ context.Context, topic string) (eventlog.RelayState, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.relays[topic]
	s.Acked = slices.Clone(s.Acked)
	return s, ok, nil
}

// SaveRelayState keeps how far a relay has published.
func (l *Log) SaveRelayState(_ context.Context, s eventlog.RelayState) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Acked = slices.Clone(s.Acked)
	l.relays[s.Topic] = s
	return nil
}
