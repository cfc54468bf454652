package demo

import (
	"bytes"
	"strings"
	"testing"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// agreed is a table of one payer that agrees with its ledger: 100.00 charged, 60.00 paid, 25.00 off, 15.00 open with the payer; a patient owes 5.00 of a visit of 5.00.
func agreed() Table {
	aging := func() []*reportingv1.AgingBucket {
		return []*reportingv1.AgingBucket{{Bucket: "0-30", Amount: money.Of(1500)}, {Bucket: "31-60", Amount: money.Of(0)}}
	}
	row := func(name string, charged int64) *reportingv1.PayerRow {
		return &reportingv1.PayerRow{Name: name, Claims: 2, ChargedAmount: money.Of(charged), PaidAmount: money.Of(6000), ContractualAmount: money.Of(2500), OpenAmount: money.Of(1500), Aging: aging()}
	}
	self := &reportingv1.PayerRow{Name: "Self-pay", ChargedAmount: money.Of(500), PatientAmount: money.Of(500)}
	total := row("Total", 10500)
	total.PatientAmount = money.Of(500)
	balance := func(a typev1.LedgerAccount, cents int64) *reportingv1.LedgerBalance {
		return &reportingv1.LedgerBalance{LedgerAccount: a, BalanceAmount: money.Of(cents)}
	}
	return Table{
		Payers: &reportingv1.Payers{
			AsOf: "2026-04-20", Payers: []*reportingv1.PayerRow{row("Example Plan", 10000), self}, Total: total, PatientOpenAmount: money.Of(500), UnappliedAmount: money.Of(700),
			EqualsLedger: true,
		},
		Ledger: &reportingv1.Ledger{SumAmount: money.Of(0), Legs: 12, Balances: []*reportingv1.LedgerBalance{
			balance(typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS, -10500), balance(typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL, 2500),
			balance(typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE, 1500), balance(typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, 500),
			balance(typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, -700), balance(typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, 6700),
		}},
	}
}

func TestEveryCentOfDifferenceIsFound(t *testing.T) {
	if err := agreed().check(); err != nil {
		t.Fatalf("the table agrees: %v", err)
	}
	for name, c := range map[string]struct {
		spoil func(Table)
		says  string
	}{
		"charged": {func(x Table) {
			x.Payers.Total.ChargedAmount.AmountMinor++
			x.Payers.Payers[0].ChargedAmount.AmountMinor++
		}, "charged: the table says $105.01, the ledger $105.00"},
		"contractual":   {func(x Table) { x.Ledger.Balances[1].BalanceAmount.AmountMinor-- }, "contractual: the table says $25.00, the ledger $24.99"},
		"open":          {func(x Table) { x.Ledger.Balances[2].BalanceAmount.AmountMinor++ }, "open less credit: the table says $15.00, the ledger $15.01"},
		"patients":      {func(x Table) { x.Payers.PatientOpenAmount.AmountMinor = 0 }, "owed by patients: the table says $0.00, the ledger $5.00"},
		"their part":    {func(x Table) { x.Payers.PatientPaidAmount = money.Of(1) }, "patient: the table says $5.00, the ledger $5.01"},
		"held":          {func(x Table) { x.Payers.UnappliedAmount.AmountMinor++ }, "held: the table says $7.01, the ledger $7.00"},
		"sum":           {func(x Table) { x.Ledger.SumAmount.AmountMinor = 1 }, "sum of the ledger"},
		"a row":         {func(x Table) { x.Payers.Payers[0].PaidAmount.AmountMinor++ }, "paid: the rows sum to $60.01, the total says $60.00"},
		"a row's sum":   {func(x Table) { x.Payers.Payers[0].TakenOverAmount = money.Of(1) }, "Example Plan: $100.01 was charged and taken over, $100.00 is paid"},
		"the ages":      {func(x Table) { x.Payers.Total.Aging[1].Amount.AmountMinor = 2 }, "open: by age it is $15.02, in all $15.00"},
		"its own check": {func(x Table) { x.Payers.EqualsLedger = false }, "reporting says"},
	} {
		t.Run(name, func(t *testing.T) {
			x := agreed()
			c.spoil(x)
			if err := x.check(); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

func TestTheTableIsLinedUp(t *testing.T) {
	var out bytes.Buffer
	if err := agreed().write(&out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"│ payer        │ claims │ charged │", "│ Example Plan │      2 │ $100.00 │", "│ Total        │      2 │ $105.00 │", "owe $5.00; $7.00 is held", "The totals are the ledger's: 12 legs, which sum to $0.00.",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, out.String())
		}
	}
	spoilt := agreed()
	spoilt.Ledger.SumAmount.AmountMinor = 1
	out.Reset()
	if err := spoilt.write(&out); err != nil || strings.Contains(out.String(), "are the ledger's") {
		t.Errorf("%v: a table that disagrees says that it agrees:\n%s", err, out.String())
	}
}

func TestEachKindOfFindingIsToldOnce(t *testing.T) {
	var b strings.Builder
	findings(&b, []*exchangev1.Finding{
		{Severity: "warning", Code: "w1", Offset: 4, Segment: "ISA", Message: "first"}, {Severity: "warning", Code: "w1", Offset: 9, Message: "second"},
		{Severity: "error", Code: "e1", Offset: 7, Message: "bad"},
	})
	if want := "  error e1, byte 7: bad\n  warning w1, byte 4 (ISA) and 1 more: first\n"; b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
