package conv

const (
	// A chunk is as many output pixels as, with the input they meet, stay in
	// a level-2 cache while every tile of the filter passes over them.
	chunkFloats = 384 << 10 / 4
	// groupRows is the least number of rows that a partial gradient is summed over.
	groupRows = 1024
	// enoughItems keeps the threads of a common processor busy.
	enoughItems = 16
)

// A correlate computes the gradient of a filter: for every tap, input channel
// and output channel the sum over all pixels and images of x dy. The pixels are
// divided into groups, each summed by itself and then added up in order; how
// many there are depends on the shape alone, and so does the result.
type correlate struct {
	kernels *kernelSet
	s       Shape
	groups  [][]chunk
	parts   int // into which the taps are divided, for more items on more threads
}

// A chunk is a block of output pixels: for each tap of the filter the pairs of
// runs of rows that meet through it.
type chunk []meeting

// A meeting is what one tap has in a chunk: runs of equally many rows.
type meeting struct {
	rows int
	runs []tap // where a run begins in x and in dy
}

func newCorrelate(kernels *kernelSet, s Shape, threads int) *correlate {
	g := &correlate{kernels: kernels, s: s, parts: 1}
	chunks := s.chunks()
	rows := s.outH() * s.outW() * s.N
	groups := min(enoughItems/panels(s.OC), rows/groupRows, len(chunks))
	groups = max(groups, 1)
	for _, parts := range []int{s.K, s.K * s.K} {
		if threads > 1 && groups*panels(s.OC)*g.parts < threads*itemsPerThread {
			g.parts = parts
		}
	}
	for i := range groups {
		g.groups = append(g.groups, chunks[i*len(chunks)/groups:(i+1)*len(chunks)/groups])
	}
	return g
}

// chunks divides the output pixels into blocks: rows of pixels, or parts of rows.
func (s Shape) chunks() []chunk {
	outH, outW := s.outH(), s.outW()
	pixel := s.N * (s.C*s.Stride*s.Stride + min(s.OC, panelLanes(s.OC)))
	high := max(chunkFloats/(pixel*outW), 1)
	wide := min(max(chunkFloats/pixel, 1), outW)
	if high*enoughItems > outH {
		high = max(outH/enoughItems, 1)
	}
	pieces := (outW + wide - 1) / wide
	var chunks []chunk
	for h := 0; h < outH; h += high {
		for i := range pieces {
			chunks = append(chunks, s.chunk(h, min(h+high, outH), i*outW/pieces, (i+1)*outW/pieces))
		}
	}
	return chunks
}

// chunk lists the meetings of the output pixels [top, bottom) × [left, right).
func (s Shape) chunk(top, bottom, left, right int) chunk {
	outW := s.outW()
	var c chunk
	for v := range s.K {
		for u := range s.K {
			// Output columns whose tap u falls inside the input.
			from := max(left, (s.Pad-u+s.Stride-1)/s.Stride)
			to := min(right, (s.W-1+s.Pad-u+s.Stride)/s.Stride)
			m := meeting{rows: s.N}
			step := 1
			if s.Stride == 1 {
				step = max(to-from, 1)
				m.rows *= step
			}
			for h := top; h < bottom; h++ {
				y := h*s.Stride + v - s.Pad
				if y < 0 || y >= s.H {
					continue
				}
				for w := from; w < to; w += step {
					x := w*s.Stride + u - s.Pad
					m.runs = append(m.runs, tap{
						a: (y*s.W + x) * s.N * s.C,
						b: (h*outW + w) * s.N * s.OC,
					})
				}
			}
			c = append(c, m)
		}
	}
	return c
}

// items returns the number of items that item takes.
func (g *correlate) items() int { return panels(g.s.OC) * len(g.groups) * g.parts }

// item computes one item: for a group of pixels, some taps of one panel. The
// first group is summed in dw, the others in partial, one after the other.
func (g *correlate) item(t *tile, i int, dw, partial, dy, x []float32) {
	s, nr := g.s, panelLanes(g.s.OC)
	part := i % g.parts
	panel := i / g.parts % panels(s.OC)
	group := i / g.parts / panels(s.OC)
	if group > 0 {
		dw = partial[(group-1)*s.FilterLen():][:s.FilterLen()]
	}
	taps := s.K * s.K
	first, last := part*taps/g.parts, (part+1)*taps/g.parts
	size := s.C * nr // of a tap in a panel
	lanes := min(nr, s.OC-panel*nr)
	if lanes < nr {
		clear(dw[(panel*taps+first)*size:][:(last-first)*size])
	}
	*t = tile{a: x, b: dy, c: dw, lda: s.C, ldb: s.OC, ldc: nr, b0: panel * nr}
	for n, c := range g.groups[group] {
		t.add = n > 0
		for at := first; at < last; at++ {
			t.steps, t.taps = c[at].rows, c[at].runs
			t.c0 = (panel*taps + at) * size
			t.a0 = 0
			computeBlock(g.kernels.tn, t, s.C, lanes, 1)
		}
	}
}

// reductions returns the number of items that reduce takes.
func (g *correlate) reductions() int {
	if len(g.groups) == 1 {
		return 0
	}
	return panels(g.s.OC) * g.s.K * g.s.K
}

// reduce adds the partial gradients of one panel's tap to dw.
func (g *correlate) reduce(i int, dw, partial []float32) {
	size := g.s.C * panelLanes(g.s.OC)
	sum := dw[i*size:][:size]
	for group := range len(g.groups) - 1 {
		for j, v := range partial[group*g.s.FilterLen()+i*size:][:size] {
			sum[j] += v
		}
	}
}
