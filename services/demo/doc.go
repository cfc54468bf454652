// Package demo is a client: an EHR with a small group behind it, and the one who brings in X12 files of others. It knows nothing of the platform but the public REST API.
//
// Words: the group is what a seed makes (who works there, who pays, who comes when); a call is one request with a key that follows from the seed and from what the
// request is about; a day is a step of the sandbox clock; the table says by payer where the money is.
//
// Promise: the same seed, weeks and patients give the same calls under the same keys, so a run that was interrupted goes on where it ended, a second run sends nothing
// twice, and the table is the same to the cent. TestSameSeedSameCalls and TestGoesOnWhereItEnded prove it.
package demo
