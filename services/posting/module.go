package posting

import (
	"embed"
	"io/fs"

	"google.golang.org/grpc"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/posting/account"
	"github.com/evenkeel/evenkeel/services/posting/deposit"
	"github.com/evenkeel/evenkeel/services/posting/patientledger"
	"github.com/evenkeel/evenkeel/services/posting/patientpayment"
	"github.com/evenkeel/evenkeel/services/posting/remittance"
	"github.com/evenkeel/evenkeel/services/posting/settlement"
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
		Name:    "posting",
		Sources: []string{"registry", "intake", "coding", "claims", "exchange", "payersim", "posting"},
		Handler: engine.Handler{
			React: es.Fan(account.React, settlement.React, remittance.React, deposit.React, patientpayment.React, patientledger.React),
			Mirrors: []es.AnyMirror{
				account.LicenseMirror, account.ContractMirror, account.ClaimMirror, account.NumberMirror, account.VersionMirror, account.ChargeMirror,
				remittance.ReadMirror, deposit.PayerMirror, deposit.KnownMirror, patientpayment.PatientMirror,
			},
		},
		Project:    Project,
		Timers:     settlement.Timers,
		OnTimer:    settlement.OnTimer,
		Migrations: sql,
		Register: func(s grpc.ServiceRegistrar, rt *host.Runtime) {
			pb.RegisterPostingServiceServer(s, NewServer(rt))
		},
	}
}
