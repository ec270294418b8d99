package conv

import "largestep/train/machine/cpu/pool"

// The order of sums must not depend on the number of threads: these keep those of a common
// processor busy.
const (
	commonThreads = 8
	groupsAtMost  = 2 * commonThreads
)

// A winogradFilter computes the gradient of a filter by transformed pixels of x
// and dy, whose products are summed over all images and tile positions. Small
// gradients are summed by groups of blocks, each of them on one thread, and then
// added up in order. Of large ones there is one group, whose blocks are shared, or one
// block, of which each thread sums and transforms slices of the gradient. So the order
// is the same for any number of threads.
type winogradFilter struct {
	winograd
	pool     *pool.Pool
	groups   [][]block
	division division
}

func newWinogradFilter(p *pool.Pool, kernels *kernelSet, scratch *Scratch, s Shape, most limits) *winogradFilter {
	g := &winogradFilter{winograd: *newWinograd(kernels, scratch, s, false), pool: p}
	switch {
	case g.filterLen() <= most.sums:
		g.groups = g.cutGroups(most)
	case g.fewRows(most.slices) && g.filterSlices() >= most.each*commonThreads:
		g.division = byPieces
		g.groups = [][]block{g.cut(g.tiles * g.n)}
	default:
		g.division = shared
		g.groups = [][]block{g.cutShared(most)}
	}
	return g
}

// filterSlices returns the number of slices of a gradient, of all phases each.
func (g *winogradFilter) filterSlices() int { return panels(g.to) * g.chunks() }

// cutGroups divides all into groups of blocks that fit a thread's cache.
func (g *winogradFilter) cutGroups(most limits) (all [][]block) {
	blocks := g.cut(max(g.rowsIn(most.own), minRows))
	groups := min(len(blocks), groupsAtMost)
	for i := range groups {
		all = append(all, blocks[i*len(blocks)/groups:(i+1)*len(blocks)/groups])
	}
	return all
}

// minRows is the least number of rows that products are summed over at a time.
const minRows = 16

// scratchLen returns the floats that run needs.
func (g *winogradFilter) scratchLen() int {
	threads := g.pool.Threads()
	block := g.blockLen(g.groups[0][0].rows())
	switch g.division {
	case local:
		return len(g.groups)*g.filterLen() + threads*(chunkLen+block)
	case byPieces:
		return threads*(chunkLen+g.sliceLen()) + block
	}
	return g.filterLen() + threads*chunkLen + block
}

// run computes dw.
func (g *winogradFilter) run(work []work, dw, dy, x, scratch []float32) {
	noTaps, scratch := scratch[:len(work)*chunkLen], scratch[len(work)*chunkLen:]
	if g.division == byPieces {
		g.runByPieces(work, dw, dy, x, noTaps, scratch)
		return
	}
	size := g.filterLen()
	sums, scratch := scratch[:len(g.groups)*size], scratch[len(g.groups)*size:]
	if g.division == shared {
		g.sumShared(work, sums, dy, x, scratch)
	} else {
		place := g.blockLen(g.groups[0][0].rows())
		g.pool.Do(len(g.groups), func(worker, i int) {
			g.sumLocal(&work[worker], g.groups[i], sums[i*size:][:size], dy, x, scratch[worker*place:])
		})
	}
	g.pool.Do(g.filterChunks(), func(worker, i int) {
		panel, phase, first, n := g.filterChunk(i)
		for group := range g.groups {
			p := g.column(sums[group*size:], panel)
			g.finish(&work[worker].transform, dw, p, noTaps[worker*chunkLen:][:chunkLen], phase, first, n, group > 0)
		}
	})
}

// sumLocal sums the products of a group on the calling thread.
func (g *winogradFilter) sumLocal(work *work, group []block, sums, dy, x, scratch []float32) {
	for n := range group {
		b := group[n]
		g.place(&b, scratch)
		for i := range g.parts(&b) {
			g.transformSource(&work.transform, &b, x, i)
			g.transformSlope(&work.transform, &b, dy, i)
		}
		next := &group[min(n+1, len(group)-1)]
		work.queue.restart()
		for i := range g.items() {
			g.prefetchSource(&work.queue, next, x, i, g.items())
			g.prefetchOutput(&work.queue, next, dy, i, g.items())
			g.correlateItem(work, &b, sums, i, n > 0)
		}
	}
}

