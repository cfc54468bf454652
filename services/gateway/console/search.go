package console

import (
	"context"
	"net/http"
	"strings"

	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
)

type searchPage struct{ Query, Why string }

// search finds one thing by its number and goes there.
func (c *console) search(ctx context.Context, r *request) (*page, error) {
	q := strings.TrimSpace(r.q.Get("q"))
	if q == "" || len(q) > 100 {
		return &page{Title: "Find by number", Body: "search", Data: searchPage{}}, nil
	}
	claim, why, err := c.find(ctx, q)
	if err != nil {
		c.log.WarnContext(ctx, "a search could not look everywhere", "request_id", requestID(r.w), "where", "/claims/", "error", err)
	}
	if claim != "" {
		http.Redirect(r.w, r.Request, "/claims/"+claim, http.StatusSeeOther)
		return nil, nil
	}
	looks := []struct {
		path string
		look func() error
	}{
		{"/accounts/", func() error {
			_, err := c.posting.GetAccount(ctx, &postingv1.GetAccountRequest{AccountId: q})
			return err
		}},
		{"/remittances/", func() error {
			_, err := c.posting.GetRemittance(ctx, &postingv1.GetRemittanceRequest{RemittanceId: q})
			return err
		}},
		{"/interchanges/", func() error {
			_, err := c.exchange.GetInterchange(ctx, &exchangev1.GetInterchangeRequest{InterchangeId: q})
			return err
		}},
		{"/work-items/", func() error {
			_, err := c.collections.GetWorkItem(ctx, &collectionsv1.GetWorkItemRequest{WorkItemId: q})
			return err
		}},
		{"/statements/", func() error {
			_, err := c.collections.GetStatement(ctx, &collectionsv1.GetStatementRequest{StatementId: q})
			return err
		}},
		{"/patients/", func() error {
			_, err := c.collections.GetPatientBalance(ctx, &collectionsv1.GetPatientBalanceRequest{PatientId: q})
			return err
		}},
	}
	for _, l := range looks {
		if r.opens(l.path+q) == "" {
			continue
		}
		err := l.look()
		if err == nil {
			http.Redirect(r.w, r.Request, l.path+q, http.StatusSeeOther)
			return nil, nil
		}
		if !missing(err) {
			c.log.WarnContext(ctx, "a search could not look everywhere", "request_id", requestID(r.w), "where", l.path, "error", err)
		}
	}
	return &page{Title: "Nothing found", Body: "search", Data: searchPage{Query: q, Why: why}, Searched: q}, nil
}
