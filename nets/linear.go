package nets

import "gorgonia.org/gorgonia"

// Linear is a linear model: h(x) = ⟨w, x⟩ + b.
type Linear struct{ Bias bool }

// Features is 0: a linear model has no hidden layer.
func (Linear) Features() int { return 0 }

// Output is h, (N, 1), of x (N, D). All parameters start from 0.
func (l Linear) Output(m *Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	return m.dense("linear", x, 1, l.Bias, constant(0), constant(0))
}
