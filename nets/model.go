package nets

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// Net is a network that classifies or regresses mini-batches.
type Net interface {
	// Output adds the network to the model's graph and returns its output for
	// the mini-batch x: logits (N, classes) for a classifier.
	Output(m *Model, x *gorgonia.Node) (*gorgonia.Node, error)
	// Features is the number of taps that Output leaves in evaluation mode.
	Features() int
}

// Variable is a named tensor that belongs to a network: a parameter, or a
// running statistic, which is not trained.
type Variable struct {
	Name    string
	Shape   tensor.Shape
	Trained bool
	Node    *gorgonia.Node
	init    initializer
}

// Len is the number of elements.
func (v *Variable) Len() int { return v.Shape.TotalSize() }

// Initial draws the variable's first values. They depend on the seed and the
// variable's name alone.
func (v *Variable) Initial(seed uint64) []float64 {
	h := fnv.New64a()
	h.Write([]byte(v.Name))
	values := make([]float64, v.Len())
	v.init(rand.New(rand.NewPCG(seed, h.Sum64())), values)
	return values
}

// Model is a network on a graph.
type Model struct {
	Graph     *gorgonia.ExprGraph
	Dtype     tensor.Dtype // float32 or float64
	Training  bool         // batch statistics, and updates of running ones
	Variables []*Variable  // in the order in which the network uses them
	// Updates are the updated running statistics of training mode, to be kept
	// as outputs of the graph.
	Updates []*gorgonia.Node
	// Taps are the features after each block, in evaluation mode.
	Taps []*gorgonia.Node

	byName map[string]*Variable
}

// NewModel starts a model on a new graph.
func NewModel(dtype tensor.Dtype, training bool) *Model {
	return &Model{Graph: gorgonia.NewGraph(), Dtype: dtype, Training: training, byName: map[string]*Variable{}}
}

// Parameters are the nodes of the trained variables.
func (m *Model) Parameters() gorgonia.Nodes {
	var p gorgonia.Nodes
	for _, v := range m.Variables {
		if v.Trained {
			p = append(p, v.Node)
		}
	}
	return p
}

// variable declares an input of the graph that belongs to the network.
func (m *Model) variable(name string, trained bool, init initializer, shape ...int) *gorgonia.Node {
	if _, ok := m.byName[name]; ok {
		panic(fmt.Sprintf("nets: variable %s declared twice", name))
	}
	v := &Variable{Name: name, Shape: shape, Trained: trained, init: init, Node: m.Input(name, m.Dtype, shape...)}
	m.byName[name] = v
	m.Variables = append(m.Variables, v)
	return v.Node
}

func (m *Model) parameter(name string, init initializer, shape ...int) *gorgonia.Node {
	return m.variable(name, true, init, shape...)
}

// Input declares an input of the graph, a scalar if it has no dimensions.
func (m *Model) Input(name string, dtype tensor.Dtype, shape ...int) *gorgonia.Node {
	if len(shape) == 0 {
		return gorgonia.NewScalar(m.Graph, dtype, gorgonia.WithName(name))
	}
	return gorgonia.NewTensor(m.Graph, dtype, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...))
}

// tap keeps a feature in evaluation mode.
func (m *Model) tap(x *gorgonia.Node) {
	if !m.Training {
		m.Taps = append(m.Taps, x)
	}
}

// conv is a square convolution without bias, padded so that stride 1 keeps the
// size.
func (m *Model) conv(name string, x *gorgonia.Node, out, kernel, stride int) (*gorgonia.Node, error) {
	w := m.parameter(name+".weight", heNormal(out*kernel*kernel), out, x.Shape()[1], kernel, kernel)
	return op.Conv(x, w, op.Convolution{Stride: stride, Pad: kernel / 2})
}

// batchNorm normalises with PyTorch's defaults.
func (m *Model) batchNorm(name string, x, residual *gorgonia.Node, relu bool) (*gorgonia.Node, error) {
	c := x.Shape()[1]
	p := op.BatchNormParameters{
		Gamma:       m.parameter(name+".weight", constant(1), c),
		Beta:        m.parameter(name+".bias", constant(0), c),
		RunningMean: m.variable(name+".running_mean", false, constant(0), c),
		RunningVar:  m.variable(name+".running_var", false, constant(1), c),
	}
	b := op.BatchNorm{Epsilon: 1e-5, Momentum: 0.1, ReLU: relu}
	if !m.Training {
		return op.Normalize(x, p, residual, b)
	}
	y, mean, variance, err := op.NormalizeBatch(x, p, residual, b)
	m.Updates = append(m.Updates, mean, variance)
	return y, err
}

// dense is a fully connected layer, x (N, I) to (N, out).
func (m *Model) dense(name string, x *gorgonia.Node, out int, bias bool, weight, offset initializer) (*gorgonia.Node, error) {
	w := m.parameter(name+".weight", weight, out, x.Shape()[1])
	if !bias {
		return op.Product(x, w)
	}
	return op.Linear(x, w, m.parameter(name+".bias", offset, out))
}

// MaxPool is the largest element in each window of size × size pixels that moves by
// stride, without padding: x (N, C, H, W) to (N, C, (H − size)/stride + 1, (W −
// size)/stride + 1), rounded down.
func (m *Model) MaxPool(x *gorgonia.Node, size, stride int) (*gorgonia.Node, error) {
	return op.MaxPool(x, op.Pooling{Size: size, Stride: stride})
}

// averagePool is the global average pool, the last feature.
func averagePool(m *Model, x *gorgonia.Node) (*gorgonia.Node, error) {
	x, err := op.AveragePool(x)
	if err == nil {
		m.tap(x)
	}
	return x, err
}
