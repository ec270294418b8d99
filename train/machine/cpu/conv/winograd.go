package conv

import "time"

// A winograd computes convolutions of 3×3 taps and padding 1, forward and backward:
// tiles of pixels of the source and the filter are transformed, for each element of
// the transformed tile the channels are multiplied as matrices, and the products
// transformed to tiles of 4×4 pixels of the output. It takes a quarter of the direct
// way's multiplications, at stride 2 nine sixteenths; its rounding errors are some
// ten times larger.
type winograd struct {
	*form
	kernels    *kernelSet
	transforms *transforms
	scratch    *Scratch
	source     []lattice // phases of the source, or one
	output     []lattice // one, or phases of the output
	n          int
	from, to   int  // channels of source and output
	wide       int  // tiles in a row
	tiles      int  // in all: positions
	part       int  // images of a position that are transformed at a time
	inPlace    bool // one thread multiplies element by element: products go where the source's element before lay
	nothing    []float32
}

// newWinograd plans a convolution of shape s, backward for data or not.
func newWinograd(kernels *kernelSet, scratch *Scratch, s Shape, backward bool) *winograd {
	g := &winograd{
		form: &unstrided, transforms: kernels.transforms, kernels: kernels, scratch: scratch,
		n: s.N, from: s.C, to: s.OC, wide: (s.outW() + 3) / 4,
	}
	if s.Stride == 2 {
		g.form, g.transforms = &strided, kernels.phases
	}
	if backward {
		g.from, g.to = s.OC, s.C
	}
	g.source, g.output = g.lattices(s, backward)
	g.tiles = g.wide * ((s.outH() + 3) / 4)
	g.part = min(partImages(max(s.C, s.OC)), s.N)
	g.nothing = make([]float32, max(g.part*max(s.C, s.OC), chunkLen))
	return g
}

// allowsWinograd says whether s is a convolution that a winograd computes.
func (s Shape) allowsWinograd() bool {
	return s.K == 3 && s.Pad == 1 && (s.Stride == 1 || s.Stride == 2)
}

// suitsWinogradFilter says whether that is the faster way to the gradient by the filter.
// With few channels the transforms of pixels weigh more than what they save, with few
// rows that of the filter. Maps of less than a tile waste most of it. At stride 2 less
// is saved.
func (s Shape) suitsWinogradFilter() bool {
	channels := 16
	if s.Stride == 2 {
		channels = 32
	}
	return s.allowsWinograd() && min(s.outH(), s.outW()) >= 4 && min(s.C, s.OC) >= channels && s.tileRows() >= 48
}

// suitsWinograd says it of the other directions, which at stride 2 save less than large
// filters cost.
func (s Shape) suitsWinograd() bool {
	return s.suitsWinogradFilter() && (s.Stride == 1 || s.tileRows() >= s.C*s.OC/256)
}

// tileRows returns the number of tiles of all images.
func (s Shape) tileRows() int { return s.N * ((s.outH() + 3) / 4) * ((s.outW() + 3) / 4) }

// A block is images [from, to) at the tile positions [first, last): the rows of a
// matrix product. Its memory holds pixels of source and output transformed.
type block struct {
	first, last    int
	from, to       int
	source, output transformed
}

// Transformed are pixels after the transform: for every element and phase a matrix of rows
// by channels.
type transformed struct {
	floats         []float32
	element, phase int // floats from one to the next
}

// at returns where the matrix of an element and a phase begins.
func (t *transformed) at(e, phase int) int { return e*t.element + phase*t.phase }

// of returns the floats of a phase.
func (t *transformed) of(phase int) transformed {
	return transformed{t.floats[t.at(0, phase):], t.element, 0}
}

func (b *block) images() int { return b.to - b.from }

func (b *block) rows() int { return (b.last - b.first) * b.images() }

// skew is what lies between the matrices, one cache line, so that the same row of all
// elements does not compete for one place in a cache. Measured: transforms to and from
// them take up to a third less.
const skew = 16

