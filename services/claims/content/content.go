// Package content puts together what goes onto a claim, from what other services told.
//
// Facts are the events it is made of; Build gives the content of the claim to one payer, Prior what an earlier payer decided as the next one is told it. A visit that another
// billing system coded keeps what its file said (providers, people, places); everything else comes from the registry and from intake as they are now. Amounts of earlier payers are
// copied, never computed anew. The promises: TestBuild, TestBuildImported, TestPriorsAreCopied, TestTheSubscriberOfAnEarlierPayer.
package content

import (
	"slices"

	"google.golang.org/protobuf/proto"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/services/claims/pcn"
)

// Facts are what a claim is made of.
type Facts struct {
	ClaimID       string
	Coded         *codingv1.CodingCompleted
	Lines         *pb.ClaimContent // of an earlier payer's claim that was corrected: its lines hold; nil: as coded
	Payer         *intakev1.ResponsiblePayer
	Registered    *registryv1.PayerRegistered // the payer
	Coverage      *intakev1.CoverageAdded
	Patient       *intakev1.PatientRegistered
	Organization  *registryv1.OrganizationRegistered
	Location      *registryv1.LocationRegistered
	Rendering     *registryv1.ClinicianRegistered
	Supervising   *registryv1.ClinicianRegistered        // nil: none on the claim
	Authorization *authorizationv1.AuthorizationApproved // whose units the visit has used, of this payer; nil: none
	Import        *exchangev1.ClaimImported              // nil: the visit was coded here
	Earlier       []Earlier                              // in order of payers
}

// Earlier is an earlier payer, what it decided, and whose coverage with it is.
type Earlier struct {
	Registered *registryv1.PayerRegistered
	Decided    *pb.PriorPayer
	MemberID   string
	Subscriber *pb.OtherSubscriber
}

// Build puts a first version together.
func Build(f Facts) *pb.ClaimContent {
	c := &pb.ClaimContent{
		PatientControlNumber: pcn.Of(f.ClaimID), FrequencyCode: pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL,
		PayerId: f.Payer.PayerId, PayerSequence: f.Payer.PayerSequence, PayerName: f.Registered.GetName(), EdiPayerId: f.Registered.GetEdiPayerId(),
		ReceiverId: f.Registered.GetReceiverId(), FilingIndicator: f.Registered.GetFilingIndicator(),
		AuthorizationNumber: authorization(f), ServiceDate: f.Coded.ServiceDate, ChargeAmount: f.Coded.ChargeAmount,
	}
	for _, l := range f.Coded.Lines {
		c.Lines = append(c.Lines, proto.Clone(l).(*typev1.ServiceLine))
	}
	if f.Lines != nil {
		c.Lines, c.ChargeAmount = nil, f.Lines.ChargeAmount
		for _, l := range f.Lines.Lines {
			c.Lines = append(c.Lines, proto.Clone(l).(*typev1.ServiceLine))
		}
	}
	if len(c.Lines) > 0 {
		c.PlaceOfService = c.Lines[0].PlaceOfService
	}
	if f.Import != nil {
		imported(c, f)
	} else {
		registered(c, f)
	}
	for _, e := range f.Earlier {
		p := proto.Clone(e.Decided).(*pb.PriorPayer)
		p.EdiPayerId, p.PayerName, p.FilingIndicator = e.Registered.GetEdiPayerId(), e.Registered.GetName(), e.Registered.GetFilingIndicator()
		c.PriorPayers = append(c.PriorPayers, p)
		c.PriorCoverageMemberIds, c.PriorSubscribers = append(c.PriorCoverageMemberIds, e.MemberID), append(c.PriorSubscribers, otherSubscriber(c.Person, e.Subscriber))
	}
	return c
}

// authorization is the number that the payer gave: of the authorization whose units the visit has used, or what the other billing system's file said.
func authorization(f Facts) string {
	if f.Authorization != nil {
		return f.Authorization.AuthNo
	}
	if !f.Coded.Imported || len(f.Coded.ResponsiblePayers) > 0 && f.Payer.PayerSequence != firstOpen(f.Coded) {
		return ""
	}
	return f.Coded.AuthNo
}

// firstOpen is the place of the first payer that has not decided when the visit was coded.
func firstOpen(coded *codingv1.CodingCompleted) typev1.PayerSequence {
	if p := First(coded); p != nil {
		return p.PayerSequence
	}
	return 0
}

// First is the payer whose turn it is when a visit is coded: the first that has not decided in another billing system. Nil: nobody's.
func First(coded *codingv1.CodingCompleted) *intakev1.ResponsiblePayer {
	for _, p := range coded.ResponsiblePayers {
		if !slices.ContainsFunc(coded.PriorAdjudications, func(a *codingv1.PriorAdjudication) bool { return a.PayerSequence == p.PayerSequence }) {
			return p
		}
	}
	return nil
}

