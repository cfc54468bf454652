package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/datadir"
	"github.com/evenkeel/evenkeel/pkg/pgserver"
)

func TestMain(m *testing.M) {
	pgserver.MaybeHelper()
	os.Exit(m.Run())
}

func TestTheSecondStartGoesOn(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	base, err := os.MkdirTemp("", "evenkeel-embedded-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(base, "data")

	first, err := Start(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	run(ctx, t, first, `CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)`)
	topic := &kafka.Client{Addr: kafka.TCP(first.Brokers...)}
	if _, err := topic.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: "kept", NumPartitions: 3, ReplicationFactor: 1}}}); err != nil {
		t.Fatal(err)
	}
	var held *datadir.InUse
	if _, err := Start(ctx, Options{Dir: dir}); !errors.As(err, &held) {
		t.Errorf("a second instance on the same folder: %v", err)
	}
	if err := first.Stop(ctx); err != nil {
		t.Fatal(err)
	}

	second, err := Start(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := second.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	if string(second.Secret) != string(first.Secret) || second.Brokers[0] != first.Brokers[0] {
		t.Error("another secret, or another port, than the first time")
	}
	run(ctx, t, second, `DELETE FROM kept WHERE n = 7`)
	again := &kafka.Client{Addr: kafka.TCP(second.Brokers...)}
	meta, err := again.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{"kept"}})
	if err != nil || len(meta.Topics) != 1 || len(meta.Topics[0].Partitions) != 3 {
		t.Errorf("the topic is not there any more: %v, %v", meta, err)
	}
}

func run(ctx context.Context, t *testing.T, p *Parts, sql string) {
	t.Helper()
	conn, err := pgx.Connect(ctx, p.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	tag, err := conn.Exec(ctx, sql)
	if err != nil || tag.RowsAffected() != 1 {
		t.Fatalf("%s: %v, %v", sql, tag, err)
	}
}
