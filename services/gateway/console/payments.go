package console

import (
	"context"
	"fmt"
	"strings"

	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// methods are how patients pay.
var methods = []option{{"card", "Card"}, {"check", "Check"}, {"cash", "Cash"}}

// paymentsOf are all payments of a patient, newest first.
func (c *console) paymentsOf(ctx context.Context, patient string) ([]*postingv1.PatientPayment, error) {
	var all []*postingv1.PatientPayment
	for token := ""; ; {
		a, err := c.posting.ListPatientPayments(ctx, &postingv1.ListPatientPaymentsRequest{PatientId: patient, PageSize: 500, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list the payments of the patient: %w", err)
		}
		all = append(all, a.PatientPayments...)
		if token = a.NextPageToken; token == "" || len(all) >= most {
			return all, nil
		}
	}
}

// applied are the accounts that took a payment, and how much each has of it now, in the order of the first time.
type applied struct {
	accounts []string
	of       map[string]int64
}

// appliedOf is read from what the patient's money was assigned to: by payment.
func (c *console) appliedOf(ctx context.Context, patient string) (map[string]*applied, []*platformv1.HistoryEvent, error) {
	h, err := c.history["posting"].History(ctx, &platformv1.HistoryRequest{Service: "posting", Stream: "patient_ledger/" + patient})
	if missing(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read what the patient's money went to: %w", err)
	}
	return appliedBy(h.Events), h.Events, nil
}

func appliedBy(events []*platformv1.HistoryEvent) map[string]*applied {
	by := map[string]*applied{}
	move := func(payment, account string, n int64) {
		a := by[payment]
		if a == nil {
			a = &applied{of: map[string]int64{}}
			by[payment] = a
		}
		if _, ok := a.of[account]; !ok {
			a.accounts = append(a.accounts, account)
		}
		a.of[account] += n
	}
	for _, e := range events {
		switch x := factOf(e).(type) {
		case *postingv1.PatientPaymentAssigned:
			move(x.PatientPaymentId, x.AccountId, x.Amount)
		case *postingv1.PatientFundsNoted:
			if x.ReturnedByAccountId != "" {
				move(x.PatientPaymentId, x.ReturnedByAccountId, -x.Amount)
			}
		case *postingv1.PatientPaymentReversed:
			for _, s := range x.Shares {
				move(x.PatientPaymentId, s.AccountId, -s.Amount)
			}
		}
	}
	return by
}

// payments is a table of a patient's payments.
func (r *request) payments(list []*postingv1.PatientPayment) *table {
	t := &table{
		ID: "payments", Caption: "Payments of the patient", Note: "newest first; what each paid, and its entries, stand on its page",
		Columns: []column{{Name: "Payment"}, {Name: "Paid on"}, {Name: "How"}, {Name: "Reference"}, {Name: "State"}, {Name: "Amount", Num: true}, {Name: "On accounts", Num: true}, {Name: "Held", Num: true}, {Name: "Given back", Num: true}},
		Empty:   "The patient has not paid anything.", Todo: "Record what the patient pays; it goes to the oldest service first.",
	}
	for _, p := range list {
		to := r.opens("/patient-payments/" + p.PatientPaymentId)
		t.Rows = append(t.Rows, row{Cells: []cell{
			id(p.PatientPaymentId, to), day(p.ReceivedDate), text(words(strings.ToUpper(p.Method))), orDash(p.Reference), paymentState(p), amount(p.Amount, to), amount(p.Allocated, to), amount(p.Unallocated, to), amount(p.Refunded, to),
		}})
	}
	return t
}

func paymentState(p *postingv1.PatientPayment) cell {
	switch {
	case p.ReversedDate != "":
		return badge("reversed")
	case p.Unallocated.GetAmountMinor() > 0:
		if p.Allocated.GetAmountMinor() == 0 {
			return cell{Text: "Held", Plain: "held", Tone: "calm"}
		}
		return badge("held_in_part")
	case p.Allocated.GetAmountMinor() > 0:
		return badge("applied")
	}
	return badge("given_back")
}

type paymentPage struct {
	ID      string
	Facts   []fact
	Forms   []*form
	Applied *table
	Legs    *table
	History *table
}

// payment is one payment of a patient: what it paid, its entries, and what takes it back.
func (c *console) payment(ctx context.Context, r *request) (*page, error) {
	p, events, err := c.paymentOf(ctx, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	by, ledger, err := c.appliedOf(ctx, p.PatientId)
	if err != nil {
		return nil, err
	}
	d := &paymentPage{ID: p.PatientPaymentId, Forms: r.paymentForms(p)}
	d.Facts = []fact{
		{"State", paymentState(p)}, {"Patient", id(p.PatientId, r.opens("/patients/"+p.PatientId))}, {"Paid on", day(p.ReceivedDate)}, {"How", text(words(strings.ToUpper(p.Method)))}, {"Reference", orDash(p.Reference)},
		{"Amount", amount(p.Amount, "#legs")}, {"On accounts", amount(p.Allocated, "#applied")}, {"Held for the patient", amount(p.Unallocated, "")}, {"Given back", amount(p.Refunded, "#legs")},
	}
	if p.AccountId != "" {
		d.Facts = append(d.Facts, fact{"Named for", id(p.AccountId, r.to("/accounts/"+p.AccountId))})
	}
	if p.ReversedDate != "" {
		d.Facts = append(d.Facts, fact{"Taken back on", day(p.ReversedDate)})
	}
	d.Applied = &table{
		ID: "applied", Caption: "What it was applied to", Columns: []column{{Name: "Account"}, {Name: "Applied", Num: true}},
		Empty: "It is on no account.", Todo: "It pays the next account that asks the patient for something.",
	}
	if a := by[p.PatientPaymentId]; a != nil {
		for _, account := range a.accounts {
			to := r.to("/accounts/" + account)
			d.Applied.Rows = append(d.Applied.Rows, row{Cells: []cell{id(account, to), cents(a.of[account], to+"#legs")}})
		}
	}
	// What moves between the bank and what is held is the payment's; what accounts took stands on them.
	for _, e := range ledger {
		switch x := factOf(e).(type) {
		case *postingv1.PatientPaymentRefunded:
			if x.PatientPaymentId == p.PatientPaymentId {
				events = append(events, e)
			}
		case *postingv1.PatientPaymentReversed:
			if x.PatientPaymentId == p.PatientPaymentId {
				events = append(events, e)
			}
		}
	}
	d.Legs = &table{
		ID: "legs", Caption: "Its entries", Note: "debits positive; each leads to its event", Columns: []column{{Name: "Event"}, {Name: "Booked on"}, {Name: "Ledger account"}, {Name: "Amount", Num: true}}, Empty: "Nothing is booked.",
	}
	var told []row
	for _, e := range events {
		stream := "patient_payment/" + p.PatientPaymentId
		if _, own := factOf(e).(*postingv1.PatientPaymentReceived); !own {
			stream = "patient_ledger/" + p.PatientId
		}
		to := r.opens(r.to("/events/posting/"+stream, "event", e.EventId))
		told = append(told, row{Cells: []cell{instant(e.RecordedAt.AsTime()), did(e.Type, to), text(story(n, e)), whose(e.Actor), r.source(e.Source)}})
		for _, l := range e.Legs {
			d.Legs.Rows = append(d.Legs.Rows, row{Cells: []cell{link(eventName(e.Type), to), day(e.OccurredOn), text(ledgerName(l.Account)), cents(l.Amount, to)}})
		}
	}
	d.History = timeline(told)
	crumbs := []crumb{{"Ledger", r.to("/ledger/unapplied_patient")}}
	if to := r.opens("/patients/" + p.PatientId); to != "" {
		crumbs = []crumb{{"Patient " + short(p.PatientId), to}}
	}
	return &page{Title: "Payment " + short(p.PatientPaymentId), Nav: "receivables", Crumbs: crumbs, Body: "payment", Data: d}, nil
}

// paymentOf is one payment with its own history: the API lists payments by patient, and the history says whose it is.
func (c *console) paymentOf(ctx context.Context, id string) (*postingv1.PatientPayment, []*platformv1.HistoryEvent, error) {
	h, err := c.history["posting"].History(ctx, &platformv1.HistoryRequest{Service: "posting", Stream: "patient_payment/" + id})
	if missing(err) {
		return nil, nil, notThere("There is no patient payment %s.", id)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the payment: %w", err)
	}
	for _, e := range h.Events {
		received, ok := factOf(e).(*postingv1.PatientPaymentReceived)
		if !ok {
			continue
		}
		all, err := c.paymentsOf(ctx, received.PatientId)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range all {
			if p.PatientPaymentId == id {
				return p, h.Events, nil
			}
		}
	}
	return nil, nil, notThere("There is no patient payment %s.", id)
}

// paymentForms give back what is on no account, and take the whole payment back.
func (r *request) paymentForms(p *postingv1.PatientPayment) []*form {
	to := "/patient-payments/" + p.PatientPaymentId
	if p.ReversedDate != "" {
		return nil
	}
	var refund, reversal *form
	if held := p.Unallocated.GetAmountMinor(); held > 0 {
		refund = r.form(to+"/refunds", "Refund", money.Format(held)+" is on no account: at most this much can be given back. It leaves the bank that day.", "Refund",
			input{Name: "amount", Label: "Amount in dollars", Value: decimal(held), Required: true, Most: 15}, input{Name: "method", Label: "How", Options: append([]option{{"", "As it was paid"}}, methods...)},
			input{Name: "reference", Label: "Check or processor's number", Most: 80}, input{Name: "refunded_date", Label: "Day", Type: "date"}, reason("Because", 200))
	}
	if p.Refunded.GetAmountMinor() == 0 {
		reversal = r.form(to+"/reversals", "Take it back", "All of it: the check bounced, or it was recorded by mistake. What it paid is owed again.", "Take the payment back", reason("Because", 200))
	}
	return forms(refund, reversal)
}

func (c *console) refund(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	n, err := dollars(r, "amount")
	if err != nil {
		return nil, err
	}
	receipt, err := c.posting.RefundPatientPayment(c.calling(ctx, r, r.PostFormValue("key")), &postingv1.RefundPatientPaymentRequest{
		PatientPaymentId: id, Amount: n, Reason: typed(r, "reason"), Method: r.PostFormValue("method"), Reference: typed(r, "reference"), RefundedDate: typed(r, "refunded_date"),
	})
	return c.after(r, receipt, err, "/patient-payments/"+id, "refunded")
}

func (c *console) reversePayment(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.posting.ReversePatientPayment(c.calling(ctx, r, r.PostFormValue("key")), &postingv1.ReversePatientPaymentRequest{PatientPaymentId: id, Reason: typed(r, "reason")})
	return c.after(r, receipt, err, "/patient-payments/"+id, "taken_back")
}

// receive records what a patient pays.
func (c *console) receive(ctx context.Context, r *request) (*page, error) {
	patient := r.PathValue("id")
	n, err := dollars(r, "amount")
	if err != nil {
		return nil, err
	}
	receipt, err := c.posting.RecordPatientPayment(c.calling(ctx, r, r.PostFormValue("key")), &postingv1.RecordPatientPaymentRequest{
		PatientId: patient, Amount: n, Method: r.PostFormValue("method"), Reference: typed(r, "reference"), ReceivedDate: typed(r, "received_date"), AccountId: r.PostFormValue("account_id"),
	})
	return c.after(r, receipt, err, "/patients/"+patient, "paid")
}

// accountForms are what a biller does with an account: give up what is in dispute, and take off a charge that no payer is asked for.
func (r *request) accountForms(a *postingv1.Account, claims []option) []*form {
	var lines []option
	for _, l := range a.Lines {
		if l.Disputed.GetAmountMinor() > 0 {
			name := "Claim as a whole"
			if l.LineId != "" {
				name = strings.Join(append([]string{l.ServiceCode}, l.Modifiers...), " ")
			}
			lines = append(lines, option{l.LineId, name + ": " + money.Format(l.Disputed.GetAmountMinor())})
		}
	}
	var accept, void *form
	if len(lines) > 0 && len(claims) > 0 {
		accept = r.form("/accounts/"+a.AccountId+"/underpayment-acceptances", "Accept the underpayment", "What is in dispute with the payer is given up: it is taken off as contractual.", "Accept as loss",
			input{Name: "claim_id", Label: "Claim", Options: claims}, input{Name: "line_id", Label: "Line, and what is in dispute", Options: lines}, reason("Because", 200))
	}
	if len(a.ResponsiblePayers) == 0 && a.Charge.GetAmountMinor() != 0 && !billed(a) {
		void = r.form("/accounts/"+a.AccountId+"/voids", "Take the charge off", "No payer is asked for this visit. Its charge comes off; what the patient has paid of it is free again.", "Take the charge off", reason("Because", 500))
	}
	return forms(accept, void)
}

// billed says whether a payer is or was asked for something.
func billed(a *postingv1.Account) bool {
	for _, b := range a.Balances {
		if b.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE {
			return true
		}
	}
	return false
}

func (c *console) acceptUnderpayment(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.posting.AcceptUnderpayment(c.calling(ctx, r, r.PostFormValue("key")), &postingv1.AcceptUnderpaymentRequest{
		AccountId: id, ClaimId: r.PostFormValue("claim_id"), LineId: r.PostFormValue("line_id"), Reason: typed(r, "reason"),
	})
	return c.after(r, receipt, err, "/accounts/"+id, "accepted")
}

func (c *console) voidCharge(ctx context.Context, r *request) (*page, error) {
	id := r.PathValue("id")
	receipt, err := c.posting.VoidCharge(c.calling(ctx, r, r.PostFormValue("key")), &postingv1.VoidChargeRequest{AccountId: id, Reason: typed(r, "reason")})
	return c.after(r, receipt, err, "/accounts/"+id, "taken_off")
}
