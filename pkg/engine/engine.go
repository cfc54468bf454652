// Package engine is the runtime of decisions, written once for all services: load, fold, decide, append, retry.
//
// Execute runs one command on one stream (ExecuteBeside: on two) for a caller who waits for the answer; Handle runs the reactions to a batch of other services' events as one unit; Fire does
// the same for timers that are due. All three check and fill commands, seal what is PHI, derive ids from what caused them, append with the expected
// version and decide again when somebody was faster. A decision never sees any of this. The promises: a repeated request gets the first answer (TestARepeatedRequestGetsTheFirstAnswer);
// a batch has its effects once or not at all (TestABatchIsAllOrNothing); a state that went into a failed append is never used again.
package engine

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/pkg/seal"
)

// Options of an engine.
type Options struct {
	Service string // whose log it is
	Log     eventlog.Log
	Codec   *seal.Codec
	Clock   func() time.Time
	// Timers are the clocks that an own event sets or cancels. Pure. May be nil.
	Timers func(es.Recorded) []es.TimerOp
	// OnTimer turns a timer that is due into commands. Pure. May be nil.
	OnTimer func(es.Timer) []es.Command
	// HashKey keys the hashes of request bodies, so that they tell nothing about PHI. 32 bytes; the same in all processes of the service.
	HashKey []byte
}

// Engine runs the decisions of one service. Safe for many goroutines.
type Engine struct {
	Options
	states  states
	running atomic.Int64
}

// New makes an engine.
func New(o Options) (*Engine, error) {
	if o.Service == "" || o.Log == nil || o.Clock == nil {
		return nil, errors.New("engine: it needs a service's name, its log and a clock")
	}
	return &Engine{Options: o, states: states{kept: map[eventlog.StreamKey]folded{}}}, nil
}

// Running is the number of commands, batches and timers in work.
func (e *Engine) Running() int64 { return e.running.Load() }

var tracer = otel.Tracer("evenkeel/engine")

// Caller is on whose behalf a command runs. It comes from the edge, never from the command.
type Caller struct {
	Tenant      uuid.UUID
	Actor       string // user:…, key:…, service:…
	RequestKey  string // the Idempotency-Key; empty only for callers inside
	Correlation uuid.UUID
	IfMatch     int // version the caller saw; 0: any
	DryRun      bool
}

type callerKey struct{}

// WithCaller puts the caller into the context.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is the caller in the context; ok is false if there is none.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// ErrNoCaller: nobody is signed in.
var ErrNoCaller = errors.New("no caller: the edge did not say on whose behalf this runs")

// KeyReusedError: the Idempotency-Key was used before with another body.
type KeyReusedError struct{}

func (*KeyReusedError) Error() string {
	return "this Idempotency-Key was used before with another request: send a new key, or the same body"
}

// StaleError: the caller's If-Match is not the stream's version.
type StaleError struct{ Have, Want int }

func (e *StaleError) Error() string {
	return fmt.Sprintf("the version is %d, the request was made for %d: read again, decide again", e.Have, e.Want)
}

// NewID is the id of an aggregate that the caller's request creates: the same for the same Idempotency-Key.
func NewID(ctx context.Context, prefix string) string {
	c, _ := CallerOf(ctx)
	key := c.RequestKey
	if key == "" {
		key = uuid.NewString()
	}
	return es.Derive(prefix, c.Tenant.String(), key)
}

// Attempts a command or a batch makes when others are faster.
const attempts = 20

// Execute runs a decision on one stream and waits until it is on disk. Errors: *refuse.Error, *StaleError, *KeyReusedError, ErrNoCaller; others are faults.
func Execute[S any, C proto.Message](ctx context.Context, e *Engine, s es.Stream[S], id string, decide func(S, C) ([]es.Event, error), command C) (*typev1.Receipt, error) {
	caller, ok := CallerOf(ctx)
	if !ok {
		return nil, ErrNoCaller
	}
	return e.execute(ctx, caller, es.Do(s, id, decide, command), command, nil)
}

