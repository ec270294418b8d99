package numpy

import (
	"math"
	"slices"
	"testing"
)

// The wanted numbers were printed by NumPy 2.4.6 with OpenBLAS 0.3.31 on a
// processor with AVX-512, for RandomState(3)'s randn(8, 12) @ randn(12).
func TestMatVecBits(t *testing.T) {
	r := NewRandomState(3)
	got := MatVec(r.Normal(8*12), r.Normal(12))
	want := []float64{
		-0x1.b514c92fa4ddap+1, -0x1.b0f20decd2e50p+1, 0x1.416c47865175cp-1, -0x1.fbb7982555006p+1,
		0x1.7e814d5aecf02p+0, 0x1.639f315d4d896p+1, -0x1.12a921fe8f87cp-1, -0x1.45cd0e1c1cd02p+2,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestMatVecAnySize(t *testing.T) {
	r := NewRandomState(0)
	for n := range 6 {
		for d := 1; d < 11; d++ {
			x, w := r.Normal(n*d), r.Normal(d)
			y := MatVec(x, w)
			if len(y) != n {
				t.Fatalf("%d×%d: %d products", n, d, len(y))
			}
			for i := range y {
				want := 0.0
				for j := range w {
					want += x[i*d+j] * w[j]
				}
				if !(math.Abs(y[i]-want) <= 1e-14) {
					t.Errorf("%d×%d: product %d is %v, want %v", n, d, i, y[i], want)
				}
			}
		}
	}
}
