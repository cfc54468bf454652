package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	authv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/eventlog/memlog"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/pkg/seal"
)

// The tests' stream is a shelf with room for three units.

var tenant = uuid.MustParse("00000000-0000-0000-0000-000000000001")

type shelf struct{ held int32 }

var shelves = es.Stream[shelf]{Kind: "shelf", Evolve: func(s shelf, e es.Event) shelf {
	s.held += e.(*authv1.UnitsReserved).Units
	return s
}}

var room = refuse.Rule{ID: "shelf.room", Version: 1}

func put(s shelf, c *authv1.ReserveUnitsRequest) ([]es.Event, error) {
	var no refuse.List
	no.If(s.held+c.Units > 3, room, "units", "%d held, %d more asked", s.held, c.Units)
	return no.Or(&authv1.UnitsReserved{AppointmentId: c.AppointmentId, Units: c.Units})
}

func request(units int32) *authv1.ReserveUnitsRequest {
	return &authv1.ReserveUnitsRequest{AuthorizationId: "a", AppointmentId: "v", ServiceCode: "90837", ServiceDate: "2026-03-02", Units: units}
}

func newEngine(t *testing.T, o Options) *Engine {
	t.Helper()
	o.Service, o.Codec, o.HashKey = "authorization", seal.NewCodec(&seal.Memory{}), []byte("test")
	if o.Log == nil {
		o.Log = memlog.New(o.Service)
	}
	if o.Clock == nil {
		o.Clock = func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }
	}
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func as(key string) context.Context {
	return WithCaller(context.Background(), Caller{Tenant: tenant, Actor: "test", RequestKey: key})
}

func events(t *testing.T, e *Engine) int {
	t.Helper()
	head, err := e.Log.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return int(head.Position)
}

func TestARepeatedRequestGetsTheFirstAnswer(t *testing.T) {
	e := newEngine(t, Options{})
	first, err := Execute(as("k1"), e, shelves, "s", put, request(2))
	if err != nil || first.Version != 1 || len(first.Events) != 1 || first.Replayed {
		t.Fatalf("got %v, %v", first, err)
	}
	// The second time there is no room for two more; the answer is still the first one.
	again, err := Execute(as("k1"), e, shelves, "s", put, request(2))
	if err != nil || !again.Replayed || again.Version != 1 || again.Events[0].EventId != first.Events[0].EventId || events(t, e) != 1 {
		t.Fatalf("got %v, %v", again, err)
	}
	var reused *KeyReusedError
	if _, err := Execute(as("k1"), e, shelves, "s", put, request(1)); !errors.As(err, &reused) {
		t.Fatalf("another body under the same key: %v", err)
	}
	if _, err := Execute(as("k2"), e, shelves, "s", put, request(2)); refuse.Reasons(err) == nil {
		t.Fatalf("a new request is judged anew: %v", err)
	}
}

func TestCallersAtOnce(t *testing.T) {
	e := newEngine(t, Options{})
	done := make(chan error)
	for i := range 64 {
		go func() {
			_, err := Execute(as(fmt.Sprint("k", i)), e, shelves, "s", put, request(1))
			done <- err
		}()
	}
	won := 0
	for range 64 {
		switch err := <-done; {
		case err == nil:
			won++
		case refuse.Reasons(err) == nil:
			t.Fatalf("neither taken nor refused: %v", err)
		}
	}
	if won != 3 || events(t, e) != 3 {
		t.Fatalf("%d of 64 got the three places, %d events", won, events(t, e))
	}
}

