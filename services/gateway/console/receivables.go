package console

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/money"
)

var bases = []option{{"", "Date of service"}, {"bill", "Day first sent"}}

func basisOf(r *request) reportingv1.AgingBasis {
	if r.q.Get("basis") == "bill" {
		return reportingv1.AgingBasis_AGING_BASIS_BILL_DATE
	}
	return reportingv1.AgingBasis_AGING_BASIS_SERVICE_DATE
}

// agingOrders and denialOrders are what reporting sorts balances and denied lines by.
var (
	agingOrders  = map[string]string{"Claim or account": "patient_control_number", "Service": "service_date", "Days": "days", "Owed by": "payer", "Balance": "amount"}
	denialOrders = map[string]string{"Claim": "patient_control_number", "Denied on": "denied_date", "Service": "service_date", "Payer": "payer", "Reason": "carc", "Denied": "amount"}
)

// receivables are the open balances by age: as a whole, then row for row.
func (c *console) receivables(ctx context.Context, r *request) (*page, error) {
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	bucket := r.q.Get("age")
	p, f := &page{Nav: "receivables", Dated: true}, r.filter(
		n.payerChoice(r, "patient", "insurance"), n.locationChoice(r), choice{Name: "age", Label: "Age", Value: bucket, Options: append(ages(), option{"91+", "Over 90 days"}, option{"debit", "Any, without credits"}, option{"credit", "Credit balances"})},
		choice{Name: "basis", Label: "Age counts from", Value: r.q.Get("basis"), Options: bases})
	if len(f.Wrong) > 0 {
		return c.unasked(r, p, "Receivables", f)
	}
	ask := &reportingv1.ListAgingRowsRequest{AsOf: r.at, Basis: basisOf(r), PayerId: r.q.Get("payer"), LocationId: r.q.Get("location"), Bucket: bucket, Sort: r.sortBy(agingOrders)}
	var last *reportingv1.ListAgingRowsResponse
	all, next, cut, err := walk(r, true, func(size int32, token string) ([]*reportingv1.AgingRow, string, error) {
		ask.PageSize, ask.PageToken = size, token
		a, err := c.reporting.ListAgingRows(ctx, ask)
		if err != nil {
			return nil, "", fmt.Errorf("list receivables: %w", err)
		}
		last = a
		return a.Rows, a.NextPageToken, nil
	})
	if err != nil {
		return nil, err
	}
	t := &table{
		ID: "rows", Caption: "Open balances", Note: fmt.Sprintf("%s, %s", plural(last.TotalRows, "balance"), money.Format(last.TotalAmount.GetAmountMinor())),
		Columns: []column{
			{Name: "Claim or account"}, {Name: "Service"}, {Name: "Days", Num: true}, {Name: "Owed by"}, {Name: "Billed as"}, {Name: "Location"}, {Name: "First sent"}, {Name: "Claim status"},
			{Name: "Charged", Num: true}, {Name: "Balance", Num: true}, {Name: "Claim id", Aside: true}, {Name: "Account id", Aside: true},
		},
		Empty: "Nothing is open that answers to this filter.", Todo: "Clear a part of it, or choose another day.",
	}
	for _, x := range all {
		account := r.to("/accounts/" + x.AccountId)
		first, status := id(x.AccountId, account), cell{Text: "–", Class: "zero"}
		if x.ClaimId != "" {
			first, status = claimLink(x.PatientControlNumber, x.ClaimId), badge(x.ClaimStatus)
		}
		t.Rows = append(t.Rows, row{Cells: []cell{
			first, day(x.ServiceDate), count(int64(x.Days), ""), named(x.PayerName), text(words(x.PayerSequence.String())), named(x.LocationName), near(x.BillDate, x.ServiceDate), status,
			amount(x.ChargeAmount, account), amount(x.BalanceAmount, account), text(x.ClaimId), text(x.AccountId),
		}})
	}
	r.ordered(t, next, cut, agingOrders)
	d := &rows{Title: "Receivables", Tables: []*table{t}, Filter: f}
	if !wantsCSV(r) && bucket == "" && r.q.Get("page") == "" && r.q.Get("order") == "" {
		if err := c.agings(ctx, r, d); err != nil {
			return nil, err
		}
	}
	return c.list(r, p, d, "receivables")
}

// agings puts the two charts above the rows.
func (c *console) agings(ctx context.Context, r *request, d *rows) error {
	for _, by := range []struct {
		group     reportingv1.GroupBy
		id, title string
		key       string
	}{
		{reportingv1.GroupBy_GROUP_BY_PAYER, "aging-payer", "By payer", "payer"}, {reportingv1.GroupBy_GROUP_BY_LOCATION, "aging-location", "By location", "location"},
	} {
		a, err := c.reporting.GetAging(ctx, &reportingv1.GetAgingRequest{AsOf: r.at, Basis: basisOf(r), GroupBy: by.group, PayerId: r.q.Get("payer"), LocationId: r.q.Get("location")})
		if err != nil {
			return fmt.Errorf("read the aging: %w", err)
		}
		d.Charts = append(d.Charts, agingChart(r, by.id, by.title, a, func(group, bucket string) string {
			if group == "" {
				return r.here("age", bucket)
			}
			return r.here(by.key, group, "age", bucket)
		}))
	}
	return nil
}

// byReason heads the column of reason codes: an adjustment's group and the claim adjustment reason code, as in CO-197.
const byReason = "Reason code"

// denialDays is how many days denials look back when no first day is named, as reporting's rates do.
const denialDays = 90

