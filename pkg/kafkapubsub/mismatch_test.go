package kafkapubsub_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
)

// One side speaks TLS and the other does not: the sentence names the setting that is wrong, whatever way the connection broke.
func TestTLSOnOneSideOnly(t *testing.T) {
	secure := tlsListener(t)
	forced := tlsListener(t, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })
	for _, c := range []struct {
		name, addr string
		tls        bool
		want       string // empty: nobody there refuses us, and no sentence is made up
	}{
		{"the broker speaks TLS and we plain text", secure, false, "it speaks TLS at this port and kafka-tls is off: switch it on"},
		{"it wants our certificate, too", forced, false, "it speaks TLS at this port and kafka-tls is off: switch it on"},
		{"the broker speaks plain text and we TLS", kafkatest.Embedded(t), true, "it speaks plain text at this port and kafka-tls is on: switch it off"},
		{"nobody is there", closedPort(t), false, ""},
		{"nobody is there by TLS", closedPort(t), true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config := kafkapubsub.Config{Brokers: []string{c.addr}, ClientID: "test"}
			if err := (kafkapubsub.Security{TLS: c.tls}).Apply(&config); err != nil {
				t.Fatal(err)
			}
			client, err := kafkapubsub.NewClient(config)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = client.Close() }()
			err = client.Ping(t.Context())
			if errors.Is(err, kafkapubsub.ErrRefused) != (c.want != "") || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// tlsListener speaks TLS and nothing else.
func tlsListener(t *testing.T, change ...func(*tls.Config)) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	made, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{made}, PrivateKey: key}}}
	for _, c := range change {
		c(config)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
