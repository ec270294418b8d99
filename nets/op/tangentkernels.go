package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TangentKernels are what second derivatives need beside the kernels of the first
// ones: the tangents of operations that are linear in nothing, and the gradient of a
// batch norm in evaluation mode. An engine need not have them.
type TangentKernels interface {
	// BatchNormTangent is the tangent of a batch norm with the result y, whose mean
	// and invStd are those of BatchNorm's results or, if fixed, do not depend on x.
	BatchNormTangent(b BatchNorm, fixed bool, r BatchNormResultTangents, x, y, gamma, mean, invStd Tensor, dot BatchNormTangents)
	// BatchNormBackwardTangent is that of BatchNormBackward's results or, if fixed,
	// of BatchNormInferenceBackward's.
	BatchNormBackwardTangent(b BatchNorm, fixed bool, g BatchNormGradients, dy, x, y, gamma, mean, invStd Tensor, dot BatchNormBackwardTangents)
	// BatchNormInferenceBackward gives the gradients of BatchNormInference, where
	// the statistics are constants.
	BatchNormInferenceBackward(b BatchNorm, g BatchNormGradients, dy, x, y, gamma, mean, invStd Tensor)
	// InverseDeviation: y = 1/√(variance + epsilon).
	InverseDeviation(y, variance Tensor, epsilon float64)
	// MaxPoolTangent: doty = dotx at the first element of each window that is the
	// largest of x there, row by row, or is NaN.
	MaxPoolTangent(p Pooling, doty, dotx, x Tensor)
	// CrossEntropyCurvature: d = p ⊙ (dot − ⟨p, dot⟩)·dloss/N for each image, with
	// p = softmax(logits).
	CrossEntropyCurvature(d, dloss, logits, labels, dot Tensor)
}

// SmallTangentKernels are those of SmallKernels.
type SmallTangentKernels interface {
	// LossCurvature: d[i] = l.Curvature(h[i], y[i])·dot[i]·dloss/N.
	LossCurvature(l Loss, d, dloss, h, y, dot Tensor)
}

// BatchNormTangents are the tangents of a batch norm's operands; those that are not
// Wanted are zero.
type BatchNormTangents struct{ X, Gamma, Beta, Residual Tensor }

// BatchNormResultTangents are those of its results.
type BatchNormResultTangents struct{ Y, Mean, InvStd Tensor }

// BatchNormBackwardTangents are the tangents of the backward kernel's operands;
// those that are not Wanted are zero.
type BatchNormBackwardTangents struct{ DY, X, Gamma, Mean, InvStd Tensor }

// HasTangents tells whether an engine has the TangentKernels.
func HasTangents(k Kernels) bool { _, ok := k.(TangentKernels); return ok }

// second is embedded in the operations of TangentKernels.
type second struct{}

func (second) RunsOn(k Kernels) bool { return HasTangents(k) }

type batchNormTangent struct {
	second
	BatchNorm
	fixed bool
	given [4]bool // which of BatchNormTangents are operands
}

func (o batchNormTangent) String() string {
	return fmt.Sprintf("batch norm tangent: %s fixed %t given %v", o.attributes(), o.fixed, o.given)
}

func (o batchNormTangent) Kinds(int) []Kind {
	return append([]Kind{Activation, Activation, Plain, Plain, Plain}, chosen(o.given[:], Activation, Plain, Plain, Activation)...)
}

func (o batchNormTangent) Infer(in []Spec) ([]Spec, error) {
	if err := sameShapes(in, o.Kinds(len(in))); err != nil {
		return nil, err
	}
	return []Spec{in[0].like(), in[2].like(), in[2].like()}, sameDtype(in)
}

func (o batchNormTangent) Run(k Kernels, out, in []Tensor) {
	dot := spread(o.given[:], in[5:])
	k.(TangentKernels).BatchNormTangent(o.BatchNorm, o.fixed, BatchNormResultTangents{out[0], out[1], out[2]},
		in[0], in[1], in[2], in[3], in[4], BatchNormTangents{dot[0], dot[1], dot[2], dot[3]})
}