// sumShared sums the products of all blocks on all threads.
func (g *winogradFilter) sumShared(work []work, sums, dy, x, scratch []float32) {
	blocks := g.groups[0]
	for n, b := range blocks {
		g.place(&b, scratch)
		g.transformBoth(work, &b, dy, x)
		restart(work)
		next := &blocks[min(n+1, len(blocks)-1)]
		g.pool.Do(g.items(), func(worker, i int) {
			w := &work[worker]
			g.prefetchFilter(&w.queue, sums, i+1, g.items())
			g.prefetchSource(&w.queue, next, x, i, g.items())
			g.prefetchOutput(&w.queue, next, dy, i, g.items())
			g.correlateItem(w, &b, sums, i, n > 0)
		})
	}
}

// runByPieces computes dw of one block on all threads, each of which sums a slice of the
// gradient in its part of memory, and transforms it.
func (g *winogradFilter) runByPieces(work []work, dw, dy, x, noTaps, memory []float32) {
	size, nr := g.sliceLen(), panelLanes(g.to)
	b := g.groups[0][0]
	g.place(&b, memory[len(work)*size:])
	g.transformBoth(work, &b, dy, x)
	restart(work)
	g.pool.Do(g.filterSlices(), func(worker, i int) {
		p := g.slice(memory[worker*size:], i/g.chunks(), i%g.chunks())
		g.prefetchSlice(&work[worker].queue, dw, p)
		for phase := range g.phases {
			for e := range g.elements() {
				g.correlate(&work[worker], &b, p, e, phase, false)
			}
			g.finish(&work[worker].transform, dw, p, noTaps[worker*chunkLen:][:chunkLen], phase, p.first*nr, p.channels*nr, false)
		}
	})
}

// transformBoth transforms a block of x and dy on all threads.
func (g *winogradFilter) transformBoth(work []work, b *block, dy, x []float32) {
	g.pool.Do(2*g.parts(b), func(worker, i int) {
		if t := &work[worker].transform; i%2 == 0 {
			g.transformSource(t, b, x, i/2)
		} else {
			g.transformSlope(t, b, dy, i/2)
		}
	})
}

// transformSlope transforms a part of dy.
func (g *winogradFilter) transformSlope(t *transform, b *block, dy []float32, i int) {
	g.transformPixels(t, &g.transforms.slope, b, b.output, dy, &g.output[0], i, 4, g.to)
}

// origin is the only tap of a matrix product.
var origin = []tap{{}}

// items returns the number of items that correlateItem takes.
func (g *winogradFilter) items() int { return g.elements() * panels(g.to) * len(g.phases) }

// correlateItem correlates an item of a block's products: of an element, a panel and a phase,
// in this order.
func (g *winogradFilter) correlateItem(work *work, b *block, sums []float32, i int, add bool) {
	e, panel, phase := g.product(i, len(g.phases))
	g.correlate(work, b, g.column(sums, panel), e, phase, add)
}

// correlate sums a block's products of an element and a phase in a piece of the gradient, or
// adds them to it.
func (g *winogradFilter) correlate(work *work, b *block, p piece, e, phase int, add bool) {
	if !g.meets(e, g.phases[phase]) {
		return
	}
	nr := panelLanes(g.to)
	lanes := min(nr, g.to-p.panel*nr)
	sums := p.matrix(e, phase)[:p.channels*nr]
	if lanes < nr && !add {
		clear(sums)
	}
	t := &work.tile
	*t = tile{
		a: b.source.floats, b: b.output.floats, c: sums, taps: origin, steps: b.rows(), add: add,
		a0: b.source.at(e, phase) + p.first, b0: b.output.at(e, 0) + p.panel*nr,
		lda: g.from, ldb: g.to, ldc: nr, queue: &work.queue,
	}
	computeBlock(g.kernels.tn, t, p.channels, lanes, 1)
}

// finish transforms n floats of the sums of a piece, from first on, to the gradient dw. With
// add, they are added to it. Taps that the phase lacks go to noTaps.
func (g *winogradFilter) finish(t *transform, dw []float32, p piece, noTaps []float32, phase, first, n int, add bool) {
	nr := panelLanes(g.to)
	for e := range g.elements() {
		t.src[e] = g.nothing
		if g.meets(e, g.phases[phase]) {
			t.src[e] = p.matrix(e, phase)[first-p.first*nr:][:n]
		}
	}
	for i := range g.taps * g.taps {
		t.dst[i] = noTaps
		if at, ok := g.tap(g.phases[phase], i, false); ok {
			t.dst[i] = dw[(p.panel*9+at)*g.from*nr+first:][:n]
		}
	}
	k := &g.transforms.sum
	if add {
		k = &g.transforms.sumAdd
	}
	g.transform(k, t, n)
}
