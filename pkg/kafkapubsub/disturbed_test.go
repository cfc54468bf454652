package kafkapubsub_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
)

// until reads batches, acking each, until done says so; it fails after a while.
func until(t *testing.T, messages <-chan *message.Message, done func(*kafkapubsub.Batch) bool) {
	t.Helper()
	for {
		msg, batch := next(t, messages)
		over := done(batch)
		msg.Ack()
		if over {
			return
		}
	}
}

// await polls a condition that other goroutines bring about.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); !condition(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("after 30 s still not: %s", what)
		}
	}
}

func TestNackBringsTheSameRecordsAgain(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, addr string) {
		client := newClient(t, addr)
		topic := newTopic(t, client, 1)
		produce(t, client, topic, 0, 0, 3)
		_, messages := subscribe(t, client, quick("nack"), topic)

		msg, first := next(t, messages)
		if got, want := values(first), []string{"0/0", "0/1", "0/2"}; !slices.Equal(got, want) {
			t.Fatalf("first batch %v, want %v", got, want)
		}
		produce(t, client, topic, 0, 3, 2)
		msg.Nack()
		for {
			msg, again := next(t, messages)
			got, want := values(again), []string{"0/0", "0/1", "0/2", "0/3", "0/4"}
			if !slices.Equal(got, want[:len(got)]) || len(got) < 3 {
				t.Fatalf("after a nack came %v, want at least the first three of %v", got, want)
			}
			if len(got) == len(want) {
				msg.Ack()
				break
			}
			msg.Nack() // what arrived meanwhile comes with it, soon
		}
		produce(t, client, topic, 0, 5, 1)
		if _, after := next(t, messages); values(after)[0] != "0/5" {
			t.Fatalf("after the ack came %v, want 0/5", values(after))
		}
	})
}

func TestOneBatchInFlightPerPartitionAndPartitionsInParallel(t *testing.T) {
	client := newClient(t, kafkatest.Embedded(t))
	topic := newTopic(t, client, 2)
	_, messages := subscribe(t, client, quick("parallel"), topic)
	produce(t, client, topic, 0, 0, 1)
	held, batch := next(t, messages)
	if batch.Partition != 0 {
		t.Fatalf("partition %d, want 0", batch.Partition)
	}
	// Partition 0 has more, but its first batch is not answered; partition 1 goes on.
	produce(t, client, topic, 0, 1, 10)
	for i := range 20 {
		produce(t, client, topic, 1, i, 1)
		msg, batch := next(t, messages)
		if batch.Partition != 1 {
			t.Fatal("a second batch of partition 0 came before the first was answered")
		}
		msg.Ack()
	}
	held.Ack()
	await(t, "the context of an acked message has ended", func() bool { return held.Context().Err() != nil })
	if _, batch := next(t, messages); batch.Partition != 0 || values(batch)[0] != "0/1" {
		t.Fatalf("after the ack came %v of partition %d, want 0/1 of 0", values(batch), batch.Partition)
	}
}

func TestMaxBatchBoundsABatch(t *testing.T) {
	client := newClient(t, kafkatest.Embedded(t))
	topic := newTopic(t, client, 1)
	produce(t, client, topic, 0, 0, 25)
	config := quick("bound")
	config.MaxBatch = 10
	_, messages := subscribe(t, client, config, topic)
	var sizes []int
	until(t, messages, func(b *kafkapubsub.Batch) bool {
		sizes = append(sizes, len(b.Records))
		return b.Records[len(b.Records)-1].Offset == 24
	})
	if want := []int{10, 10, 5}; !slices.Equal(sizes, want) {
		t.Fatalf("batches of %v records, want %v", sizes, want)
	}
}