// Next is the payer after one; nil: there is none.
func Next(coded *codingv1.CodingCompleted, after typev1.PayerSequence) *intakev1.ResponsiblePayer {
	for _, p := range coded.ResponsiblePayers {
		if p.PayerSequence > after {
			return p
		}
	}
	return nil
}

func registered(c *pb.ClaimContent, f Facts) {
	o, l, cov, p := f.Organization, f.Location, f.Coverage, f.Patient
	c.BillingProvider = &pb.Provider{
		Npi: o.GetNpi(), Taxonomy: o.GetTaxonomy(), OrganizationName: o.GetName(), TaxId: o.GetTaxId(), Address: o.GetAddress(), Phone: o.GetPhone(),
	}
	c.RenderingProvider = clinician(f.Rendering)
	if f.Supervising != nil {
		c.SupervisingProvider = clinician(f.Supervising)
	}
	if l != nil && !proto.Equal(l.Address, o.GetAddress()) {
		c.ServiceLocation = &pb.Provider{Npi: l.Npi, OrganizationName: l.Name, Address: l.Address}
	}
	c.Relationship = cov.GetRelationship()
	c.Person = &pb.ClaimPerson{
		MemberId: cov.GetMemberId(), GroupNumber: cov.GetGroupNumber(),
		SubscriberName: cov.GetSubscriberName(), SubscriberBirthDate: cov.GetSubscriberBirthDate(), SubscriberSex: cov.GetSubscriberSex(), SubscriberAddress: cov.GetSubscriberAddress(),
		PatientName: p.GetName(), PatientBirthDate: p.GetBirthDate(), PatientSex: p.GetSex(), PatientAddress: p.GetAddress(),
		DiagnosisCodes: f.Coded.DiagnosisCodes, DiagnosisCodeSystem: f.Coded.DiagnosisCodeSystem,
	}
	if c.Relationship == typev1.Relationship_RELATIONSHIP_SELF && c.Person.SubscriberAddress.GetLine1() == "" {
		c.Person.SubscriberAddress = p.GetAddress() // the same person
	}
}

func clinician(r *registryv1.ClinicianRegistered) *pb.Provider {
	return &pb.Provider{Npi: r.GetNpi(), Taxonomy: r.GetTaxonomy(), Name: r.GetName()}
}

// replacement is CLM05-3 of a claim that takes the place of one that its payer has, under that payer's number (REF*F8).
const replacement = "7"

// imported keeps what the other system's file said.
func imported(c *pb.ClaimContent, f Facts) {
	i := f.Import
	c.BillingProvider, c.RenderingProvider, c.SupervisingProvider, c.ServiceLocation = i.BillingProvider, i.RenderingProvider, i.SupervisingProvider, i.ServiceLocation
	if i.PlaceOfService != "" {
		c.PlaceOfService = i.PlaceOfService
	}
	c.Person = &pb.ClaimPerson{}
	if i.Person != nil { // nil: the patient's key was destroyed
		c.Person = proto.Clone(i.Person).(*pb.ClaimPerson)
	}
	n := slices.IndexFunc(i.Coverages, func(v *exchangev1.ImportedCoverage) bool { return v.PayerSequence == f.Payer.PayerSequence })
	if n < 0 {
		return
	}
	v := i.Coverages[n]
	if i.FrequencyCode == replacement && n == 0 { // the payer that the file went to has an original
		c.FrequencyCode, c.PayerClaimControlNumber = pb.FrequencyCode_FREQUENCY_CODE_REPLACEMENT, i.PayerClaimControlNumber
	}
	c.Relationship = v.Relationship
	for _, told := range []struct {
		to   *string
		file string
	}{{&c.PayerName, v.PayerName}, {&c.EdiPayerId, v.EdiPayerId}, {&c.FilingIndicator, v.FilingIndicator}} {
		if told.file != "" {
			*told.to = told.file
		}
	}
	if n < len(i.Subscribers) {
		s := i.Subscribers[n]
		c.Person.MemberId, c.Person.GroupNumber = s.MemberId, s.GroupNumber
		c.Person.SubscriberName, c.Person.SubscriberBirthDate, c.Person.SubscriberSex, c.Person.SubscriberAddress = s.Name, s.BirthDate, s.Sex, s.Address
	}
}

