package console

import (
	"cmp"
	"context"
	"fmt"

	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// Statuses of a claim in the order of its life.
var statuses = []string{"held", "ready", "submitted", "accepted", "rejected", "denied", "adjudicated", "reversed", "closed"}

func statusChoice(r *request) choice {
	o := []option{{"", "Any status"}}
	for _, s := range statuses {
		o = append(o, option{s, words(s)})
	}
	return choice{Name: "status", Label: "Status", Value: r.q.Get("status"), Options: o}
}

// claimOrders are what reporting sorts claims by.
var claimOrders = map[string]string{
	"Claim": "patient_control_number", "Service": "service_date", "Payer": "payer", "Status": "status", "Charged": "amount", "Paid": "paid", "Denied": "denied", "Sent": "submitted_date",
}

func (c *console) claimList(ctx context.Context, r *request) (*page, error) {
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	number := numberChoice(r)
	why, found, err := c.jump(ctx, r, number.Value, "")
	if found || err != nil {
		return nil, err
	}
	from, thru := r.q.Get("from"), r.q.Get("thru")
	age := choice{Name: "age", Label: "Age of service", Value: r.q.Get("age"), Options: ages()}
	if age.Value != "" {
		from, thru = serviceDays(age.Value, c.asOf(r))
	}
	p, f := &page{Nav: "claims", Dated: true}, r.filter(number, n.payerChoice(r), statusChoice(r), n.locationChoice(r), age, r.countedChoice(claimNumbersCounted))
	f.days(from, thru)
	if why != "" {
		f.Wrong = append(f.Wrong, "No claim has the number "+number.Value+". "+why)
	}
	for _, d := range []string{from, thru} {
		if d != "" && !date.Valid(d) {
			f.Wrong = append(f.Wrong, fmt.Sprintf("Days of service: “%s” is no day. Write it as 2026-03-31.", d))
		}
	}
	if len(f.Wrong) > 0 {
		return c.unasked(r, p, "Claims", f)
	}
	ask := &reportingv1.ListClaimsRequest{
		AsOf: r.at, PayerId: r.q.Get("payer"), LocationId: r.q.Get("location"), Status: r.q.Get("status"), FromDate: from, ThruDate: thru, CountedIn: r.q.Get("counted"),
		Sort: r.sortBy(claimOrders),
	}
	var last *reportingv1.ListClaimsResponse
	all, next, cut, err := walk(r, true, func(size int32, token string) ([]*reportingv1.ClaimRow, string, error) {
		ask.PageSize, ask.PageToken = size, token
		a, err := c.reporting.ListClaims(ctx, ask)
		if err != nil {
			return nil, "", fmt.Errorf("list claims: %w", err)
		}
		last = a
		return a.Claims, a.NextPageToken, nil
	})
	if err != nil {
		return nil, err
	}
	t := &table{
		Caption: "Claims", Note: fmt.Sprintf("%s, %s charged", plural(last.TotalRows, "claim"), money.Format(last.TotalChargeAmount.GetAmountMinor())),
		Columns: []column{
			{Name: "Claim"}, {Name: "Service"}, {Name: "Payer"}, {Name: "Billed as"}, {Name: "Location"}, {Name: "Status"},
			{Name: "Charged", Num: true}, {Name: "Paid", Num: true}, {Name: "Denied", Num: true}, {Name: "Open", Num: true}, {Name: "Sent"}, {Name: "Decided"},
		},
		Empty: "No claim answers to this filter.", Todo: "Clear a part of it. A claim is made when a signed visit has been coded; visits that wait stand under Work items.",
	}
	for _, x := range all {
		number := link(x.PatientControlNumber, "/claims/"+x.ClaimId)
		number.Class = "id"
		account := "/accounts/" + x.AccountId
		t.Rows = append(t.Rows, row{Cells: []cell{
			number, day(x.ServiceDate), named(x.PayerName), text(words(x.PayerSequence.String())), named(x.LocationName), badge(x.Status),
			amount(x.ChargeAmount, r.to(account)), amount(x.PaidAmount, r.to(account)), amount(x.DeniedAmount, "/claims/"+x.ClaimId+"#denials"), amount(x.OpenAmount, r.to(account)),
			near(x.SubmittedDate, x.ServiceDate), near(x.AdjudicatedDate, x.ServiceDate),
		}})
	}
	r.ordered(t, next, cut, claimOrders)
	d := &rows{Title: "Claims", Filter: f, Tables: []*table{t}}
	return c.list(r, p, d, "claims")
}

// jump goes to the claim that a number in a list's filter means. If there is none, why says what to do.
func (c *console) jump(ctx context.Context, r *request, number, part string) (why string, found bool, err error) {
	if number == "" {
		return "", false, nil
	}
	id, why, err := c.find(ctx, number)
	if err != nil || id == "" {
		return cmp.Or(why, "Type the whole number, as it stands on the claim or came back from the payer (CLM01, CLP01), or the claim's id, which begins with clm_."), false, err
	}
	r.leads("/claims/" + id + part)
	return "", true, nil
}

// plural is a count with its noun.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}
