package pgserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldest is the oldest major version whose SQL and settings we rely on.
const oldest = 15

// installation is a folder with PostgreSQL's programs, of a version we can use.
type installation struct {
	bin     string
	major   int
	version string // as the program says it, for people
}

// installed lists the folders in which PostgreSQL's programs may be, those fetched into dir last.
func installed(dir string) []string {
	var folders []string
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if initdb, err = filepath.EvalSymlinks(initdb); err == nil {
			folders = append(folders, filepath.Dir(initdb))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",            // Debian, Ubuntu
		"/usr/pgsql-*/bin",                     // the PostgreSQL project's packages for Red Hat
		"/opt/homebrew/opt/postgresql@*/bin",   // Homebrew on Apple's processors
		"/usr/local/opt/postgresql@*/bin",      // Homebrew on Intel's
		filepath.Join(dir, fetchedName, "bin"), // ours
	} {
		matches, err := filepath.Glob(pattern)
		if err != nil { // only a malformed pattern, from dir's name
			continue
		}
		folders = append(folders, matches...)
	}
	return folders
}

// choose decides between what is installed: by the cluster's version if there is one, else the highest.
// The answer has no bin where nothing usable is installed.
func choose(ctx context.Context, who account, folders []string, pgdata string) (installation, error) {
	want, err := clusterMajor(pgdata)
	if err != nil {
		return installation{}, err
	}
	var usable []installation
	for _, folder := range folders {
		// A folder without the programs, or one closed to the account, is no candidate.
		if found, err := inspect(ctx, who, folder); err == nil {
			usable = append(usable, found)
		}
	}
	if err := ctx.Err(); err != nil {
		return installation{}, fmt.Errorf("look for PostgreSQL: %w", err)
	}
	if want == 0 && len(usable) == 0 {
		return installation{}, nil
	}
	if want == 0 {
		return slices.MaxFunc(usable, func(a, b installation) int { return cmp.Compare(a.major, b.major) }), nil
	}
	for _, found := range usable {
		if found.major == want {
			return found, nil
		}
	}
	if want == fetchedMajor { // it can be fetched again
		return installation{}, nil
	}
	if len(usable) == 0 {
		return installation{}, fmt.Errorf("the data in %s was written by PostgreSQL %d, which is not installed: install the server of version %d",
			pgdata, want, want)
	}
	return installation{}, wrongMajor(pgdata, want, usable[0])
}

// given uses the one folder that the user named.
func given(ctx context.Context, who account, folder, pgdata string) (installation, error) {
	found, err := inspect(ctx, who, folder)
	if err != nil {
		return installation{}, fmt.Errorf("EVENKEEL_PG_BIN must name a folder with initdb and postgres of version %d or newer: %w", oldest, err)
	}
	want, err := clusterMajor(pgdata)
	if err != nil {
		return installation{}, err
	}
	if want != 0 && want != found.major {
		return installation{}, wrongMajor(pgdata, want, found)
	}
	return found, nil
}

func wrongMajor(pgdata string, want int, have installation) error {
	return fmt.Errorf("the data in %s was written by PostgreSQL %d, and %s holds version %s, which can't read it: install the server of version %d",
		pgdata, want, have.bin, have.version, want)
}

var versionLine = regexp.MustCompile(`^postgres \(PostgreSQL\) ((\d+)\S*)`)

func inspect(ctx context.Context, who account, folder string) (installation, error) {
	if _, err := os.Stat(filepath.Join(folder, "initdb")); err != nil {
		return installation{}, err
	}
	if _, err := os.Stat(filepath.Join(folder, "postgres")); err != nil {
		return installation{}, err
	}
	ask := exec.CommandContext(ctx, filepath.Join(folder, "postgres"), "--version")
	ask.Dir = "/" // the account may not enter ours
	ask.SysProcAttr = who.process()
	out, err := ask.Output()
	if err != nil {
		return installation{}, fmt.Errorf("ask %s/postgres for its version: %w", folder, err)
	}
	said := strings.TrimSpace(string(out))
	match := versionLine.FindStringSubmatch(said)
	if match == nil {
		return installation{}, fmt.Errorf("%s/postgres is not PostgreSQL: it says %q", folder, said)
	}
	major, err := strconv.Atoi(match[2])
	if err != nil {
		return installation{}, fmt.Errorf("version of %s/postgres: %w", folder, err)
	}
	if major < oldest {
		return installation{}, fmt.Errorf("%s holds version %s", folder, match[1])
	}
	return installation{bin: folder, major: major, version: match[1]}, nil
}

// clusterMajor is the version that wrote the cluster, 0 where there is none yet.
func clusterMajor(pgdata string) (int, error) {
	text, err := os.ReadFile(filepath.Join(pgdata, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(pgdata); err == nil {
			return 0, fmt.Errorf("%s holds no PostgreSQL cluster (its file PG_VERSION is missing): restore it from a backup, or use another data folder", pgdata)
		}
		return 0, nil
	}
	if err != nil {
		return 0, explain("read the version of "+pgdata, err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s/PG_VERSION holds no version number: restore it from a backup, or use another data folder", pgdata)
	}
	return major, nil
}
