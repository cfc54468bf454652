package claim

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/services/claims/denials"
)

// left is what earlier payers left to a payer: what it can refuse at most, whatever it says. Nil: it is asked first, and for all of it.
type left struct {
	lines map[string]int64 // cents, by line
	whole int64            // cents, of the claim
}

// leftTo is what the payers before this one left: the charge less what they paid, took off by contract, and refused, which stays asked of them.
// Source: docs/domain.md, invariant "denied = open + recovered + written off"; the books move the same rest.
func leftTo(c *pb.ClaimContent) *left {
	if len(c.PriorPayers) == 0 {
		return nil
	}
	l := &left{lines: map[string]int64{}}
	for _, line := range c.Lines {
		l.lines[line.LineId] = line.ChargeAmount
		l.whole += line.ChargeAmount
	}
	for _, p := range c.PriorPayers {
		paid, adjustments := p.PaidAmount, slices.Clone(p.Adjustments)
		for _, told := range p.Lines {
			paid -= told.PaidAmount
			if _, ours := l.lines[told.LineId]; ours {
				l.takes(told.LineId, told.PaidAmount, told.Adjustments)
			} else {
				paid, adjustments = paid+told.PaidAmount, append(adjustments, told.Adjustments...)
			}
		}
		to := ""
		if len(c.Lines) == 1 { // what is told of the whole claim is told of its one line
			to = c.Lines[0].LineId
		}
		l.takes(to, paid, adjustments)
	}
	return l
}

// takes lessens what is left by a decision. What it gives on to the next is kept first, as in the books: a later payer repeats what an earlier one took off.
func (l *left) takes(lineID string, paid int64, adjustments []*typev1.Adjustment) {
	var on, off int64
	for _, a := range adjustments {
		_, refused := denials.Of(denials.Adjustment{Group: a.GroupCode, CARC: a.Carc, Amount: a.Amount})
		switch {
		case a.GroupCode == "PR":
			on += a.Amount
		case refused || denials.Contractual(a.Carc):
			off += a.Amount
		}
	}
	rest := l.of(lineID) - paid
	l.less(lineID, paid+min(off, max(0, rest-on)))
}

func (l *left) of(lineID string) int64 {
	if line, ours := l.lines[lineID]; ours {
		return max(0, min(line, l.whole))
	}
	return max(0, l.whole)
}

func (l *left) less(lineID string, amount int64) {
	if _, ours := l.lines[lineID]; ours {
		l.lines[lineID] -= amount
	}
	l.whole -= amount
}

// refused is what a decision on a line refuses of what was left to its payer, after what it paid and gave to the patient.
func (l *left) refused(lineID string, paid int64, adjustments []*typev1.Adjustment) []refusal {
	found := refusals(adjustments)
	if l == nil {
		return found
	}
	given := max(paid, 0)
	for _, a := range adjustments {
		if a.GroupCode == "PR" {
			given += a.Amount
		}
	}
	l.less(lineID, min(given, l.of(lineID)))
	var out []refusal
	for _, r := range found {
		if r.amount = min(r.amount, l.of(lineID)); r.amount > 0 {
			l.less(lineID, r.amount)
			out = append(out, r)
		}
	}
	return out
}
