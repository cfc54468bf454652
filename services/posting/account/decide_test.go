package account

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

const (
	primary   = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY
	secondary = typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY
	tertiary  = typev1.PayerSequence_PAYER_SEQUENCE_TERTIARY
	march     = "2026-03-02"
)

var (
	aetna  = Payer{"pay_1", primary}
	medico = Payer{"pay_2", secondary}
)

func visit(payers ...Payer) *codingv1.CodingCompleted {
	v := &codingv1.CodingCompleted{EncounterId: "enc_1", PatientId: "pat_1", ServiceDate: march, Lines: []*typev1.ServiceLine{
		{LineId: "L1", ServiceCode: "90837", Modifiers: []string{"95"}, UnitsThousandths: 1000, ChargeAmount: 15000, ServiceDate: march},
		{LineId: "L2", ServiceCode: "90785", UnitsThousandths: 1000, ChargeAmount: 2000, ServiceDate: march},
	}}
	for _, p := range payers {
		v.ResponsiblePayers = append(v.ResponsiblePayers, &intakev1.ResponsiblePayer{PayerId: p.ID, PayerSequence: p.Sequence})
	}
	return v
}

func cas(group, carc string, amount int64) *typev1.Adjustment {
	return &typev1.Adjustment{GroupCode: group, Carc: carc, Amount: amount}
}

func line(id string, charge, paid int64, adjustments ...*typev1.Adjustment) *exchangev1.RemittanceLine {
	return &exchangev1.RemittanceLine{LineId: id, ChargeAmount: charge, PaidAmount: paid, Adjustments: adjustments}
}

func clp(ordinal int32, status string, lines ...*exchangev1.RemittanceLine) *exchangev1.RemittanceClaim {
	c := &exchangev1.RemittanceClaim{Ordinal: ordinal, StatusCode: status, ClaimId: "clm_1", PayerClaimControlNumber: "ICN1", Lines: lines}
	for _, l := range lines {
		c.ChargeAmount += l.ChargeAmount
		c.PaidAmount += l.PaidAmount
	}
	return c
}

func turned(c *exchangev1.RemittanceClaim, ordinal int32) *exchangev1.RemittanceClaim {
	r := proto.CloneOf(c)
	r.Ordinal, r.StatusCode, r.ChargeAmount, r.PaidAmount = ordinal, statusReversal, -c.ChargeAmount, -c.PaidAmount
	for _, a := range r.Adjustments {
		a.Amount = -a.Amount
	}
	for _, l := range r.Lines {
		l.ChargeAmount, l.PaidAmount = -l.ChargeAmount, -l.PaidAmount
		for _, a := range l.Adjustments {
			a.Amount = -a.Amount
		}
	}
	return r
}

// story runs decisions one after the other and says what they recorded.
type story struct {
	t interface {
		Helper()
		Fatalf(string, ...any)
	}
	s    State
	all  []es.Event
	cash int64
	rem  int

	contracts []*registryv1.ContractPublished // of whoever answers
}

func charged(t interface {
	Helper()
	Fatalf(string, ...any)
}, v *codingv1.CodingCompleted, contracts ...*registryv1.ContractPublished) *story {
	st := &story{t: t}
	st.take(Charge(State{}, Coded{Visit: v, Price: Price{Contracts: contracts, License: typev1.LicenseType_LICENSE_TYPE_PSYCHOLOGIST}}))
	return st
}

func (st *story) take(events []es.Event, err error) []string {
	st.t.Helper()
	if err != nil {
		st.t.Fatalf("%v", err)
	}
	var said []string
	for _, e := range events {
		if legs, ok := e.(interface{ GetLegs() []*typev1.Leg }); ok {
			if r := money.Residual(legs.GetLegs()); r != 0 {
				st.t.Fatalf("the legs of %T are off by %d", e, r)
			}
			for _, l := range legs.GetLegs() {
				if l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING {
					st.cash += l.Amount
				}
			}
		}
		said = append(said, say(e))
		st.s = Evolve(st.s, e)
	}
	st.all = append(st.all, events...)
	return said
}

func (st *story) post(p Payer, c *exchangev1.RemittanceClaim) []string {
	st.t.Helper()
	claim := "clm_1"
	if p.Sequence != primary {
		claim = fmt.Sprint("clm_", int(p.Sequence))
	}
	c.ClaimId = claim
	return st.take(Post(st.s, Advice{AccountID: "enc_1", RemittanceID: fmt.Sprint("rem_", st.rem), RemitterID: p.ID, AdjudicationDate: "2026-03-20", ClaimID: claim, Payer: p, Claim: c, Contracts: st.contracts}))
}

