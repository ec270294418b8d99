package pass

import (
	"time"

	"largestep/train/machine/cpu/pool"
)

// Bandwidth measures the bytes per second that the threads of p read and write
// together, adding arrays of 64 MB each. Where the last cache holds them it is
// the cache's, as it is for the activations of a net.
func Bandwidth(p *pool.Pool) float64 {
	const floats, repeats = 16 << 20, 12
	var x [3][]float32
	for i := range x {
		x[i] = make([]float32, floats)
		x[i][0] = 1
	}
	best := 0.0
	for range repeats {
		start := time.Now()
		Add(p, x[2], x[0], x[1])
		best = max(best, 3*4*floats/time.Since(start).Seconds())
	}
	return best
}
