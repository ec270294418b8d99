package enginetest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine"
)

// Conformance runs every operation, and whole networks, on the engine in float32,
// and compares with formulas or with [op.Reference]. A result may differ by tolerance
// times its largest element.
func Conformance(t *testing.T, open func(t *testing.T) op.Engine, tolerance float64) {
	Formulas(t, open, tensor.Float32, tolerance)
	for _, c := range tests(true) {
		if c.want == nil {
			t.Run(c.name, func(t *testing.T) { compare(t, open(t), c, tolerance) })
		}
	}
	for _, c := range networks() {
		// Rounding grows on the way through the layers with batch norm; something
		// wrong, on the other hand, gives another direction, 1.4 away.
		t.Run(c.name, func(t *testing.T) {
			compareBy(t, open(t), c, func(what string, got, want []float64) {
				nearNorm(t, what, got, want, min(300*tolerance, 0.8))
			})
		})
	}
}

// Formulas runs the operations that have a formula on the engine: those of which
// engines share a kernel. Others are for Conformance.
func Formulas(t *testing.T, open func(t *testing.T) op.Engine, dtype tensor.Dtype, tolerance float64) {
	for _, c := range tests(true) {
		if c.want != nil {
			t.Run(c.name, func(t *testing.T) { compareFormula(t, open(t), c, dtype, tolerance) })
		}
	}
	for _, c := range smallProblems() {
		t.Run(c.name, func(t *testing.T) {
			e := open(t)
			if _, ok := e.(op.SmallKernels); !ok {
				t.Skip("an engine need not have the kernels of small problems")
			}
			compareFormula(t, e, c, dtype, tolerance)
		})
	}
}

// Gradients compares the symbolic gradient of every operation, computed by the
// engine in the given type, with central differences of its value, which
// [op.Reference] computes in float64. The two may differ by tolerance times the
// largest element, or by tolerance if that is less than 1.
func Gradients(t *testing.T, open func(t *testing.T) op.Engine, dtype tensor.Dtype, tolerance float64) {
	for _, c := range slices.Concat(tests(false), smallProblems()) {
		if c.grad {
			t.Run(c.name, func(t *testing.T) { differentiate(t, open(t), c, dtype, tolerance) })
		}
	}
}

// compiled is a case on an engine, ready to run.
type compiled struct {
	*graph
	vars    *machine.Variables
	machine *machine.Machine
	outputs gorgonia.Nodes // results, then gradients
	cost    *gorgonia.Node
}