func say(e es.Event) string {
	switch e := e.(type) {
	case *pb.ChargePosted:
		return fmt.Sprintf("charged %d", e.ChargeAmount)
	case *pb.PriorAdjudicationPosted:
		return fmt.Sprintf("prior %s paid %d", e.PayerId, e.PaidAmount)
	case *pb.InsurancePaymentPosted:
		return fmt.Sprintf("%s paid %d", e.LineId, e.PaidAmount)
	case *pb.ContractualAdjusted:
		return fmt.Sprintf("%s %s-%s off %d", e.LineId, e.GroupCode, e.Carc, e.Amount)
	case *pb.ResponsibilityTransferred:
		return fmt.Sprintf("%s %s-%s to %s %d", e.LineId, e.GroupCode, e.Carc, or(e.ToPayerId, "patient"), e.Amount)
	case *pb.DenialRecorded:
		return fmt.Sprintf("%s denied %s-%s %d", e.LineId, e.GroupCode, e.Carc, e.Amount)
	case *pb.UnderpaymentDetected:
		return fmt.Sprintf("%s allowed %d of %d, %d in dispute", e.LineId, e.AllowedAmount, e.ExpectedAmount, e.DisputedAmount)
	case *pb.BalanceBillingHeld:
		return fmt.Sprintf("%s %s-%s not to patient %d", e.LineId, e.GroupCode, e.Carc, e.DisputedAmount)
	case *pb.UnderpaymentAccepted:
		return fmt.Sprintf("%s gave up %d, %d in dispute", e.LineId, e.Amount, e.DisputedAmount)
	case *pb.AcceptedLossRecovered:
		return fmt.Sprintf("%s %d lost no more", e.LineId, e.Amount)
	case *pb.UnderpaymentRecovered:
		return fmt.Sprintf("%s recovered %d, %d in dispute", e.LineId, e.Amount, e.RemainingAmount)
	case *pb.UnderpaymentLapsed:
		return fmt.Sprintf("%s lapsed %d, %d in dispute", e.LineId, e.Amount, e.RemainingAmount)
	case *pb.ClaimPaymentPosted:
		return fmt.Sprintf("posted %s", e.ClaimStatusCode)
	case *pb.PostingReversed:
		return fmt.Sprintf("reversed %s/%d %d", e.ReversedRemittanceId, e.ReversedClaimOrdinal, e.PaidAmount)
	case *pb.ClaimPaymentUnmatched:
		return fmt.Sprintf("unmatched %d", e.PaidAmount)
	case *pb.ClaimPaymentFound:
		return fmt.Sprintf("found %d: %s", e.PaidAmount, e.Reason)
	case *pb.PatientPaymentAllocated:
		return fmt.Sprintf("allocated %s %d", e.PatientPaymentId, e.Amount)
	case *pb.ChargeCorrected:
		return fmt.Sprintf("charge %d becomes %d", e.PreviousChargeAmount, e.ChargeAmount)
	case *pb.ChargeVoided:
		return fmt.Sprintf("charge %d voided", e.ChargeAmount)
	case *pb.LaterPaymentQuestioned:
		return fmt.Sprintf("%s paid %d on what %s took back", e.PayerId, e.PaidAmount, e.EarlierPayerId)
	case *pb.LaterPaymentAnswered:
		return fmt.Sprintf("%s: %s", e.PayerId, e.Reason)
	case *pb.BalanceMoved:
		return fmt.Sprintf("%d of %s to the patient", e.Amount, e.PayerId)
	case *pb.BalanceReturned:
		return fmt.Sprintf("%d back to %s", e.Amount, e.PayerId)
	case *pb.PriorDenialRecorded:
		return fmt.Sprintf("%s denied before %s-%s %d", e.LineId, e.GroupCode, e.Carc, e.Amount)
	case *pb.AccountSettled:
		return "settled"
	case *pb.CreditBalanceDetected:
		return fmt.Sprintf("%s has paid %d too much", e.PayerId, e.CreditAmount)
	case *pb.CreditBalanceCleared:
		return e.PayerId + " has not paid too much any more"
	}
	return fmt.Sprintf("%T", e)
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (st *story) says(what string, got []string, want ...string) {
	st.t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		st.t.Fatalf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestPost(t *testing.T) {
	paid := func() *exchangev1.RemittanceClaim {
		return clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "3", 2000)), line("L2", 2000, 1000, cas("CO", "45", 1000)))
	}
	t.Run("a paid claim with a copay goes to the patient and settles when the patient has paid", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.says("posting", st.post(aetna, paid()),
			"L1 paid 9000", "L1 PR-3 to patient 2000", "L1 CO-45 off 4000", "L2 paid 1000", "L2 CO-45 off 1000", "posted 1")
		if got := Explained(st.s).Sentence(); !strings.HasSuffix(got, ": charged $170.00, plan paid $100.00, plan discount $50.00, your copay $20.00. Open: $20.00 with you.") {
			t.Errorf("told: %s", got)
		}
		st.says("again", st.post(aetna, paid()))
		st.says("copay", st.take(Take(st.s, &pb.PatientPaymentAssigned{PatientId: "pat_1", AccountId: "enc_1", PatientPaymentId: "ppm_1", Amount: 2000})),
			"allocated ppm_1 2000", "settled")
	})
	t.Run("a deductible goes to the next payer, and what that leaves to the patient", func(t *testing.T) {
		st := charged(t, visit(aetna, medico))
		st.says("primary", st.post(aetna, clp(1, "1", line("L1", 15000, 0, cas("PR", "1", 11000), cas("CO", "45", 4000)), line("L2", 2000, 1000, cas("CO", "45", 1000)))),
			"L1 PR-1 to pay_2 11000", "L1 CO-45 off 4000", "L2 paid 1000", "L2 CO-45 off 1000", "posted 1")
		st.rem++
		st.says("secondary repeats the discount and tells the primary's part", st.post(medico, clp(1, "2", line("L1", 15000, 9000, cas("OA", "23", 0), cas("CO", "45", 4000), cas("PR", "2", 2000)))),
			"L1 paid 9000", "L1 PR-2 to patient 2000", "posted 2")
	})
	t.Run("after a takeback the next payer, which has paid already, is asked again before the patient", func(t *testing.T) {
		st := charged(t, visit(aetna, medico))
		first := func() *exchangev1.RemittanceClaim {
			return clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "2", 2000)))
		}
		st.post(aetna, first())
		st.rem++
		st.post(medico, clp(1, "2", line("L1", 15000, 2000, cas("OA", "23", 13000))))
		st.rem++
		st.says("takeback", st.post(aetna, turned(first(), 1)), "reversed rem_0/1 -9000", "pay_2 paid 2000 on what pay_1 took back", "posted 22", "pay_2 has paid 2000 too much")
		st.says("correction", st.post(aetna, clp(2, "1", line("L1", 15000, 8500, cas("CO", "45", 4000), cas("PR", "2", 2500)))),
			"L1 paid 8500", "L1 PR-2 to pay_2 2500", "L1 CO-45 off 4000", "posted 1", "pay_2 has not paid too much any more")
	})
	t.Run("a denied line moves nothing", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.says("denial", st.post(aetna, clp(1, "1", line("L1", 15000, 0, cas("CO", "197", 15000)), line("L2", 2000, 2000))),
			"L1 denied CO-197 15000", "L2 paid 2000", "posted 1")
		if st.s.Lines["L1"].Open != 15000 || Denied(st.s, "L1") != 15000 {
			t.Fatalf("open %d, denied %d", st.s.Lines["L1"].Open, Denied(st.s, "L1"))
		}
		st.rem++
		st.post(aetna, clp(1, "1", line("L1", 15000, 11000, cas("CO", "45", 4000))))
		if Denied(st.s, "L1") != 0 {
			t.Fatalf("paid after all, and denied %d", Denied(st.s, "L1"))
		}
	})
	t.Run("what is denied is no more than is open with the payer that denied it", func(t *testing.T) {
		st := charged(t, visit(aetna, medico))
		st.post(aetna, clp(1, "1", line("L1", 15000, 7000, cas("CO", "45", 5000), cas("CO", "50", 3000))))
		st.rem++
		st.post(aetna, clp(1, "1", line("L1", 15000, 1500, cas("CO", "45", 12000), cas("PR", "2", 1500))))
		if open := Owed(st.s.Open, medico); open != 1500 || Denied(st.s, "L1") != 0 {
			t.Fatalf("open with the next payer %d, denied %d", open, Denied(st.s, "L1"))
		}
	})
	t.Run("a copy of what is paid is refused, and nothing is denied", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.post(aetna, paid())
		st.rem++
		st.post(aetna, clp(1, "4", line("L1", 15000, 0, cas("CO", "18", 15000)), line("L2", 2000, 0, cas("CO", "18", 2000))))
		if one, two := Denied(st.s, "L1"), Denied(st.s, "L2"); one != 0 || two != st.s.Lines["L2"].Open {
			t.Fatalf("denied %d and %d", one, two)
		}
	})
	t.Run("a code we do not know is a denial, never a write-off", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.says("denial", st.post(aetna, clp(1, "4", line("L1", 15000, 0, cas("OA", "XX9", 15000)))), "L1 denied OA-XX9 15000", "posted 4")
	})
	t.Run("a takeback mirrors the payment, gives the patient's money back, and the correction posts anew", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.post(aetna, paid())
		st.take(Take(st.s, &pb.PatientPaymentAssigned{PatientId: "pat_1", AccountId: "enc_1", PatientPaymentId: "ppm_1", Amount: 2000}))
		st.rem++
		st.says("reversal", st.post(aetna, turned(paid(), 1)), "reversed rem_0/1 -10000", "posted 22", "allocated ppm_1 -2000")
		st.says("a second takeback answers to nothing", st.post(aetna, turned(paid(), 2)), "unmatched -10000")
		st.says("correction", st.post(aetna, clp(3, "1", line("L1", 15000, 11000, cas("CO", "45", 4000)), line("L2", 2000, 1000, cas("CO", "45", 1000)))),
			"L1 paid 11000", "L1 CO-45 off 4000", "L2 paid 1000", "L2 CO-45 off 1000", "posted 1", "settled")
	})
	t.Run("a line without our id is found by what it is, an unknown one is paid for the claim as a whole", func(t *testing.T) {
		st := charged(t, visit(aetna))
		c := clp(1, "1", line("", 15000, 15000), line("", 2000, 1500, cas("CO", "45", 500)))
		c.Lines[0].ServiceCode, c.Lines[0].Modifiers = "90837", []string{"95"}
		c.Lines[1].ServiceCode = "99999"
		st.says("posting", st.post(aetna, c), "L1 paid 15000", " paid 1500", " CO-45 off 500", "posted 1", "settled")
		if p := st.all[len(st.all)-2].(*pb.ClaimPaymentPosted); len(p.Notes) != 1 || p.RemittanceClaim.Lines[0].LineId != "L1" {
			t.Fatalf("notes %q, lines %v", p.Notes, p.RemittanceClaim.Lines)
		}
	})
	t.Run("adjustments of the claim lessen what its lines were paid", func(t *testing.T) {
		st := charged(t, visit(aetna))
		c := clp(1, "1", line("L1", 15000, 15000), line("L2", 2000, 2000))
		c.PaidAmount, c.Adjustments = 16000, []*typev1.Adjustment{cas("CO", "253", 1000)}
		st.says("posting", st.post(aetna, c), "L1 paid 15000", "L2 paid 2000", " paid -1000", " CO-253 off 1000", "posted 1", "settled")
	})
	t.Run("a forwarded claim decides nothing", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.says("posting", st.post(aetna, clp(1, "23", line("L1", 15000, 0, cas("OA", "109", 15000)))), "posted 23")
	})
	t.Run("less than the contract is an underpayment, a denial is not", func(t *testing.T) {
		contract := &registryv1.ContractPublished{ContractId: "con_1", PayerId: "pay_1", FromDate: "2026-01-01", Rates: []*registryv1.ContractRate{
			{ServiceCode: "90837", AllowedAmount: 10000},
			{ServiceCode: "90837", LicenseType: typev1.LicenseType_LICENSE_TYPE_PSYCHOLOGIST, AllowedAmount: 12000},
			{ServiceCode: "90837", Modifier: "GT", AllowedAmount: 99000},
			{ServiceCode: "90785", AllowedAmount: 99000},
		}}
		st := charged(t, visit(aetna), contract)
		st.says("posting", st.post(aetna, clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "3", 2000)), line("L2", 2000, 0, cas("CO", "97", 2000)))),
			"L1 paid 9000", "L1 PR-3 to patient 2000", "L1 CO-45 off 3000", "L1 allowed 11000 of 12000, 1000 in dispute", "L2 denied CO-97 2000", "posted 1")
	})
}

