package clock

import (
	"context"
	"sync"
	"time"
)

// Manual is a clock that only Set and Advance move. Make it with NewManual.
type Manual struct {
	mu    sync.Mutex
	now   time.Time
	moved chan struct{}
}

// NewManual makes a clock that stands at a time.
func NewManual(at time.Time) *Manual { return &Manual{now: at.UTC(), moved: make(chan struct{})} }

// Now is the time that was set.
func (m *Manual) Now() time.Time { return m.look().now }

// Wait until somebody moves the clock that far.
func (m *Manual) Wait(ctx context.Context, until time.Time) error { return wait(ctx, until, m.look) }

func (m *Manual) look() reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	return reading{now: m.now, moved: m.moved}
}

// Set moves the clock, also back: a simulation does that to see what happens.
func (m *Manual) Set(to time.Time) { m.move(func(time.Time) time.Time { return to.UTC() }) }

// Advance moves the clock by a duration.
func (m *Manual) Advance(by time.Duration) {
	m.move(func(now time.Time) time.Time { return now.Add(by) })
}

func (m *Manual) move(next func(time.Time) time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = next(m.now)
	close(m.moved)
	m.moved = make(chan struct{})
}
