package logtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

func densePositions(f *fixture) {
	const writers, each, readers = 16, 25, 3
	var done atomic.Bool
	var reading sync.WaitGroup
	for range readers {
		reading.Go(func() {
			last := int64(0)
			for finished := false; ; {
				records, err := f.Read(f.ctx(), last, 1000)
				if err != nil {
					f.Error(err)
					return
				}
				for _, r := range records {
					if r.Position != last+1 {
						f.Errorf("after %d a reader saw %d", last, r.Position)
						return
					}
					last = r.Position
				}
				if finished && len(records) == 0 {
					if last != writers*each {
						f.Errorf("a reader saw %d events, want %d", last, writers*each)
					}
					return
				}
				finished = done.Load()
			}
		})
	}
	inParallel(writers, func(w int) {
		for i := range each {
			r, err := f.Append(f.ctx(), unit(to(fmt.Sprintf("a/%d", w), i, fmt.Sprint(i))))
			if err != nil || len(r.Records) != 1 || r.Records[0].Version != int32(i+1) || r.Position != r.Records[0].Position {
				f.Errorf("writer %d, event %d: %v, %v", w, i, r, err)
				return
			}
		}
	})
	done.Store(true)
	reading.Wait()
	records := f.all()
	if len(records) != writers*each {
		f.Fatalf("%d events, want %d", len(records), writers*each)
	}
	dense(f, records)
}

func versions(f *fixture) {
	f.append(unit(to("a/1", 0, "first"), to("b/1", 0, "other")))
	f.append(unit(to("a/1", 1, "second", "third")))
	other := eventlog.Append{StreamKey: eventlog.StreamKey{Tenant: two, Stream: "a/1"}, Expect: 0, Events: []eventlog.Pending{event("theirs")}}
	f.append(unit(other))
	equal(f, "a/1", texts(must(f.Stream(f.ctx(), key("a/1"), 0))(f)), []string{"first", "second", "third"})
	equal(f, "a/1 after 2", texts(must(f.Stream(f.ctx(), key("a/1"), 2))(f)), []string{"third"})
	equal(f, "a/1 after its end", texts(must(f.Stream(f.ctx(), key("a/1"), 7))(f)), []string{})
	equal(f, "the other tenant's a/1", texts(must(f.Stream(f.ctx(), other.StreamKey, 0))(f)), []string{"theirs"})
	equal(f, "a stream that does not exist", texts(must(f.Stream(f.ctx(), key("c/1"), 0))(f)), []string{})
	dense(f, f.all())
}

func conflicts(f *fixture) {
	f.append(unit(to("a/1", 0, "1", "2")))
	for _, c := range []struct {
		name   string
		append eventlog.Append
		want   error
	}{
		{"a new stream that should exist", to("b/1", 1, "x"), eventlog.ErrConflict},
		{"an old stream that should not", to("a/1", 0, "x"), eventlog.ErrConflict},
		{"too old", to("a/1", 1, "x"), eventlog.ErrConflict},
		{"too new", to("a/1", 3, "x"), eventlog.ErrConflict},
		{"a check that fails", to("a/1", 1), eventlog.ErrConflict},
		{"a check that holds", to("a/1", 2), nil},
		{"a check that there is no stream", to("b/1", 0), nil},
		{"any version of an old stream", to("a/1", eventlog.AnyVersion, "3"), nil},
		{"any version of a new stream", to("c/1", eventlog.AnyVersion, "1"), nil},
	} {
		if _, err := f.Append(f.ctx(), unit(c.append)); !errors.Is(err, c.want) {
			f.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	equal(f, "events", texts(f.all()), []string{"1", "2", "3", "1"})
	dense(f, f.all())
}

func oneWins(f *fixture) {
	const callers, rounds = 16, 5
	for version := range rounds {
		var won, lost atomic.Int32
		inParallel(callers, func(int) {
			switch _, err := f.Append(f.ctx(), unit(to("a/1", version, "mine"))); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, eventlog.ErrConflict):
				lost.Add(1)
			default:
				f.Error(err)
			}
		})
		if won.Load() != 1 || lost.Load() != callers-1 {
			f.Errorf("version %d: %d won, %d lost", version, won.Load(), lost.Load())
		}
	}
	dense(f, f.all())
}

