package console

import (
	"context"
	"fmt"
	"slices"
	"strings"

	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// Numbers of reports by the names that lists know them by (counted_in): a number leads to the rows that add up to it.
var (
	legNumbers = []option{
		{"payers.charged", "Payers: charged"}, {"payers.allowed", "Payers: allowed"}, {"payers.taken_over", "Payers: taken over"}, {"payers.passed_on", "Payers: passed on"}, {"payers.paid", "Payers: paid"},
		{"payers.contractual", "Payers: contractual"}, {"payers.patient", "Payers: patient"}, {"payers.patient_paid", "Paid by patients"}, {"payers.unapplied", "Money held"},
		{"net_collection_rate.numerator", "Net collection rate: payments"}, {"net_collection_rate.denominator", "Net collection rate: charges less contractual adjustments"},
		{"days_in_ar.denominator", "Days in A/R: gross charges of 90 days"},
	}
	claimNumbersCounted = []option{
		{"", "All claims"}, {"payers.claims", "Not taken back"}, {"clean_claim_rate.denominator", "Clean claim rate: claims made"}, {"clean_claim_rate.numerator", "Clean claim rate: passed by themselves"},
		{"clean_claim_rate.remainder", "Clean claim rate: did not pass by themselves"}, {"first_pass_acceptance.denominator", "First-pass acceptance: claims answered"},
		{"first_pass_acceptance.numerator", "First-pass acceptance: accepted at the first send"}, {"first_pass_acceptance.remainder", "First-pass acceptance: not accepted at the first send"},
		{"initial_denial_rate.numerator", "Initial denial rate: denied at first"}, {"initial_denial_rate.denominator", "Initial denial rate: sent in the base"},
	}
	denialNumbers = []option{{"", "All denied lines"}, {"denials", "First decisions of first payers"}, {"payers.denied", "Still denied"}}
)

// countedChoice narrows a list to what makes up a number.
func (r *request) countedChoice(options []option) choice {
	return choice{Name: "counted", Label: "Counted in", Value: r.q.Get("counted"), Options: options}
}

// countedRows is where the rows of a part of a key figure are; empty: it has none.
func countedRows(r *request, figure, part string) string {
	name := figure + "." + part
	has := func(list []option) bool {
		return slices.ContainsFunc(list, func(o option) bool { return o.Value == name })
	}
	switch {
	case has(claimNumbersCounted):
		return r.to("/claims", "counted", name)
	case has(legNumbers):
		return r.to("/legs", "counted", name)
	case name == "ar_over_90.numerator":
		return r.to("/receivables", "age", "91+")
	case name == "ar_over_90.denominator":
		return r.to("/receivables", "age", "debit")
	case name == "ar_total.numerator", name == "days_in_ar.numerator":
		return r.to("/receivables")
	}
	return ""
}

// legs are the ledger legs that make up a number of a report, each as it is counted.
func (c *console) legs(ctx context.Context, r *request) (*page, error) {
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	number := r.countedChoice(legNumbers)
	f, p := r.filter(number, n.payerChoice(r, "patient"), n.locationChoice(r)), &page{Nav: "payers", Dated: true}
	if number.Value == "" {
		f.Wrong = append(f.Wrong, "Choose the number whose entries are wanted.")
	}
	if len(f.Wrong) > 0 {
		return c.unasked(r, p, "Entries", f)
	}
	p.Crumbs = []crumb{{"Payers", r.to("/payers")}}
	if figure, _, _ := strings.Cut(number.Value, "."); figure != "payers" {
		p.Nav, p.Crumbs = "dashboard", []crumb{{"Dashboard", r.to("/")}, {"Key figure", r.to("/kpis/" + figure)}}
	}
	ask := &reportingv1.ListLegsRequest{AsOf: r.at, CountedIn: number.Value, PayerId: r.q.Get("payer"), LocationId: r.q.Get("location")}
	all, next, over, last, err := c.walkLegs(ctx, r, ask)
	if err != nil {
		return nil, err
	}
	t := &table{
		ID: "rows", Caption: "Entries", Note: fmt.Sprintf("%s: %s", plural(last.TotalRows, "leg"), money.Format(last.TotalAmount.GetAmountMinor())),
		Columns: []column{{Name: "Event"}, {Name: "Booked on"}, {Name: "Ledger account"}, {Name: "Account"}, {Name: "Payer"}, {Name: "Reason code"}, {Name: "File"}, {Name: "Counts", Num: true}},
		Empty:   "Nothing is counted in it.", Todo: "Choose another day or payer.",
	}
	for _, l := range all {
		cells := r.leg(n, l)
		counts := amount(l.CountedAmount, cells[0].Href)
		t.Rows = append(t.Rows, row{Cells: slices.Concat(cells[:2], []cell{text(ledgerName(l.LedgerAccount))}, cells[2:], []cell{counts})})
	}
	r.sorted(t, next, over, "Booked on", "Payer", "Counts")
	return c.list(r, p, &rows{Title: number.text(), Tables: []*table{t}, Filter: f}, "entries")
}

// walkLegs reads the legs that a page needs, and what all of them sum to.
func (c *console) walkLegs(ctx context.Context, r *request, ask *reportingv1.ListLegsRequest) (all []*reportingv1.LedgerLeg, next string, over bool, last *reportingv1.ListLegsResponse, err error) {
	all, next, over, err = walk(r, false, func(size int32, token string) ([]*reportingv1.LedgerLeg, string, error) {
		ask.PageSize, ask.PageToken = size, token
		a, err := c.reporting.ListLegs(ctx, ask)
		if err != nil {
			return nil, "", fmt.Errorf("list legs: %w", err)
		}
		last = a
		return a.Legs, a.NextPageToken, nil
	})
	return all, next, over, last, err
}

// leg is a leg in a list: its event, day, account, payer, reason code and file.
func (r *request) leg(n *names, l *reportingv1.LedgerLeg) []cell {
	at := cell{Text: "–", Class: "zero"}
	switch {
	case l.AccountId != "":
		at = id(l.AccountId, r.to("/accounts/"+l.AccountId))
	case l.RemittanceId != "":
		at = id(l.RemittanceId, r.remittance(l.RemittanceId))
	}
	return []cell{link(eventName(l.EventType), r.opens(r.to("/events/posting/"+l.Stream, "event", l.EventId))), day(l.OccurredOn), at, payerCell(n, l.PayerId), orDash(l.Carc), r.source(l.Source)}
}
