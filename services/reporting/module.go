package reporting

import (
	"context"
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
		Name:    "reporting",
		Sources: Sources,
		Handler: engine.Handler{Project: Project, Keep: Keep},
		Invariants: []host.Invariant{
			// Cents by which the legs of a tenant do not sum to 0.
			{Name: "legs_sum_to_0", SQL: `SELECT coalesce(sum(abs(amount)), 0)::bigint FROM (SELECT sum(amount) AS amount FROM ledger_legs GROUP BY tenant_id) t`},
			// Cents by which the balances of a tenant are not the sum of the legs on accounts.
			{Name: "balances_sum_legs", SQL: `SELECT coalesce(sum(abs(coalesce(b.amount, 0) - coalesce(l.amount, 0))), 0)::bigint
				FROM (SELECT tenant_id, sum(amount) AS amount FROM balances GROUP BY tenant_id) b
				FULL JOIN (SELECT tenant_id, sum(amount) AS amount FROM ledger_legs WHERE account_id <> '' GROUP BY tenant_id) l USING (tenant_id)`},
		},
		Notice: func(ctx context.Context, rt *host.Runtime) (string, error) {
			return Outdated(ctx, rt.DB, "reporting")
		},
		Migrations: sql,
		Register: func(s grpc.ServiceRegistrar, rt *host.Runtime) {
			pb.RegisterReportingServiceServer(s, NewServer(rt))
		},
	}
}
