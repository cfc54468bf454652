package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/services/reporting"
)

// rebuild builds the reports anew from all that was kept, while the process runs on, and compares with decoding the same events in memory.
func (b *bench) rebuild(ctx context.Context, g *group) error {
	for _, s := range services() {
		if err := g.heard(ctx, "reporting", s.Name); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr, "rebuilding the reports …")
	rows, err := g.db.Query(ctx, `SELECT record FROM reporting.feed`)
	if err != nil {
		return err
	}
	records, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return err
	}
	began := time.Now()
	for _, record := range records {
		if err := decode(record); err != nil {
			return err
		}
	}
	alone := float64(len(records)) / time.Since(began).Seconds()
	role := host.Role("reporting")
	began = time.Now()
	done, err := reporting.Rebuild(ctx, reporting.Rebuilding{AdminURL: b.parts.AdminURL, Schema: "reporting", Owner: role + "_owner", Role: role})
	took := time.Since(began)
	if err != nil {
		return err
	}
	if !done.Swapped || len(done.Differences) > 0 || done.Events != int64(len(records)) {
		return fmt.Errorf("the tables that were built of %d of %d events are not those that were there: %v", done.Events, len(records), done.Differences)
	}
	rate := float64(done.Events) / took.Seconds()
	b.add(measure{Name: fmt.Sprintf("rebuild of the reports, %s events, compared and swapped", number(float64(done.Events))), Value: rate, Unit: "events/s", Reference: "decoding alone", Ratio: rate / alone, Goal: 0.12})
	b.add(measure{Name: "  decoding the same events alone", Value: alone, Unit: "events/s", Reference: "(a reference itself)"})
	return nil
}

// decode is what every reader of an event does at least.
func decode(record []byte) error {
	var stored platformv1.StoredEvent
	if err := proto.Unmarshal(record, &stored); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(stored.Type))
	if err != nil {
		return fmt.Errorf("decode %s: %w", stored.Type, err)
	}
	return proto.Unmarshal(stored.Clear, kind.New().Interface())
}

// large is the tenant whose receivables are aged.
var large = uuid.MustParse("0e7e0000-0000-8000-8000-00000000a9e0")

// generated are receivables as a group has them that is a hundred times the demo's: services of eleven months, four payers, ten locations, one account in ten with its patient,
// each charged, and allowed less two weeks later.
var generated = []string{
	`INSERT INTO reporting.payers SELECT $1, 'pay_' || n, 'Payer ' || n, 'EDI' || n FROM generate_series(0, 3) n`,
	`INSERT INTO reporting.locations SELECT $1, 'loc_' || n, 'Location ' || n FROM generate_series(0, 9) n`,
	`INSERT INTO reporting.accounts (tenant_id, account_id, patient_id, location_id, clinician_id, first_payer_id, service_date, bill_date, posted_date, charge_amount, imported)
		SELECT $1, 'acc_' || n, 'pat_' || n / 10, 'loc_' || n % 10, 'cli_' || n % 40, 'pay_' || n % 4, date '2026-03-02' - (n * 7919::bigint % 330)::int,
			date '2026-03-02' - (n * 7919::bigint % 330)::int + 1, date '2026-03-02' - (n * 7919::bigint % 330)::int, 15000, false FROM generate_series(1, $2::int) n`,
	`INSERT INTO reporting.balances SELECT $1, 'acc_' || n, CASE WHEN n % 10 = 0 THEN 'ar_patient' ELSE 'ar_insurance' END, CASE WHEN n % 10 = 0 THEN '' ELSE 'pay_' || n % 4 END,
			CASE WHEN n % 10 = 0 THEN 0 ELSE 1 END, 10000 FROM generate_series(1, $2::int) n`,
	`INSERT INTO reporting.ledger_legs SELECT $1, 1000000000 + 2 * n + k / 2, k % 2, gen_random_uuid(), CASE k / 2 WHEN 0 THEN 'ChargePosted' ELSE 'ContractualAdjusted' END, 'account/acc_' || n,
			least(date '2026-03-02', date '2026-03-02' - (n * 7919::bigint % 330)::int + 14 * (k / 2)), '2026-03-02',
			(ARRAY[r.name, 'revenue_gross', 'contractual', r.name])[k + 1], (ARRAY[15000, -15000, 5000, -5000])[k + 1],
			r.payer, r.sequence, 'acc_' || n, 'acc_' || n || '-1', '', '', '', '', 0, 0, '', ''
		FROM generate_series(1, $2::int) n, generate_series(0, 3) k,
			LATERAL (SELECT CASE WHEN n % 10 = 0 THEN 'ar_patient' ELSE 'ar_insurance' END AS name, CASE WHEN n % 10 = 0 THEN '' ELSE 'pay_' || n % 4 END AS payer, CASE WHEN n % 10 = 0 THEN 0 ELSE 1 END AS sequence) r`,
	`ANALYZE reporting.accounts, reporting.balances, reporting.ledger_legs`,
	`WITH leg AS (SELECT account_id, occurred_on, CASE ledger_account WHEN 'ar_patient' THEN 'patient' ELSE payer_id END AS payer_id, payer_sequence, sum(amount) AS amount FROM reporting.ledger_legs
			WHERE tenant_id = $1 AND ledger_account IN ('ar_insurance', 'ar_patient') GROUP BY 1, 2, 3, 4),
		day AS (SELECT account_id, occurred_on, lead(occurred_on, 1, 'infinity') OVER w AS until, payer_id, payer_sequence, sum(amount) OVER w AS amount FROM leg WINDOW w AS (PARTITION BY account_id ORDER BY occurred_on))
		INSERT INTO reporting.receivables (tenant_id, account_id, from_day, thru_day, payer_id, payer_sequence, amount, first_of_account, first_of_payer, location_id, first_payer_id, service_date, bill_date)
		SELECT $1, d.account_id, d.occurred_on, d.until, d.payer_id, d.payer_sequence, d.amount, true, true, a.location_id, a.first_payer_id, a.service_date, a.bill_date
		FROM day d JOIN reporting.accounts a ON a.tenant_id = $1 AND a.account_id = d.account_id`,
}

