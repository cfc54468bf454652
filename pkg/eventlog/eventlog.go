// Package eventlog is the append-only log of one service: what happened, in one dense order, for ever.
//
// A Unit is everything that one command, or one batch of a consumer, changes: appends to streams, the advance of the inbox, mirror rows, parked events, timers, the
// answer to an idempotency key, and statements for read models. It is data; it commits whole or not at all. Positions are 1, 2, 3 … in commit order without a
// gap, so "everything after N" never misses an event. An acknowledged append is on disk. Two implementations keep the same contract (logtest):
// pglog on PostgreSQL with group commit, and memlog for the simulation.
package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Record is one stored event. Whoever gets one from a log must not change it.
type Record = *platformv1.StoredEvent

// StreamKey names a stream of a tenant.
type StreamKey struct {
	Tenant uuid.UUID
	Stream string // kind/id
}

// AnyVersion as Append.Expect: whatever the stream holds.
const AnyVersion = -1

// Pending is an event that is to be appended. The log fills Record's version, position, previous, slot, epoch and source.
type Pending struct {
	Record  Record
	Message es.Event // whole, in clear, for the read models; never stored
}

// Append adds events to one stream. Expect is the version the stream must have (0: it must not exist), or AnyVersion. Without events it only checks the version.
type Append struct {
	StreamKey
	Expect int
	Events []Pending
}

// Request remembers what an idempotency key was answered with. Stream names the aggregate of the answer.
type Request struct {
	Tenant   uuid.UUID
	Key      string
	BodyHash []byte
	Stream   string
}

// Answer is what a Request led to, for ever.
type Answer struct {
	BodyHash []byte
	Stream   string
	Version  int      // of the stream after it
	Events   []Record // none: nothing had to change
	Position int64    // of the log after it
}

// Advance moves a consumer's high-water mark of one slot of a source, if it still is Old.
type Advance struct {
	Consumer, Source string
	Slot             int16
	Old, New         int64
}

// MirrorRow keeps a copy of an event under a key of a mirror.
type MirrorRow struct {
	Mirror string
	Tenant uuid.UUID
	Key    string
	Record Record
}

// MirrorKey is what a mirror is asked for.
type MirrorKey struct {
	Mirror string
	Tenant uuid.UUID
	Key    string
}

// States of a parked event.
const (
	Waiting = "waiting" // for a mirror key
	Dead    = "dead"    // it failed; a person decides
	Behind  = "behind"  // an earlier event of its stream is parked
	Ready   = "ready"   // to be handled now
)

// Parked is an event of a source that a consumer could not handle yet. Its stream stops for that consumer, nothing else does.
type Parked struct {
	Consumer string
	Record   Record
	State    string
	WaitsFor MirrorKey // Waiting
	Error    string    // never PHI
	Attempts int
	Since    time.Time
}

// ParkedKey names a parked event.
type ParkedKey struct {
	Consumer, Source string
	Position         int64
}

// TimerKey names a timer.
type TimerKey struct {
	Tenant uuid.UUID
	Key    string
}

// TimerRow is a durable timer.
type TimerRow struct {
	TimerKey
	Kind, StreamID string
	DueAt          time.Time
	Type           string // of the body's message
	Body           []byte
}

// State is a stored fold of a stream. FoldHash names the code that folded it: another hash makes it worthless.
type State struct {
	StreamKey
	Version  int
	FoldHash string
	Body     []byte // no PHI
}

// Unit is what commits together.
type Unit struct {
	Appends    []Append
	Request    *Request
	Inbox      []Advance
	Mirrors    []MirrorRow
	Park       []Parked    // inserted; one that waits for a key that meanwhile is there is stored as Ready
	Repark     []Parked    // of rows that exist: state, error and attempts are written again
	Unpark     []ParkedKey // deleted; each must still be there
	Fired      []TimerRow  // deleted, before SetTimers; each must still be there with the same DueAt
	SetTimers  []TimerRow  // replaces one with the same key
	Cancel     []TimerKey  // none that is in SetTimers
	States     []State
	Statements []es.Statement
}

// Result of a committed unit.
type Result struct {
	Records  []Record // all appended events, in order, as stored
	Position int64    // head of the log after it
	Woken    int      // parked events that became Ready by this unit's mirror rows
}

// ErrConflict: a stream did not have the expected version. Load again, decide again.
var ErrConflict = errors.New("the stream has moved on")

