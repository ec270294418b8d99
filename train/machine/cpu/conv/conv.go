// Package conv computes convolutions on the cores of a CPU, in float32 or of bfloat16: forward,
// and backward for data and for filters.
//
// Activations lie in the order HWNC: element (h, w, n, c) is at h*pitch+(w*N+n)*C+c, where
// the pitch is W*N*C or more. So the rows of a matrix product are the images of a batch at
// one pixel, neighbouring pixels are further rows, and taps that fall outside the image are
// left out instead of computed. Filters and their gradients are packed; see PackFilter.
//
// There are two ways in float32. The direct one (gather.go, correlate.go) sums all taps of a
// pixel in registers. Winograd's (winograd.go, form.go) takes a quarter of the
// multiplications for 3×3 taps at stride 1, nine sixteenths at stride 2, and is two to
// three times as fast from 32 channels on, or up to 1.5 times; its rounding errors are
// four to ten times larger, some 2e-6 of the results' root mean square. Both come down to two families of
// micro-kernels, nn and tn (tile.go), generated for AVX-512, AVX2 and NEON; plain
// Go stands in elsewhere.
//
// A Short computes convolutions of activations in bfloat16: directly, by the tiles of
// AMX or, where there are none, as a Conv does.
//
// The number of threads does not show in the results: they have the same bits.
package conv

import (
	"largestep/train/machine/cpu/hugepage"
	"largestep/train/machine/cpu/pool"
)

// A Conv computes convolutions of one shape. It is used by one goroutine at a
// time.
type Conv struct {
	shape   Shape
	pool    *pool.Pool
	kernels *kernelSet
	scratch *Scratch
	work    []work // one for each worker

	// The direct way, or Winograd's: of data, and of the filter's gradient.
	forward, backward                 *gather
	filter                            *correlate
	winogradForward, winogradBackward *winogradData
	winogradFilter                    *winogradFilter
}

// A work is what a worker tells kernels, padded so that workers do not write to
// the same cache lines.
type work struct {
	transform
	tile
	queue  queue  // of the tile
	phases [4]tap // of the tile's sum
	_      [128]byte
}

// A Scratch is memory that Convs and Shorts use during a call; those that are never
// called at the same time may share one. Its zero value is ready.
type Scratch struct {
	floats []float32
	pieces [][]float32
	used   int    // of the pieces
	Meter  *Meter // counts what the calls spend; nil: nothing does
}

// take returns n floats, which the next call overwrites.
func (s *Scratch) take(n int) []float32 { return grown(&s.floats, n) }

// begin says that nobody needs what more returned.
func (s *Scratch) begin() { s.used = 0 }

// more returns n floats that neither take nor another call since begin returned.
func (s *Scratch) more(n int) []float32 {
	if s.used == len(s.pieces) {
		s.pieces = append(s.pieces, nil)
	}
	s.used++
	return grown(&s.pieces[s.used-1], n)
}

// grown returns the first n floats of s, which has more if need be.
func grown(s *[]float32, n int) []float32 {
	if len(*s) < n {
		*s = make([]float32, n)
		hugepage.Advise(*s)
	}
	return (*s)[:n]
}

// New plans convolutions of shape s on the threads of p. It panics where no
// convolution has this shape.
func New(p *pool.Pool, s Shape, scratch *Scratch) *Conv {
	c := newConv(p, s, scratch, active)
	c.plan()
	return c
}

func (c *Conv) plan() {
	most := c.kernels.limits
	if c.shape.suitsWinograd() {
		c.planWinogradData(most)
	} else {
		c.planDirectData()
	}
	if c.shape.suitsWinogradFilter() {
		c.planWinogradFilter(most)
	} else {
		c.planDirectFilter()
	}
}

func newConv(p *pool.Pool, s Shape, scratch *Scratch, kernels *kernelSet) *Conv {
	s.check()
	return &Conv{shape: s, pool: p, kernels: kernels, scratch: scratch, work: make([]work, p.Threads())}
}

func (c *Conv) planWinogradData(most limits) {
	c.winogradForward = newWinogradData(c.pool, c.kernels, c.scratch, c.shape, false, most)
	c.winogradBackward = newWinogradData(c.pool, c.kernels, c.scratch, c.shape, true, most)
}

func (c *Conv) planWinogradFilter(most limits) {
	c.winogradFilter = newWinogradFilter(c.pool, c.kernels, c.scratch, c.shape, most)
}

// Forward computes y, the convolution of x with the packed filter w.
func (c *Conv) Forward(y, x, w []float32) {
	s := c.shape
	c.scratch.Meter.count(c.dataFlop)
	y, x, w = y[:s.outLen()], x[:s.inLen()], w[:s.FilterLen()]
	if g := c.winogradForward; g != nil {
		g.run(c.work, y, x, w, c.scratch.take(g.scratchLen()), false)
	} else {
		c.gatherDirect(c.forward, y, x, w, false)
	}
}

// BackwardData computes dx, the gradient by x, from dy, the gradient by y. With
// accumulate, it is added to dx.
func (c *Conv) BackwardData(dx, dy, w []float32, accumulate bool) {
	s := c.shape
	c.scratch.Meter.count(c.dataFlop)
	dx, dy, w = dx[:s.inLen()], dy[:s.outLen()], w[:s.FilterLen()]
	if g := c.winogradBackward; g != nil {
		g.run(c.work, dx, dy, w, c.scratch.take(g.scratchLen()), accumulate)
		return
	}
	transposed := c.scratch.take(FilterLen(s.C, s.OC, s.K))
	c.pool.Do(panels(s.C)*s.K*s.K, func(_, i int) {
		c.kernels.transposePanel(transposed, w, s.OC, s.C, s.K, i)
	})
	c.gatherDirect(c.backward, dx, dy, transposed, accumulate)
}

// BackwardFilter computes dw, the gradient by the filter, packed as the filter.
func (c *Conv) BackwardFilter(dw, dy, x []float32) {
	s := c.shape
	c.scratch.Meter.count(c.filterFlop)
	dw, dy, x = dw[:s.FilterLen()], dy[:s.outLen()], x[:s.inLen()]
	if g := c.winogradFilter; g != nil {
		g.run(c.work, dw, dy, x, c.scratch.take(g.scratchLen()))
	} else {
		c.correlateDirect(dw, dy, x, c.scratch.take(c.filter.partialLen()))
	}
}
