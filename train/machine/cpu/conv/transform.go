package conv

// A transform tells a kernel to compute L X Lᵀ for the matrices X that are made
// of one float from each of the slices src, by rows, n times; the results go to
// the slices dst likewise. L is one of the constant matrices below, of Winograd's
// convolutions F(4×4, 3×3) at the points 0, ±1, ±2, ∞ and F(4×4, 2×2) at 0, ±1, 2, ∞
// (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015).
type transform struct {
	//lint:ignore U1000 the assembly keeps L X here
	between [36 * 16]float32
	n       int
	src     [36][]float32
	dst     [36][]float32
}

// A small is a matrix of up to 6×6.
type small [][]float32

// The matrices of a convolution: bt takes a tile of pixels apart, g a filter's taps,
// and at puts the 4×4 pixels of a result together.
type matrices struct{ bt, g, at small }

var (
	matrices3 = matrices{ // of 3×3 taps and 6×6 pixels
		bt: small{
			{4, 0, -5, 0, 1, 0},
			{0, -4, -4, 1, 1, 0},
			{0, 4, -4, -1, 1, 0},
			{0, -2, -1, 2, 1, 0},
			{0, 2, -1, -2, 1, 0},
			{0, 4, 0, -5, 0, 1},
		},
		g: small{
			{1. / 4, 0, 0},
			{-1. / 6, -1. / 6, -1. / 6},
			{-1. / 6, 1. / 6, -1. / 6},
			{1. / 24, 1. / 12, 1. / 6},
			{1. / 24, -1. / 12, 1. / 6},
			{0, 0, 1},
		},
		at: small{
			{1, 1, 1, 1, 1, 0},
			{0, 1, -1, 2, -2, 0},
			{0, 1, 1, 4, 4, 0},
			{0, 1, -1, 8, -8, 1},
		},
	}
	matrices2 = matrices{ // of 2×2 taps and 5×5 pixels
		bt: small{
			{2, -1, -2, 1, 0},
			{0, -2, -1, 1, 0},
			{0, 2, -3, 1, 0},
			{0, -1, 0, 1, 0},
			{0, 2, -1, -2, 1},
		},
		g: small{
			{1. / 2, 0},
			{-1. / 2, -1. / 2},
			{-1. / 6, 1. / 6},
			{1. / 6, 1. / 3},
			{0, 1},
		},
		at: small{
			{1, 1, 1, 1, 0},
			{0, 1, -1, 2, 0},
			{0, 1, 1, 4, 0},
			{0, 1, -1, 8, 1},
		},
	}
)

// transposed returns mᵀ.
func (m small) transposed() small {
	t := make(small, len(m[0]))
	for j := range t {
		for i := range m {
			t[j] = append(t[j], m[i][j])
		}
	}
	return t
}

// transformGo returns the reference of a transform by m; add says that results
// are added to what is there.
func transformGo(m small, add bool) func(*transform) {
	out, in := len(m), len(m[0])
	return func(t *transform) {
		for f := range t.n {
			var half [6][6]float32 // m X
			for i := range out {
				for j := range in {
					for k := range in {
						half[i][j] += m[i][k] * t.src[k*in+j][f]
					}
				}
			}
			for i := range out {
				for j := range out {
					var sum float32
					for k := range in {
						sum += half[i][k] * m[j][k]
					}
					if add {
						sum += t.dst[i*out+j][f]
					}
					t.dst[i*out+j][f] = sum
				}
			}
		}
	}
}

// A transformKernel computes transforms of a multiple of vector floats.
type transformKernel struct {
	f      func(*transform)
	vector int
	rest   func(*transform) // for what is left: the reference
}

// run computes t, whose slices hold n floats or more.
func (k *transformKernel) run(t *transform, n int) {
	t.n = n &^ (k.vector - 1)
	k.f(t)
	if n == t.n {
		return
	}
	for i := range t.src {
		t.src[i] = after(t.src[i], t.n)
		t.dst[i] = after(t.dst[i], t.n)
	}
	t.n = n - t.n
	k.rest(t)
}

// after returns what follows the first n floats of s, which may be empty.
func after(s []float32, n int) []float32 { return s[min(n, len(s)):] }

// The transforms of one of the convolutions.
type transforms struct {
	data      transformKernel // Bᵀ X B, of input pixels
	filter    transformKernel // G X Gᵀ, of filters
	result    transformKernel // Aᵀ X A, to output pixels
	resultAdd transformKernel // the same, added to what is there
	slope     transformKernel // A X Aᵀ, of the gradient by output pixels
	sum       transformKernel // Gᵀ X G, to the gradient by filters
	sumAdd    transformKernel // the same, added to what is there
}

// newTransforms returns the kernels given, in the order of the fields, for
// vectors of the given size; those missing are the references by m.
func newTransforms(m matrices, vector int, kernels ...func(*transform)) *transforms {
	references := []func(*transform){
		transformGo(m.bt, false),
		transformGo(m.g, false),
		transformGo(m.at, false),
		transformGo(m.at, true),
		transformGo(m.at.transposed(), false),
		transformGo(m.g.transposed(), false),
		transformGo(m.g.transposed(), true),
	}
	k := make([]transformKernel, len(references))
	for i, rest := range references {
		k[i] = transformKernel{f: rest, vector: vector, rest: rest}
		if i < len(kernels) {
			k[i].f = kernels[i]
		}
	}
	return &transforms{k[0], k[1], k[2], k[3], k[4], k[5], k[6]}
}
