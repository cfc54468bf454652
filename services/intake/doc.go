// Package intake answers: who is it, who covers it, is the visit clear to happen.
//
// Streams: patient/{patient_id}; coverage/{patient_id} (all coverages of one patient); eligibility_check/{eligibility_check_id} (one 270 and its answer);
// appointment/{appointment_id}; readiness/{patient_id} (what decides whether visits are clear). Events in: registry's payers, organizations, locations and clinicians;
// authorization's requests, requirements and units; EligibilityAnswered and ClaimImported of exchange; its own. Events out: api/proto/evenkeel/intake/v1/events.proto.
//
// Invariants:
//  1. On any day a patient has one coverage in each place of the order of payers, but for what was imported (coverage: TestNoTwoCoveragesInOnePlace).
//  2. A payer that says "ask another entity" leads to one question to that entity, and no further (eligibility: TestReactToAnotherEntity).
//  3. A visit's readiness follows from what is known, not from the order in which it came, and each change is told (readiness: TestOrderDoesNotMatter).
//  4. What is not known yet never holds a visit: it is pending (readiness: TestAssess).
//  5. What names a person is in the sealed part of events alone; read models have ids and keyed hashes; no message repeats it (person: TestNoMessageNamesThePerson).
//  6. Another system's file is recorded as it is and never overwrites what is known (the tests named TestReactToAnImportedClaim).
package intake
