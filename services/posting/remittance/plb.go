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

// providerReasons says in our words what a provider-level adjustment is for, by its reason: those that payers of behavioral health use. Of another somebody asks the payer.
// Source: public use of the codes by payers, read 2026-11-24.
var providerReasons = map[string]string{
	"50": "claims came late", "51": "interest asked of us", "72": "our refund has arrived", "AP": "advance taken back", "BN": "bonus", "CS": "adjustment without a closer reason",
	"CT": "capitation", "CV": "share of capital costs", "E3": "money kept back", "FB": "balance carried forward", "IR": "withheld for the tax office", "J1": "not paid for",
	"L3": "penalty", "L6": "interest for a late payment", "LE": "levied for a creditor", "LS": "paid in one sum", "PI": "interim payments", "WO": "overpayment taken back",
	"WU": "taken back for another's debt",
}
