// Package registry answers: who are we, who pays, what was agreed.
//
// Streams: organization/{organization_id} (with its charge schedules), location/{location_id}, clinician/{clinician_id} (with its supervisions), payer/{payer_id} (with its
// policies), contract/{contract_id}. Events in: ClaimImported of exchange, which registers what another billing system's claim names and nobody knew. Events out:
// api/proto/evenkeel/registry/v1/events.proto. Nothing here is about a patient, so nothing is sealed.
//
// Invariants:
//  1. An EDI payer id is registered once in a tenant: the payer's id follows from it (payer: TestRegister).
//  2. What a command registers can go onto a claim: numbers with their check digits, a street, real days (identifier: TestForms, TestOneWrongDigitIsFound).
//  3. On any day a clinician has at most one supervisor, and that one is fully licensed (clinician: TestSupervise).
//  4. A price is above zero and there is one for each thing (organization: TestPublishCharges, contract: TestPublish).
//  5. What another system's file says is recorded as it is and never overwrites what is known (the tests named TestReactToAnImportedClaim).
package registry
