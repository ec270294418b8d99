package op

import (
	"fmt"

	"gorgonia.org/tensor"
)

// Kind tells an engine what a tensor is for, so that it can choose a layout.
type Kind uint8

const (
	Any            Kind = iota // operand of an elementwise operation: whatever it comes in
	Plain                      // row-major in every engine: scalars, vectors, matrices, bytes
	Activation                 // (N, C, H, W), in the engine's layout and number format
	Filter                     // (OC, IC, KH, KW), in the engine's layout
	FilterGradient             // the same, in the number format of activations
)

// Spec is a tensor without its memory.
type Spec struct {
	Kind  Kind
	Dtype tensor.Dtype
	Shape tensor.Shape // logical; () is a scalar
}

// Len is the number of logical elements.
func (s Spec) Len() int {
	n := 1
	for _, d := range s.Shape {
		n *= d
	}
	return n
}

func (s Spec) String() string { return fmt.Sprintf("%v%v", s.Dtype, s.Shape) }

// like is the spec of a result of the same shape, type and kind as s.
func (s Spec) like() Spec { return Spec{s.Kind, s.Dtype, s.Shape.Clone()} }

// Tensor is an operand of a kernel. Data is the engine's own handle of its
// memory; nil for a result that nobody reads, which a kernel may skip.
type Tensor struct {
	Spec
	Data any
}

// Wanted tells whether anybody reads the tensor.
func (t Tensor) Wanted() bool { return t.Data != nil }
