package edits

import (
	"fmt"
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

func authorizationNumber(c *pb.ClaimContent, f Facts, say Say) {
	for i, l := range c.Lines {
		if !slices.Contains(f.Policy.GetAuthorizationCodes(), l.ServiceCode) {
			continue
		}
		number := l.AuthorizationNumber
		if number == "" {
			number = c.AuthorizationNumber
		}
		known := slices.DeleteFunc(slices.Clone(f.Authorizations), func(a Authorization) bool { return number != "" && a.Number != number })
		covers := slices.ContainsFunc(known, func(a Authorization) bool { return a.Covers })
		switch why := uncovered(known); {
		case number == "" && why != "":
			say(at(i, "authorization_number"), "the payer wants an authorization for %s (policy of %s), and what there is does not cover the visit: %s", l.ServiceCode, f.Policy.FromDate, why)
		case number == "":
			say(at(i, "authorization_number"), "the payer wants an authorization for %s (policy of %s): get one, then scrub again", l.ServiceCode, f.Policy.FromDate)
		case why != "" && !covers: // a number that we don't know is taken as it is
			say(at(i, "authorization_number"), "the number on the claim does not cover the visit: %s", why)
		case covers && !slices.ContainsFunc(known, func(a Authorization) bool { return a.Covers && a.Permits(l.ServiceCode) }): // payers approve by code
			say(at(i, "authorization_number"), "%s is for %s, and the payer wants one for %s too (policy of %s): get it, and put its number on this line with a correction", number,
				strings.Join(known[0].Codes, ", "), l.ServiceCode, f.Policy.FromDate)
		}
	}
	for _, a := range f.Authorizations {
		if billed := BilledUnits(c.Lines, a.Code); a.Covers && a.Number == c.AuthorizationNumber && billed > a.Used+a.Left {
			say("authorization_number", "%s (%s) is exhausted: %d units of %s are billed, it has given %d and has %d left", a.ID, a.Number, billed, a.Code, a.Used, a.Left)
		}
	}
}

// Permits says whether the payer has approved it for a code; where no codes are known, it has.
func (a Authorization) Permits(code string) bool {
	return len(a.Codes) == 0 || slices.Contains(a.Codes, code)
}

// BilledUnits of a code on lines; a part of one counts as a whole.
func BilledUnits(lines []*typev1.ServiceLine, code string) int32 {
	var n int32
	for _, l := range lines {
		if l.ServiceCode == code {
			n += l.UnitsThousandths
		}
	}
	return (n + 999) / 1000
}

// uncovered says of each authorization of ours that does not cover the visit why; empty: there is none.
func uncovered(authorizations []Authorization) string {
	var out []string
	for _, a := range authorizations {
		if a.Covers || len(a.Reasons) == 0 {
			continue
		}
		name := a.ID
		if a.Number != "" {
			name += " (" + a.Number + ")"
		}
		for _, r := range a.Reasons {
			out = append(out, fmt.Sprintf("%s: %s (%s)", name, r.Message, r.RuleId))
		}
	}
	return strings.Join(out, "; ")
}

func authorizationCovers(c *pb.ClaimContent, f Facts, say Say) {
	if slices.ContainsFunc(c.Lines, func(l *typev1.ServiceLine) bool {
		return slices.Contains(f.Policy.GetAuthorizationCodes(), l.ServiceCode)
	}) {
		return
	}
	if why := uncovered(f.Authorizations); why != "" && c.AuthorizationNumber == "" {
		say("authorization_number", "no authorization covers the visit, and the payer wants none: %s", why)
	}
}
