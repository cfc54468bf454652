// Package coding answers: what was done in a session, and which codes, modifiers, units and dollars it becomes, and why.
//
// Stream: encounter/{encounter_id} (encounter: received, signed, coded or asked about). The rules by which codes are chosen are package rules, which knows no stream.
// Events in: PatientRegistered, CoverageAdded, CoverageTerminated, CarveOutIdentified and AppointmentScheduled of intake; PayerRegistered, PayerPolicySet,
// LocationRegistered, ClinicianRegistered, SupervisionAssigned and ChargeSchedulePublished of registry; AuthorizationApproved of authorization; ClaimImported of exchange.
// Events out: api/proto/evenkeel/coding/v1/events.proto.
//
// Invariants:
//  1. A session is coded once, after it was signed, or it came coded from elsewhere (encounter: TestSign, TestAnswer, TestImport).
//  2. Every line is explained: each code, modifier, place and price by a rule with its version (rules: TestEveryLineIsExplained).
//  3. Nothing is guessed: what the rules leave open is asked, with all reasons at once, and a session ends coded, asked about or not billed (encounter: TestASignedSessionHasOneOutcome).
package coding
