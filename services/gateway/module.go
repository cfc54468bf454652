package gateway

import (
	"context"
	"embed"
	"io/fs"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Clock is what moves a sandbox's time. Nil outside a sandbox.
type Clock interface {
	Now() time.Time
	// Advance moves the time on to an instant; going back is an error that says so.
	Advance(ctx context.Context, to time.Time) error
}

// Credentials of the first user and key, made when there are none.
type Credentials struct {
	Tenant   uuid.UUID
	Email    string
	Password string
	APIKey   string
}

// Config of the gateway.
type Config struct {
	HTTPAddr string       // host:port; the REST API and the console
	Listener net.Listener // instead of HTTPAddr: already open
	Clock    Clock        // of a sandbox
	// Bootstrap makes the first user and key when there are none, for Credentials.Tenant and Email, and hands them to Keep. Nil: nobody is made.
	Bootstrap *Bootstrap
	// Console serves the pages under /. Nil: none.
	Console func(*host.Runtime, *session.Store) (http.Handler, error)
	// Secure: cookies only over TLS.
	Secure bool
}

// Bootstrap says for whom.
type Bootstrap struct {
	Tenant uuid.UUID
	Email  string
	Keep   func(Credentials) error
}

// New is the gateway as the host runs it.
func New(c Config) host.Service {
	sql, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return host.Service{Name: "gateway", Migrations: sql, Serve: func(ctx context.Context, rt *host.Runtime) error { return serve(ctx, c, rt) }}
}
