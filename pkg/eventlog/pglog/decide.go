package pglog

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// view is what the database says, under the head's lock, about all that a batch touches; and then what it will say, as unit after unit is decided.
type view struct {
	end      eventlog.Numbering
	versions map[eventlog.StreamKey]int
	answered map[requestKey]bool
	inbox    map[inboxKey]*mark
	keys     map[eventlog.MirrorKey]bool // mirror keys that something is kept under
	parked   map[eventlog.ParkedKey]*place
	waiting  map[eventlog.MirrorKey][]eventlog.ParkedKey
	timers   map[eventlog.TimerKey]*timer
}

type requestKey struct {
	tenant uuid.UUID
	key    string
}

type inboxKey struct {
	consumer, source string
	slot             int16
}

// mark of an inbox: as the database has it, and as it will be.
type mark struct{ old, new int64 }

// place of a parked event.
type place struct {
	was, is bool // there, in the database; and after what has been decided
	change  change
	row     eventlog.Parked // inserted: all of it; rewritten: without record and since; otherwise state and what it waits for
}

// change of a parked event that is there.
type change int

const (
	unchanged change = iota
	woken            // it is ready now, nothing else changes
	rewritten        // by Repark
	inserted         // anew; was: instead of one that goes
)

// timer by its key. Whether it is there and when it is due is known where a unit of the batch fires it.
type timer struct {
	is   bool
	due  time.Time
	set  *eventlog.TimerRow // to be written
	gone bool               // to be deleted
}

func newView(end eventlog.Numbering) *view {
	return &view{
		end: end, versions: map[eventlog.StreamKey]int{}, answered: map[requestKey]bool{}, inbox: map[inboxKey]*mark{}, keys: map[eventlog.MirrorKey]bool{},
		parked: map[eventlog.ParkedKey]*place{}, waiting: map[eventlog.MirrorKey][]eventlog.ParkedKey{}, timers: map[eventlog.TimerKey]*timer{},
	}
}

// plan is what a batch writes and what its callers are told.
type plan struct {
	replies    []reply // by call
	records    []eventlog.Record
	requests   []requestRow
	mirrors    []eventlog.MirrorRow
	states     map[eventlog.StreamKey]eventlog.State
	statements []owned
	accepted   int
}

type requestRow struct {
	eventlog.Request
	version         int
	position, first int64
	events          int
}

// owned is a statement and the call it belongs to.
type owned struct {
	call int
	es.Statement
}

// projectionError: a service's projection failed on a unit's events.
type projectionError struct {
	call int
	err  error
}

func (e *projectionError) Error() string { return e.err.Error() }

// decide decides the units one after the other, each on what those before it leave. Only a projection can fail, which spoils view and plan.
func decide(v *view, calls []*call, now time.Time, project eventlog.Project) (*plan, error) {
	p := &plan{replies: make([]reply, len(calls)), states: map[eventlog.StreamKey]eventlog.State{}}
	for i, c := range calls {
		if err := v.refused(c.unit); err != nil {
			p.replies[i].err = err
			continue
		}
		p.accepted++
		p.replies[i].result = v.apply(p, i, c.unit, now)
		for _, s := range c.unit.Statements {
			p.statements = append(p.statements, owned{i, s})
		}
		if project == nil {
			continue
		}
		if err := p.project(i, c.unit, project); err != nil {
			return nil, &projectionError{i, err}
		}
	}
	return p, nil
}

// refused is why the unit can't be committed. It changes nothing.
func (v *view) refused(u eventlog.Unit) error {
	if u.Request != nil && v.answered[requestKey{u.Request.Tenant, u.Request.Key}] {
		return errUsed
	}
	marks := map[inboxKey]int64{}
	for _, a := range u.Inbox {
		key := inboxKey{a.Consumer, a.Source, a.Slot}
		at, ok := marks[key]
		if !ok {
			m := v.inbox[key]
			if m == nil {
				return eventlog.ErrFenced
			}
			at = m.new
		}
		if at != a.Old {
			return eventlog.ErrFenced
		}
		marks[key] = a.New
	}
	if !v.parkedAsExpected(u) {
		return eventlog.ErrFenced
	}
	fired := map[eventlog.TimerKey]bool{}
	for _, f := range u.Fired {
		t := v.timers[f.TimerKey]
		if t == nil || !t.is || fired[f.TimerKey] || !t.due.Equal(stored(f.DueAt)) {
			return eventlog.ErrFenced
		}
		fired[f.TimerKey] = true
	}
	if len(u.Appends) == 1 { // nearly always: needs no map
		if a := u.Appends[0]; a.Expect != eventlog.AnyVersion && a.Expect != v.versions[a.StreamKey] {
			return eventlog.ErrConflict
		}
		return nil
	}
	added := map[eventlog.StreamKey]int{}
	for _, a := range u.Appends {
		if a.Expect != eventlog.AnyVersion && a.Expect != v.versions[a.StreamKey]+added[a.StreamKey] {
			return eventlog.ErrConflict
		}
		added[a.StreamKey] += len(a.Events)
	}
	return nil
}

