package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/seal"
)

// Handler is what a service does with the events of others (or its own) that reach it through the topics. All of it is pure.
type Handler struct {
	Consumer string
	React    es.React // may be nil
	Mirrors  []es.AnyMirror
	// Project makes the rows of read models that are built from topics. May be nil.
	Project func(es.Recorded) []es.Statement
	// Keep makes the rows that keep the event as it is stored, sealed parts sealed; they come before those of Project. May be nil.
	Keep func(eventlog.Record) []es.Statement
}

// Outcome of one event of a batch.
type Outcome struct {
	Wait *es.WaitError // it needs a mirror key that is not there
	Err  error         // it can't be handled as it is: a person must look (never a fault of the database)
}

// OK says whether the event had its effect.
func (o Outcome) OK() bool { return o.Wait == nil && o.Err == nil }

// stimulus is something that leads to commands: a recorded event or a timer that is due.
type stimulus struct {
	why     cause
	mirrors []eventlog.MirrorRow
	react   func(es.Look) ([]es.Command, error)
	project func() []es.Statement
	stream  eventlog.StreamKey // of the event; when an earlier event of it is not OK this one stays behind
}

// Prepared is a batch that has been decided and is ready to be committed by Commit, together with what the caller adds to Unit.
type Prepared struct {
	Unit     eventlog.Unit
	Outcomes []Outcome
	engine   *Engine
	touched  map[eventlog.StreamKey]*work
}

type work struct {
	folded
	loaded int // version when taken
	cmd    es.Command
	events []eventlog.Pending
}

// Prepare opens a batch's records, runs the reactions, loads what they need in few round trips and decides. Records that wait or fail are told in Outcomes and have
// left nothing in the unit; later records of the same stream are told to wait behind (Outcome.Err = ErrBehind). An error is a fault: try again later.
func (e *Engine) Prepare(ctx context.Context, h Handler, records []eventlog.Record) (*Prepared, error) {
	stimuli := make([]stimulus, len(records))
	failed := map[int]error{}
	for i, r := range records {
		stimuli[i].stream = eventlog.KeyOf(r) // also of one that fails here: nothing of its stream overtakes it
		rec, err := e.Open(ctx, r)
		if lasting(err) {
			failed[i] = err
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open event %d of %s: %w", r.Position, r.Source, err)
		}
		s := stimulus{
			why:    cause{id: rec.ID, tenant: rec.Tenant, actor: "service:" + e.Service, correlation: rec.Correlation, causation: rec.ID.String()},
			stream: eventlog.StreamKey{Tenant: rec.Tenant, Stream: r.Stream},
		}
		if s.mirrors, err = mirrorRows(h.Mirrors, rec, r); err != nil {
			failed[i] = err
			continue
		}
		if h.React != nil {
			s.react = func(look es.Look) ([]es.Command, error) { return h.React(rec, look) }
		}
		if h.Project != nil || h.Keep != nil {
			s.project = func() (all []es.Statement) {
				if h.Keep != nil {
					all = h.Keep(r)
				}
				if h.Project != nil {
					all = append(all, h.Project(rec)...)
				}
				return all
			}
		}
		stimuli[i] = s
	}
	return e.prepareAll(ctx, stimuli, failed)
}

func mirrorRows(mirrors []es.AnyMirror, rec es.Recorded, r eventlog.Record) (rows []eventlog.MirrorRow, err error) {
	defer caught(&err, "the keys of a mirror")
	for _, m := range mirrors {
		for _, key := range m.MirrorKeys(rec) {
			rows = append(rows, eventlog.MirrorRow{Mirror: m.MirrorName(), Tenant: rec.Tenant, Key: key, Record: r})
		}
	}
	return rows, nil
}

// ErrBehind: an earlier event of the same stream is not handled.
var ErrBehind = errors.New("an earlier event of its stream is not handled yet")

func (e *Engine) prepareAll(ctx context.Context, stimuli []stimulus, failed map[int]error) (*Prepared, error) {
	known := map[eventlog.MirrorKey][]es.Event{}
	for {
		p, again, err := e.tryAll(ctx, stimuli, failed, known)
		if err != nil || !again {
			return p, err
		}
	}
}

