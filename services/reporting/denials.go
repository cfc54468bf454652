package reporting

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/reporting/kpi"
)

// defaultDays is how far a report of denials looks back when no day is named.
const defaultDays = 90

// small is how many claims a rate needs to say something.
const small = 20

func window(q ask, from, thru string) (string, string) {
	if thru == "" || thru > q.asOf {
		thru = q.asOf
	}
	if from == "" {
		from = date.Add(thru, 1-defaultDays)
	}
	return from, thru
}

// decided are the claims that a denial rate counts, above and below the line: those to first payers whose first decision is in the window. A later payer's denial is mostly of what the first
// one left, and would be counted a second time; the key figure initial_denial_rate leaves it out too. $1 tenant, $2 first day, $3 last day, $4 payer, $5 location.
const decided = ` WHERE c.tenant_id = $1 AND c.payer_sequence = 1 AND c.first_adjudicated_date BETWEEN $2::text::date AND $3::text::date AND ($4 = '' OR c.payer_id = $4) AND ($5 = '' OR c.location_id = $5)`

// GetDenials is the share of claims to first payers whose first decision denied a line.
func (s *Server) GetDenials(ctx context.Context, r *pb.GetDenialsRequest) (*pb.Denials, error) {
	q, err := s.asked(ctx, r.AsOf, map[string]string{"from_date": r.FromDate, "thru_date": r.ThruDate})
	if err != nil {
		return nil, err
	}
	out := &pb.Denials{Total: denialGroup("", "Total")}
	out.FromDate, out.ThruDate = window(q, r.FromDate, r.ThruDate)
	group, name, by := "date_trunc('week', c.first_adjudicated_date)::date::text", "''", "1"
	switch r.GroupBy {
	case pb.GroupBy_GROUP_BY_PAYER:
		group, name, by = "c.payer_id", "max((SELECT name FROM payers p WHERE p.tenant_id = c.tenant_id AND p.payer_id = c.payer_id))", "5 DESC, 1"
	case pb.GroupBy_GROUP_BY_CARC:
		return s.denialsByCode(ctx, q, r, out)
	}
	rows, err := s.rt.DB.Query(ctx, `SELECT `+group+`, coalesce(`+name+`, ''), count(*), count(*) FILTER (WHERE c.first_denied), sum(c.charge_amount)::bigint,
			coalesce(sum((SELECT sum(d.denied_amount) FROM denials d WHERE d.tenant_id = c.tenant_id AND d.claim_id = c.claim_id AND d.remittance_id = c.first_remittance_id)), 0)::bigint
		FROM claims c`+decided+` GROUP BY 1 ORDER BY `+by, q.tenant, out.FromDate, out.ThruDate, r.PayerId, r.LocationId)
	if err != nil {
		return nil, fmt.Errorf("denials: %w", err)
	}
	return out, s.groups(rows, out, true)
}

