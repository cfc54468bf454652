package kafkatest_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/kafkatest"
)

func brokers(t *testing.T, addr string) []kafka.Broker {
	t.Helper()
	conn, err := kafka.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	brokers, err := conn.Brokers()
	if err != nil {
		t.Fatal(err)
	}
	return brokers
}

func TestEachGivesABroker(t *testing.T) {
	seen := map[string]bool{}
	kafkatest.Each(t, func(t *testing.T, addr string) {
		if got := brokers(t, addr); len(got) != 1 {
			t.Fatalf("brokers %v at %s, want one", got, addr)
		}
		seen[addr] = true
		topic := "each"
		conn, err := kafka.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.CreateTopics(kafka.TopicConfig{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}); err != nil {
			t.Fatal(err)
		}
		kafkatest.DeleteTopic(t, addr, topic)
	})
	want := 1
	if os.Getenv(kafkatest.Switch) == "real" {
		want = 2
	}
	if len(seen) != want {
		t.Fatalf("the test ran on %v, want %d brokers", seen, want)
	}
}

func TestEmbeddedIsOfItsOwn(t *testing.T) {
	if a, b := kafkatest.Embedded(t), kafkatest.Embedded(t); a == b {
		t.Fatalf("two tests share the broker at %s", a)
	}
}

func TestRealIsSharedAndRestarts(t *testing.T) {
	addr := kafkatest.Real(t)
	if again := kafkatest.Real(t); again != addr {
		t.Fatalf("a second broker at %s beside %s", again, addr)
	}
	for _, command := range [][]string{kafkatest.RestartReal(t), kafkatest.CrashReal(t)} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
		if got := brokers(t, addr); len(got) != 1 {
			t.Fatalf("brokers %v after %v, want one", got, command)
		}
	}
}
