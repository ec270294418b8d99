package op

import (
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Operation is one kind of node, with its attributes.
type Operation interface {
	// String is the name of the kernel, then ": " and all attributes, if there
	// are any: two operations with equal strings compute the same.
	String() string
	// Kinds gives the kinds of n operands.
	Kinds(n int) []Kind
	// Infer checks the operands and gives the results.
	Infer(in []Spec) ([]Spec, error)
	// Run queues the kernel.
	Run(k Kernels, out, in []Tensor)
}

// differentiable operations build the graph of their derivative. Only the
// first result of an operation is differentiated.
type differentiable interface {
	Operation
	// Differentiates tells for each of n operands whether it has a gradient.
	Differentiates(n int) []bool
	// Gradients gives a node per operand, nil where it has no gradient; grad
	// is the gradient of the first result, out the operation's own node.
	Gradients(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error)
}

// Updater is an operation some of whose results overwrite operands: on our
// machine result k lives in the memory of operand Updates(n)[k], if not
// negative.
type Updater interface {
	Operation
	Updates(n int) []int
}

// FLOPCounter is an operation whose arithmetic is worth counting.
type FLOPCounter interface {
	Operation
	// FLOP is the number of floating-point operations: two for each
	// multiply-add, those with padding included, as the field counts.
	FLOP(in []Spec) float64
}

// apply adds an operation to the graph of its operands and returns a node for
// each of its results.
func apply(o Operation, in ...*gorgonia.Node) ([]*gorgonia.Node, error) {
	n, err := newNode(o, in...)
	if err != nil {
		return nil, err
	}
	out := n.Op().(*applied).out
	if len(out) == 1 {
		return []*gorgonia.Node{n}, nil
	}
	results := make([]*gorgonia.Node, len(out))
	for k := range results {
		if results[k], err = project(n, k); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// one is apply for an operation with a single result.
func one(o Operation, in ...*gorgonia.Node) (*gorgonia.Node, error) {
	nodes, err := apply(o, in...)
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}

// Of returns the operation of a node, if it is one of ours.
func Of(n *gorgonia.Node) (Operation, bool) {
	a, ok := n.Op().(*applied)
	if !ok {
		return nil, false
	}
	return a.Operation, true
}

// ProjectionOf returns which result of its only child the node stands for.
func ProjectionOf(n *gorgonia.Node) (k int, ok bool) {
	p, ok := n.Op().(projection)
	return p.k, ok
}

// SpecOf is the spec of a node, of Kind Any.
func SpecOf(n *gorgonia.Node) (Spec, error) {
	switch t := n.Type().(type) {
	case tensor.Dtype:
		return Spec{Any, t, tensor.ScalarShape()}, nil
	case gorgonia.TensorType:
		if dt, ok := t.Of.(tensor.Dtype); ok {
			return Spec{Any, dt, n.Shape()}, nil
		}
	}
	return Spec{}, fmt.Errorf("%s: no tensor type: %v", n.Name(), n.Type())
}

func newNode(o Operation, in ...*gorgonia.Node) (*gorgonia.Node, error) {
	a := &applied{Operation: o, in: make([]Spec, len(in))}
	kinds := o.Kinds(len(in))
	for i, n := range in {
		s, err := SpecOf(n)
		if err != nil {
			return nil, err
		}
		s.Kind = kinds[i]
		a.in[i] = s
	}
	var err error
	if a.out, err = o.Infer(a.in); err != nil {
		return nil, fmt.Errorf("%v: %w", o, err)
	}
	n, err := gorgonia.ApplyOp(a, in...)
	if err != nil {
		return nil, err
	}
	return n, checkMerge(n, a, in)
}

// checkMerge finds the case in which Gorgonia, which merges nodes of equal
// 32-bit hashes, has returned another node than the one asked for.
func checkMerge(n *gorgonia.Node, o gorgonia.Op, in []*gorgonia.Node) error {
	if n.Op().String() != o.String() {
		return fmt.Errorf("hash collision: asked for %v, got %v", o, n.Op())
	}
	children := n.Graph().From(n.ID())
	for _, want := range in {
		if !children.Next() || children.Node().ID() != want.ID() {
			return fmt.Errorf("hash collision: %v with other operands", o)
		}
	}
	return nil
}

// applied is an Operation on given operands, as Gorgonia sees it. An operation
// with several results is one node, typed as a vector with an element for each,
// and a projection per result.
type applied struct {
	Operation
	in, out []Spec
}

func (a *applied) Arity() int           { return len(a.in) }
func (a *applied) ReturnsPtr() bool     { return false }
func (a *applied) CallsExtern() bool    { return false }
func (a *applied) OverwritesInput() int { return -1 }

func (a *applied) Type() hm.Type {
	types := make([]hm.Type, 0, len(a.in)+1)
	for _, s := range a.in {
		types = append(types, typeOf(s))
	}
	result := typeOf(a.out[0])
	if len(a.out) > 1 {
		result = bundleType
	}
	return hm.NewFnType(append(types, result)...)
}

func (a *applied) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	if len(a.out) > 1 {
		return tensor.Shape{len(a.out)}, nil
	}
	return a.out[0].Shape.Clone(), nil
}

func (a *applied) WriteHash(h hash.Hash) { fmt.Fprint(h, a.String()) }

func (a *applied) Hashcode() uint32 {
	h := fnv.New32a()
	a.WriteHash(h)
	return h.Sum32()
}

func (a *applied) DiffWRT(n int) []bool {
	if d, ok := a.Operation.(differentiable); ok {
		return d.Differentiates(n)
	}
	return make([]bool, n)
}

func (a *applied) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	d, ok := a.Operation.(differentiable)
	if !ok {
		return make(gorgonia.Nodes, len(in)), nil
	}
	return d.Gradients(in, out, grad)
}

var bundleType = gorgonia.TensorType{Dims: 1, Of: tensor.Float32}

func typeOf(s Spec) hm.Type {
	if len(s.Shape) == 0 {
		return s.Dtype
	}
	return gorgonia.TensorType{Dims: len(s.Shape), Of: s.Dtype}
}

// projection is the k-th result of an operation with several. It costs nothing
// on our machine.
type projection struct {
	k    int
	spec Spec
}

func project(n *gorgonia.Node, k int) (*gorgonia.Node, error) {
	p := projection{k, n.Op().(*applied).out[k]}
	node, err := gorgonia.ApplyOp(p, n)
	if err != nil {
		return nil, err
	}
	return node, checkMerge(node, p, []*gorgonia.Node{n})
}

func (p projection) Arity() int            { return 1 }
func (p projection) Type() hm.Type         { return hm.NewFnType(bundleType, typeOf(p.spec)) }
func (p projection) ReturnsPtr() bool      { return false }
func (p projection) CallsExtern() bool     { return false }
func (p projection) OverwritesInput() int  { return -1 }
func (p projection) String() string        { return fmt.Sprintf("result %d of", p.k) }
func (p projection) WriteHash(h hash.Hash) { fmt.Fprint(h, p.String(), p.spec) }
func (p projection) DiffWRT(int) []bool    { return []bool{p.k == 0} }
func (p projection) Hashcode() uint32 {
	h := fnv.New32a()
	p.WriteHash(h)
	return h.Sum32()
}

func (p projection) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return p.spec.Shape.Clone(), nil
}

func (p projection) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	if p.k == 0 {
		return gorgonia.Nodes{grad}, nil
	}
	return gorgonia.Nodes{nil}, nil
}
