package content

import (
	"testing"

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

const (
	primary = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY
	second  = typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY
)

func facts() Facts {
	payers := []*intakev1.ResponsiblePayer{{CoverageId: "cov_1", PayerId: "pay_1", PayerSequence: primary}, {CoverageId: "cov_2", PayerId: "pay_2", PayerSequence: second}}
	return Facts{
		ClaimID: "clm_1",
		Coded: &codingv1.CodingCompleted{
			EncounterId: "enc_1", PatientId: "pat_1", ServiceDate: "2026-03-02", ChargeAmount: 15000, ResponsiblePayers: payers, AuthNo: "A1", DiagnosisCodes: []string{"F411"}, DiagnosisCodeSystem: "10",
			Lines: []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90837", PlaceOfService: "10", ChargeAmount: 15000}},
		},
		Payer:         payers[0],
		Authorization: &authorizationv1.AuthorizationApproved{PatientId: "pat_1", PayerId: "pay_1", AuthNo: "A1"},
		Registered:    &registryv1.PayerRegistered{PayerId: "pay_1", Name: "Plan", EdiPayerId: "P1", FilingIndicator: "CI", ReceiverId: "R1"},
		Coverage:      &intakev1.CoverageAdded{CoverageId: "cov_1", MemberId: "M1", GroupNumber: "G1", Relationship: 2, SubscriberName: &typev1.PersonName{Last: "Roe"}},
		Patient:       &intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{Last: "Doe"}, BirthDate: "1990-01-01", Address: &typev1.Address{Line1: "2 Oak St"}},
		Organization:  &registryv1.OrganizationRegistered{OrganizationId: "org_1", Name: "Group", Npi: "1", TaxId: "2", Address: &typev1.Address{Line1: "1 Main St"}},
		Location:      &registryv1.LocationRegistered{LocationId: "loc_1", Name: "Branch", Npi: "3", Address: &typev1.Address{Line1: "9 Far St"}},
		Rendering:     &registryv1.ClinicianRegistered{ClinicianId: "cli_1", Npi: "4", Taxonomy: "T", Name: &typev1.PersonName{Last: "Ames"}},
	}
}

