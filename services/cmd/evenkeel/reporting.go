package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/reporting"
)

// verifyBooks checks what reporting has added up: that every event balances, and that the tables are what the events make.
func verifyBooks(ctx context.Context, d database) error {
	base, secret, err := d.resolve()
	if err != nil {
		return err
	}
	u, err := host.RoleURL(base, secret, "reporting")
	if err != nil {
		return err
	}
	db, err := pgxpool.New(ctx, u)
	if err != nil {
		return fmt.Errorf("open the books: %w", err)
	}
	defer db.Close()
	books, err := reporting.Verify(ctx, db)
	if err != nil {
		return err
	}
	if len(books.Findings) > 0 {
		return fmt.Errorf("the books are wrong (`evenkeel rebuild --replace` builds the tables anew from the events):\n%s", strings.Join(books.Findings, "\n"))
	}
	fmt.Printf("The books balance: %d legs sum to 0, and the tables are what %d events make.\n", books.Legs, books.Events)
	return nil
}

type rebuildCommand struct {
	AdminURL string `name:"admin-database-url" help:"PostgreSQL, signed in as a superuser. Default: the running platform of this machine." env:"EVENKEEL_ADMIN_DATABASE_URL"`
	DataDir  string `help:"Data folder of a running platform." env:"EVENKEEL_DATA_DIR"`
	Replace  bool   `help:"Swap even if the tables that were built differ from the live ones: after an upgrade that computes something another way, or a row that was spoilt."`
}

// Run builds the reporting tables anew beside the live ones, compares and swaps.
func (c rebuildCommand) Run(ctx context.Context) error {
	admin := c.AdminURL
	if admin == "" {
		w, err := running(c.DataDir, "the server with --admin-database-url")
		if err != nil {
			return err
		}
		admin = w.AdminURL
	}
	o := rebuilding(admin)
	o.Replace, o.Progress = c.Replace, func(done, total int64) { fmt.Fprintf(os.Stderr, "\r%d of %d events", done, total) }
	done, err := reporting.Rebuild(ctx, o)
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return err
	}
	for _, d := range done.Differences {
		fmt.Println(d)
	}
	if !done.Swapped {
		return errors.New("the live tables are not what the events make; they were left as they are: --replace swaps")
	}
	fmt.Printf("%d events were folded into new tables, which are now the live ones.\n", done.Events)
	return nil
}

func rebuilding(admin string) reporting.Rebuilding {
	role := host.Role("reporting")
	return reporting.Rebuilding{AdminURL: admin, Schema: "reporting", Owner: role + "_owner", Role: role}
}

// renewBooks builds the reporting tables anew where another version of the code made them, and says so. Where that fails the platform starts all the same: its figures are as they were.
func renewBooks(ctx context.Context, admin string, out io.Writer) error {
	db, err := pgxpool.New(ctx, admin)
	if err != nil {
		return fmt.Errorf("open the books: %w", err)
	}
	defer db.Close()
	outdated, err := reporting.Outdated(ctx, db, "reporting")
	if err != nil || outdated == "" {
		return err
	}
	o := rebuilding(admin)
	o.Replace = true
	done, err := reporting.Rebuild(ctx, o)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		fmt.Fprintf(out, "The reports could not be built anew, and are as the version before has made them: %v\n", err)
		return nil
	}
	fmt.Fprintf(out, "The reports were built anew from %d events: this version makes them another way than the one before.\n", done.Events)
	return nil
}
