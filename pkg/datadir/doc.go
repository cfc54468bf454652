// Package datadir is the one folder on a machine in which Evenkeel keeps what must survive a restart.
//
// Words: the data folder is what [Open] returns; its mark is the file VERSION, which holds the number of the data format
// and tells our folder from any other; its lock is the file "lock", held as long as a program uses the folder.
//
// Promise: two programs never use one folder at the same time, a program never touches a folder of a newer format or one that
// isn't ours, and each refusal is one sentence that says what to do. The lock goes with the process, however it ends.
// TestOpen and TestSecondInstance prove it.
//
//	dir, err := datadir.Open(path) // path from --data-dir, else datadir.Default()
//	if err != nil {
//		return err
//	}
//	defer dir.Close()
//	server, err := pgserver.Start(ctx, pgserver.Options{Dir: dir.Path("postgres")})
package datadir
