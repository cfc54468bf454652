package requirement

import (
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

func TestDetermine(t *testing.T) {
	policies := Policies{Known: true, All: []*registryv1.PayerPolicySet{
		{PayerId: "pay_1", FromDate: "2026-01-01", AuthorizationCodes: []string{"90837"}},
		{PayerId: "pay_1", FromDate: "2026-07-01", AuthorizationCodes: []string{"90837", "90853"}},
	}}
	visit := func(code, day string) Visit {
		return Visit{AppointmentID: "apt_1", PatientID: "pat_1", PayerID: "pay_1", ServiceCode: code, ServiceDate: day}
	}
	said := func(code, day string, required bool, basis string) es.Event {
		return &pb.AuthorizationRequirementDetermined{
			AppointmentId: "apt_1", PatientId: "pat_1", PayerId: "pay_1", ServiceCode: code, ServiceDate: day, Required: required,
			RuleId: "authorization.payer_wants", Basis: basis,
		}
	}
	decide := func(s State, v Visit) ([]es.Event, error) { return Determine(s, v, policies) }
	type events = []es.Event
	estest.Run(t, Stream, decide, []estest.Case[Visit]{
		{Name: "a listed code needs one", When: visit("90837", "2026-03-02"), Then: events{said("90837", "2026-03-02", true, "payer policy of 2026-01-01")}},
		{Name: "another does not", When: visit("90834", "2026-03-02"), Then: events{said("90834", "2026-03-02", false, "payer policy of 2026-01-01")}},
		{Name: "the policy of the day of service decides", When: visit("90853", "2026-06-30"), Then: events{said("90853", "2026-06-30", false, "payer policy of 2026-01-01")}},
		{Name: "the new policy holds from its first day", When: visit("90853", "2026-07-01"), Then: events{said("90853", "2026-07-01", true, "payer policy of 2026-07-01")}},
		{Name: "before any policy nothing is known to be wanted", When: visit("90837", "2025-12-31"), Then: events{said("90837", "2025-12-31", false, "no payer policy is in force on 2025-12-31")}},
		{
			Name: "asked again, nothing new", Given: events{said("90837", "2026-03-02", true, "payer policy of 2026-01-01")},
			When: visit("90837", "2026-03-02"),
		},
	})
}
