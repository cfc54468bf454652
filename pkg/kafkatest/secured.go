package kafkatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Secured is an Apache Kafka that takes TLS with a name and password at Addr, TLS with a certificate of its authority at CertAddr, and plain text at Plain.
type Secured struct {
	Addr, CertAddr, Plain string
	CAFile                string // of the brokers' certificate, and of those that it takes
	CertFile, KeyFile     string // of a client
	Username, Password    string // for PLAIN; SCRAM knows nobody before it is told
}

// RealSecured starts a broker for this test alone, or skips the test when EVENKEEL_KAFKA=real is not set.
func RealSecured(t testing.TB) Secured {
	t.Helper()
	if os.Getenv(Switch) != "real" {
		t.Skipf("needs Apache Kafka: set %s=real (Java 17 and Maven) to run it", Switch)
	}
	dir := t.TempDir()
	port, err := freePorts(4)
	if err != nil {
		t.Fatal(err)
	}
	at := func(n int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port+n)) }
	s := Secured{
		Plain: at(0), Addr: at(2), CertAddr: at(3), Username: "evenkeel", Password: "correct horse",
		CAFile: filepath.Join(dir, "ca.pem"), CertFile: filepath.Join(dir, "client.pem"), KeyFile: filepath.Join(dir, "client.key"),
	}
	ca := authority(t)
	server, key := ca.issue(t, "broker")
	client, clientKey := ca.issue(t, "client")
	put := func(path string, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(s.CAFile, ca.text)
	put(s.CertFile, client)
	put(s.KeyFile, clientKey)
	node := filepath.Join(dir, "node")
	if err := os.Mkdir(node, 0o700); err != nil {
		t.Fatal(err)
	}
	put(filepath.Join(dir, "broker.pem"), append(key, server...))
	put(filepath.Join(node, "extra.properties"), fmt.Appendf(nil, `
listeners=PLAINTEXT://%[1]s,CONTROLLER://%[2]s,SASL_SSL://%[3]s,SSL://%[4]s
advertised.listeners=PLAINTEXT://%[1]s,SASL_SSL://%[3]s,SSL://%[4]s
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
ssl.keystore.type=PEM
ssl.keystore.location=%[5]s
ssl.truststore.type=PEM
ssl.truststore.location=%[6]s
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_%[7]s="%[8]s";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
`, at(0), at(1), at(2), at(3), filepath.Join(dir, "broker.pem"), s.CAFile, s.Username, s.Password))
	k, err := startKafka(node, port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		k.guard.Close()
		if err := k.ended(); err != nil {
			t.Errorf("stop Apache Kafka: %v", err)
		}
	})
	return s
}

// signer is an authority of certificates.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	text []byte
}

func authority(t testing.TB) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kafkatest authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signer{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue makes a certificate for 127.0.0.1 and its key, in PEM.
func (s signer) issue(t testing.TB, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, s.cert, private.Public(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}
