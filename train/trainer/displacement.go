package trainer

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
)

// The variables of a displacement.
const (
	startPrefix = "displaced/start/" // the parameters before
	varDistance = "displaced/step_size"
)

// displacement moves the parameters along the summed gradient for a while.
type displacement struct {
	vars      *machine.Variables
	gradients []gradientOf
	machine   *machine.Machine
}

// gradientOf has room for the gradient of a parameter.
type gradientOf struct {
	sum string // its variable
	f32 []float32
	f64 []float64
}

func newDisplacement(vars *machine.Variables, dtype tensor.Dtype, of gorgonia.Nodes) (*displacement, error) {
	d := &displacement{vars: vars}
	m := nets.NewModel(dtype, true)
	var parameters, starts gorgonia.Nodes
	updates := make([]op.Update, len(of))
	for i, w := range of {
		parameters = append(parameters, m.Input(w.Name(), dtype, w.Shape()...))
		starts = append(starts, m.Input(startPrefix+w.Name(), dtype, w.Shape()...))
		updates[i] = op.Update{W: parameters[i], Grad: m.Input(sumPrefix+w.Name(), dtype, w.Shape()...)}
		g := gradientOf{sum: sumPrefix + w.Name()}
		if n := w.Shape().TotalSize(); dtype == tensor.Float32 {
			g.f32 = make([]float32, n)
		} else {
			g.f64 = make([]float64, n)
		}
		d.gradients = append(d.gradients, g)
	}
	kept, err := copied(m, starts, parameters)
	if err != nil {
		return nil, err
	}
	moved, err := op.Descend(op.SGD{}, m.Input(varDistance, dtype), updates)
	if err != nil {
		return nil, err
	}
	d.machine, err = machine.New(vars, append(kept, moved...)...)
	return d, err
}

// move adds the summed gradient times a factor to the parameters by running the
// machine.
func (d *displacement) move(each func(*machine.Machine) error, factor float64) error {
	if err := d.vars.SetFloats(varDistance, []float64{-factor}); err != nil {
		return err
	}
	return each(d.machine)
}

// back gives the parameters of a graph, which follows, the values from which they
// were moved.
func back(m *nets.Model, parameters gorgonia.Nodes) (gorgonia.Nodes, error) {
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

// gradientSquare is ‖g‖² of the summed gradient. The host computes it, in float64 and
// in one order, so that any number of threads gives the same bits.
func (d *displacement) gradientSquare() (square float64, err error) {
	for _, g := range d.gradients {
		if g.f64 != nil {
			if err := d.vars.Get(g.sum, g.f64); err != nil {
				return 0, err
			}
			for _, v := range g.f64 {
				square += float64(v * v)
			}
			continue
		}
		if err := d.vars.Get(g.sum, g.f32); err != nil {
			return 0, err
		}
		for _, v := range g.f32 {
			square += float64(float64(v) * float64(v))
		}
	}
	return square, nil
}
