package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

const (
	therapy       = codingv1.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY
	medication    = codingv1.ServiceKind_SERVICE_KIND_MEDICATION
	both          = codingv1.ServiceKind_SERVICE_KIND_MEDICATION_AND_PSYCHOTHERAPY
	crisis        = codingv1.ServiceKind_SERVICE_KIND_CRISIS
	group         = codingv1.ServiceKind_SERVICE_KIND_GROUP
	withPatient   = codingv1.ServiceKind_SERVICE_KIND_FAMILY_WITH_PATIENT
	alone         = codingv1.ServiceKind_SERVICE_KIND_FAMILY_WITHOUT_PATIENT
	evaluation    = codingv1.ServiceKind_SERVICE_KIND_EVALUATION
	evaluationMed = codingv1.ServiceKind_SERVICE_KIND_EVALUATION_MEDICAL

	inPerson  = typev1.Modality_MODALITY_IN_PERSON
	atHome    = typev1.Modality_MODALITY_VIDEO_PATIENT_HOME
	elsewhere = typev1.Modality_MODALITY_VIDEO_ELSEWHERE
	byPhone   = typev1.Modality_MODALITY_AUDIO_PATIENT_HOME

	psychiatrist = typev1.LicenseType_LICENSE_TYPE_PSYCHIATRIST
	socialWorker = typev1.LicenseType_LICENSE_TYPE_CLINICAL_SOCIAL_WORKER
	associate    = typev1.LicenseType_LICENSE_TYPE_ASSOCIATE
)

func visit(kind codingv1.ServiceKind, minutes int32) Visit {
	return Visit{EncounterReceived: &codingv1.EncounterReceived{
		EncounterId: "enc_1", PatientId: "pat_1", ClinicianId: "cli_1", LocationId: "loc_1", ServiceDate: "2026-03-02", Modality: inPerson, ServiceKind: kind,
		StartAt: &timestamppb.Timestamp{Seconds: 1772460000}, EndAt: &timestamppb.Timestamp{Seconds: 1772460000 + int64(minutes)*60 + 59}, DiagnosisCodes: []string{"F411"},
	}}
}

func facts(license typev1.LicenseType) Facts {
	schedule := &registryv1.ChargeSchedulePublished{OrganizationId: "org_1", FromDate: "2026-01-01"}
	for _, code := range []string{"90785", "90791", "90792", "90832", "90833", "90834", "90836", "90837", "90838", "90839", "90840", "90846", "90847", "90853", "99213", "99214"} {
		schedule.Rates = append(schedule.Rates, &registryv1.ChargeRate{ServiceCode: code, ChargeAmount: 10000})
	}
	return Facts{
		Location:  &registryv1.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1", PlaceOfService: "11"},
		Clinician: &registryv1.ClinicianRegistered{ClinicianId: "cli_1", LicenseType: license},
		PayerID:   "pay_1", Payer: &registryv1.PayerRegistered{PayerId: "pay_1"}, Charges: schedule,
		Policy: &registryv1.PayerPolicySet{PayerId: "pay_1", FromDate: "2026-01-01", TelehealthCovered: true, TelehealthModifier: "95", AudioModifier: "93", GroupSizeMax: 10},
	}
}

// coded is a coding in short: "90837:95 90785:95 @10"; with reasons their rule ids.
func coded(v Visit, f Facts) string {
	c, open := Derive(v, f)
	var b []string
	for _, r := range open {
		b = append(b, strings.TrimPrefix(r.RuleId, "coding."))
	}
	place := ""
	for _, l := range c.Lines {
		s := l.ServiceCode
		if l.UnitsThousandths != 1000 {
			s += fmt.Sprint("x", l.UnitsThousandths/1000)
		}
		for _, m := range l.Modifiers {
			s += ":" + m
		}
		b, place = append(b, s), " @"+l.PlaceOfService
	}
	return strings.Join(b, " ") + place
}

