// Package identifier has the forms that the registry's numbers, names, addresses, codes and days must have.
//
// Each function adds to a refuse.List what is wrong with one value, so that a decision says everything at once. The promise: a wrong check digit, a P.O. box, a day that is
// not on the calendar are found (TestForms, TestOneWrongDigitIsFound). Imported facts do not pass here: another system's history is recorded as it is.
package identifier

import (
	"regexp"
	"strings"
	"unicode/utf8"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/pkg/usps"
)

var (
	// Named: what is registered has a name. Source: arithmetic of people; the 837 has no place for a provider or payer without one.
	Named = refuse.Rule{ID: "registry.named", Version: 1, Owner: "registry"}
	// ValidNPI: an NPI has 10 digits, begins with 1 or 2, and its last digit is the Luhn check digit of 80840 and the first nine.
	// Source: 45 CFR 162.406(a) and CMS's NPI check digit calculation. Checked 2026-11-24.
	ValidNPI = refuse.Rule{ID: "registry.npi", Version: 1, Owner: "registry"}
	// ValidTaxID: a tax id has 9 digits. Source: IRS, EIN and SSN alike. Checked 2026-11-24.
	ValidTaxID = refuse.Rule{ID: "registry.tax_id", Version: 1, Owner: "registry"}
	// ValidTaxonomy: a provider taxonomy code has 10 capitals and digits. Source: NUCC's code set, structure of the code. Checked 2026-11-24.
	ValidTaxonomy = refuse.Rule{ID: "registry.taxonomy", Version: 1, Owner: "registry"}
	// StreetAddress: a provider's address is a street with city, state and ZIP; a P.O. box is refused, because payers refuse it as billing address of an 837 since
	// version 5010. Source: 45 CFR 162.1102 (005010). Checked 2026-11-24.
	StreetAddress = refuse.Rule{ID: "registry.street_address", Version: 1, Owner: "registry"}
	// ValidPhone: a phone number has 10 digits. Source: North American numbering plan. Checked 2026-11-24.
	ValidPhone = refuse.Rule{ID: "registry.phone", Version: 1, Owner: "registry"}
	// ValidDay: a day is on the calendar, written YYYY-MM-DD. Source: our own choice of form (ISO 8601).
	ValidDay = refuse.Rule{ID: "registry.day", Version: 1, Owner: "registry"}
	// ValidPeriod: the last day is not before the first. Source: arithmetic.
	ValidPeriod = refuse.Rule{ID: "registry.period", Version: 1, Owner: "registry"}
	// ServiceCode: a CPT or HCPCS code has 5 capitals and digits. Source: HCPCS levels I and II, 45 CFR 162.1002. Checked 2026-11-24.
	ServiceCode = refuse.Rule{ID: "registry.service_code", Version: 1, Owner: "registry"}
	// ValidModifier: a modifier has 2 capitals and digits. Source: as ServiceCode.
	ValidModifier = refuse.Rule{ID: "registry.modifier", Version: 1, Owner: "registry"}
	// RatesGiven: a schedule without rates prices nothing. Source: our own choice.
	RatesGiven = refuse.Rule{ID: "registry.rates_given", Version: 1, Owner: "contracting"}
	// RatePositive: a price is above zero. Source: our own choice; what is not paid has no rate.
	RatePositive = refuse.Rule{ID: "registry.rate_positive", Version: 1, Owner: "contracting"}
	// RateUnique: what is priced is priced once. Source: our own choice; two prices for one thing would make the expected amount a matter of luck.
	RateUnique = refuse.Rule{ID: "registry.rate_unique", Version: 1, Owner: "contracting"}
	// Currency: amounts are US dollars. Source: our own choice for this release.
	Currency = refuse.Rule{ID: "registry.currency", Version: 1, Owner: "contracting"}
)

var (
	digits9   = regexp.MustCompile(`^\d{9}$`)
	digits10  = regexp.MustCompile(`^\d{10}$`)
	npi       = regexp.MustCompile(`^[12]\d{9}$`)
	taxonomy  = regexp.MustCompile(`^[0-9A-Z]{10}$`)
	zip       = regexp.MustCompile(`^\d{5}(\d{4})?$`)
	code      = regexp.MustCompile(`^[0-9A-Z]{5}$`)
	modifier  = regexp.MustCompile(`^[0-9A-Z]{2}$`)
	poBox     = regexp.MustCompile(`(?i)\b(p\.?\s*o\.?\s*box|post\s+office\s+box|p\.?o\.?b\.?\s*#?\s*\d)`)
	longNames = map[string]int{"name.last": 60, "name.first": 35, "name.middle": 25, "name.suffix": 10} // NM103, NM104, NM105, NM107
)

// Name checks an organization's or payer's name.
func Name(no *refuse.List, field, value string) {
	no.If(strings.TrimSpace(value) == "", Named, field, "%s is empty", field)
}

