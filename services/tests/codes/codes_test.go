// Package codes compares what several services know of the same codes.
package codes

import (
	"fmt"
	"testing"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/services/claims/denials"
	"github.com/evenkeel/evenkeel/services/posting/account"
)

// What the books keep open as refused is somebody's denial, and nothing else is: else one of them says that more, or less, is denied than the other.
func TestABookedRefusalIsADenial(t *testing.T) {
	carcs := []string{""}
	for n := range 400 {
		carcs = append(carcs, fmt.Sprint(n))
		for _, letter := range []string{"A", "B", "D", "P", "W", "Y"} {
			carcs = append(carcs, letter+fmt.Sprint(n))
		}
	}
	for _, carc := range carcs {
		for _, group := range []string{"CO", "OA", "PI", "CR", "PR"} {
			for _, amount := range []int64{-100, 0, 100} {
				_, denied := denials.Of(denials.Adjustment{Group: group, CARC: carc, Amount: amount})
				if refused := account.Refuses(&typev1.Adjustment{GroupCode: group, Carc: carc, Amount: amount}); refused != denied {
					t.Errorf("%s-%s of %d: the books say refused %v, claims say denied %v", group, carc, amount, refused, denied)
				}
			}
		}
	}
}
