package posting_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/services/posting/account"
	"github.com/evenkeel/evenkeel/services/posting/remittance"
)

// Whatever a balanced remittance holds (payments, denials, takebacks that answer to something or to nothing, claims that aren't ours, adjustments of the provider), what it does to
// cash.clearing sums to its payment, and every entry balances. Taken in twice, it is booked once.
func TestTheCashOfARemittanceIsItsPayment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		states := map[string]account.State{}
		visit := func(id string) {
			if states[id].Charge != nil {
				return
			}
			events, err := account.Charge(account.State{}, account.Coded{Visit: &codingv1.CodingCompleted{
				EncounterId: id, PatientId: "pat_1", ServiceDate: march, Lines: []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90837", UnitsThousandths: 1000, ChargeAmount: 15000}},
				ResponsiblePayers: []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: primary}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				states[id] = account.Evolve(states[id], e)
			}
		}
		for file := range rapid.IntRange(1, 4).Draw(t, "files") {
			read := advice(fmt.Sprint("rem_", file), fmt.Sprint("T", file), 0)
			for i := range rapid.IntRange(0, 5).Draw(t, "claims") {
				c := &exchangev1.RemittanceClaim{Ordinal: int32(i + 1), StatusCode: rapid.SampledFrom([]string{"1", "4", "22", "23"}).Draw(t, "status")}
				sign := int64(1)
				if c.StatusCode == "22" {
					sign = -1
				}
				if n := rapid.IntRange(0, 3).Draw(t, "account"); n > 0 {
					c.ClaimId = fmt.Sprint("enc_", n)
				}
				off := rapid.SampledFrom([]int64{0, 4000, 15000}).Draw(t, "off")
				l := &exchangev1.RemittanceLine{LineId: "L1", ChargeAmount: sign * 15000, PaidAmount: sign * (15000 - off)}
				if off != 0 {
					l.Adjustments = []*typev1.Adjustment{{GroupCode: "CO", Carc: rapid.SampledFrom([]string{"45", "197"}).Draw(t, "carc"), Amount: sign * off}}
				}
				c.Lines, c.ChargeAmount, c.PaidAmount = []*exchangev1.RemittanceLine{l}, l.ChargeAmount, l.PaidAmount
				if whole := sign * rapid.SampledFrom([]int64{0, 0, 300}).Draw(t, "whole"); whole != 0 {
					c.Adjustments, c.PaidAmount = []*typev1.Adjustment{{GroupCode: "CO", Carc: "253", Amount: whole}}, c.PaidAmount-whole
				}
				read.PaymentAmount += c.PaidAmount
				read.Claims = append(read.Claims, c)
			}
			for range rapid.IntRange(0, 3).Draw(t, "plb") {
				amount := rapid.Int64Range(-5000, 5000).Draw(t, "amount")
				read.PaymentAmount -= amount
				read.ProviderAdjustments = append(read.ProviderAdjustments, &exchangev1.ProviderAdjustment{
					ReasonCode: rapid.SampledFrom([]string{"WO", "FB", "72", "L6", "CS", "LE", "??"}).Draw(t, "reason"), Amount: amount,
				})
			}
			if read.PaymentAmount < 0 { // the payer carries it forward
				read.ProviderAdjustments = append(read.ProviderAdjustments, &exchangev1.ProviderAdjustment{ReasonCode: "FB", Amount: read.PaymentAmount})
				read.PaymentAmount = 0
			}
			var cash int64
			book := func(events []es.Event, err error) {
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range events {
					entry, ok := e.(interface{ GetLegs() []*typev1.Leg })
					if !ok {
						continue
					}
					if off := money.Residual(entry.GetLegs()); off != 0 {
						t.Fatalf("%T is off by %d", e, off)
					}
					for _, l := range entry.GetLegs() {
						if l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING {
							cash += l.Amount
						}
					}
				}
			}
			events, err := remittance.Receive(remittance.State{}, remittance.Advised{Read: read})
			book(events, err)
			for range 2 {
				for _, e := range events {
					balanced, ok := e.(*pb.RemittanceBalanced)
					if _, no := e.(*pb.RemittanceQuarantined); no {
						t.Fatalf("quarantined: %v", e)
					}
					if !ok {
						continue
					}
					for _, c := range balanced.Claims {
						visit(c.ClaimId)
						posted, err := account.Post(states[c.ClaimId], account.Advice{
							AccountID: c.ClaimId, RemittanceID: balanced.RemittanceId, RemitterID: "pay_1", ClaimID: "clm_" + c.ClaimId,
							Payer: account.Payer{ID: "pay_1", Sequence: primary}, Claim: c,
						})
						book(posted, err)
						for _, e := range posted {
							states[c.ClaimId] = account.Evolve(states[c.ClaimId], e)
						}
					}
				}
			}
			if cash != read.PaymentAmount {
				t.Fatalf("cash %d, payment %d", cash, read.PaymentAmount)
			}
		}
	})
}
