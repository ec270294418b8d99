package catalog

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"
	"largestep/metrics/measure"
	"largestep/train/problem"
)

// Measure is a number that can be asked for beside those that a problem always
// records.
type Measure struct {
	Name, About string
	Default     bool
	Images      bool // only of classifiers of images
	// Of computes it; nil of sparsity, which the evaluation itself measures.
	Of func(*problem.State) (float64, error)
}

// sparsity without duplicates, of an image classifier's features.
const sparsity = "sparsity"

// Measures are all there are.
var Measures = []Measure{
	{Name: sparsity, About: "fraction of positive features without duplicates, as sparsity_1, sparsity_2, …", Default: true, Images: true},
	{Name: "parameter_norm", About: "‖θ‖₂ of all trained parameters", Default: true, Of: parameterNorm},
}

func parameterNorm(s *problem.State) (float64, error) {
	var norms []float64
	for _, name := range s.Parameters() {
		theta, err := s.Parameter(name)
		if err != nil {
			return 0, err
		}
		norms = append(norms, floats.Norm(theta, 2))
	}
	return floats.Norm(norms, 2), nil
}

// defaultMeasures are those that a run records when nobody asks for others.
func defaultMeasures(images bool) (names []string) {
	for _, m := range Measures {
		if m.Default && (images || !m.Images) {
			names = append(names, m.Name)
		}
	}
	return names
}

func checkMeasures(p Problem, names []string) error {
	var known []string
	for _, m := range Measures {
		if p.Reads() || !m.Images {
			known = append(known, m.Name)
		}
	}
	for i, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("measure %q: of %s there are %s", name, p.Name, strings.Join(append(known, "none"), ", "))
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("measure %q is asked for twice", name)
		}
	}
	return nil
}

// chosen are the measures of the names, which have been checked.
func chosen(names []string) (list []problem.Measure) {
	for _, name := range names {
		for _, m := range Measures {
			if m.Name == name && m.Of != nil {
				list = append(list, problem.Measure{Name: m.Name, Of: m.Of})
			}
		}
	}
	return list
}

// rankMeasures look at the singular values of the Jacobian.
func rankMeasures(tolerance float64) []problem.Measure {
	spectrum := func(f func(singular []float64) float64) func(*problem.State) (float64, error) {
		return func(s *problem.State) (float64, error) {
			singular, err := s.Spectrum()
			if errors.Is(err, problem.ErrNotFinite) { // the run is about to diverge
				return math.NaN(), nil
			}
			if err != nil {
				return 0, err
			}
			return f(singular), nil
		}
	}
	return []problem.Measure{
		{Name: "rank", Of: spectrum(func(singular []float64) float64 { return float64(measure.Rank(singular, tolerance)) })},
		{Name: "effective_rank", Of: spectrum(measure.EffectiveRank)},
	}
}

// featureMeasures look at the hidden layers on the training examples.
func featureMeasures(layers int, duplicate float64) []problem.Measure {
	var list []problem.Measure
	for k := range layers {
		sparsity := func(of func(measure.Sparsity) float64) func(*problem.State) (float64, error) {
			return func(s *problem.State) (float64, error) {
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
			problem.Measure{Name: fmt.Sprintf("active_%d", k+1), Of: sparsity(func(s measure.Sparsity) float64 { return s.Active })},
			problem.Measure{Name: fmt.Sprintf("sparsity_%d", k+1), Of: sparsity(func(s measure.Sparsity) float64 { return s.Distinct })})
	}
	return append(list, problem.Measure{Name: "pattern_distance", Of: func(s *problem.State) (float64, error) { return s.PatternDistance() }})
}

// functionMeasures are the function's values on a grid of one variable, in
// columns named "h(x)".
func functionMeasures(grid []float64) []problem.Measure {
	var list []problem.Measure
	for k, x := range grid {
		list = append(list, problem.Measure{Name: functionColumn(x), Of: func(s *problem.State) (float64, error) {
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
