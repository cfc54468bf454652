package kafkapubsub_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/evenkeel/evenkeel/pkg/broker"
	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
)

// restartArgument makes this test binary a command that asks the running tests to restart their
// broker: Watermill's suite wants a command, and the embedded broker lives in the tests' own process.
const restartArgument = "restart-embedded-broker"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == restartArgument {
		if err := askRestart(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func askRestart(url string) error {
	res, err := http.Post(url, "", nil)
	if err != nil {
		return fmt.Errorf("restart the embedded broker: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("restart the embedded broker: %s %s", res.Status, answer), err)
	}
	return nil
}

// restartable is an embedded broker that can be stopped and started on the same port and directory.
type restartable struct {
	dir     string
	mutex   sync.Mutex
	running *broker.Broker
}

func newRestartable(t *testing.T) *restartable {
	t.Helper()
	r := &restartable{dir: t.TempDir()}
	if err := r.start(t); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *restartable) start(t *testing.T) (err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.running, err = broker.Start(t.Context(), broker.Options{DataDir: r.dir})
	return err
}

func (r *restartable) stop() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.running.Close()
}

func (r *restartable) addr() string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.running.Addr()
}

// command restarts the broker when it is executed.
func (r *restartable) command(t *testing.T) []string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := errors.Join(r.stop(), r.start(t)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	return []string{os.Args[0], restartArgument, server.URL}
}

// suiteRuns are the configurations under Watermill's universal suite. No single one has all the
// features that it asks about: with a group a new subscriber does not get old messages, and the order
// it checks is by payload.
var suiteRuns = []struct {
	name     string
	group    string
	key      func(string, *message.Message) []byte
	features tests.Features
	restarts bool
}{
	{"group", "suite", byUUID, tests.Features{ConsumerGroups: true, Persistent: true}, true},
	{"group and order", "suite", byPayload, tests.Features{ConsumerGroups: true, Persistent: true, GuaranteedOrder: true}, false},
	{"no group", "", byUUID, tests.Features{Persistent: true, NewSubscriberReceivesOldMessages: true}, false},
}

func byUUID(_ string, msg *message.Message) []byte    { return []byte(msg.UUID) }
func byPayload(_ string, msg *message.Message) []byte { return msg.Payload }

func TestWatermillSuite(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		b := newRestartable(t)
		runSuite(t, b.addr(), b.command(t))
	})
	t.Run("real", func(t *testing.T) {
		runSuite(t, kafkatest.Real(t), kafkatest.RestartReal(t))
	})
}

func runSuite(t *testing.T, addr string, restart []string) {
	short := os.Getenv("EVENKEEL_PUBSUB_SUITE") != "full"
	client := newClient(t, addr)
	for _, run := range suiteRuns {
		construct := func(t *testing.T, group string) (*kafkapubsub.Publisher, *kafkapubsub.Subscriber) {
			config := quick(group)
			config.Topic.Partitions = 4
			sub, err := kafkapubsub.NewSubscriber(client, config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { // the suite leaves some open
				if err := sub.Close(); err != nil {
					t.Error(err)
				}
			})
			return kafkapubsub.NewPublisher(client, kafkapubsub.PublisherConfig{Key: run.key}), sub
		}
		features := run.features
		features.ForceShort = short
		t.Run(run.name, func(t *testing.T) {
			tests.TestPubSub(t, features,
				func(t *testing.T) (message.Publisher, message.Subscriber) { return construct(t, run.group) },
				func(t *testing.T, group string) (message.Publisher, message.Subscriber) { return construct(t, group) })
		})
		if !run.restarts {
			continue
		}
		t.Run(run.name+" with restarts", func(t *testing.T) {
			features.RestartServiceCommand = restart
			tests.TestReconnect(t, tests.TestContext{TestID: tests.NewTestID(), Features: features},
				func(t *testing.T) (message.Publisher, message.Subscriber) {
					pub, sub := construct(t, run.group)
					n := &noted{published: map[string]chan struct{}{}}
					return notedPublisher{pub, n}, notedSubscriber{sub, n}
				})
		})
	}
}

// noted holds a message back from its subscriber until its Publish has returned, and a moment longer.
// TestReconnect writes a message into its list of sent ones only then, and fails when the last one
// was received before it is in there.
type noted struct {
	mutex     sync.Mutex
	published map[string]chan struct{}
}

func (n *noted) of(msg *message.Message) chan struct{} {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.published[msg.UUID] == nil {
		n.published[msg.UUID] = make(chan struct{})
	}
	return n.published[msg.UUID]
}

type notedPublisher struct {
	message.Publisher
	*noted
}

func (p notedPublisher) Publish(topic string, messages ...*message.Message) error {
	if err := p.Publisher.Publish(topic, messages...); err != nil {
		return err
	}
	time.AfterFunc(time.Millisecond, func() {
		for _, msg := range messages {
			close(p.of(msg))
		}
	})
	return nil
}

type notedSubscriber struct {
	*kafkapubsub.Subscriber
	*noted
}

func (s notedSubscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	in, err := s.Subscriber.Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for msg := range in {
			<-s.of(msg)
			out <- msg
		}
	}()
	return out, nil
}
