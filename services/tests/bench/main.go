// Program bench measures what the platform does in a second on this machine, each next to what the same machine does in the same run without us: COPY, single commits, counting, decoding.
//
// A measure is one row of the table: a value, a reference, and the ratio of the two. Values are this machine's; ratios can be compared between machines, and a goal is one of them.
// docs/benchmarks.md says how to read the table. The promise: what is timed is the real thing, on a PostgreSQL that flushes, and each measure checks that all the work was done
// before it tells a rate; a measure below its goal makes the program end with 1.
//
//	go run ./services/tests/bench              everything, some minutes
//	go run ./services/tests/bench -claims 500  a smaller remittance
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/evenkeel/evenkeel/pkg/embedded"
	"github.com/evenkeel/evenkeel/pkg/eventlog/pglog"
	"github.com/evenkeel/evenkeel/pkg/pgserver"
)

// measure is one row.
type measure struct {
	Name      string
	Value     float64
	Unit      string
	Reference string
	Ratio     float64
	Goal      float64 // of the ratio, at least; 0: none
	Most      float64 // of the ratio, at most; 0: none
}

// bench is a run.
type bench struct {
	parts    *embedded.Parts
	claims   int
	accounts int
	measured []measure
	single   float64 // commits/s of one row on one connection
	copied   float64 // rows/s by COPY
}

func (b *bench) add(m measure) {
	b.measured = append(b.measured, m)
	fmt.Fprintf(os.Stderr, "  %s: %s %s\n", m.Name, number(m.Value), m.Unit)
}

func main() {
	pgserver.MaybeHelper()
	claims := flag.Int("claims", 5000, "claims of the cycle and of the remittance")
	accounts := flag.Int("accounts", 150_000, "accounts that the aging looks at: the demo group's, times 100")
	dir := flag.String("dir", "", "where the database is: the disk that is measured; default: a temporary folder")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	met, err := run(ctx, *dir, *claims, *accounts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	if !met {
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, claims, accounts int) (met bool, err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "evenkeel-bench-"); err != nil {
			return false, err
		}
		defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
		// PostgreSQL's account must get in.
		if err := os.Chmod(dir, 0o755); err != nil {
			return false, err
		}
	}
	b := &bench{claims: claims, accounts: accounts}
	if b.parts, err = embedded.Start(ctx, embedded.Options{Dir: filepath.Join(dir, "data"), Log: slog.New(slog.DiscardHandler)}); err != nil {
		return false, err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if stopped := b.parts.Stop(stopping); err == nil {
			err = stopped
		}
	}()
	facts, err := b.facts(ctx, dir)
	if err != nil {
		return false, err
	}
	fmt.Fprintln(os.Stderr, facts)
	for _, step := range []func(context.Context) error{b.appends, b.cycle} {
		if err := step(ctx); err != nil {
			return false, err
		}
	}
	fmt.Println(facts)
	return b.show(), nil
}

// facts of the machine: what the values depend on.
func (b *bench) facts(ctx context.Context, dir string) (string, error) {
	flush, err := flushTime(dir)
	if err != nil {
		return "", fmt.Errorf("measure a flush: %w", err)
	}
	conn, err := pgx.Connect(ctx, b.parts.AdminURL)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var version string
	if err := conn.QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d cores (%s), %s, PostgreSQL %s, a flush takes %.2f ms", runtime.NumCPU(), runtime.GOARCH, runtime.Version(), version, flush.Seconds()*1000), nil
}

// flushTime is the median time of writing one page and flushing it.
func flushTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "flush")
	if err != nil {
		return 0, err
	}
	defer func() { _, _ = f.Close(), os.Remove(f.Name()) }() // nobody needs it
	page := make([]byte, 8<<10)
	var times []time.Duration
	for range 200 {
		began := time.Now()
		if _, err := f.WriteAt(page, 0); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// appends measures the log alone. The goals are runtime.md's for a machine whose cores the server shares with us.
func (b *bench) appends(ctx context.Context) error {
	fmt.Fprintln(os.Stderr, "appending to the log …")
	ref, rates, err := pglog.Measure(ctx, b.parts.AdminURL, 2*time.Second,
		pglog.Workload{Callers: 1024, For: 4 * time.Second},
		pglog.Workload{Callers: 1024, For: 4 * time.Second, Complete: true},
		pglog.Workload{Callers: 256, For: 3 * time.Second, Complete: true},
		pglog.Workload{Callers: 32, For: 3 * time.Second, Complete: true},
		pglog.Workload{Callers: 1, For: 2 * time.Second, Complete: true},
	)
	if err != nil {
		return err
	}
	b.copied, b.single = ref.Copy, ref.Single
	b.add(measure{Name: "rows by COPY, 10,000 a commit", Value: ref.Copy, Unit: "rows/s", Reference: "(a reference itself)"})
	b.add(measure{Name: "rows one a commit, one connection", Value: ref.Single, Unit: "rows/s", Reference: "(a reference itself)"})
	for _, r := range rates {
		kind := "events alone"
		goal := 0.0
		if r.Complete {
			kind = "with request and state"
		}
		if r.Callers == 1024 {
			goal = map[bool]float64{false: 0.30, true: 0.18}[r.Complete]
		}
		b.add(measure{Name: fmt.Sprintf("appends, %d callers, %s (p50 %.1f ms)", r.Callers, kind, r.P50.Seconds()*1000), Value: r.Appends, Unit: "appends/s", Reference: "COPY", Ratio: r.Appends / ref.Copy, Goal: goal})
		if r.Complete {
			b.add(measure{Name: "  the same", Value: r.Appends, Unit: "appends/s", Reference: "single commits", Ratio: r.Appends / ref.Single})
		}
	}
	return nil
}

// show prints the table and says whether every goal was met.
func (b *bench) show() bool {
	t := table.NewWriter()
	t.SetOutputMirror(os.Stdout)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"measure", "value", "unit", "reference", "ratio", "goal", ""})
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight}, {Number: 5, Align: text.AlignRight}, {Number: 6, Align: text.AlignRight}})
	all := true
	for _, m := range b.measured {
		ratio, goal, word := "", "", ""
		if m.Ratio != 0 {
			ratio = fmt.Sprintf("%.3g", m.Ratio)
		}
		if m.Goal != 0 {
			goal, word = fmt.Sprintf("≥ %.3g", m.Goal), "met"
			if m.Ratio < m.Goal {
				word, all = "MISSED", false
			}
		}
		if m.Most != 0 {
			goal, word = fmt.Sprintf("≤ %.3g", m.Most), "met"
			if m.Ratio > m.Most {
				word, all = "MISSED", false
			}
		}
		t.AppendRow(table.Row{m.Name, number(m.Value), m.Unit, m.Reference, ratio, goal, word})
	}
	t.Render()
	return all
}

// number with thousands apart, and only the figures that say something.
func number(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	digits := fmt.Sprintf("%.0f", v)
	var parts []string
	for len(digits) > 3 {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, parts...), ",")
}
