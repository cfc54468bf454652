package kafkapubsub

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Security is how a cluster is spoken to, in the words of settings. The zero value is plain text without a name.
type Security struct {
	TLS      bool
	CAFile   string // PEM: the authorities of the brokers' certificates; empty: the system's
	CertFile string // PEM: our own certificate with its chain, for brokers that ask for one
	KeyFile  string // PEM: its key

	Mechanism string // one of Mechanisms; empty: no authentication, or by the certificate
	Username  string
	Password  string
}

// Mechanisms are the kinds of SASL that are spoken.
var Mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// Apply puts the settings into a configuration. The error names all that does not fit.
func (s Security) Apply(c *Config) error {
	var problems []error
	problem := func(when bool, what string) {
		if when {
			problems = append(problems, fmt.Errorf("kafka security: %s", what))
		}
	}
	problem(!s.TLS && s.CAFile != "", "an authority's file is of no use without TLS")
	problem(!s.TLS && (s.CertFile != "" || s.KeyFile != ""), "a certificate of our own is of no use without TLS")
	problem((s.CertFile == "") != (s.KeyFile == ""), "a certificate and its key go together: one of them is missing")
	problem(s.Mechanism != "" && !slices.Contains(Mechanisms, s.Mechanism), fmt.Sprintf("there is no SASL mechanism %q: want one of %s", s.Mechanism, strings.Join(Mechanisms, ", ")))
	problem(s.Mechanism == "" && (s.Username != "" || s.Password != ""), "a username or a password is of no use without a SASL mechanism: want one of "+strings.Join(Mechanisms, ", "))
	problem(s.Mechanism != "" && s.Username == "", "a SASL mechanism needs a username")
	problem(s.Mechanism != "" && s.Password == "", "a SASL mechanism needs a password")
	problem(s.Mechanism == "PLAIN" && !s.TLS, "PLAIN sends the password as it is, so it needs TLS")
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if s.TLS {
		secure, err := s.tls()
		if err != nil {
			return err
		}
		c.TLS = secure
	}
	var err error
	c.SASL, err = s.sasl()
	return err
}

func (s Security) tls() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		text, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("kafka security: read the authority's certificate: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("kafka security: %s holds no certificate in PEM", s.CAFile)
		}
	}
	if s.CertFile != "" {
		own, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("kafka security: our own certificate: %w", err)
		}
		out.Certificates = []tls.Certificate{own}
	}
	return out, nil
}

func (s Security) sasl() (sasl.Mechanism, error) {
	var hash scram.Algorithm
	switch s.Mechanism {
	case "":
		return nil, nil
	case "PLAIN":
		return plain.Mechanism{Username: s.Username, Password: s.Password}, nil
	case "SCRAM-SHA-256":
		hash = scram.SHA256
	case "SCRAM-SHA-512":
		hash = scram.SHA512
	}
	m, err := scram.Mechanism(hash, s.Username, s.Password)
	if err != nil {
		return nil, fmt.Errorf("kafka security: %s: %w", s.Mechanism, err)
	}
	return m, nil
}

// ErrRefused: a broker is there, and asking again as we are does not help.
var ErrRefused = errors.New("refused")

// What is said where one side speaks TLS and the other does not.
const (
	tlsThere   = "it speaks TLS at this port and kafka-tls is off: switch it on"
	plainThere = "it speaks plain text at this port and kafka-tls is on: switch it off, or name the port where it speaks TLS"
)

// refusal says in a sentence what an answer means that stays the same however often it is asked for; nil for all others.
func (c *Client) refusal(err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var other tls.RecordHeaderError
	var remote *net.OpError
	why := ""
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		why = "the username or the password is wrong"
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		why = "it does not offer the SASL mechanism " + c.transport.SASL.Name()
	case errors.As(err, &unknown):
		why = "its certificate is of no authority that is trusted here: name the authority's file"
	case errors.As(err, &name):
		why = "its certificate is not for this address: " + name.Error()
	case errors.As(err, &invalid):
		why = "its certificate does not hold: " + invalid.Error()
	case errors.As(err, &other):
		why = plainThere
	case errors.As(err, &remote) && remote.Op == "remote error": // an alert of TLS
		why = "it ended the TLS handshake: " + remote.Err.Error()
	case c.transport.TLS == nil && c.anyBroker(speaksTLS):
		why = tlsThere
	case c.transport.TLS != nil && c.anyBroker(speaksPlain):
		why = plainThere
	default:
		return nil
	}
	return fmt.Errorf("%w: %s", ErrRefused, why)
}

// probeWithin is how long a broker has to show what it speaks.
const probeWithin = 2 * time.Second

// anyBroker says whether one of the brokers speaks so. An error of a connection does not tell: a broker that hears TLS and waits for plain text, or the other way round, closes it, resets it, or waits.
func (c *Client) anyBroker(speaks func(ctx context.Context, addr string) bool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), probeWithin)
	defer cancel()
	return slices.ContainsFunc(c.brokers, func(addr string) bool { return speaks(ctx, addr) })
}

// speaksTLS: a handshake begins there. Whose certificate it is, is not asked, and nothing is sent.
func speaksTLS(ctx context.Context, addr string) bool {
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err == nil {
		_ = conn.Close()
		return true
	}
	var alert tls.AlertError // as one that wants our certificate says
	var remote *net.OpError
	return errors.As(err, &alert) || errors.As(err, &remote) && remote.Op == "remote error"
}

// speaksPlain: a question in plain text is answered there, be it by a no.
func speaksPlain(ctx context.Context, addr string) bool {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	_, err := (&kafka.Client{Addr: kafka.TCP(addr), Transport: transport, Timeout: probeWithin}).ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	var code kafka.Error
	return err == nil || errors.As(err, &code)
}
