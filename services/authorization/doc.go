// Package authorization answers: may this service be given under this payer on this date, and how many units are left.
//
// Streams: authorization/{authorization_id} (unitledger: a ledger of units per service code) and requirement/{appointment_id} (was permission needed for a visit, and by
// which rule). Events in: AppointmentScheduled and AppointmentCancelled of intake, CodingCompleted of coding, PayerPolicySet and PayerRegistered of registry, PatientRegistered of
// intake. Events out: api/proto/evenkeel/authorization/v1/events.proto.
//
// Invariants:
//  1. Held + consumed units of a code never exceed the approved units (unitledger: TestReserve, TestConsume, TestUnitsNeverExceedTheApproval).
//  2. A visit holds units once; asking again changes nothing.
//  3. What the approval does not cover is never dropped: where nobody waits for the answer it becomes UnitsRefused, and with it somebody's work.
package authorization
