package logtest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

func inbox(f *fixture) {
	advance := func(consumer string, slot int16, old, new int64) eventlog.Unit {
		return eventlog.Unit{Inbox: []eventlog.Advance{{Consumer: consumer, Source: "s", Slot: slot, Old: old, New: new}}}
	}
	f.refused(advance("c", 0, 0, 1), eventlog.ErrFenced) // nobody has made the rows
	equal(f, "at first", must(f.Inbox(f.ctx(), "c", "s"))(f), [es.Slots]int64{})
	f.append(advance("c", 0, 0, 5))
	f.append(advance("c", 255, 0, 7))
	f.refused(advance("c", 0, 0, 6), eventlog.ErrFenced)
	f.refused(advance("c", 0, 6, 7), eventlog.ErrFenced)
	f.append(advance("c", 0, 5, 9))
	two := eventlog.Unit{Inbox: []eventlog.Advance{
		{Consumer: "c", Source: "s", Slot: 1, Old: 0, New: 3}, {Consumer: "c", Source: "s", Slot: 1, Old: 3, New: 4},
	}}
	f.append(two)
	f.refused(two, eventlog.ErrFenced)
	equal(f, "the other consumer", must(f.Inbox(f.ctx(), "d", "s"))(f), [es.Slots]int64{})
	equal(f, "the other source", must(f.Inbox(f.ctx(), "c", "r"))(f), [es.Slots]int64{})
	equal(f, "at last", must(f.Inbox(f.ctx(), "c", "s"))(f), [es.Slots]int64{0: 9, 1: 4, 255: 7})
}

func twoWorkers(f *fixture) {
	const events, workers = 40, 3
	must(f.Inbox(f.ctx(), "c", "s"))(f)
	var fenced atomic.Int32
	inParallel(workers, func(int) {
		for {
			marks, err := f.Inbox(f.ctx(), "c", "s")
			if err != nil {
				f.Error(err)
				return
			}
			next := marks[3] + 1
			if next > events {
				return
			}
			u := unit(to("a/1", eventlog.AnyVersion, fmt.Sprint(next)))
			u.Inbox = []eventlog.Advance{{Consumer: "c", Source: "s", Slot: 3, Old: next - 1, New: next}}
			switch _, err := f.Append(f.ctx(), u); {
			case errors.Is(err, eventlog.ErrFenced):
				fenced.Add(1)
			case err != nil:
				f.Error(err)
				return
			}
		}
	})
	want := []string{}
	for i := range events {
		want = append(want, fmt.Sprint(i+1))
	}
	equal(f, "effects", texts(f.all()), want)
	f.Logf("%d attempts were fenced off", fenced.Load())
}

func mirrorRow(key, source string, position int64, say string) eventlog.MirrorRow {
	return eventlog.MirrorRow{Mirror: "m", Tenant: one, Key: key, Record: foreign(source, position, "p/"+key, say)}
}

func mirrorKey(key string) eventlog.MirrorKey {
	return eventlog.MirrorKey{Mirror: "m", Tenant: one, Key: key}
}

func mirrors(f *fixture) {
	f.append(eventlog.Unit{Mirrors: []eventlog.MirrorRow{mirrorRow("k1", "s", 9, "nine"), mirrorRow("k1", "r", 2, "two"), mirrorRow("k2", "s", 9, "nine")}})
	f.append(eventlog.Unit{Mirrors: []eventlog.MirrorRow{
		mirrorRow("k1", "s", 5, "five"),
		mirrorRow("k1", "s", 9, "again"), // the same event under the same key: nothing new
		{Mirror: "m", Tenant: two, Key: "k1", Record: foreign("s", 10, "p/1", "theirs")},
		{Mirror: "n", Tenant: one, Key: "k1", Record: foreign("s", 11, "p/1", "another mirror")},
	}})
	theirs := eventlog.MirrorKey{Mirror: "m", Tenant: two, Key: "k1"}
	got := must(f.Mirrored(f.ctx(), []eventlog.MirrorKey{mirrorKey("k1"), mirrorKey("k2"), mirrorKey("k3"), theirs}))(f)
	equal(f, "k1", texts(got[mirrorKey("k1")]), []string{"nine", "two", "five"})
	equal(f, "k2", texts(got[mirrorKey("k2")]), []string{"nine"})
	equal(f, "k3", texts(got[mirrorKey("k3")]), []string{})
	equal(f, "the other tenant's", texts(got[theirs]), []string{"theirs"})
	want := foreign("s", 9, "p/k1", "nine")
	have := got[mirrorKey("k1")][0]
	want.EventId, want.CorrelationId = have.EventId, have.CorrelationId // random
	same(f, "whole", got[mirrorKey("k1")][:1], []eventlog.Record{want})
	equal(f, "asked for nothing", len(must(f.Mirrored(f.ctx(), nil))(f)), 0)
}

