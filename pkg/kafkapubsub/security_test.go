package kafkapubsub_test

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/evenkeel/evenkeel/pkg/kafkapubsub"
	"github.com/evenkeel/evenkeel/pkg/kafkatest"
)

func TestSecuritySettingsThatDoNotFitAreNamedAtOnce(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		kafkapubsub.Security
		want []string
	}{
		{"nothing is asked for", kafkapubsub.Security{}, nil},
		{"the system's authorities", kafkapubsub.Security{TLS: true}, nil},
		{"SCRAM without TLS keeps the password to itself", kafkapubsub.Security{Mechanism: "SCRAM-SHA-256", Username: "u", Password: "p"}, nil},
		{"files without TLS", kafkapubsub.Security{CAFile: "ca", CertFile: "cert"}, []string{"an authority's file is of no use without TLS", "a certificate of our own is of no use without TLS", "one of them is missing"}},
		{"PLAIN without TLS, and without a password", kafkapubsub.Security{Mechanism: "PLAIN", Username: "u"}, []string{"needs a password", "so it needs TLS"}},
		{"a name without a mechanism", kafkapubsub.Security{TLS: true, Username: "u"}, []string{"want one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"}},
		{"a mechanism that there is not", kafkapubsub.Security{TLS: true, Mechanism: "GSSAPI", Username: "u", Password: "p"}, []string{`no SASL mechanism "GSSAPI"`}},
		{"a mechanism that there is not is named with all else", kafkapubsub.Security{Mechanism: "plain"}, []string{`no SASL mechanism "plain": want one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512`, "needs a username", "needs a password"}},
		{"a file that is not there", kafkapubsub.Security{TLS: true, CAFile: "nowhere.pem"}, []string{"nowhere.pem: no such file"}},
		{"a file without a certificate", kafkapubsub.Security{TLS: true, CAFile: empty}, []string{"holds no certificate in PEM"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var config kafkapubsub.Config
			err := c.Apply(&config)
			if (err == nil) != (c.want == nil) {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("it does not say %q: %v", want, err)
				}
			}
			if c.want == nil && ((config.TLS != nil) != c.TLS || (config.SASL != nil) != (c.Mechanism != "")) {
				t.Errorf("%+v", config)
			}
		})
	}
}

// A cluster that wants TLS and a name, or a certificate: producing, groups and topics all go through it. Who comes otherwise is told why in a sentence.
func TestSecuredKafka(t *testing.T) {
	broker := kafkatest.RealSecured(t)
	connect := func(t *testing.T, addr string, s kafkapubsub.Security) *kafkapubsub.Client {
		t.Helper()
		config := kafkapubsub.Config{Brokers: []string{addr}, ClientID: "test"}
		if err := s.Apply(&config); err != nil {
			t.Fatal(err)
		}
		client, err := kafkapubsub.NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := client.Close(); err != nil {
				t.Error(err)
			}
		})
		return client
	}
	// SCRAM's names are the cluster's own data.
	salt := []byte("a salt of 16 byte")
	salted, err := pbkdf2.Key(sha512.New, broker.Password, salt, 4096, sha512.Size)
	if err != nil {
		t.Fatal(err)
	}
	scram := &kafka.Client{Addr: kafka.TCP(broker.Plain)}
	told, err := scram.AlterUserScramCredentials(t.Context(), &kafka.AlterUserScramCredentialsRequest{Upsertions: []kafka.UserScramCredentialsUpsertion{
		{Name: broker.Username, Mechanism: kafka.ScramMechanismSha512, Iterations: 4096, Salt: salt, SaltedPassword: salted},
	}})
	if err != nil || told.Results[0].Error != nil {
		t.Fatal(err, told)
	}
	plain := kafkapubsub.Security{TLS: true, CAFile: broker.CAFile, Mechanism: "PLAIN", Username: broker.Username, Password: broker.Password}
	sha512, byCertificate := plain, kafkapubsub.Security{TLS: true, CAFile: broker.CAFile, CertFile: broker.CertFile, KeyFile: broker.KeyFile}
	sha512.Mechanism = "SCRAM-SHA-512"
	for name, way := range map[string]struct {
		addr string
		kafkapubsub.Security
	}{"PLAIN": {broker.Addr, plain}, "SCRAM-SHA-512": {broker.Addr, sha512}, "certificate": {broker.CertAddr, byCertificate}} {
		t.Run(name, func(t *testing.T) {
			client := connect(t, way.addr, way.Security)
			if err := client.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			topic := newTopic(t, client, 2)
			produce(t, client, topic, 1, 0, 10)
			_, messages := subscribe(t, client, quick(name), topic)
			n := 0
			until(t, messages, func(b *kafkapubsub.Batch) bool {
				n += len(b.Records)
				return n == 10
			})
		})
	}
	wrong := func(change func(*kafkapubsub.Security)) kafkapubsub.Security {
		s := plain
		change(&s)
		return s
	}
	for _, c := range []struct {
		name, addr string
		kafkapubsub.Security
		want string
	}{
		{"a wrong password", broker.Addr, wrong(func(s *kafkapubsub.Security) { s.Password = "incorrect" }), "refused: the username or the password is wrong"},
		{"a wrong password by SCRAM", broker.Addr, wrong(func(s *kafkapubsub.Security) { s.Mechanism, s.Password = "SCRAM-SHA-512", "incorrect" }), "refused: the username or the password is wrong"},
		{"a mechanism that is not offered", broker.Addr, wrong(func(s *kafkapubsub.Security) { s.Mechanism = "SCRAM-SHA-256" }), "refused: it does not offer the SASL mechanism SCRAM-SHA-256"},
		{"an authority that is not trusted", broker.Addr, wrong(func(s *kafkapubsub.Security) { s.CAFile = "" }), "refused: its certificate is of no authority that is trusted here: name the authority's file"},
		{"a port without TLS", broker.Plain, wrong(func(s *kafkapubsub.Security) { s.Mechanism, s.Username, s.Password = "", "", "" }), "refused: it speaks plain text at this port and kafka-tls is on: switch it off"},
		{"no TLS where it is asked for", broker.Addr, kafkapubsub.Security{}, "refused: it speaks TLS at this port and kafka-tls is off: switch it on"},
		{"no certificate where one is asked for", broker.CertAddr, wrong(func(s *kafkapubsub.Security) { s.Mechanism, s.Username, s.Password = "", "", "" }), "refused: it ended the TLS handshake"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := connect(t, c.addr, c.Security).Ping(t.Context())
			if !errors.Is(err, kafkapubsub.ErrRefused) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), broker.Password) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
