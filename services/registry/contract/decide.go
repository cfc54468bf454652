package contract

import (
	"fmt"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/registry/identifier"
	"github.com/evenkeel/evenkeel/services/registry/payer"
)

// New: a contract is published once. Source: our own choice; other rates are another contract.
var New = refuse.Rule{ID: "registry.contract_new", Version: 1, Owner: "contracting"}

// Publish records what a payer agreed to pay. known says whether the payer is registered.
func Publish(s State, c *pb.PublishContractRequest, id string, known bool) ([]es.Event, error) {
	type key struct {
		code, modifier string
		license        typev1.LicenseType
	}
	var no refuse.List
	no.If(s.Published != nil, New, "", "contract %s is published already", id)
	no.If(!known, payer.Exists, "payer_id", "there is no payer %s: register it first", c.PayerId)
	identifier.Period(&no, c.FromDate, c.ThruDate)
	no.If(len(c.Rates) == 0, identifier.RatesGiven, "rates", "no rate was given")
	published := &pb.ContractPublished{ContractId: id, PayerId: c.PayerId, FromDate: c.FromDate, ThruDate: c.ThruDate}
	seen := map[key]int{}
	for i, r := range c.Rates {
		at := fmt.Sprintf("rates[%d]", i)
		identifier.Code(&no, at+".service_code", r.ServiceCode)
		identifier.Modifier(&no, at+".modifier", r.Modifier)
		identifier.Price(&no, at+".allowed", r.Allowed)
		k := key{r.ServiceCode, r.Modifier, r.LicenseType}
		first, twice := seen[k]
		no.If(twice, identifier.RateUnique, at, "rates[%d] prices the same code, modifier and licence", first)
		seen[k] = i
		published.Rates = append(published.Rates, &pb.ContractRate{
			ServiceCode: r.ServiceCode, Modifier: r.Modifier, LicenseType: r.LicenseType, AllowedAmount: r.Allowed.GetAmountMinor(),
		})
	}
	return no.Or(published)
}
