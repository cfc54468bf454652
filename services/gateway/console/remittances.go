package console

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

func (c *console) remittances(ctx context.Context, r *request) (*page, error) {
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	state := r.q.Get("status")
	f := r.filter(choice{Name: "status", Label: "State", Value: state, Options: []option{{"", "Any state"}, {"balanced", "Balanced"}, {"quarantined", "Quarantined"}}})
	if len(f.Wrong) > 0 {
		return c.unasked(r, &page{Nav: "remittances"}, "Remittances", f)
	}
	ask := &postingv1.ListRemittancesRequest{Status: postingv1.RemittanceStatus(postingv1.RemittanceStatus_value["REMITTANCE_STATUS_"+strings.ToUpper(state)])}
	all, next, over, err := walk(r, false, func(size int32, token string) ([]*postingv1.Remittance, string, error) {
		ask.PageSize, ask.PageToken = size, token
		a, err := c.posting.ListRemittances(ctx, ask)
		if err != nil {
			return nil, "", fmt.Errorf("list remittances: %w", err)
		}
		return a.Remittances, a.NextPageToken, nil
	})
	if err != nil {
		return nil, err
	}
	t := &table{
		Caption: "Remittances", Note: "newest first",
		Columns: []column{{Name: "Trace number"}, {Name: "Payer"}, {Name: "Effective"}, {Name: "State"}, {Name: "Bank"}, {Name: "Claims", Num: true}, {Name: "Taken back", Num: true}, {Name: "Unapplied", Num: true}, {Name: "Payment", Num: true}},
		Empty:   "No remittance answers to this filter.", Todo: "Payers send them as 835 files; what came in stands under Files.",
	}
	for _, x := range all {
		to := "/remittances/" + x.RemittanceId
		bank := badge("not yet seen")
		switch {
		case x.DepositId != "":
			bank = badge("matched")
		case x.DifferingDepositId != "":
			bank = badge("differs")
		case x.Payment.GetAmountMinor() == 0:
			bank = cell{Text: "No money", Class: "zero"}
		}
		t.Rows = append(t.Rows, row{Cells: []cell{
			entitled(x.TraceNumber, to), wide(n.sender(x)), day(x.EffectiveDate), badge(x.Status.String()), bank, count(int64(x.Claims), ""), amount(x.ProviderAdjustments, to), amount(x.Unapplied, to), amount(x.Payment, to),
		}})
	}
	r.sorted(t, next, over, "Payer", "Effective", "State", "Claims", "Payment")
	d := &rows{Title: "Remittances", Tables: []*table{t}, Filter: f}
	return c.list(r, &page{Nav: "remittances"}, d, "remittances")
}

// sender is the payer's name as we have it, else as the file spells it.
func (n *names) sender(x *postingv1.Remittance) string {
	return cmp.Or(n.payers[x.PayerId], x.PayerName, "–")
}

type remittancePage struct {
	Number    string
	Facts     []fact
	Reasons   []string
	Equations *table
	Parts     *table
	Legs      *table
}

func (c *console) remittance(ctx context.Context, r *request) (*page, error) {
	x, err := c.posting.GetRemittance(ctx, &postingv1.GetRemittanceRequest{RemittanceId: r.PathValue("id")})
	if err != nil {
		return nil, fmt.Errorf("read the remittance: %w", err)
	}
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	d := &remittancePage{Number: x.TraceNumber, Reasons: x.Reasons}
	bank := text("The bank has not shown it yet")
	switch {
	case x.DepositId != "":
		bank = badge("matched")
		bank.Href = "/deposits#" + x.DepositId
	case x.DifferingDepositId != "":
		bank = badge("differs")
		bank.Href = "/deposits#" + x.DifferingDepositId
	case x.Payment.GetAmountMinor() == 0:
		bank = text("No money moves")
	}
	d.Facts = []fact{
		{"State", badge(x.Status.String())}, {"Payer", text(n.sender(x))}, {"Payer's id", orDash(x.PayerIdentifier)}, {"Effective", day(x.EffectiveDate)}, {"Payment", amount(x.Payment, "#legs")}, {"Bank", bank},
		{"Claims", count(int64(x.Claims), "")}, {"Taken back by the payer", amount(x.ProviderAdjustments, "")}, {"Unapplied", amount(x.Unapplied, "")},
		{"File", id(x.InterchangeId, "/interchanges/"+x.InterchangeId)},
	}
	d.Equations = equations(r, x)
	d.Parts = parts(r, x)
	d.Legs = r.legs(n, x.Legs, "remittance/"+x.RemittanceId, true)
	d.Legs.Todo = "" // of this remittance, whatever the day
	return &page{Title: "Remittance " + x.TraceNumber, Nav: "remittances", Crumbs: []crumb{{"Remittances", "/remittances"}}, Body: "remittance", Data: d}, nil
}

