package pgtest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

// victim makes the test the one in the other process: it starts a server, says where it is, and waits to be killed.
const victim = "PGTEST_TEST_VICTIM"

func TestKilledBinaryLeavesNothing(t *testing.T) {
	if os.Getenv(victim) != "" {
		server := pgtest.Own(t)
		fmt.Println("server", server.URL())
		select {}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	binary := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilledBinaryLeavesNothing$")
	binary.Env = append(os.Environ(), victim+"=yes")
	out, err := binary.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := binary.Start(); err != nil {
		t.Fatal(err)
	}
	var url string
	for lines := bufio.NewScanner(out); url == "" && lines.Scan(); {
		if said, found := strings.CutPrefix(lines.Text(), "server "); found {
			url = said
		}
	}
	folder := folderOf(t, url)
	if err := binary.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	binary.Wait() // says it was killed
	until(ctx, t, "the server of a killed binary ends", func() bool {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			conn.Close(ctx)
		}
		return err != nil
	})
	pgtest.Own(t) // as the next binary does
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("%s is still there after the next start (%v)", folder, err)
	}
}

// folderOf is the server's folder, which is where its socket is.
func folderOf(t *testing.T, url string) string {
	t.Helper()
	_, socket, found := strings.Cut(url, "host=")
	socket, _, _ = strings.Cut(strings.ReplaceAll(socket, "%2F", "/"), "&")
	if !found || !filepath.IsAbs(socket) {
		t.Fatalf("no socket's folder in %s", url)
	}
	return filepath.Dir(socket)
}

func until(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not in time", what)
		}
	}
}

func TestOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to become another user; the other tests here ran as an ordinary one")
	}
	// By this name the user nobody may start a binary that lies in a folder of root's.
	binary := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestDatabases$")
	binary.Dir = "/"
	binary.Env = []string{"PATH=" + os.Getenv("PATH")}
	binary.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := binary.CombinedOutput(); err != nil {
		t.Errorf("as the user nobody: %v\n%s", err, out)
	}
}
