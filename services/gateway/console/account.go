package console

import (
	"context"
	"fmt"
	"slices"
	"strings"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

type accountPage struct {
	ID       string
	Says     string // how the balance came about
	Facts    []fact
	Forms    []*form
	Lines    *table
	Balances *table
	Legs     *table
	Claims   *table
	Timeline *table
}

func (c *console) account(ctx context.Context, r *request) (*page, error) {
	a, err := c.posting.GetAccount(ctx, &postingv1.GetAccountRequest{AccountId: r.PathValue("id")})
	if err != nil {
		return nil, fmt.Errorf("read the account: %w", err)
	}
	n, err := c.names(ctx)
	if err != nil {
		return nil, err
	}
	d := &accountPage{ID: a.AccountId}
	legs := slices.DeleteFunc(slices.Clone(a.Legs), func(l *postingv1.LedgerLeg) bool { return r.at != "" && l.OccurredOn > r.at })
	balances := sumLegs(legs)
	var insurance, patient, charged int64
	for _, b := range balances {
		switch b.Account {
		case typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS:
			charged -= b.Balance.AmountMinor
		case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE:
			insurance += b.Balance.AmountMinor
		case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT:
			patient += b.Balance.AmountMinor
		}
	}
	state := badge("open")
	if insurance == 0 && patient == 0 {
		state = badge("settled")
	}
	charge := a.Charge
	if r.at != "" {
		charge = money.Of(charged)
	}
	who := id(a.PatientId, r.opens("/patients/"+a.PatientId))
	d.Facts = []fact{
		{"State", state}, {"Date of service", day(a.ServiceDate)}, {"Location", text(n.location(a.LocationId))}, {"Patient", who}, {"Charged", amount(charge, "#legs")},
		{"Payers owe", cents(insurance, "#balances")}, {"Patient owes", cents(patient, "#balances")},
	}
	if r.at == "" { // lines are known of now alone
		d.Says, d.Lines = a.Explanation, accountLines(a)
	}
	d.Balances = &table{
		ID: "balances", Caption: "Balances", Note: "they sum to " + cents(total(balances), "").Text, Columns: []column{{Name: "Ledger account"}, {Name: "Payer"}, {Name: "Billed as"}, {Name: "Balance", Num: true}},
		Empty: "Nothing is booked.", Todo: "A charge is booked when the visit has been coded.",
	}
	for _, b := range balances {
		d.Balances.Rows = append(d.Balances.Rows, row{Cells: []cell{text(ledgerName(b.Account)), payerCell(n, b.PayerId), text(words(b.PayerSequence.String())), amount(b.Balance, "#legs")}})
	}
	d.Claims = &table{Caption: "Claims", Columns: []column{{Name: "Claim"}, {Name: "Payer"}, {Name: "Billed as"}, {Name: "Status"}, {Name: "Charged", Num: true}, {Name: "Paid", Num: true}}, Empty: "No claim was made.", Todo: "The patient pays, or the visit waits: see Work items."}
	if err := c.claimsOf(ctx, r, n, a.AccountId, d.Claims); err != nil {
		return nil, err
	}
	if r.at == "" {
		var claims []option
		for _, x := range d.Claims.Rows {
			claims = append(claims, option{strings.TrimPrefix(x.Cells[0].Href, "/claims/"), x.Cells[0].Text + ", " + x.Cells[1].Plain})
		}
		d.Forms = r.accountForms(a, claims)
	}
	d.Legs = r.legs(n, legs, "account/"+a.AccountId, false)
	booked, err := c.happened(ctx, a.AccountId)
	if err != nil {
		return nil, err
	}
	d.Timeline = timeline(r.ofAccount(n, a.AccountId, slices.DeleteFunc(booked, func(e *platformv1.HistoryEvent) bool { return r.at != "" && e.OccurredOn > r.at })))
	return &page{Title: "Account " + short(a.AccountId), Nav: "receivables", Crumbs: []crumb{{"Receivables", r.to("/receivables")}}, Body: "account", Data: d, Dated: true}, nil
}

// claimsOf fills the table of an account's claims: as claims has them now, or as they were on the page's day.
func (c *console) claimsOf(ctx context.Context, r *request, n *names, account string, t *table) error {
	add := func(number, id, payer string, sequence typev1.PayerSequence, status string, charge, paid *typev1.Money) {
		claim := link(number, "/claims/"+id)
		claim.Class = "id"
		t.Rows = append(t.Rows, row{Cells: []cell{claim, wrapped(n.payer(payer)), text(words(sequence.String())), badge(status), amount(charge, ""), amount(paid, "")}})
	}
	if r.at == "" {
		list, err := c.claims.ListClaims(ctx, &claimsv1.ListClaimsRequest{EncounterId: account})
		if err != nil {
			return fmt.Errorf("list the claims of the account: %w", err)
		}
		for _, x := range list.Claims {
			add(x.PatientControlNumber, x.ClaimId, x.PayerId, x.PayerSequence, x.Status.String(), x.Charge, x.Paid)
		}
		return nil
	}
	list, err := c.reporting.ListClaims(ctx, &reportingv1.ListClaimsRequest{AsOf: r.at, AccountId: account})
	if err != nil {
		return fmt.Errorf("list the claims of the account: %w", err)
	}
	for _, x := range list.Claims {
		add(x.PatientControlNumber, x.ClaimId, x.PayerId, x.PayerSequence, x.Status, x.ChargeAmount, x.PaidAmount)
	}
	return nil
}

// legs is a table of ledger legs; the amount of each leads to the event that booked it. stream is the event's where the leg does not say an account.
func (r *request) legs(n *names, legs []*postingv1.LedgerLeg, stream string, accounts bool) *table {
	t := &table{
		ID: "legs", Caption: "Every leg, oldest first", Note: "debits positive; each leg leads to its event and the bytes behind it",
		Columns: []column{{Name: "Event"}, {Name: "Booked on"}, {Name: "Ledger account"}, {Name: "Payer"}, {Name: "Line"}, {Name: "File"}, {Name: "Amount", Num: true}},
		Empty:   "Nothing is booked.", Todo: "Choose a later day at the top.",
	}
	if accounts {
		t.Columns[4].Name = "Account"
	}
	for _, l := range legs {
		at := stream
		if accounts && l.AccountId != "" {
			at = "account/" + l.AccountId
		}
		event := r.opens(r.to("/events/posting/"+at, "event", l.EventId))
		line := cell{Text: lineName(l.LineId), Plain: l.LineId, Title: l.LineId, Class: "id"}
		if accounts {
			line = cell{Text: "–", Class: "zero"}
			if l.AccountId != "" {
				line = id(l.AccountId, r.to("/accounts/"+l.AccountId))
			}
		}
		t.Rows = append(t.Rows, row{Cells: []cell{
			link(eventName(l.EventType), event), day(l.OccurredOn), text(ledgerName(l.Account)), payerCell(n, l.PayerId), line, r.source(l.Source), amount(l.Amount, event),
		}})
	}
	return t
}

func lineName(s string) string {
	if s == "" {
		return "–"
	}
	return short(s)
}

func payerCell(n *names, id string) cell {
	if id == "" {
		return cell{Text: "–", Class: "zero"}
	}
	c := text(n.payer(id))
	c.Title = id
	return c
}

// ledgerName is a ledger account as bookkeepers say it.
func ledgerName(a typev1.LedgerAccount) string {
	switch a {
	case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE:
		return "A/R insurance"
	case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT:
		return "A/R patient"
	case typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS:
		return "Gross revenue"
	case typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL:
		return "Contractual adjustments"
	case typev1.LedgerAccount_LEDGER_ACCOUNT_WRITEOFF_DENIAL:
		return "Write-off, denials"
	case typev1.LedgerAccount_LEDGER_ACCOUNT_WRITEOFF_BADDEBT:
		return "Write-off, bad debt"
	case typev1.LedgerAccount_LEDGER_ACCOUNT_CONVERSION:
		return "Conversion (paid before the move)"
	}
	return words(a.String())
}

// sumLegs is what each ledger account has, by payer and sequence, in the order of first use.
func sumLegs(legs []*postingv1.LedgerLeg) []*postingv1.LedgerBalance {
	type key struct {
		account  typev1.LedgerAccount
		payer    string
		sequence typev1.PayerSequence
	}
	at := map[key]*postingv1.LedgerBalance{}
	var out []*postingv1.LedgerBalance
	for _, l := range legs {
		k := key{l.Account, l.PayerId, l.PayerSequence}
		b := at[k]
		if b == nil {
			b = &postingv1.LedgerBalance{Account: l.Account, PayerId: l.PayerId, PayerSequence: l.PayerSequence, Balance: &typev1.Money{}}
			at[k] = b
			out = append(out, b)
		}
		b.Balance.AmountMinor += l.Amount.GetAmountMinor()
	}
	return out
}

func total(balances []*postingv1.LedgerBalance) (n int64) {
	for _, b := range balances {
		n += b.Balance.GetAmountMinor()
	}
	return n
}

func accountLines(a *postingv1.Account) *table {
	t := &table{
		ID: "lines", Caption: "Lines", Note: "charged = paid + adjusted + patient + open",
		Columns: []column{
			{Name: "Code"}, {Name: "Charged", Num: true}, {Name: "Expected", Num: true}, {Name: "Paid", Num: true}, {Name: "Adjusted", Num: true}, {Name: "Patient", Num: true}, {Name: "Open", Num: true},
			{Name: "Of it denied", Num: true},
		},
		Empty: "There is no line.",
	}
	disputes := slices.ContainsFunc(a.Lines, func(l *postingv1.AccountLine) bool { return l.Disputed.GetAmountMinor() != 0 })
	if disputes {
		t.Columns = append(t.Columns, column{Name: "In dispute", Num: true})
	}
	for _, l := range a.Lines {
		code := text(strings.Join(append([]string{l.ServiceCode}, l.Modifiers...), " "))
		if l.LineId == "" {
			code = text("Claim as a whole")
		}
		expected := amount(l.Expected, "#legs")
		if l.Expected == nil {
			expected = cell{Text: "–", Class: "num zero", Title: "No price in a contract"}
		}
		t.Rows = append(t.Rows, row{Cells: []cell{
			code, amount(l.Charge, "#legs"), expected, amount(l.InsurancePaid, "#legs"), amount(l.Adjusted, "#legs"), amount(l.PatientShare, "#legs"), amount(l.InsuranceOpen, "#legs"), amount(l.Denied, "#legs"),
		}})
		if disputes {
			t.Rows[len(t.Rows)-1].Cells = append(t.Rows[len(t.Rows)-1].Cells, amount(l.Disputed, "#legs"))
		}
	}
	return t
}