func waiting(consumer string, position int64, stream, key string) eventlog.Parked {
	return eventlog.Parked{
		Consumer: consumer, Record: foreign("s", position, stream, fmt.Sprint(position)), State: eventlog.Waiting, WaitsFor: mirrorKey(key), Since: t0,
	}
}

func parked(consumer string, position int64, stream, state string) eventlog.Parked {
	return eventlog.Parked{Consumer: consumer, Record: foreign("s", position, stream, fmt.Sprint(position)), State: state, Since: t0}
}

// list is position:state of all parked events of a consumer.
func list(f *fixture, consumer string) []string {
	f.Helper()
	out := []string{}
	for _, p := range must(f.ListParked(f.ctx(), consumer, "", 1000))(f) {
		out = append(out, fmt.Sprintf("%d:%s", p.Record.Position, p.State))
	}
	return out
}

func wake(f *fixture) {
	f.append(eventlog.Unit{Park: []eventlog.Parked{
		waiting("c", 1, "p/1", "k1"), waiting("c", 2, "p/2", "k2"), waiting("d", 1, "p/1", "k1"), parked("c", 3, "p/1", eventlog.Behind), parked("c", 4, "p/4", eventlog.Dead),
	}})
	theirs := eventlog.MirrorRow{Mirror: "m", Tenant: two, Key: "k1", Record: foreign("s", 20, "p/9", "x")}
	r := f.append(eventlog.Unit{Mirrors: []eventlog.MirrorRow{theirs}})
	equal(f, "woken by another tenant's key", r.Woken, 0)
	r = f.append(eventlog.Unit{Mirrors: []eventlog.MirrorRow{mirrorRow("k1", "s", 21, "x"), mirrorRow("k1", "s", 22, "y")}})
	equal(f, "woken", r.Woken, 2)
	equal(f, "c", list(f, "c"), []string{"1:ready", "2:waiting", "3:behind", "4:dead"})
	equal(f, "d", list(f, "d"), []string{"1:ready"})
	r = f.append(eventlog.Unit{Mirrors: []eventlog.MirrorRow{mirrorRow("k1", "s", 23, "z")}})
	equal(f, "woken again", r.Woken, 0)

	f.append(eventlog.Unit{Park: []eventlog.Parked{waiting("c", 5, "p/5", "k1")}})
	f.append(eventlog.Unit{
		Park:    []eventlog.Parked{waiting("c", 6, "p/6", "k6"), waiting("c", 7, "p/7", "k7")},
		Mirrors: []eventlog.MirrorRow{mirrorRow("k6", "s", 24, "x")},
	})
	f.append(eventlog.Unit{Repark: []eventlog.Parked{waiting("c", 4, "p/4", "k1")}})
	equal(f, "c after keys that were there", list(f, "c"), []string{"1:ready", "2:waiting", "3:behind", "4:ready", "5:ready", "6:ready", "7:waiting"})
	for _, p := range must(f.ListParked(f.ctx(), "c", eventlog.Waiting, 10))(f) {
		equal(f, "waits for", p.WaitsFor, mirrorKey("k"+fmt.Sprint(p.Record.Position)))
	}
}

func wakeRace(f *fixture) {
	const pairs = 40
	inParallel(pairs*2, func(i int) {
		k := fmt.Sprint("k", i/2)
		u := eventlog.Unit{Park: []eventlog.Parked{waiting("c", int64(i/2+1), fmt.Sprint("p/", i/2), k)}}
		if i%2 == 1 {
			u = eventlog.Unit{Mirrors: []eventlog.MirrorRow{mirrorRow(k, "r", int64(i), "there")}}
		}
		if _, err := f.Append(f.ctx(), u); err != nil {
			f.Error(err)
		}
	})
	for _, p := range must(f.ListParked(f.ctx(), "c", "", pairs))(f) {
		if p.State != eventlog.Ready {
			f.Errorf("event %d is %s though its key is there", p.Record.Position, p.State)
		}
	}
	equal(f, "events that go on", len(must(f.ReadyParked(f.ctx(), "c", 1000))(f)), pairs)
}

