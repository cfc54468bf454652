package pglog_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/eventlog/pglog"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

// keyed is a unit of three events that can be told from all others.
func keyed(key string) eventlog.Unit {
	u := say("k/"+key, "1", "2", "3")
	u.Request = &eventlog.Request{Tenant: tenant, Key: key, Stream: "k/" + key}
	return u
}

// whole checks that positions are dense, that units are there whole and once, and that every acknowledged one is there.
func whole(t *testing.T, log eventlog.Log, acknowledged []string) {
	t.Helper()
	there := map[string]int{}
	for _, r := range readAll(t, log) {
		if there[r.Stream]++; int(r.Version) != there[r.Stream] {
			t.Errorf("%s has version %d after %d", r.Stream, r.Version, there[r.Stream]-1)
		}
	}
	for stream, n := range there {
		if n != 3 {
			t.Errorf("%s has %d events of a unit of 3", stream, n)
		}
	}
	for _, key := range acknowledged {
		if there["k/"+key] != 3 {
			t.Errorf("%s was acknowledged and is lost", key)
		}
	}
	t.Logf("%d acknowledged, %d there", len(acknowledged), len(there))
}

// The server is killed under load, three times, and comes back: the same Log goes on by itself.
func TestKilledPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Own(t, pgtest.WithFsync())
	if err := pglog.Migrate(t.Context(), server.URL(), service); err != nil {
		t.Fatal(err)
	}
	log := open(t, as(t, server.URL(), service.Role, password), pglog.Options{Patience: time.Minute})
	var mu sync.Mutex
	var acknowledged []string
	var progress atomic.Int64
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for c := range 16 {
		callers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprint(c, "-", i)
				_, err := log.Append(t.Context(), keyed(key))
				var used *eventlog.UsedError
				if err != nil && !errors.As(err, &used) { // used: nobody else uses the key, so it was this very unit
					t.Errorf("append %s: %v", key, err)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, key)
				mu.Unlock()
				progress.Add(1)
			}
		})
	}
	for range 3 {
		waitFor(t, "appends", func() func() bool { from := progress.Load(); return func() bool { return progress.Load() > from+200 } }())
		server.Kill(t)
		server.Start(t)
	}
	waitFor(t, "appends after the last kill", func() func() bool { from := progress.Load(); return func() bool { return progress.Load() > from+200 } }())
	close(stop)
	callers.Wait()
	whole(t, log, acknowledged)
}

// While the database is away an append fails in time and says so; nothing hangs.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	server := pgtest.Own(t, pgtest.WithFsync())
	if err := pglog.Migrate(t.Context(), server.URL(), service); err != nil {
		t.Fatal(err)
	}
	role := as(t, server.URL(), service.Role, password)
	log := open(t, role, pglog.Options{Patience: 50 * time.Millisecond})
	var acknowledged []string
	try := func() (err error) {
		key := fmt.Sprint(len(acknowledged))
		if _, err = log.Append(t.Context(), keyed(key)); err == nil {
			acknowledged = append(acknowledged, key)
		}
		return err
	}
	if err := try(); err != nil {
		t.Fatal(err)
	}
	server.Kill(t)
	waitFor(t, "an append to fail", func() bool { // the writer's connection may outlive the server's main process by a moment
		err := try()
		if err != nil && !strings.Contains(err.Error(), "append to the log of here") {
			t.Errorf("append without a server: %v", err)
		}
		return err != nil
	})
	server.Start(t)
	var used *eventlog.UsedError
	if err := try(); err != nil && !errors.As(err, &used) { // used: the one that failed had been committed
		t.Errorf("append after the server's return: %v", err)
	}
	whole(t, open(t, role, pglog.Options{}), acknowledged)
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

const writerURL, writerRound = "EVENKEEL_PGLOG_TEST_URL", "EVENKEEL_PGLOG_TEST_ROUND"