// equations say whether the remittance is in balance: with itself, and with what was booked from it.
func equations(r *request, x *postingv1.Remittance) *table {
	t := &table{
		Caption: "Equations", Columns: []column{{Name: "Must be equal"}, {Name: "In words"}, {Name: "Where"}, {Name: "In the file"}, {Name: "Off by", Num: true}},
	}
	if x.Status == postingv1.RemittanceStatus_REMITTANCE_STATUS_BALANCED {
		t.Note = "the file's own (line, claim, payment) all held, else nothing would be booked"
		var cash int64
		for _, l := range x.Legs {
			if l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING {
				cash += l.Amount.GetAmountMinor()
			}
		}
		t.Rows = append(t.Rows,
			row{Cells: []cell{text("Booked = payment"), text("cash legs of this remittance less the payment (BPR02)"), text("Ledger"), link(money.Format(x.Payment.GetAmountMinor()), "#legs"), cents(cash-x.Payment.GetAmountMinor(), "")}},
		)
	}
	for _, e := range x.Residuals {
		t.Rows = append(t.Rows, row{Cells: []cell{text(words(e.Equation)), text(inWords[e.Equation]), text(e.Subject), r.source(e.Source), cents(e.ResidualAmount, "")}})
	}
	return t
}

// inWords are the equations of an 835.
var inWords = map[string]string{
	"line":        "charged less adjustments is paid, on a line",
	"claim":       "charged less adjustments is paid, on a claim",
	"claim_lines": "the lines of a claim sum to the claim",
	"set":         "paid claims less provider-level adjustments are the payment",
}

// parts is what the remittance did to each account.
func parts(r *request, x *postingv1.Remittance) *table {
	t := &table{
		ID: "claims", Caption: "By account", Note: "what this remittance booked on each", Columns: []column{{Name: "Account"}, {Name: "Paid", Num: true}, {Name: "Contractual", Num: true}, {Name: "To the patient", Num: true}, {Name: "Receivable", Num: true}},
		Empty: "Nothing was booked.", Todo: "A remittance out of balance is held whole; the equations above say by how much.",
	}
	type sums struct{ cash, contractual, patient, receivable int64 }
	by := map[string]*sums{}
	var order []string
	for _, l := range x.Legs {
		s := by[l.AccountId]
		if s == nil {
			s = &sums{}
			by[l.AccountId] = s
			order = append(order, l.AccountId)
		}
		n := l.Amount.GetAmountMinor()
		switch l.Account {
		case typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING:
			s.cash += n
		case typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL:
			s.contractual += n
		case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT:
			s.patient += n
		case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE:
			s.receivable += n
		}
	}
	var all sums
	for _, a := range order {
		s := by[a]
		name, to := text("No account: payer's own items"), "#legs"
		if a != "" {
			to = r.to("/accounts/" + a)
			name = id(a, to)
		}
		t.Rows = append(t.Rows, row{Cells: []cell{name, cents(s.cash, to), cents(s.contractual, to), cents(s.patient, to), cents(s.receivable, to)}})
		all = sums{all.cash + s.cash, all.contractual + s.contractual, all.patient + s.patient, all.receivable + s.receivable}
	}
	if len(order) > 0 {
		t.Foot = []cell{text("All"), cents(all.cash, ""), cents(all.contractual, ""), cents(all.patient, ""), cents(all.receivable, "")}
	}
	return t
}