func twoAppends(f *fixture) {
	r := f.append(unit(to("a/1", 0, "1", "2"), to("b/1", 0, "x"), to("a/1", 2, "3"), to("a/1", eventlog.AnyVersion, "4"), to("a/1", 4)))
	equal(f, "in order", texts(r.Records), []string{"1", "2", "x", "3", "4"})
	equal(f, "position", r.Position, int64(5))
	f.refused(unit(to("a/1", 4, "5"), to("a/1", 4, "6")), eventlog.ErrConflict)
	same(f, "the log is the result", f.all(), r.Records)
	dense(f, f.all())
}

// full is a unit with one of everything, as an event of "elsewhere" would cause it. Position 7 must be parked for it, timer "due" be set, and slot 3's mark be 0.
func full(t eventlog.TimerRow) eventlog.Unit {
	return eventlog.Unit{
		Appends: []eventlog.Append{to("a/1", 0, "effect")},
		Request: &eventlog.Request{Tenant: one, Key: "k1", BodyHash: []byte{1}, Stream: "a/1"},
		Inbox:   []eventlog.Advance{{Consumer: "c", Source: "elsewhere", Slot: 3, Old: 0, New: 9}},
		Mirrors: []eventlog.MirrorRow{{Mirror: "m", Tenant: one, Key: "mk", Record: foreign("elsewhere", 9, "p/1", "kept")}},
		Park: []eventlog.Parked{{
			Consumer: "c", Record: foreign("elsewhere", 8, "p/2", "dead"), State: eventlog.Dead, Error: "no", Attempts: 3, Since: t0,
		}},
		Unpark:    []eventlog.ParkedKey{{Consumer: "c", Source: "elsewhere", Position: 7}},
		Fired:     []eventlog.TimerRow{t},
		SetTimers: []eventlog.TimerRow{{TimerKey: eventlog.TimerKey{Tenant: one, Key: "next"}, Kind: "a", StreamID: "1", DueAt: t0, Type: "x.Y"}},
		States:    []eventlog.State{{StreamKey: key("a/1"), Version: 1, FoldHash: "h", Body: []byte("s")}},
	}
}

