package conv

import "unsafe"

// restart forgets what has not been asked for yet.
func (q *queue) restart() { q.asks, q.next = q.asks[:0], 0 }

// restart forgets it on all threads.
func restart(work []work) {
	for i := range work {
		work[i].queue.restart()
	}
}

// add has s asked for, after what came before it. To ask for what has gone in the meantime
// does no harm.
func (q *queue) add(s []float32) {
	from := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	q.asks = append(q.asks, ask{from, from + 4*uintptr(len(s))})
}

// prefetch adds to q part i of parts of the squares of size pixels of lattices in s at the
// tile positions of b, which most likely lie beyond the level-2 cache.
func (g *winograd) prefetch(q *queue, b *block, s []float32, lattices []lattice, i, parts, size, channels int) {
	if !g.kernels.fetches {
		return
	}
	square := size * size
	pixels := g.parts(b) * square * len(lattices)
	for k := i * pixels / parts; k < (i+1)*pixels/parts; k++ {
		position, from, to, _ := g.at(b, k/square/len(lattices))
		if pixel, inside := g.pixel(&lattices[k/square%len(lattices)], position, k%square, size); inside {
			q.add(s[pixel+from*channels : pixel+to*channels])
		}
	}
}

// prefetchSource adds part i of parts of the pixels of x that b transforms.
func (g *winograd) prefetchSource(q *queue, b *block, x []float32, i, parts int) {
	g.prefetch(q, b, x, g.source, i, parts, g.size, g.from)
}

// prefetchOutput adds part i of parts of the pixels of y that b sets, or whose slope
// it transforms.
func (g *winograd) prefetchOutput(q *queue, b *block, y []float32, i, parts int) {
	g.prefetch(q, b, y, g.output, i, parts, 4, g.to)
}

// prefetchFilter adds what item i of items, if there is one, takes of a transformed filter,
// or of the sums of its gradient: they lie in the order of the items.
func (g *winograd) prefetchFilter(q *queue, u []float32, i, items int) {
	if g.kernels.fetches && i < items {
		size := g.filterLen() / items
		q.add(u[i*size:][:size])
	}
}

// prefetchElement adds a part of the transformed source's next element; the items of an
// element add all of it.
func (g *winograd) prefetchElement(q *queue, b *block, i, items int) {
	parts := items / g.elements()
	next, part := i/parts+1, i%parts
	if g.kernels.fetches && next < g.elements() {
		n := b.source.element
		q.add(b.source.floats[next*n:][part*n/parts : (part+1)*n/parts])
	}
}

// prefetchPanel adds part i of parts of what a panel, if there is one, is transformed from:
// its own weights, or backward those of its channels in every panel.
func (g *winogradData) prefetchPanel(q *queue, w []float32, panel, i, parts int) {
	if !g.kernels.fetches || panel == panels(g.to) {
		return
	}
	if !g.turned {
		size := 9 * g.from * panelLanes(g.to)
		q.add(w[panel*size:][i*size/parts : (i+1)*size/parts])
		return
	}
	first := panel * panelLanes(g.to)
	last := min(first+panelLanes(g.to), g.to)
	nr, taps := panelLanes(g.from), 9*panels(g.from)
	for k := i * taps / parts; k < (i+1)*taps/parts; k++ {
		q.add(w[(k*g.to+first)*nr : (k*g.to+last)*nr])
	}
}

// prefetchSlice adds what a piece becomes: a part of each tap of the gradient dw.
func (g *winogradFilter) prefetchSlice(q *queue, dw []float32, p piece) {
	if !g.kernels.fetches {
		return
	}
	nr := panelLanes(g.to)
	for tap := range 9 {
		q.add(dw[((p.panel*9+tap)*g.from+p.first)*nr:][:p.channels*nr])
	}
}
