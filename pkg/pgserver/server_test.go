package pgserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// holdVariable makes the test binary a second process that runs a server on the folder named in it.
const holdVariable = "PGSERVER_TEST_HOLD"

func TestMain(m *testing.M) {
	MaybeHelper()
	if folder := os.Getenv(holdVariable); folder != "" {
		server, err := Start(context.Background(), Options{Dir: folder, Log: quiet})
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("server", server.PID())
		select {}
	}
	os.Exit(m.Run())
}

var quiet = slog.New(slog.DiscardHandler)

// folder is one that PostgreSQL's account can reach also where the tests run as root, whose t.TempDir is closed to others.
func folder(t *testing.T) string {
	t.Helper()
	above, err := os.MkdirTemp("", "pgserver-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(above); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(above, 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(above, "pg")
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	o.Log = quiet
	server, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return server
}

func query(t *testing.T, server *Server, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var answer string
	if err := conn.QueryRow(t.Context(), sql).Scan(&answer); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

// wantSentence wants one line with all the parts.
func wantSentence(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is more than one line", err)
	}
}

func until(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for !holds() {
		if !pause(ctx, poll) {
			t.Fatalf("%s: not in time", what)
		}
	}
}

func TestServer(t *testing.T) {
	dir := folder(t)
	server := start(t, Options{Dir: dir})
	query(t, server, "CREATE TABLE kept AS SELECT 'still here'::text AS said")

	t.Run("it flushes, and leaves statements out of its log", func(t *testing.T) {
		for setting, want := range map[string]string{
			"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "server_encoding": "UTF8", "lc_collate": "C",
			"listen_addresses": "", "jit": "off", "shared_buffers": "128MB", "max_wal_size": "4GB", "timezone": "UTC",
		} {
			if setting == "lc_collate" { // a setting until version 15, a column of the database in all
				if got := query(t, server, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'"); got != want {
					t.Errorf("%s is %q, want %q", setting, got, want)
				}
				continue
			}
			if got := query(t, server, "SELECT current_setting('"+setting+"')"); got != want {
				t.Errorf("%s is %q, want %q", setting, got, want)
			}
		}
		conn, err := pgx.Connect(t.Context(), server.URL())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		for _, wrong := range []string{
			"SELECT 'Annabel Quimby'::integer",
			"CREATE UNIQUE INDEX ON kept (said); INSERT INTO kept VALUES ('Annabel Quimby'), ('Annabel Quimby')",
			"DO $$ BEGIN RAISE WARNING 'Annabel Quimby'; RAISE 'Annabel Quimby'; END $$",
		} {
			if _, err := conn.Exec(t.Context(), wrong); err == nil {
				t.Errorf("%s was accepted", wrong)
			}
		}
		text, err := os.ReadFile(filepath.Join(dir, logFile))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "Quimby") || !strings.Contains(string(text), "ready to accept connections") {
			t.Errorf("the log names a patient, or nothing at all:\n%s", text)
		}
	})

	t.Run("the password is needed, and only the owner can read it", func(t *testing.T) {
		_, err := pgx.Connect(t.Context(), strings.Replace(server.URL(), superuser+":", superuser+":x", 1))
		if refused := (*pgconn.PgError)(nil); !errors.As(err, &refused) || refused.Code != "28P01" {
			t.Errorf("with a wrong password: %v", err)
		}
		for name, want := range map[string]os.FileMode{"password": 0o600, "pgdata": os.ModeDir | 0o700, ".": os.ModeDir | 0o700} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode() != want {
				t.Errorf("%s: %v, %v, want mode %v", name, info, err, want)
			}
		}
	})

	t.Run("a second server on the same folder is refused, with the holder's pid", func(t *testing.T) {
		_, err := Start(t.Context(), Options{Dir: dir, Log: quiet})
		wantSentence(t, err, dir+" is in use by another process (pid "+strconv.Itoa(os.Getpid())+")")
	})

	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("a stop in order leaves no process, socket or pid file", func(t *testing.T) {
		<-server.Done()
		for _, name := range []string{"pgdata/postmaster.pid", ".s.PGSQL.5432"} {
			if _, err := os.Stat(filepath.Join(dir, name)); !os.IsNotExist(err) {
				t.Errorf("%s is still there (%v)", name, err)
			}
		}
	})

	t.Run("the next start keeps the data", func(t *testing.T) {
		again := start(t, Options{Dir: dir})
		if got := query(t, again, "SELECT said FROM kept"); got != "still here" {
			t.Errorf("%q", got)
		}
	})
}

