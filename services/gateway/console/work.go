package console

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
)

// Teams and kinds of work, as collections opens them.
var (
	teams = []string{"authorizations", "billing", "coding", "contracts", "denials", "follow_up", "intake", "integrations", "posting"}
	kinds = []string{
		"authorization", "balance_billing", "claim_held", "coder_query", "coverage_change", "credit_balance", "denial", "deposit", "late_coverage", "later_payment", "overdue", "possible_duplicate", "prior_decision", "prior_denial", "provider_adjustment", "quarantined_remittance", "refused_file", "rejection", "takeback", "timely_filing",
		"unapplied", "underpayment", "unfunded_remittance", "unmatched_deposit", "unmatched_payment", "visit_held", "void_refused", "withdrawn",
	}
	outcomes = []option{{"corrected", "Corrected"}, {"appealed", "Appealed"}, {"accepted", "Accepted as it is"}, {"not_needed", "Nothing to be done"}}
)

func choices(any string, list []string) []option {
	o := []option{{"", any}}
	for _, s := range list {
		o = append(o, option{s, words(strings.ToUpper(s))})
	}
	return o
}

// workOrders are what collections sorts work items by.
var workOrders = map[string]string{
	"What": "title", "Claim": "patient_control_number", "Team": "owner", "Assigned to": "assignee", "Opened": "opened_date", "Due": "due_date", "At risk": "at_risk",
}

func (c *console) workItems(ctx context.Context, r *request) (*page, error) {
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	state, number := r.q.Get("state"), numberChoice(r)
	ask := &collectionsv1.ListWorkItemsRequest{Owner: r.q.Get("owner"), Kind: r.q.Get("kind"), Assignee: r.q.Get("assignee"), PatientId: r.q.Get("patient"), ClaimId: r.q.Get("claim"), Sort: r.sortBy(workOrders)}
	switch state {
	case "":
		ask.State = collectionsv1.WorkItemState_WORK_ITEM_STATE_OPEN
	case "resolved":
		ask.State = collectionsv1.WorkItemState_WORK_ITEM_STATE_RESOLVED
	}
	t := &table{
		Caption: "Work items",
		Columns: []column{
			{Name: "What"}, {Name: "Claim"}, {Name: "Payer"}, {Name: "Detail"}, {Name: "Team"}, {Name: "Assigned to"}, {Name: "Opened", Aside: true}, {Name: "Due"}, {Name: "State"}, {Name: "At risk", Num: true},
			{Name: "Claim id", Aside: true}, {Name: "Work item id", Aside: true},
		},
		Empty: "No work item answers to this filter.", Todo: "Clear a part of it. Items open by themselves when something needs a person, and close when it is done.",
	}
	if ask.Sort == "" {
		t.Note = "earliest due first"
	}
	t.Columns[8].Aside = state != "all" // the same in every row
	mine := strings.TrimPrefix(r.id.Actor, "user:")
	p, f := &page{Nav: "work"}, r.filter(number,
		choice{Name: "owner", Label: "Team", Value: r.q.Get("owner"), Options: choices("All teams", teams)}, choice{Name: "kind", Label: "Kind", Value: r.q.Get("kind"), Options: choices("All kinds", kinds)},
		choice{Name: "assignee", Label: "Assigned to", Value: r.q.Get("assignee"), Options: []option{{"", "Anybody"}, {mine, "Me"}}, Free: true},
		choice{Name: "state", Label: "State", Value: state, Options: []option{{"", "Open"}, {"resolved", "Resolved"}, {"all", "Open and resolved"}}})
	f.keep(r, "claim", "patient")
	if number.Value != "" {
		id, why, err := c.find(ctx, number.Value)
		if err != nil {
			return nil, err
		}
		if id == "" {
			f.Wrong = append(f.Wrong, "No claim has the number "+number.Value+". "+cmp.Or(why, "Type the whole number, or the claim's id, which begins with clm_."))
		}
		ask.ClaimId = id
	}
	if len(f.Wrong) > 0 {
		return c.unasked(r, p, "Work items", f)
	}
	all, next, over, err := walk(r, true, func(size int32, token string) ([]*collectionsv1.WorkItem, string, error) {
		ask.PageSize, ask.PageToken = size, token
		a, err := c.collections.ListWorkItems(ctx, ask)
		if err != nil {
			return nil, "", fmt.Errorf("list work items: %w", err)
		}
		return a.WorkItems, a.NextPageToken, nil
	})
	if err != nil {
		return nil, err
	}
	numbers, err := c.numbersOf(ctx, all...)
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		what, assignee := entitled(w.Title, "/work-items/"+w.WorkItemId), orDash("")
		what.Class, what.Text = "wrap", codeInText.ReplaceAllString(w.Title, "$1\u2011$2") // CO-45 stays on one line
		why, _ := n.readable(w.Detail)
		detail := wrapped(numbers.why(w.Title, why))
		detail.Class += " much"
		if name, _, _ := strings.Cut(w.Assignee, "@"); name != "" {
			assignee = brief(name)
			assignee.Plain, assignee.Title = w.Assignee, w.Assignee
		}
		payer := orDash("")
		if w.PayerId != "" {
			payer = wrapped(n.payer(w.PayerId))
		}
		t.Rows = append(t.Rows, row{Cells: []cell{
			what, numbers.claim(w.ClaimId), payer, detail, text(words(strings.ToUpper(w.Owner))), assignee, near(w.OpenedDate, c.today()), late(near(w.DueDate, c.today()), w, c.today()), badge(w.State.String()),
			risk(w.AtRisk, "/work-items/"+w.WorkItemId), text(w.ClaimId), text(w.WorkItemId),
		}})
	}
	r.ordered(t, next, over, workOrders)
	d := &rows{Title: "Work items", Tables: []*table{t}, Filter: f}
	if id := ask.ClaimId; id != "" && number.Value == "" {
		d.Lead = "Of one claim: "
		d.About = claimLink(numbers.of[id], id)
	} else if ask.PatientId != "" {
		d.Lead = "Of one patient: "
		d.About = cell{Text: short(ask.PatientId), Href: r.opens("/patients/" + ask.PatientId), Class: "id"}
	}
	return c.list(r, p, d, "work-items")
}

