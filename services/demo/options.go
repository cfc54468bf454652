package demo

import (
	"fmt"
	"io"
)

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

// Check says whether there can be such a group.
func (o Options) Check() error {
	if o.Weeks < 1 || o.Weeks > 52 || o.Patients < 1 || o.Patients > 5000 {
		return fmt.Errorf("a demo group has 1 to 52 weeks and 1 to 5000 patients: %d and %d were asked for", o.Weeks, o.Patients)
	}
	return nil
}