// What is billed is what is on the books: a corrected claim changes the charge by the difference, a withdrawn one takes it off.
func TestChange(t *testing.T) {
	units := func(thousandths int32, charge int64) *claimsv1.CorrectedClaimPrepared {
		lines := visit(aetna).Lines
		lines[0].UnitsThousandths, lines[0].ChargeAmount = thousandths, charge
		lines[0].DiagnosisPointers, lines[0].AuthorizationNumber = []int32{2}, "A1"
		return &claimsv1.CorrectedClaimPrepared{ClaimId: "clm_1", ClaimVersion: 2, Content: &claimsv1.ClaimContent{Lines: lines}}
	}
	rate := &registryv1.ContractPublished{ContractId: "con_1", PayerId: "pay_1", FromDate: "2026-01-01", Rates: []*registryv1.ContractRate{{ServiceCode: "90837", AllowedAmount: 10000}}}
	correct := func(st *story, p Payer, c *claimsv1.CorrectedClaimPrepared) []string {
		return st.take(Correct(st.s, Correction{Prepared: c, Payer: p, Price: Price{Contracts: []*registryv1.ContractPublished{rate}}}))
	}
	void := func(st *story) []string {
		return st.take(Void(st.s, Withdrawal{Closed: &claimsv1.ClaimClosed{ClaimId: "clm_1", Reason: "billed by mistake", Withdrawn: true}, Payer: aetna}))
	}
	paid := func() *exchangev1.RemittanceClaim {
		return clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "3", 2000)), line("L2", 2000, 1000, cas("CO", "45", 1000)))
	}
	t.Run("two units instead of one are asked of the payer, at the contract's price for two", func(t *testing.T) {
		st := charged(t, visit(aetna), rate)
		st.says("correction", correct(st, aetna, units(2000, 30000)), "charge 17000 becomes 32000")
		if e := st.s.Charge.Expected; len(e) != 1 || e[0].AllowedAmount != 20000 || Owed(st.s.Open, aetna) != 32000 || st.s.Lines["L1"].Charge != 30000 {
			t.Fatalf("expected %v, open %v", e, st.s.Open)
		}
		st.says("again", correct(st, aetna, units(2000, 30000)))
		st.rem++
		st.says("the payer answers to what was corrected", st.post(aetna, clp(1, "1", line("L1", 30000, 20000, cas("CO", "45", 10000)), line("L2", 2000, 2000))),
			"L1 paid 20000", "L1 CO-45 off 10000", "L2 paid 2000", "posted 1", "settled")
	})
	t.Run("less than was paid is a credit until the payer takes it back and decides anew", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.post(aetna, paid())
		st.says("correction", correct(st, aetna, units(500, 7500)), "charge 17000 becomes 9500", "pay_1 has paid 7500 too much")
		st.rem++
		st.says("takeback", st.post(aetna, turned(paid(), 1)), "reversed rem_0/1 -10000", "posted 22", "pay_1 has not paid too much any more")
		st.says("decision", st.post(aetna, clp(2, "1", line("L1", 7500, 5500, cas("CO", "45", 2000)), line("L2", 2000, 1000, cas("CO", "45", 1000)))),
			"L1 paid 5500", "L1 CO-45 off 2000", "L2 paid 1000", "L2 CO-45 off 1000", "posted 1", "settled")
	})
	t.Run("other diagnoses or another authorization change nothing that is billed, a modifier does", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.says("pointers", correct(st, aetna, units(1000, 15000)))
		c := units(1000, 15000)
		c.Content.Lines[0].Modifiers = []string{"93"}
		st.says("modifier", correct(st, aetna, c), "charge 17000 becomes 17000")
		if n := len(st.all[len(st.all)-1].(*pb.ChargeCorrected).Legs); n != 0 {
			t.Fatalf("%d legs", n)
		}
	})
	t.Run("the claim to a later payer repeats the lines and changes nothing", func(t *testing.T) {
		st := charged(t, visit(aetna, medico))
		st.says("correction", correct(st, medico, units(2000, 30000)))
	})
	t.Run("a claim that is withdrawn before it was decided takes the charge off", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.says("void", void(st), "charge 17000 voided", "settled")
		st.says("again", void(st))
		st.says("a correction after it", correct(st, aetna, units(2000, 30000)))
		if got := Explained(st.s).Sentence(); got != "Session of 2 March 2026: the charge was taken back. Nothing is open." {
			t.Fatal(got)
		}
	})
	t.Run("after the payer has taken its decision back nothing is owed and the patient's money is free", func(t *testing.T) {
		st := charged(t, visit(aetna))
		st.post(aetna, paid())
		st.take(Take(st.s, &pb.PatientPaymentAssigned{PatientId: "pat_1", AccountId: "enc_1", PatientPaymentId: "ppm_1", Amount: 2000}))
		st.rem++
		st.post(aetna, turned(paid(), 1))
		st.says("void", void(st), "charge 17000 voided", "settled")
	})
	t.Run("a charge that no payer is asked for goes by itself, and frees what the patient paid", func(t *testing.T) {
		st := charged(t, visit())
		st.take(Take(st.s, &pb.PatientPaymentAssigned{PatientId: "pat_1", AccountId: "enc_1", PatientPaymentId: "ppm_1", Amount: 2000}))
		st.says("void", st.take(VoidSelfPay(st.s, &pb.VoidChargeRequest{AccountId: "enc_1", Reason: "signed by mistake"})), "charge 17000 voided", "allocated ppm_1 -2000", "settled")
		for want, s := range map[string]State{"posting.charge_stands": st.s, "posting.no_payer_asked": charged(t, visit(aetna)).s, "posting.account_exists": {}} {
			_, err := VoidSelfPay(s, &pb.VoidChargeRequest{AccountId: "enc_1", Reason: "r"})
			if r := refuse.Reasons(err); len(r) != 1 || r[0].RuleId != want {
				t.Errorf("%s: %v", want, err)
			}
		}
	})
	t.Run("what a later payer has paid is a credit", func(t *testing.T) {
		st := charged(t, visit(aetna, medico))
		first := func() *exchangev1.RemittanceClaim {
			return clp(1, "1", line("L1", 15000, 9000, cas("CO", "45", 4000), cas("PR", "2", 2000)), line("L2", 2000, 2000))
		}
		st.post(aetna, first())
		st.rem++
		st.post(medico, clp(1, "2", line("L1", 15000, 2000, cas("OA", "23", 13000))))
		st.rem++
		st.post(aetna, turned(first(), 1))
		st.says("void", void(st), "charge 17000 voided")
		if Owed(st.s.Open, aetna) != 0 || Owed(st.s.Open, medico) != -2000 {
			t.Fatalf("open %v", st.s.Open)
		}
	})
}

