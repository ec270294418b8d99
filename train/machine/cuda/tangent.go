//go:build gpu

package cuda

import "largestep/nets/op"

var (
	_ op.TangentKernels = (*Engine)(nil)
	_ op.ProductKernels = (*Engine)(nil)
)

// BatchNormTangent implements op.TangentKernels, as do the methods that follow.
func (e *Engine) BatchNormTangent(b op.BatchNorm, fixed bool, r op.BatchNormResultTangents, x, y, gamma, mean, invStd op.Tensor, dot op.BatchNormTangents) {
	if !e.ready(x) {
		return
	}
	rows, channels, columns := e.activation(x)
	dotMean, dotInvStd, moving := or(r.Mean, e.scratch.vectors[0]), or(r.InvStd, e.scratch.vectors[1]), at(dot.X)
	if fixed {
		moving = 0
	}
	e.launch("norm_tangent_sums"+e.format(), e.tiled(x), dotMean, dotInvStd, at(x), moving, at(mean), at(invStd),
		e.scratch.partial, e.scratch.arrivals, rows, channels, columns)
	if r.Y.Wanted() {
		e.launch("norm_tangent"+e.format(), e.tiled(x), at(r.Y), at(x), at(y), at(dot.X), at(dot.Residual), at(gamma), at(mean), at(invStd),
			at(dot.Gamma), at(dot.Beta), dotMean, dotInvStd, rows, channels, columns, b.ReLU)
	}
}

func (e *Engine) BatchNormBackwardTangent(b op.BatchNorm, fixed bool, g op.BatchNormGradients, dy, x, y, gamma, mean, invStd op.Tensor, dot op.BatchNormBackwardTangents) {
	if !e.ready(x) {
		return
	}
	rows, channels, columns := e.activation(x)
	dotGamma, dotBeta := or(g.Gamma, e.scratch.vectors[0]), or(g.Beta, e.scratch.vectors[1])
	e.launch("norm_grad_tangent_sums"+e.format(), e.tiled(x), dotGamma, dotBeta, at(dy), at(x), at(y), at(dot.DY), at(dot.X), at(mean), at(invStd),
		at(dot.Mean), at(dot.InvStd), e.scratch.partial, e.scratch.arrivals, rows, channels, columns, b.ReLU)
	if !g.X.Wanted() && !g.Residual.Wanted() {
		return
	}
	gammaSum, betaSum := e.scratch.vectors[2], e.scratch.vectors[3]
	if fixed {
		gammaSum, betaSum, dotGamma, dotBeta = 0, 0, 0, 0
	} else {
		e.normGradientSums(b, gammaSum, betaSum, op.Tensor{}, dy, x, y, gamma, mean, invStd)
	}
	e.launch("norm_grad_tangent"+e.format(), e.tiled(x), at(g.X), at(g.Residual), at(dy), at(x), at(y), at(dot.DY), at(dot.X), at(gamma), at(mean), at(invStd),
		at(dot.Gamma), at(dot.Mean), at(dot.InvStd), gammaSum, betaSum, dotGamma, dotBeta, rows, channels, columns, b.ReLU)
}

// normGradientSums computes dγ and dβ, and the gradient of the residual if that is
// wanted, with the ReLU's mask from y.
func (e *Engine) normGradientSums(b op.BatchNorm, dgamma, dbeta address, dresidual, dy, x, y, gamma, mean, invStd op.Tensor) {
	rows, channels, columns := e.activation(x)
	beta := gamma // read, and of no use where y is there
	e.launch("norm_sums"+e.format(), e.tiled(x), at(dresidual), dgamma, dbeta, at(dy), at(x), at(y), at(gamma), at(beta), at(mean), at(invStd),
		e.scratch.partial, e.scratch.arrivals, rows, channels, columns, b.ReLU)
}

// BatchNormInferenceBackward: dx = γ·invStd·g is linear in g, and so its own tangent.
func (e *Engine) BatchNormInferenceBackward(b op.BatchNorm, g op.BatchNormGradients, dy, x, y, gamma, mean, invStd op.Tensor) {
	if !e.ready(x) {
		return
	}
	if g.Gamma.Wanted() || g.Beta.Wanted() {
		e.normGradientSums(b, or(g.Gamma, e.scratch.vectors[0]), or(g.Beta, e.scratch.vectors[1]), op.Tensor{}, dy, x, y, gamma, mean, invStd)
	}
	if g.X.Wanted() || g.Residual.Wanted() {
		rows, channels, columns := e.activation(x)
		var none address
		e.launch("norm_grad_tangent"+e.format(), e.tiled(x), at(g.X), at(g.Residual), none, at(x), at(y), at(dy), none, at(gamma), at(mean), at(invStd),
			none, none, none, none, none, none, none, rows, channels, columns, b.ReLU)
	}
}

func (e *Engine) InverseDeviation(y, variance op.Tensor, epsilon float64) {
	if e.ready(y) {
		n := y.Shape[0]
		e.launch("inverse_deviation", e.flat(n), at(y), at(variance), int32(n), epsilon)
	}
}

func (e *Engine) MaxPoolTangent(p op.Pooling, doty, dotx, x op.Tensor) {
	if e.ready(x) {
		rows, _, columns := e.activation(doty)
		e.launch("max_pool_tangent"+e.format(), e.flat(int(rows)*int(columns)/vector), append([]any{at(doty), at(dotx), at(x)}, e.windows(p, x, doty)...)...)
	}
}

func (e *Engine) CrossEntropyCurvature(d, dloss, logits, labels, dot op.Tensor) {
	if e.ready(logits) {
		n, classes := logits.Shape[0], logits.Shape[1]
		e.launch("cross_entropy_curvature", e.flat(n), at(d), at(dloss), at(logits), at(dot), int32(n), int32(classes))
	}
}

// Product implements op.ProductKernels, as does ProductBackward.
func (e *Engine) Product(y, x, w op.Tensor) { e.Linear(y, x, w, op.Tensor{}) }

func (e *Engine) ProductBackward(dx, dw, dy, x, w op.Tensor) {
	e.LinearBackward(dx, dw, op.Tensor{}, dy, x, w)
}
