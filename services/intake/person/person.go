// Package person has the forms that a person's name, birth date, sex, address and phone must have to go onto a claim.
//
// Each function adds to a refuse.List what is wrong with one value. No message repeats a value: it would be PHI. TestForms keeps the forms, TestNoMessageNamesThePerson the silence.
package person

import (
	"regexp"
	"strings"
	"unicode/utf8"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/pkg/usps"
)

var (
	// Named: a person has a last and a first name, no longer than a claim can carry. Source: ASC X12 005010X222A1, NM103 (60), NM104 (35), NM105 (25), NM107 (10).
	// Checked 2026-11-24.
	Named = refuse.Rule{ID: "intake.named", Version: 1, Owner: "intake"}
	// BirthDate: a birth date is a day on the calendar, not after today and not more than 130 years ago. Source: arithmetic.
	BirthDate = refuse.Rule{ID: "intake.birth_date", Version: 1, Owner: "intake"}
	// Sex: a claim carries F, M or U. Source: ASC X12 005010X222A1, DMG03. Checked 2026-11-24.
	Sex = refuse.Rule{ID: "intake.sex", Version: 1, Owner: "intake"}
	// Address: street, city, state and ZIP are told, no longer than a claim can carry. Source: ASC X12 005010X222A1, 2010BA and 2010CA N301 and N302 (55), N401 (30), N402, N403. Checked 2026-11-24.
	Address = refuse.Rule{ID: "intake.address", Version: 1, Owner: "intake"}
	// Phone: a phone number has 10 digits. Source: North American numbering plan. Checked 2026-11-24.
	Phone = refuse.Rule{ID: "intake.phone", Version: 1, Owner: "intake"}
)

var (
	zip   = regexp.MustCompile(`^\d{5}(\d{4})?$`)
	phone = regexp.MustCompile(`^\d{10}$`)
)

// CheckName checks a name. field is where it is.
func CheckName(no *refuse.List, field string, n *typev1.PersonName) {
	no.If(strings.TrimSpace(n.GetLast()) == "", Named, field+".last", "the last name is empty")
	no.If(strings.TrimSpace(n.GetFirst()) == "", Named, field+".first", "the first name is empty")
	no.If(utf8.RuneCountInString(n.GetLast()) > 60, Named, field+".last", "a claim carries at most 60 characters of a last name")
	no.If(utf8.RuneCountInString(n.GetFirst()) > 35, Named, field+".first", "a claim carries at most 35 characters of a first name")
	no.If(utf8.RuneCountInString(n.GetMiddle()) > 25, Named, field+".middle", "a claim carries at most 25 characters of a middle name")
	no.If(utf8.RuneCountInString(n.GetSuffix()) > 10, Named, field+".suffix", "a claim carries at most 10 characters of a suffix")
}

// CheckBirthDate checks a birth date.
func CheckBirthDate(no *refuse.List, field, day, today string) {
	if !date.Valid(day) {
		no.If(true, BirthDate, field, "this is not a day: write YYYY-MM-DD")
		return
	}
	no.If(day > today, BirthDate, field, "nobody is born after today, %s", today)
	no.If(day <= today && date.Age(day, today) > 130, BirthDate, field, "nobody is more than 130 years old")
}

// CheckSex checks a sex.
func CheckSex(no *refuse.List, field string, s typev1.Sex) {
	_, named := typev1.Sex_name[int32(s)]
	no.If(!named || s == typev1.Sex_SEX_UNSPECIFIED, Sex, field, "say female, male or unknown: a claim carries it")
}

// CheckAddress checks an address.
func CheckAddress(no *refuse.List, field string, a *typev1.Address) {
	no.If(strings.TrimSpace(a.GetLine1()) == "", Address, field+".line1", "the street is empty")
	no.If(strings.TrimSpace(a.GetCity()) == "", Address, field+".city", "the city is empty")
	for _, part := range []struct {
		name, value string
		most        int
	}{{"line1", a.GetLine1(), 55}, {"line2", a.GetLine2(), 55}, {"city", a.GetCity(), 30}} {
		no.If(utf8.RuneCountInString(part.value) > part.most, Address, field+"."+part.name, "a claim carries at most %d characters of it", part.most)
	}
	no.If(!usps.State(a.GetState()), Address, field+".state", "a state is two capital letters as the postal service writes them: IL, NY")
	no.If(!zip.MatchString(a.GetPostalCode()), Address, field+".postal_code", "a ZIP code is 5 or 9 digits, without a hyphen")
}

// CheckPhone checks a phone number; empty is none.
func CheckPhone(no *refuse.List, field, number string) {
	no.If(number != "" && !phone.MatchString(number), Phone, field, "a phone number is 10 digits: leave out everything else")
}
