package reporting_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/services/reporting"
)

var financeViews = []string{"finance_ledger", "finance_ar_aging", "finance_claims", "finance_denials", "finance_deposits"}

// signIn is a connection of a new user who is a finance reader.
func (b *books) signIn(name string) *pgx.Conn {
	b.Helper()
	admin, err := pgx.Connect(b.Context(), b.admin())
	if err != nil {
		b.Fatal(err)
	}
	defer admin.Close(b.Context())
	for _, s := range []string{`DROP ROLE IF EXISTS ` + name, `CREATE ROLE ` + name + ` LOGIN PASSWORD 'only-in-tests'`, `GRANT finance_reader TO ` + name} {
		if _, err := admin.Exec(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
	b.Cleanup(func() {
		// Roles belong to the whole server, and the context of the test is over.
		admin, err := pgx.Connect(context.Background(), b.admin())
		if err != nil {
			b.Error(err)
			return
		}
		defer admin.Close(context.Background())
		if _, err := admin.Exec(context.Background(), `DROP ROLE `+name); err != nil {
			b.Error(err)
		}
	})
	u, err := url.Parse(b.admin())
	if err != nil {
		b.Fatal(err)
	}
	u.User = url.UserPassword(name, "only-in-tests")
	conn, err := pgx.Connect(b.Context(), u.String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (b *books) asAdmin(sql string, args ...any) {
	b.Helper()
	admin, err := pgx.Connect(b.Context(), b.admin())
	if err != nil {
		b.Fatal(err)
	}
	defer admin.Close(b.Context())
	if _, err := admin.Exec(b.Context(), sql, args...); err != nil {
		b.Fatal(err)
	}
}

func count(t *testing.T, conn *pgx.Conn, view string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM reporting.`+view).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFinanceReadsItsOwnTenantAndNothingElse(t *testing.T) {
	b := busy(t)
	b.publish("claims", "claim/clm_enc_0", &claimsv1.LineDenied{ClaimId: "clm_enc_0", PayerId: "pay_1", LineId: "L1", GroupCode: "CO", Carc: "197", DeniedAmount: 100_00, RemittanceId: "rem_9", LocationId: "loc_1"})
	b.caughtUp()
	stranger, controller := b.signIn("finance_test_stranger"), b.signIn("finance_test_controller")
	b.asAdmin(`INSERT INTO reporting.finance_tenants VALUES ('finance_test_controller', $1), ('finance_test_stranger', $2)`, hosttest.Tenant, uuid.New())
	see := func() {
		t.Helper()
		for i, want := range []int{28, 10, 10, 1, 1} {
			if n := count(t, controller, financeViews[i]); n != want {
				t.Errorf("%s: the controller sees %d rows, want %d", financeViews[i], n, want)
			}
			if n := count(t, stranger, financeViews[i]); n != 0 {
				t.Errorf("%s: who has another tenant sees %d rows", financeViews[i], n)
			}
		}
	}
	see()
	t.Run("the views are the same after a rebuild", func(t *testing.T) {
		if done, err := reporting.Rebuild(t.Context(), b.rebuilding()); err != nil || !done.Swapped {
			t.Fatal(done, err)
		}
		see()
	})
	t.Run("no table can be read, and no view written", func(t *testing.T) {
		rows, err := controller.Query(t.Context(), `SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
			AND n.nspname NOT LIKE 'pg\_%' AND c.relkind IN ('r', 'v', 'p', 'm') AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1`)
		if err != nil {
			t.Fatal(err)
		}
		readable, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || strings.Join(readable, " ") != "finance_ar_aging finance_claims finance_denials finance_deposits finance_ledger" {
			t.Fatalf("the controller can read %q, %v", readable, err)
		}
		if _, err := controller.Exec(t.Context(), `UPDATE reporting.finance_claims SET status = 'closed'`); err == nil {
			t.Fatal("a view was written")
		}
		if _, err := controller.Exec(t.Context(), `INSERT INTO reporting.finance_tenants VALUES ('finance_test_controller', gen_random_uuid())`); err == nil {
			t.Fatal("the controller gave herself a tenant")
		}
	})
	t.Run("the service can't say who sees what", func(t *testing.T) {
		if _, err := b.db().Exec(t.Context(), `INSERT INTO finance_tenants VALUES ('finance_test_stranger', $1)`, hosttest.Tenant); err == nil {
			t.Fatal("it can")
		}
	})
	t.Run("a function of the reader's own does not see the rows of others", func(t *testing.T) {
		// Without the barrier a cheap function in the condition would be asked about every row of every tenant.
		if _, err := stranger.Exec(t.Context(), `CREATE FUNCTION pg_temp.peek(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE EXCEPTION 'saw %', $1; END $$`); err != nil {
			t.Fatal(err)
		}
		if _, err := stranger.Exec(t.Context(), `SELECT FROM reporting.finance_claims WHERE pg_temp.peek(claim_id)`); err != nil {
			t.Fatal(err)
		}
		// The server may still hold it for a moment after the connection is closed, and then not let the role go.
		if _, err := stranger.Exec(t.Context(), `DROP FUNCTION pg_temp.peek(text)`); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("every view and column is documented", func(t *testing.T) {
		rows, err := controller.Query(t.Context(), `SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
			WHERE c.relname LIKE 'finance\_%' AND c.relkind = 'v' AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)`)
		if err != nil {
			t.Fatal(err)
		}
		missing, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(missing) > 0 {
			t.Fatalf("without a comment: %q, %v", missing, err)
		}
	})
}
