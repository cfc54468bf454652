package consume

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	authv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/eventlog/memlog"
	"github.com/evenkeel/evenkeel/pkg/seal"
	"github.com/evenkeel/evenkeel/pkg/wire"
)

// The tests' source is a log of check-ins, one stream per patient; the consumer writes one release per check-in on a stream per patient.

var (
	ctx    = context.Background()
	tenant = uuid.MustParse("00000000-0000-0000-0000-000000000001")
	start  = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
)

type ledger struct{ visits []string }

var ledgers = es.Stream[ledger]{Kind: "ledger", Evolve: func(s ledger, e es.Event) ledger {
	s.visits = append(s.visits, e.(*authv1.UnitsReleased).AppointmentId)
	return s
}}

var visits = es.Stream[int]{Kind: "visits", Evolve: func(n int, _ es.Event) int { return n + 1 }}

func record(s ledger, e *authv1.UnitsReleased) ([]es.Event, error) {
	if e.AppointmentId == "poison" {
		return nil, errors.New("this one can't be handled")
	}
	return []es.Event{e}, nil
}

func react(r es.Recorded, _ es.Look) ([]es.Command, error) {
	e, ok := r.Event.(*intakev1.AppointmentCheckedIn)
	if !ok {
		return nil, nil
	}
	return []es.Command{es.Do(ledgers, e.PatientId, record, &authv1.UnitsReleased{AppointmentId: e.AppointmentId})}, nil
}

type rig struct {
	source   *engine.Engine
	target   *engine.Engine
	consumer *Consumer
	asked    []*platformv1.ReplayRequested
	now      time.Time
}

func newRig(t interface{ Fatal(...any) }, h engine.Handler) *rig {
	r := &rig{now: start}
	build := func(service string) *engine.Engine {
		e, err := engine.New(engine.Options{
			Service: service, Log: memlog.New(service), Codec: seal.NewCodec(&seal.Memory{}), Clock: func() time.Time { return r.now }, HashKey: []byte("test"),
		})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	r.source, r.target = build("intake"), build("authorization")
	h.Consumer = "authorization"
	r.consumer = r.open(h)
	return r
}

// open is a consumer as it is after a restart: it knows nothing but the log.
func (r *rig) open(h engine.Handler) *Consumer {
	return New(Options{Source: "intake", Handler: h, Engine: r.target, Now: func() time.Time { return r.now }, Replay: func(_ context.Context, q *platformv1.ReplayRequested) error {
		r.asked = append(r.asked, q)
		return nil
	}})
}

func (r *rig) checkIn(t interface{ Fatal(...any) }, patient, visit string) {
	r.put(t, patient, &intakev1.AppointmentCheckedIn{AppointmentId: visit, PatientId: patient})
}

func (r *rig) put(t interface{ Fatal(...any) }, stream string, e proto.Message) {
	c := engine.WithCaller(ctx, engine.Caller{Tenant: tenant, Actor: "test"})
	if _, err := engine.Execute(c, r.source, visits, stream, func(int, *platformv1.StatusRequest) ([]es.Event, error) { return []es.Event{e}, nil }, &platformv1.StatusRequest{}); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) sent(t interface{ Fatal(...any) }) []wire.Content {
	records, err := r.source.Log.Read(ctx, 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]wire.Content, len(records))
	for i, rec := range records {
		out[i] = wire.Content{Event: rec}
	}
	return out
}

func (r *rig) heartbeat(t interface{ Fatal(...any) }) wire.Content {
	head, err := r.source.Log.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b := &platformv1.Heartbeat{Source: "intake", LastBySlot: map[int32]int64{}}
	for slot, last := range head.BySlot {
		if last > 0 {
			b.LastBySlot[int32(slot)] = last
		}
	}
	return wire.Content{Heartbeat: b}
}

