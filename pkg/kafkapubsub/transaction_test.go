package kafkapubsub_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
)

// Another producer's transactions leave markers in the partition, which hold an offset and no record:
// neither a reader nor ReadLast gets stuck at them.
func TestTransactionMarkersAreSteppedOver(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, addr string) {
		client := newClient(t, addr)
		topic := newTopic(t, client, 1)
		producer, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.TransactionalID(topic), kgo.DefaultProduceTopic(topic))
		if err != nil {
			t.Fatal(err)
		}
		defer producer.Close()
		var want []string
		for i := range 3 {
			if err := producer.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprint(i))
			if err := producer.ProduceSync(t.Context(), kgo.StringRecord(want[i])).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if err := producer.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
				t.Fatal(err)
			}
		}
		// The last marker may come a moment after the producer was told of the commit.
		deadline := time.Now().Add(20 * time.Second)
		for {
			ends, err := client.EndOffsets(t.Context(), topic)
			if err == nil && slices.Equal(ends, []int64{6}) {
				break
			}
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("end offsets %v, %v; want 6: three records and three markers", ends, err)
			}
			<-time.After(5 * time.Millisecond)
		}
		last, err := client.ReadLast(t.Context(), topic, 0)
		if err != nil || last == nil || string(last.Value) != "2" || last.Offset != 4 {
			t.Fatalf("last record %v, %v; want 2 at offset 4", last, err)
		}
		config := quick("")
		config.MaxBytes = 1 // one batch a fetch: the marker's alone
		_, messages := subscribe(t, client, config, topic)
		var got []string
		until(t, messages, func(b *kafkapubsub.Batch) bool {
			got = append(got, values(b)...)
			return len(got) == len(want)
		})
		produce(t, client, topic, 0, 3, 1) // behind the last marker
		until(t, messages, func(b *kafkapubsub.Batch) bool {
			got = append(got, values(b)...)
			return got[len(got)-1] == "0/3"
		})
		if want := append(want, "0/3"); !slices.Equal(got, want) {
			t.Fatalf("read %v, want %v", got, want)
		}
	})
}
