// Package chart_test proves what operators are given: the Helm chart, the compose file, the image, the systemd units, the alerts and docs/operations.md.
//
// The chart is linted and rendered with five sets of values; every document is decoded strictly into Kubernetes' own types, and then held against the policies of
// policy_test.go. TestPlantedFaultsAreFound spoils what was rendered, one thing at a time: each fault must be found, or a policy proves nothing. No cluster and no network are
// needed; helm and chartcheck are built by scripts/tools.sh.
package chart_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const (
	root  = "../../.."
	chart = root + "/charts/evenkeel"
)

// set is one way to install the chart.
type set struct {
	name       string
	files      []string // values files, from the chart's folder
	values     string   // further values, YAML
	production bool
	sandbox    bool
}

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

var sets = []set{
	{name: "default"},
	{name: "production", files: []string{"values-production.yaml"}, production: true, values: `
image: {digest: "` + digest + `"}
ingress: {host: rcm.example.org, tlsSecretName: rcm-tls}
`},
	{name: "minimal", sandbox: true, values: `
sandbox: {enabled: true}
secureCookies: false
networkPolicy: {enabled: false}
migration: {enabled: false}
shutdown: {endpointsSeconds: 0}
kafka: {partitions: 1}
`},
	{name: "everything", sandbox: true, values: `
nameOverride: rcm
image: {repository: "images.example.org:5000/rcm/evenkeel", tag: "1.2.3", pullSecrets: [pull]}
database: {url: "postgres://db.example.org:6432/rcm?sslmode=verify-full&sslrootcert=/etc/evenkeel/database-ca/ca.crt", ca: {secretName: db-ca, key: root.pem}}
kafka:
  brokers: ["k1.example.org:9093", "k2.example.org:9093"]
  tls: {enabled: true, ca: {secretName: kafka-authority, key: ca.pem}, certificate: {secretName: kafka-client}}
  sasl: {mechanism: SCRAM-SHA-512, username: "rcm: evenkeel", password: {secretName: kafka-user, key: pw}}
secrets: {master: {name: vault-master, key: hex}, migration: {name: vault-admin, key: dsn}}
telemetry: {otlpEndpoint: "http://collector:4317", sampleRatio: 0.25}
sandbox: {enabled: true}
defaults: {replicas: 3}
targets: {registry: {replicas: 1}, posting: {cpuRequest: "1.5", memoryMiB: 1000, env: {GODEBUG: "x509ignoreCN=0"}}}
service: {type: LoadBalancer, port: 8080, annotations: {example.org/a: "1"}}
ingress: {enabled: true, className: nginx, host: rcm.example.org, tlsSecretName: rcm-tls, annotations: {example.org/b: "true"}}
networkPolicy:
  gatewayFrom: [{namespaceSelector: {}}]
  metricsFrom: [{namespaceSelector: {matchLabels: {name: monitoring}}, podSelector: {}}]
  postgresql: {port: 6432, to: [{ipBlock: {cidr: 10.1.0.0/16, except: [10.1.9.0/24]}}]}
  kafka: {to: [{podSelector: {matchLabels: {app: kafka}}}]}
monitoring: {serviceMonitor: {enabled: true, labels: {release: prometheus}}, rules: {enabled: true, labels: {role: alert}}, dashboard: {enabled: true}}
priorityClassName: high
nodeSelector: {kubernetes.io/arch: amd64}
tolerations: [{key: dedicated, operator: Exists}]
podAnnotations: {example.org/c: "yes"}
`},
	// Values that YAML or a template could take for something else.
	{name: "hostile", values: `
fullnameOverride: a-name-that-is-much-too-long-for-the-names-of-everything-in-it
podAnnotations: {a: "no", b: "0123", c: "{{ .Values }}", d: "x: y # z", e: "line\nline", f: "'\""}
targets: {claims: {env: {A: "true", B: "0x10", C: "- a\n- b", D: "$(POD_NAME)", E: "{{ fail }}"}}}
service: {annotations: {g: "null", h: "~"}}
telemetry: {otlpEndpoint: "https://collector.example.org:4317", sampleRatio: 0}
nodeSelector: {on: "off", y: "1e3"}
`},
}

// doc is a YAML document.
type doc = map[string]any

// tool is a program of scripts/tools.sh.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, ".bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if testing.Short() {
			t.Skipf("%s is not built: sh scripts/tools.sh", name)
		}
		t.Fatalf("%s is not built: run `sh scripts/tools.sh`, then this test again", name)
	}
	return path
}

