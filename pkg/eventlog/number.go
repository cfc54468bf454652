package eventlog

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Numbering is the end of a log while events are added to it: it gives each its position, its place in the chain of its slot, and a time that never goes back.
// Both logs number with it; a caller appends through a Log.
type Numbering struct {
	Source string
	Head
	RecordedAt time.Time // of the last event
}

// Next makes the record as it is stored and moves the end behind it. The pending record is not touched: it may be tried again. Its own time counts if it
// has one, otherwise now.
func (n *Numbering) Next(key StreamKey, version int, pending Record, now time.Time) Record {
	at := now
	if pending.RecordedAt != nil {
		at = pending.RecordedAt.AsTime()
	}
	at = at.UTC().Truncate(time.Microsecond) // what a timestamptz keeps
	if at.Before(n.RecordedAt) {
		at = n.RecordedAt
	}
	n.RecordedAt = at
	slot := es.Slot(key.Tenant, key.Stream)
	n.Position++
	r := &platformv1.StoredEvent{
		EventId: pending.EventId, TenantId: key.Tenant.String(), Source: n.Source, Stream: key.Stream,
		Version: int32(version), Position: n.Position, Previous: n.BySlot[slot], Slot: int32(slot), Epoch: n.Epoch,
		Type: pending.Type, Schema: pending.Schema, OccurredOn: pending.OccurredOn, RecordedAt: timestamppb.New(at),
		Actor: pending.Actor, CorrelationId: pending.CorrelationId, CausationId: pending.CausationId, RequestKey: pending.RequestKey,
		Trace: pending.Trace, Clear: pending.Clear, Sealed: pending.Sealed, Subject: pending.Subject,
	}
	n.BySlot[slot] = n.Position
	return r
}