type depositsPage struct {
	rows
	Record *form
}

func (c *console) deposits(ctx context.Context, r *request) (*page, error) {
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	state := r.q.Get("state")
	f := r.filter(choice{Name: "state", Label: "State", Value: state, Options: []option{{"", "All"}, {"unmatched", "Not matched"}}})
	if len(f.Wrong) > 0 {
		return c.unasked(r, &page{Nav: "deposits", Dated: true}, "Deposits", f)
	}
	all, next, over, err := walk(r, false, func(size int32, token string) ([]*reportingv1.Deposit, string, error) {
		a, err := c.reporting.ListDeposits(ctx, &reportingv1.ListDepositsRequest{AsOf: r.at, Unmatched: state == "unmatched", PageSize: size, PageToken: token})
		if err != nil {
			return nil, "", fmt.Errorf("list deposits: %w", err)
		}
		return a.Deposits, a.NextPageToken, nil
	})
	if err != nil {
		return nil, err
	}
	t := &table{
		Caption: "Deposits", Note: "what the bank saw, newest first", Columns: []column{{Name: "Trace number"}, {Name: "Day"}, {Name: "Payer"}, {Name: "Payer's id"}, {Name: "Remittance"}, {Name: "Amount", Num: true}},
		Empty: "No deposit answers to this filter.", Todo: "Record what the bank shows with the form above, or send it through the API.",
	}
	for _, x := range all {
		match := badge("not matched")
		if x.RemittanceId != "" {
			match = badge("matched")
			match.Href = "/remittances/" + x.RemittanceId
		}
		payer := orDash(n.payers[x.PayerId])
		one := r.opens("/deposits/" + x.DepositId)
		t.Rows = append(t.Rows, row{ID: x.DepositId, Cells: []cell{entitled(x.TraceNumber, one), day(x.DepositDate), payer, orDash(x.PayerIdentifier), match, amount(x.Amount, cmp.Or(match.Href, one))}})
	}
	r.sorted(t, next, over, "Day", "Payer", "Amount")
	d := &depositsPage{rows: rows{Title: "Deposits", Tables: []*table{t}, Filter: f}}
	if wantsCSV(r) {
		return c.list(r, &page{}, &d.rows, "deposits")
	}
	d.Record = r.form("/deposits", "Record a deposit that the bank shows", "", "Record",
		input{Name: "trace_number", Label: "Trace or check number", Required: true, Most: 50}, input{Name: "amount", Label: "Amount in dollars", Hint: "1,234.50", Required: true, Most: 15},
		input{Name: "deposit_date", Label: "Day of the bank", Type: "date", Value: c.today(), Required: true}, input{Name: "payer_id", Label: "Payer, where known", Options: append([]option{{"", "Not known"}}, n.payerList...)})
	return &page{Title: "Deposits", Nav: "deposits", Body: "deposits", Data: d, Dated: true}, nil
}