func TestCharge(t *testing.T) {
	t.Run("a visit without a payer is the patient's", func(t *testing.T) {
		st := charged(t, visit())
		if Owed(st.s.Open, Payer{}) != 17000 {
			t.Fatalf("the patient owes %d", Owed(st.s.Open, Payer{}))
		}
		st.says("charged again", st.take(Charge(st.s, Coded{Visit: visit()})))
	})
	t.Run("an imported claim opens with what earlier payers left", func(t *testing.T) {
		v := visit(aetna, medico)
		v.Imported = true
		v.PriorAdjudications = []*codingv1.PriorAdjudication{{PayerId: "pay_1", PayerSequence: primary, PaidAmount: 9000, Lines: []*codingv1.PriorLine{
			{LineId: "L1", PaidAmount: 9000, Adjustments: []*typev1.Adjustment{cas("CO", "45", 4000), cas("PR", "2", 2000)}},
			{LineId: "L2", Adjustments: []*typev1.Adjustment{cas("PR", "1", 2000)}},
		}}}
		st := charged(t, v)
		if p, s := Owed(st.s.Open, aetna), Owed(st.s.Open, medico); p != 0 || s != 4000 {
			t.Fatalf("primary owes %d, secondary %d", p, s)
		}
		st.says("the secondary", st.post(medico, clp(1, "2", line("L1", 15000, 1500, cas("OA", "23", 13000), cas("PR", "3", 500)), line("L2", 2000, 2000))),
			"L1 paid 1500", "L1 PR-3 to patient 500", "L2 paid 2000", "posted 2")
	})
	t.Run("what was paid before the move never was in our bank, and each leg names the segments that tell it", func(t *testing.T) {
		at := func(segment string, offset int64) *typev1.Source {
			return &typev1.Source{InterchangeId: "itc_1", Segment: segment, Offset: offset}
		}
		v := visit(aetna, medico)
		v.Imported, v.Source = true, at("CLM", 10)
		v.Lines = []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90837", ChargeAmount: 15000, Source: at("SV1", 20)}, {LineId: "L2", ServiceCode: "90785", ChargeAmount: 2000, Source: at("SV1", 30)}}
		v.PriorAdjudications = []*codingv1.PriorAdjudication{{PayerId: "pay_1", PayerSequence: primary, PaidAmount: 9000, Source: at("SBR", 15), Lines: []*codingv1.PriorLine{
			{LineId: "L1", PaidAmount: 9000, Adjustments: []*typev1.Adjustment{cas("CO", "45", 4000), cas("PR", "2", 2000)}, Source: at("SVD", 25)},
		}}}
		events, err := Charge(State{}, Coded{Visit: v})
		if err != nil {
			t.Fatal(err)
		}
		charge, prior := events[0].(*pb.ChargePosted), events[1].(*pb.PriorAdjudicationPosted)
		if charge.Source.GetSegment() != "CLM" || prior.Source.GetSegment() != "SBR" {
			t.Errorf("the charge comes from %v, the decision from %v", charge.Source, prior.Source)
		}
		for _, l := range charge.Legs {
			if want := map[string]int64{"L1": 20, "L2": 30}[l.LineId]; l.Source.GetSegment() != "SV1" || l.Source.Offset != want {
				t.Errorf("charge: %v", l)
			}
		}
		conversion := int64(0)
		for _, l := range prior.Legs {
			if l.LineId == "L1" && l.Source.GetOffset() != 25 {
				t.Errorf("decided: %v", l)
			}
			switch l.Account {
			case typev1.LedgerAccount_LEDGER_ACCOUNT_CONVERSION:
				conversion += l.Amount
			case typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING:
				t.Errorf("our bank never sees it: %v", l)
			}
		}
		if conversion != 9000 {
			t.Errorf("%d were paid before the move", conversion)
		}
	})
	t.Run("an account of before there was a conversion account counts the same", func(t *testing.T) {
		was := Evolve(State{}, &pb.PriorAdjudicationPosted{PayerId: "pay_1", PayerSequence: primary, Legs: []*typev1.Leg{
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, Amount: 9000, PayerId: "pay_1", LineId: "L1"},
			{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE, Amount: -9000, PayerId: "pay_1", PayerSequence: primary, LineId: "L1"},
		}})
		if was.Lines["L1"].Paid != 9000 {
			t.Errorf("%+v", was.Lines["L1"])
		}
	})
	t.Run("a later payer repeats what an earlier one took off: it is taken off once", func(t *testing.T) {
		v := visit(aetna, medico, Payer{"pay_3", tertiary})
		told := func(p Payer, paid int64) *codingv1.PriorAdjudication {
			return &codingv1.PriorAdjudication{PayerId: p.ID, PayerSequence: p.Sequence, PaidAmount: paid, Lines: []*codingv1.PriorLine{
				{LineId: "L1", PaidAmount: paid, Adjustments: []*typev1.Adjustment{cas("CO", "45", 12000)}},
			}}
		}
		v.PriorAdjudications = []*codingv1.PriorAdjudication{told(aetna, 2000), told(medico, 1000)}
		st := charged(t, v)
		if l := st.s.Lines["L1"]; l.Adjusted != 12000 || l.Paid != 3000 || l.Open != 0 {
			t.Fatalf("%+v", l)
		}
	})
	t.Run("told for the claim as a whole, it is booked for the claim as a whole", func(t *testing.T) {
		v := visit(medico)
		v.PriorAdjudications = []*codingv1.PriorAdjudication{{PayerId: "pay_1", PayerSequence: primary, PaidAmount: 9000, Adjustments: []*typev1.Adjustment{cas("CO", "45", 4000), cas("PR", "2", 4000)}}}
		st := charged(t, v)
		if p, s := Owed(st.s.Open, aetna), Owed(st.s.Open, medico); p != 0 || s != 4000 {
			t.Fatalf("primary owes %d, secondary %d", p, s)
		}
	})
}

