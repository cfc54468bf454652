// Package exchange answers: which bytes went out and came in, under which control numbers, and what did they say.
//
// Streams: partner/{receiver_id} (what waits for a receiver, its control numbers, its files) and interchange/{interchange_id} (one file that came in). Events in:
// SubmissionRequested, SubmissionRecalled and ClaimCreated of claims; EligibilityRequested of intake; PayerRegistered of registry; ResponseIssued of payersim, which is the partner's channel; its
// own. Events out: api/proto/evenkeel/exchange/v1/events.proto.
//
// Invariants:
//  1. The numbers of a receiver's files have no gaps, and the same state gives the same bytes (partner: TestNumbersHaveNoGaps, TestTheSameStateGivesTheSameBytes).
//  2. The pieces of a file are the file, and a destroyed key leaves a hole of known length (pieces: TestPiecesAreTheFile, TestAHoleIsLabelled).
//  3. A file is kept whole or refused whole, wherever it is cut (interchange: TestAFileCutInHalfIsRefused).
//  4. The same file again changes nothing (interchange: TestTheSameFileAgainChangesNothing).
//  5. Every amount that is read names the bytes it comes from (interchange: TestAmountsNameTheirBytes).
//  6. An answer is never given to a claim by guess: what names nothing of ours is recorded as unknown (interchange: TestWhoseClaimItIs), and who
//     answers is whom the file names, where we know it (interchange: TestWhoAnswers).
package exchange
