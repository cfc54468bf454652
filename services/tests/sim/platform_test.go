package sim

import (
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/authorization"
	"github.com/evenkeel/evenkeel/services/claims"
	"github.com/evenkeel/evenkeel/services/coding"
	"github.com/evenkeel/evenkeel/services/collections"
	"github.com/evenkeel/evenkeel/services/exchange"
	"github.com/evenkeel/evenkeel/services/intake"
	"github.com/evenkeel/evenkeel/services/payersim"
	"github.com/evenkeel/evenkeel/services/posting"
	"github.com/evenkeel/evenkeel/services/registry"
	"github.com/evenkeel/evenkeel/services/tests/world"
)

// platform is every service that decides something. Reporting only adds up what the others recorded; its own tests are on PostgreSQL.
func platform() []host.Service {
	return []host.Service{
		registry.New(), intake.New(), authorization.New(), coding.New(), claims.New(), posting.New(), collections.New(), exchange.New(), payersim.New(),
	}
}

// plans are payers that the payer simulator knows, with the contracts that the group believes to have: one payer pays less for one code.
func plans() []world.PayerPlan {
	return []world.PayerPlan{
		{
			Name: "Evergreen", EDIPayerID: "EVG01", ReceiverID: "EVERGREEN", FilingDays: 180,
			Rates: map[string]int64{"90832": 7500, "90834": 10000, "90837": 14000},
		},
		{
			Name: "Harbor Mutual", EDIPayerID: "HRB02", ReceiverID: "HARBOR", FilingDays: 90, AuthorizationCodes: []string{"90837"},
			Rates: map[string]int64{"90834": 10500, "90837": 13000},
		},
		{
			Name: "Clearwater", EDIPayerID: "CLR04", ReceiverID: "CLEARWATER", FilingDays: 120,
			Rates: map[string]int64{"90832": 7000, "90834": 9800, "90837": 13500},
		},
	}
}
