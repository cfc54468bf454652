package reporting

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/reporting/kpi"
)

// What makes up a number of a report is listed by counted_in: the rows add up to the number (TestEveryNumberOfThePayersHasItsRows, TestBothNumbersOfAFigureHaveTheirRows).

// CountedExists: rows are asked for by a number that is made of such rows. Source: our own choice.
var CountedExists = refuse.Rule{ID: "reporting.counted_in_exists", Version: 1, Owner: "integrations"}

const (
	// firstOf is the payer whose charge a leg l of an account a is of: the one that stands first; self-pay: patient; of no account: the leg's own.
	firstOf = `CASE WHEN a.account_id IS NULL THEN l.payer_id WHEN a.first_payer_id = '' THEN 'patient' ELSE a.first_payer_id END`
	// whatOf is what a leg says in the report of payers; NULL: nothing.
	whatOf = `CASE WHEN l.ledger_account = 'revenue_gross' THEN 'charged' WHEN l.ledger_account = 'contractual' THEN 'contractual' WHEN l.ledger_account = 'ar_insurance' THEN 'open'
		WHEN l.ledger_account = 'ar_patient' AND l.event_type <> 'PatientPaymentAllocated' THEN 'patient'
		WHEN l.ledger_account = 'cash_clearing' AND l.event_type IN ('InsurancePaymentPosted', 'PostingReversed') -- net of what was taken back
			OR l.ledger_account IN ('conversion', 'bank') AND l.event_type = 'PriorAdjudicationPosted' THEN 'paid' END` // imported: paid before the move; bank: in old events
)

// counting says which legs are in a number: with which sign (NULL: not in it), and in whose row of the report.
type counting struct{ sign, row string }

// ofPayers are the numbers of the report of payers: its columns by row, and what stands beside them.
var ofPayers = map[string]counting{
	"payers.charged":      {`CASE WHEN what = 'charged' THEN -1 END`, "first_payer"},
	"payers.allowed":      {`CASE WHEN what IN ('charged', 'contractual') OR what = 'open' AND payer_id = first_payer THEN -1 END`, "first_payer"},
	"payers.taken_over":   {`CASE WHEN what IN ('paid', 'open') AND payer_id <> first_payer THEN 1 END`, "payer_id"},
	"payers.passed_on":    {`CASE WHEN what IN ('paid', 'open') AND payer_id <> first_payer THEN 1 END`, "first_payer"},
	"payers.paid":         {`CASE WHEN what = 'paid' THEN 1 END`, "payer_id"},
	"payers.contractual":  {`CASE WHEN what = 'contractual' THEN 1 END`, "first_payer"},
	"payers.patient":      {`CASE WHEN what = 'patient' THEN 1 END`, "first_payer"},
	"payers.patient_paid": {`CASE WHEN ledger_account = 'ar_patient' AND event_type = 'PatientPaymentAllocated' AND first_payer_id IS NOT NULL THEN -1 END`, "first_payer"},
	"payers.unapplied":    {`CASE WHEN ledger_account IN ('unapplied_insurance', 'unapplied_patient') THEN -1 END`, "payer_id"},
}

// legsCounted is how legs are counted in what counted_in names; where that has a window, its days are $from and $thru.
func (s *Server) legsCounted(ctx context.Context, q ask, in string) (c counting, from, thru string, err error) {
	c, ok := ofPayers[in]
	switch {
	case in == "":
		return counting{"1", "payer_id"}, q.asOf, q.asOf, nil
	case ok:
		return c, q.asOf, q.asOf, nil
	}
	f, part := partOf(in)
	if f.Legs[part] == "" {
		return c, "", "", refuse.Because(CountedExists, "counted_in", "%q has no ledger legs: want a number that the description of counted_in names", in)
	}
	from, thru, err = s.days(ctx, q, f, part)
	return counting{f.Legs[part], "first_payer_id"}, from, thru, err
}

// partOf is the figure and the part of it that counted_in names.
func partOf(in string) (kpi.Figure, string) {
	id, part, _ := strings.Cut(in, ".")
	for _, f := range kpi.Figures {
		if f.ID == id {
			return f, part
		}
	}
	return kpi.Figure{}, part
}

// days are those of a part of a figure as of the day that is asked for.
func (s *Server) days(ctx context.Context, q ask, f kpi.Figure, part string) (from, thru string, err error) {
	if !f.Monthly {
		return f.From(q.asOf), f.Thru(q.asOf), nil
	}
	first, err := s.firstSent(ctx, q.tenant, q.asOf)
	m := kpi.MonthOf(q.asOf, first)
	if part == kpi.Denominator {
		return m.BaseFrom, m.BaseThru, err
	}
	return m.From, m.Thru, err
}

// firstSent is the day on which the first claim went out; that of the question where none has.
func (s *Server) firstSent(ctx context.Context, tenant uuid.UUID, asOf string) (first string, err error) {
	if err := s.rt.DB.QueryRow(ctx, `SELECT coalesce(min(first_submitted_date)::text, $2) FROM claims WHERE tenant_id = $1 AND payer_sequence = 1`, tenant, asOf).Scan(&first); err != nil {
		return "", fmt.Errorf("the first claim: %w", err)
	}
	return first, nil
}
