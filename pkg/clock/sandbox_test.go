package clock

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

// With this set, the test binary is another process that waits for the clock and says what it shows.
const follower = "CLOCK_TEST_FOLLOW"

func TestMain(m *testing.M) {
	if url := os.Getenv(follower); url != "" {
		follow(url)
		return
	}
	pgtest.Main(m)
}

func follow(url string) {
	s, err := Open(context.Background(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	defer s.Close()
	fmt.Fprintln(os.Stderr, "ready", s.Now().Format(time.RFC3339Nano))
	if err := s.Wait(context.Background(), monday.AddDate(0, 0, 70)); err != nil {
		panic(err)
	}
	fmt.Fprintln(os.Stderr, "shows", s.Now().Format(time.RFC3339Nano))
}

func prepared(t *testing.T, start Start) (url string) {
	t.Helper()
	url = pgtest.URL(t)
	if err := Prepare(t.Context(), url, start); err != nil {
		t.Fatal(err)
	}
	return url
}

func opened(t *testing.T, url string) *Sandbox {
	t.Helper()
	s, err := Open(t.Context(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestSandboxIsSharedByProcesses(t *testing.T) {
	url := prepared(t, Start{At: monday, Frozen: true})
	here, beside := opened(t, url), opened(t, url)

	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), follower+"="+url)
	said, err := other.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	if !lines.Scan() || lines.Text() != "ready 2026-03-02T08:00:00Z" {
		t.Fatalf("the other process begins with %q (%v)", lines.Text(), lines.Err())
	}

	target := monday.AddDate(0, 0, 70).Add(123_456 * time.Microsecond)
	if err := here.Advance(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if got := here.Now(); got != target {
		t.Errorf("who moved it sees %v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := beside.Wait(ctx, target); err != nil {
		t.Errorf("beside: %v", err)
	}
	if want := "shows " + target.Format(time.RFC3339Nano); !lines.Scan() || lines.Text() != want {
		t.Errorf("the other process says %q (%v), want %q", lines.Text(), lines.Err(), want)
	}
	if err := other.Wait(); err != nil {
		t.Error(err)
	}
	if again := opened(t, url); !again.Now().Equal(target) {
		t.Errorf("opened again it shows %v", again.Now())
	}
}

func TestSandboxAdvance(t *testing.T) {
	t.Run("refuses to go back", func(t *testing.T) {
		s := opened(t, prepared(t, Start{At: monday, Frozen: true}))
		err := s.Advance(t.Context(), monday.Add(-time.Second))
		var back *BackError
		if !errors.As(err, &back) || !back.Now.Equal(monday) || !strings.Contains(err.Error(), "2026-03-02T08:00:00Z") {
			t.Errorf("error %v", err)
		}
		if err := s.Advance(t.Context(), monday); err != nil {
			t.Errorf("to where it is: %v", err)
		}
		if got := s.Now(); got != monday {
			t.Errorf("it is at %v", got)
		}
	})
	t.Run("moves a running clock, which runs on", func(t *testing.T) {
		s := opened(t, prepared(t, Start{}))
		if off := time.Since(s.Now()); off < -time.Minute || off > time.Minute {
			t.Errorf("it begins %v away from the system's time", off)
		}
		to := s.Now().Add(1000 * time.Hour)
		if err := s.Advance(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		if err := s.Wait(t.Context(), to.Add(50*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if got := s.Now().Sub(to); got < 50*time.Millisecond || got > time.Hour {
			t.Errorf("it is %v past where it was moved to", got)
		}
		if err := s.Advance(t.Context(), to); err == nil {
			t.Error("it went back")
		}
	})
	t.Run("freezes and runs on", func(t *testing.T) {
		s := opened(t, prepared(t, Start{At: monday}))
		if err := s.Freeze(t.Context()); err != nil {
			t.Fatal(err)
		}
		frozen := s.Now()
		if got := frozen.Sub(monday); got < 0 || got > time.Hour {
			t.Errorf("it froze %v after it began", got)
		}
		if err := s.Freeze(t.Context()); err != nil || !s.Now().Equal(frozen) {
			t.Errorf("frozen again it shows %v, not %v (%v)", s.Now(), frozen, err)
		}
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Wait(t.Context(), frozen.Add(20*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if got := s.Now().Sub(frozen); got > time.Hour {
			t.Errorf("it ran on %v further", got)
		}
	})
	t.Run("two at once both count", func(t *testing.T) {
		url := prepared(t, Start{At: monday, Frozen: true})
		a, b := opened(t, url), opened(t, url)
		var all sync.WaitGroup
		for i, s := range []*Sandbox{a, b} {
			all.Go(func() {
				for n := range 20 {
					err := s.Advance(t.Context(), monday.Add(time.Duration(2*n+i)*time.Hour))
					var back *BackError
					if err != nil && !errors.As(err, &back) {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		last := monday.Add(39 * time.Hour)
		for _, s := range []*Sandbox{a, b} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := s.Wait(ctx, last); err != nil || !s.Now().Equal(last) {
				t.Errorf("it is at %v (%v), want %v", s.Now(), err, last)
			}
		}
	})
}

// The connection that follows the clock is cut: it is made again.
func TestSandboxFollowsAgain(t *testing.T) {
	url := prepared(t, Start{At: monday, Frozen: true})
	here, beside := opened(t, url), opened(t, url)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for here.Advance(ctx, monday.Add(time.Hour)) != nil && ctx.Err() == nil { // its connection may have been among those cut
	}
	if err := beside.Wait(ctx, monday.Add(time.Hour)); err != nil {
		t.Error(err)
	}
}

func TestPrepare(t *testing.T) {
	t.Run("again, and by several at once, leaves the clock as it is", func(t *testing.T) {
		url := pgtest.URL(t)
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := Prepare(t.Context(), url, Start{At: monday, Frozen: true}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if err := Prepare(t.Context(), url, Start{}); err != nil {
			t.Fatal(err)
		}
		if got := opened(t, url).Now(); got != monday {
			t.Errorf("it shows %v", got)
		}
	})
	t.Run("everybody reads, writers move it, others don't", func(t *testing.T) {
		url := pgtest.URL(t)
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		as := map[string]string{}
		for _, role := range []string{"clock_test_reader", "clock_test_writer"} {
			if _, err := conn.Exec(t.Context(), "DROP ROLE IF EXISTS "+role+"; CREATE ROLE "+role+" LOGIN PASSWORD 'clock'"); err != nil {
				t.Fatal(err)
			}
			config, err := pgx.ParseConfig(url)
			if err != nil {
				t.Fatal(err)
			}
			as[role] = "host=" + config.Host + " dbname=" + config.Database + " user=" + role + " password=clock"
		}
		t.Cleanup(func() {
			conn, err := pgx.Connect(context.Background(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close(context.Background())
			if _, err := conn.Exec(context.Background(), "DROP OWNED BY clock_test_reader, clock_test_writer; DROP ROLE clock_test_reader, clock_test_writer"); err != nil {
				t.Error(err)
			}
		})
		if err := Prepare(t.Context(), url, Start{At: monday, Frozen: true}, "clock_test_writer"); err != nil {
			t.Fatal(err)
		}
		reader, writer := opened(t, as["clock_test_reader"]), opened(t, as["clock_test_writer"])
		var denied *pgconn.PgError
		if err := reader.Advance(t.Context(), monday.Add(time.Hour)); !errors.As(err, &denied) || denied.Code != "42501" {
			t.Errorf("a reader moves the clock: %v", err)
		}
		if err := writer.Advance(t.Context(), monday.Add(time.Hour)); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := reader.Wait(ctx, monday.Add(time.Hour)); err != nil {
			t.Error(err)
		}
	})
}

func TestOpenSaysSo(t *testing.T) {
	url := prepared(t, Start{At: monday, Frozen: true})
	var out bytes.Buffer
	s, err := Open(t.Context(), url, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if !strings.Contains(out.String(), "level=WARN") || !strings.Contains(out.String(), "sandbox clock is in use") {
		t.Errorf("the log says %q", out.String())
	}
	if _, err := Open(t.Context(), pgtest.URL(t), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "sandbox.clock") {
		t.Errorf("without the table: %v", err)
	}
}
