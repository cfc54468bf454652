package console

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

type patientPage struct {
	ID, Name   string
	Balance    string
	Says       string // what the balance means
	Held       string // beside it
	Forms      []*form
	Why        *table
	Payments   *table
	Accounts   *table
	Statements *table
}

// patient is what one patient owes and why, what the patient paid, and what is held.
func (c *console) patient(ctx context.Context, r *request) (*page, error) {
	who := r.PathValue("id")
	b, err := c.collections.GetPatientBalance(ctx, &collectionsv1.GetPatientBalanceRequest{PatientId: who})
	if err != nil {
		return nil, fmt.Errorf("read the balance: %w", err)
	}
	accounts, err := c.posting.ListAccounts(ctx, &postingv1.ListAccountsRequest{PatientId: who, PageSize: 500})
	if err != nil {
		return nil, fmt.Errorf("list the accounts: %w", err)
	}
	statements, err := c.collections.ListStatements(ctx, &collectionsv1.ListStatementsRequest{PatientId: who})
	if err != nil {
		return nil, fmt.Errorf("list the statements: %w", err)
	}
	payments, err := c.paymentsOf(ctx, who)
	if err != nil {
		return nil, err
	}
	known, err := c.intake.GetPatient(ctx, &intakev1.GetPatientRequest{PatientId: who})
	if err != nil && !missing(err) {
		return nil, fmt.Errorf("read who the patient is: %w", err)
	}
	d := &patientPage{ID: who, Name: cmp.Or(strings.TrimPrefix(person(known.GetName()), "–"), "Patient"), Balance: money.Format(b.Balance.GetAmountMinor()), Payments: r.payments(payments)}
	if held := b.Unapplied.GetAmountMinor(); held != 0 {
		d.Held = money.Format(held) + " held for the patient: it is on no account yet"
		if owes := b.Balance.GetAmountMinor(); owes > 0 {
			d.Held += fmt.Sprintf("; %s to pay", money.Format(max(0, owes-held)))
		}
	}
	visits := []option{{"", "Oldest service first"}}
	for _, a := range accounts.Accounts {
		if !a.Settled {
			visits = append(visits, option{a.AccountId, "The visit of " + spelled(a.ServiceDate)})
		}
	}
	d.Forms = forms(r.form("/patients/"+who+"/payments", "Record a payment", "It pays what the patient owes, oldest service first; what is left is held for what comes. Money named for a visit waits for it.", "Record the payment",
		input{Name: "amount", Label: "Amount in dollars", Hint: "1,234.50", Required: true, Most: 15}, input{Name: "method", Label: "How", Options: methods}, input{Name: "reference", Label: "Check or processor's number", Hint: "no card number", Most: 80},
		input{Name: "received_date", Label: "Paid on", Type: "date", Value: c.today(), Required: true}, input{Name: "account_id", Label: "For", Options: visits}))
	if b.Balance.GetAmountMinor() > 0 {
		d.Forms = append(d.Forms, forms(r.form("/patients/"+who+"/statements", "Write a statement now", "", "Write the statement"))...)
	}
	switch n := b.Balance.GetAmountMinor(); {
	case n > 0:
		d.Says = "owed by the patient"
	case n < 0:
		d.Says = "too much was paid by the patient"
	default:
		d.Says = "owed: nothing is due"
	}
	d.Why = &table{
		Caption: "What is owed and why", Note: "oldest service first", Columns: []column{{Name: "Date of service"}, {Name: "Why"}, {Name: "Charged", Num: true}, {Name: "Insurance paid", Num: true}, {Name: "Plan discount", Num: true}, {Name: "Patient paid", Num: true}, {Name: "Balance", Num: true}},
		Empty: "Nothing is owed.",
	}
	for _, e := range b.Accounts {
		to, when := "/accounts/"+e.AccountId, day(e.ServiceDate)
		when.Href = to
		d.Why.Rows = append(d.Why.Rows, row{Cells: []cell{when, orDash(e.Explanation), amount(e.Charge, to), amount(e.InsurancePaid, to), amount(e.Adjusted, to), amount(e.PatientPaid, to), amount(e.Balance, to)}})
	}
	d.Accounts = &table{Caption: "Accounts", Note: "newest first", Columns: []column{{Name: "Account"}, {Name: "Service"}, {Name: "State"}, {Name: "Charged", Num: true}, {Name: "Payers owe", Num: true}, {Name: "Patient owes", Num: true}}, Empty: "Nothing was charged."}
	for _, a := range accounts.Accounts {
		to, state := "/accounts/"+a.AccountId, badge("open")
		if a.Settled {
			state = badge("settled")
		}
		d.Accounts.Rows = append(d.Accounts.Rows, row{Cells: []cell{id(a.AccountId, to), day(a.ServiceDate), state, amount(a.Charge, to), amount(a.InsuranceBalance, to), amount(a.PatientBalance, to)}})
	}
	d.Statements = &table{Caption: "Statements", Columns: []column{{Name: "Statement"}, {Name: "Written"}, {Name: "Due"}, {Name: "Letter"}, {Name: "Balance", Num: true}}, Empty: "No statement was written.", Todo: "One is written by itself when the patient owes something; you can write one now."}
	for _, s := range statements.Statements {
		to := "/statements/" + s.StatementId
		d.Statements.Rows = append(d.Statements.Rows, row{Cells: []cell{id(s.StatementId, to), day(s.StatementDate), day(s.DueDate), link("PDF", to+"/letter.pdf"), amount(s.Balance, to)}})
	}
	return &page{Title: "Patient " + short(who), Nav: "receivables", Crumbs: []crumb{{"Receivables", r.to("/receivables", "payer", "patient")}}, Body: "patient", Data: d}, nil
}

