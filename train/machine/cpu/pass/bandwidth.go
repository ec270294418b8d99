package pass

import (
	"time"

	"largestep/train/machine/cpu/hugepage"
	"largestep/train/machine/cpu/pool"
)

// Bandwidth measures the bytes per second that the threads of p read and write
// together, adding arrays of 64 MB, of which the fastest piece of 4 MB counts.
// Where the last cache holds them it is the cache's, as it is for the activations
// of a net.
func Bandwidth(p *pool.Pool) float64 {
	const floats, piece, repeats = 16 << 20, 1 << 20, 12
	var x [3][]float32
	for i := range x {
		x[i] = make([]float32, floats)
		hugepage.Advise(x[i])
		for k := range x[i] {
			x[i][k] = 1
		}
	}
	best := 0.0
	for at := range repeats * floats / piece {
		first := at * piece % floats
		start := time.Now()
		Add(p, Floats(x[2][first:][:piece]), Floats(x[0][first:][:piece]), Floats(x[1][first:][:piece]))
		best = max(best, 3*4*piece/time.Since(start).Seconds())
	}
	return best
}
