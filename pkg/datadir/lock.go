package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// InUse says that another process holds the lock.
type InUse struct {
	Folder string
	PID    int // 0 when the holder has not written it yet
}

func (e *InUse) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("another process (pid %d)", e.PID)
	}
	return fmt.Sprintf("%s is in use by %s: stop that one first, or use another data folder", e.Folder, who)
}

// Lock is an exclusive hold on a folder. The kernel releases it when the process ends, also by kill -9.
type Lock struct{ file *os.File }

// LockFile takes the lock whose file is path (made if missing) and writes this process's id into it.
// A lock that another process holds is *InUse at once; nothing waits.
func LockFile(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, explain(filepath.Dir(path), err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &InUse{Folder: filepath.Dir(path), PID: holder(path)}
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		f.Close()
		return nil, explain(filepath.Dir(path), err)
	}
	return &Lock{file: f}, nil
}

// Release gives the lock back. The file stays: removing it would let two processes lock two files of one name.
func (l *Lock) Release() error {
	truncated := l.file.Truncate(0) // so that no later reader names this process as the holder
	return errors.Join(truncated, l.file.Close())
}

// Running says which process has the data folder open; 0, false: none. It takes nothing from anybody: only where a killed process has left its number is the lock itself asked.
func Running(folder string) (pid int, running bool) {
	path := filepath.Join(folder, lockFile)
	if pid = holder(path); pid == 0 {
		return 0, false
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		return pid, errors.Is(err, syscall.EWOULDBLOCK)
	}
	return 0, false
}

func holder(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