// payers is one row a payer.
func (c *console) payers(ctx context.Context, r *request) (*page, error) {
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	f := r.filter(n.locationChoice(r))
	if len(f.Wrong) > 0 {
		return c.unasked(r, &page{Nav: "payers", Dated: true}, "Payers", f)
	}
	a, err := c.reporting.GetPayers(ctx, &reportingv1.GetPayersRequest{AsOf: r.at, LocationId: r.q.Get("location")})
	if err != nil {
		return nil, fmt.Errorf("read the payers: %w", err)
	}
	t := &table{
		Caption: "By payer", Note: "all time; charged + taken over = paid + contractual + patient + passed on + open − credit",
		Columns: []column{
			{Name: "Payer"}, {Name: "Claims", Num: true, Aside: true}, {Name: "Charged", Num: true}, {Name: "Allowed", Num: true, Aside: true}, {Name: "Taken over", Num: true}, {Name: "Passed on", Num: true},
			{Name: "Paid", Num: true}, {Name: "Contractual", Num: true}, {Name: "Patient", Num: true},
			{Name: "Denied", Num: true, Aside: true}, {Name: "Open", Num: true}, {Name: "Credit", Num: true},
		},
		Empty: "No payer has an account yet.", Todo: "Register payers and send claims; they show here.",
	}
	if r.q.Get("location") == "" && a.EqualsLedger {
		t.Note += "; the totals are the ledger's"
	}
	location := r.q.Get("location")
	line := func(p *reportingv1.PayerRow) []cell {
		legs := func(column string) string {
			return r.to("/legs", "counted", "payers."+column, "payer", p.PayerId, "location", location)
		}
		denied, claims := r.to("/denials", "payer", p.PayerId, "location", location, "counted", "payers.denied"), r.to("/claims", "payer", p.PayerId, "location", location, "counted", "payers.claims")
		open := func(age string) string {
			return r.to("/receivables", "payer", cmp.Or(p.PayerId, "insurance"), "location", location, "age", age)
		}
		debit, credit, name := open("debit"), open("credit"), open("")
		if p.PayerId == "patient" { // sends no claims and owes nothing: what patients owe stands beside the payers
			denied, claims, debit, credit, name = "", "", "", "", legs("charged")
		}
		return []cell{
			entitled(p.Name, name), count(p.Claims, claims), amount(p.ChargedAmount, legs("charged")), amount(p.AllowedAmount, legs("allowed")), amount(p.TakenOverAmount, legs("taken_over")), amount(p.PassedOnAmount, legs("passed_on")),
			amount(p.PaidAmount, legs("paid")), amount(p.ContractualAmount, legs("contractual")), amount(p.PatientAmount, legs("patient")), amount(p.DeniedAmount, denied), amount(p.OpenAmount, debit), amount(p.CreditAmount, credit),
		}
	}
	for _, p := range a.Payers {
		t.Rows = append(t.Rows, row{Cells: line(p)})
	}
	if a.Total != nil && len(a.Payers) > 0 {
		t.Foot = line(a.Total)
		t.Foot[0] = text("All payers")
	}
	r.sorted(t, "", false, "Payer", "Claims", "Charged", "Allowed", "Taken over", "Passed on", "Paid", "Contractual", "Patient", "Denied", "Open", "Credit")
	// What is no part of the equation stands in a table of its own, and in the CSV with the others.
	beside := &table{
		Caption: "Claims, and what was allowed and denied", Note: "paid and open, above, count with whoever paid or owes, the rest with the payer that stands first",
		Columns: []column{{Name: "Payer"}, {Name: "Claims", Num: true}, {Name: "Allowed", Num: true}, {Name: "Denied", Num: true}},
	}
	aside := func(cells []cell) (out []cell) {
		for i, c := range cells {
			if i == 0 || t.Columns[i].Aside {
				out = append(out, c)
			}
		}
		return out
	}
	for _, x := range t.Rows {
		beside.Rows = append(beside.Rows, row{Cells: aside(x.Cells)})
	}
	beside.Foot = aside(t.Foot)
	rest := &table{Caption: "Beside the payers", Columns: []column{{Name: "What"}, {Name: "Amount", Num: true}}, Rows: []row{
		{Cells: []cell{text("Paid by patients"), amount(a.PatientPaidAmount, r.to("/legs", "counted", "payers.patient_paid", "location", location))}},
		{Cells: []cell{text("Patients owe"), amount(a.PatientOpenAmount, r.to("/receivables", "payer", "patient", "location", location))}},
		{Cells: []cell{text("Money held: claims or patients not known yet"), amount(a.UnappliedAmount, r.to("/legs", "counted", "payers.unapplied"))}},
	}}
	age := &table{Caption: "Open by age of service", Columns: []column{{Name: "Payer"}}}
	for _, b := range buckets {
		age.Columns = append(age.Columns, column{Name: span(b.name) + " days", Num: true})
	}
	for _, p := range a.Payers {
		cells := []cell{entitled(p.Name, r.to("/receivables", "payer", p.PayerId, "location", location))}
		for _, b := range p.Aging {
			cells = append(cells, amount(b.Amount, r.to("/receivables", "payer", p.PayerId, "location", location, "age", b.Bucket)))
		}
		age.Rows = append(age.Rows, row{Cells: cells})
	}
	d := &rows{Title: "Payers", Tables: []*table{t, beside, age, rest}, Filter: f}
	return c.list(r, &page{Nav: "payers", Dated: true}, d, "payers")
}

