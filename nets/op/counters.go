package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Record writes a scalar loss to log[position], in place, so that a step needs
// no answer to the host; log is float64, position an int32 scalar.
func Record(log, loss, position *gorgonia.Node) (*gorgonia.Node, error) {
	return one(record{}, log, loss, position)
}

type record struct{}

func (record) String() string                  { return "record" }
func (record) Kinds(int) []Kind                { return []Kind{Plain, Plain, Plain} }
func (record) Updates(int) []int               { return []int{0} }
func (record) Run(k Kernels, out, in []Tensor) { k.Record(out[0], in[1], in[2]) }

func (record) Infer(in []Spec) ([]Spec, error) {
	if len(in[0].Shape) != 1 || in[0].Dtype != tensor.Float64 || len(in[1].Shape) != 0 {
		return nil, fmt.Errorf("log %v, loss %v: want a float64 vector and a scalar", in[0], in[1])
	}
	return []Spec{in[0].like()}, scalarOf(in[2], tensor.Int32)
}

// Score adds a mini-batch to totals, in place: the sum of its cross-entropies,
// its errors and its images. totals is float64 (3); labels of −1 do not count.
func Score(totals, logits, labels *gorgonia.Node) (*gorgonia.Node, error) {
	return one(score{}, totals, logits, labels)
}

type score struct{}

func (score) String() string                  { return "score" }
func (score) Kinds(int) []Kind                { return []Kind{Plain, Plain, Plain} }
func (score) Updates(int) []int               { return []int{0} }
func (score) Run(k Kernels, out, in []Tensor) { k.Score(out[0], in[1], in[2]) }

func (score) Infer(in []Spec) ([]Spec, error) {
	if !in[0].Shape.Eq(tensor.Shape{3}) || in[0].Dtype != tensor.Float64 {
		return nil, fmt.Errorf("totals %v: want float64 (3)", in[0])
	}
	return []Spec{in[0].like()}, checkLogits(in[1], in[2])
}

// Positives adds the number of positive entries of x, (N, C) or (N, C, H, W), to
// total, in place, over the images whose label is not −1; total is float64 (1).
func Positives(total, x, labels *gorgonia.Node) (*gorgonia.Node, error) {
	return one(positives{}, total, x, labels)
}

type positives struct{}

func (positives) String() string                  { return "positives" }
func (positives) Kinds(int) []Kind                { return []Kind{Plain, Any, Plain} }
func (positives) Updates(int) []int               { return []int{0} }
func (positives) Run(k Kernels, out, in []Tensor) { k.Positives(out[0], in[1], in[2]) }

func (positives) Infer(in []Spec) ([]Spec, error) {
	total, x, labels := in[0], in[1], in[2]
	if !total.Shape.Eq(tensor.Shape{1}) || total.Dtype != tensor.Float64 {
		return nil, fmt.Errorf("total %v: want float64 (1)", total)
	}
	if err := checkFeature(x, labels); err != nil {
		return nil, err
	}
	return []Spec{total.like()}, sameDtype([]Spec{x})
}
