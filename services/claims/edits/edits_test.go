package edits

import (
	"slices"
	"strings"
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

func street() *typev1.Address {
	return &typev1.Address{Line1: "1 Main St", City: "Springfield", State: "IL", PostalCode: "62701"}
}

func clean() (*pb.ClaimContent, Facts) {
	return &pb.ClaimContent{
			FrequencyCode: pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL, PayerId: "pay_1", PayerSequence: 1, PayerName: "Plan", EdiPayerId: "P1", ReceiverId: "R1", FilingIndicator: "CI",
			Relationship:      typev1.Relationship_RELATIONSHIP_SELF,
			BillingProvider:   &pb.Provider{Npi: "1234567893", OrganizationName: "Group", TaxId: "123456789", Taxonomy: "261QM0801X", Address: street()},
			RenderingProvider: &pb.Provider{Npi: "1679576722", Taxonomy: "103T00000X", Name: &typev1.PersonName{Last: "A"}},
			PlaceOfService:    "11", ChargeAmount: 15000, ServiceDate: "2026-03-02",
			Lines: []*typev1.ServiceLine{
				{LineId: "L1", ServiceCode: "90837", UnitsThousandths: 1000, PlaceOfService: "11", ChargeAmount: 14000, DiagnosisPointers: []int32{1}, ServiceDate: "2026-03-02"},
				{LineId: "L2", ServiceCode: "90785", UnitsThousandths: 1000, PlaceOfService: "11", ChargeAmount: 1000, DiagnosisPointers: []int32{1, 2}, ServiceDate: "2026-03-02"},
			},
			Person: &pb.ClaimPerson{
				MemberId: "M100", SubscriberName: &typev1.PersonName{Last: "Doe"}, SubscriberBirthDate: "1990-01-01", SubscriberAddress: street(),
				PatientName: &typev1.PersonName{Last: "Doe"}, PatientBirthDate: "1990-01-01", PatientAddress: street(), DiagnosisCodes: []string{"F411", "Z635"}, DiagnosisCodeSystem: "10",
			},
		}, Facts{
			Policy:          &registryv1.PayerPolicySet{FromDate: "2026-01-01", TelehealthModifier: "95", AuthorizationCodes: []string{"90853"}},
			TimelyFilingDue: "2026-05-31", Today: "2026-03-03", RenderingClinicianID: "cli_1",
		}
}

func TestACleanClaim(t *testing.T) {
	if failures := Scrub(clean()); len(failures) > 0 {
		t.Fatal(failures)
	}
}

type claim = pb.ClaimContent

// Of what a field has several the bad ones are named by their place.
func TestBadElementsAreNamedByTheirPlace(t *testing.T) {
	c, f := clean()
	c.Person.DiagnosisCodes = []string{"F41.1", "Z635", "x", "Z635"}
	c.Lines[0].DiagnosisPointers, c.Lines[1].Modifiers = []int32{1, 9, 1}, []string{"HO", "H", "HO"}
	var got []string
	for _, e := range Scrub(c, f) {
		got = append(got, e.Reason.Field)
	}
	slices.Sort(got)
	want := "lines[0].diagnosis_pointers[1] lines[0].diagnosis_pointers[2] lines[1].modifiers[1] lines[1].modifiers[2] " +
		"person.diagnosis_codes[0] person.diagnosis_codes[2] person.diagnosis_codes[3]"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got %s, want %s", s, want)
	}
}

