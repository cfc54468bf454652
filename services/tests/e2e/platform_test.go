package e2e

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// targets are the services, each its own process. The gateway comes last: it needs the others.
var targets = []string{"registry", "intake", "authorization", "coding", "claims", "posting", "collections", "exchange", "payersim", "reporting", "gateway"}

// binary is the program, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "evenkeel-e2e-")
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "evenkeel")
	build := exec.Command("go", "build", "-o", out, "./cmd/evenkeel")
	build.Dir = filepath.Join("..", "..")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, text)
	}
	// Everybody may run it: PostgreSQL's account fetches with it.
	return out, errors.Join(os.Chmod(dir, 0o755), os.Chmod(out, 0o755))
})

// platform is a running Evenkeel as a client sees it.
type platform struct {
	URL, Key string
}

// child is a process of ours.
type child struct {
	name string
	args []string
	log  string
	mu   sync.Mutex
	cmd  *exec.Cmd
	gone chan struct{}
}

func (c *child) start(t *testing.T) {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(program, c.args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is what the caller asked for, or is in its log
		close(gone)
	}()
	c.mu.Lock()
	c.cmd, c.gone = cmd, gone
	c.mu.Unlock()
}

// signal sends a signal and waits until the process is gone.
func (c *child) signal(t *testing.T, s os.Signal) {
	t.Helper()
	c.mu.Lock()
	cmd, gone := c.cmd, c.gone
	c.mu.Unlock()
	if cmd == nil {
		return
	}
	select {
	case <-gone:
		return
	default:
	}
	if err := cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("%s: %v", c.name, err)
	}
	select {
	case <-gone:
	case <-time.After(40 * time.Second):
		t.Errorf("%s does not end after %v; its log:\n%s", c.name, s, tail(c.log))
		_ = cmd.Process.Kill()
		<-gone
	}
}

// pause stops a process as a hypervisor does, and lets it go on: it does not know that time has passed.
func (c *child) pause(t *testing.T, d time.Duration) {
	c.mu.Lock()
	process := c.cmd.Process
	c.mu.Unlock()
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Errorf("%s: %v", c.name, err)
	}
	<-time.After(d)
	if err := process.Signal(syscall.SIGCONT); err != nil {
		t.Errorf("%s: %v", c.name, err)
	}
}

func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(text) > 4000 {
		text = text[len(text)-4000:]
	}
	return string(text)
}

// freePorts are n ports that nobody listens on.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var out []int
	var held []net.Listener
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, l)
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	for _, l := range held {
		_ = l.Close()
	}
	return out
}

