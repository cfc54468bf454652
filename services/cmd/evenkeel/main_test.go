package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/datadir"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/eventlog/pglog"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/pkg/seal"
)

// asProgram makes this test binary the program itself, so that what is tested is a process: its words, where they go, and its exit code.
const asProgram = "TEST_RUNS_THE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	pgtest.Main(m)
}

// said is how a command ended.
type said struct {
	code     int
	out, err string
}

// run runs a command in a home of its own, with nothing in the environment but what is given.
func run(t *testing.T, env []string, args ...string) said {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, wrong bytes.Buffer
	c := exec.CommandContext(t.Context(), self, args...)
	c.Dir = t.TempDir()
	c.Env = append([]string{asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir, "EVENKEEL_DATA_DIR=" + filepath.Join(c.Dir, "data")}, env...)
	c.Stdout, c.Stderr = &out, &wrong
	err = c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return said{c.ProcessState.ExitCode(), out.String(), wrong.String()}
}

// write puts a file for a command to read.
func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var secretText = strings.Repeat("5e", 32)

// What somebody typed wrong is said in a sentence on standard error, with the way to the help and no page of usage; exit code 2 says that nothing was tried, 1 that it was.
func TestWhatWasTypedWrongIsSaidInASentence(t *testing.T) {
	secret := write(t, secretText)
	for _, c := range []struct {
		name string
		args []string
		env  []string
		code int
		want []string // parts of the sentence
	}{
		{name: "no command", code: 2, want: []string{`expected one of "run", "serve"`, "See `evenkeel --help`."}},
		{name: "an unknown command", args: []string{"frobnicate"}, code: 2, want: []string{"unexpected argument frobnicate"}},
		{name: "an unknown flag", args: []string{"serve", "--wrong"}, code: 2, want: []string{"unknown flag --wrong", "See `evenkeel serve --help`."}},
		{name: "all that is missing is named at once", args: []string{"serve"}, code: 2, want: []string{"--database-url", "--kafka-brokers", "--secret-file"}},
		{name: "no events at all", args: []string{"events", "claims", "--limit=0"}, code: 2, want: []string{"--limit is at least 1", "0 and 0 were asked for"}},
		{name: "a number that is none", args: []string{"events", "claims", "--limit=few"}, code: 2, want: []string{"--limit", `"few"`}},
		{name: "a word that is none of the choice", args: []string{"dlq", "list", "--state=odd"}, code: 2, want: []string{`"dead","waiting","behind","ready","all"`, "See `evenkeel dlq list --help`."}},
		{name: "half a command", args: []string{"dlq"}, code: 2, want: []string{`"list", "show", "retry", "discard"`}},
		{name: "an argument that is missing", args: []string{"events"}, code: 2, want: []string{"<service>", "See `evenkeel events --help`."}},
		{name: "a file that is not there", args: []string{"import", "nowhere.edi"}, code: 2, want: []string{"nowhere.edi: no such file"}},
		{name: "a secret that is not there", args: []string{"serve", "--database-url=postgres://127.0.0.1:1/x", "--kafka-brokers=127.0.0.1:1", "--secret-file=nowhere"}, code: 2, want: []string{"--secret-file", "no such file"}},
		{name: "a secret that is none", args: []string{"migrate", "--database-url=postgres://127.0.0.1:1/x", "--secret-file=" + write(t, "short")}, code: 1, want: []string{"64 or more hexadecimal digits", "openssl rand -hex 32"}},
		{name: "a variable is a flag", args: []string{"serve", "--database-url=postgres://127.0.0.1:1/x", "--kafka-brokers=127.0.0.1:1", "--secret-file=" + secret}, env: []string{"EVENKEEL_PARTITIONS=many"}, code: 2, want: []string{"partitions", `"many"`}},
		{name: "a target that there is not", args: []string{"serve", "--target=claimz", "--database-url=postgres://127.0.0.1:1/x", "--kafka-brokers=127.0.0.1:1", "--secret-file=" + secret}, code: 1,
			want: []string{`no target "claimz"`, "registry, intake"}},
		{name: "no broker answers", args: []string{"serve", "--target=claims", "--database-url=postgres://127.0.0.1:1/x", "--kafka-brokers=127.0.0.1:1", "--secret-file=" + secret}, code: 1,
			want: []string{"no Kafka broker answers at 127.0.0.1:1"}},
		{name: "settings of Kafka that do not fit", args: []string{"serve", "--database-url=postgres://127.0.0.1:1/x", "--kafka-brokers=127.0.0.1:1", "--secret-file=" + secret, "--kafka-sasl-mechanism=PLAIN", "--kafka-username=u"},
			env: []string{"EVENKEEL_KAFKA_PASSWORD=p"}, code: 1, want: []string{"PLAIN sends the password as it is, so it needs TLS"}},
		{name: "a SASL mechanism that there is not, and nothing else", args: []string{"serve", "--database-url=postgres://127.0.0.1:1/x", "--kafka-brokers=127.0.0.1:1", "--secret-file=" + secret, "--kafka-sasl-mechanism=scram"}, code: 1,
			want: []string{"--kafka-sasl-mechanism=scram is none that is spoken here: want one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"}},
		{name: "a password for Kafka is no flag", args: []string{"serve", "--kafka-password=p"}, code: 2, want: []string{"unknown flag --kafka-password"}},
		{name: "a password for Kafka that is missing", args: []string{"serve", "--database-url=postgres://127.0.0.1:1/x", "--kafka-brokers=127.0.0.1:1", "--secret-file=" + secret, "--kafka-tls", "--kafka-sasl-mechanism=PLAIN", "--kafka-username=u"},
			code: 1, want: []string{"a SASL mechanism needs a password"}},
		{name: "a password for Kafka from a file", args: []string{"serve", "--target=claims", "--database-url=postgres://127.0.0.1:1/x", "--kafka-brokers=127.0.0.1:1", "--secret-file=" + secret, "--kafka-tls", "--kafka-sasl-mechanism=SCRAM-SHA-512", "--kafka-username=u",
			"--kafka-password-file=" + write(t, "p\n")}, code: 1, want: []string{"no Kafka broker answers at 127.0.0.1:1"}},
		{name: "no database answers", args: []string{"verify", "--database-url=postgres://127.0.0.1:1/x", "--secret-file=" + secret}, code: 1, want: []string{"the log of registry can't be reached (is the platform running?)", "no PostgreSQL answers at 127.0.0.1:1"}},
		{name: "a database without its secret", args: []string{"verify", "--database-url=postgres://127.0.0.1:1/x"}, code: 1, want: []string{"--database-url needs --secret-file"}},
		{name: "a service that there is not", args: []string{"events", "nobody"}, code: 1, want: []string{`no service "nobody"`, "registry, intake"}},
		{name: "no platform has run here", args: []string{"status"}, code: 1, want: []string{"no platform has run in ", "`make run`, or name another with --url and --api-key\n"}},
		{name: "a URL without its key", args: []string{"import", "--url=http://127.0.0.1:1", secret}, code: 1, want: []string{"--url needs --api-key"}},
		{name: "no platform and no database", args: []string{"verify"}, code: 1, want: []string{"or name the server with --database-url\n"}},
		{name: "no platform to rebuild", args: []string{"rebuild"}, code: 1, env: []string{"EVENKEEL_DATABASE_URL=postgres://127.0.0.1:1/x"}, want: []string{"no platform has run in ", "or name the server with --admin-database-url\n"}},
		{name: "a URL that is none", args: []string{"status", "--url=localhost:8080", "--api-key=k"}, code: 1, want: []string{"--url=localhost:8080 is no address of a platform: want http://host:port"}},
		{name: "nobody answers at a URL", args: []string{"status", "--url=http://127.0.0.1:1", "--api-key=k"}, code: 1, want: []string{"the platform does not answer at http://127.0.0.1:1"}},
		{name: "a demo group of no weeks", args: []string{"demo", "--weeks=0"}, code: 1, want: []string{"1 to 52 weeks", "0 and 150 were asked for"}},
		{name: "an address that is none", args: []string{"run", "--http-addr=here"}, code: 1, want: []string{"the address here can't be served"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := run(t, c.env, c.args...)
			if got.code != c.code || got.out != "" {
				t.Errorf("exit code %d, want %d; on standard output %q", got.code, c.code, got.out)
			}
			lines := strings.Split(strings.TrimSuffix(got.err, "\n"), "\n")
			if most := c.code; len(lines) > most || !strings.HasPrefix(got.err, "evenkeel: ") || strings.Contains(got.err, "Usage:") || strings.Contains(got.err, "goroutine ") {
				t.Errorf("%d lines, want %d at most: %s", len(lines), most, got.err)
			}
			for _, want := range c.want {
				if !strings.Contains(got.err, want) {
					t.Errorf("it does not say %q: %s", want, got.err)
				}
			}
		})
	}
}