type batchNormBackwardTangent struct {
	second
	BatchNorm
	fixed bool
	given [5]bool // which of BatchNormBackwardTangents are operands
}

func (o batchNormBackwardTangent) String() string {
	return fmt.Sprintf("batch norm backward tangent: %s fixed %t given %v", o.attributes(), o.fixed, o.given)
}

func (o batchNormBackwardTangent) Kinds(int) []Kind {
	return append([]Kind{Activation, Activation, Activation, Plain, Plain, Plain},
		chosen(o.given[:], Activation, Activation, Plain, Plain, Plain)...)
}

func (o batchNormBackwardTangent) Infer(in []Spec) ([]Spec, error) {
	if err := sameShapes(in, o.Kinds(len(in))); err != nil {
		return nil, err
	}
	return o.gradients(in[1], in[3]), sameDtype(in)
}

func (o batchNormBackwardTangent) Run(k Kernels, out, in []Tensor) {
	dot := spread(o.given[:], in[6:])
	g := BatchNormGradients{X: out[0], Gamma: out[1], Beta: out[2], Residual: optional(out, 3)}
	k.(TangentKernels).BatchNormBackwardTangent(o.BatchNorm, o.fixed, g, in[0], in[1], in[2], in[3], in[4], in[5],
		BatchNormBackwardTangents{dot[0], dot[1], dot[2], dot[3], dot[4]})
}

// gradients are the specs of BatchNormGradients.
func (b BatchNorm) gradients(x, gamma Spec) []Spec {
	out := []Spec{x.like(), gamma.like(), gamma.like()}
	if b.Residual {
		out = append(out, x.like())
	}
	return out
}

// chosen are the kinds of what is given.
func chosen(given []bool, kinds ...Kind) (list []Kind) {
	for i, is := range given {
		if is {
			list = append(list, kinds[i])
		}
	}
	return list
}

// spread puts the tensors at the places that are given.
func spread(given []bool, tensors []Tensor) []Tensor {
	all := make([]Tensor, len(given))
	for i, is := range given {
		if is {
			all[i], tensors = tensors[0], tensors[1:]
		}
	}
	return all
}

// sameShapes checks that activations have the shape of the first, (N, C, H, W), and
// all others are (C).
func sameShapes(in []Spec, kinds []Kind) error {
	if len(in) != len(kinds) {
		return fmt.Errorf("%d operands, want %d", len(in), len(kinds))
	}
	x := in[0].Shape
	if len(x) != 4 {
		return fmt.Errorf("x %v: want (N, C, H, W)", x)
	}
	for i, s := range in {
		want := x
		if kinds[i] == Plain {
			want = tensor.Shape{x[1]}
		}
		if !s.Shape.Eq(want) {
			return fmt.Errorf("operand %d is %v: want %v", i, s.Shape, want)
		}
	}
	return nil
}

// batchNormInferenceBackward takes dy, x, y, γ, mean and 1/σ.
type batchNormInferenceBackward struct {
	second
	BatchNorm
}

func (o batchNormInferenceBackward) String() string {
	return "batch norm inference backward: " + o.attributes()
}

func (o batchNormInferenceBackward) Kinds(int) []Kind {
	return []Kind{Activation, Activation, Activation, Plain, Plain, Plain}
}

func (o batchNormInferenceBackward) Infer(in []Spec) ([]Spec, error) {
	if err := sameShapes(in, o.Kinds(len(in))); err != nil {
		return nil, err
	}
	return o.gradients(in[1], in[3]), sameDtype(in)
}

func (o batchNormInferenceBackward) Run(k Kernels, out, in []Tensor) {
	g := BatchNormGradients{X: out[0], Gamma: out[1], Beta: out[2], Residual: optional(out, 3)}
	k.(TangentKernels).BatchNormInferenceBackward(o.BatchNorm, g, in[0], in[1], in[2], in[3], in[4], in[5])
}

func (o batchNormInference) Differentiates(n int) []bool {
	return []bool{true, true, true, false, false, true}[:n]
}

