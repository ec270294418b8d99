package problem

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/data"
	"largestep/metrics/measure"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/trainer"
)

// Vectors is the problem of fitting targets: f_i(θ) is the loss of a network's
// prediction for the vector x_i, plus Norm/2·‖weights‖².
type Vectors struct {
	Net         nets.Net
	Precision   tensor.Dtype // float32 or float64, the default
	Fit         op.Loss
	Norm        float64 // of the squared norm of the weights, biases left out; 0 for none
	Train, Test Sample  // Test may be empty
	LabelNoise  bool    // whether a mini-batch has some
	Measures    []Measure
	Around      Around // what measures see, of which Examples are all
	// JacobianInputs are the vectors, row-major, at which measures take ∂h/∂θ.
	JacobianInputs []float64
	// Grid are further vectors, row-major, at which measures take h itself.
	Grid []float64
}

var (
	_ trainer.Problem  = (*Vectors)(nil)
	_ trainer.Noisy    = (*Vectors)(nil)
	_ trainer.Weighted = (*Vectors)(nil)
)

// Sample is a list of vectors with targets.
type Sample struct {
	X []float64 // row-major, Len() × Dims
	Y []float64
}

// Len is the number of examples.
func (s Sample) Len() int { return len(s.Y) }

// Dims is the length of the vectors.
func (s Sample) Dims() int { return len(s.X) / max(len(s.Y), 1) }

func (s Sample) fingerprint() string {
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, s.X)
	binary.Write(h, binary.LittleEndian, s.Y)
	return hex.EncodeToString(h.Sum(nil))
}

// Examples is the number of training examples.
func (p *Vectors) Examples() int { return p.Train.Len() }

// Dtype is Precision.
func (p *Vectors) Dtype() tensor.Dtype {
	if p.Precision.Type == nil {
		return tensor.Float64
	}
	return p.Precision
}

// Fingerprints are those of the samples.
func (p *Vectors) Fingerprints() (train, test string) {
	return p.Train.fingerprint(), p.Test.fingerprint()
}

// Columns are the names of the measures.
func (p *Vectors) Columns() []string { return columns(p.Measures) }

// DrawLabelNoise draws what is added to the targets: normal numbers with the amount as
// standard deviation, or of classes ±1, with the amount as probability, what makes
// one the other.
func (p *Vectors) DrawLabelNoise(b *trainer.MiniBatch, amount float64, seed uint64, epoch, step int) {
	b.LabelNoise = make([]float64, len(b.Index))
	switch {
	case amount == 0:
	case p.classes():
		for i, flip := range data.LabelFlips(seed, epoch, step, len(b.Index), 2, amount) {
			if flip != 0 {
				b.LabelNoise[i] = -2 * p.Train.Y[b.Index[i]]
			}
		}
	default:
		b.LabelNoise = data.LabelNoise(seed, epoch, step, len(b.Index), amount)
	}
}

// classes tells whether the targets are ±1.
func (p *Vectors) classes() bool { return p.Fit.Kind == op.Hinge || p.Fit.Kind == op.Logistic }

// Loss picks the mini-batch by index and adds the network and the loss.
func (p *Vectors) Loss(m *nets.Model, index *gorgonia.Node) (*gorgonia.Node, error) {
	n, d := p.Train.Len(), p.Train.Dims()
	x, y, err := op.Rows(m.Input("train/x", p.Dtype(), n, d), m.Input("train/y", p.Dtype(), n), index)
	if err != nil {
		return nil, err
	}
	if p.LabelNoise {
		if y, err = gorgonia.Add(y, m.Input(trainer.VarLabelNoise, p.Dtype(), index.Shape()...)); err != nil {
			return nil, err
		}
	}
	h, err := p.Net.Output(m, x)
	if err != nil {
		return nil, err
	}
	return p.objective(m, h, y)
}

// objective is the mean loss plus the norm.
func (p *Vectors) objective(m *nets.Model, h, y *gorgonia.Node) (*gorgonia.Node, error) {
	total, err := op.MeanLoss(p.Fit, h, y)
	if err != nil || p.Norm == 0 {
		return total, err
	}
	for _, v := range m.Variables {
		if len(v.Shape) < 2 { // a bias
			continue
		}
		norm, err := op.SumSquares(v.Node, p.Norm/2)
		if err != nil {
			return nil, err
		}
		if total, err = op.AddScalars(total, norm); err != nil {
			return nil, err
		}
	}
	return total, nil
}

// Upload brings both samples to the engine.
func (p *Vectors) Upload(vars *machine.Variables) error {
	for name, values := range map[string][]float64{
		"train/x": p.Train.X, "train/y": p.Train.Y, "test/x": p.Test.X, "test/y": p.Test.Y,
	} {
		if _, ok := vars.Spec(name); !ok {
			continue
		}
		if err := vars.SetFloats(name, values); err != nil {
			return err
		}
	}
	return nil
}

