package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PostgreSQL ends by itself while the demo group is made: the run ends at once, with the reason, and not when a request of the demo has waited long enough.
func TestPostgreSQLEndsDuringTheDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a whole platform")
	}
	home, err := os.MkdirTemp("", "run") // PostgreSQL's account must pass through
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	if err := os.Chmod(home, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(home, "data")
	out, c := platformOn(t, dir, home)
	await(t, out, func() bool { return strings.Contains(out.String(), "Filling it with a demo group") })
	text, err := os.ReadFile(filepath.Join(dir, "postgres", "pgdata", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	pid, err := strconv.Atoi(string(first))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_ = c.Wait()
	want := "evenkeel: PostgreSQL has ended by itself: see " + filepath.Join(dir, "postgres", "postgres.log") + "\n"
	if took := time.Since(began); c.ProcessState.ExitCode() != 1 || !strings.HasSuffix(out.String(), want) || took > 20*time.Second {
		t.Errorf("exit code %d after %s: %s", c.ProcessState.ExitCode(), took, out)
	} else {
		t.Logf("after %s", took)
	}
}
