package security

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/gateway"
)

// strings of a query's first column.
func column(t *testing.T, db *pgxpool.Pool, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What the database itself says of the services' roles.
func TestRolesHaveNoMoreThanTheyNeed(t *testing.T) {
	database := pgtest.URL(t)
	services := append(all(), gateway.New(gateway.Config{}))
	if err := host.Migrate(t.Context(), database, hosttest.Secret, services); err != nil {
		t.Fatal(err)
	}
	db, err := pgxpool.New(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range services {
		t.Run(s.Name, func(t *testing.T) {
			role := host.Role(s.Name)
			if found := rights(t, db, s.Name, role); len(found) > 0 {
				t.Errorf("%s:\n  %s", role, strings.Join(found, "\n  "))
			}
		})
	}
	t.Run("the check finds what is wrong", func(t *testing.T) {
		role := host.Role("claims")
		for wrong, statement := range map[string]string{
			"may UPDATE its log":           "GRANT UPDATE ON claims.event TO " + role,
			"posting.event":                "GRANT SELECT ON posting.event TO " + role + "; GRANT USAGE ON SCHEMA posting TO " + role,
			"owns":                         "CREATE TABLE claims.mine (); ALTER TABLE claims.mine OWNER TO " + role,
			"may create in the schema":     "GRANT CREATE ON SCHEMA public TO " + role,
			"may DELETE vault":             "GRANT DELETE ON vault.subject_keys TO " + role,
			"is a member of":               "GRANT evenkeel_claims_owner TO " + role,
			"may UPDATE the column":        "GRANT UPDATE (subject) ON vault.subject_keys TO " + role,
			"the event table does not":     "ALTER TABLE claims.event DISABLE TRIGGER append_only",
			"may execute the definer's":    "CREATE FUNCTION public.power() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
			"may make temporary functions": "GRANT CREATE ON DATABASE " + pgx.Identifier{db.Config().ConnConfig.Database}.Sanitize() + " TO " + role,
		} {
			tx, err := db.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
			if found := rights(t, tx, "claims", role); !slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, wrong) }) {
				t.Errorf("after %s the check does not find that it %q: %q", statement, wrong, found)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

type querier interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}

// rights is everything that a service's role has and should not have.
func rights(t *testing.T, db querier, service, role string) (found []string) {
	t.Helper()
	for _, check := range []string{
		// What the role is.
		`SELECT 'is a superuser, bypasses row security, replicates, or creates roles or databases' FROM pg_roles
			WHERE rolname = $2 AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication) AND $1 <> ''`,
		`SELECT 'is a member of ' || g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = $2 AND $1 <> ''`,
		`SELECT 'has no search_path of its own: ' || $1 FROM pg_roles r WHERE r.rolname = $2
			AND NOT EXISTS (SELECT FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE s.setrole = r.oid AND c LIKE 'search_path=%' || $1 || '%')`,
		// What it owns.
		`SELECT 'owns ' || n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE pg_get_userbyid(c.relowner) = $2 AND $1 <> ''`,
		`SELECT 'owns the schema ' || nspname FROM pg_namespace WHERE pg_get_userbyid(nspowner) = $2 AND $1 <> ''`,
		`SELECT 'owns the function ' || proname FROM pg_proc WHERE pg_get_userbyid(proowner) = $2 AND $1 <> ''`,
		// Where it may make something.
		`SELECT 'may create in the schema ' || nspname FROM pg_namespace WHERE has_schema_privilege($2, oid, 'CREATE') AND nspname !~ '^pg_(toast_)?temp' AND $1 <> ''`,
		`SELECT 'may make temporary functions or schemas in the database' FROM pg_database WHERE datname = current_database() AND has_database_privilege($2, oid, 'CREATE') AND $1 <> ''`,
		`SELECT 'may execute the definer''s ' || n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
			WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND has_function_privilege($2, p.oid, 'EXECUTE') AND $1 <> ''`,
		// What it may do to the tables of others. The vault's keys may be read, added and destroyed; the sandbox's clock is everybody's, and the gateway moves it.
		`SELECT 'may ' || r.name || ' ' || n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
				unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS r (name)
			WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', $1) AND n.nspname NOT LIKE 'pg_toast%'
				AND has_table_privilege($2, c.oid, r.name) AND NOT (n.nspname = 'vault' AND r.name IN ('SELECT', 'INSERT'))
				AND NOT (n.nspname = 'sandbox' AND (r.name = 'SELECT' OR $1 = 'gateway' AND r.name = 'UPDATE'))`,
		`SELECT 'may UPDATE the column ' || n.nspname || '.' || c.relname || '.' || a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE a.attnum > 0 AND c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'sandbox', $1) AND has_column_privilege($2, c.oid, a.attnum, 'UPDATE')
				AND NOT (n.nspname = 'vault' AND c.relname = 'subject_keys' AND a.attname = 'wrapped_key')`,
		// The log is only added to.
		`SELECT 'may ' || r.name || ' its log' FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS r (name) WHERE has_table_privilege($2, $1 || '.event', r.name)
			OR r.name = 'UPDATE' AND has_any_column_privilege($2, $1 || '.event', 'UPDATE')`,
		`SELECT 'may not ' || r.name || ' its log' FROM unnest(ARRAY['SELECT', 'INSERT']) AS r (name) WHERE NOT has_table_privilege($2, $1 || '.event', r.name)`,
		`SELECT 'the event table does not refuse changes by a trigger that is always on, for ' || $2 WHERE NOT EXISTS (
			SELECT FROM pg_trigger WHERE tgrelid = ($1 || '.event')::regclass AND tgname = 'append_only' AND tgenabled = 'A')`,
		// What was migrated is not the service's to change.
		`SELECT 'may ' || r.name || ' ' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS r (name)
			WHERE n.nspname = $1 AND c.relname LIKE 'migrations\_%' AND c.relkind = 'r' AND has_table_privilege($2, c.oid, r.name)`,
	} {
		rows, err := db.Query(t.Context(), check, service, role)
		if err != nil {
			t.Fatalf("%s: %v", check, err)
		}
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", check, err)
		}
		found = append(found, list...)
	}
	return found
}

// Each table that holds tenants' rows says whose each row is, first in its primary key: no look-up by key can meet another tenant's row.
func TestEachTenantsRowsAreKeyedByTenant(t *testing.T) {
	database := pgtest.URL(t)
	services := append(all(), gateway.New(gateway.Config{}))
	if err := host.Migrate(t.Context(), database, hosttest.Secret, services); err != nil {
		t.Fatal(err)
	}
	db, err := pgxpool.New(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// Keyed otherwise, and why.
	otherwise := map[string]string{
		"head": "one row", "writer": "of processes", "inbox": "of consumers", "relay": "of topics", "mirror": "after the mirror's name", "parked": "by position in a source", "event": "by position in the log",
		"feed": "by position in a source", "api_keys": "looked up before the tenant is known", "sessions": "looked up before the tenant is known", "finance_tenants": "says which tenants a database role may see",
		"migrations_runtime": "of the schema", "migrations_service": "of the schema",
	}
	for _, s := range services {
		tables := column(t, db, `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY 1`, s.Name)
		if len(tables) < 10 {
			t.Fatalf("%s has only %v", s.Name, tables)
		}
		for _, table := range tables {
			if otherwise[table] != "" {
				continue
			}
			first := column(t, db, `SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indisprimary AND i.indrelid = $1::regclass`,
				fmt.Sprintf("%s.%s", s.Name, table))
			if len(first) != 1 || first[0] != "tenant_id" && first[0] != "tenant" {
				t.Errorf("the primary key of %s.%s begins with %v, not with the tenant", s.Name, table, first)
			}
		}
	}
}
