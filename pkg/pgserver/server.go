package pgserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/evenkeel/evenkeel/pkg/datadir"
)

const (
	superuser = "evenkeel"

	// A socket's path has room for 107 bytes on Linux and 103 elsewhere.
	maxSocketDir = 99 - len("/.s.PGSQL.5432")

	logFile     = "postgres.log"
	logKeep     = 10 << 20         // bytes; a longer log is put aside at the next start
	orphanLimit = 30 * time.Second // for a server whose parent died to write its last checkpoint
	poll        = 5 * time.Millisecond
)

// settings are the server's, beside those PostgreSQL chooses itself. fsync stays on.
var settings = map[string]string{
	"listen_addresses":        "",
	"port":                    "5432", // names the socket; PGPORT must not
	"unix_socket_permissions": "0700",
	"jit":                     "off", // compiling costs more than our short queries take
	"shared_buffers":          "128MB",
	"max_wal_size":            "4GB", // else checkpoints come every few seconds while the demo fills the log
	"timezone":                "UTC",
	"log_timezone":            "UTC",
	// Failed statements and their values may name a patient. Their errors go to the caller, not into this log.
	"log_min_messages":        "log",
	"log_min_error_statement": "panic",
	"log_error_verbosity":     "terse",
	"log_lock_waits":          "off",
	"log_statement":           "none",
}

// Options say where and how. Only Dir is needed.
type Options struct {
	Dir      string            // folder for the cluster, password, log and fetched programs; made if missing, held exclusively
	Bin      string            // folder of initdb and postgres, or Fetch; else EVENKEEL_PG_BIN, else what is installed, else fetched
	Programs string            // folder for fetched programs, which several servers may share; else Dir
	Log      *slog.Logger      // else slog.Default()
	Settings map[string]string // over ours; fsync=off, for tests, also leaves out the flush of a new cluster
}

// Server is a running PostgreSQL. It belongs to the caller, who stops it.
type Server struct {
	url    string
	lock   *datadir.Lock
	socket string // a folder to remove, where the data folder's path was too long for a socket
	log    *slog.Logger
	freed  sync.Once

	child  *exec.Cmd
	done   chan struct{} // closed when PostgreSQL has ended
	result error         // of PostgreSQL, once done
}

// Start brings up PostgreSQL on o.Dir and returns when it answers: a tenth of a second on an existing cluster, a second on
// a new one, some seconds more where the programs are fetched first; recovery after a crash takes what it takes.
// When ctx ends first, nothing stays behind.
func Start(ctx context.Context, o Options) (*Server, error) {
	if os.Getenv(helperVariable) != "" {
		return nil, errors.New("this process was started to fetch PostgreSQL, and its main does not call pgserver.MaybeHelper")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Bin == "" {
		o.Bin = os.Getenv("EVENKEEL_PG_BIN")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil || o.Dir == "" {
		return nil, fmt.Errorf("folder for PostgreSQL %q: an existing place is needed", o.Dir)
	}
	o.Dir = dir
	if o.Programs == "" {
		o.Programs = dir
	}
	pgdata := filepath.Join(dir, "pgdata")
	who, err := accountFor(pgdata)
	if err != nil {
		return nil, err
	}
	if err := who.own(dir); err != nil {
		return nil, err
	}
	lock, err := datadir.LockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock, log: o.Log, done: make(chan struct{})}
	if err := s.start(ctx, o, who, pgdata); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, o Options, who account, pgdata string) error {
	began := time.Now()
	programs, err := find(ctx, o, who, pgdata)
	if err != nil {
		return err
	}
	password, err := prepare(ctx, o, who, programs, pgdata)
	if err != nil {
		return err
	}
	if err := awaitPredecessor(ctx, pgdata); err != nil {
		return err
	}
	socket, err := s.socketDir(o.Dir, who)
	if err != nil {
		return err
	}
	s.url = (&url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, password), Path: "/postgres",
		RawQuery: url.Values{"host": {socket}, "port": {settings["port"]}, "sslmode": {"disable"}}.Encode(),
	}).String()

	log, err := openLog(filepath.Join(o.Dir, logFile))
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	before, err := log.Seek(0, 2)
	if err != nil {
		return fmt.Errorf("find the end of %s: %w", log.Name(), err)
	}
	args := []string{"-D", pgdata, "-c", "unix_socket_directories=" + socket}
	merged := maps.Clone(settings)
	maps.Copy(merged, o.Settings)
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		args = append(args, "-c", name+"="+merged[name])
	}
	s.child = exec.Command(filepath.Join(programs.bin, "postgres"), args...)
	s.child.Dir = o.Dir
	s.child.Env = environment()
	s.child.Stdout, s.child.Stderr = log, log
	s.child.SysProcAttr = who.process()
	s.child.SysProcAttr.Setpgid = true // Ctrl-C is for us; we stop it in order
	dieWithParent(s.child.SysProcAttr)
	if err := s.run(); err != nil {
		return explain("start "+s.child.Path, err)
	}
	if err := s.ready(ctx); err != nil {
		select {
		case <-s.done: // by itself, for a reason that its log names
			why := fatal(log.Name(), before)
			if why == "" {
				why = err.Error()
			}
			return fmt.Errorf("PostgreSQL does not start on %s: %s (more in %s)", pgdata, why, log.Name())
		default:
			return errors.Join(err, s.end(context.WithoutCancel(ctx)))
		}
	}
	s.log.InfoContext(ctx, "PostgreSQL is ready", "version", programs.version, "bin", programs.bin,
		"data", pgdata, "took", time.Since(began).Round(time.Millisecond).String())
	return nil
}

