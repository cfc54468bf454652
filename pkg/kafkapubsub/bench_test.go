package kafkapubsub_test

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
)

// benchmarkBrokers runs a benchmark on the embedded broker and, when asked, on Apache Kafka.
func benchmarkBrokers(b *testing.B, run func(b *testing.B, client *kafkapubsub.Client, topic string)) {
	for name, addr := range map[string]func(testing.TB) string{"embedded": kafkatest.Embedded, "real": kafkatest.Real} {
		b.Run(name, func(b *testing.B) {
			client, err := kafkapubsub.NewClient(kafkapubsub.Config{Brokers: []string{addr(b)}})
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close()
			topic := "bench-" + strconv.FormatInt(time.Now().UnixNano(), 36)
			if err := client.EnsureTopic(b.Context(), topic, benchPartitions, nil); err != nil {
				b.Fatal(err)
			}
			run(b, client, topic)
		})
	}
}

const benchPartitions = 8

// fill produces n records of 600 bytes with an event's headers, spread over the partitions.
func fill(b *testing.B, client *kafkapubsub.Client, topic string, n int) {
	b.Helper()
	record := kafka.Message{Value: bytes.Repeat([]byte("x"), 600)}
	for _, h := range []string{"ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "tenant", "position", "version", "slot", "previous"} {
		record.Headers = append(record.Headers, kafka.Header{Key: h, Value: []byte("0123456789abcdef")})
	}
	producer := kafkapubsub.NewProducer(client, kafkapubsub.ProducerConfig{})
	var all sync.WaitGroup
	for p := range benchPartitions {
		share := n / benchPartitions
		if p < n%benchPartitions {
			share++
		}
		all.Go(func() {
			for share > 0 {
				some := min(share, 700)
				records := make([]kafka.Message, some)
				for i := range records {
					records[i] = record
				}
				if _, err := producer.Produce(b.Context(), topic, p, records); err != nil {
					b.Error(err)
					return
				}
				share -= some
			}
		})
	}
	all.Wait()
}

func BenchmarkProduce(b *testing.B) {
	benchmarkBrokers(b, func(b *testing.B, client *kafkapubsub.Client, topic string) {
		b.ResetTimer()
		fill(b, client, topic, b.N)
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
}

// BenchmarkBatches reads what fill wrote; the handler does nothing.
func BenchmarkBatches(b *testing.B) {
	benchmarkBrokers(b, func(b *testing.B, client *kafkapubsub.Client, topic string) {
		fill(b, client, topic, b.N)
		sub, err := kafkapubsub.NewBatchSubscriber(client, kafkapubsub.SubscriberConfig{Group: os.Args[0]})
		if err != nil {
			b.Fatal(err)
		}
		defer sub.Close()
		b.ResetTimer()
		messages, err := sub.Subscribe(b.Context(), topic)
		if err != nil {
			b.Fatal(err)
		}
		for n := 0; n < b.N; {
			msg := <-messages
			batch, _ := kafkapubsub.BatchOf(msg)
			n += len(batch.Records)
			msg.Ack()
		}
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
}

// BenchmarkLatency is one record from Produce to handler and back, at rest.
func BenchmarkLatency(b *testing.B) {
	benchmarkBrokers(b, func(b *testing.B, client *kafkapubsub.Client, topic string) {
		sub, err := kafkapubsub.NewBatchSubscriber(client, kafkapubsub.SubscriberConfig{})
		if err != nil {
			b.Fatal(err)
		}
		defer sub.Close()
		messages, err := sub.Subscribe(b.Context(), topic)
		if err != nil {
			b.Fatal(err)
		}
		producer := kafkapubsub.NewProducer(client, kafkapubsub.ProducerConfig{})
		for b.Loop() {
			if _, err := producer.Produce(b.Context(), topic, 0, records(0, 0, 1)); err != nil {
				b.Fatal(err)
			}
			(<-messages).Ack()
		}
	})
}