func TestHelpIsNoError(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--help", "Usage: evenkeel <command>"}, {"serve --help", "--kafka-brokers"}, {"dlq list --help", "--state"}, {"events --help", "kind/id"}, {"--version", "dev"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			if got := run(t, nil, strings.Fields(c.args)...); got.code != 0 || got.err != "" || !strings.Contains(got.out, c.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestResetOfNothing(t *testing.T) {
	if got := run(t, nil, "reset", "--yes"); got.code != 0 || got.err != "" || !strings.HasSuffix(got.out, "is empty.\n") {
		t.Errorf("%+v", got)
	}
}

// The operator's commands on a database: made by migrate, read by the others.
func TestCommandsOnADatabase(t *testing.T) {
	admin := pgtest.URL(t, pgtest.WithFsync())
	file := write(t, secretText)
	env := []string{"EVENKEEL_DATABASE_URL=" + host.WithoutUser(admin), "EVENKEEL_SECRET_FILE=" + file, "EVENKEEL_ADMIN_DATABASE_URL=" + admin}
	for range 2 { // a second time changes nothing
		if got := run(t, env, "migrate"); got.code != 0 || got.out != "11 schemas are up to date.\n" || got.err != "" {
			t.Fatalf("migrate: %+v", got)
		}
	}
	fill(t, admin, file, "payer/pay_aetnaeast", "payer/pay_aetnawest", "payer/pay_harbor", "location/loc_1")

	t.Run("a stream that is not there is an error, with those that are named alike", func(t *testing.T) {
		for stream, want := range map[string]string{
			"payer/pay_zzzzzzzz":  "evenkeel: the log of registry has no stream payer/pay_zzzzzzzz\n",
			"payer/pay_aetna":     "evenkeel: the log of registry has no stream payer/pay_aetna: did you mean payer/pay_aetnaeast, payer/pay_aetnawest?\n",
			"payers/pay_harbor":   "evenkeel: the log of registry has no stream payers/pay_harbor: did you mean payer/pay_harbor?\n",
			"pay_harbor":          "evenkeel: the log of registry has no stream pay_harbor: a stream is named kind/id: did you mean payer/pay_harbor?\n",
			"payer/pay_harbr":     "evenkeel: the log of registry has no stream payer/pay_harbr: did you mean payer/pay_harbor?\n",
			"payer/pay_harborold": "evenkeel: the log of registry has no stream payer/pay_harborold: did you mean payer/pay_harbor?\n",
		} {
			for _, form := range [][]string{nil, {"--json"}} {
				if got := run(t, env, append([]string{"events", "registry", "--stream=" + stream}, form...)...); got.code != 1 || got.out != "" || got.err != want {
					t.Errorf("%s %v: %+v", stream, form, got)
				}
			}
		}
	})
	t.Run("events of a stream, and none after the last", func(t *testing.T) {
		got := run(t, env, "events", "registry", "--stream=payer/pay_harbor")
		if got.code != 0 || got.err != "" || strings.Count(got.out, "PayerRegistered") != 1 || strings.Contains(got.out, "aetna") {
			t.Errorf("%+v", got)
		}
		if got := run(t, env, "events", "registry", "--stream=payer/pay_harbor", "--after=99"); got.code != 0 || got.err != "" || strings.Contains(got.out, "Registered") {
			t.Errorf("after the last: %+v", got)
		}
		if got := run(t, env, "events", "registry", "--json"); got.code != 0 || strings.Count(got.out, `"stream":"payer/`) != 3 {
			t.Errorf("as JSON: %+v", got)
		}
	})
	t.Run("nothing is parked, and the one that is named is not there", func(t *testing.T) {
		if got := run(t, env, "dlq", "list"); got.code != 0 || got.out != "Nothing is parked: every event that arrived was handled.\n" {
			t.Errorf("%+v", got)
		}
		if got := run(t, env, "dlq", "retry", "claims", "posting", "7"); got.code != 1 || got.err != "evenkeel: claims has no parked event 7 of posting: see `evenkeel dlq list`\n" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("the logs and the books are right", func(t *testing.T) {
		if got := run(t, env, "verify"); got.code != 0 || got.err != "" || !strings.Contains(got.out, "The books balance: 0 legs sum to 0") {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a key is alone on its line, and a user's password, too", func(t *testing.T) {
		for _, args := range [][]string{{"key", "create", "ehr"}, {"user", "create", "ada@example.org"}} {
			if got := run(t, env, args...); got.code != 0 || got.err != "" || len(strings.Fields(got.out)) != 1 || strings.Count(got.out, "\n") != 1 {
				t.Errorf("%v: exit code %d: %s", args, got.code, got.err)
			}
		}
		if got := run(t, env, "key", "create", "ehr", "--role=emperor"); got.code != 1 || got.out != "" || !strings.Contains(got.err, "emperor") {
			t.Errorf("a role that there is not: %+v", got)
		}
	})
	t.Run("another secret does not get in, and breaks nothing", func(t *testing.T) {
		other := "--secret-file=" + write(t, strings.Repeat("0d", 32))
		got := run(t, env, "events", "registry", other)
		if got.code != 1 || got.out != "" || strings.Count(got.err, "\n") != 1 || !strings.HasSuffix(got.err, "says: password authentication failed for user \"evenkeel_registry\": run `evenkeel migrate` first, or name the master secret that it was run with\n") {
			t.Errorf("%+v", got)
		}
		if got := run(t, env, "migrate", other); got.code != 1 || got.out != "" || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, "this is not the master secret that the database was first migrated with") {
			t.Errorf("migrate: %+v", got)
		}
		if got := run(t, env, "events", "registry"); got.code != 0 || got.err != "" {
			t.Errorf("with the right one, afterwards: %+v", got)
		}
	})
	t.Run("what is sealed is opened", func(t *testing.T) {
		log, vault := open(t, admin, file, "intake")
		patient := func(id string) *intakev1.PatientRegistered {
			return &intakev1.PatientRegistered{PatientId: id, LocationId: "loc_1", Name: &typev1.PersonName{Last: "Zyxwvut"}}
		}
		register := func(id string, sealedFor uuid.UUID) {
			event := uuid.New()
			if sealedFor == uuid.Nil {
				sealedFor = event
			}
			m := patient(id)
			s, err := seal.NewCodec(vault).Seal(t.Context(), demoTenant, sealedFor.String(), m)
			if err != nil {
				t.Fatal(err)
			}
			add(t, log, "patient/"+id, m, event, s)
		}
		register("pat_1", uuid.Nil)
		if got := run(t, env, "verify"); got.code != 0 || got.err != "" {
			t.Errorf("%+v", got)
		}
		if err := vault.Shred(t.Context(), demoTenant, "pat_1"); err != nil {
			t.Fatal(err)
		}
		register("pat_2", uuid.New())
		got := run(t, env, "verify")
		if got.code != 1 || got.err != "evenkeel: 1 findings\n" || !strings.Contains(got.out, "position 2: open evenkeel.intake.v1.PatientRegistered ") || strings.Contains(got.out, "position 1") || strings.Contains(got.out, "Zyxwvut") {
			t.Errorf("a part of another event: %+v", got)
		}
	})
}

// open opens a service's log and the vault.
func open(t *testing.T, admin, secretFile, service string) (*pglog.Log, *seal.PG) {
	t.Helper()
	secret, err := host.ReadSecret(secretFile)
	if err != nil {
		t.Fatal(err)
	}
	u, err := host.RoleURL(host.WithoutUser(admin), secret, service)
	if err != nil {
		t.Fatal(err)
	}
	log, err := pglog.Open(t.Context(), u, pglog.Options{Service: service, Clock: func() time.Time { return recorded }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	vault, err := host.Vault(t.Context(), log.Pool(), secret, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return log, vault
}

var recorded = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// add appends one event.
func add(t *testing.T, log eventlog.Log, stream string, m proto.Message, event uuid.UUID, s seal.Sealed) {
	t.Helper()
	unit := eventlog.Unit{Appends: []eventlog.Append{{StreamKey: eventlog.StreamKey{Tenant: demoTenant, Stream: stream}, Events: []eventlog.Pending{{Message: m, Record: &platformv1.StoredEvent{
		EventId: event.String(), Type: string(m.ProtoReflect().Descriptor().FullName()), Schema: 1, OccurredOn: "2026-03-02", RecordedAt: timestamppb.New(recorded),
		Actor: "user:ada", CorrelationId: uuid.NewString(), Clear: s.Clear, Sealed: s.Sealed, Subject: s.Subject,
	}}}}}}
	if _, err := log.Append(t.Context(), unit); err != nil {
		t.Fatal(err)
	}
}

// fill appends an event to each stream of registry's log.
func fill(t *testing.T, admin, secretFile string, streams ...string) {
	t.Helper()
	log, _ := open(t, admin, secretFile, "registry")
	m := &registryv1.PayerRegistered{Name: "Somebody"}
	clear, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, stream := range streams {
		add(t, log, stream, m, uuid.New(), seal.Sealed{Clear: clear})
	}
}

// What a platform leaves in its folder outlives it: a command that goes by it asks nobody who may have the port since.
func TestAPlatformThatIsStopped(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("a stranger was asked %s", r.URL) }))
	defer stranger.Close()
	leave := func(t *testing.T, pid int, holder string) (dir string) {
		dir = t.TempDir()
		if err := (whereabouts{PID: pid, Console: stranger.URL + "/", APIKey: "k"}).write(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "lock"), []byte(holder), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for _, command := range [][]string{{"status"}, {"verify"}, {"events", "claims"}, {"rebuild"}, {"demo"}} {
		for name, holder := range map[string]string{"stopped": "", "killed": "1\n"} {
			dir := leave(t, 1, holder)
			got := run(t, nil, append(command, "--data-dir="+dir)...)
			if want := "evenkeel: the platform in " + dir + " is stopped: start it with `make run`\n"; got.code != 1 || got.out != "" || got.err != want {
				t.Errorf("%v %s: %+v", command, name, got)
			}
		}
	}
	dir := leave(t, 1, "")
	lock, err := datadir.LockFile(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Release() }()
	if got := run(t, nil, "status", "--data-dir="+dir); got.code != 1 || !strings.Contains(got.err, "is starting (pid ") {
		t.Errorf("a start that has not said yet where it is: %+v", got)
	}
}

// Somebody takes the connection and never answers: it is said at once who is tried, and after a bounded time that it was in vain.
func TestAURLThatIsSilent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	silent := "http://" + l.Addr().String()
	for _, command := range [][]string{{"status"}, {"demo"}, {"import", write(t, "ISA")}} {
		t.Run(command[0], func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			got := run(t, nil, append(command, "--url="+silent, "--api-key=k")...)
			want := "Trying " + silent + ", for 5 seconds at most.\nevenkeel: the platform does not answer at " + silent + " within 5 seconds: is the address right, and may this machine reach it?\n"
			if got.code != 1 || got.out != "" || got.err != want || time.Since(began) > 3*contactWithin {
				t.Errorf("%+v after %s", got, time.Since(began))
			}
		})
	}
}

// The status of a platform whose services do not all answer: the rows of those that do, and then which do not.
func TestStatusWithAServiceAway(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/openapi.json":
			_, _ = w.Write([]byte(`{"openapi": "3.1.0"}`))
		case "/v1/platform/status":
			_, _ = w.Write([]byte(`{"services": [{"service": "claims", "log_position": "7", "relayed_position": "7"}], "silent": [{"service": "intake", "detail": "the service intake does not answer"}]}`))
		}
	}))
	defer server.Close()
	for _, form := range [][]string{nil, {"--json"}} {
		got := run(t, nil, append([]string{"status", "--url=" + server.URL, "--api-key=k"}, form...)...)
		if got.code != 1 || !strings.Contains(got.out, "claims") || got.err != "evenkeel: the service intake does not answer\n" {
			t.Errorf("%v: %+v", form, got)
		}
	}
}

// Somebody else answers at the address, be it the platform's own probes: that is said, and nothing of how the answer could not be read.
func TestAURLOfSomethingElse(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"probes":        http.NotFound,
		"another page":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"another JSON":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"openapi": 3}`)) },
		"empty answers": func(http.ResponseWriter, *http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			got := run(t, nil, "status", "--url="+server.URL, "--api-key=k")
			if got.code != 1 || got.out != "" || strings.Count(got.err, "\n") != 1 || !strings.HasPrefix(got.err, "evenkeel: what answers at "+server.URL+" is not the REST API of Evenkeel (") {
				t.Errorf("%+v", got)
			}
		})
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	plain := "http" + strings.TrimPrefix(secure.URL, "https")
	if got := run(t, nil, "status", "--url="+plain, "--api-key=k"); got.code != 1 || !strings.Contains(got.err, plain+" is not the REST API of Evenkeel (400 Bad Request)") {
		t.Errorf("a port of TLS: %+v", got)
	}
}
