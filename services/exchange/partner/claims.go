package partner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t837"
)

// batch is one set of all claims: by billing provider, then patient and coverage. A subscriber loop holds claims of one patient only, so that it can be sealed under that
// patient's key.
func batch(receiverID string, n int, waiting []*pb.ClaimQueued, at time.Time) *t837.Set {
	at = at.UTC()
	set := &t837.Set{
		Control: fmt.Sprintf("%04d", n), Purpose: "00", Reference: reference(n), Date: at.Format("2006-01-02"), Time: at.Format("1504"), Type: "CH",
		Submitter: x12.Party{Role: "41", Kind: x12.Organization, Name: SenderID, IDQualifier: "46", ID: SenderID, Contacts: []x12.Contact{office(waiting)}},
		Receiver:  x12.Party{Role: "40", Kind: x12.Organization, Name: receiverID, IDQualifier: "46", ID: receiverID},
	}
	waiting = slices.Clone(waiting)
	slices.SortStableFunc(waiting, func(a, b *pb.ClaimQueued) int {
		return cmp.Or(
			cmp.Compare(a.Content.GetBillingProvider().GetNpi(), b.Content.GetBillingProvider().GetNpi()), cmp.Compare(a.PatientId, b.PatientId),
			cmp.Compare(a.Content.GetPayerSequence(), b.Content.GetPayerSequence()), cmp.Compare(a.Content.GetPatientControlNumber(), b.Content.GetPatientControlNumber()),
		)
	})
	var before *pb.ClaimQueued
	for _, w := range waiting {
		c := w.Content
		if before == nil || !proto.Equal(before.Content.GetBillingProvider(), c.GetBillingProvider()) {
			set.Providers = append(set.Providers, t837.BillingProvider{Party: billing(c.GetBillingProvider())})
			before = nil
		}
		b := &set.Providers[len(set.Providers)-1]
		if before == nil || !sameCoverage(before, w) {
			b.Subscribers = append(b.Subscribers, subscriber(c))
		}
		s := &b.Subscribers[len(b.Subscribers)-1]
		if self(c) {
			s.Claims = append(s.Claims, claim(c))
		} else {
			s.Patients[0].Claims = append(s.Patients[0].Claims, claim(c))
		}
		before = w
	}
	return set
}

func sameCoverage(a, b *pb.ClaimQueued) bool {
	x, y := a.Content, b.Content
	return a.PatientId == b.PatientId && x.PayerId == y.PayerId && x.EdiPayerId == y.EdiPayerId && x.PayerName == y.PayerName && x.PayerSequence == y.PayerSequence &&
		x.FilingIndicator == y.FilingIndicator && x.Relationship == y.Relationship && samePeople(x.Person, y.Person)
}

// samePeople says whether two claims name the same people in the same words; the diagnoses are the claim's own.
func samePeople(a, b *claimsv1.ClaimPerson) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := proto.CloneOf(a), proto.CloneOf(b)
	x.DiagnosisCodes, y.DiagnosisCodes, x.DiagnosisCodeSystem, y.DiagnosisCodeSystem = nil, nil, "", ""
	return proto.Equal(x, y)
}

func office(waiting []*pb.ClaimQueued) x12.Contact {
	for _, w := range waiting {
		if phone := w.Content.GetBillingProvider().GetPhone(); len(phone) == 10 {
			return x12.Contact{Role: "IC", Name: "BILLING OFFICE", Numbers: []x12.ContactPoint{{Kind: "TE", Number: phone}}}
		}
	}
	return x12.Contact{Role: "IC", Name: "BILLING OFFICE", Numbers: []x12.ContactPoint{{Kind: "EM", Number: "BILLING@EVENKEEL.EXAMPLE"}}}
}

// provider is a person or an organization in a role.
func provider(role string, p *claimsv1.Provider) x12.Party {
	out := x12.Party{Role: role, Kind: x12.Organization, Name: p.GetOrganizationName(), Address: address(p.GetAddress())}
	if p.GetOrganizationName() == "" {
		out.Kind = x12.Person
		named(&out, p.GetName())
	}
	if p.GetNpi() != "" {
		out.IDQualifier, out.ID = "XX", p.Npi
	}
	return out
}

func billing(p *claimsv1.Provider) x12.Party {
	out := provider("85", p)
	out.Taxonomy = p.GetTaxonomy()
	if p.GetTaxId() != "" {
		out.Refs = []x12.Ref{{Qualifier: "EI", Value: p.TaxId}}
	}
	return out
}

func named(out *x12.Party, n *typev1.PersonName) {
	out.Name, out.First, out.Middle, out.Suffix = n.GetLast(), n.GetFirst(), n.GetMiddle(), n.GetSuffix()
}

