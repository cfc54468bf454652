package desk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t835"
	"github.com/evenkeel/evenkeel/pkg/x12/t837"
	"github.com/evenkeel/evenkeel/services/payersim/plans"
)

// question is a claim as the payer looks at it.
type question struct {
	placed     t837.Placed
	payer      plans.Payer
	today      string
	duplicate  bool  // the same was decided before
	deductible int64 // left of the member's
	shortPaid  bool
}

// answer is what the payer decided.
type answer struct {
	claim          t835.Claim
	decision       string // paid, short_paid, denied
	scenario       string
	deductibleUsed int64
}

// ruling is why a whole claim, or a line, is not paid.
type ruling struct{ scenario, group, carc string }

// adjudicate decides a claim.
func adjudicate(q question) answer {
	c := q.placed.Claim
	out := answer{decision: paid, scenario: "contract", claim: head(q)}
	if len(c.OtherPayers) > 0 && q.placed.Subscriber.Insured.Sequence != "P" {
		out.scenario = "secondary"
	}
	if q.shortPaid {
		out.decision, out.scenario = shortPaid, "short_paid"
	}
	whole := onClaim(q)
	copay, covered, paidLines := q.payer.CopayCents, int64(0), 0
	shares := leftByOthers(c)
	for i := range c.Lines {
		l := &c.Lines[i]
		why := whole
		if why == nil {
			why = onLine(q, l)
		}
		to := echo(l)
		switch {
		case why != nil:
			out.scenario = why.scenario
			to.Adjustments = []x12.Adjustment{{Group: why.group, Reason: why.carc, Cents: l.Charge}}
		case len(c.OtherPayers) > 0 && q.placed.Subscriber.Insured.Sequence != "P":
			covered += second(q, l, shares[i], &to)
			paidLines++
		default:
			covered += first(q, l, &to, &copay, &out.deductibleUsed)
			paidLines++
		}
		out.claim.Lines = append(out.claim.Lines, to)
	}
	if paidLines == 0 {
		out.decision, out.claim.Status = denied, t835.Denied
	}
	owes := int64(0)
	for _, l := range out.claim.Lines {
		out.claim.Paid += l.Paid
		for _, a := range l.Adjustments {
			if a.Group == "PR" {
				owes += a.Cents
			}
		}
	}
	if owes > 0 {
		out.claim.PatientResponsibility = &owes
	}
	if covered > 0 {
		out.claim.Amounts = []x12.Amount{{Qualifier: "AU", Cents: covered}}
	}
	return out
}

// filings are CLP06 for what SBR09 says. Source: ASC X12 005010X221A1, element 1032; the payer is commercial where it says nothing.
var filings = map[string]string{"": "12", "CI": "12", "BL": "12", "HM": "HM", "MB": "MB", "MC": "MC", "CH": "CH"}

// head is the claim's part of the answer.
func head(q question) t835.Claim {
	c, s := q.placed.Claim, q.placed.Subscriber
	out := t835.Claim{
		Number: c.Number, Status: statuses[s.Insured.Sequence], Charge: c.Charge, Filing: cmp.Or(filings[s.Insured.Filing], "12"), Facility: c.PlaceOfService, Frequency: c.Frequency,
	}
	out.Status = cmp.Or(out.Status, t835.Primary)
	person := s.Person
	if q.placed.Patient != nil {
		person = q.placed.Patient.Person
	}
	out.Names = []x12.Party{{Role: "QC", Kind: x12.Person, Name: person.Name, First: person.First, Middle: person.Middle, IDQualifier: "MI", ID: s.Person.ID}}
	if q.placed.Patient != nil {
		out.Names = append(out.Names, x12.Party{Role: "IL", Kind: x12.Person, Name: s.Person.Name, First: s.Person.First, IDQualifier: "MI", ID: s.Person.ID})
	}
	if r := c.Provider("82"); r != nil && r.IDQualifier == "XX" {
		out.Names = append(out.Names, x12.Party{Role: "82", Kind: r.Kind, Name: r.Name, First: r.First, IDQualifier: "XX", ID: r.ID})
	}
	if c.Frequency == t837.Replacement && c.PayerClaimNumber != "" {
		out.Refs = []x12.Ref{{Qualifier: "F8", Value: c.PayerClaimNumber}}
	}
	return out
}