// Meter evaluates the loss of both samples, and the measures.
func (p *Vectors) Meter(vars *machine.Variables) (trainer.Meter, error) {
	m := &vectorMeter{problem: p, vars: vars}
	var err error
	if m.train, err = p.newSampleLoss(vars, "train", p.Train); err != nil {
		return nil, err
	}
	if p.Test.Len() > 0 {
		if m.test, err = p.newSampleLoss(vars, "test", p.Test); err != nil {
			return nil, err
		}
	}
	if len(p.Grid) > 0 {
		if m.grid, err = p.newPredictions(vars); err != nil {
			return nil, err
		}
	}
	if len(p.JacobianInputs) > 0 {
		if m.jacobian, err = p.newJacobian(vars); err != nil {
			return nil, err
		}
	}
	m.around, err = p.around(vars)
	return m, err
}

// around is the loss on the training examples, without label noise: in mini-batches,
// and on all, whose Hessian is the mean of the mini-batches' in fewer steps.
func (p *Vectors) around(vars *machine.Variables) (*around, error) {
	if p.Around.Examples == 0 {
		return nil, nil
	}
	quiet := *p
	quiet.LabelNoise = false
	a := &around{Around: p.Around}
	if err := a.add(&a.batches, vars, &quiet, p.Around.Batch); err != nil {
		return nil, err
	}
	return a, a.add(&a.whole, vars, &quiet, p.Examples())
}

// sampleLoss is the objective on a whole sample.
type sampleLoss struct {
	machine *machine.Machine
	h, loss *gorgonia.Node
	taps    []*gorgonia.Node
	labels  []float64 // ±1, or none where the targets are no classes

	variables []*nets.Variable // of the network
}

func (p *Vectors) newSampleLoss(vars *machine.Variables, name string, s Sample) (*sampleLoss, error) {
	m := nets.NewModel(p.Dtype(), false)
	h, err := p.Net.Output(m, m.Input(name+"/x", p.Dtype(), s.Len(), s.Dims()))
	if err != nil {
		return nil, err
	}
	loss, err := p.objective(m, h, m.Input(name+"/y", p.Dtype(), s.Len()))
	if err != nil {
		return nil, err
	}
	e := &sampleLoss{h: h, loss: loss, taps: m.Taps, variables: m.Variables}
	if p.classes() {
		e.labels = s.Y
	}
	e.machine, err = machine.New(vars, append([]*gorgonia.Node{loss, h}, m.Taps...)...)
	return e, err
}

// run gives the loss, and the fraction of examples of which sign(h) is not the
// label, NaN where there are no classes; a prediction of 0 counts as −1.
func (e *sampleLoss) run() (loss, wrong float64, err error) {
	if err := e.machine.RunAll(); err != nil {
		return 0, 0, err
	}
	losses, err := e.machine.Floats(e.loss)
	if err != nil {
		return 0, 0, err
	}
	h, err := e.machine.Floats(e.h)
	if err != nil {
		return 0, 0, err
	}
	for i, y := range e.labels {
		if (y > 0) != (h[i] > 0) || math.IsNaN(h[i]) {
			wrong++
		}
	}
	return losses[0], wrong / float64(len(e.labels)), nil
}

type vectorMeter struct {
	problem     *Vectors
	vars        *machine.Variables
	train, test *sampleLoss
	grid        *predictions
	jacobian    *jacobian
	around      *around // nil if no measure needs it
	begun       bool
	start       measure.Pattern // of activations, at the initial parameters
}

// Begin notes the initial activation pattern.
func (m *vectorMeter) Begin() error {
	if _, _, err := m.train.run(); err != nil {
		return err
	}
	features, err := m.state(0, trainer.Latest{}).Features()
	m.begun = true
	m.start = measure.NewPattern(slices.Concat(features...))
	return err
}

// Measure computes the losses and the measures.
func (m *vectorMeter) Measure(l trainer.Latest) (trainer.Measurement, error) {
	result := trainer.Measurement{TestError: math.NaN(), TestLoss: math.NaN()}
	var err error
	if result.TrainLoss, result.TrainError, err = m.train.run(); err != nil {
		return result, err
	}
	if m.test != nil {
		if result.TestLoss, result.TestError, err = m.test.run(); err != nil {
			return result, err
		}
	}
	result.Own, err = m.state(result.TrainLoss, l).measure(m.problem.Measures)
	return result, err
}

func (m *vectorMeter) state(trainLoss float64, l trainer.Latest) *State {
	return &State{TrainLoss: trainLoss, Latest: l, vars: m.vars, variables: m.train.variables, meter: m, around: m.around}
}