// Each row breaks one thing; exactly the edits named fail. A ~ in front marks a warning.
func TestEachEdit(t *testing.T) {
	prior := func(paid int64, adjusted ...int64) *pb.PriorPayer {
		p := &pb.PriorPayer{PayerId: "pay_0", PayerSequence: 1, PaidAmount: paid}
		for _, a := range adjusted {
			p.Adjustments = append(p.Adjustments, &typev1.Adjustment{GroupCode: "CO", Carc: "45", Amount: a})
		}
		return p
	}
	exhausted := Authorization{ID: "aut_2", Number: "A2", Reasons: []*problemv1.Reason{{RuleId: "authorization.units_within_approval", Message: "1 needed, 0 left"}}}
	home := func(c *claim, modifier ...string) {
		c.PlaceOfService = "10"
		for _, l := range c.Lines {
			l.PlaceOfService, l.Modifiers = "10", modifier
		}
	}
	const video, inPerson = typev1.Modality_MODALITY_VIDEO_PATIENT_HOME, typev1.Modality_MODALITY_IN_PERSON
	other := func(clinician, code string) []*codingv1.CodingCompleted {
		return []*codingv1.CodingCompleted{{EncounterId: "enc_2", RenderingClinicianId: clinician, Lines: []*typev1.ServiceLine{{ServiceCode: code}}}}
	}
	rows := []struct {
		name   string
		change func(*claim, *Facts)
		want   string
	}{
		{"payer without an address", func(c *claim, _ *Facts) { c.EdiPayerId = "" }, "payer_addressed"},
		{"payer without a receiver", func(c *claim, _ *Facts) { c.ReceiverId = "" }, "payer_addressed"},
		{"a payer that no file named", func(c *claim, _ *Facts) { c.PayerId = Unnamed }, "payer_named"},
		{"an imported claim is no other in that", func(c *claim, f *Facts) { c.PayerId, f.Imported = Unnamed, true }, "payer_named"},
		{"one digit of an NPI wrong", func(c *claim, _ *Facts) { c.RenderingProvider.Npi = "1679576721" }, "npi_valid"},
		{"two digits of an NPI swapped", func(c *claim, _ *Facts) { c.BillingProvider.Npi = "1234567839" }, "npi_valid"},
		{"a supervisor needs an NPI", func(c *claim, _ *Facts) { c.SupervisingProvider = &pb.Provider{} }, "npi_valid"},
		{"a location needs none", func(c *claim, _ *Facts) { c.ServiceLocation = &pb.Provider{} }, ""},
		{"tax id of eight digits", func(c *claim, _ *Facts) { c.BillingProvider.TaxId = "12345678" }, "tax_id"},
		{"a P.O. box is no street", func(c *claim, _ *Facts) { c.BillingProvider.Address.Line1 = "PO Box 12" }, "billing_address"},
		{"postal code with a hyphen", func(c *claim, _ *Facts) { c.BillingProvider.Address.PostalCode = "62701-1234" }, "billing_address"},
		{"a taxonomy is missing", func(c *claim, _ *Facts) { c.RenderingProvider.Taxonomy = "" }, "~taxonomy"},
		{"nobody is named who gave it", func(c *claim, _ *Facts) { c.RenderingProvider = nil }, "~rendering_named"},
		{"a solo practitioner is both", func(c *claim, _ *Facts) {
			c.RenderingProvider, c.BillingProvider.OrganizationName, c.BillingProvider.Name = nil, "", &typev1.PersonName{Last: "B"}
		}, ""},
		{"no member id", func(c *claim, _ *Facts) { c.Person.MemberId = " " }, "member_id"},
		{"the coverage had ended", func(_ *claim, f *Facts) {
			f.Coverage = &pb.CoverageChangeDetected{Change: pb.CoverageChange_COVERAGE_CHANGE_RETRO_TERMINATION, ThruDate: "2026-03-01"}
		}, "coverage_in_force"},
		{"another payer comes first", func(_ *claim, f *Facts) {
			f.Coverage = &pb.CoverageChangeDetected{Change: pb.CoverageChange_COVERAGE_CHANGE_EARLIER_PAYER, OtherPayerId: "pay_0"}
		}, "payer_order"},
		{"subscriber without a name", func(c *claim, _ *Facts) { c.Person.SubscriberName = nil }, "person_named"},
		{"born after the service", func(c *claim, _ *Facts) { c.Person.PatientBirthDate = "2026-03-03" }, "birth_date"},
		{"born on the day is possible", func(c *claim, _ *Facts) { c.Person.PatientBirthDate = "2026-03-02" }, ""},
		{"a spouse's birth date may be unknown", func(c *claim, _ *Facts) { c.Relationship, c.Person.SubscriberBirthDate = 2, "" }, ""},
		{"a subscriber's may not", func(c *claim, _ *Facts) { c.Person.SubscriberBirthDate = "" }, "birth_date"},
		{"subscriber without an address", func(c *claim, _ *Facts) { c.Person.SubscriberAddress = nil }, "person_address"},
		{"a dependent's address counts", func(c *claim, _ *Facts) { c.Relationship, c.Person.PatientAddress = 3, nil }, "person_address"},
		{"no diagnosis", func(c *claim, _ *Facts) {
			c.Person.DiagnosisCodes = nil
		}, "diagnosis_present pointers pointers pointers"},
		{"a diagnosis twice", func(c *claim, _ *Facts) { c.Person.DiagnosisCodes = []string{"F411", "F411"} }, "diagnosis_present"},
		{"ICD-9 today", func(c *claim, _ *Facts) {
			c.Person.DiagnosisCodeSystem, c.Person.DiagnosisCodes = "9", []string{"30002", "V6281"}
		}, "diagnosis_version"},
		{"ICD-9 on the last day of it", func(c *claim, f *Facts) {
			c.Person.DiagnosisCodeSystem, c.Person.DiagnosisCodes, c.ServiceDate, f.TimelyFilingDue = "9", []string{"30002", "V6281"}, "2015-09-30", ""
		}, ""},
		{"ICD-10 too early", func(c *claim, f *Facts) { c.ServiceDate, f.TimelyFilingDue = "2015-09-30", "" }, "diagnosis_version"},
		{"ICD-10 on its first day", func(c *claim, f *Facts) { c.ServiceDate, f.TimelyFilingDue = "2015-10-01", "" }, ""},
		{"a code with its dot", func(c *claim, _ *Facts) { c.Person.DiagnosisCodes[0] = "F41.1" }, "diagnosis_format"},
		{"a pointer to nothing", func(c *claim, _ *Facts) { c.Lines[0].DiagnosisPointers = []int32{3} }, "pointers"},
		{"five pointers", func(c *claim, _ *Facts) {
			c.Person.DiagnosisCodes = []string{"F411", "Z635", "F331", "F4310", "F1020"}
			c.Lines[0].DiagnosisPointers = []int32{1, 2, 3, 4, 5}
		}, "pointers"},
		{"no pointer", func(c *claim, _ *Facts) { c.Lines[0].DiagnosisPointers = nil }, "pointers"},
		{"two lines of one id", func(c *claim, _ *Facts) { c.Lines[1].LineId = "L1" }, "lines"},
		{"no lines", func(c *claim, _ *Facts) { c.Lines, c.ChargeAmount = nil, 0 }, "lines"},
		{"a line for nothing", func(c *claim, _ *Facts) { c.Lines[1].ChargeAmount, c.ChargeAmount = 0, 14000 }, "line_charge"},
		{"the sum is wrong", func(c *claim, _ *Facts) { c.ChargeAmount = 15001 }, "charge_total"},
		{"a code of four characters", func(c *claim, _ *Facts) { c.Lines[0].ServiceCode = "9083" }, "service_code"},
		{"a modifier of three", func(c *claim, _ *Facts) { c.Lines[0].Modifiers = []string{"HO1"} }, "modifiers"},
		{"a modifier twice", func(c *claim, _ *Facts) { c.Lines[0].Modifiers = []string{"HO", "HO"} }, "modifiers"},
		{"five modifiers", func(c *claim, _ *Facts) { c.Lines[0].Modifiers = []string{"HO", "HE", "U1", "U2", "U3"} }, "modifiers"},
		{"no units", func(c *claim, _ *Facts) { c.Lines[0].UnitsThousandths = 0 }, "units"},
		{"a place of one digit", func(c *claim, _ *Facts) { c.Lines[0].PlaceOfService = "1" }, "place_of_service"},
		{"home before it was a place", func(c *claim, f *Facts) { home(c, "95"); c.ServiceDate, f.TimelyFilingDue = "2021-12-31", "" }, "place_of_service place_of_service"},
		{"telehealth at home", func(c *claim, _ *Facts) { home(c, "95") }, ""},
		{"a telehealth modifier in the office", func(c *claim, _ *Facts) { c.Lines[0].Modifiers = []string{"95"} }, "telehealth_place"},
		{"which was right in 2021", func(c *claim, f *Facts) {
			c.Lines[0].Modifiers, c.ServiceDate, f.TimelyFilingDue = []string{"95"}, "2021-03-02", ""
		}, ""},
		{"telehealth without the modifier", func(c *claim, _ *Facts) { home(c) }, "telehealth_modifier telehealth_modifier"},
		{"a payer that wants none", func(c *claim, f *Facts) { home(c); f.Policy.TelehealthModifier = "" }, ""},
		{"video from home", func(c *claim, f *Facts) { home(c, "95"); f.Modality = video }, ""},
		{"audio only with the modifier of video", func(c *claim, f *Facts) { home(c, "95"); f.Modality = audio }, "telehealth_modifier_fits telehealth_modifier_fits"},
		{"audio only with its own", func(c *claim, f *Facts) { home(c, "93"); f.Modality = audio }, ""},
		{"video with the modifier of audio", func(c *claim, f *Facts) { home(c, "93"); f.Modality = video }, "telehealth_modifier_fits telehealth_modifier_fits"},
		{"audio only where the policy wants 95 all the same", func(c *claim, f *Facts) {
			home(c, "95")
			f.Modality, f.Policy.AudioModifier = audio, "95"
		}, ""},
		{"audio only without the modifier that the policy wants on audio", func(c *claim, f *Facts) { home(c); f.Modality, f.Policy.AudioModifier = audio, "93" }, "telehealth_modifier telehealth_modifier"},
		{"audio only without one, where the policy wants one on video only", func(c *claim, f *Facts) { home(c); f.Modality = audio }, ""},
		{"GT, which no policy asks for", func(c *claim, f *Facts) { home(c, "GT"); f.Modality = video }, "telehealth_modifier_fits telehealth_modifier_fits"},
		{"GT by the payer's policy", func(c *claim, f *Facts) { home(c, "GT"); f.Modality, f.Policy.TelehealthModifier = video, "GT" }, ""},
		{"95 where the policy wants GT", func(c *claim, f *Facts) { home(c, "95"); f.Modality, f.Policy.TelehealthModifier = video, "GT" }, "telehealth_modifier_fits telehealth_modifier_fits"},
		{"95 where the policy wants none", func(c *claim, f *Facts) { home(c, "95"); f.Modality, f.Policy.TelehealthModifier = video, "" }, ""},
		{"GQ where nobody knows how the visit was", func(c *claim, _ *Facts) { home(c, "GQ") }, "telehealth_modifier_fits telehealth_modifier_fits"},
		{"FQ of a group practice", func(c *claim, f *Facts) { home(c, "FQ"); f.Modality = audio }, "telehealth_modifier_fits telehealth_modifier_fits"},
		{"FQ of a federally qualified health center", func(c *claim, f *Facts) {
			home(c, "FQ")
			f.Modality, c.BillingProvider.Taxonomy = audio, "261QF0400X"
		}, ""},
		{"FQ on video", func(c *claim, f *Facts) {
			home(c, "FQ")
			f.Modality, c.BillingProvider.Taxonomy = video, "261QF0400X"
		}, "telehealth_modifier_fits telehealth_modifier_fits"},
		{"in person with a telehealth modifier", func(c *claim, f *Facts) { c.Lines[0].Modifiers, f.Modality = []string{"95"}, inPerson }, "telehealth_place telehealth_modifier_fits"},
		{"in person at a telehealth place", func(c *claim, f *Facts) { home(c, "95"); f.Modality = inPerson },
			"telehealth_modifier_fits telehealth_modifier_fits telehealth_place_fits telehealth_place_fits"},
		{"the patient elsewhere, the place says at home", func(c *claim, f *Facts) {
			home(c, "95")
			f.Modality = typev1.Modality_MODALITY_VIDEO_ELSEWHERE
		}, "telehealth_place_fits telehealth_place_fits"},
		{"the patient at home, the place says elsewhere", func(c *claim, f *Facts) {
			home(c, "95")
			c.Lines[1].PlaceOfService, f.Modality = "02", video
		}, "telehealth_place_fits"},
		{"by video in 2023 at the place it would have had", func(c *claim, f *Facts) {
			c.ServiceDate, f.TimelyFilingDue, f.Modality = "2023-03-02", "", video
			c.Lines[0].Modifiers, c.Lines[1].Modifiers = []string{"95"}, []string{"95"}
		}, ""},
		{"the same code that day by the same clinician", func(_ *claim, f *Facts) { f.SameDay = other("cli_1", "90837") }, "~repeated_service"},
		{"by another clinician", func(_ *claim, f *Facts) { f.SameDay = other("cli_2", "90837") }, ""},
		{"another code", func(_ *claim, f *Facts) { f.SameDay = other("cli_1", "90853") }, ""},
		{"with the modifier that says it is another service", func(c *claim, f *Facts) {
			f.SameDay, c.Lines[0].Modifiers = other("cli_1", "90837"), []string{"XE"}
		}, ""},
		{"an authorization is wanted", func(_ *claim, f *Facts) { f.Policy.AuthorizationCodes = []string{"90837"} }, "authorization_number"},
		{"and there", func(c *claim, f *Facts) { f.Policy.AuthorizationCodes, c.AuthorizationNumber = []string{"90837"}, "A1" }, ""},
		{"on the line is enough", func(c *claim, f *Facts) {
			f.Policy.AuthorizationCodes, c.Lines[0].AuthorizationNumber = []string{"90837"}, "A1"
		}, ""},
		{"one of ours that has given its units", func(c *claim, f *Facts) {
			f.Policy.AuthorizationCodes, c.AuthorizationNumber, f.Authorizations = []string{"90837"}, "A1", []Authorization{{ID: "aut_1", Number: "A1", Covers: true, Code: "90837", Used: 1}, exhausted}
		}, ""},
		{"one of ours that has given less than is billed, and has no more", func(c *claim, f *Facts) {
			f.Policy.AuthorizationCodes, c.AuthorizationNumber, c.Lines[0].UnitsThousandths = []string{"90837"}, "A1", 2000
			f.Authorizations = []Authorization{{ID: "aut_1", Number: "A1", Covers: true, Code: "90837", Used: 1}}
		}, "authorization_number"},
		{"or has what is missing", func(c *claim, f *Facts) {
			f.Policy.AuthorizationCodes, c.AuthorizationNumber, c.Lines[0].UnitsThousandths = []string{"90837"}, "A1", 2000
			f.Authorizations = []Authorization{{ID: "aut_1", Number: "A1", Covers: true, Code: "90837", Used: 1, Left: 1}}
		}, ""},
		{"one of ours that is exhausted", func(c *claim, f *Facts) {
			f.Policy.AuthorizationCodes, c.AuthorizationNumber, f.Authorizations = []string{"90837"}, "A2", []Authorization{exhausted}
		}, "authorization_number"},
		{"it is exhausted, and a number that we don't know is there", func(c *claim, f *Facts) {
			f.Policy.AuthorizationCodes, c.AuthorizationNumber, f.Authorizations = []string{"90837"}, "X1", []Authorization{exhausted}
		}, ""},
		{"it is exhausted, and no number is there", func(_ *claim, f *Facts) {
			f.Policy.AuthorizationCodes, f.Authorizations = []string{"90837"}, []Authorization{exhausted}
		}, "authorization_number"},
		{"two codes want one, and it is for both", func(c *claim, f *Facts) {
			f.Policy.AuthorizationCodes, c.AuthorizationNumber, f.Authorizations = []string{"90837", "90785"}, "A1", []Authorization{{ID: "aut_1", Number: "A1", Covers: true, Codes: []string{"90785", "90837"}, Code: "90837", Used: 1}}
		}, ""},
		{"it is for one of them", func(c *claim, f *Facts) {
			f.Policy.AuthorizationCodes, c.AuthorizationNumber, f.Authorizations = []string{"90837", "90785"}, "A1", []Authorization{{ID: "aut_1", Number: "A1", Covers: true, Codes: []string{"90837"}, Code: "90837", Used: 1}}
		}, "authorization_number"},
		{"and the other's is on its line", func(c *claim, f *Facts) {
			f.Policy.AuthorizationCodes, c.AuthorizationNumber, f.Authorizations = []string{"90837", "90785"}, "A1", []Authorization{{ID: "aut_1", Number: "A1", Covers: true, Codes: []string{"90837"}, Code: "90837", Used: 1}}
			c.Lines[1].AuthorizationNumber = "A2"
		}, ""},
		{"one was named that is exhausted, and the payer wants none", func(_ *claim, f *Facts) { f.Authorizations = []Authorization{exhausted} }, "~authorization_covers"},
		{"without a policy nothing is wanted", func(_ *claim, f *Facts) { f.Policy = nil }, ""},
		{"in the future", func(_ *claim, f *Facts) { f.Today = "2026-02-01" }, "service_date service_date service_date"},
		{"the last day of the limit", func(_ *claim, f *Facts) { f.Today = "2026-05-31" }, ""},
		{"a day too late", func(_ *claim, f *Facts) { f.Today = "2026-06-01" }, "timely_filing"},
		{"no limit known", func(_ *claim, f *Facts) { f.Today, f.TimelyFilingDue = "2029-06-01", "" }, ""},
		{"a replacement after the limit", func(c *claim, f *Facts) {
			c.FrequencyCode, c.PayerClaimControlNumber, f.Today = 7, "ICN1", "2026-06-01"
		}, "~timely_filing_of_change"},
		{"a replacement of nothing", func(c *claim, _ *Facts) { c.FrequencyCode = 7 }, "replaces_known"},
		{"a void of nothing", func(c *claim, _ *Facts) { c.FrequencyCode = 8 }, "replaces_known"},
		{"a secondary claim without the primary's decision", func(c *claim, _ *Facts) { c.PayerSequence = 2 }, "earlier_payers_told"},
		{"with it", func(c *claim, _ *Facts) { c.PayerSequence, c.PriorPayers = 2, []*pb.PriorPayer{prior(9000, 6000)} }, ""},
		{"with one that is off", func(c *claim, _ *Facts) { c.PayerSequence, c.PriorPayers = 2, []*pb.PriorPayer{prior(9000, 5999)} }, "earlier_payers_balance"},
		{"with one that told nothing", func(c *claim, _ *Facts) { c.PayerSequence, c.PriorPayers = 2, []*pb.PriorPayer{prior(0)} }, "~earlier_payers_amounts"},
		{"a line of it is off", func(c *claim, _ *Facts) {
			p := prior(9000)
			co := func(n int64) []*typev1.Adjustment { return []*typev1.Adjustment{{Amount: n}} }
			p.Lines = []*pb.PriorPayerLine{{LineId: "L1", PaidAmount: 8000, Adjustments: co(5000)}, {LineId: "L2", PaidAmount: 1000, Adjustments: co(1000)}}
			c.PayerSequence, c.PriorPayers = 2, []*pb.PriorPayer{p}
		}, "earlier_payers_balance earlier_payers_balance"},
	}
	failed := map[string]bool{}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			c, f := clean()
			r.change(c, &f)
			var got []string
			for _, e := range Scrub(c, f) {
				id := strings.TrimPrefix(e.Reason.RuleId, "claims.")
				failed[id] = true
				if !e.Blocking {
					id = "~" + id
				}
				got = append(got, id)
			}
			if s := strings.Join(got, " "); s != r.want {
				t.Fatalf("failed %q, want %q", s, r.want)
			}
		})
	}
	for _, e := range Table {
		if !failed[strings.TrimPrefix(e.ID, "claims.")] {
			t.Errorf("no row shows that %s can fail", e.ID)
		}
	}
}