// run runs a program and returns what it prints, and what it complains of.
func run(t *testing.T, name string, args ...string) (out []byte, problems string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, name), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), err.Error() + ": " + stderr.String()
	}
	return stdout.Bytes(), ""
}

func parsed[T any](t *testing.T, text []byte) (value T) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	return value
}

// flags of helm for a set.
func (s set) flags(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, f := range s.files {
		out = append(out, "--values="+filepath.Join(chart, f))
	}
	if s.values != "" {
		path := filepath.Join(t.TempDir(), "values.yaml")
		if err := os.WriteFile(path, []byte(s.values), 0o600); err != nil {
			t.Fatal(err)
		}
		out = append(out, "--values="+path)
	}
	return out
}

// render is what helm would install.
func (s set) render(t *testing.T) []byte {
	t.Helper()
	out, problems := run(t, "helm", append([]string{"template", "rcm", chart, "--namespace=billing"}, s.flags(t)...)...)
	if problems != "" {
		t.Fatal(problems)
	}
	return out
}

// manifests is what chartcheck says of a file.
type manifests struct {
	File     string
	Docs     []doc
	Problems []string
}

// kube reads manifests as strictly as an API server would, all in one go.
func kube(t *testing.T, texts ...[]byte) (out []manifests) {
	t.Helper()
	args := []string{"kube"}
	for i, text := range texts {
		path := filepath.Join(t.TempDir(), strconv.Itoa(i)+".yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	printed, problems := run(t, "chartcheck", args...)
	for line := range bytes.Lines(printed) {
		out = append(out, parsed[manifests](t, line))
	}
	if len(out) != len(texts) {
		t.Fatalf("chartcheck read %d of %d files: %s", len(out), len(texts), problems)
	}
	return out
}

func TestTheChartPassesHelmLint(t *testing.T) {
	for _, s := range sets {
		t.Run(s.name, func(t *testing.T) {
			if out, problems := run(t, "helm", append([]string{"lint", "--strict", chart}, s.flags(t)...)...); problems != "" {
				t.Errorf("%s\n%s", problems, out)
			}
		})
	}
}

func TestEveryDocumentFitsKubernetesAndThePolicies(t *testing.T) {
	cmd := readCommands(t)
	for _, s := range sets {
		t.Run(s.name, func(t *testing.T) {
			m := kube(t, s.render(t))[0]
			for _, p := range append(m.Problems, policies(s, cmd, m.Docs)...) {
				t.Error(p)
			}
		})
	}
}

// What helm refuses to render, and the words that must say why.
func TestWrongValuesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, values string
		files        []string
		says         []string
	}{
		{name: "a misspelt setting", values: "replicas: 2", says: []string{"'replicas' not allowed"}},
		{name: "a misspelt setting of a target", values: "targets: {claims: {replica: 2}}", says: []string{"'replica' not allowed"}},
		{name: "a target that does not exist", values: "targets: {billing: {}}", says: []string{"'billing' not allowed"}},
		{name: "a password in the URL", values: "database: {url: 'postgres://user:pw@db/evenkeel'}", says: []string{"/database/url"}},
		{name: "no broker", values: "kafka: {brokers: []}", says: []string{"/kafka/brokers"}},
		{name: "partitions that can't be doubled", values: "kafka: {partitions: 12}", says: []string{"/kafka/partitions"}},
		{name: "a mechanism that is not spoken", values: "kafka: {sasl: {mechanism: GSSAPI}}", says: []string{"/kafka/sasl/mechanism"}},
		{name: "a password for Kafka in the values", values: "kafka: {sasl: {password: secret}}", says: []string{"/kafka/sasl/password"}},
		{name: "half a way to sign in to Kafka", values: "kafka: {sasl: {mechanism: PLAIN}}", says: []string{"kafka.sasl.username", "kafka.sasl.password.secretName", "kafka.tls.enabled"}},
		{name: "an authority of Kafka that nobody asks", values: "kafka: {tls: {ca: {secretName: ca}}}", says: []string{"kafka.tls.enabled"}},
		{name: "a stop time that the program does not keep", values: "shutdown: {stopSeconds: 60}", says: []string{"/shutdown/stopSeconds"}},
		{name: "a digest that is none", values: "image: {digest: latest}", says: []string{"/image/digest"}},
		{name: "production as it comes", files: []string{"values-production.yaml"}, says: []string{"image.digest", "ingress.host", "ingress.tlsSecretName"}},
		{name: "an authority that nobody asks", values: "database: {ca: {secretName: ca}}", says: []string{"sslrootcert"}},
		{
			name: "a sandbox in production", files: []string{"values-production.yaml"}, values: "{image: {digest: '" + digest + "'}, sandbox: {enabled: true}, ingress: {enabled: false}}",
			says: []string{"sandbox.enabled"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := set{files: c.files, values: c.values}
			_, problems := run(t, "helm", append([]string{"template", "rcm", chart}, s.flags(t)...)...)
			if problems == "" {
				t.Fatal("it was rendered")
			}
			for _, want := range c.says {
				if !strings.Contains(problems, want) {
					t.Errorf("the refusal does not say %q:\n%s", want, problems)
				}
			}
		})
	}
}

