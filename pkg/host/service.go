// Package host runs services: which ones a process holds, with which database roles, topics and ports, and in which order they start and stop.
//
// A Service is what one service's module.go says about itself, as data; a Runtime is what it gets to work with. The same Services run all in one process (--target=all), one
// per process, and under the simulation, which uses the pure parts alone.
package host

import (
	"context"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/eventlog"
)

// Service is one service of the platform.
type Service struct {
	Name string // the target: registry, intake, …
	// Sources are the services whose topics it reads; may name itself.
	Sources []string
	// Handler is what those events lead to. Its Consumer is filled in with Name.
	Handler engine.Handler
	// Project keeps the service's own read models, in the transaction that appends. May be nil.
	Project eventlog.Project
	// Timers and OnTimer: see engine.Options. May be nil.
	Timers  func(es.Recorded) []es.TimerOp
	OnTimer func(es.Timer) []es.Command
	// Invariants are what must hold of the service's own tables; a gauge tells of each. May be nil.
	Invariants []Invariant
	// Notice is one sentence on what an operator should do while the service goes on, empty where nothing is: logged at the start, and told by /readyz, which stays ready. May be nil.
	Notice func(context.Context, *Runtime) (string, error)
	// Migrations of the service's own tables: 0001_name.sql, …; goose format. May be nil.
	Migrations fs.FS
	// Register adds the service's gRPC methods.
	Register func(grpc.ServiceRegistrar, *Runtime)
	// Serve runs beside the rest until its context ends, then finishes and returns; an error stops the process. May be nil.
	Serve func(context.Context, *Runtime) error
}

// Invariant is a number that is 0, whatever happens.
type Invariant struct {
	Name string // the label
	// SQL asks for it: how far off it is, one whole number. It is asked every ten minutes, so it may read a whole table, once.
	SQL string
}

// Runtime is what a running service works with.
type Runtime struct {
	Engine *engine.Engine
	DB     *pgxpool.Pool // the service's own role and schema, for reading its read models
	Clock  func() time.Time
	Log    *slog.Logger
	// LookupKey keys the hashes by which a person can be looked up without the name being stored.
	LookupKey []byte
	// Process reaches other services; only the edge (the gateway) may.
	Process *Process
}