// Imported is the claim that a visit came from, with the coverages that are the visit's now: of all of its claims, the first that tells one.
func Imported(coded *codingv1.CodingCompleted, all []*exchangev1.ClaimImported) *exchangev1.ClaimImported {
	out := all[0]
	if len(all) == 1 {
		return out
	}
	out = proto.CloneOf(out)
	out.Coverages, out.Subscribers = nil, nil
	for _, p := range coded.ResponsiblePayers {
		for _, i := range all {
			n := slices.IndexFunc(i.Coverages, func(v *exchangev1.ImportedCoverage) bool { return v.CoverageId == p.CoverageId })
			if n < 0 {
				continue
			}
			s := &exchangev1.ImportedSubscriber{} // the patient's key was destroyed
			if n < len(i.Subscribers) {
				s = i.Subscribers[n]
			}
			at := len(out.Coverages)
			if len(all[0].Coverages) > 0 && p.PayerSequence == all[0].Coverages[0].PayerSequence { // the payer that the file went to stays the first
				at = 0
			}
			out.Coverages, out.Subscribers = slices.Insert(out.Coverages, at, i.Coverages[n]), slices.Insert(out.Subscribers, at, s)
			break
		}
	}
	return out
}

// RegisteredSubscriber is the subscriber of an earlier payer's coverage, and the member id.
func RegisteredSubscriber(c *intakev1.CoverageAdded) (string, *pb.OtherSubscriber) {
	return c.GetMemberId(), &pb.OtherSubscriber{Relationship: c.GetRelationship(), GroupNumber: c.GetGroupNumber(), Name: c.GetSubscriberName(), Address: c.GetSubscriberAddress()}
}

// ImportedSubscriber is the subscriber of an earlier payer's coverage in an imported claim, and the member id; nil and empty: not told.
func ImportedSubscriber(i *exchangev1.ClaimImported, s typev1.PayerSequence) (string, *pb.OtherSubscriber) {
	n := slices.IndexFunc(i.GetCoverages(), func(v *exchangev1.ImportedCoverage) bool { return v.PayerSequence == s })
	if n < 0 || n >= len(i.Subscribers) {
		return "", nil
	}
	told := i.Subscribers[n]
	return told.MemberId, &pb.OtherSubscriber{Relationship: i.Coverages[n].Relationship, GroupNumber: told.GroupNumber, Name: told.Name, Address: told.Address}
}

// otherSubscriber is the subscriber of an earlier payer's coverage, whole: a patient who is the subscriber needs to be named once.
func otherSubscriber(patient *pb.ClaimPerson, told *pb.OtherSubscriber) *pb.OtherSubscriber {
	out := &pb.OtherSubscriber{}
	if told != nil {
		out = proto.CloneOf(told)
	}
	if out.Relationship > typev1.Relationship_RELATIONSHIP_SELF {
		return out
	}
	if out.Relationship = typev1.Relationship_RELATIONSHIP_SELF; out.Name.GetLast() == "" {
		out.Name = patient.GetPatientName()
	}
	if out.Address.GetLine1() == "" {
		out.Address = patient.GetPatientAddress()
	}
	return out
}

// PriorPosted is what a payer decided, copied from its posted remittance.
func PriorPosted(e *postingv1.ClaimPaymentPosted) *pb.PriorPayer {
	r := e.RemittanceClaim
	p := &pb.PriorPayer{
		PayerId: e.PayerId, PayerSequence: e.PayerSequence, PaidAmount: r.GetPaidAmount(), PatientResponsibilityAmount: PatientShare(r),
		AdjudicationDate: e.AdjudicationDate, PayerClaimControlNumber: r.GetPayerClaimControlNumber(), Adjustments: r.GetAdjustments(),
	}
	for _, l := range r.GetLines() {
		p.Lines = append(p.Lines, &pb.PriorPayerLine{LineId: l.LineId, PaidAmount: l.PaidAmount, UnitsThousandths: l.UnitsThousandths, Adjustments: l.Adjustments})
	}
	return p
}

// PriorImported is what a payer decided in another billing system.
func PriorImported(a *codingv1.PriorAdjudication) *pb.PriorPayer {
	p := &pb.PriorPayer{
		PayerId: a.PayerId, PayerSequence: a.PayerSequence, PaidAmount: a.PaidAmount, AdjudicationDate: a.AdjudicationDate, Adjustments: a.Adjustments,
		PatientResponsibilityAmount: share(a.Adjustments),
	}
	for _, l := range a.Lines {
		p.PatientResponsibilityAmount += share(l.Adjustments)
		p.Lines = append(p.Lines, &pb.PriorPayerLine{LineId: l.LineId, PaidAmount: l.PaidAmount, Adjustments: l.Adjustments})
	}
	return p
}

// PatientShare is what a payer left to the patient: its PR adjustments, on claim and lines.
func PatientShare(r *exchangev1.RemittanceClaim) int64 {
	n := share(r.GetAdjustments())
	for _, l := range r.GetLines() {
		n += share(l.Adjustments)
	}
	return n
}

func share(adjustments []*typev1.Adjustment) int64 {
	var n int64
	for _, a := range adjustments {
		if a.GroupCode == "PR" {
			n += a.Amount
		}
	}
	return n
}
