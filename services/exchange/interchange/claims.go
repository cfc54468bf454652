package interchange

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t837"
	"github.com/evenkeel/evenkeel/services/exchange/pieces"
)

// claims reads an 837P that another billing system wrote: whatever the file says, as it says it.
func (r *reader) claims() {
	s, _ := t837.Parse(r.set)
	if s == nil {
		return
	}
	for n, p := range s.Claims() {
		r.facts = append(r.facts, r.imported(n+1, p))
	}
}

// claimCuts are the parts of an 837P that belong to one patient: the subscriber's loop where all of its claims are the subscriber's own, else each patient's loop.
func claimCuts(s *t837.Set) []pieces.Cut {
	var out []pieces.Cut
	for i := range s.Providers {
		for j := range s.Providers[i].Subscribers {
			sub := &s.Providers[i].Subscribers[j]
			if len(sub.Patients) == 0 {
				out = append(out, pieces.Cut{Subject: patientID(sub, nil), Offset: sub.Source.Offset, Length: sub.Source.Length})
				continue
			}
			for k := range sub.Patients {
				p := &sub.Patients[k]
				out = append(out, pieces.Cut{Subject: patientID(sub, p), Offset: p.Source.Offset, Length: p.Source.Length})
			}
		}
	}
	return out
}

// patientID is the same for the same person in every file: from member id, birth date and name.
func patientID(s *t837.Subscriber, p *t837.Patient) string {
	person := s.Person
	if p != nil {
		person = p.Person
	}
	return es.Derive("pat", capitals(s.Person.ID), person.Birth, capitals(person.Name), capitals(person.First))
}

func (r *reader) imported(n int, placed t837.Placed) *pb.ClaimImported {
	b, s, c := placed.Provider, placed.Subscriber, placed.Claim
	out := &pb.ClaimImported{
		ImportId: es.Derive("imp", r.received.FileSha256, fmt.Sprint(r.ordinal), fmt.Sprint(n)), InterchangeId: r.received.InterchangeId, PatientId: patientID(s, placed.Patient),
		BillingProvider: provider(&b.Party), PlaceOfService: c.PlaceOfService, ChargeAmount: c.Charge, AuthorizationNumber: c.PriorAuthorization, PriorClaimNumber: c.Number,
		KeptSegments: kept(s, placed.Patient, c), Source: r.source(c.Source, "CLM"), FrequencyCode: c.Frequency,
		PayerClaimControlNumber: c.PayerClaimNumber,
	}
	out.PatientPaidAmount, _ = x12.FindAmount(c.Amounts, "F5")
	out.OrganizationId = es.Derive("org", identity(&b.Party))
	rendering := cmp.Or(c.Provider("82"), lineProvider(c, "82"), &b.Party)
	out.RenderingProvider, out.RenderingClinicianId = provider(rendering), es.Derive("cli", identity(rendering))
	if out.RenderingProvider.Taxonomy == "" && rendering == &b.Party {
		out.RenderingProvider.Taxonomy = b.Party.Taxonomy
	}
	if q := cmp.Or(c.Provider("DQ"), lineProvider(c, "DQ")); q != nil {
		out.SupervisingProvider, out.SupervisingClinicianId = provider(q), es.Derive("cli", identity(q))
	}
	out.LocationId = es.Derive("loc", out.OrganizationId, "")
	if place := c.Provider("77"); place != nil {
		out.ServiceLocation, out.LocationId = provider(place), es.Derive("loc", out.OrganizationId, identity(place))
	}
	r.lines(out, c)
	out.EncounterId = visitID(out, placed)
	r.people(out, placed)
	return out
}

// visitID is the same for every claim of one visit: to the first payer, to those after it, sent again, replaced, or taken back. It is one organization's, patient's, number's and first
// day's. The member id is left out, since each payer has its own for the patient; what was done is left out, so that coding sees what a claim says differently. Senders use a number
// for many visits, of other days.
func visitID(out *pb.ClaimImported, placed t837.Placed) string {
	person := placed.Subscriber.Person
	if placed.Patient != nil {
		person = placed.Patient.Person
	}
	who := []string{capitals(person.Name), capitals(person.First), person.Birth}
	if person.Birth == "" {
		who = []string{out.PatientId} // a name is no person
	}
	return es.Derive("enc", append([]string{"visit", out.OrganizationId, capitals(placed.Claim.Number), out.ServiceDate}, who...)...)
}

// identity is what a provider is recognized by: its NPI, else another number, else its name and street.
func identity(p *x12.Party) string {
	if p.ID != "" {
		return p.ID
	}
	street := ""
	if p.Address != nil {
		street = p.Address.Line1 + "/" + p.Address.ZIP
	}
	return capitals(p.Name + "/" + p.First + "/" + street)
}

