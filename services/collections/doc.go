// Package collections answers: who does what next, and what does the patient owe and why.
//
// Streams: work_item/{work_item_id} (one thing that somebody must do) and patient_balance/{patient_id} (what a patient owes, by account, and the statements that ask for it). Events
// in: those of claims, coding, intake, authorization, exchange and posting that somebody must act on or that resolve it (workitem/opens.go), posting's moves to and from
// patients, PatientRegistered of intake, LocationRegistered and OrganizationRegistered of registry, and collections' own. Events out:
// api/proto/evenkeel/collections/v1/events.proto.
//
// Invariants:
//  1. The same problem is one open item, which says what is so now (workitem: TestAnOpenItemFollowsWhatIsTold); it is resolved by itself when what it waited for has happened (workitem: TestWorkItem, TestWhatOpensIsResolved).
//  2. A patient's balance is the sum of what posting moved, each move noted once (patientbalance: TestBalance).
//  3. A statement's lines sum to its balance, and it is written only when something is owed (patientbalance: TestStatement). The same statement is the same bytes
//     (statement: TestTheSameStatementIsTheSameBytes).
//  4. Titles and details of work items name no person; names on statements are sealed under the patient's key.
package collections
