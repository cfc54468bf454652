package account

import (
	"testing"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

// The contract says 120 for the session of 150 and 20 for the add-on of 20.
func agreed() *registryv1.ContractPublished {
	return &registryv1.ContractPublished{ContractId: "con_1", PayerId: "pay_1", FromDate: "2026-01-01", Rates: []*registryv1.ContractRate{
		{ServiceCode: "90837", AllowedAmount: 12000}, {ServiceCode: "90785", AllowedAmount: 2000},
	}}
}

func (st *story) accept(claim, line string) []string {
	st.t.Helper()
	return st.take(Accept(st.s, &pb.AcceptUnderpaymentRequest{AccountId: "enc_1", ClaimId: claim, LineId: line, Reason: "too little to argue about"}))
}

// What a payer allows below its contract stays open until it pays or somebody gives it up; the patient, the next payer and what is taken off by agreement never get it.
func TestBelowContract(t *testing.T) {
	short := func(more ...*exchangev1.RemittanceLine) *exchangev1.RemittanceClaim {
		return clp(1, "1", append(more, line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "3", 2000)))...)
	}
	full := line("L2", 2000, 2000)
	underpaid := func(t *testing.T, payers ...Payer) *story {
		st := charged(t, visit(payers...), agreed())
		st.post(aetna, short(full))
		st.rem++
		return st
	}
	t.Run("what is below the price stays open with the payer, and the account is not settled", func(t *testing.T) {
		st := charged(t, visit(aetna), agreed())
		st.says("posting", st.post(aetna, short(full)),
			"L2 paid 2000", "L1 paid 9000", "L1 PR-3 to patient 2000", "L1 CO-45 off 3000", "L1 allowed 11000 of 12000, 1000 in dispute", "posted 1")
		if got := st.all[len(st.all)-1].(*pb.ClaimPaymentPosted).DisputedAmount; got != 1000 || Disputed(st.s, "L1") != 1000 || Owed(st.s.Open, aetna) != 1000 {
			t.Fatalf("told %d, open %v", got, st.s.Open)
		}
		st.says("copay", st.take(Take(st.s, &pb.PatientPaymentAssigned{PatientId: "pat_1", AccountId: "enc_1", PatientPaymentId: "ppm_1", Amount: 2000})), "allocated ppm_1 2000")
	})
	t.Run("to the cent of the contract nothing is in dispute", func(t *testing.T) {
		st := charged(t, visit(aetna), agreed())
		st.says("posting", st.post(aetna, clp(1, "1", line("L1", 15000, 10000, cas("CO", "45", 3000), cas("PR", "3", 2000)), full)),
			"L1 paid 10000", "L1 PR-3 to patient 2000", "L1 CO-45 off 3000", "L2 paid 2000", "posted 1")
	})
	t.Run("what is above the agreed price gives before other reductions, sequestration never", func(t *testing.T) {
		st := charged(t, visit(aetna), agreed())
		st.says("posting", st.post(aetna, clp(1, "1", line("L1", 15000, 9800, cas("CO", "59", 2500), cas("CO", "45", 2500), cas("CO", "253", 200)), full)),
			"L1 paid 9800", "L1 CO-59 off 2500", "L1 CO-45 off 500", "L1 CO-253 off 200", "L1 allowed 10000 of 12000, 2000 in dispute", "L2 paid 2000", "posted 1")
	})
	t.Run("the payer pays the rest without taking back what it decided", func(t *testing.T) {
		st := underpaid(t, aetna)
		st.says("a part", st.post(aetna, clp(1, "1", line("L1", 15000, 400, cas("CO", "45", 14600)))), "L1 paid 400", "L1 recovered 400, 600 in dispute", "posted 1")
		st.rem++
		st.says("the rest, repeating what was taken off and left to the patient", st.post(aetna, clp(1, "1", line("L1", 15000, 600, cas("CO", "45", 12400), cas("PR", "3", 2000)))),
			"L1 paid 600", "L1 recovered 600, 0 in dispute", "posted 1")
		if got := st.all[len(st.all)-1].(*pb.ClaimPaymentPosted).DisputedAmount; got != 0 || Owed(st.s.Open, aetna) != 0 {
			t.Fatalf("told %d, open %v", got, st.s.Open)
		}
	})
	t.Run("the payer takes its decision back and decides as agreed", func(t *testing.T) {
		st := underpaid(t, aetna)
		st.says("takeback", st.post(aetna, turned(short(full), 1)), "L1 lapsed 1000, 0 in dispute", "reversed rem_0/1 -11000", "posted 22")
		st.says("decision", st.post(aetna, clp(2, "1", line("L1", 15000, 10000, cas("CO", "45", 3000), cas("PR", "3", 2000)), full)),
			"L1 paid 10000", "L1 PR-3 to patient 2000", "L1 CO-45 off 3000", "L2 paid 2000", "posted 1")
	})
	t.Run("the same decision repeated takes nothing of what is in dispute", func(t *testing.T) {
		st := underpaid(t, aetna)
		st.says("again", st.post(aetna, clp(1, "1", line("L1", 15000, 0, cas("CO", "45", 4000), cas("PR", "3", 11000)))), "posted 1")
		if Disputed(st.s, "L1") != 1000 || Owed(st.s.Open, Payer{}) != 2000 {
			t.Fatalf("open %v", st.s.Open)
		}
	})
	t.Run("given up it is taken off by agreement, and taken back with the decision it belongs to", func(t *testing.T) {
		st := underpaid(t, aetna)
		st.take(Take(st.s, &pb.PatientPaymentAssigned{PatientId: "pat_1", AccountId: "enc_1", PatientPaymentId: "ppm_1", Amount: 2000}))
		st.says("accepted", st.accept("clm_1", "L1"), "L1 gave up 1000, 0 in dispute", "settled")
		if l := st.s.Lines["L1"]; l.Adjusted != 4000 || l.Open != 0 {
			t.Fatalf("%+v", l)
		}
		st.says("takeback", st.post(aetna, turned(short(full), 1)), "reversed rem_0/1 -11000", "posted 22", "allocated ppm_1 -2000")
		if l := st.s.Lines["L1"]; l.Adjusted != 0 || l.Open != 15000 || Disputed(st.s, "L1") != 0 {
			t.Fatalf("%+v", l)
		}
	})
	t.Run("the next payer is asked for the patient's share alone, and its discount does not take what is in dispute", func(t *testing.T) {
		st := underpaid(t, aetna, medico)
		st.says("secondary", st.post(medico, clp(1, "2", line("L1", 15000, 1500, cas("OA", "23", 9000), cas("CO", "45", 4000), cas("PR", "2", 500)))),
			"L1 paid 1500", "L1 PR-2 to patient 500", "posted 2")
		if Owed(st.s.Open, aetna) != 1000 || Owed(st.s.Open, medico) != 0 {
			t.Fatalf("open %v", st.s.Open)
		}
	})
	t.Run("a charge that is taken back is in no dispute", func(t *testing.T) {
		st := underpaid(t, aetna)
		st.says("void", st.take(Void(st.s, Withdrawal{Closed: &claimsv1.ClaimClosed{ClaimId: "clm_1", Withdrawn: true}, Payer: aetna})),
			"charge 17000 voided", "2000 back to pay_1", "L1 lapsed 1000, 0 in dispute", "pay_1 has paid 14000 too much")
	})
	t.Run("an event of before this rule puts nothing in dispute", func(t *testing.T) {
		if s := Evolve(State{}, &pb.UnderpaymentDetected{ClaimId: "clm_1", LineId: "L1", ExpectedAmount: 12000, AllowedAmount: 11000, RemittanceId: "rem_0"}); len(s.Disputes) != 0 {
			t.Fatalf("%v", s.Disputes)
		}
	})
}

