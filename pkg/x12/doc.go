// Package x12 turns X12 5010 bytes into segments with their place in the file, and values into canonical bytes.
//
// Words: a File holds Interchanges (ISA … IEA), these hold Groups (GS … GE), these hold Sets (ST … SE), these hold Segments. A Segment is a
// view of the bytes it was read from; a Raw is the same as values, free of any file and its separators. A Source is a byte range of the
// file, counted from its first byte. A Diagnostic is one finding, with the place, the rule and the fix. A Kind names what a set is (837P, 835 …).
//
// Promises: Read reports everything that is wrong at once and never panics; a file cut anywhere is reported as cut; every segment knows its
// bytes; the Writer counts and numbers by itself, writes no delimiter inside data, and the same values give the same bytes. Nothing here does
// I/O beyond io.Reader and io.Writer, reads a clock or knows a service.
//
// Standard: X12 005010 (basic and extended character set, no release character), from knowledge of the format and public samples.
// Tests: read_test.go (golden files, one error at a time, pieces, truncation at each byte), write_test.go (laws, FuzzRead), syntax_test.go.
//
// The typed views build on it: t837 (professional claims), t835 (payments), t27x (eligibility), ack (TA1, 999, 277CA).
//
//	file, found := x12.Read(data)
//	if err := found.Err(); err != nil {
//		return err // all errors, each with place and fix
//	}
//	for _, set := range file.Sets() {
//		payment, found := t835.Parse(set)
//		…
//	}
package x12