// ExecuteBeside is Execute where the decision depends on a second stream too and may add to it: what it records in the two is on disk together, or not at all. Where it
// adds to the second stream and somebody else did so meanwhile, it is decided again; a decision that adds nothing there has only read it. The receipt is the first stream's.
func ExecuteBeside[S, B any, C proto.Message](ctx context.Context, e *Engine, s es.Stream[S], id string, b es.Stream[B], besideID string, decide func(S, B, C) (events, beside []es.Event, err error), command C) (*typev1.Receipt, error) {
	caller, ok := CallerOf(ctx)
	if !ok {
		return nil, ErrNoCaller
	}
	var other B
	var added []es.Event
	cmd := es.Do(s, id, func(state S, c C) (events []es.Event, err error) {
		events, added, err = decide(state, other, c)
		return events, err
	}, command)
	second := &beside{see: func(state any) { other = state.(B) }, Command: es.Do(b, besideID, func(B, C) ([]es.Event, error) { return added, nil }, command)}
	return e.execute(ctx, caller, cmd, command, second)
}

// beside is the second stream of a command. Its decision gives what that of the first has said; see shows that one the state.
type beside struct {
	es.Command
	see func(state any)
}

func (e *Engine) execute(ctx context.Context, caller Caller, cmd es.Command, message proto.Message, second *beside) (*typev1.Receipt, error) {
	e.running.Add(1)
	defer e.running.Add(-1)
	name := string(message.ProtoReflect().Descriptor().Name())
	ctx, span := tracer.Start(ctx, "decide "+name, trace.WithAttributes(attribute.String("evenkeel.stream_kind", cmd.Kind)))
	defer span.End()

	hash, err := e.hash(cmd, message)
	if err != nil {
		return nil, err
	}
	key := eventlog.StreamKey{Tenant: caller.Tenant, Stream: es.Name(cmd.Kind, cmd.ID)}
	if err := e.prepare(message); err != nil {
		return nil, e.withRules(ctx, err, key, cmd, message, second)
	}
	causeID := es.DeriveUUID("request", caller.Tenant.String(), caller.RequestKey, key.Stream)
	if caller.RequestKey == "" {
		causeID = uuid.New()
	}
	why := cause{id: causeID, tenant: caller.Tenant, actor: caller.Actor, correlation: caller.Correlation, request: caller.RequestKey}
	if why.correlation == uuid.Nil {
		why.correlation = causeID
	}
	for range attempts {
		have, err := e.take(ctx, key, cmd)
		if err != nil {
			return nil, err
		}
		other, err := e.takeBeside(ctx, caller.Tenant, second)
		if err != nil {
			return nil, err
		}
		if caller.IfMatch != 0 && caller.IfMatch != have.version {
			e.states.put(key, have)
			other.put(e)
			if answer, err := e.answered(ctx, caller, hash, key); answer != nil || err != nil {
				return answer, err
			}
			return nil, &StaleError{Have: have.version, Want: caller.IfMatch}
		}
		events, err := decideSafely(cmd, have.state)
		if err != nil || len(events) == 0 {
			e.states.put(key, have)
			other.put(e)
			// Only now it is worth asking whether this is a repetition: the second "sign" is refused by the rules, the repeated first one is not.
			if answer, failed := e.answered(ctx, caller, hash, key); answer != nil || failed != nil {
				return answer, failed
			}
			if err != nil {
				span.SetStatus(codes.Error, "refused")
				return nil, err
			}
		}
		if caller.DryRun {
			e.states.put(key, have)
			other.put(e)
			return e.receipt(key, have.version+len(events), planned(events), false), nil
		}
		unit := eventlog.Unit{}
		if caller.RequestKey != "" {
			unit.Request = &eventlog.Request{Tenant: caller.Tenant, Key: caller.RequestKey, BodyHash: hash, Stream: key.Stream}
		}
		pending, timers, err := e.pend(ctx, why, key, cmd, events, 0)
		if err != nil {
			return nil, err
		}
		unit.Appends = []eventlog.Append{{StreamKey: key, Expect: have.version, Events: pending}}
		if err := addTimers(&unit, caller.Tenant, timers); err != nil {
			return nil, err
		}
		if err := other.pend(ctx, e, why, &unit); err != nil {
			return nil, err
		}
		result, err := e.Log.Append(ctx, unit)
		var used *eventlog.UsedError
		switch {
		case errors.Is(err, eventlog.ErrConflict):
			continue // somebody was faster: load again, decide again
		case errors.As(err, &used):
			return e.repeat(&used.Answer, hash, key)
		case err != nil:
			span.SetStatus(codes.Error, "append failed")
			return nil, fmt.Errorf("append to %s: %w", cmd.Kind, err)
		}
		for _, ev := range events {
			have.state = cmd.Fold(have.state, ev)
		}
		have.version += len(events)
		e.states.put(key, have)
		other.recorded(e)
		return e.receipt(key, have.version, result.Records, false), nil
	}
	return nil, fmt.Errorf("decide on %s: %d others were faster, one after the other: %w", cmd.Kind, attempts, eventlog.ErrConflict)
}

