package person

import (
	"strings"
	"testing"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

const today = "2026-03-02"

func born(day string) func(*refuse.List) {
	return func(no *refuse.List) { CheckBirthDate(no, "birth_date", day, today) }
}

func TestForms(t *testing.T) {
	for _, c := range []struct {
		name    string
		check   func(*refuse.List)
		refused string
	}{
		{"born today", born(today), ""},
		{"born tomorrow", born("2026-03-03"), "intake.birth_date"},
		{"born on a day that never was", born("1990-02-30"), "intake.birth_date"},
		{"born in 1890", born("1890-01-01"), "intake.birth_date"},
		{"no first name", func(no *refuse.List) { CheckName(no, "name", &typev1.PersonName{Last: "Quartz"}) }, "intake.named"},
		{"no name at all", func(no *refuse.List) { CheckName(no, "name", nil) }, "intake.named intake.named"},
		{"a last name longer than a claim", func(no *refuse.List) {
			CheckName(no, "name", &typev1.PersonName{Last: strings.Repeat("a", 61), First: "A"})
		}, "intake.named"},
		{"sex unknown is an answer", func(no *refuse.List) { CheckSex(no, "sex", typev1.Sex_SEX_UNKNOWN) }, ""},
		{"sex not told is none", func(no *refuse.List) { CheckSex(no, "sex", 0) }, "intake.sex"},
		{"a number that no sex has", func(no *refuse.List) { CheckSex(no, "sex", 9) }, "intake.sex"},
		{"no address", func(no *refuse.List) { CheckAddress(no, "address", nil) }, "intake.address intake.address intake.address intake.address"},
		{"a state that is none", func(no *refuse.List) {
			CheckAddress(no, "address", &typev1.Address{Line1: "1 Elm", City: "Springfield", State: "ZZ", PostalCode: "62701"})
		}, "intake.address"},
		{"streets and a city that no claim carries", func(no *refuse.List) {
			CheckAddress(no, "address", &typev1.Address{Line1: strings.Repeat("é", 56), Line2: strings.Repeat("é", 56), City: strings.Repeat("é", 31), State: "IL", PostalCode: "62701"})
		}, "intake.address intake.address intake.address"},
		{"as long as a claim carries", func(no *refuse.List) {
			CheckAddress(no, "address", &typev1.Address{Line1: strings.Repeat("é", 55), Line2: strings.Repeat("é", 55), City: strings.Repeat("é", 30), State: "IL", PostalCode: "62701"})
			CheckName(no, "name", &typev1.PersonName{Last: strings.Repeat("é", 60), First: strings.Repeat("é", 35)})
		}, ""},
		{"a P.O. box is where a patient may live by mail", func(no *refuse.List) {
			CheckAddress(no, "address", &typev1.Address{Line1: "PO Box 1", City: "Springfield", State: "IL", PostalCode: "62701"})
		}, ""},
		{"a phone with hyphens", func(no *refuse.List) { CheckPhone(no, "phone", "217-555-0100") }, "intake.phone"},
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

func TestNoMessageNamesThePerson(t *testing.T) {
	var no refuse.List
	CheckName(&no, "name", &typev1.PersonName{Last: strings.Repeat("Zyxwv", 20), First: strings.Repeat("Zyxwv", 20), Middle: strings.Repeat("Zyxwv", 20), Suffix: strings.Repeat("Zyxwv", 20)})
	CheckBirthDate(&no, "birth_date", "Zyxwv", today)
	CheckAddress(&no, "address", &typev1.Address{State: "Zyxwv", PostalCode: "Zyxwv"})
	CheckPhone(&no, "phone", "Zyxwv")
	if err := no.Err(); err == nil || strings.Contains(err.Error(), "Zyxwv") {
		t.Fatalf("said: %v", err)
	}
}
