// Package pgtest gives each test an empty PostgreSQL database of its own, on a real server that lives as long as the test
// binary, also where the tests run as root.
//
// Words: the shared server serves all databases of one test binary; a template is a database prepared once (with the
// migrations, say) and copied for each test; a server of one's own is one that a test may kill.
//
// Promise: no test sees what another did, in any order and in parallel; nothing stays on the machine, also after the binary
// was killed, once the next one has run. Roles belong to the whole server: name yours after the test, or make them if they are
// missing. The shared server does not flush to disk, so it shows nothing about durability or speed; ask WithFsync for those.
// TestDatabases and TestKilledBinaryLeavesNothing prove it.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestAppend(t *testing.T) {
//		t.Parallel()
//		pool := pgtest.DB(t, pgtest.WithTemplate("eventlog", migrate))
//		…
//	}
package pgtest