// A payer that has a contract with us cannot give the patient what the contract takes off.
func TestNoBalanceBilling(t *testing.T) {
	billed := func() *exchangev1.RemittanceClaim {
		return clp(1, "1", line("L1", 15000, 10000, cas("PR", "3", 2000), cas("PR", "45", 3000)), line("L2", 2000, 2000))
	}
	at := func(t *testing.T, contracts ...*registryv1.ContractPublished) *story {
		st := charged(t, visit(aetna), contracts...)
		st.contracts = contracts
		return st
	}
	t.Run("with a contract it stays with the payer", func(t *testing.T) {
		st := at(t, agreed())
		st.says("posting", st.post(aetna, billed()), "L1 paid 10000", "L1 PR-3 to patient 2000", "L1 PR-45 not to patient 3000", "L2 paid 2000", "posted 1")
		if e := st.all[len(st.all)-1].(*pb.ClaimPaymentPosted); e.DisputedAmount != 3000 || e.HeldShareAmount != 3000 || Owed(st.s.Open, Payer{}) != 2000 || Owed(st.s.Open, aetna) != 3000 {
			t.Fatalf("told %v, open %v", e, st.s.Open)
		}
		st.rem++
		st.says("corrected", append(st.post(aetna, turned(billed(), 1)), st.post(aetna, clp(2, "1", line("L1", 15000, 10000, cas("PR", "3", 2000), cas("CO", "45", 3000)), line("L2", 2000, 2000)))...),
			"L1 lapsed 3000, 0 in dispute", "reversed rem_0/1 -12000", "posted 22", "L1 paid 10000", "L1 PR-3 to patient 2000", "L1 CO-45 off 3000", "L2 paid 2000", "posted 1")
	})
	t.Run("given up it is taken off, never asked of the patient", func(t *testing.T) {
		st := at(t, agreed())
		st.post(aetna, billed())
		st.says("accepted", st.accept("clm_1", "L1"), "L1 gave up 3000, 0 in dispute")
		if Owed(st.s.Open, Payer{}) != 2000 || st.s.Lines["L1"].Adjusted != 3000 {
			t.Fatalf("open %v", st.s.Open)
		}
	})
	t.Run("a contract without a price for the code forbids it too", func(t *testing.T) {
		bare := agreed()
		bare.Rates = nil
		st := at(t, bare)
		st.says("posting", st.post(aetna, billed()), "L1 paid 10000", "L1 PR-3 to patient 2000", "L1 PR-45 not to patient 3000", "L2 paid 2000", "posted 1")
	})
	t.Run("without a contract, or after its end, the patient owes it", func(t *testing.T) {
		ended := agreed()
		ended.ThruDate = "2026-02-28"
		for _, st := range []*story{at(t), at(t, ended)} {
			st.says("posting", st.post(aetna, billed()), "L1 paid 10000", "L1 PR-3 to patient 2000", "L1 PR-45 to patient 3000", "L2 paid 2000", "posted 1")
		}
	})
	t.Run("both kinds on one line are told apart and given up together", func(t *testing.T) {
		st := at(t, agreed())
		st.says("posting", st.post(aetna, clp(1, "1", line("L1", 15000, 9000, cas("PR", "45", 1000), cas("CO", "45", 5000)), line("L2", 2000, 2000))),
			"L1 paid 9000", "L1 PR-45 not to patient 1000", "L1 CO-45 off 3000", "L1 allowed 9000 of 12000, 2000 in dispute", "L2 paid 2000", "posted 1")
		st.says("accepted", st.accept("clm_1", "L1"), "L1 gave up 1000, 2000 in dispute", "L1 gave up 2000, 0 in dispute", "settled")
	})
}