func TestFilingLimit(t *testing.T) {
	policy := &registryv1.PayerPolicySet{TimelyFilingDays: 90}
	decided := func(days ...string) (out []*pb.PriorPayer) {
		for _, d := range days {
			out = append(out, &pb.PriorPayer{AdjudicationDate: d})
		}
		return out
	}
	for _, r := range []struct {
		name, want string
		policy     *registryv1.PayerPolicySet
		service    string
		earlier    []*pb.PriorPayer
	}{
		{"the first payer's counts from the date of service", "2026-05-31", policy, "2026-03-02", nil},
		{"the second payer's from the day on which the first decided", "2026-08-29", policy, "2026-03-02", decided("2026-05-31")},
		{"the third payer's from the second's", "2026-10-28", policy, "2026-03-02", decided("2026-05-31", "2026-07-30")},
		{"a decision whose day nobody told counts as none", "2026-05-31", policy, "2026-03-02", decided("")},
		{"a decision before the service is a misprint", "2026-05-31", policy, "2026-03-02", decided("2025-03-20")},
		{"a payer that tells no limit has none", "", &registryv1.PayerPolicySet{}, "2026-03-02", decided("2026-05-31")},
		{"no policy, no limit", "", nil, "2026-03-02", nil},
		{"an imported service without a day", "", policy, "2026", nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			if got := FilingLimit(r.policy, r.service, r.earlier); got != r.want {
				t.Fatalf("%q, want %q", got, r.want)
			}
		})
	}
}

