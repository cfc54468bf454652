// Package golden compares what a test got with a file that was looked at once; `go test -update` writes the files anew.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// Equal fails the test when the file doesn't hold got.
func Equal(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make it with -update and look at it", err)
	}
	if string(want) == got {
		return
	}
	a, b := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Fatalf("%s differs in line %d:\nwant %s\ngot  %s", path, i+1, line(a, i), line(b, i))
		}
	}
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end)"
}

// Samples are the sample files of a kind ("" for all) by kind and name; root is the way to pkg/x12.
func Samples(t testing.TB, root, kind string) map[string][]byte {
	t.Helper()
	if kind == "" {
		kind = "[0-9]*"
	}
	paths, err := filepath.Glob(filepath.Join(root, "testdata/samples", kind, "*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples of %s: %v", kind, err)
	}
	all := map[string][]byte{}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Join(filepath.Base(filepath.Dir(p)), filepath.Base(p))] = data
	}
	return all
}