func TestKilledParent(t *testing.T) {
	t.Parallel()
	kill := func(t *testing.T, dir string) (pid int) {
		t.Helper()
		parent, pid := hold(t, dir, nil)
		if err := parent.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		parent.Wait() // says it was killed
		return pid
	}
	dir := folder(t)
	t.Run("the server ends by itself", func(t *testing.T) {
		pid := kill(t, dir)
		until(t.Context(), t, "the killed parent's server ends", func() bool { return !lives(t, dir, pid) })
		if err := start(t, Options{Dir: dir}).Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("a start that comes sooner waits for it", func(t *testing.T) {
		pid := kill(t, dir)
		server := start(t, Options{Dir: dir})
		if lives(t, dir, pid) || server.PID() == pid {
			t.Errorf("the killed parent's server (pid %d) still runs", pid)
		}
		query(t, server, "SELECT 'works'")
	})
}

// lives: a process that has ended counts as dead even where nobody asks for its result, as in a container without an init.
func lives(t *testing.T, dir string, pid int) bool {
	t.Helper()
	pids, err := livingIn(filepath.Join(dir, "pgdata"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(pids, pid)
}

func TestRootTakesOver(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	t.Parallel()
	dir := folder(t)
	nobody := account{uid: 65534, gid: 65534, drop: true}
	if err := nobody.own(dir); err != nil {
		t.Fatal(err)
	}
	parent, _ := hold(t, dir, nobody.process())
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	parent.Wait() // says it was killed
	server := start(t, Options{Dir: dir})
	info, err := os.Stat(fmt.Sprintf("/proc/%d", server.PID()))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != nobody.uid {
		t.Errorf("root's server does not run as the owner of the data, nobody: %v, %v", info, err)
	}
}

func TestKilledServer(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	server := start(t, Options{Dir: dir})
	query(t, server, "CREATE TABLE kept AS SELECT 'still here'::text AS said")
	if err := syscall.Kill(server.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-server.Done()
	if err := server.Stop(t.Context()); err != nil {
		t.Errorf("stop of a server that is gone: %v", err)
	}
	again := start(t, Options{Dir: dir})
	if got := query(t, again, "SELECT said FROM kept"); got != "still here" {
		t.Errorf("%q", got)
	}
}

func TestStalePidOfAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	server := start(t, Options{Dir: dir})
	pidFile := filepath.Join(dir, "pgdata", "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	// As after a power failure, when the id has gone to a process of the same user: here one that does nothing.
	who, err := accountFor(filepath.Join(dir, "pgdata"))
	if err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), "cat")
	other.SysProcAttr, other.Dir = who.process(), "/"
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(other.Process.Pid)+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	if who.drop {
		if err := os.Chown(pidFile, int(who.uid), int(who.gid)); err != nil {
			t.Fatal(err)
		}
	}
	query(t, start(t, Options{Dir: dir}), "SELECT 'works'")
	stdin.Close()
	if err := other.Wait(); err != nil {
		t.Errorf("the other process did not live on: %v", err)
	}
}

func TestUnfinishedClusterIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	if err := os.MkdirAll(filepath.Join(dir, "pgdata.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	query(t, start(t, Options{Dir: dir}), "SELECT 'works'")
}

func TestEndedStartLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Options{Dir: dir, Log: quiet}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
	query(t, start(t, Options{Dir: dir}), "SELECT 'works'")
}

func TestLongPath(t *testing.T) {
	dir := filepath.Join(folder(t), strings.Repeat("long", 25))
	server := start(t, Options{Dir: dir})
	query(t, server, "SELECT 'works'")
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.Stat(server.socket); !os.IsNotExist(err) {
		t.Errorf("the socket's folder is still there: %v, %v", left, err)
	}
	t.Run("no short place at all", func(t *testing.T) {
		temp := filepath.Join(dir, "temporary")
		if err := os.Mkdir(temp, 0o711); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TMPDIR", temp)
		_, err := Start(t.Context(), Options{Dir: dir, Log: quiet})
		wantSentence(t, err, dir, "is short enough to hold a socket")
		if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
			t.Errorf("%v is left, %v", left, err)
		}
	})
}

func TestEnvironmentDoesNotSteer(t *testing.T) {
	t.Setenv("PGPORT", "6543")
	t.Setenv("PGDATA", "/nowhere")
	t.Setenv("PGHOST", "example.invalid")
	if got := query(t, start(t, Options{Dir: folder(t)}), "SELECT current_setting('port')"); got != "5432" {
		t.Errorf("port %s", got)
	}
}

func TestRefusals(t *testing.T) {
	own := func(t *testing.T, dir string) account {
		t.Helper()
		who, err := accountFor(filepath.Join(dir, "pgdata"))
		if err != nil {
			t.Fatal(err)
		}
		if err := who.own(dir); err != nil {
			t.Fatal(err)
		}
		return who
	}
	cluster := func(t *testing.T, dir, version string) {
		t.Helper()
		who := own(t, dir)
		if err := who.own(filepath.Join(dir, "pgdata")); err != nil {
			t.Fatal(err)
		}
		if version != "" {
			if err := os.WriteFile(filepath.Join(dir, "pgdata", "PG_VERSION"), []byte(version+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Run("data of another major version names both", func(t *testing.T) {
		dir := folder(t)
		cluster(t, dir, "13")
		_, err := Start(t.Context(), Options{Dir: dir, Log: quiet})
		wantSentence(t, err, "was written by PostgreSQL 13", dir, "install the server of version 13")
	})
	t.Run("also when the programs are given", func(t *testing.T) {
		dir, programs := folder(t), filepath.Join(folder(t), "bin")
		cluster(t, dir, "13")
		pretend(t, programs, "postgres (PostgreSQL) 16.4 (Debian 16.4-1)")
		_, err := Start(t.Context(), Options{Dir: dir, Bin: programs, Log: quiet})
		wantSentence(t, err, "was written by PostgreSQL 13, and "+programs+" holds version 16.4, which can't read it")
	})
	t.Run("also when they would be fetched", func(t *testing.T) {
		dir := folder(t)
		cluster(t, dir, "15")
		_, err := Start(t.Context(), Options{Dir: dir, Bin: Fetch, Log: quiet})
		wantSentence(t, err, "was written by PostgreSQL 15, and version 18", "would be fetched")
	})
	t.Run("a cluster without its version", func(t *testing.T) {
		dir := folder(t)
		cluster(t, dir, "")
		_, err := Start(t.Context(), Options{Dir: dir, Log: quiet})
		wantSentence(t, err, "pgdata holds no PostgreSQL cluster")
	})
	t.Run("EVENKEEL_PG_BIN without programs", func(t *testing.T) {
		t.Setenv("EVENKEEL_PG_BIN", "/nowhere")
		_, err := Start(t.Context(), Options{Dir: folder(t), Log: quiet})
		wantSentence(t, err, "EVENKEEL_PG_BIN must name a folder with initdb and postgres of version 15 or newer", "/nowhere")
	})
	t.Run("programs too old", func(t *testing.T) {
		programs := filepath.Join(folder(t), "bin")
		pretend(t, programs, "postgres (PostgreSQL) 14.9")
		_, err := Start(t.Context(), Options{Dir: folder(t), Bin: programs, Log: quiet})
		wantSentence(t, err, "of version 15 or newer", programs+" holds version 14.9")
	})
	t.Run("a password lost", func(t *testing.T) {
		dir := folder(t)
		if err := start(t, Options{Dir: dir}).Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "password"), []byte("another\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), Options{Dir: dir, Log: quiet})
		wantSentence(t, err, "does the file password belong to this cluster?")
		if err := os.Remove(filepath.Join(dir, "password")); err != nil {
			t.Fatal(err)
		}
		_, err = Start(t.Context(), Options{Dir: dir, Log: quiet})
		wantSentence(t, err, "read the database's password", dir)
	})
	t.Run("a setting PostgreSQL does not know", func(t *testing.T) {
		dir := folder(t)
		_, err := Start(t.Context(), Options{Dir: dir, Log: quiet, Settings: map[string]string{"shared_bufers": "1GB"}})
		wantSentence(t, err, "PostgreSQL does not start on "+dir, `unrecognized configuration parameter "shared_bufers"`)
	})
	t.Run("a place closed to this user", func(t *testing.T) {
		if os.Geteuid() == 0 {
			closed := t.TempDir() // root's own
			_, err := Start(t.Context(), Options{Dir: filepath.Join(closed, "pg"), Log: quiet})
			wantSentence(t, err, "PostgreSQL can't run as root", "can't enter", closed)
			return
		}
		_, err := Start(t.Context(), Options{Dir: "/usr/evenkeel", Log: quiet})
		wantSentence(t, err, "/usr/evenkeel", "not allowed for this user")
	})
}

func TestChoice(t *testing.T) {
	t.Parallel()
	above := folder(t)
	programs := func(version string) string {
		bin := filepath.Join(above, version, "bin")
		pretend(t, bin, "postgres (PostgreSQL) "+version)
		return bin
	}
	old, fifteen, seventeen, beta := programs("14.1"), programs("15.18"), programs("17.2"), programs("19beta1")
	empty := filepath.Join(above, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		folders []string
		cluster string
		want    string
	}{
		{"the highest for a new cluster", []string{fifteen, seventeen, old}, "", seventeen},
		{"a coming version counts as its major", []string{fifteen, beta}, "", beta},
		{"the cluster's own", []string{seventeen, fifteen}, "15", fifteen},
		{"none for none", []string{empty, old, "/nowhere"}, "", ""},
		{"none for one that can be fetched again", []string{fifteen}, "18", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			pgdata := filepath.Join(t.TempDir(), "pgdata")
			if c.cluster != "" {
				if err := os.Mkdir(pgdata, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(pgdata, "PG_VERSION"), []byte(c.cluster+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := choose(t.Context(), account{}, c.folders, pgdata)
			if err != nil || got.bin != c.want {
				t.Errorf("%q, %v, want %q", got.bin, err, c.want)
			}
		})
	}
}

func TestFetchedPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches 14 MB")
	}
	dir := folder(t)
	began := time.Now()
	server := start(t, Options{Dir: dir, Bin: Fetch})
	t.Logf("ready after %v", time.Since(began))
	if got := query(t, server, "SHOW server_version"); !strings.HasPrefix(got, strconv.Itoa(fetchedMajor)+".") {
		t.Errorf("version %s", got)
	}
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, fetchedName+".new*")); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}

	t.Run("they are used again without the network", func(t *testing.T) {
		t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
		for _, bin := range []string{Fetch, ""} {
			again := start(t, Options{Dir: dir, Bin: bin})
			if got := query(t, again, "SHOW server_version_num"); !strings.HasPrefix(got, strconv.Itoa(fetchedMajor)) {
				t.Errorf("version %s", got)
			}
			if err := again.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("no network is one sentence", func(t *testing.T) {
		t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
		fresh := folder(t)
		_, err := Start(t.Context(), Options{Dir: fresh, Bin: Fetch, Log: quiet})
		wantSentence(t, err, "no PostgreSQL from version 15 on is installed and none could be fetched", "unable to connect", "install the package postgresql")
	})
}

func TestFetchCutShort(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches 14 MB")
	}
	for name, sign := range map[string]string{
		"while a cluster is made for the trial": "PG_VERSION",
		"while the trial's server runs":         "postmaster.opts",
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			data := filepath.Join(scratch(filepath.Join(dir, fetchedName+".new")), "data")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, err := Start(ctx, Options{Dir: dir, Bin: Fetch, Log: quiet})
				ended <- err
			}()
			until(t.Context(), t, sign, func() bool {
				_, err := os.Stat(filepath.Join(data, sign))
				return err == nil
			})
			pid, _ := os.ReadFile(filepath.Join(data, "postmaster.pid")) // none yet, or of initdb's own server
			cancel()
			err := <-ended
			wantSentence(t, err, "fetch PostgreSQL: context canceled")
			if left, err := filepath.Glob(filepath.Join(dir, fetchedName+".new*")); err != nil || len(left) != 0 {
				t.Errorf("%v is left, %v", left, err)
			}
			first, _, _ := strings.Cut(string(pid), "\n")
			if cmdline, err := os.ReadFile("/proc/" + first + "/cmdline"); first != "" && err == nil && len(cmdline) > 0 {
				t.Errorf("the trial's server still runs: %q", cmdline)
			}
		})
	}
}

func TestHelperIsNotTheProgram(t *testing.T) {
	t.Setenv(helperVariable, "/nowhere")
	_, err := Start(t.Context(), Options{Dir: folder(t), Log: quiet})
	wantSentence(t, err, "does not call pgserver.MaybeHelper")
}

func TestOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to become another user; the other tests here ran as an ordinary one")
	}
	t.Parallel()
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	self, err := executable()
	if err != nil {
		t.Fatal(err)
	}
	uid, uidErr := strconv.Atoi(nobody.Uid)
	gid, gidErr := strconv.Atoi(nobody.Gid)
	if err := errors.Join(uidErr, gidErr); err != nil {
		t.Fatal(err)
	}
	binary := exec.CommandContext(t.Context(), self, "-test.run=^(TestServer|TestKilledParent|TestRefusals|TestFetchedPrograms)$", "-test.short="+strconv.FormatBool(testing.Short()))
	binary.Dir = "/"
	binary.Env = []string{"PATH=" + os.Getenv("PATH"), "HTTPS_PROXY=" + os.Getenv("HTTPS_PROXY")}
	binary.SysProcAttr = account{uid: uint32(uid), gid: uint32(gid), drop: true}.process()
	if out, err := binary.CombinedOutput(); err != nil {
		t.Errorf("as the user nobody: %v\n%s", err, out)
	}
}

// pretend makes programs that only know their version.
func pretend(t *testing.T, bin, version string) {
	t.Helper()
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for at := bin; strings.Contains(filepath.Base(filepath.Dir(at)), "pgserver-test") || at == bin; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\necho '"+version+"'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// hold starts a process that runs a server on dir, and returns when it is ready, with PostgreSQL's pid.
func hold(t *testing.T, dir string, as *syscall.SysProcAttr) (*exec.Cmd, int) {
	t.Helper()
	self, err := executable()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), self)
	other.Dir, other.SysProcAttr = "/", as
	other.Env = append(os.Environ(), holdVariable+"="+dir)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	number, found := strings.CutPrefix(strings.TrimSpace(said), "server ")
	pid, numberErr := strconv.Atoi(number)
	if err := errors.Join(err, numberErr); err != nil || !found {
		t.Fatalf("the other process says %q, %v", said, err)
	}
	return other, pid
}
