package conv

import "largestep/train/machine/cpu/bfloat"

const (
	// A chunk of a shortFilter is as many output pixels as stay in a level-2 cache,
	// of all channels, with the input that they meet.
	shortChunkBytes = 1 << 20
	// shortGroupRows is the least number of rows that a partial gradient is summed
	// over: more than of the direct way in float32, which is slower.
	shortGroupRows = 4096
)

// A shortFilter computes the gradient of a filter. Where there are many pixels each
// group is summed on one thread, which arranges a chunk's pixels in memory of its own,
// just before it needs them. Where there are few all pixels are arranged first, and
// then panels and taps are divided among threads. The sums are the same.
type shortFilter struct {
	*correlate
	areas  [][]area            // of the groups
	own    bool                // each group on one thread
	lenX   int                 // elements of a pixel of x, arranged
	lenDY  int                 // … of dy
	pixels struct{ x, dy int } // that are arranged at a time
}

func newShortFilter(s Shape, threads int) *shortFilter {
	n := filled(s.N)
	f := &shortFilter{lenX: s.C * n, lenDY: side(s.OC) * n}
	f.areas = grouped(s.shortAreas(2*(f.lenX*s.Stride*s.Stride+f.lenDY)), min(enoughItems, s.outH()*s.outW()*s.N/shortGroupRows))
	f.own = len(f.areas) >= 2*threads || threads == 1 && len(f.areas) > 1
	x, dy := s.whole()
	f.pixels.x, f.pixels.dy = x.pixels(), dy.pixels()
	at := func(area) pitches { return pitches{x: x.dense(f.lenX), dy: dy.dense(f.lenDY)} }
	if f.own {
		f.pixels.x, f.pixels.dy = 0, 0
		at = func(a area) pitches {
			met := s.met(a)
			f.pixels.x, f.pixels.dy = max(f.pixels.x, met.pixels()), max(f.pixels.dy, a.pixels())
			return pitches{x: met.dense(f.lenX), dy: a.dense(f.lenDY)}
		}
	}
	f.correlate = newCorrelate(s, threads, f.areas, at)
	return f
}

// shortAreas divides the output pixels into blocks four rows high or more, so that
// little of the input is met by two; pixel is the bytes of one, with its input.
func (s Shape) shortAreas(pixel int) []area {
	outH, outW := s.outH(), s.outW()
	most := max(shortChunkBytes/pixel, 1)
	high := min(max(most/outW, min(4, most)), outH)
	wide := min(max(most/high, 1), outW)
	return cut(outH, outW, high, (outW+wide-1)/wide)
}

// correlate computes dw.
func (c *Short) correlate(dw []float32, dy, x []bfloat.Number) {
	f := c.filter
	partial := c.scratch.more(f.partialLen())
	if f.own {
		c.sumGroups(dw, partial, dy, x)
	} else {
		c.sumItems(dw, partial, dy, x)
	}
	f.reduce(c.pool, dw, partial)
}

// sumItems arranges all pixels, and sums items.
func (c *Short) sumItems(dw, partial []float32, dy, x []bfloat.Number) {
	f := c.filter
	a, b := c.scratch.moreNumbers(f.pixels.x*f.lenX), c.scratch.moreNumbers(f.pixels.dy*f.lenDY)
	inParts(c.pool, f.pixels.x, func(worker, from, to int) {
		for i := from; i < to; i++ {
			c.transposePixel(a, i, x, i, worker)
		}
	})
	inParts(c.pool, f.pixels.dy, func(_, from, to int) {
		for i := from; i < to; i++ {
			c.pairPixel(b, i, dy, i)
		}
	})
	c.pool.Do(f.items(), func(worker, i int) {
		f.item(i, dw, partial, c.meet(worker, a, b))
	})
}

// sumGroups sums each group on one thread.
func (c *Short) sumGroups(dw, partial []float32, dy, x []bfloat.Number) {
	f, s := c.filter, c.shape
	sizeA, sizeB := (f.pixels.x*f.lenX+31)/32*32, (f.pixels.dy*f.lenDY+31)/32*32 // cache lines
	memory := c.scratch.moreNumbers(c.pool.Threads() * (sizeA + sizeB))
	c.pool.Do(len(f.groups), func(worker, group int) {
		own := memory[worker*(sizeA+sizeB):][:sizeA+sizeB]
		a, b := own[:sizeA], own[sizeA:]
		compute, sums := c.meet(worker, a, b), f.sums(group, dw, partial)
		for n, area := range f.areas[group] {
			met := s.met(area)
			for i := range met.pixels() {
				y, column := met.top+i/met.wide(), met.left+i%met.wide()
				c.transposePixel(a, i, x, y*s.W+column, worker)
			}
			for i := range area.pixels() {
				y, column := area.top+i/area.wide(), area.left+i%area.wide()
				c.pairPixel(b, i, dy, y*s.outW()+column)
			}
			for panel := range panels(s.OC) {
				f.chunk(f.groups[group][n], panel, 0, s.K*s.K, n > 0, sums, compute)
			}
		}
	})
}

// meet returns what computes meetings of arranged pixels on a worker.
func (c *Short) meet(worker int, a, b []bfloat.Number) func(m meeting, panel int, sums []float32, c0 int, add bool) {
	s, n, nr := c.shape, filled(c.shape.N), panelLanes(c.shape.OC)
	depth, count := steps(s.N)
	t := &c.work[worker].brick
	*t = brick{a: a, b: b, lda: n, ldp: n * brickSide, ldc: nr, depth: depth, steps: count}
	return func(m meeting, panel int, sums []float32, c0 int, add bool) {
		t.c, t.c0, t.add = sums, c0, add
		t.taps, t.b0 = m.runs, panel*nr*n
		c.kernels.compute(t, s.C, min(nr, s.OC-panel*nr))
	}
}

// transposePixel sets pixel to of a to pixel from of x.
func (c *Short) transposePixel(a []bfloat.Number, to int, x []bfloat.Number, from, worker int) {
	s, size := c.shape, c.filter.lenX
	c.kernels.transposeRows(a[to*size:][:size], x[from*s.N*s.C:], filled(s.N), s.N, s.C, &c.work[worker].pairs)
}

// pairPixel sets pixel to of b to pixel from of dy.
func (c *Short) pairPixel(b []bfloat.Number, to int, dy []bfloat.Number, from int) {
	s, size := c.shape, c.filter.lenDY
	c.kernels.pairPanels(b[to*size:][:size], dy[from*s.N*s.OC:], filled(s.N), s.N, s.OC)
}
