package kafkapubsub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/sasl"
)

// requestTimeout bounds one request. kafka-go tells the broker half of it, so it must be more than
// twice the longest MaxWait of a fetch.
const requestTimeout = 10 * time.Second

// Config says where the cluster is.
type Config struct {
	Brokers  []string       // host:port of some of them; the rest is discovered
	ClientID string         // shown in the broker's logs and quotas
	TLS      *tls.Config    // nil: plain text
	SASL     sasl.Mechanism // nil: no authentication
	Log      *slog.Logger   // nil: silent
}

// Client holds the connections that producers, subscribers and topic administration share.
// It is safe for concurrent use.
type Client struct {
	brokers   []string
	kafka     *kafka.Client
	transport *kafka.Transport
	dialer    *kafka.Dialer
	log       *slog.Logger
	metrics   metrics
}

// NewClient checks the configuration; it does not connect. Ping does.
func NewClient(c Config) (*Client, error) {
	if len(c.Brokers) == 0 {
		return nil, errors.New("kafka client: Brokers is empty, want at least one host:port")
	}
	var problems []error
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			problems = append(problems, fmt.Errorf("kafka client: broker %q is not a host:port: %w", b, err))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	m, err := newMetrics()
	if err != nil {
		return nil, err
	}
	transport := &kafka.Transport{
		ClientID: c.ClientID,
		TLS:      c.TLS,
		SASL:     c.SASL,
		// The transport answers from what it knows for up to this long; with the default of 6 s a
		// topic just made is unknown for so long.
		MetadataTTL: time.Second,
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return &Client{
		brokers:   c.Brokers,
		kafka:     &kafka.Client{Addr: kafka.TCP(c.Brokers...), Transport: transport, Timeout: requestTimeout},
		transport: transport,
		dialer: &kafka.Dialer{
			ClientID: c.ClientID, TLS: c.TLS, SASLMechanism: c.SASL, Timeout: requestTimeout, DualStack: true,
		},
		log:     log,
		metrics: m,
	}, nil
}

// Close lets the connections go. Close what was made from the client first.
func (c *Client) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}

// Ping asks a broker for its API versions, over the network: metadata would come from the cache. ErrRefused: it is there and does not take us.
func (c *Client) Ping(ctx context.Context) error {
	res, err := c.kafka.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err == nil {
		err = res.Error
	}
	if err == nil {
		return nil
	}
	if refused := c.refusal(err); refused != nil {
		return fmt.Errorf("ping kafka at %v: %w", c.brokers, refused)
	}
	return fmt.Errorf("ping kafka at %v: %w", c.brokers, err)
}

// IsUnknownTopic tells whether the error says that the topic, or the partition, doesn't exist
// (as far as the broker that answered knows).
func IsUnknownTopic(err error) bool {
	return errors.Is(err, kafka.UnknownTopicOrPartition) ||
		errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition)
}

// transient tells whether the same request may succeed later. What a broker calls permanent is:
// too large, not allowed, a wrong name. Broken connections and unknown leaders are not.
func transient(err error) bool {
	var code kafka.Error
	if errors.As(err, &code) {
		return code.Temporary() || code == kafka.BrokerNotAvailable
	}
	return true
}

// pause is a backoff that a loop waits for and resets.
type pause struct{ *backoff.ExponentialBackOff }

func newPause(from, to time.Duration) pause {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = from, to, 2
	b.Reset()
	return pause{b}
}

// wait sleeps for the next interval, or until ctx ends: then it returns false.
func (p pause) wait(ctx context.Context) bool {
	timer := time.NewTimer(p.NextBackOff())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
