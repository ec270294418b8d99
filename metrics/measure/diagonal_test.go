package measure

import (
	"math"
	"testing"
)

func TestDiagonal(t *testing.T) {
	u := []float64{1e-25, 1e-25, -2, 0, 3, math.NaN()}
	v := []float64{1.1e-25, 0.9e-25, 3, 5, -0.5, 1}
	if got := L0(u, v); got != 3 {
		t.Errorf("ℓ0 is %d, want 3", got)
	}
	if got := L1(u[:5], v[:5]); !(math.Abs(got-7.5) <= 1e-15) {
		t.Errorf("ℓ1 is %v, want 7.5", got)
	}
	largest, mean := Imbalance([]float64{1, -2, 1e8}, []float64{-1, 3, 1e8 + 0.5})
	want := 0.5 * (2e8 + 0.5) // (v−u)(v+u), where v²−u² would lose digits
	if largest != want || !(math.Abs(mean-(5+want)/3) <= 1e-7) {
		t.Errorf("imbalance %v, mean %v; want %v, %v", largest, mean, want, (5+want)/3)
	}
	if largest, mean = Imbalance(nil, nil); largest != 0 || mean != 0 {
		t.Errorf("imbalance of nothing: %v, %v", largest, mean)
	}
	if largest, mean = Imbalance(u[5:], v[5:]); !math.IsNaN(largest) || !math.IsNaN(mean) {
		t.Errorf("imbalance of a NaN: %v, %v", largest, mean)
	}
}