// Of the rates that fit, the one that says most about the service counts.
func TestExpect(t *testing.T) {
	psychologist := typev1.LicenseType_LICENSE_TYPE_PSYCHOLOGIST
	rate := func(modifier string, license typev1.LicenseType, amount int64) *registryv1.ContractRate {
		return &registryv1.ContractRate{ServiceCode: "90837", Modifier: modifier, LicenseType: license, AllowedAmount: amount}
	}
	contract := func(id, from, thru string, rates ...*registryv1.ContractRate) *registryv1.ContractPublished {
		return &registryv1.ContractPublished{ContractId: id, FromDate: from, ThruDate: thru, Rates: rates}
	}
	anybody, ours := rate("", 0, 100), rate("", psychologist, 200)
	video, both := rate("95", 0, 300), rate("95", psychologist, 400)
	for _, c := range []struct {
		name      string
		contracts []*registryv1.ContractPublished
		units     int32
		want      int64 // 0: nothing is expected
	}{
		{"no contract", nil, 1000, 0},
		{"for everybody", []*registryv1.ContractPublished{contract("c", "2026-01-01", "", anybody)}, 1000, 100},
		{"the license says more", []*registryv1.ContractPublished{contract("c", "2026-01-01", "", ours, anybody)}, 1000, 200},
		{"the modifier more than the license", []*registryv1.ContractPublished{contract("c", "2026-01-01", "", video, ours, anybody)}, 1000, 300},
		{"both most", []*registryv1.ContractPublished{contract("c", "2026-01-01", "", video, both, ours)}, 1000, 400},
		{"another modifier says nothing", []*registryv1.ContractPublished{contract("c", "2026-01-01", "", rate("GT", 0, 900))}, 1000, 0},
		{"by units", []*registryv1.ContractPublished{contract("c", "2026-01-01", "", anybody)}, 2500, 250},
		{"the last day counts, the day after doesn't", []*registryv1.ContractPublished{contract("c", "2026-01-01", march, anybody), contract("d", "2025-01-01", "2026-03-01", both)}, 1000, 100},
		{"the contract that began last", []*registryv1.ContractPublished{contract("d", "2026-02-01", "", ours), contract("c", "2026-01-01", "", both)}, 1000, 200},
	} {
		lines := []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90837", Modifiers: []string{"HP", "95"}, UnitsThousandths: c.units}}
		var got int64
		for _, e := range Expect(c.contracts, psychologist, lines, march) {
			got = e.AllowedAmount
		}
		if got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// Whatever payers say in whatever order, charge = paid + adjusted + moved to the patient + open for every line, the cash is the sum of what the remittances paid, PR is never a
// denial, CO never moves to the patient, a reversal undoes one live payment once, and no patient money stays beyond what is owed. What is in dispute is open with the payer that it is
// disputed with, and no payer with a contract gives the patient what the contract takes off.
func TestWhatIsChargedIsAlwaysSomewhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payers := []Payer{aetna, medico, {"pay_3", tertiary}}[:rapid.IntRange(0, 3).Draw(t, "payers")]
		v := visit(payers...)
		if len(payers) > 1 && rapid.Bool().Draw(t, "imported") {
			v.PriorAdjudications = []*codingv1.PriorAdjudication{{PayerId: payers[0].ID, PayerSequence: primary, PaidAmount: 5000, Adjustments: []*typev1.Adjustment{cas("CO", "45", 6000)}}}
			if rapid.Bool().Draw(t, "by line") {
				v.PriorAdjudications[0].Lines = []*codingv1.PriorLine{{LineId: "L1", PaidAmount: 5000, Adjustments: []*typev1.Adjustment{cas("PR", "3", 4000)}}}
			}
		}
		var contracts []*registryv1.ContractPublished
		if rapid.Bool().Draw(t, "contract") {
			contracts = append(contracts, agreed())
		}
		st := charged(t, v, contracts...)
		st.contracts = contracts
		var sent []*exchangev1.RemittanceClaim
		var from []Payer
		reversed := map[Key]bool{}
		var cash, given int64
		for step := range rapid.IntRange(1, 25).Draw(t, "steps") {
			st.rem = step
			before := len(st.all)
			switch kind := rapid.IntRange(0, 8).Draw(t, "kind"); {
			case kind == 0:
				amount := rapid.Int64Range(1, 9000).Draw(t, "amount")
				st.take(Take(st.s, &pb.PatientPaymentAssigned{PatientId: "pat_1", AccountId: "enc_1", PatientPaymentId: fmt.Sprint("ppm_", step), Amount: amount}))
			case len(payers) == 0:
			case kind == 7 && len(st.s.Disputes) > 0:
				d := rapid.SampledFrom(st.s.Disputes).Draw(t, "given up")
				st.accept(d.ClaimID, d.LineID)
			case kind == 6 && rapid.IntRange(0, 7).Draw(t, "void") == 0:
				st.take(Void(st.s, Withdrawal{Closed: &claimsv1.ClaimClosed{ClaimId: "clm_1", Withdrawn: true}, Payer: payers[0]}))
			case kind == 8 && len(payers) > 1 && rapid.IntRange(0, 3).Draw(t, "left") == 0:
				p := rapid.SampledFrom(payers[1:]).Draw(t, "whose claim is taken back")
				st.take(MoveOn(st.s, Withdrawal{Closed: &claimsv1.ClaimClosed{ClaimId: "clm_9", Withdrawn: true, ChargeStands: true}, Payer: p}))
			case kind == 6:
				lines := []*typev1.ServiceLine{proto.CloneOf(v.Lines[0]), proto.CloneOf(v.Lines[1])}
				l := rapid.SampledFrom(lines).Draw(t, "corrected")
				l.ChargeAmount = rapid.Int64Range(1, 30000).Draw(t, "charge")
				if !st.s.Voided && payers[0] == aetna && len(v.PriorAdjudications) == 0 {
					v.Lines = lines // what the payers decide on from now on
				}
				st.take(Correct(st.s, Correction{Payer: payers[0], Prepared: &claimsv1.CorrectedClaimPrepared{
					ClaimId: "clm_1", ClaimVersion: int32(step + 2), Content: &claimsv1.ClaimContent{Lines: v.Lines},
				}}))
			case kind == 1 && len(sent) > 0:
				i := rapid.IntRange(0, len(sent)-1).Draw(t, "undo")
				c := turned(sent[i], 1)
				cash += c.PaidAmount
				st.post(from[i], c)
			default:
				p := rapid.SampledFrom(payers).Draw(t, "payer")
				var lines []*exchangev1.RemittanceLine
				for i, l := range v.Lines {
					id := l.LineId
					if rapid.IntRange(0, 5).Draw(t, "lost") == 0 {
						id = ""
					}
					x := line(id, l.ChargeAmount, 0)
					left := l.ChargeAmount
					for range rapid.IntRange(0, 3).Draw(t, "adjustments") {
						amount := rapid.Int64Range(-200, left).Draw(t, "adjusted")
						left -= amount
						x.Adjustments = append(x.Adjustments, cas(rapid.SampledFrom([]string{"CO", "PR", "OA", "PI"}).Draw(t, "group"),
							rapid.SampledFrom([]string{"45", "3", "197", "23", "253", "zz"}).Draw(t, "carc"), amount))
					}
					x.PaidAmount = left
					if i == 0 || rapid.Bool().Draw(t, "both") {
						lines = append(lines, x)
					}
				}
				c := clp(1, rapid.SampledFrom([]string{"1", "2", "4", "23"}).Draw(t, "status"), lines...)
				if off := rapid.Int64Range(-300, 300).Draw(t, "claim level"); off != 0 {
					c.Adjustments = []*typev1.Adjustment{cas("CO", "45", off)}
					c.PaidAmount -= off
				}
				cash += c.PaidAmount
				st.post(p, c)
				sent, from = append(sent, c), append(from, p)
			}
			for _, e := range st.all[before:] {
				switch e := e.(type) {
				case *pb.DenialRecorded:
					if e.GroupCode == "PR" {
						t.Fatalf("PR became a denial: %v", e)
					}
				case *pb.ResponsibilityTransferred:
					if e.GroupCode != "PR" {
						t.Fatalf("%s moved on: %v", e.GroupCode, e)
					}
					if e.Carc == "45" && e.Amount > 0 && contracts != nil {
						t.Fatalf("the contract forbids it: %v", e)
					}
				case *pb.ClaimPaymentPosted:
					if want := inDispute(st.s.Disputes, func(d Dispute) bool { return d.ClaimID == e.ClaimId }); e.DisputedAmount != want {
						t.Fatalf("told %d in dispute, it is %d", e.DisputedAmount, want)
					}
				case *pb.PostingReversed:
					key := Key{e.ReversedRemittanceId, e.ReversedClaimOrdinal}
					if reversed[key] {
						t.Fatalf("%v was undone twice", key)
					}
					reversed[key] = true
				case *pb.PatientPaymentAllocated:
					given += e.Amount
				}
			}
			check(t, st, v, cash, given)
		}
	})
}

