package console

import (
	"context"
	"fmt"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
)

type depositPage struct {
	Trace, ID string
	Facts     []fact
	Forms     []*form
	Legs      *table
	History   *table
}

// deposit is what the bank saw once, as its history tells it: the API lists deposits alone.
func (c *console) deposit(ctx context.Context, r *request) (*page, error) {
	name := r.PathValue("id")
	h, err := c.history["posting"].History(ctx, &platformv1.HistoryRequest{Service: "posting", Stream: "deposit/" + name})
	if missing(err) {
		return nil, notThere("There is no deposit %s.", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read the deposit: %w", err)
	}
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	d := &depositPage{ID: name}
	d.Legs = &table{ID: "legs", Caption: "Its entries", Note: "debits positive; each leads to its event", Columns: []column{{Name: "Event"}, {Name: "Booked on"}, {Name: "Ledger account"}, {Name: "Amount", Num: true}}, Empty: "Nothing is booked."}
	var told []row
	state, reversed := badge("received"), false
	for _, e := range h.Events {
		to := r.opens(r.to("/events/posting/deposit/"+name, "event", e.EventId))
		told = append(told, row{Cells: []cell{instant(e.RecordedAt.AsTime()), did(e.Type, to), text(story(n, e)), whose(e.Actor), r.source(e.Source)}})
		for _, l := range e.Legs {
			d.Legs.Rows = append(d.Legs.Rows, row{Cells: []cell{link(eventName(e.Type), to), day(e.OccurredOn), text(ledgerName(l.Account)), cents(l.Amount, to)}})
		}
		switch x := factOf(e).(type) {
		case *postingv1.DepositReceived:
			d.Trace, state, reversed = x.TraceNumber, badge("received"), false
			d.Facts = []fact{{"Amount", cents(x.Amount, "#legs")}, {"Day of the bank", day(x.DepositDate)}, {"Payer", orDash(n.payers[x.PayerId])}, {"Payer's id", orDash(x.PayerIdentifier)}, {"Its remittance", orDash("")}}
		case *postingv1.DepositReversed:
			state, reversed = badge("reversed"), true
		}
	}
	if d.Trace == "" {
		return nil, notThere("There is no deposit %s.", name)
	}
	if !reversed {
		paid, err := c.paidBy(ctx, name)
		if err != nil {
			return nil, err
		}
		state, d.Facts[len(d.Facts)-1].Value = badge("not matched"), text("None is known yet")
		if paid != "" {
			state, d.Facts[len(d.Facts)-1].Value = badge("matched"), id(paid, r.remittance(paid))
		}
	}
	d.Facts = append([]fact{{"State", state}}, d.Facts...)
	d.History = timeline(told)
	if !reversed {
		d.Forms = forms(r.form("/deposits/"+name+"/reversals", "Take it back", "It was recorded by mistake, or the bank took it back. The remittance that it paid waits for its money again.", "Take the deposit back", reason("Because", 200)))
	}
	return &page{Title: "Deposit " + d.Trace, Nav: "deposits", Crumbs: []crumb{{"Deposits", r.to("/deposits")}}, Body: "deposit", Data: d}, nil
}

// paidBy is the remittance that a deposit pays, as the list of deposits has it; empty: none is known.
func (c *console) paidBy(ctx context.Context, deposit string) (string, error) {
	for token := ""; ; {
		a, err := c.reporting.ListDeposits(ctx, &reportingv1.ListDepositsRequest{PageSize: 500, PageToken: token})
		if err != nil {
			return "", fmt.Errorf("list deposits: %w", err)
		}
		for _, x := range a.Deposits {
			if x.DepositId == deposit {
				return x.RemittanceId, nil
			}
		}
		if token = a.NextPageToken; token == "" {
			return "", nil
		}
	}
}

func (c *console) recordDeposit(ctx context.Context, r *request) (*page, error) {
	n, err := dollars(r, "amount")
	if err != nil {
		return nil, err
	}
	if !date.Valid(r.PostFormValue("deposit_date")) {
		return nil, wrong("deposit_date", "this is no day: write it as 2026-03-31")
	}
	receipt, err := c.posting.RecordDeposit(c.calling(ctx, r, r.PostFormValue("key")), &postingv1.RecordDepositRequest{
		PayerId: r.PostFormValue("payer_id"), TraceNumber: typed(r, "trace_number"), Amount: n, DepositDate: r.PostFormValue("deposit_date"),
	})
	return c.after(r, receipt, err, "/deposits", "recorded")
}

func (c *console) reverseDeposit(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.posting.ReverseDeposit(c.calling(ctx, r, r.PostFormValue("key")), &postingv1.ReverseDepositRequest{DepositId: id, Reason: typed(r, "reason")})
	return c.after(r, receipt, err, "/deposits/"+id, "deposit_taken_back")
}
