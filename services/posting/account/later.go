package account

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

// Question is a later payer's payment that rests on a decision which an earlier payer took back.
type Question struct {
	Later, Earlier Payer
	ClaimID        string // to the later payer
}

// question asks what becomes of later payers' payments when a decision is taken back: a later payer decides on what an earlier one left. Source: coordination of benefits, 837 and 835
// carry the earlier payer's decision to the later one; contracts and 42 CFR 401.305 want back what was paid beyond it. Checked 2026-11-24.
func (b *book) question(a Advice) {
	paid := map[Payer]int64{}
	var later []*Payment
	for _, p := range live(b.s) {
		if p.Payer.Sequence > a.Payer.Sequence {
			if _, known := paid[p.Payer]; !known {
				later = append(later, p)
			}
			paid[p.Payer] += p.Claim.PaidAmount
		}
	}
	for _, p := range later {
		if paid[p.Payer] <= 0 || slices.ContainsFunc(b.s.Questions, func(q Question) bool { return q.Later == p.Payer && q.Earlier == a.Payer }) {
			continue
		}
		b.record(&pb.LaterPaymentQuestioned{
			AccountId: a.AccountID, PatientId: b.s.Charge.PatientId, ClaimId: p.ClaimID, PayerId: p.Payer.ID, PayerSequence: p.Payer.Sequence, PaidAmount: paid[p.Payer],
			EarlierClaimId: a.ClaimID, EarlierPayerId: a.Payer.ID, EarlierPayerSequence: a.Payer.Sequence, RemittanceId: a.RemittanceID,
		})
	}
}

// answer ends the questions that what is booked now answers.
func (b *book) answer() {
	for _, q := range b.s.Questions {
		var paid int64
		decided := false
		for _, p := range b.live() {
			switch {
			case p.Payer == q.Later:
				paid += p.Claim.PaidAmount
			case p.Payer == q.Earlier:
				decided = decided || decides(p.Claim)
			}
		}
		reason := ""
		switch {
		case paid <= 0:
			reason = "the later payer took its payment back"
		case decided && Owed(b.open, q.Later) == 0 && b.fits(q.Later):
			reason = "the earlier payer decided anew and leaves the later one what it has decided"
		default:
			continue
		}
		b.record(&pb.LaterPaymentAnswered{
			AccountId: b.s.Charge.AccountId, PatientId: b.s.Charge.PatientId, ClaimId: q.ClaimID, PayerId: q.Later.ID, PayerSequence: q.Later.Sequence, Reason: reason,
		})
	}
}

// fits says whether all that a payer has given the patient, or the next payer, was left to it.
func (b *book) fits(p Payer) bool {
	for _, d := range b.decisions(p) {
		a := b.advice(d)
		rest := map[reason]int64{}
		each(a.Claim, func(lineID string, x *typev1.Adjustment) {
			if k := (reason{lineID, x.GroupCode, x.Carc}); x.GroupCode == "PR" && b.forbids(a, x) == "" && decides(a.Claim) {
				rest[k] += x.Amount
			}
		})
		for k, told := range rest {
			if d.Booked[k] != told {
				return false
			}
		}
	}
	return true
}

// live are the claim payments that count after what is booked now.
func (b *book) live() []*Payment {
	out := live(b.s)
	for _, e := range b.events {
		switch e := e.(type) {
		case *pb.PostingReversed:
			undone := Key{e.ReversedRemittanceId, e.ReversedClaimOrdinal}
			out = slices.DeleteFunc(out, func(p *Payment) bool { return p.Key == undone })
		case *pb.ClaimPaymentPosted:
			if !e.Reversal {
				out = append(out, &Payment{Payer: Payer{e.PayerId, e.PayerSequence}, Claim: e.RemittanceClaim})
			}
		}
	}
	return out
}
