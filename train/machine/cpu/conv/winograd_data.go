package conv

import "largestep/train/machine/cpu/pool"

// localRows returns how many rows, of all, a thread takes through all stages by
// itself: few enough that every thread gets some, and that they stay in its level-2
// cache, where a row takes so many floats.
func localRows(all, floats int, most limits) int {
	rows := 32
	if all >= 1024 {
		rows = 64
	}
	if most.own == 0 {
		return rows
	}
	return min(rows, max(most.own/floats&^15, 16))
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
	// near is how large a tensor is at most whose pixels are still in a cache.
	near int
}

var (
	cacheLimits = limits{filter: 4 << 20 / 4, sums: 256 << 10 / 4, own: 512 << 10 / 4, shared: 1 << 20 / 4, near: 6 << 20 / 4}
	// Plain Go computes so long that memory does not matter. Its sums keep their
	// order, and so their bits.
	goLimits = limits{filter: 4 << 20 / 4, shared: 4 << 20 / 4}
)

// A winogradData computes the output y from the source x and a packed filter:
// forward, and backward for data. Small filters stay in every thread's cache,
// while each thread works on blocks of its own. Of large ones every part is
// read once by one thread, as far as possible, and the blocks are shared.
type winogradData struct {
	winograd
	pool   *pool.Pool
	turned bool // the filter's taps, by 180°
	blocks []block
	shared bool
}

func newWinogradData(p *pool.Pool, kernels *kernelSet, scratch *Scratch, s Shape, backward bool, most limits) *winogradData {
	g := &winogradData{winograd: *newWinograd(kernels, scratch, s, backward, most), pool: p, turned: backward}
	g.shared = g.filterLen() > most.filter
	if g.shared {
		g.blocks = g.cutShared(most)
	} else {
		g.blocks = smallLast(g.cut(localRows(g.tiles*g.n, g.blockLen(1), most)))
	}
	return g
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
	places := g.pool.Threads()
	if g.shared {
		places = 1
	}
	return g.filterLen() + g.pool.Threads()*g.outsideLen() + places*g.blockLen(g.blocks[0].rows())
}

// outsideLen returns the floats of a place for pixels outside the output.
func (g *winogradData) outsideLen() int { return g.part * g.to }

// run computes y.
func (g *winogradData) run(work []work, y, x, w, scratch []float32, add bool) {
	u, scratch := scratch[:g.filterLen()], scratch[g.filterLen():]
	g.transformFilter(work, u, w)
	outside, scratch := scratch[:len(work)*g.outsideLen()], scratch[len(work)*g.outsideLen():]
	if g.shared {
		for i := range g.blocks {
			b := g.blocks[i]
			g.place(&b, scratch)
			g.runShared(work, &b, y, x, u, outside, add)
		}
		return
	}
	size := g.blockLen(g.blocks[0].rows())
	g.pool.Do(len(g.blocks), func(worker, i int) {
		b := g.blocks[i]
		g.place(&b, scratch[worker*size:])
		next := &g.blocks[min(i+1, len(g.blocks)-1)]
		g.runLocal(&work[worker], &b, next, y, x, u, outside[worker*g.outsideLen():], add)
	})
}

// runLocal computes a block on the calling thread, which most likely has next then.
func (g *winogradData) runLocal(work *work, b, next *block, y, x, u, outside []float32, add bool) {
	for i := range g.parts(b) {
		g.transformSource(&work.transform, b, x, i)
	}
	for i := range g.items() {
		g.multiply(work, b, u, i)
		g.prefetchOutput(b, y, i, g.items())
		g.prefetchSource(next, x, i, g.items())
	}
	for i := range g.parts(b) {
		g.transformOutput(&work.transform, b, y, outside, i, add)
	}
}

// runShared computes a block on all threads.
func (g *winogradData) runShared(work []work, b *block, y, x, u, outside []float32, add bool) {
	g.pool.Do(g.parts(b), func(worker, i int) {
		g.transformSource(&work[worker].transform, b, x, i)
	})
	g.pool.Do(g.items(), func(worker, i int) {
		g.multiply(&work[worker], b, u, i)
	})
	g.pool.Do(g.parts(b), func(worker, i int) {
		g.transformOutput(&work[worker].transform, b, y, outside[worker*g.outsideLen():], i, add)
	})
}

// transformFilter transforms the packed filter w into u.
func (g *winogradData) transformFilter(work []work, u, w []float32) {
	size := g.from * panelLanes(g.to)
	g.pool.Do(g.filterChunks(), func(worker, i int) {
		t := &work[worker].transform
		panel, phase, first, n := g.chunk(i)
		for i := range g.taps * g.taps {
			t.src[i] = g.nothing
			if at, ok := g.tap(g.phases[phase], i, g.turned); ok {
				t.src[i] = w[(panel*9+at)*size+first:][:n]
			}
		}
		for e := range g.elements() {
			t.dst[e] = u[g.matrix(e, panel, phase)+first:][:n]
		}
		g.transform(&g.transforms.filter, t, n)
	})
}
