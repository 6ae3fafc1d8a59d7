package aws

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkRefresh reads a config that has not changed, with its ETag and without.
func BenchmarkRefresh(b *testing.B) {
	for _, size := range []int{500, 20_000, 1 << 20} {
		for name, etag := range map[string]string{"always sent": "", "sent if changed": `"1"`} {
			b.Run(fmt.Sprintf("%d bytes, %s", size, name), func(b *testing.B) {
				s3 := newBucket(b, strings.Repeat("x", size))
				conn := s3.connect(b)
				for b.Loop() {
					_, _, _ = conn.GetUnlessMatch(b.Context(), "k", etag)
				}
				s3.between(func() { b.ReportMetric(float64(s3.sent)/float64(b.N), "sent-B/op") })
			})
		}
	}
}
