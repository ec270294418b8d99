package conv

import (
	"unsafe"

	"largestep/train/machine/cpu/bfloat"
	"largestep/train/machine/cpu/pool"
)

// moreNumbers returns n numbers of memory that no other call since begin returned.
func (s *Scratch) moreNumbers(n int) []bfloat.Number {
	return unsafe.Slice((*bfloat.Number)(unsafe.Pointer(unsafe.SliceData(s.more((n+1)/2)))), n)
}

// filledRows returns rows of the given number of elements, filled up to n with zeros.
func (c *Short) filledRows(src []bfloat.Number, elements, n int) []bfloat.Number {
	if elements == n {
		return src
	}
	rows := len(src) / elements
	dst := c.scratch.moreNumbers(rows * n)
	inParts(c.pool, rows, func(_, from, to int) {
		for i := from; i < to; i++ {
			row := dst[i*n:][:n]
			clear(row[copy(row, src[i*elements:][:elements]):])
		}
	})
	return dst
}

// pairedFilter returns a packed filter, rounded, as a gather's b. part gives what the
// filter has of a panel and a tap, counted by panels.
func (c *Short) pairedFilter(g *gather, channels int, part func(i int) []float32) []bfloat.Number {
	parts, nr := panels(g.to)*g.k*g.k, panelLanes(g.to)
	size, rounded := g.from*g.lanes, channels*nr
	dst, short := c.scratch.moreNumbers(parts*size), c.scratch.moreNumbers(parts*rounded)
	c.pool.Do(parts, func(_, i int) {
		short := short[i*rounded:][:rounded]
		bfloat.Round(short, part(i))
		c.kernels.pairPanels(dst[i*size:][:size], short, g.from, channels, nr)
	})
	return dst
}

// exchangedFilter returns the packed filter w with input and output channels
// exchanged, rounded, as backward's b. Where a panel's lanes are 32, a brick's pairs of
// output channels lie side by side in w, 16 of them a row.
func (c *Short) exchangedFilter(w []float32) []bfloat.Number {
	s, g := c.shape, c.backward
	if panelLanes(s.OC) < 2*brickSide {
		transposed, size := c.scratch.more(FilterLen(s.C, s.OC, s.K)), s.OC*panelLanes(s.C)
		return c.pairedFilter(g, s.OC, func(i int) []float32 {
			c.floats.kernels.transposePanel(transposed, w, s.OC, s.C, s.K, i)
			return transposed[i*size:][:size]
		})
	}
	taps, size := s.K*s.K, g.from*g.lanes
	dst := c.scratch.moreNumbers(panels(g.to) * taps * size)
	c.pool.Do(panels(g.to)*taps, func(worker, i int) {
		clear(dst[i*size:][:size])
		for first := 0; first < g.lanes; first += brickSide {
			c.exchange(dst[i*size+first*g.from:], w, i/taps*g.lanes+first, i%taps, &c.work[worker].pairs)
		}
	})
	return dst
}

// exchange sets dst to what w has of a tap and 16 input channels, or those there are.
func (c *Short) exchange(dst []bfloat.Number, w []float32, channel, tap int, memory *pairs) {
	const nr = 2 * brickSide
	s := c.shape
	rows := min(brickSide, s.C-channel)
	for panel := 0; panel < panels(s.OC) && rows > 0; panel++ {
		bfloat.Round(memory[:rows*nr], w[((panel*s.K*s.K+tap)*s.C+channel)*nr:])
		lanes := min(nr, c.backward.from-panel*nr) / 2
		c.kernels.transpose(dst[panel*nr*brickSide:], memory, nr, rows, lanes)
	}
}

// pairPanels sets dst to panels of 16 of src's lanes each, of n rows, the last ones
// zero.
func (s *tileSet) pairPanels(dst, src []bfloat.Number, n, rows, lanes int) {
	for first := 0; first < lanes; first += brickSide {
		panel := dst[first*n:][:brickSide*n]
		s.pair(panel, src[first:], lanes, rows, min(brickSide, lanes-first))
		clear(panel[(rows+1)/2*2*brickSide:])
	}
}

// transposeRows sets dst[j*n+k] to src[k*lanes+j], zero from k = rows on. It needs
// some memory.
func (s *tileSet) transposeRows(dst, src []bfloat.Number, n, rows, lanes int, memory *pairs) {
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

// inParts calls f for parts of n things.
func inParts(p *pool.Pool, n int, f func(worker, from, to int)) {
	parts := min(n, p.Threads()*itemsPerThread)
	p.Do(parts, func(worker, i int) { f(worker, i*n/parts, (i+1)*n/parts) })
}

// rounded returns src, rounded, in float32.
func (c *Short) rounded(src []float32) []float32 {
	short := c.scratch.moreNumbers(len(src))
	c.round(short, src)
	return c.widened(short)
}

// widened returns src in float32.
func (c *Short) widened(src []bfloat.Number) []float32 {
	dst := c.scratch.more(len(src))
	c.widen(dst, src)
	return dst
}

func (c *Short) widen(dst []float32, src []bfloat.Number) {
	inParts(c.pool, len(dst), func(_, from, to int) { bfloat.Widen(dst[from:to], src[from:to]) })
}

func (c *Short) round(dst []bfloat.Number, src []float32) {
	inParts(c.pool, len(dst), func(_, from, to int) { bfloat.Round(dst[from:to], src[from:to]) })
}

// inFloats has out computed from in, or added to it, in float32.
func (c *Short) inFloats(out, in []bfloat.Number, add bool, compute func(out, in []float32)) {
	result := c.scratch.more(len(out))
	if add {
		c.widen(result, out)
	}
	compute(result, c.widened(in))
	c.round(out, result)
}
