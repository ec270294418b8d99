package nets

import "gorgonia.org/gorgonia"

// Linear is a linear model: h(x) = ⟨w, x⟩ + b.
type Linear struct{ Bias bool }

// Output is h, (N, 1), of x (N, D). All parameters start from 0.
func (l Linear) Output(m *Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	var bias Initializer
	if l.Bias {
		bias = Constant(0)
	}
	return m.Dense("linear", x, 1, Constant(0), bias)
}
