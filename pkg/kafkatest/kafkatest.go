package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/broker"
)

// Switch is the environment variable that asks for Apache Kafka: EVENKEEL_KAFKA=real.
const Switch = "EVENKEEL_KAFKA"

// Embedded starts a broker for this test alone, in memory, and returns its host:port.
func Embedded(t testing.TB) (addr string) {
	t.Helper()
	b, err := broker.Start(t.Context(), broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b.Addr()
}

// Real returns the host:port of an Apache Kafka that all tests of this binary share, or skips the
// test when EVENKEEL_KAFKA=real is not set. Topics outlive a test: give them names of their own.
func Real(t testing.TB) (addr string) {
	t.Helper()
	if os.Getenv(Switch) != "real" {
		t.Skipf("needs Apache Kafka: set %s=real (Java 17 and Maven) to run it", Switch)
	}
	k, err := realKafka()
	if err != nil {
		t.Fatal(err)
	}
	return k.addr
}

// Each runs the test on the embedded broker and on Apache Kafka, as sub-tests "embedded" and "real".
func Each(t *testing.T, test func(t *testing.T, addr string)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { test(t, Embedded(t)) })
	t.Run("real", func(t *testing.T) { test(t, Real(t)) })
}

// RestartReal is the command that stops and starts the broker that Real returned.
func RestartReal(t testing.TB) []string { return told(t, "restart") }

// CrashReal is the command that kills the broker that Real returned with -9 and starts it again.
func CrashReal(t testing.TB) []string { return told(t, "crash") }

func told(t testing.TB, command string) []string {
	t.Helper()
	Real(t)
	k, err := realKafka()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"sh", k.script, command, k.dir}
}

// DeleteTopic deletes a topic and returns when the broker has forgotten it.
func DeleteTopic(t testing.TB, addr, topic string) {
	t.Helper()
	// A client of its own: others keep what they know about the topic for a while, as in real life.
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(addr), Transport: transport}
	res, err := client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err == nil {
		err = res.Errors[topic]
	}
	if err != nil {
		t.Fatalf("delete topic %s: %v", topic, err)
	}
	for {
		conn, err := kafka.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatalf("delete topic %s: %v", topic, err)
		}
		_, err = conn.ReadPartitions(topic)
		conn.Close()
		if errors.Is(err, kafka.UnknownTopicOrPartition) {
			return
		}
		if err != nil {
			t.Fatalf("delete topic %s: %v", topic, err)
		}
	}
}

type kafkaProcess struct {
	addr, script, dir string
	guard             io.WriteCloser // closed by the end of this process
	ended             func() error   // waits until the guard has stopped the broker
}

// realKafka starts the broker once per test binary.
var realKafka = sync.OnceValues(func() (kafkaProcess, error) {
	dir, err := os.MkdirTemp("", "kafkatest-")
	if err != nil {
		return kafkaProcess{}, fmt.Errorf("start Apache Kafka: %w", err)
	}
	port, err := freePorts(2)
	if err != nil {
		return kafkaProcess{}, err
	}
	return startKafka(dir, port)
})

// startKafka starts a broker in a folder. It listens in plain text on the port; the next one is its controller's.
func startKafka(dir string, port int) (kafkaProcess, error) {
	_, self, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(self), "..", "..", "scripts", "kafka", "kafka.sh")
	// The guard starts the broker and stops it when its input ends, which happens however this process
	// dies. It says how the start went until it closes its output.
	guard := exec.Command("sh", script, "guard", dir, strconv.Itoa(port))
	detach(guard)
	hold, err := guard.StdinPipe()
	if err != nil {
		return kafkaProcess{}, fmt.Errorf("start Apache Kafka: %w", err)
	}
	output, err := guard.StdoutPipe()
	if err != nil {
		return kafkaProcess{}, fmt.Errorf("start Apache Kafka: %w", err)
	}
	if err := guard.Start(); err != nil {
		return kafkaProcess{}, fmt.Errorf("start Apache Kafka: %w", err)
	}
	said, err := io.ReadAll(output)
	if err != nil {
		return kafkaProcess{}, fmt.Errorf("start Apache Kafka: %w", err)
	}
	k := kafkaProcess{addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), script: script, dir: dir, guard: hold, ended: guard.Wait}
	conn, err := kafka.DialContext(context.Background(), "tcp", k.addr)
	if err != nil {
		return kafkaProcess{}, fmt.Errorf("start Apache Kafka: %w\n%s", err, said)
	}
	return k, conn.Close()
}

// freePorts finds a port whose successors are free too, n in all.
func freePorts(n int) (int, error) {
	for range 100 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		port, free := first.Addr().(*net.TCPAddr).Port, 1
		held := []net.Listener{first}
		for ; free < n; free++ {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+free)))
			if err != nil {
				break
			}
			held = append(held, l)
		}
		for _, l := range held {
			l.Close()
		}
		if free == n {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find %d free ports in a row: none in 100 tries", n)
}
