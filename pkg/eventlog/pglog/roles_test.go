package pglog_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/eventlog/pglog"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func execute(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func count(t testing.TB, conn *pgx.Conn, sql string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func TestServiceRole(t *testing.T) {
	t.Parallel()
	admin, role := prepared(t)
	log := open(t, role, pglog.Options{Dev: true})
	if _, err := log.Append(t.Context(), say("a/1", "1")); err != nil {
		t.Fatal(err)
	}
	changes := []string{
		`UPDATE event SET actor = 'x'`, `DELETE FROM event`, `TRUNCATE event`, `ALTER TABLE event DISABLE TRIGGER append_only`, `ALTER TABLE event ADD COLUMN x int`,
		`DROP TABLE event`, `SET session_replication_role = replica`, `DROP TRIGGER append_only ON event`, `ALTER TABLE event OWNER TO CURRENT_USER`,
		`CREATE OR REPLACE FUNCTION here.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`, `SET ROLE pglog_test_here_owner`,
		`MERGE INTO event e USING (SELECT 1) x ON true WHEN MATCHED THEN DELETE`, `INSERT INTO event SELECT * FROM event ON CONFLICT (position) DO UPDATE SET actor = 'x'`,
		`CREATE TABLE here.mine (n int)`, `CREATE TABLE public.mine (n int)`, `DROP SCHEMA here CASCADE`, `ALTER ROLE CURRENT_USER SUPERUSER`, `DROP TABLE head`, `TRUNCATE request`,
		`UPDATE migrations_runtime SET version_id = 0`, `SELECT 1 FROM migrations_runtime`,
	}
	conn := connect(t, role)
	for _, s := range changes {
		if _, err := conn.Exec(t.Context(), s); err == nil {
			t.Errorf("the service's role may %s", s)
		}
	}
	var path string
	if err := conn.QueryRow(t.Context(), "SHOW search_path").Scan(&path); err != nil || path != "here" {
		t.Errorf("its search path is %q, %v", path, err)
	}

	// Who is more than the service still stumbles over the trigger, also where ordinary triggers are off.
	super := connect(t, admin)
	for _, before := range []string{"SET session_replication_role = replica", "SET session_replication_role = origin; SET ROLE pglog_test_here_owner"} {
		execute(t, super, before)
		for _, s := range []string{`UPDATE here.event SET actor = 'x'`, `DELETE FROM here.event`, `TRUNCATE here.event`} {
			if _, err := super.Exec(t.Context(), s); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s; %s: %v", before, s, err)
			}
		}
	}
	execute(t, super, "RESET ROLE")
	if n := count(t, super, "SELECT count(*) FROM pg_roles WHERE rolname = 'pglog_test_here_owner' AND rolcanlogin"); n != 0 {
		t.Error("the owner can sign in")
	}
	if n := count(t, super, "SELECT count(*) FROM here.event"); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	admin := pgtest.URL(t)
	m := pglog.Migration{Service: "claims", Schema: "claims", Role: "pglog_test_claims", Password: password, Migrations: fstest.MapFS{
		"0001_claims.sql": {Data: []byte("-- +goose Up\nCREATE TABLE claims (id bigint GENERATED ALWAYS AS IDENTITY, name text);")},
		"0002_audit.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE audit (name text);\nREVOKE UPDATE, DELETE ON audit FROM pglog_test_claims;")},
	}}
	migrateAtOnce := func() {
		t.Helper()
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := pglog.Migrate(ctx, admin, m); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	migrateAtOnce()
	role := as(t, admin, m.Role, password)
	conn := connect(t, role)
	execute(t, conn, "INSERT INTO claims (name) VALUES ('x')", "UPDATE claims SET name = 'y'", "INSERT INTO audit VALUES ('x')")
	if _, err := conn.Exec(ctx, "DELETE FROM audit"); err == nil {
		t.Error("a right that a migration took away was given again")
	}
	log := open(t, role, pglog.Options{Service: "claims", Dev: true})
	if _, err := log.Append(ctx, say("a/1", "1")); err != nil {
		t.Fatal(err)
	}

	t.Run("again, with more", func(t *testing.T) {
		m.Migrations.(fstest.MapFS)["0003_more.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE claims ADD COLUMN more text;")}
		m.Password = "another"
		migrateAtOnce()
		again := connect(t, as(t, admin, m.Role, "another"))
		execute(t, again, "UPDATE claims SET more = 'z'")
		if _, err := again.Exec(ctx, "DELETE FROM audit"); err == nil {
			t.Error("a right that a migration took away was given again")
		}
		if _, err := again.Exec(ctx, "DELETE FROM event"); err == nil {
			t.Error("the role may delete events")
		}
		if n := count(t, again, "SELECT count(*) FROM event"); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		if _, err := pgx.Connect(ctx, role); err == nil {
			t.Error("the old password still works")
		}
	})
	t.Run("without a superuser", func(t *testing.T) {
		super := connect(t, admin)
		execute(t, super, `DO $$ BEGIN CREATE ROLE pglog_test_admin LOGIN CREATEROLE PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN END $$`)
		var database string
		if err := super.QueryRow(ctx, "SELECT current_database()").Scan(&database); err != nil {
			t.Fatal(err)
		}
		execute(t, super, "GRANT CREATE ON DATABASE "+database+" TO pglog_test_admin")
		intake := pglog.Migration{Service: "intake", Schema: "intake", Role: "pglog_test_intake", Password: password}
		if err := pglog.Migrate(ctx, as(t, admin, "pglog_test_admin", "x"), intake); err != nil {
			t.Fatal(err)
		}
		open(t, as(t, admin, intake.Role, password), pglog.Options{Service: "intake", Dev: true})
	})
	for _, c := range []struct {
		name   string
		change func(*pglog.Migration)
		want   []string
	}{
		{"names are missing", func(m *pglog.Migration) { *m = pglog.Migration{} }, []string{"service's name", "schema's name", "role's name"}},
		{"the role may do too much", func(m *pglog.Migration) { m.Role = "pglog_test_powerful" }, []string{"pglog_test_powerful may do more than a service"}},
		{"a migration is wrong", func(m *pglog.Migration) {
			m.Migrations = fstest.MapFS{"0009_wrong.sql": {Data: []byte("-- +goose Up\nCREATE TABEL x ();")}}
		}, []string{"migrate claims: the service's tables", "version:9"}},
		{"there are no migrations", func(m *pglog.Migration) { m.Migrations = fstest.MapFS{} }, []string{"no .sql file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			execute(t, connect(t, admin), `DO $$ BEGIN CREATE ROLE pglog_test_powerful CREATEDB; EXCEPTION WHEN duplicate_object THEN END $$`)
			wrong := m
			c.change(&wrong)
			err := pglog.Migrate(ctx, admin, wrong)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
			if err != nil && (strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "SCRAM")) {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func TestSettingsThatLoseAcknowledgedEventsAreRefused(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, url string, want ...string) {
		t.Helper()
		log, err := pglog.Open(t.Context(), url, pglog.Options{Service: "here", Clock: clock})
		if err == nil {
			log.Close()
			t.Fatal("the log opened")
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%v does not say %q", err, w)
			}
		}
		open(t, url, pglog.Options{Dev: true})
	}
	t.Run("of the server, all at once", func(t *testing.T) {
		_, role := prepared(t)
		refused(t, role, "fsync is off", "full_page_writes is off", "synchronous_commit is off")
	})
	admin, role := prepared(t, pgtest.WithFsync())
	super := connect(t, admin)
	var database string
	if err := super.QueryRow(t.Context(), "SELECT current_database()").Scan(&database); err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string][2]string{
		"of the database":         {"ALTER DATABASE " + database + " SET synchronous_commit = off", "ALTER DATABASE " + database + " RESET synchronous_commit"},
		"of the role in it":       {"ALTER ROLE pglog_test_here IN DATABASE " + database + " SET synchronous_commit = off", "ALTER ROLE pglog_test_here IN DATABASE " + database + " RESET synchronous_commit"},
		"right: updates of event": {"GRANT UPDATE ON here.event TO pglog_test_here", "REVOKE UPDATE ON here.event FROM pglog_test_here"},
	} {
		t.Run(name, func(t *testing.T) {
			execute(t, super, set[0])
			want := "synchronous_commit is off"
			if strings.HasPrefix(name, "right") {
				want = "may change or delete events"
			}
			refused(t, role, want)
			execute(t, super, set[1])
		})
	}
	t.Run("of the connection string", func(t *testing.T) { refused(t, role+"&synchronous_commit=off", "synchronous_commit is off") })
	t.Run("good ones are not", func(t *testing.T) { open(t, role, pglog.Options{}) })
	t.Run("no tables", func(t *testing.T) {
		_, err := pglog.Open(t.Context(), pgtest.URL(t), pglog.Options{Service: "here", Clock: clock, Dev: true})
		if err == nil || !strings.Contains(err.Error(), "run the migrations") {
			t.Error(err)
		}
	})
}

