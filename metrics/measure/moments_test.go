package measure

import (
	"math"
	"math/rand/v2"
	"testing"
)

// momentsOf sums up in float32, as an engine does, the images in chunks.
func momentsOf(rows [][]float64, chunk int) Moments {
	units := len(rows[0])
	row := units + 1
	m := Moments{Products: make([]float32, row*row), Positive: make([]float64, units)}
	part := make([]float32, row*row)
	for n, features := range rows {
		z := make([]float32, 0, row)
		for u, v := range features {
			z = append(z, float32(v))
			if v > 0 {
				m.Positive[u]++
			}
		}
		z = append(z, 1)
		for i, a := range z {
			for j, b := range z {
				part[i*row+j] += a * b
			}
		}
		if (n+1)%chunk == 0 || n == len(rows)-1 {
			for k, v := range part {
				m.Products[k] += v
			}
			clear(part)
		}
	}
	return m
}

// boundary is the distance of the pair nearest to the threshold.
func boundary(rows [][]float64, threshold float64) float64 {
	nearest := math.Inf(1)
	for i := range rows[0] {
		for j := range i {
			a, b := make([]float64, len(rows)), make([]float64, len(rows))
			for n, row := range rows {
				a[n], b[n] = row[i], row[j]
			}
			nearest = min(nearest, math.Abs(math.Abs(pearson(a, b))-threshold))
		}
	}
	return nearest
}

func TestMomentsGiveTheSparsity(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	compared, duplicates, dead := 0, 0, 0
	for _, size := range [][2]int{{1, 5}, {2, 3}, {12, 40}, {128, 33}, {500, 61}, {1001, 40}, {700, 80}} {
		for _, threshold := range []float64{0.5, DuplicateConv, DuplicateConnected} {
			rows := planted(rng, size[0], size[1])
			if boundary(rows, threshold) < 1e-4 { // the moments may decide either way
				continue
			}
			want := literal(rows, threshold)
			if got := inBatches(t, rng, rows).Sparsity(threshold); !close(got, want) {
				t.Fatalf("features: %+v, want %+v", got, want)
			}
			if got := momentsOf(rows, 200).Sparsity(threshold); !close(got, want) {
				t.Errorf("%v, threshold %v: %+v, want %+v", size, threshold, got, want)
			}
			compared, duplicates, dead = compared+1, duplicates+want.Duplicates, dead+want.Dead
		}
	}
	if compared < 15 || duplicates < 50 || dead < 20 {
		t.Errorf("only %d cases with %d duplicates and %d dead units were compared", compared, duplicates, dead)
	}
}

// TestMomentsError checks the bound of the correlation's error: pairs of units
// with a correlation known to be 6εκ above or below the threshold, for means of
// up to 30 deviations.
func TestMomentsError(t *testing.T) {
	const images, epsilon = 10_752, 1e-6
	rng := rand.New(rand.NewPCG(5, 6))
	for _, shift := range []float64{3, 5, 10, 30} {
		kappa := 1 + shift*shift
		for _, side := range []float64{-1, 1} {
			want := DuplicateConv + side*6*epsilon*kappa
			rows := correlated(rng, images, shift, want)
			s := momentsOf(rows, 200).Sparsity(DuplicateConv)
			if got := s.Duplicates == 1; got != (side > 0) {
				t.Errorf("mean of %g deviations, correlation %.7f: duplicate %v", shift, want, got)
			}
		}
	}
}

// correlated makes two units, positive but for a few entries, with a sample
// correlation of r.
func correlated(rng *rand.Rand, images int, shift, r float64) [][]float64 {
	a, b := make([]float64, images), make([]float64, images)
	for i := range a {
		a[i], b[i] = rng.NormFloat64(), rng.NormFloat64()
	}
	center(a)
	center(b)
	ab := 0.0
	for i := range a {
		ab += a[i] * b[i]
	}
	for i := range b {
		b[i] -= ab * a[i]
	}
	center(b)
	rows := make([][]float64, images)
	scale := math.Sqrt(float64(images))
	for i := range rows {
		c := r*a[i] + math.Sqrt(1-r*r)*b[i]
		rows[i] = []float64{shift + scale*a[i], shift + scale*c}
	}
	return rows
}

// center shifts and scales to a mean of 0 and a norm of 1.
func center(x []float64) {
	mean, square := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for i := range x {
		x[i] -= mean
		square += x[i] * x[i]
	}
	for i := range x {
		x[i] /= math.Sqrt(square)
	}
}

func TestMomentsOfNothing(t *testing.T) {
	s := Moments{Products: make([]float32, 9), Positive: make([]float64, 2)}.Sparsity(DuplicateConv)
	if !math.IsNaN(s.Distinct) || s.Dead != 2 {
		t.Errorf("no images: %+v", s)
	}
	s = Moments{Products: []float32{4}}.Sparsity(DuplicateConv)
	if !math.IsNaN(s.Distinct) {
		t.Errorf("no units: %+v", s)
	}
}
