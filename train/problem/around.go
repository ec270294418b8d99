package problem

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/floats"
	"largestep/metrics/measure"
	"largestep/train/curvature"
	"largestep/train/machine"
	"largestep/train/weights"
)

// Around says which examples measures see that look around the parameters, and how.
// The zero value is none.
type Around struct {
	Examples int // the first training examples, without augmentation or label noise
	Batch    int // of them in a mini-batch; an incomplete last one is left out
	Mode     curvature.Mode

	Gradients   bool // of the mini-batches, and their losses
	Products    bool // with the Hessian besides, for which not every engine has the kernels
	Eigenvalues int  // of the Hessian
	Features    bool // of images
}

// Tolerance is that of the eigenvalues' residuals ‖Hu − λu‖/|λ| in a measure; the
// error of λ itself is of the order of its square where the next one is not near.
const Tolerance = 0.01

// maxProducts bounds the search in a measure.
const maxProducts = 100

// traceVectors is how many random vectors a measure of the trace takes.
const traceVectors = 10

// around is built once for a run, and has its own copy of the parameters.
type around struct {
	Around
	batches  *curvature.Probe // in mini-batches of the run's size; nil if no measure needs it
	whole    *curvature.Probe // in the fewest that have the same Hessian
	features *Features        // nil of vectors, and if no measure needs them
}

// add makes a probe, and finds out now whether it can do all that is asked for.
func (a *around) add(to **curvature.Probe, vars *machine.Variables, l curvature.Loss, batch int) error {
	if !a.Gradients {
		return nil
	}
	p, err := curvature.New(vars.Beside(), l, batch, a.Mode)
	if err != nil {
		return err
	}
	if n := p.Parameters(); a.Eigenvalues > n {
		return fmt.Errorf("%d eigenvalues of the Hessian of %d parameters: want at most as many", a.Eigenvalues, n)
	}
	if a.Products {
		if err := p.Check(); err != nil {
			return fmt.Errorf("products with the Hessian: %w", err)
		}
	}
	*to = p
	return nil
}

var errNothingAround = errors.New("the problem says not what measures around its parameters see")

// load brings the parameters to the probes.
func (s *State) load() error {
	if s.around == nil || s.around.batches == nil {
		return errNothingAround
	}
	if s.loaded {
		return nil
	}
	read := func(name string) ([]float64, error) {
		t, err := weights.Download(s.vars, name)
		if err != nil {
			return nil, err
		}
		return t.Float64s()
	}
	if err := s.around.batches.Load(read); err != nil {
		return err
	}
	if s.around.whole != s.around.batches {
		if err := s.around.whole.Load(read); err != nil {
			return err
		}
	}
	s.loaded = true
	return nil
}

// Eigenvalues are the largest of the Hessian.
func (s *State) Eigenvalues() (*measure.Eigen, error) {
	if err := s.load(); err != nil || s.eigen != nil {
		return s.eigen, err
	}
	var err error
	s.eigen, err = s.around.whole.Eigenvalues(measure.EigenOptions{Count: s.around.Eigenvalues, Tolerance: Tolerance, Products: maxProducts})
	return s.eigen, err
}

// Trace is that of the Hessian, estimated, with the standard error.
func (s *State) Trace() (trace, standardError float64, err error) {
	if err := s.load(); err != nil {
		return 0, 0, err
	}
	if s.trace == nil {
		if trace, standardError, err = s.around.whole.Trace(traceVectors); err != nil {
			return 0, 0, err
		}
		s.trace = &[2]float64{trace, standardError}
	}
	return s.trace[0], s.trace[1], nil
}

// Gradients are those of the mini-batches.
func (s *State) Gradients() (curvature.Gradients, error) {
	if err := s.load(); err != nil {
		return curvature.Gradients{}, err
	}
	if s.gradients == nil {
		g, err := s.around.batches.Gradients()
		if err != nil {
			return g, err
		}
		s.gradients = &g
	}
	return *s.gradients, nil
}

// BatchSharpness is the curvature of mini-batches along their gradients.
func (s *State) BatchSharpness() (float64, error) {
	if err := s.load(); err != nil {
		return 0, err
	}
	return s.around.batches.BatchSharpness()
}

// BatchSharpnessByLosses is the same from losses after a step of the run's size.
func (s *State) BatchSharpnessByLosses() (float64, error) {
	if err := s.load(); err != nil {
		return 0, err
	}
	return s.around.batches.BatchSharpnessByLosses(s.StepSize)
}

// JacobianNorm is ‖∂h/∂θ‖, of Frobenius.
func (s *State) JacobianNorm() (float64, error) {
	singular, err := s.Spectrum()
	return floats.Norm(singular, 2), err
}

// FeatureSpectrum has the singular values of the k-th feature, counted from 0, about
// its mean over the examples, decreasing; NaN where the feature is not finite.
func (s *State) FeatureSpectrum(k int) ([]float64, error) {
	if s.spectra[k] != nil {
		return s.spectra[k], nil
	}
	x, examples, err := s.feature(k)
	if err != nil {
		return nil, err
	}
	v, err := measure.PrincipalValues(x, examples, len(x)/examples)
	if s.spectra == nil {
		s.spectra = map[int][]float64{}
	}
	s.spectra[k] = v
	return v, err
}

// feature is the k-th, of Around's images, or of all training vectors.
func (s *State) feature(k int) (x []float64, examples int, err error) {
	if s.meter != nil {
		all, err := s.Features()
		if err != nil {
			return nil, 0, err
		}
		return slices.Clone(all[k]), s.Examples(), nil
	}
	if s.around == nil || s.around.features == nil {
		return nil, 0, errNothingAround
	}
	if err := s.around.features.load(s.vars); err != nil {
		return nil, 0, err
	}
	x, err = s.around.features.all(k)
	return x, s.around.Examples, err
}
