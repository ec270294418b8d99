package trainer

import (
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
)

// The variables of a step of SAM beside the others'.
const (
	startPrefix = "sam/start/" // the parameters before the ascent
	varAscent   = "sam/step_size"
)

// ascent makes the gradient of a step that of sharpness-aware minimisation (Foret,
// Kleiner, Mobahi and Neyshabur 2021): it moves the parameters from θ, of whose
// mini-batch the gradient g has been summed, to θ + ρ g/‖g‖, and sums the gradient of
// the same mini-batch there. Batch norm takes the mini-batch's statistics both times,
// but its running ones follow the first pass alone, as does the loss that is
// recorded. Weight decay is no part of g.
type ascent struct {
	vars      *machine.Variables
	rho       float64
	gradients []gradientOf
	up, again *machine.Machine
}

// gradientOf has room for the gradient of a parameter.
type gradientOf struct {
	sum string // its variable
	f32 []float32
	f64 []float64
}

func newAscent(vars *machine.Variables, p Problem, o StepOptions) (*ascent, error) {
	a := &ascent{vars: vars, rho: o.SAM}
	m := nets.NewModel(p.Dtype(), true)
	loss, err := p.Loss(m, m.Input(varIndex, tensor.Int32, o.Batch))
	if err != nil {
		return nil, err
	}
	parameters := m.Parameters()
	grads, err := gorgonia.Grad(loss, parameters...)
	if err != nil {
		return nil, err
	}
	var sums gorgonia.Nodes
	for _, w := range parameters {
		sums = append(sums, m.Input(sumPrefix+w.Name(), m.Dtype, w.Shape()...))
		g := gradientOf{sum: sumPrefix + w.Name()}
		if n := w.Shape().TotalSize(); m.Dtype == tensor.Float32 {
			g.f32 = make([]float32, n)
		} else {
			g.f64 = make([]float64, n)
		}
		a.gradients = append(a.gradients, g)
	}
	outputs, err := op.Accumulate(sums, grads, m.Input(varDecay, m.Dtype), 1)
	if err != nil {
		return nil, err
	}
	if a.again, err = machine.New(vars, outputs...); err != nil {
		return nil, err
	}
	if outputs, err = climb(m.Dtype, parameters); err != nil {
		return nil, err
	}
	a.up, err = machine.New(vars, outputs...)
	return a, err
}

// climb keeps the parameters and moves them along the summed gradient, by minus the
// step size of the ascent.
func climb(dtype tensor.Dtype, of gorgonia.Nodes) ([]*gorgonia.Node, error) {
	m := nets.NewModel(dtype, true)
	var parameters, starts gorgonia.Nodes
	updates := make([]op.Update, len(of))
	for i, w := range of {
		parameters = append(parameters, m.Input(w.Name(), dtype, w.Shape()...))
		starts = append(starts, m.Input(startPrefix+w.Name(), dtype, w.Shape()...))
		updates[i] = op.Update{W: parameters[i], Grad: m.Input(sumPrefix+w.Name(), dtype, w.Shape()...)}
	}
	kept, err := copied(m, starts, parameters)
	if err != nil {
		return nil, err
	}
	moved, err := op.Descend(op.SGD{}, m.Input(varAscent, dtype), updates)
	return append(kept, moved...), err
}

// descendAgain gives the parameters the values from which the step ascended.
func descendAgain(m *nets.Model, parameters gorgonia.Nodes) (gorgonia.Nodes, error) {
	var starts gorgonia.Nodes
	for _, w := range parameters {
		starts = append(starts, m.Input(startPrefix+w.Name(), m.Dtype, w.Shape()...))
	}
	return copied(m, parameters, starts)
}

// copied are the variables to with the values of from. The decay of a step of one
// part is 0.
func copied(m *nets.Model, to, from gorgonia.Nodes) ([]*gorgonia.Node, error) {
	return op.Accumulate(to, from, m.Input(varDecay, m.Dtype), 1)
}

// run replaces the summed gradient by running machines. The host computes its norm, in float64 and in one
// order, so that any number of threads gives the same bits.
func (a *ascent) run(each func(*machine.Machine) error) error {
	norm, err := a.norm()
	if err != nil {
		return err
	}
	eta := 0.0 // where the loss is flat
	if norm != 0 {
		eta = -a.rho / norm
	}
	if err := a.vars.SetFloats(varAscent, []float64{eta}); err != nil {
		return err
	}
	if err := each(a.up); err != nil {
		return err
	}
	return each(a.again)
}

// norm is ‖g‖ of the summed gradient.
func (a *ascent) norm() (float64, error) {
	squares := 0.0
	for _, g := range a.gradients {
		if g.f64 != nil {
			if err := a.vars.Get(g.sum, g.f64); err != nil {
				return 0, err
			}
			for _, v := range g.f64 {
				squares += float64(v * v)
			}
			continue
		}
		if err := a.vars.Get(g.sum, g.f32); err != nil {
			return 0, err
		}
		for _, v := range g.f32 {
			squares += float64(float64(v) * float64(v))
		}
	}
	return math.Sqrt(squares), nil
}
