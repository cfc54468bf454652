package claims

import (
	"embed"
	"io/fs"

	"google.golang.org/grpc"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/claims/claim"
)

//go:embed migrations/*.sql
var migrations embed.FS

// New is the service as the host runs it.
func New() host.Service {
	sql, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return host.Service{
		Name:       "claims",
		Sources:    []string{"registry", "intake", "authorization", "coding", "exchange", "posting", "claims"},
		Handler:    engine.Handler{React: claim.React, Mirrors: claim.Mirrors},
		Project:    Project,
		Timers:     claim.Timers,
		OnTimer:    claim.OnTimer,
		Migrations: sql,
		Register: func(s grpc.ServiceRegistrar, rt *host.Runtime) {
			pb.RegisterClaimsServiceServer(s, NewServer(rt))
		},
	}
}
