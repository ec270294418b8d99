package conv

import "unsafe"

// In bfloat16, operands are rounded and their products, which float32 holds exactly,
// summed in float32, directly. The bricks' a and b are, with C channels of N images,
//
//	forward  x [pixel][N][C]   and w [panel][tap][16s of its lanes][C/2][16][2]
//	data     dy [pixel][N][OC] and w with input and output channels exchanged
//	filter   x [pixel][C][N]   and dy [pixel][16s of OC][N/2][16][2]
//
// where what is summed over, C, OC and N, is filled up with zeros to an even number,
// or beyond 32 to a multiple of it.

// suitsBfloat says whether s is computed so in a net of bfloat16. The first
// convolution, of three channels, would fill a tenth of its bricks.
func (s Shape) suitsBfloat() bool { return min(s.C, s.OC) >= 8 }

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

func (c *Conv) planBfloat(kernels *bfloatSet) {
	s, threads := c.shape, c.pool.Threads()
	c.bfloat = kernels
	c.forward = s.gatherForward(threads, filled(s.C), side(panelLanes(s.OC)))
	c.backward = s.gatherBackward(threads, filled(s.OC), side(panelLanes(s.C)))
	c.filter = newCorrelate(s, threads, pitch{
		x: s.C * filled(s.N), dy: side(s.OC) * filled(s.N), floats: s.N * s.met() / 2,
	})
}

// lineFloats is a cache line.
const lineFloats = 16

// bfloatFloats returns the floats that hold n bfloat16, in whole cache lines.
func bfloatFloats(n int) int { return (n + 2*lineFloats - 1) / (2 * lineFloats) * lineFloats }

// cutBfloats takes n bfloat16 from the beginning of s, which is that of a cache line,
// as what is left will be.
func cutBfloats(s []float32, n int) (_ []bfloat, rest []float32) {
	b := unsafe.Slice((*bfloat)(unsafe.Pointer(unsafe.SliceData(s))), 2*bfloatFloats(n))
	return b[:n], s[bfloatFloats(n):]
}

// aLen and bLen return the elements of a and of b.
func (g *gather) aLen() int { return g.pixels * g.n * g.from }
func (g *gather) bLen() int { return panels(g.to) * g.panelLen() }

// bfloatLen returns the floats that gatherBfloat needs.
func (g *gather) bfloatLen() int {
	return lineFloats + bfloatFloats(g.aLen()) + bfloatFloats(g.bLen())
}

// aligned returns s from its next cache line on, or the one after it.
func aligned(s []float32) []float32 {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(s))) / 4 % lineFloats
	return s[lineFloats-at:]
}

// gatherBfloat computes y from x, or dx from dy.
func (c *Conv) gatherBfloat(g *gather, out, in, w, scratch []float32, add bool) {
	a, scratch := cutBfloats(aligned(scratch), g.aLen())
	b, _ := cutBfloats(scratch, g.bLen())
	channels := len(in) / (g.pixels * g.n)
	c.pool.Do(g.pixels, func(_, i int) {
		c.bfloat.roundRows(a[i*g.n*g.from:][:g.n*g.from], in[i*g.n*channels:], g.from, channels)
	})
	nr := panelLanes(g.to)
	c.pool.Do(panels(g.to)*g.k*g.k, func(_, i int) {
		c.bfloat.pairPanels(b[i*g.from*g.lanes:][:g.from*g.lanes], w[i*channels*nr:], g.from, channels, nr)
	})
	depth, count := steps(channels)
	c.pool.Do(g.items(), func(worker, i int) {
		t := &c.work[worker].brick
		*t = brick{a: a, b: b, c: out, add: add, lda: g.from, ldp: g.from * brickSide, ldc: g.to, depth: depth, steps: count}
		g.item(i, out, add, func(s span) {
			t.taps, t.a0, t.b0, t.c0 = s.taps, s.a0, s.b0, s.c0
			c.bfloat.compute(t, s.rows, s.lanes)
		})
	})
}