// taken is the second stream of a command, while it is decided. Nil: there is none.
type taken struct {
	folded
	*beside
	key    eventlog.StreamKey
	events []es.Event
}

func (e *Engine) takeBeside(ctx context.Context, tenant uuid.UUID, second *beside) (*taken, error) {
	if second == nil {
		return nil, nil
	}
	t := &taken{beside: second, key: eventlog.StreamKey{Tenant: tenant, Stream: es.Name(second.Kind, second.ID)}}
	var err error
	if t.folded, err = e.take(ctx, t.key, second.Command); err != nil {
		return nil, err
	}
	second.see(t.state)
	return t, nil
}

// put gives the state back as it was.
func (t *taken) put(e *Engine) {
	if t != nil {
		e.states.put(t.key, t.folded)
	}
}

// pend adds to a unit what the decision said about the second stream.
func (t *taken) pend(ctx context.Context, e *Engine, why cause, unit *eventlog.Unit) (err error) {
	if t == nil {
		return nil
	}
	if t.events, err = decideSafely(t.Command, t.state); err != nil || len(t.events) == 0 {
		return err
	}
	pending, timers, err := e.pend(ctx, why, t.key, t.Command, t.events, 1)
	if err != nil {
		return err
	}
	unit.Appends = append(unit.Appends, eventlog.Append{StreamKey: t.key, Expect: t.version, Events: pending})
	return addTimers(unit, t.key.Tenant, timers)
}

// recorded keeps the state as it is now.
func (t *taken) recorded(e *Engine) {
	if t == nil {
		return
	}
	for _, ev := range t.events {
		t.state = t.Fold(t.state, ev)
	}
	t.version += len(t.events)
	t.put(e)
}

// withRules adds to what is wrong with a command's syntax the rules that it breaks beside, so that a caller mends all at once. A field whose syntax is wrong is judged by its syntax alone, and so is what lies in it or around it.
func (e *Engine) withRules(ctx context.Context, syntax error, key eventlog.StreamKey, cmd es.Command, message proto.Message, second *beside) error {
	have, err := e.take(ctx, key, cmd)
	if err != nil {
		return err
	}
	defer e.states.put(key, have)
	other, err := e.takeBeside(ctx, key.Tenant, second)
	if err != nil {
		return err
	}
	defer other.put(e)
	e.fill(message)
	_, broken := decideSafely(cmd, have.state) // a decision may fail on what is no command at all: then the syntax says why
	var all refuse.List
	all.Add(refuse.Reasons(syntax)...)
	for _, r := range refuse.Reasons(broken) {
		if !slices.ContainsFunc(refuse.Reasons(syntax), func(s *problemv1.Reason) bool { return refuse.Touch(s.Field, r.Field) }) {
			all.Add(r)
		}
	}
	return all.Err()
}

// answered is the first answer to the caller's key, if it was used.
func (e *Engine) answered(ctx context.Context, caller Caller, hash []byte, key eventlog.StreamKey) (*typev1.Receipt, error) {
	if caller.RequestKey == "" {
		return nil, nil
	}
	a, err := e.Log.Answer(ctx, caller.Tenant, caller.RequestKey)
	if err != nil || a == nil {
		return nil, err
	}
	return e.repeat(a, hash, key)
}

func (e *Engine) repeat(a *eventlog.Answer, hash []byte, key eventlog.StreamKey) (*typev1.Receipt, error) {
	if !hmac.Equal(a.BodyHash, hash) || a.Stream != key.Stream {
		return nil, &KeyReusedError{}
	}
	return e.receipt(key, a.Version, a.Events, true), nil
}

// Token says how far a reader must have come to see an event: source:slot:position.
func Token(source string, slot int16, position int64) string {
	return fmt.Sprintf("%s:%d:%d", source, slot, position)
}

