package t835

import (
	"fmt"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Equation names one of the sums that must hold (x12.md section 6).
type Equation string

const (
	LinePaid    Equation = "line charge - line adjustments = line paid"
	ClaimPaid   Equation = "claim charge - all adjustments = claim paid"
	LineCharges Equation = "sum of line charges = claim charge"
	LinesPaid   Equation = "sum of lines paid - claim adjustments = claim paid"
	PaymentSum  Equation = "payment = sum of claims paid - provider adjustments"
	PaymentSign Equation = "payment is not negative"
)

// Residual is one equation of a set with what is left of it: left side minus right side, 0 when it holds.
type Residual struct {
	Equation Equation   `json:"equation"`
	Cents    int64      `json:"cents"`
	Claim    int        `json:"claim,omitempty"`   // in the set, from 1; 0 for the set
	Line     int        `json:"line,omitempty"`    // in the claim, from 1; 0 for the claim
	Number   string     `json:"number,omitempty"`  // CLP01
	Segment  int        `json:"segment,omitempty"` // ordinal of SVC, CLP or BPR
	Source   x12.Source `json:"source,omitzero"`
}

// Balance gives every equation of the set, those that hold included. Any residual that isn't 0 means that the set must not be posted.
// Predeterminations carry no money and are left out.
func Balance(s *Set) []Residual {
	var all []Residual
	paid := int64(0)
	for n, c := range s.Claims() {
		if c.Status == Predetermination {
			continue
		}
		paid += c.Paid
		all = append(all, balanceClaim(n+1, c)...)
	}
	for _, a := range s.ProviderAdjustments {
		paid -= a.Cents
	}
	m := s.Payment
	amount := m.Amount
	if m.Credit == "D" {
		amount = -amount
	}
	all = append(all, Residual{Equation: PaymentSum, Cents: amount - paid, Segment: m.Segment, Source: m.Source})
	return append(all, Residual{Equation: PaymentSign, Cents: min(m.Amount, 0), Segment: m.Segment, Source: m.Source})
}

func balanceClaim(n int, c *Claim) []Residual {
	var all []Residual
	add := func(e Equation, cents int64) {
		all = append(all, Residual{Equation: e, Cents: cents, Claim: n, Number: c.Number, Segment: c.Segment, Source: c.CLP})
	}
	own := sum(c.Adjustments)
	adjusted, charges, paid := own, int64(0), int64(0)
	for i, l := range c.Lines {
		a := sum(l.Adjustments)
		adjusted, charges, paid = adjusted+a, charges+l.Charge, paid+l.Paid
		all = append(all, Residual{LinePaid, l.Charge - a - l.Paid, n, i + 1, c.Number, l.Segment, l.SVC})
	}
	add(ClaimPaid, c.Charge-adjusted-c.Paid)
	if len(c.Lines) > 0 {
		add(LineCharges, charges-c.Charge)
		add(LinesPaid, paid-own-c.Paid)
	}
	return all
}

func sum(adjustments []x12.Adjustment) int64 {
	total := int64(0)
	for _, a := range adjustments {
		total += a.Cents
	}
	return total
}

// Unbalanced are the residuals that aren't 0.
func Unbalanced(residuals []Residual) []Residual {
	var off []Residual
	for _, r := range residuals {
		if r.Cents != 0 {
			off = append(off, r)
		}
	}
	return off
}

// Check gives the findings about values: an error for every equation that doesn't hold, warnings for what deserves a look.
// Diagnostics.Of places them in a file.
func Check(s *Set) x12.Diagnostics {
	var found x12.Diagnostics
	for _, r := range Unbalanced(Balance(s)) {
		d := x12.NewDiagnostic(x12.Unbalanced, r.Source, "%s: off by %s", r.Equation, x12.Money(r.Cents))
		d.Rule, d.Segment, d.Loop, d.SegmentID = "835.balance", r.Segment, "header", "BPR"
		switch {
		case r.Line > 0:
			d.Loop, d.SegmentID = "2110", "SVC"
		case r.Claim > 0:
			d.Loop, d.SegmentID = "2100", "CLP"
		}
		found = append(found, d)
	}
	hint := func(rule string, segment int, source x12.Source, format string, args ...any) {
		d := x12.NewDiagnostic(x12.BalanceHint, source, format, args...)
		d.Rule, d.Segment = rule, segment
		found = append(found, d)
	}
	m := s.Payment
	if (m.Amount == 0) != (m.Method == "NON") && m.Method != "" && m.Amount >= 0 {
		hint("835.non_payment", m.Segment, m.Source, "a payment of 0 goes with method NON, and only that one; the method is %s", m.Method)
	}
	for _, c := range s.Claims() {
		owes := patientShare(c)
		if p := c.PatientResponsibility; p != nil && *p != owes && c.Status != Reversal {
			hint("835.patient_responsibility", c.Segment, c.CLP, "CLP05 is %s, the patient's adjustments (PR) are %s", x12.Money(*p), x12.Money(owes))
		}
		for _, l := range c.Lines {
			allowed, given := l.Allowed()
			if !given {
				continue
			}
			share, other := int64(0), false
			for _, a := range l.Adjustments {
				if a.Group == "PR" {
					share += a.Cents
				} else if a.Reason != "45" {
					other = true
				}
			}
			if !other && allowed != l.Paid+share {
				hint("835.allowed", l.Segment, l.SVC, "AMT*B6 is %s, paid and the patient's share are %s", x12.Money(allowed), x12.Money(l.Paid+share))
			}
		}
	}
	return found
}

// patientShare is the sum of all adjustments of group PR.
func patientShare(c *Claim) int64 {
	total := int64(0)
	add := func(list []x12.Adjustment) {
		for _, a := range list {
			if a.Group == "PR" {
				total += a.Cents
			}
		}
	}
	add(c.Adjustments)
	for _, l := range c.Lines {
		add(l.Adjustments)
	}
	return total
}

// String says what is off, for people.
func (r Residual) String() string {
	where := "payment"
	switch {
	case r.Line > 0:
		where = fmt.Sprintf("claim %d, line %d", r.Claim, r.Line)
	case r.Claim > 0:
		where = fmt.Sprintf("claim %d", r.Claim)
	}
	return fmt.Sprintf("%s: %s: off by %s", where, r.Equation, x12.Money(r.Cents))
}
