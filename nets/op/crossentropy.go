package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// CrossEntropy is the mean over the mini-batch of −log softmax(logits)[label],
// a scalar; logits (N, K), labels int32 (N).
func CrossEntropy(logits, labels *gorgonia.Node) (*gorgonia.Node, error) {
	return one(crossEntropy{}, logits, labels)
}

type crossEntropy struct{}

func (crossEntropy) String() string                  { return "cross-entropy" }
func (crossEntropy) Kinds(int) []Kind                { return []Kind{Plain, Plain} }
func (crossEntropy) Run(k Kernels, out, in []Tensor) { k.CrossEntropy(out[0], in[0], in[1]) }
func (crossEntropy) Differentiates(int) []bool       { return []bool{true, false} }

func (crossEntropy) Infer(in []Spec) ([]Spec, error) {
	if err := checkLogits(in[0], in[1]); err != nil {
		return nil, err
	}
	return []Spec{{Plain, in[0].Dtype, tensor.ScalarShape()}}, nil
}

func (crossEntropy) Gradients(in gorgonia.Nodes, out, dloss *gorgonia.Node) (gorgonia.Nodes, error) {
	d, err := one(crossEntropyBackward{}, dloss, in[0], in[1])
	return gorgonia.Nodes{d, nil}, err
}

func checkLogits(logits, labels Spec) error {
	l, y := logits.Shape, labels.Shape
	if len(l) != 2 || len(y) != 1 || y[0] != l[0] || labels.Dtype != tensor.Int32 {
		return fmt.Errorf("logits %v, labels %v: want (N, K) and int32 (N)", logits, labels)
	}
	return sameDtype([]Spec{logits})
}

type crossEntropyBackward struct{}

func (crossEntropyBackward) String() string   { return "cross-entropy backward" }
func (crossEntropyBackward) Kinds(int) []Kind { return []Kind{Plain, Plain, Plain} }
func (crossEntropyBackward) Infer(in []Spec) ([]Spec, error) {
	return []Spec{in[1].like()}, checkLogits(in[1], in[2])
}
func (crossEntropyBackward) Run(k Kernels, out, in []Tensor) {
	k.CrossEntropyBackward(out[0], in[0], in[1], in[2])
}