// find decides which programs to run.
func find(ctx context.Context, o Options, who account, pgdata string) (installation, error) {
	switch o.Bin {
	case "":
	case Fetch:
		want, err := clusterMajor(pgdata)
		if err != nil {
			return installation{}, err
		}
		if want != 0 && want != fetchedMajor {
			return installation{}, fmt.Errorf("the data in %s was written by PostgreSQL %d, and version %s would be fetched, which can't read it: unset EVENKEEL_PG_BIN",
				pgdata, want, fetchedVersion)
		}
		return fetch(ctx, who, o.Programs, o.Log)
	default:
		return given(ctx, who, o.Bin, pgdata)
	}
	found, err := choose(ctx, who, installed(o.Programs), pgdata)
	if err != nil || found.bin != "" {
		return found, err
	}
	return fetch(ctx, who, o.Programs, o.Log)
}

// prepare makes the cluster and its password if they are not there, and returns the password. The cluster gets its name
// last: what a crash leaves behind is thrown away by the next start.
func prepare(ctx context.Context, o Options, who account, programs installation, pgdata string) (string, error) {
	passwordFile := filepath.Join(o.Dir, "password")
	if _, err := os.Stat(pgdata); err == nil {
		text, err := os.ReadFile(passwordFile)
		if err != nil {
			return "", explain("read the database's password", err)
		}
		return strings.TrimSpace(string(text)), nil
	}
	fresh := pgdata + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return "", explain("remove the unfinished "+fresh, err)
	}
	password, err := newPassword(passwordFile, who)
	if err != nil {
		return "", err
	}
	args := []string{"-D", fresh, "-U", superuser, "-A", "scram-sha-256", "--pwfile=" + passwordFile, "-E", "UTF8", "--locale=C"}
	if o.Settings["fsync"] == "off" {
		args = append(args, "--no-sync")
	}
	initdb := exec.CommandContext(ctx, filepath.Join(programs.bin, "initdb"), args...)
	initdb.Dir = o.Dir
	initdb.Env = environment()
	initdb.SysProcAttr = who.process()
	if out, err := initdb.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("make the database cluster %s: %w", pgdata, ctx.Err())
		}
		return "", fmt.Errorf("make the database cluster %s: %s (%w)", pgdata, initdbError(string(out)), err)
	}
	if err := os.Rename(fresh, pgdata); err != nil {
		return "", explain("put the database cluster in place", err)
	}
	return password, syncFolder(o.Dir)
}

// newPassword writes a random password where only the account (and root) can read it.
func newPassword(file string, who account) (string, error) {
	random := make([]byte, 24)
	rand.Read(random) // never fails
	password := hex.EncodeToString(random)
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", explain("remove the unused "+file, err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", explain("keep the database's password", err)
	}
	defer f.Close()
	_, err = f.WriteString(password + "\n")
	if err == nil && who.drop {
		err = f.Chown(int(who.uid), int(who.gid))
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return "", explain("keep the database's password", err)
	}
	return password, nil
}

// awaitPredecessor lets a server whose parent died finish. We hold the folder's lock, so any process that still works in
// the cluster is an orphan.
func awaitPredecessor(ctx context.Context, pgdata string) error {
	pidFile := filepath.Join(pgdata, "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	if errors.Is(err, fs.ErrNotExist) { // stopped in order
		return nil
	}
	if err != nil {
		return explain("read "+pidFile, err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil { // cut short by a crash; PostgreSQL treats it itself
		postmaster = 0
	}
	asked := ctx
	ctx, cancel := context.WithTimeout(ctx, orphanLimit)
	defer cancel()
	for {
		pids, err := livingIn(pgdata)
		if err != nil {
			return fmt.Errorf("look for a running server on %s: %w", pgdata, err)
		}
		if len(pids) == 0 {
			break
		}
		if slices.Contains(pids, postmaster) {
			if err := syscall.Kill(postmaster, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("stop the PostgreSQL (pid %d) that still runs on %s: %w", postmaster, pgdata, err)
			}
		}
		if !pause(ctx, 20*poll) {
			if err := asked.Err(); err != nil { // whoever starts has been stopped
				return err
			}
			return fmt.Errorf("PostgreSQL (pids %v) still runs on %s although its parent is gone: stop it (kill -INT)", pids, pgdata)
		}
	}
	// PostgreSQL takes whatever has the dead server's id for the server: another process by now, or the dead one itself where
	// nobody asks for its result.
	if runtime.GOOS == "linux" && postmaster > 0 && syscall.Kill(postmaster, 0) == nil {
		if err := os.Remove(pidFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return explain("remove the stale "+pidFile, err)
		}
	}
	return nil
}

// socketDir is dir itself, or a short one in the temporary folder.
func (s *Server) socketDir(dir string, who account) (string, error) {
	if len(dir) <= maxSocketDir && !strings.ContainsAny(dir, `, "`) { // the setting is a list with commas and quotes
		return dir, nil
	}
	short, err := os.MkdirTemp("", "evenkeel-")
	if err != nil {
		return "", explain("make a folder for the database's socket", err)
	}
	s.socket = short
	if len(short) > maxSocketDir {
		return "", fmt.Errorf("neither %s nor the temporary folder %s is short enough to hold a socket (%d bytes): use another data folder, or set TMPDIR",
			dir, filepath.Dir(short), maxSocketDir)
	}
	return short, who.own(short)
}

// run starts the child from a thread that lives as long as the child does: the death signal follows the thread.
func (s *Server) run() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.child.Start()
		started <- err
		if err == nil {
			s.result = s.child.Wait()
			close(s.done)
		}
	}()
	return <-started
}

