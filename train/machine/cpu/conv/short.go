package conv

import (
	"largestep/train/machine/cpu/bfloat"
	"largestep/train/machine/cpu/isa"
	"largestep/train/machine/cpu/pool"
)

// A Short computes convolutions of one shape, of activations in bfloat16 and filters
// in float32. Filters are rounded, sums are float32, results rounded; tiles sum products,
// which float32 holds exactly. The bricks' a and b are, with C channels of N images,
//
//	forward  x [pixel][N][C]   and w [panel][tap][16s of its lanes][C/2][16][2]
//	data     dy [pixel][N][OC] and w with input and output channels exchanged
//	filter   x [pixel][C][N]   and dy [pixel][16s of OC][N/2][16][2]
//
// where what is summed over, C, OC and N, is filled up with zeros to an even number,
// or beyond 32 to a multiple of it. It is used by one goroutine at a time.
type Short struct {
	shape   Shape
	pool    *pool.Pool
	scratch *Scratch
	kernels *tileSet
	floats  *Conv // computes where there are no tiles
	work    []shortWork

	forward, backward *gather
	filter            *shortFilter
}

// A shortWork is a worker's own memory.
type shortWork struct {
	brick
	pairs
	sums [sumRows * 2 * brickSide]float32
	_    [128]byte
}

// sumRows is how many rows of sums stay in a level-1 cache before they are rounded:
// whole bricks.
const sumRows = 128

// NewShort plans convolutions of shape s on the threads of p. It panics where no
// convolution has this shape.
func NewShort(p *pool.Pool, s Shape, scratch *Scratch) *Short {
	if isa.AMX() {
		return newShort(p, s, scratch, amxTiles)
	}
	return newShort(p, s, scratch, nil)
}

// newShort plans convolutions with tiles, or without.
func newShort(p *pool.Pool, s Shape, scratch *Scratch, tiles *tileSet) *Short {
	if s.InPitch > 0 || s.OutPitch > 0 {
		panic("conv: rows of bfloat16 follow each other")
	}
	c := &Short{shape: s, pool: p, scratch: scratch, kernels: tiles, floats: newConv(p, s, scratch, active)}
	if tiles == nil {
		c.floats.plan()
		return c
	}
	threads := p.Threads()
	c.work = make([]shortWork, threads)
	c.forward = s.gatherForward(threads, filled(s.C), side(panelLanes(s.OC)))
	c.backward = s.gatherBackward(threads, filled(s.OC), side(panelLanes(s.C)))
	c.filter = newShortFilter(s, threads)
	return c
}

// steps divides n products of a sum among steps.
func steps(n int) (depth, count int) {
	if n <= 32 {
		return (n + 1) / 2 * 2, 1
	}
	return 32, (n + 31) / 32
}

// filled returns n, filled up to whole steps.
func filled(n int) int {
	depth, count := steps(n)
	return depth * count
}

// side returns n, filled up to whole tiles.
func side(n int) int { return (n + brickSide - 1) / brickSide * brickSide }

// Forward computes y, the convolution of x with the packed filter w.
func (c *Short) Forward(y, x []bfloat.Number, w []float32) {
	s := c.shape
	y, x, w = y[:s.outLen()], x[:s.inLen()], w[:s.FilterLen()]
	c.scratch.begin()
	if c.kernels == nil {
		c.inFloats(y, x, false, func(y, x []float32) { c.floats.Forward(y, x, c.rounded(w)) })
		return
	}
	c.scratch.Meter.count(s.flop)
	size := s.C * panelLanes(s.OC)
	b := c.pairedFilter(c.forward, s.C, func(i int) []float32 { return w[i*size:][:size] })
	c.gather(c.forward, y, x, b, false)
}

// BackwardData computes dx, the gradient by x, from dy, the gradient by y. With
// accumulate, it is added to dx.
func (c *Short) BackwardData(dx, dy []bfloat.Number, w []float32, accumulate bool) {
	s := c.shape
	dx, dy, w = dx[:s.inLen()], dy[:s.outLen()], w[:s.FilterLen()]
	c.scratch.begin()
	if c.kernels == nil {
		c.inFloats(dx, dy, accumulate, func(dx, dy []float32) { c.floats.BackwardData(dx, dy, c.rounded(w), accumulate) })
		return
	}
	c.scratch.Meter.count(s.flop)
	c.gather(c.backward, dx, dy, c.exchangedFilter(w), accumulate)
}

// BackwardFilter computes dw, the gradient by the filter, packed as the filter.
func (c *Short) BackwardFilter(dw []float32, dy, x []bfloat.Number) {
	s := c.shape
	dw, dy, x = dw[:s.FilterLen()], dy[:s.outLen()], x[:s.inLen()]
	c.scratch.begin()
	if c.kernels == nil {
		c.floats.BackwardFilter(dw, c.widened(dy), c.widened(x))
		return
	}
	c.scratch.Meter.count(s.flop)
	c.correlate(dw, dy, x)
}

// gather computes out, y or dx, from in and a paired filter.
func (c *Short) gather(g *gather, out, in, b []bfloat.Number, add bool) {
	channels := len(in) / (g.pixels * g.n)
	a := c.filledRows(in, channels, g.from)
	depth, count := steps(channels)
	c.pool.Do(g.items(), func(worker, i int) {
		own := &c.work[worker]
		t := &own.brick
		*t = brick{a: a, b: b, c: own.sums[:], lda: g.from, ldp: g.from * brickSide, ldc: 2 * brickSide, depth: depth, steps: count}
		g.item(i, func(s span) {
			t.taps, t.b0 = s.taps, s.b0
			for done := 0; done < s.rows; done += sumRows {
				rows := min(sumRows, s.rows-done)
				t.a0 = s.a0 + done*g.from
				c.kernels.compute(t, rows, s.lanes)
				bfloat.RoundRows(out[s.c0+done*g.to:], t.c, g.to, t.ldc, rows, s.lanes, add)
			}
		}, emptied(out, add))
	})
}