func (o batchNormInference) Gradients(in gorgonia.Nodes, out, dy *gorgonia.Node) (gorgonia.Nodes, error) {
	invStd, err := one(inverseDeviation{epsilon: o.Epsilon}, in[4])
	if err != nil {
		return nil, err
	}
	g, err := apply(batchNormInferenceBackward{BatchNorm: o.BatchNorm}, dy, in[0], out, in[1], in[3], invStd)
	if err != nil {
		return nil, err
	}
	grads := gorgonia.Nodes{g[0], g[1], g[2], nil, nil}
	if o.Residual {
		grads = append(grads, g[3])
	}
	return grads, nil
}

type inverseDeviation struct {
	second
	epsilon float64
}

func (o inverseDeviation) String() string {
	return fmt.Sprintf("inverse deviation: epsilon %g", o.epsilon)
}
func (inverseDeviation) Kinds(int) []Kind                { return []Kind{Plain} }
func (inverseDeviation) Infer(in []Spec) ([]Spec, error) { return []Spec{in[0].like()}, sameDtype(in) }
func (o inverseDeviation) Run(k Kernels, out, in []Tensor) {
	k.(TangentKernels).InverseDeviation(out[0], in[0], o.epsilon)
}

type maxPoolTangent struct {
	second
	Pooling
}

func (o maxPoolTangent) String() string {
	return fmt.Sprintf("max pool tangent: size %d stride %d", o.Size, o.Stride)
}
func (maxPoolTangent) Kinds(int) []Kind { return []Kind{Activation, Activation} }
func (o maxPoolTangent) Run(k Kernels, out, in []Tensor) {
	k.(TangentKernels).MaxPoolTangent(o.Pooling, out[0], in[0], in[1])
}

func (o maxPoolTangent) Infer(in []Spec) ([]Spec, error) {
	if !in[0].Shape.Eq(in[1].Shape) {
		return nil, fmt.Errorf("tangent %v of x %v: want equal shapes", in[0].Shape, in[1].Shape)
	}
	return maxPool{o.Pooling}.Infer(in[1:])
}

// Which of the largest elements has the tangent does not change.
func (o maxPoolTangent) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return bilinear(o, in, dot, 1)
}

// The curvatures take dloss, the predictions, the targets, and the predictions'
// tangent.
type crossEntropyCurvature struct{ second }

func (crossEntropyCurvature) String() string   { return "cross-entropy curvature" }
func (crossEntropyCurvature) Kinds(int) []Kind { return []Kind{Plain, Plain, Plain, Plain} }
func (crossEntropyCurvature) Infer(in []Spec) ([]Spec, error) {
	if !in[1].Shape.Eq(in[3].Shape) {
		return nil, fmt.Errorf("tangent %v of logits %v: want equal shapes", in[3].Shape, in[1].Shape)
	}
	return []Spec{in[1].like()}, checkLogits(in[1], in[2])
}
func (crossEntropyCurvature) Run(k Kernels, out, in []Tensor) {
	k.(TangentKernels).CrossEntropyCurvature(out[0], in[0], in[1], in[2], in[3])
}

type meanLossCurvature struct{ l Loss }

// RunsOn tells whether the engine has the kernel.
func (meanLossCurvature) RunsOn(k Kernels) bool { _, ok := k.(SmallTangentKernels); return ok }

func (o meanLossCurvature) String() string {
	return fmt.Sprintf("loss curvature: %s scale %g", o.l.Kind, o.l.Scale)
}
func (meanLossCurvature) Kinds(int) []Kind { return []Kind{Plain, Plain, Plain, Plain} }
func (meanLossCurvature) Infer(in []Spec) ([]Spec, error) {
	if !in[1].Shape.Eq(in[3].Shape) {
		return nil, fmt.Errorf("tangent %v of h %v: want equal shapes", in[3].Shape, in[1].Shape)
	}
	return []Spec{in[1].like()}, sameDtype(in)
}
func (o meanLossCurvature) Run(k Kernels, out, in []Tensor) {
	k.(SmallTangentKernels).LossCurvature(o.l, out[0], in[0], in[1], in[2], in[3])
}