// A fault is a replacement in what was rendered; the word must be in a finding.
func TestPlantedFaultsAreFound(t *testing.T) {
	cmd := readCommands(t)
	byName := map[string]set{}
	rendered := map[string]string{}
	for _, s := range sets {
		byName[s.name] = s
	}
	faults := []struct{ name, set, old, new, says string }{
		// What the API server would refuse or drop.
		{"an unknown field", "default", "readinessProbe:", "readynessProbe:", "readynessProbe"},
		{"a number as text", "default", "containerPort: 9091", `containerPort: "9091"`, "containerPort"},
		{"a field twice", "default", "revisionHistoryLimit: 5", "revisionHistoryLimit: 5\n  replicas: 3", "replicas"},
		{"no selector", "default", "  selector:\n    matchLabels:\n      app.kubernetes.io/name: evenkeel\n      app.kubernetes.io/instance: rcm\n      app.kubernetes.io/component: claims\n  strategy", "  strategy", "selector"},
		{"two of one name", "default", "name: rcm-evenkeel-coding\n", "name: rcm-evenkeel-claims\n", "there are two"},
		{"an unknown kind", "default", "kind: NetworkPolicy", "kind: NetworkPolicies", "NetworkPolicies"},
		// What it would take.
		{"root", "default", "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"},
		{"a writable root", "default", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "readOnlyRootFilesystem"},
		{"more privileges", "default", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "allowPrivilegeEscalation"},
		{"capabilities", "default", "drop: [ALL]", "drop: [NET_RAW]", "capabilities"},
		{"no seccomp", "default", "type: RuntimeDefault", "type: Unconfined", "seccomp"},
		{"a token in the pod", "default", "      automountServiceAccountToken: false", "      automountServiceAccountToken: true", "automountServiceAccountToken"},
		{"Kubernetes' variables", "default", "enableServiceLinks: false", "enableServiceLinks: true", "enableServiceLinks"},
		{"a probe of a port that is not there", "default", "{path: /livez, port: ops}", "{path: /livez, port: metrics}", "port metrics"},
		{"liveness asks the database", "default", "httpGet: {path: /livez, port: ops}", "httpGet: {path: /readyz, port: ops}", "livenessProbe"},
		{"a Service of nobody", "default", "  selector:\n    app.kubernetes.io/name: evenkeel\n    app.kubernetes.io/instance: rcm\n    app.kubernetes.io/component: claims", "  selector:\n    app: claims", "selects no"},
		{"a port without a name", "default", "        - name: grpc\n              containerPort: 9090", "        - containerPort: 9090", "name"},
		{"killed before it is done", "default", "terminationGracePeriodSeconds: 50", "terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds"},
		{"a rollout with a pause", "default", "maxUnavailable: 0", "maxUnavailable: 1", "maxUnavailable"},
		{"memory that the collector may not keep to", "default", "value: 230MiB", "value: 300MiB", "GOMEMLIMIT"},
		{"a flag that the program does not have", "default", "--ops-addr=", "--operations-addr=", "--operations-addr"},
		{"a setting that the program does not have", "default", "EVENKEEL_KAFKA_BROKERS", "EVENKEEL_BROKERS", "EVENKEEL_BROKERS"},
		{"a secret that nobody was asked for", "default", "name: evenkeel-migration", "name: evenkeel-admin", "evenkeel-admin"},
		{"a key that nobody was asked for", "default", "key: secret", "key: hex", "hex"},
		{"the secret elsewhere", "default", "mountPath: /etc/evenkeel/master", "mountPath: /etc/evenkeel/keys", "EVENKEEL_SECRET_FILE"},
		{"Kafka's password elsewhere", "everything", "mountPath: /etc/evenkeel/kafka-password", "mountPath: /etc/evenkeel/password", "EVENKEEL_KAFKA_PASSWORD_FILE"},
		{"Kafka's password in the clear", "everything", "EVENKEEL_KAFKA_PASSWORD_FILE", "EVENKEEL_KAFKA_PASSWORD", "EVENKEEL_KAFKA_PASSWORD"},
		{"a configuration that is not there", "default", "configMapRef:\n                name: rcm-evenkeel", "configMapRef:\n                name: evenkeel", "ConfigMap evenkeel"},
		{"a change that restarts nobody", "default", "checksum/config", "checksum/values", "checksum/config"},
		{"addresses of nobody", "default", "default=rcm-evenkeel-{}:9090", "default=evenkeel-{}:9090", "evenkeel-claims"},
		{"an open door", "default", "name: rcm-evenkeel-default-deny", "name: rcm-evenkeel-default", "default-deny"},
		{"a closed door", "default", "port: grpc, protocol", "port: rpc, protocol", "rpc"},
		{"a target left out", "default", "app.kubernetes.io/component: claims\nspec:\n  replicas", "app.kubernetes.io/component: claim\nspec:\n  replicas", "claim"},
		{"a cookie in the clear", "default", "            - --secure-cookies\n", "", "secure-cookies"},
		{"a sandbox clock for real patients", "default", "--partitions=8", "--sandbox-clock", "sandbox"},
		{"no budget", "production", "kind: PodDisruptionBudget\nmetadata:\n  name: rcm-evenkeel-posting\n", "kind: PodDisruptionBudget\nmetadata:\n  name: rcm-evenkeel-postings\n", "PodDisruptionBudget"},
		{"an image by tag", "production", "image: evenkeel@" + digest, "image: evenkeel:0.1.0", "digest"},
		{"spread by a label that pods don't have", "production", "app.kubernetes.io/component: posting\n          matchLabelKeys", "app.kubernetes.io/component: postings\n          matchLabelKeys", "topologySpread"},
		{"an entrance to nobody", "production", "service:\n                name: rcm-evenkeel-gateway", "service:\n                name: rcm-gateway", "rcm-gateway"},
		{"an entrance in the clear", "production", "  tls:\n    - hosts: [\"rcm.example.org\"]\n      secretName: rcm-tls\n", "", "tls"},
		{"metrics of nobody", "production", "port: ops\n      path", "port: metrics\n      path", "ServiceMonitor"},
		{"a label overwritten", "production", "honorLabels: true", "honorLabels: false", "honorLabels"},
		{"a secret in the clear", "production", "kind: ConfigMap", "kind: Secret", "Secret"},
		{"a migration that is no hook", "production", "helm.sh/hook: pre-install,pre-upgrade", "helm.sh/hook: post-install", "hook"},
	}
	var spoilt [][]byte
	for _, f := range faults {
		if rendered[f.set] == "" {
			rendered[f.set] = string(byName[f.set].render(t))
		}
		text := strings.ReplaceAll(rendered[f.set], f.old, f.new)
		if text == rendered[f.set] {
			t.Errorf("%s: the fault was not planted: %q is not there", f.name, f.old)
		}
		spoilt = append(spoilt, []byte(text))
	}
	for i, m := range kube(t, spoilt...) {
		f := faults[i]
		found := m.Problems
		if len(found) == 0 {
			found = policies(byName[f.set], cmd, m.Docs)
		}
		if all := strings.Join(found, "\n"); !strings.Contains(all, f.says) {
			t.Errorf("%s: %q is in no finding:\n%s", f.name, f.says, all)
		}
	}
}

// What is printed after an install names what is there.
func TestTheNotesNameWhatIsThere(t *testing.T) {
	for _, s := range sets {
		out, problems := run(t, "helm", append([]string{"install", "rcm", chart, "--namespace=billing", "--dry-run=client"}, s.flags(t)...)...)
		if problems != "" {
			t.Fatal(problems)
		}
		_, notes, ok := strings.Cut(string(out), "NOTES:")
		if !ok {
			t.Fatalf("%s: there are no notes", s.name)
		}
		docs := kube(t, s.render(t))[0].Docs
		for _, m := range regexp.MustCompile(`(deploy|service)/(\S+)`).FindAllStringSubmatch(notes, -1) {
			kind := map[string]string{"deploy": "Deployment", "service": "Service"}[m[1]]
			if find(docs, kind, m[2]) == nil {
				t.Errorf("%s: the notes speak of %s %s, which is not there", s.name, kind, m[2])
			}
		}
	}
}
