//go:build unix

package kafkatest

import (
	"os/exec"
	"syscall"
)

// detach puts the command into a session of its own: Ctrl-C reaches the tests, not their guard.
func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