// late marks the day by which an open item is due where it has passed on the day of the page.
func late(d cell, w *collectionsv1.WorkItem, on string) cell {
	if w.State == collectionsv1.WorkItemState_WORK_ITEM_STATE_OPEN && w.DueDate != "" && w.DueDate < on {
		d.Class += " late"
		d.Title = "Overdue since " + spelled(w.DueDate)
		d.Text += " (late)"
	}
	return d
}

type workPage struct {
	Title, Detail, ID string
	Rules             []string
	Facts, About      []fact
	Todo              string
	Open              bool
	Forms             []*form
}

func (c *console) workItem(ctx context.Context, r *request) (*page, error) {
	w, err := c.collections.GetWorkItem(ctx, &collectionsv1.GetWorkItemRequest{WorkItemId: r.PathValue("id")})
	if err != nil {
		return nil, fmt.Errorf("read the work item: %w", err)
	}
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	numbers, err := c.numbersOf(ctx, w)
	if err != nil {
		return nil, err
	}
	detail, rules := n.readable(w.Detail)
	d := &workPage{
		Title: w.Title, Detail: numbers.why(w.Title, detail), Rules: rules, ID: w.WorkItemId, Todo: strings.TrimSuffix(upper(w.DefaultAction), "."), Open: w.State == collectionsv1.WorkItemState_WORK_ITEM_STATE_OPEN,
	}
	if to := "/work-items/" + w.WorkItemId; d.Open {
		d.Forms = forms(
			r.form(to+"/assignments", "Assign", "", "Assign", input{Name: "assignee", Label: "To whom (e-mail address)", Value: strings.TrimPrefix(r.id.Actor, "user:"), Required: true, Most: 100}),
			r.form(to+"/resolutions", "Resolve", "", "Resolve", input{Name: "outcome", Label: "Outcome", Options: outcomes}, input{Name: "note", Label: "Note", Hint: "no names of persons", Most: 2000}))
	}
	d.Facts = []fact{
		{"State", badge(w.State.String())}, {"Team", text(words(strings.ToUpper(w.Owner)))}, {"Assigned to", orDash(w.Assignee)}, {"Opened", day(w.OpenedDate)}, {"Due", late(day(w.DueDate), w, c.today())},
		{"At risk", risk(w.AtRisk, "")},
	}
	if !d.Open {
		how := "by hand"
		if w.Automatic {
			how = "by itself: what it waited for happened"
		}
		d.Facts = append(d.Facts, fact{"Outcome", text(words(strings.ToUpper(w.Outcome)) + ", " + how)}, fact{"Note", orDash(w.Note)})
	}
	if w.ClaimId != "" {
		d.About = append(d.About, fact{"Claim", numbers.claim(w.ClaimId)})
	}
	if w.PayerId != "" {
		d.About = append(d.About, fact{"Payer", text(n.payer(w.PayerId))})
	}
	for _, x := range []struct{ name, id, href string }{
		{"Account", w.AccountId, "/accounts/" + w.AccountId}, {"Remittance", w.RemittanceId, "/remittances/" + w.RemittanceId}, {"File", w.InterchangeId, "/interchanges/" + w.InterchangeId},
		{"Deposit", w.DepositId, "/deposits/" + w.DepositId}, {"Patient", w.PatientId, "/patients/" + w.PatientId}, {"Encounter", w.EncounterId, "/encounters/" + w.EncounterId},
		{"Visit", w.AppointmentId, "/appointments/" + w.AppointmentId}, {"Authorization", w.AuthorizationId, "/events/authorization/authorization/" + w.AuthorizationId},
	} {
		if x.id != "" {
			d.About = append(d.About, fact{x.name, id(x.id, r.opens(x.href))})
		}
	}
	d.About = append(d.About, fact{"History", link("What happened to this item", r.opens("/events/collections/work_item/"+w.WorkItemId))})
	return &page{Title: w.Title, Nav: "work", Crumbs: []crumb{{"Work items", "/work-items"}}, Body: "work", Data: d}, nil
}

func (c *console) assign(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.collections.AssignWorkItem(c.calling(ctx, r, r.PostFormValue("key")), &collectionsv1.AssignWorkItemRequest{WorkItemId: id, Assignee: strings.TrimSpace(r.PostFormValue("assignee"))})
	return c.after(r, receipt, err, "/work-items/"+id, "assigned")
}

func (c *console) resolve(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.collections.ResolveWorkItem(c.calling(ctx, r, r.PostFormValue("key")), &collectionsv1.ResolveWorkItemRequest{
		WorkItemId: id, Outcome: r.PostFormValue("outcome"), Note: strings.TrimSpace(r.PostFormValue("note")),
	})
	return c.after(r, receipt, err, "/work-items/"+id, "resolved")
}