func address(a *typev1.Address) *x12.Address {
	if a.GetLine1() == "" && a.GetCity() == "" {
		return nil
	}
	return &x12.Address{Line1: a.Line1, Line2: a.Line2, City: a.City, State: a.State, ZIP: a.PostalCode}
}

var sequences = map[typev1.PayerSequence]string{
	typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY: "P", typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY: "S", typev1.PayerSequence_PAYER_SEQUENCE_TERTIARY: "T",
}

var relations = map[typev1.Relationship]string{
	typev1.Relationship_RELATIONSHIP_SPOUSE: "01", typev1.Relationship_RELATIONSHIP_CHILD: "19", typev1.Relationship_RELATIONSHIP_OTHER: "G8",
}

var sexes = map[typev1.Sex]string{typev1.Sex_SEX_FEMALE: "F", typev1.Sex_SEX_MALE: "M", typev1.Sex_SEX_UNKNOWN: "U", typev1.Sex_SEX_UNSPECIFIED: "U"}

// self says whether the patient is the subscriber; where the relationship is not known, too.
func self(c *claimsv1.ClaimContent) bool { return relations[c.GetRelationship()] == "" }

func subscriber(c *claimsv1.ClaimContent) t837.Subscriber {
	p := c.Person
	s := t837.Subscriber{
		Insured: t837.Insured{Sequence: cmp.Or(sequences[c.PayerSequence], "P"), Group: p.GetGroupNumber(), Filing: cmp.Or(c.FilingIndicator, "CI")},
		Person:  x12.Party{Role: "IL", Kind: x12.Person, IDQualifier: "MI", ID: p.GetMemberId()},
		Payer:   x12.Party{Role: "PR", Kind: x12.Organization, Name: c.PayerName, IDQualifier: "PI", ID: c.EdiPayerId},
	}
	named(&s.Person, p.GetSubscriberName())
	s.Person.Address, s.Person.Birth = address(p.GetSubscriberAddress()), p.GetSubscriberBirthDate()
	if s.Person.Birth != "" {
		s.Person.Sex = sexes[p.GetSubscriberSex()]
	}
	if self(c) {
		s.Insured.Relation = "18"
		if s.Person.Address == nil {
			s.Person.Address = address(p.GetPatientAddress())
		}
		if s.Person.Birth == "" {
			s.Person.Birth, s.Person.Sex = p.GetPatientBirthDate(), sexes[p.GetPatientSex()]
		}
		if s.Person.Name == "" {
			named(&s.Person, p.GetPatientName())
		}
		return s
	}
	patient := x12.Party{Role: "QC", Kind: x12.Person, Address: address(p.GetPatientAddress()), Birth: p.GetPatientBirthDate(), Sex: sexes[p.GetPatientSex()]}
	named(&patient, p.GetPatientName())
	s.Patients = []t837.Patient{{Relation: relations[c.Relationship], Person: patient}}
	return s
}

// claim is one claim. AMT*F5 is left out: what the patient has paid is on the patient's ledger and may move to another visit until the payer says what is owed, so no figure that a claim
// could carry would stay true.
func claim(c *claimsv1.ClaimContent) t837.Claim {
	out := t837.Claim{
		Number: c.PatientControlNumber, Charge: c.ChargeAmount, PlaceOfService: c.PlaceOfService, FacilityQualifier: "B",
		Frequency: fmt.Sprint(max(int32(c.FrequencyCode), 1)), SignatureOnFile: "Y", Assignment: "A", BenefitsAssigned: "Y", Release: "Y",
		PriorAuthorization: c.AuthorizationNumber,
	}
	if out.Frequency != t837.Original {
		out.PayerClaimNumber = c.PayerClaimControlNumber
	}
	first, more := "ABK", "ABF"
	if c.Person.GetDiagnosisCodeSystem() == "9" {
		first, more = "BK", "BF"
	}
	for i, d := range c.Person.GetDiagnosisCodes() {
		q := more
		if i == 0 {
			q = first
		}
		out.Diagnoses = append(out.Diagnoses, t837.Diagnosis{Qualifier: q, Code: strings.ReplaceAll(strings.ToUpper(d), ".", "")})
	}
	if r := c.RenderingProvider; r != nil && r.Npi != c.BillingProvider.GetNpi() {
		p := provider("82", r)
		if p.Address = nil; r.Taxonomy != "" {
			p.ProviderCode, p.Taxonomy = "PE", r.Taxonomy
		}
		out.Providers = append(out.Providers, p)
	}
	if l := c.ServiceLocation; l != nil && l.Address.GetLine1() != "" {
		out.Providers = append(out.Providers, provider("77", l))
	}
	if s := c.SupervisingProvider; s != nil {
		p := provider("DQ", s)
		p.Address = nil
		out.Providers = append(out.Providers, p)
	}
	for _, l := range c.Lines {
		out.Lines = append(out.Lines, line(c, l))
	}
	for i, p := range c.PriorPayers {
		priorPayer(&out, c, p, i)
	}
	return out
}