// sourceLen returns the floats of a matrix of the source.
func (g *winograd) sourceLen(rows int) int { return rows*g.from + skew }

// outputLen returns the floats of a matrix of the output.
func (g *winograd) outputLen(rows int) int { return rows*g.to + skew }

// place gives b its memory, the beginning of s.
func (g *winograd) place(b *block, s []float32) {
	s = s[:g.blockLen(b.rows())]
	source, output := g.elementLens(b.rows())
	b.source = transformed{s, source, g.sourceLen(b.rows())}
	b.output = transformed{s[g.elements()*source:], output, g.outputLen(b.rows())}
	if g.inPlace {
		each := max(source, output)
		b.source.floats, b.source.element = s[each:], each
		b.output.floats, b.output.element = s, each
	}
}

// blockLen returns the floats that a block of the given rows needs.
func (g *winograd) blockLen(rows int) int {
	source, output := g.elementLens(rows)
	if g.inPlace {
		return (g.elements() + 1) * max(source, output)
	}
	return g.elements() * (source + output)
}

// elementLens returns the floats of an element, all phases.
func (g *winograd) elementLens(rows int) (source, output int) {
	return len(g.source) * g.sourceLen(rows), len(g.output) * g.outputLen(rows)
}

// rowsIn returns how many rows a block of so many floats has.
func (g *winograd) rowsIn(floats int) int {
	const many = 1 << 10
	return (floats - g.blockLen(0)) * many / (g.blockLen(many) - g.blockLen(0))
}

// filterLen returns the floats of a transformed filter, of elements panels phases
// matrices [from][nr].
func (g *winograd) filterLen() int {
	return g.elements() * len(g.phases) * FilterLen(g.to, g.from, 1)
}

// partImages is how many images of a tile position are transformed at a time, so
// that of each pixel a page of memory is read, which processors fetch in advance.
func partImages(channels int) int { return min(max(1024/channels, 16), 64) }

// perPosition returns the number of parts of a tile position.
func (g *winograd) perPosition(b *block) int { return (b.images() + g.part - 1) / g.part }

// parts returns the number of parts, which transforms take one of.
func (g *winograd) parts(b *block) int { return (b.last - b.first) * g.perPosition(b) }

// at returns the tile position of part i, its images, and its first row in the
// block.
func (g *winograd) at(b *block, i int) (position, from, to, row int) {
	position, i = b.first+i/g.perPosition(b), i%g.perPosition(b)
	from = b.from + i*g.part
	to = min(from+g.part, b.to)
	return position, from, to, (position-b.first)*b.images() + from - b.from
}

// cut divides all into blocks of about so many rows, the largest first.
func (g *winograd) cut(rows int) []block {
	positions, pieces := max(rows/g.n, 1), (g.n+rows-1)/rows
	var blocks []block
	for first := 0; first < g.tiles; first += positions {
		for i := range pieces {
			blocks = append(blocks, block{
				first: first, last: min(first+positions, g.tiles),
				from: (i*g.n + pieces - 1) / pieces, to: ((i+1)*g.n + pieces - 1) / pieces,
			})
		}
	}
	return blocks
}

// cutShared divides all into blocks for all threads, of whole tile positions.
func (g *winograd) cutShared(most limits) []block {
	return g.cut(max(max(most.shared, g.filterLen())/g.blockLen(g.n), 1) * g.n)
}

// transform runs the kernel k on n floats.
func (g *winograd) transform(k *transformKernel, t *transform, n int) {
	m := g.scratch.Meter
	if m == nil {
		k.run(t, n)
		return
	}
	start := time.Now()
	k.run(t, n)
	m.transforms.Add(int64(time.Since(start)))
}

