package machine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
	"largestep/train/machine"
)

// randomNet is convolutions and sums of random earlier maps, with the gradients of
// all its inputs. It returns the nodes with four dimensions, inputs first.
func randomNet(t *testing.T, rng *rand.Rand) (inputs, nodes gorgonia.Nodes) {
	t.Helper()
	must := func(n *gorgonia.Node, err error) *gorgonia.Node {
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	g := gorgonia.NewGraph()
	input := func(name string, shape ...int) *gorgonia.Node {
		n := gorgonia.NewTensor(g, tensor.Float64, 4, gorgonia.WithShape(shape...), gorgonia.WithName(name))
		inputs = append(inputs, n)
		return n
	}
	maps := gorgonia.Nodes{input("x", 1, 2, 3, 3)}
	pick := func() *gorgonia.Node { return maps[rng.IntN(len(maps))] }
	for k := range 6 {
		n := must(op.Conv(pick(), input(fmt.Sprint("w", k), 2, 2, 3, 3), op.Convolution{Stride: 1, Pad: 1}))
		if rng.IntN(2) == 0 {
			n = must(gorgonia.Add(pick(), n))
		}
		maps = append(maps, n)
	}
	cost := must(op.SumSquares(maps[0], 1))
	for _, m := range maps[1:] {
		cost = must(op.AddScalars(cost, must(op.SumSquares(m, 1))))
	}
	if _, err := gorgonia.Grad(cost, inputs...); err != nil {
		t.Fatal(err)
	}
	for _, n := range g.AllNodes() {
		if n.Dims() == 4 && n.Op() != nil {
			nodes = append(nodes, n)
		}
	}
	return inputs, nodes
}

// evaluate computes a node by the Do of all that it needs, each in memory of its own.
func evaluate(t *testing.T, n *gorgonia.Node, known map[*gorgonia.Node]gorgonia.Value) gorgonia.Value {
	t.Helper()
	if v, ok := known[n]; ok {
		return v
	}
	if n.Op() == nil || n.Value() != nil {
		return n.Value()
	}
	var in []gorgonia.Value
	for it := n.Graph().From(n.ID()); it.Next(); {
		in = append(in, evaluate(t, it.Node().(*gorgonia.Node), known))
	}
	v, err := n.Op().Do(in...)
	if err != nil {
		t.Fatal(err)
	}
	known[n] = v
	return v
}

// Memory is shared only where nobody reads it any more, whatever is kept. Sums of
// small integers are exact in any order.
func TestSharedMemory(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 0))
		inputs, nodes := randomNet(t, rng)
		outputs := gorgonia.Nodes{}
		for range 1 + rng.IntN(6) {
			outputs = append(outputs, nodes[rng.IntN(len(nodes))])
		}
		vars := machine.NewVariables(op.Reference{})
		m, err := machine.New(vars, outputs...)
		if err != nil {
			t.Fatal(err)
		}
		known := map[*gorgonia.Node]gorgonia.Value{}
		for _, n := range inputs {
			x := make([]float64, n.Shape().TotalSize())
			for i := range x {
				x[i] = float64(rng.IntN(3) - 1)
			}
			known[n] = tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(x))
			if _, ok := vars.Spec(n.Name()); !ok { // no output needs it
				continue
			}
			if err := vars.Set(n.Name(), x); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.RunAll(); err != nil {
			t.Fatal(err)
		}
		for _, n := range outputs {
			got := make([]float64, n.Shape().TotalSize())
			if err := m.Output(n, got); err != nil {
				t.Fatal(err)
			}
			if want := evaluate(t, n, known).Data().([]float64); !slices.Equal(got, want) {
				t.Fatalf("seed %d: %v is %v, want %v", seed, n, got, want)
			}
		}
	}
}

// sums counts how gradients are summed up.
type sums struct {
	op.Reference
	separate, accumulated int
}

func (s *sums) Add(z, x, y op.Tensor) {
	s.separate++
	s.Reference.Add(z, x, y)
}

func (s *sums) ConvBackwardData(c op.Convolution, dx, dy, w op.Tensor, accumulate bool) {
	if accumulate {
		s.accumulated++
	}
	s.Reference.ConvBackwardData(c, dx, dy, w, accumulate)
}

// Where a map is used twice, the second gradient is added to the first as it is
// computed, by no kernel of its own.
func TestGradientsAreAddedInPlace(t *testing.T) {
	g := gorgonia.NewGraph()
	shapes := map[string]tensor.Shape{"x": {1, 2, 3, 3}, "w1": {2, 2, 1, 1}, "w2": {2, 2, 1, 1}}
	inputs := map[string]*gorgonia.Node{}
	for name, shape := range shapes {
		inputs[name] = gorgonia.NewTensor(g, tensor.Float64, 4, gorgonia.WithShape(shape...), gorgonia.WithName(name))
	}
	squares := func(filter string) *gorgonia.Node {
		return gorgonia.Must(op.SumSquares(gorgonia.Must(op.Conv(inputs["x"], inputs[filter], op.Convolution{Stride: 1})), 0.5))
	}
	cost := gorgonia.Must(op.AddScalars(squares("w1"), squares("w2")))
	grads, err := gorgonia.Grad(cost, inputs["x"])
	if err != nil {
		t.Fatal(err)
	}
	engine := &sums{}
	vars := machine.NewVariables(engine)
	m, err := machine.New(vars, grads...)
	if err != nil {
		t.Fatal(err)
	}
	// ½‖W x‖² has the gradient WᵀW x; here W₁ᵀW₁ is 1, and W₂ᵀW₂ is 4.
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3, -4, -5, -6, -7, -8, -9}
	for name, v := range map[string][]float64{"x": x, "w1": {0, 1, 1, 0}, "w2": {2, 0, 0, -2}} {
		if err := vars.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.RunAll(); err != nil {
		t.Fatal(err)
	}
	got := make([]float64, len(x))
	if err := m.Output(grads[0], got); err != nil {
		t.Fatal(err)
	}
	for i, v := range x {
		if got[i] != 5*v {
			t.Fatalf("gradient %v, want 5 times %v", got, x)
		}
	}
	if engine.separate != 0 || engine.accumulated != 1 {
		t.Errorf("%d gradients were added by a kernel of its own and %d in place, want 0 and 1", engine.separate, engine.accumulated)
	}
}

// A chain needs two buffers at a time, however long it is.
func TestMemoryOfAChain(t *testing.T) {
	const length, size = 20, 1024 // bytes of a map
	g := gorgonia.NewGraph()
	input := func(name string, shape ...int) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float64, 4, gorgonia.WithShape(shape...), gorgonia.WithName(name))
	}
	x := input("x", 1, 2, 8, 8)
	for k := range length {
		var err error
		if x, err = op.Conv(x, input(fmt.Sprint("w", k), 2, 2, 3, 3), op.Convolution{Stride: 1, Pad: 1}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := machine.New(machine.NewVariables(op.Reference{}), x)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.ArenaBytes(); got != 2*size {
		t.Errorf("%d bytes for a chain of maps of %d", got, size)
	}
}