func readyParked(f *fixture) {
	f.append(eventlog.Unit{Park: []eventlog.Parked{
		parked("c", 1, "p/dead", eventlog.Dead), parked("c", 2, "p/dead", eventlog.Behind),
		waiting("c", 3, "p/waits", "k"), parked("c", 4, "p/waits", eventlog.Ready),
		parked("c", 6, "p/ready", eventlog.Behind), parked("c", 5, "p/ready", eventlog.Ready),
		parked("c", 7, "p/behind", eventlog.Behind),
		parked("d", 8, "p/ready", eventlog.Ready),
	}})
	theirs := parked("c", 9, "p/dead", eventlog.Ready)
	theirs.Record.TenantId = two.String()
	elsewhere := parked("c", 10, "p/dead", eventlog.Ready)
	elsewhere.Record.Source = "r"
	f.append(eventlog.Unit{Park: []eventlog.Parked{theirs, elsewhere}})

	ready := func(limit int) []string {
		out := []string{}
		for _, p := range must(f.ReadyParked(f.ctx(), "c", limit))(f) {
			out = append(out, fmt.Sprint(p.Record.Source, p.Record.Position, p.State))
		}
		return out
	}
	equal(f, "ready", ready(10), []string{"r10ready", "s5ready", "s7behind", "s9ready"})
	equal(f, "at most", ready(2), []string{"r10ready", "s5ready"})
	streams := must(f.ParkedStreams(f.ctx(), "c", "s"))(f)
	equal(f, "stopped streams", len(streams), 5)
	for _, k := range []eventlog.StreamKey{key("p/dead"), key("p/waits"), key("p/ready"), key("p/behind"), {Tenant: two, Stream: "p/dead"}} {
		if !streams[k] {
			f.Errorf("%v is not stopped", k)
		}
	}
	f.append(eventlog.Unit{Unpark: []eventlog.ParkedKey{{Consumer: "c", Source: "s", Position: 1}, {Consumer: "c", Source: "s", Position: 5}, {Consumer: "c", Source: "s", Position: 7}}})
	equal(f, "the next ones", ready(10), []string{"r10ready", "s2behind", "s6behind", "s9ready"})
	equal(f, "stopped streams", len(must(f.ParkedStreams(f.ctx(), "c", "s"))(f)), 4)
}

func repark(f *fixture) {
	first := parked("c", 1, "p/1", eventlog.Ready)
	first.Error, first.Attempts = "first", 1
	f.append(eventlog.Unit{Park: []eventlog.Parked{first}})
	again := first
	again.Record, again.State, again.Error, again.Attempts, again.Since = foreign("s", 1, "p/1", "1"), eventlog.Dead, "second", 2, t0.Add(time.Hour)
	f.append(eventlog.Unit{Repark: []eventlog.Parked{again}})
	got := must(f.ListParked(f.ctx(), "c", eventlog.Dead, 10))(f)
	if len(got) != 1 {
		f.Fatalf("%d dead, want 1", len(got))
	}
	equal(f, "state, error and attempts", fmt.Sprint(got[0].State, got[0].Error, got[0].Attempts), fmt.Sprint("dead", "second", 2))
	equal(f, "since when stays", got[0].Since, t0)
	same(f, "the event stays", []eventlog.Record{got[0].Record}, []eventlog.Record{first.Record})

	take := eventlog.Unit{Unpark: []eventlog.ParkedKey{{Consumer: "c", Source: "s", Position: 1}}}
	var won, lost atomic.Int32
	inParallel(8, func(int) {
		switch _, err := f.Append(f.ctx(), take); {
		case err == nil:
			won.Add(1)
		case errors.Is(err, eventlog.ErrFenced):
			lost.Add(1)
		default:
			f.Error(err)
		}
	})
	equal(f, "taken once", fmt.Sprint(won.Load(), lost.Load()), "1 7")
	f.refused(eventlog.Unit{Repark: []eventlog.Parked{again}}, eventlog.ErrFenced)
	f.append(eventlog.Unit{Park: []eventlog.Parked{first}}) // a redrive may be parked anew later
	f.refused(eventlog.Unit{Park: []eventlog.Parked{first}}, eventlog.ErrFenced)
	equal(f, "filter", len(must(f.ListParked(f.ctx(), "c", eventlog.Waiting, 10))(f)), 0)
}

