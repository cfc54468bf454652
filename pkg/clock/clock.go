// Package clock is where the platform takes the time from, so that ten weeks can pass in a minute, and a test can stand still.
//
// Words: System is the machine's clock; Manual moves only when it is told to, for tests and simulations; Sandbox is one adjustable clock that all processes of an
// installation share through their database, for demonstrations and end-to-end tests. Sandbox either *runs* (system time plus an offset) or is *frozen* at an instant. It is
// for operators who ask for it by name, never the default, and every process that uses it says so in its log.
//
// Rules get a day or an instant in their command, services get Now as a func() time.Time, timers use Wait. What concerns connections and retries keeps the machine's clock.
//
// Promise: Sandbox never goes back, in no process, and a change is seen at once by the process that made it and within a fraction of a second by the others
// (TestSandboxIsSharedByProcesses). Wait returns as soon as the clock, however it moves, has reached the time (TestWait).
package clock

import (
	"context"
	"time"
)

// Clock tells the time, in UTC.
type Clock interface {
	Now() time.Time
	// Wait returns nil when Now is not before until any more, or ctx's error.
	Wait(ctx context.Context, until time.Time) error
}

// System is the machine's clock.
type System struct{}

// Now is the time.
func (System) Now() time.Time { return time.Now().UTC() }

// Wait until the time has come.
func (s System) Wait(ctx context.Context, until time.Time) error {
	return wait(ctx, until, func() reading { return reading{now: s.Now(), runs: true} })
}

// reading is what a clock shows: the time, whether it runs by itself, and what is closed when somebody moves it.
type reading struct {
	now   time.Time
	runs  bool
	moved <-chan struct{}
}

func wait(ctx context.Context, until time.Time, look func() reading) error {
	for {
		r := look()
		if !r.now.Before(until) {
			return nil
		}
		var due <-chan time.Time
		if r.runs {
			timer := time.NewTimer(until.Sub(r.now))
			defer timer.Stop()
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.moved:
		case <-due:
		}
	}
}
