package reporting

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// GetPayers is one row a payer. Charges, and what was taken off them or left to patients, count with the payer that stands first on the account (self-pay: patient); payments with the payer
// that paid, open amounts and credits with the payer that owes or has paid too much. What these are of another payer's charges is taken over from it, and passed on by it, so that each row
// adds up: charged + taken over = paid + contractual + patient + passed on + open − credit (TestEachRowOfThePayersAddsUp). The sums are those of the ledger, which EqualsLedger says after
// comparing them.
func (s *Server) GetPayers(ctx context.Context, r *pb.GetPayersRequest) (*pb.Payers, error) {
	q, err := s.asked(ctx, r.AsOf, nil)
	if err != nil {
		return nil, err
	}
	rows, err := s.rt.DB.Query(ctx, `WITH leg AS (
			SELECT `+firstOf+` AS first_payer, l.payer_id AS payer, `+whatOf+` AS what,
				sum(l.amount) AS amount
			FROM ledger_legs l LEFT JOIN accounts a ON a.tenant_id = l.tenant_id AND a.account_id = l.account_id
			WHERE l.tenant_id = $1 AND l.occurred_on <= $2::text::date AND ($3 = '' OR a.location_id = $3) GROUP BY 1, 2, 3),
		part AS (
			SELECT first_payer AS payer, what, CASE what WHEN 'charged' THEN -amount ELSE amount END AS amount FROM leg WHERE what IN ('charged', 'contractual', 'patient')
			UNION ALL SELECT payer, what, amount FROM leg WHERE what IN ('paid', 'open')
			UNION ALL SELECT DISTINCT payer_id, 'claims', 0::bigint FROM claims WHERE tenant_id = $1 AND created_date <= $2::text::date AND ($3 = '' OR location_id = $3) -- also where nothing is booked yet
			UNION ALL SELECT payer, 'taken over', amount FROM leg WHERE what IN ('paid', 'open') AND payer <> first_payer
			UNION ALL SELECT first_payer, 'passed on', amount FROM leg WHERE what IN ('paid', 'open') AND payer <> first_payer
			UNION ALL SELECT first_payer, 'allowed', -amount FROM leg WHERE what IN ('charged', 'contractual') OR what = 'open' AND payer = first_payer)
		SELECT payer, CASE payer WHEN 'patient' THEN 'Self-pay' ELSE coalesce((SELECT name FROM payers p WHERE p.tenant_id = $1 AND p.payer_id = part.payer), payer) END,
			coalesce(sum(amount) FILTER (WHERE what = 'charged'), 0)::bigint, coalesce(sum(amount) FILTER (WHERE what = 'paid'), 0)::bigint,
			coalesce(sum(amount) FILTER (WHERE what = 'contractual'), 0)::bigint, coalesce(sum(amount) FILTER (WHERE what = 'patient'), 0)::bigint,
			coalesce(sum(amount) FILTER (WHERE what = 'open'), 0)::bigint, coalesce(sum(amount) FILTER (WHERE what = 'allowed'), 0)::bigint,
			coalesce(sum(amount) FILTER (WHERE what = 'taken over'), 0)::bigint, coalesce(sum(amount) FILTER (WHERE what = 'passed on'), 0)::bigint,
			(SELECT count(*) FROM claims c WHERE c.tenant_id = $1 AND c.payer_id = part.payer AND c.created_date <= $2::text::date
				AND (c.withdrawn_date IS NULL OR c.withdrawn_date > $2::text::date) AND ($3 = '' OR c.location_id = $3)),
			(SELECT coalesce(sum(d.denied_amount), 0)::bigint FROM denials d WHERE d.tenant_id = $1 AND d.payer_id = part.payer AND d.denied_date <= $2::text::date
				AND (d.overturned_date IS NULL OR d.overturned_date > $2::text::date) AND ($3 = '' OR d.location_id = $3)
				AND NOT EXISTS (SELECT FROM claims c WHERE c.tenant_id = $1 AND c.claim_id = d.claim_id AND c.withdrawn_date <= $2::text::date)) -- nothing is open of those
		FROM part WHERE payer <> '' GROUP BY payer ORDER BY 3 DESC, 1`, q.tenant, q.asOf, r.LocationId)
	if err != nil {
		return nil, fmt.Errorf("payers: %w", err)
	}
	out := &pb.Payers{AsOf: q.asOf, Total: emptyRow("", "Total"), PatientPaidAmount: money.Of(0), PatientOpenAmount: money.Of(0), UnappliedAmount: money.Of(0)}
	byID := map[string]*pb.PayerRow{}
	var id, name string
	var charged, paid, contractual, moved, open_, allowed, takenOver, passedOn, claims, denied int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &name, &charged, &paid, &contractual, &moved, &open_, &allowed, &takenOver, &passedOn, &claims, &denied}, func() error {
		row := emptyRow(id, name)
		for _, x := range []*pb.PayerRow{row, out.Total} {
			x.Claims += claims
			x.ChargedAmount.AmountMinor += charged
			x.AllowedAmount.AmountMinor += allowed
			x.PaidAmount.AmountMinor += paid
			x.ContractualAmount.AmountMinor += contractual
			x.PatientAmount.AmountMinor += moved
			x.DeniedAmount.AmountMinor += denied
			x.OpenAmount.AmountMinor += open_
			x.TakenOverAmount.AmountMinor += takenOver
			x.PassedOnAmount.AmountMinor += passedOn
		}
		byID[id] = row
		out.Payers = append(out.Payers, row)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("payers: %w", err)
	}
	aging, err := s.GetAging(ctx, &pb.GetAgingRequest{AsOf: q.asOf, LocationId: r.LocationId})
	if err != nil {
		return nil, err
	}
	for _, g := range aging.Groups {
		if g.GroupId == patient {
			out.PatientOpenAmount = g.Total
			continue
		}
		if row := byID[g.GroupId]; row != nil {
			row.Aging, row.CreditAmount = g.Buckets, g.CreditAmount
			row.OpenAmount.AmountMinor += g.CreditAmount.AmountMinor // what the legs sum to, without what was paid too much
		}
		out.Total.CreditAmount.AmountMinor += g.CreditAmount.AmountMinor
		out.Total.OpenAmount.AmountMinor += g.CreditAmount.AmountMinor
		for i, b := range g.Buckets {
			out.Total.Aging[i].Amount.AmountMinor += b.Amount.AmountMinor
			out.Total.Aging[i].Accounts += b.Accounts
		}
	}
	return out, s.compare(ctx, q, r.LocationId, out)
}

