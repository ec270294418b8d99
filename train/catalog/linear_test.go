package catalog

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/mat"
	"largestep/train/problem"
)

func randomSample(rng *rand.Rand, n, d int) problem.Sample {
	s := problem.Sample{X: make([]float64, n*d), Y: make([]float64, n)}
	for i := range s.X {
		s.X[i] = rng.NormFloat64()
	}
	for i := range s.Y {
		s.Y[i] = rng.NormFloat64()
	}
	return s
}

// The least error is that of the solution of the normal equations.
func TestLeastSquaredError(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][2]int{{2, 1}, {11, 10}, {50, 7}, {300, 40}, {5, 5}, {5, 9}} {
		n, d := size[0], size[1]
		s := randomSample(rng, n, d)
		want := 0.0
		if n > d {
			x, y := mat.NewDense(n, d, s.X), mat.NewVecDense(n, s.Y)
			var gram mat.Dense
			var right, theta, r mat.VecDense
			gram.Mul(x.T(), x)
			right.MulVec(x.T(), y)
			if err := theta.SolveVec(&gram, &right); err != nil {
				t.Fatal(err)
			}
			r.MulVec(x, &theta)
			r.SubVec(&r, y)
			want = mat.Dot(&r, &r) / float64(n)
		}
		if got := leastSquaredError(s); !(math.Abs(got-want) <= 1e-10*want) {
			t.Errorf("%d×%d: %v, want %v", n, d, got, want)
		}
	}
}

// Neither many dimensions nor many examples take their square in memory.
func TestLeastSquaredErrorOfManyNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][2]int{{4, 30_000}, {30_000, 4}} {
		s := randomSample(rng, size[0], size[1])
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		leastSquaredError(s)
		runtime.ReadMemStats(&after)
		if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 64<<20 {
			t.Errorf("%v: %d MB", size, bytes>>20)
		}
	}
}
