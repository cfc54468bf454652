package broker_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/broker"
)

// serveArgument makes this test binary a broker of its own, for the test that kills one.
const serveArgument = "serve-broker"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == serveArgument {
		b, err := broker.Start(context.Background(), broker.Options{DataDir: os.Args[2]})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(b.Addr())
		select {}
	}
	os.Exit(m.Run())
}

func start(t *testing.T, o broker.Options) *broker.Broker {
	t.Helper()
	b, err := broker.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func client(addr string) *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(addr), Transport: &kafka.Transport{}}
}

func create(t *testing.T, addr, topic string, configs ...kafka.ConfigEntry) {
	t.Helper()
	res, err := client(addr).CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: topic, NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: configs,
	}}})
	if err == nil {
		err = res.Errors[topic]
	}
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, addr, topic string, values ...[]byte) {
	t.Helper()
	records := make([]kafka.Record, len(values))
	for i, v := range values {
		records[i].Value = kafka.NewBytes(v)
	}
	res, err := client(addr).Produce(t.Context(), &kafka.ProduceRequest{
		Topic: topic, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		t.Fatal(err)
	}
}

func bounds(t *testing.T, addr, topic string) (first, end int64) {
	t.Helper()
	res, err := client(addr).ListOffsets(t.Context(), &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := res.Topics[topic][0]
	if o.Error != nil {
		t.Fatal(o.Error)
	}
	return o.FirstOffset, o.LastOffset
}

func read(t *testing.T, addr, topic string, n int) (values []string) {
	t.Helper()
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: topic, MaxWait: time.Second})
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range n {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, string(m.Value))
	}
	return values
}

func TestPortAndRecordsStayOverAStop(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "broker")
	first := start(t, broker.Options{DataDir: dir})
	create(t, first.Addr(), "kept")
	write(t, first.Addr(), "kept", []byte("a"), []byte("b"))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, broker.Options{DataDir: dir})
	if again.Addr() != first.Addr() {
		t.Fatalf("address %s after a stop, want %s again", again.Addr(), first.Addr())
	}
	write(t, again.Addr(), "kept", []byte("c"))
	if got, want := read(t, again.Addr(), "kept", 3), []string{"a", "b", "c"}; !slices.Equal(got, want) {
		t.Fatalf("read %v, want %v", got, want)
	}
}

func TestWhatWasAcknowledgedIsThereAfterAKill(t *testing.T) {
	dir := t.TempDir()
	serve := exec.Command(os.Args[0], serveArgument, dir)
	serve.Stderr = os.Stderr
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimSpace(line)
	create(t, addr, "killed")
	const requests, each = 100, 50
	var want []string
	for i := range requests {
		var values [][]byte
		for j := range each {
			want = append(want, strconv.Itoa(i*each+j))
			values = append(values, []byte(want[len(want)-1]))
		}
		write(t, addr, "killed", values...)
	}
	if err := serve.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	serve.Wait() // it was killed: that is its error

	b := start(t, broker.Options{DataDir: dir})
	if got := read(t, b.Addr(), "killed", len(want)); !slices.Equal(got, want) {
		t.Fatalf("%d records after the kill differ from the %d acknowledged", len(got), len(want))
	}
}

func TestBusyPortSaysWhatToDo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	number, _ := strconv.Atoi(port)
	kept, torn := t.TempDir(), t.TempDir()
	for dir, content := range map[string]string{kept: port + "\n", torn: "90"} {
		if err := os.WriteFile(filepath.Join(dir, "port"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(torn, "port"), []byte("ninety"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options broker.Options
		words   []string
	}{
		"asked for":       {broker.Options{Port: number}, []string{"127.0.0.1:" + port, "in use", "choose another port"}},
		"kept":            {broker.Options{DataDir: kept}, []string{"127.0.0.1:" + port, "in use", filepath.Join(kept, "port")}},
		"an unusable one": {broker.Options{DataDir: torn}, []string{filepath.Join(torn, "port"), "ninety"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := broker.Start(t.Context(), c.options)
			if err == nil {
				t.Fatal(b.Close(), "it started")
			}
			for _, w := range c.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q is more than one sentence", err)
			}
		})
	}
	if entries, err := os.ReadDir(kept); err != nil || len(entries) != 1 {
		t.Errorf("the data directory of the port in use was touched: %v %v", entries, err)
	}
}

func TestRetentionDropsOldSegments(t *testing.T) {
	const kib = 1 << 10
	for name, c := range map[string]struct {
		configs            []kafka.ConfigEntry
		block, blocks      int
		keptFrom, keptUpTo int64 // blocks
	}{
		"as the topic says": {
			[]kafka.ConfigEntry{
				{ConfigName: "retention.bytes", ConfigValue: strconv.Itoa(1024 * kib)},
				{ConfigName: "segment.bytes", ConfigValue: strconv.Itoa(256 * kib)},
			}, 100 * kib, 40, 8, 13,
		},
		// A topic that says nothing gets 64 MB in segments of 8 MB: nobody has to know.
		"as the broker says": {nil, 1000 * kib, 90, 56, 75},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := start(t, broker.Options{DataDir: dir, RetentionEvery: 20 * time.Millisecond})
			create(t, b.Addr(), "topic", c.configs...)
			block := bytes.Repeat([]byte("x"), c.block)
			for range c.blocks {
				write(t, b.Addr(), "topic", block)
			}
			deadline := time.Now().Add(30 * time.Second)
			for {
				first, end := bounds(t, b.Addr(), "topic")
				if kept := end - first; kept >= c.keptFrom && kept <= c.keptUpTo {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("records %d to %d of %d bytes are kept, want the last %d to %d", first, end, c.block, c.keptFrom, c.keptUpTo)
				}
			}
		})
	}
}

func TestStartSaysThatItIsNotForProduction(t *testing.T) {
	var log bytes.Buffer
	start(t, broker.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if !strings.Contains(log.String(), "not for production") {
		t.Fatalf("log %q", log.String())
	}
}
