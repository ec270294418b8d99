package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// AveragePool is the mean over height and width: (N, C, H, W) to (N, C).
func AveragePool(x *gorgonia.Node) (*gorgonia.Node, error) { return one(averagePool{}, x) }

type averagePool struct{}

func (averagePool) String() string                  { return "average pool" }
func (averagePool) Kinds(int) []Kind                { return []Kind{Activation} }
func (averagePool) Run(k Kernels, out, in []Tensor) { k.AveragePool(out[0], in[0]) }
func (averagePool) Differentiates(int) []bool       { return []bool{true} }

func (averagePool) Infer(in []Spec) ([]Spec, error) {
	x := in[0].Shape
	if len(x) != 4 {
		return nil, fmt.Errorf("x %v: want (N, C, H, W)", x)
	}
	return []Spec{{Plain, in[0].Dtype, tensor.Shape{x[0], x[1]}}}, sameDtype(in)
}

func (averagePool) Gradients(in gorgonia.Nodes, out, dy *gorgonia.Node) (gorgonia.Nodes, error) {
	s := in[0].Shape()
	dx, err := one(averagePoolBackward{s[2], s[3]}, dy)
	return gorgonia.Nodes{dx}, err
}

type averagePoolBackward struct{ height, width int }

func (o averagePoolBackward) String() string {
	return fmt.Sprintf("average pool backward: to %d×%d", o.height, o.width)
}
func (o averagePoolBackward) Kinds(int) []Kind { return []Kind{Plain} }
func (o averagePoolBackward) Run(k Kernels, out, in []Tensor) {
	k.AveragePoolBackward(out[0], in[0])
}

func (o averagePoolBackward) Infer(in []Spec) ([]Spec, error) {
	dy := in[0].Shape
	if len(dy) != 2 {
		return nil, fmt.Errorf("dy %v: want (N, C)", dy)
	}
	return []Spec{{Activation, in[0].Dtype, tensor.Shape{dy[0], dy[1], o.height, o.width}}}, sameDtype(in)
}
