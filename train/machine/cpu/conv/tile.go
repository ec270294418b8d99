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
	queue         *queue // what is asked for meanwhile, or nil
}

// A queue is what kernels ask for in the level-2 cache while they multiply, a few cache
// lines in every few steps: asked for at once they would hold up what is multiplied.
// Kernels may leave it alone.
type queue struct {
	asks []ask
	next int
}

// An ask is addresses [from, to), of which from advances.
type ask struct{ from, to uintptr }

// nnGo is the reference of the family nn.
func nnGo(t *tile, rows int) { t.compute(rows, t.lda, 1) }

// tnGo is the reference of the family tn.
func tnGo(t *tile, rows int) { t.compute(rows, 1, t.lda) }

// compute computes t for a whose rows lie aRow apart and whose steps aStep.
func (t *tile) compute(rows, aRow, aStep int) {
	for i := range rows * t.count {
		var sum [maxLanes]float32
		for _, tap := range t.taps {
			a, b := t.a[t.a0+tap.a+i*aRow:], t.b[t.b0+tap.b:]
			j := 0
			for ; j+8 <= t.lanes; j += 8 {
				sum8((*[8]float32)(sum[j:]), a, b[j:], t.steps, aStep, t.ldb)
			}
			for ; j < t.lanes; j++ {
				for s := range t.steps {
					sum[j] += a[s*aStep] * b[s*t.ldb+j]
				}
			}
		}
		for j, v := range sum[:t.lanes] {
			if c := &t.c[t.c0+i*t.ldc+j]; t.add {
				*c += v
			} else {
				*c = v
			}
		}
	}
}

// sum8 adds to sum the products of steps elements of a and rows of b. Eight sums
// fit in the registers of most processors.
func sum8(sum *[8]float32, a, b []float32, steps, aStep, ldb int) {
	s0, s1, s2, s3, s4, s5, s6, s7 := sum[0], sum[1], sum[2], sum[3], sum[4], sum[5], sum[6], sum[7]
	for s := range steps {
		v := a[s*aStep]
		row := (*[8]float32)(b[s*ldb:])
		s0 += v * row[0]
		s1 += v * row[1]
		s2 += v * row[2]
		s3 += v * row[3]
		s4 += v * row[4]
		s5 += v * row[5]
		s6 += v * row[6]
		s7 += v * row[7]
	}
	*sum = [8]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}
