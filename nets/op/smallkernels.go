package op

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ProductKernels are products of matrices, of small problems and of tangents.
type ProductKernels interface {
	// Product: y = x wᵀ, with x (N, I) and w (O, I).
	Product(y, x, w Tensor)
	// ProductBackward: dx = dy w, dw = dyᵀ x.
	ProductBackward(dx, dw, dy, x, w Tensor)
}

// SmallKernels are what vectors and small matrices need beside Kernels: linear
// models, diagonal linear networks and fully connected networks. An engine need
// not have them.
type SmallKernels interface {
	// Rows picks a mini-batch: x[i] = xs[index[i]] and y[i] = ys[index[i]], with
	// xs (M, D), ys (M), index int32 (N).
	Rows(x, y, xs, ys, index Tensor)
	ProductKernels
	// Multiply: z = x ⊙ y.
	Multiply(z, x, y Tensor)
	// ReLU: y = max(x, 0).
	ReLU(y, x Tensor)
	// ReLUBackward: dx = dy where y > 0, else 0.
	ReLUBackward(dx, dy, y Tensor)
	// Loss is the mean over the mini-batch of l.Value(h[i], y[i]), a scalar.
	Loss(l Loss, loss, h, y Tensor)
	// LossBackward: dh[i] = l.Slope(h[i], y[i])·dloss/N.
	LossBackward(l Loss, dh, dloss, h, y Tensor)
	// SumSquares: s = scale·Σ x², a scalar.
	SumSquares(s, x Tensor, scale float64)
	// SumSquaresBackward: dx = 2·scale·ds·x.
	SumSquaresBackward(dx, ds, x Tensor, scale float64)
}

// Optional is an operation that not every engine has a kernel for.
type Optional interface {
	Operation
	// RunsOn tells whether the engine has.
	RunsOn(k Kernels) bool
}

// small is embedded in the operations of SmallKernels.
type small struct{}

func (small) RunsOn(k Kernels) bool { _, ok := k.(SmallKernels); return ok }
func (small) Kinds(n int) []Kind {
	kinds := make([]Kind, n)
	for i := range kinds {
		kinds[i] = Plain
	}
	return kinds
}

// Loss is a loss of one example with the prediction h and the target y, times a
// scale.
type Loss struct {
	Kind  LossKind
	Scale float64
}

// LossKind names a loss; targets of hinge and logistic are ±1.
type LossKind string

// The losses of the small problems.
const (
	Squared  LossKind = "squared"  // (h − y)²
	Hinge    LossKind = "hinge"    // max(0, 1 − y·h)
	Logistic LossKind = "logistic" // log(1 + exp(−y·h))
	// Prediction is h itself, whatever the target: its gradient is the Jacobian.
	Prediction LossKind = "prediction"
)

// Value is the loss.
func (l Loss) Value(h, y float64) float64 {
	switch l.Kind {
	case Squared:
		return l.Scale * (h - y) * (h - y)
	case Hinge:
		return l.Scale * max(0, 1-float64(y*h))
	case Logistic: // without overflow: log(1 + e^z) = max(z, 0) + log(1 + e^−|z|)
		z := -y * h
		return l.Scale * (max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))))
	case Prediction:
		return l.Scale * h
	}
	panic(fmt.Sprintf("op: unknown loss %q", string(l.Kind)))
}

// Slope is the derivative by h; of the hinge the subgradient that is 0 where
// y·h = 1.
func (l Loss) Slope(h, y float64) float64 {
	switch l.Kind {
	case Squared:
		return 2 * l.Scale * (h - y)
	case Hinge:
		if y*h < 1 {
			return -y * l.Scale
		}
		return h * 0 // 0, or NaN
	case Logistic:
		return -y * l.Scale / (1 + math.Exp(y*h))
	case Prediction:
		return l.Scale
	}
	panic(fmt.Sprintf("op: unknown loss %q", string(l.Kind)))
}

// Curvature is the second derivative by h, 0 at the hinge's kink.
func (l Loss) Curvature(h, y float64) float64 {
	switch l.Kind {
	case Squared:
		return 2 * l.Scale
	case Hinge, Prediction:
		return h * 0 // 0, or NaN
	case Logistic:
		e := math.Exp(-math.Abs(y * h))
		return l.Scale * y * y * e / ((1 + e) * (1 + e))
	}
	panic(fmt.Sprintf("op: unknown loss %q", string(l.Kind)))
}

// Rows picks rows of xs (M, D) and elements of ys (M) by index, int32 (N).
func Rows(xs, ys, index *gorgonia.Node) (x, y *gorgonia.Node, err error) {
	out, err := apply(rows{}, xs, ys, index)
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1], nil
}

