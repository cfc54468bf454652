package intake

import (
	"embed"
	"io/fs"

	"google.golang.org/grpc"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/intake/coverage"
	"github.com/evenkeel/evenkeel/services/intake/eligibility"
	"github.com/evenkeel/evenkeel/services/intake/known"
	"github.com/evenkeel/evenkeel/services/intake/patient"
	"github.com/evenkeel/evenkeel/services/intake/readiness"
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
		Name:    "intake",
		Sources: []string{"registry", "intake", "authorization", "exchange"},
		Handler: engine.Handler{
			React:   es.Fan(patient.React, coverage.React, eligibility.React, readiness.React),
			Mirrors: known.Mirrors(),
		},
		Project:    Project,
		Migrations: sql,
		Register: func(s grpc.ServiceRegistrar, rt *host.Runtime) {
			pb.RegisterIntakeServiceServer(s, NewServer(rt))
		},
	}
}
