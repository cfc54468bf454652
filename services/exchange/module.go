package exchange

import (
	"embed"
	"io/fs"

	"google.golang.org/grpc"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/exchange/interchange"
	"github.com/evenkeel/evenkeel/services/exchange/partner"
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
		Name:    "exchange",
		Sources: []string{"registry", "intake", "claims", "payersim", "exchange"},
		Handler: engine.Handler{
			React:   es.Fan(partner.React, interchange.React),
			Mirrors: interchange.Mirrors,
		},
		Project:    Project,
		Timers:     partner.Timers,
		OnTimer:    partner.OnTimer,
		Migrations: sql,
		Register: func(s grpc.ServiceRegistrar, rt *host.Runtime) {
			pb.RegisterExchangeServiceServer(s, NewServer(rt))
		},
	}
}
