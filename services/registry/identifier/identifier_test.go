package identifier

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

func TestForms(t *testing.T) {
	street := func(change func(*typev1.Address)) func(*refuse.List) {
		a := &typev1.Address{Line1: "12 Main St", City: "Springfield", State: "IL", PostalCode: "627010001"}
		change(a)
		return func(no *refuse.List) { Street(no, "address", a) }
	}
	of := func(check func(*refuse.List, string, string), value string) func(*refuse.List) {
		return func(no *refuse.List) { check(no, "f", value) }
	}
	for _, c := range []struct {
		name    string
		check   func(*refuse.List)
		refused string
	}{
		{"an NPI with its check digit", of(NPI, "1234567893"), ""},
		{"an NPI with a wrong check digit", of(NPI, "1234567890"), "registry.npi"},
		{"an NPI of nine digits", of(NPI, "123456789"), "registry.npi"},
		{"an NPI that begins with 3", of(NPI, "3234567893"), "registry.npi"},
		{"a tax id", of(TaxID, "123456789"), ""},
		{"a tax id with its hyphen", of(TaxID, "12-3456789"), "registry.tax_id"},
		{"a taxonomy code", of(Taxonomy, "103TC0700X"), ""},
		{"a taxonomy code of nine characters", of(Taxonomy, "103TC0700"), "registry.taxonomy"},
		{"a phone", of(Phone, "2175550100"), ""},
		{"no phone", of(Phone, ""), ""},
		{"a phone with hyphens", of(Phone, "217-555-0100"), "registry.phone"},
		{"a street", street(func(*typev1.Address) {}), ""},
		{"a street named for a box", street(func(a *typev1.Address) { a.Line1 = "5 Boxwood Ave" }), ""},
		{"a P.O. box", street(func(a *typev1.Address) { a.Line1 = "P.O. Box 12" }), "registry.street_address"},
		{"a PO box in the second line", street(func(a *typev1.Address) { a.Line2 = "po box 12" }), "registry.street_address"},
		{"a post office box", street(func(a *typev1.Address) { a.Line1 = "Post Office Box 9" }), "registry.street_address"},
		{"a ZIP with its hyphen, a state spelled out: both are said", street(func(a *typev1.Address) { a.PostalCode, a.State = "62701-0001", "Illinois" }), "registry.street_address registry.street_address"},
		{"a state that is none", street(func(a *typev1.Address) { a.State = "ZZ" }), "registry.street_address"},
		{"streets and a city that no claim carries", street(func(a *typev1.Address) {
			a.Line1, a.Line2, a.City = strings.Repeat("é", 56), strings.Repeat("é", 56), strings.Repeat("é", 31)
		}), "registry.street_address registry.street_address registry.street_address"},
		{"streets and a city as long as a claim carries", street(func(a *typev1.Address) {
			a.Line1, a.Line2, a.City = strings.Repeat("é", 55), strings.Repeat("é", 55), strings.Repeat("é", 30)
		}), ""},
		{"the 29th of February of a year without one", func(no *refuse.List) { Day(no, "f", "2026-02-29") }, "registry.day"},
		{"a period that ends on its first day", func(no *refuse.List) { Period(no, "2026-01-01", "2026-01-01") }, ""},
		{"a period that ends before it begins", func(no *refuse.List) { Period(no, "2026-01-02", "2026-01-01") }, "registry.period"},
		{"a code with a modifier in it", of(Code, "90837-95"), "registry.service_code"},
		{"a price of nothing, in euros", func(no *refuse.List) { Price(no, "f", &typev1.Money{Currency: "EUR"}) }, "registry.rate_positive registry.currency"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var no refuse.List
			c.check(&no)
			var ids []string
			for _, r := range no.Reasons() {
				ids = append(ids, r.RuleId)
			}
			if got := strings.Join(ids, " "); got != c.refused {
				t.Fatalf("refused by %q, want %q", got, c.refused)
			}
		})
	}
}

// A single mistyped digit never passes the check digit.
func TestOneWrongDigitIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := []byte(rapid.StringMatching(`[12][0-9]{8}`).Draw(t, "first nine"))
		for check := byte('0'); check <= '9'; check++ {
			if luhn("80840" + string(digits) + string(check)) {
				digits = append(digits, check)
				break
			}
		}
		if len(digits) != 10 {
			t.Fatal("no check digit fits")
		}
		at := rapid.IntRange(0, 9).Draw(t, "at")
		wrong := digits[at]
		for wrong == digits[at] {
			wrong = byte(rapid.IntRange('0', '9').Draw(t, "digit"))
		}
		digits[at] = wrong
		if luhn("80840" + string(digits)) {
			t.Fatalf("%s passes", digits)
		}
	})
}
