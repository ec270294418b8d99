package enginetest

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// smallProblems are the operations of op.SmallKernels.
func smallProblems() []test {
	list := []test{
		{"rows", false, pickRows, rowsFormula(3)},
		{"product", true, func(g *graph) (gorgonia.Nodes, error) {
			y, err := op.Product(g.normal("x", 5, 7), g.normal("w", 3, 7))
			return gorgonia.Nodes{y}, err
		}, productFormula(5, 7, 3)},
		{"multiply", true, func(g *graph) (gorgonia.Nodes, error) {
			z, err := op.Multiply(g.normal("x", 4, 5), g.normal("y", 4, 5))
			return gorgonia.Nodes{z}, err
		}, multiplyFormula},
		{"relu", true, func(g *graph) (gorgonia.Nodes, error) {
			y, err := op.ReLU(g.normal("x", 4, 5))
			return gorgonia.Nodes{y}, err
		}, reluFormula},
		{"regularised", true, regularised, regularisedFormula(regularisedLoss)},
	}
	for _, l := range []op.Loss{{Kind: op.Squared, Scale: 0.5}, {Kind: op.Hinge, Scale: 2}, {Kind: op.Logistic, Scale: 1}, {Kind: op.Prediction, Scale: 1}} {
		list = append(list, test{fmt.Sprintf("loss/%s", l.Kind), true, func(g *graph) (gorgonia.Nodes, error) {
			y, err := op.MeanLoss(l, g.normal("h", 9, 1), g.signs("y", 9))
			return gorgonia.Nodes{y}, err
		}, meanLossFormula(l)})
	}
	return list
}

// signs is a target of ±1.
func (g *graph) signs(name string, n int) *gorgonia.Node {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(2*g.rng.IntN(2) - 1)
	}
	return g.input(name, g.dtype, g.host(v), n)
}

func pickRows(g *graph) (gorgonia.Nodes, error) {
	index := g.input("index", tensor.Int32, []int32{4, 0, 3, 3}, 4)
	x, y, err := op.Rows(g.float("xs", 1, 0, 5, 3), g.float("ys", 1, 0, 5), index)
	return gorgonia.Nodes{x, y}, err
}

var regularisedLoss = op.Loss{Kind: op.Logistic, Scale: 3}

// regularised is a mean loss plus a multiple of the squared norm.
func regularised(g *graph) (gorgonia.Nodes, error) {
	w := g.normal("w", 1, 6)
	h, err := op.Product(g.float("x", 1, 0, 8, 6), w)
	if err != nil {
		return nil, err
	}
	loss, err := op.MeanLoss(regularisedLoss, h, g.signs("y", 8))
	if err != nil {
		return nil, err
	}
	norm, err := op.SumSquares(w, 0.5)
	if err != nil {
		return nil, err
	}
	total, err := op.AddScalars(loss, norm)
	return gorgonia.Nodes{total}, err
}
