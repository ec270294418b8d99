package conv

// A form is how Winograd computes convolutions of 3×3 taps, padding 1 and one stride:
// pixels and taps are divided into phases, each a convolution of stride 1 by F(4×4, 3×3)
// or F(4×4, 2×2), whose products are summed.
type form struct {
	stride int
	size   int // of a transformed tile: elements in a row
	taps   int // of a filter in a row
	phases []phase
	before int // pixel of dy, from its tile's first pixel of dx, with which the backward sum begins
}

// A phase is the pixels of x at every stride-th place, down and across.
type phase [2]axis

// An axis is a phase along one direction.
type axis struct {
	first int   // pixel of x, from its tile's first pixel of y, with which the forward sum begins
	dx    int   // first pixel of dx of the first tile
	taps  []int // of the filter that meet it
}

// unstrided has one phase. strided has the odd pixels, which meet the outer taps, and
// the even ones, which meet the tap in the middle: 81 products for 144.
var (
	unstrided = form{stride: 1, size: 6, taps: 3, before: -1, phases: phasesOf(axis{first: -1, taps: []int{0, 1, 2}})}
	strided   = form{stride: 2, size: 5, taps: 2, phases: phasesOf(axis{first: -1, dx: 1, taps: []int{0, 2}}, axis{taps: []int{1}})}
)

func phasesOf(axes ...axis) (all []phase) {
	for _, y := range axes {
		for _, x := range axes {
			all = append(all, phase{y, x})
		}
	}
	return all
}

// elements is how many a transformed tile has.
func (f *form) elements() int { return f.size * f.size }

// meets says whether element e of a phase's filter is other than 0: at the point ∞ it
// is the last tap.
func (f *form) meets(e int, p phase) bool {
	last := f.size - 1
	return (e/f.size < last || len(p[0].taps) == f.taps) && (e%f.size < last || len(p[1].taps) == f.taps)
}

// products is how many multiplications 4×4 pixels of the result take.
func (f *form) products() (n int) {
	for e := range f.elements() {
		for _, p := range f.phases {
			if f.meets(e, p) {
				n++
			}
		}
	}
	return n
}

// tap returns which of a 3×3 filter's taps is the i-th of a phase's, or, if turned,
// of the same by 180°, and whether it has so many.
func (f *form) tap(p phase, i int, turned bool) (at int, ok bool) {
	for k, at1 := range [2]int{i / f.taps, i % f.taps} {
		taps := p[k].taps
		if at1 >= len(taps) {
			return 0, false
		}
		if turned {
			at1 = len(taps) - 1 - at1
		}
		at = 3*at + taps[at1]
	}
	return at, true
}

// A lattice is the pixels of an image that tiles take: of a tile position, its first
// pixel and others at a stride.
type lattice struct {
	h, w       int // of the image
	row, pixel int // floats from one to the next
	stride     int
	top, left  int // of the first tile
}

// lattices returns which pixels a convolution of shape s reads and writes, forward or
// backward for data: of x the phases, of y all.
func (f *form) lattices(s Shape, backward bool) (source, output []lattice) {
	for _, p := range f.phases {
		x := lattice{s.H, s.W, s.inPitch(s.C), s.N * s.C, f.stride, p[0].first, p[1].first}
		if backward {
			x.top, x.left = p[0].dx, p[1].dx
		}
		source = append(source, x)
	}
	output = []lattice{{h: s.outH(), w: s.outW(), row: s.outPitch(s.OC), pixel: s.N * s.OC, stride: 1}}
	if !backward {
		return source, output
	}
	output[0].top, output[0].left = f.before, f.before
	return output, source
}