// denialsByCode counts, for each code, the claims that it denied at the first decision; the rate is of all claims decided.
func (s *Server) denialsByCode(ctx context.Context, q ask, r *pb.GetDenialsRequest, out *pb.Denials) (*pb.Denials, error) {
	args := []any{q.tenant, out.FromDate, out.ThruDate, r.PayerId, r.LocationId}
	var all, denied, charged, amount int64
	if err := s.rt.DB.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE first_denied), coalesce(sum(charge_amount), 0)::bigint FROM claims c`+decided, args...).Scan(&all, &denied, &charged); err != nil {
		return nil, fmt.Errorf("denials: %w", err)
	}
	rows, err := s.rt.DB.Query(ctx, `SELECT d.group_code || '-' || d.carc, max(d.label), $6::bigint, count(DISTINCT c.claim_id), sum(c.charge_amount)::bigint, sum(d.denied_amount)::bigint
		FROM denials d JOIN claims c ON c.tenant_id = d.tenant_id AND c.claim_id = d.claim_id AND c.first_remittance_id = d.remittance_id`+decided+`
		GROUP BY 1 ORDER BY 6 DESC, 1`, append(args, all)...)
	if err != nil {
		return nil, fmt.Errorf("denials: %w", err)
	}
	if err := s.groups(rows, out, false); err != nil {
		return nil, err
	}
	for _, g := range out.Groups {
		amount += g.DeniedAmount.AmountMinor
	}
	out.Total = denialGroup("", "Total")
	fillDenials(out.Total, all, denied, charged, amount)
	return out, nil
}

func (s *Server) groups(rows pgx.Rows, out *pb.Denials, total bool) error {
	var id, name string
	var all, denied, charged, amount, sumAll, sumDenied, sumCharged, sumAmount int64
	_, err := pgx.ForEachRow(rows, []any{&id, &name, &all, &denied, &charged, &amount}, func() error {
		g := denialGroup(id, name)
		fillDenials(g, all, denied, charged, amount)
		out.Groups = append(out.Groups, g)
		sumAll, sumDenied, sumCharged, sumAmount = sumAll+all, sumDenied+denied, sumCharged+charged, sumAmount+amount
		return nil
	})
	if err != nil {
		return fmt.Errorf("denials: %w", err)
	}
	if total {
		fillDenials(out.Total, sumAll, sumDenied, sumCharged, sumAmount)
	}
	return nil
}

func denialGroup(id, name string) *pb.DenialGroup {
	if name == "" {
		name = id
	}
	return &pb.DenialGroup{GroupId: id, Name: name, ChargedAmount: money.Of(0), DeniedAmount: money.Of(0)}
}

func fillDenials(g *pb.DenialGroup, all, denied, charged, amount int64) {
	g.ClaimsAdjudicated, g.ClaimsDenied = all, denied
	g.ChargedAmount, g.DeniedAmount = money.Of(charged), money.Of(amount)
	if all > 0 {
		g.RateMillionths = int32(denied * 1_000_000 / all)
	}
	g.Small = all < small
}

// ListDenialRows are denied lines, newest first.
func (s *Server) ListDenialRows(ctx context.Context, r *pb.ListDenialRowsRequest) (*pb.ListDenialRowsResponse, error) {
	q, err := s.asked(ctx, r.AsOf, map[string]string{"from_date": r.FromDate, "thru_date": r.ThruDate})
	o, wrong := page.Sorted(r.Sort, "-denied_date", denialColumns, []string{"d.claim_id", "d.line_id", "d.remittance_id || d.group_code || d.carc"}, r.PageSize, r.PageToken)
	if err := refuse.Together(err, wrong); err != nil {
		return nil, err
	}
	from, thru := window(q, r.FromDate, r.ThruDate)
	where := ` WHERE d.tenant_id = $1
		AND ($6 = '' OR d.carc = $6 OR d.group_code || '-' || d.carc = $6) AND ($7 = '' OR d.claim_id IN (SELECT claim_id FROM claims WHERE tenant_id = $1 AND patient_control_number = $7))`
	const days = `d.denied_date BETWEEN $2::text::date AND $3::text::date AND ($4 = '' OR d.payer_id = $4) AND ($5 = '' OR d.location_id = $5)`
	switch r.CountedIn {
	case "denials": // the lines that the first decision denied, as GetDenials adds them up
		where += ` AND (d.claim_id, d.remittance_id) IN (SELECT c.claim_id, c.first_remittance_id FROM claims c` + decided + `)`
	case "payers.denied": // neither recovered nor ended with its claim, as GetPayers adds them up
		where += ` AND ` + days + ` AND (d.overturned_date IS NULL OR d.overturned_date > $3::text::date) AND NOT EXISTS (SELECT FROM claims c WHERE c.tenant_id = $1 AND c.claim_id = d.claim_id AND c.withdrawn_date <= $3::text::date)`
	case "":
		where += ` AND ` + days
	default:
		return nil, refuse.Because(CountedExists, "counted_in", "%q has no denied lines: want denials or payers.denied", r.CountedIn)
	}
	if r.FromDate == "" && r.CountedIn != "denials" {
		from = "0001-01-01"
	}
	args := []any{q.tenant, from, thru, r.PayerId, r.LocationId, r.Carc, r.PatientControlNumber}
	out := &pb.ListDenialRowsResponse{TotalAmount: money.Of(0)}
	if err := s.rt.DB.QueryRow(ctx, `SELECT coalesce(sum(denied_amount), 0)::bigint, count(*), count(DISTINCT d.claim_id) FROM denials d`+where, args...).Scan(&out.TotalAmount.AmountMinor, &out.TotalRows, &out.TotalClaims); err != nil {
		return nil, fmt.Errorf("denial rows: %w", err)
	}
	after, values := o.After(8)
	rows, err := s.rt.DB.Query(ctx, `SELECT d.claim_id, coalesce(c.account_id, ''), d.line_id, d.payer_id, coalesce(p.name, d.payer_id), d.location_id, coalesce(l.name, d.location_id), d.service_code,
			coalesce(d.service_date::text, ''), d.denied_date::text, d.group_code, d.carc, d.rarc, d.denied_amount, d.origin, d.default_action,
			coalesce(d.overturned_date <= $3::text::date, false), coalesce(c.patient_control_number, ''), d.label,
			coalesce(c.withdrawn_date <= $3::text::date, false), `+o.Key()+`
		FROM denials d LEFT JOIN claims c ON c.tenant_id = d.tenant_id AND c.claim_id = d.claim_id LEFT JOIN payers p ON p.tenant_id = d.tenant_id AND p.payer_id = d.payer_id
			LEFT JOIN locations l ON l.tenant_id = d.tenant_id AND l.location_id = d.location_id`+where+` AND `+after+o.By(), append(args, values...)...)
	if err != nil {
		return nil, fmt.Errorf("denial rows: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (page.Keyed[*pb.DenialRow], error) {
		d := &pb.DenialRow{DeniedAmount: money.Of(0)}
		k := page.Keyed[*pb.DenialRow]{Row: d}
		return k, row.Scan(&d.ClaimId, &d.AccountId, &d.LineId, &d.PayerId, &d.PayerName, &d.LocationId, &d.LocationName, &d.ServiceCode, &d.ServiceDate, &d.DeniedDate, &d.GroupCode, &d.Carc, &d.Rarc,
			&d.DeniedAmount.AmountMinor, &d.Origin, &d.DefaultAction, &d.Overturned, &d.PatientControlNumber, &d.Label, &d.Withdrawn, &k.Key)
	})
	if err != nil {
		return nil, fmt.Errorf("denial rows: %w", err)
	}
	out.Rows, out.NextPageToken = page.CutSorted(list, o)
	return out, nil
}

// denialColumns are what denied lines can be sorted by.
var denialColumns = map[string]page.Column{
	"denied_date": page.Day("d.denied_date"), "service_date": page.Day("coalesce(d.service_date, DATE '0001-01-01')"), "amount": page.Number("d.denied_amount"), "carc": page.Text("d.carc"),
	"payer": page.Text("coalesce(p.name, d.payer_id)"), "patient_control_number": page.Text("coalesce(c.patient_control_number, '')"),
}

// ListDeposits are deposits that stand, newest first.
func (s *Server) ListDeposits(ctx context.Context, r *pb.ListDepositsRequest) (*pb.ListDepositsResponse, error) {
	q, err := s.asked(ctx, r.AsOf, nil)
	at, wrong := page.Parse(r.PageSize, r.PageToken, "9999-12-31", "")
	if err := refuse.Together(err, wrong); err != nil {
		return nil, err
	}
	rows, err := s.rt.DB.Query(ctx, `SELECT deposit_id, deposit_date::text, payer_id, payer_identifier, trace_number, amount, CASE WHEN matched_date <= $2::text::date THEN remittance_id ELSE '' END
		FROM deposits WHERE tenant_id = $1 AND booked_date <= $2::text::date AND (reversed_date IS NULL OR reversed_date > $2::text::date) AND (NOT $3 OR matched_date IS NULL OR matched_date > $2::text::date)
			AND ((deposit_date, deposit_id) < ($4::text::date, $5) OR $5 = '')
		ORDER BY deposit_date DESC, deposit_id DESC LIMIT $6`, q.tenant, q.asOf, r.Unmatched, at.Key[0], at.Key[1], at.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("deposits: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pb.Deposit, error) {
		d := &pb.Deposit{Amount: money.Of(0)}
		return d, row.Scan(&d.DepositId, &d.DepositDate, &d.PayerId, &d.PayerIdentifier, &d.TraceNumber, &d.Amount.AmountMinor, &d.RemittanceId)
	})
	if err != nil {
		return nil, fmt.Errorf("deposits: %w", err)
	}
	out := &pb.ListDepositsResponse{}
	out.Deposits, out.NextPageToken = page.Cut(list, at, func(d *pb.Deposit) []string { return []string{d.DepositDate, d.DepositId} })
	return out, nil
}

// claimsAsOf are the claims that were made by the day $2, as they were on it.
const claimsAsOf = `(SELECT n.tenant_id, n.claim_id, n.account_id, n.patient_id, n.patient_control_number, n.payer_id, n.payer_sequence, n.location_id, n.service_date, n.created_date,
		coalesce(d.status, n.status) AS status, coalesce(d.charge_amount, n.charge_amount) AS charge_amount, coalesce(d.paid_amount, n.paid_amount) AS paid_amount,
		coalesce(d.open_denials, n.open_denials) AS open_denials, CASE WHEN d.claim_id IS NULL THEN n.submitted_date ELSE d.submitted_date END AS submitted_date,
		CASE WHEN d.claim_id IS NULL THEN n.adjudicated_date ELSE d.adjudicated_date END AS adjudicated_date,
		CASE WHEN d.claim_id IS NULL THEN n.withdrawn_date ELSE d.withdrawn_date END AS withdrawn_date
	FROM claims n LEFT JOIN claim_days d ON d.tenant_id = n.tenant_id AND d.claim_id = n.claim_id AND d.from_day <= $2::text::date AND d.thru_day > $2::text::date
	WHERE n.created_date <= $2::text::date) c`

// ListClaims are claims, newest service first or as asked, as they were on a day.
func (s *Server) ListClaims(ctx context.Context, r *pb.ListClaimsRequest) (*pb.ListClaimsResponse, error) {
	q, err := s.asked(ctx, r.AsOf, map[string]string{"from_date": r.FromDate, "thru_date": r.ThruDate})
	o, wrong := page.Sorted(r.Sort, "-service_date", claimColumns, []string{"c.claim_id"}, r.PageSize, r.PageToken)
	if err := refuse.Together(err, wrong); err != nil {
		return nil, err
	}
	from, thru := r.FromDate, r.ThruDate
	if from == "" {
		from = "0001-01-01"
	}
	if thru == "" {
		thru = "9999-12-31"
	}
	args := []any{q.tenant, q.asOf, r.PayerId, r.LocationId, r.Status, from, thru, r.PatientControlNumber, r.AccountId, q.asOf, q.asOf}
	where := ` WHERE c.tenant_id = $1 AND ($3 = '' OR c.payer_id = $3) AND ($4 = '' OR c.location_id = $4) AND ($5 = '' OR c.status = $5)
		AND c.service_date BETWEEN $6::text::date AND $7::text::date AND ($8 = '' OR c.patient_control_number = $8) AND ($9 = '' OR c.account_id = $9) AND $10::text <= $11::text`
	switch r.CountedIn {
	case "":
	case "payers.claims":
		where += ` AND (c.withdrawn_date IS NULL OR c.withdrawn_date > $2::text::date)`
	default:
		f, part := partOf(r.CountedIn)
		if f.Claims[part] == "" {
			return nil, refuse.Because(CountedExists, "counted_in", "%q has no claims: want a number that the description of counted_in names", r.CountedIn)
		}
		if args[9], args[10], err = s.days(ctx, q, f, part); err != nil {
			return nil, err
		}
		where += ` AND c.claim_id IN (SELECT claim_id FROM claims WHERE tenant_id = $1 AND ` + kpi.Within(f.Claims[part], "$10", "$11") + `)`
	}
	out := &pb.ListClaimsResponse{TotalChargeAmount: money.Of(0)}
	if err := s.rt.DB.QueryRow(ctx, `SELECT coalesce(sum(charge_amount), 0)::bigint, count(*) FROM `+claimsAsOf+where, args...).Scan(&out.TotalChargeAmount.AmountMinor, &out.TotalRows); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	after, values := o.After(12)
	rows, err := s.rt.DB.Query(ctx, `SELECT c.claim_id, c.account_id, c.patient_id, c.patient_control_number, c.payer_id,
			coalesce(p.name, c.payer_id), c.payer_sequence, c.location_id,
			coalesce(l.name, c.location_id), c.service_date::text, c.status, c.charge_amount, c.paid_amount,
			c.open_denials, coalesce((SELECT sum(amount) FROM receivables o WHERE o.tenant_id = c.tenant_id AND o.account_id = c.account_id AND o.payer_id = c.payer_id
				AND o.payer_sequence = c.payer_sequence AND o.from_day <= $2::text::date AND o.thru_day > $2::text::date), 0)::bigint, coalesce(c.submitted_date::text, ''), coalesce(c.adjudicated_date::text, ''), coalesce(c.withdrawn_date::text, ''), `+o.Key()+`
		FROM `+claimsAsOf+` LEFT JOIN payers p ON p.tenant_id = c.tenant_id AND p.payer_id = c.payer_id LEFT JOIN locations l ON l.tenant_id = c.tenant_id AND l.location_id = c.location_id`+
		where+` AND `+after+o.By(), append(args, values...)...)
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (page.Keyed[*pb.ClaimRow], error) {
		c := &pb.ClaimRow{ChargeAmount: money.Of(0), PaidAmount: money.Of(0), DeniedAmount: money.Of(0), OpenAmount: money.Of(0)}
		k := page.Keyed[*pb.ClaimRow]{Row: c}
		return k, row.Scan(&c.ClaimId, &c.AccountId, &c.PatientId, &c.PatientControlNumber, &c.PayerId, &c.PayerName, &c.PayerSequence, &c.LocationId, &c.LocationName, &c.ServiceDate, &c.Status,
			&c.ChargeAmount.AmountMinor, &c.PaidAmount.AmountMinor, &c.DeniedAmount.AmountMinor, &c.OpenAmount.AmountMinor, &c.SubmittedDate, &c.AdjudicatedDate, &c.WithdrawnDate, &k.Key)
	})
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	out.Claims, out.NextPageToken = page.CutSorted(list, o)
	return out, nil
}

// claimColumns are what claims can be sorted by.
var claimColumns = map[string]page.Column{
	"service_date": page.Day("c.service_date"), "amount": page.Number("c.charge_amount"), "paid": page.Number("c.paid_amount"), "denied": page.Number("c.open_denials"), "status": page.Text("c.status"),
	"submitted_date": page.Day("coalesce(c.submitted_date, DATE '0001-01-01')"), "payer": page.Text("coalesce(p.name, c.payer_id)"), "patient_control_number": page.Text("c.patient_control_number"),
}
