package conv

import (
	"sync/atomic"
	"time"

	"largestep/train/machine/cpu/bfloat"
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

// count notes the operations of one call.
func (m *Meter) count(flop func() float64) {
	if m != nil {
		m.flop += flop()
	}
}

// dataFlop returns the floating-point operations of a call forward or backward for data.
func (c *Conv) dataFlop() float64 {
	if c.winogradForward != nil {
		return c.winogradForward.flop()
	}
	return c.shape.flop()
}

// filterFlop returns those of a call backward for the filter.
func (c *Conv) filterFlop() float64 {
	if c.winogradFilter != nil {
		return c.winogradFilter.flop()
	}
	return c.shape.flop()
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
	f := active.nn[0]
	rows, tiles := len(f.kernels)-1, make([]work, p.Threads())
	for i := range tiles {
		tiles[i].tile = tile{
			a: make([]float32, 4096), b: make([]float32, 4096), c: make([]float32, 4096),
			taps: make([]tap, 128), steps: 64, lda: 64, ldb: f.lanes, ldc: f.lanes,
		}
	}
	return fastest(p, 2*rows*f.lanes*64*128, func(i int) { computeBlock(active.nn, &tiles[i].tile, rows, f.lanes, 64) })
}

// PeakShort measures the same of AMX's tiles, which there must be: see isa.AMX.
func PeakShort(p *pool.Pool) float64 {
	const rows, k = 2 * brickSide, 4 * 32
	bricks := make([]shortWork, p.Threads())
	for i := range bricks {
		bricks[i].brick = brick{
			a: make([]bfloat.Number, rows*k), b: make([]bfloat.Number, rows*k), c: make([]float32, rows*rows),
			taps: make([]tap, 256), depth: 32, steps: k / 32, lda: k, ldp: k * brickSide, ldc: rows,
		}
	}
	return fastest(p, 2*rows*rows*k*256, func(i int) { amxTiles.compute(&bricks[i].brick, rows, rows) })
}

// fastest returns the rate at which all threads do the given operations each.
func fastest(p *pool.Pool, flop int, f func(i int)) float64 {
	const repeats = 300
	best := 0.0
	for range repeats {
		start := time.Now()
		p.Do(p.Threads(), func(_, i int) { f(i) })
		best = max(best, float64(flop*p.Threads())/time.Since(start).Seconds())
	}
	return best
}