// A second member takes half of the partitions, without a record lost or handled by neither; when it
// leaves, the first has all of them again.
func TestRebalanceWhenASecondSubscriberJoinsAndLeaves(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, addr string) {
		client := newClient(t, addr)
		const partitions = 4
		topic := newTopic(t, client, partitions)
		_, one := subscribe(t, client, quick("shared"), topic)
		seen := map[string]bool{}
		owners := func(first, second <-chan *message.Message, from int) (a, b map[int]bool) {
			a, b = map[int]bool{}, map[int]bool{}
			for p := range partitions {
				produce(t, client, topic, p, from, 1)
			}
			for n := 0; n < partitions; {
				var msg *message.Message
				own := a
				select {
				case msg = <-first:
				case msg = <-second:
					own = b
				case <-time.After(30 * time.Second):
					t.Fatalf("%d of %d records arrived", n, partitions)
				}
				batch, _ := kafkapubsub.BatchOf(msg)
				for _, v := range values(batch) {
					if !seen[v] {
						n++
					}
					seen[v] = true
				}
				own[batch.Partition] = true
				msg.Ack()
			}
			return a, b
		}

		if a, _ := owners(one, nil, 0); len(a) != partitions {
			t.Fatalf("the only member got partitions %v, want all", a)
		}
		second, two := subscribe(t, client, quick("shared"), topic)
		round := 1
		await(t, "each of two members has two partitions", func() bool {
			a, b := owners(one, two, round)
			round++
			return len(a) == 2 && len(b) == 2
		})
		if err := second.Close(); err != nil {
			t.Fatal(err)
		}
		if _, open := <-two; open {
			t.Fatal("the channel of a closed subscriber is open")
		}
		await(t, "the member that stayed has all partitions", func() bool {
			a, _ := owners(one, nil, round)
			round++
			return len(a) == partitions
		})
		for p := range partitions {
			for i := range round {
				if v := fmt.Sprintf("%d/%d", p, i); !seen[v] {
					t.Errorf("record %s was handled by nobody", v)
				}
			}
		}
	})
}

// A batch in flight when its partition is taken away ends with its generation, also when its handler
// never answers; nobody else waits for it.
func TestUnansweredBatchDoesNotHoldUpARebalance(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, addr string) {
		client := newClient(t, addr)
		topic := newTopic(t, client, 2)
		produce(t, client, topic, 0, 0, 1)
		produce(t, client, topic, 1, 0, 1)
		_, one := subscribe(t, client, quick("stuck"), topic)
		_, stuck := next(t, one)
		_, alsoStuck := next(t, one)
		_, two := subscribe(t, client, quick("stuck"), topic)
		msg, batch := next(t, two)
		if values(batch)[0] != fmt.Sprintf("%d/0", batch.Partition) {
			t.Fatalf("the new owner got %v, want the record that was not answered", values(batch))
		}
		msg.Ack()
		for _, b := range []*kafkapubsub.Batch{stuck, alsoStuck} {
			if b.Generation.Err() == nil {
				t.Errorf("partition %d: the old generation has not ended", b.Partition)
			}
		}
	})
}

func TestPartitionsGrowWhileReading(t *testing.T) {
	for _, group := range []string{"growing", ""} {
		t.Run("group "+group, func(t *testing.T) {
			kafkatest.Each(t, func(t *testing.T, addr string) {
				client := newClient(t, addr)
				topic := newTopic(t, client, 4)
				_, messages := subscribe(t, client, quick(group), topic)
				produce(t, client, topic, 3, 0, 1)
				until(t, messages, func(b *kafkapubsub.Batch) bool { return b.Partition == 3 })
				if err := client.EnsureTopic(t.Context(), topic, 8, nil); err != nil {
					t.Fatal(err)
				}
				waiting := map[int]bool{}
				for p := range 8 {
					produce(t, client, topic, p, 1, 1)
					waiting[p] = true
				}
				until(t, messages, func(b *kafkapubsub.Batch) bool {
					delete(waiting, b.Partition)
					return len(waiting) == 0
				})
			})
		})
	}
}

func TestSubscribeBeforeTheTopicExists(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, addr string) {
		client := newClient(t, addr)
		topic := newTopic(t, client, 1) + "-later"
		_, messages := subscribe(t, client, quick("early"), topic)
		if err := client.EnsureTopic(t.Context(), topic, 2, nil); err != nil {
			t.Fatal(err)
		}
		produce(t, client, topic, 1, 0, 1)
		until(t, messages, func(b *kafkapubsub.Batch) bool { return b.Partition == 1 })
	})
}

