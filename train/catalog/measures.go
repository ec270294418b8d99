package catalog

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"
	"largestep/data"
	"largestep/metrics/measure"
	"largestep/nets"
	"largestep/train/curvature"
	"largestep/train/problem"
	"largestep/train/run"
)

// Measure is a number, or several, that can be asked for beside those that a problem
// always records.
type Measure struct {
	Name, About string
	Number      string // the option of run.Config, by its name in config.json, that asks for more than one; "" if none does
	Default     bool
	Of          func(Problem) bool // whether a problem has it
	// Columns are what it records; none of sparsity, which the evaluation itself
	// measures.
	Columns func(p Problem, c run.Config) []problem.Measure
	// What it needs of problem.Around.
	Gradients, Products, Features bool
}

// sparsity without duplicates, of an image classifier's features.
const sparsity = "sparsity"

// stepSharpness, of the steps, is measured by the training.
const stepSharpness = "step_sharpness"

// Measures are all there are.
var Measures = []Measure{
	{Name: sparsity, About: "fraction of features that are active, i.e. positive, without duplicates, as sparsity_1, …: a high one means dense features", Default: true, Of: Problem.Reads},
	{Name: "parameter_norm", About: "‖θ‖₂ of all trained parameters", Default: true, Of: all,
		Columns: column("parameter_norm", parameterNorm)},
	{Name: "sharpness", About: "largest eigenvalue of the training loss's Hessian, without weight decay", Number: "eigenvalues", Of: all,
		Products: true, Columns: sharpness},
	{Name: "hessian_trace", About: "its trace, from random vectors, with the standard error", Of: all,
		Products: true, Columns: columns(
			problem.Measure{Name: "hessian_trace", Of: func(s *problem.State) (float64, error) { t, _, err := s.Trace(); return t, err }},
			problem.Measure{Name: "hessian_trace_error", Of: func(s *problem.State) (float64, error) { _, e, err := s.Trace(); return e, err }})},
	{Name: "batch_sharpness", About: "gᵀHg/‖g‖² of mini-batches' losses, on average", Of: all,
		Products: true, Columns: column("batch_sharpness", (*problem.State).BatchSharpness)},
	{Name: "batch_sharpness_by_losses", About: "the same without the Hessian, from losses after a step of the run's size: near where the loss is quadratic that far", Of: all,
		Gradients: true, Columns: column("batch_sharpness_by_losses", (*problem.State).BatchSharpnessByLosses)},
	{Name: stepSharpness, About: "the same of training's own mini-batches, from their losses a step on: the mean over some of the steps since the row before", Of: all,
		Columns: column(stepSharpness, func(s *problem.State) (float64, error) { return s.StepSharpness, nil })},
	{Name: "gradient_norm", About: "‖g‖₂ of the mean gradient, without weight decay", Of: all,
		Gradients: true, Columns: gradients(map[string]func(curvature.Gradients) float64{
			"gradient_norm": func(g curvature.Gradients) float64 { return g.Norm },
		})},
	{Name: "gradient_noise", About: "trace of the covariance of mini-batches' gradients, and the noise scale", Of: all,
		Gradients: true, Columns: gradients(map[string]func(curvature.Gradients) float64{
			"gradient_noise": func(g curvature.Gradients) float64 { return g.Noise },
			"noise_scale":    func(g curvature.Gradients) float64 { return g.NoiseScale },
		})},
	{Name: "feature_rank", About: "principal components that hold 99 % of a feature's variance, as rank_1, …, and the effective rank", Of: hasFeatures,
		Features: true, Columns: featureRanks},
	{Name: "jacobian_norm", About: "‖∂h/∂θ‖ on the inputs of the Jacobian's rank", Of: func(p Problem) bool { return p.Jacobian },
		Columns: column("jacobian_norm", (*problem.State).JacobianNorm)},
}

func all(Problem) bool { return true }

func hasFeatures(p Problem) bool { return p.Reads() || p.Hidden }

// columns are the same for every run.
func columns(list ...problem.Measure) func(Problem, run.Config) []problem.Measure {
	return func(Problem, run.Config) []problem.Measure { return list }
}

func column(name string, of func(*problem.State) (float64, error)) func(Problem, run.Config) []problem.Measure {
	return columns(problem.Measure{Name: name, Of: of})
}

func gradients(of map[string]func(curvature.Gradients) float64) func(Problem, run.Config) []problem.Measure {
	var list []problem.Measure
	for _, name := range slices.Sorted(maps.Keys(of)) {
		list = append(list, problem.Measure{Name: name, Of: func(s *problem.State) (float64, error) {
			g, err := s.Gradients()
			return of[name](g), err
		}})
	}
	return columns(list...)
}

// sharpness, eigenvalue_2, …, and how near to a true one they are at least.
func sharpness(_ Problem, c run.Config) []problem.Measure {
	var list []problem.Measure
	for k := range c.Eigenvalues {
		name := fmt.Sprintf("eigenvalue_%d", k+1)
		if k == 0 {
			name = "sharpness"
		}
		list = append(list, problem.Measure{Name: name, Of: func(s *problem.State) (float64, error) {
			e, err := s.Eigenvalues()
			if err != nil {
				return 0, err
			}
			return e.Values[k], nil
		}})
	}
	return append(list, problem.Measure{Name: "sharpness_residual", Of: func(s *problem.State) (float64, error) {
		e, err := s.Eigenvalues()
		if err != nil {
			return 0, err
		}
		return floats.Max(e.Residuals), nil
	}})
}

