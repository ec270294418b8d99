package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// rotated is a random symmetric matrix of the given eigenvalues, as an operator
// that counts its products.
func rotated(values []float64, products *int) Operator {
	n := len(values)
	rng := rand.New(rand.NewPCG(1, 2))
	random := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			random.Set(i, j, rng.NormFloat64())
		}
	}
	var qr mat.QR
	qr.Factorize(random)
	var q, h mat.Dense
	qr.QTo(&q)
	h.Product(&q, mat.NewDiagDense(n, values), q.T())
	return func(dst, v []float64) error {
		*products++
		mat.NewVecDense(n, dst).MulVec(&h, mat.NewVecDense(n, v))
		return nil
	}
}

func TestLargestEigenvalues(t *testing.T) {
	spread := make([]float64, 200)
	for i := range spread {
		spread[i] = 10 * math.Exp(-float64(i)/20) // close together: restarts
	}
	for name, c := range map[string]struct {
		values []float64
		count  int
	}{
		"one":            {[]float64{3}, 1},
		"negative":       {[]float64{-7, -1, -2, -3}, 2},
		"all":            {[]float64{4, -5, 1, 0, 2}, 5},
		"equal":          {[]float64{2, 2, 2, 1, 0, 0, 0, 0, 0, 0}, 3},
		"multiples of 1": {[]float64{1, 1, 1, 1}, 2},
		"zero":           {make([]float64, 5), 2},
		"spread":         {spread, 1},
		"five of spread": {spread, 5},
	} {
		t.Run(name, func(t *testing.T) {
			products := 0
			apply := rotated(c.values, &products)
			e, err := LargestEigenvalues(apply, len(c.values), EigenOptions{Count: c.count, Tolerance: 1e-7, Products: 1000})
			if err != nil || e.Products != products {
				t.Fatalf("%d products, %d counted, error %v", e.Products, products, err)
			}
			want := slices.Sorted(slices.Values(c.values))
			slices.Reverse(want)
			if !floats.EqualApprox(e.Values, want[:c.count], 1e-9) {
				t.Errorf("%v, want %v", e.Values, want[:c.count])
			}
			again, err := LargestEigenvalues(apply, len(c.values), EigenOptions{Count: c.count, Tolerance: 1e-7, Products: 1000, Start: e.Vectors})
			if err != nil || !floats.EqualApprox(again.Values, want[:c.count], 1e-9) || again.Products > c.count+1 {
				t.Errorf("begun where it ended: %v after %d products, error %v", again.Values, again.Products, err)
			}
		})
	}
}

func TestLargestEigenvaluesWithoutEnd(t *testing.T) {
	values := make([]float64, 100)
	for i := range values {
		values[i] = float64(i)
	}
	apply := rotated(values, new(int))
	e, err := LargestEigenvalues(apply, 100, EigenOptions{Count: 2, Tolerance: 1e-9, Products: 8})
	if err != nil || e.Products != 8 || e.Converged(1e-9) || len(e.Values) != 2 {
		t.Fatalf("%+v, error %v", e, err)
	}
	for k, v := range e.Values { // what the residual promises
		nearest := math.Inf(1)
		for _, w := range values {
			nearest = min(nearest, math.Abs(v-w))
		}
		if nearest > e.Residuals[k]*math.Abs(v) {
			t.Errorf("value %g with residual %g", v, e.Residuals[k])
		}
	}
	for _, count := range []int{0, 101} {
		if _, err := LargestEigenvalues(apply, 100, EigenOptions{Count: count, Products: 1}); err == nil {
			t.Errorf("%d eigenvalues of 100", count)
		}
	}
	lost, err := LargestEigenvalues(func(dst, v []float64) error { dst[3] = math.NaN(); return nil }, 100, EigenOptions{Count: 2, Tolerance: 1e-3, Products: 50})
	if err != nil || len(lost.Values) != 2 || !math.IsNaN(lost.Values[0]) || lost.Converged(1) {
		t.Errorf("without numbers: %+v, error %v", lost, err)
	}
}

func TestTrace(t *testing.T) {
	values := []float64{5, -3, 2, 1, 0.5, 0, 0, 1, 2, 3}
	rng := rand.New(rand.NewPCG(3, 3))
	signs := func(v []float64) {
		for i := range v {
			v[i] = float64(2*rng.IntN(2) - 1)
		}
	}
	trace, off, err := Trace(rotated(values, new(int)), 10, 4000, signs)
	if want := floats.Sum(values); err != nil || !(math.Abs(trace-want) < 4*off) || !(off < 0.2) {
		t.Errorf("%g ± %g, want %g, error %v", trace, off, want, err)
	}
	if _, off, _ := Trace(rotated(values, new(int)), 10, 1, signs); !math.IsNaN(off) {
		t.Errorf("standard error %g of one vector", off)
	}
}