func TestBuild(t *testing.T) {
	want := &pb.ClaimContent{
		PatientControlNumber: pcn.Of("clm_1"), FrequencyCode: pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL, PayerId: "pay_1", PayerSequence: primary, PayerName: "Plan", EdiPayerId: "P1",
		ReceiverId: "R1", FilingIndicator: "CI", Relationship: 2, PlaceOfService: "10", AuthorizationNumber: "A1", ChargeAmount: 15000, ServiceDate: "2026-03-02",
		BillingProvider:   &pb.Provider{Npi: "1", OrganizationName: "Group", TaxId: "2", Address: &typev1.Address{Line1: "1 Main St"}},
		RenderingProvider: &pb.Provider{Npi: "4", Taxonomy: "T", Name: &typev1.PersonName{Last: "Ames"}},
		ServiceLocation:   &pb.Provider{Npi: "3", OrganizationName: "Branch", Address: &typev1.Address{Line1: "9 Far St"}},
		Lines:             facts().Coded.Lines,
		Person: &pb.ClaimPerson{
			MemberId: "M1", GroupNumber: "G1", SubscriberName: &typev1.PersonName{Last: "Roe"}, PatientName: &typev1.PersonName{Last: "Doe"}, PatientBirthDate: "1990-01-01",
			PatientAddress: &typev1.Address{Line1: "2 Oak St"}, DiagnosisCodes: []string{"F411"}, DiagnosisCodeSystem: "10",
		},
	}
	if got := Build(facts()); !proto.Equal(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
	for _, c := range []struct {
		name   string
		change func(*Facts)
		holds  func(*pb.ClaimContent) bool
	}{
		{"a location at the organization's address is not said twice", func(f *Facts) { f.Location.Address = f.Organization.Address }, func(c *pb.ClaimContent) bool { return c.ServiceLocation == nil }},
		{"a supervisor is named", func(f *Facts) { f.Supervising = f.Rendering }, func(c *pb.ClaimContent) bool { return c.SupervisingProvider.GetNpi() == "4" }},
		{"a subscriber who is the patient lives where the patient lives", func(f *Facts) { f.Coverage.Relationship = 1 }, func(c *pb.ClaimContent) bool { return c.Person.SubscriberAddress.GetLine1() == "2 Oak St" }},
		{"without an authorization whose units it has used no number is sent, whatever coding saw", func(f *Facts) { f.Authorization = nil }, func(c *pb.ClaimContent) bool { return c.AuthorizationNumber == "" }},
		{"the first payer's number is not sent to the second", func(f *Facts) {
			f.Authorization, f.Payer, f.Lines = nil, f.Coded.ResponsiblePayers[1], &pb.ClaimContent{AuthorizationNumber: "A1", Lines: f.Coded.Lines}
		}, func(c *pb.ClaimContent) bool { return c.AuthorizationNumber == "" }},
		{"lines that were corrected for the first payer go to the second", func(f *Facts) {
			f.Lines = &pb.ClaimContent{ChargeAmount: 16000, Lines: []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90837", Modifiers: []string{"HO"}, ChargeAmount: 16000}}}
		}, func(c *pb.ClaimContent) bool { return c.ChargeAmount == 16000 && c.Lines[0].Modifiers[0] == "HO" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := facts()
			c.change(&f)
			if got := Build(f); !c.holds(got) {
				t.Fatal(got)
			}
		})
	}
}

func TestBuildImported(t *testing.T) {
	f := facts()
	f.Import = &exchangev1.ClaimImported{
		BillingProvider: &pb.Provider{Npi: "7"}, RenderingProvider: &pb.Provider{Npi: "8"}, PlaceOfService: "11", Person: &pb.ClaimPerson{PatientName: &typev1.PersonName{Last: "Old"}, DiagnosisCodes: []string{"30002"}},
		Coverages:   []*exchangev1.ImportedCoverage{{PayerSequence: second, PayerName: "2ND"}, {PayerSequence: primary, PayerName: "1ST", EdiPayerId: "E1", Relationship: 3}},
		Subscribers: []*exchangev1.ImportedSubscriber{{MemberId: "S2"}, {MemberId: "S1", Name: &typev1.PersonName{Last: "Sub"}}},
	}
	c := Build(f)
	if c.BillingProvider.Npi != "7" || c.RenderingProvider.Npi != "8" || c.PlaceOfService != "11" || c.Person.PatientName.Last != "Old" || c.Person.MemberId != "S1" ||
		c.Person.SubscriberName.Last != "Sub" || c.PayerName != "1ST" || c.EdiPayerId != "E1" || c.FilingIndicator != "CI" || c.ReceiverId != "R1" || c.Relationship != 3 {
		t.Fatal(c)
	}
	if f.Import.Person.MemberId != "" {
		t.Fatal("the event was written to")
	}
}

// The subscriber of an earlier payer's coverage is that coverage's, not the one of the claim's own.
func TestTheSubscriberOfAnEarlierPayer(t *testing.T) {
	doe, roe, oak, elm := &typev1.PersonName{Last: "Doe"}, &typev1.PersonName{Last: "Roe"}, &typev1.Address{Line1: "2 Oak St"}, &typev1.Address{Line1: "8 Elm St"}
	const self, spouse, child = typev1.Relationship_RELATIONSHIP_SELF, typev1.Relationship_RELATIONSHIP_SPOUSE, typev1.Relationship_RELATIONSHIP_CHILD
	file := func(v *exchangev1.ImportedCoverage, s ...*exchangev1.ImportedSubscriber) (string, *pb.OtherSubscriber) {
		return ImportedSubscriber(&exchangev1.ClaimImported{Coverages: []*exchangev1.ImportedCoverage{v}, Subscribers: s}, primary)
	}
	type told struct {
		member     string
		subscriber *pb.OtherSubscriber
	}
	say := func(member string, s *pb.OtherSubscriber) told { return told{member, s} }
	for _, c := range []struct {
		name string
		told told
		want told
	}{
		{"the patient's own: named and housed as the patient", say(RegisteredSubscriber(&intakev1.CoverageAdded{MemberId: "M1", GroupNumber: "G1", Relationship: self})),
			told{"M1", &pb.OtherSubscriber{Relationship: self, GroupNumber: "G1", Name: doe, Address: oak}}},
		{"a parent's", say(RegisteredSubscriber(&intakev1.CoverageAdded{MemberId: "M1", Relationship: child, SubscriberName: roe, SubscriberAddress: elm})),
			told{"M1", &pb.OtherSubscriber{Relationship: child, Name: roe, Address: elm}}},
		{"a spouse whose address nobody told", say(RegisteredSubscriber(&intakev1.CoverageAdded{MemberId: "M1", Relationship: spouse, SubscriberName: roe})),
			told{"M1", &pb.OtherSubscriber{Relationship: spouse, Name: roe}}},
		{"of a file", say(file(&exchangev1.ImportedCoverage{PayerSequence: primary, Relationship: child}, &exchangev1.ImportedSubscriber{MemberId: "S1", GroupNumber: "G1", Name: roe, Address: elm})),
			told{"S1", &pb.OtherSubscriber{Relationship: child, GroupNumber: "G1", Name: roe, Address: elm}}},
		{"of a file that tells the patient's own", say(file(&exchangev1.ImportedCoverage{PayerSequence: primary, Relationship: self}, &exchangev1.ImportedSubscriber{MemberId: "S1", Name: doe})),
			told{"S1", &pb.OtherSubscriber{Relationship: self, Name: doe, Address: oak}}},
		{"nobody told", say(file(&exchangev1.ImportedCoverage{PayerSequence: second}, &exchangev1.ImportedSubscriber{MemberId: "S2"})), told{"", &pb.OtherSubscriber{Relationship: self, Name: doe, Address: oak}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := facts()
			f.Payer = f.Coded.ResponsiblePayers[1]
			f.Earlier = []Earlier{{Decided: &pb.PriorPayer{PayerId: "pay_1", PayerSequence: primary}, MemberID: c.told.member, Subscriber: c.told.subscriber}}
			got := Build(f)
			if got.Person.SubscriberName.Last != "Roe" || got.PriorCoverageMemberIds[0] != c.want.member || len(got.PriorSubscribers) != 1 || !proto.Equal(got.PriorSubscribers[0], c.want.subscriber) {
				t.Errorf("%v, want %v", got.PriorSubscribers, c.want)
			}
		})
	}
}

// A replacement goes out as one, to the payer that has the original, under that payer's number; its later payers have no original.
func TestAnImportedReplacementStaysOne(t *testing.T) {
	coverages := []*exchangev1.ImportedCoverage{{CoverageId: "cov_1", PayerSequence: primary}, {CoverageId: "cov_2", PayerSequence: second}}
	for _, c := range []struct {
		name      string
		coverages []*exchangev1.ImportedCoverage
		frequency string
		to        int
		want      pb.FrequencyCode
		number    string
	}{
		{"an original", coverages, "1", 0, pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL, ""},
		{"a replacement, to the payer that has the original", coverages, "7", 0, pb.FrequencyCode_FREQUENCY_CODE_REPLACEMENT, "ICN9"},
		{"to the next payer it is an original", coverages, "7", 1, pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL, ""},
		{"a file to the second payer replaces that payer's", []*exchangev1.ImportedCoverage{coverages[1], coverages[0]}, "7", 1, pb.FrequencyCode_FREQUENCY_CODE_REPLACEMENT, "ICN9"},
	} {
		f := facts()
		f.Payer = f.Coded.ResponsiblePayers[c.to]
		one := &exchangev1.ClaimImported{FrequencyCode: c.frequency, PayerClaimControlNumber: "ICN9", Coverages: c.coverages}
		later := &exchangev1.ClaimImported{FrequencyCode: "1", Coverages: coverages}
		for _, all := range [][]*exchangev1.ClaimImported{{one}, {one, later}} {
			f.Import = Imported(f.Coded, all)
			if got := Build(f); got.FrequencyCode != c.want || got.PayerClaimControlNumber != c.number {
				t.Errorf("%s, of %d files: %v %q", c.name, len(all), got.FrequencyCode, got.PayerClaimControlNumber)
			}
		}
	}
}

func TestPriorsAreCopied(t *testing.T) {
	cas := func(group string, n int64) *typev1.Adjustment {
		return &typev1.Adjustment{GroupCode: group, Carc: "45", Amount: n}
	}
	got := PriorPosted(&postingv1.ClaimPaymentPosted{
		PayerId: "pay_1", PayerSequence: primary, AdjudicationDate: "2026-03-20",
		RemittanceClaim: &exchangev1.RemittanceClaim{
			PaidAmount: 9000, PatientResponsibilityAmount: 1, PayerClaimControlNumber: "ICN", Adjustments: []*typev1.Adjustment{cas("PR", 500)},
			Lines: []*exchangev1.RemittanceLine{{LineId: "L1", PaidAmount: 9000, UnitsThousandths: 1000, Adjustments: []*typev1.Adjustment{cas("CO", 4000), cas("PR", 1500)}}},
		},
	})
	want := &pb.PriorPayer{
		PayerId: "pay_1", PayerSequence: primary, AdjudicationDate: "2026-03-20", PaidAmount: 9000, PatientResponsibilityAmount: 2000, PayerClaimControlNumber: "ICN",
		Adjustments: []*typev1.Adjustment{cas("PR", 500)},
		Lines:       []*pb.PriorPayerLine{{LineId: "L1", PaidAmount: 9000, UnitsThousandths: 1000, Adjustments: []*typev1.Adjustment{cas("CO", 4000), cas("PR", 1500)}}},
	}
	if !proto.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	old := PriorImported(&codingv1.PriorAdjudication{PayerId: "pay_1", PayerSequence: primary, PaidAmount: 10, Lines: []*codingv1.PriorLine{{LineId: "L1", PaidAmount: 10, Adjustments: []*typev1.Adjustment{cas("PR", 5)}}}})
	if old.PatientResponsibilityAmount != 5 || old.Lines[0].PaidAmount != 10 {
		t.Fatal(old)
	}
}

func TestFirst(t *testing.T) {
	c := facts().Coded
	if First(c).PayerId != "pay_1" || Next(c, primary).PayerId != "pay_2" || Next(c, second) != nil {
		t.Fatal("the order of payers")
	}
	c.PriorAdjudications = []*codingv1.PriorAdjudication{{PayerSequence: primary}}
	if First(c).PayerId != "pay_2" {
		t.Fatal("the primary has decided already")
	}
	c.PriorAdjudications = append(c.PriorAdjudications, &codingv1.PriorAdjudication{PayerSequence: second})
	if First(c) != nil || First(&codingv1.CodingCompleted{}) != nil {
		t.Fatal("nobody's turn")
	}
}