// Only what is in dispute is given up.
func TestAccept(t *testing.T) {
	st := charged(t, visit(aetna), agreed())
	st.post(aetna, clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "3", 2000))))
	ask := func(claim, line string) *pb.AcceptUnderpaymentRequest {
		return &pb.AcceptUnderpaymentRequest{AccountId: "enc_1", ClaimId: claim, LineId: line, Reason: "r"}
	}
	estest.Run(t, Stream, Accept, []estest.Case[*pb.AcceptUnderpaymentRequest]{
		{Name: "of an account that there is", When: ask("clm_1", "L1"), Refused: "posting.account_exists"},
		{Name: "of the claim", Given: st.all, When: ask("clm_2", "L1"), Refused: "posting.in_dispute"},
		{Name: "and line that is disputed", Given: st.all, When: ask("clm_1", "L2"), Refused: "posting.in_dispute"},
		{Name: "once", Given: append(st.all[:len(st.all):len(st.all)], accepted(t, st)...), When: ask("clm_1", "L1"), Refused: "posting.in_dispute"},
	})
}

func accepted(t *testing.T, st *story) []es.Event {
	t.Helper()
	events, err := Accept(st.s, &pb.AcceptUnderpaymentRequest{AccountId: "enc_1", ClaimId: "clm_1", LineId: "L1", Reason: "r"})
	if err != nil {
		t.Fatal(err)
	}
	return events
}
