package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// SGD is stochastic gradient descent with weight decay λ and momentum μ, as
// PyTorch does it: g = grad + λw; v = μv + g; w −= η·v.
type SGD struct{ Momentum, WeightDecay float64 }

// Update is one parameter with its gradient and, with momentum, its velocity.
type Update struct{ W, V, Grad *gorgonia.Node }

// Descend updates all parameters by one step of the step size eta, a scalar. It
// returns the updated parameters (and velocities), to be kept as outputs.
func Descend(s SGD, eta *gorgonia.Node, updates []Update) ([]*gorgonia.Node, error) {
	in := []*gorgonia.Node{eta}
	for _, u := range updates {
		in = append(in, u.W, u.Grad)
		if s.Momentum != 0 {
			in = append(in, u.V)
		}
	}
	return apply(sgd{s}, in...)
}

type sgd struct{ SGD }

func (o sgd) String() string {
	return fmt.Sprintf("sgd: momentum %g weight decay %g", o.Momentum, o.WeightDecay)
}

// group is how many operands belong to one parameter: w, grad and perhaps v.
func (o sgd) group() int {
	if o.Momentum != 0 {
		return 3
	}
	return 2
}

func (o sgd) Kinds(n int) []Kind {
	k := make([]Kind, n)
	k[0] = Plain
	return k
}

func (o sgd) Updates(n int) []int {
	var u []int
	for i := 1; i < n; i += o.group() {
		u = append(u, i)
		if o.group() == 3 {
			u = append(u, i+2)
		}
	}
	return u
}

func (o sgd) Infer(in []Spec) ([]Spec, error) {
	if (len(in)-1)%o.group() != 0 || len(in) == 1 || len(in[0].Shape) != 0 {
		return nil, fmt.Errorf("%d operands: want a scalar step size and %d for each parameter", len(in), o.group())
	}
	var out []Spec
	for i := 1; i < len(in); i += o.group() {
		for _, s := range in[i : i+o.group()] {
			if !s.Shape.Eq(in[i].Shape) {
				return nil, fmt.Errorf("parameter %v with gradient or velocity %v", in[i].Shape, s.Shape)
			}
		}
		out = append(out, in[i].like())
		if o.group() == 3 {
			out = append(out, in[i].like())
		}
	}
	return out, sameDtype(in)
}

func (o sgd) Run(k Kernels, out, in []Tensor) {
	results := o.group() - 1
	for p := range (len(in) - 1) / o.group() {
		grad := in[1+p*o.group()+1]
		var v Tensor
		if results == 2 {
			v = out[2*p+1]
		}
		k.SGD(o.SGD, out[results*p], v, grad, in[0])
	}
}

// Accumulate gives sum = decay·sum + scale·x for each pair, in place: the
// gradient of a large batch from those of its parts. decay is a scalar, 0 for
// the first part and 1 from then on.
func Accumulate(sums, xs []*gorgonia.Node, decay *gorgonia.Node, scale float64) ([]*gorgonia.Node, error) {
	in := []*gorgonia.Node{decay}
	for i := range sums {
		in = append(in, sums[i], xs[i])
	}
	return apply(accumulate{scale}, in...)
}

type accumulate struct{ scale float64 }

func (o accumulate) String() string { return fmt.Sprintf("accumulate: scale %g", o.scale) }

func (o accumulate) Kinds(n int) []Kind {
	k := make([]Kind, n)
	k[0] = Plain
	return k
}

func (o accumulate) Updates(n int) []int {
	var u []int
	for i := 1; i < n; i += 2 {
		u = append(u, i)
	}
	return u
}

func (o accumulate) Infer(in []Spec) ([]Spec, error) {
	if len(in)%2 == 0 || len(in) == 1 || len(in[0].Shape) != 0 {
		return nil, fmt.Errorf("%d operands: want a scalar and pairs of sum and term", len(in))
	}
	var out []Spec
	for i := 1; i < len(in); i += 2 {
		if !in[i].Shape.Eq(in[i+1].Shape) {
			return nil, fmt.Errorf("sum %v with term %v", in[i].Shape, in[i+1].Shape)
		}
		out = append(out, in[i].like())
	}
	return out, sameDtype(in)
}

func (o accumulate) Run(k Kernels, out, in []Tensor) {
	for i := range out {
		k.Accumulate(out[i], in[2*i+2], in[0], o.scale)
	}
}

func scalarOf(s Spec, dtype tensor.Dtype) error {
	if len(s.Shape) != 0 || s.Dtype != dtype {
		return fmt.Errorf("%v: want a scalar %v", s, dtype)
	}
	return nil
}