// Person checks a clinician's name. prefix is the field it is in.
func Person(no *refuse.List, prefix string, n *typev1.PersonName) {
	no.If(strings.TrimSpace(n.GetLast()) == "", Named, prefix+".last", "the last name is empty")
	no.If(strings.TrimSpace(n.GetFirst()) == "", Named, prefix+".first", "the first name is empty")
	for _, part := range []struct{ field, value string }{{"name.last", n.GetLast()}, {"name.first", n.GetFirst()}, {"name.middle", n.GetMiddle()}, {"name.suffix", n.GetSuffix()}} {
		most := longNames[part.field]
		no.If(utf8.RuneCountInString(part.value) > most, Named, part.field, "a claim carries at most %d characters of it", most)
	}
}

// NPI checks a national provider identifier.
func NPI(no *refuse.List, field, value string) {
	if !npi.MatchString(value) {
		no.If(true, ValidNPI, field, "%q is not an NPI: it has 10 digits and begins with 1 or 2", value)
		return
	}
	no.If(!luhn("80840"+value), ValidNPI, field, "the check digit of NPI %s is wrong: a digit was mistyped", value)
}

// luhn says whether the last digit is the check digit of those before it.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// TaxID checks an employer identification number.
func TaxID(no *refuse.List, field, value string) {
	no.If(!digits9.MatchString(value), ValidTaxID, field, "a tax id has 9 digits: leave out hyphens") // it may be a person's: not repeated
}

// Taxonomy checks a provider taxonomy code.
func Taxonomy(no *refuse.List, field, value string) {
	no.If(!taxonomy.MatchString(value), ValidTaxonomy, field, "%q is not a taxonomy code: it has 10 capitals and digits", value)
}

// Phone checks a phone number; empty is none.
func Phone(no *refuse.List, field, value string) {
	no.If(value != "" && !digits10.MatchString(value), ValidPhone, field, "%q has not 10 digits: leave out everything else", value)
}

// State checks a state's two letters.
func State(no *refuse.List, rule refuse.Rule, field, value string) {
	no.If(!usps.State(value), rule, field, "%q is not a state: two capital letters as the postal service writes them", value)
}

// Street checks a provider's address.
func Street(no *refuse.List, field string, a *typev1.Address) {
	no.If(strings.TrimSpace(a.GetLine1()) == "", StreetAddress, field+".line1", "the street is empty")
	no.If(poBox.MatchString(a.GetLine1()) || poBox.MatchString(a.GetLine2()), StreetAddress, field+".line1", "a P.O. box is no street address: payers refuse it on a claim")
	no.If(strings.TrimSpace(a.GetCity()) == "", StreetAddress, field+".city", "the city is empty")
	for _, part := range []struct {
		name, value string
		most        int // N301, N302, N401
	}{{"line1", a.GetLine1(), 55}, {"line2", a.GetLine2(), 55}, {"city", a.GetCity(), 30}} {
		no.If(utf8.RuneCountInString(part.value) > part.most, StreetAddress, field+"."+part.name, "a claim carries at most %d characters of it", part.most)
	}
	State(no, StreetAddress, field+".state", a.GetState())
	no.If(!zip.MatchString(a.GetPostalCode()), StreetAddress, field+".postal_code", "%q is not a ZIP code: 5 or 9 digits, without a hyphen", a.GetPostalCode())
}

// Day checks a day and says whether it is one.
func Day(no *refuse.List, field, value string) bool {
	no.If(!date.Valid(value), ValidDay, field, "%q is not a day: write YYYY-MM-DD", value)
	return date.Valid(value)
}

// Period checks two days; an empty thru is open.
func Period(no *refuse.List, from, thru string) {
	real := Day(no, "from_date", from)
	if thru == "" {
		return
	}
	if Day(no, "thru_date", thru) && real {
		no.If(thru < from, ValidPeriod, "thru_date", "%s is before %s", thru, from)
	}
}

// Code checks a service code.
func Code(no *refuse.List, field, value string) {
	no.If(!code.MatchString(value), ServiceCode, field, "%q is not a service code: 5 capitals and digits, without modifiers", value)
}

// Modifier checks a modifier; empty is none.
func Modifier(no *refuse.List, field, value string) {
	no.If(value != "" && !modifier.MatchString(value), ValidModifier, field, "%q is not a modifier: 2 capitals and digits", value)
}

// Price checks a price per unit.
func Price(no *refuse.List, field string, m *typev1.Money) {
	no.If(m.GetAmountMinor() <= 0, RatePositive, field, "%d cents: a price is above zero", m.GetAmountMinor())
	no.If(m.GetCurrency() != "USD", Currency, field, "%q: amounts are in USD", m.GetCurrency())
}

// ProviderName is a provider's name in one line: the organization's, or a person's.
func ProviderName(p *claimsv1.Provider) string {
	if p.GetOrganizationName() != "" {
		return p.GetOrganizationName()
	}
	return strings.TrimSpace(p.GetName().GetFirst() + " " + p.GetName().GetLast())
}
