package registry

import (
	"embed"
	"io/fs"

	"google.golang.org/grpc"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/registry/clinician"
	"github.com/evenkeel/evenkeel/services/registry/location"
	"github.com/evenkeel/evenkeel/services/registry/organization"
	"github.com/evenkeel/evenkeel/services/registry/payer"
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
		Name:       "registry",
		Sources:    []string{"exchange"},
		Handler:    engine.Handler{React: es.Fan(organization.React, location.React, clinician.React, payer.React)},
		Project:    Project,
		Migrations: sql,
		Register: func(s grpc.ServiceRegistrar, rt *host.Runtime) {
			pb.RegisterRegistryServiceServer(s, NewServer(rt))
		},
	}
}
