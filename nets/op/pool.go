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

// Pooling is a square window without padding that moves by Stride.
type Pooling struct{ Size, Stride int }

// MaxPool is the largest element in each window of x, (N, C, H, W) to (N, C,
// (H − Size)/Stride + 1, (W − Size)/Stride + 1), rounded down: rows and columns
// that fill no window are left out. NaN is larger than all numbers. The gradient
// goes to the first of equal elements, row by row, as in PyTorch.
func MaxPool(x *gorgonia.Node, p Pooling) (*gorgonia.Node, error) { return one(maxPool{p}, x) }

// outShape is the shape of the result for x.
func (p Pooling) outShape(x tensor.Shape) (tensor.Shape, error) {
	if len(x) != 4 {
		return nil, fmt.Errorf("x %v: want (N, C, H, W)", x)
	}
	if p.Size < 1 || p.Stride < 1 {
		return nil, fmt.Errorf("size %d, stride %d: want 1 or more", p.Size, p.Stride)
	}
	if x[2] < p.Size || x[3] < p.Size {
		return nil, fmt.Errorf("x %v is smaller than the window, %d×%d", x, p.Size, p.Size)
	}
	return tensor.Shape{x[0], x[1], (x[2]-p.Size)/p.Stride + 1, (x[3]-p.Size)/p.Stride + 1}, nil
}

type maxPool struct{ Pooling }

func (o maxPool) String() string                  { return fmt.Sprintf("max pool: size %d stride %d", o.Size, o.Stride) }
func (o maxPool) Kinds(int) []Kind                { return []Kind{Activation} }
func (o maxPool) Run(k Kernels, out, in []Tensor) { k.MaxPool(o.Pooling, out[0], in[0]) }
func (o maxPool) Differentiates(int) []bool       { return []bool{true} }

func (o maxPool) Infer(in []Spec) ([]Spec, error) {
	s, err := o.outShape(in[0].Shape)
	if err != nil {
		return nil, err
	}
	return []Spec{{Activation, in[0].Dtype, s}}, sameDtype(in)
}

func (o maxPool) Gradients(in gorgonia.Nodes, out, dy *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := one(maxPoolBackward(o), dy, in[0], out)
	return gorgonia.Nodes{dx}, err
}

type maxPoolBackward struct{ Pooling }

func (o maxPoolBackward) String() string {
	return fmt.Sprintf("max pool backward: size %d stride %d", o.Size, o.Stride)
}
func (o maxPoolBackward) Kinds(int) []Kind { return []Kind{Activation, Activation, Activation} }
func (o maxPoolBackward) Run(k Kernels, out, in []Tensor) {
	k.MaxPoolBackward(o.Pooling, out[0], in[0], in[1], in[2])
}

func (o maxPoolBackward) Infer(in []Spec) ([]Spec, error) {
	dy, x, y := in[0].Shape, in[1].Shape, in[2].Shape
	if s, err := o.outShape(x); err != nil || !s.Eq(dy) || !s.Eq(y) {
		return nil, fmt.Errorf("dy %v and y %v do not come from x %v", dy, y, x)
	}
	return []Spec{in[1].like()}, sameDtype(in)
}