func lineProvider(c *t837.Claim, role string) *x12.Party {
	for i := range c.Lines {
		if p := c.Lines[i].Provider(role); p != nil {
			return p
		}
	}
	return nil
}

func provider(p *x12.Party) *claimsv1.Provider {
	out := &claimsv1.Provider{Taxonomy: p.Taxonomy, TaxId: cmp.Or(p.Ref("EI"), p.Ref("SY")), Address: address(p.Address)}
	if p.IDQualifier == "XX" {
		out.Npi = p.ID
	}
	if p.Kind == x12.Person {
		out.Name = name(p)
	} else {
		out.OrganizationName = p.Name
	}
	for _, k := range p.Contacts {
		for _, n := range k.Numbers {
			if n.Kind == "TE" && out.Phone == "" {
				out.Phone = n.Number
			}
		}
	}
	return out
}

func name(p *x12.Party) *typev1.PersonName {
	return &typev1.PersonName{Last: p.Name, First: p.First, Middle: p.Middle, Suffix: p.Suffix}
}

func address(a *x12.Address) *typev1.Address {
	if a == nil {
		return nil
	}
	return &typev1.Address{Line1: a.Line1, Line2: a.Line2, City: a.City, State: a.State, PostalCode: strings.ReplaceAll(a.ZIP, "-", "")}
}

// lines keep their own numbers where those are letters and digits and stand once; others are counted.
func (r *reader) lines(out *pb.ClaimImported, c *t837.Claim) {
	seen := map[string]bool{}
	for i := range c.Lines {
		l := &c.Lines[i]
		id := l.Control
		if id == "" || len(id) > 30 || seen[id] || strings.Trim(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
			id = fmt.Sprintf("LINE%d", i+1)
		}
		seen[id] = true
		to := &typev1.ServiceLine{
			LineId: id, ServiceCode: l.Procedure.Code, Modifiers: l.Procedure.Modifiers, UnitsThousandths: int32(l.Units), ChargeAmount: l.Charge,
			PlaceOfService: cmp.Or(l.PlaceOfService, c.PlaceOfService), ServiceDate: l.Service.From, UnitBasis: l.Basis, AuthorizationNumber: l.PriorAuthorization,
			Source: r.source(l.Source, "SV1"),
		}
		if l.Service.Thru != l.Service.From {
			to.ServiceThruDate = l.Service.Thru
		}
		for _, p := range l.Pointers {
			to.DiagnosisPointers = append(to.DiagnosisPointers, int32(p))
		}
		if out.ServiceDate == "" || to.ServiceDate != "" && to.ServiceDate < out.ServiceDate {
			out.ServiceDate = to.ServiceDate
		}
		out.Lines = append(out.Lines, to)
	}
}

var (
	sequences = map[string]typev1.PayerSequence{
		"P": typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, "S": typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY, "T": typev1.PayerSequence_PAYER_SEQUENCE_TERTIARY,
	}
	relations = map[string]typev1.Relationship{
		"18": typev1.Relationship_RELATIONSHIP_SELF, "01": typev1.Relationship_RELATIONSHIP_SPOUSE, "19": typev1.Relationship_RELATIONSHIP_CHILD,
	}
	sexes = map[string]typev1.Sex{"F": typev1.Sex_SEX_FEMALE, "M": typev1.Sex_SEX_MALE, "U": typev1.Sex_SEX_UNKNOWN}
)

func relation(code string) typev1.Relationship {
	if code == "" {
		return typev1.Relationship_RELATIONSHIP_UNSPECIFIED
	}
	if known, there := relations[code]; there {
		return known
	}
	return typev1.Relationship_RELATIONSHIP_OTHER
}

// PayerID is the registry's: from the EDI payer id in capitals. A payer without one is known by its name.
func PayerID(edi string) string { return es.Derive("pay", capitals(edi)) }

// ediID is what a file calls a payer, as letters and digits.
func ediID(p *x12.Party) string {
	if id := capitals(p.ID); id != "" {
		return id
	}
	var b strings.Builder
	for _, c := range capitals(p.Name) {
		if c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			b.WriteRune(c)
		}
	}
	return cmp.Or(b.String(), "UNNAMED")
}

