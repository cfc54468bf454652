//go:build !linux

package pgserver

import (
	"os"
	"syscall"
)

// dieWithParent: only Linux can. Elsewhere a server whose parent was killed lives on, and the next start says so.
func dieWithParent(*syscall.SysProcAttr) {}

func executable() (string, error) { return os.Executable() }

// livingIn is unknown here; PostgreSQL's own check of postmaster.pid remains.
func livingIn(string) ([]int, error) { return nil, nil }
