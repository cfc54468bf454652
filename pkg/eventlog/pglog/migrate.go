package pglog

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var ownMigrations embed.FS

// Migration is what one service has in a database.
type Migration struct {
	Service    string // of whom error messages speak
	Schema     string
	Role       string // that the service signs in with; it owns nothing. The owner is Role + "_owner", with which nobody can sign in
	Password   string // of Role; "": none is set
	Migrations fs.FS  // the service's own, in its root; nil: none
}

func (m Migration) owner() string { return m.Role + "_owner" }

// Tables of goose: what has been applied of each set.
const (
	ownVersions     = "migrations_runtime"
	serviceVersions = "migrations_service"
)

// Migrate makes roles, schema, tables and rights, or brings them up to date. It may run in several processes at once and again at any time. The URL's user must
// be allowed to create roles.
func Migrate(ctx context.Context, adminURL string, m Migration) error {
	if err := m.migrate(ctx, adminURL); err != nil {
		return fmt.Errorf("migrate %s: %w", m.Service, err)
	}
	return nil
}

func (m Migration) migrate(ctx context.Context, adminURL string) error {
	var missing []error
	for name, value := range map[string]string{"service": m.Service, "schema": m.Schema, "role": m.Role} {
		if value == "" {
			missing = append(missing, fmt.Errorf("the %s's name is missing", name))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(adminURL)
	if err != nil {
		return fmt.Errorf("read the connection string: %w", err)
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) // gives the lock free, too
	if err := lock(ctx, conn, "evenkeel migrate "+m.Schema); err != nil {
		return err
	}
	if err := m.makeRoles(ctx, conn); err != nil {
		return err
	}
	schema, role, owner := quote(m.Schema), quote(m.Role), quote(m.owner())
	if err := execute(ctx, conn,
		"CREATE SCHEMA IF NOT EXISTS "+schema+" AUTHORIZATION "+owner,
		"GRANT USAGE ON SCHEMA "+schema+" TO "+role,
	); err != nil {
		return err
	}
	own, err := fs.Sub(ownMigrations, "migrations")
	if err != nil {
		return fmt.Errorf("open the runtime's migrations: %w", err)
	}
	if err := m.up(ctx, config.ConnConfig, own, ownVersions); err != nil {
		return fmt.Errorf("the runtime's tables: %w", err)
	}
	// Before the service's tables are made, so that its migrations may take rights away again.
	defaults := "ALTER DEFAULT PRIVILEGES FOR ROLE " + owner + " IN SCHEMA " + schema + " GRANT "
	if err := execute(ctx, conn,
		"GRANT SELECT, INSERT ON "+schema+".event TO "+role,
		fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %[1]s.head, %[1]s.writer, %[1]s.request, %[1]s.state, %[1]s.inbox, %[1]s.mirror, %[1]s.parked, %[1]s.timer, %[1]s.relay TO %[2]s", schema, role),
		defaults+"SELECT, INSERT, UPDATE, DELETE ON TABLES TO "+role,
		defaults+"USAGE, SELECT ON SEQUENCES TO "+role,
	); err != nil {
		return err
	}
	if m.Migrations != nil {
		if err := m.up(ctx, config.ConnConfig, m.Migrations, serviceVersions); err != nil {
			return fmt.Errorf("the service's tables: %w", err)
		}
		return execute(ctx, conn, "REVOKE ALL ON "+schema+"."+serviceVersions+" FROM "+role)
	}
	return nil
}

// lock waits for a lock of the session. It asks again and again: a waiting statement would stop another process's CREATE INDEX CONCURRENTLY.
func lock(ctx context.Context, conn *pgx.Conn, name string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var got bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", name).Scan(&got); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if got {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for another process that migrates: %w", ctx.Err())
		}
	}
}

// makeRoles makes owner and service role, or sets the latter's password and search path. Roles belong to the whole server: the lock, which is the database's, does not cover them.
func (m Migration) makeRoles(ctx context.Context, conn *pgx.Conn) error {
	role, owner := quote(m.Role), quote(m.owner())
	for name, create := range map[string]string{
		m.owner(): "CREATE ROLE " + owner + " NOLOGIN",
		m.Role:    "CREATE ROLE " + role + " LOGIN",
	} {
		if err := createRole(ctx, conn, name, create); err != nil {
			return err
		}
	}
	var powerful, owns bool
	if err := conn.QueryRow(ctx, `SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication, pg_has_role(rolname, $2, 'MEMBER')
		FROM pg_roles WHERE rolname = $1`, m.Role, m.owner()).Scan(&powerful, &owns); err != nil {
		return fmt.Errorf("look at role %s: %w", m.Role, err)
	}
	if powerful || owns {
		return fmt.Errorf("role %s may do more than a service: name another role, or take SUPERUSER, BYPASSRLS, CREATEROLE, CREATEDB, REPLICATION and the membership in %s from it", m.Role, m.owner())
	}
	var asWanted, super bool
	if err := conn.QueryRow(ctx, `SELECT coalesce((SELECT rolconfig = ARRAY['search_path=' || quote_ident($2)] FROM pg_roles WHERE rolname = $1), false),
		(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)`, m.Role, m.Schema).Scan(&asWanted, &super); err != nil {
		return fmt.Errorf("look at the settings of role %s: %w", m.Role, err)
	}
	var changes []string
	if !asWanted {
		changes = append(changes, "ALTER ROLE "+role+" SET search_path = "+quote(m.Schema))
	}
	if m.Password != "" {
		verifier, err := scramVerifier(m.Password)
		if err != nil {
			return err
		}
		changes = append(changes, "ALTER ROLE "+role+" LOGIN PASSWORD '"+verifier+"'")
	}
	if !super {
		changes = append(changes, "GRANT "+owner+" TO CURRENT_USER")
	}
	for _, change := range changes {
		if err := again(ctx, func() error { return execute(ctx, conn, change) }); err != nil {
			return err
		}
	}
	return nil
}

func createRole(ctx context.Context, conn *pgx.Conn, name, create string) error {
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&there); err != nil {
		return fmt.Errorf("look for role %s: %w", name, err)
	}
	if there {
		return nil
	}
	err := execute(ctx, conn, create)
	if code(err) == "42710" || code(err) == "23505" { // made meanwhile, for another database of the server
		return nil
	}
	return err
}

// again repeats a change of a role that another database's migration changes at the same time.
func again(ctx context.Context, change func() error) error {
	for attempt := 0; ; attempt++ {
		err := change()
		if code(err) != "XX000" || attempt == 50 { // "tuple concurrently updated"
			return err
		}
		select {
		case <-time.After(time.Duration(attempt+1) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// up applies a set of migrations as the owner.
func (m Migration) up(ctx context.Context, config *pgx.ConnConfig, set fs.FS, versions string) (err error) {
	files, err := fs.Glob(set, "*.sql")
	if err != nil {
		return fmt.Errorf("list the migrations: %w", err)
	}
	if len(files) == 0 {
		return errors.New("there is no .sql file in the migrations")
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		return execute(ctx, conn, "SET ROLE "+quote(m.owner()), "SET search_path = "+quote(m.Schema))
	}))
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, set, goose.WithTableName(versions), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	return nil
}

func execute(ctx context.Context, conn *pgx.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", firstWords(s), err) // not the whole statement: it may hold a password
		}
	}
	return nil
}

func firstWords(s string) string {
	words := 0
	for i, r := range s {
		if r == ' ' {
			if words++; words == 4 {
				return s[:i]
			}
		}
	}
	return s
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// code is the SQLSTATE of an error, "" if it has none.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