// people adds the patient, and a coverage with its subscriber for each payer: first the one that the claim went to.
func (r *reader) people(out *pb.ClaimImported, placed t837.Placed) {
	s, c := placed.Subscriber, placed.Claim
	patient, rel := &s.Person, typev1.Relationship_RELATIONSHIP_SELF
	if placed.Patient != nil {
		patient, rel = &placed.Patient.Person, relation(placed.Patient.Relation)
	}
	out.Person = &claimsv1.ClaimPerson{
		MemberId: s.Person.ID, GroupNumber: s.Insured.Group, SubscriberName: name(&s.Person), SubscriberBirthDate: s.Person.Birth, SubscriberSex: sexes[s.Person.Sex],
		SubscriberAddress: address(s.Person.Address), PatientName: name(patient), PatientBirthDate: patient.Birth, PatientSex: sexes[patient.Sex], PatientAddress: address(patient.Address),
		DiagnosisCodeSystem: "10",
	}
	for _, d := range c.Diagnoses {
		out.Person.DiagnosisCodes = append(out.Person.DiagnosisCodes, d.Code)
		if d.Qualifier == "BK" || d.Qualifier == "BF" {
			out.Person.DiagnosisCodeSystem = "9"
		}
	}
	r.coverage(out, s.Insured, &s.Payer, &s.Person, rel)
	for i := range c.OtherPayers {
		o := &c.OtherPayers[i]
		r.coverage(out, o.Insured, &o.Payer, &o.Subscriber, relation(o.Insured.Relation))
		if o.Paid != nil || len(o.Adjustments) > 0 || slices.ContainsFunc(c.Lines, func(l t837.Line) bool {
			return slices.ContainsFunc(l.Adjudications, func(a t837.Adjudication) bool { return a.PayerID == o.Payer.ID })
		}) {
			out.PriorAdjudications = append(out.PriorAdjudications, r.prior(out, o, c))
		}
	}
}

func (r *reader) coverage(out *pb.ClaimImported, insured t837.Insured, payer, subscriber *x12.Party, rel typev1.Relationship) {
	edi := ediID(payer)
	v := &pb.ImportedCoverage{
		PayerId: PayerID(edi), PayerName: cmp.Or(payer.Name, edi), EdiPayerId: edi, FilingIndicator: insured.Filing, PayerSequence: sequences[insured.Sequence], Relationship: rel,
	}
	v.CoverageId = es.Derive("cov", out.PatientId, v.PayerId, capitals(subscriber.ID), insured.Sequence)
	out.Coverages = append(out.Coverages, v)
	out.Subscribers = append(out.Subscribers, &pb.ImportedSubscriber{
		MemberId: subscriber.ID, GroupNumber: insured.Group, Name: name(subscriber), BirthDate: subscriber.Birth, Sex: sexes[subscriber.Sex], Address: address(subscriber.Address),
	})
}

func (r *reader) prior(out *pb.ClaimImported, o *t837.OtherPayer, c *t837.Claim) *codingv1.PriorAdjudication {
	p := &codingv1.PriorAdjudication{
		PayerId: PayerID(ediID(&o.Payer)), PayerSequence: sequences[o.Insured.Sequence], AdjudicationDate: o.Decided, Adjustments: r.adjustments(o.Adjustments),
		Source: r.source(o.Source, "SBR"),
	}
	paid := int64(0)
	for i := range c.Lines {
		for _, a := range c.Lines[i].Adjudications {
			if a.PayerID != o.Payer.ID {
				continue
			}
			paid += a.Paid
			p.AdjudicationDate = cmp.Or(p.AdjudicationDate, a.Decided)
			p.Lines = append(p.Lines, &codingv1.PriorLine{LineId: out.Lines[i].LineId, PaidAmount: a.Paid, Adjustments: r.adjustments(a.Adjustments), Source: r.source(a.Source, "SVD")})
		}
	}
	if p.PaidAmount = paid; o.Paid != nil {
		p.PaidAmount = *o.Paid
	}
	return p
}

// kept are the ids of segments that the cycle does not use; they stay in the file.
func kept(s *t837.Subscriber, p *t837.Patient, c *t837.Claim) []string {
	lists := [][]x12.Raw{s.Other, c.Other}
	if p != nil {
		lists = append(lists, p.Other)
	}
	for i := range c.OtherPayers {
		lists = append(lists, c.OtherPayers[i].Other)
	}
	for i := range c.Lines {
		l := &c.Lines[i]
		lists = append(lists, l.Other, l.Drug, l.Forms)
		for j := range l.Adjudications {
			lists = append(lists, l.Adjudications[j].Other)
		}
	}
	var out []string
	for _, list := range lists {
		for _, raw := range list {
			if !slices.Contains(out, raw.ID) {
				out = append(out, raw.ID)
			}
		}
	}
	if len(c.Notes) > 0 {
		out = append(out, "NTE")
	}
	return out
}