func timers(f *fixture) {
	timer := func(tenant uuid.UUID, name string, minutes int) eventlog.TimerRow {
		return eventlog.TimerRow{
			TimerKey: eventlog.TimerKey{Tenant: tenant, Key: name}, Kind: "claim", StreamID: "c1", DueAt: t0.Add(time.Duration(minutes) * time.Minute),
			Type: "x.Due", Body: []byte(name),
		}
	}
	due := func(minutes, limit int) []string {
		out := []string{}
		for _, t := range must(f.DueTimers(f.ctx(), t0.Add(time.Duration(minutes)*time.Minute), limit))(f) {
			out = append(out, t.Key)
		}
		return out
	}
	next := func() string {
		f.Helper()
		at, ok, err := f.NextTimer(f.ctx())
		if err != nil {
			f.Fatal(err)
		}
		if !ok {
			return "none"
		}
		return at.Sub(t0).String()
	}
	equal(f, "next of none", next(), "none")
	f.append(eventlog.Unit{SetTimers: []eventlog.TimerRow{timer(one, "b", 2), timer(one, "a", 1), timer(two, "a", 1), timer(one, "c", 3)}})
	equal(f, "none due", due(0, 10), []string{})
	equal(f, "due", due(2, 10), []string{"a", "a", "b"})
	equal(f, "at most", due(2, 1), []string{"a"})
	equal(f, "next", next(), "1m0s")
	equal(f, "whole", must(f.DueTimers(f.ctx(), t0.Add(time.Minute), 1))(f), []eventlog.TimerRow{timer(one, "a", 1)})

	f.append(eventlog.Unit{SetTimers: []eventlog.TimerRow{timer(one, "a", 10)}}) // moved
	f.refused(eventlog.Unit{Fired: []eventlog.TimerRow{timer(one, "a", 1)}}, eventlog.ErrFenced)
	f.append(eventlog.Unit{Cancel: []eventlog.TimerKey{{Tenant: two, Key: "a"}, {Tenant: two, Key: "never set"}}})
	equal(f, "after moving and cancelling", due(5, 10), []string{"b", "c"})
	var won, lost atomic.Int32
	inParallel(8, func(int) {
		switch _, err := f.Append(f.ctx(), eventlog.Unit{Fired: []eventlog.TimerRow{timer(one, "b", 2)}}); {
		case err == nil:
			won.Add(1)
		case errors.Is(err, eventlog.ErrFenced):
			lost.Add(1)
		default:
			f.Error(err)
		}
	})
	equal(f, "fired once", fmt.Sprint(won.Load(), lost.Load()), "1 7")
	f.append(eventlog.Unit{Fired: []eventlog.TimerRow{timer(one, "c", 3)}, SetTimers: []eventlog.TimerRow{timer(one, "c", 4)}}) // fired, and set for the next time
	equal(f, "fired and set again", due(4, 10), []string{"c"})
	f.append(eventlog.Unit{Fired: []eventlog.TimerRow{timer(one, "c", 4)}, Cancel: []eventlog.TimerKey{{Tenant: one, Key: "c"}}}) // its own events cancel it
	equal(f, "at last", due(20, 10), []string{"a"})
}

func states(f *fixture) {
	f.append(eventlog.Unit{
		Appends: []eventlog.Append{to("a/1", 0, "1", "2", "3"), to("b/1", 0, "x")},
		States: []eventlog.State{
			{StreamKey: key("a/1"), Version: 2, FoldHash: "old", Body: []byte("old")},
			{StreamKey: key("b/1"), Version: 1, FoldHash: "hb", Body: []byte("b1")},
		},
	})
	f.append(eventlog.Unit{States: []eventlog.State{{StreamKey: key("a/1"), Version: 2, FoldHash: "ha", Body: []byte("a2")}}}) // replaces
	keys := []eventlog.StreamKey{key("a/1"), key("b/1"), key("c/1"), {Tenant: two, Stream: "a/1"}}
	show := func(hashes map[string]string) []string {
		loaded := must(f.Streams(f.ctx(), keys, hashes))(f)
		if len(loaded) != len(keys) {
			f.Errorf("%d streams, want %d", len(loaded), len(keys))
		}
		var out []string
		for _, k := range keys {
			l, state := loaded[k], "-"
			if l.State != nil {
				if l.State.StreamKey != k {
					f.Errorf("state of %v is %v's", k, l.State.StreamKey)
				}
				state = fmt.Sprint(string(l.State.Body), l.State.Version, l.State.FoldHash)
			}
			out = append(out, fmt.Sprint(k.Stream, " v", l.Version, " ", state, " ", texts(l.Events)))
		}
		return out
	}
	none := []string{"c/1 v0 - []", "a/1 v0 - []"}
	equal(f, "no hashes", show(nil), append([]string{"a/1 v3 - [1 2 3]", "b/1 v1 - [x]"}, none...))
	equal(f, "both", show(map[string]string{"a": "ha", "b": "hb"}), append([]string{"a/1 v3 a22ha [3]", "b/1 v1 b11hb []"}, none...))
	equal(f, "another fold", show(map[string]string{"a": "new", "b": "hb"}), append([]string{"a/1 v3 - [1 2 3]", "b/1 v1 b11hb []"}, none...))
	equal(f, "of no streams", len(must(f.Streams(f.ctx(), nil, nil))(f)), 0)
}

