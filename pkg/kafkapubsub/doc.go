// Package kafkapubsub is Watermill on Kafka, over segmentio/kafka-go.
package kafkapubsub