// What is acknowledged is flushed: the server's flush position has passed a point that lies before the commit.
func TestAcknowledgedIsFlushed(t *testing.T) {
	t.Parallel()
	admin, role := prepared(t, pgtest.WithFsync())
	execute(t, connect(t, admin), "CREATE TABLE here.points (id text, lsn pg_lsn)", "GRANT ALL ON here.points TO pglog_test_here")
	log := open(t, role, pglog.Options{})
	for _, writers := range []int{1, 8, 64} {
		each := 320 / writers
		inParallel(writers, func(w int) {
			for i := range each {
				id := fmt.Sprint(writers, "-", w, "-", i)
				u := say("w/"+id, "x")
				u.Statements = append(u.Statements, statement("INSERT INTO points VALUES ($1, pg_current_wal_insert_lsn())", id))
				if _, err := log.Append(t.Context(), u); err != nil {
					t.Error(err)
					return
				}
				var flushed bool
				if err := log.Pool().QueryRow(t.Context(), "SELECT pg_current_wal_flush_lsn() > (SELECT lsn FROM points WHERE id = $1)", id).Scan(&flushed); err != nil || !flushed {
					t.Errorf("acknowledged and not on disk: %v, %v", id, err)
				}
			}
		})
	}
	if events := readAll(t, log); len(events) != 3*320 {
		t.Errorf("%d events", len(events))
	}
}

func readAll(t testing.TB, log eventlog.Log) []eventlog.Record {
	t.Helper()
	events, err := log.Read(t.Context(), 0, 10_000_000)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range events {
		if r.Position != int64(i+1) {
			t.Fatalf("event %d has position %d", i+1, r.Position)
		}
	}
	return events
}