func (v *view) parkedAsExpected(u eventlog.Unit) bool {
	if len(u.Unpark) == 0 && len(u.Repark) == 0 && len(u.Park) == 0 {
		return true
	}
	there := map[eventlog.ParkedKey]bool{}
	isThere := func(key eventlog.ParkedKey) bool {
		if is, ok := there[key]; ok {
			return is
		}
		p := v.parked[key]
		return p != nil && p.is
	}
	for _, key := range u.Unpark {
		if !isThere(key) {
			return false
		}
		there[key] = false
	}
	for _, p := range u.Repark {
		if !isThere(parkedKey(p)) {
			return false
		}
	}
	for _, p := range u.Park {
		if isThere(parkedKey(p)) {
			return false
		}
		there[parkedKey(p)] = true
	}
	return true
}

// apply adds the unit to the plan and to what the next unit sees.
func (v *view) apply(p *plan, call int, u eventlog.Unit, now time.Time) eventlog.Result {
	var result eventlog.Result
	first := len(p.records)
	for _, a := range u.Appends {
		version := v.versions[a.StreamKey]
		for _, e := range a.Events {
			version++
			p.records = append(p.records, v.end.Next(a.StreamKey, version, e.Record, now))
		}
		v.versions[a.StreamKey] = version
	}
	result.Records = p.records[first:len(p.records):len(p.records)]
	result.Position = v.end.Position
	if r := u.Request; r != nil {
		v.answered[requestKey{r.Tenant, r.Key}] = true
		p.requests = append(p.requests, requestRow{
			Request: *r, version: v.versions[eventlog.StreamKey{Tenant: r.Tenant, Stream: r.Stream}], position: result.Position,
			first: result.Position - int64(len(result.Records)) + 1, events: len(result.Records),
		})
	}
	for _, a := range u.Inbox {
		v.inbox[inboxKey{a.Consumer, a.Source, a.Slot}].new = a.New
	}
	for _, key := range u.Unpark {
		v.parked[key].is = false
	}
	for _, m := range u.Mirrors {
		key := eventlog.MirrorKey{Mirror: m.Mirror, Tenant: m.Tenant, Key: m.Key}
		v.keys[key] = true
		result.Woken += v.wake(key)
		p.mirrors = append(p.mirrors, m)
	}
	for _, r := range u.Repark {
		at := v.parked[parkedKey(r)]
		at.row.State, at.row.WaitsFor, at.row.Error, at.row.Attempts = r.State, r.WaitsFor, r.Error, r.Attempts
		at.change = max(at.change, rewritten)
		v.wait(parkedKey(r), at)
	}
	for _, r := range u.Park {
		at := v.parked[parkedKey(r)]
		if at == nil {
			at = &place{}
			v.parked[parkedKey(r)] = at
		}
		at.is, at.change, at.row = true, inserted, r
		v.wait(parkedKey(r), at)
	}
	for _, f := range u.Fired {
		v.timers[f.TimerKey].unset()
	}
	for _, key := range u.Cancel {
		v.timers[key].unset()
	}
	for _, t := range u.SetTimers {
		t.DueAt = stored(t.DueAt)
		at := v.timers[t.TimerKey]
		at.is, at.due, at.set, at.gone = true, t.DueAt, &t, false
	}
	for _, s := range u.States {
		p.states[s.StreamKey] = s
	}
	return result
}

// wake makes ready what waits for the key.
func (v *view) wake(key eventlog.MirrorKey) (woke int) {
	for _, k := range v.waiting[key] {
		at := v.parked[k]
		if !at.is || at.row.State != eventlog.Waiting || at.row.WaitsFor != key {
			continue // it went, or waits for something else, since it was listed here
		}
		at.row.State, at.row.WaitsFor = eventlog.Ready, eventlog.MirrorKey{}
		at.change = max(at.change, woken)
		woke++
	}
	delete(v.waiting, key)
	return woke
}

// wait lists an event under the key it waits for, or makes it ready where that is there.
func (v *view) wait(key eventlog.ParkedKey, at *place) {
	switch {
	case at.row.State != eventlog.Waiting:
	case v.keys[at.row.WaitsFor]:
		at.row.State, at.row.WaitsFor = eventlog.Ready, eventlog.MirrorKey{}
	default:
		v.waiting[at.row.WaitsFor] = append(v.waiting[at.row.WaitsFor], key)
	}
}

func (t *timer) unset() { t.is, t.set, t.gone = false, nil, true }

// project adds the statements of the service's read models for the events of a unit.
func (p *plan) project(call int, u eventlog.Unit, project eventlog.Project) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the projection failed: %v", r)
		}
	}()
	records := p.replies[call].result.Records
	for _, a := range u.Appends {
		for _, e := range a.Events {
			recorded, err := eventlog.Recorded(records[0], e.Message)
			if err != nil {
				return err
			}
			records = records[1:]
			for _, s := range project(recorded) {
				p.statements = append(p.statements, owned{call, s})
			}
		}
	}
	return nil
}

func parkedKey(p eventlog.Parked) eventlog.ParkedKey {
	return eventlog.ParkedKey{Consumer: p.Consumer, Source: p.Record.Source, Position: p.Record.Position}
}

// stored is a time as the database keeps it.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