func check(t *rapid.T, st *story, v *codingv1.CodingCompleted, cash, given int64) {
	if st.cash != cash {
		t.Fatalf("cash booked %d, told %d", st.cash, cash)
	}
	var charge, paid, adjusted, patient, open int64
	for id, l := range st.s.Lines {
		if l.Charge != l.Paid+l.Adjusted+l.Patient+l.Open {
			t.Fatalf("line %q: charge %d, paid %d, adjusted %d, patient %d, open %d", id, l.Charge, l.Paid, l.Adjusted, l.Patient, l.Open)
		}
		charge, paid, adjusted, patient, open = charge+l.Charge, paid+l.Paid, adjusted+l.Adjusted, patient+l.Patient, open+l.Open
	}
	if want := v.Lines[0].ChargeAmount + v.Lines[1].ChargeAmount; st.s.Voided && charge != 0 || !st.s.Voided && charge != want {
		t.Fatalf("charge %d of %d, voided: %v", charge, want, st.s.Voided)
	}
	var owed, held int64
	for place, amount := range st.s.Open {
		if place.Payer != (Payer{}) {
			owed += amount
		}
	}
	for _, a := range st.s.Allocated {
		if a.Amount < 0 {
			t.Fatalf("payment %s gave back more than it paid", a.PaymentID)
		}
		held += a.Amount
	}
	if owed != open || Owed(st.s.Open, Payer{}) != patient-given || held != given {
		t.Fatalf("open %d by payer, %d by line; the patient owes %d, was asked %d and gave %d (held %d)", owed, open, Owed(st.s.Open, Payer{}), patient, given, held)
	}
	told := Explained(st.s)
	left, plans := told.Before, int64(0)
	for _, x := range told.Shares {
		left += x.Amount
	}
	for _, amount := range told.WithPlans {
		plans += amount
	}
	if st.s.Voided {
		left = patient // what was left to the patient is asked no more
		if patient != 0 {
			t.Fatalf("the charge was taken off, and the patient is asked for %d", patient)
		}
	}
	if len(v.ResponsiblePayers) == 0 {
		left = charge // there is no plan to give a reason
	}
	if told.Charge != charge || told.Paid != paid || told.Discount != adjusted || told.PatientPaid != given || left != patient || told.WithPatient != patient-given || plans != open {
		t.Fatalf("explained %+v; charge %d, paid %d, adjusted %d, the patient was asked %d and gave %d, open %d", told, charge, paid, adjusted, patient, given, open)
	}
	if held > 0 && Owed(st.s.Open, Payer{}) < 0 {
		t.Fatalf("the patient paid %d too much and %d is held", -Owed(st.s.Open, Payer{}), held)
	}
	for _, q := range st.s.Questions {
		var stands int64
		for _, p := range live(st.s) {
			if p.Payer == q.Later {
				stands += p.Claim.PaidAmount
			}
		}
		if stands <= 0 || q.Later.Sequence <= q.Earlier.Sequence {
			t.Fatalf("%v is asked about %d", q, stands)
		}
	}
	for _, d := range st.s.Disputes {
		of := inDispute(st.s.Disputes, func(o Dispute) bool { return o.Payer == d.Payer })
		if open := Owed(st.s.Open, d.Payer); d.Amount <= 0 || of > open {
			t.Fatalf("%d of %d in dispute with %s, which owes %d", d.Amount, of, d.Payer.ID, open)
		}
		if st.s.Settled {
			t.Fatalf("settled, and in dispute: %v", d)
		}
	}
	if st.s.Settled != settled(st.s.Open) {
		t.Fatalf("settled %v, balances %v", st.s.Settled, st.s.Open)
	}
}
