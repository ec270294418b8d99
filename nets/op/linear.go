package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Linear is a fully connected layer, y = x wᵀ + b, with x (N, I), w (O, I) and
// b (O), as PyTorch stores them.
func Linear(x, w, b *gorgonia.Node) (*gorgonia.Node, error) { return one(linear{}, x, w, b) }

type linear struct{}

func (linear) String() string                  { return "linear" }
func (linear) Kinds(int) []Kind                { return []Kind{Plain, Plain, Plain} }
func (linear) Run(k Kernels, out, in []Tensor) { k.Linear(out[0], in[0], in[1], in[2]) }
func (linear) Differentiates(int) []bool       { return []bool{true, true, true} }

func (linear) Infer(in []Spec) ([]Spec, error) {
	x, w, b := in[0].Shape, in[1].Shape, in[2].Shape
	if len(x) != 2 || len(w) != 2 || len(b) != 1 || x[1] != w[1] || b[0] != w[0] {
		return nil, fmt.Errorf("x %v, w %v, b %v: want (N, I), (O, I), (O)", x, w, b)
	}
	return []Spec{{Plain, in[0].Dtype, tensor.Shape{x[0], w[0]}}}, sameDtype(in)
}

// FLOP: N·I·O multiply-adds.
func (linear) FLOP(in []Spec) float64 { return 2 * float64(in[0].Len()*in[1].Shape[0]) }

func (linear) Gradients(in gorgonia.Nodes, out, dy *gorgonia.Node) (gorgonia.Nodes, error) {
	g, err := apply(linearBackward{}, dy, in[0], in[1])
	return g, err
}

type linearBackward struct{}

func (linearBackward) String() string   { return "linear backward" }
func (linearBackward) Kinds(int) []Kind { return []Kind{Plain, Plain, Plain} }
func (linearBackward) Run(k Kernels, out, in []Tensor) {
	k.LinearBackward(out[0], out[1], out[2], in[0], in[1], in[2])
}

func (linearBackward) Infer(in []Spec) ([]Spec, error) {
	dy, x, w := in[0].Shape, in[1].Shape, in[2].Shape
	if len(dy) != 2 || len(x) != 2 || len(w) != 2 || dy[0] != x[0] || dy[1] != w[0] || x[1] != w[1] {
		return nil, fmt.Errorf("dy %v, x %v, w %v: want (N, O), (N, I), (O, I)", dy, x, w)
	}
	b := Spec{Plain, in[0].Dtype, tensor.Shape{w[0]}}
	return []Spec{in[1].like(), in[2].like(), b}, sameDtype(in)
}

// FLOP: N·I·O multiply-adds for dx and for dw.
func (linearBackward) FLOP(in []Spec) float64 { return 4 * float64(in[1].Len()*in[2].Shape[0]) }