// tryAll prepares once. again: a stimulus turned out to fail after others had been decided on top of it, so everything is decided anew without it.
func (e *Engine) tryAll(ctx context.Context, stimuli []stimulus, failed map[int]error, known map[eventlog.MirrorKey][]es.Event) (p *Prepared, again bool, err error) {
	p = &Prepared{engine: e, Outcomes: make([]Outcome, len(stimuli)), touched: map[eventlog.StreamKey]*work{}}
	commands, err := e.reactAll(ctx, stimuli, failed, known, p.Outcomes)
	if err != nil {
		return nil, false, err
	}
	if again, err := e.loadAll(ctx, stimuli, commands, p.touched, failed); err != nil || again {
		p.drop()
		return nil, again, err
	}
	for i, s := range stimuli {
		if !p.Outcomes[i].OK() {
			continue
		}
		for step, cmd := range commands[i] {
			if err := e.step(ctx, p, s.why, cmd, step); err != nil {
				var fault *faultError
				if errors.As(err, &fault) {
					p.drop()
					return nil, false, fault.err
				}
				p.drop() // its earlier commands are folded in already
				failed[i] = err
				return nil, true, nil
			}
		}
		p.Unit.Mirrors = append(p.Unit.Mirrors, s.mirrors...)
		if s.project != nil {
			statements, err := projectSafely(s.project)
			if err != nil {
				p.drop()
				failed[i] = err
				return nil, true, nil
			}
			p.Unit.Statements = append(p.Unit.Statements, statements...)
		}
	}
	for key, w := range p.touched {
		if w != nil && len(w.events) > 0 {
			p.Unit.Appends = append(p.Unit.Appends, eventlog.Append{StreamKey: key, Expect: w.loaded, Events: w.events})
		}
	}
	sortAppends(p.Unit.Appends)
	return p, false, nil
}

// faultError marks an error that is the platform's, not the event's.
type faultError struct{ err error }

func (f *faultError) Error() string { return f.err.Error() }

func (e *Engine) step(ctx context.Context, p *Prepared, why cause, cmd es.Command, step int) error {
	if err := e.checked(cmd.Request); err != nil {
		return err
	}
	key := eventlog.StreamKey{Tenant: why.tenant, Stream: es.Name(cmd.Kind, cmd.ID)}
	w := p.touched[key]
	events, err := decideSafely(cmd, w.state)
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.Kind, err)
	}
	if len(events) == 0 {
		return nil
	}
	pending, timers, err := e.pend(ctx, why, key, cmd, events, step)
	if lasting(err) {
		return err
	}
	if err != nil {
		return &faultError{err}
	}
	if err := addTimers(&p.Unit, why.tenant, timers); err != nil {
		return err
	}
	for _, ev := range events {
		if w.state, err = foldSafely(cmd, w.state, ev); err != nil {
			return err
		}
	}
	w.version += len(events)
	w.events = append(w.events, pending...)
	return nil
}

// reactAll runs the reactions, again and again until everything they looked up has been read: they are pure, so running one twice does no harm.
func (e *Engine) reactAll(ctx context.Context, stimuli []stimulus, failed map[int]error, known map[eventlog.MirrorKey][]es.Event, outcomes []Outcome) ([][]es.Command, error) {
	spoilt := map[eventlog.MirrorKey]error{}
	for {
		look := &looker{engine: e, known: known, fresh: map[eventlog.MirrorKey][]es.Event{}, spoilt: spoilt}
		commands := make([][]es.Command, len(stimuli))
		stopped := map[eventlog.StreamKey]bool{}
		for i, s := range stimuli {
			outcomes[i] = Outcome{}
			if err, ok := failed[i]; ok {
				outcomes[i].Err = err
				stopped[s.stream] = true
				continue
			}
			if s.stream.Stream != "" && stopped[s.stream] {
				outcomes[i].Err = ErrBehind
				continue
			}
			look.tenant = s.why.tenant
			if err := look.add(ctx, s.mirrors); err != nil {
				return nil, err
			}
			if s.react == nil {
				continue
			}
			missed := len(look.missing)
			cmds, err := reactSafely(s.react, look)
			if look.broken != nil {
				err, look.broken = look.broken, nil
			}
			if len(look.missing) > missed {
				continue // it will run again, with what it missed
			}
			var wait *es.WaitError
			switch {
			case errors.As(err, &wait) && eventlog.Storable(wait.Key):
				outcomes[i].Wait = wait
				stopped[s.stream] = true
			case err != nil:
				outcomes[i].Err = err
				stopped[s.stream] = true
			default:
				commands[i] = cmds
			}
			if err != nil {
				look.remove(s.mirrors)
			}
		}
		if len(look.missing) == 0 {
			return commands, nil
		}
		if err := look.fetch(ctx, look.missing); err != nil {
			return nil, err
		}
	}
}