func TestEverythingIsSaidAtOnce(t *testing.T) {
	failures := Scrub(&pb.ClaimContent{FrequencyCode: 7}, Facts{})
	var ids []string
	for _, r := range Blocking(failures) {
		ids = append(ids, r.RuleId)
	}
	for _, want := range []string{"claims.payer_addressed", "claims.npi_valid", "claims.member_id", "claims.diagnosis_present", "claims.lines", "claims.service_date", "claims.replaces_known"} {
		if !slices.Contains(ids, want) {
			t.Errorf("%s is not said: %v", want, ids)
		}
	}
}

// What another billing system had carried is told and goes along; what makes no file is held all the same.
func TestAnImportedClaimIsHeldOnlyForWhatMakesNoFile(t *testing.T) {
	c, facts := clean()
	c.BillingProvider.Npi, c.BillingProvider.TaxId = "1234567890", ""
	if got := Blocking(Scrub(c, facts)); len(got) != 2 {
		t.Fatalf("a claim of ours is held for %v", got)
	}
	facts.Imported = true
	failures := Scrub(c, facts)
	if got := Blocking(failures); len(got) != 0 || len(failures) < 2 {
		t.Fatalf("an imported one is held for %v and told %d things", got, len(failures))
	}
	c.Lines[0].DiagnosisPointers = []int32{9}
	if got := Blocking(Scrub(c, facts)); len(got) != 1 {
		t.Fatalf("pointers to nowhere: held for %v", got)
	}
}

