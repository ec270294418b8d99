package problem

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/metrics/measure"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
)

// unitsSeed draws the units whose sparsity is measured: always the same ones, so
// that runs and epochs compare.
const unitsSeed = 1

// moments sums up on the engine what the sparsity of one feature needs.
type moments struct {
	vars  *machine.Variables
	name  string  // of its variables
	units []int32 // of the feature, with the constant 1 behind
}

// newMoments adds the sums over a mini-batch to a graph, and gives the nodes to
// be kept as outputs. The scalar decay is 0 for the first mini-batch, then 1.
func newMoments(vars *machine.Variables, m *nets.Model, name string, tap, labels, decay *gorgonia.Node) (*moments, []*gorgonia.Node, error) {
	s := &moments{vars: vars, name: name}
	size := tap.Shape().TotalSize() / tap.Shape()[0]
	for _, u := range measure.DrawUnits(size, measure.SparsityUnits, unitsSeed) {
		s.units = append(s.units, int32(u))
	}
	s.units = append(s.units, -1)
	n := len(s.units)
	z, err := op.Select(tap, m.Input(s.varUnits(), tensor.Int32, n), labels)
	if err != nil {
		return nil, nil, err
	}
	positive, err := op.CountPositive(m.Input(s.varPositive(), tensor.Float64, n), z)
	if err != nil {
		return nil, nil, err
	}
	gram, err := op.Gram(z)
	if err != nil {
		return nil, nil, err
	}
	sums := gorgonia.Nodes{m.Input(s.varProducts(), m.Dtype, n, n, 1, 1)}
	products, err := op.Accumulate(sums, gorgonia.Nodes{gram}, decay, 1)
	return s, append(products, positive), err
}

func (s *moments) varUnits() string    { return s.name + "/units" }
func (s *moments) varPositive() string { return s.name + "/positive" }
func (s *moments) varProducts() string { return s.name + "/products" }

// reset prepares for a first mini-batch.
func (s *moments) reset() error {
	if err := s.vars.Set(s.varUnits(), s.units); err != nil {
		return err
	}
	return s.vars.Set(s.varPositive(), make([]float64, len(s.units)))
}

// sparsity is the fraction of positive entries without those of duplicates.
func (s *moments) sparsity() (float64, error) {
	n := len(s.units)
	positive, products := make([]float64, n), make([]float32, n*n)
	if err := s.vars.Get(s.varPositive(), positive); err != nil {
		return 0, err
	}
	if err := s.vars.Get(s.varProducts(), products); err != nil {
		return 0, err
	}
	m := measure.Moments{Products: products, Positive: positive[:n-1]}
	return m.Sparsity(measure.DuplicateConv).Distinct, nil
}

// addSparsity adds the moments of all taps to the evaluation's graph.
func (e *evaluation) addSparsity(m *nets.Model, labels *gorgonia.Node) ([]*gorgonia.Node, error) {
	if m.Dtype != tensor.Float32 {
		return nil, fmt.Errorf("feature sparsity of a net of %v: want float32", m.Dtype)
	}
	decay := m.Input(e.varDecay(), m.Dtype)
	var outputs []*gorgonia.Node
	for i, tap := range m.Taps {
		s, nodes, err := newMoments(e.vars, m, e.name(fmt.Sprintf("moments/%d", i)), tap, labels, decay)
		if err != nil {
			return nil, err
		}
		e.moments = append(e.moments, s)
		outputs = append(outputs, nodes...)
	}
	return outputs, nil
}
