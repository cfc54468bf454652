package denials

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
)

func TestOf(t *testing.T) {
	none := pb.DenialOrigin_DENIAL_ORIGIN_UNSPECIFIED
	for _, c := range []struct {
		name string
		a    Adjustment
		want pb.DenialOrigin
	}{
		{"no authorization", Adjustment{Group: "CO", CARC: "197", Amount: 100}, authorization},
		{"the group does not matter", Adjustment{Group: "OA", CARC: "197", Amount: 100}, authorization},
		{"unless it is the patient's", Adjustment{Group: "PR", CARC: "197", Amount: 100}, none},
		{"non-covered that the patient owes is no denial", Adjustment{Group: "PR", CARC: "96", Amount: 100}, none},
		{"above the fee schedule is the contract", Adjustment{Group: "CO", CARC: "45", Amount: 100}, none},
		{"sequestration is the law", Adjustment{Group: "CO", CARC: "253", Amount: 2}, none},
		{"a deductible that is not called the patient's is asked about", Adjustment{Group: "OA", CARC: "1", Amount: 100}, unknown},
		{"a missed carve-out", Adjustment{Group: "CO", CARC: "109", Amount: 100}, eligibility},
		{"a clinician the payer has not loaded", Adjustment{Group: "CO", CARC: "B7", Amount: 100}, credentialing},
		{"what we do not know", Adjustment{Group: "CO", CARC: "P99", Amount: 100}, unknown},
		{"what an earlier payer did, on a later claim", Adjustment{Group: "OA", CARC: "23", Amount: 80}, none},
		{"also where the group says something else", Adjustment{Group: "CO", CARC: "23", Amount: 100}, none},
		{"another payer comes first", Adjustment{Group: "CO", CARC: "22", Amount: 100}, cob},
		{"nothing taken off is nothing denied", Adjustment{Group: "CO", CARC: "16"}, none},
		{"a reversed denial is none", Adjustment{Group: "CO", CARC: "16", Amount: -100}, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, denied := Of(c.a)
			if got.Origin != c.want || denied != (c.want != none) {
				t.Fatalf("got %v %v, want %v", got.Origin, denied, c.want)
			}
		})
	}
}

func TestTheTableIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Table {
		if c.Label == "" || c.Action == "" || c.Origin == pb.DenialOrigin_DENIAL_ORIGIN_UNSPECIFIED || seen[c.CARC] {
			t.Errorf("row %+v", c)
		}
		seen[c.CARC] = true
		if contractual[c.CARC] != "" {
			t.Errorf("%s is a denial and is none", c.CARC)
		}
	}
	// docs/domain.md, "Denial codes"
	for _, carc := range []string{"4", "5", "11", "16", "252", "A1", "18", "22", "26", "27", "31", "204", "29", "50", "150", "151", "96", "119", "222", "97", "236", "109", "170", "185", "B7", "242", "197", "198", "226", "227"} {
		if !seen[carc] {
			t.Errorf("%s is missing", carc)
		}
	}
}

// Whatever code a payer sends: an amount that is neither the patient's nor the contract's is a denial with an action.
func TestNothingUnpaidIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Adjustment{
			Group: rapid.SampledFrom([]string{"CO", "OA", "PI", "CR", "PR"}).Draw(t, "group"), CARC: fmt.Sprint(rapid.IntRange(1, 320).Draw(t, "carc")),
			Amount: rapid.Int64Range(1, 100000).Draw(t, "amount"),
		}
		code, denied := Of(a)
		explained := a.Group == "PR" || contractual[a.CARC] != "" || a.CARC == earlierPayers
		if denied == explained || denied && (code.Action == "" || code.Origin == 0) {
			t.Fatalf("%+v: denied %v as %+v", a, denied, code)
		}
	})
}