// Product is x wᵀ for x (N, I) and w (O, I).
func Product(x, w *gorgonia.Node) (*gorgonia.Node, error) { return one(product{}, x, w) }

// Multiply is the elementwise product.
func Multiply(x, y *gorgonia.Node) (*gorgonia.Node, error) { return one(multiply{}, x, y) }

// ReLU is max(x, 0).
func ReLU(x *gorgonia.Node) (*gorgonia.Node, error) { return one(relu{}, x) }

// MeanLoss is the mean loss of the predictions h, (N) or (N, 1), for the targets
// y (N), a scalar.
func MeanLoss(l Loss, h, y *gorgonia.Node) (*gorgonia.Node, error) { return one(meanLoss{l: l}, h, y) }

// SumSquares is scale·Σ x², a scalar.
func SumSquares(x *gorgonia.Node, scale float64) (*gorgonia.Node, error) {
	return one(sumSquares{scale: scale}, x)
}

// AddScalars is x + y for scalars.
func AddScalars(x, y *gorgonia.Node) (*gorgonia.Node, error) { return one(addScalars{}, x, y) }

type rows struct{ small }

func (rows) String() string { return "rows" }
func (rows) Run(k Kernels, out, in []Tensor) {
	k.(SmallKernels).Rows(out[0], out[1], in[0], in[1], in[2])
}

func (rows) Infer(in []Spec) ([]Spec, error) {
	xs, ys, index := in[0], in[1], in[2]
	if len(xs.Shape) != 2 || !ys.Shape.Eq(xs.Shape[:1]) || len(index.Shape) != 1 || index.Dtype != tensor.Int32 {
		return nil, fmt.Errorf("xs %v, ys %v, index %v: want (M, D), (M) and int32 (N)", xs, ys, index)
	}
	n := index.Shape[0]
	return []Spec{{Plain, xs.Dtype, tensor.Shape{n, xs.Shape[1]}}, {Plain, ys.Dtype, tensor.Shape{n}}}, sameDtype(in[:2])
}

// ofProducts is embedded in the operations of ProductKernels.
type ofProducts struct{ small }

func (ofProducts) RunsOn(k Kernels) bool { _, ok := k.(ProductKernels); return ok }

type product struct{ ofProducts }

func (product) String() string                  { return "product" }
func (product) Differentiates(int) []bool       { return []bool{true, true} }
func (product) Run(k Kernels, out, in []Tensor) { k.(ProductKernels).Product(out[0], in[0], in[1]) }
func (product) FLOP(in []Spec) float64          { return 2 * float64(in[0].Len()*in[1].Shape[0]) }

func (product) Infer(in []Spec) ([]Spec, error) {
	x, w := in[0].Shape, in[1].Shape
	if len(x) != 2 || len(w) != 2 || x[1] != w[1] {
		return nil, fmt.Errorf("x %v, w %v: want (N, I), (O, I)", x, w)
	}
	return []Spec{{Plain, in[0].Dtype, tensor.Shape{x[0], w[0]}}}, sameDtype(in)
}

func (product) Gradients(in gorgonia.Nodes, out, dy *gorgonia.Node) (gorgonia.Nodes, error) {
	return apply(productBackward{}, dy, in[0], in[1])
}

type productBackward struct{ ofProducts }

func (productBackward) String() string { return "product backward" }
func (productBackward) Run(k Kernels, out, in []Tensor) {
	k.(ProductKernels).ProductBackward(out[0], out[1], in[0], in[1], in[2])
}

func (productBackward) Infer(in []Spec) ([]Spec, error) {
	dy, x, w := in[0].Shape, in[1].Shape, in[2].Shape
	if len(dy) != 2 || len(x) != 2 || len(w) != 2 || dy[0] != x[0] || dy[1] != w[0] || x[1] != w[1] {
		return nil, fmt.Errorf("dy %v, x %v, w %v: want (N, O), (N, I), (O, I)", dy, x, w)
	}
	return []Spec{in[1].like(), in[2].like()}, sameDtype(in)
}

type multiply struct{ small }

func (multiply) String() string                  { return "multiply" }
func (multiply) Differentiates(int) []bool       { return []bool{true, true} }
func (multiply) Run(k Kernels, out, in []Tensor) { k.(SmallKernels).Multiply(out[0], in[0], in[1]) }

func (multiply) Infer(in []Spec) ([]Spec, error) {
	if !in[0].Shape.Eq(in[1].Shape) {
		return nil, fmt.Errorf("x %v, y %v: want equal shapes", in[0].Shape, in[1].Shape)
	}
	return []Spec{in[0].like()}, sameDtype(in)
}

