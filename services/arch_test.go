// Package services_test holds the walls between the parts: who may import whom, and what a pure package may not touch.
//
// The sources are parsed here: a test that asked `go list` would be answered from the test cache and stay green.
package services_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/evenkeel/evenkeel/"

// What a pure package may not import, and why.
var impure = map[string]string{
	"context": "a decision has nothing to wait for", "time": "today is a field of the command", "os": "no I/O", "net": "no I/O", "net/http": "no I/O",
	"log": "events are the record", "log/slog": "events are the record", "sync": "nobody else is there", "database/sql": "no I/O",
	"math/rand": "the same history must decide the same", "math/rand/v2": "the same history must decide the same", "crypto/rand": "the same history must decide the same",
}

// Prefixes that a pure package may not import.
var impureTrees = []string{
	"github.com/jackc/pgx", "github.com/segmentio/kafka-go", "google.golang.org/grpc", "github.com/ThreeDotsLabs/watermill", module + "pkg/engine", module + "pkg/host",
	module + "pkg/eventlog", module + "pkg/consume", module + "pkg/relay", module + "pkg/kafkapubsub",
}

// file is one parsed source file.
type file struct {
	path    string // from the repository's root, with slashes
	folder  string
	imports []string
	test    bool
}

func sources(t *testing.T, roots ...string) []file {
	t.Helper()
	var files []file
	for _, root := range roots {
		err := filepath.WalkDir(filepath.Join("..", root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			name, err := filepath.Rel("..", path)
			if err != nil {
				return err
			}
			f := file{path: filepath.ToSlash(name), folder: filepath.ToSlash(filepath.Dir(name)), test: strings.HasSuffix(path, "_test.go")}
			for _, i := range parsed.Imports {
				f.imports = append(f.imports, strings.Trim(i.Path.Value, `"`))
			}
			files = append(files, f)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) < 20 {
		t.Fatalf("only %d files were found: the test looks in the wrong place", len(files))
	}
	return files
}

// service is the service a path below services/ belongs to; "" for cmd, tests and the root.
func service(path string) string {
	rest, ok := strings.CutPrefix(path, "services/")
	name, _, below := strings.Cut(rest, "/")
	if !ok || !below || name == "cmd" || name == "tests" {
		return ""
	}
	return name
}

func TestAServiceImportsNoOther(t *testing.T) {
	for _, f := range sources(t, "services") {
		own := service(f.path)
		if own == "" {
			continue
		}
		for _, i := range f.imports {
			if other := service(strings.TrimPrefix(i, module) + "/"); other != "" && other != own {
				t.Errorf("%s imports %s: services talk through events; consume or publish one instead", f.path, i)
			}
		}
	}
}

func TestPkgKnowsNoService(t *testing.T) {
	for _, f := range sources(t, "pkg") {
		for _, i := range f.imports {
			if strings.HasPrefix(i, module+"services") {
				t.Errorf("%s imports %s: pkg is for others too, and imports no service", f.path, i)
			}
		}
	}
}

func TestAPIHasNoLogic(t *testing.T) {
	for _, f := range sources(t, "api") {
		for _, i := range f.imports {
			if strings.HasPrefix(i, module+"pkg") || strings.HasPrefix(i, module+"services") {
				t.Errorf("%s imports %s: integrators import api without our code", f.path, i)
			}
		}
	}
}

// A folder with a decide.go is pure, and so are the vocabulary packages.
func TestPurePackagesDoNoIO(t *testing.T) {
	files := sources(t, "services", "pkg")
	pure := []string{"pkg/es", "pkg/refuse", "pkg/date", "pkg/money"}
	for _, f := range files {
		if service(f.path) != "" && strings.HasSuffix(f.path, "/decide.go") {
			pure = append(pure, f.folder)
		}
	}
	for _, f := range files {
		if f.test || !slices.Contains(pure, f.folder) {
			continue
		}
		for _, i := range f.imports {
			if i == "time" && (strings.HasPrefix(f.path, "pkg/") || !readsTheClock(t, f.path)) {
				continue // durations and due times are values
			}
			if why, ok := impure[i]; ok {
				t.Errorf("%s imports %s: %s", f.path, i, why)
			}
			for _, tree := range impureTrees {
				if strings.HasPrefix(i, tree) {
					t.Errorf("%s imports %s: a pure package does no I/O", f.path, i)
				}
			}
		}
	}
}

func readsTheClock(t *testing.T, path string) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{"time.Now", "time.Since", "time.Until", "time.After", "time.Sleep", "time.NewT", "time.Tick"} {
		if strings.Contains(string(text), call) {
			return true
		}
	}
	return false
}

// Each service has the same files, so that who has read one can change another.
func TestEveryServiceHasTheSameShape(t *testing.T) {
	have := map[string]map[string]bool{}
	streams := map[string]map[string]bool{}
	for _, f := range sources(t, "services") {
		s := service(f.path)
		if s == "" {
			continue
		}
		if have[s] == nil {
			have[s] = map[string]bool{}
		}
		have[s][strings.TrimPrefix(f.path, "services/"+s+"/")] = true
		if base := filepath.Base(f.path); base == "decide.go" || base == "evolve.go" {
			if streams[f.folder] == nil {
				streams[f.folder] = map[string]bool{}
			}
			streams[f.folder][base] = true
		}
	}
	for s, files := range have {
		if s == "demo" { // a client, not a service
			continue
		}
		for _, want := range []string{"doc.go", "module.go"} {
			if !files[want] {
				t.Errorf("services/%s has no %s", s, want)
			}
		}
	}
	for folder, files := range streams {
		for _, want := range []string{"decide.go", "evolve.go"} {
			if !files[want] {
				t.Errorf("%s is a stream without %s", folder, want)
			}
		}
	}
}
