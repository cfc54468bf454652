package reporting

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/reporting/kpi"
)

// Server answers the service's gRPC methods.
type Server struct {
	pb.UnimplementedReportingServiceServer
	rt *host.Runtime
}

// NewServer answers with a runtime.
func NewServer(rt *host.Runtime) *Server { return &Server{rt: rt} }

// DayExists: a day is a real calendar day. Source: the calendar.
var DayExists = refuse.Rule{ID: "reporting.day_exists", Version: 1, Owner: "integrations"}

// patient is how what patients owe is named where payers are asked for.
const patient = "patient"

// ask is who asks and as of which day.
type ask struct {
	tenant uuid.UUID
	asOf   string
}

// asked reads the caller and the days of a request. named are further days, which may be empty.
func (s *Server) asked(ctx context.Context, asOf string, named map[string]string) (ask, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return ask{}, engine.ErrNoCaller
	}
	if asOf == "" {
		asOf = date.Of(s.rt.Clock(), nil)
	}
	var no refuse.List
	no.If(!date.Valid(asOf), DayExists, "as_of", "%q is not a day: write YYYY-MM-DD", asOf)
	for _, field := range slices.Sorted(maps.Keys(named)) {
		day := named[field]
		no.If(day != "" && !date.Valid(day), DayExists, field, "%q is not a day: write YYYY-MM-DD", day)
	}
	return ask{caller.Tenant, asOf}, no.Err()
}

// open are the receivables as of a day. $1 tenant, $2 day, $3 payer, $4 location, $5 by bill date.
const open = `WITH open AS (
		SELECT account_id, payer_id, payer_sequence, amount, first_of_account, first_of_payer, location_id, service_date, bill_date,
			CASE WHEN $5 AND bill_date <= $2::date THEN bill_date ELSE service_date END AS since
		FROM receivables WHERE tenant_id = $1 AND from_day <= $2::date AND thru_day > $2::date AND ($3 = '' OR payer_id = $3 OR $3 = 'insurance' AND payer_id <> 'patient') AND ($4 = '' OR location_id = $4))`

// inBucket is the number of the bucket of a day since; a balance below 0 has no age.
const inBucket = `CASE WHEN amount < 0 THEN 5 WHEN $2::date - since <= 30 THEN 0 WHEN $2::date - since <= 60 THEN 1 WHEN $2::date - since <= 90 THEN 2 WHEN $2::date - since <= 120 THEN 3 ELSE 4 END AS bucket`

// buckets of an aging.
var buckets = []*pb.AgingBucket{
	{Bucket: "0-30", FromDays: 0, ThruDays: 30}, {Bucket: "31-60", FromDays: 31, ThruDays: 60}, {Bucket: "61-90", FromDays: 61, ThruDays: 90},
	{Bucket: "91-120", FromDays: 91, ThruDays: 120}, {Bucket: "121+", FromDays: 121},
}

// credit is what stands for the bucket where a balance is below 0, and its number.
const (
	credit       = "credit"
	creditBucket = 5
)

// bucketsOf are the numbers of the buckets that a word names; empty: all.
func bucketsOf(word string) (numbers []int32, ok bool) {
	switch word {
	case "":
		return []int32{0, 1, 2, 3, 4, creditBucket}, true
	case "debit":
		return []int32{0, 1, 2, 3, 4}, true
	case "91+":
		return []int32{3, 4}, true
	case credit:
		return []int32{creditBucket}, true
	}
	for i, b := range buckets {
		if b.Bucket == word {
			return []int32{int32(i)}, true
		}
	}
	return nil, false
}

func newGroup(id, name string) *pb.AgingGroup {
	g := &pb.AgingGroup{GroupId: id, Name: name, Total: money.Of(0), DebitAmount: money.Of(0), CreditAmount: money.Of(0)}
	for _, b := range buckets {
		g.Buckets = append(g.Buckets, &pb.AgingBucket{Bucket: b.Bucket, FromDays: b.FromDays, ThruDays: b.ThruDays, Amount: money.Of(0)})
	}
	return g
}

func add(g *pb.AgingGroup, bucket int, amount, accounts int64) {
	g.Total.AmountMinor += amount
	if bucket == creditBucket {
		g.CreditAmount.AmountMinor -= amount
		g.CreditAccounts += accounts
		return
	}
	g.Buckets[bucket].Amount.AmountMinor += amount
	g.Buckets[bucket].Accounts += accounts
	g.DebitAmount.AmountMinor += amount
	g.Accounts += accounts
}

