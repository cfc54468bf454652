package pgserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the system user that PostgreSQL runs as.
type account struct {
	uid, gid uint32
	drop     bool // this process is root and must become the account in each child
}

// accountFor picks the account: ourselves; for root the owner of the cluster that is there, else postgres, else nobody.
func accountFor(pgdata string) (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	// The owner first: a user postgres that an installation made meanwhile could not open a cluster that nobody began.
	if info, err := os.Stat(pgdata); err == nil {
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 0 {
			return account{uid: owner.Uid, gid: owner.Gid, drop: true}, nil
		}
		return account{}, fmt.Errorf("%s belongs to root, under whom PostgreSQL refuses to run: give it to another user (chown -R)", pgdata)
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return account{}, fmt.Errorf("ids of the user %s: %w", name, err)
		}
		return account{uid: uint32(uid), gid: uint32(gid), drop: true}, nil
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody: create one of them")
}

// process is what makes a child run as the account.
func (a account) process() *syscall.SysProcAttr {
	if !a.drop {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid}}
}

// own makes the folder the account's alone, and those above it, where they are missing, ones to pass through.
func (a account) own(folder string) error {
	above := os.FileMode(0o700)
	if a.drop {
		above = 0o711
	}
	err := os.MkdirAll(filepath.Dir(folder), above)
	if err == nil {
		err = os.Mkdir(folder, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return explain("make the folder "+folder, err)
	}
	if !a.drop {
		return nil
	}
	if err := os.Chown(folder, int(a.uid), int(a.gid)); err != nil {
		return explain("give the folder "+folder+" to PostgreSQL's user", err)
	}
	return a.reach(folder)
}

// reach checks by the mode bits that the account can enter every folder on the way.
func (a account) reach(folder string) error {
	for at := folder; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return fmt.Errorf("look at the folder %s: %w", at, err)
		}
		enter := os.FileMode(0o001)
		switch stat := info.Sys().(*syscall.Stat_t); {
		case stat.Uid == a.uid:
			enter = 0o100
		case stat.Gid == a.gid:
			enter = 0o010
		}
		if info.Mode()&enter == 0 {
			return fmt.Errorf("PostgreSQL can't run as root, and the user it runs as instead (uid %d) can't enter %s on the way to %s: use a data folder outside of it",
				a.uid, at, folder)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

// explain turns the usual failures of a file operation into a sentence with a way out.
func explain(operation string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%s: the disk is full: free some space, or use another data folder (%w)", operation, err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s: not allowed for this user (uid %d): change the folder's owner, or use another data folder (%w)",
			operation, os.Geteuid(), err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}
