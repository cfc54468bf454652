package chart_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A real API server takes every document of every set of values, as `kubectl apply --dry-run=server --validate=strict` would send it: its defaults, its rules for values (which no
// schema holds) and its admission. Kinds of operators that are not part of Kubernetes are left out, by name. make kube builds the server and runs this.
func TestARealAPIServerTakesTheChart(t *testing.T) {
	if os.Getenv("EVENKEEL_KUBE") != "real" {
		t.Skip("needs etcd and kube-apiserver: make kube builds them and runs this")
	}
	api := startAPI(t)
	if answer := api.call(t, http.MethodPost, "/api/v1/namespaces", doc{"apiVersion": "v1", "kind": "Namespace", "metadata": doc{"name": "billing"}}); answer.Status == "Failure" {
		t.Fatal(answer.Message)
	}
	for _, s := range sets {
		t.Run(s.name, func(t *testing.T) {
			taken := 0
			for _, d := range kube(t, s.render(t))[0].Docs {
				path, known := api.path(t, d)
				if !known {
					t.Logf("%s %s is of an operator: not asked", d["apiVersion"], d["kind"])
					continue
				}
				if answer := api.call(t, http.MethodPost, path+"?dryRun=All&fieldValidation=Strict", d); answer.Status == "Failure" {
					t.Errorf("%s %v: %s", d["kind"], d["metadata"].(doc)["name"], answer.Message)
				} else {
					taken++
				}
			}
			if t.Logf("%d documents are taken", taken); taken < 11 {
				t.Error("fewer than there are services")
			}
		})
	}
	t.Run("a fault that is planted is found", func(t *testing.T) {
		faults := 0
		for _, d := range kube(t, sets[0].render(t))[0].Docs {
			if d["kind"] != "Deployment" {
				continue
			}
			path, _ := api.path(t, d)
			for name, spoil := range map[string]func(pod, container doc){
				"a field that there is not":  func(pod, _ doc) { pod["retsartPolicy"] = "Always" },
				"a port that is too high":    func(_, c doc) { c["ports"] = []any{doc{"name": "http", "containerPort": 70000}} },
				"a request above its limit":  func(_, c doc) { c["resources"] = doc{"requests": doc{"memory": "2Gi"}, "limits": doc{"memory": "1Gi"}} },
				"a volume that there is not": func(_, c doc) { c["volumeMounts"] = []any{doc{"name": "nothing", "mountPath": "/n"}} },
			} {
				text, err := json.Marshal(d)
				if err != nil {
					t.Fatal(err)
				}
				spoilt := parsed[doc](t, text)
				pod := spoilt["spec"].(doc)["template"].(doc)["spec"].(doc)
				spoil(pod, pod["containers"].([]any)[0].(doc))
				if api.call(t, http.MethodPost, path+"?dryRun=All&fieldValidation=Strict", spoilt).Status != "Failure" {
					t.Errorf("%s is taken", name)
				}
				faults++
			}
			break
		}
		if faults != 4 {
			t.Errorf("%d faults were planted", faults)
		}
	})
}

// apiServer is a kube-apiserver with an etcd of its own; nothing runs behind it.
type apiServer struct {
	url    string
	client *http.Client
	kinds  map[string]map[string]string // by apiVersion and kind: the plural
}

const kubeToken = "of-this-test-alone"

// startAPI starts both on free ports of the loopback and waits until they are ready.
func startAPI(t *testing.T) *apiServer {
	t.Helper()
	dir := t.TempDir()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signing, tokens := filepath.Join(dir, "signing.key"), filepath.Join(dir, "tokens.csv")
	for path, text := range map[string][]byte{
		signing: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		tokens:  []byte(kubeToken + `,test,1,"system:masters"` + "\n"),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client, peer, api := freeAddr(t), freeAddr(t), freeAddr(t)
	background(t, dir, "etcd", "--data-dir="+filepath.Join(dir, "etcd"), "--listen-client-urls=http://"+client, "--advertise-client-urls=http://"+client,
		"--listen-peer-urls=http://"+peer, "--initial-advertise-peer-urls=http://"+peer, "--initial-cluster=default=http://"+peer, "--unsafe-no-fsync", "--log-level=error")
	_, port, err := net.SplitHostPort(api)
	if err != nil {
		t.Fatal(err)
	}
	// The admission of service accounts waits for a controller that makes them, and none runs here.
	log := background(t, dir, "kube-apiserver", "--etcd-servers=http://"+client, "--bind-address=127.0.0.1", "--secure-port="+port, "--cert-dir="+filepath.Join(dir, "certs"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+signing, "--service-account-signing-key-file="+signing,
		"--service-cluster-ip-range=10.0.0.0/24", "--token-auth-file="+tokens, "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount")
	s := &apiServer{url: "https://" + api, kinds: map[string]map[string]string{}, client: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, // it signs its own, and is our own child on the loopback
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for tick := time.NewTicker(200 * time.Millisecond); ; {
		if code, _, err := s.ask(ctx, http.MethodGet, "/readyz", nil); err == nil && code == http.StatusOK {
			tick.Stop()
			return s
		}
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(log)
			t.Fatalf("the API server is not ready: %s", text[max(0, len(text)-2000):])
		case <-tick.C:
		}
	}
}

// background starts a program of make kube that ends with the test.
func background(t *testing.T, dir, name string, args ...string) (log string) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, ".cache", "kube", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	log = filepath.Join(dir, name+".log")
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: run make kube", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL) // it keeps nothing
		_ = cmd.Wait()
		_ = out.Close()
	})
	return log
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// kubeAnswer is what an API server says of an object: its Status, or of another kind the object.
type kubeAnswer struct {
	Kind            string
	Status, Message string
	Resources       []struct{ Name, Kind string }
}

func (s *apiServer) ask(ctx context.Context, method, path string, body []byte) (code int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+kubeToken)
	r.Header.Set("Content-Type", "application/json")
	got, err := s.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer got.Body.Close()
	answer, err = io.ReadAll(got.Body)
	return got.StatusCode, answer, err
}

func (s *apiServer) call(t *testing.T, method, path string, body doc) (answer kubeAnswer) {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	code, got, err := s.ask(t.Context(), method, path, text)
	if err != nil {
		t.Fatal(err)
	}
	if code >= 300 {
		said := struct{ Message string }{}
		_ = json.Unmarshal(got, &said)
		return kubeAnswer{Status: "Failure", Message: fmt.Sprintf("%d %s", code, said.Message)}
	}
	said := struct {
		Kind      string
		Resources []struct{ Name, Kind string }
	}{}
	if err := json.Unmarshal(got, &said); err != nil {
		t.Fatalf("%v: %.200s", err, got)
	}
	return kubeAnswer{Kind: said.Kind, Resources: said.Resources}
}

// path is where objects of the document's kind are made; false: the API server has no such kind.
func (s *apiServer) path(t *testing.T, d doc) (string, bool) {
	t.Helper()
	version, kind := d["apiVersion"].(string), d["kind"].(string)
	at := "/apis/" + version
	if !strings.Contains(version, "/") {
		at = "/api/" + version
	}
	if s.kinds[version] == nil {
		s.kinds[version] = map[string]string{}
		for _, r := range s.call(t, http.MethodGet, at, nil).Resources {
			if !strings.Contains(r.Name, "/") {
				s.kinds[version][r.Kind] = r.Name
			}
		}
	}
	plural, known := s.kinds[version][kind]
	return at + "/namespaces/billing/" + plural, known
}