// correlateBfloat computes dw.
func (c *Conv) correlateBfloat(dw, dy, x []float32) {
	s, nr, n := c.shape, panelLanes(c.shape.OC), filled(c.shape.N)
	pixelsX, pixelsDY := s.H*s.W, s.outH()*s.outW()
	lenA, lenB := s.C*n, side(s.OC)*n // of a pixel
	partial := c.filter.partialLen()
	scratch := c.scratch.take(partial + lineFloats + bfloatFloats(pixelsX*lenA) + bfloatFloats(pixelsDY*lenB))
	a, rest := cutBfloats(aligned(scratch[partial:]), pixelsX*lenA)
	b, _ := cutBfloats(rest, pixelsDY*lenB)
	c.pool.Do(pixelsX, func(worker, i int) {
		c.bfloat.transposeRows(a[i*lenA:][:lenA], x[i*s.N*s.C:], n, s.N, s.C, &c.work[worker].pairs)
	})
	c.pool.Do(pixelsDY, func(_, i int) {
		c.bfloat.pairPanels(b[i*lenB:][:lenB], dy[i*s.N*s.OC:], n, s.N, s.OC)
	})
	depth, count := steps(s.N)
	c.pool.Do(c.filter.items(), func(worker, i int) {
		t := &c.work[worker].brick
		*t = brick{a: a, b: b, lda: n, ldp: n * brickSide, ldc: nr, depth: depth, steps: count}
		c.filter.item(i, dw, scratch[:partial], func(m meeting, panel int, sums []float32, c0 int, add bool) {
			t.c, t.c0, t.add = sums, c0, add
			t.taps, t.b0 = m.runs, panel*nr*n
			c.bfloat.compute(t, s.C, min(nr, s.OC-panel*nr))
		})
	})
	c.filter.reduce(c.pool, dw, scratch[:partial])
}

// roundRows sets the rows of dst, of n elements, to those of src, of the given
// number; the others become zero.
func (s *bfloatSet) roundRows(dst []bfloat, src []float32, n, elements int) {
	if n == elements {
		s.round(dst, src[:len(dst)])
		return
	}
	for len(dst) > 0 {
		s.round(dst[:elements], src[:elements])
		clear(dst[elements:n])
		dst, src = dst[n:], src[elements:]
	}
}

// pairPanels sets dst to panels of 16 of src's lanes each, of n rows, the last ones
// zero.
func (s *bfloatSet) pairPanels(dst []bfloat, src []float32, n, rows, lanes int) {
	for first := 0; first < lanes; first += brickSide {
		panel := dst[first*n:][:brickSide*n]
		s.pair(panel, src[first:], lanes, rows, min(brickSide, lanes-first))
		clear(panel[(rows+1)/2*2*brickSide:])
	}
}

// transposeRows sets dst[j*n+k] to src[k*lanes+j], zero from k = rows on. It needs
// some memory.
func (s *bfloatSet) transposeRows(dst []bfloat, src []float32, n, rows, lanes int, memory *pairs) {
	for top := 0; top < n; top += 2 * brickSide {
		high, wide := min(2*brickSide, rows-top), min(2*brickSide, n-top)
		for first := 0; first < lanes; first += brickSide {
			most := min(brickSide, lanes-first)
			s.pair(memory[:], src[top*lanes+first:], lanes, high, most)
			clear(memory[(high+1)/2*2*brickSide:])
			s.transpose(dst[first*n+top:], memory, n, wide/2, most)
		}
	}
}

// roundedItem is how many floats are rounded at a time.
const roundedItem = 1 << 14

// rounded copies src to the beginning of scratch as the nearest bfloat16.
func (c *Conv) rounded(src, scratch []float32) []float32 {
	dst := scratch[:len(src)]
	c.pool.Do((len(src)+roundedItem-1)/roundedItem, func(_, i int) {
		first := i * roundedItem
		for j, f := range src[first:min(first+roundedItem, len(src))] {
			dst[first+j] = rounded(f).float()
		}
	})
	return dst
}