// Many shelves in one room that has place for three: whoever puts something onto a shelf puts it into the room too, so the room is never overfull whoever comes at once.
func TestADecisionOnTwoStreams(t *testing.T) {
	e := newEngine(t, Options{})
	rooms := es.Stream[shelf]{Kind: "room", Evolve: shelves.Evolve}
	both := func(_, in shelf, c *authv1.ReserveUnitsRequest) ([]es.Event, []es.Event, error) {
		if in.held+c.Units > 3 {
			return []es.Event{&authv1.UnitsReserved{AppointmentId: "outside"}}, nil, nil
		}
		held := &authv1.UnitsReserved{AppointmentId: c.AppointmentId, Units: c.Units}
		return []es.Event{held}, []es.Event{held}, nil
	}
	done := make(chan error)
	for i := range 64 {
		go func() {
			for {
				r, err := ExecuteBeside(as(fmt.Sprint("k", i)), e, shelves, fmt.Sprint("s", i), rooms, "r", both, request(1))
				if errors.Is(err, eventlog.ErrConflict) {
					continue // many others were faster
				}
				if err == nil && (len(r.Events) != 1 || r.Version != 1) {
					err = fmt.Errorf("the receipt is of more than the shelf: %v", r)
				}
				done <- err
				return
			}
		}()
	}
	for range 64 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	in, version, err := Load(as(""), e, rooms, "r")
	if err != nil || in.held != 3 || version != 3 || events(t, e) != 64+3 {
		t.Fatalf("the room holds %d (%v), the log has %d events", in.held, err, events(t, e))
	}
	again, err := ExecuteBeside(as("k0"), e, shelves, "s0", rooms, "r", both, request(1))
	if err != nil || !again.Replayed || len(again.Events) != 1 {
		t.Fatalf("the repeated request: %v, %v", again, err)
	}
	c := Caller{Tenant: tenant, RequestKey: "dry", DryRun: true}
	if _, err := ExecuteBeside(WithCaller(context.Background(), c), e, shelves, "dry", rooms, "other", both, request(1)); err != nil || events(t, e) != 67 {
		t.Fatalf("a dry run left %d events: %v", events(t, e), err)
	}
}

func TestIfMatchAndDryRun(t *testing.T) {
	e := newEngine(t, Options{})
	if _, err := Execute(as("k1"), e, shelves, "s", put, request(1)); err != nil {
		t.Fatal(err)
	}
	c := Caller{Tenant: tenant, RequestKey: "k2", IfMatch: 7}
	var stale *StaleError
	if _, err := Execute(WithCaller(context.Background(), c), e, shelves, "s", put, request(1)); !errors.As(err, &stale) || stale.Have != 1 {
		t.Fatalf("another version was accepted: %v", err)
	}
	c = Caller{Tenant: tenant, RequestKey: "k3", DryRun: true}
	r, err := Execute(WithCaller(context.Background(), c), e, shelves, "s", put, request(1))
	if err != nil || len(r.Events) != 1 || r.Version != 2 || events(t, e) != 1 {
		t.Fatalf("a dry run said %v (%v) and left %d events", r, err, events(t, e))
	}
}

func TestSyntaxIsCheckedWithAllProblems(t *testing.T) {
	e := newEngine(t, Options{})
	bad := &authv1.ReserveUnitsRequest{AuthorizationId: "a", AppointmentId: "v", ServiceCode: "9", ServiceDate: "yesterday", Units: 0}
	_, err := Execute(as("k1"), e, shelves, "s", put, bad)
	if got := refuse.Reasons(err); len(got) != 3 || got[0].Field != "service_code" {
		t.Fatalf("said %v", got)
	}
}

func TestNobodyIsCalling(t *testing.T) {
	if _, err := Execute(context.Background(), newEngine(t, Options{}), shelves, "s", put, request(1)); !errors.Is(err, ErrNoCaller) {
		t.Fatalf("got %v", err)
	}
}

