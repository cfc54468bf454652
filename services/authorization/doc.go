// Package authorization answers: may this service be given under this payer on this date, and how many units are left.
//
// Streams: authorization/{authorization_id} (unitledger: a ledger of units per service code), allocation/{patient_id} (from which authorization the units of each visit
// come) and requirement/{appointment_id} (was permission needed for a visit, and by which rule). Events in: appointments and patients of intake, CodingCompleted and answers to
// queries of coding, ChargeCorrected and ChargeVoided of posting, ClaimCreated of claims (to name the claim in what is shown), payers and policies of registry, its own.
// Events out: api/proto/evenkeel/authorization/v1/events.proto.
//
// Invariants:
//  1. Held + consumed units of a code never exceed the approved units (unitledger: TestReserve, TestConsume, TestUnitsNeverExceedTheApproval; whatever comes in whichever order, allocation:
//     TestInAnyOrder).
//  2. A visit holds units once; asking again changes nothing.
//  3. What the approval does not cover is never dropped: where nobody waits for the answer it becomes UnitsRefused, and with it somebody's work.
//  4. A visit has units of one authorization of a payer at most, whenever that was approved, and none when it was missed, called off or voided (allocation: TestInAnyOrder).
//  5. What GetAuthorization tells of its entries sums up to the ledger (TestApprovedAfterTheVisits).
package authorization
