package syntax

import (
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	_ "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
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
		{"words in no form", &codingv1.AnswerCoderQueryRequest{EncounterId: "enc_1", ServiceCode: "ABC", DistinctModifier: "zz"}, []string{
			"syntax.string.pattern service_code: write the five capital letters or digits of a CPT or HCPCS code, without modifiers, or leave it out",
			"syntax.string.in distinct_modifier: send one of 59, XE, XP, XS, XU, 76, 77, 25, or leave it out"}},
		{"a choice that this call does not take", &reportingv1.GetAgingRequest{GroupBy: reportingv1.GroupBy_GROUP_BY_CARC}, []string{"syntax.enum.in group_by: send one of GROUP_BY_PAYER, GROUP_BY_LOCATION"}},
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

// No message is a regular expression: each pattern of our .proto files is told in words.
func TestEveryPatternHasWords(t *testing.T) {
	found := 0
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "evenkeel.") {
			return true
		}
		for i := range file.Messages().Len() {
			fields := file.Messages().Get(i).Fields()
			for j := range fields.Len() {
				rules, err := protovalidate.ResolveFieldRules(fields.Get(j))
				if err != nil {
					t.Fatal(err)
				}
				for _, pattern := range []string{rules.GetString().GetPattern(), rules.GetRepeated().GetItems().GetString().GetPattern(), rules.GetMap().GetKeys().GetString().GetPattern()} {
					if pattern == "" {
						continue
					}
					if found++; patterns[pattern] == "" {
						t.Errorf("%s: no words for %s", fields.Get(j).FullName(), pattern)
					}
				}
			}
		}
		return true
	})
	if found < 5 {
		t.Errorf("only %d patterns were found", found)
	}
}
