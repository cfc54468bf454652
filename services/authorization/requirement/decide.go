package requirement

import (
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// PayerWants: a payer's policy lists the codes it wants an authorization for. The policy in force on the day of service decides.
// Source: the payer's policy in the registry. Payers change it: it is data, by date.
var PayerWants = refuse.Rule{ID: "authorization.payer_wants", Version: 1, Owner: "authorizations"}

// DayExists: a day is a real calendar day; there is no answer for one that is none. Source: the calendar.
var DayExists = refuse.Rule{ID: "authorization.day_exists", Version: 1, Owner: "integrations"}

// Policies are a payer's policies, by the day they begin.
type Policies struct {
	Known bool // the payer is registered
	All   []*registryv1.PayerPolicySet
}

// PolicyMirror has each payer's policies, by payer_id.
var PolicyMirror = es.Mirror[Policies]{
	Name: "authorization.policy",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *registryv1.PayerRegistered:
			return []string{e.PayerId}
		case *registryv1.PayerPolicySet:
			return []string{e.PayerId}
		}
		return nil
	},
	Evolve: func(p Policies, event es.Event) Policies {
		switch e := event.(type) {
		case *registryv1.PayerRegistered:
			p.Known = true
		case *registryv1.PayerPolicySet:
			p.All = append(p.All, e)
		}
		return p
	},
}

// On is the policy in force on a day: the one that began last; of two that began the same day the later told. Nil: none.
func (p Policies) On(day string) *registryv1.PayerPolicySet {
	var found *registryv1.PayerPolicySet
	for _, policy := range p.All {
		if policy.FromDate <= day && (found == nil || policy.FromDate >= found.FromDate) {
			found = policy
		}
	}
	return found
}

// Answer is whether a code needs an authorization on a day, and why.
func Answer(p Policies, serviceCode, day string) (required bool, basis string) {
	policy := p.On(day)
	if policy == nil {
		return false, "no payer policy is in force on " + day
	}
	return slices.Contains(policy.AuthorizationCodes, serviceCode), "payer policy of " + policy.FromDate
}

// Visit is the question.
type Visit struct {
	AppointmentID, PatientID, PayerID, ServiceCode, ServiceDate, AuthorizationID string
}

// Determine records the answer once.
func Determine(s State, v Visit, p Policies) ([]es.Event, error) {
	required, basis := Answer(p, v.ServiceCode, v.ServiceDate)
	determined := &pb.AuthorizationRequirementDetermined{
		AppointmentId: v.AppointmentID, PatientId: v.PatientID, PayerId: v.PayerID, ServiceCode: v.ServiceCode, ServiceDate: v.ServiceDate,
		Required: required, AuthorizationId: v.AuthorizationID, RuleId: PayerWants.ID, Basis: basis,
	}
	if proto.Equal(s.Determined, determined) {
		return nil, nil
	}
	return []es.Event{determined}, nil
}
