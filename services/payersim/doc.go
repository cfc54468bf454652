// Package payersim is a payer to test against: it answers eligibility questions, takes claims in, decides on them by its plans, and pays by remittance and deposit.
//
// Stream: desk/{receiver_id} (one payer's door and books). Events in: InterchangeSent and InterchangeBytes of exchange: the bytes are all it gets to know; it copies no fact of
// any service. Events out: api/proto/evenkeel/payersim/v1/events.proto. Its plans are plans/plans.json; a receiver that they do not name stands for a plain payer.
//
// Invariants:
//  1. The same files at the same instants give the same bytes (desk: TestTheSameFilesGiveTheSameBytes).
//  2. Each 835 balances, its payment is not negative and is the deposit that is made; what is carried forward comes back (desk: TestEachRemittanceBalancesAndIsDeposited).
//  3. Whatever it writes, the readers of pkg/x12 read without an error (desk: TestAnswersAreReadWithoutFindings).
package payersim
