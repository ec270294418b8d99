package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// BatchNorm is batch normalisation over (N, H, W) for each channel, fused with
// what follows it in a residual network:
//
//	y = relu(γ·(x − μ)/√(σ² + ε) + β + residual)
//
// (Ioffe & Szegedy 2015.) In training μ and σ² are those of the mini-batch, σ²
// the biased variance, and the running statistics move to them:
// running = (1 − Momentum)·running + Momentum·batch, the variance there unbiased.
type BatchNorm struct {
	Epsilon, Momentum float64
	ReLU              bool
	Residual          bool // whether there is a residual operand
}

// BatchNormResults are what the kernel writes. RunningMean and RunningVar, of
// C elements each, are updated in place.
type BatchNormResults struct{ Y, Mean, InvStd, RunningMean, RunningVar Tensor }

// BatchNormGradients are what the backward kernel writes; Residual is the
// gradient of the residual operand.
type BatchNormGradients struct{ X, Gamma, Beta, Residual Tensor }

// BatchNormParameters are the nodes that a batch norm reads beside x, all of
// shape (C).
type BatchNormParameters struct{ Gamma, Beta, RunningMean, RunningVar *gorgonia.Node }

// NormalizeBatch adds a batch norm in training mode; residual may be nil. It
// returns y and the updated running statistics, to be kept as outputs.
func NormalizeBatch(x *gorgonia.Node, p BatchNormParameters, residual *gorgonia.Node, b BatchNorm) (y, runningMean, runningVar *gorgonia.Node, err error) {
	b.Residual = residual != nil
	in := append([]*gorgonia.Node{x, p.Gamma, p.Beta, p.RunningMean, p.RunningVar}, nonNil(residual)...)
	out, err := apply(batchNorm{b}, in...)
	if err != nil {
		return nil, nil, nil, err
	}
	return out[0], out[3], out[4], nil
}

// Normalize adds a batch norm in evaluation mode, with the running statistics.
func Normalize(x *gorgonia.Node, p BatchNormParameters, residual *gorgonia.Node, b BatchNorm) (*gorgonia.Node, error) {
	b.Residual = residual != nil
	in := append([]*gorgonia.Node{x, p.Gamma, p.Beta, p.RunningMean, p.RunningVar}, nonNil(residual)...)
	return one(batchNormInference{b}, in...)
}

func nonNil(n *gorgonia.Node) []*gorgonia.Node {
	if n == nil {
		return nil
	}
	return []*gorgonia.Node{n}
}

func (b BatchNorm) attributes() string {
	return fmt.Sprintf("epsilon %g momentum %g relu %t residual %t", b.Epsilon, b.Momentum, b.ReLU, b.Residual)
}

func (b BatchNorm) kinds() []Kind {
	k := []Kind{Activation, Plain, Plain, Plain, Plain}
	if b.Residual {
		k = append(k, Activation)
	}
	return k
}

// check verifies x, four vectors of C and the residual.
func (b BatchNorm) check(in []Spec) error {
	if want := len(b.kinds()); len(in) != want {
		return fmt.Errorf("%d operands, want %d", len(in), want)
	}
	x := in[0].Shape
	if len(x) != 4 {
		return fmt.Errorf("x %v: want (N, C, H, W)", x)
	}
	for _, s := range in[1:5] {
		if !s.Shape.Eq(tensor.Shape{x[1]}) {
			return fmt.Errorf("a parameter is %v: want (%d)", s.Shape, x[1])
		}
	}
	if b.Residual && !in[5].Shape.Eq(x) {
		return fmt.Errorf("residual %v: want %v", in[5].Shape, x)
	}
	return sameDtype(in)
}

// optional is the operand at a place that not every variant has.
func optional(in []Tensor, at int) Tensor {
	if len(in) > at {
		return in[at]
	}
	return Tensor{}
}

type batchNorm struct{ BatchNorm }

func (o batchNorm) String() string    { return "batch norm: " + o.attributes() }
func (o batchNorm) Kinds(int) []Kind  { return o.kinds() }
func (o batchNorm) Updates(int) []int { return []int{-1, -1, -1, 3, 4} }

func (o batchNorm) Infer(in []Spec) ([]Spec, error) {
	if err := o.check(in); err != nil {
		return nil, err
	}
	if x := in[0].Shape; x[0]*x[2]*x[3] < 2 {
		return nil, fmt.Errorf("x %v: the variance of one value per channel is undefined; use a larger mini-batch", x)
	}
	c := in[1].like()
	return []Spec{in[0].like(), c, c, c, c}, nil
}

func (o batchNorm) Run(k Kernels, out, in []Tensor) {
	k.BatchNorm(o.BatchNorm, BatchNormResults{out[0], out[1], out[2], out[3], out[4]},
		in[0], in[1], in[2], optional(in, 5))
}

func (o batchNorm) Differentiates(n int) []bool {
	return []bool{true, true, true, false, false, true}[:n]
}

func (o batchNorm) Gradients(in gorgonia.Nodes, out, dy *gorgonia.Node) (gorgonia.Nodes, error) {
	saved, err := batchNormSaved(out)
	if err != nil {
		return nil, err
	}
	g, err := apply(batchNormBackward(o), dy, in[0], in[1], in[2], saved[1], saved[2], saved[0])
	if err != nil {
		return nil, err
	}
	grads := gorgonia.Nodes{g[0], g[1], g[2], nil, nil}
	if o.Residual {
		grads = append(grads, g[3])
	}
	return grads, nil
}

// batchNormSaved are y, mean and invStd of a batch norm in training mode.
func batchNormSaved(out *gorgonia.Node) (saved [3]*gorgonia.Node, err error) {
	for k := range saved {
		if saved[k], err = project(out, k); err != nil {
			return saved, err
		}
	}
	return saved, nil
}

type batchNormBackward struct{ BatchNorm }

func (o batchNormBackward) String() string { return "batch norm backward: " + o.attributes() }
func (o batchNormBackward) Kinds(int) []Kind {
	return []Kind{Activation, Activation, Plain, Plain, Plain, Plain, Activation}
}

func (o batchNormBackward) Infer(in []Spec) ([]Spec, error) {
	if !in[0].Shape.Eq(in[1].Shape) || !in[6].Shape.Eq(in[1].Shape) {
		return nil, fmt.Errorf("dy %v, x %v, y %v: want equal shapes", in[0].Shape, in[1].Shape, in[6].Shape)
	}
	out := []Spec{in[1].like(), in[2].like(), in[2].like()}
	if o.Residual {
		out = append(out, in[1].like())
	}
	return out, sameDtype(in)
}

func (o batchNormBackward) Run(k Kernels, out, in []Tensor) {
	g := BatchNormGradients{X: out[0], Gamma: out[1], Beta: out[2], Residual: optional(out, 3)}
	k.BatchNormBackward(o.BatchNorm, g, in[0], in[1], in[6], in[2], in[3], in[4], in[5])
}

type batchNormInference struct{ BatchNorm }

func (o batchNormInference) String() string   { return "batch norm inference: " + o.attributes() }
func (o batchNormInference) Kinds(int) []Kind { return o.kinds() }
func (o batchNormInference) InPlace() []int   { return []int{0} }
func (o batchNormInference) Infer(in []Spec) ([]Spec, error) {
	return []Spec{in[0].like()}, o.check(in)
}
func (o batchNormInference) Run(k Kernels, out, in []Tensor) {
	k.BatchNormInference(o.BatchNorm, out[0], in[0], in[1], in[2], in[3], in[4], optional(in, 5))
}
