package conv

// winogradRows is how many rows, images at tile positions, an item transforms
// and multiplies at a time.
const winogradRows = 32

// A winograd computes a convolution of 3×3 taps, stride 1 and padding 1 by
// F(4×4, 3×3): tiles of 6×6 pixels of the source and the filter are transformed
// to 36 elements each, for each element the channels are multiplied as matrices,
// and the products transformed to tiles of 4×4 pixels of the output. It takes a
// quarter of the direct way's multiplications; errors are some five times larger.
type winograd struct {
	kernels  *kernelSet
	n, h, w  int
	from, to int // channels of source and output
	tall     int // tiles in a column
	wide     int // tiles in a row
	perItem  int // tile positions of an item,
	pieces   int // or items of a position
	nothing  []float32
}

func newWinograd(kernels *kernelSet, n, h, w, from, to int) *winograd {
	g := &winograd{
		kernels: kernels, n: n, h: h, w: w, from: from, to: to,
		tall: (h + 3) / 4, wide: (w + 3) / 4,
		perItem: max(winogradRows/n, 1), pieces: (n + winogradRows - 1) / winogradRows,
	}
	g.nothing = make([]float32, g.images()*from)
	return g
}

// suitsWinograd says whether Winograd's convolution is the faster one: maps of
// one tile, where the direct way leaves out most taps at the border, and few
// channels, where the transforms weigh more than the product, are better off
// without.
func (s Shape) suitsWinograd() bool {
	return s.K == 3 && s.Stride == 1 && s.Pad == 1 &&
		min(s.H, s.W) >= 8 && min(s.C, s.OC) >= 16
}

// images returns the most images of a position that an item takes.
func (g *winograd) images() int { return (g.n + g.pieces - 1) / g.pieces }

// rows returns the most rows of an item.
func (g *winograd) rows() int { return g.images() * g.perItem }

// filterLen returns the floats of a transformed filter, [36][oc/nr][ic][nr].
func (g *winograd) filterLen() int { return 36 * FilterLen(g.to, g.from, 1) }

// scratchLen returns the floats that a worker needs: the transformed source, the
// products, and a place for pixels outside the output.
func (g *winograd) scratchLen() int { return g.rows()*36*(g.from+g.to) + g.images()*g.to }

// transformFilter transforms panel p of the packed filter w into u. Backward, the
// filter's taps are turned by 180°.
func (g *winograd) transformFilter(t *transform, u, w []float32, p int, turned bool) {
	size := g.from * panelLanes(g.to)
	for i := range 9 {
		at := i
		if turned {
			at = 8 - i
		}
		t.src[i] = w[(p*9+at)*size:][:size]
	}
	for e := range 36 {
		t.dst[e] = u[(e*panels(g.to)+p)*size:][:size]
	}
	g.kernels.transforms.filter.run(t, size)
}

// items returns the number of items that item takes.
func (g *winograd) items() int {
	return (g.tall*g.wide + g.perItem - 1) / g.perItem * g.pieces
}

// item computes one item of y from x and the transformed filter u.
func (g *winograd) item(work *work, i int, y, x, u, scratch []float32, add bool) {
	first := i / g.pieces * g.perItem
	last := min(first+g.perItem, g.tall*g.wide)
	piece := i % g.pieces
	from, to := piece*g.n/g.pieces, (piece+1)*g.n/g.pieces
	rows := (last - first) * (to - from)
	v := scratch[:36*rows*g.from]
	m := scratch[len(v):][:36*rows*g.to]
	outside := scratch[len(v)+len(m):][:(to-from)*g.to]

	t := &work.transform
	for position := first; position < last; position++ {
		g.tile(t.src[:36], x, g.nothing, position, 6, -1, from, to, g.from)
		at := (position - first) * (to - from) * g.from
		for e := range 36 {
			t.dst[e] = v[e*rows*g.from+at:]
		}
		g.kernels.transforms.data.run(t, (to-from)*g.from)
	}
	g.multiply(&work.tile, m, v, u, rows)
	result := &g.kernels.transforms.result
	if add {
		result = &g.kernels.transforms.resultAdd
	}
	for position := first; position < last; position++ {
		g.tile(t.dst[:16], y, outside, position, 4, 0, from, to, g.to)
		at := (position - first) * (to - from) * g.to
		for e := range 36 {
			t.src[e] = m[e*rows*g.to+at:]
		}
		result.run(t, (to-from)*g.to)
	}
}

// tile sets slices to the size×size pixels of a tile position, whose first pixel
// is shifted by shift, at the images [from, to). Pixels outside are outside.
func (g *winograd) tile(slices [][]float32, s, outside []float32, position, size, shift, from, to, channels int) {
	top, left := position/g.wide*4+shift, position%g.wide*4+shift
	for i := range size {
		for j := range size {
			y, x := top+i, left+j
			if y < 0 || y >= g.h || x < 0 || x >= g.w {
				slices[i*size+j] = outside
				continue
			}
			pixel := (y*g.w + x) * g.n
			slices[i*size+j] = s[(pixel+from)*channels : (pixel+to)*channels]
		}
	}
}

// origin is a matrix product's only tap.
var origin = []tap{{}}

// multiply computes the products m of transformed pixels v and filters u.
func (g *winograd) multiply(t *tile, m, v, u []float32, rows int) {
	nr := panelLanes(g.to)
	*t = tile{a: v, b: u, c: m, taps: origin, steps: g.from, lda: g.from, ldb: nr, ldc: g.to}
	for e := range 36 {
		for p := range panels(g.to) {
			t.a0 = e * rows * g.from
			t.b0 = (e*panels(g.to) + p) * g.from * nr
			t.c0 = e*rows*g.to + p*nr
			compute(g.kernels.nn, t, rows, min(nr, g.to-p*nr), g.from)
		}
	}
}
