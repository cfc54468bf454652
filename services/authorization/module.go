package authorization

import (
	"embed"
	"io/fs"

	"google.golang.org/grpc"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/authorization/allocation"
	"github.com/evenkeel/evenkeel/services/authorization/requirement"
	"github.com/evenkeel/evenkeel/services/authorization/unitledger"
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
		Name:    "authorization",
		Sources: []string{"registry", "intake", "authorization", "coding", "claims", "posting"},
		Handler: engine.Handler{
			React:   es.Fan(unitledger.React, requirement.React, allocation.React),
			Mirrors: []es.AnyMirror{requirement.PolicyMirror, unitledger.PatientMirror, allocation.CodedMirror, allocation.ReceivedMirror, ClaimMirror},
		},
		Project:    Project,
		Migrations: sql,
		Register: func(s grpc.ServiceRegistrar, rt *host.Runtime) {
			pb.RegisterAuthorizationServiceServer(s, NewServer(rt))
		},
	}
}
