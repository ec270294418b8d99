package trainer

import (
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/metrics/measure"
	"largestep/nets"
	"largestep/train/machine"
)

// lookahead takes steps that measure, on the way, the curvature of their mini-batch's
// loss along its gradient, as the loss at θ − ηg shows it. It costs a forward pass, and
// changes no bit of the step.
type lookahead struct {
	*displacement
	gradient    *machine.Machine // in the place of Step.descend
	ahead       *machine.Machine
	update      *machine.Machine
	loss, there *gorgonia.Node
	curvature   float64 // of the latest step; NaN where that cannot be told
}

func (s *Step) newLookahead(p Problem) (l *lookahead, err error) {
	l = &lookahead{}
	m := nets.NewModel(p.Dtype(), true)
	if l.loss, err = p.Loss(m, m.Input(varIndex, tensor.Int32, s.opts.Batch)); err != nil {
		return nil, err
	}
	grads, err := gorgonia.Grad(l.loss, m.Parameters()...)
	if err != nil {
		return nil, err
	}
	log, err := recorded(m, l.loss)
	if err != nil {
		return nil, err
	}
	sums, err := accumulate(m, grads, 1)
	if err != nil {
		return nil, err
	}
	if l.gradient, err = machine.New(s.vars, append(append(gorgonia.Nodes{l.loss, log}, m.Updates...), sums...)...); err != nil {
		return nil, err
	}
	if l.displacement, err = newDisplacement(s.vars, m.Dtype, m.Parameters()); err != nil {
		return nil, err
	}
	if l.update, err = s.updateBySum(true); err != nil {
		return nil, err
	}
	m = nets.NewModel(p.Dtype(), true)
	if l.there, err = p.Loss(m, m.Input(varIndex, tensor.Int32, s.opts.Batch)); err != nil {
		return nil, err
	}
	l.ahead, err = machine.New(s.vars, l.there)
	return l, err
}

// run computes the gradient, by running machines, and the curvature for a step size
// eta. It leaves the parameters where it looked at the loss.
func (l *lookahead) run(each func(*machine.Machine) error, eta float64) error {
	if err := each(l.gradient); err != nil {
		return err
	}
	square, err := l.gradientSquare()
	if err != nil {
		return err
	}
	if err := l.move(each, -eta); err != nil {
		return err
	}
	if err := each(l.ahead); err != nil {
		return err
	}
	loss, err := l.gradient.Floats(l.loss)
	if err != nil {
		return err
	}
	there, err := l.ahead.Floats(l.there)
	if err != nil {
		return err
	}
	c, known := measure.CurvatureByLosses(loss[0], there[0], square, eta, nets.Mantissa(l.loss.Dtype()))
	if !known {
		c = math.NaN()
	}
	l.curvature = c
	return nil
}
