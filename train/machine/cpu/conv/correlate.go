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

// An area is pixels [top, bottom) × [left, right).
type area struct{ top, bottom, left, right int }

func (a area) wide() int   { return a.right - a.left }
func (a area) pixels() int { return (a.bottom - a.top) * a.wide() }

// A pitch is how the pixels of an area lie in memory: elements from one to the next and
// from row to row.
type pitch struct {
	area
	pixel, row int
}

// at returns where a pixel begins.
func (p pitch) at(y, x int) int { return (y-p.top)*p.row + (x-p.left)*p.pixel }

// dense returns the pitch of an area whose rows follow each other.
func (a area) dense(pixel int) pitch { return pitch{a, pixel, a.wide() * pixel} }

// Pitches are how x and dy lie in memory.
type pitches struct {
	x, dy  pitch
	joined bool // rows of neighbouring pixels follow each other
}

// whole are all pixels of the input and of the result.
func (s Shape) whole() (x, dy area) {
	return area{0, s.H, 0, s.W}, area{0, s.outH(), 0, s.outW()}
}

// met returns the input pixels that an area of the output meets: none where all of it
// lies in the padding.
func (s Shape) met(a area) area {
	first := func(o, in int) int { return min(max(o*s.Stride-s.Pad, 0), in) }
	last := func(o, in int) int { return min(max(o*s.Stride+s.K-s.Pad, 0), in) }
	return area{first(a.top, s.H), last(a.bottom-1, s.H), first(a.left, s.W), last(a.right-1, s.W)}
}

// grouped divides areas among groups.
func grouped(areas []area, groups int) [][]area {
	groups = min(max(groups, 1), len(areas))
	all := make([][]area, groups)
	for i := range all {
		all[i] = areas[i*len(areas)/groups : (i+1)*len(areas)/groups]
	}
	return all
}

// newCorrelate plans the sums of groups of areas, whose pixels lie as p says.
func newCorrelate(s Shape, threads int, groups [][]area, p func(area) pitches) *correlate {
	g := &correlate{s: s, parts: 1}
	for _, parts := range []int{s.K, s.K * s.K} {
		if threads > 1 && len(groups)*panels(s.OC)*g.parts < threads*itemsPerThread {
			g.parts = parts
		}
	}
	for _, areas := range groups {
		var chunks []chunk
		for _, a := range areas {
			chunks = append(chunks, s.chunk(p(a), a))
		}
		g.groups = append(g.groups, chunks)
	}
	return g
}

// areas divides the output pixels into blocks for the direct way: rows of pixels, or
// parts of rows. pixel is the floats of an output pixel that a panel's gradient takes
// in, and of what it meets.
func (s Shape) areas(pixel int) (areas []area) {
	outH, outW := s.outH(), s.outW()
	high := max(chunkFloats/(pixel*outW), 1)
	wide := min(max(chunkFloats/pixel, 1), outW)
	if high*enoughItems > outH {
		high = max(outH/enoughItems, 1)
	}
	return cut(outH, outW, high, (outW+wide-1)/wide)
}

// cut divides rows of pixels into pieces, high rows at a time.
func cut(outH, outW, high, pieces int) (areas []area) {
	for h := 0; h < outH; h += high {
		for i := range pieces {
			areas = append(areas, area{h, min(h+high, outH), i * outW / pieces, (i + 1) * outW / pieces})
		}
	}
	return areas
}

// chunk lists the meetings of an area.
func (s Shape) chunk(p pitches, a area) chunk {
	var c chunk
	for v := range s.K {
		for u := range s.K {
			// Output columns whose tap u falls inside the input.
			from := max(a.left, (s.Pad-u+s.Stride-1)/s.Stride)
			to := min(a.right, (s.W-1+s.Pad-u+s.Stride)/s.Stride)
			m := meeting{rows: s.N}
			step := 1
			if p.joined {
				step = max(to-from, 1)
				m.rows *= step
			}
			for h := a.top; h < a.bottom; h++ {
				y := h*s.Stride + v - s.Pad
				if y < 0 || y >= s.H {
					continue
				}
				for w := from; w < to; w += step {
					m.runs = append(m.runs, tap{
						a: p.x.at(y, w*s.Stride+u-s.Pad),
						b: p.dy.at(h, w),
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
	part := i % g.parts
	panel := i / g.parts % panels(g.s.OC)
	group := i / g.parts / panels(g.s.OC)
	taps := g.s.K * g.s.K
	sums := g.sums(group, dw, partial)
	for n, c := range g.groups[group] {
		g.chunk(c, panel, part*taps/g.parts, (part+1)*taps/g.parts, n > 0, sums, compute)
	}
}

// sums returns where a group is summed.
func (g *correlate) sums(group int, dw, partial []float32) []float32 {
	if group == 0 {
		return dw
	}
	return partial[(group-1)*g.s.FilterLen():][:g.s.FilterLen()]
}

// chunk has a chunk's taps [first, last) of a panel computed.
func (g *correlate) chunk(c chunk, panel, first, last int, add bool, sums []float32, compute func(m meeting, panel int, c []float32, c0 int, add bool)) {
	nr := panelLanes(g.s.OC)
	size := g.s.C * nr // of a tap in a panel
	if !add && g.s.OC-panel*nr < nr {
		clear(sums[(panel*g.s.K*g.s.K+first)*size:][:(last-first)*size])
	}
	for at := first; at < last; at++ {
		compute(c[at], panel, sums, (panel*g.s.K*g.s.K+at)*size, add)
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
