// Package claims answers: what we asked of whom, what they said, what is next, by when.
//
// Stream: claim/{claim_id} (claim: one payer, one place in the order of payers, all versions). What goes onto a claim is package content, what holds it package edits,
// what a payer's no means package denials, its number on the way package pcn; they know no stream. The exchange turns a claim's content into an 837P: no X12 here.
// Events in: CodingCompleted and VisitPayersTold of coding; ClaimImported, InterchangeSent, ClaimRecalled, SetAcknowledged and ClaimStatusReceived of exchange; ClaimPaymentPosted of posting; approvals and units
// of authorization; PatientRegistered, CoverageAdded and CoverageTerminated of intake; organizations, locations, clinicians, payers and their policies of registry; its own ClaimCreated,
// CorrectedClaimPrepared and CoverageChangeDetected. Events out: api/proto/evenkeel/claims/v1/events.proto.
//
// Invariants:
//  1. A visit makes one claim to each payer, however often it is told (claim: TestOpen, TestReactMakesOneClaim).
//  2. A version goes out once; another one only after the payer has answered, or does not and a person or the clock says so, and it names the decision in force
//     (claim: TestRelease, TestCorrect, TestAVersionIsSentOnce, TestTheDecisionInForceIsReplaced, TestWhatThePayerNeverAnswersGoesOn).
//  3. A held claim says all reasons, and a denied line stays denied until a later decision pays or drops it (claim: TestAdjudicate, TestDenialsFollowTheLastWord).
//     What is denied is never more than what is open to the payer (claim: TestDeniedNeverExceedsWhatIsOpen).
//  4. The next payer is billed where this one left a rest and has not sent the claim on itself, with its amounts copied (claim: TestNextPayer, content: TestPriorsAreCopied).
//     Where it has, the next payer's claim is there without being sent, and waits for that payer's answer (claim: TestACrossedOverClaimIsAnswered).
//  5. A number of one of our authorizations is sent where that authorization has given units for the visit, and a named one is waited for until it has answered
//     (claim: TestUnitsReleaseWhatWaitedForThem, TestATypedNumberFits).
//  6. A claim whose coverage was not in force, or not first, on the day of service is told of once, and not sent unless the payer had it already (claim: TestAnEndIsSeenInAnyOrder).
//  7. Nothing is sent to a payer that no file has named, and what was held for it goes to the one that is named later (claim: TestAClaimToAPayerThatNoFileNamed).
package claims
