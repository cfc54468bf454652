// Package reporting answers what the events add up to: receivables by age, denial rates, key figures, and every leg behind them.
//
// It owns no stream. Events in: those of all services that own one. Its tables are projections in the transaction that advances its inbox; each event it has received is kept once
// in feed, so that the tables can be built anew without a topic. Nothing here names a person: a patient is an id.
//
// Invariants:
//  1. The legs of each event sum to 0, and so do all legs together (TestTheLedgerBalances; the database refuses an event whose legs do not).
//  2. balances is the sum of each account's legs, to the cent (TestBalancesAreTheSumOfTheLegs).
//  3. A read as of a day sees what was booked by the end of that day, whatever came later (TestAsOf, TestClaimsAsOf, TestACorrectedOrVoidedChargeIsWhatItIsOnEachDay).
//  4. No PHI of any event reaches a statement (TestNoPHIReachesAStatement).
//  5. The tables are what the kept events make: Verify folds them again and compares; Rebuild swaps tables without a read that fails or a write that is lost
//     (TestARebuildGivesTheSameTablesWhileEverythingGoesOn). Both fold in bulk, which makes what the live projection makes (TestABulkFoldMakesWhatProjectMakes).
//  6. receivables has, for every day, what each account owes on it, however late or out of order it was booked (TestReceivablesAreTheSlowFoldOfAnyDay).
//  7. Each row of the payers adds up, whichever of an account's payers has paid or owes, and the columns are the ledger's (TestEachRowOfThePayersAddsUp).
//  8. With SQL, finance sees the rows of its own tenant and nothing else (TestFinanceReadsItsOwnTenantAndNothingElse).
package reporting
