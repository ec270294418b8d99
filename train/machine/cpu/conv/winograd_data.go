package conv

import "largestep/train/machine/cpu/pool"

// localRows returns how many rows a thread takes through all stages by itself: few enough
// that every thread gets some, and that they stay in its level-2 cache.
func (g *winograd) localRows(most limits) int {
	rows := 32
	if g.tiles*g.n >= 1024 {
		rows = 64
	}
	if most.own == 0 {
		return rows
	}
	return min(rows, max(g.rowsIn(most.own)&^15, 16))
}

// Limits say what fits in which cache, in floats.
type limits struct {
	// filter is how large a transformed filter may be to be read anew for
	// every block.
	filter int
	// sums is how large the transformed gradient of a filter may be for every
	// group of blocks to have its own.
	sums int
	// own is how large a block may be that stays in a thread's level-2 cache.
	own int
	// shared is how large a block may be that all threads take through one
	// stage after the other. It may be as large as a transformed filter, which
	// is then read for every block.
	shared int
	// panels is how large a block of all rows may be, as a share of a large transformed
	// filter, for threads to transform that panel by panel; slices of its gradient, slice
	// by slice.
	panels, slices float64
	// each is how many panels, or slices, there are then for each thread at least.
	each int
}

var (
	cacheLimits = limits{filter: 4 << 20 / 4, sums: 256 << 10 / 4, own: 320 << 10 / 4, shared: 1 << 20 / 4, panels: 0.5, slices: 1.5, each: 2}
	// Plain Go computes so long that memory does not matter. Its sums keep their
	// order, and so their bits.
	goLimits = limits{filter: 4 << 20 / 4, shared: 4 << 20 / 4}
)

// A winogradData computes the output y from the source x and a packed filter:
// forward, and backward for data.
type winogradData struct {
	winograd
	pool     *pool.Pool
	turned   bool // the filter's taps, by 180°
	blocks   []block
	division division
}

// A division is how threads divide the work.
type division int

const (
	// Small filters stay in every thread's cache, while each thread works on blocks of
	// its own.
	local division = iota
	// Of large ones every part is read once by one thread, as far as possible, and the
	// blocks are shared.
	shared
	// Where few rows use a large one there is one block, and every piece of the filter
	// is transformed just before, or after, a thread multiplies by it.
	byPieces
)

func newWinogradData(p *pool.Pool, kernels *kernelSet, scratch *Scratch, s Shape, backward bool, most limits) *winogradData {
	g := &winogradData{winograd: *newWinograd(kernels, scratch, s, backward), pool: p, turned: backward}
	switch {
	case g.filterLen() <= most.filter:
		g.inPlace = true
		g.blocks = smallLast(g.cut(g.localRows(most)))
	case g.fewRows(most.panels) && panels(g.to) >= most.each*p.Threads():
		g.division = byPieces
		g.blocks = g.cut(g.tiles * g.n)
	default:
		g.division = shared
		g.blocks = g.cutShared(most)
	}
	return g
}

// fewRows says whether a block of all rows has at most this share of the transformed filter.
func (g *winograd) fewRows(share float64) bool {
	return float64(g.blockLen(g.tiles*g.n)) <= share*float64(g.filterLen())
}

// smallLast halves the last four blocks, so that a thread that is held up with one
// of them keeps the others waiting less. It does not ask how many threads there
// are: where channels do not fill vectors, bits depend on the blocks.
func smallLast(blocks []block) []block {
	whole := max(len(blocks)-4, 0)
	var halves []block
	for _, b := range blocks[whole:] {
		first, second := b, b
		first.to = (b.from + b.to + 1) / 2
		second.from = first.to
		halves = append(halves, first)
		if second.images() > 0 {
			halves = append(halves, second)
		}
	}
	return append(blocks[:whole:whole], halves...)
}

// scratchLen returns the floats that run needs.
func (g *winogradData) scratchLen() int {
	threads := g.pool.Threads()
	block := g.blockLen(g.blocks[0].rows())
	aside := threads * g.asideLen()
	switch g.division {
	case local:
		return g.filterLen() + aside + threads*block
	case byPieces:
		return threads*g.panelLen() + aside + block
	}
	return g.filterLen() + aside + block
}

// asideLen returns the floats of a thread's place for a chunk of all taps with their channels
// exchanged, and later for pixels outside the output.
func (g *winogradData) asideLen() int {
	if g.turned {
		return max(g.form.taps*g.form.taps*chunkLen, g.part*g.to)
	}
	return g.part * g.to
}

