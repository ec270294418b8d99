package enginetest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine"
)

// Tangents compares the tangent of every operation, and of its gradient, computed
// by the engine in the given type, with central differences, which [op.Reference]
// computes in float64; and, as gradients, those of operations that are there for
// evaluation. An error may be tolerance times the largest element, or times 1 if that
// is less.
func Tangents(t *testing.T, open func(t *testing.T) op.Engine, dtype tensor.Dtype, tolerance float64) {
	list := tests(false)
	if _, ok := open(t).(op.SmallKernels); ok {
		list = append(list, smallProblems()...)
	}
	for _, c := range list {
		evaluation := strings.HasPrefix(c.name, "batch_norm_inference/")
		if evaluation {
			c.grad = true
			t.Run("gradient/"+c.name, func(t *testing.T) { differentiate(t, open(t), c, dtype, tolerance) })
		}
		if c.grad {
			t.Run(c.name, func(t *testing.T) { compareTangents(t, open(t), c, dtype, tolerance) })
		}
	}
}

// TangentKernels runs the tangents of the operations of all sizes on the engine in
// float32, and compares with [op.Reference].
func TangentKernels(t *testing.T, open func(t *testing.T) op.Engine, tolerance float64) {
	for _, c := range tests(true) {
		c.grad = c.grad || strings.HasPrefix(c.name, "batch_norm_inference/")
		if !c.grad || !strings.Contains(c.name, "norm") && !strings.Contains(c.name, "max_pool") {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			got, want := newMoving(t, open(t), c, tensor.Float32, true), newMoving(t, op.Reference{}, c, tensor.Float32, true)
			got.run(t)
			want.run(t)
			for i, n := range want.outputs {
				near(t, fmt.Sprintf("output %d, %v", i, n), got.output(t, got.outputs[i]), want.output(t, n), tolerance)
			}
		})
	}
}

// moving is a case with the first result, all gradients, and, if asked for, the
// tangents of them, along a random direction; some tangents may be nil.
type moving struct {
	*compiled
	direction map[string][]float64 // by the name of an input
}

func dotName(n *gorgonia.Node) string { return "dot/" + n.Name() }

func newMoving(t *testing.T, e op.Engine, c test, dtype tensor.Dtype, derived bool) *moving {
	t.Helper()
	g := newGraph(dtype)
	outputs, err := c.build(g)
	if err != nil {
		t.Fatal(err)
	}
	m := &moving{&compiled{graph: g, vars: machine.NewVariables(e)}, map[string][]float64{}}
	cost := m.weightedSum(t, outputs[0])
	grads, err := gorgonia.Grad(cost, g.wrt...)
	if err != nil {
		t.Fatal(err)
	}
	m.outputs = grads
	if !outputs[0].IsScalar() { // a loss is the last of its graph, with no tangent
		m.outputs = append(gorgonia.Nodes{outputs[0]}, grads...)
	}
	direction := map[*gorgonia.Node]*gorgonia.Node{}
	for it := g.From(cost.ID()); it.Next() && cost != outputs[0]; {
		direction[it.Node().(*gorgonia.Node)] = nil // the sum's gradient reads the terms' shape alone
	}
	for _, n := range g.wrt {
		direction[n] = g.float(dotName(n), 1, 0, n.Shape()...)
		m.direction[n.Name()] = wide(g.values[dotName(n)])
	}
	if derived {
		dot, err := op.Tangents(m.outputs, direction)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range dot {
			if n == nil { // as of what is linear
				dot[i] = g.float(fmt.Sprint("zero", i), 0, 0, m.outputs[i].Shape()...)
			}
		}
		m.outputs = dot
	}
	if m.machine, err = machine.New(m.vars, m.outputs...); err != nil {
		t.Fatal(err)
	}
	for _, name := range m.vars.Names() {
		if err := m.vars.Set(name, g.values[name]); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func compareTangents(t *testing.T, e op.Engine, c test, dtype tensor.Dtype, tolerance float64) {
	t.Helper()
	got, exact := newMoving(t, e, c, dtype, true), newMoving(t, op.Reference{}, c, tensor.Float64, false)
	got.run(t)
	const h = 1e-5
	ahead, behind := exact.at(t, h), exact.at(t, -h)
	for i, n := range exact.outputs {
		dot := got.output(t, got.outputs[i])
		scale := 1.0
		for _, d := range dot {
			scale = max(scale, math.Abs(d))
		}
		for j, d := range dot {
			if want := (ahead[i][j] - behind[i][j]) / (2 * h); !(math.Abs(d-want) <= tolerance*scale) {
				t.Fatalf("tangent %d, of %v, element %d: %g, central difference %g", i, n, j, d, want)
			}
		}
	}
}

// at are the outputs h along the direction.
func (m *moving) at(t *testing.T, h float64) (all [][]float64) {
	t.Helper()
	for _, n := range m.wrt {
		moved := wide(m.values[n.Name()])
		for j, d := range m.direction[n.Name()] {
			moved[j] += h * d
		}
		if err := m.vars.Set(n.Name(), m.host(moved)); err != nil {
			t.Fatal(err)
		}
	}
	m.run(t)
	for _, n := range m.outputs {
		all = append(all, m.output(t, n))
	}
	return all
}
