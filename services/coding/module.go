package coding

import (
	"embed"
	"io/fs"

	"google.golang.org/grpc"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/coding/encounter"
	"github.com/evenkeel/evenkeel/services/coding/servicehistory"
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
		Name:    "coding",
		Sources: []string{"registry", "intake", "authorization", "exchange", "coding", "posting"},
		Handler: engine.Handler{
			React: es.Fan(encounter.React, servicehistory.React),
			Mirrors: []es.AnyMirror{
				encounter.PatientMirror, encounter.PayerMirror, encounter.LocationMirror, encounter.ClinicianMirror, encounter.ChargesMirror,
				encounter.AuthorizationMirror, encounter.AppointmentMirror, servicehistory.CodedMirror,
			},
		},
		Project:    Project,
		Migrations: sql,
		Register: func(s grpc.ServiceRegistrar, rt *host.Runtime) {
			pb.RegisterCodingServiceServer(s, NewServer(rt))
		},
	}
}
