// Package kafkatest gives a test a broker: the embedded one to each test, and, when asked, one real
// Apache Kafka to each test binary.
//
// Words: "embedded" is pkg/broker in memory; "real" is Apache Kafka on loopback, started by
// scripts/kafka/kafka.sh (Java 17 and Maven, no container).
//
// Promise: a test that uses Each runs on both and can't tell them apart; without
// EVENKEEL_KAFKA=real the real half is skipped, and says so. The real broker ends with the test
// binary, however that ends. Proven by kafkatest_test.go.
package kafkatest
