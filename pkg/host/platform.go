package host

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// platform answers PlatformService for the services of this process.
type platform struct {
	platformv1.UnimplementedPlatformServiceServer
	process *Process
}

// parkedMost is how many parked events a status counts; more is shown as that many.
const parkedMost = 10_000

// Status says how far a service has come.
func (p platform) Status(ctx context.Context, r *platformv1.StatusRequest) (*platformv1.StatusResponse, error) {
	s := p.process.running[r.Service]
	if s == nil {
		return nil, status.Errorf(codes.NotFound, "this process does not run %q", r.Service)
	}
	head, err := s.log.Head(ctx)
	if err != nil {
		return nil, err
	}
	now := p.process.clock()
	out := &platformv1.StatusResponse{
		Service: r.Service, LogPosition: head.Position, RelayedPosition: s.relay.Position(), Now: timestamppb.New(now), CommandsRunning: s.runtime.Engine.Running(),
	}
	for _, source := range s.Sources {
		c := s.consumers[source]
		if err := c.Refresh(ctx); err != nil {
			return nil, err
		}
		handled, seen := c.Position()
		out.Consumers = append(out.Consumers, &platformv1.ConsumerStatus{Source: source, HandledPosition: handled, SeenPosition: seen, HandledBySlot: c.Marks()})
	}
	out.LastBySlot = head.BySlot[:]
	due, err := s.log.DueTimers(ctx, now, parkedMost)
	if err != nil {
		return nil, err
	}
	out.TimersDue = int64(len(due))
	if next, ok, err := s.log.NextTimer(ctx); err != nil {
		return nil, err
	} else if ok {
		out.NextTimerAt = timestamppb.New(next)
	}
	parked, err := s.log.ListParked(ctx, s.Name, "", parkedMost)
	if err != nil {
		return nil, err
	}
	for _, k := range parked {
		switch k.State {
		case eventlog.Dead:
			out.ParkedDead++
		case eventlog.Ready:
			out.ParkedReady++
		default:
			out.ParkedWaiting++
		}
	}
	return out, nil
}

// History is a stream's events without their PHI.
func (p platform) History(ctx context.Context, r *platformv1.HistoryRequest) (*platformv1.HistoryResponse, error) {
	s := p.process.running[r.Service]
	if s == nil {
		return nil, status.Errorf(codes.NotFound, "this process does not run %q", r.Service)
	}
	events, err := s.runtime.Engine.History(ctx, r.Stream)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return nil, status.Errorf(codes.NotFound, "there is no stream %s", r.Stream)
	}
	out := &platformv1.HistoryResponse{}
	for _, e := range events {
		h, err := p.event(s, e)
		if err != nil {
			return nil, err
		}
		out.Events = append(out.Events, h)
	}
	return out, nil
}

func (p platform) event(s *running, e es.Recorded) (*platformv1.HistoryEvent, error) {
	public, err := s.runtime.Engine.Codec.Redact(e.Event)
	if err != nil {
		return nil, err
	}
	json, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(public)
	if err != nil {
		return nil, fmt.Errorf("print event %s: %w", e.ID, err)
	}
	h := &platformv1.HistoryEvent{
		EventId: e.ID.String(), Type: e.Type(), Version: int32(e.Version), Position: e.Position, OccurredOn: e.OccurredOn,
		RecordedAt: timestamppb.New(e.RecordedAt), Actor: e.Actor, CorrelationId: e.Correlation.String(), Json: string(json),
	}
	if e.Causation != ([16]byte{}) {
		h.CausationId = e.Causation.String()
	}
	m := public.ProtoReflect()
	if f := m.Descriptor().Fields().ByName("source"); f != nil && f.Message() != nil && m.Has(f) {
		h.Source, _ = m.Get(f).Message().Interface().(*typev1.Source)
	}
	if f := m.Descriptor().Fields().ByName("legs"); f != nil && f.IsList() {
		h.Legs = legs(m.Get(f).List())
	}
	return h, nil
}

func legs(list protoreflect.List) []*typev1.Leg {
	var out []*typev1.Leg
	for i := range list.Len() {
		if l, ok := list.Get(i).Message().Interface().(*typev1.Leg); ok {
			out = append(out, l)
		}
	}
	return out
}
