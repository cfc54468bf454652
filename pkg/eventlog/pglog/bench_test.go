package pglog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/pkg/eventlog/pglog"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

// BenchmarkAppend measures group commit against the same server's COPY and its rate of single commits. The server flushes.
//
//	go test ./pkg/eventlog/pglog -run '^$' -bench Append -benchtime 1x
func BenchmarkAppend(b *testing.B) {
	for _, complete := range []bool{false, true} {
		name := "plain"
		if complete {
			name = "complete"
		}
		for _, callers := range []int{1, 32, 256, 1024} {
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) {
				admin := pgtest.URL(b, pgtest.WithFsync())
				for b.Loop() {
					ref, rates, err := pglog.Measure(b.Context(), admin, time.Second, pglog.Workload{Callers: callers, For: 2 * time.Second, Complete: complete})
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(rates[0].Appends, "appends/s")
					b.ReportMetric(100*rates[0].Appends/ref.Copy, "%ofCOPY")
					b.ReportMetric(rates[0].Appends/ref.Single, "×single")
					b.ReportMetric(float64(rates[0].P50.Microseconds())/1000, "p50-ms")
					b.ReportMetric(float64(rates[0].P99.Microseconds())/1000, "p99-ms")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