// A void bills nothing: what would hold the claim that it takes back does not hold it, as long as it reaches the payer and names what it takes back.
func TestAVoidIsAskedOnlyForWhatItNeeds(t *testing.T) {
	c, facts := clean()
	c.FrequencyCode, c.PayerClaimControlNumber = pb.FrequencyCode_FREQUENCY_CODE_VOID, "ICN1"
	c.Lines[0].ServiceCode, c.Lines[0].DiagnosisPointers, c.BillingProvider.TaxId = "90853", []int32{9}, ""
	facts.Coverage = &pb.CoverageChangeDetected{Change: pb.CoverageChange_COVERAGE_CHANGE_RETRO_TERMINATION}
	facts.Today = "2026-12-31"
	if got := Blocking(Scrub(c, facts)); len(got) != 0 {
		t.Errorf("without an authorization, after the coverage and the filing limit: %v", got)
	}
	c.PayerClaimControlNumber, c.Person.MemberId, c.EdiPayerId = "", "", ""
	var failed []string
	for _, r := range Blocking(Scrub(c, facts)) {
		failed = append(failed, r.RuleId)
	}
	if got := strings.Join(failed, " "); got != "claims.payer_addressed claims.member_id claims.replaces_known" {
		t.Errorf("nobody to send it to, nobody named, nothing named: %s", got)
	}
}