var statuses = map[string]string{"P": t835.Primary, "S": t835.Secondary, "T": t835.Tertiary}

// echo is a line as it was billed.
func echo(l *t837.Line) t835.Line {
	units := l.Units
	return t835.Line{
		Procedure: l.Procedure, Charge: l.Charge, Units: &units, Control: l.Control, Dates: days(l.Service),
	}
}

func days(d x12.Dates) []t835.Date {
	switch {
	case d.From == "":
		return nil
	case d.Thru == "" || d.Thru == d.From:
		return []t835.Date{{Qualifier: "472", Day: d.From}}
	}
	return []t835.Date{{Qualifier: "150", Day: d.From}, {Qualifier: "151", Day: d.Thru}}
}

// onClaim is why nothing of the claim is paid; nil: something may be.
func onClaim(q question) *ruling {
	c := q.placed.Claim
	switch {
	case q.payer.CarveOut != nil:
		return &ruling{"carve_out", "CO", "109"}
	case q.duplicate:
		return &ruling{"duplicate", "CO", "18"}
	case c.Frequency == t837.Original && late(q):
		return &ruling{"late", "CO", "29"}
	}
	return nil
}

func late(q question) bool {
	first := ""
	for _, l := range q.placed.Claim.Lines {
		if first == "" || l.Service.From != "" && l.Service.From < first {
			first = l.Service.From
		}
	}
	for _, o := range q.placed.Claim.OtherPayers { // a later payer's limit counts from the decision of the one before it
		first = max(first, o.Decided)
	}
	for _, l := range q.placed.Claim.Lines {
		for _, a := range l.Adjudications {
			first = max(first, a.Decided)
		}
	}
	return q.payer.FilingLimitDays > 0 && date.Valid(first) && date.Days(first, q.today) > q.payer.FilingLimitDays
}

// onLine is why a line is not paid.
func onLine(q question, l *t837.Line) *ruling {
	c := q.placed.Claim
	place := cmp.Or(l.PlaceOfService, c.PlaceOfService)
	wanted := q.payer.TelehealthModifiers
	switch {
	case slices.Contains(q.payer.AuthorizationCodes, l.Procedure.Code) && c.PriorAuthorization == "" && l.PriorAuthorization == "":
		return &ruling{"authorization_missing", "CO", "197"}
	case (place == "02" || place == "10") && len(wanted) > 0 && !slices.ContainsFunc(wanted, func(m string) bool { return slices.Contains(l.Procedure.Modifiers, m) }):
		return &ruling{"telehealth_modifier", "CO", "4"}
	}
	return nil
}

func (q question) allowed(l *t837.Line) int64 {
	units := l.Units
	if l.Basis != "UN" { // minutes count as one unit of the service
		units = 1000
	}
	n := q.payer.Allowed(l.Procedure.Code, l.Procedure.Modifiers, units, l.Charge)
	if q.shortPaid {
		n = n * 9 / 10
	}
	return n
}

// first pays a line as the first payer: copay, then deductible, then coinsurance are the patient's. It gives the allowed amount.
func first(q question, l *t837.Line, to *t835.Line, copay, used *int64) int64 {
	allowed := q.allowed(l)
	left := allowed
	adjust := func(group, carc string, cents int64) {
		if cents > 0 {
			to.Adjustments = append(to.Adjustments, x12.Adjustment{Group: group, Reason: carc, Cents: cents})
		}
	}
	adjust("CO", "45", l.Charge-allowed)
	n := min(*copay, left)
	*copay, left = *copay-n, left-n
	adjust("PR", "3", n)
	n = min(q.deductible-*used, left)
	*used, left = *used+n, left-n
	adjust("PR", "1", n)
	n = money.Share(left, q.payer.Coinsurance)
	left -= n
	adjust("PR", "2", n)
	to.Paid = left
	to.Amounts = []x12.Amount{{Qualifier: "B6", Cents: allowed}}
	return allowed
}

