package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
)

type eventPage struct {
	Name   string
	Type   string
	Facts  []fact
	Legs   *table
	Bytes  *excerpt
	Closed string // why the bytes are not shown
	File   string
	JSON   string
	Others *table
}

// event is one event of a stream: what it says, what it booked, and the bytes that told it.
func (c *console) event(ctx context.Context, r *request) (*page, error) {
	service, kind, stream := r.PathValue("service"), r.PathValue("kind"), r.PathValue("kind")+"/"+r.PathValue("id")
	history := c.history[service]
	if history == nil {
		return nil, notThere("There is no service %q with events.", service)
	}
	h, err := history.History(ctx, &platformv1.HistoryRequest{Service: service, Stream: stream})
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	asked := r.q.Get("event")
	var e *platformv1.HistoryEvent
	others := &table{ID: "history", Caption: "The whole history", Note: stream, Columns: []column{{Name: "Event"}, {Name: "Version", Num: true}, {Name: "Booked on"}, {Name: "Recorded (UTC)"}, {Name: "By"}, {Name: "File"}}}
	for _, x := range h.Events {
		if x.EventId == asked || asked == "" && e == nil {
			e = x
		}
		others.Rows = append(others.Rows, row{Mark: x.EventId == asked, Cells: []cell{
			link(eventName(x.Type), r.here("event", x.EventId)), count(int64(x.Version), ""), day(x.OccurredOn), instant(x.RecordedAt.AsTime()), text(actor(x.Actor)), r.source(x.Source),
		}})
	}
	if e == nil {
		return nil, notThere("The history of %s has no such event.", stream)
	}
	cause := orDash("")
	if e.CausationId != "" {
		cause = id(e.CausationId, "")
	}
	d := &eventPage{Name: eventName(e.Type), Type: e.Type, Others: others, JSON: indent(e.Json)}
	d.Facts = []fact{
		{"Booked on", day(e.OccurredOn)}, {"Recorded (UTC)", instant(e.RecordedAt.AsTime())}, {"By", text(actor(e.Actor))}, {"Stream", r.stream(kind, r.PathValue("id"))},
		{"Version", count(int64(e.Version), "")}, {"Position in the log of " + service, count(e.Position, "")}, {"Event", id(e.EventId, "")}, {"Caused by", cause},
	}
	if len(e.Legs) > 0 {
		d.Legs = &table{Caption: "What it booked", Note: "the legs sum to $0.00", Columns: []column{{Name: "Ledger account"}, {Name: "Payer"}, {Name: "Order"}, {Name: "Line"}, {Name: "Debit", Num: true}, {Name: "Credit", Num: true}}}
		for _, l := range e.Legs {
			debit, credit := cents(l.Amount, ""), cell{}
			if l.Amount < 0 {
				debit, credit = cell{}, cents(-l.Amount, "")
			}
			d.Legs.Rows = append(d.Legs.Rows, row{Cells: []cell{text(ledgerName(l.Account)), payerCell(n, l.PayerId), text(words(l.PayerSequence.String())), text(lineName(l.LineId)), debit, credit}})
		}
	}
	if s := e.Source; s.GetInterchangeId() != "" {
		if r.may(finance) {
			d.File = fileAt(s.InterchangeId, s.Offset, s.Length)
		}
		if !r.may(billing) {
			d.Closed = "A file told this event. Your role does not read files, since they name patients."
		} else if d.Bytes, err = c.excerpt(ctx, s.InterchangeId, s.Offset, s.Length); err != nil {
			return nil, err
		}
	} else {
		d.Closed = "No file told this event: it follows from what was recorded here."
	}
	nav, crumbs := "receivables", []crumb{{"Receivables", r.to("/receivables")}}
	if kind == "claim" {
		nav, crumbs = "claims", []crumb{{"Claims", r.to("/claims")}, {"Claim", "/claims/" + r.PathValue("id")}}
	} else if kind == "account" {
		crumbs = append(crumbs, crumb{"Account " + short(r.PathValue("id")), r.to("/accounts/" + r.PathValue("id"))})
	}
	return &page{Title: d.Name, Nav: nav, Crumbs: crumbs, Body: "event", Data: d}, nil
}

// stream is a link to the page of what a stream is about, where there is one.
func (r *request) stream(kind, name string) cell {
	c := cell{Text: kind + "/" + short(name), Plain: kind + "/" + name, Title: kind + "/" + name, Class: "id"}
	switch kind {
	case "claim":
		c.Href = "/claims/" + name
	case "account":
		c.Href = r.to("/accounts/" + name)
	case "remittance":
		c.Href = r.remittance(name)
	}
	return c
}

func indent(s string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(s), "", "  ") != nil {
		return s
	}
	return b.String()
}