// variance is the share that the rank of a feature holds.
const variance = 0.99

func featureRanks(p Problem, c run.Config) []problem.Measure {
	var list []problem.Measure
	for k := range p.features(c) {
		of := func(f func([]float64) float64) func(*problem.State) (float64, error) {
			return func(s *problem.State) (float64, error) {
				values, err := s.FeatureSpectrum(k)
				if err != nil || values == nil {
					return math.NaN(), err
				}
				return f(values), nil
			}
		}
		list = append(list,
			problem.Measure{Name: fmt.Sprintf("rank_%d", k+1), Of: of(func(v []float64) float64 { return float64(measure.Components(v, variance)) })},
			problem.Measure{Name: fmt.Sprintf("effective_rank_%d", k+1), Of: of(measure.EffectiveRank)})
	}
	return list
}

// features is how many a net of the problem has.
func (p Problem) features(c run.Config) int {
	if !p.Reads() {
		return len(c.Widths)
	}
	net, err := p.Net(c.Width, 2)
	if err != nil {
		return 0 // which Validate refuses
	}
	n, err := nets.Features(net, 1, data.Channels, data.MaxSide, data.MaxSide)
	if err != nil {
		return 0
	}
	return n
}

// imagesToMeasure is how many training images measures see that nobody asks to see
// more or fewer.
const imagesToMeasure = 1000

// stepsToMeasure is of how many steps one is measured where nobody says.
const stepsToMeasure = 16

// around completes the config with what the measures see, if any looks around the
// parameters, and says so to the problem.
func (p Problem) around(c *run.Config) problem.Around {
	if c.MeasureEvery == 0 && slices.Contains(c.Measures, stepSharpness) {
		c.MeasureEvery = stepsToMeasure
	}
	a := problem.Around{Features: c.Histograms}
	for _, m := range asked(c.Measures) {
		a.Gradients = a.Gradients || m.Gradients || m.Products
		a.Products = a.Products || m.Products
		a.Features = a.Features || m.Features
	}
	if !a.Gradients && !a.Features {
		return a
	}
	if c.MeasureImages == 0 && p.Reads() {
		c.MeasureImages = max(min(imagesToMeasure, c.TrainSize), c.Batch)
	}
	if c.MeasureMode == "" {
		c.MeasureMode = string(curvature.Training)
	}
	c.Eigenvalues = max(c.Eigenvalues, 1)
	a.Examples, a.Batch, a.Mode = c.TrainSize, c.Batch, curvature.Mode(c.MeasureMode)
	if p.Reads() {
		a.Examples = c.MeasureImages
	}
	if slices.Contains(c.Measures, "sharpness") {
		a.Eigenvalues = c.Eigenvalues
	}
	return a
}

// asked are the measures of the names, which have been checked.
func asked(names []string) (list []Measure) {
	for _, name := range names {
		for _, m := range Measures {
			if m.Name == name {
				list = append(list, m)
			}
		}
	}
	return list
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
		if m.Default && (images || m.Of(Problem{})) {
			names = append(names, m.Name)
		}
	}
	return names
}

func checkMeasures(p Problem, c run.Config) error {
	var known []string
	for _, m := range Measures {
		if m.Of(p) {
			known = append(known, m.Name)
		}
	}
	for i, name := range c.Measures {
		if !slices.Contains(known, name) {
			return fmt.Errorf("measure %q: of %s there are %s", name, p.Name, strings.Join(append(known, "none"), ", "))
		}
		if slices.Contains(c.Measures[:i], name) {
			return fmt.Errorf("measure %q is asked for twice", name)
		}
	}
	return p.checkAround(c)
}

// checkAround tells what is wrong with what measures are to see.
func (p Problem) checkAround(c run.Config) error {
	if c.Eigenvalues < 0 {
		return fmt.Errorf("%d eigenvalues: want 1 or more", c.Eigenvalues)
	}
	if c.MeasureEvery != 0 && !slices.Contains(c.Measures, stepSharpness) {
		return fmt.Errorf("every %d steps to measure without measure %s", c.MeasureEvery, stepSharpness)
	}
	if m := new(curvature.Mode); c.MeasureMode != "" && m.Set(c.MeasureMode) != nil {
		return fmt.Errorf("measures in %q mode: %w", c.MeasureMode, m.Set(c.MeasureMode))
	}
	if n := c.MeasureImages; n != 0 && (n < c.Batch || n > c.TrainSize) {
		return fmt.Errorf("measures on %d images, of %d to train on in mini-batches of %d: want %[3]d to %[2]d", n, c.TrainSize, c.Batch)
	}
	return nil
}

// chosen are the columns of the measures of the names, which have been checked.
func chosen(p Problem, c run.Config) (list []problem.Measure) {
	for _, m := range asked(c.Measures) {
		if m.Columns != nil {
			list = append(list, m.Columns(p, c)...)
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