// ErrFenced: an inbox row, a parked event or a timer was not as expected: somebody else has handled it. Read again.
var ErrFenced = errors.New("another worker has handled this")

// UsedError: the request's key was used before. Answer is what it was answered with; whether it is the same request shows BodyHash.
type UsedError struct{ Answer Answer }

func (*UsedError) Error() string { return "the idempotency key was used before" }

// RowError: one unit's rows can't be written: it is made wrongly (Unit.Check), or the database refused them (a broken constraint of a read model, say). Only that unit failed, and it will
// whenever it is tried.
type RowError struct{ Err error }

func (e *RowError) Error() string { return fmt.Sprintf("refused by the log: %v", e.Err) }
func (e *RowError) Unwrap() error { return e.Err }

// Head is the end of a log.
type Head struct {
	Position int64
	Epoch    int32
	BySlot   [es.Slots]int64 // the last position of each slot
}

// RelayState is how far a relay has published, as it keeps it between runs.
type RelayState struct {
	Topic      string
	Position   int64
	Partitions int
	Acked      []PartitionMark // by partition
}

// PartitionMark is the last record a relay knows to be in a partition.
type PartitionMark struct {
	Offset   int64 // −1: none
	Position int64
}

// Log is one service's log and the tables that commit with it. All methods may be called by many goroutines.
type Log interface {
	// Append commits a unit. Errors: ErrConflict, ErrFenced, *UsedError, *RowError; anything else is a fault of the log itself, and after one the outcome may be unknown:
	// a unit with a Request or an Inbox can be appended again safely.
	Append(ctx context.Context, u Unit) (Result, error)
	// Stream reads a stream's events with a version greater than after.
	Stream(ctx context.Context, key StreamKey, after int) ([]Record, error)
	// Streams reads many streams whole, or after their stored state where FoldHash (by kind) agrees.
	Streams(ctx context.Context, keys []StreamKey, foldHash map[string]string) (map[StreamKey]Loaded, error)
	// Read reads events with a position greater than after, in order, at most limit.
	Read(ctx context.Context, after int64, limit int) ([]Record, error)
	// ReadSlot is Read within one slot.
	ReadSlot(ctx context.Context, slot int16, after int64, limit int) ([]Record, error)
	Head(ctx context.Context) (Head, error)
	// Appended is closed or signalled when something was appended since the caller last looked: a relay waits on it.
	Appended() <-chan struct{}
	Answer(ctx context.Context, tenant uuid.UUID, key string) (*Answer, error) // nil: never used

	// Inbox are the high-water marks of a consumer of a source; the rows are made at the first call.
	Inbox(ctx context.Context, consumer, source string) ([es.Slots]int64, error)
	Mirrored(ctx context.Context, keys []MirrorKey) (map[MirrorKey][]Record, error)
	// ParkedStreams are the streams of a source that are stopped for a consumer.
	ParkedStreams(ctx context.Context, consumer, source string) (map[StreamKey]bool, error)
	// ReadyParked are, of each stopped stream whose first parked event is Ready or Behind, that first event; at most limit.
	ReadyParked(ctx context.Context, consumer string, limit int) ([]Parked, error)
	// ListParked are parked events for people; state "" means all.
	ListParked(ctx context.Context, consumer, state string, limit int) ([]Parked, error)

	DueTimers(ctx context.Context, now time.Time, limit int) ([]TimerRow, error)
	// NextTimer is when the next timer is due; false: none.
	NextTimer(ctx context.Context) (time.Time, bool, error)

	RelayState(ctx context.Context, topic string) (RelayState, bool, error)
	SaveRelayState(ctx context.Context, s RelayState) error
}

// Loaded is a stream as Streams read it: State is nil when all events are there.
type Loaded struct {
	State   *State
	Events  []Record // after the state
	Version int
}

// Project makes the statements of a service's read models from its own events, after they have their position. It is pure.
type Project func(es.Recorded) []es.Statement

// KeyOf is the stream of a stored event. A tenant id that is no UUID gives the zero tenant: no stream of ours has it.
func KeyOf(r Record) StreamKey {
	tenant, err := uuid.Parse(r.TenantId)
	if err != nil {
		tenant = uuid.Nil
	}
	return StreamKey{Tenant: tenant, Stream: r.Stream}
}
