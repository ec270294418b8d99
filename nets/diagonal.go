package nets

import (
	"gorgonia.org/gorgonia"
	"largestep/nets/op"
)

// Diagonal is the diagonal linear network h(x) = ⟨u ⊙ v, x⟩ of the paper's
// section 3: linear in x, but not in its parameters.
type Diagonal struct {
	U, V float64 // what all entries start from
}

// Output is h, (N, 1), of x (N, D). The parameters are u and v, (1, D).
func (d Diagonal) Output(m *Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	dims := x.Shape()[1]
	u, err := m.Parameter("u", Constant(d.U), 1, dims)
	if err != nil {
		return nil, err
	}
	v, err := m.Parameter("v", Constant(d.V), 1, dims)
	if err != nil {
		return nil, err
	}
	beta, err := op.Multiply(u, v)
	if err != nil {
		return nil, err
	}
	return op.Product(x, beta)
}
