// Package conv computes convolutions in float32 on the cores of a CPU: forward,
// and backward for data and for filters.
//
// Activations lie in the order HWNC: element (h, w, n, c) is at
// ((h*W+w)*N+n)*C+c. So the rows of a matrix product are the images of a batch
// at one pixel, neighbouring pixels are further rows, and taps that fall outside
// the image are left out instead of computed. Filters and their gradients are
// packed; see PackFilter. All taps of a pixel are summed in registers by one
// micro-kernel, a tile of up to 14 rows × 32 channels with AVX-512; there are
// others for narrow layers, for AVX2, and in plain Go.
//
// Results have the same bits for any number of threads, as they do for the same
// processor. Processors without fused multiply-add round otherwise.
package conv

import "largestep/train/machine/cpu/pool"

// A Conv computes convolutions of one shape. It is used by one goroutine at a
// time.
type Conv struct {
	shape   Shape
	pool    *pool.Pool
	kernels *kernelSet
	scratch *Scratch
	tiles   []paddedTile // one for each worker

	forward, backward *gather
	filter            *correlate

	// Of the call under way, for the loops below, which are made once.
	y, x, w, dw                                                []float32
	accumulate                                                 bool
	forwardItem, transposeItem, dataItem, filterItem, sumsItem func(worker, i int)
}

// A paddedTile keeps the tiles of workers out of each other's cache lines.
type paddedTile struct {
	tile
	_ [128]byte
}

// A Scratch is memory that Convs use during a call. Those that are never called
// at the same time may share one.
type Scratch struct{ floats []float32 }

// take returns n floats, which the next call overwrites.
func (s *Scratch) take(n int) []float32 {
	if len(s.floats) < n {
		s.floats = make([]float32, n)
	}
	return s.floats[:n]
}

// New plans convolutions of shape s on the threads of p, with scratch of their
// own. It panics where no convolution has this shape.
func New(p *pool.Pool, s Shape) *Conv { return NewShared(p, s, new(Scratch)) }

// NewShared is New with scratch that others use too.
func NewShared(p *pool.Pool, s Shape, scratch *Scratch) *Conv {
	return newConv(p, s, scratch, kernelSets()[0])
}

func newConv(p *pool.Pool, s Shape, scratch *Scratch, kernels *kernelSet) *Conv {
	s.check()
	c := &Conv{
		shape: s, pool: p, kernels: kernels, scratch: scratch,
		tiles: make([]paddedTile, p.Threads()),
		forward: newGather(kernels, p.Threads(), s.N, s.C, s.OC, s.K, s.W,
			forwardContacts(s.H, s.K, s.Stride, s.Pad),
			forwardContacts(s.W, s.K, s.Stride, s.Pad)),
		backward: newGather(kernels, p.Threads(), s.N, s.OC, s.C, s.K, s.OutW(),
			backwardContacts(s.H, s.K, s.Stride, s.Pad),
			backwardContacts(s.W, s.K, s.Stride, s.Pad)),
		filter: newCorrelate(kernels, s),
	}
	c.forwardItem = func(worker, i int) {
		c.forward.item(&c.tiles[worker].tile, i, c.y, c.x, c.w, false)
	}
	c.transposeItem = func(_, i int) {
		kernels.transposePanel(c.scratch.floats, c.w, s.OC, s.C, s.K, i)
	}
	c.dataItem = func(worker, i int) {
		c.backward.item(&c.tiles[worker].tile, i, c.x, c.y, c.scratch.floats, c.accumulate)
	}
	c.filterItem = func(worker, i int) {
		c.filter.item(&c.tiles[worker].tile, i, c.dw, c.scratch.floats, c.y, c.x)
	}
	c.sumsItem = func(_, i int) { c.filter.reduce(i, c.dw, c.scratch.floats) }
	return c
}

// Shape returns the shape that c was planned for.
func (c *Conv) Shape() Shape { return c.shape }

// Forward computes y, the convolution of x with the packed filter w.
func (c *Conv) Forward(y, x, w []float32) {
	c.y, c.x, c.w = y[:c.shape.OutLen()], x[:c.shape.InLen()], w[:c.shape.FilterLen()]
	c.pool.Do(c.forward.items(), c.forwardItem)
}

// BackwardData computes dx, the gradient by x, from dy, the gradient by y. With
// accumulate, it is added to dx.
func (c *Conv) BackwardData(dx, dy, w []float32, accumulate bool) {
	s := c.shape
	c.x, c.y, c.w, c.accumulate = dx[:s.InLen()], dy[:s.OutLen()], w[:s.FilterLen()], accumulate
	c.scratch.take(FilterLen(s.C, s.OC, s.K))
	c.pool.Do(panels(s.C), c.transposeItem)
	c.pool.Do(c.backward.items(), c.dataItem)
}

// BackwardFilter computes dw, the gradient by the filter, packed as the filter.
func (c *Conv) BackwardFilter(dw, dy, x []float32) {
	s := c.shape
	c.dw, c.y, c.x = dw[:s.FilterLen()], dy[:s.OutLen()], x[:s.InLen()]
	c.scratch.take((len(c.filter.groups) - 1) * s.FilterLen())
	c.pool.Do(c.filter.items(), c.filterItem)
	c.pool.Do(c.filter.reductions(), c.sumsItem)
}