// run computes y.
func (g *winogradData) run(work []work, y, x, w, scratch []float32, add bool) {
	aside, scratch := scratch[:len(work)*g.asideLen()], scratch[len(work)*g.asideLen():]
	if g.division == byPieces {
		memory, scratch := scratch[:len(work)*g.panelLen()], scratch[len(work)*g.panelLen():]
		b := g.blocks[0]
		g.place(&b, scratch)
		g.runShared(work, &b, y, x, aside, add, func() { g.multiplyByPanels(work, &b, w, memory, aside) })
		return
	}
	u, scratch := scratch[:g.filterLen()], scratch[g.filterLen():]
	g.transformFilter(work, u, w, aside)
	if g.division == shared {
		for i := range g.blocks {
			b := g.blocks[i]
			g.place(&b, scratch)
			g.runShared(work, &b, y, x, aside, add, func() { g.multiplyShared(work, &b, u) })
		}
		return
	}
	size := g.blockLen(g.blocks[0].rows())
	g.pool.Do(len(g.blocks), func(worker, i int) {
		b := g.blocks[i]
		g.place(&b, scratch[worker*size:])
		next := &g.blocks[min(i+1, len(g.blocks)-1)]
		g.runLocal(&work[worker], &b, next, y, x, u, aside[worker*g.asideLen():], add)
	})
}

// runLocal computes a block on the calling thread, which most likely has next then.
func (g *winogradData) runLocal(work *work, b, next *block, y, x, u, outside []float32, add bool) {
	for i := range g.parts(b) {
		g.transformSource(&work.transform, b, x, i)
	}
	work.queue.restart()
	for i := range g.items() {
		g.prefetchOutput(&work.queue, b, y, i, g.items())
		g.prefetchSource(&work.queue, next, x, i, g.items())
		g.multiplyItem(work, b, u, i)
	}
	for i := range g.parts(b) {
		g.transformOutput(&work.transform, b, y, outside, i, add)
	}
}

// runShared computes a block on all threads; multiply computes its products.
func (g *winogradData) runShared(work []work, b *block, y, x, aside []float32, add bool, multiply func()) {
	g.pool.Do(g.parts(b), func(worker, i int) {
		g.transformSource(&work[worker].transform, b, x, i)
	})
	multiply()
	g.pool.Do(g.parts(b), func(worker, i int) {
		g.transformOutput(&work[worker].transform, b, y, aside[worker*g.asideLen():], i, add)
	})
}

// multiplyShared computes the products of a block on all threads.
func (g *winogradData) multiplyShared(work []work, b *block, u []float32) {
	restart(work)
	g.pool.Do(g.items(), func(worker, i int) {
		g.prefetchFilter(&work[worker].queue, u, i+1, g.items())
		g.prefetchElement(&work[worker].queue, b, i, g.items())
		g.multiplyItem(&work[worker], b, u, i)
	})
}

// multiplyItem computes an item of the products with a transformed filter: of an element,
// a panel and an output phase, in this order.
func (g *winogradData) multiplyItem(work *work, b *block, u []float32, i int) {
	e, panel, out := g.product(i, len(g.output))
	g.multiply(work, b, g.column(u, panel), e, out)
}

// multiplyByPanels computes the products with the packed filter w, each panel of which a
// thread transforms in its part of memory.
func (g *winogradData) multiplyByPanels(work []work, b *block, w, memory, aside []float32) {
	restart(work)
	g.pool.Do(panels(g.to), func(worker, panel int) {
		u := g.panel(memory[worker*g.panelLen():], panel)
		for phase := range g.phases {
			for i := range g.chunks() {
				first, n := g.chunk(i)
				g.transformChunk(&work[worker].transform, u, w, aside[worker*g.asideLen():], phase, first, n)
			}
		}
		for e := range g.elements() {
			g.prefetchPanel(&work[worker].queue, w, panel+1, e, g.elements())
			for out := range g.output {
				g.multiply(&work[worker], b, u, e, out)
			}
		}
	})
}

// transformFilter transforms the packed filter w into u.
func (g *winogradData) transformFilter(work []work, u, w, aside []float32) {
	g.pool.Do(g.filterChunks(), func(worker, i int) {
		panel, phase, first, n := g.filterChunk(i)
		g.transformChunk(&work[worker].transform, g.column(u, panel), w, aside[worker*g.asideLen():], phase, first, n)
	})
}

// transformChunk transforms n floats of each tap's matrix of a panel of w, from first on,
// into u. Backward it exchanges their channels before, in aside.
func (g *winogradData) transformChunk(t *transform, u piece, w, aside []float32, phase, first, n int) {
	nr := panelLanes(g.to)
	for i := range g.taps * g.taps {
		t.src[i] = g.nothing
		if at, ok := g.tap(g.phases[phase], i, g.turned); ok {
			if !g.turned {
				t.src[i] = w[(u.panel*9+at)*g.from*nr+first:][:n]
				continue
			}
			t.src[i] = aside[i*chunkLen:][:n]
			g.kernels.transposeRows(t.src[i], w, g.from, g.to, 3, u.panel*9+at, first/nr, (first+n)/nr)
		}
	}
	for e := range g.elements() {
		t.dst[e] = u.matrix(e, phase)[first:][:n]
	}
	g.transform(&g.transforms.filter, t, n)
}