// denials: the rate, then the denied lines.
func (c *console) denials(ctx context.Context, r *request) (*page, error) {
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	number := numberChoice(r)
	why, found, err := c.jump(ctx, r, number.Value, "#denials")
	if found || err != nil {
		return nil, err
	}
	from, thru := r.q.Get("from"), r.q.Get("thru")
	by := r.q.Get("by")
	p, f := &page{Nav: "denials", Dated: true}, r.filter(
		number, n.payerChoice(r), n.locationChoice(r), choice{Name: "carc", Label: "Reason code", Value: r.q.Get("carc"), Type: "search", Hint: "CO-197"},
		choice{Name: "from", Label: "Decided from", Value: from, Type: "date"}, choice{Name: "thru", Label: "through", Value: thru, Type: "date"},
		choice{Name: "by", Label: "Summary", Value: by, Options: []option{{"", "By week"}, {"payer", "By payer"}, {"carc", "By reason"}}}, r.countedChoice(denialNumbers))
	f.days(from, thru)
	if why != "" {
		f.Wrong = append(f.Wrong, "No claim has the number "+number.Value+". "+why)
	}
	if len(f.Wrong) > 0 {
		return c.unasked(r, p, "Denials", f)
	}
	// The rates and the lines below them are of the same days.
	first, last := from, cmp.Or(thru, c.asOf(r))
	counted, over := r.q.Get("counted"), "decided until "+spelled(last)
	if first == "" && counted != "payers.denied" { // what is still denied is so since whenever
		first = date.Add(last, 1-denialDays)
	}
	if first != "" {
		over = "decided " + spelled(first) + " to " + spelled(last)
	}
	ask := &reportingv1.ListDenialRowsRequest{AsOf: r.at, FromDate: first, ThruDate: last, CountedIn: counted, PayerId: r.q.Get("payer"), LocationId: r.q.Get("location"), Carc: r.q.Get("carc"), Sort: r.sortBy(denialOrders)}
	var list *reportingv1.ListDenialRowsResponse
	all, next, cut, err := walk(r, true, func(size int32, token string) ([]*reportingv1.DenialRow, string, error) {
		ask.PageSize, ask.PageToken = size, token
		a, err := c.reporting.ListDenialRows(ctx, ask)
		if err != nil {
			return nil, "", fmt.Errorf("list denials: %w", err)
		}
		list = a
		return a.Rows, a.NextPageToken, nil
	})
	if err != nil {
		return nil, err
	}
	t := &table{
		ID: "rows", Caption: "Denied lines", Note: fmt.Sprintf("%s of %s, %s; %s", plural(list.TotalRows, "line"), plural(list.TotalClaims, "claim"), money.Format(list.TotalAmount.GetAmountMinor()), over),
		Columns: []column{
			{Name: "Claim"}, {Name: "Denied on"}, {Name: "Service"}, {Name: "Code"}, {Name: "Payer"}, {Name: "Location"}, {Name: "Reason"}, {Name: "In words"}, {Name: "Caused in"}, {Name: "State"},
			{Name: "Denied", Num: true}, {Name: "What to do", Aside: true}, {Name: "Claim id", Aside: true},
		},
		Empty: "No line was denied that answers to this filter.", Todo: "Clear a part of it, or choose a longer time.",
	}
	for _, x := range all {
		state := badge("open")
		switch {
		case x.Overturned:
			state = badge("overturned")
		case x.Withdrawn:
			state = badge("withdrawn")
		}
		reason := text(x.GroupCode + "-" + x.Carc)
		reason.Href, reason.Class = r.here("carc", x.Carc), "day"
		if len(x.Rarc) > 0 {
			reason.Text += " " + strings.Join(x.Rarc, " ")
			reason.Plain = reason.Text
		}
		t.Rows = append(t.Rows, row{Cells: []cell{
			claimLink(x.PatientControlNumber, x.ClaimId), day(x.DeniedDate), near(x.ServiceDate, x.DeniedDate), text(x.ServiceCode), brief(x.PayerName), brief(x.LocationName), reason,
			label(upper(x.Label)), text(words(strings.ToUpper(x.Origin))), state, amount(x.DeniedAmount, r.to("/accounts/"+x.AccountId)), text(words(x.DefaultAction)), text(x.ClaimId),
		}})
	}
	r.ordered(t, next, cut, denialOrders)
	d := &rows{Title: "Denials", Tables: []*table{t}, Filter: f}
	if !wantsCSV(r) && r.q.Get("page") == "" && r.q.Get("order") == "" && counted == "" && (from == "" || by != "") {
		q := &reportingv1.GetDenialsRequest{AsOf: r.at, FromDate: first, ThruDate: last, PayerId: r.q.Get("payer"), LocationId: r.q.Get("location"), GroupBy: reportingv1.GroupBy_GROUP_BY_WEEK}
		group := "Week of"
		switch by {
		case "payer":
			q.GroupBy, group = reportingv1.GroupBy_GROUP_BY_PAYER, "Payer"
		case "carc":
			q.GroupBy, group = reportingv1.GroupBy_GROUP_BY_CARC, byReason
		}
		a, err := c.reporting.GetDenials(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read denial rates: %w", err)
		}
		if by == "" {
			d.Charts = append(d.Charts, denialChart(r, a))
		} else {
			for _, g := range a.Groups {
				if by == "carc" && g.Name != g.GroupId {
					g.Name = g.GroupId + ", " + g.Name
				}
			}
			d.Above = append(d.Above, denialTable(r, "Denial rate", group, a))
		}
	}
	return c.list(r, p, d, "denials")
}
