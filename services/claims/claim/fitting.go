package claim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/claims/edits"
)

// AuthorizationFits: a number that is one of our authorizations' is sent where that authorization has given units for the visit, or will. A number that we don't know is taken
// as it is: the biller may know more. Source: the approval itself; payers deny what it does not cover (CARC 197 and 198).
var AuthorizationFits = refuse.Rule{ID: "claims.authorization_fits", Version: 1, Owner: "authorizations"}

// fitting checks the numbers that a person typed.
func fitting(no *refuse.List, s State, c *pb.CorrectClaimRequest, content *pb.ClaimContent, f edits.Facts) {
	check := func(field, number string, lines []*typev1.ServiceLine) {
		var why []string
		for _, p := range f.Ours[number] {
			problem := misfit(s, p, lines, content, f)
			if problem == "" {
				return
			}
			why = append(why, problem)
		}
		no.If(len(why) > 0, AuthorizationFits, field, "%s does not fit: %s; leave it out, or get one that does", number, strings.Join(why, "; "))
	}
	check("authorization_number", c.AuthorizationNumber, content.Lines)
	for i, l := range c.Lines {
		n := slices.IndexFunc(content.Lines, func(line *typev1.ServiceLine) bool { return line.LineId == l.LineId })
		if n >= 0 {
			check(fmt.Sprintf("lines[%d].authorization_number", i), l.AuthorizationNumber, content.Lines[n:n+1])
		}
	}
}

// misfit is why an authorization of ours can't cover the lines; empty: it does, or will.
func misfit(s State, p edits.Permission, lines []*typev1.ServiceLine, content *pb.ClaimContent, f edits.Facts) string {
	a := p.Approved
	id := a.AuthorizationId
	for _, asked := range f.Authorizations {
		switch {
		case asked.ID == id && asked.Covers:
			return ""
		case asked.ID == id && len(asked.Reasons) > 0:
			return id + " does not cover the visit: " + said(asked.Reasons)
		case asked.ID != id && asked.Covers && slices.ContainsFunc(lines, func(l *typev1.ServiceLine) bool { return asked.Permits(l.ServiceCode) }):
			return fmt.Sprintf("the visit has its units of %s (%s)", asked.ID, asked.Number)
		}
	}
	codes := slices.Sorted(maps.Keys(a.UnitsByCode))
	n := slices.IndexFunc(lines, func(l *typev1.ServiceLine) bool { return a.UnitsByCode[l.ServiceCode] > 0 })
	switch {
	case a.PatientId != s.Created.PatientId:
		return id + " is another patient's"
	case a.PayerId != content.PayerId:
		return id + " is another payer's"
	case !date.Within(content.ServiceDate, a.FromDate, a.ThruDate):
		return fmt.Sprintf("%s covers %s to %s, the service was on %s", id, a.FromDate, a.ThruDate, content.ServiceDate)
	case n < 0:
		return fmt.Sprintf("%s covers %s, and none of it was given", id, strings.Join(codes, ", "))
	case len(a.LocationIds) > 0 && !slices.Contains(a.LocationIds, s.Created.LocationId):
		return id + " covers other locations"
	}
	code := lines[n].ServiceCode
	if needed, left := edits.BilledUnits(lines, code), a.UnitsByCode[code]-p.InUse[code]; needed > left {
		return fmt.Sprintf("%s is exhausted: %d needed, %d left of %s", id, needed, left, code)
	}
	return ""
}

func said(reasons []*problemv1.Reason) string {
	out := make([]string, len(reasons))
	for i, r := range reasons {
		out[i] = r.Message + " (" + r.RuleId + ")"
	}
	return strings.Join(out, ", ")
}
