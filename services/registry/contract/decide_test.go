package contract

import (
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/pkg/money"
)

func TestPublish(t *testing.T) {
	decide := func(known bool) func(State, *pb.PublishContractRequest) ([]es.Event, error) {
		return func(s State, c *pb.PublishContractRequest) ([]es.Event, error) { return Publish(s, c, "con_1", known) }
	}
	ask := func(rates ...*pb.AllowedPrice) *pb.PublishContractRequest {
		return &pb.PublishContractRequest{PayerId: "pay_1", FromDate: "2026-01-01", ThruDate: "2026-12-31", Rates: rates}
	}
	const social, associate = typev1.LicenseType_LICENSE_TYPE_CLINICAL_SOCIAL_WORKER, typev1.LicenseType_LICENSE_TYPE_ASSOCIATE
	rate := func(modifier string, l typev1.LicenseType, cents int64) *pb.AllowedPrice {
		return &pb.AllowedPrice{ServiceCode: "90837", Modifier: modifier, LicenseType: l, Allowed: money.Of(cents)}
	}
	said := &pb.ContractPublished{ContractId: "con_1", PayerId: "pay_1", FromDate: "2026-01-01", ThruDate: "2026-12-31", Rates: []*pb.ContractRate{
		{ServiceCode: "90837", AllowedAmount: 12000}, {ServiceCode: "90837", LicenseType: social, AllowedAmount: 11000},
		{ServiceCode: "90837", Modifier: "HO", LicenseType: social, AllowedAmount: 10000},
	}}
	estest.Run(t, Stream, decide(true), []estest.Case[*pb.PublishContractRequest]{
		{Name: "rates differ by modifier and licence", When: ask(rate("", 0, 12000), rate("", social, 11000), rate("HO", social, 10000)), Then: []es.Event{said}},
		{Name: "a contract is published once", Given: []es.Event{said}, When: ask(rate("", 0, 1)), Refused: "registry.contract_new"},
		{Name: "one thing has one rate", When: ask(rate("", social, 11000), rate("", associate, 9000), rate("", social, 10000)), Refused: "registry.rate_unique"},
		{Name: "a rate is above zero", When: ask(rate("", 0, 0)), Refused: "registry.rate_positive"},
		{
			Name: "everything that is wrong is said at once", When: &pb.PublishContractRequest{FromDate: "2026-06-31", ThruDate: "2026-06-30"},
			Refused: "registry.day registry.rates_given",
		},
	})
	estest.Run(t, Stream, decide(false), []estest.Case[*pb.PublishContractRequest]{
		{Name: "the payer is registered before", When: ask(rate("", 0, 1)), Refused: "registry.payer_exists"},
	})
}
