// Package posting answers: every cent, where it is and which event put it there.
//
// Streams: account/{account_id} (the charges of one encounter), remittance/{remittance_id} (one 835 payment), deposit/{deposit_id} (what the bank saw), settlement/{settlement_id}
// (both sides of one trace number), patient_payment/{patient_payment_id} and patient_ledger/{patient_id} (which of a patient's money is for which account). Events in:
// CodingCompleted and VisitPayersTold of coding, ClaimCreated of claims, RemittanceRead of exchange, DepositMade of payersim, ContractPublished, ClinicianRegistered and PayerRegistered of registry,
// PatientRegistered of intake, and posting's own. Events out: api/proto/evenkeel/posting/v1/events.proto.
//
// A remittance goes: RemittanceRead → settlement (does it repeat another?) → remittance (balanced or quarantined whole) → its claims, each on its account.
//
// Invariants:
//  1. The legs of every event sum to 0 (pkg/money builds no others; the ledger table checks each entry again).
//  2. Charge = paid + adjusted + moved to the patient + open, for every line at every time (account: TestWhatIsChargedIsAlwaysSomewhere).
//  3. A reversal mirrors one live posting, once; PR is never a denial, CO never a patient's balance (same test).
//  4. What a remittance does to cash.clearing sums to its payment (TestTheCashOfARemittanceIsItsPayment).
//  5. A remittance that is off by a cent is quarantined whole (remittance: TestOneCentOffIsQuarantined). What is not booked takes no deposit and nothing repeats it, and cash.clearing of
//     each payer is 0 once all is matched (settlement: TestAMendedFileIsBookedInAnyOrder).
//  6. No cent of a patient is promised twice, and none beyond what is owed stays on an account (patientledger: TestNoCentIsPromisedTwice). What is taken back, a
//     deposit or a patient's payment, mirrors its entry once (settlement: TestWithdraw, patientledger: TestReverse).
//  7. What a payer takes off below its contract, or gives the patient against it, is not lost: it stays open with the payer until it is paid or given up (account: TestBelowContract,
//     TestNoBalanceBilling).
//  8. Money without its remittance and a remittance without its money are told a week later (settlement: TestWhatDoesNotComeIsToldOnce).
//  9. A payer's answer is booked to that payer, under whichever number of the visit it comes, and never to another (account: TestAnswering).
//  10. Money that is held for a claim that nobody knew is posted as if its payer had named it, once somebody does, and is on the ledger or held at every instant (remittance: TestAssign,
//     TestAssignedMoneyIsBookedAsIfItsClaimWasNamed).
package posting
