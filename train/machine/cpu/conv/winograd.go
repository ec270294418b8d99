package conv

import "time"

// A winograd computes convolutions of 3×3 taps, stride 1 and padding 1, forward
// and backward, by F(4×4, 3×3): tiles of 6×6 pixels of the source and the filter
// are transformed to 36 elements each, for each element the channels are
// multiplied as matrices, and the products transformed to tiles of 4×4 pixels of
// the output. It takes a quarter of the direct way's multiplications; its
// rounding errors are some ten times larger.
type winograd struct {
	kernels  *kernelSet
	scratch  *Scratch
	n, h, w  int
	from, to int  // channels of source and output
	wide     int  // tiles in a row
	tiles    int  // in all: positions
	part     int  // images of a position that are transformed at a time
	far      bool // pixels come from memory, and are asked for before
	nothing  []float32
}

func newWinograd(kernels *kernelSet, scratch *Scratch, n, h, w, from, to int, most limits) *winograd {
	part := min(partImages(max(from, to)), n)
	return &winograd{
		kernels: kernels, scratch: scratch, n: n, h: h, w: w, from: from, to: to,
		wide: (w + 3) / 4, tiles: (w + 3) / 4 * ((h + 3) / 4), part: part,
		far:     kernels.prefetch != nil && n*h*w*min(from, to) > most.near,
		nothing: make([]float32, part*max(from, to)),
	}
}

// allowsWinograd says whether s is a convolution that a winograd computes.
func (s Shape) allowsWinograd() bool { return s.K == 3 && s.Stride == 1 && s.Pad == 1 }

// suitsWinograd says whether that is the faster way. With few channels the
// transforms of pixels weigh more than what they save, with few rows that of the
// filter. Maps of less than a tile waste most of it.
func (s Shape) suitsWinograd() bool {
	tiles := (s.H + 3) / 4 * ((s.W + 3) / 4)
	return s.allowsWinograd() && min(s.H, s.W) >= 4 && min(s.C, s.OC) >= 16 && s.N*tiles >= 48
}

// A block is images [from, to) at the tile positions [first, last): the rows of a
// matrix product. Its memory holds pixels of source and output transformed, in
// the order (element, row, channel).
type block struct {
	first, last int
	from, to    int
	source      []float32
	output      []float32
}

func (b *block) images() int { return b.to - b.from }

func (b *block) rows() int { return (b.last - b.first) * b.images() }

// skew is what lies between the elements of the source, one cache line, so that
// the 36 elements of a row do not compete for the same places in a cache.
// Measured: as good or better by a tenth; one for the output too is not.
const skew = 16

// sourceLen returns the floats from element to element.
func (g *winograd) sourceLen(rows int) int { return rows*g.from + skew }

// outputLen returns the floats from element to element.
func (g *winograd) outputLen(rows int) int { return rows * g.to }

// place gives b its memory, the beginning of s.
func (g *winograd) place(b *block, s []float32) {
	n := 36 * g.sourceLen(b.rows())
	b.source, b.output = s[:n], s[n:][:36*g.outputLen(b.rows())]
}

// blockLen returns the floats that a block of the given rows needs.
func (g *winograd) blockLen(rows int) int { return 36 * (g.sourceLen(rows) + g.outputLen(rows)) }

// filterLen returns the floats of a transformed filter, [36][oc/nr][ic][nr].
func (g *winograd) filterLen() int { return 36 * FilterLen(g.to, g.from, 1) }

// partImages is how many images of a tile position are transformed at a time, so
// that of each pixel a page of memory is read, which processors fetch in advance.
func partImages(channels int) int { return min(max(1024/channels, 16), 64) }

// pieces returns the number of parts of a tile position.
func (g *winograd) pieces(b *block) int { return (b.images() + g.part - 1) / g.part }

// parts returns the number of parts, which transforms take one of.
func (g *winograd) parts(b *block) int { return (b.last - b.first) * g.pieces(b) }

