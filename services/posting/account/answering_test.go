package account

import (
	"fmt"
	"testing"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
)

// Whose claim of the visit an answer under the first payer's number is.
func TestAnswering(t *testing.T) {
	twice := Payer{"pay_1", secondary}
	for _, c := range []struct {
		name          string
		visit         []Payer
		to            Payer  // whose number it answers to
		named, status string // by the file; empty: the payer of that number
		want          Payer
		fits          bool
	}{
		{"the payer that was asked", []Payer{aetna, medico}, aetna, "", "1", aetna, true},
		{"which sees itself as second", []Payer{aetna, medico}, aetna, "", "2", aetna, true},
		{"the next payer, which got the claim from the first", []Payer{aetna, medico}, aetna, "pay_2", "2", medico, true},
		{"which sent it on itself", []Payer{aetna, medico}, aetna, "pay_2", "20", medico, true},
		{"which denies it", []Payer{aetna, medico}, aetna, "pay_2", "4", medico, true},
		{"which sees itself as first", []Payer{aetna, medico}, aetna, "pay_2", "1", medico, true},
		{"a payer that the visit does not have", []Payer{aetna, medico}, aetna, "pay_9", "2", Payer{}, false},
		{"or any other payer of a visit of one", []Payer{aetna}, aetna, "pay_2", "2", Payer{}, false},
		{"one payer in two places says which it is", []Payer{aetna, twice}, aetna, "", "2", twice, true},
		{"or is the one that was asked", []Payer{aetna, twice}, aetna, "", "1", aetna, true},
		{"and never answers for an earlier place", []Payer{aetna, twice}, twice, "", "1", twice, true},
	} {
		s := charged(t, visit(c.visit...)).s
		claim := &exchangev1.RemittanceClaim{StatusCode: c.status, ClaimId: "clm_1", AnsweringPayerId: c.named}
		got, fits := answering(s, Advice{AccountID: "enc_1", ClaimID: "clm_1", Payer: c.to, Claim: claim})
		if fits != c.fits || fits && got.Payer != c.want {
			t.Errorf("%s: %v %v", c.name, got.Payer, fits)
		}
		if id := claimID("enc_1", c.want.Sequence); fits && c.want != c.to && (got.ClaimID != id || got.Claim.ClaimId != id || got.Claim.AnsweringPayerId != c.want.ID) {
			t.Errorf("%s: its claim is %q", c.name, got.ClaimID)
		}
		if claim.ClaimId != "clm_1" || claim.AnsweringPayerId != c.named {
			t.Errorf("%s: the event was written to", c.name)
		}
	}
}

// The second payer's answer under the first payer's number pays the second payer's receivable, whichever of the two answers comes first, and is taken back from there.
func TestACrossedOverClaimIsAnsweredByTheNextPayer(t *testing.T) {
	first := func(st *story) {
		st.says("the first payer pays and sends it on", st.post(aetna, clp(1, "19", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "2", 2000)), line("L2", 2000, 2000))),
			"L1 paid 9000", "L1 PR-2 to pay_2 2000", "L1 CO-45 off 4000", "L2 paid 2000", "posted 19")
	}
	answer := func() *exchangev1.RemittanceClaim {
		c := clp(1, "2", line("L1", 15000, 2000, cas("OA", "23", 13000)), line("L2", 2000, 0, cas("OA", "23", 2000)))
		c.ClaimId, c.AnsweringPayerId = claimID("enc_1", primary), "pay_2"
		return c
	}
	second := func(st *story, c *exchangev1.RemittanceClaim) []string {
		st.t.Helper()
		st.rem++
		return st.take(Post(st.s, Advice{AccountID: "enc_1", RemittanceID: fmt.Sprint("second_", st.rem), RemitterID: c.AnsweringPayerId, AdjudicationDate: "2026-03-25", ClaimID: c.ClaimId, Payer: aetna, Claim: c}))
	}
	st := charged(t, visit(aetna, medico))
	first(st)
	st.says("the second pays the rest", second(st, answer()), "L1 paid 2000", "posted 2", "settled")
	var posted *pb.ClaimPaymentPosted
	for _, e := range st.all {
		if p, ok := e.(*pb.ClaimPaymentPosted); ok {
			posted = p
		}
	}
	if posted.ClaimId != claimID("enc_1", secondary) || posted.PayerId != "pay_2" || posted.PayerSequence != secondary || posted.RemittanceClaim.ClaimId != posted.ClaimId {
		t.Errorf("posted %v", posted)
	}
	st.says("and takes it back", second(st, turned(answer(), 1)), "reversed second_1/1 -2000", "posted 22")

	early := charged(t, visit(aetna, medico))
	early.says("before the first has answered", second(early, answer()), "L1 paid 2000", "posted 2", "pay_2 has paid 2000 too much")
	early.rem++
	early.says("then it owes that much", early.post(aetna, clp(1, "19", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "2", 2000)), line("L2", 2000, 2000))),
		"L1 paid 9000", "L1 PR-2 to pay_2 2000", "L1 CO-45 off 4000", "L2 paid 2000", "posted 19", "pay_2 has not paid too much any more", "settled")

	stranger := charged(t, visit(aetna))
	says := second(stranger, answer())
	stranger.says("a payer that the visit does not have is not booked to another", says, "unmatched 2000")
	if owed := Owed(stranger.s.Open, aetna); owed != 17000 {
		t.Errorf("the first payer owes %d", owed)
	}
}
