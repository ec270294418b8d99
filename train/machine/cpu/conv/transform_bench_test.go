package conv

import (
	"fmt"
	"testing"
	"time"
)

func BenchmarkTransforms(b *testing.B) {
	for _, gap := range []int{16, 1040, 4096} { // from slice to slice, in floats
		for name, k := range map[string]*transformKernel{
			"data": &active.transforms.data, "result": &active.transforms.result, "slope": &active.transforms.slope,
		} {
			b.Run(fmt.Sprintf("%s/gap=%d", name, gap), func(b *testing.B) {
				in, out := make([]float32, 37*(gap+256)), make([]float32, 37*(gap+256))
				best := time.Hour
				var t transform
				for b.Loop() {
					start := time.Now()
					for range 20 {
						for i := range t.src {
							t.src[i], t.dst[i] = in[i*gap:][:256], out[i*(gap+16):][:256]
						}
						k.run(&t, 256)
					}
					best = min(best, time.Since(start))
				}
				b.ReportMetric(float64(best.Nanoseconds())/20/16, "ns/vector")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