// at returns the tile position of part i, its images, and its first row in the
// block.
func (g *winograd) at(b *block, i int) (position, from, to, row int) {
	position, i = b.first+i/g.pieces(b), i%g.pieces(b)
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

// transformPixels transforms a part of s, squares of pixels whose first one is
// shifted by shift, into out. Pixels outside are 0.
func (g *winograd) transformPixels(t *transform, k *transformKernel, b *block, out, s []float32, i, size, shift, channels int) {
	position, from, to, row := g.at(b, i)
	g.tile(t.src[:size*size], s, g.nothing, position, shift, from, to, channels)
	for e := range 36 {
		t.dst[e] = out[e*(len(out)/36)+row*channels:]
	}
	g.transform(k, t, (to-from)*channels)
}

// transformSource transforms a part of the source x.
func (g *winograd) transformSource(t *transform, b *block, x []float32, i int) {
	g.transformPixels(t, &g.kernels.transforms.data, b, b.source, x, i, 6, -1, g.from)
}

// transformOutput transforms products to a part of y. Pixels outside go to the
// slice outside.
func (g *winograd) transformOutput(t *transform, b *block, y, outside []float32, i int, add bool) {
	position, from, to, row := g.at(b, i)
	g.tile(t.dst[:16], y, outside, position, 0, from, to, g.to)
	for e := range 36 {
		t.src[e] = b.output[e*g.outputLen(b.rows())+row*g.to:]
	}
	k := &g.kernels.transforms.result
	if add {
		k = &g.kernels.transforms.resultAdd
	}
	g.transform(k, t, (to-from)*g.to)
}

// tile sets slices to the square of pixels of s at a tile position.
func (g *winograd) tile(slices [][]float32, s, outside []float32, position, shift, from, to, channels int) {
	size := 6
	if len(slices) == 16 {
		size = 4
	}
	for i := range slices {
		pixel, inside := g.pixel(position, shift, i, size)
		if !inside {
			slices[i] = outside
			continue
		}
		slices[i] = s[(pixel+from)*channels : (pixel+to)*channels]
	}
}

// pixel returns the first row, of an image each, of the i-th pixel of a square of
// size × size at a tile position, and whether there is such a pixel.
func (g *winograd) pixel(position, shift, i, size int) (row int, inside bool) {
	y, x := position/g.wide*4+shift+i/size, position%g.wide*4+shift+i%size
	return (y*g.w + x) * g.n, y >= 0 && y < g.h && x >= 0 && x < g.w
}

// origin is a matrix product's only tap.
var origin = []tap{{}}

// multiply computes products with the transformed filter u: element e and panel
// p, for i = e panels + p.
func (g *winograd) multiply(t *tile, b *block, u []float32, i int) {
	nr := panelLanes(g.to)
	e, p := i/panels(g.to), i%panels(g.to)
	*t = tile{
		a: b.source, b: u, c: b.output, taps: origin, steps: g.from,
		a0: e * g.sourceLen(b.rows()), b0: i * g.from * nr, c0: e*g.outputLen(b.rows()) + p*nr,
		lda: g.from, ldb: nr, ldc: g.to,
	}
	computeBlock(g.kernels.nn, t, b.rows(), min(nr, g.to-p*nr), g.from)
}

// products returns the number of items that multiply takes.
func (g *winograd) products() int { return 36 * panels(g.to) }

// flop returns the floating-point operations of the products.
func (g *winograd) flop() float64 { return 2 * 36 * float64(g.tiles*g.n) * float64(g.from*g.to) }

// chunkLen is how many floats of a filter's panel are transformed at a time.
const chunkLen = 2048

// chunks returns the number of chunks of a panel.
func (g *winograd) chunks() int {
	return (g.from*panelLanes(g.to) + chunkLen - 1) / chunkLen
}

// chunk returns the panel of chunk i of all panels, its place in a tap's or
// element's part of that, and its length.
func (g *winograd) chunk(i int) (panel, first, n int) {
	panel, first = i/g.chunks(), i%g.chunks()*chunkLen
	return panel, first, min(chunkLen, g.from*panelLanes(g.to)-first)
}
