package conv

import "largestep/train/machine/cpu/pool"

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
	s      Shape
	groups [][]chunk
	parts  int // into which the taps are divided, for more items on more threads
}

// A chunk is a block of output pixels: for each tap of the filter the pairs of
// runs of rows that meet through it.
type chunk []meeting

// A meeting is what one tap has in a chunk: runs of equally many rows.
type meeting struct {
	rows int
	runs []tap // where a run begins in x and in dy
}

// A pitch is how activations lie in memory.
type pitch struct {
	x, dy  int  // elements of a pixel
	joined bool // rows of neighbouring pixels follow each other
	floats int  // what an output pixel and what it meets take in a cache, in float32s
}

// met returns the floats of an output pixel of an image that a panel's gradient takes
// in, and of what it meets.
func (s Shape) met() int { return s.C*s.Stride*s.Stride + min(s.OC, panelLanes(s.OC)) }

func newCorrelate(s Shape, threads int, p pitch) *correlate {
	g := &correlate{s: s, parts: 1}
	chunks := s.chunks(p)
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
func (s Shape) chunks(p pitch) []chunk {
	outH, outW := s.outH(), s.outW()
	high := max(chunkFloats/(p.floats*outW), 1)
	wide := min(max(chunkFloats/p.floats, 1), outW)
	if high*enoughItems > outH {
		high = max(outH/enoughItems, 1)
	}
	pieces := (outW + wide - 1) / wide
	var chunks []chunk
	for h := 0; h < outH; h += high {
		for i := range pieces {
			chunks = append(chunks, s.chunk(p, h, min(h+high, outH), i*outW/pieces, (i+1)*outW/pieces))
		}
	}
	return chunks
}

// chunk lists the meetings of the output pixels [top, bottom) × [left, right).
func (s Shape) chunk(p pitch, top, bottom, left, right int) chunk {
	outW := s.outW()
	var c chunk
	for v := range s.K {
		for u := range s.K {
			// Output columns whose tap u falls inside the input.
			from := max(left, (s.Pad-u+s.Stride-1)/s.Stride)
			to := min(right, (s.W-1+s.Pad-u+s.Stride)/s.Stride)
			m := meeting{rows: s.N}
			step := 1
			if p.joined {
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
						a: (y*s.W + x) * p.x,
						b: (h*outW + w) * p.dy,
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

// item has one item computed: for a group of pixels, some taps of one panel, meeting
// by meeting. The first group is summed in dw, the others in partial, one after the
// other; compute adds a meeting's sums to c from c0 on, or sets them.
func (g *correlate) item(i int, dw, partial []float32, compute func(m meeting, panel int, c []float32, c0 int, add bool)) {
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
	if s.OC-panel*nr < nr {
		clear(dw[(panel*taps+first)*size:][:(last-first)*size])
	}
	for n, c := range g.groups[group] {
		for at := first; at < last; at++ {
			compute(c[at], panel, dw, (panel*taps+at)*size, n > 0)
		}
	}
}

// partialLen returns the floats of the groups' sums beside the first's.
func (g *correlate) partialLen() int { return (len(g.groups) - 1) * g.s.FilterLen() }

// reduce adds the partial gradients to dw.
func (g *correlate) reduce(p *pool.Pool, dw, partial []float32) {
	if len(g.groups) == 1 {
		return
	}
	size := g.s.C * panelLanes(g.s.OC) // of a panel's tap
	p.Do(panels(g.s.OC)*g.s.K*g.s.K, func(_, i int) {
		sum := dw[i*size:][:size]
		for group := range len(g.groups) - 1 {
			for j, v := range partial[group*g.s.FilterLen()+i*size:][:size] {
				sum[j] += v
			}
		}
	})
}
