package conv

// spanFloats bounds the transformed pixels that a span takes, so that they stay
// in a shared cache between their making and their use.
const spanFloats = 16 << 20 / 4

// A winogradFilter computes the gradient of a filter as winograd computes the
// convolution: transformed pixels of x and dy are multiplied over all images and
// tile positions, and the 36 products of a pair of channels transformed to the
// gradients of 9 taps. Tile positions are taken in spans, one after the other,
// each added to the products, so that the order does not depend on the threads.
type winogradFilter struct {
	winograd
	positions int // in a span
}

func newWinogradFilter(kernels *kernelSet, s Shape) *winogradFilter {
	g := &winogradFilter{winograd: *newWinograd(kernels, s.N, s.H, s.W, s.C, s.OC)}
	g.nothing = make([]float32, s.N*max(s.C, s.OC))
	g.positions = min(max(spanFloats/(36*s.N*(s.C+s.OC)), 1), g.tall*g.wide)
	return g
}

// spans returns the number of spans.
func (g *winogradFilter) spans() int {
	return (g.tall*g.wide + g.positions - 1) / g.positions
}

// span returns the tile positions of a span.
func (g *winogradFilter) span(i int) (first, last int) {
	return i * g.positions, min((i+1)*g.positions, g.tall*g.wide)
}

// The scratch: transformed pixels of x and of dy, and products, which have the
// form of a transformed filter.
func (g *winogradFilter) scratch(s []float32) (v, q, products []float32) {
	rows := 36 * g.positions * g.n
	v, s = s[:rows*g.from], s[rows*g.from:]
	q, s = s[:rows*g.to], s[rows*g.to:]
	return v, q, s[:g.filterLen()]
}

func (g *winogradFilter) scratchLen() int {
	return 36*g.positions*g.n*(g.from+g.to) + g.filterLen()
}

// transforms returns the number of items that transform takes for a span.
func (g *winogradFilter) transforms(span int) int {
	first, last := g.span(span)
	return 2 * (last - first)
}

// transform makes one item of a span's transformed pixels.
func (g *winogradFilter) transform(work *work, span, i int, dy, x, scratch []float32) {
	first, last := g.span(span)
	position, t := first+i/2, &work.transform
	v, q, _ := g.scratch(scratch)
	rows, at := (last-first)*g.n, i/2*g.n
	if i%2 == 0 {
		g.tile(t.src[:36], x, g.nothing, position, 6, -1, 0, g.n, g.from)
		for e := range 36 {
			t.dst[e] = v[(e*rows+at)*g.from:]
		}
		g.kernels.transforms.data.run(t, g.n*g.from)
		return
	}
	g.tile(t.src[:16], dy, g.nothing, position, 4, 0, 0, g.n, g.to)
	for e := range 36 {
		t.dst[e] = q[(e*rows+at)*g.to:]
	}
	g.kernels.transforms.slope.run(t, g.n*g.to)
}

// multiply adds a span's products of element e and panel p, for i = e panels + p.
func (g *winogradFilter) multiply(work *work, span, i int, scratch []float32) {
	nr := panelLanes(g.to)
	e, p := i/panels(g.to), i%panels(g.to)
	lanes := min(nr, g.to-p*nr)
	first, last := g.span(span)
	rows := (last - first) * g.n
	v, q, products := g.scratch(scratch)
	if lanes < nr && span == 0 {
		clear(products[i*g.from*nr:][:g.from*nr])
	}
	work.tile = tile{
		a: v, b: q, c: products, taps: origin, steps: rows, add: span > 0,
		a0: e * rows * g.from, b0: e*rows*g.to + p*nr, c0: i * g.from * nr,
		lda: g.from, ldb: g.to, ldc: nr,
	}
	compute(g.kernels.tn, &work.tile, g.from, lanes, 1)
}

// finish transforms panel p of the products to the gradient dw.
func (g *winogradFilter) finish(work *work, p int, dw, scratch []float32) {
	_, _, products := g.scratch(scratch)
	size := g.from * panelLanes(g.to)
	t := &work.transform
	for e := range 36 {
		t.src[e] = products[(e*panels(g.to)+p)*size:][:size]
	}
	for i := range 9 {
		t.dst[i] = dw[(p*9+i)*size:][:size]
	}
	g.kernels.transforms.sum.run(t, size)
}
