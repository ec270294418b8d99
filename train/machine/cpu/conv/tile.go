package conv

// maxLanes is the width of the widest panel of packed filters.
const maxLanes = 32

// A tap is one term of a tile's sum: where its steps begin in a and in b.
type tap struct {
	a, b int // element offsets
}

// A tile tells a kernel what to compute. Kernels of the family nn sum
//
//	c[c0+i*ldc+j] = Σ_taps Σ_{s<steps} a[a0+tap.a+i*lda+s] * b[b0+tap.b+s*ldb+j]
//
// over row i of a (rows lie lda apart, steps side by side); those of the
// family tn walk a the other way, as a product with a transposed matrix does:
//
//	c[c0+i*ldc+j] = Σ_taps Σ_{s<steps} a[a0+tap.a+s*lda+i] * b[b0+tap.b+s*ldb+j]
//
// for i < rows and j < lanes, where the number of rows belongs to the kernel.
// With add, the sum is added to c instead. This is done for tiles that follow
// each other by rows rows, count times. Every element is summed in the order of
// taps and steps by fused multiply-adds, so that all vector kernels agree to
// the last bit however rows are divided among tiles.
type tile struct {
	a, b, c       []float32
	taps          []tap
	a0, b0, c0    int
	lda, ldb, ldc int // strides, in elements
	steps         int
	lanes         int
	count         int
	add           bool
}

// nnGo is the reference of the family nn.
func nnGo(t *tile, rows int) {
	for i := range rows * t.count {
		c := t.c[t.c0+i*t.ldc:][:t.lanes]
		var sum [maxLanes]float32
		for _, tap := range t.taps {
			a := t.a[t.a0+tap.a+i*t.lda:][:t.steps]
			for s, v := range a {
				for j, w := range t.b[t.b0+tap.b+s*t.ldb:][:t.lanes] {
					sum[j] += v * w
				}
			}
		}
		store(c, sum[:], t.add)
	}
}

// tnGo is the reference of the family tn.
func tnGo(t *tile, rows int) {
	for i := range rows * t.count {
		c := t.c[t.c0+i*t.ldc:][:t.lanes]
		var sum [maxLanes]float32
		for _, tap := range t.taps {
			for s := range t.steps {
				v := t.a[t.a0+tap.a+s*t.lda+i]
				for j, w := range t.b[t.b0+tap.b+s*t.ldb:][:t.lanes] {
					sum[j] += v * w
				}
			}
		}
		store(c, sum[:], t.add)
	}
}

// store writes sum to c, or adds it.
func store(c, sum []float32, add bool) {
	for j := range c {
		if add {
			c[j] += sum[j]
		} else {
			c[j] = sum[j]
		}
	}
}
