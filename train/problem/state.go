package problem

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gorgonia.org/gorgonia"
	"largestep/metrics/measure"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/curvature"
	"largestep/train/machine"
	"largestep/train/trainer"
	"largestep/train/weights"
)

// Measure is a number that a problem records beside its losses.
type Measure struct {
	Name string // of its column
	Of   func(s *State) (float64, error)
}

func columns(measures []Measure) []string {
	names := make([]string, len(measures))
	for i, m := range measures {
		names[i] = m.Name
	}
	return names
}

// ErrNotFinite is returned by a State of parameters that are no numbers.
var ErrNotFinite = errors.New("the parameters are not finite")

// State is what a measure looks at: the network after some number of steps.
// What several measures need is computed once.
type State struct {
	TrainLoss float64 // the objective on the training examples
	trainer.Latest

	vars      *machine.Variables
	variables []*nets.Variable
	meter     *vectorMeter // nil of images
	around    *around      // nil if no measure needs it
	loaded    bool         // whether around stands at the parameters
	eigen     *measure.Eigen
	gradients *curvature.Gradients
	trace     *[2]float64
	spectra   map[int][]float64 // of features
	features  [][]float64
	singular  []float64
	onGrid    []float64
}

func (s *State) measure(measures []Measure) ([]float64, error) {
	values := make([]float64, len(measures))
	for i, m := range measures {
		v, err := m.Of(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		values[i] = v
	}
	return values, nil
}

// Parameters are the names of the trained parameters, in the order in which the
// network uses them.
func (s *State) Parameters() []string {
	var names []string
	for _, v := range s.variables {
		if v.Trained {
			names = append(names, v.Name)
		}
	}
	return names
}

// Parameter is a parameter's values, row-major.
func (s *State) Parameter(name string) ([]float64, error) {
	t, err := weights.Download(s.vars, name)
	if err != nil {
		return nil, err
	}
	return t.Float64s()
}

// errOfVectors is returned by what a State of images does not have.
var errOfVectors = errors.New("only problems of vectors have it")

// Features are the hidden activations of the training examples, for each layer
// (N × width), row-major.
func (s *State) Features() ([][]float64, error) {
	if s.meter == nil {
		return nil, errOfVectors
	}
	if s.features != nil {
		return s.features, nil
	}
	for _, tap := range s.meter.train.taps {
		v, err := s.meter.train.machine.Floats(tap)
		if err != nil {
			return nil, err
		}
		s.features = append(s.features, v)
	}
	return s.features, nil
}

// Examples is the number of training examples, the rows of Features.
func (s *State) Examples() int { return s.meter.problem.Examples() } // of vectors

// Spectrum has the singular values of the Jacobian, decreasing; a row of it is
// ∂h(x)/∂θ, of all parameters, for one of the problem's JacobianInputs.
func (s *State) Spectrum() ([]float64, error) {
	if s.meter == nil {
		return nil, errOfVectors
	}
	j := s.meter.jacobian
	if j == nil {
		return nil, fmt.Errorf("the problem has no inputs for the Jacobian")
	}
	if s.singular != nil {
		return s.singular, nil
	}
	inputs := s.meter.problem.JacobianInputs
	rows, err := j.run(inputs)
	if err != nil {
		return nil, err
	}
	for _, v := range rows {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, ErrNotFinite
		}
	}
	s.singular, err = measure.SingularValues(rows, len(inputs)/j.dims, j.parameters)
	return s.singular, err
}

// Predictions are h at the problem's Grid.
func (s *State) Predictions() (h []float64, err error) {
	if s.meter == nil {
		return nil, errOfVectors
	}
	if s.onGrid == nil {
		s.onGrid, err = s.meter.grid.run(s.meter.problem.Grid)
	}
	return s.onGrid, err
}

// PatternDistance is the fraction of all pairs of hidden unit and training
// example whose activity differs from that at the initial parameters.
func (s *State) PatternDistance() (float64, error) {
	features, err := s.Features()
	if err != nil {
		return 0, err
	}
	if !s.meter.begun { // resumed without the file of initial parameters
		return math.NaN(), nil
	}
	return s.meter.start.Distance(measure.NewPattern(slices.Concat(features...)))
}

// predictions computes h for the grid.
type predictions struct {
	vars    *machine.Variables
	machine *machine.Machine
	h       *gorgonia.Node
}

const varGrid = "grid/x"

func (p *Vectors) newPredictions(vars *machine.Variables) (*predictions, error) {
	m := nets.NewModel(p.Dtype(), false)
	d := p.Train.Dims()
	h, err := p.Net.Output(m, m.Input(varGrid, p.Dtype(), len(p.Grid)/d, d))
	if err != nil {
		return nil, err
	}
	e := &predictions{vars: vars, h: h}
	e.machine, err = machine.New(vars, h)
	return e, err
}

func (p *predictions) run(grid []float64) ([]float64, error) {
	if err := p.vars.SetFloats(varGrid, grid); err != nil {
		return nil, err
	}
	if err := p.machine.RunAll(); err != nil {
		return nil, err
	}
	return p.machine.Floats(p.h)
}

// jacobian computes gradients of the prediction for one input at a time.
type jacobian struct {
	vars       *machine.Variables
	machine    *machine.Machine
	grads      gorgonia.Nodes
	dims       int
	parameters int
}

const varJacobianInput = "jacobian/x"

func (p *Vectors) newJacobian(vars *machine.Variables) (*jacobian, error) {
	j := &jacobian{vars: vars, dims: p.Train.Dims()}
	m := nets.NewModel(p.Dtype(), false)
	h, err := p.Net.Output(m, m.Input(varJacobianInput, p.Dtype(), 1, j.dims))
	if err != nil {
		return nil, err
	}
	// The mean prediction of one input is the prediction.
	prediction, err := op.MeanLoss(op.Loss{Kind: op.Prediction, Scale: 1}, h, m.Input("jacobian/y", p.Dtype(), 1))
	if err != nil {
		return nil, err
	}
	if j.grads, err = gorgonia.Grad(prediction, m.Parameters()...); err != nil {
		return nil, err
	}
	for _, v := range m.Variables {
		j.parameters += v.Len()
	}
	j.machine, err = machine.New(vars, j.grads...)
	return j, err
}

func (j *jacobian) run(inputs []float64) ([]float64, error) {
	var err error
	rows := make([]float64, 0, len(inputs)/j.dims*j.parameters)
	for ; len(inputs) > 0; inputs = inputs[j.dims:] {
		if err := j.vars.SetFloats(varJacobianInput, inputs[:j.dims]); err != nil {
			return nil, err
		}
		if err := j.machine.RunAll(); err != nil {
			return nil, err
		}
		if rows, err = j.machine.AppendFloats(rows, j.grads); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
