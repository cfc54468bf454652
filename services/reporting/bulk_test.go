package reporting_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/reporting"
)

// Everything that a table is made of, in any order: facts of what is not there yet, twice the same denial, days that go back.
func TestABulkFoldMakesWhatProjectMakes(t *testing.T) {
	const seed, events = 5, 900
	r := rand.New(rand.NewPCG(seed, seed))
	b := open(t)
	made := map[string]bool{}
	once := func(what string) bool {
		first := !made[what]
		made[what] = true
		return first
	}
	any := func(of string, n int) string { return fmt.Sprint(of, r.IntN(n)) }
	for range events {
		day := date.Add("2026-02-01", r.IntN(100))
		b.on(day)
		account, claim, rem, dep, line, carc := any("acc_", 15), any("clm_acc_", 15), any("rem_", 6), any("dep_", 6), any("L", 2), any("19", 3)
		amount, payer := int64(1+r.IntN(4))*10_00, fmt.Sprint("pay_", 1+r.IntN(3))
		from := leg(ar, -amount, payer)
		from.PayerSequence = typev1.PayerSequence(1 + r.IntN(2))
		service, stream := "claims", "claim/"+claim
		var e es.Event
		switch r.IntN(27) {
		case 0, 1:
			if once(account) {
				b.charge(account, []string{"", "pay_1", "pay_2"}[r.IntN(3)], any("loc_", 3), day, amount)
			}
			continue
		case 2:
			service, stream, e = "registry", "payer/"+payer, &registryv1.PayerRegistered{PayerId: payer, Name: any("Payer ", 3), EdiPayerId: "E"}
		case 3:
			id := any("cli_", 3)
			service, stream, e = "registry", "clinician/"+id, &registryv1.ClinicianRegistered{ClinicianId: id, Name: &typev1.PersonName{First: "A", Last: any("B", 2)}}
		case 4:
			e = &postingv1.InsurancePaymentPosted{AccountId: account, ClaimId: claim, RemittanceId: rem, PaidAmount: amount, Source: source(100), Legs: []*typev1.Leg{leg(cash, amount, payer), from}}
		case 5:
			from.Source = &typev1.Source{InterchangeId: "itc_2", Offset: 7, Length: 3, Segment: "SVC", FileSha256: "cd"}
			e = &postingv1.ContractualAdjusted{AccountId: account, ClaimId: claim, Carc: "45", Amount: amount, Source: source(200), Legs: []*typev1.Leg{leg(contractual, amount, payer), from}}
		case 6:
			e = &postingv1.ResponsibilityTransferred{AccountId: account, Amount: amount, Legs: []*typev1.Leg{leg(arPatient, amount, ""), from}}
		case 7:
			e = &postingv1.ChargeCorrected{AccountId: account, ChargeAmount: 30_00 + amount, Legs: []*typev1.Leg{leg(revenue, amount, ""), from}}
		case 8:
			e = &postingv1.ChargeVoided{AccountId: account, ChargeAmount: amount, Legs: []*typev1.Leg{leg(revenue, amount, ""), leg(arPatient, -amount, "")}}
		case 9:
			if !once(rem) {
				continue
			}
			service, stream, e = "posting", "remittance/"+rem, &postingv1.RemittanceReceived{RemittanceId: rem, PayerId: payer, PayerName: "N", TraceNumber: rem, PaymentAmount: amount}
		case 10:
			service, stream, e = "posting", "remittance/"+rem, &postingv1.RemittanceBalanced{RemittanceId: rem}
		case 11:
			service, stream, e = "posting", "remittance/"+rem, &postingv1.RemittanceQuarantined{RemittanceId: rem}
		case 12:
			service, stream = "posting", "deposit/"+dep
			e = &postingv1.DepositReceived{DepositId: dep, PayerId: []string{payer, ""}[r.IntN(2)], PayerIdentifier: "P", TraceNumber: dep, Amount: amount, DepositDate: date.Add(day, -1), Legs: []*typev1.Leg{leg(bank, amount, ""), leg(cash, -amount, payer)}}
		case 13:
			service, stream = "posting", "settlement/set_"+dep
			switch r.IntN(4) {
			case 0:
				e = &postingv1.DepositWithdrawn{DepositId: dep, RemittanceId: rem}
			case 1:
				stream, e = "deposit/"+dep, &postingv1.DepositReversed{DepositId: dep, Amount: amount, ReversedDate: day}
			case 2:
				e = &postingv1.RemittanceMatched{RemittanceId: rem, DepositId: dep, TraceNumber: "T", Amount: amount}
			default:
				e = &postingv1.RemittanceMatched{RemittanceId: rem, DepositId: dep, TraceNumber: "T", Amount: amount, PayerId: payer}
			}
		case 14:
			e = &claimsv1.ClaimScrubbed{ClaimId: claim, Clean: r.IntN(2) > 0, Edits: make([]*claimsv1.EditFailure, 0)}
		case 15:
			e = &claimsv1.ClaimHeld{ClaimId: claim}
		case 16:
			e = &claimsv1.ClaimReleased{ClaimId: claim}
		case 17:
			e = &claimsv1.SubmissionRequested{ClaimId: claim, Content: &claimsv1.ClaimContent{ChargeAmount: amount}}
		case 18:
			e = &claimsv1.ClaimSubmitted{ClaimId: claim, ClaimVersion: int32(1 + r.IntN(2)), SubmittedDate: day}
		case 19:
			e = &claimsv1.ClaimAcknowledged{ClaimId: claim, Level: claimsv1.AcknowledgmentLevel(1 + r.IntN(3))}
		case 20:
			e = &claimsv1.ClaimRejected{ClaimId: claim}
		case 21:
			e = &claimsv1.CorrectedClaimPrepared{ClaimId: claim, ClaimVersion: 2, Content: &claimsv1.ClaimContent{ChargeAmount: amount}}
		case 22, 23:
			e = &claimsv1.ClaimAdjudicated{ClaimId: claim, RemittanceId: rem, PaidAmount: amount * int64(r.IntN(3)-1), Reversal: r.IntN(4) == 0}
		case 24, 25:
			e = &claimsv1.LineDenied{ClaimId: claim, LineId: line, RemittanceId: rem, GroupCode: "CO", Carc: carc, DeniedAmount: amount, PayerId: payer, LocationId: "loc_1", Label: "words", Rarc: []string{"N54"}}
		case 26:
			switch r.IntN(3) {
			case 0:
				e = &claimsv1.DenialOverturned{ClaimId: claim, LineId: line, Carc: carc, RemittanceId: rem}
			case 1:
				e = &claimsv1.ClaimClosed{ClaimId: claim, Withdrawn: r.IntN(2) > 0}
			default:
				e = &claimsv1.ClaimReopened{ClaimId: claim}
			}
		}
		if _, ok := e.(interface{ GetLegs() []*typev1.Leg }); ok && service == "claims" {
			service, stream = "posting", "account/"+account
		}
		b.publish(service, stream, e)
	}
	b.on("2026-06-01")
	b.caughtUp()
	if found := b.verify(); len(found.Findings) > 0 {
		t.Fatalf("seed %d: %q", seed, found.Findings)
	}
	done, err := reporting.Rebuild(t.Context(), b.rebuilding())
	if err != nil || !done.Swapped || len(done.Differences) > 0 {
		t.Fatalf("seed %d: built anew: %+v, %v", seed, done, err)
	}
	for _, table := range []string{"payers", "clinicians", "accounts", "balances", "receivables", "claims", "denials", "deposits", "remittances"} {
		var rows int
		if err := b.db().QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&rows); err != nil || rows < 3 {
			t.Errorf("seed %d: %s has %d rows: the test looks in the wrong place; %v", seed, table, rows, err)
		}
	}
}
