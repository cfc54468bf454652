package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

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
	if !r.reads(kind) {
		return nil, denied(r.id.Role)
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
			did(x.Type, r.here("event", x.EventId)), count(int64(x.Version), ""), day(x.OccurredOn), instant(x.RecordedAt.AsTime()), whose(x.Actor), r.source(x.Source),
		}})
	}
	if e == nil {
		return nil, notThere("The history of %s has no such event.", stream)
	}
	cause := orDash("")
	if e.CausationId != "" {
		cause = id(e.CausationId, "")
	}
	d := &eventPage{Name: story(n, e), Type: e.Type, Others: others, JSON: indent(e.Json)}
	d.Facts = []fact{
		{"Booked on", day(e.OccurredOn)}, {"Recorded (UTC)", instant(e.RecordedAt.AsTime())}, {"By", text(actor(e.Actor))}, {"Stream", r.stream(kind, r.PathValue("id"))},
		{"Version", count(int64(e.Version), "")}, {"Position in the log of " + service, count(e.Position, "")}, {"Event", id(e.EventId, "")}, {"Caused by", cause},
	}
	if len(e.Legs) > 0 {
		d.Legs = &table{Caption: "What it booked", Note: "the legs sum to $0.00", Columns: []column{{Name: "Ledger account"}, {Name: "Payer"}, {Name: "Billed as"}, {Name: "Line"}, {Name: "Debit", Num: true}, {Name: "Credit", Num: true}}}
		for _, l := range e.Legs {
			debit, credit := cents(l.Amount, ""), cell{}
			if l.Amount < 0 {
				debit, credit = cell{}, cents(-l.Amount, "")
			}
			d.Legs.Rows = append(d.Legs.Rows, row{Cells: []cell{text(ledgerName(l.Account)), payerCell(n, l.PayerId), text(words(l.PayerSequence.String())), text(lineName(l.LineId)), debit, credit}})
		}
	}
	if s := e.Source; s.GetInterchangeId() != "" {
		d.File = r.opens(fileAt(s.InterchangeId, s.Offset, s.Length))
		if !r.may(readsFiles) {
			d.Closed = "A file told this event. Your role does not read files, since they name patients."
		} else if d.Bytes, err = c.excerpt(ctx, s.InterchangeId, s.Offset, s.Length); err != nil {
			return nil, err
		}
	} else {
		d.Closed = "No file told this event: it follows from what was recorded here."
	}
	nav, crumbs := "", []crumb{}
	if k, ok := streamPages[kind]; ok {
		nav, crumbs = k.nav, []crumb{{k.text, r.opens(r.to(k.list))}}
		if to := r.stream(kind, r.PathValue("id")); to.Href != "" {
			crumbs = append(crumbs, crumb{upper(strings.ReplaceAll(kind, "_", " ")) + " " + short(r.PathValue("id")), to.Href})
		}
	}
	return &page{Title: d.Name, Nav: nav, Crumbs: crumbs, Body: "event", Data: d}, nil
}

// streamPages are the lists that hold what a kind of stream is about, and the page of one.
var streamPages = map[string]struct{ nav, text, list, one string }{
	"claim": {"claims", "Claims", "/claims", "/claims/"}, "account": {"receivables", "Receivables", "/receivables", "/accounts/"},
	"remittance": {"remittances", "Remittances", "/remittances", "/remittances/"}, "interchange": {"files", "Files", "/interchanges", "/interchanges/"},
	"work_item": {"work", "Work items", "/work-items", "/work-items/"}, "deposit": {"deposits", "Deposits", "/deposits", "/deposits/"}, "appointment": {"work", "Work items", "/work-items", "/appointments/"},
	"encounter": {"work", "Work items", "/work-items", "/encounters/"}, "authorization": {"work", "Work items", "/work-items", ""}, "patient_payment": {"ledger", "Ledger", "/ledger", "/patient-payments/"},
	"patient_ledger": {"ledger", "Ledger", "/ledger", "/patients/"}, "patient_balance": {"receivables", "Receivables", "/receivables", "/patients/"}, "settlement": {"ledger", "Ledger", "/ledger", ""},
}

// stream is a link to the page of what a stream is about, where there is one.
func (r *request) stream(kind, name string) cell {
	c := cell{Text: strings.ReplaceAll(kind, "_", " ") + " " + short(name), Plain: kind + "/" + name, Title: kind + "/" + name, Class: "id"}
	if one := streamPages[kind].one; one != "" {
		c.Href = r.opens(r.to(one + name))
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
