package op

import (
	"fmt"

	"gorgonia.org/gorgonia"
)

// tangible operations build the graph of their derivative along a direction:
// forward-mode differentiation.
type tangible interface {
	Operation
	// Tangent gives a node for each of the results, nil where it is zero: their
	// derivative along the tangents dot of the operands in, of which some may be
	// nil, for zero, but not all. out is the operation's own node. The last results
	// may be left out; they have no tangent.
	Tangent(in, dot gorgonia.Nodes, out *gorgonia.Node) (gorgonia.Nodes, error)
}

// Tangents are the derivatives of nodes along a direction: that in which each of
// the inputs changes by the node that direction has for it, and all others stay. (A
// node inside the graph changes as direction says, if it has it.)
// Of the gradient of a loss by all parameters, along v, they are the product Hv of
// the loss's Hessian: forward over reverse (Pearlmutter 1994), in the engine's
// arithmetic without further error. A nil node is zero.
//
// They are added to the graph of the nodes. Piecewise linear operations, ReLU and
// max pool, have the derivative of the piece.
func Tangents(of gorgonia.Nodes, direction map[*gorgonia.Node]*gorgonia.Node) (gorgonia.Nodes, error) {
	t := tangents{direction, map[*gorgonia.Node]gorgonia.Nodes{}}
	dot := make(gorgonia.Nodes, len(of))
	for i, n := range of {
		results, err := t.of(n)
		if err != nil {
			return nil, err
		}
		dot[i] = results[0]
	}
	return dot, nil
}

type tangents struct {
	direction map[*gorgonia.Node]*gorgonia.Node
	known     map[*gorgonia.Node]gorgonia.Nodes // of each result
}

func (t tangents) of(n *gorgonia.Node) (gorgonia.Nodes, error) {
	if dot, ok := t.direction[n]; ok {
		return gorgonia.Nodes{dot}, nil
	}
	if dot, ok := t.known[n]; ok {
		return dot, nil
	}
	dot, err := t.derive(n)
	t.known[n] = dot
	return dot, err
}

func (t tangents) derive(n *gorgonia.Node) (gorgonia.Nodes, error) {
	var in, dot gorgonia.Nodes
	var results [][]*gorgonia.Node
	moves := false
	if n.Op() != nil {
		for it := n.Graph().From(n.ID()); it.Next(); {
			operand := it.Node().(*gorgonia.Node)
			d, err := t.of(operand)
			if err != nil {
				return nil, err
			}
			in, dot, results = append(in, operand), append(dot, d[0]), append(results, d)
			for _, r := range d {
				moves = moves || r != nil
			}
		}
	}
	if k, ok := ProjectionOf(n); ok {
		return projected(n, results[0], k)
	}
	if !moves {
		return gorgonia.Nodes{nil}, nil
	}
	return tangent(n, in, dot)
}

// projected is the tangent of a result of an operation with these.
func projected(n *gorgonia.Node, results gorgonia.Nodes, k int) (gorgonia.Nodes, error) {
	if len(results) == 1 && results[0] == nil { // no operand moves
		return results, nil
	}
	if k >= len(results) {
		return nil, fmt.Errorf("%v has no tangent", n)
	}
	return results[k : k+1], nil
}

func tangent(n *gorgonia.Node, in, dot gorgonia.Nodes) (gorgonia.Nodes, error) {
	if _, ok := AddOf(n); ok && in[0].Shape().Eq(in[1].Shape()) {
		return add{}.Tangent(in, dot, n)
	}
	o, _ := Of(n)
	d, ok := o.(tangible)
	if !ok {
		return nil, fmt.Errorf("%v has no tangent", n)
	}
	return d.Tangent(in, dot, n)
}

// sum adds the terms that are not nil.
func sum(terms ...*gorgonia.Node) (total *gorgonia.Node, err error) {
	for _, x := range terms {
		switch {
		case x == nil:
		case total == nil:
			total = x
		default:
			if total, err = one(add{}, total, x); err != nil {
				return nil, err
			}
		}
	}
	return total, nil
}