// GetAging is open receivables by age.
func (s *Server) GetAging(ctx context.Context, r *pb.GetAgingRequest) (*pb.Aging, error) {
	q, err := s.asked(ctx, r.AsOf, nil)
	if err != nil {
		return nil, err
	}
	key, called, first := "payer_id", "CASE g.id WHEN 'patient' THEN 'Patients' ELSE coalesce((SELECT name FROM payers p WHERE p.tenant_id = $1 AND p.payer_id = g.id), g.id) END", "first_of_payer"
	if r.GroupBy == pb.GroupBy_GROUP_BY_LOCATION {
		key, called = "location_id", "coalesce((SELECT name FROM locations l WHERE l.tenant_id = $1 AND l.location_id = g.id), g.id)"
		if r.PayerId == "" {
			first = "first_of_account" // of some payers alone the account's first row may be another's
		}
	}
	byBill := r.Basis == pb.AgingBasis_AGING_BASIS_BILL_DATE
	// First the days: what has to be said once a day is not said once a row.
	rows, err := s.rt.DB.Query(ctx, open+`, days AS (SELECT `+key+` AS id, since, sum(amount) AS amount, count(*) FILTER (WHERE `+first+`) AS accounts FROM open GROUP BY 1, 2, amount < 0),
			g AS (SELECT id, bucket, sum(amount)::bigint AS amount, sum(accounts)::bigint AS accounts FROM (SELECT *, `+inBucket+` FROM days) d GROUP BY 1, 2)
		SELECT id, `+called+`, bucket, amount, accounts FROM g ORDER BY sum(amount) OVER (PARTITION BY id) DESC, 1, 3`, q.tenant, q.asOf, r.PayerId, r.LocationId, byBill)
	if err != nil {
		return nil, fmt.Errorf("aging: %w", err)
	}
	out := &pb.Aging{AsOf: q.asOf, Basis: pb.AgingBasis_AGING_BASIS_SERVICE_DATE, Total: newGroup("", "Total")}
	if byBill {
		out.Basis = pb.AgingBasis_AGING_BASIS_BILL_DATE
	}
	var id, name string
	var bucket int
	var amount, accounts int64
	var g *pb.AgingGroup
	if _, err := pgx.ForEachRow(rows, []any{&id, &name, &bucket, &amount, &accounts}, func() error {
		if g == nil || g.GroupId != id {
			g = newGroup(id, name)
			out.Groups = append(out.Groups, g)
		}
		add(g, bucket, amount, accounts)
		add(out.Total, bucket, amount, accounts)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("aging: %w", err)
	}
	out.Freshness, err = s.freshness(ctx, q.tenant)
	return out, err
}

func (s *Server) freshness(ctx context.Context, tenant uuid.UUID) (*pb.Freshness, error) {
	var at time.Time
	f := &pb.Freshness{}
	err := s.rt.DB.QueryRow(ctx, `SELECT recorded_at, events_handled FROM freshness WHERE tenant_id = $1`, tenant).Scan(&at, &f.EventsHandled)
	if err == pgx.ErrNoRows {
		return f, nil
	}
	f.HandledUntil = timestamppb.New(at)
	return f, err
}

// ListAgingRows are the receivables behind the aging.
func (s *Server) ListAgingRows(ctx context.Context, r *pb.ListAgingRowsRequest) (*pb.ListAgingRowsResponse, error) {
	q, err := s.asked(ctx, r.AsOf, nil)
	o, wrong := page.Sorted(r.Sort, "-amount", agingColumns, []string{"b.account_id", "b.payer_id", "b.payer_sequence::text"}, r.PageSize, r.PageToken)
	if err := refuse.Together(err, wrong); err != nil {
		return nil, err
	}
	of, ok := bucketsOf(r.Bucket)
	if !ok {
		return nil, refuse.Because(refuse.Rule{ID: "reporting.bucket_exists", Version: 1, Owner: "integrations"}, "bucket", "%q is no bucket: want 0-30, 31-60, 61-90, 91-120, 121+, 91+, debit or credit", r.Bucket)
	}
	byBill := r.Basis == pb.AgingBasis_AGING_BASIS_BILL_DATE
	args := []any{q.tenant, q.asOf, r.PayerId, r.LocationId, byBill, of, r.PatientControlNumber}
	const where = ` WHERE b.bucket = ANY($6::int[]) AND ($7 = '' OR b.account_id IN (SELECT account_id FROM claims WHERE tenant_id = $1 AND patient_control_number = $7))`
	out := &pb.ListAgingRowsResponse{TotalAmount: money.Of(0)}
	if err := s.rt.DB.QueryRow(ctx, open+`SELECT coalesce(sum(b.amount), 0)::bigint, count(*) FROM (SELECT account_id, amount, `+inBucket+` FROM open) b`+where, args...).Scan(&out.TotalAmount.AmountMinor, &out.TotalRows); err != nil {
		return nil, fmt.Errorf("aging rows: %w", err)
	}
	after, values := o.After(8)
	rows, err := s.rt.DB.Query(ctx, open+`SELECT b.account_id, a.patient_id, b.payer_id,
			CASE b.payer_id WHEN 'patient' THEN 'Patients' ELSE coalesce(p.name, b.payer_id) END, b.payer_sequence, b.location_id, coalesce(l.name, b.location_id),
			b.service_date::text, CASE WHEN b.bill_date <= $2::date THEN b.bill_date::text ELSE '' END, $2::date - b.since, b.bucket,
			coalesce((SELECT -sum(amount) FROM ledger_legs WHERE tenant_id = $1 AND account_id = b.account_id AND ledger_account = 'revenue_gross' AND occurred_on <= $2::date), 0)::bigint, b.amount, coalesce(c.claim_id, ''), coalesce(d.status, c.status, ''),
			coalesce(c.patient_control_number, ''), `+o.Key()+`
		FROM (SELECT *, `+inBucket+` FROM open) b JOIN accounts a ON a.tenant_id = $1 AND a.account_id = b.account_id LEFT JOIN payers p ON p.tenant_id = $1 AND p.payer_id = b.payer_id
			LEFT JOIN locations l ON l.tenant_id = $1 AND l.location_id = b.location_id
			LEFT JOIN claims c ON c.tenant_id = $1 AND c.account_id = b.account_id AND c.payer_id = b.payer_id AND c.payer_sequence = b.payer_sequence AND c.created_date <= $2::date
			LEFT JOIN claim_days d ON d.tenant_id = c.tenant_id AND d.claim_id = c.claim_id AND d.from_day <= $2::date AND d.thru_day > $2::date`+where+` AND `+after+o.By(), append(args, values...)...)
	if err != nil {
		return nil, fmt.Errorf("aging rows: %w", err)
	}
	var keys []page.Keyed[*pb.AgingRow]
	keys, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (page.Keyed[*pb.AgingRow], error) {
		a := &pb.AgingRow{ChargeAmount: money.Of(0), BalanceAmount: money.Of(0)}
		k := page.Keyed[*pb.AgingRow]{Row: a}
		var bucket int
		err := row.Scan(&a.AccountId, &a.PatientId, &a.PayerId, &a.PayerName, &a.PayerSequence, &a.LocationId, &a.LocationName, &a.ServiceDate, &a.BillDate, &a.Days, &bucket,
			&a.ChargeAmount.AmountMinor, &a.BalanceAmount.AmountMinor, &a.ClaimId, &a.ClaimStatus, &a.PatientControlNumber, &k.Key)
		a.Bucket = credit
		if bucket != creditBucket {
			a.Bucket = buckets[bucket].Bucket
		}
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("aging rows: %w", err)
	}
	out.Rows, out.NextPageToken = page.CutSorted(keys, o)
	return out, nil
}

// agingColumns are what the rows of an aging can be sorted by. More days is an earlier day.
var agingColumns = map[string]page.Column{
	"amount": page.Number("b.amount"), "days": page.Number("(DATE '2000-01-01' - b.since)"), "service_date": page.Day("b.service_date"), "account": page.Text("b.account_id"),
	"payer":                  page.Text("CASE b.payer_id WHEN 'patient' THEN 'Patients' ELSE coalesce(p.name, b.payer_id) END"),
	"patient_control_number": page.Text("coalesce(c.patient_control_number, '')"),
}

// GetLedger is the trial balance.
func (s *Server) GetLedger(ctx context.Context, r *pb.GetLedgerRequest) (*pb.Ledger, error) {
	q, err := s.asked(ctx, r.AsOf, nil)
	if err != nil {
		return nil, err
	}
	rows, err := s.rt.DB.Query(ctx, `SELECT ledger_account, coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::bigint, coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::bigint, count(*)
		FROM ledger_legs WHERE tenant_id = $1 AND occurred_on <= $2::text::date GROUP BY 1`, q.tenant, q.asOf)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	sums := map[string][2]int64{}
	out := &pb.Ledger{AsOf: q.asOf, SumAmount: money.Of(0)}
	var name string
	var debit, credit, n int64
	if _, err := pgx.ForEachRow(rows, []any{&name, &debit, &credit, &n}, func() error {
		sums[name] = [2]int64{debit, credit}
		out.Legs += n
		return nil
	}); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	for _, i := range slices.Sorted(maps.Keys(typev1.LedgerAccount_name)) {
		a := typev1.LedgerAccount(i)
		v, ok := sums[word(a.String(), "LEDGER_ACCOUNT_")]
		if !ok {
			continue
		}
		out.Balances = append(out.Balances, &pb.LedgerBalance{LedgerAccount: a, DebitAmount: money.Of(v[0]), CreditAmount: money.Of(v[1]), BalanceAmount: money.Of(v[0] - v[1])})
		out.SumAmount.AmountMinor += v[0] - v[1]
	}
	return out, nil
}

// ListLegs are ledger legs, newest first.
func (s *Server) ListLegs(ctx context.Context, r *pb.ListLegsRequest) (*pb.ListLegsResponse, error) {
	q, err := s.asked(ctx, r.AsOf, nil)
	at, wrong := page.Parse(r.PageSize, r.PageToken, "9223372036854775807", "2147483647")
	if err := refuse.Together(err, wrong); err != nil {
		return nil, err
	}
	ledgerAccount := ""
	if r.LedgerAccount != typev1.LedgerAccount_LEDGER_ACCOUNT_UNSPECIFIED {
		ledgerAccount = word(r.LedgerAccount.String(), "LEDGER_ACCOUNT_")
	}
	counted, from, thru, err := s.legsCounted(ctx, q, r.CountedIn)
	if err != nil {
		return nil, err
	}
	args := []any{q.tenant, q.asOf, r.AccountId, r.RemittanceId, ledgerAccount, r.PayerId, r.LocationId, from, thru}
	of := ` FROM (SELECT *, ` + counted.row + ` AS party, ` + kpi.Within(counted.sign, "$8", "$9") + ` AS sign
			FROM (SELECT l.*, a.location_id, a.service_date, a.posted_date, a.first_payer_id, ` + firstOf + ` AS first_payer, ` + whatOf + ` AS what
				FROM ledger_legs l LEFT JOIN accounts a ON a.tenant_id = l.tenant_id AND a.account_id = l.account_id
				WHERE l.tenant_id = $1 AND l.occurred_on <= $2::text::date AND ($3 = '' OR l.account_id = $3) AND ($4 = '' OR l.remittance_id = $4) AND ($5 = '' OR l.ledger_account = $5)) l) l
		WHERE sign IS NOT NULL AND ($6 = '' OR party = $6) AND ($7 = '' OR location_id = $7) AND $8::text <= $9::text`
	out := &pb.ListLegsResponse{TotalDebitAmount: money.Of(0), TotalCreditAmount: money.Of(0), TotalAmount: money.Of(0)}
	if err := s.rt.DB.QueryRow(ctx, `SELECT count(*), coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::bigint, coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::bigint, coalesce(sum(amount * sign), 0)::bigint`+of, args...).
		Scan(&out.TotalRows, &out.TotalDebitAmount.AmountMinor, &out.TotalCreditAmount.AmountMinor, &out.TotalAmount.AmountMinor); err != nil {
		return nil, fmt.Errorf("legs: %w", err)
	}
	rows, err := s.rt.DB.Query(ctx, `SELECT event_id::text, event_type, stream, position, leg, occurred_on::text, recorded_at, ledger_account, amount, payer_id, payer_sequence, account_id, line_id,
			claim_id, remittance_id, carc, interchange_id, source_offset, source_length, source_segment, source_sha256, amount * sign`+of+` AND (position, leg) < ($10::text::bigint, $11::text::int)
		ORDER BY position DESC, leg DESC LIMIT $12`, append(args, at.Key[0], at.Key[1], at.Limit+1)...)
	if err != nil {
		return nil, fmt.Errorf("legs: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pb.LedgerLeg, error) {
		l := &pb.LedgerLeg{Amount: money.Of(0), CountedAmount: money.Of(0), Source: &typev1.Source{}}
		var account string
		var recorded time.Time
		err := row.Scan(&l.EventId, &l.EventType, &l.Stream, &l.Position, &l.Leg, &l.OccurredOn, &recorded, &account, &l.Amount.AmountMinor, &l.PayerId, &l.PayerSequence, &l.AccountId, &l.LineId,
			&l.ClaimId, &l.RemittanceId, &l.Carc, &l.Source.InterchangeId, &l.Source.Offset, &l.Source.Length, &l.Source.Segment, &l.Source.FileSha256, &l.CountedAmount.AmountMinor)
		if r.CountedIn == "" {
			l.CountedAmount = nil
		}
		l.RecordedAt, l.LedgerAccount = timestamppb.New(recorded), ledgerAccountOf(account)
		if l.Source.InterchangeId == "" {
			l.Source = nil
		}
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("legs: %w", err)
	}
	out.Legs, out.NextPageToken = page.Cut(list, at, func(l *pb.LedgerLeg) []string {
		return []string{strconv.FormatInt(l.Position, 10), strconv.Itoa(int(l.Leg))}
	})
	return out, nil
}

func ledgerAccountOf(name string) typev1.LedgerAccount {
	for v, n := range typev1.LedgerAccount_name {
		if word(n, "LEDGER_ACCOUNT_") == name {
			return typev1.LedgerAccount(v)
		}
	}
	return typev1.LedgerAccount_LEDGER_ACCOUNT_UNSPECIFIED
}
