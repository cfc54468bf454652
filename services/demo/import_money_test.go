package demo

import (
	"testing"

	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// What an import prints of a payment is what the ledger has of it: $100 for an unknown claim, $1 interest, and $39 that the payer took for a reason of its own make $62, of which $1 is
// on the ledger and $61 are held.
func TestWhereTheMoneyIs(t *testing.T) {
	const cash, held, interest = typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE, typev1.LedgerAccount_LEDGER_ACCOUNT_INTEREST
	entry := func(event string, account typev1.LedgerAccount, amount int64) []*postingv1.LedgerLeg {
		return []*postingv1.LedgerLeg{
			{EventType: "evenkeel.posting.v1." + event, Account: cash, Amount: money.Of(amount)}, {EventType: "evenkeel.posting.v1." + event, Account: account, Amount: money.Of(-amount)},
		}
	}
	legs := append(entry("UnappliedRecorded", held, 100_00), entry("ProviderAdjustmentRecorded", interest, 1_00)...)
	legs = append(legs, entry("ProviderAdjustmentRecorded", held, -39_00)...)
	cleared, unapplied, said := whereItIs(legs)
	if want := ": $100.00 for claims that are not known here, or of a payer that their visit does not have, −$39.00 of the payer's own adjustments, to be explained"; cleared != 62_00 || unapplied != 61_00 || said != want {
		t.Errorf("%d in, %d held%s", cleared, unapplied, said)
	}
	if cleared, unapplied, said := whereItIs(entry("InsurancePaymentPosted", typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE, 5_00)); cleared != 5_00 || unapplied != 0 || said != "" {
		t.Errorf("%d in, %d held%s", cleared, unapplied, said)
	}
}
