package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// withSpectrum is a random rows×columns matrix with these singular values.
func withSpectrum(rng *rand.Rand, rows, columns int, singular []float64) []float64 {
	orthogonal := func(n int) *mat.Dense {
		a := mat.NewDense(n, n, nil)
		for i := range n {
			for j := range n {
				a.Set(i, j, rng.NormFloat64())
			}
		}
		var qr mat.QR
		qr.Factorize(a)
		var q mat.Dense
		qr.QTo(&q)
		return &q
	}
	s := mat.NewDense(rows, columns, nil)
	for i, v := range singular {
		s.Set(i, i, v)
	}
	var m mat.Dense
	m.Product(orthogonal(rows), s, orthogonal(columns))
	return m.RawMatrix().Data
}

func TestRanks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		rows, columns int
		singular      []float64
		rank          int     // above 1e-4 of the largest
		effective     float64 // exp of the entropy
	}{
		{1, 1, []float64{3}, 1, 1},
		{5, 3, []float64{2, 2, 2}, 3, 3},
		{3, 7, []float64{5, 5, 0}, 2, 2},
		{40, 40, []float64{1, 1.1e-4, 0.9e-4}, 2, 1.0021},
		{17, 31, []float64{3, 1}, 2, math.Exp(0.75*math.Log(4./3) + 0.25*math.Log(4))},
		{4, 4, nil, 0, 0},
	} {
		m := withSpectrum(rng, c.rows, c.columns, c.singular)
		s, err := SingularValues(m, c.rows, c.columns)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range s {
			want := 0.0
			if i < len(c.singular) {
				want = c.singular[i]
			}
			if !(math.Abs(v-want) <= 1e-13) {
				t.Errorf("%d×%d: singular value %d is %v, want %v", c.rows, c.columns, i, v, want)
			}
		}
		if got := Rank(s, RankTolerance); got != c.rank {
			t.Errorf("%v: rank %d, want %d", c.singular, got, c.rank)
		}
		if got := EffectiveRank(s); !(math.Abs(got-c.effective) <= 1e-4) {
			t.Errorf("%v: effective rank %v, want %v", c.singular, got, c.effective)
		}
	}
}

func TestSpectralEntropy(t *testing.T) {
	if got := spectralEntropy([]float64{1, 1, 2}); !(math.Abs(got-1.5*math.Ln2) <= 1e-15) {
		t.Errorf("entropy of (¼, ¼, ½) is %v, want 1.5·ln 2", got)
	}
	if got := spectralEntropy([]float64{0, 0}); got != 0 {
		t.Errorf("entropy of zeros is %v", got)
	}
}

func TestSingularValuesKeepTheMatrix(t *testing.T) {
	m := []float64{1, 2, 3, 4, 5, 6}
	if _, err := SingularValues(m, 2, 3); err != nil {
		t.Fatal(err)
	}
	for i, v := range m {
		if v != float64(i+1) {
			t.Fatalf("matrix is now %v", m)
		}
	}
}

func TestSingularValuesRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		m             []float64
		rows, columns int
	}{
		"NaN":      {[]float64{1, math.NaN()}, 1, 2},
		"infinity": {[]float64{1, math.Inf(-1)}, 2, 1},
		"size":     {[]float64{1, 2, 3}, 2, 2},
		"empty":    {nil, 0, 3},
	} {
		if _, err := SingularValues(c.m, c.rows, c.columns); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkSingularValues(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	m := make([]float64, 400*400) // the diagonal nets' Jacobian
	for i := range m {
		m[i] = rng.NormFloat64()
	}
	for b.Loop() {
		if _, err := SingularValues(m, 400, 400); err != nil {
			b.Fatal(err)
		}
	}
}
