// Package mutants breaks the runtime on purpose, one line at a time, and demands that the test which guards the line turns red.
//
// A mutant is a file, a text that it holds once, what stands there instead, and the tests that must fail with it; the sources stay as they are, the compiler is given the
// broken file instead (go test -overlay). Promise: each guarantee named here is held by a test that can fail. go test checks that every mutant still fits its file;
// make mutants builds and runs them all (TestEachMutantIsCaught).
package mutants

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	plant = flag.Bool("plant", false, "build and run every mutant")
	only  = flag.String("only", "", "plant mutants whose name holds this text")
)

// guard is a test that must turn red: a package below the repository, and a pattern for -run.
type guard struct{ module, pkg, run string }

type mutant struct {
	name, file, text, instead string
	guards                    []guard
}

var (
	simulation = guard{"services", "./tests/sim", "TestSimulation"}
	anyBroker  = guard{"pkg", "./consume", "TestWhateverTheBrokerDoes"}
	wait       = guard{"pkg", "./consume", "TestAnEarlyEventWaits"}
)

var mutants = []mutant{
	{
		name: "the inbox is set without compare (memory)", file: "pkg/eventlog/memlog/memlog.go",
		text: "if !ok || mark != a.Old {", instead: "if !ok || mark < 0 {",
		guards: []guard{{"pkg", "./consume", "TestTwoWorkersOnOnePartition"}, {"pkg", "./eventlog/memlog", "TestMemlog"}},
	},
	{
		name: "the inbox is set without compare (PostgreSQL)", file: "pkg/eventlog/pglog/decide.go",
		text: "if at != a.Old {", instead: "if false && at != a.Old {",
		guards: []guard{{"pkg", "./eventlog/pglog", "TestPglog"}},
	},
	{
		name: "previous is ignored", file: "pkg/consume/consume.go",
		text: "case open[r.Slot] || r.Previous > h:", instead: "case open[r.Slot]:",
		guards: []guard{anyBroker, simulation},
	},
	{
		name: "duplicates are not dropped", file: "pkg/consume/consume.go",
		text: "case r.Position <= h:", instead: "case r.Position < 0:",
		guards: []guard{anyBroker, simulation},
	},
	{
		name: "lock and look-up in one statement", file: "pkg/eventlog/pglog/commit.go",
		text: "\tsqlHead   = `SELECT position, epoch, by_slot, recorded_at FROM head FOR UPDATE`",
		// The snapshot of the whole statement is older than the lock, as it is where one statement does both.
		instead: "\tsqlHead   = `SELECT position, epoch, by_slot, recorded_at FROM head`",
		guards:  []guard{{"pkg", "./eventlog/pglog", "TestTwoWritersOnOneLog"}},
	},
	{
		name: "a waiting event is dropped", file: "pkg/consume/consume.go",
		text: "\t\t\tif !o.OK() {\n\t\t\t\tunit.Park", instead: "\t\t\tif !o.OK() && o.Wait == nil {\n\t\t\t\tunit.Park",
		guards: []guard{wait, simulation},
	},
	{
		name: "an event overtakes the one of its stream that waits in its batch", file: "pkg/engine/handle.go",
		text: `if s.stream.Stream != "" && stopped[s.stream] {`, instead: `if false && s.stream.Stream != "" {`,
		guards: []guard{{"pkg", "./consume", "TestNothingOvertakesAWaitingEvent"}},
	},
	{
		name: "an event overtakes the one of its stream that is parked", file: "pkg/consume/consume.go",
		text: "case stopped[key]:", instead: "case stopped[key] && false:",
		guards: []guard{{"pkg", "./consume", "TestNothingOvertakesAWaitingEvent"}},
	},
	{
		name: "an event that can't be recorded is tried for ever", file: "pkg/engine/handle.go",
		text: "\tif lasting(err) {\n\t\treturn err\n\t}\n\tif err != nil {\n\t\treturn &faultError{err}", instead: "\tif err != nil {\n\t\treturn &faultError{err}",
		guards: []guard{{"pkg", "./consume", "TestWhateverMakesAnEventPoison"}},
	},
	{
		name: "what is handled past a slot that is stuck counts for it", file: "pkg/consume/consume.go",
		text: "handled = min(handled, all[0].position-1)", instead: "_ = all",
		guards: []guard{{"pkg", "./consume", "TestAFaultIsTriedAgainAndShows"}},
	},
	{
		name: "what waits is not woken", file: "pkg/eventlog/memlog/memlog.go",
		text: "if p.State == eventlog.Waiting && fresh[p.WaitsFor] {", instead: "if false && fresh[p.WaitsFor] {",
		guards: []guard{wait, simulation},
	},
	{
		name: "a wait does not look whether the key has come meanwhile (PostgreSQL)", file: "pkg/eventlog/pglog/decide.go",
		text: "case v.keys[at.row.WaitsFor]:", instead: "case false:",
		guards: []guard{{"pkg", "./eventlog/pglog", "TestPglog"}},
	},
	{
		name: "a batch's state is kept after its append failed", file: "pkg/engine/handle.go",
		text: "\tresult, err := p.engine.Log.Append(ctx, p.Unit)\n\tif err != nil {\n\t\tp.drop()", instead: "\tresult, err := p.engine.Log.Append(ctx, p.Unit)\n\tif err != nil {\n\t\tfor key, w := range p.touched {\n\t\t\tp.engine.states.put(key, w.folded)\n\t\t}",
		guards: []guard{{"pkg", "./engine", "TestAFailedAppendLeavesNoState"}, simulation},
	},
	{
		name: "the relay marks what the broker refused", file: "pkg/relay/relay.go",
		text: "\tlast, err := r.o.Topic.Produce(ctx, p, messages)\n\tif err != nil {\n\t\treturn err", instead: "\tlast, err := r.o.Topic.Produce(ctx, p, messages)\n\tif err != nil {\n\t\tr.lanes[p].advance(r.lanes[p].mark.Offset, through)\n\t\treturn err",
		guards: []guard{{"pkg", "./relay", "TestAPartitionThatFailsDoesNotStopTheOthers|TestEveryInterleaving"}},
	},
	{
		name: "a timer fires as often as it is tried", file: "pkg/eventlog/memlog/memlog.go",
		text: "if !ok || fired[t.TimerKey] || !have.DueAt.Equal(stored(t.DueAt)) {", instead: "if false && !have.DueAt.Equal(stored(t.DueAt)) && !ok {",
		guards: []guard{{"pkg", "./engine", "TestATimerFiresOnce"}, {"pkg", "./eventlog/memlog", "TestMemlog"}},
	},
	{
		name: "a timer fires as often as it is tried (PostgreSQL)", file: "pkg/eventlog/pglog/decide.go",
		text: "if t == nil || !t.is || fired[f.TimerKey] || !t.due.Equal(stored(f.DueAt)) {", instead: "if t == nil {",
		guards: []guard{{"pkg", "./eventlog/pglog", "TestPglog"}},
	},
	{
		name: "a used request key is not found", file: "pkg/eventlog/memlog/memlog.go",
		text: "used := l.answers[requestKey{u.Request.Tenant, u.Request.Key}]; used {", instead: "used := l.answers[requestKey{u.Request.Tenant, u.Request.Key}]; used && false {",
		guards: []guard{{"pkg", "./eventlog/memlog", "TestMemlog"}},
	},
	{
		name: "the engine does not send the request key", file: "pkg/engine/engine.go",
		text: "unit.Request = &eventlog.Request{", instead: "_ = &eventlog.Request{",
		guards: []guard{{"pkg", "./engine", "TestARepeatedRequestGetsTheFirstAnswer"}},
	},
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// broken is the mutant's file with the planted fault.
func (m mutant) broken(t *testing.T, root string) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), m.text); n != 1 {
		t.Fatalf("%s holds the text to be broken %d times, want once: bring the mutant up to date\n%s", m.file, n, m.text)
	}
	return strings.Replace(string(source), m.text, m.instead, 1)
}

