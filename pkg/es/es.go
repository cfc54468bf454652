// Package es is the vocabulary of event sourcing: streams, events, commands, reactions, mirrors and timers, as values. No I/O happens here.
//
// A Stream is one kind of aggregate: a name and a fold. A decision is a plain function from a state and a command to events or a refusal (package refuse). Do binds a
// decision to a stream and a command, so that a reaction can ask for it without knowing who runs it. A Mirror is a filtered copy of other services' events, kept under
// the key it is looked up by, so that a decision can be told what it needs to know about them. The runtime that loads, appends, retries and publishes is package
// engine; what is here is pure, and so is every function that a service hands to it (services/arch_test.go keeps that).
package es

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
)

// Event is a fact: a protobuf message in the past tense. Its full name is its type.
type Event = proto.Message

// Stream is one kind of aggregate with state S. Evolve folds one event into the state and never refuses: history is what it is. It may reuse the
// memory of the state it is given; the runtime never uses the old value again.
type Stream[S any] struct {
	Kind   string
	Evolve func(S, Event) S
}

// Name is the stream's name in the log: kind/id.
func (s Stream[S]) Name(id string) string { return Name(s.Kind, id) }

// Name joins the kind and the id of a stream.
func Name(kind, id string) string { return kind + "/" + id }

// Split is the kind and the id of a stream's name.
func Split(stream string) (kind, id string) {
	kind, id, _ = strings.Cut(stream, "/")
	return kind, id
}

// Slots is the number of slots of every log. It never changes.
const Slots = 256

// Slot of a stream, 0–255: FNV-1a of tenant and stream, fixed forever.
func Slot(tenant uuid.UUID, stream string) int16 {
	h := fnv.New64a()
	h.Write(tenant[:])
	h.Write([]byte(stream))
	v := h.Sum64()
	return int16((v ^ v>>32) & (Slots - 1))
}

// Recorded is an event with what the log knows about it. The event is whole: sealed fields are opened where the vault still has the key.
type Recorded struct {
	Event       Event
	ID          uuid.UUID
	Tenant      uuid.UUID
	Source      string // the service whose log holds it
	Kind        string
	StreamID    string
	Version     int
	Position    int64
	OccurredOn  string    // business date
	RecordedAt  time.Time // UTC
	Actor       string
	Correlation uuid.UUID
	Causation   uuid.UUID // zero: a command from outside
}

// Type is the full name of the event's message.
func (r Recorded) Type() string { return string(r.Event.ProtoReflect().Descriptor().FullName()) }

// Command is a decision that is to be taken on one stream. Made by Do.
type Command struct {
	Kind, ID string
	Request  any // what the decision is given; a protobuf message is checked and filled by the runtime before
	Decide   func(state any) ([]Event, error)
	Initial  func() any
	Fold     func(state any, event Event) any
}

// Do asks for a decision on the stream with that id.
func Do[S, C any](s Stream[S], id string, decide func(S, C) ([]Event, error), command C) Command {
	return Command{
		Kind: s.Kind, ID: id, Request: command,
		Decide:  func(state any) ([]Event, error) { return decide(state.(S), command) },
		Initial: func() any { var zero S; return zero },
		Fold:    func(state any, event Event) any { return s.Evolve(state.(S), event) },
	}
}

// React turns another service's event into commands. It only routes: conditions belong in the decision. It may look things up in mirrors; what it
// needs and can't find it waits for by returning Wait's error. The runtime may run it several times for one event.
type React func(r Recorded, look Look) ([]Command, error)

// Fan runs several reactions on each event.
func Fan(reactions ...React) React {
	return func(r Recorded, look Look) ([]Command, error) {
		var all []Command
		for _, react := range reactions {
			commands, err := react(r, look)
			if err != nil {
				return nil, err
			}
			all = append(all, commands...)
		}
		return all, nil
	}
}

// Mirror is a local copy of those events of other services (or of one's own) that decisions need to know, kept under keys. Keys says under which
// keys an event is kept (none: it is not for this mirror); Evolve folds the events of one key, in the order in which they arrived.
type Mirror[S any] struct {
	Name   string
	Keys   func(Recorded) []string
	Evolve func(S, Event) S
}

// AnyMirror is a mirror of any state.
type AnyMirror interface {
	MirrorName() string
	MirrorKeys(Recorded) []string
}

// MirrorName is the mirror's name.
func (m Mirror[S]) MirrorName() string { return m.Name }

// MirrorKeys are the keys under which the event is kept.
func (m Mirror[S]) MirrorKeys(r Recorded) []string { return m.Keys(r) }

// Look reads mirrors, for one tenant.
type Look interface {
	// Mirrored are the events kept under the key, oldest first.
	Mirrored(mirror, key string) []Event
}

// Find folds what a mirror has under a key; false: nothing yet.
func Find[S any](look Look, m Mirror[S], key string) (S, bool) {
	var state S
	events := look.Mirrored(m.Name, key)
	for _, e := range events {
		state = m.Evolve(state, e)
	}
	return state, len(events) > 0
}

// WaitError says that an event can't be handled before a mirror knows a key.
type WaitError struct{ Mirror, Key string }

func (w *WaitError) Error() string { return fmt.Sprintf("waits for %s %s", w.Mirror, w.Key) }

// Wait is what a reaction returns to be run again once the mirror knows the key.
func Wait[S any](m Mirror[S], key string) error { return &WaitError{m.Name, key} }

// Known is a Look over fixed events, for tests and for pure callers: mirror name → key → events.
type Known map[string]map[string][]Event

// Mirrored are the events kept under the key.
func (k Known) Mirrored(mirror, key string) []Event { return k[mirror][key] }

// Timer is a durable clock of a stream: when it is due, the service's OnTimer turns its body into commands.
type Timer struct {
	Key      string // unique in the tenant; setting it again moves it
	Kind     string // of the stream it belongs to
	StreamID string
	DueAt    time.Time
	Body     Event // no PHI
}

// TimerOp sets or cancels a timer.
type TimerOp struct {
	Set    *Timer
	Cancel string // key
}

// SetTimer sets (or moves) a timer.
func SetTimer(t Timer) TimerOp { return TimerOp{Set: &t} }

// CancelTimer removes a timer, if it is still there.
func CancelTimer(key string) TimerOp { return TimerOp{Cancel: key} }

// Statement is one change of a read model, as data: run in the transaction that appends, or handles, the event it comes from.
type Statement struct {
	SQL  string
	Args []any
}

// SQL makes a statement.
func SQL(sql string, args ...any) Statement { return Statement{sql, args} }

var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Derive makes an id from what it stands for, so that doing a thing again makes the same id: prefix_ and 26 characters.
func Derive(prefix string, parts ...string) string {
	return prefix + "_" + crockford.EncodeToString(digest(parts)[:16])
}

// DeriveUUID is Derive for event ids. The result carries version 8 (custom).
func DeriveUUID(parts ...string) uuid.UUID {
	id, _ := uuid.FromBytes(digest(parts)[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

func digest(parts []string) []byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return h.Sum(nil)
}
