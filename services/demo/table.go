package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// Table is where the money is, by payer, beside the ledger that it must agree with.
type Table struct {
	Payers *reportingv1.Payers
	Ledger *reportingv1.Ledger
}

// table asks for both, as they are now.
func (e *ehr) table(ctx context.Context) (Table, error) {
	t := Table{Payers: &reportingv1.Payers{}, Ledger: &reportingv1.Ledger{}}
	if err := e.read(ctx, "/v1/reports/payers", nil, t.Payers); err != nil {
		return Table{}, err
	}
	return t, e.read(ctx, "/v1/reports/ledger", nil, t.Ledger)
}

// columns of money.
var columns = []struct {
	name string
	of   func(*reportingv1.PayerRow) *typev1.Money
}{
	{"charged", (*reportingv1.PayerRow).GetChargedAmount},
	{"allowed", (*reportingv1.PayerRow).GetAllowedAmount},
	{"taken over", (*reportingv1.PayerRow).GetTakenOverAmount},
	{"passed on", (*reportingv1.PayerRow).GetPassedOnAmount},
	{"paid", (*reportingv1.PayerRow).GetPaidAmount},
	{"contractual", (*reportingv1.PayerRow).GetContractualAmount},
	{"patient", (*reportingv1.PayerRow).GetPatientAmount},
	{"denied", (*reportingv1.PayerRow).GetDeniedAmount},
	{"open", (*reportingv1.PayerRow).GetOpenAmount},
	{"credit", (*reportingv1.PayerRow).GetCreditAmount},
}

func (t Table) write(out io.Writer) error {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Options.SeparateRows = false
	w.Style().Format.Header, w.Style().Format.Footer = text.FormatDefault, text.FormatDefault
	header := table.Row{"payer", "claims"}
	for _, c := range columns {
		header = append(header, c.name)
	}
	for _, b := range t.Payers.GetTotal().GetAging() {
		header = append(header, b.Bucket+" d")
	}
	right := make([]table.ColumnConfig, len(header)-1)
	for i := range right {
		right[i] = table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight}
	}
	w.SetColumnConfigs(right)
	w.AppendHeader(header)
	for _, r := range t.Payers.GetPayers() {
		w.AppendRow(row(r))
	}
	w.AppendFooter(row(t.Payers.GetTotal()))
	var b strings.Builder
	fmt.Fprintf(&b, "\nWhere the money is on %s, by payer (open is the receivable, by days since the service; credit is what a payer has paid too much)\n%s\n", t.Payers.GetAsOf(), w.Render())
	b.WriteString("Charged, contractual and patient count with the payer that stands first, paid, open and credit with whoever paid or owes. What a payer has paid and owes of another's charges it\n" +
		"has taken over, and the other has passed it on, so each row adds up: charged + taken over = paid + contractual + patient + passed on + open - credit.\n")
	fmt.Fprintf(&b, "Patients have paid %s and owe %s; %s is held until it is known what it pays.\n",
		shown(t.Payers.GetPatientPaidAmount()), shown(t.Payers.GetPatientOpenAmount()), shown(t.Payers.GetUnappliedAmount()))
	if t.check() == nil {
		fmt.Fprintf(&b, "The totals are the ledger's: %d legs, which sum to %s.\n", t.Ledger.GetLegs(), shown(t.Ledger.GetSumAmount()))
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("show the table: %w", err)
	}
	return nil
}

func row(r *reportingv1.PayerRow) table.Row {
	name := r.GetName()
	if name == "" {
		name = "total"
	}
	out := table.Row{name, r.GetClaims()}
	for _, c := range columns {
		out = append(out, shown(c.of(r)))
	}
	for _, b := range r.GetAging() {
		out = append(out, shown(b.Amount))
	}
	return out
}

func shown(m *typev1.Money) string { return money.Format(m.GetAmountMinor()) }

// check says where the table and the ledger disagree; nil: nowhere.
func (t Table) check() error {
	balance := map[typev1.LedgerAccount]int64{}
	for _, b := range t.Ledger.GetBalances() {
		balance[b.LedgerAccount] += b.GetBalanceAmount().GetAmountMinor()
	}
	var errs []error
	equal := func(what string, table, ledger int64) {
		if table != ledger {
			errs = append(errs, fmt.Errorf("%s: the table says %s, the ledger %s", what, money.Format(table), money.Format(ledger)))
		}
	}
	total := t.Payers.GetTotal()
	equal("charged", total.GetChargedAmount().GetAmountMinor(), -balance[typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS])
	equal("contractual", total.GetContractualAmount().GetAmountMinor(), balance[typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL])
	equal("open less credit", total.GetOpenAmount().GetAmountMinor()-total.GetCreditAmount().GetAmountMinor(), balance[typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE])
	equal("owed by patients", t.Payers.GetPatientOpenAmount().GetAmountMinor(), balance[typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT])
	equal("patient", total.GetPatientAmount().GetAmountMinor(), t.Payers.GetPatientPaidAmount().GetAmountMinor()+t.Payers.GetPatientOpenAmount().GetAmountMinor())
	equal("held", t.Payers.GetUnappliedAmount().GetAmountMinor(),
		-balance[typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE]-balance[typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT])
	equal("sum of the ledger", 0, t.Ledger.GetSumAmount().GetAmountMinor())
	for _, c := range columns {
		var sum int64
		for _, r := range t.Payers.GetPayers() {
			sum += c.of(r).GetAmountMinor()
		}
		if have := c.of(total).GetAmountMinor(); sum != have {
			errs = append(errs, fmt.Errorf("%s: the rows sum to %s, the total says %s", c.name, money.Format(sum), money.Format(have)))
		}
	}
	for _, r := range t.Payers.GetPayers() {
		asked := r.GetChargedAmount().GetAmountMinor() + r.GetTakenOverAmount().GetAmountMinor()
		is := r.GetPaidAmount().GetAmountMinor() + r.GetContractualAmount().GetAmountMinor() + r.GetPatientAmount().GetAmountMinor() + r.GetPassedOnAmount().GetAmountMinor() +
			r.GetOpenAmount().GetAmountMinor() - r.GetCreditAmount().GetAmountMinor()
		if asked != is {
			errs = append(errs, fmt.Errorf("%s: %s was charged and taken over, %s is paid, taken off, moved, passed on and open", r.GetName(), money.Format(asked), money.Format(is)))
		}
	}
	var aged int64
	for _, b := range total.GetAging() {
		aged += b.GetAmount().GetAmountMinor()
	}
	if open := total.GetOpenAmount().GetAmountMinor(); aged != open {
		errs = append(errs, fmt.Errorf("open: by age it is %s, in all %s", money.Format(aged), money.Format(open)))
	}
	if !t.Payers.GetEqualsLedger() && len(errs) == 0 {
		errs = append(errs, errors.New("reporting says that its totals are not the ledger's"))
	}
	if len(errs) > 0 {
		return fmt.Errorf("the table does not agree with the ledger: %w", errors.Join(errs...))
	}
	return nil
}