func (e *Engine) receipt(key eventlog.StreamKey, version int, records []eventlog.Record, replayed bool) *typev1.Receipt {
	_, id := es.Split(key.Stream)
	r := &typev1.Receipt{Id: id, Version: int32(version), Replayed: replayed}
	for _, rec := range records {
		if rec.Stream != "" && rec.Stream != key.Stream {
			continue // of the stream beside
		}
		if rec.Position > 0 {
			r.ConsistencyToken = Token(e.Service, es.Slot(key.Tenant, key.Stream), rec.Position)
		}
		r.Events = append(r.Events, &typev1.EventRef{EventId: rec.EventId, Type: rec.Type})
		r.RecordedAt = rec.RecordedAt
	}
	return r
}

func planned(events []es.Event) []eventlog.Record {
	out := make([]eventlog.Record, len(events))
	for i, ev := range events {
		out[i] = &platformv1.StoredEvent{Type: string(ev.ProtoReflect().Descriptor().FullName())}
	}
	return out
}

// cause is what an event comes from.
type cause struct {
	id          uuid.UUID
	tenant      uuid.UUID
	actor       string
	correlation uuid.UUID
	causation   string
	request     string
}

// pend turns the events of a decision into rows: sealed, with ids derived from the cause. step tells the commands of one cause apart.
func (e *Engine) pend(ctx context.Context, why cause, key eventlog.StreamKey, cmd es.Command, events []es.Event, step int) ([]eventlog.Pending, []es.TimerOp, error) {
	now := e.Clock().UTC().Truncate(time.Microsecond)
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	var timers []es.TimerOp
	pending := make([]eventlog.Pending, len(events))
	for i, ev := range events {
		typ := string(ev.ProtoReflect().Descriptor().FullName())
		id := es.DeriveUUID(why.id.String(), e.Service, key.Stream, fmt.Sprint(step), fmt.Sprint(i))
		s, err := e.Codec.Seal(ctx, key.Tenant, id.String(), ev)
		if err != nil {
			return nil, nil, fmt.Errorf("record %s: %w", typ, err)
		}
		pending[i] = eventlog.Pending{Message: ev, Record: &platformv1.StoredEvent{
			EventId: id.String(), TenantId: key.Tenant.String(), Source: e.Service, Stream: key.Stream, Type: typ, Schema: 1,
			OccurredOn: date.Of(now, nil), RecordedAt: timestamppb.New(now), Actor: why.actor,
			CorrelationId: why.correlation.String(), CausationId: why.causation, RequestKey: why.request,
			Trace: []byte(carrier["traceparent"]), Clear: s.Clear, Sealed: s.Sealed, Subject: s.Subject,
		}}
		if e.Options.Timers != nil {
			set, err := timersSafely(e.Options.Timers, es.Recorded{
				Event: ev, ID: id, Tenant: key.Tenant, Source: e.Service, Kind: cmd.Kind, StreamID: cmd.ID,
				OccurredOn: date.Of(now, nil), RecordedAt: now, Actor: why.actor, Correlation: why.correlation,
			})
			if err != nil {
				return nil, nil, err
			}
			timers = append(timers, set...)
		}
	}
	return pending, timers, nil
}

func addTimers(u *eventlog.Unit, tenant uuid.UUID, ops []es.TimerOp) error {
	for _, op := range ops {
		if op.Set == nil {
			key := eventlog.TimerKey{Tenant: tenant, Key: op.Cancel}
			u.SetTimers = slices.DeleteFunc(u.SetTimers, func(t eventlog.TimerRow) bool { return t.TimerKey == key })
			u.Cancel = append(u.Cancel, key)
			continue
		}
		// The last word on a key counts.
		u.Cancel = slices.DeleteFunc(u.Cancel, func(k eventlog.TimerKey) bool { return k == eventlog.TimerKey{Tenant: tenant, Key: op.Set.Key} })
		u.SetTimers = slices.DeleteFunc(u.SetTimers, func(t eventlog.TimerRow) bool { return t.Tenant == tenant && t.Key == op.Set.Key })
		body, err := proto.MarshalOptions{Deterministic: true}.Marshal(op.Set.Body)
		if err != nil {
			return fmt.Errorf("timer %s: %w", op.Set.Key, err)
		}
		u.SetTimers = append(u.SetTimers, eventlog.TimerRow{
			TimerKey: eventlog.TimerKey{Tenant: tenant, Key: op.Set.Key}, Kind: op.Set.Kind, StreamID: op.Set.StreamID,
			DueAt: op.Set.DueAt.UTC().Truncate(time.Microsecond), Type: string(op.Set.Body.ProtoReflect().Descriptor().FullName()), Body: body,
		})
	}
	return nil
}

