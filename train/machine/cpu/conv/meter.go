package conv

import (
	"sync/atomic"
	"time"

	"largestep/train/machine/cpu/pool"
)

// A Meter counts what convolutions spend. Its zero value is ready.
type Meter struct {
	flop       float64
	transforms atomic.Int64 // nanoseconds
}

// Spent is what convolutions spent.
type Spent struct {
	// FLOP counts two floating-point operations for each multiply-add that was
	// computed: of Winograd's convolutions those of the products, of direct ones
	// those of taps inside the image.
	FLOP float64
	// Transforms is how long threads were in Winograd's transforms, all together.
	Transforms time.Duration
}

// Take returns what was spent since it was called last.
func (m *Meter) Take() Spent {
	s := Spent{m.flop, time.Duration(m.transforms.Swap(0))}
	m.flop = 0
	return s
}

// count notes one call of c; each direction takes as many operations.
func (c *Conv) count() {
	m := c.scratch.Meter
	switch {
	case m == nil:
	case c.winogradForward != nil:
		m.flop += c.winogradForward.flop()
	default:
		m.flop += c.shape.flop()
	}
}

// flop returns the floating-point operations of one direction; taps in the
// padding are none.
func (s Shape) flop() float64 {
	count := func(axis [][]contact) (n int) {
		for _, list := range axis {
			n += len(list)
		}
		return n
	}
	return 2 * float64(s.N*s.C*s.OC) *
		float64(count(forwardContacts(s.H, s.K, s.Stride, s.Pad))) *
		float64(count(forwardContacts(s.W, s.K, s.Stride, s.Pad)))
}

// Peak measures the floating-point operations per second that the threads of p
// reach together: the widest tile, on data in their level-1 caches.
func Peak(p *pool.Pool) float64 {
	const repeats = 300
	f := active.nn[0]
	rows, threads := len(f.kernels)-1, p.Threads()
	tiles := make([]work, threads)
	for i := range tiles {
		tiles[i].tile = tile{
			a: make([]float32, 4096), b: make([]float32, 4096), c: make([]float32, 4096),
			taps: make([]tap, 128), steps: 64, lda: 64, ldb: f.lanes, ldc: f.lanes,
		}
	}
	flop := 2 * float64(rows*f.lanes*64*128*threads)
	best := 0.0
	for range repeats {
		start := time.Now()
		p.Do(threads, func(_, i int) { computeBlock(active.nn, &tiles[i].tile, rows, f.lanes, 64) })
		best = max(best, flop/time.Since(start).Seconds())
	}
	return best
}
