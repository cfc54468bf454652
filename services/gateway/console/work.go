package console

import (
	"context"
	"fmt"
	"strings"

	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
)

// Teams and kinds of work, as collections opens them.
var (
	teams = []string{"authorizations", "billing", "coding", "contracts", "denials", "follow_up", "intake", "integrations", "posting"}
	kinds = []string{
		"authorization", "claim_held", "coder_query", "denial", "deposit", "overdue", "quarantined_remittance", "refused_file", "rejection", "timely_filing", "unapplied", "underpayment",
		"unmatched_payment", "visit_held",
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

func (c *console) workItems(ctx context.Context, r *request) (*page, error) {
	state := r.q.Get("state")
	ask := &collectionsv1.ListWorkItemsRequest{Owner: r.q.Get("owner"), Kind: r.q.Get("kind"), Assignee: r.q.Get("assignee"), PatientId: r.q.Get("patient"), ClaimId: r.q.Get("claim")}
	switch state {
	case "":
		ask.State = collectionsv1.WorkItemState_WORK_ITEM_STATE_OPEN
	case "resolved":
		ask.State = collectionsv1.WorkItemState_WORK_ITEM_STATE_RESOLVED
	}
	all, next, over, err := walk(r, func(size int32, token string) ([]*collectionsv1.WorkItem, string, error) {
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
	t := &table{
		Caption: "Work items", Note: "earliest due first",
		Columns: []column{{Name: "What"}, {Name: "Detail"}, {Name: "Team"}, {Name: "Assigned to"}, {Name: "Opened"}, {Name: "Due"}, {Name: "State"}, {Name: "At risk", Num: true}},
		Empty:   "No work item answers to this filter.", Todo: "Clear a part of it. Items open by themselves when something needs a person, and close when it is done.",
	}
	for _, w := range all {
		what, detail, assignee := link(w.Title, "/work-items/"+w.WorkItemId), named(w.Detail), orDash("")
		what.Class, detail.Class = "day", "name long"
		if w.Assignee != "" {
			assignee = named(w.Assignee)
		}
		t.Rows = append(t.Rows, row{Cells: []cell{
			what, detail, text(words(strings.ToUpper(w.Owner))), assignee, day(w.OpenedDate), c.due(day(w.DueDate), w), badge(w.State.String()), risk(w.AtRisk, "/work-items/"+w.WorkItemId),
		}})
	}
	r.finish(t, next, over, "What", "Team", "Assigned to", "Opened", "Due", "At risk")
	mine := strings.TrimPrefix(r.id.Actor, "user:")
	d := &rows{Title: "Work items", Tables: []*table{t}, Filter: r.filter(
		choice{Name: "owner", Label: "Team", Value: r.q.Get("owner"), Options: choices("All teams", teams)}, choice{Name: "kind", Label: "Kind", Value: r.q.Get("kind"), Options: choices("All kinds", kinds)},
		choice{Name: "assignee", Label: "Assigned to", Value: r.q.Get("assignee"), Options: []option{{"", "Anybody"}, {mine, "Me"}}},
		choice{Name: "state", Label: "State", Value: state, Options: []option{{"", "Open"}, {"resolved", "Resolved"}, {"all", "All"}}})}
	return c.list(r, &page{Nav: "work"}, d, "work-items")
}

// due marks a day that has passed.
func (c *console) due(d cell, w *collectionsv1.WorkItem) cell {
	if w.State == collectionsv1.WorkItemState_WORK_ITEM_STATE_OPEN && w.DueDate != "" && w.DueDate < c.today() {
		d.Class += " late"
		d.Title = "Overdue"
		d.Text += " (late)"
	}
	return d
}

type workPage struct {
	Title, Detail, ID string
	Facts, About      []fact
	Todo              string
	Open, CanAct      bool
	Me, CSRF, Key     string
	Outcomes          []option
}

func (c *console) workItem(ctx context.Context, r *request) (*page, error) {
	w, err := c.collections.GetWorkItem(ctx, &collectionsv1.GetWorkItemRequest{WorkItemId: r.PathValue("id")})
	if err != nil {
		return nil, fmt.Errorf("read the work item: %w", err)
	}
	d := &workPage{
		Title: w.Title, Detail: w.Detail, ID: w.WorkItemId, Todo: upper(w.DefaultAction), Open: w.State == collectionsv1.WorkItemState_WORK_ITEM_STATE_OPEN, CanAct: r.may(billing),
		Me: strings.TrimPrefix(r.id.Actor, "user:"), CSRF: r.id.CSRF, Key: newKey(), Outcomes: outcomes,
	}
	d.Facts = []fact{
		{"State", badge(w.State.String())}, {"Team", text(words(strings.ToUpper(w.Owner)))}, {"Assigned to", orDash(w.Assignee)}, {"Opened", day(w.OpenedDate)}, {"Due", c.due(day(w.DueDate), w)},
		{"At risk", risk(w.AtRisk, "")},
	}
	if !d.Open {
		how := "by hand"
		if w.Automatic {
			how = "by itself: what it waited for happened"
		}
		d.Facts = append(d.Facts, fact{"Outcome", text(words(strings.ToUpper(w.Outcome)) + ", " + how)}, fact{"Note", orDash(w.Note)})
	}
	for _, x := range []struct{ name, id, href string }{
		{"Claim", w.ClaimId, "/claims/" + w.ClaimId}, {"Account", w.AccountId, "/accounts/" + w.AccountId}, {"Remittance", w.RemittanceId, r.remittance(w.RemittanceId)},
		{"File", w.InterchangeId, "/interchanges/" + w.InterchangeId}, {"Deposit", w.DepositId, "/deposits"}, {"Patient", w.PatientId, "/patients/" + w.PatientId}, {"Encounter", w.EncounterId, ""},
		{"Visit", w.AppointmentId, ""}, {"Authorization", w.AuthorizationId, ""},
	} {
		if x.id != "" {
			href := x.href
			if href != "" && !allowed(r.id.Role, "GET "+href) {
				href = ""
			}
			d.About = append(d.About, fact{x.name, id(x.id, href)})
		}
	}
	return &page{Title: w.Title, Nav: "work", Crumbs: []crumb{{"Work items", "/work-items"}}, Body: "work", Data: d}, nil
}

func (c *console) assign(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	_, err := c.collections.AssignWorkItem(c.calling(ctx, r, r.PostFormValue("key")), &collectionsv1.AssignWorkItemRequest{WorkItemId: id, Assignee: strings.TrimSpace(r.PostFormValue("assignee"))})
	return r.after(err, "/work-items/"+id, "assigned")
}

func (c *console) resolve(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	_, err := c.collections.ResolveWorkItem(c.calling(ctx, r, r.PostFormValue("key")), &collectionsv1.ResolveWorkItemRequest{
		WorkItemId: id, Outcome: r.PostFormValue("outcome"), Note: strings.TrimSpace(r.PostFormValue("note")),
	})
	return r.after(err, "/work-items/"+id, "resolved")
}