// along applies an operation that is linear in one of its operands to the tangent
// of that; the result is nil if that is.
func along(o Operation, at int, dot *gorgonia.Node, in ...*gorgonia.Node) (gorgonia.Nodes, error) {
	if dot == nil {
		return nil, nil
	}
	operands := append(gorgonia.Nodes{}, in...)
	operands[at] = dot
	return apply(o, operands...)
}

// bilinear is the tangent of an operation with one result that is linear in each
// of its first operands: the sum over those, each in turn replaced by its tangent.
func bilinear(o Operation, in, dot gorgonia.Nodes, operands int) (gorgonia.Nodes, error) {
	var total *gorgonia.Node
	for at := range operands {
		term, err := along(o, at, dot[at], in...)
		if err != nil {
			return nil, err
		}
		if term == nil {
			continue
		}
		if total, err = sum(total, term[0]); err != nil {
			return nil, err
		}
	}
	return gorgonia.Nodes{total}, nil
}

// first is the first node that is not nil.
func first(nodes ...*gorgonia.Node) *gorgonia.Node {
	for _, n := range nodes {
		if n != nil {
			return n
		}
	}
	return nil
}

func (o add) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	total, err := sum(dot...)
	return gorgonia.Nodes{total}, err
}

func (o conv) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return bilinear(o, in, dot, 2)
}

func (o convBackwardData) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return bilinear(o, in, dot, 2)
}

func (o convBackwardFilter) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return bilinear(o, in, dot, 2)
}

func (o averagePool) Tangent(_, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return apply(o, dot[0])
}

func (o averagePoolBackward) Tangent(_, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return apply(o, dot[0])
}

// The tangent of y is that of the element of x which is y.
func (o maxPool) Tangent(in, dot gorgonia.Nodes, out *gorgonia.Node) (gorgonia.Nodes, error) {
	return apply(maxPoolTangent{Pooling: o.Pooling}, dot[0], in[0])
}

// Which element is the largest does not change.
func (o maxPoolBackward) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return bilinear(o, in, dot, 1)
}

// y = x wᵀ + b; the bias takes part in one of the terms.
func (o linear) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	x, w := in[0], in[1]
	if dot[2] == nil {
		return bilinear(product{}, in[:2], dot, 2)
	}
	// x ẇᵀ + ḃ, or ẋ wᵀ + ḃ; then what is left.
	if dot[1] == nil && dot[0] == nil {
		return nil, fmt.Errorf("%v: no tangent along the bias alone", o)
	}
	if dot[1] == nil {
		return apply(o, dot[0], w, dot[2])
	}
	y, err := one(o, x, dot[1], dot[2])
	if err != nil || dot[0] == nil {
		return gorgonia.Nodes{y}, err
	}
	rest, err := one(product{}, dot[0], w)
	if err != nil {
		return nil, err
	}
	y, err = sum(y, rest)
	return gorgonia.Nodes{y}, err
}

func (o linearBackward) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return denseBackward(o, in, dot)
}

func (o product) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return bilinear(o, in, dot, 2)
}

func (o productBackward) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return denseBackward(o, in, dot)
}

// denseBackward is the tangent of dx = dy w, dw = dyᵀ x and perhaps db = Σ_n dy.
func denseBackward(o Operation, in, dot gorgonia.Nodes) (gorgonia.Nodes, error) {
	dy, x, w := in[0], in[1], in[2]
	total, err := along(o, 0, dot[0], in...)
	if err != nil {
		return nil, err
	}
	if total == nil {
		total = make(gorgonia.Nodes, 3) // as many as any has
	}
	if dot[1] == nil && dot[2] == nil {
		return total, nil
	}
	others, err := apply(o, dy, first(dot[1], x), first(dot[2], w))
	if err != nil {
		return nil, err
	}
	for k, moves := range []*gorgonia.Node{dot[2], dot[1]} {
		if moves == nil {
			continue
		}
		if total[k], err = sum(total[k], others[k]); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func (o multiply) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return bilinear(o, in, dot, 2)
}

func (relu) Tangent(in, dot gorgonia.Nodes, out *gorgonia.Node) (gorgonia.Nodes, error) {
	return apply(reluBackward{}, dot[0], out)
}

// Where y > 0 does not change.
func (o reluBackward) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return bilinear(o, in, dot, 1)
}