func TestCodes(t *testing.T) {
	cases := []struct {
		name    string
		kind    codingv1.ServiceKind
		minutes int32
		change  func(*Visit, *Facts)
		want    string
	}{
		{"15 minutes of therapy are nothing to bill", therapy, 15, nil, "psychotherapy_time"},
		{"16 minutes are the short session", therapy, 16, nil, "90832 @11"},
		{"37 minutes still are", therapy, 37, nil, "90832 @11"},
		{"38 minutes are the middle one", therapy, 38, nil, "90834 @11"},
		{"52 minutes still are", therapy, 52, nil, "90834 @11"},
		{"53 minutes are the long one", therapy, 53, nil, "90837 @11"},
		{"the first evaluation has no time", evaluation, 5, nil, "90791 @11"},
		{"an evaluation with medical services needs a prescriber", evaluationMed, 60, nil, "prescriber"},
		{"a psychiatrist gives it", evaluationMed, 60, prescriber(""), "90792 @11"},
		{"a medication visit is its E/M code", medication, 20, prescriber("99213"), "99213 @11"},
		{"E/M by a social worker is asked about", medication, 20, func(v *Visit, _ *Facts) { v.EvaluationManagementCode = "99213" }, "prescriber"},
		{"E/M minutes are not therapy minutes: 15 are left", both, 35, prescriber("99213"), "add_on_time"},
		{"16 are left", both, 36, prescriber("99213"), "99213 90833 @11"},
		{"37 are left", both, 57, prescriber("99213"), "99213 90833 @11"},
		{"38 are left", both, 58, prescriber("99214"), "99214 90836 @11"},
		{"52 are left", both, 72, prescriber("99214"), "99214 90836 @11"},
		{"53 are left", both, 73, prescriber("99214"), "99214 90838 @11"},
		{"a crisis of 15 minutes is nothing", crisis, 15, nil, "crisis_time"},
		{"a crisis of 29 minutes is psychotherapy", crisis, 29, nil, "90832 @11"},
		{"a crisis of 30 minutes is one", crisis, 30, nil, "90839 @11"},
		{"one of 74 minutes has no more", crisis, 74, nil, "90839 @11"},
		{"one of 75 minutes has a further unit", crisis, 75, nil, "90839 90840 @11"},
		{"104 minutes still have one", crisis, 104, nil, "90839 90840 @11"},
		{"105 minutes have two", crisis, 105, nil, "90839 90840x2 @11"},
		{"a group of ten, where ten are allowed", group, 60, func(v *Visit, _ *Facts) { v.GroupSize = 10 }, "90853 @11"},
		{"a group of eleven is asked about", group, 60, func(v *Visit, _ *Facts) { v.GroupSize = 11 }, "group_size_within_cap"},
		{"no cap, no limit", group, 60, func(v *Visit, f *Facts) { v.GroupSize, f.Policy.GroupSizeMax = 30, 0 }, "90853 @11"},
		{"family of 25 minutes is nothing", withPatient, 25, nil, "family_time"},
		{"family of 26 minutes, patient present", withPatient, 26, nil, "90847 @11"},
		{"family of 26 minutes, patient absent", alone, 26, nil, "90846 @11"},
		{"interactive complexity goes with therapy", therapy, 60, interactive, "90837 90785 @11"},
		{"and with the add-on", both, 60, func(v *Visit, f *Facts) { prescriber("99213")(v, f); interactive(v, f) }, "99213 90836 90785 @11"},
		{"not with a crisis", crisis, 60, interactive, "90839 @11"},
		{"not with family", withPatient, 50, interactive, "90847 @11"},
		{"not with E/M alone", medication, 20, func(v *Visit, f *Facts) { prescriber("99213")(v, f); interactive(v, f) }, "99213 @11"},
		{"video at home", therapy, 60, modality(atHome), "90837:95 @10"},
		{"video elsewhere", therapy, 60, modality(elsewhere), "90837:95 @02"},
		{"by phone", therapy, 60, modality(byPhone), "90837:93 @10"},
		{"a payer without a modifier for it", therapy, 60, func(v *Visit, f *Facts) { v.Modality, f.Policy.TelehealthModifier = atHome, "" }, "90837 @10"},
		{"a payer with the old modifier", therapy, 60, func(v *Visit, f *Facts) { v.Modality, f.Policy.TelehealthModifier = atHome, "GT" }, "90837:GT @10"},
		{"before 2022 home had no place of its own", therapy, 60, func(v *Visit, _ *Facts) { v.Modality, v.ServiceDate = atHome, "2021-12-31" }, "90837:95 @02"},
		{"before 2022 there was no audio modifier", therapy, 60, func(v *Visit, _ *Facts) { v.Modality, v.ServiceDate = byPhone, "2021-12-31" }, "modifier_in_force"},
		{"a payer that does not cover telehealth", therapy, 60, func(v *Visit, f *Facts) { v.Modality, f.Policy.TelehealthCovered = atHome, false }, "telehealth_covered"},
		{"license in front of telehealth", therapy, 60, func(v *Visit, f *Facts) {
			v.Modality, f.Policy.LicenseModifiers = atHome, []*registryv1.LicenseModifier{{LicenseType: psychiatrist, Modifier: "HP"}, {LicenseType: socialWorker, Modifier: "AJ"}}
		}, "90837:AJ:95 @10"},
		{"every line carries the modifiers", therapy, 60, func(v *Visit, f *Facts) { interactive(v, f); v.Modality = atHome }, "90837:95 90785:95 @10"},
		{"five modifiers do not fit", therapy, 60, func(v *Visit, f *Facts) {
			v.Modality = atHome
			for _, m := range []string{"HO", "HE", "U1", "U2"} {
				f.Policy.LicenseModifiers = append(f.Policy.LicenseModifiers, &registryv1.LicenseModifier{LicenseType: socialWorker, Modifier: m})
			}
		}, "four_modifiers"},
		{"a code without a price", therapy, 60, func(_ *Visit, f *Facts) { f.Charges.Rates = f.Charges.Rates[:3] }, "price"},
		{"no price list at all", therapy, 60, func(_ *Visit, f *Facts) { f.Charges = nil }, "price"},
		{"a payer that is not registered", therapy, 60, func(_ *Visit, f *Facts) { f.Payer, f.Policy = nil, nil }, "payer_known"},
		{"a payer without a policy", therapy, 60, func(_ *Visit, f *Facts) { f.Policy = nil }, "policy_in_force"},
		{"self-pay needs no policy", therapy, 60, func(_ *Visit, f *Facts) { f.SelfPay, f.Payer, f.Policy = true, nil, nil }, "90837 @11"},
		{"all that is open is said at once", therapy, 10, func(v *Visit, f *Facts) {
			v.Modality, f.Policy.TelehealthCovered, f.Clinician.LicenseType, f.Charges = atHome, false, associate, nil
		}, "psychotherapy_time supervised telehealth_covered"},
		{"a coder's code settles what code it is", therapy, 10, func(v *Visit, f *Facts) { v.CoderCode, v.Modality, f.Policy.TelehealthCovered = "90832", atHome, false }, "90832:95 @10"},
		{"a coder's code settles the group's size", group, 60, func(v *Visit, _ *Facts) { v.GroupSize, v.CoderCode = 11, "90853" }, "90853 @11"},
		{"a coder's code needs a price too", therapy, 10, func(v *Visit, _ *Facts) { v.CoderCode = "99999" }, "price"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, f := visit(c.kind, c.minutes), facts(socialWorker)
			if c.change != nil {
				c.change(&v, &f)
			}
			if got := coded(v, f); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

func prescriber(code string) func(*Visit, *Facts) {
	return func(v *Visit, f *Facts) {
		f.Clinician.LicenseType = psychiatrist
		if v.EvaluationManagementCode = code; code != "" {
			v.EvaluationManagementMinutes = 20
		}
	}
}

func interactive(v *Visit, _ *Facts) { v.InteractiveComplexity = true }

func modality(m typev1.Modality) func(*Visit, *Facts) {
	return func(v *Visit, _ *Facts) { v.Modality = m }
}

func TestWhoIsNamedOnTheClaim(t *testing.T) {
	supervisor := &registryv1.ClinicianRegistered{ClinicianId: "cli_9", LicenseType: psychiatrist}
	cases := []struct {
		name       string
		license    typev1.LicenseType
		supervisor *registryv1.ClinicianRegistered
		billing    registryv1.SupervisedBilling
		selfPay    bool
		want       string // rendering/supervising, or the reason
	}{
		{"a licensed clinician alone", socialWorker, supervisor, 0, false, "cli_1/"},
		{"the payer wants the supervisor as rendering", associate, supervisor, registryv1.SupervisedBilling_SUPERVISED_BILLING_SUPERVISOR_RENDERS, false, "cli_9/"},
		{"the payer wants both named", associate, supervisor, registryv1.SupervisedBilling_SUPERVISED_BILLING_RENDERING_WITH_SUPERVISOR, false, "cli_1/cli_9"},
		{"the payer does not cover it", associate, supervisor, registryv1.SupervisedBilling_SUPERVISED_BILLING_NOT_COVERED, false, "coding.supervised"},
		{"the payer has not said", associate, supervisor, 0, false, "coding.supervised"},
		{"nobody supervises", associate, nil, registryv1.SupervisedBilling_SUPERVISED_BILLING_SUPERVISOR_RENDERS, false, "coding.supervised"},
		{"self-pay names the supervisor", associate, supervisor, 0, true, "cli_1/cli_9"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := facts(c.license)
			f.Supervisor, f.Policy.SupervisedBilling = c.supervisor, c.billing
			if c.selfPay {
				f.SelfPay, f.Payer, f.Policy = true, nil, nil
			}
			coding, open := Derive(visit(therapy, 60), f)
			got := coding.RenderingID + "/" + coding.SupervisingID
			if len(open) > 0 {
				got = open[0].RuleId
			}
			if got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestDiagnosisPointersAreTheFirstFour(t *testing.T) {
	v := visit(therapy, 60)
	v.DiagnosisCodes = []string{"F411", "F331", "Z635", "F4310", "F1020"}
	c, _ := Derive(v, facts(socialWorker))
	if got := c.Lines[0].DiagnosisPointers; !slices.Equal(got, []int32{1, 2, 3, 4}) {
		t.Fatal(got)
	}
}

// Whatever the session: either lines of which every part is explained by a rule and which cost what the prices say, or reasons; never both, never nothing.
func TestEveryLineIsExplained(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := visit(codingv1.ServiceKind(rapid.Int32Range(1, 9).Draw(t, "kind")), rapid.Int32Range(1, 300).Draw(t, "minutes"))
		f := facts(typev1.LicenseType(rapid.Int32Range(1, 7).Draw(t, "license")))
		v.Modality = typev1.Modality(rapid.Int32Range(1, 4).Draw(t, "modality"))
		v.InteractiveComplexity = rapid.Bool().Draw(t, "interactive")
		v.GroupSize = rapid.Int32Range(2, 14).Draw(t, "group")
		v.EvaluationManagementCode, v.EvaluationManagementMinutes = "99213", rapid.Int32Range(0, 60).Draw(t, "em")
		f.SelfPay = rapid.Bool().Draw(t, "self-pay")
		if f.SelfPay {
			f.Payer, f.Policy = nil, nil
		}
		c, open := Derive(v, f)
		if (len(open) > 0) == (len(c.Lines) > 0) {
			t.Fatalf("%d reasons and %d lines", len(open), len(c.Lines))
		}
		why := map[string]bool{}
		for _, d := range c.Decisions {
			if d.RuleId == "" || d.RuleVersion == 0 || d.Reason == "" {
				t.Fatalf("a decision without rule or reason: %v", d)
			}
			why[d.Subject] = true
		}
		var sum int64
		for i, l := range c.Lines {
			sum += l.ChargeAmount
			if l.LineId != fmt.Sprint("L", i+1) || l.ChargeAmount != int64(l.UnitsThousandths)*10 || len(l.Modifiers) > 4 {
				t.Fatalf("line %v", l)
			}
			subjects := []string{l.ServiceCode, "charge " + l.ServiceCode, "place of service " + l.PlaceOfService}
			for _, m := range l.Modifiers {
				subjects = append(subjects, "modifier "+m)
			}
			for _, s := range subjects {
				if !why[s] {
					t.Fatalf("nobody says why %s", s)
				}
			}
		}
		if sum != c.Charge {
			t.Fatalf("lines cost %d, the whole %d", sum, c.Charge)
		}
	})
}
