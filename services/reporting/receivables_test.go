package reporting_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/reporting"
)

// slowly folds the legs up to a day, groups them as an aging does, and takes nothing from a table that was made for it.
const slowly = `WITH place AS (
		SELECT account_id, CASE ledger_account WHEN 'ar_patient' THEN 'patient' ELSE payer_id END AS payer_id, payer_sequence, sum(amount)::bigint AS amount FROM ledger_legs
		WHERE occurred_on <= $1::date AND ledger_account IN ('ar_insurance', 'ar_patient') GROUP BY 1, 2, 3 HAVING sum(amount) <> 0),
	aged AS (SELECT p.*, a.location_id, $1::date - CASE WHEN $2 AND a.bill_date <= $1::date THEN a.bill_date ELSE a.service_date END AS days FROM place p JOIN accounts a USING (account_id))
	SELECT CASE WHEN $3 THEN location_id ELSE payer_id END, CASE WHEN amount < 0 THEN 5 WHEN days <= 30 THEN 0 WHEN days <= 60 THEN 1 WHEN days <= 90 THEN 2 WHEN days <= 120 THEN 3 ELSE 4 END, sum(amount)::bigint, count(DISTINCT account_id)
	FROM aged WHERE $4 = '' OR payer_id = $4 GROUP BY 1, 2`

func TestReceivablesAreTheSlowFoldOfAnyDay(t *testing.T) {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, seed))
	b := open(t)
	const accounts, days = 12, 150
	day := func() string { return date.Add("2026-02-01", r.IntN(days)) }
	charged := map[string]bool{}
	for range 200 {
		account := fmt.Sprint("acc_", r.IntN(accounts))
		b.on(day()) // also days that lie before what was booked last
		amount := int64(1+r.IntN(3)) * 10_00
		payer := fmt.Sprint("pay_", 1+r.IntN(2))
		pays := leg(ar, -amount, payer)
		pays.PayerSequence = typev1.PayerSequence(1 + r.IntN(2))
		var e es.Event
		switch what := r.IntN(8); {
		case !charged[account] && r.IntN(3) > 0: // money may come before the charge
			charged[account] = true
			b.charge(account, payer, fmt.Sprint("loc_", 1+r.IntN(2)), day(), amount)
			continue
		case what < 3:
			e = &postingv1.InsurancePaymentPosted{AccountId: account, PaidAmount: amount, Legs: []*typev1.Leg{leg(cash, amount, payer), pays}}
		case what < 5:
			e = &postingv1.ResponsibilityTransferred{AccountId: account, Amount: amount, Legs: []*typev1.Leg{leg(arPatient, amount, ""), pays}}
		case what < 6: // what leaves the receivable where it was
			e = &postingv1.ResponsibilityTransferred{AccountId: account, Amount: amount, Legs: []*typev1.Leg{leg(arPatient, amount, ""), leg(arPatient, -amount, "")}}
		case what < 7:
			e = &postingv1.PatientPaymentAllocated{AccountId: account, Amount: amount, Legs: []*typev1.Leg{leg(held, amount, ""), leg(arPatient, -amount, "")}}
		case charged[account]:
			b.publish("claims", "claim/clm_"+account, &claimsv1.ClaimSubmitted{ClaimId: "clm_" + account, ClaimVersion: 1, SubmittedDate: day()})
			continue
		default:
			continue
		}
		b.publish("posting", "account/"+account, e)
	}
	b.on(date.Add("2026-02-01", days))
	b.caughtUp()
	if found := b.verify(); len(found.Findings) > 0 {
		t.Fatalf("seed %d: %q", seed, found.Findings)
	}
	type cell struct{ Amount, Accounts int64 }
	for i := -1; i <= days; i += 7 {
		for kind := range 8 {
			q := &pb.GetAgingRequest{AsOf: date.Add("2026-02-01", i)}
			if kind&1 != 0 {
				q.Basis = pb.AgingBasis_AGING_BASIS_BILL_DATE
			}
			if kind&2 != 0 {
				q.GroupBy = pb.GroupBy_GROUP_BY_LOCATION
			}
			if kind&4 != 0 {
				q.PayerId = "pay_1"
			}
			want, got := map[string]cell{}, map[string]cell{}
			rows, err := b.db().Query(t.Context(), slowly, q.AsOf, kind&1 != 0, kind&2 != 0, q.PayerId)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var id string
				var bucket int
				var c cell
				if err := rows.Scan(&id, &bucket, &c.Amount, &c.Accounts); err != nil {
					t.Fatal(err)
				}
				want[fmt.Sprint(id, " ", bucket)] = c
			}
			if rows.Err() != nil {
				t.Fatal(rows.Err())
			}
			for _, g := range b.aging(q).Groups {
				if g.CreditAccounts > 0 {
					got[fmt.Sprint(g.GroupId, " ", 5)] = cell{-g.CreditAmount.AmountMinor, g.CreditAccounts}
				}
				if g.Total.AmountMinor != g.DebitAmount.AmountMinor-g.CreditAmount.AmountMinor {
					t.Fatalf("seed %d, %v: the total is not debit less credit: %v", seed, q, g)
				}
				for bucket, x := range g.Buckets {
					if c := (cell{x.Amount.AmountMinor, x.Accounts}); c != (cell{}) {
						got[fmt.Sprint(g.GroupId, " ", bucket)] = c
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, %v:\n%s", seed, q, diff)
			}
		}
	}
	done, err := reporting.Rebuild(t.Context(), b.rebuilding())
	if err != nil || !done.Swapped || len(done.Differences) > 0 {
		t.Fatalf("seed %d: built anew: %+v, %v", seed, done, err)
	}
}
