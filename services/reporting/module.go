package reporting

import (
	"embed"
	"io/fs"

	"google.golang.org/grpc"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/host"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Sources are the services whose events it reads: all that own streams a report is made of.
var Sources = []string{"registry", "intake", "authorization", "coding", "claims", "posting", "collections", "exchange"}

// New is the service as the host runs it.
func New() host.Service {
	sql, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return host.Service{
		Name:       "reporting",
		Sources:    Sources,
		Handler:    engine.Handler{Project: Project, Keep: Keep},
		Migrations: sql,
		Register: func(s grpc.ServiceRegistrar, rt *host.Runtime) {
			pb.RegisterReportingServiceServer(s, NewServer(rt))
		},
	}
}
