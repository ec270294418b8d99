package nets

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Net is a network that classifies or regresses mini-batches. One of your own is a
// type with this method, written with the layers of [Model], with operations of
// package op, and with Gorgonia's.
type Net interface {
	// Output adds the network to the model's graph and returns its output for
	// the mini-batch x: logits (N, classes) for a classifier, h (N, 1) for a
	// regression. It is called once for training and once for evaluation, and
	// must declare the same variables each time.
	Output(m *Model, x *gorgonia.Node) (*gorgonia.Node, error)
}

// Features is the number of features that a network shows for mini-batches of this
// shape: of the taps that Output leaves in evaluation mode.
func Features(n Net, shape ...int) (int, error) {
	m := NewModel(tensor.Float32, false)
	_, err := n.Output(m, m.Input("x", m.Dtype, shape...))
	return len(m.Taps), err
}

// Variable is a named tensor that belongs to a network: a parameter, or a
// buffer, which is not trained. [Model.Parameter] and [Model.Buffer] make them.
type Variable struct {
	Name    string
	Shape   tensor.Shape
	Trained bool
	Node    *gorgonia.Node // the input of the graph
	Init    Initializer    // nil for zeros

	// FoldedInto is, of a bias that PyTorch's net has and ours does without, the
	// running mean that takes it over with the opposite sign: see ConvolutionBias.
	// Such a variable has no node, and is zero.
	FoldedInto string
}

// Len is the number of elements.
func (v *Variable) Len() int { return v.Shape.TotalSize() }

// Initial draws the variable's first values, row-major. They depend on the seed and
// the variable's name alone.
func (v *Variable) Initial(seed uint64) []float64 {
	values := make([]float64, v.Len())
	if v.Init != nil {
		h := fnv.New64a()
		h.Write([]byte(v.Name))
		v.Init(rand.New(rand.NewPCG(seed, h.Sum64())), values)
	}
	return values
}

// Model is a network on a graph, as its layers build it.
type Model struct {
	Graph     *gorgonia.ExprGraph
	Dtype     tensor.Dtype // float32 or float64
	Training  bool         // batch statistics, and updates of running ones
	Variables []*Variable  // in the order in which the network uses them
	// Updates are the updated buffers of training mode, to be kept as outputs of
	// the graph.
	Updates []*gorgonia.Node
	// Taps are the network's features, in evaluation mode: see Tap.
	Taps []*gorgonia.Node
}

// Mantissa is how many bits of a number of a dtype count.
func Mantissa(dtype tensor.Dtype) int {
	if dtype == tensor.Float64 {
		return 53
	}
	return 24
}

// NewModel starts a model on a new graph.
func NewModel(dtype tensor.Dtype, training bool) *Model {
	return &Model{Graph: gorgonia.NewGraph(), Dtype: dtype, Training: training}
}

// Parameters are the nodes of the trained variables.
func (m *Model) Parameters() gorgonia.Nodes {
	var p gorgonia.Nodes
	for _, v := range m.Variables {
		if !v.Trained {
			continue
		}
		if v.Node == nil {
			panic(fmt.Sprintf("nets: parameter %s is not part of the graph: declare it with Model.Parameter", v.Name))
		}
		p = append(p, v.Node)
	}
	return p
}

// Parameter declares a trained variable of the given shape; init may be nil for
// zeros. It is an error if the network has a variable of that name.
func (m *Model) Parameter(name string, init Initializer, shape ...int) (*gorgonia.Node, error) {
	return m.variable(name, true, init, shape)
}

// Buffer declares a variable that is not trained, such as a running statistic; what
// computes its next value belongs into Updates.
func (m *Model) Buffer(name string, init Initializer, shape ...int) (*gorgonia.Node, error) {
	return m.variable(name, false, init, shape)
}

func (m *Model) variable(name string, trained bool, init Initializer, shape []int) (*gorgonia.Node, error) {
	if name == "" || slices.ContainsFunc(m.Variables, func(v *Variable) bool { return v.Name == name }) {
		return nil, fmt.Errorf("variable %q: want a name that the network has once", name)
	}
	if slices.ContainsFunc(shape, func(n int) bool { return n < 1 }) {
		return nil, fmt.Errorf("variable %q of shape %v: want sizes of 1 or more", name, shape)
	}
	v := &Variable{Name: name, Shape: shape, Trained: trained, Init: init, Node: m.Input(name, m.Dtype, shape...)}
	m.Variables = append(m.Variables, v)
	return v.Node, nil
}

// Input declares an input of the graph, a scalar if it has no dimensions.
func (m *Model) Input(name string, dtype tensor.Dtype, shape ...int) *gorgonia.Node {
	if len(shape) == 0 {
		return gorgonia.NewScalar(m.Graph, dtype, gorgonia.WithName(name))
	}
	return gorgonia.NewTensor(m.Graph, dtype, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...))
}

// Tap makes x a feature of the network, whose positive and whose distinct entries
// are counted: an activation (N, C, H, W), or a matrix (N, C). Features are numbered
// in the order of the calls. In training mode it does nothing.
func (m *Model) Tap(x *gorgonia.Node) {
	if !m.Training {
		m.Taps = append(m.Taps, x)
	}
}
