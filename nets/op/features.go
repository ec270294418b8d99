package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// FeatureKernels are what the sparsity of features needs beside Kernels. An
// engine need not have them.
type FeatureKernels interface {
	// Select: z[n,u] = the element units[u] of x[n], counted over channels, rows
	// and columns. x is (N, C) or (N, C, H, W), z (N, U, 1, 1). A unit of −1 is
	// the constant 1; an image with the label −1 gives zeros.
	Select(z, x, units, labels Tensor)
	// CountPositive adds the number of images with z[n,u] > 0 to total[u], float64.
	CountPositive(total, z Tensor)
}

// HasFeatures tells whether an engine has the FeatureKernels.
func HasFeatures(k Kernels) bool { _, ok := k.(FeatureKernels); return ok }

// feature is embedded in the operations of FeatureKernels.
type feature struct{}

func (feature) RunsOn(k Kernels) bool { return HasFeatures(k) }

// Select picks units, int32 (U), of a feature x for each image, as an activation
// (N, U, 1, 1); see FeatureKernels.
func Select(x, units, labels *gorgonia.Node) (*gorgonia.Node, error) {
	return one(selectUnits{}, x, units, labels)
}

// Gram is Σ_n z[n,i]·z[n,j] for z (N, U, 1, 1), as a filter (U, U, 1, 1): the
// gradient by the filter of a 1×1 convolution of z with itself for a gradient.
func Gram(z *gorgonia.Node) (*gorgonia.Node, error) {
	return one(convBackwardFilter{Convolution{Stride: 1}, 1, Filter}, z, z)
}

// CountPositive adds the number of images in which each unit of z (N, U, 1, 1)
// is positive to total, float64 (U), in place.
func CountPositive(total, z *gorgonia.Node) (*gorgonia.Node, error) {
	return one(countPositive{}, total, z)
}

type selectUnits struct{ feature }

func (selectUnits) String() string   { return "select" }
func (selectUnits) Kinds(int) []Kind { return []Kind{Any, Plain, Plain} }
func (selectUnits) Run(k Kernels, out, in []Tensor) {
	k.(FeatureKernels).Select(out[0], in[0], in[1], in[2])
}

func (selectUnits) Infer(in []Spec) ([]Spec, error) {
	x, units, labels := in[0], in[1], in[2]
	if err := checkFeature(x, labels); err != nil {
		return nil, err
	}
	if len(units.Shape) != 1 || units.Dtype != tensor.Int32 {
		return nil, fmt.Errorf("units %v: want int32 (U)", units)
	}
	z := Spec{Activation, x.Dtype, tensor.Shape{x.Shape[0], units.Shape[0], 1, 1}}
	return []Spec{z}, sameDtype([]Spec{x})
}

// checkFeature verifies a feature, an activation or a matrix, with its labels. What
// has the layout of a filter has no images.
func checkFeature(x, labels Spec) error {
	if d := len(x.Shape); d != 2 && d != 4 || x.Kind == Filter || !labels.Shape.Eq(x.Shape[:1]) || labels.Dtype != tensor.Int32 {
		return fmt.Errorf("x %v, labels %v: want (N, C) or an activation (N, C, H, W), and int32 (N)", x, labels)
	}
	return nil
}

type countPositive struct{ feature }

func (countPositive) String() string    { return "count positive" }
func (countPositive) Kinds(int) []Kind  { return []Kind{Plain, Activation} }
func (countPositive) Updates(int) []int { return []int{0} }
func (countPositive) Run(k Kernels, out, in []Tensor) {
	k.(FeatureKernels).CountPositive(out[0], in[1])
}

func (countPositive) Infer(in []Spec) ([]Spec, error) {
	total, z := in[0], in[1]
	if len(z.Shape) != 4 || z.Shape[2] != 1 || z.Shape[3] != 1 {
		return nil, fmt.Errorf("z %v: want (N, U, 1, 1)", z)
	}
	if !total.Shape.Eq(z.Shape[1:2]) || total.Dtype != tensor.Float64 {
		return nil, fmt.Errorf("total %v: want float64 (%d)", total, z.Shape[1])
	}
	return []Spec{total.like()}, sameDtype([]Spec{z})
}