// second pays a line after others: of what they left to the patient, up to what it would allow itself. It gives what it covers.
func second(q question, l *t837.Line, share share, to *t835.Line) int64 {
	left := min(share.left, l.Charge)
	pay := max(min(left, q.allowed(l)-share.paid), 0)
	if n := l.Charge - left; n > 0 {
		to.Adjustments = append(to.Adjustments, x12.Adjustment{Group: "OA", Reason: "23", Cents: n})
	}
	if n := left - pay; n > 0 {
		to.Adjustments = append(to.Adjustments, x12.Adjustment{Group: "CO", Reason: "45", Cents: n})
	}
	to.Paid = pay
	return pay
}

// share is what earlier payers did to a line.
type share struct{ paid, left int64 }

// leftByOthers is, line by line, what the last payer before left to the patient, and what all of them paid. What a payer told for the claim as a whole is spread by charge.
func leftByOthers(c *t837.Claim) []share {
	out := make([]share, len(c.Lines))
	for i := range c.Lines {
		out[i].left = c.Lines[i].Charge
	}
	for _, o := range c.OtherPayers {
		if o.Paid == nil { // it told nothing
			continue
		}
		atLines := int64(0)
		lines := false
		for i := range c.Lines {
			for _, a := range c.Lines[i].Adjudications {
				if a.PayerID != o.Payer.ID {
					continue
				}
				lines = true
				atLines += a.Paid
				out[i].paid += a.Paid
				out[i].left = patientShare(a.Adjustments)
			}
		}
		spread(c, out, *o.Paid-atLines, patientShare(o.Adjustments), lines)
	}
	return out
}

// spread divides what was told for the claim among its lines; the last one gets the rest of the division.
func spread(c *t837.Claim, out []share, paidCents, leftCents int64, lines bool) {
	restPaid, restLeft := paidCents, leftCents
	for i := range c.Lines {
		p, n := restPaid, restLeft
		if i < len(c.Lines)-1 && c.Charge > 0 {
			p, n = paidCents*c.Lines[i].Charge/c.Charge, leftCents*c.Lines[i].Charge/c.Charge
		}
		out[i].paid += p
		if lines {
			out[i].left += n
		} else {
			out[i].left = n
		}
		restPaid, restLeft = restPaid-p, restLeft-n
	}
}

func patientShare(list []x12.Adjustment) int64 {
	n := int64(0)
	for _, a := range list {
		if a.Group == "PR" {
			n += a.Cents
		}
	}
	return n
}

// negated is a claim taken back: everything the other way round.
func negated(c t835.Claim) t835.Claim {
	c.Status, c.Charge, c.Paid = t835.Reversal, -c.Charge, -c.Paid
	c.PatientResponsibility, c.Amounts = nil, nil
	c.Refs = []x12.Ref{{Qualifier: "F8", Value: c.PayerClaimNumber}}
	c.Adjustments = negative(c.Adjustments)
	lines := c.Lines
	c.Lines = nil
	for _, l := range lines {
		l.Charge, l.Paid, l.Amounts, l.Adjustments = -l.Charge, -l.Paid, nil, negative(l.Adjustments)
		c.Lines = append(c.Lines, l)
	}
	return c
}

func negative(list []x12.Adjustment) []x12.Adjustment {
	out := slices.Clone(list)
	for i := range out {
		out[i].Cents = -out[i].Cents
	}
	return out
}

// identity of a claim: whose visit of which day with which services, to which payer. Its number is not part of it.
func identity(p t837.Placed, ediPayerID string) string {
	person := p.Subscriber.Person
	if p.Patient != nil {
		person = p.Patient.Person
	}
	parts := []string{ediPayerID, p.Provider.Party.ID, p.Subscriber.Person.ID, person.Birth, person.Name, person.First, p.Subscriber.Insured.Sequence}
	for _, l := range p.Claim.Lines {
		parts = append(parts, fmt.Sprint(l.Procedure.Code, l.Procedure.Modifiers, l.Service.From, l.Charge, l.Units))
	}
	return strings.Join(parts, "|")
}