// ready returns when the server answers a query.
func (s *Server) ready(ctx context.Context) error {
	said := false
	for began := time.Now(); ; {
		conn, err := pgx.Connect(ctx, s.url)
		if err == nil {
			return conn.Close(ctx)
		}
		if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code != "57P03" { // 57P03: starting up
			return fmt.Errorf("PostgreSQL runs, and refuses its own user (%s): does the file password belong to this cluster?", refused.Message)
		}
		if !said && time.Since(began) > 2*time.Second {
			said = true
			s.log.InfoContext(ctx, "PostgreSQL recovers what the last run left unfinished")
		}
		select {
		case <-s.done:
			return fmt.Errorf("PostgreSQL ended at once: %w", s.result)
		default:
		}
		if !pause(ctx, poll) {
			return fmt.Errorf("PostgreSQL was not ready in time: %w", ctx.Err())
		}
	}
}

// URL is the superuser's connection string for the database postgres. It holds the password.
func (s *Server) URL() string { return s.url }

// PID is PostgreSQL's first process.
func (s *Server) PID() int { return s.child.Process.Pid }

// Done is closed when PostgreSQL has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop ends PostgreSQL in order: open transactions are rolled back, a checkpoint is written. When ctx ends before that, it
// is ended at once, and the next start recovers. A server that has ended is only released; a second Stop does nothing.
func (s *Server) Stop(ctx context.Context) error {
	return errors.Join(s.end(ctx), s.release())
}

func (s *Server) end(ctx context.Context) error {
	select {
	case <-s.done:
		return nil // already known to whoever watches Done
	default:
	}
	if err := s.child.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	select {
	case <-s.done:
		if s.result != nil {
			return fmt.Errorf("PostgreSQL ended in disorder: %w", s.result)
		}
		return nil
	case <-ctx.Done():
		if err := s.child.Process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop PostgreSQL at once: %w", err)
		}
		<-s.done // SIGQUIT writes nothing; PostgreSQL itself kills what does not react within 5 s
		return fmt.Errorf("PostgreSQL had no time for its last checkpoint and recovers at the next start: %w", ctx.Err())
	}
}

func (s *Server) release() (err error) {
	s.freed.Do(func() {
		if s.socket != "" {
			err = os.RemoveAll(s.socket)
		}
		err = errors.Join(err, s.lock.Release())
	})
	return err
}

// environment is ours without what steers PostgreSQL's programs from outside.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") || strings.HasPrefix(v, "LC_") })
	return append(env, "LC_ALL=C") // messages that fatal and initdbError can read
}

func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > logKeep {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, explain("put the old log aside", err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, explain("open PostgreSQL's log", err)
	}
	return f, nil
}

// fatal is the last reason PostgreSQL gave in its log since the byte offset, if any.
func fatal(log string, offset int64) string {
	text, err := os.ReadFile(log)
	if err != nil || int64(len(text)) < offset {
		return ""
	}
	why := ""
	for line := range bytes.Lines(text[offset:]) {
		for _, level := range []string{"FATAL:", "PANIC:", "postgres: error:"} {
			// "starting up" is the answer to our own early connections
			if _, message, found := strings.Cut(string(line), level); found && !strings.Contains(message, "starting up") {
				why = strings.TrimSpace(message)
			}
		}
	}
	return why
}

// initdbError picks the reason from initdb's talk.
func initdbError(out string) string {
	why := lastLine(out)
	for line := range strings.Lines(out) {
		for _, mark := range []string{"FATAL:", "PANIC:", "initdb: error:"} {
			if _, message, found := strings.Cut(line, mark); found {
				return strings.TrimSpace(message)
			}
		}
	}
	return why
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return explain("open "+path, err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return explain("flush "+path, err)
	}
	return nil
}

// pause waits a moment, or says false because ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
