package clock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var (
	_ Clock = System{}
	_ Clock = (*Manual)(nil)
	_ Clock = (*Sandbox)(nil)

	monday = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
)

func TestManual(t *testing.T) {
	m := NewManual(monday.In(time.FixedZone("", 3600)))
	if got := m.Now(); !got.Equal(monday) || got.Location() != time.UTC {
		t.Errorf("it begins at %v", got)
	}
	m.Advance(90 * time.Minute)
	if got := m.Now(); got != monday.Add(90*time.Minute) {
		t.Errorf("90 minutes later it is %v", got)
	}
	m.Set(monday.AddDate(0, 0, -1))
	if got := m.Now(); got != monday.AddDate(0, 0, -1) {
		t.Errorf("set back it is %v", got)
	}
}

func TestWait(t *testing.T) {
	waiting := func(c Clock, ctx context.Context, until time.Time) chan error {
		done := make(chan error, 1)
		go func() { done <- c.Wait(ctx, until) }()
		return done
	}
	ended := func(done chan error) bool {
		synctest.Wait()
		return len(done) == 1
	}
	t.Run("a manual clock wakes all who are due, and nobody else", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := NewManual(monday)
			ctx, cancel := context.WithCancel(t.Context())
			past, one, two := waiting(m, ctx, monday), waiting(m, ctx, monday.Add(time.Hour)), waiting(m, ctx, monday.Add(2*time.Hour))
			if !ended(past) || ended(one) || ended(two) {
				t.Fatal("only what is not in the future should have ended")
			}
			m.Advance(59 * time.Minute)
			if ended(one) {
				t.Error("one minute early")
			}
			m.Advance(time.Minute)
			if !ended(one) || ended(two) {
				t.Error("after an hour, the first alone should have ended")
			}
			cancel()
			if !ended(two) || !errors.Is(<-two, context.Canceled) {
				t.Error("a wait outlives its context")
			}
		})
	})
	t.Run("the system's clock wakes by itself", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			done := waiting(System{}, t.Context(), time.Now().Add(time.Hour))
			time.Sleep(time.Hour - time.Nanosecond)
			if ended(done) {
				t.Error("early")
			}
			time.Sleep(time.Nanosecond)
			if !ended(done) {
				t.Error("late")
			}
		})
	})
	t.Run("a sandbox clock wakes by itself when it runs, and when it is moved", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &Sandbox{moved: make(chan struct{}), state: state{version: 1, offset: 24 * time.Hour}}
			start := s.Now()
			if got := time.Until(start); got != 24*time.Hour {
				t.Errorf("its offset is %v", got)
			}
			hour := waiting(s, t.Context(), start.Add(time.Hour))
			week := waiting(s, t.Context(), start.AddDate(0, 0, 7))
			time.Sleep(time.Hour)
			if !ended(hour) || ended(week) {
				t.Error("after an hour, the first alone should have ended")
			}
			s.show(state{version: 2, frozen: start.AddDate(0, 0, 6)})
			time.Sleep(48 * time.Hour)
			if ended(week) || !s.Now().Equal(start.AddDate(0, 0, 6)) {
				t.Errorf("a frozen clock is at %v", s.Now())
			}
			s.show(state{version: 3, frozen: start.AddDate(0, 0, 7)})
			if !ended(week) {
				t.Error("it was moved that far, and nobody woke")
			}
		})
	})
}

func TestSandboxNeverGoesBack(t *testing.T) {
	s := &Sandbox{moved: make(chan struct{}), state: state{version: 5, frozen: monday}}
	s.show(state{version: 4, frozen: monday.Add(time.Hour)})
	if got := s.Now(); got != monday {
		t.Errorf("an older state is shown: %v", got)
	}
	// As when the system's clock is set back.
	s.show(state{version: 6, frozen: monday.Add(-time.Hour)})
	if got := s.Now(); got != monday {
		t.Errorf("it goes back to %v", got)
	}
}
