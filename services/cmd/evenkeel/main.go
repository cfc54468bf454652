// Evenkeel in one binary: every service, the clients that come with it, and what operators need.
//
// This package lists the services and reads the command line. It holds no rule and no runtime.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/pgserver"
)

// version is set by the build.
var version = "dev"

type commands struct {
	Run     runCommand     `cmd:"" help:"Start the whole platform on parts of its own; on the first start fill it with a demo group."`
	Serve   serveCommand   `cmd:"" help:"Run one service (--target=claims) or all of them against a PostgreSQL and a Kafka that are there."`
	Migrate migrateCommand `cmd:"" help:"Bring a database to what this version needs. Needs a superuser's URL; run it before serve."`
	Reset   resetCommand   `cmd:"" help:"Empty the data folder of run."`
	Demo    demoCommand    `cmd:"" help:"Be the EHR of a demo group: ten weeks of sessions through the public REST API."`
	Import  importCommand  `cmd:"" help:"Bring in X12 files: claims of another billing system, remittances, acknowledgments."`
	Status  statusCommand  `cmd:"" help:"Show how far each service has come."`
	Events  eventsCommand  `cmd:"" help:"Show events of a service's log."`
	DLQ     dlqCommand     `cmd:"" name:"dlq" help:"List, show, retry or discard events that could not be handled."`
	Rebuild rebuildCommand `cmd:"" help:"Build the reporting tables anew beside the live ones and swap them."`
	Verify  verifyCommand  `cmd:"" help:"Check the logs and the books."`
	Key     keyCommand     `cmd:"" help:"Make an API key."`
	User    userCommand    `cmd:"" help:"Make a user who can sign in to the console."`

	Version kong.VersionFlag `help:"Print the version."`
}

func main() {
	pgserver.MaybeHelper()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	k, err := kong.New(&c, kong.Name("evenkeel"), kong.Description("The revenue cycle of behavioral-health groups."),
		kong.Vars{"version": version}, kong.BindTo(ctx, (*context.Context)(nil)), kong.DefaultEnvars("EVENKEEL"))
	if err != nil {
		panic(err) // the commands above can't be parsed: a defect
	}
	parsed, err := k.Parse(os.Args[1:])
	var wrong *kong.ParseError
	if errors.As(err, &wrong) { // the sentence, not a page of usage before it
		fmt.Fprintf(os.Stderr, "evenkeel: %v\nSee `%s --help`.\n", err, strings.Join(append([]string{"evenkeel"}, named(wrong.Context)...), " "))
		os.Exit(2)
	}
	k.FatalIfErrorf(err)
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "evenkeel: "+sentence(err))
		os.Exit(1)
	}
}

// named is the command that was recognized before the command line went wrong.
func named(at *kong.Context) (names []string) {
	for _, p := range at.Path {
		if p.Command != nil {
			names = append(names, p.Command.Name)
		}
	}
	return names
}

// sentence is an error for a person: joined errors on lines of their own.
func sentence(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	text := err.Error()
	var failed *pgconn.ConnectError
	if errors.As(err, &failed) {
		text = strings.Replace(text, failed.Error(), unreachable(failed), 1)
	}
	return strings.TrimSpace(text)
}

// unreachable says in a few words why there is no connection to PostgreSQL: pgx lists each try, with and without TLS, on a line of its own.
func unreachable(failed *pgconn.ConnectError) string {
	at := net.JoinHostPort(failed.Config.Host, strconv.Itoa(int(failed.Config.Port)))
	var says *pgconn.PgError
	var dial *net.OpError
	switch {
	case errors.As(failed, &says) && says.Code == "28P01" && strings.HasPrefix(failed.Config.User, host.Role("")):
		// A role that is not there is refused in the same words.
		return fmt.Sprintf("PostgreSQL at %s says: %s: run `evenkeel migrate` first, or name the master secret that it was run with", at, says.Message)
	case errors.As(failed, &says):
		return fmt.Sprintf("PostgreSQL at %s says: %s", at, says.Message)
	case errors.As(failed, &dial):
		return fmt.Sprintf("no PostgreSQL answers at %s: %v", at, dial.Err)
	}
	return fmt.Sprintf("PostgreSQL at %s: %s", at, strings.Join(strings.Fields(errors.Unwrap(failed).Error()), " "))
}
