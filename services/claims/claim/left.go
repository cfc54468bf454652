package claim

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/services/claims/denials"
)

// left is what is open to a payer: what it can refuse at most, whatever it says.
type left struct {
	lines map[string]int64 // cents, by line
	whole int64            // cents, of the claim
}

// leftTo is what the payers before this one left: the charge less what they paid, took off by contract, and refused, which stays asked of them.
// Source: docs/domain.md, invariant "denied = open + recovered + written off"; the books move the same rest.
func leftTo(c *pb.ClaimContent) *left {
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
		l.takes("", paid, adjustments)
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

// of a line, or of the claim as a whole.
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

// decides lessens what is left by a decision of the payer itself that is in force: by what it paid, gave on to the patient or the next payer, and took off by contract. What it paid too
// much for a line is a credit, and takes nothing off another line.
func (l *left) decides(lineID string, paid int64, adjustments []*typev1.Adjustment) {
	amount := paid
	for _, a := range adjustments {
		if a.GroupCode == "PR" || denials.Contractual(a.Carc) || a.Amount < 0 {
			amount += a.Amount
		}
	}
	l.less(lineID, min(amount, l.of(lineID)))
}

// refuses is what is refused of what is left.
func (l *left) refuses(lineID string, found []refusal) []refusal {
	var out []refusal
	for _, r := range found {
		if r.amount = min(r.amount, l.of(lineID)); r.amount > 0 {
			l.less(lineID, r.amount)
			out = append(out, r)
		}
	}
	return out
}
