package collections

import (
	"embed"
	"io/fs"

	"google.golang.org/grpc"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/collections/patientbalance"
	"github.com/evenkeel/evenkeel/services/collections/workitem"
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
		Name:    "collections",
		Sources: []string{"registry", "intake", "authorization", "coding", "claims", "exchange", "posting", "collections"},
		Handler: engine.Handler{
			React: es.Fan(workitem.React, patientbalance.React),
			Mirrors: []es.AnyMirror{
				patientbalance.PatientMirror, patientbalance.AccountsMirror, patientbalance.StoryMirror, patientbalance.FundsMirror,
				patientbalance.LocationMirror, patientbalance.OrganizationMirror, workitem.CoveredMirror, workitem.VoidMirror, workitem.AppointmentMirror, workitem.BilledMirror, workitem.DeniedMirror, workitem.LateMirror,
			},
			Project: ProjectClaims,
		},
		Project:    Project,
		Timers:     patientbalance.Timers,
		OnTimer:    patientbalance.OnTimer,
		Migrations: sql,
		Register: func(s grpc.ServiceRegistrar, rt *host.Runtime) {
			pb.RegisterCollectionsServiceServer(s, NewServer(rt))
		},
	}
}
