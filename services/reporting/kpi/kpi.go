// Package kpi has the key figures as versioned code: a formula in words, a query for its numerator and denominator, and what they are called.
//
// A figure's version rises when its formula changes, so that a number that was reported can be told from one that is computed another way. Sources of the formulas are in
// docs/domain.md; each figure names its window, since a rate without one says nothing. The promise: a figure with nothing in its denominator is not known, never 0 (TestUnknown).
package kpi

import (
	"strings"

	"github.com/evenkeel/evenkeel/pkg/date"
)

// Unit of a figure.
type Unit string

// Units.
const (
	Days    Unit = "days"
	Percent Unit = "percent"
	Money   Unit = "money"
)

// Figure is one key figure.
type Figure struct {
	ID, Name, Formula      string
	Version                int32
	Unit                   Unit
	Numerator, Denominator string // what they are called
	Target                 string
	Window                 int    // days to the day it is as of; 0: as of the day alone
	Lag                    int    // days that the window ends before
	Scale                  int64  // the value is numerator × Scale ÷ denominator
	Monthly                bool   // of a reporting month against the months before it: see MonthOf. Scale is the number of those
	SQL                    string // two numbers; $1 tenant, $2 first day, $3 last day, $4 payer, $5 location, $6 the day it is as of; a monthly one: $6 and $7 first and last day of the base
	// The rows behind the numbers, by Numerator, Denominator and Remainder: of claims what is true of those that are counted, of ledger legs and their accounts the sign with which they
	// are (NULL: they are not). {from} and {thru} are the days of the window; of a monthly figure's denominator, of the base.
	Claims, Legs map[string]string
}

// Parts of a figure that have rows.
const (
	Numerator   = "numerator"
	Denominator = "denominator"
	Remainder   = "remainder" // below the line and not above it
)

// Within puts the days into the condition of a part, as arguments of a query.
func Within(condition, from, thru string) string {
	return strings.NewReplacer("{from}", from+"::text::date", "{thru}", thru+"::text::date").Replace(condition)
}

// share is how many of the claims below the line are above it, too.
func share(above, below string) string {
	return `SELECT count(*) FILTER (WHERE ` + above + `), count(*) FROM claims WHERE tenant_id = $1 AND ` + Within(below, "$2", "$3") + ` AND ($4 = '' OR payer_id = $4) AND ($5 = '' OR location_id = $5) AND $6 <> ''`
}

// shared are the rows of a share.
func shared(above, below string) map[string]string {
	return map[string]string{Numerator: below + " AND " + above, Denominator: below, Remainder: below + " AND (" + above + ") IS NOT TRUE"}
}

// sum adds up legs with their sign.
func sum(sign string) string {
	return `coalesce(sum(amount * (` + Within(sign, "$2", "$3") + `)), 0)::bigint`
}

const (
	// passed: by themselves, of those that were made.
	passed = `first_scrub_clean AND NOT corrected_before_sent`
	made   = `payer_sequence = 1 AND created_date BETWEEN {from} AND {thru}`
	// taken: by the payer at the first send, of those that it answered.
	taken    = `first_answer_accepted`
	answered = `first_answer_accepted IS NOT NULL AND first_submitted_date BETWEEN {from} AND {thru}`
	// refused at the first decision, and sent.
	refused = `payer_sequence = 1 AND first_denied AND first_adjudicated_date BETWEEN {from} AND {thru}`
	sent    = `payer_sequence = 1 AND first_submitted_date BETWEEN {from} AND {thru}`

	// charged: gross, of accounts that were booked in the window.
	charged = `CASE WHEN ledger_account = 'revenue_gross' AND posted_date BETWEEN {from} AND {thru} THEN -1 END`
	// paid for services of the window, net of what was taken back; and their charges as contracts allow them.
	paid = `CASE WHEN NOT service_date BETWEEN {from} AND {thru} THEN NULL WHEN ledger_account IN ('ar_insurance', 'ar_patient') AND event_type IN ('InsurancePaymentPosted', 'PatientPaymentAllocated') THEN -1
		WHEN ledger_account = 'cash_clearing' AND event_type = 'PostingReversed' OR ledger_account IN ('conversion', 'bank') AND event_type = 'PriorAdjudicationPosted' THEN 1 END`
	collectable = `CASE WHEN service_date BETWEEN {from} AND {thru} AND ledger_account IN ('revenue_gross', 'contractual') THEN -1 END`
)

// From and Thru are the days of the window as of a day.
func (f Figure) From(asOf string) string { return date.Add(asOf, 1-f.Window-f.Lag) }

// Thru is the last day of the window.
func (f Figure) Thru(asOf string) string { return date.Add(asOf, -f.Lag) }

// Value is numerator × Scale ÷ denominator in millionths (cents for money); false: the denominator is 0.
func (f Figure) Value(numerator, denominator int64) (int64, bool) {
	if f.Unit == Money {
		return numerator, true
	}
	if denominator == 0 {
		return 0, false
	}
	// Cents times a million overflow at nine billion dollars: divide first what can be divided.
	whole, rest := numerator/denominator, numerator%denominator
	return whole*f.Scale*1_000_000 + fraction(rest, denominator)*f.Scale, true
}

