package pgtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestDatabases(t *testing.T) {
	for n := range 8 {
		t.Run(fmt.Sprint("each parallel test has an empty database ", n), func(t *testing.T) {
			t.Parallel()
			pool := pgtest.DB(t)
			if _, err := pool.Exec(t.Context(), "CREATE TABLE mine (n integer)"); err != nil {
				t.Fatal(err)
			}
			var super bool
			if err := pool.QueryRow(t.Context(), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super); err != nil || !super {
				t.Errorf("superuser: %v, %v", super, err)
			}
		})
	}
}

func TestTemplate(t *testing.T) {
	built := 0
	migrate := pgtest.WithTemplate("with a table", func(ctx context.Context, url string) error {
		built++
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "CREATE TABLE things (n integer)")
		return errors.Join(err, conn.Close(ctx))
	})
	for range 3 {
		t.Run("each copy has the table and nothing of the others", func(t *testing.T) {
			pool := pgtest.DB(t, migrate)
			var before int
			if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM things").Scan(&before); err != nil || before != 0 {
				t.Fatalf("%d rows, %v", before, err)
			}
			if _, err := pool.Exec(t.Context(), "INSERT INTO things VALUES (1)"); err != nil {
				t.Fatal(err)
			}
		})
	}
	if built != 1 {
		t.Errorf("the template was built %d times, want once", built)
	}
}

func TestFsync(t *testing.T) {
	for want, options := range map[string][]pgtest.Option{"off": nil, "on": {pgtest.WithFsync()}} {
		var got string
		if err := pgtest.DB(t, options...).QueryRow(t.Context(), "SHOW fsync").Scan(&got); err != nil || got != want {
			t.Errorf("fsync is %q, want %q (%v)", got, want, err)
		}
	}
}

func TestOwnServerKeepsCommittedRowsThroughAKill(t *testing.T) {
	server := pgtest.Own(t, pgtest.WithFsync())
	kept := func(sql string) (n int) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), server.URL())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM kept").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	kept("CREATE TABLE kept AS SELECT 1")
	server.Kill(t)
	server.Start(t)
	if n := kept("INSERT INTO kept VALUES (2)"); n != 2 {
		t.Errorf("%d rows, want the one from before the kill and the new one", n)
	}
}