func (multiply) Gradients(in gorgonia.Nodes, out, dz *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := Multiply(dz, in[1])
	if err != nil {
		return nil, err
	}
	dy, err := Multiply(dz, in[0])
	return gorgonia.Nodes{dx, dy}, err
}

type relu struct{ small }

func (relu) String() string                  { return "relu" }
func (relu) Differentiates(int) []bool       { return []bool{true} }
func (relu) Run(k Kernels, out, in []Tensor) { k.(SmallKernels).ReLU(out[0], in[0]) }
func (relu) Infer(in []Spec) ([]Spec, error) { return []Spec{in[0].like()}, sameDtype(in) }

func (relu) Gradients(in gorgonia.Nodes, out, dy *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := one(reluBackward{}, dy, out)
	return gorgonia.Nodes{dx}, err
}

type reluBackward struct{ small }

func (reluBackward) String() string { return "relu backward" }
func (reluBackward) Run(k Kernels, out, in []Tensor) {
	k.(SmallKernels).ReLUBackward(out[0], in[0], in[1])
}
func (reluBackward) Infer(in []Spec) ([]Spec, error) { return []Spec{in[0].like()}, sameDtype(in) }

type meanLoss struct {
	small
	l Loss
}

func (o meanLoss) String() string            { return fmt.Sprintf("loss: %s scale %g", o.l.Kind, o.l.Scale) }
func (o meanLoss) Differentiates(int) []bool { return []bool{true, false} }
func (o meanLoss) Run(k Kernels, out, in []Tensor) {
	k.(SmallKernels).Loss(o.l, out[0], in[0], in[1])
}

func (o meanLoss) Infer(in []Spec) ([]Spec, error) {
	h, y := in[0], in[1]
	if len(y.Shape) != 1 || h.Len() != y.Len() || h.Shape[0] != y.Shape[0] {
		return nil, fmt.Errorf("h %v, y %v: want (N) or (N, 1), and (N)", h, y)
	}
	return []Spec{{Plain, h.Dtype, tensor.ScalarShape()}}, sameDtype(in)
}

func (o meanLoss) Gradients(in gorgonia.Nodes, out, dloss *gorgonia.Node) (gorgonia.Nodes, error) {
	dh, err := one(meanLossBackward{l: o.l}, dloss, in[0], in[1])
	return gorgonia.Nodes{dh, nil}, err
}

type meanLossBackward struct {
	small
	l Loss
}

func (o meanLossBackward) String() string {
	return fmt.Sprintf("loss backward: %s scale %g", o.l.Kind, o.l.Scale)
}
func (o meanLossBackward) Run(k Kernels, out, in []Tensor) {
	k.(SmallKernels).LossBackward(o.l, out[0], in[0], in[1], in[2])
}
func (o meanLossBackward) Infer(in []Spec) ([]Spec, error) {
	return []Spec{in[1].like()}, sameDtype(in)
}

type sumSquares struct {
	small
	scale float64
}

func (o sumSquares) String() string            { return fmt.Sprintf("sum of squares: %g", o.scale) }
func (o sumSquares) Differentiates(int) []bool { return []bool{true} }
func (o sumSquares) Run(k Kernels, out, in []Tensor) {
	k.(SmallKernels).SumSquares(out[0], in[0], o.scale)
}
func (o sumSquares) Infer(in []Spec) ([]Spec, error) {
	return []Spec{{Plain, in[0].Dtype, tensor.ScalarShape()}}, sameDtype(in)
}

func (o sumSquares) Gradients(in gorgonia.Nodes, out, ds *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := one(sumSquaresBackward{scale: o.scale}, ds, in[0])
	return gorgonia.Nodes{dx}, err
}

type sumSquaresBackward struct {
	small
	scale float64
}

func (o sumSquaresBackward) String() string {
	return fmt.Sprintf("sum of squares backward: %g", o.scale)
}
func (o sumSquaresBackward) Run(k Kernels, out, in []Tensor) {
	k.(SmallKernels).SumSquaresBackward(out[0], in[0], in[1], o.scale)
}
func (o sumSquaresBackward) Infer(in []Spec) ([]Spec, error) {
	return []Spec{in[1].like()}, sameDtype(in)
}

type addScalars struct{ add }

func (addScalars) String() string            { return "add scalars" }
func (addScalars) Differentiates(int) []bool { return []bool{true, true} }
func (addScalars) Gradients(in gorgonia.Nodes, out, d *gorgonia.Node) (gorgonia.Nodes, error) {
	return gorgonia.Nodes{d, d}, nil
}
