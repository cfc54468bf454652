package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Format is the data format this program reads and writes. Raise it when an older program could no longer
// open what this one writes.
const Format = 1

// minFree is what a first start needs (a database cluster, its log, fetched binaries) with some room to work.
const minFree = 512 << 20

const (
	versionFile = "VERSION"
	lockFile    = "lock"
	mark        = "evenkeel data format " // followed by the number
)

// Default is the data folder when none is named: /var/lib/evenkeel for root, whose home PostgreSQL's account could not
// enter, else evenkeel in the user's XDG data folder.
func Default() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/evenkeel", nil
	}
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) { // the XDG rule: a relative one is ignored
		return filepath.Join(data, "evenkeel"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return "", errors.New("no place for the data folder: set XDG_DATA_HOME or HOME, or name a data folder")
	}
	return filepath.Join(home, ".local", "share", "evenkeel"), nil
}

// Dir is an open data folder, held by this process until Close.
type Dir struct {
	path string
	lock *Lock
}

// Open makes the folder if it is missing, takes its lock (*InUse when another process holds it) and checks that it is
// ours, of a format this program knows, writable, and on a disk with room.
func Open(path string) (*Dir, error) { return open(path, minFree) }

func open(path string, minFree uint64) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data folder %s: %w", path, err)
	}
	// Root's PostgreSQL runs under another account, which must pass through what is made on the way here.
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, explain(path, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, explain(path, err)
	}
	if _, err := ours(path); err != nil { // before the lock, which would leave a file in a stranger's folder
		return nil, err
	}
	lock, err := LockFile(filepath.Join(path, lockFile))
	if err != nil {
		return nil, err
	}
	if err := prepare(path, minFree); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return &Dir{path: path, lock: lock}, nil
}

func prepare(path string, minFree uint64) error {
	marked, err := ours(path)
	if err != nil {
		return err
	}
	free, err := free(path)
	if err != nil {
		return err
	}
	if free < minFree {
		return fmt.Errorf("the disk of the data folder %s has %d MB left and %d MB are needed: free some space, or use another data folder",
			path, free>>20, minFree>>20)
	}
	if marked {
		return nil
	}
	// Root's PostgreSQL runs under another account, which must pass through here to its own folder.
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.Chmod(path, mode); err != nil {
		return explain(path, err)
	}
	return writeMark(path)
}

func free(path string) (bytes uint64, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(path, &disk); err != nil {
		return 0, fmt.Errorf("data folder %s: read its disk's free space: %w", path, err)
	}
	return disk.Bavail * uint64(disk.Bsize), nil
}

// Free is how much room the folder's disk has.
func (d *Dir) Free() (bytes uint64, err error) { return free(d.path) }

// Path is the folder itself, or a place in it.
func (d *Dir) Path(elem ...string) string { return filepath.Join(append([]string{d.path}, elem...)...) }

// Close gives the folder free for the next process.
func (d *Dir) Close() error { return d.lock.Release() }

// Reset empties the data folder; a missing or empty one is left as it is. It refuses while a process uses the folder, and
// it refuses a folder that isn't ours. confirm is asked once it is certain that it can be done; its error leaves everything as it is.
func Reset(path string, confirm func() error) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("data folder %s: %w", path, err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	// A newer format is as much ours as this one: whoever asks for an empty folder means it.
	marked, err := ours(path)
	if newer := (*newerFormat)(nil); errors.As(err, &newer) {
		marked, err = true, nil
	}
	if err != nil || !marked {
		return err
	}
	lock, err := LockFile(filepath.Join(path, lockFile))
	if err != nil {
		return err
	}
	if err := confirm(); err != nil {
		return errors.Join(err, lock.Release())
	}
	return errors.Join(empty(path), lock.Release())
}

// empty removes all but the lock; the mark goes last, so that a reset cut short can be done again.
func empty(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return explain(path, err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != versionFile && name != lockFile && name != "lost+found" {
			if err := os.RemoveAll(filepath.Join(path, name)); err != nil {
				return explain(path, err)
			}
		}
	}
	if err := os.Remove(filepath.Join(path, versionFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain(path, err)
	}
	return nil
}

type newerFormat struct {
	path   string
	format int
}

func (e *newerFormat) Error() string {
	return fmt.Sprintf("the data folder %s was written by a newer Evenkeel (data format %d, this program knows up to %d): start that version, or name another folder with --data-dir",
		e.path, e.format, Format)
}

// ours reads the mark. False without an error is an empty folder, which may become ours.
func ours(path string) (marked bool, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return false, explain(path, err)
	}
	var stranger string
	for _, entry := range entries {
		switch entry.Name() {
		case versionFile:
			marked = true
		case lockFile, versionFile + ".new", "lost+found": // a start cut short; the root of a file system
		default:
			stranger = entry.Name()
		}
	}
	if !marked {
		if stranger != "" {
			return false, fmt.Errorf("%s is not a data folder of Evenkeel (it holds %q and no file %s): use an empty folder", path, stranger, versionFile)
		}
		return false, nil
	}
	text, err := os.ReadFile(filepath.Join(path, versionFile))
	if err != nil {
		return false, explain(path, err)
	}
	number, isOurs := strings.CutPrefix(strings.TrimSpace(string(text)), mark)
	format, err := strconv.Atoi(number)
	if !isOurs || err != nil || format < 1 {
		return false, fmt.Errorf("the file %s in %s says %q and not which data format of Evenkeel the folder has (as in %q): name an empty folder with --data-dir, or put the file back as it was",
			versionFile, path, firstLine(text), fmt.Sprint(mark, Format))
	}
	if format > Format {
		return false, &newerFormat{path: path, format: format}
	}
	return true, nil
}

// firstLine is what a sentence can hold of a file.
func firstLine(text []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line[:min(len(line), 40)]
}

// writeMark writes the whole mark or none of it, also when the power fails.
func writeMark(path string) error {
	file := filepath.Join(path, versionFile)
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return explain(path, err)
	}
	_, err = fmt.Fprintf(f, "%s%d\n", mark, Format)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return explain(path, err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return explain(path, err)
	}
	folder, err := os.Open(path)
	if err != nil {
		return explain(path, err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return explain(path, err)
	}
	return nil
}

// explain turns what the file system says about the folder into a sentence with a way out.
func explain(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("the disk of the data folder %s is full: free some space, or use another data folder (%w)", path, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the data folder %s is closed to this user (uid %d): change its owner, or use another data folder (%w)",
			path, os.Geteuid(), err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("the data folder %s is no folder: use another one (%w)", path, err)
	}
	return fmt.Errorf("data folder %s: %w", path, err)
}