func reading(f *fixture) {
	for i := range 60 {
		f.append(unit(to(fmt.Sprint("a/", i%7), eventlog.AnyVersion, fmt.Sprint(i)), to(fmt.Sprint("b/", i), 0, "x")))
	}
	all := f.all()
	dense(f, all)
	equal(f, "after 100", must(f.Read(f.ctx(), 100, 5))(f)[0].Position, int64(101))
	equal(f, "at most", len(must(f.Read(f.ctx(), 100, 5))(f)), 5)
	equal(f, "after the end", len(must(f.Read(f.ctx(), 120, 5))(f)), 0)
	for slot := range int16(es.Slots) {
		want := slices.DeleteFunc(slices.Clone(all), func(r eventlog.Record) bool { return r.Slot != int32(slot) })
		same(f, fmt.Sprint("slot ", slot), must(f.ReadSlot(f.ctx(), slot, 0, 1000))(f), want)
		if len(want) > 2 {
			same(f, "one after the first", must(f.ReadSlot(f.ctx(), slot, want[0].Position, 1))(f), want[1:2])
		}
	}
}

func appended(f *fixture) {
	signal := f.Appended()
	if isClosed(signal) { // something was appended before anybody looked
		signal = f.Appended()
	}
	if isClosed(signal) {
		f.Fatal("signals though nothing was appended")
	}
	f.append(unit(to("a/1", 0, "x")))
	f.wait(signal)
	inParallel(4, func(i int) { // whoever takes the signal before reading misses nothing
		if i == 0 {
			for n := range 20 {
				if _, err := f.Append(f.ctx(), unit(to("b/1", n, "x"))); err != nil {
					f.Error(err)
				}
			}
			return
		}
		for last := int64(0); last < 21; {
			signal := f.Appended()
			records, err := f.Read(f.ctx(), last, 100)
			if err != nil {
				f.Error(err)
				return
			}
			last += int64(len(records))
			if len(records) == 0 {
				f.wait(signal)
			}
		}
	})
}

func (f *fixture) wait(signal <-chan struct{}) {
	f.Helper()
	select {
	case <-signal:
	case <-f.ctx().Done():
		f.Error("no signal")
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func relayState(f *fixture) {
	if _, ok, err := f.RelayState(f.ctx(), "t"); ok || err != nil {
		f.Errorf("at first: %v, %v", ok, err)
	}
	for position := range int64(2) {
		want := eventlog.RelayState{Topic: "t", Position: position, Partitions: 2, Acked: []eventlog.PartitionMark{{Offset: -1}, {Offset: 7, Position: position}}}
		if err := f.SaveRelayState(f.ctx(), want); err != nil {
			f.Fatal(err)
		}
		got, ok, err := f.RelayState(f.ctx(), "t")
		if !ok || err != nil {
			f.Fatalf("%v, %v", ok, err)
		}
		equal(f, "state", got, want)
	}
	if _, ok, err := f.RelayState(f.ctx(), "another"); ok || err != nil {
		f.Errorf("another topic: %v, %v", ok, err)
	}
}

func reopened(f *fixture) {
	must(f.Inbox(f.ctx(), "c", "elsewhere"))(f)
	due := eventlog.TimerRow{TimerKey: eventlog.TimerKey{Tenant: one, Key: "due"}, Kind: "a", StreamID: "1", DueAt: t0, Type: "x.Y"}
	f.append(eventlog.Unit{
		SetTimers: []eventlog.TimerRow{due},
		Park:      []eventlog.Parked{{Consumer: "c", Record: foreign("elsewhere", 7, "p/0", "parked"), State: eventlog.Dead, Since: t0}},
	})
	u := full(due)
	f.append(u)
	before, events := dump(f), f.all()
	f.Log = f.reopen()
	equal(f, "what is there", dump(f), before)
	same(f, "events", f.all(), events)
	equal(f, "the answer", texts(used(f, u).Events), []string{"effect"})
	f.append(unit(to("a/1", 1, "goes on")))
	dense(f, f.all())
}