func line(c *claimsv1.ClaimContent, l *typev1.ServiceLine) t837.Line {
	out := t837.Line{
		Procedure: x12.Procedure{Qualifier: "HC", Code: l.ServiceCode, Modifiers: l.Modifiers}, Charge: l.ChargeAmount, Basis: cmp.Or(l.UnitBasis, "UN"),
		Units: int64(l.UnitsThousandths), Service: x12.Dates{From: l.ServiceDate, Thru: cmp.Or(l.ServiceThruDate, l.ServiceDate)}, Control: l.LineId,
	}
	if l.PlaceOfService != c.PlaceOfService {
		out.PlaceOfService = l.PlaceOfService
	}
	if l.AuthorizationNumber != c.AuthorizationNumber {
		out.PriorAuthorization = l.AuthorizationNumber
	}
	for _, p := range l.DiagnosisPointers {
		out.Pointers = append(out.Pointers, int(p))
	}
	if len(out.Pointers) == 0 {
		out.Pointers = []int{1}
	}
	return out
}

// otherSubscriber is whose coverage with an earlier payer is (2330A), the patient's relationship to that person, and the group. The claim's own subscriber may be another one; it
// stands in only on claims that were made before the others' were told.
func otherSubscriber(c *claimsv1.ClaimContent, i int) (who x12.Party, relation, group string) {
	told, member := &claimsv1.OtherSubscriber{Relationship: c.Relationship, Name: c.Person.GetSubscriberName()}, c.Person.GetMemberId()
	if i < len(c.PriorCoverageMemberIds) {
		member = cmp.Or(c.PriorCoverageMemberIds[i], member)
	}
	if i < len(c.PriorSubscribers) {
		told = c.PriorSubscribers[i]
	}
	who = x12.Party{Role: "IL", Kind: x12.Person, IDQualifier: "MI", ID: member, Address: address(told.Address)}
	if named(&who, told.Name); who.Name == "" {
		named(&who, c.Person.GetPatientName())
	}
	return who, cmp.Or(relations[told.Relationship], "18"), told.GroupNumber
}

// priorPayer copies what an earlier payer decided: 2320, 2330 and the lines' 2430.
func priorPayer(out *t837.Claim, c *claimsv1.ClaimContent, p *claimsv1.PriorPayer, i int) {
	subscriber, relation, group := otherSubscriber(c, i)
	o := t837.OtherPayer{
		Insured:     t837.Insured{Sequence: cmp.Or(sequences[p.PayerSequence], "P"), Relation: relation, Group: group, Filing: cmp.Or(p.FilingIndicator, "CI")},
		Adjustments: adjustments(p.Adjustments), BenefitsAssigned: "Y", Release: "Y", PayerClaimNumber: p.PayerClaimControlNumber,
		Subscriber: subscriber,
		Payer:      x12.Party{Role: "PR", Kind: x12.Organization, Name: p.PayerName, IDQualifier: "PI", ID: p.EdiPayerId},
	}
	decided := false
	for _, l := range p.Lines {
		i := slices.IndexFunc(c.Lines, func(own *typev1.ServiceLine) bool { return own.LineId == l.LineId })
		if i < 0 { // no line of ours: what it did to the claim stays true
			o.Adjustments = append(o.Adjustments, adjustments(l.Adjustments)...)
			continue
		}
		a := t837.Adjudication{
			PayerID: p.EdiPayerId, Paid: l.PaidAmount, Procedure: out.Lines[i].Procedure, Adjustments: adjustments(l.Adjustments), Decided: p.AdjudicationDate,
		}
		units := int64(cmp.Or(l.UnitsThousandths, c.Lines[i].UnitsThousandths))
		a.Units = &units
		out.Lines[i].Adjudications = append(out.Lines[i].Adjudications, a)
		decided = true
	}
	if decided || len(o.Adjustments) > 0 || p.PaidAmount != 0 { // else it told no amounts
		paid := p.PaidAmount
		o.Paid = &paid
		if owes := p.PatientResponsibilityAmount; owes != 0 {
			o.PatientOwes = &owes
		}
	}
	if !decided {
		o.Decided = p.AdjudicationDate
	}
	out.OtherPayers = append(out.OtherPayers, o)
}

func adjustments(list []*typev1.Adjustment) []x12.Adjustment {
	var out []x12.Adjustment
	for _, a := range list {
		to := x12.Adjustment{Group: a.GroupCode, Reason: a.Carc, Cents: a.Amount}
		if q := int64(a.QuantityThousandths); q != 0 {
			to.Quantity = &q
		}
		out = append(out, to)
	}
	return out
}