func TestMutantsFitTheirFiles(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) { m.broken(t, root(t)) })
	}
}

func TestEachMutantIsCaught(t *testing.T) {
	if !*plant {
		t.Skip("skipped: make mutants plants them (-plant)")
	}
	for _, m := range mutants {
		if !strings.Contains(m.name, *only) {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			top, dir := root(t), t.TempDir()
			file := filepath.Join(dir, filepath.Base(m.file))
			if err := os.WriteFile(file, []byte(m.broken(t, top)), 0o600); err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(top, m.file): file}})
			if err != nil {
				t.Fatal(err)
			}
			list := filepath.Join(dir, "overlay.json")
			if err := os.WriteFile(list, overlay, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, g := range m.guards {
				if why := caught(t.Context(), top, list, g); why != "" {
					t.Errorf("%s in %s does not find it: %s", g.run, g.pkg, why)
				}
			}
		})
	}
}

// caught runs a guard over a broken file; "" if it turned red by a failed test, not by a file that does not compile.
func caught(ctx context.Context, top, overlay string, g guard) string {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-overlay", overlay, "-run", "^("+g.run+")$", g.pkg)
	cmd.Dir = filepath.Join(top, g.module)
	out, err := cmd.CombinedOutput()
	switch {
	case strings.Contains(string(out), "[build failed]") || strings.Contains(string(out), "[setup failed]"):
		return "it does not compile:\n" + string(out)
	case err == nil:
		return "all is green:\n" + string(out)
	case !strings.Contains(string(out), "--- FAIL") && !strings.Contains(string(out), "panic: "):
		return "it did not run: " + err.Error() + "\n" + string(out)
	}
	return ""
}
