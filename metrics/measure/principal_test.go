package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

func TestPrincipalValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][2]int{{7, 4}, {4, 7}, {5, 5}, {1, 3}, {3, 1}} {
		x := make([]float64, size[0]*size[1])
		for i := range x {
			x[i] = rng.NormFloat64() + float64(i%size[1])
		}
		dense := mat.DenseCopyOf(mat.NewDense(size[0], size[1], x))
		got, err := PrincipalValues(x, size[0], size[1])
		if err != nil {
			t.Fatal(err)
		}
		if size[0] == 1 { // no variance
			if floats.Norm(got, 2) != 0 {
				t.Errorf("one row: %v", got)
			}
			continue
		}
		var pc stat.PC
		if !pc.PrincipalComponents(dense, nil) {
			t.Fatal("no components")
		}
		for i, v := range pc.VarsTo(nil) {
			if w := math.Sqrt(v * float64(size[0]-1)); !(math.Abs(got[i]-w) < 1e-7) {
				t.Errorf("%v, value %d is %g, want %g", size, i, got[i], w)
			}
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		if got, err := PrincipalValues([]float64{1, bad, 2, 3}, 2, 2); got != nil || err != nil {
			t.Errorf("with %g: %v, error %v", bad, got, err)
		}
	}
	if _, err := PrincipalValues(nil, 0, 2); err == nil {
		t.Error("an empty matrix")
	}
}

func TestComponents(t *testing.T) {
	for _, c := range []struct {
		values []float64
		share  float64
		want   int
	}{
		{[]float64{3, 0, 0}, 0.99, 1},
		{[]float64{1, 1, 1, 1}, 0.99, 4},
		{[]float64{1, 1, 1, 1}, 0.5, 2},
		{[]float64{10, 1, 0.1}, 0.99, 1},
		{[]float64{9, 1, 0.1}, 0.99, 2},
		{[]float64{0, 0}, 0.99, 0},
		{nil, 0.99, 0},
	} {
		if got := Components(c.values, c.share); got != c.want {
			t.Errorf("%v, %g: %d, want %d", c.values, c.share, got, c.want)
		}
	}
}
