package pgserver

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFullDisk(t *testing.T) {
	dir := folder(t)
	who, err := accountFor(filepath.Join(dir, "pgdata"))
	if err != nil {
		t.Fatal(err)
	}
	if err := who.own(dir); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("no small disk can be made here: %v", err)
	}
	defer syscall.Unmount(dir, 0)
	_, err = Start(t.Context(), Options{Dir: dir, Log: quiet})
	wantSentence(t, err, dir, "No space left on device")
	if _, err := os.Stat(filepath.Join(dir, "pgdata")); !os.IsNotExist(err) {
		t.Errorf("half a cluster is left: %v", err)
	}
}