func (c *console) issue(ctx context.Context, r *request) (*page, error) {
	who := r.PathValue("id")
	receipt, err := c.collections.IssueStatement(c.calling(ctx, r, r.PostFormValue("key")), &collectionsv1.IssueStatementRequest{PatientId: who})
	return c.after(r, receipt, err, "/patients/"+who, "issued")
}

type statementPage struct {
	*collectionsv1.Statement
	Lines   *table
	Name    string
	PDF     string
	Patient string
}

func (c *console) statement(ctx context.Context, r *request) (*page, error) {
	s, err := c.collections.GetStatement(ctx, &collectionsv1.GetStatementRequest{StatementId: r.PathValue("id")})
	if err != nil {
		return nil, fmt.Errorf("read the statement: %w", err)
	}
	d := &statementPage{Statement: s, Name: person(s.PatientName), PDF: "/statements/" + s.StatementId + "/letter.pdf", Patient: "/patients/" + s.PatientId}
	d.Lines = &table{Caption: "What you owe and why", Columns: []column{{Name: "Date of service"}, {Name: "Why"}, {Name: "Charged", Num: true}, {Name: "Insurance paid", Num: true}, {Name: "Plan discount", Num: true}, {Name: "You paid", Num: true}, {Name: "Balance", Num: true}}}
	for _, e := range s.Entries {
		to := "/accounts/" + e.AccountId
		when := day(e.ServiceDate)
		when.Href = to
		d.Lines.Rows = append(d.Lines.Rows, row{Cells: []cell{when, text(e.Explanation), amount(e.Charge, ""), amount(e.InsurancePaid, ""), amount(e.Adjusted, ""), amount(e.PatientPaid, ""), amount(e.Balance, to)}})
	}
	d.Lines.Foot = []cell{text("Please pay"), {}, {}, {}, {}, {}, amount(s.Balance, "")}
	return &page{Title: "Statement of " + spelled(s.StatementDate), Nav: "receivables", Crumbs: []crumb{{"Patient " + short(s.PatientId), "/patients/" + s.PatientId}}, Body: "statement", Data: d}, nil
}

// letter is the statement as a PDF.
func (c *console) letter(ctx context.Context, r *request) (*page, error) {
	b, err := c.collections.GetStatementPdf(ctx, &collectionsv1.GetStatementPdfRequest{StatementId: r.PathValue("id")})
	if err != nil {
		return nil, fmt.Errorf("read the letter: %w", err)
	}
	r.w.Header().Set("Content-Type", "application/pdf")
	r.w.Header().Set("Content-Disposition", `inline; filename="statement.pdf"`)
	_, _ = r.w.Write(b.Data) // the reader went away: nothing to be done
	return nil, nil
}
