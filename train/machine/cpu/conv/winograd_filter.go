package conv

import "largestep/train/machine/cpu/pool"

// groupsAtMost keeps the threads of a common processor busy.
const groupsAtMost = 16

// A winogradFilter computes the gradient of a filter by transformed pixels of x
// and dy, whose products are summed over all images and tile positions. Small
// gradients are summed by groups of blocks, each of them on one thread, and then
// added up in order. Of large ones there is one group, whose blocks are shared. So
// the order is the same for any number of threads.
type winogradFilter struct {
	winograd
	pool   *pool.Pool
	groups [][]block
	shared bool
}

func newWinogradFilter(p *pool.Pool, kernels *kernelSet, scratch *Scratch, s Shape, most limits) *winogradFilter {
	g := &winogradFilter{winograd: *newWinograd(kernels, scratch, s, false, most), pool: p}
	if g.shared = g.filterLen() > most.sums; g.shared {
		g.groups = [][]block{g.cutShared(most)}
		return g
	}
	blocks := g.cut(max(most.own/g.blockLen(1), minRows))
	groups := min(len(blocks), groupsAtMost)
	for i := range groups {
		g.groups = append(g.groups, blocks[i*len(blocks)/groups:(i+1)*len(blocks)/groups])
	}
	return g
}

// minRows is the least number of rows that products are summed over at a time.
const minRows = 16

// scratchLen returns the floats that run needs.
func (g *winogradFilter) scratchLen() int {
	places := g.pool.Threads()
	if g.shared {
		places = 1
	}
	return len(g.groups)*g.filterLen() + g.pool.Threads()*chunkLen + places*g.blockLen(g.groups[0][0].rows())
}

// run computes dw.
func (g *winogradFilter) run(work []work, dw, dy, x, scratch []float32) {
	size := g.filterLen()
	sums, scratch := scratch[:len(g.groups)*size], scratch[len(g.groups)*size:]
	noTaps, scratch := scratch[:len(work)*chunkLen], scratch[len(work)*chunkLen:]
	if g.shared {
		g.sumShared(work, sums, dy, x, scratch)
	} else {
		place := g.blockLen(g.groups[0][0].rows())
		g.pool.Do(len(g.groups), func(worker, i int) {
			g.sumLocal(&work[worker], g.groups[i], sums[i*size:][:size], dy, x, scratch[worker*place:])
		})
	}
	g.pool.Do(g.filterChunks(), func(worker, i int) {
		g.finish(&work[worker].transform, dw, sums, noTaps[worker*chunkLen:][:chunkLen], i)
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
		for i := range g.items() {
			g.correlate(&work.tile, &b, sums, i, n > 0)
			g.prefetchSource(next, x, i, g.items())
			g.prefetchOutput(next, dy, i, g.items())
		}
	}
}

// sumShared sums the products of all blocks on all threads.
func (g *winogradFilter) sumShared(work []work, sums, dy, x, scratch []float32) {
	blocks := g.groups[0]
	for n, b := range blocks {
		g.place(&b, scratch)
		g.pool.Do(2*g.parts(&b), func(worker, i int) {
			if t := &work[worker].transform; i%2 == 0 {
				g.transformSource(t, &b, x, i/2)
			} else {
				g.transformSlope(t, &b, dy, i/2)
			}
		})
		next := &blocks[min(n+1, len(blocks)-1)]
		g.pool.Do(g.items(), func(worker, i int) {
			g.correlate(&work[worker].tile, &b, sums, i, n > 0)
			g.prefetchSource(next, x, i, g.items())
			g.prefetchOutput(next, dy, i, g.items())
		})
	}
}

// transformSlope transforms a part of dy.
func (g *winogradFilter) transformSlope(t *transform, b *block, dy []float32, i int) {
	g.transformPixels(t, &g.transforms.slope, b, b.output, dy, &g.output[0], i, 4, g.to)
}

// origin is the only tap of a matrix product.
var origin = []tap{{}}

// items returns the number of items that correlate takes.
func (g *winogradFilter) items() int { return g.elements() * panels(g.to) * len(g.phases) }

// correlate sums, or adds up, a block's products of an element, a panel and a phase,
// in this order.
func (g *winogradFilter) correlate(t *tile, b *block, sums []float32, i int, add bool) {
	e, p, phase := g.product(i, len(g.phases))
	if !g.meets(e, g.phases[phase]) {
		return
	}
	nr := panelLanes(g.to)
	lanes := min(nr, g.to-p*nr)
	if lanes < nr && !add {
		clear(sums[i*g.from*nr:][:g.from*nr])
	}
	*t = tile{
		a: b.source, b: b.output, c: sums, taps: origin, steps: b.rows(), add: add,
		a0: (phase*g.elements() + e) * g.sourceLen(b.rows()), b0: e*g.outputLen(b.rows()) + p*nr, c0: i * g.from * nr,
		lda: g.from, ldb: g.to, ldc: nr,
	}
	computeBlock(g.kernels.tn, t, g.from, lanes, 1)
}

// finish transforms chunk i of the groups' sums to the gradient dw. Taps that a phase
// lacks go to noTaps.
func (g *winogradFilter) finish(t *transform, dw, sums, noTaps []float32, i int) {
	panel, phase, first, n := g.chunk(i)
	size := g.from * panelLanes(g.to)
	for group := range g.groups {
		for e := range g.elements() {
			t.src[e] = g.nothing
			if g.meets(e, g.phases[phase]) {
				t.src[e] = sums[group*g.filterLen()+g.matrix(e, panel, phase)+first:][:n]
			}
		}
		for i := range g.taps * g.taps {
			t.dst[i] = noTaps
			if at, ok := g.tap(g.phases[phase], i, false); ok {
				t.dst[i] = dw[(panel*9+at)*size+first:][:n]
			}
		}
		k := &g.transforms.sum
		if group > 0 {
			k = &g.transforms.sumAdd
		}
		g.transform(k, t, n)
	}
}
