package conv

import (
	"fmt"
	"testing"
	"time"

	"largestep/train/machine/cpu/hugepage"
)

// BenchmarkTransforms transforms tiles in the first-level cache, and as they lie in a layer
// of 16 channels and 64 images, where rows are whole pages and where there is a gap behind
// each.
func BenchmarkTransforms(b *testing.B) {
	k := active.transforms
	for _, at := range []struct{ floats, pixel, row, element int }{
		{32, 32, 192, 32}, {1024, 1024, 32 * 1024, 1040}, {1024, 1024, 32*1024 + 128, 1040},
	} {
		for _, t := range []struct {
			name    string
			kernel  *transformKernel
			in, out int // sides of squares of pixels; 0: elements
		}{{"data", &k.data, 6, 0}, {"result", &k.result, 0, 4}, {"slope", &k.slope, 4, 0}} {
			b.Run(fmt.Sprintf("%s/pixel=%d,row=%d", t.name, at.pixel, at.row), func(b *testing.B) {
				slices := func(to [][]float32, side int) {
					memory := make([]float32, max(36*at.element, 6*at.row)+at.floats)
					hugepage.Advise(memory)
					for i := range to {
						place := i * at.element
						if side > 0 {
							place = min(i/side, 5)*at.row + i%side*at.pixel
						}
						to[i] = memory[place:][:at.floats]
					}
				}
				var tr transform
				slices(tr.src[:], t.in)
				slices(tr.dst[:], t.out)
				const runs = 20
				best := time.Hour
				for b.Loop() {
					start := time.Now()
					for range runs {
						t.kernel.run(&tr, at.floats)
					}
					best = min(best, time.Since(start))
				}
				b.ReportMetric(float64(best.Nanoseconds())/runs/float64(at.floats)*16, "ns/vector")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