func (c *console) ledger(ctx context.Context, r *request) (*page, error) {
	a, err := c.reporting.GetLedger(ctx, &reportingv1.GetLedgerRequest{AsOf: r.at})
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	t := &table{
		Caption: "Trial balance", Note: plural(a.Legs, "leg") + ", debits positive, credits with a minus sign; all balances sum to " + money.Format(a.SumAmount.GetAmountMinor()),
		Columns: []column{{Name: "Ledger account"}, {Name: "Debits", Num: true}, {Name: "Credits", Num: true}, {Name: "Balance", Num: true}}, Empty: "Nothing is booked.", Todo: "Choose a later day at the top.",
	}
	var debits, credits int64
	for _, b := range a.Balances {
		to := r.to("/ledger/" + strings.ToLower(strings.TrimPrefix(b.LedgerAccount.String(), "LEDGER_ACCOUNT_")))
		t.Rows = append(t.Rows, row{Cells: []cell{link(ledgerName(b.LedgerAccount), to), amount(b.DebitAmount, to), amount(b.CreditAmount, to), amount(b.BalanceAmount, to)}})
		debits += b.DebitAmount.GetAmountMinor()
		credits += b.CreditAmount.GetAmountMinor()
	}
	t.Foot = []cell{text("All"), cents(debits, ""), cents(credits, ""), amount(a.SumAmount, "")}
	r.sorted(t, "", false)
	return c.list(r, &page{Nav: "ledger", Dated: true}, &rows{Title: "Ledger", Tables: []*table{t}}, "ledger")
}

// ledgerAccount is the legs of one ledger account.
func (c *console) ledgerAccount(ctx context.Context, r *request) (*page, error) {
	account, ok := typev1.LedgerAccount_value["LEDGER_ACCOUNT_"+strings.ToUpper(r.PathValue("account"))]
	if !ok {
		return nil, notThere("There is no ledger account of this name. The trial balance lists those there are.")
	}
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	f, name := r.filter(n.payerChoice(r)), ledgerName(typev1.LedgerAccount(account))
	p := &page{Nav: "ledger", Dated: true, Crumbs: []crumb{{"Ledger", r.to("/ledger")}}}
	if len(f.Wrong) > 0 {
		return c.unasked(r, p, name, f)
	}
	ask := &reportingv1.ListLegsRequest{AsOf: r.at, LedgerAccount: typev1.LedgerAccount(account), PayerId: r.q.Get("payer")}
	all, next, over, last, err := c.walkLegs(ctx, r, ask)
	if err != nil {
		return nil, err
	}
	t := &table{
		Caption: "Legs", Note: fmt.Sprintf("%s: debits %s, credits %s, balance %s; newest first", plural(last.TotalRows, "leg"), money.Format(last.TotalDebitAmount.GetAmountMinor()), money.Format(last.TotalCreditAmount.GetAmountMinor()), money.Format(last.TotalAmount.GetAmountMinor())),
		Columns: []column{{Name: "Event"}, {Name: "Booked on"}, {Name: "Account"}, {Name: "Payer"}, {Name: "Reason code"}, {Name: "File"}, {Name: "Amount", Num: true}},
		Empty:   "Nothing is booked here.", Todo: "Choose another day or payer.",
	}
	for _, l := range all {
		cells := r.leg(n, l)
		t.Rows = append(t.Rows, row{Cells: append(cells, amount(l.Amount, cells[0].Href))})
	}
	r.sorted(t, next, over, "Booked on", "Payer", "Amount")
	return c.list(r, p, &rows{Title: name, Tables: []*table{t}, Filter: f}, "ledger-"+r.PathValue("account"))
}
