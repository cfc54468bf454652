// Package kafkapubsub is Watermill on Kafka, over segmentio/kafka-go: a Publisher, a Subscriber, and a
// BatchSubscriber for who handles hundreds of records in one transaction; beneath them a producer to
// a chosen partition, the few questions about topics that a relay asks, and OpenTelemetry.
//
// Words: a batch is what has arrived of one partition, 1 to 500 records, never waited for; a
// generation is the time in which the members of a consumer group keep the same partitions; to nack
// is to ask for the same records again.
//
// Promises:
//   - Every record is delivered at least once, in the order of its partition; a nacked one comes again
//     before its successors. One message of a partition is in flight, partitions run in parallel.
//     Kafka's offsets are a hint where to begin: who needs each effect once keeps positions of his own.
//   - What Publish or Produce acknowledged is on all in-sync replicas. A request whose answer was lost
//     is sent again: records may be doubled, their order is not changed.
//   - A restarted broker, a new leader, a rebalance, partitions added, a topic that comes later, is
//     deleted, or is made again, are waited out: nothing has to be restarted, and all of a new
//     topic's records come. What the topic lost, by retention or by being wiped, is read over with a
//     warning and a count; only positions of the source can tell which records those were.
//   - Memory is bounded for each partition: a slow handler costs lag. Close ends every wait, leaves
//     the group, and hands its offsets on.
//
// Security is how a secured cluster is spoken to: TLS, a certificate of our own, SASL (TestSecuredKafka).
//
// Messages and records: see Marshal and Unmarshal; the mapping is the one of Watermill's own Kafka
// Pub/Sub. Spans of producer and consumer are traces of their own, linked to the traces that records
// carry in the W3C header traceparent: see Client.Trace, Client.Instrument.
//
// A program that prints what comes:
//
//	client, err := kafkapubsub.NewClient(kafkapubsub.Config{Brokers: []string{"127.0.0.1:9092"}})
//	…
//	sub, err := kafkapubsub.NewBatchSubscriber(client, kafkapubsub.SubscriberConfig{Group: "printer"})
//	…
//	router, err := message.NewRouter(message.RouterConfig{}, nil)
//	…
//	client.Instrument(router)
//	router.AddConsumerHandler("print", "orders", sub, func(msg *message.Message) error {
//		batch, _ := kafkapubsub.BatchOf(msg)
//		for _, record := range batch.Records {
//			fmt.Println(record.Offset, string(record.Value))
//		}
//		return nil // an error is a nack
//	})
//	err = router.Run(ctx)
//
// It follows Watermill's Pub/Sub contract, the Kafka protocol, and OpenTelemetry's messaging
// conventions. TestWatermillSuite runs Watermill's universal suite in three configurations, with
// restarts of the broker; the other tests disturb what the suite leaves alone. They run on the embedded
// broker; with EVENKEEL_KAFKA=real on Apache Kafka too, and with EVENKEEL_PUBSUB_SUITE=full the
// suite's long form (thousands of messages, 50 subscribers):
//
//	EVENKEEL_KAFKA=real EVENKEEL_PUBSUB_SUITE=full go test -timeout 30m ./kafkapubsub
//
// Not offered: transactions and idempotent producing (kafka-go has neither), and compacted topics,
// which work but are read without a word about what compaction removed.
package kafkapubsub
