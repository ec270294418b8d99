package op

import (
	"fmt"
	"strings"

	"gorgonia.org/gorgonia"
)

// AddOf recognises the elementwise sum that gorgonia.Grad adds to the graph
// where a value is used several times, and gives an Operation for it.
func AddOf(n *gorgonia.Node) (Operation, bool) {
	b, ok := n.Op().(gorgonia.BinaryOp)
	return add{}, ok && strings.HasPrefix(b.String(), "+ ")
}

// InPlace operations may write their result over one of the listed operands,
// if nobody reads that afterwards.
type InPlace interface {
	Operation
	InPlace() []int
}

// Accumulator operations can add their only result to what a tensor holds.
type Accumulator interface {
	Operation
	RunAccumulate(k Kernels, out, in []Tensor)
}

type add struct{}

func (add) String() string                  { return "add" }
func (add) Kinds(int) []Kind                { return []Kind{Any, Any} }
func (add) InPlace() []int                  { return []int{0, 1} }
func (add) Run(k Kernels, out, in []Tensor) { k.Add(out[0], in[0], in[1]) }

func (add) Infer(in []Spec) ([]Spec, error) {
	if !in[0].Shape.Eq(in[1].Shape) || in[0].Kind != in[1].Kind {
		return nil, fmt.Errorf("x %v, y %v: want equal shapes", in[0], in[1])
	}
	return []Spec{in[0].like()}, sameDtype(in)
}
