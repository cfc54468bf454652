// Package broker runs a Kafka-protocol broker inside this process, so that a laptop, a test or a
// single small installation needs nothing but the one binary.
//
// Words: the broker's data directory holds its log segments and the port it was given at the first
// start; retention is what keeps that directory small.
//
// Promise: what a client was told is written is there again after a stop, and after a kill -9 of
// the process (the operating system's page cache is not lost with it); the port stays the same for
// the life of the data directory; a partition is kept to about 64 MB. It is one node without
// replication: the event log in PostgreSQL is the truth and the relay repairs what a power cut
// tears off. Production uses Apache Kafka; the log says so at each start.
//
// Standard: the Kafka wire protocol as franz-go's kfake speaks it. Proven by broker_test.go, and by
// pkg/kafkapubsub, whose tests run on it and on Apache Kafka alike.
package broker
