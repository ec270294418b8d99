package conv

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
	kernels  *kernelSet
	n        int // images: rows of a pixel
	from, to int // channels of source and output
	k        int // taps of the filter on an axis
	runs     []run
	parts    []part // of runs, each an item for every panel block
	perBlock int    // panels in a block
}

// A run is rows of the output that follow each other, as do the rows they fetch
// through every tap.
type run struct {
	first, rows int   // rows of the output: pixel × images + image
	taps        []tap // relative to the source, and to a panel of the filter
}

// A part is a range of rows, counted through the runs [run, last], from the
// row skip of the first run on.
type part struct {
	run, skip, rows int
}

// newGather plans a gather from the contacts of its axes; width is the source's.
func newGather(kernels *kernelSet, threads, n, from, to, k, width int, rows, cols [][]contact) *gather {
	g := &gather{kernels: kernels, n: n, from: from, to: to, k: k}
	nr := panelLanes(to)
	for h, row := range rows {
		for w := 0; w < len(cols); {
			end := w + 1
			for end < len(cols) && follows(cols[end-1], cols[end]) {
				end++
			}
			r := run{first: (h*len(cols) + w) * n, rows: (end - w) * n}
			for _, v := range row {
				for _, u := range cols[w] {
					r.taps = append(r.taps, tap{
						a: (v.pos*width + u.pos) * n * from,
						b: (v.k*k + u.k) * from * nr,
					})
				}
			}
			g.runs = append(g.runs, r)
			w = end
		}
	}
	panelFloats := k * k * from * nr
	g.perBlock = min(max(panelBlockFloats/panelFloats, 1), panels(to))
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

// blocks returns the number of panel blocks.
func (g *gather) blocks() int { return (panels(g.to) + g.perBlock - 1) / g.perBlock }

// divide cuts the rows into parts of about equal work.
func (g *gather) divide(threads int) {
	rowOps := func(r *run) int { return max(len(r.taps), 1) * g.from * min(g.perBlock*panelLanes(g.to), g.to) }
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

// items returns the number of items that do takes.
func (g *gather) items() int { return g.blocks() * len(g.parts) }

// item computes one item of c from a and the packed filter b. Items of a panel
// block follow each other, so that threads find its panels in their caches.
func (g *gather) item(t *tile, i int, c, a, b []float32, add bool) {
	nr := panelLanes(g.to)
	panelFloats := g.k * g.k * g.from * nr
	firstPanel := i / len(g.parts) * g.perBlock
	lastPanel := min(firstPanel+g.perBlock, panels(g.to))
	*t = tile{
		a: a, b: b, c: c, add: add, steps: g.from,
		lda: g.from, ldb: nr, ldc: g.to,
	}
	p := g.parts[i%len(g.parts)]
	for at := p.run; p.rows > 0; at++ {
		r := &g.runs[at]
		rows := min(r.rows-p.skip, p.rows)
		if len(r.taps) == 0 && !add && firstPanel == 0 {
			clear(c[(r.first+p.skip)*g.to:][:rows*g.to])
		}
		t.taps = r.taps
		for panel := firstPanel; panel < lastPanel && len(r.taps) > 0; panel++ {
			t.a0 = p.skip * g.from
			t.b0 = panel * panelFloats
			t.c0 = (r.first+p.skip)*g.to + panel*nr
			computeBlock(g.kernels.nn, t, rows, min(nr, g.to-panel*nr), g.from)
		}
		p.rows -= rows
		p.skip = 0
	}
}