// A failing event leaves nothing, also not what its earlier commands did; the events around it have their effect.
func TestABatchIsAllOrNothing(t *testing.T) {
	source, target := newEngine(t, Options{}), newEngine(t, Options{})
	for _, v := range []string{"1", "2", "3"} {
		_, err := Execute(as("k"+v), source, es.Stream[int]{Kind: "visit", Evolve: func(n int, _ es.Event) int { return n }}, v,
			func(int, *authv1.ReserveUnitsRequest) ([]es.Event, error) {
				return []es.Event{&intakev1.AppointmentCheckedIn{AppointmentId: v}}, nil
			}, request(1))
		if err != nil {
			t.Fatal(err)
		}
	}
	records, err := source.Log.Read(context.Background(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	h := Handler{Consumer: "test", React: func(r es.Recorded, _ es.Look) ([]es.Command, error) {
		units := int32(1)
		if r.StreamID == "2" {
			units = 3 // its second command finds no room
		}
		return []es.Command{es.Do(shelves, "s", put, request(1)), es.Do(shelves, "s"+r.StreamID, put, request(units)), es.Do(shelves, "s"+r.StreamID, put, request(1))}, nil
	}}
	p, err := target.Prepare(context.Background(), h, records)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Outcomes[0].OK() || p.Outcomes[1].Err == nil || !p.Outcomes[2].OK() {
		t.Fatalf("outcomes %v", p.Outcomes)
	}
	if _, err := p.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int32{"s": 2, "s1": 2, "s2": 0, "s3": 2} {
		got, _, err := Load(as(""), target, shelves, id)
		if err != nil || got.held != want {
			t.Errorf("%s holds %d, want %d (%v)", id, got.held, want, err)
		}
	}
}

func TestATimerFiresOnce(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	o := Options{
		Clock: func() time.Time { return now },
		Timers: func(r es.Recorded) []es.TimerOp {
			if e := r.Event.(*authv1.UnitsReserved); e.AppointmentId == "v" {
				return []es.TimerOp{es.SetTimer(es.Timer{Key: "t", Kind: r.Kind, StreamID: r.StreamID, DueAt: now.Add(time.Hour), Body: &authv1.UnitsReleased{Units: 1}})}
			}
			return nil
		},
		OnTimer: func(t es.Timer) []es.Command {
			c := request(t.Body.(*authv1.UnitsReleased).Units)
			c.AppointmentId = "timer"
			return []es.Command{es.Do(shelves, t.StreamID, put, c)}
		},
	}
	e := newEngine(t, o)
	if _, err := Execute(as("k1"), e, shelves, "s", put, request(1)); err != nil {
		t.Fatal(err)
	}
	if due, err := e.Log.DueTimers(context.Background(), now, 10); len(due) != 0 || err != nil {
		t.Fatalf("due too early: %v, %v", due, err)
	}
	now = now.Add(time.Hour)
	due, err := e.Log.DueTimers(context.Background(), now, 10)
	if len(due) != 1 || err != nil {
		t.Fatalf("due: %v, %v", due, err)
	}
	if failed, err := e.Fire(context.Background(), due); len(failed) != 0 || err != nil {
		t.Fatalf("fire: %v, %v", failed, err)
	}
	if _, err := e.Fire(context.Background(), due); !errors.Is(err, eventlog.ErrFenced) {
		t.Fatalf("fired a second time: %v", err)
	}
	if events(t, e) != 2 {
		t.Fatalf("%d events", events(t, e))
	}
}

// What was folded for an append that failed has not happened: the next decision must not see it.
func TestAFailedAppendLeavesNoState(t *testing.T) {
	fault := errors.New("the database is away")
	log, failing := memlog.New("authorization"), false
	log.Faults = func(op string) error {
		if failing && op == memlog.BeforeCommit {
			return fault
		}
		return nil
	}
	e := newEngine(t, Options{Log: log})
	source := newEngine(t, Options{})
	if _, err := Execute(as("k"), source, es.Stream[int]{Kind: "visit", Evolve: func(n int, _ es.Event) int { return n }}, "1",
		func(int, *authv1.ReserveUnitsRequest) ([]es.Event, error) {
			return []es.Event{&intakev1.AppointmentCheckedIn{AppointmentId: "1"}}, nil
		}, request(1)); err != nil {
		t.Fatal(err)
	}
	records, err := source.Log.Read(context.Background(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	h := Handler{Consumer: "test", React: func(es.Recorded, es.Look) ([]es.Command, error) {
		return []es.Command{es.Do(shelves, "s", put, request(2))}, nil
	}}
	for name, try := range map[string]func() error{
		"a command": func() error { _, err := Execute(as("k1"), e, shelves, "s", put, request(2)); return err },
		"a batch": func() error {
			p, err := e.Prepare(context.Background(), h, records)
			if err != nil {
				return err
			}
			_, err = p.Commit(context.Background())
			return err
		},
	} {
		failing = true
		if err := try(); !errors.Is(err, fault) {
			t.Fatalf("%s: got %v", name, err)
		}
		failing = false
		if got, version, err := Load(as(""), e, shelves, "s"); err != nil || got.held != 0 || version != 0 {
			t.Fatalf("%s: the log holds %+v at version %d (%v)", name, got, version, err)
		}
		if r, err := Execute(WithCaller(context.Background(), Caller{Tenant: tenant, DryRun: true}), e, shelves, "s", put, request(3)); err != nil || r.Version != 1 {
			t.Fatalf("%s left a state that nothing stands for: %v, %v", name, r, err)
		}
	}
}
