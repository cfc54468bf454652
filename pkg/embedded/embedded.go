// Package embedded brings the parts that the platform runs on when nobody names others: a PostgreSQL of its own and a broker in the process, both in the data folder.
//
// PostgreSQL is the real one (package pgserver); the broker speaks Kafka's protocol (package broker) and is for one machine, not for production. The master secret is made
// at the first start and kept in the data folder with mode 0600. The promise: a second start on the same folder goes on where the first one ended (TestTheSecondStartGoesOn).
package embedded

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/evenkeel/evenkeel/pkg/broker"
	"github.com/evenkeel/evenkeel/pkg/datadir"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/pgserver"
)

// Options say where.
type Options struct {
	Dir      string // the data folder; empty: datadir.Default
	PGBin    string // see pgserver
	Settings map[string]string
	Log      *slog.Logger
}

// Parts are the running parts. Stop them when everything that uses them has stopped.
type Parts struct {
	Dir      *datadir.Dir
	AdminURL string // a superuser, for migrations
	URL      string // without a user: each service signs in as its own role
	Brokers  []string
	Secret   host.Secret
	server   *pgserver.Server
	broker   *broker.Broker
}

const database = "evenkeel"

// Eleven services with a few connections each, and whoever looks at the tables.
var settings = map[string]string{"max_connections": "200"}

// Start starts both parts. An error is one sentence that says what to do.
func Start(ctx context.Context, o Options) (_ *Parts, err error) {
	if o.Dir == "" {
		if o.Dir, err = datadir.Default(); err != nil {
			return nil, err
		}
	}
	p := &Parts{}
	if p.Dir, err = datadir.Open(o.Dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if p.Secret, err = secret(p.Dir.Path("secret")); err != nil {
		return nil, err
	}
	all := maps.Clone(settings)
	maps.Copy(all, o.Settings)
	if p.server, err = pgserver.Start(ctx, pgserver.Options{Dir: p.Dir.Path("postgres"), Bin: o.PGBin, Settings: all, Log: o.Log}); err != nil {
		return nil, err
	}
	if err := p.database(ctx); err != nil {
		return nil, err
	}
	if p.broker, err = broker.Start(ctx, broker.Options{DataDir: p.Dir.Path("broker"), Log: o.Log}); err != nil {
		return nil, err
	}
	p.Brokers = []string{p.broker.Addr()}
	return p, nil
}

// Failed is closed when PostgreSQL has ended by itself.
func (p *Parts) Failed() <-chan struct{} { return p.server.Done() }

// Stop stops the parts, broker first, and frees the folder.
func (p *Parts) Stop(ctx context.Context) error {
	var errs []error
	if p.broker != nil {
		errs = append(errs, p.broker.Close())
	}
	if p.server != nil {
		errs = append(errs, p.server.Stop(ctx))
	}
	return errors.Join(append(errs, p.Dir.Close())...)
}

// database makes the platform's database, once.
func (p *Parts) database(ctx context.Context) error {
	u, err := url.Parse(p.server.URL())
	if err != nil {
		return fmt.Errorf("embedded PostgreSQL: %w", err)
	}
	conn, err := pgx.Connect(ctx, u.String())
	if err != nil {
		return fmt.Errorf("embedded PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, database).Scan(&there); err != nil {
		return fmt.Errorf("embedded PostgreSQL: %w", err)
	}
	if !there {
		if _, err := conn.Exec(ctx, "CREATE DATABASE "+database); err != nil {
			return fmt.Errorf("embedded PostgreSQL: %w", err)
		}
	}
	u.Path = "/" + database
	p.AdminURL = u.String()
	u.User = nil
	p.URL = u.String()
	return nil
}

func secret(path string) (host.Secret, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		fresh := make([]byte, 32)
		if _, err := rand.Read(fresh); err != nil {
			return nil, fmt.Errorf("make the master secret: %w", err)
		}
		// Written beside and renamed: a crash in between leaves no half of a secret.
		if err := os.WriteFile(path+".new", []byte(hex.EncodeToString(fresh)+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("keep the master secret: %w", err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			return nil, fmt.Errorf("keep the master secret: %w", err)
		}
	}
	return host.ReadSecret(path)
}
