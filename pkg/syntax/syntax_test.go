package syntax

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

func TestEveryBrokenConstraintIsToldWithItsField(t *testing.T) {
	for _, c := range []struct {
		name    string
		message proto.Message
		want    []string
	}{
		{"what is missing", &intakev1.RegisterPatientRequest{}, []string{"syntax.string.min_len location_id: it is missing"}},
		{"what the platform writes", &intakev1.RegisterPatientRequest{LocationId: "loc_1", Today: "2026-03-02"}, []string{"request.platform_fills today is written by the platform: leave it out"}},
		{"days that are none, and a day that is missing", &authorizationv1.ApproveAuthorizationRequest{AuthorizationId: "aut_1", FromDate: "soon", UnitsByCode: map[string]int32{"90837": 1}},
			[]string{"syntax.string.min_len auth_no: it is missing", "syntax.string.pattern from_date: write a day as YYYY-MM-DD", "syntax.string.pattern thru_date: it is missing; write a day as YYYY-MM-DD"}},
		{"a map without entries", &authorizationv1.ApproveAuthorizationRequest{}, []string{"syntax.map.min_pairs units_by_code: it is missing"}},
		{"a number that no word has", &codingv1.ReceiveEncounterRequest{Modality: 77},
			[]string{"syntax.enum.defined_only modality: send one of MODALITY_IN_PERSON, MODALITY_VIDEO_PATIENT_HOME, MODALITY_VIDEO_ELSEWHERE, MODALITY_AUDIO_PATIENT_HOME"}},
		{"a message that is missing", &postingv1.RecordPatientPaymentRequest{PatientId: "pat_1"}, []string{"syntax.required amount: it is missing"}},
		{"more money than there is", &postingv1.RecordPatientPaymentRequest{PatientId: "pat_1", Amount: &typev1.Money{AmountMinor: 1 << 62, Currency: "USD"}},
			[]string{"syntax.int64.gte_lte amount.amount_minor: must be greater than or equal to -9999999999999 and less than or equal to 9999999999999"}},
		{"a reason of blanks", &collectionsv1.ResolveWorkItemRequest{WorkItemId: "wrk_1", Outcome: " \u00a0\u200b\n", Note: " "}, []string{
			"syntax.blank outcome: only blanks stand here: write something, or leave it out if it may be empty", "syntax.blank note: only blanks stand here: write something, or leave it out if it may be empty"}},
		{"blanks deep inside", &intakev1.RegisterPatientRequest{LocationId: "loc_1", Name: &typev1.PersonName{Last: "\t"}},
			[]string{"syntax.blank name.last: only blanks stand here: write something, or leave it out if it may be empty"}},
		{"all is well", &collectionsv1.IssueStatementRequest{PatientId: "pat_1"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var no refuse.List
			Check(c.message, &no)
			for _, want := range c.want {
				if !slices.ContainsFunc(no.Reasons(), func(r *problemv1.Reason) bool { return r.RuleId+" "+r.Message == want }) {
					t.Errorf("%q is not told in %v", want, no.Reasons())
				}
			}
			if c.want == nil && no.Any() {
				t.Errorf("told: %v", no.Reasons())
			}
			for _, r := range no.Reasons() {
				if r.Field == "" {
					t.Errorf("a reason without its field: %v", r)
				}
			}
		})
	}
}