func compile(t *testing.T, e op.Engine, c test, dtype tensor.Dtype) *compiled {
	t.Helper()
	g := newGraph(dtype)
	outputs, err := c.build(g)
	if err != nil {
		t.Fatal(err)
	}
	k := &compiled{graph: g, vars: machine.NewVariables(e), outputs: outputs}
	if c.grad {
		k.cost = k.weightedSum(t, outputs[0])
		grads, err := gorgonia.Grad(k.cost, g.wrt...)
		if err != nil {
			t.Fatal(err)
		}
		k.outputs = append(append(gorgonia.Nodes{}, outputs...), grads...)
	}
	all := k.outputs
	if k.cost != nil {
		all = append(gorgonia.Nodes{k.cost}, all...)
	}
	if k.machine, err = machine.New(k.vars, all...); err != nil {
		t.Fatal(err)
	}
	for _, name := range k.vars.Names() {
		if err := k.vars.Set(name, g.values[name]); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// weightedSum is Σ r⊙y with random r, in stock Gorgonia operations: a cost whose
// gradient at y is r. A scalar is its own cost.
func (k *compiled) weightedSum(t *testing.T, y *gorgonia.Node) *gorgonia.Node {
	if y.IsScalar() {
		return y
	}
	product, err := gorgonia.HadamardProd(k.float("r", 1, 0, y.Shape()...), y)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := gorgonia.Sum(product)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func (k *compiled) run(t *testing.T) {
	t.Helper()
	if err := k.machine.RunAll(); err != nil {
		t.Fatal(err)
	}
}

// output reads an output of the last run.
func (k *compiled) output(t *testing.T, n *gorgonia.Node) []float64 {
	t.Helper()
	s, err := op.SpecOf(n)
	if err != nil {
		t.Fatal(err)
	}
	host := op.NewHostTensor(s)
	if err := k.machine.Output(n, host.Data); err != nil {
		t.Fatal(err)
	}
	return wide(host.Data)
}

// inputs are copies of the values of the graph's inputs.
func (k *compiled) inputs() values {
	in := values{}
	for name, v := range k.values {
		in[name] = wide(v)
	}
	return in
}

// wide is a copy of host memory as float64.
func wide(host any) []float64 {
	switch d := host.(type) {
	case []float64:
		return slices.Clone(d)
	case []float32:
		return converted(d)
	case []int32:
		return converted(d)
	case []uint8:
		return converted(d)
	}
	panic(fmt.Sprintf("enginetest: no host memory %T", host))
}

func converted[T float32 | int32 | uint8](x []T) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func compareFormula(t *testing.T, e op.Engine, c test, dtype tensor.Dtype, tolerance float64) {
	t.Helper()
	k := compile(t, e, c, dtype)
	k.run(t)
	want := c.want(k.inputs())
	if len(want) != len(k.outputs) {
		t.Fatalf("a formula of %d results, want %d", len(want), len(k.outputs))
	}
	for i, w := range want {
		near(t, fmt.Sprintf("output %d, %v", i, k.outputs[i]), k.output(t, k.outputs[i]), w, tolerance)
	}
}

func compare(t *testing.T, e op.Engine, c test, tolerance float64) {
	t.Helper()
	compareBy(t, e, c, func(what string, got, want []float64) { near(t, what, got, want, tolerance) })
}

// compareBy runs a case on an engine and on the reference.
func compareBy(t *testing.T, e op.Engine, c test, check func(what string, got, want []float64)) {
	t.Helper()
	want := compile(t, op.Reference{}, c, tensor.Float32)
	got := compile(t, e, c, tensor.Float32)
	want.run(t)
	got.run(t)
	for i := range want.outputs {
		what := fmt.Sprintf("output %d, %v", i, want.outputs[i])
		check(what, got.output(t, got.outputs[i]), want.output(t, want.outputs[i]))
	}
}

// near fails if an element differs by more than tolerance times the largest.
func near(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	scale := 0.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tolerance*scale) {
			t.Fatalf("%s, element %d of %d: got %g, want %g (largest %g)", what, i, len(want), got[i], w, scale)
		}
	}
}

// nearNorm fails if the difference is larger than tolerance times the result, as
// vectors: in a whole network rounding moves single values over a ReLU's
// threshold, which changes few elements by much.
func nearNorm(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	var difference, norm float64
	for i, w := range want {
		difference = math.Hypot(difference, got[i]-w)
		norm = math.Hypot(norm, w)
	}
	if !(difference <= tolerance*norm) {
		t.Errorf("%s: off by %.2g of its norm", what, difference/norm)
	}
}

func differentiate(t *testing.T, e op.Engine, c test, dtype tensor.Dtype, tolerance float64) {
	got, exact := compile(t, e, c, dtype), compile(t, op.Reference{}, c, tensor.Float64)
	got.run(t)
	for i, n := range exact.wrt {
		gradient := got.output(t, got.outputs[len(got.outputs)-len(got.wrt)+i])
		scale := 1.0
		differences := each(exact.values[n.Name()].([]float64), func(j int, at float64) float64 {
			const h = 1e-5
			d := (exact.costAt(t, n, j, at+h) - exact.costAt(t, n, j, at-h)) / (2 * h)
			exact.costAt(t, n, j, at)
			scale = max(scale, math.Abs(d))
			return d
		})
		for j, d := range differences {
			if !(math.Abs(gradient[j]-d) <= tolerance*scale) {
				t.Fatalf("∂cost/∂%s[%d] = %g, central difference %g", n.Name(), j, gradient[j], d)
			}
		}
	}
}

// costAt is the cost with element j of an input set to x.
func (k *compiled) costAt(t *testing.T, n *gorgonia.Node, j int, x float64) float64 {
	t.Helper()
	values := k.values[n.Name()].([]float64)
	values[j] = x
	if err := k.vars.Set(n.Name(), values); err != nil {
		t.Fatal(err)
	}
	k.run(t)
	return k.output(t, k.cost)[0]
}
