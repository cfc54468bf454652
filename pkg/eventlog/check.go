package eventlog

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/evenkeel/evenkeel/pkg/es"
)

// Check says everything that is wrong with how the unit is made. Every log refuses such a unit before anything is read or written: it is a defect of the caller.
func (u Unit) Check() error {
	var c checker
	for i, a := range u.Appends {
		at := func() string { return fmt.Sprintf("append %d to %s", i, a.Stream) }
		c.when(a.Tenant == uuid.Nil, at, "its tenant is missing")
		c.when(a.Stream == "", at, "its stream is missing")
		c.when(!Storable(a.Stream), at, "its stream's name "+noText)
		c.when(a.Expect < AnyVersion, at, "it expects a version below 0")
		for k, p := range a.Events {
			at := func() string { return fmt.Sprintf("event %d of append %d to %s", k, i, a.Stream) }
			if p.Record == nil {
				c.when(true, at, "its record is missing")
				continue
			}
			c.event(at, a.StreamKey, p.Record)
		}
	}
	if r := u.Request; r != nil {
		at := func() string { return "request" }
		c.when(r.Tenant == uuid.Nil, at, "its tenant is missing")
		c.when(r.Key == "", at, "its key is missing")
		c.when(!Storable(r.Key), at, "its key "+noText)
	}
	for i, r := range u.Mirrors {
		c.when(r.Record == nil || r.Record.GetPosition() < 1, func() string { return fmt.Sprintf("mirror row %d of %s", i, r.Mirror) },
			"its record has no position: it must come from a log")
		c.when(!Storable(r.Key), func() string { return fmt.Sprintf("mirror row %d of %s", i, r.Mirror) }, "its key "+noText)
	}
	for i, p := range append(append([]Parked(nil), u.Park...), u.Repark...) {
		at := func() string { return fmt.Sprintf("parked event %d of %s", i, p.Consumer) }
		if p.Record == nil {
			c.when(true, at, "its record is missing")
			continue
		}
		_, err := uuid.Parse(p.Record.TenantId)
		c.when(err != nil, at, "its tenant id is no UUID")
		c.when(p.State != Waiting && p.State != Dead && p.State != Behind && p.State != Ready, at, "its state is none of waiting, dead, behind, ready")
		c.when((p.State == Waiting) != (p.WaitsFor != MirrorKey{}), at, "waiting and a key to wait for go together")
		c.when(!Storable(p.WaitsFor.Key), at, "the key it waits for "+noText)
	}
	set := map[TimerKey]bool{}
	for _, t := range u.SetTimers {
		set[t.TimerKey] = true
		c.when(t.Tenant == uuid.Nil || t.Key == "", func() string { return "timer " + t.Key }, "its tenant or key is missing")
		c.when(!Storable(t.Key) || !Storable(t.StreamID), func() string { return "timer of " + t.Kind }, "its key or stream "+noText)
	}
	for _, k := range u.Cancel {
		c.when(set[k], func() string { return "timer " + k.Key }, "it is both set and cancelled")
	}
	return errors.Join(c.problems...)
}

const noText = "holds what is no text"

// Storable says whether a database can hold the name or key: text of UTF-8, without a NUL.
func Storable(name string) bool { return utf8.ValidString(name) && strings.IndexByte(name, 0) < 0 }

type checker struct{ problems []error }

func (c *checker) when(wrong bool, at func() string, what string) {
	if wrong {
		c.problems = append(c.problems, fmt.Errorf("%s: %s", at(), what))
	}
}

func (c *checker) event(at func() string, key StreamKey, r Record) {
	c.when(!canonical(r.EventId), at, "its event id is no UUID in lower case")
	c.when(r.TenantId != "" && r.TenantId != key.Tenant.String(), at, "its tenant is not its stream's")
	c.when(r.Stream != "" && r.Stream != key.Stream, at, "it names another stream")
	c.when(r.CorrelationId != "" && !canonical(r.CorrelationId), at, "its correlation id is no UUID in lower case")
	c.when(r.CausationId != "" && !canonical(r.CausationId), at, "its causation id is no UUID in lower case")
	c.when(r.Type == "", at, "its type is missing")
	_, err := time.Parse(time.DateOnly, r.OccurredOn)
	c.when(err != nil, at, "occurred_on is no date YYYY-MM-DD")
}

// canonical: text in, the same text out of a uuid column.
func canonical(id string) bool {
	_, err := uuid.Parse(id)
	return err == nil && len(id) == 36 && !strings.ContainsAny(id, "ABCDEF")
}

// Recorded is a record with its message, as rules and projections see it.
func Recorded(r Record, message es.Event) (es.Recorded, error) {
	kind, id := es.Split(r.Stream)
	out := es.Recorded{
		Event: message, Source: r.Source, Kind: kind, StreamID: id, Version: int(r.Version), Position: r.Position,
		OccurredOn: r.OccurredOn, RecordedAt: r.RecordedAt.AsTime(), Actor: r.Actor,
	}
	var problems []error
	for _, f := range []struct {
		name, text string
		into       *uuid.UUID
	}{
		{"event id", r.EventId, &out.ID}, {"tenant id", r.TenantId, &out.Tenant},
		{"correlation id", r.CorrelationId, &out.Correlation}, {"causation id", r.CausationId, &out.Causation},
	} {
		if f.text == "" {
			continue
		}
		parsed, err := uuid.Parse(f.text)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s of event %d of %s: %w", f.name, r.Position, r.Source, err))
			continue
		}
		*f.into = parsed
	}
	return out, errors.Join(problems...)
}