// await polls until a page answers 200.
func await(t *testing.T, url string, c *child) {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	client := &http.Client{Timeout: 5 * time.Second}
	why := ""
	for time.Now().Before(deadline) {
		answer, err := client.Get(url)
		if err == nil {
			body, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
			why = answer.Status + " " + string(body)
		} else {
			why = err.Error()
		}
		c.mu.Lock()
		gone := c.gone
		c.mu.Unlock()
		select {
		case <-gone:
			t.Fatalf("%s ended; its log:\n%s", c.name, tail(c.log))
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("%s is not ready (%s); its log:\n%s", c.name, why, tail(c.log))
}

// onOneMachine is `evenkeel run`: everything in one process, on parts of its own.
func onOneMachine(t *testing.T) platform {
	t.Helper()
	dir, err := os.MkdirTemp("", "evenkeel-data-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ports := freePorts(t, 2)
	c := &child{name: "run", log: filepath.Join(t.TempDir(), "run.log"), args: []string{
		"run", "--no-demo", "--data-dir", filepath.Join(dir, "data"), "--http-addr", fmt.Sprintf("127.0.0.1:%d", ports[0]), "--ops-addr", fmt.Sprintf("127.0.0.1:%d", ports[1]),
	}}
	c.start(t)
	t.Cleanup(func() {
		c.signal(t, os.Interrupt)
		if code := c.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("Ctrl-C ends it with exit code %d; its output:\n%s", code, tail(c.log))
		}
	})
	await(t, fmt.Sprintf("http://127.0.0.1:%d/readyz", ports[1]), c)
	p := platform{URL: fmt.Sprintf("http://127.0.0.1:%d", ports[0])}
	deadline := time.Now().Add(30 * time.Second)
	for {
		text, err := os.ReadFile(filepath.Join(dir, "data", "platform.json"))
		var w struct {
			APIKey string `json:"api_key"`
		}
		if err == nil {
			err = json.Unmarshal(text, &w)
		}
		if err == nil && w.APIKey != "" {
			p.Key = w.APIKey
			return p
		}
		if time.Now().After(deadline) {
			t.Fatalf("no API key was noted: %v; output:\n%s", err, tail(c.log))
		}
		<-time.After(20 * time.Millisecond)
	}
}

// cluster is each service in a process of its own, with a database role of its own, on PostgreSQL and a Kafka broker.
type cluster struct {
	platform
	children map[string]*child
	ops      map[string]string // URL of /readyz
	admin    string
	Brokers  string
}

func onACluster(t *testing.T, brokers string) *cluster {
	t.Helper()
	database := pgtest.Own(t, pgtest.WithFsync(), pgtest.WithSettings(map[string]string{"max_connections": "200"}))
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(hex.EncodeToString([]byte("a master secret that tests have!"))), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &cluster{children: map[string]*child{}, ops: map[string]string{}, admin: database.URL(), Brokers: brokers}
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) string {
		text, err := exec.Command(program, args...).Output()
		if err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				t.Fatalf("evenkeel %s: %v\n%s", strings.Join(args[:2], " "), err, exit.Stderr)
			}
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	command("migrate", "--database-url", c.admin, "--secret-file", secret, "--sandbox-clock")
	url := host.WithoutUser(c.admin)
	c.Key = command("key", "create", "ehr", "--role", "admin", "--database-url", url, "--secret-file", secret)
	ports := freePorts(t, 2*len(targets)+1)
	var addresses []string
	for i, name := range targets {
		addresses = append(addresses, fmt.Sprintf("--service-address=%s=127.0.0.1:%d", name, ports[2*i]))
	}
	c.URL = fmt.Sprintf("http://127.0.0.1:%d", ports[2*len(targets)])
	for i, name := range targets {
		args := append([]string{
			"serve", "--target=" + name, "--database-url=" + url, "--kafka-brokers=" + brokers, "--secret-file=" + secret, "--sandbox-clock", "--partitions=2",
			fmt.Sprintf("--grpc-addr=127.0.0.1:%d", ports[2*i]), fmt.Sprintf("--ops-addr=127.0.0.1:%d", ports[2*i+1]), "--http-addr=" + strings.TrimPrefix(c.URL, "http://"), "--log-level=warn",
		}, addresses...)
		c.children[name] = &child{name: name, args: args, log: filepath.Join(dir, name+".log")}
		c.ops[name] = fmt.Sprintf("http://127.0.0.1:%d/readyz", ports[2*i+1])
		c.children[name].start(t)
	}
	t.Cleanup(func() {
		var wg sync.WaitGroup
		for _, child := range c.children {
			wg.Go(func() { child.signal(t, syscall.SIGTERM) })
		}
		wg.Wait()
	})
	for _, name := range targets {
		await(t, c.ops[name], c.children[name])
	}
	return c
}

// killEach kills every service once with -9, one after the other, and starts it again.
func (c *cluster) killEach(ctx context.Context, t *testing.T, between func() bool) (killed []string) {
	for _, name := range targets {
		if !between() || ctx.Err() != nil {
			return killed
		}
		c.children[name].signal(t, syscall.SIGKILL)
		c.children[name].start(t)
		await(t, c.ops[name], c.children[name])
		killed = append(killed, name)
	}
	return killed
}

func realKafka(t *testing.T) string {
	t.Helper()
	return kafkatest.Real(t)
}