// transformPixels transforms a part of s, squares of pixels of a lattice, into out.
// Pixels outside are 0.
func (g *winograd) transformPixels(t *transform, k *transformKernel, b *block, out transformed, s []float32, l *lattice, i, size, channels int) {
	position, from, to, row := g.at(b, i)
	g.tile(t.src[:size*size], s, g.nothing, l, size, position, from, to, channels)
	for e := range g.elements() {
		t.dst[e] = out.floats[out.at(e, 0)+row*channels:]
	}
	g.transform(k, t, (to-from)*channels)
}

// transformSource transforms a part of the source x, all phases.
func (g *winograd) transformSource(t *transform, b *block, x []float32, i int) {
	for p := range g.source {
		g.transformPixels(t, &g.transforms.data, b, b.source.of(p), x, &g.source[p], i, g.size, g.from)
	}
}

// transformOutput transforms products to a part of y, all phases. Pixels outside go
// to the slice outside.
func (g *winograd) transformOutput(t *transform, b *block, y, outside []float32, i int, add bool) {
	position, from, to, row := g.at(b, i)
	k := &g.transforms.result
	if add {
		k = &g.transforms.resultAdd
	}
	for p := range g.output {
		g.tile(t.dst[:16], y, outside, &g.output[p], 4, position, from, to, g.to)
		for e := range g.elements() {
			t.src[e] = g.nothing
			if len(g.output) == 1 || g.meets(e, g.phases[p]) {
				t.src[e] = b.output.floats[b.output.at(e, p)+row*g.to:]
			}
		}
		g.transform(k, t, (to-from)*g.to)
	}
}

// tile sets slices to the square of size × size pixels of s at a tile position.
func (g *winograd) tile(slices [][]float32, s, outside []float32, l *lattice, size, position, from, to, channels int) {
	for i := range slices {
		pixel, inside := g.pixel(l, position, i, size)
		if !inside {
			slices[i] = outside
			continue
		}
		slices[i] = s[pixel+from*channels : pixel+to*channels]
	}
}

// pixel returns where the i-th pixel of a square of size × size at a tile position begins,
// and whether there is such a pixel.
func (g *winograd) pixel(l *lattice, position, i, size int) (at int, inside bool) {
	y := (position/g.wide*4+i/size)*l.stride + l.top
	x := (position%g.wide*4+i%size)*l.stride + l.left
	return y*l.row + x*l.pixel, y >= 0 && y < l.h && x >= 0 && x < l.w
}

// multiply computes the products of b and a panel of the filter, for an element and an
// output phase. Those of the source's phases are summed.
func (g *winograd) multiply(work *work, b *block, u piece, e, out int) {
	if len(g.output) > 1 && !g.meets(e, g.phases[out]) {
		return
	}
	sums := work.phases[:0]
	for k := range g.source {
		if len(g.source) == 1 || g.meets(e, g.phases[k]) {
			sums = append(sums, tap{a: k * b.source.phase, b: k * u.phase})
		}
	}
	nr := panelLanes(g.to)
	t := &work.tile
	*t = tile{
		a: b.source.floats, b: u.floats, c: b.output.floats, taps: sums, steps: u.channels,
		a0:  b.source.at(e, 0),
		b0:  e*u.element + out*u.phase,
		c0:  b.output.at(e, out) + u.panel*nr,
		lda: g.from, ldb: nr, ldc: g.to, queue: &work.queue,
	}
	computeBlock(g.kernels.nn, t, b.rows(), min(nr, g.to-u.panel*nr), g.from)
}

// product returns the element, panel and phase of product i, of so many phases.
func (g *winograd) product(i, phases int) (e, panel, phase int) {
	return i / phases / panels(g.to), i / phases % panels(g.to), i % phases
}

// items returns the number of products of a block and a transformed filter.
func (g *winograd) items() int { return g.elements() * panels(g.to) * len(g.output) }

// flop returns the floating-point operations of the products.
func (g *winograd) flop() float64 {
	return 2 * float64(g.products()) * float64(g.tiles*g.n) * float64(g.from*g.to)
}
