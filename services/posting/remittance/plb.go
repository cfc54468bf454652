package remittance

import typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"

// providerAccounts says where a provider-level adjustment lies, by its reason. Money that goes to and fro between us and the payer is payer.forward and returns to 0; interest is
// interest; of the rest somebody must say what it was, so it is held in unapplied.insurance. Positive takes money from us.
// Source: public use of the codes by payers, read 2026-11-24; the words are ours.
var providerAccounts = map[string]typev1.LedgerAccount{
	"FB": typev1.LedgerAccount_LEDGER_ACCOUNT_PAYER_FORWARD, // carried forward, or applied
	"WO": typev1.LedgerAccount_LEDGER_ACCOUNT_PAYER_FORWARD, // overpayment taken back, or announced (negative)
	"72": typev1.LedgerAccount_LEDGER_ACCOUNT_PAYER_FORWARD, // our refund acknowledged; pairs with WO
	"AP": typev1.LedgerAccount_LEDGER_ACCOUNT_PAYER_FORWARD, // advance payment taken back
	"PI": typev1.LedgerAccount_LEDGER_ACCOUNT_PAYER_FORWARD, // interim payments
	"L6": typev1.LedgerAccount_LEDGER_ACCOUNT_INTEREST,      // interest for a late payment (negative)
	"51": typev1.LedgerAccount_LEDGER_ACCOUNT_INTEREST,      // interest asked of us
}

func providerAccount(reason string) typev1.LedgerAccount {
	if account, ok := providerAccounts[reason]; ok {
		return account
	}
	return typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE
}