func emptyRow(id, name string) *pb.PayerRow {
	return &pb.PayerRow{
		PayerId: id, Name: name, ChargedAmount: money.Of(0), AllowedAmount: money.Of(0), PaidAmount: money.Of(0), ContractualAmount: money.Of(0), PatientAmount: money.Of(0),
		DeniedAmount: money.Of(0), OpenAmount: money.Of(0), CreditAmount: money.Of(0), TakenOverAmount: money.Of(0), PassedOnAmount: money.Of(0), Aging: newGroup("", "").Buckets,
	}
}

// compare holds the totals against the trial balance. With a location the ledger has no such total, and nothing is claimed.
func (s *Server) compare(ctx context.Context, q ask, location string, out *pb.Payers) error {
	ledger, err := s.GetLedger(ctx, &pb.GetLedgerRequest{AsOf: q.asOf})
	if err != nil {
		return err
	}
	balance := map[string]int64{}
	for _, b := range ledger.Balances {
		balance[word(b.LedgerAccount.String(), "LEDGER_ACCOUNT_")] = b.BalanceAmount.AmountMinor
	}
	out.UnappliedAmount = money.Of(-balance["unapplied_insurance"] - balance["unapplied_patient"])
	var allocated int64
	if err := s.rt.DB.QueryRow(ctx, `SELECT coalesce(-sum(l.amount), 0)::bigint FROM ledger_legs l JOIN accounts a ON a.tenant_id = l.tenant_id AND a.account_id = l.account_id
		WHERE l.tenant_id = $1 AND l.occurred_on <= $2::text::date AND l.ledger_account = 'ar_patient' AND l.event_type = 'PatientPaymentAllocated' AND ($3 = '' OR a.location_id = $3)`,
		q.tenant, q.asOf, location).Scan(&allocated); err != nil {
		return fmt.Errorf("payers: %w", err)
	}
	out.PatientPaidAmount = money.Of(allocated)
	t := out.Total
	open := t.OpenAmount.AmountMinor - t.CreditAmount.AmountMinor
	// Every cent charged was paid, adjusted, or is open with a payer or a patient.
	whole := t.ChargedAmount.AmountMinor == t.ContractualAmount.AmountMinor+t.PaidAmount.AmountMinor+open+out.PatientOpenAmount.AmountMinor+allocated+balance["charity"]+
		balance["writeoff_denial"]+balance["writeoff_baddebt"]
	for _, p := range out.Payers {
		whole = whole && p.ChargedAmount.AmountMinor+p.TakenOverAmount.AmountMinor == p.PaidAmount.AmountMinor+p.ContractualAmount.AmountMinor+p.PatientAmount.AmountMinor+
			p.PassedOnAmount.AmountMinor+p.OpenAmount.AmountMinor-p.CreditAmount.AmountMinor
	}
	out.EqualsLedger = location == "" && ledger.SumAmount.AmountMinor == 0 && t.ChargedAmount.AmountMinor == -balance["revenue_gross"] &&
		t.ContractualAmount.AmountMinor == balance["contractual"] && open == balance["ar_insurance"] && out.PatientOpenAmount.AmountMinor == balance["ar_patient"] && whole
	return nil
}
