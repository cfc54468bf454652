package edits

import (
	"fmt"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

func replacesKnown(c *pb.ClaimContent, _ Facts, say Say) {
	if c.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL && c.PayerClaimControlNumber == "" {
		say("payer_claim_control_number", "a replacement or void without the payer's claim number")
	}
}

func earlierTold(c *pb.ClaimContent, _ Facts, say Say) {
	if n := int(c.PayerSequence) - 1; n > 0 && len(c.PriorPayers) < n {
		say("prior_payers", "payer number %d, and %d earlier decisions are known: post the earlier payers' remittances first", c.PayerSequence, len(c.PriorPayers))
	}
}

func told(p *pb.PriorPayer) bool {
	return p.PaidAmount != 0 || len(p.Adjustments) > 0 || len(p.Lines) > 0
}

func sum(adjustments []*typev1.Adjustment) int64 {
	var n int64
	for _, a := range adjustments {
		n += a.Amount
	}
	return n
}

func earlierBalance(c *pb.ClaimContent, _ Facts, say Say) {
	for i, p := range c.PriorPayers {
		if !told(p) {
			continue
		}
		field := fmt.Sprintf("prior_payers[%d]", i)
		off := c.ChargeAmount - p.PaidAmount - sum(p.Adjustments)
		for _, l := range p.Lines {
			off -= sum(l.Adjustments)
			n := slices.IndexFunc(c.Lines, func(s *typev1.ServiceLine) bool { return s.LineId == l.LineId })
			if n < 0 {
				say(field+".lines", "payer number %d decided a line that the claim does not have", p.PayerSequence)
				continue
			}
			if rest := c.Lines[n].ChargeAmount - l.PaidAmount - sum(l.Adjustments); rest != 0 && len(p.Adjustments) == 0 {
				say(field+".lines", "line %d of payer number %d is off by %d cents", n+1, p.PayerSequence, rest)
			}
		}
		if off != 0 {
			say(field+".paid_amount", "payer number %d is off by %d cents: charged %d, paid %d, the rest taken off", p.PayerSequence, off, c.ChargeAmount, p.PaidAmount)
		}
	}
}

func earlierAmounts(c *pb.ClaimContent, _ Facts, say Say) {
	for i, p := range c.PriorPayers {
		if !told(p) {
			say(fmt.Sprintf("prior_payers[%d]", i), "payer number %d is said to have decided, without amounts", p.PayerSequence)
		}
	}
}