// effects are the visits recorded, by patient, read from the log itself.
func (r *rig) effects(t interface{ Fatal(...any) }) map[string][]string {
	records, err := r.target.Log.Read(ctx, 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, rec := range records {
		got, err := r.target.Open(ctx, rec)
		if err != nil {
			t.Fatal(err)
		}
		out[got.StreamID] = append(out[got.StreamID], got.Event.(*authv1.UnitsReleased).AppointmentId)
	}
	return out
}

func TestWhateverTheBrokerDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t, engine.Handler{React: react})
		want := map[string][]string{}
		for i := range rapid.IntRange(1, 60).Draw(t, "events") {
			patient := fmt.Sprint("pat_", rapid.IntRange(1, 6).Draw(t, "patient"))
			visit := fmt.Sprint("v", i)
			r.checkIn(t, patient, visit)
			want[patient] = append(want[patient], visit)
		}
		all := r.sent(t)
		for range rapid.IntRange(0, 12).Draw(t, "deliveries") {
			// Anything may come: pieces out of order, pieces twice, with events missing in the middle.
			from := rapid.IntRange(0, len(all)-1).Draw(t, "from")
			piece := append([]wire.Content(nil), all[from:rapid.IntRange(from, len(all)).Draw(t, "to")]...)
			if len(piece) > 1 && rapid.Bool().Draw(t, "lose one") {
				k := rapid.IntRange(0, len(piece)-1).Draw(t, "which")
				piece = append(piece[:k:k], piece[k+1:]...)
			}
			if rapid.IntRange(0, 3).Draw(t, "restart") == 0 {
				r.consumer = r.open(r.consumer.Handler)
			}
			if err := r.consumer.Handle(ctx, piece); err != nil {
				t.Fatal(err)
			}
		}
		// From here on the broker works: heartbeats show what is missing, the relay publishes it again.
		for round := 0; ; round++ {
			r.asked = nil
			r.now = r.now.Add(time.Minute)
			if err := r.consumer.Handle(ctx, []wire.Content{r.heartbeat(t)}); err != nil {
				t.Fatal(err)
			}
			if len(r.asked) == 0 {
				break
			}
			if round > 3 {
				t.Fatalf("still asking after %d rounds: %v", round, r.asked)
			}
			for _, q := range r.asked {
				records, err := r.source.Log.ReadSlot(ctx, int16(q.Slot), q.After, 1000)
				if err != nil {
					t.Fatal(err)
				}
				for _, rec := range records {
					if err := r.consumer.Handle(ctx, []wire.Content{{Event: rec}}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		got := r.effects(t)
		for patient, visits := range want {
			if fmt.Sprint(got[patient]) != fmt.Sprint(visits) {
				t.Fatalf("%s: recorded %v, happened %v", patient, got[patient], visits)
			}
		}
	})
}

func TestTwoWorkersOnOnePartition(t *testing.T) {
	r := newRig(t, engine.Handler{React: react})
	for i := range 300 {
		r.checkIn(t, fmt.Sprint("pat_", i%7), fmt.Sprint("v", i))
	}
	all := r.sent(t)
	other := r.open(r.consumer.Handler)
	errs := make(chan error, 2)
	for _, c := range []*Consumer{r.consumer, other} {
		go func() {
			for i := 0; i < len(all); i += 10 {
				if err := c.Handle(ctx, all[i:i+10]); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, visits := range r.effects(t) {
		n += len(visits)
	}
	if n != 300 {
		t.Fatalf("300 events had %d effects", n)
	}
}

func TestAPoisonEventStopsItsStreamOnly(t *testing.T) {
	r := newRig(t, engine.Handler{React: react})
	for _, v := range [][2]string{{"pat_1", "v1"}, {"pat_1", "poison"}, {"pat_2", "v2"}, {"pat_1", "v3"}, {"pat_2", "v4"}} {
		r.checkIn(t, v[0], v[1])
	}
	if err := r.consumer.Handle(ctx, r.sent(t)); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(r.effects(t)); got != "map[pat_1:[v1] pat_2:[v2 v4]]" {
		t.Fatalf("got %s", got)
	}
	r.checkIn(t, "pat_1", "v5") // later ones stay behind, too
	if err := r.consumer.Handle(ctx, r.sent(t)); err != nil {
		t.Fatal(err)
	}
	dead, err := r.target.Log.ListParked(ctx, "authorization", eventlog.Dead, 10)
	if err != nil || len(dead) != 1 || dead[0].Record.Version != 2 || dead[0].Error == "" {
		t.Fatalf("dead letters: %v (%v)", dead, err)
	}
	if err := Retry(ctx, r.target.Log, dead[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := Drain(ctx, r.target, r.consumer.Handler); err != nil {
		t.Fatal(err)
	}
	dead, _ = r.target.Log.ListParked(ctx, "authorization", eventlog.Dead, 10)
	if len(dead) != 1 || dead[0].Attempts != 2 {
		t.Fatalf("after a retry that fails again: %v", dead)
	}
	if err := Discard(ctx, r.target.Log, dead[0]); err != nil {
		t.Fatal(err)
	}
	if n, err := Drain(ctx, r.target, r.consumer.Handler); n != 2 || err != nil {
		t.Fatalf("%d were handled after the discard, %v", n, err)
	}
	if got := fmt.Sprint(r.effects(t)); got != "map[pat_1:[v1 v3 v5] pat_2:[v2 v4]]" {
		t.Fatalf("got %s", got)
	}
}

// Whatever goes wrong with an event in the same way each time makes it a dead letter of its stream; what else is in its batch, and in its slot, goes on.
func TestWhateverMakesAnEventPoison(t *testing.T) {
	const patient = "pat_1"
	to := func(stream es.Stream[ledger], id string, decide func(ledger, *authv1.UnitsReleased) ([]es.Event, error)) es.React {
		return func(r es.Recorded, look es.Look) ([]es.Command, error) {
			e := r.Event.(*intakev1.AppointmentCheckedIn)
			if e.AppointmentId != "poison" {
				return react(r, look)
			}
			return []es.Command{es.Do(ledgers, e.PatientId, record, &authv1.UnitsReleased{AppointmentId: "of the poison"}), es.Do(stream, id, decide, &authv1.UnitsReleased{AppointmentId: e.AppointmentId})}, nil
		}
	}
	says := func(e es.Event) func(ledger, *authv1.UnitsReleased) ([]es.Event, error) {
		return func(ledger, *authv1.UnitsReleased) ([]es.Event, error) { return []es.Event{e}, nil }
	}
	panics := es.Stream[ledger]{Kind: "ledger", Evolve: func(ledger, es.Event) ledger { panic("a fold without a case") }}
	poisoned := func(r es.Recorded) bool {
		e, ok := r.Event.(*intakev1.AppointmentCheckedIn)
		return ok && e.AppointmentId == "poison"
	}
	for _, c := range []struct {
		name    string
		handler engine.Handler
		timers  func(es.Recorded) []es.TimerOp
		says    string
	}{
		{"the text of its event is no UTF-8", engine.Handler{React: to(ledgers, patient, says(&authv1.UnitsReleased{Reason: "M\xDCLLER"}))}, nil, "invalid UTF-8"},
		{"the name in its event is no UTF-8", engine.Handler{React: to(ledgers, patient, says(&intakev1.PatientRegistered{PatientId: patient, MedicalRecordNumber: "\xC9"}))}, nil, "invalid UTF-8"},
		{"nobody's key seals its event", engine.Handler{React: to(ledgers, patient, says(&intakev1.PatientRegistered{MedicalRecordNumber: "1"}))}, nil, "nobody's key"},
		{"its person was forgotten", engine.Handler{React: to(ledgers, patient, says(&intakev1.PatientRegistered{PatientId: "forgotten", MedicalRecordNumber: "1"}))}, nil, "destroyed"},
		{"its decision panics", engine.Handler{React: to(ledgers, patient, func(ledger, *authv1.UnitsReleased) ([]es.Event, error) { panic("no such line") })}, nil, "no such line"},
		{"its fold panics", engine.Handler{React: to(panics, "pat_9", record1)}, nil, "a fold without a case"},
		{"its stream's name is no text", engine.Handler{React: to(ledgers, "pat\x00", record1)}, nil, "no text"},
		{"its reaction panics", engine.Handler{React: func(r es.Recorded, look es.Look) ([]es.Command, error) {
			if poisoned(r) {
				panic("no id")
			}
			return react(r, look)
		}}, nil, "no id"},
		{"what it waits for is no text", engine.Handler{Mirrors: []es.AnyMirror{known}, React: func(r es.Recorded, look es.Look) ([]es.Command, error) {
			if poisoned(r) {
				if _, there := es.Find(look, known, "\x00"); !there {
					return nil, es.Wait(known, "\x00")
				}
			}
			return react(r, look)
		}}, nil, "wait"},
		{"the keys of a mirror panic", engine.Handler{React: to(ledgers, patient, record1), Mirrors: []es.AnyMirror{es.Mirror[bool]{Name: "m", Evolve: func(bool, es.Event) bool { return true }, Keys: func(r es.Recorded) []string {
			if poisoned(r) {
				panic("no key")
			}
			return nil
		}}}}, nil, "no key"},
		{"the key of a mirror is no text", engine.Handler{React: to(ledgers, patient, record1), Mirrors: []es.AnyMirror{es.Mirror[bool]{Name: "m", Evolve: func(bool, es.Event) bool { return true }, Keys: func(r es.Recorded) []string {
			if poisoned(r) {
				return []string{"\x00"}
			}
			return nil
		}}}}, nil, "no text"},
		{"its projection panics", engine.Handler{React: to(ledgers, patient, record1), Project: func(r es.Recorded) []es.Statement {
			if poisoned(r) {
				panic("no such column")
			}
			return nil
		}}, nil, "no such column"},
		{"its timers panic", engine.Handler{React: to(ledgers, patient, record1)}, func(r es.Recorded) []es.TimerOp {
			if r.Event.(*authv1.UnitsReleased).AppointmentId == "poison" {
				panic("no day")
			}
			return nil
		}, "no day"},
		{"its timer has no key", engine.Handler{React: to(ledgers, patient, record1)}, func(r es.Recorded) []es.TimerOp {
			if r.Event.(*authv1.UnitsReleased).AppointmentId == "poison" {
				return []es.TimerOp{{Set: &es.Timer{Kind: "ledger", StreamID: patient, DueAt: start, Body: &platformv1.StatusRequest{}}}}
			}
			return nil
		}, "key is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.handler)
			r.target.Options.Timers = c.timers
			vault := &seal.Memory{}
			if err := vault.Shred(ctx, tenant, "forgotten"); err != nil {
				t.Fatal(err)
			}
			r.target.Codec = seal.NewCodec(vault)
			for _, v := range [][2]string{{patient, "v1"}, {patient, "poison"}, {"pat_2", "v2"}, {patient, "v3"}, {"pat_2", "v4"}} {
				r.checkIn(t, v[0], v[1])
			}
			if err := r.consumer.Handle(ctx, r.sent(t)); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(r.effects(t)); got != "map[pat_1:[v1] pat_2:[v2 v4]]" {
				t.Errorf("got %s", got)
			}
			dead, err := r.target.Log.ListParked(ctx, "authorization", eventlog.Dead, 10)
			if err != nil || len(dead) != 1 || dead[0].Record.Version != 2 || !strings.Contains(dead[0].Error, c.says) {
				t.Errorf("dead letters: %v (%v)", dead, err)
			}
			if n, _ := r.consumer.Lag(); n != 0 {
				t.Errorf("%d events are still to be handled", n)
			}
		})
	}
}

// record1 is record without its objection.
func record1(_ ledger, e *authv1.UnitsReleased) ([]es.Event, error) { return []es.Event{e}, nil }

// A stream whose history can't be folded any more takes what comes for it out of the way, and nothing else.
func TestAStreamThatCantBeFolded(t *testing.T) {
	spoilt := false
	picky := es.Stream[ledger]{Kind: "ledger", Evolve: func(s ledger, e es.Event) ledger {
		if spoilt && e.(*authv1.UnitsReleased).AppointmentId == "v1" {
			panic("a fold that a later version broke")
		}
		return ledgers.Evolve(s, e)
	}}
	r := newRig(t, engine.Handler{React: func(r es.Recorded, _ es.Look) ([]es.Command, error) {
		e := r.Event.(*intakev1.AppointmentCheckedIn)
		return []es.Command{es.Do(picky, e.PatientId, record, &authv1.UnitsReleased{AppointmentId: e.AppointmentId})}, nil
	}})
	r.checkIn(t, "pat_1", "v1")
	if err := r.consumer.Handle(ctx, r.sent(t)); err != nil {
		t.Fatal(err)
	}
	spoilt = true
	restarted, err := engine.New(r.target.Options)
	if err != nil {
		t.Fatal(err)
	}
	r.target = restarted
	r.consumer = r.open(r.consumer.Handler)
	for _, v := range [][2]string{{"pat_1", "v3"}, {"pat_2", "v2"}, {"pat_2", "v4"}} {
		r.checkIn(t, v[0], v[1])
	}
	if err := r.consumer.Handle(ctx, r.sent(t)); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(r.effects(t)); got != "map[pat_1:[v1] pat_2:[v2 v4]]" {
		t.Errorf("got %s", got)
	}
	spoilt = false
	dead, _ := r.target.Log.ListParked(ctx, "authorization", eventlog.Dead, 10)
	if len(dead) != 1 {
		t.Fatalf("dead letters: %v", dead)
	}
	if err := Retry(ctx, r.target.Log, dead[0]); err != nil {
		t.Fatal(err)
	}
	if n, err := Drain(ctx, r.target, r.consumer.Handler); n != 1 || err != nil {
		t.Errorf("%d handled once the fold is mended, %v", n, err)
	}
}

// A fault of the database is nobody's poison: nothing is parked, it shows for as long as it lasts, and then everything is handled.
func TestAFaultIsTriedAgainAndShows(t *testing.T) {
	r := newRig(t, engine.Handler{React: react})
	down := false
	r.target.Log.(*memlog.Log).Faults = func(op string) error {
		if down && op == memlog.BeforeCommit {
			return errors.New("the database is away")
		}
		return nil
	}
	r.checkIn(t, "pat_1", "v1")
	r.checkIn(t, "pat_2", "v2") // of another slot
	sent := r.sent(t)
	down = true
	for range 3 {
		r.now = r.now.Add(time.Minute)
		if err := r.consumer.Handle(ctx, sent[:1]); err == nil {
			t.Fatal("it was handled without a database")
		}
	}
	down = false
	if err := r.consumer.Handle(ctx, sent[1:]); err != nil { // others go on, and their marks pass the one that is stuck
		t.Fatal(err)
	}
	if n, age := r.consumer.Lag(); n != 1 || age != 3*time.Minute {
		t.Errorf("one slot is stuck: %d events, %v", n, age)
	}
	if handled, seen := r.consumer.Position(); handled != 0 || seen != 2 {
		t.Errorf("everything up to %d of %d", handled, seen)
	}
	if parked, _ := r.target.Log.ListParked(ctx, "authorization", "", 10); len(parked) != 0 {
		t.Errorf("parked: %v", parked)
	}
	if err := r.open(r.consumer.Handler).Handle(ctx, sent[:1]); err != nil { // another process has the partition now
		t.Fatal(err)
	}
	if err := r.consumer.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if n, age := r.consumer.Lag(); n != 0 || age != 0 {
		t.Errorf("another has handled it: %d events, %v", n, age)
	}
	if got := fmt.Sprint(r.effects(t)); got != "map[pat_1:[v1] pat_2:[v2]]" {
		t.Errorf("got %s", got)
	}
}

// known are the patients that the consumer has heard of.
var known = es.Mirror[bool]{
	Name: "patient",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*intakev1.PatientRegistered); ok {
			return []string{e.PatientId}
		}
		return nil
	},
	Evolve: func(bool, es.Event) bool { return true },
}

// waiting is react for patients that are known.
func waiting(r es.Recorded, look es.Look) ([]es.Command, error) {
	if e, ok := r.Event.(*intakev1.AppointmentCheckedIn); ok {
		if _, ok := es.Find(look, known, e.PatientId); !ok {
			return nil, es.Wait(known, e.PatientId)
		}
	}
	return react(r, look)
}

// How far a consumer is behind shows while it works, while it waits for what it has heard of, and is 0 once it has handled everything.
func TestLag(t *testing.T) {
	var r *rig
	var events int64
	var age time.Duration
	r = newRig(t, engine.Handler{React: func(e es.Recorded, look es.Look) ([]es.Command, error) {
		events, age = r.consumer.Lag()
		return react(e, look)
	}})
	r.checkIn(t, "pat_1", "v1")
	r.now = r.now.Add(time.Minute)
	r.checkIn(t, "pat_1", "v2")
	r.now = r.now.Add(30 * time.Second)
	if n, old := r.consumer.Lag(); n != 0 || old != 0 {
		t.Errorf("before it has heard of anything: %d events, %v", n, old)
	}
	sent := r.sent(t)
	if err := r.consumer.Handle(ctx, sent); err != nil {
		t.Fatal(err)
	}
	if events != 2 || age != 90*time.Second {
		t.Errorf("at work: %d events, %v", events, age)
	}
	if n, old := r.consumer.Lag(); n != 0 || old != 0 {
		t.Errorf("all is handled: %d events, %v", n, old)
	}
	if err := r.consumer.Handle(ctx, sent); err != nil { // again
		t.Fatal(err)
	}
	if n, old := r.consumer.Lag(); n != 0 || old != 0 {
		t.Errorf("repeats make nobody late: %d events, %v", n, old)
	}
	r.checkIn(t, "pat_1", "v3")
	if err := r.consumer.Handle(ctx, []wire.Content{r.heartbeat(t)}); err != nil {
		t.Fatal(err)
	}
	if n, old := r.consumer.Lag(); n != 1 || old != 90*time.Second {
		t.Errorf("one that it has only heard of: %d events, %v", n, old)
	}
	r.now = r.now.Add(lagHolds)
	if n, old := r.consumer.Lag(); n != 1 || old != lagHolds {
		t.Errorf("nothing comes: %d events, %v", n, old)
	}
}

func TestAnEarlyEventWaits(t *testing.T) {
	r := newRig(t, engine.Handler{React: waiting, Mirrors: []es.AnyMirror{known}})
	r.checkIn(t, "pat_1", "v1")
	r.checkIn(t, "pat_1", "v2")
	if err := r.consumer.Handle(ctx, r.sent(t)); err != nil {
		t.Fatal(err)
	}
	if n, err := Drain(ctx, r.target, r.consumer.Handler); n != 0 || err != nil || len(r.effects(t)) != 0 {
		t.Fatalf("%d handled before the patient was known (%v)", n, err)
	}
	r.put(t, "registration", &intakev1.PatientRegistered{PatientId: "pat_1"})
	if err := r.consumer.Handle(ctx, r.sent(t)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.consumer.Woken():
	default:
		t.Fatal("nobody was woken")
	}
	if n, err := Drain(ctx, r.target, r.consumer.Handler); n != 2 || err != nil {
		t.Fatalf("%d handled, %v", n, err)
	}
	if got := fmt.Sprint(r.effects(t)); got != "map[pat_1:[v1 v2]]" {
		t.Fatalf("got %s", got)
	}
}

// The second event of a stream needs nothing, the first one does: the second waits all the same, in the first one's batch or in a later one.
func TestNothingOvertakesAWaitingEvent(t *testing.T) {
	for name, batches := range map[string][]int{"in its batch": {3}, "in later batches": {1, 1, 1}} {
		t.Run(name, func(t *testing.T) {
			needy := func(r es.Recorded, look es.Look) ([]es.Command, error) {
				if r.Version > 1 {
					return react(r, look)
				}
				return waiting(r, look)
			}
			r := newRig(t, engine.Handler{React: needy, Mirrors: []es.AnyMirror{known}})
			for _, v := range []string{"v1", "v2", "v3"} {
				r.checkIn(t, "pat_1", v)
			}
			sent := r.sent(t)
			for _, n := range batches {
				if err := r.consumer.Handle(ctx, sent[:n]); err != nil {
					t.Fatal(err)
				}
				sent = sent[n:]
			}
			if n, err := Drain(ctx, r.target, r.consumer.Handler); n != 0 || err != nil || len(r.effects(t)) != 0 {
				t.Fatalf("%d handled before the patient was known (%v): %v", n, err, r.effects(t))
			}
			r.put(t, "registration", &intakev1.PatientRegistered{PatientId: "pat_1"})
			r.checkIn(t, "pat_1", "v4") // arrives with what the others wait for, and still comes last
			if err := r.consumer.Handle(ctx, r.sent(t)); err != nil {
				t.Fatal(err)
			}
			if n, err := Drain(ctx, r.target, r.consumer.Handler); n != 4 || err != nil {
				t.Fatalf("%d handled, %v", n, err)
			}
			if got := fmt.Sprint(r.effects(t)); got != "map[pat_1:[v1 v2 v3 v4]]" {
				t.Fatalf("got %s", got)
			}
		})
	}
}

// A member is paused between deciding and committing, longer than its session; another takes its partition and handles everything. What the first then commits is fenced, and
// it goes on from what the database says.
func TestAMemberThatWasPausedIsFenced(t *testing.T) {
	pause, paused, revived := false, make(chan struct{}), make(chan struct{})
	decides := func(r es.Recorded, look es.Look) ([]es.Command, error) {
		if pause && r.Version == 1 {
			pause = false
			close(paused)
			<-revived
		}
		return react(r, look)
	}
	r := newRig(t, engine.Handler{React: decides})
	for i := range 40 {
		r.checkIn(t, fmt.Sprint("pat_", i%4), fmt.Sprint("v", i))
	}
	sent := r.sent(t)
	if err := r.consumer.Handle(ctx, sent[:0]); err != nil { // it knows its marks
		t.Fatal(err)
	}
	pause = true
	ended := make(chan error, 1)
	go func() { ended <- r.consumer.Handle(ctx, sent) }()
	<-paused
	if err := r.open(engine.Handler{Consumer: "authorization", React: react}).Handle(ctx, sent); err != nil {
		t.Fatal(err)
	}
	close(revived)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for patient, visits := range r.effects(t) {
		if len(visits) != 10 {
			t.Errorf("%s: 10 check-ins had %d effects: %v", patient, len(visits), visits)
		}
	}
	if handled, seen := r.consumer.Position(); handled != 40 || seen != 40 {
		t.Errorf("the revived member believes to be at %d of %d", handled, seen)
	}
}
