package op_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine"
)

// layer is a small graph to differentiate: it makes its own inputs and returns
// its output.
type layer struct {
	name   string
	inputs map[string][]int                                           // float64 inputs with a gradient
	build  func(in map[string]*gorgonia.Node) (*gorgonia.Node, error) //
	ints   map[string][]int32                                         // int32 vectors
	consts map[string][]int                                           // float64 inputs without a gradient
}

func layers() []layer {
	conv := func(n, ic, oc, size, k, stride int) layer {
		return layer{
			name:   fmt.Sprintf("conv n%d %d to %d size %d kernel %d stride %d", n, ic, oc, size, k, stride),
			inputs: map[string][]int{"x": {n, ic, size, size}, "w": {oc, ic, k, k}},
			build: func(in map[string]*gorgonia.Node) (*gorgonia.Node, error) {
				return op.Conv(in["x"], in["w"], op.Convolution{Stride: stride, Pad: k / 2})
			},
		}
	}
	norm := func(relu, residual bool) layer {
		l := layer{
			name:   fmt.Sprintf("batch norm relu %t residual %t", relu, residual),
			inputs: map[string][]int{"x": {3, 4, 3, 2}, "gamma": {4}, "beta": {4}},
			consts: map[string][]int{"mean": {4}, "variance": {4}},
		}
		if residual {
			l.inputs["residual"] = []int{3, 4, 3, 2}
		}
		l.build = func(in map[string]*gorgonia.Node) (*gorgonia.Node, error) {
			p := op.BatchNormParameters{Gamma: in["gamma"], Beta: in["beta"], RunningMean: in["mean"], RunningVar: in["variance"]}
			y, _, _, err := op.NormalizeBatch(in["x"], p, in["residual"], op.BatchNorm{Epsilon: 1e-5, Momentum: 0.1, ReLU: relu})
			return y, err
		}
		return l
	}
	return []layer{
		conv(2, 3, 4, 5, 3, 1), conv(2, 3, 4, 6, 3, 2), conv(3, 2, 3, 5, 3, 2), conv(2, 3, 5, 4, 1, 1), conv(2, 3, 5, 4, 1, 2),
		norm(false, false), norm(true, false), norm(false, true), norm(true, true),
		{
			name:   "average pool",
			inputs: map[string][]int{"x": {2, 3, 4, 3}},
			build:  func(in map[string]*gorgonia.Node) (*gorgonia.Node, error) { return op.AveragePool(in["x"]) },
		},
		{
			name:   "linear",
			inputs: map[string][]int{"x": {4, 3}, "w": {5, 3}, "b": {5}},
			build: func(in map[string]*gorgonia.Node) (*gorgonia.Node, error) {
				return op.Linear(in["x"], in["w"], in["b"])
			},
		},
		{
			name:   "cross-entropy",
			inputs: map[string][]int{"logits": {3, 4}},
			ints:   map[string][]int32{"labels": {2, 0, 3}},
			build: func(in map[string]*gorgonia.Node) (*gorgonia.Node, error) {
				return op.CrossEntropy(in["logits"], in["labels"])
			},
		},
	}
}

// TestGradients compares each operation's symbolic gradient, run on our machine,
// with central differences in float64.
func TestGradients(t *testing.T) {
	for _, l := range layers() {
		t.Run(l.name, func(t *testing.T) { checkGradient(t, l) })
	}
}

func checkGradient(t *testing.T, l layer) {
	g := gorgonia.NewGraph()
	in := map[string]*gorgonia.Node{}
	var wrt gorgonia.Nodes
	var names []string
	for name, shape := range l.inputs {
		in[name] = gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name))
		wrt = append(wrt, in[name])
		names = append(names, name)
	}
	for name, shape := range l.consts {
		in[name] = gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name))
	}
	for name, v := range l.ints {
		in[name] = gorgonia.NewTensor(g, tensor.Int32, 1, gorgonia.WithShape(len(v)), gorgonia.WithName(name))
	}
	cost := weightedSum(t, must(l.build(in)))
	grads := must(gorgonia.Grad(cost, wrt...))
	vars := machine.NewVariables(op.Reference{})
	m := must(machine.New(vars, append([]*gorgonia.Node{cost}, grads...)...))
	rng := rand.New(rand.NewPCG(1, 2))
	values := map[string][]float64{}
	for _, name := range vars.Names() {
		spec, _ := vars.Spec(name)
		if spec.Dtype != tensor.Float64 {
			check(t, vars.Set(name, l.ints[name]))
			continue
		}
		v := make([]float64, spec.Len())
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		values[name] = v
		check(t, vars.Set(name, v))
	}
	costAt := func() float64 {
		c := make([]float64, 1)
		check(t, m.RunAll())
		check(t, m.Output(cost, c))
		return c[0]
	}
	costAt()
	got := map[string][]float64{}
	for i, name := range names {
		got[name] = make([]float64, len(values[name]))
		check(t, m.Output(grads[i], got[name]))
	}
	for _, name := range names {
		for i := range values[name] {
			const h = 1e-5
			at := values[name][i]
			diff := 0.0
			for _, sign := range []float64{1, -1} {
				values[name][i] = at + sign*h
				check(t, vars.Set(name, values[name]))
				diff += sign * costAt() / (2 * h)
			}
			values[name][i] = at
			check(t, vars.Set(name, values[name]))
			if math.Abs(got[name][i]-diff) > 1e-6*(1+math.Abs(diff)) {
				t.Fatalf("∂cost/∂%s[%d] = %g, central difference %g", name, i, got[name][i], diff)
			}
		}
	}
}

// weightedSum is Σ r⊙y with random r, in stock Gorgonia operations: a cost whose
// gradient at y is r. A scalar y is its own cost.
func weightedSum(t *testing.T, y *gorgonia.Node) *gorgonia.Node {
	if y.IsScalar() {
		return y
	}
	r := gorgonia.NewTensor(y.Graph(), tensor.Float64, y.Dims(), gorgonia.WithShape(y.Shape()...), gorgonia.WithName("r"))
	return must(gorgonia.Sum(must(gorgonia.HadamardProd(r, y))))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