// hash of a request: of what the caller sent, before anything is filled in.
func (e *Engine) hash(cmd es.Command, message proto.Message) ([]byte, error) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("hash the request: %w", err)
	}
	h := hmac.New(sha256.New, e.HashKey)
	fmt.Fprintf(h, "%s\x00%s\x00", message.ProtoReflect().Descriptor().FullName(), es.Name(cmd.Kind, cmd.ID))
	h.Write(body)
	return h.Sum(nil), nil
}

// Load folds a stream as it is now. Version 0: it does not exist.
func Load[S any](ctx context.Context, e *Engine, s es.Stream[S], id string) (S, int, error) {
	var zero S
	caller, ok := CallerOf(ctx)
	if !ok {
		return zero, 0, ErrNoCaller
	}
	have, err := e.load(ctx, eventlog.StreamKey{Tenant: caller.Tenant, Stream: s.Name(id)}, es.Do(s, id, func(S, proto.Message) ([]es.Event, error) { return nil, nil }, nil))
	if err != nil {
		return zero, 0, err
	}
	return have.state.(S), have.version, nil
}

// History is a stream's events, whole, oldest first.
func (e *Engine) History(ctx context.Context, stream string) ([]es.Recorded, error) {
	caller, ok := CallerOf(ctx)
	if !ok {
		return nil, ErrNoCaller
	}
	records, err := e.Log.Stream(ctx, eventlog.StreamKey{Tenant: caller.Tenant, Stream: stream}, 0)
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", stream, err)
	}
	return e.OpenAll(ctx, records)
}

// Find looks up a mirror for the caller's tenant.
func Find[S any](ctx context.Context, e *Engine, m es.Mirror[S], key string) (S, bool, error) {
	var zero S
	caller, ok := CallerOf(ctx)
	if !ok {
		return zero, false, ErrNoCaller
	}
	look := &looker{engine: e, tenant: caller.Tenant, known: map[eventlog.MirrorKey][]es.Event{}}
	if err := look.fetch(ctx, []eventlog.MirrorKey{{Mirror: m.Name, Tenant: caller.Tenant, Key: key}}); err != nil {
		return zero, false, err
	}
	state, found := es.Find(look, m, key)
	return state, found, nil
}

// Open makes a record whole.
func (e *Engine) Open(ctx context.Context, r eventlog.Record) (es.Recorded, error) {
	return Open(ctx, e.Codec, r)
}

