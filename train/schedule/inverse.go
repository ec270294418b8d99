package schedule

import (
	"fmt"
	"math"
)

// The step sizes of stochastic approximation (Robbins and Monro 1951): those of
// inverse sum to infinity, their squares do not; with those of inverseRoot the
// average of the iterates converges (Polyak and Juditsky 1992).
var (
	inverse = rule{
		name: "inverse", parameters: []string{"T0"}, about: "η/(1 + t/T0), t the steps since the phase began", check: checkTime, endless: true,
		factor: func(at moment, p []float64) float64 { return 1 / (1 + float64(at.step)/p[0]) },
	}
	inverseRoot = rule{
		name: "inverse-sqrt", parameters: []string{"T0"}, about: "η/√(1 + t/T0)", check: checkTime, endless: true,
		factor: func(at moment, p []float64) float64 { return 1 / math.Sqrt(1+float64(at.step)/p[0]) },
	}
)

func checkTime(p []float64) error {
	if !(p[0] > 0) {
		return fmt.Errorf("T0 of %g steps: want more than 0", p[0])
	}
	return nil
}