func atomicUnits(f *fixture) {
	due := eventlog.TimerRow{TimerKey: eventlog.TimerKey{Tenant: one, Key: "due"}, Kind: "a", StreamID: "1", DueAt: t0, Type: "x.Y"}
	must(f.Inbox(f.ctx(), "c", "elsewhere"))(f)
	f.append(eventlog.Unit{
		Appends: []eventlog.Append{to("z/1", 0, "before")}, SetTimers: []eventlog.TimerRow{due},
		Park: []eventlog.Parked{{Consumer: "c", Record: foreign("elsewhere", 7, "p/0", "parked"), State: eventlog.Dead, Error: "no", Since: t0}},
	})
	before := dump(f)
	for _, c := range []struct {
		name  string
		spoil func(*eventlog.Unit)
		want  error
	}{
		{"a conflict", func(u *eventlog.Unit) { u.Appends = append(u.Appends, to("z/1", 0, "late")) }, eventlog.ErrConflict},
		{"a failed check", func(u *eventlog.Unit) { u.Appends = append(u.Appends, to("z/1", 7)) }, eventlog.ErrConflict},
		{"a mark that moved", func(u *eventlog.Unit) { u.Inbox[0].Old = 1 }, eventlog.ErrFenced},
		{"a second mark that moved", func(u *eventlog.Unit) {
			u.Inbox = append(u.Inbox, eventlog.Advance{Consumer: "c", Source: "elsewhere", Slot: 4, Old: 5, New: 6})
		}, eventlog.ErrFenced},
		{"a mark that was never made", func(u *eventlog.Unit) { u.Inbox[0].Consumer = "nobody" }, eventlog.ErrFenced},
		{"a parked event that is gone", func(u *eventlog.Unit) { u.Unpark[0].Position = 6 }, eventlog.ErrFenced},
		{"a parked event taken twice", func(u *eventlog.Unit) { u.Unpark = append(u.Unpark, u.Unpark[0]) }, eventlog.ErrFenced},
		{"a parked event that is parked again", func(u *eventlog.Unit) { u.Park = append(u.Park, u.Park[0]) }, eventlog.ErrFenced},
		{"a parked event to write again that is gone", func(u *eventlog.Unit) {
			u.Repark = []eventlog.Parked{{Consumer: "c", Record: foreign("elsewhere", 6, "p/0", "x"), State: eventlog.Dead}}
		}, eventlog.ErrFenced},
		{"a timer that is gone", func(u *eventlog.Unit) { u.Fired[0].Key = "gone" }, eventlog.ErrFenced},
		{"a timer fired twice", func(u *eventlog.Unit) { u.Fired = append(u.Fired, u.Fired[0]) }, eventlog.ErrFenced},
		{"a timer that moved", func(u *eventlog.Unit) { u.Fired[0].DueAt = t0.Add(1000) }, eventlog.ErrFenced},
	} {
		u := full(due)
		c.spoil(&u)
		if _, err := f.Append(f.ctx(), u); !errors.Is(err, c.want) {
			f.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		equal(f, "after "+c.name, dump(f), before)
	}
	f.append(full(due))
	equal(f, "after the good one", dump(f), []string{
		"event 1 z/1 before", "event 2 a/1 effect", "answer a/1 1 [effect]", "mark 3 9", "mirror kept",
		"parked elsewhere 8 dead no 3", "timer next", "state 1 s",
	})
	dense(f, f.all())
}

// dump is what the parts of full can change.
func dump(f *fixture) []string {
	f.Helper()
	var out []string
	for _, r := range f.all() {
		out = append(out, fmt.Sprint("event ", r.Position, " ", r.Stream, " ", text(r)))
	}
	if a := must(f.Answer(f.ctx(), one, "k1"))(f); a != nil {
		out = append(out, fmt.Sprint("answer ", a.Stream, " ", a.Version, " ", texts(a.Events)))
	}
	for slot, mark := range must(f.Inbox(f.ctx(), "c", "elsewhere"))(f) {
		if mark != 0 {
			out = append(out, fmt.Sprint("mark ", slot, " ", mark))
		}
	}
	mk := eventlog.MirrorKey{Mirror: "m", Tenant: one, Key: "mk"}
	for _, r := range must(f.Mirrored(f.ctx(), []eventlog.MirrorKey{mk}))(f)[mk] {
		out = append(out, "mirror "+text(r))
	}
	for _, p := range must(f.ListParked(f.ctx(), "c", "", 100))(f) {
		out = append(out, fmt.Sprint("parked ", p.Record.Source, " ", p.Record.Position, " ", p.State, " ", p.Error, " ", p.Attempts))
	}
	for _, t := range must(f.DueTimers(f.ctx(), t0, 100))(f) {
		out = append(out, "timer "+t.Key)
	}
	loaded := must(f.Streams(f.ctx(), []eventlog.StreamKey{key("a/1")}, map[string]string{"a": "h"}))(f)
	if s := loaded[key("a/1")].State; s != nil {
		out = append(out, fmt.Sprint("state ", s.Version, " ", string(s.Body)))
	}
	return out
}

func malformed(f *fixture) {
	good := to("b/1", 0, "fine")
	changed := func(change func(*eventlog.Append)) eventlog.Unit {
		a := to("a/1", 0, "x")
		change(&a)
		return unit(good, a)
	}
	for _, c := range []struct {
		name string
		unit eventlog.Unit
	}{
		{"no tenant", changed(func(a *eventlog.Append) { a.Tenant = uuid.Nil })},
		{"no stream", changed(func(a *eventlog.Append) { a.Stream = "" })},
		{"a stream with a NUL", changed(func(a *eventlog.Append) { a.Stream = "a/\x00" })},
		{"a stream that is no UTF-8", changed(func(a *eventlog.Append) { a.Stream = "a/\xC9" })},
		{"a mirror key with a NUL", eventlog.Unit{Appends: []eventlog.Append{good}, Mirrors: []eventlog.MirrorRow{{Mirror: "m", Tenant: one, Key: "\x00", Record: foreign("e", 1, "p/1", "x")}}}},
		{"no record", changed(func(a *eventlog.Append) { a.Events[0].Record = nil })},
		{"no id", changed(func(a *eventlog.Append) { a.Events[0].Record.EventId = "" })},
		{"another's tenant", changed(func(a *eventlog.Append) { a.Events[0].Record.TenantId = two.String() })},
		{"another's stream", changed(func(a *eventlog.Append) { a.Events[0].Record.Stream = "b/1" })},
		{"no date", changed(func(a *eventlog.Append) { a.Events[0].Record.OccurredOn = "2026-02-30" })},
		{"a bad correlation", changed(func(a *eventlog.Append) { a.Events[0].Record.CorrelationId = "c" })},
		{"no request key", eventlog.Unit{Appends: []eventlog.Append{good}, Request: &eventlog.Request{Tenant: one}}},
		{"a mirror row without position", eventlog.Unit{Appends: []eventlog.Append{good}, Mirrors: []eventlog.MirrorRow{{Mirror: "m", Tenant: one, Key: "k", Record: event("x").Record}}}},
		{"parked in no state", eventlog.Unit{Appends: []eventlog.Append{good}, Park: []eventlog.Parked{{Consumer: "c", Record: foreign("e", 1, "p/1", "x")}}}},
		{"waiting for nothing", eventlog.Unit{Appends: []eventlog.Append{good}, Park: []eventlog.Parked{{Consumer: "c", Record: foreign("e", 1, "p/1", "x"), State: eventlog.Waiting}}}},
		{"set and cancelled", eventlog.Unit{Appends: []eventlog.Append{good}, Cancel: []eventlog.TimerKey{{Tenant: one, Key: "t"}},
			SetTimers: []eventlog.TimerRow{{TimerKey: eventlog.TimerKey{Tenant: one, Key: "t"}, DueAt: t0}}}},
	} {
		_, err := f.Append(f.ctx(), c.unit)
		var row *eventlog.RowError
		if !errors.As(err, &row) {
			f.Errorf("%s: %v, want a RowError", c.name, err)
		}
	}
	equal(f, "events", texts(f.all()), []string{})
	f.append(eventlog.Unit{}) // nothing to do is fine
}

func untouched(f *fixture) {
	a := to("a/1", eventlog.AnyVersion, "again")
	before := proto.Clone(a.Events[0].Record)
	first := f.append(unit(a))
	kept := proto.Clone(first.Records[0])
	second := f.append(unit(a))
	if !proto.Equal(before, a.Events[0].Record) {
		f.Errorf("the pending record became %v", a.Events[0].Record)
	}
	if !proto.Equal(kept, first.Records[0]) {
		f.Errorf("the first result became %v", first.Records[0])
	}
	same(f, "events", f.all(), append(first.Records, second.Records...))
}

func faithful(f *fixture) {
	whole := event("whole")
	r := whole.Record
	r.TenantId, r.Stream, r.CausationId, r.RequestKey = one.String(), "a/1", uuid.NewString(), "request"
	r.Trace, r.Sealed, r.Subject, r.Schema, r.Actor = []byte("00-trace"), bytes.Repeat([]byte{0, 255}, 5000), "patient:1", 3, "Ünï\u2028code"
	bare := event("bare")
	bare.Record.CorrelationId, bare.Record.Actor, bare.Record.Clear = "", "", nil
	result := f.append(unit(eventlog.Append{StreamKey: key("a/1"), Events: []eventlog.Pending{whole, bare}}))
	source := result.Records[0].Source
	if source == "" {
		f.Error("the source is missing")
	}
	for i, p := range []eventlog.Pending{whole, bare} {
		want := proto.Clone(p.Record).(eventlog.Record)
		want.TenantId, want.Source, want.Stream, want.Version, want.Position = one.String(), source, "a/1", int32(i+1), int64(i+1)
		want.Previous, want.Slot, want.Epoch = int64(i), result.Records[0].Slot, 1
		same(f, "the result", result.Records[i:i+1], []eventlog.Record{want})
		same(f, "the log", must(f.Read(f.ctx(), int64(i), 1))(f), []eventlog.Record{want})
	}
	many := eventlog.Append{StreamKey: key("a/2")} // more than a few
	for i := range 700 {
		p := event(fmt.Sprint(i))
		if i%2 == 0 {
			p.Record = proto.Clone(r).(eventlog.Record)
			p.Record.EventId, p.Record.Stream, p.Record.OccurredOn = uuid.NewString(), "a/2", []string{"1999-12-31", "2000-02-29", "2026-03-02"}[i%3]
			p.Record.Sealed = p.Record.Sealed[:i]
		} else if i%3 == 0 {
			p.Record.CorrelationId, p.Record.Clear = "", nil
		}
		many.Events = append(many.Events, p)
	}
	result = f.append(unit(many))
	same(f, "many", must(f.Stream(f.ctx(), key("a/2"), 0))(f), result.Records)
	dense(f, f.all())
}

func cancelled(f *fixture) {
	ctx, cancel := context.WithCancel(f.ctx())
	cancel()
	if _, err := f.Append(ctx, unit(to("a/1", 0, "x"))); !errors.Is(err, context.Canceled) {
		f.Errorf("append: %v", err)
	}
	equal(f, "events", texts(f.all()), []string{})
}

func requests(f *fixture) {
	u := unit(to("a/1", 0, "1", "2"), to("b/1", 0, "x"))
	u.Request = &eventlog.Request{Tenant: one, Key: "k", BodyHash: []byte("hash"), Stream: "a/1"}
	if a := must(f.Answer(f.ctx(), one, "k"))(f); a != nil {
		f.Errorf("before: %v", a)
	}
	result := f.append(u)
	f.append(unit(to("a/1", 2, "3")))
	again := unit(to("a/1", 3, "4"))
	again.Request = &eventlog.Request{Tenant: one, Key: "k", BodyHash: []byte("other"), Stream: "c/1"}
	for _, a := range []eventlog.Answer{*must(f.Answer(f.ctx(), one, "k"))(f), used(f, again), used(f, u)} {
		same(f, "answer's events", a.Events, result.Records)
		equal(f, "answer", fmt.Sprint(string(a.BodyHash), a.Stream, a.Version, a.Position), fmt.Sprint("hash", "a/1", 2, 3))
	}
	again.Request.Tenant = two // the key is the tenant's
	f.append(again)

	nothing := unit(to("a/1", 4)) // a decision that changes nothing is remembered too
	nothing.Request = &eventlog.Request{Tenant: one, Key: "nothing", Stream: "a/1"}
	f.append(nothing)
	f.append(unit(to("a/1", 4, "5")))
	a := used(f, nothing)
	equal(f, "answer without events", fmt.Sprint(texts(a.Events), a.Version, a.Position), "[] 4 5")

	elsewhere := unit(to("d/1", 0, "x")) // the answer's stream need not be one that was appended to
	elsewhere.Request = &eventlog.Request{Tenant: one, Key: "elsewhere", Stream: "a/1"}
	f.append(elsewhere)
	equal(f, "version of a stream that was only named", used(f, elsewhere).Version, 5)
	equal(f, "events", texts(f.all()), []string{"1", "2", "x", "3", "4", "5", "x"})
}

func used(f *fixture, u eventlog.Unit) eventlog.Answer {
	f.Helper()
	_, err := f.Append(f.ctx(), u)
	var known *eventlog.UsedError
	if !errors.As(err, &known) {
		f.Fatalf("append: %v, want the first answer", err)
	}
	return known.Answer
}

func oneRequest(f *fixture) {
	const callers, rounds = 12, 5
	for round := range rounds {
		var won atomic.Int32
		var mu sync.Mutex
		var answers []eventlog.Answer
		inParallel(callers, func(i int) {
			u := unit(to(fmt.Sprintf("a/%d-%d", round, i), 0, fmt.Sprint(i), "and more"))
			u.Request = &eventlog.Request{Tenant: one, Key: fmt.Sprint("k", round), BodyHash: []byte{byte(i)}, Stream: u.Appends[0].Stream}
			_, err := f.Append(f.ctx(), u)
			var known *eventlog.UsedError
			switch {
			case err == nil:
				won.Add(1)
			case errors.As(err, &known):
				mu.Lock()
				answers = append(answers, known.Answer)
				mu.Unlock()
			default:
				f.Error(err)
			}
		})
		if won.Load() != 1 || len(answers) != callers-1 {
			f.Fatalf("round %d: %d won, %d were answered", round, won.Load(), len(answers))
		}
		first := *must(f.Answer(f.ctx(), one, fmt.Sprint("k", round)))(f)
		for _, a := range answers {
			same(f, "events", a.Events, first.Events)
			if len(a.Events) != 2 || a.Stream != first.Stream || !bytes.Equal(a.BodyHash, first.BodyHash) || a.Position != first.Position {
				f.Errorf("answers differ: %v and %v", a, first)
			}
		}
	}
	dense(f, f.all())
	equal(f, "events", len(f.all()), rounds*2)
}

func usedBeforeRefused(f *fixture) {
	must(f.Inbox(f.ctx(), "c", "elsewhere"))(f)
	u := unit(to("a/1", 0, "x"))
	u.Request = &eventlog.Request{Tenant: one, Key: "k", Stream: "a/1"}
	u.Inbox = []eventlog.Advance{{Consumer: "c", Source: "elsewhere", Slot: 1, Old: 0, New: 5}}
	f.append(u)
	equal(f, "the repetition's answer", texts(used(f, u).Events), []string{"x"})
	u.Request.Key = "another"
	if _, err := f.Append(f.ctx(), u); !errors.Is(err, eventlog.ErrFenced) && !errors.Is(err, eventlog.ErrConflict) {
		f.Errorf("another key: %v", err)
	}
	if a := must(f.Answer(f.ctx(), one, "another"))(f); a != nil {
		f.Errorf("a refused unit's key was remembered: %v", a)
	}
}

func recordedAt(f *fixture) {
	at := func(stream string, minutes int) eventlog.Unit {
		a := to(stream, eventlog.AnyVersion, "x")
		a.Events[0].Record.RecordedAt.Seconds += int64(minutes * 60)
		return unit(a)
	}
	for _, minutes := range []int{0, 10, 5, -100, 11} { // of any stream: the order is the log's
		f.append(at(fmt.Sprint("a/", minutes), minutes))
	}
	f.Log = f.reopen()
	f.append(at("a/0", 1))
	var got []string
	for _, r := range f.all() {
		got = append(got, r.RecordedAt.AsTime().Sub(t0).String())
	}
	equal(f, "minutes", got, []string{"0s", "10m0s", "10m0s", "10m0s", "11m0s", "11m0s"})

	unset := to("b/1", 0, "x")
	unset.Events[0].Record.RecordedAt = nil
	if r := f.append(unit(unset)).Records[0]; r.RecordedAt == nil || r.RecordedAt.AsTime().Before(t0.Add(11*60e9)) {
		f.Errorf("without a time of its own: %v", r.RecordedAt)
	}
}