// OpenAll makes records whole, in order.
func (e *Engine) OpenAll(ctx context.Context, records []eventlog.Record) ([]es.Recorded, error) {
	out := make([]es.Recorded, len(records))
	for i, r := range records {
		var err error
		if out[i], err = Open(ctx, e.Codec, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Open decodes a record and opens what is sealed. Errors: *seal.UnknownTypeError, *seal.UnfitError, *BadRecordError; others are faults of the vault.
func Open(ctx context.Context, codec *seal.Codec, r eventlog.Record) (es.Recorded, error) {
	tenant, err := uuid.Parse(r.TenantId)
	if err != nil {
		return es.Recorded{}, &BadRecordError{r, err}
	}
	id, err := uuid.Parse(r.EventId)
	if err != nil {
		return es.Recorded{}, &BadRecordError{r, err}
	}
	message, _, err := codec.Open(ctx, tenant, r.EventId, r.Type, seal.Sealed{Clear: r.Clear, Sealed: r.Sealed, Subject: r.Subject})
	if err != nil {
		return es.Recorded{}, err
	}
	kind, streamID := es.Split(r.Stream)
	out := es.Recorded{
		Event: message, ID: id, Tenant: tenant, Source: r.Source, Kind: kind, StreamID: streamID, Version: int(r.Version), Position: r.Position,
		OccurredOn: r.OccurredOn, RecordedAt: r.RecordedAt.AsTime(), Actor: r.Actor,
	}
	if out.Correlation, err = uuid.Parse(r.CorrelationId); err != nil {
		return es.Recorded{}, &BadRecordError{r, err}
	}
	if r.CausationId != "" {
		if out.Causation, err = uuid.Parse(r.CausationId); err != nil {
			return es.Recorded{}, &BadRecordError{r, err}
		}
	}
	return out, nil
}

// BadRecordError: a record's envelope is broken.
type BadRecordError struct {
	Record eventlog.Record
	Err    error
}

func (e *BadRecordError) Error() string {
	return fmt.Sprintf("record %d of %s is broken: %v", e.Record.Position, e.Record.Source, e.Err)
}
func (e *BadRecordError) Unwrap() error { return e.Err }

// brokenError: a reaction, a fold, a projection or another pure function panicked.
type brokenError struct {
	what string
	why  any
}

func (e *brokenError) Error() string { return fmt.Sprintf("%s failed: %v", e.what, e.why) }

// caught makes an error of a panic; it is to be deferred.
func caught(err *error, what string) {
	if r := recover(); r != nil {
		*err = &brokenError{what, r}
	}
}

// lasting says whether an error is that of what is handled: it comes again whenever that is tried. All others are faults of a database or the network, and pass.
func lasting(err error) bool {
	var unknown *seal.UnknownTypeError
	var unfit *seal.UnfitError
	var bad *BadRecordError
	var panicked *brokenError
	return errors.As(err, &unknown) || errors.As(err, &unfit) || errors.As(err, &bad) || errors.As(err, &panicked)
}

func timersSafely(timers func(es.Recorded) []es.TimerOp, r es.Recorded) (ops []es.TimerOp, err error) {
	defer caught(&err, "the timers of "+r.Kind)
	return timers(r), nil
}

func foldSafely(cmd es.Command, state any, event es.Event) (next any, err error) {
	defer caught(&err, "the fold of "+cmd.Kind)
	return cmd.Fold(state, event), nil
}

func decideSafely(cmd es.Command, state any) (events []es.Event, err error) {
	defer caught(&err, "the decision on "+cmd.Kind)
	return cmd.Decide(state)
}

// folded is a state and the version it stands for.
type folded struct {
	version int
	state   any
}

// states keeps folds. Whoever takes one owns it until putting it back, since a fold may reuse its memory.
type states struct {
	mu   sync.Mutex
	kept map[eventlog.StreamKey]folded
}

// Folds kept; above, the cache starts anew. A miss costs one read of a short stream.
const statesKept = 50_000

func (s *states) take(k eventlog.StreamKey) (folded, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.kept[k]
	delete(s.kept, k)
	return f, ok
}

// version of a fold that is kept; 0: none is.
func (s *states) version(k eventlog.StreamKey) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[k].version
}

func (s *states) put(k eventlog.StreamKey, f folded) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) >= statesKept {
		s.kept = map[eventlog.StreamKey]folded{}
	}
	// Two callers may have folded the stream: the later version stays.
	if old, ok := s.kept[k]; !ok || old.version <= f.version {
		s.kept[k] = f
	}
}

// take is the stream's state, to be put back or dropped.
func (e *Engine) take(ctx context.Context, key eventlog.StreamKey, cmd es.Command) (folded, error) {
	if f, ok := e.states.take(key); ok {
		return f, nil
	}
	return e.load(ctx, key, cmd)
}

func (e *Engine) load(ctx context.Context, key eventlog.StreamKey, cmd es.Command) (folded, error) {
	records, err := e.Log.Stream(ctx, key, 0)
	if err != nil {
		return folded{}, fmt.Errorf("load %s: %w", cmd.Kind, err)
	}
	return e.fold(ctx, records, cmd)
}

func (e *Engine) fold(ctx context.Context, records []eventlog.Record, cmd es.Command) (folded, error) {
	f := folded{state: cmd.Initial()}
	for _, r := range records {
		rec, err := e.Open(ctx, r)
		if err != nil {
			return folded{}, fmt.Errorf("fold %s: %w", r.Stream, err)
		}
		if f.state, err = foldSafely(cmd, f.state, rec.Event); err != nil {
			return folded{}, fmt.Errorf("fold %s: %w", r.Stream, err)
		}
		f.version = int(r.Version)
	}
	return f, nil
}
