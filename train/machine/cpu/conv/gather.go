package conv

import "largestep/train/machine/cpu/bfloat"

const (
	// A panel block is as many panels of the filter as fit in half of a
	// level-2 cache.
	panelBlockFloats = 512 << 10 / 4
	// itemOps is the least work, in multiply-adds, that is worth handing out.
	itemOps = 1 << 19
	// itemsPerThread lets threads that are held up do fewer items.
	itemsPerThread = 12
)

// A gather computes every pixel of its output from the pixels that taps of a
// filter fetch: y from x, or dx from dy.
type gather struct {
	n        int // images: rows of a pixel
	pixels   int // of the source
	from, to int // elements of a row of the source, channels of the output
	k        int // taps of the filter on an axis
	lanes    int // of a panel of the filter
	runs     []run
	parts    []part // of runs, each an item for every panel block
	perBlock int    // panels in a block
}

// A run is rows of the output that follow each other, as do the rows they fetch
// through every tap.
type run struct {
	at   int   // of the output, where its first row begins
	rows int   // images of its pixels
	taps []tap // relative to the source, and to a panel of the filter
}

// A part is a range of rows, counted through the runs [run, last], from the
// row skip of the first run on.
type part struct {
	run, skip, rows int
}

// gatherForward plans y from x, of which a row has from elements, and a filter of
// panels of so many lanes.
func (s Shape) gatherForward(threads, from, lanes int) *gather {
	g := &gather{n: s.N, pixels: s.H * s.W, from: from, to: s.OC, k: s.K, lanes: lanes}
	return g.plan(threads, s.inPitch(from), s.outPitch(s.OC), forwardContacts(s.H, s.K, s.Stride, s.Pad), forwardContacts(s.W, s.K, s.Stride, s.Pad))
}

// gatherBackward plans dx from dy likewise.
func (s Shape) gatherBackward(threads, from, lanes int) *gather {
	g := &gather{n: s.N, pixels: s.outH() * s.outW(), from: from, to: s.C, k: s.K, lanes: lanes}
	return g.plan(threads, s.outPitch(from), s.inPitch(s.C), backwardContacts(s.H, s.K, s.Stride, s.Pad), backwardContacts(s.W, s.K, s.Stride, s.Pad))
}

// plan plans g for so many threads from the contacts of its axes, with the pitches of
// source and output.
func (g *gather) plan(threads, in, out int, rows, cols [][]contact) *gather {
	for h, row := range rows {
		for w := 0; w < len(cols); {
			end := w + 1
			for end < len(cols) && follows(cols[end-1], cols[end]) {
				end++
			}
			r := run{at: h*out + w*g.n*g.to, rows: (end - w) * g.n}
			for _, v := range row {
				for _, u := range cols[w] {
					r.taps = append(r.taps, tap{
						a: v.pos*in + u.pos*g.n*g.from,
						b: (v.k*g.k + u.k) * g.from * g.lanes,
					})
				}
			}
			g.runs = append(g.runs, r)
			w = end
		}
	}
	g.perBlock = min(max(panelBlockFloats/g.panelLen(), 1), panels(g.to))
	g.divide(threads)
	return g
}

// follows says whether the contacts b are those of a, one pixel on.
func follows(a, b []contact) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].k != b[i].k || a[i].pos+1 != b[i].pos {
			return false
		}
	}
	return true
}

// panelLen returns the elements of a panel of the filter.
func (g *gather) panelLen() int { return g.k * g.k * g.from * g.lanes }

// blocks returns the number of panel blocks.
func (g *gather) blocks() int { return (panels(g.to) + g.perBlock - 1) / g.perBlock }

// divide cuts the rows into parts of about equal work.
func (g *gather) divide(threads int) {
	rowOps := func(r *run) int { return max(len(r.taps), 1) * g.from * min(g.perBlock*g.lanes, g.to) }
	total := 0
	for i := range g.runs {
		total += g.runs[i].rows * rowOps(&g.runs[i])
	}
	share := max(total*g.blocks()/(threads*itemsPerThread), itemOps)
	current, ops := part{}, 0
	for i := range g.runs {
		r := &g.runs[i]
		for skip := 0; skip < r.rows; {
			if ops >= share {
				g.parts = append(g.parts, current)
				current, ops = part{run: i, skip: skip}, 0
			}
			take := min(r.rows-skip, max((share-ops)/rowOps(r)/g.n, 1)*g.n)
			current.rows += take
			ops += take * rowOps(r)
			skip += take
		}
	}
	g.parts = append(g.parts, current)
}

// items returns the number of items that item takes.
func (g *gather) items() int { return g.blocks() * len(g.parts) }

// A span is rows of the output by lanes of one panel, which the same taps make of a
// and b.
type span struct {
	taps        []tap
	a0, b0, c0  int
	rows, lanes int
}

// item has one item of c computed, span by span. Items of a panel block follow each
// other, so that threads find its panels in their caches. What no tap reaches is
// left to none: elements [from, to) of c.
func (g *gather) item(i int, compute func(span), none func(from, to int)) {
	firstPanel := i / len(g.parts) * g.perBlock
	lastPanel := min(firstPanel+g.perBlock, panels(g.to))
	p := g.parts[i%len(g.parts)]
	for at := p.run; p.rows > 0; at++ {
		r := &g.runs[at]
		rows, c0 := min(r.rows-p.skip, p.rows), r.at+p.skip*g.to
		if len(r.taps) == 0 && firstPanel == 0 {
			none(c0, c0+rows*g.to)
		}
		for panel := firstPanel; panel < lastPanel && len(r.taps) > 0; panel++ {
			compute(span{
				taps: r.taps, rows: rows, lanes: min(g.lanes, g.to-panel*g.lanes),
				a0: p.skip * g.from, b0: panel * g.panelLen(), c0: c0 + panel*g.lanes,
			})
		}
		p.rows -= rows
		p.skip = 0
	}
}

// emptied returns what item does with elements of c that no tap reaches: they become
// zero, unless results are added.
func emptied[T float32 | bfloat.Number](c []T, add bool) func(from, to int) {
	return func(from, to int) {
		if !add {
			clear(c[from:to])
		}
	}
}
