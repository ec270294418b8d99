package enginetest

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// features are the operations of op.FeatureKernels, where the engine has them,
// up to the moments of the selected units.
func features(large bool) []test {
	type size struct{ images, channels, side, units int }
	sizes := []size{{5, 3, 4, 7}, {4, 3, 0, 3}}
	if large {
		sizes = append(sizes, size{1, 1, 1, 1}, size{13, 16, 6, 65}, size{33, 40, 0, 40}, size{200, 64, 4, 300}, size{64, 5, 3, 33}, size{3, 9, 64, 40})
	}
	var list []test
	for _, s := range sizes {
		shape := []int{s.images, s.channels, s.side, s.side}
		if s.side == 0 {
			shape = shape[:2]
		}
		list = append(list, test{fmt.Sprintf("features/%v_%d", shape, s.units), false, func(g *graph) (gorgonia.Nodes, error) {
			return moments(g, shape, s.units)
		}, nil})
	}
	return list
}

// feature is a normalised activation, in the engine's own layout, or a plain
// matrix.
func (g *graph) feature(shape []int) (*gorgonia.Node, error) {
	x := g.float("x", 1, 0, shape...)
	if len(shape) == 2 {
		return x, nil
	}
	p := op.BatchNormParameters{
		Gamma: g.float("gamma", 0, 1, shape[1]), Beta: g.float("beta", 0, 0, shape[1]),
		RunningMean: g.float("mean", 0, 0, shape[1]), RunningVar: g.float("variance", 0, 1, shape[1]),
	}
	return op.Normalize(x, p, nil, op.BatchNorm{Epsilon: 1e-5})
}

// moments selects units and the constant 1 from a feature, and sums up.
func moments(g *graph, shape []int, units int) (gorgonia.Nodes, error) {
	x, err := g.feature(shape)
	if err != nil {
		return nil, err
	}
	chosen, counts := make([]int32, units+1), make([]float64, units+1)
	for i := range chosen {
		chosen[i], counts[i] = g.rng.Int32N(int32(x.Shape().TotalSize()/shape[0])), float64(i)
	}
	chosen[units/2] = -1
	z, err := op.Select(x, g.input("units", tensor.Int32, chosen, units+1), g.withIgnored(g.labels(shape[0], 3)))
	if err != nil {
		return nil, err
	}
	total, err := op.CountPositive(g.input("total", tensor.Float64, counts, units+1), z)
	if err != nil {
		return nil, err
	}
	gram, err := op.Gram(z)
	if err != nil {
		return nil, err
	}
	sum, err := op.Accumulate(gorgonia.Nodes{g.float("sum", 1, 0, units+1, units+1, 1, 1)}, gorgonia.Nodes{gram}, g.float("decay", 0, 1), 1)
	return append(gorgonia.Nodes{z, total}, sum...), err
}