func (o sumSquaresBackward) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return bilinear(o, in, dot, 2)
}

func (o meanLossBackward) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return lossBackward(o, meanLossCurvature{l: o.l}, in, dot)
}

func (o crossEntropyBackward) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return lossBackward(o, crossEntropyCurvature{}, in, dot)
}

// lossBackward is the tangent of the gradient of a loss, whose operands are dloss,
// the predictions and the targets, which do not move; curvature takes the
// predictions' tangent besides.
func lossBackward(o, curvature Operation, in, dot gorgonia.Nodes) (gorgonia.Nodes, error) {
	total, err := bilinear(o, in, dot, 1)
	if err != nil || dot[1] == nil {
		return total, err
	}
	term, err := one(curvature, in[0], in[1], in[2], dot[1])
	if err != nil {
		return nil, err
	}
	total[0], err = sum(total[0], term)
	return total, err
}

func (o batchNorm) Tangent(in, dot gorgonia.Nodes, out *gorgonia.Node) (gorgonia.Nodes, error) {
	saved, err := batchNormSaved(out)
	if err != nil {
		return nil, err
	}
	return o.normTangent(false, in, dot, saved)
}

func (o batchNormInference) Tangent(in, dot gorgonia.Nodes, out *gorgonia.Node) (gorgonia.Nodes, error) {
	invStd, err := one(inverseDeviation{epsilon: o.Epsilon}, in[4])
	if err != nil {
		return nil, err
	}
	return o.normTangent(true, in, dot, [3]*gorgonia.Node{out, in[3], invStd})
}

// normTangent is the tangent of a batch norm with the results y, mean and 1/σ.
func (b BatchNorm) normTangent(fixed bool, in, dot gorgonia.Nodes, saved [3]*gorgonia.Node) (gorgonia.Nodes, error) {
	o := batchNormTangent{BatchNorm: b, fixed: fixed}
	operands := gorgonia.Nodes{in[0], saved[0], in[1], saved[1], saved[2]}
	moving := gorgonia.Nodes{dot[0], dot[1], dot[2]}
	if b.Residual {
		moving = append(moving, dot[5])
	}
	for i, d := range moving {
		if d != nil {
			o.given[i] = true
			operands = append(operands, d)
		}
	}
	return apply(o, operands...)
}

func (o batchNormBackward) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	operands := gorgonia.Nodes{in[0], in[1], in[6], in[2], in[4], in[5]}
	return o.backwardTangent(false, operands, gorgonia.Nodes{dot[0], dot[1], dot[2], dot[4], dot[5]})
}

func (o batchNormInferenceBackward) Tangent(in, dot gorgonia.Nodes, _ *gorgonia.Node) (gorgonia.Nodes, error) {
	return o.backwardTangent(true, in, gorgonia.Nodes{dot[0], dot[1], dot[3]})
}

// backwardTangent takes the operands dy, x, y, γ, mean and 1/σ, and the tangents
// of dy, x, γ and perhaps mean and 1/σ.
func (b BatchNorm) backwardTangent(fixed bool, operands, moving gorgonia.Nodes) (gorgonia.Nodes, error) {
	o := batchNormBackwardTangent{BatchNorm: b, fixed: fixed}
	in := append(gorgonia.Nodes{}, operands...)
	for i, d := range moving {
		if d != nil {
			o.given[i] = true
			in = append(in, d)
		}
	}
	return apply(o, in...)
}
