package reporting_test

import (
	"testing"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/services/reporting"
)

// corrected is the practice after a charge of 900.00 became one of 700.00, and a visit that its payer and its patient share was taken back.
func corrected(t *testing.T) *books {
	b := busy(t)
	b.on("2026-07-05")
	b.publish("posting", "account/enc_8", &postingv1.ChargeCorrected{AccountId: "enc_8", PatientId: "pat_enc_8", ClaimId: "clm_enc_8", ClaimVersion: 2, ServiceDate: today,
		ChargeAmount: 700_00, PreviousChargeAmount: 900_00, Legs: []*typev1.Leg{leg(revenue, 200_00, ""), leg(ar, -200_00, "pay_1")}})
	b.publish("posting", "account/enc_7", &postingv1.ChargeCorrected{AccountId: "enc_7", PatientId: "pat_enc_7", ClaimId: "clm_enc_7", ClaimVersion: 2, ChargeAmount: 800_00, PreviousChargeAmount: 800_00}) // only a modifier
	b.on("2026-07-08")
	b.publish("claims", "claim/clm_two", &claimsv1.ClaimClosed{ClaimId: "clm_two", Reason: "voided", Withdrawn: true, ChargeAmount: 200_00, PayerId: "pay_2"})
	b.publish("posting", "account/two", &postingv1.ChargeVoided{AccountId: "two", EncounterId: "two", PatientId: "pat_two", ClaimId: "clm_two", ServiceDate: today, ChargeAmount: 200_00,
		Legs: []*typev1.Leg{leg(revenue, 200_00, ""), leg(ar, -170_00, "pay_2"), leg(arPatient, -30_00, "")}})
	b.caughtUp()
	return b
}

func TestACorrectedOrVoidedChargeIsWhatItIsOnEachDay(t *testing.T) {
	b := corrected(t)
	for _, c := range []struct {
		name, day         string
		enc8, two         int64 // charged; -1: no row
		open, charged     int64 // of all payers
		gross, secondPays int64 // charges of 90 days; claims of the second payer
	}{
		{"before, the old charges are shown", "2026-07-04", 900_00, 200_00, 4530_00, 4700_00, 4700_00 - 100_00 - 200_00 - 300_00 - 400_00, 1},
		{"corrected, the new one", "2026-07-05", 700_00, 200_00, 4330_00, 4500_00, 4500_00 - 100_00 - 200_00 - 300_00 - 400_00, 1},
		{"voided, nothing is charged, and what was paid is a credit", "2026-07-08", 700_00, 0, 4130_00, 4300_00, 4300_00 - 100_00 - 200_00 - 300_00 - 400_00, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := hosttest.As(t.Context(), b.p, "")
			rows, err := b.api.ListAgingRows(ctx, &pb.ListAgingRowsRequest{AsOf: c.day})
			if err != nil {
				t.Fatal(err)
			}
			charged := map[string]int64{}
			for _, r := range rows.Rows {
				charged[r.AccountId] = r.ChargeAmount.AmountMinor
			}
			if charged["enc_8"] != c.enc8 || charged["two"] != c.two || rows.TotalAmount.AmountMinor != c.open {
				t.Errorf("charged %v, %d open", charged, rows.TotalAmount.AmountMinor)
			}
			p, err := b.api.GetPayers(ctx, &pb.GetPayersRequest{AsOf: c.day})
			if err != nil || !p.EqualsLedger || p.Total.ChargedAmount.AmountMinor != c.charged {
				t.Fatal(p, err)
			}
			for _, r := range p.Payers {
				if r.ChargedAmount.AmountMinor != r.AllowedAmount.AmountMinor+r.ContractualAmount.AmountMinor+r.OpenAmount.AmountMinor-r.CreditAmount.AmountMinor {
					t.Errorf("charged is not allowed, contractual and open together: %v", r)
				}
				if r.PayerId == "pay_2" && r.Claims != c.secondPays {
					t.Errorf("%d claims of the second payer", r.Claims)
				}
			}
			k, err := b.api.GetKpis(ctx, &pb.GetKpisRequest{AsOf: c.day})
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range k.Kpis {
				if x.KpiId == "days_in_ar" && (x.Denominator != c.gross || x.Numerator != c.open) {
					t.Errorf("days in A/R of %d ÷ %d", x.Numerator, x.Denominator)
				}
			}
		})
	}
	t.Run("the account has its charge of now, the claim the day it was taken back", func(t *testing.T) {
		var enc8, two int64
		if err := b.db().QueryRow(t.Context(), `SELECT (SELECT charge_amount FROM accounts WHERE account_id = 'enc_8'), (SELECT charge_amount FROM accounts WHERE account_id = 'two')`).Scan(&enc8, &two); err != nil || enc8 != 700_00 || two != 0 {
			t.Fatal(enc8, two, err)
		}
		r, err := b.api.ListClaims(hosttest.As(t.Context(), b.p, ""), &pb.ListClaimsRequest{AccountId: "two"})
		if err != nil || len(r.Claims) != 1 || r.Claims[0].Status != "closed" || r.Claims[0].WithdrawnDate != date.Add(today, 8) {
			t.Fatal(r, err)
		}
	})
	t.Run("what was paid of the voided visit is a credit, apart from what is owed", func(t *testing.T) {
		ctx := hosttest.As(t.Context(), b.p, "")
		a := b.aging(&pb.GetAgingRequest{GroupBy: pb.GroupBy_GROUP_BY_LOCATION})
		north := a.Groups[0]
		if a.Total.DebitAmount.AmountMinor != 4300_00 || a.Total.CreditAmount.AmountMinor != 170_00 || a.Total.Total.AmountMinor != 4130_00 || a.Total.Accounts != 9 || a.Total.CreditAccounts != 1 ||
			north.GroupId != "loc_1" || north.CreditAmount.AmountMinor != 170_00 || amounts(north)[0] != 700_00 {
			t.Fatal(a)
		}
		r, err := b.api.ListAgingRows(ctx, &pb.ListAgingRowsRequest{Bucket: "credit"})
		if err != nil || len(r.Rows) != 1 || r.Rows[0].Bucket != "credit" || r.Rows[0].AccountId != "two" || r.TotalAmount.AmountMinor != -170_00 {
			t.Fatal(r, err)
		}
		p, err := b.api.GetPayers(ctx, &pb.GetPayersRequest{})
		if err != nil || !p.EqualsLedger || p.Total.OpenAmount.AmountMinor != 4300_00 || p.Total.CreditAmount.AmountMinor != 170_00 {
			t.Fatal(p, err)
		}
		for _, x := range p.Payers {
			if x.PayerId == "pay_2" && (x.OpenAmount.AmountMinor != 0 || x.CreditAmount.AmountMinor != 170_00) {
				t.Fatal(x)
			}
		}
		conn := b.signIn("finance_test_credit")
		b.asAdmin(`INSERT INTO reporting.finance_tenants VALUES ('finance_test_credit', $1)`, hosttest.Tenant)
		var bucket string
		if err := conn.QueryRow(t.Context(), `SELECT bucket FROM reporting.finance_ar_aging WHERE balance_amount = -170`).Scan(&bucket); err != nil || bucket != "credit" {
			t.Fatal(bucket, err)
		}
	})
	t.Run("a rebuild finds the same", func(t *testing.T) {
		if found := b.verify(); len(found.Findings) > 0 {
			t.Fatal(found.Findings)
		}
		if done, err := reporting.Rebuild(t.Context(), b.rebuilding()); err != nil || !done.Swapped || len(done.Differences) > 0 {
			t.Fatal(done, err)
		}
	})
}
