package rules

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
)

// given is a visit on a day at an hour, by a clinician, with its codes.
func given(id, day string, hour int, clinician string, codes ...string) *codingv1.ServicesEntered {
	start := int64(1772409600 + hour*3600)
	return &codingv1.ServicesEntered{
		PatientId: "pat_1", EncounterId: id, OrganizationId: "org_1", ClinicianId: clinician, ServiceDate: day, ServiceCodes: codes,
		StartAt: &timestamppb.Timestamp{Seconds: start}, EndAt: &timestamppb.Timestamp{Seconds: start + 3300},
	}
}

// Each row has two visits of one patient; the rules named ask a coder when the second is coded.
func TestBeside(t *testing.T) {
	const day = "2026-03-02"
	policy := &registryv1.PayerPolicySet{FromDate: "2026-01-01", EvaluationGapDays: 180}
	elsewhere := func(e *codingv1.ServicesEntered) *codingv1.ServicesEntered { e.OrganizationId = "org_2"; return e }
	moved := func(e *codingv1.ServicesEntered) *codingv1.ServicesEntered {
		e.StartAt, e.EndAt, e.Imported = nil, nil, true
		return e
	}
	type visit = *codingv1.ServicesEntered
	for _, r := range []struct {
		name          string
		first, second visit
		want          string
	}{
		{"a second psychotherapy of the day", given("e1", day, 9, "c1", "90837"), given("e2", day, 15, "c1", "90832"), "psychotherapy_once_a_day"},
		{"by a colleague of the group too", given("e1", day, 9, "c1", "90834"), given("e2", day, 15, "c2", "90834"), "psychotherapy_once_a_day"},
		{"another group's is not ours to judge", elsewhere(given("e1", day, 9, "c1", "90834")), given("e2", day, 15, "c1", "90834"), ""},
		{"the next day is another day", given("e1", day, 9, "c1", "90837"), given("e2", "2026-03-03", 9, "c1", "90837"), ""},
		{"an imported visit counts", moved(given("e1", day, 0, "c1", "90837")), given("e2", day, 9, "c1", "90837"), "psychotherapy_once_a_day"},
		{"the same session twice", given("e1", day, 9, "c1", "90847"), given("e2", day, 9, "c1", "90847"), "exact_repeat"},
		{"whoever sends it", given("e1", day, 9, "c1", "99214"), given("e2", day, 9, "c2", "99214"), "exact_repeat"},
		{"every rule that asks is named", given("e1", day, 9, "c1", "90837"), given("e2", day, 9, "c1", "90837"), "exact_repeat psychotherapy_once_a_day"},
		{"two family sessions at two times", given("e1", day, 9, "c1", "90847"), given("e2", day, 15, "c1", "90846"), ""},
		{"a group twice", given("e1", day, 9, "c1", "90853"), given("e2", day, 15, "c2", "90853"), "group_once_a_day"},
		{"a group and a session alone", given("e1", day, 9, "c1", "90853"), given("e2", day, 15, "c2", "90834"), ""},
		{"an evaluation twice a day", given("e1", day, 9, "c1", "90791"), given("e2", day, 15, "c2", "90792"), "evaluation_gap"},
		{"again within the payer's gap", given("e1", "2025-09-04", 9, "c1", "90791"), given("e2", day, 9, "c1", "90791"), "evaluation_gap"},
		{"when the gap is over", given("e1", "2025-09-03", 9, "c1", "90791"), given("e2", day, 9, "c1", "90791"), ""},
		{"the gap holds backwards, for a visit that is signed late", given("e1", "2026-04-02", 9, "c1", "90791"), given("e2", day, 9, "c1", "90791"), "evaluation_gap"},
		{"the same code by a colleague within the gap", given("e1", "2026-02-02", 9, "c1", "90791"), given("e2", day, 9, "c2", "90791"), "evaluation_gap"},
		{"the psychiatrist's own after the therapist's", given("e1", "2026-02-02", 9, "c1", "90791"), given("e2", day, 9, "c2", "90792"), ""},
		{"an E/M on the day of an evaluation", given("e1", day, 9, "c1", "90792"), given("e2", day, 15, "c1", "99214"), "evaluation_alone"},
		{"psychotherapy after an E/M of the same clinician is its add-on", given("e1", day, 9, "c1", "99214"), given("e2", day, 10, "c1", "90834"), "therapy_as_add_on"},
		{"the other way round", given("e1", day, 9, "c1", "90834"), given("e2", day, 10, "c1", "99214", "90833"), "therapy_as_add_on"},
		{"the psychiatrist's E/M and the therapist's session", given("e1", day, 9, "c1", "99214"), given("e2", day, 10, "c2", "90834"), ""},
		{"an add-on and family by one clinician", given("e1", day, 9, "c1", "99214", "90836"), given("e2", day, 15, "c1", "90847"), "add_on_without_family"},
		{"crisis and psychotherapy", given("e1", day, 9, "c1", "90834"), given("e2", day, 15, "c2", "90839", "90840"), "crisis_alone"},
		{"crisis and a therapy add-on", given("e1", day, 9, "c1", "90839"), given("e2", day, 15, "c2", "99214", "90833"), "crisis_alone"},
		{"crisis and an evaluation", given("e1", day, 9, "c1", "90791"), given("e2", day, 15, "c2", "90839"), "crisis_alone"},
		{"the first crisis code twice", given("e1", day, 9, "c1", "90839"), given("e2", day, 15, "c2", "90839"), "crisis_once_a_day"},
		{"itself it does not see", given("e2", day, 9, "c1", "90837"), given("e2", day, 9, "c1", "90837"), ""},
	} {
		t.Run(r.name, func(t *testing.T) {
			if got := ids(r.second, r.first, policy); got != r.want {
				t.Fatalf("asked by %q, want %q", got, r.want)
			}
			if back := ids(r.first, r.second, policy); back != r.want {
				t.Fatalf("signed in the other order it is asked by %q", back)
			}
		})
	}
	if got := ids(given("e2", day, 9, "c1", "90791"), given("e1", "2026-02-02", 9, "c1", "90791"), nil); got != "" {
		t.Fatalf("without a policy there is no gap, yet %s asks", got)
	}
}

