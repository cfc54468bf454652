package pgtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/evenkeel/evenkeel/pkg/datadir"
	"github.com/evenkeel/evenkeel/pkg/pgserver"
)

// limit is for each step of starting, stopping and copying; a busy machine is slow, a hanging test must end.
const limit = 2 * time.Minute

type options struct {
	fsync    bool
	template string
	build    func(ctx context.Context, url string) error
	settings map[string]string
}

// Option changes what a test gets.
type Option func(*options)

// WithFsync asks for a server that flushes to disk as a production server does.
func WithFsync() Option { return func(o *options) { o.fsync = true } }

// WithTemplate asks for a copy of a database that build has prepared. It is built once per test binary and server and
// known by name afterwards, so one name stands for one build. build must close its connections.
func WithTemplate(name string, build func(ctx context.Context, url string) error) Option {
	return func(o *options) { o.template, o.build = name, build }
}

// WithSettings sets server settings. Only Own takes it: the shared server is everybody's.
func WithSettings(settings map[string]string) Option {
	return func(o *options) { o.settings = settings }
}

func choices(given []Option) options {
	var o options
	for _, choose := range given {
		choose(&o)
	}
	return o
}

// Main runs a package's tests, stops the servers they used, and exits. Call it from TestMain. Without it the kernel ends the
// servers with the binary, and their folders stay until the next one.
func Main(m *testing.M) {
	pgserver.MaybeHelper()
	code := m.Run()
	for _, s := range []*shared{&quick, &durable} {
		if err := s.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// DB is a pool on an empty database that only this test knows, owned by a superuser. Pool and database go at the test's end.
func DB(t testing.TB, given ...Option) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), URL(t, given...))
	if err != nil {
		t.Fatalf("pgtest: open a pool: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL is the connection string of such a database, for code that opens its own connections.
func URL(t testing.TB, given ...Option) string {
	t.Helper()
	o := choices(given)
	if o.settings != nil {
		t.Fatal("pgtest: WithSettings needs a server of one's own, see Own")
	}
	s := &quick
	if o.fsync {
		s = &durable
	}
	database, err := s.create(t.Context(), o)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := s.execute(ctx, "DROP DATABASE "+quote(database)+" WITH (FORCE)"); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return withDatabase(s.server.URL(), database)
}

// Server is the shared server's own database and superuser, for what concerns the whole server: roles, activity.
func Server(t testing.TB, given ...Option) string {
	t.Helper()
	s := &quick
	if choices(given).fsync {
		s = &durable
	}
	if err := s.start(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return s.server.URL()
}

// Instance is a server that one test has for itself.
type Instance struct {
	*pgserver.Server
	options pgserver.Options
}

// Own starts a server for this test alone, which it may kill and start again. It goes at the test's end.
func Own(t testing.TB, given ...Option) *Instance {
	t.Helper()
	o := choices(given)
	if o.template != "" {
		t.Fatal("pgtest: WithTemplate needs the shared server")
	}
	home, err := newHome(o)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	i := &Instance{options: serverOptions(home.path, o)}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		var stopped error
		if i.Server != nil {
			stopped = i.Stop(ctx)
		}
		if err := errors.Join(stopped, home.remove()); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	i.Start(t)
	return i
}

// Start starts the server again, after Kill or Stop, on what it had written.
func (i *Instance) Start(t testing.TB) {
	t.Helper()
	server, err := pgserver.Start(t.Context(), i.options)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	i.Server = server
}

// Kill ends the server as a crash would: nothing is flushed or finished. It returns when the server is gone.
func (i *Instance) Kill(t testing.TB) {
	t.Helper()
	if err := syscall.Kill(i.PID(), syscall.SIGKILL); err != nil {
		t.Fatalf("pgtest: kill PostgreSQL: %v", err)
	}
	<-i.Done()
	if err := i.Stop(t.Context()); err != nil { // gives its folder free
		t.Fatalf("pgtest: %v", err)
	}
}

// shared is a server that all tests of the binary use, started by the first.
type shared struct {
	fsync bool

	starting  sync.Once
	failed    error
	home      *home
	server    *pgserver.Server
	databases atomic.Int64

	mu        sync.Mutex
	templates map[string]*template
}

type template struct {
	building sync.Once
	failed   error
	database string
}

var (
	quick   shared
	durable = shared{fsync: true}
)

func (s *shared) start() error {
	s.starting.Do(func() {
		o := options{fsync: s.fsync}
		s.home, s.failed = newHome(o)
		if s.failed != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		s.server, s.failed = pgserver.Start(ctx, serverOptions(s.home.path, o))
	})
	return s.failed
}

func (s *shared) stop() error {
	if s.home == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var stopped error
	if s.server != nil {
		stopped = s.server.Stop(ctx)
	}
	return errors.Join(stopped, s.home.remove())
}

// create makes a new database and answers its name.
func (s *shared) create(ctx context.Context, o options) (string, error) {
	if err := s.start(); err != nil {
		return "", err
	}
	source := "template0"
	if o.template != "" {
		built, err := s.template(o)
		if err != nil {
			return "", err
		}
		source = built
	}
	return s.copy(ctx, source)
}

func (s *shared) copy(ctx context.Context, source string) (string, error) {
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	return name, s.execute(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(source))
}

func (s *shared) template(o options) (string, error) {
	s.mu.Lock()
	if s.templates == nil {
		s.templates = map[string]*template{}
	}
	t := s.templates[o.template]
	if t == nil {
		t = &template{}
		s.templates[o.template] = t
	}
	s.mu.Unlock()
	t.building.Do(func() {
		// Not the test's context: the next test needs the template too.
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if t.database, t.failed = s.copy(ctx, "template0"); t.failed != nil {
			return
		}
		if err := o.build(ctx, withDatabase(s.server.URL(), t.database)); err != nil {
			t.failed = fmt.Errorf("build the template %s: %w", o.template, err)
		}
	})
	return t.database, t.failed
}

// execute runs one statement in the server's own database, on a connection of its own: tests run in parallel.
func (s *shared) execute(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.server.URL())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	_, err = conn.Exec(ctx, statement)
	if err != nil {
		err = fmt.Errorf("%s: %w", statement, err)
	}
	return errors.Join(err, conn.Close(ctx))
}

func serverOptions(dir string, o options) pgserver.Options {
	settings := map[string]string{"max_connections": "400"} // parallel tests, each with a pool or some
	if !o.fsync {
		maps.Copy(settings, map[string]string{
			"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
			"max_wal_size": "512MB", // it may lie in memory
		})
	}
	maps.Copy(settings, o.settings)
	return pgserver.Options{Dir: dir, Programs: programs(), Settings: settings, Log: slog.New(slog.DiscardHandler)}
}

// programs is where PostgreSQL is kept when it had to be fetched, once for all test binaries.
func programs() string {
	if os.Geteuid() == 0 {
		return "/var/cache/evenkeel" // root's own cache is closed to PostgreSQL's account
	}
	cache, err := os.UserCacheDir()
	if err != nil { // no home: each server fetches for itself
		return ""
	}
	return filepath.Join(cache, "evenkeel")
}

// place is the folder for servers' folders: memory for those that don't flush, where there is plenty, as a database
// is copied there in 10 ms instead of 150.
func place(o options) string {
	const memory, enough = "/dev/shm", 4 << 30
	var disk syscall.Statfs_t
	if o.fsync || syscall.Statfs(memory, &disk) != nil || disk.Bavail*uint64(disk.Bsize) < enough {
		return os.TempDir()
	}
	return memory
}

// home is a server's folder. It is locked, so that a later binary can tell a folder in use from one left behind.
type home struct {
	folder, path string
	lock         *datadir.Lock
}

const homePrefix = "evenkeel-pgtest-"

func newHome(o options) (*home, error) {
	where := place(o)
	if err := sweep(where); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(where, homePrefix)
	if err != nil {
		return nil, fmt.Errorf("make a folder for the server: %w", err)
	}
	if err := os.Chmod(folder, 0o711); err != nil { // PostgreSQL's account passes through
		return nil, fmt.Errorf("open the server's folder: %w", err)
	}
	lock, err := datadir.LockFile(filepath.Join(folder, "lock"))
	if err != nil {
		return nil, err
	}
	return &home{folder: folder, path: filepath.Join(folder, "pg"), lock: lock}, nil
}

func (h *home) remove() error {
	return errors.Join(os.RemoveAll(h.folder), h.lock.Release())
}

// sweep removes the folders of binaries that were killed.
func sweep(where string) error {
	left, err := filepath.Glob(filepath.Join(where, homePrefix+"*"))
	if err != nil {
		return fmt.Errorf("look for old folders: %w", err)
	}
	for _, folder := range left {
		if _, err := os.Stat(filepath.Join(folder, "lock")); err != nil {
			continue // just being made, or another user's
		}
		lock, err := datadir.LockFile(filepath.Join(folder, "lock"))
		if err != nil {
			continue // in use, or another user's
		}
		if err := errors.Join(os.RemoveAll(folder), lock.Release()); err != nil {
			return fmt.Errorf("remove the old %s: %w", folder, err)
		}
	}
	return nil
}

func withDatabase(server, database string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(fmt.Sprintf("pgtest: pgserver made a connection string that is none: %v", err))
	}
	u.Path = "/" + database
	return u.String()
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