// aging asks for the receivables by age as the dashboard does, and counts the same rows plainly.
func (b *bench) aging(ctx context.Context, g *group) error {
	fmt.Fprintf(os.Stderr, "aging %d accounts …\n", b.accounts)
	for _, statement := range generated {
		var args []any
		for i, v := range []any{large, b.accounts} {
			if strings.Contains(statement, fmt.Sprintf("$%d", i+1)) {
				args = append(args, v)
			}
		}
		if _, err := g.db.Exec(ctx, statement, args...); err != nil {
			return fmt.Errorf("generate receivables: %w", err)
		}
	}
	if _, err := g.db.Exec(ctx, `ANALYZE reporting.receivables`); err != nil {
		return err
	}
	conn, err := g.process.Conn("reporting")
	if err != nil {
		return err
	}
	client := reportingv1.NewReportingServiceClient(conn)
	asked := host.Outgoing(ctx, g.process.Token(), engine.Caller{Tenant: large, Actor: "key:bench"})
	count, err := p95(func() error {
		var n int
		if err := g.db.QueryRow(ctx, `SELECT count(*) FROM reporting.balances WHERE tenant_id = $1 AND amount <> 0 AND ledger_account <> ''`, large).Scan(&n); err != nil {
			return err
		}
		if n != b.accounts {
			return fmt.Errorf("%d rows of %d", n, b.accounts)
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.add(measure{Name: "counting the open receivables, p95", Value: count.Seconds() * 1000, Unit: "ms", Reference: "(a reference itself)"})
	for _, ask := range []struct {
		name    string
		most    float64
		request *reportingv1.GetAgingRequest
	}{
		{"today, by payer", 5, &reportingv1.GetAgingRequest{AsOf: "2026-03-18"}},
		{"today, by location and bill date", 5, &reportingv1.GetAgingRequest{AsOf: "2026-03-18", GroupBy: reportingv1.GroupBy_GROUP_BY_LOCATION, Basis: reportingv1.AgingBasis_AGING_BASIS_BILL_DATE}},
		{"a month ago, by payer", 10, &reportingv1.GetAgingRequest{AsOf: "2026-02-02"}},
		{"half a year ago, by payer", 10, &reportingv1.GetAgingRequest{AsOf: "2025-09-02"}},
	} {
		took, err := p95(func() error {
			a, err := client.GetAging(asked, ask.request)
			if err != nil {
				return err
			}
			if a.Total.Accounts == 0 || ask.request.AsOf > "2026-03-02" && a.Total.Total.GetAmountMinor() != int64(b.accounts)*10000 {
				return errors.New("the aging is not what was generated")
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", ask.name, err)
		}
		b.add(measure{Name: fmt.Sprintf("aging of %s accounts %s, p95", number(float64(b.accounts)), ask.name), Value: took.Seconds() * 1000, Unit: "ms", Reference: "counting the same rows", Ratio: took.Seconds() / count.Seconds(), Most: ask.most})
	}
	return nil
}

// p95 of 40 times, after two that nobody counts.
func p95(do func() error) (time.Duration, error) {
	var times []time.Duration
	for i := range 42 {
		began := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		if i >= 2 {
			times = append(times, time.Since(began))
		}
	}
	slices.Sort(times)
	return times[len(times)*95/100-1], nil
}