// fraction is rest ÷ denominator in millionths, for rest < denominator, digit by digit so that nothing overflows.
func fraction(rest, denominator int64) int64 {
	out := int64(0)
	for range 6 {
		rest *= 10
		out = out*10 + rest/denominator
		rest %= denominator
	}
	return out
}

// open are the receivables as of the day; a sub-select makes the day once, and not once a row.
const open = ` FROM receivables WHERE tenant_id = $1 AND from_day <= (SELECT $6::text::date) AND thru_day > (SELECT $6::text::date) AND ($4 = '' OR first_payer_id = $4) AND ($5 = '' OR location_id = $5)`

const receivables = `(SELECT coalesce(sum(amount), 0)::bigint` + open + `)`

// Figures are all of them, in the order in which they are shown.
var Figures = []Figure{
	{
		ID: "days_in_ar", Version: 1, Name: "Days in A/R", Unit: Days, Window: 90, Scale: 90, Target: "below 40",
		Formula:   "(receivables − credit balances) ÷ (gross charges of the last 90 days ÷ 90)",
		Numerator: "receivables less credit balances", Denominator: "gross charges of 90 days",
		SQL: `SELECT ` + receivables + `, (SELECT ` + sum(charged) + `
			FROM accounts a JOIN ledger_legs l ON l.tenant_id = a.tenant_id AND l.account_id = a.account_id AND l.ledger_account = 'revenue_gross' AND l.occurred_on <= $6::text::date
			WHERE a.tenant_id = $1 AND a.posted_date BETWEEN $2::text::date AND $3::text::date AND ($4 = '' OR a.first_payer_id = $4) AND ($5 = '' OR a.location_id = $5))`,
		Legs: map[string]string{Denominator: charged},
	},
	{
		ID: "clean_claim_rate", Version: 2, Name: "Clean claim rate", Unit: Percent, Window: 90, Scale: 1, Target: "95 % or more",
		Formula:   "claims to first payers that passed every edit, also those that only warn, and went out as they were made ÷ claims to first payers that were made",
		Numerator: "claims that passed by themselves", Denominator: "claims made",
		SQL: share(passed, made), Claims: shared(passed, made),
	},
	{
		ID: "net_collection_rate", Version: 1, Name: "Net collection rate", Unit: Percent, Window: 90, Lag: 30, Scale: 1, Target: "95 to 98 %",
		Formula:   "payments ÷ (charges − contractual adjustments), for services of 90 days that ended 30 days before",
		Numerator: "payments", Denominator: "charges less contractual adjustments",
		SQL: `SELECT ` + sum(paid) + `, ` + sum(collectable) + `
			FROM accounts a JOIN ledger_legs l ON l.tenant_id = a.tenant_id AND l.account_id = a.account_id
			WHERE a.tenant_id = $1 AND a.service_date BETWEEN $2::text::date AND $3::text::date AND l.occurred_on <= $6::text::date
				AND ($4 = '' OR a.first_payer_id = $4) AND ($5 = '' OR a.location_id = $5)`,
		Legs: map[string]string{Numerator: paid, Denominator: collectable},
	},
	{
		ID: "initial_denial_rate", Version: 2, Name: "Initial denial rate", Unit: Percent, Monthly: true, Target: "below 5 %",
		Formula:   "claims to first payers whose first decision, in the month, denied a line ÷ claims sent to first payers in a month, on the average of the 3 months before",
		Numerator: "claims denied at first", Denominator: "claims sent in the months of the base",
		SQL: `SELECT (SELECT count(*) FROM claims WHERE tenant_id = $1 AND ` + Within(refused, "$2", "$3") + ` AND ($4 = '' OR payer_id = $4) AND ($5 = '' OR location_id = $5)),
			(SELECT count(*) FROM claims WHERE tenant_id = $1 AND ` + Within(sent, "$6", "$7") + ` AND ($4 = '' OR payer_id = $4) AND ($5 = '' OR location_id = $5))`,
		Claims: map[string]string{Numerator: refused, Denominator: sent},
	},
	{
		ID: "first_pass_acceptance", Version: 1, Name: "First-pass acceptance", Unit: Percent, Window: 90, Scale: 1, Target: "95 to 98 %",
		Formula:   "claims that the payer accepted at the first send ÷ claims it answered",
		Numerator: "accepted at the first send", Denominator: "claims answered",
		SQL: share(taken, answered), Claims: shared(taken, answered),
	},
	{
		ID: "ar_over_90", Version: 2, Name: "A/R over 90 days", Unit: Percent, Scale: 1, Target: "15 % or less",
		Formula:   "receivables of services more than 90 days ago ÷ receivables; credit balances are in neither",
		Numerator: "receivables over 90 days", Denominator: "receivables",
		SQL: `SELECT coalesce(sum(amount) FILTER (WHERE service_date < (SELECT $6::text::date) - 90), 0)::bigint, coalesce(sum(amount), 0)::bigint` + open + ` AND amount > 0 AND $2 <> '' AND $3 <> ''`,
	},
	{
		ID: "ar_total", Version: 1, Name: "A/R", Unit: Money, Scale: 1,
		Formula: "what payers and patients owe less their credit balances", Numerator: "receivables less credit balances",
		SQL: `SELECT ` + receivables + `, 0::bigint WHERE $2 <> '' AND $3 <> ''`,
	},
}
