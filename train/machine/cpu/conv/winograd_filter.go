package conv

import "largestep/train/machine/cpu/pool"

// A winogradFilter computes the gradient of a filter by transformed pixels of x
// and dy, whose products are summed over all images and tile positions. Blocks
// follow each other, each added to the sums, so that the order is the same for
// any number of threads.
type winogradFilter struct {
	winograd
	pool   *pool.Pool
	blocks []block
}

func newWinogradFilter(p *pool.Pool, kernels *kernelSet, scratch *Scratch, s Shape, most limits) *winogradFilter {
	g := &winogradFilter{winograd: *newWinograd(kernels, scratch, s.N, s.H, s.W, s.C, s.OC), pool: p}
	positions := g.sharedPositions(most)
	for first := 0; first < g.tiles; first += positions {
		g.blocks = append(g.blocks, block{first: first, last: min(first+positions, g.tiles), to: s.N})
	}
	return g
}

// scratchLen returns the floats that run needs.
func (g *winogradFilter) scratchLen() int {
	return g.filterLen() + g.blockLen(g.blocks[0].rows())
}

// run computes dw.
func (g *winogradFilter) run(work []work, dw, dy, x, scratch []float32) {
	sums, scratch := scratch[:g.filterLen()], scratch[g.filterLen():]
	for n := range g.blocks {
		b := g.blocks[n]
		g.place(&b, scratch)
		g.pool.Do(2*b.parts(), func(worker, i int) {
			t := &work[worker].transform
			if i%2 == 0 {
				g.transformSource(t, &b, x, i/2)
			} else {
				g.transformPixels(t, &g.kernels.transforms.slope, &b, b.output, dy, i/2, 4, 0, g.to)
			}
		})
		g.pool.Do(g.products(), func(worker, i int) {
			g.correlate(&work[worker].tile, &b, sums, i, n > 0)
		})
	}
	g.pool.Do(panels(g.to)*g.chunks(), func(worker, i int) {
		g.finish(&work[worker].transform, dw, sums, i)
	})
}

// correlate sums, or adds up, a block's products of element e and panel p, for
// i = e panels + p.
func (g *winogradFilter) correlate(t *tile, b *block, sums []float32, i int, add bool) {
	nr := panelLanes(g.to)
	e, p := i/panels(g.to), i%panels(g.to)
	lanes := min(nr, g.to-p*nr)
	if lanes < nr && !add {
		clear(sums[i*g.from*nr:][:g.from*nr])
	}
	*t = tile{
		a: b.source, b: b.output, c: sums, taps: origin, steps: b.rows(), add: add,
		a0: e * g.sourceLen(b.rows()), b0: e*g.outputLen(b.rows()) + p*nr, c0: i * g.from * nr,
		lda: g.from, ldb: g.to, ldc: nr,
	}
	computeBlock(g.kernels.tn, t, g.from, lanes, 1)
}

// finish transforms chunk i of the sums to the gradient dw.
func (g *winogradFilter) finish(t *transform, dw, sums []float32, i int) {
	p, first, n := g.chunk(i)
	size := g.from * panelLanes(g.to)
	for e := range 36 {
		t.src[e] = sums[(e*panels(g.to)+p)*size+first:][:n]
	}
	for i := range 9 {
		t.dst[i] = dw[(p*9+i)*size+first:][:n]
	}
	g.transform(&g.kernels.transforms.sum, t, n)
}