// maybeWriterProcess is the process that TestKilledWriter kills: it appends and prints the keys that were acknowledged.
func maybeWriterProcess() {
	at := os.Getenv(writerURL)
	if at == "" {
		return
	}
	log, err := pglog.Open(context.Background(), at, pglog.Options{Service: "here", Clock: clock})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for c := range 32 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprint(os.Getenv(writerRound), "-", c, "-", i)
				if _, err := log.Append(context.Background(), keyed(key)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Println(key) // one write each
			}
		}()
	}
	select {}
}

func TestKilledWriter(t *testing.T) {
	t.Parallel()
	_, role := prepared(t, pgtest.WithFsync())
	var acknowledged []string
	for round := range 4 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), writerURL+"="+role, fmt.Sprint(writerRound, "=", round))
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			acknowledged = append(acknowledged, lines.Text())
			if n == 300+round*100 {
				if err := child.Process.Signal(syscall.SIGKILL); err != nil { // in the midst of some batch
					t.Fatal(err)
				}
			}
		}
		if err := child.Wait(); err == nil {
			t.Fatal("the writer ended by itself")
		}
	}
	log := open(t, role, pglog.Options{})
	whole(t, log, acknowledged)
	for _, key := range acknowledged[:3] { // and a new process answers what the killed one was asked
		var used *eventlog.UsedError
		if _, err := log.Append(t.Context(), keyed(key)); !errors.As(err, &used) || len(used.Answer.Events) != 3 {
			t.Errorf("again %s: %v", key, err)
		}
	}
}

// A connection is cut around the commit. The unit has neither a request key nor an inbox, so only the writer can know whether it happened; it must, once.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]cut{
		"the commit's answer is lost": {fromServer: "COMMIT\x00"},
		"the commit never arrives":    {fromClient: "the cut is before this", before: true},
		"the rows arrive, no more":    {fromClient: "the cut is before this"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, role := prepared(t, pgtest.WithFsync())
			proxy := startProxy(t, role)
			log := open(t, proxy.url, pglog.Options{Alone: true})
			try := func(text string) {
				t.Helper()
				if _, err := log.Append(t.Context(), say("a/1", text)); err != nil {
					t.Error(err)
				}
			}
			try("before")
			for round := range 3 {
				proxy.cut.Store(&cut)
				try("the cut is before this")
				if proxy.cut.Load() != nil {
					t.Fatal("nothing was cut")
				}
				try(fmt.Sprint("after ", round))
			}
			if events := readAll(t, log); len(events) != 7 {
				t.Errorf("%d events, want 7", len(events))
			}
		})
	}
}

// cut ends a connection when a text passes: from the server, which is not passed on, or from the client, passed on or not.
type cut struct {
	fromServer, fromClient string
	before                 bool
}

// proxy stands between a log and its server's socket.
type proxy struct {
	url string
	cut atomic.Pointer[cut] // taken by the connection that is cut
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	const socket = ".s.PGSQL.5432"
	target := filepath.Join(query.Get("host"), socket)
	dir, err := os.MkdirTemp("", "pglog") // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	query.Set("host", dir)
	u.RawQuery = query.Encode()
	p := &proxy{url: u.String()}
	var all sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		all.Wait()
		os.RemoveAll(dir)
	})
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", target)
			if err != nil {
				client.Close()
				continue
			}
			all.Go(func() { p.copy(server, client, func(c *cut) string { return c.fromClient }) })
			all.Go(func() { p.copy(client, server, func(c *cut) string { return c.fromServer }) })
		}
	})
	return p
}

func (p *proxy) copy(to, from net.Conn, text func(*cut) string) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if c := p.cut.Load(); c != nil && text(c) != "" && strings.Contains(string(buffer[:n]), text(c)) && p.cut.CompareAndSwap(c, nil) {
			if text(c) == c.fromClient && !c.before {
				to.Write(buffer[:n]) // its end, with the commit, may be in it: then it is committed
			}
			return
		}
		if _, err := io.Copy(to, strings.NewReader(string(buffer[:n]))); err != nil {
			return
		}
	}
}