// loadAll folds every stream that a command needs: kept ones from memory, the others in one read. again: a stream can't be folded, so the stimuli that need it are failed now.
func (e *Engine) loadAll(ctx context.Context, stimuli []stimulus, commands [][]es.Command, touched map[eventlog.StreamKey]*work, failed map[int]error) (again bool, err error) {
	var missing []eventlog.StreamKey
	first := map[eventlog.StreamKey]es.Command{}
	for i, cmds := range commands {
		for _, cmd := range cmds {
			key := eventlog.StreamKey{Tenant: stimuli[i].why.tenant, Stream: es.Name(cmd.Kind, cmd.ID)}
			if !eventlog.Storable(key.Stream) {
				failed[i] = fmt.Errorf("a command on %s: the name of its stream holds what is no text", cmd.Kind)
				again = true
				continue
			}
			if _, ok := first[key]; ok {
				continue
			}
			first[key] = cmd
			if f, ok := e.states.take(key); ok {
				touched[key] = &work{folded: f, loaded: f.version, cmd: cmd}
				continue
			}
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 || again {
		return again, nil
	}
	loaded, err := e.Log.Streams(ctx, missing, nil)
	if err != nil {
		return false, fmt.Errorf("load %d streams: %w", len(missing), err)
	}
	spoilt := map[eventlog.StreamKey]error{}
	for _, key := range missing {
		f, err := e.fold(ctx, loaded[key].Events, first[key])
		if lasting(err) {
			spoilt[key] = err
			continue
		}
		if err != nil {
			return false, err
		}
		touched[key] = &work{folded: f, loaded: f.version, cmd: first[key]}
	}
	for i, cmds := range commands {
		for _, cmd := range cmds {
			if err := spoilt[eventlog.StreamKey{Tenant: stimuli[i].why.tenant, Stream: es.Name(cmd.Kind, cmd.ID)}]; err != nil {
				failed[i] = err
			}
		}
	}
	return len(spoilt) > 0, nil
}

// Commit appends the prepared unit. After ErrConflict or ErrFenced prepare again.
func (p *Prepared) Commit(ctx context.Context) (eventlog.Result, error) {
	result, err := p.engine.Log.Append(ctx, p.Unit)
	if err != nil {
		p.drop()
		return result, err
	}
	for key, w := range p.touched {
		p.engine.states.put(key, w.folded)
	}
	p.touched = nil
	return result, nil
}

// drop forgets the states: they have been folded further than the log goes.
func (p *Prepared) drop() { p.touched = nil }

func reactSafely(react func(es.Look) ([]es.Command, error), look es.Look) (cmds []es.Command, err error) {
	defer caught(&err, "the reaction")
	return react(look)
}

func projectSafely(project func() []es.Statement) (s []es.Statement, err error) {
	defer caught(&err, "the projection")
	return project(), nil
}

// looker reads mirrors for the reactions of one batch: what the database has, and what earlier events of the batch add.
type looker struct {
	engine  *Engine
	tenant  uuid.UUID
	known   map[eventlog.MirrorKey][]es.Event // read from the database
	fresh   map[eventlog.MirrorKey][]es.Event // of this batch
	missing []eventlog.MirrorKey
	spoilt  map[eventlog.MirrorKey]error // what is kept under the key can't be opened
	broken  error                        // why what was looked up last can't be told
}

// Mirrored are the events kept under the key.
func (l *looker) Mirrored(mirror, key string) []es.Event {
	k := eventlog.MirrorKey{Mirror: mirror, Tenant: l.tenant, Key: key}
	if !eventlog.Storable(key) {
		return nil // nothing can be kept under it
	}
	if err := l.spoilt[k]; err != nil {
		l.broken = err
		return nil
	}
	base, ok := l.known[k]
	if !ok {
		l.missing = append(l.missing, k)
		return nil
	}
	if fresh := l.fresh[k]; len(fresh) > 0 {
		return append(base[:len(base):len(base)], fresh...)
	}
	return base
}

func (l *looker) add(ctx context.Context, rows []eventlog.MirrorRow) error {
	for _, r := range rows {
		rec, err := l.engine.Open(ctx, r.Record)
		if err != nil {
			return err
		}
		k := eventlog.MirrorKey{Mirror: r.Mirror, Tenant: r.Tenant, Key: r.Key}
		l.fresh[k] = append(l.fresh[k], rec.Event)
	}
	return nil
}

func (l *looker) remove(rows []eventlog.MirrorRow) {
	for _, r := range rows {
		k := eventlog.MirrorKey{Mirror: r.Mirror, Tenant: r.Tenant, Key: r.Key}
		l.fresh[k] = l.fresh[k][:len(l.fresh[k])-1]
	}
}

func (l *looker) fetch(ctx context.Context, keys []eventlog.MirrorKey) error {
	rows, err := l.engine.Log.Mirrored(ctx, keys)
	if err != nil {
		return fmt.Errorf("read mirrors: %w", err)
	}
	for _, k := range keys {
		events := make([]es.Event, 0, len(rows[k]))
		for _, r := range rows[k] {
			rec, err := l.engine.Open(ctx, r)
			if lasting(err) && l.spoilt != nil {
				l.spoilt[k] = fmt.Errorf("read mirror %s: %w", k.Mirror, err)
				break
			}
			if err != nil {
				return fmt.Errorf("read mirror %s: %w", k.Mirror, err)
			}
			events = append(events, rec.Event)
		}
		l.known[k] = events
	}
	return nil
}

// Fire runs timers that are due, as one unit. Timers whose commands fail stay and are told by their error; ErrFenced means that another worker was faster.
func (e *Engine) Fire(ctx context.Context, timers []eventlog.TimerRow) (failed map[eventlog.TimerKey]error, err error) {
	e.running.Add(1)
	defer e.running.Add(-1)
	failed = map[eventlog.TimerKey]error{}
	ctx, end, err := e.fireSpan(ctx, timers)
	if err != nil {
		return nil, err
	}
	defer end()
	stimuli := make([]stimulus, len(timers))
	broken := map[int]error{}
	for i, t := range timers {
		body, err := timerBody(t)
		if err != nil {
			broken[i] = err
			continue
		}
		id := es.DeriveUUID("timer", e.Service, t.Tenant.String(), t.Key, t.DueAt.UTC().Format("2006-01-02T15:04:05.000000"))
		timer := es.Timer{Key: t.Key, Kind: t.Kind, StreamID: t.StreamID, DueAt: t.DueAt, Body: body}
		stimuli[i] = stimulus{
			why:   cause{id: id, tenant: t.Tenant, actor: "timer:" + e.Service, correlation: id},
			react: func(es.Look) ([]es.Command, error) { return e.OnTimer(timer), nil },
		}
	}
	p, err := e.prepareAll(ctx, stimuli, broken)
	if err != nil {
		return nil, err
	}
	for i, t := range timers {
		if o := p.Outcomes[i]; !o.OK() {
			failed[t.TimerKey] = o.Err
			continue
		}
		p.Unit.Fired = append(p.Unit.Fired, t)
	}
	_, err = p.Commit(ctx)
	return failed, err
}

// linksMost is how many of the latest events of a timer's stream a span links to.
const linksMost = 64

// fireSpan begins the span of timers that fire. It links to the traces in which the latest events of their streams were recorded: they are what the timers wait for,
// the claims of a batch for instance.
func (e *Engine) fireSpan(ctx context.Context, timers []eventlog.TimerRow) (context.Context, func(), error) {
	ctx, span := tracer.Start(ctx, "fire timers", trace.WithAttributes(attribute.Int("evenkeel.timers", len(timers))))
	end := func() { span.End() }
	if !span.IsRecording() {
		return ctx, end, nil
	}
	linked := map[eventlog.StreamKey]bool{}
	for _, t := range timers {
		key := eventlog.StreamKey{Tenant: t.Tenant, Stream: es.Name(t.Kind, t.StreamID)}
		if linked[key] {
			continue
		}
		linked[key] = true
		records, err := e.Log.Stream(ctx, key, max(e.states.version(key)-linksMost, 0))
		if err != nil {
			end()
			return ctx, nil, fmt.Errorf("fire timers: %w", err)
		}
		for _, r := range records[max(len(records)-linksMost, 0):] {
			carried := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": string(r.Trace)})
			if sc := trace.SpanContextFromContext(carried); sc.IsValid() {
				span.AddLink(trace.Link{SpanContext: sc})
			}
		}
	}
	return ctx, end, nil
}

func timerBody(t eventlog.TimerRow) (proto.Message, error) {
	typ, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(t.Type))
	if err != nil {
		return nil, &seal.UnknownTypeError{Type: t.Type}
	}
	m := typ.New().Interface()
	if err := proto.Unmarshal(t.Body, m); err != nil {
		return nil, fmt.Errorf("timer %s: %w", t.Key, err)
	}
	return m, nil
}

func sortAppends(appends []eventlog.Append) {
	// In stream order, so that two workers lock in the same order and a seed gives the same log.
	slices.SortFunc(appends, func(a, b eventlog.Append) int {
		return cmp.Or(strings.Compare(a.Tenant.String(), b.Tenant.String()), strings.Compare(a.Stream, b.Stream))
	})
}
