package trainer

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/run"
	"largestep/train/weights"
)

// The variables that a training step reads beside the network's.
const (
	varIndex      = "batch/index"
	VarWindow     = "batch/window"      // data.Augmentation of the mini-batch's images
	VarLabelNoise = "batch/label_noise" // added to its targets
	VarLabels     = "batch/labels"      // in the place of its images' own
	varStepSize   = "step_size"
	varLosses     = "losses"
	varPosition   = "losses/position"
	varDecay      = "sum/decay"

	velocityPrefix = "velocity/"
	sumPrefix      = "sum/"
	noisePrefix    = "noise/"
)

// logCapacity is how many losses the engine keeps until the host reads them.
const logCapacity = 4096

// StepOptions say how a training step descends.
type StepOptions struct {
	Batch int // examples of a mini-batch
	SGD   op.SGD
	// Parts is the number of mini-batches whose mean gradient makes one step;
	// 1 for SGD, all of an epoch for gradient descent.
	Parts int
	Noise run.GradientNoise // of problems that are Weighted
	SAM   float64           // ρ of sharpness-aware minimisation, with one part; 0 for none
	// Curvature makes MiniBatch.Curvature possible, with one part and without SAM.
	Curvature bool
}

// Step is one step of SGD as a graph on an engine: pick the mini-batch, forward,
// backward, update, record the loss. The host sends indices and the step size
// and waits for nothing.
type Step struct {
	Model   *nets.Model
	vars    *machine.Variables
	opts    StepOptions
	descend *machine.Machine // the whole step, or with several parts the gradient
	update  *machine.Machine // with several parts or SAM, the update
	ascent  *ascent          // of SAM; nil without
	look    *lookahead       // nil without StepOptions.Curvature
	noise   *gradientNoise   // nil without
	written int              // losses in the engine's log
	losses  []float64        // read from the log, not yet handed out
	done    int              // parts of a step that was interrupted
	quick   bool             // whether the last part took less than slowPart
	partial mean             // of the losses that have been read of a step
}

// mean is the mean loss of the parts of a step, as far as it is known.
type mean struct {
	parts int
	sum   float64 // of the losses, each divided by the number of all parts
}

// NewStep builds the graph and plans its machine.
func NewStep(vars *machine.Variables, p Problem, o StepOptions) (*Step, error) {
	if n := p.Examples(); o.Batch < 1 || o.Batch > n {
		return nil, fmt.Errorf("batch of %d for %d training examples: choose 1 to %[2]d", o.Batch, n)
	}
	s := &Step{Model: nets.NewModel(p.Dtype(), true), vars: vars, opts: o}
	loss, err := p.Loss(s.Model, s.Model.Input(varIndex, tensor.Int32, o.Batch))
	if err != nil {
		return nil, err
	}
	grads, err := gorgonia.Grad(loss, s.Model.Parameters()...)
	if err != nil {
		return nil, err
	}
	log, err := recorded(s.Model, loss)
	if err != nil {
		return nil, err
	}
	var updates []*gorgonia.Node
	if o.Parts > 1 || o.SAM > 0 {
		if s.update, err = s.updateBySum(o.SAM > 0); err != nil {
			return nil, err
		}
		updates, err = accumulate(s.Model, grads, o.Parts)
	} else {
		updates, err = s.descent(s.Model, s.Model.Parameters(), grads)
	}
	if err != nil {
		return nil, err
	}
	outputs := append(append([]*gorgonia.Node{log}, s.Model.Updates...), updates...)
	if s.descend, err = machine.New(vars, outputs...); err != nil {
		return nil, err
	}
	if o.SAM > 0 {
		if s.ascent, err = newAscent(vars, p, o); err != nil {
			return nil, err
		}
	}
	if o.Curvature {
		if s.look, err = s.newLookahead(p); err != nil {
			return nil, err
		}
	}
	if !o.Noise.IsZero() {
		s.noise, err = newGradientNoise(vars, p, o.Noise, s.Model.Parameters())
	}
	return s, err
}

// descent adds the update of the parameters by their gradients to a graph.
func (s *Step) descent(m *nets.Model, parameters, grads gorgonia.Nodes) (updated []*gorgonia.Node, err error) {
	updates := make([]op.Update, len(parameters))
	for i, w := range s.Model.Parameters() {
		u := op.Update{W: parameters[i], Grad: grads[i]}
		if !s.opts.Noise.IsZero() {
			if u.Grad, err = gorgonia.Add(u.Grad, m.Input(noisePrefix+w.Name(), s.Model.Dtype, w.Shape()...)); err != nil {
				return nil, err
			}
		}
		if s.opts.SGD.Momentum != 0 {
			u.V = m.Input(velocityPrefix+w.Name(), s.Model.Dtype, w.Shape()...)
		}
		updates[i] = u
	}
	return op.Descend(s.opts.SGD, m.Input(varStepSize, s.Model.Dtype), updates)
}

// recorded writes the loss to the engine's log.
func recorded(m *nets.Model, loss *gorgonia.Node) (*gorgonia.Node, error) {
	return op.Record(m.Input(varLosses, tensor.Float64, logCapacity), loss, m.Input(varPosition, tensor.Int32))
}

// accumulate adds the running sum of the parts' mean gradient to a graph.
func accumulate(m *nets.Model, grads gorgonia.Nodes, parts int) ([]*gorgonia.Node, error) {
	var sums gorgonia.Nodes
	for _, w := range m.Parameters() {
		sums = append(sums, m.Input(sumPrefix+w.Name(), m.Dtype, w.Shape()...))
	}
	return op.Accumulate(sums, grads, m.Input(varDecay, m.Dtype), 1/float64(parts))
}

// updateBySum is the machine of the update by the summed gradient, of parameters
// that were displaced if it says so.
func (s *Step) updateBySum(displaced bool) (*machine.Machine, error) {
	m := nets.NewModel(s.Model.Dtype, true)
	var parameters, totals gorgonia.Nodes
	for _, w := range s.Model.Parameters() {
		totals = append(totals, m.Input(sumPrefix+w.Name(), m.Dtype, w.Shape()...))
		parameters = append(parameters, m.Input(w.Name(), m.Dtype, w.Shape()...))
	}
	var err error
	if displaced {
		if parameters, err = back(m, parameters); err != nil {
			return nil, err
		}
	}
	outputs, err := s.descent(m, parameters, totals)
	if err != nil {
		return nil, err
	}
	return machine.New(s.vars, outputs...)
}

// Initialize draws the network's first parameters.
func (s *Step) Initialize(seed uint64) error {
	return weights.Initialize(s.vars, s.Model.Variables, seed)
}

// clearVelocities sets momentum back to rest.
func (s *Step) clearVelocities() error {
	if s.opts.SGD.Momentum == 0 {
		return nil
	}
	for _, w := range s.Model.Parameters() {
		zeros := op.NewHostTensor(op.Spec{Dtype: s.Model.Dtype, Shape: w.Shape()})
		if err := s.vars.Set(velocityPrefix+w.Name(), zeros.Data); err != nil {
			return err
		}
	}
	return nil
}

// Machine is what runs the step, for measuring it.
func (s *Step) Machine() *machine.Machine { return s.descend }
