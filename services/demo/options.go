package demo

import "io"

// Options say which platform, and which group.
type Options struct {
	BaseURL string // of the platform, e.g. http://127.0.0.1:8080/
	APIKey  string
	// Seed makes the group: the same seed, the same people, visits and money.
	Seed     uint64
	Weeks    int // of sessions
	Patients int
	Out      io.Writer
	Progress bool // draw a bar with the simulated date
}
