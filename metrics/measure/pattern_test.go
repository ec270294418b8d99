package measure

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestPatternDistance(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 63, 64, 65, 1000} {
		a, b, differ := make([]float64, n), make([]float64, n), 0
		for i := range n {
			a[i], b[i] = rng.NormFloat64(), rng.NormFloat64()
			if (a[i] > 0) != (b[i] > 0) {
				differ++
			}
		}
		got, err := NewPattern(a).Distance(NewPattern(b))
		if want := float64(differ) / float64(n); err != nil || got != want {
			t.Errorf("%d bits: %v, %v; want %v", n, got, err, want)
		}
	}
}

// Zeros of either sign and NaNs are not active.
func TestPatternOfZeros(t *testing.T) {
	p := NewPattern([]float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), -1, 1})
	q := NewPattern([]float32{-1, -1, -1, -1, -1})
	if d, err := p.Distance(q); d != 0.2 || err != nil {
		t.Errorf("%v, %v; want 0.2", d, err)
	}
	if d, err := (Pattern{}).Distance(NewPattern[float32](nil)); d != 0 || err != nil {
		t.Errorf("empty patterns: %v, %v", d, err)
	}
	if _, err := p.Distance(Pattern{}); err == nil {
		t.Error("patterns of different sizes: no error")
	}
}
