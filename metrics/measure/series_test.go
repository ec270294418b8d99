package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Select agrees with sorting, special numbers and repeated ones included.
func TestSelect(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, -1, 1, math.MaxFloat64, math.SmallestNonzeroFloat64, -math.MaxFloat64}
	for range 30 {
		x := make(Losses, 1+rng.IntN(200))
		for i := range x {
			if x[i] = rng.NormFloat64() * math.Exp(20*rng.NormFloat64()); rng.IntN(4) == 0 {
				x[i] = special[rng.IntN(len(special))]
			}
		}
		i := rng.IntN(len(x))
		j := i + 1 + rng.IntN(len(x)-i)
		sorted := slices.Sorted(slices.Values(x[i:j]))
		k := rng.IntN(j - i)
		if got, want := Select(x, i, j, k), sorted[k]; got != want && !(got != got && want != want) {
			t.Fatalf("%v from %d to %d: the %d-th is %v, want %v", x, i, j, k, got, want)
		}
	}
}
