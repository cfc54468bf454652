// Package pgserver runs a PostgreSQL server of our own for as long as the process lives, so that the platform starts on a
// machine where nobody has set up a database.
//
// Words: a cluster is PostgreSQL's folder "pgdata"; an installation is a folder of its programs (initdb, postgres); the
// account is the system user PostgreSQL runs as, which is never root.
//
// Promises: the data is flushed to disk as in any production server and stays between starts; the server ends with its
// parent, also when that is killed with -9, and the next start recovers; a start cut short leaves nothing half-made;
// nobody but the owner and root can connect (a unix socket and a random password, no port); statements and values, which
// may name a patient, stay out of its log; each failure is one sentence. TestServer and its neighbours prove them.
//
// A program that calls Start must call MaybeHelper first thing in main: where no PostgreSQL is installed, the program starts
// itself again, under the account, to fetch one.
//
//	func main() {
//		pgserver.MaybeHelper()
//		server, err := pgserver.Start(ctx, pgserver.Options{Dir: dir.Path("postgres")})
//		…
//		defer server.Stop(context.Background())
//		pool, err := pgxpool.New(ctx, server.URL())
//	}
package pgserver
