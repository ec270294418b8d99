package paper

import (
	"errors"
	"fmt"
	"math"

	"largestep/metrics/measure"
	"largestep/train"
)

// diagonalMeasures look at u and v of a diagonal linear network.
func diagonalMeasures() []train.Measure {
	uv := func(f func(u, v []float64) float64) func(*train.State) (float64, error) {
		return func(s *train.State) (float64, error) {
			u, err := s.Parameter("u")
			if err != nil {
				return 0, err
			}
			v, err := s.Parameter("v")
			return f(u, v), err
		}
	}
	return []train.Measure{
		{Name: "l0", Of: uv(func(u, v []float64) float64 { return float64(measure.L0(u, v)) })},
		{Name: "l1", Of: uv(measure.L1)},
		{Name: "imbalance", Of: uv(func(u, v []float64) float64 { _, mean := measure.Imbalance(u, v); return mean })},
	}
}

// rankMeasures look at the singular values of the Jacobian.
func rankMeasures(tolerance float64) []train.Measure {
	spectrum := func(f func(singular []float64) float64) func(*train.State) (float64, error) {
		return func(s *train.State) (float64, error) {
			singular, err := s.Spectrum()
			if errors.Is(err, train.ErrNotFinite) { // the run is about to diverge
				return math.NaN(), nil
			}
			if err != nil {
				return 0, err
			}
			return f(singular), nil
		}
	}
	return []train.Measure{
		{Name: "rank", Of: spectrum(func(singular []float64) float64 { return float64(measure.Rank(singular, tolerance)) })},
		{Name: "effective_rank", Of: spectrum(measure.EffectiveRank)},
	}
}

// featureMeasures look at the hidden layers on the training examples.
func featureMeasures(layers int, duplicate float64) []train.Measure {
	var list []train.Measure
	for k := range layers {
		sparsity := func(of func(measure.Sparsity) float64) func(*train.State) (float64, error) {
			return func(s *train.State) (float64, error) {
				features, err := s.Features()
				if err != nil {
					return 0, err
				}
				f := measure.NewFeatures[float64](len(features[k])/s.Examples(), s.Examples())
				if err := f.Add(features[k]); err != nil {
					return 0, err
				}
				f.NormalizeRows()
				return of(f.Sparsity(duplicate)), nil
			}
		}
		list = append(list,
			train.Measure{Name: fmt.Sprintf("active_%d", k+1), Of: sparsity(func(s measure.Sparsity) float64 { return s.Active })},
			train.Measure{Name: fmt.Sprintf("sparsity_%d", k+1), Of: sparsity(func(s measure.Sparsity) float64 { return s.Distinct })})
	}
	return append(list, train.Measure{Name: "pattern_distance", Of: func(s *train.State) (float64, error) { return s.PatternDistance() }})
}

// functionMeasures are the function's values on a grid of one variable, in
// columns named "h(x)".
func functionMeasures(grid []float64) []train.Measure {
	var list []train.Measure
	for k, x := range grid {
		list = append(list, train.Measure{Name: functionColumn(x), Of: func(s *train.State) (float64, error) {
			h, err := s.Predictions()
			if err != nil {
				return 0, err
			}
			return h[k], nil
		}})
	}
	return list
}

func functionColumn(x float64) string { return fmt.Sprintf("h(%.6g)", x) }
