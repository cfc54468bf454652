package pglog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/pkg/eventlog/pglog"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

// BenchmarkAppend measures group commit against the same server's COPY and its rate of single commits. The server flushes; on the slow disk each flush takes 2 ms more, as on a
// cloud's disk.
//
//	go test ./pkg/eventlog/pglog -run '^$' -bench Append -benchtime 1x
func BenchmarkAppend(b *testing.B) {
	for _, disk := range []string{"fast", "slow"} {
		for _, complete := range []string{"plain", "complete"} {
			for _, callers := range []int{1, 32, 256, 1024} {
				b.Run(fmt.Sprintf("disk=%s/%s/callers=%d", disk, complete, callers), func(b *testing.B) {
					var admin string
					if disk == "fast" {
						admin = pgtest.URL(b, pgtest.WithFsync())
					} else {
						admin = pgtest.Own(b, pgtest.WithFsync(), pgtest.WithSettings(map[string]string{"commit_delay": "2000", "commit_siblings": "0"})).URL()
					}
					for b.Loop() {
						ref, rates, err := pglog.Measure(b.Context(), admin, time.Second, pglog.Workload{Callers: callers, For: 2 * time.Second, Complete: complete == "complete"})
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
}
