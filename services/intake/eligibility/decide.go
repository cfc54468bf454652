package eligibility

import (
	"google.golang.org/protobuf/proto"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/intake/coverage"
)

var (
	// New: a question is asked once; asking again is another check. Source: our own choice.
	New = refuse.Rule{ID: "intake.eligibility_check_new", Version: 1, Owner: "intake"}
	// CoverageInForce: a payer is asked about a day on which the coverage is in force. Source: our own choice; the answer to another day would not be about this coverage.
	CoverageInForce = refuse.Rule{ID: "intake.coverage_in_force", Version: 1, Owner: "intake"}
	// PayerReachable: who is asked has an EDI payer id and a receiver of its files. Source: ASC X12 005010X279A1, 2100A NM109 and ISA08. Checked 2026-11-24.
	PayerReachable = refuse.Rule{ID: "intake.payer_reachable", Version: 1, Owner: "registry"}
	// BillingOrganization: whoever asks has a name and an NPI: the organization of the patient's home location. Source: ASC X12 005010X279A1, 2100B. Checked 2026-11-24.
	BillingOrganization = refuse.Rule{ID: "intake.billing_organization", Version: 1, Owner: "registry"}
)

// ServiceType is mental health: a plan may be active while this benefit is not, or is run by somebody else.
// Source: ASC X12 005010X279A1, EQ01. Checked 2026-11-24.
const ServiceType = "MH"

// Known is what the decision to ask is told of what lies outside the stream; nil: there is no such.
type Known struct {
	Patient      *pb.PatientRegistered
	Coverage     *coverage.Held
	Payer        *registryv1.PayerRegistered // who pays behavioral services of the coverage
	Organization *registryv1.OrganizationRegistered
}

// Ask records the question, with everything the 270 needs.
func Ask(s State, c *pb.CheckEligibilityRequest, id string, known Known) ([]es.Event, error) {
	if known.Coverage == nil || known.Patient == nil {
		return nil, coverage.Missing(c.CoverageId)
	}
	held, day := known.Coverage, c.ServiceDate
	if day == "" {
		day = c.Today
	}
	var no refuse.List
	no.If(s.Requested != nil, New, "", "%s was asked already", id)
	no.If(!date.Valid(day), coverage.Day, "service_date", "%q is not a day: write YYYY-MM-DD", day)
	no.If(date.Valid(day) && !held.In(day), CoverageInForce, "service_date", "the coverage is in force from %s %s", held.Added.FromDate, until(held.ThruDate))
	no.If(known.Payer == nil, coverage.PayerExists, "", "there is no payer %s: register the payer first", held.Payer())
	no.If(known.Payer != nil && (known.Payer.EdiPayerId == "" || known.Payer.ReceiverId == ""), PayerReachable, "", "payer %s has no EDI payer id or no receiver: nothing can be sent to it", known.Payer.GetPayerId())
	no.If(known.Organization.GetNpi() == "" || known.Organization.GetName() == "", BillingOrganization, "", "the patient's home location belongs to no organization with an NPI")
	asked := &pb.EligibilityRequested{
		EligibilityCheckId: id, CoverageId: c.CoverageId, PatientId: known.Patient.PatientId, ServiceTypeCode: ServiceType, ServiceDate: day,
		OrganizationNpi: known.Organization.GetNpi(), OrganizationName: known.Organization.GetName(),
		Relationship: held.Added.Relationship, MemberId: held.Added.MemberId, SubscriberName: held.Added.SubscriberName,
		SubscriberBirthDate: held.Added.SubscriberBirthDate, SubscriberSex: held.Added.SubscriberSex,
		PatientName: known.Patient.Name, PatientBirthDate: known.Patient.BirthDate, PatientSex: known.Patient.Sex,
	}
	to(asked, known.Payer)
	if asked.Hop = 1; known.Payer.GetPayerId() != held.Added.PayerId {
		asked.Hop = 2
	}
	return no.Or(asked)
}

// Follow records the second hop, once.
func Follow(s State, asked *pb.EligibilityRequested) ([]es.Event, error) {
	if s.Requested != nil {
		return nil, nil
	}
	return []es.Event{asked}, nil
}

// second is the question to the administrator that the answer to a first one named.
func second(first *pb.EligibilityRequested, administrator *registryv1.PayerRegistered) *pb.EligibilityRequested {
	asked := proto.CloneOf(first)
	asked.EligibilityCheckId, asked.Hop = NextID(first.EligibilityCheckId), 2
	to(asked, administrator)
	return asked
}

func to(asked *pb.EligibilityRequested, p *registryv1.PayerRegistered) {
	asked.PayerId, asked.PayerName, asked.EdiPayerId, asked.ReceiverId = p.GetPayerId(), p.GetName(), p.GetEdiPayerId(), p.GetReceiverId()
}

// Answer records what the payer said. The first answer counts; what nobody asked is not recorded.
func Answer(s State, e *exchangev1.EligibilityAnswered) ([]es.Event, error) {
	q := s.Requested
	if q == nil || s.Responded != nil || s.Rejected != nil {
		return nil, nil
	}
	if len(e.AaaCodes) > 0 {
		return []es.Event{&pb.EligibilityRejected{
			EligibilityCheckId: q.EligibilityCheckId, CoverageId: q.CoverageId, PatientId: q.PatientId, AaaCodes: e.AaaCodes, FollowUp: e.AaaFollowUp, Source: e.Source,
			PayerId: q.PayerId, ServiceDate: q.ServiceDate,
		}}, nil
	}
	return []es.Event{&pb.EligibilityResponded{
		EligibilityCheckId: q.EligibilityCheckId, CoverageId: q.CoverageId, PatientId: q.PatientId, PayerId: q.PayerId, Status: e.Status, ServiceDate: q.ServiceDate,
		CopayAmount: e.CopayAmount, CoinsuranceMillionths: e.CoinsuranceMillionths, DeductibleRemainingAmount: e.DeductibleRemainingAmount,
		AuthorizationRequired: e.AuthorizationRequired, OtherEntityName: e.OtherEntityName, OtherEntityEdiPayerId: e.OtherEntityEdiPayerId, Source: e.Source,
	}}, nil
}

func until(thru string) string {
	if thru == "" {
		return "on"
	}
	return "to " + thru
}
