package machine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

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

// Where a map is used twice, the second gradient is added to the first as it is
// computed.
func TestGradientsAreAddedInPlace(t *testing.T) {
	g := gorgonia.NewGraph()
	input := func(name string, shape ...int) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float64, 4, gorgonia.WithShape(shape...), gorgonia.WithName(name))
	}
	x := input("x", 1, 2, 3, 3)
	squares := func(filter string) *gorgonia.Node {
		y := gorgonia.Must(op.Conv(x, input(filter, 2, 2, 3, 3), op.Convolution{Stride: 1, Pad: 1}))
		return gorgonia.Must(op.SumSquares(y, 0.5))
	}
	cost := gorgonia.Must(op.AddScalars(squares("w1"), squares("w2")))
	grads, err := gorgonia.Grad(cost, x)
	if err != nil {
		t.Fatal(err)
	}
	m, err := machine.New(machine.NewVariables(op.Reference{}), grads...)
	if err != nil {
		t.Fatal(err)
	}
	var kernels []string
	if err := m.Profile(func(kernel string, _ time.Duration) { kernels = append(kernels, kernel) }); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(kernels, "add") {
		t.Errorf("kernels %v: a sum of its own", kernels)
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
