package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Convolution is a square two-dimensional cross-correlation without bias.
type Convolution struct{ Stride, Pad int }

// Conv convolves x (N, C, H, W) with the filter w (OC, C, K, K).
func Conv(x, w *gorgonia.Node, c Convolution) (*gorgonia.Node, error) {
	return one(conv{c}, x, w)
}

// outSize is the height (width) of the result for a height (width) of in.
func (c Convolution) outSize(in, k int) int { return (in+2*c.Pad-k)/c.Stride + 1 }

func (c Convolution) outShape(x, w tensor.Shape) (tensor.Shape, error) {
	if len(x) != 4 || len(w) != 4 || x[1] != w[1] || w[2] != w[3] {
		return nil, fmt.Errorf("x %v and w %v: want (N, C, H, W) and (OC, C, K, K)", x, w)
	}
	if c.Stride < 1 || c.Pad < 0 {
		return nil, fmt.Errorf("stride %d, padding %d: want ≥ 1 and ≥ 0", c.Stride, c.Pad)
	}
	k := w[2]
	if x[2]+2*c.Pad < k || x[3]+2*c.Pad < k {
		return nil, fmt.Errorf("x %v is smaller than the filter %v", x, w)
	}
	return tensor.Shape{x[0], w[0], c.outSize(x[2], k), c.outSize(x[3], k)}, nil
}

type conv struct{ Convolution }

func (o conv) String() string                { return fmt.Sprintf("conv: stride %d pad %d", o.Stride, o.Pad) }
func (o conv) Kinds(int) []Kind              { return []Kind{Activation, Filter} }
func (o conv) Differentiates(int) []bool     { return []bool{true, true} }
func (o conv) Run(k Kernels, y, in []Tensor) { k.Conv(o.Convolution, y[0], in[0], in[1]) }

func (o conv) Infer(in []Spec) ([]Spec, error) {
	s, err := o.outShape(in[0].Shape, in[1].Shape)
	if err != nil {
		return nil, err
	}
	return []Spec{{Activation, in[0].Dtype, s}}, sameDtype(in)
}

// FLOP: every element of y sums C·K·K products.
func (o conv) FLOP(in []Spec) float64 {
	y, _ := o.outShape(in[0].Shape, in[1].Shape)
	return 2 * float64(y.TotalSize()) * float64(in[1].Len()/y[1])
}

func (o conv) Gradients(in gorgonia.Nodes, out, dy *gorgonia.Node) (gorgonia.Nodes, error) {
	x, w := in[0], in[1]
	dx, err := one(convBackwardData{o.Convolution, [2]int{x.Shape()[2], x.Shape()[3]}}, dy, w)
	if err != nil {
		return nil, err
	}
	dw, err := one(convBackwardFilter{o.Convolution, w.Shape()[2], FilterGradient}, dy, x)
	return gorgonia.Nodes{dx, dw}, err
}

type convBackwardData struct {
	Convolution
	in [2]int // height and width of x
}

func (o convBackwardData) String() string {
	return fmt.Sprintf("conv backward data: stride %d pad %d to %v", o.Stride, o.Pad, o.in)
}
func (o convBackwardData) Kinds(int) []Kind { return []Kind{Activation, Filter} }
func (o convBackwardData) Run(k Kernels, out, in []Tensor) {
	k.ConvBackwardData(o.Convolution, out[0], in[0], in[1], false)
}

// FLOP: every element of dy meets C·K·K weights.
func (o convBackwardData) FLOP(in []Spec) float64 {
	return 2 * float64(in[0].Len()) * float64(in[1].Len()/in[1].Shape[0])
}

// RunAccumulate adds the result to what is in out.
func (o convBackwardData) RunAccumulate(k Kernels, out, in []Tensor) {
	k.ConvBackwardData(o.Convolution, out[0], in[0], in[1], true)
}

func (o convBackwardData) Infer(in []Spec) ([]Spec, error) {
	dy, w := in[0].Shape, in[1].Shape
	if len(dy) != 4 || len(w) != 4 {
		return nil, fmt.Errorf("dy %v and w %v: want four dimensions", dy, w)
	}
	x := tensor.Shape{dy[0], w[1], o.in[0], o.in[1]}
	if s, err := o.outShape(x, w); err != nil || !s.Eq(dy) {
		return nil, fmt.Errorf("dy %v does not come from x %v and w %v", dy, x, w)
	}
	return []Spec{{Activation, in[0].Dtype, x}}, sameDtype(in)
}

type convBackwardFilter struct {
	Convolution
	kernel int
	kind   Kind // of dw
}

func (o convBackwardFilter) String() string {
	return fmt.Sprintf("conv backward filter: %d stride %d pad %d", o.kernel, o.Stride, o.Pad)
}
func (o convBackwardFilter) Kinds(int) []Kind { return []Kind{Activation, Activation} }
func (o convBackwardFilter) Run(k Kernels, out, in []Tensor) {
	k.ConvBackwardFilter(o.Convolution, out[0], in[0], in[1])
}

func (o convBackwardFilter) Infer(in []Spec) ([]Spec, error) {
	dy, x := in[0].Shape, in[1].Shape
	if len(dy) != 4 || len(x) != 4 {
		return nil, fmt.Errorf("dy %v and x %v: want four dimensions", dy, x)
	}
	w := tensor.Shape{dy[1], x[1], o.kernel, o.kernel}
	if s, err := o.outShape(x, w); err != nil || !s.Eq(dy) {
		return nil, fmt.Errorf("dy %v does not come from x %v and w %v", dy, x, w)
	}
	return []Spec{{o.kind, in[0].Dtype, w}}, sameDtype(in)
}

// FLOP: every element of dy meets C·K·K elements of x.
func (o convBackwardFilter) FLOP(in []Spec) float64 {
	return 2 * float64(in[0].Len()) * float64(in[1].Shape[1]*o.kernel*o.kernel)
}

// sameDtype checks that all operands are of one type, float32 or float64.
func sameDtype(in []Spec) error {
	for _, s := range in {
		if s.Dtype != in[0].Dtype || s.Dtype != tensor.Float32 && s.Dtype != tensor.Float64 {
			return fmt.Errorf("operands of %v and %v: want one of float32, float64", in[0].Dtype, s.Dtype)
		}
	}
	return nil
}
