package eventlog

import "sync"

// Signal is what Appended needs. The zero value is ready.
type Signal struct {
	mu     sync.Mutex
	c      chan struct{}
	raised bool // c is closed
}

// Raise wakes everybody who waits.
func (s *Signal) Raise() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c == nil {
		s.c = make(chan struct{})
	}
	if !s.raised {
		close(s.c)
		s.raised = true
	}
}

// C is a channel that is closed by the next Raise, or already if there was one since the last call. Who takes it before looking at what it tells about misses nothing.
func (s *Signal) C() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c == nil {
		s.c = make(chan struct{})
	}
	c := s.c
	if s.raised {
		s.c, s.raised = nil, false
	}
	return c
}
