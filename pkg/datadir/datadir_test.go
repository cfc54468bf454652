package datadir

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// holdVariable makes the test binary a second process that holds the folder named in it.
const holdVariable = "DATADIR_TEST_HOLD"

func TestMain(m *testing.M) {
	if folder := os.Getenv(holdVariable); folder != "" {
		if _, err := Open(folder); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("held")
		select {}
	}
	os.Exit(m.Run())
}

func TestDefault(t *testing.T) {
	root := os.Geteuid() == 0
	for _, c := range []struct{ name, xdg, home, want string }{
		{"the XDG folder", "/data", "/home/pat", "/data/evenkeel"},
		{"without one, below the home", "", "/home/pat", "/home/pat/.local/share/evenkeel"},
		{"a relative one is ignored", "data", "/home/pat", "/home/pat/.local/share/evenkeel"},
		{"neither", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", c.xdg)
			t.Setenv("HOME", c.home)
			if root {
				c.want = "/var/lib/evenkeel" // whatever the environment says
			}
			got, err := Default()
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name    string
		given   func(t *testing.T, folder string)
		refused string // a part of the one sentence; empty: opens
	}{
		{"a missing folder is made", nil, ""},
		{"an empty folder becomes ours", func(t *testing.T, folder string) { os.MkdirAll(folder, 0o755) }, ""},
		{"ours is opened again", write("VERSION", "evenkeel data format 1\n"), ""},
		{"a first start cut short is finished", write("VERSION.new", "evenk"), ""},
		{"the root of a file system may be used", write("lost+found", ""), ""},
		{"a folder of a newer version is not touched", write("VERSION", "evenkeel data format 2\n"), "was written by a newer Evenkeel (data format 2, this program knows up to 1)"},
		{"a stranger's folder is not touched", write("thesis.txt", "chapter 1"), `is not a data folder of Evenkeel (it holds "thesis.txt" and no file VERSION)`},
		{"nor one whose VERSION is a stranger's", write("VERSION", "3.1.4\n"), `says "3.1.4" and not which data format of Evenkeel the folder has (as in "evenkeel data format 1"): name an empty folder with --data-dir`},
		{"a file is no folder", func(t *testing.T, folder string) { write(filepath.Base(folder), "")(t, filepath.Dir(folder)) }, "is no folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "a", "data")
			if c.given != nil {
				c.given(t, folder)
			}
			before := names(folder)
			dir, err := open(folder, 0)
			if c.refused != "" {
				wantSentence(t, err, folder, c.refused)
				if after := names(folder); after != before {
					t.Errorf("a refusal changed the folder from [%s] to [%s]", before, after)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := dir.Path("postgres", "log"); got != folder+"/postgres/log" {
				t.Errorf("path %s", got)
			}
			if err := dir.Close(); err != nil {
				t.Error(err)
			}
			if again, err := open(folder, 0); err != nil {
				t.Errorf("a second time: %v", err)
			} else {
				again.Close()
			}
		})
	}
}

func TestNoRoom(t *testing.T) {
	folder := t.TempDir()
	_, err := open(folder, math.MaxUint64)
	wantSentence(t, err, folder, "MB are needed: free some space")
	for _, c := range []struct {
		cause error
		want  string
	}{
		{syscall.ENOSPC, "is full: free some space"},
		{syscall.EDQUOT, "is full: free some space"},
		{syscall.EROFS, "is closed to this user"},
		{syscall.EACCES, "is closed to this user"},
	} {
		wantSentence(t, explain(folder, &fs.PathError{Op: "write", Path: folder, Err: c.cause}), folder, c.want)
	}
}

func TestNotWritable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	_, err := Open("/var/lib/evenkeel-of-root")
	wantSentence(t, err, "/var/lib/evenkeel-of-root", "is closed to this user")
}

func TestSecondInstance(t *testing.T) {
	folder := t.TempDir()
	first := hold(t, folder)

	_, err := open(folder, 0)
	wantSentence(t, err, folder, fmt.Sprintf("is in use by another process (pid %d): stop that one first", first.Process.Pid))
	if busy := (*InUse)(nil); !errors.As(err, &busy) || busy.PID != first.Process.Pid {
		t.Errorf("%v is no InUse with the holder's pid", err)
	}
	wantSentence(t, Reset(folder, yes), folder, "is in use by another process")

	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait() // says it was killed
	dir, err := open(folder, 0)
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	dir.Close()
}

func yes() error { return nil }

func TestReset(t *testing.T) {
	t.Run("all goes, and the folder can be used again", func(t *testing.T) {
		folder := t.TempDir()
		dir, err := open(folder, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir.Path("postgres", "pgdata"), 0o700); err != nil {
			t.Fatal(err)
		}
		wantSentence(t, Reset(folder, yes), folder, "is in use by another process")
		dir.Close()
		before := names(folder)
		if err := Reset(folder, func() error { return errors.New("no") }); err == nil || names(folder) != before {
			t.Fatalf("%v, and of %s there is %s", err, before, names(folder))
		}
		if err := Reset(folder, yes); err != nil {
			t.Fatal(err)
		}
		if left := names(folder); left != "lock" {
			t.Errorf("[%s] is left", left)
		}
		if dir, err = open(folder, 0); err != nil {
			t.Fatal(err)
		}
		dir.Close()
	})
	t.Run("a newer version's folder is emptied too", func(t *testing.T) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "VERSION"), []byte("evenkeel data format 9\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Reset(folder, yes); err != nil || names(folder) != "lock" {
			t.Errorf("[%s], %v", names(folder), err)
		}
	})
	t.Run("a missing or empty folder stays", func(t *testing.T) {
		folder := t.TempDir()
		if err := errors.Join(Reset(folder, yes), Reset(filepath.Join(folder, "missing"), yes)); err != nil || names(folder) != "" {
			t.Errorf("[%s], %v", names(folder), err)
		}
	})
	t.Run("a stranger's folder is refused whole", func(t *testing.T) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "thesis.txt"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		wantSentence(t, Reset(folder, yes), folder, "is not a data folder of Evenkeel")
		if left := names(folder); left != "thesis.txt" {
			t.Errorf("[%s] is left", left)
		}
	})
}

// hold starts a process that holds the folder, and returns when it does.
func hold(t *testing.T, folder string) *exec.Cmd {
	t.Helper()
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), holdVariable+"="+folder)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "held\n" {
		t.Fatalf("the other process says %q, %v", said, err)
	}
	return other
}

func names(folder string) string {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return ""
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return strings.Join(all, " ")
}

// wantSentence wants one line that names the folder and says the part.
func wantSentence(t *testing.T, err error, folder, part string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", part)
		return
	}
	if text := err.Error(); !strings.Contains(text, folder) || !strings.Contains(text, part) || strings.Contains(text, "\n") {
		t.Errorf("%q is not one line that names %s and says %q", text, folder, part)
	}
}
