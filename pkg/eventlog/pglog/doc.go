// Package pglog is the event log on PostgreSQL: one schema and one role per service, group commit, positions without a gap.
//
// Words: the writer is one goroutine per Log with a connection of its own; what callers append while it waits for the disk becomes its next batch, one transaction
// with one flush. The head is the one row whose lock a batch holds until it is committed, so the order of positions is the order of commits, with any number of
// processes on one log. A refusal (conflict, fence, used key, row) concerns one unit; the others of its batch are committed.
//
// Promises, beside those of eventlog.Log (TestPglog runs its contract): an acknowledged append is on disk and survives kill -9 of the program
// (TestKilledWriter) and of PostgreSQL (TestKilledPostgres); a commit whose answer was lost is found out about, not repeated (TestLostCommit); a batch has the same effects as its units one
// by one (TestBatchesAreLikeOneByOne); nobody with the service's role can change what happened (TestServiceRole).
package pglog