// The topic is deleted and made again under a running subscriber: all that is in the new one comes,
// whether it is shorter than the old one was or has grown past it meanwhile.
func TestTopicDeletedAndMadeAgain(t *testing.T) {
	for _, records := range []int{20, 80} {
		t.Run(fmt.Sprintf("50 then %d", records), func(t *testing.T) {
			kafkatest.Each(t, func(t *testing.T, addr string) {
				client := newClient(t, addr)
				topic := newTopic(t, client, 1)
				config := quick("again")
				config.MaxWait = 200 * time.Millisecond
				_, messages := subscribe(t, client, config, topic)
				produce(t, client, topic, 0, 0, 50)
				until(t, messages, func(b *kafkapubsub.Batch) bool { return b.Records[len(b.Records)-1].Offset == 49 })

				kafkatest.DeleteTopic(t, addr, topic)
				// A fetch that waits at the broker from before the deletion may be answered out of the new topic, past its first records: who needs those has positions in
				// them, as our consumers do. So it ends first.
				select {
				case <-time.After(2 * config.MaxWait):
				case <-t.Context().Done():
				}
				if err := client.EnsureTopic(t.Context(), topic, 1, nil); err != nil {
					t.Fatal(err)
				}
				produce(t, client, topic, 0, 1000, records)
				var got []string
				until(t, messages, func(b *kafkapubsub.Batch) bool {
					got = append(got, values(b)...)
					return got[len(got)-1] == fmt.Sprintf("0/%d", 1000+records-1)
				})
				for i := range records {
					if want := fmt.Sprintf("0/%d", 1000+i); !slices.Contains(got, want) {
						t.Fatalf("record %s of the new topic did not come: %v", want, got)
					}
				}
			})
		})
	}
}

// The broker stops and comes back, twice, while records are produced and read.
func TestBrokerRestart(t *testing.T) {
	b := newRestartable(t)
	client := newClient(t, b.addr())
	const partitions, each = 4, 400
	topic := newTopic(t, client, partitions)
	_, messages := subscribe(t, client, quick("restart"), topic)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sent := make(chan error, partitions)
	producer := kafkapubsub.NewProducer(client, kafkapubsub.ProducerConfig{RetryFor: time.Minute})
	for p := range partitions {
		go func() {
			for i := range each {
				if _, err := producer.Produce(ctx, topic, p, records(p, i, 1)); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
	}
	got := map[string]bool{}
	restarts := 0
	until(t, messages, func(batch *kafkapubsub.Batch) bool {
		for _, v := range values(batch) {
			got[v] = true
		}
		if len(got) > (restarts+1)*partitions*each/3 && restarts < 2 {
			restarts++
			if err := b.stop(); err != nil {
				t.Fatal(err)
			}
			if err := b.start(t); err != nil {
				t.Fatal(err)
			}
		}
		return len(got) == partitions*each
	})
	for range partitions {
		if err := <-sent; err != nil {
			t.Error(err)
		}
	}
	if restarts != 2 {
		t.Fatalf("%d restarts, want 2", restarts)
	}
}

// told is a log that says when a message was logged.
type told struct {
	slog.Handler
	message string
	logged  chan struct{}
}

func (h told) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == h.message {
		select {
		case h.logged <- struct{}{}:
		default:
		}
	}
	return h.Handler.Handle(ctx, r)
}

// A member that noticed that the broker was away comes back as another one. The group doesn't wait for
// the first, whose session is long.
func TestNoGhostHoldsUpTheGroupAfterARestart(t *testing.T) {
	b := newRestartable(t)
	logged := make(chan struct{}, 1)
	client, err := kafkapubsub.NewClient(kafkapubsub.Config{
		Brokers: []string{b.addr()},
		Log:     slog.New(told{slog.NewTextHandler(t.Output(), nil), "kafka: joining the group fails, trying again", logged}),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topic := newTopic(t, client, 2)
	config := quick("ghost")
	config.Session, config.Rebalance = 2*time.Minute, 2*time.Minute
	_, messages := subscribe(t, client, config, topic)
	produce(t, client, topic, 0, 0, 1)
	until(t, messages, func(*kafkapubsub.Batch) bool { return true })
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	<-logged
	if err := b.start(t); err != nil {
		t.Fatal(err)
	}
	produce(t, client, topic, 1, 0, 1)
	until(t, messages, func(batch *kafkapubsub.Batch) bool { return batch.Partition == 1 })
}

// Members that close while others join take leave all the same: nobody waits for their sessions.
func TestClosingWhileOthersJoinLeavesNoGhost(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, addr string) {
		client := newClient(t, addr)
		topic := newTopic(t, client, 2)
		config := quick("crowd")
		config.Session, config.Rebalance = 2*time.Minute, 2*time.Minute
		var crowd sync.WaitGroup
		for range 8 {
			crowd.Go(func() {
				sub, err := kafkapubsub.NewBatchSubscriber(client, config)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := sub.Subscribe(t.Context(), topic); err != nil {
					t.Error(err)
				}
				if err := sub.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		crowd.Wait()
		produce(t, client, topic, 0, 0, 1)
		_, messages := subscribe(t, client, config, topic)
		until(t, messages, func(*kafkapubsub.Batch) bool { return true })
	})
}
