package trainer

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/run"
	"largestep/train/safetensors"
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
		updates, err = accumulate(s.Model, s.Model.Parameters(), grads, o.Parts)
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
func accumulate(m *nets.Model, parameters, grads gorgonia.Nodes, parts int) ([]*gorgonia.Node, error) {
	var sums gorgonia.Nodes
	for _, w := range parameters {
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

// MiniBatch is what a step is taken on.
type MiniBatch struct {
	Index      []int32   // of the training examples, StepOptions.Batch for each of the Parts
	Window     []int32   // data.Augmentation of images; nil for none
	LabelNoise []float64 // added to the targets; nil for none
	Labels     []int32   // of images, in the place of their own, of a problem with label noise
	// Noise are standard normal numbers for StepOptions.Noise, Step.NoiseLen of them;
	// nil for no noise.
	Noise []float64
	// Curvature says that the step is to measure that along its gradient, gᵀHg/‖g‖²,
	// for Step.Curvature.
	Curvature bool
}

// Run takes one step of the step size eta.
func (s *Step) Run(b MiniBatch, eta float64) error { return s.Try(context.Background(), b, eta) }

// slowPart is how long a part may take that is not interrupted.
var slowPart = time.Second // tests take less

// Try is Run, but for a context that ends before the step is taken: then the error
// is ErrInterrupted, and the next call goes on with the part at which this one was
// interrupted.
func (s *Step) Try(ctx context.Context, b MiniBatch, eta float64) error {
	if err := s.vars.SetFloats(varStepSize, []float64{eta}); err != nil {
		return err
	}
	if s.noise != nil {
		if err := s.noise.set(b.Noise); err != nil {
			return err
		}
	}
	for s.done < s.opts.Parts {
		if s.done > 0 && ended(ctx) {
			return ErrInterrupted
		}
		if err := s.runPart(ctx, b, eta); err != nil {
			return err
		}
		s.done++
	}
	s.done = 0
	switch {
	case b.Curvature:
		return s.look.update.RunAll()
	case s.update != nil:
		return s.update.RunAll()
	}
	return nil
}

// Curvature is gᵀHg/‖g‖² of the latest step that measured it, from the loss at
// θ − ηg; NaN if that is not finite. H and g are of the mini-batch's loss, without
// weight decay.
func (s *Step) Curvature() float64 {
	if s.look == nil {
		return math.NaN()
	}
	return s.look.curvature
}

// ended tells whether a context has ended that says so by its channel.
func ended(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

func (s *Step) runPart(ctx context.Context, b MiniBatch, eta float64) error {
	if err := s.prepare(s.done, b); err != nil {
		return err
	}
	start, run := time.Now(), (*machine.Machine).RunAll
	if !s.quick { // it costs copies of what it changes
		var all machine.Transaction
		run = func(m *machine.Machine) error { return all.Run(ctx, m) }
	}
	if err := s.compute(run, b.Curvature, eta); err != nil {
		return err
	}
	s.quick = time.Since(start) < slowPart
	s.written++
	return nil
}

// compute runs the machines of a part.
func (s *Step) compute(each func(*machine.Machine) error, curvature bool, eta float64) error {
	if curvature {
		return s.look.run(each, eta)
	}
	if err := each(s.descend); err != nil || s.ascent == nil {
		return err
	}
	return s.ascent.run(each)
}

// prepare sets the inputs of a part.
func (s *Step) prepare(part int, b MiniBatch) error {
	if s.written == logCapacity {
		if err := s.readLog(); err != nil {
			return err
		}
	}
	at, n := part*s.opts.Batch, s.opts.Batch
	if err := s.vars.Set(varIndex, b.Index[at:at+n]); err != nil {
		return err
	}
	if b.Window != nil {
		if err := s.vars.Set(VarWindow, b.Window[3*at:3*(at+n)]); err != nil {
			return err
		}
	}
	if b.LabelNoise != nil {
		if err := s.vars.SetFloats(VarLabelNoise, b.LabelNoise[at:at+n]); err != nil {
			return err
		}
	}
	if b.Labels != nil {
		if err := s.vars.Set(VarLabels, b.Labels[at:at+n]); err != nil {
			return err
		}
	}
	if err := s.vars.Set(varPosition, []int32{int32(s.written)}); err != nil {
		return err
	}
	if s.update != nil || s.look != nil {
		decay := 1.0
		if part == 0 {
			decay = 0
		}
		if err := s.vars.SetFloats(varDecay, []float64{decay}); err != nil {
			return err
		}
	}
	return nil
}

// readLog waits for the engine and takes the losses over.
func (s *Step) readLog() error {
	log := make([]float64, logCapacity)
	if err := s.vars.Get(varLosses, log); err != nil {
		return err
	}
	s.losses = append(s.losses, log[:s.written]...)
	s.written = 0
	return nil
}

// Losses waits for the engine and returns the mini-batch loss of every step
// since the last call.
func (s *Step) Losses() (steps []float64, err error) {
	if err := s.readLog(); err != nil {
		return nil, err
	}
	for _, l := range s.losses {
		s.partial.sum += l / float64(s.opts.Parts)
		if s.partial.parts++; s.partial.parts == s.opts.Parts {
			steps = append(steps, s.partial.sum)
			s.partial = mean{}
		}
	}
	s.losses = s.losses[:0]
	return steps, nil
}

// varLoss is, in a file of a step under way, the mean loss of its parts.
const varLoss = sumPrefix + "loss"

// underWay are the gradients of the parts taken of a step that was interrupted, and
// their loss; nothing between steps. The log must have been read.
func (s *Step) underWay() (list []safetensors.Tensor, err error) {
	if s.done == 0 {
		return nil, nil
	}
	for _, name := range s.sumNames() {
		t, err := weights.Download(s.vars, name)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return append(list, safetensors.FromFloat64(varLoss, nil, []float64{s.partial.sum})), nil
}

func (s *Step) sumNames() (names []string) {
	for _, w := range s.Model.Parameters() {
		names = append(names, sumPrefix+w.Name())
	}
	return names
}

// goOn takes over what underWay gave after so many parts.
func (s *Step) goOn(parts int, list []safetensors.Tensor) error {
	s.startOver()
	if parts == 0 {
		return nil
	}
	if parts < 0 || parts > s.opts.Parts {
		return fmt.Errorf("part %d of a step of %d", parts, s.opts.Parts)
	}
	at := slices.IndexFunc(list, func(t safetensors.Tensor) bool { return t.Name == varLoss })
	if at < 0 {
		return fmt.Errorf("no tensor %s", varLoss)
	}
	loss, err := list[at].Float64s()
	if err != nil {
		return err
	}
	if s.update == nil || len(loss) != 1 {
		return fmt.Errorf("tensor %s does not belong to this training", varLoss)
	}
	s.done, s.partial = parts, mean{parts, loss[0]}
	return weights.Fill(s.vars, s.sumNames(), slices.Delete(slices.Clone(list), at, at+1))
}

// startOver forgets losses, and a step under way.
func (s *Step) startOver() { s.written, s.losses, s.done, s.partial = 0, nil, 0, mean{} }

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