func ids(visit, other *codingv1.ServicesEntered, policy *registryv1.PayerPolicySet) string {
	var out []string
	for _, r := range Beside(visit, []*codingv1.ServicesEntered{other}, policy) {
		out = append(out, strings.TrimPrefix(r.RuleId, "coding."))
	}
	return strings.Join(out, " ")
}

// Whichever of two visits is signed first: the other one is asked about, by the same rules.
func TestBesideIsMutual(t *testing.T) {
	codes := []string{"90791", "90792", "90832", "90834", "90837", "90833", "90839", "90840", "90846", "90847", "90853", "99214", "90785"}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(id string) *codingv1.ServicesEntered {
			return given(id, rapid.SampledFrom([]string{"2026-03-02", "2026-03-03"}).Draw(t, "day"), rapid.IntRange(9, 10).Draw(t, "hour"), rapid.SampledFrom([]string{"c1", "c2"}).Draw(t, "clinician"),
				rapid.SliceOfNDistinct(rapid.SampledFrom(codes), 1, 2, rapid.ID[string]).Draw(t, "codes")...)
		}
		a, b := draw("e1"), draw("e2")
		policy := &registryv1.PayerPolicySet{EvaluationGapDays: int32(rapid.IntRange(0, 2).Draw(t, "gap"))}
		if one, other := ids(a, b, policy), ids(b, a, policy); one != other {
			t.Fatalf("%q and %q", one, other)
		}
	})
}

func TestTheModifierOfADistinctService(t *testing.T) {
	v, f := visit(crisis, 90), facts(socialWorker)
	v.Modality, v.DistinctModifier = atHome, "XE"
	f.Policy.LicenseModifiers = []*registryv1.LicenseModifier{{LicenseType: socialWorker, Modifier: "AJ"}}
	if got := coded(v, f); got != "90839:AJ:XE:95 90840:AJ:95 @10" {
		t.Fatalf("it belongs on the primary line, in front of telehealth: %s", got)
	}
}
