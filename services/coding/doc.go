// Package coding answers: what was done in a session, and which codes, modifiers, units and dollars it becomes, and why.
//
// Streams: encounter/{encounter_id} (encounter: received, signed, coded or asked about), service_history/{patient_id} (servicehistory: what a patient was given and is billed).
// The rules by which codes are chosen, and by which visits stand beside each other, are package rules, which knows no stream.
// Events in: PatientRegistered, CoverageAdded, CoverageTerminated, CarveOutIdentified and AppointmentScheduled of intake; PayerRegistered, PayerPolicySet,
// LocationRegistered, ClinicianRegistered, SupervisionAssigned and ChargeSchedulePublished of registry; AuthorizationApproved of authorization; ClaimImported of exchange; ChargeCorrected and ChargeVoided of posting.
// Events out: api/proto/evenkeel/coding/v1/events.proto.
//
// Invariants:
//  1. A session is coded once, after it was signed, or it came coded from elsewhere (encounter: TestSign, TestAnswer, TestImport).
//  2. Every line is explained: each code, modifier, place and price by a rule with its version (rules: TestEveryLineIsExplained).
//  3. Nothing is guessed: what the rules leave open is asked, with all reasons at once, and a session ends coded, asked about or not billed (encounter: TestASignedSessionHasOneOutcome).
//  4. No two visits of a patient that a rule keeps apart are billed unless a coder said so, however they were signed (rules: TestBeside; TestSessionsOfOneDaySignedAtOnce).
//  5. A visit of another billing system is coded once, in however many claims and files it comes; what says it differently is held (encounter: TestALaterClaimOfAVisit).
package coding
