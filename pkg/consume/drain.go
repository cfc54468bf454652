package consume

import (
	"context"
	"errors"
	"fmt"

	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// Parked events read at once.
const drainMost = 200

// Drain handles the parked events of a consumer that are ready, of all its sources: those whose key has come, those a person wants retried, and those behind them, in the order of
// their streams. It returns how many were handled. by has the consumer's handler and engine; which source it reads does not matter.
func Drain(ctx context.Context, e *engine.Engine, h engine.Handler) (handled int, err error) {
	for {
		ready, err := e.Log.ReadyParked(ctx, h.Consumer, drainMost)
		if err != nil {
			return handled, fmt.Errorf("read parked events: %w", err)
		}
		if len(ready) == 0 {
			return handled, nil
		}
		moved := 0
		for _, p := range ready {
			err := drainOne(ctx, e, h, p)
			if errors.Is(err, eventlog.ErrFenced) || errors.Is(err, eventlog.ErrConflict) {
				continue // another worker has it
			}
			if err != nil {
				return handled, err
			}
			moved++
		}
		handled += moved
		if moved == 0 {
			return handled, nil
		}
	}
}

func drainOne(ctx context.Context, e *engine.Engine, h engine.Handler, p eventlog.Parked) error {
	c := Consumer{Options: Options{Handler: h, Engine: e}}
	key := eventlog.ParkedKey{Consumer: p.Consumer, Source: p.Record.Source, Position: p.Record.Position}
	for range attempts {
		prepared, err := e.Prepare(ctx, h, []eventlog.Record{p.Record})
		if err != nil {
			return fmt.Errorf("parked event %d of %s: %w", p.Record.Position, p.Record.Source, err)
		}
		outcome := prepared.Outcomes[0]
		if !outcome.OK() {
			return c.repark(ctx, p, outcome)
		}
		prepared.Unit.Unpark = []eventlog.ParkedKey{key}
		_, err = prepared.Commit(ctx)
		var row *eventlog.RowError
		switch {
		case errors.Is(err, eventlog.ErrConflict):
			continue
		case errors.As(err, &row):
			return c.repark(ctx, p, engine.Outcome{Err: row})
		}
		return err
	}
	return eventlog.ErrConflict
}

// repark leaves an event parked, for another reason.
func (c *Consumer) repark(ctx context.Context, p eventlog.Parked, o engine.Outcome) error {
	c.state(&p, o)
	_, err := c.Engine.Log.Append(ctx, eventlog.Unit{Repark: []eventlog.Parked{p}})
	return err
}

// Retry makes a dead letter ready again; Discard removes it for good. Both leave what is behind it to be handled in order.
func Retry(ctx context.Context, log eventlog.Log, p eventlog.Parked) error {
	p.State, p.Error, p.WaitsFor = eventlog.Ready, "", eventlog.MirrorKey{}
	_, err := log.Append(ctx, eventlog.Unit{Repark: []eventlog.Parked{p}})
	return err
}

// Discard removes a parked event for good.
func Discard(ctx context.Context, log eventlog.Log, p eventlog.Parked) error {
	_, err := log.Append(ctx, eventlog.Unit{Unpark: []eventlog.ParkedKey{{Consumer: p.Consumer, Source: p.Record.Source, Position: p.Record.Position}}})
	return err
}
