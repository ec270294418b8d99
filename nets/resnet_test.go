package nets_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
)

// resnetLoss builds the cross-entropy of a ResNet-18 on random images, and the
// gradients of its parameters.
func resnetLoss(t *testing.T) (m *nets.Model, cost *gorgonia.Node, grads gorgonia.Nodes) {
	t.Helper()
	net, err := nets.NewResNet18(4, 10)
	if err != nil {
		t.Fatal(err)
	}
	m = nets.NewModel(tensor.Float64, true)
	x := m.Input("x", tensor.Float64, 3, 3, 16, 16)
	labels := m.Input("labels", tensor.Int32, 3)
	logits, err := net.Output(m, x)
	if err != nil {
		t.Fatal(err)
	}
	if cost, err = op.CrossEntropy(logits, labels); err != nil {
		t.Fatal(err)
	}
	if grads, err = gorgonia.Grad(cost, m.Parameters()...); err != nil {
		t.Fatal(err)
	}
	return m, cost, grads
}

// TestResNetOnStockMachine runs the same graph, loss and all gradients, on our
// machine and on Gorgonia's own.
func TestResNetOnStockMachine(t *testing.T) {
	m, cost, grads := resnetLoss(t)
	vars := machine.NewVariables(op.Reference{})
	ours, err := machine.New(vars, append(append(gorgonia.Nodes{cost}, grads...), m.Updates...)...)
	if err != nil {
		t.Fatal(err)
	}
	let := func(n *gorgonia.Node, v any) {
		if err := gorgonia.Let(n, tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(v))); err != nil {
			t.Fatal(err)
		}
		if err := vars.Set(n.Name(), v); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range m.Variables {
		let(v.Node, v.Initial(7))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	images := make([]float64, 3*3*16*16)
	for i := range images {
		images[i] = rng.Float64()
	}
	let(m.Graph.ByName("x")[0], images)
	let(m.Graph.ByName("labels")[0], []int32{3, 9, 0})

	stock := gorgonia.NewTapeMachine(m.Graph)
	defer stock.Close()
	if err := stock.RunAll(); err != nil {
		t.Fatal(err)
	}
	if err := ours.RunAll(); err != nil {
		t.Fatal(err)
	}
	for i, n := range append(gorgonia.Nodes{cost}, grads...) {
		want, err := op.HostTensor(n.Value())
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float64, want.Len())
		if err := ours.Output(n, got); err != nil {
			t.Fatal(err)
		}
		for j, w := range want.Data.([]float64) {
			if !(math.Abs(got[j]-w) <= 1e-12*(1+math.Abs(w))) {
				t.Fatalf("output %d (%v), element %d: ours %g, stock machine %g", i, n, j, got[j], w)
			}
		}
	}
}
