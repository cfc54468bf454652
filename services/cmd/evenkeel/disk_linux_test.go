package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// screen is what a process has printed so far.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes what is printed.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await polls until something holds.
func await(t *testing.T, what fmt.Stringer, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); !holds(); {
		select {
		case <-ctx.Done():
			t.Fatalf("it does not come to that: %s", what)
		case <-tick.C:
		}
	}
}

// platformOn starts a platform of its own, and stops it at the end of the test if nobody did before.
func platformOn(t *testing.T, dir, home string, args ...string) (*screen, *exec.Cmd) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := &screen{}
	c := exec.Command(self, append([]string{"run", "--data-dir=" + dir, "--http-addr=127.0.0.1:0", "--ops-addr=127.0.0.1:0"}, args...)...)
	c.Env = []string{asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + home}
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.ProcessState == nil {
			_ = c.Process.Signal(os.Interrupt)
			_ = c.Wait()
		}
	})
	return out, c
}

// The disk fills up under a running platform: it says so in a sentence, answers 503 to what it can't keep, and goes on when there is room; stopped on the full disk, it starts again with all it acknowledged.
func TestAFullDisk(t *testing.T) {
	if testing.Short() || os.Geteuid() != 0 {
		t.Skip("mounts a small file system of its own: needs root, and runs not with -short")
	}
	disk, err := os.MkdirTemp("", "disk") // PostgreSQL's account must pass through
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(disk) })
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=700m,mode=755"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	dir, filler := filepath.Join(disk, "data"), filepath.Join(disk, "filler")
	start := func() (out *screen, stop func() error) {
		out, c := platformOn(t, dir, disk, "--no-demo")
		await(t, out, func() bool { return strings.Contains(out.String(), "Ctrl-C stops it.") })
		return out, func() error {
			_ = c.Process.Signal(os.Interrupt)
			return c.Wait()
		}
	}
	fill := func() {
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		for _, block := range []int{1 << 20, 4 << 10} {
			for err = nil; err == nil; {
				_, err = f.Write(make([]byte, block))
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
		}
	}
	// put registers an organization.
	put := func(key string) int {
		w, err := readWhereabouts(dir)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.Console+"v1/organizations", strings.NewReader(`{"name": "`+key+strings.Repeat(" room", 5)+`",
			"npi": "1234567893", "tax_id": "123456789", "taxonomy": "101YM0800X", "address": {"line1": "12 Harbor Street", "city": "Springfield", "state": "IL", "postal_code": "62701"}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.APIKey)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", key)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode >= 400 && answer.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("%s: %d %s", key, answer.StatusCode, text)
		}
		return answer.StatusCode
	}
	out, stop := start()
	if code := put("before"); code >= 300 {
		t.Fatal(code)
	}
	fill()
	await(t, out, func() bool { return strings.Contains(out.String(), "The disk of the data folder "+dir+" is full (") })
	refused := ""
	for n := 0; n < 3000 && refused == ""; n++ { // what is left in pages that PostgreSQL has is used first
		if key := fmt.Sprint("full-", n); put(key) == http.StatusServiceUnavailable {
			refused = key
		}
	}
	if refused == "" {
		t.Error("nothing was refused on a full disk")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	await(t, out, func() bool { return strings.Contains(out.String(), "has room again (") })
	await(t, out, func() bool { return put(refused) < 300 }) // under its key, so it happens once
	verified := run(t, nil, "verify", "--data-dir="+dir)
	if verified.code != 0 {
		t.Errorf("%+v", verified)
	}

	fill()
	if err := stop(); err != nil && !strings.Contains(out.String(), "evenkeel: the disk of the data folder "+dir+" is full: free some space and start again, nothing that was acknowledged is lost (") {
		t.Errorf("%v: %s", err, out)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	_, stop = start()
	if code := put(refused); code >= 300 {
		t.Errorf("after a start: %d", code)
	}
	if again := run(t, nil, "verify", "--data-dir="+dir); again.code != 0 || again.out != verified.out {
		t.Errorf("%+v, before %s", again, verified.out)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
