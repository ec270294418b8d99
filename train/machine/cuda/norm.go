//go:build gpu

package cuda

import (
	"largestep/nets/op"
)

type norm struct{ op.BatchNorm }

// normForward is batch norm of a mini-batch; vectors that nobody wants lie in
// scratch memory.
type normForward struct {
	norm
	x, y, residual, gamma, beta op.Tensor
	mean, invStd                address
	runningMean, runningVar     address
}

// normBackward is its gradient.
type normBackward struct {
	norm
	dx, dresidual, dy, x      op.Tensor
	output                    address // y, if ReLU's mask is not that of a function of x
	gamma, beta, mean, invStd op.Tensor
	dgamma, dbeta             address
}

func (e *Engine) BatchNorm(b op.BatchNorm, r op.BatchNormResults, x, gamma, beta, residual op.Tensor) {
	if !e.ready(x) {
		return
	}
	n := normForward{
		norm: norm{b}, x: x, y: r.Y, residual: residual, gamma: gamma, beta: beta,
		mean: or(r.Mean, e.scratch.vectors[0]), invStd: or(r.InvStd, e.scratch.vectors[1]),
		runningMean: at(r.RunningMean), runningVar: at(r.RunningVar),
	}
	e.normalize(n, e.fused.sumsOf(n))
}

// normalize computes batch norm from sums if they are there, else in the way that
// is the fastest.
func (e *Engine) normalize(n normForward, s sums) {
	if s != (sums{}) {
		e.normForwardFinish(n, s)
		return
	}
	measured := n // over and over, which is not to be in the running statistics
	measured.runningMean, measured.runningVar = 0, 0
	if n.y.Wanted() && e.isTogether(n.kernel(), n.x, func() { e.normForwardApart(measured) }, func() { e.normForwardTogether(measured) }) {
		e.normForwardTogether(n)
		return
	}
	e.normForwardApart(n)
}

func (e *Engine) normForwardFinish(n normForward, s sums) {
	rows, channels, columns := e.activation(n.x)
	e.launch("norm_finish"+e.format(), e.tiled(n.x), at(n.y), at(n.x), at(n.residual), at(n.gamma), at(n.beta), n.mean, n.invStd,
		n.runningMean, n.runningVar, s.sum, s.squares, rows, channels, columns, n.Epsilon, n.Momentum, n.ReLU)
}

func (e *Engine) normForwardApart(n normForward) {
	rows, channels, columns := e.activation(n.x)
	e.launch("norm_statistics"+e.format(), e.tiled(n.x), at(n.x), n.mean, n.invStd, n.runningMean, n.runningVar,
		e.scratch.partial, e.scratch.arrivals, rows, channels, columns, n.Epsilon, n.Momentum)
	if n.y.Wanted() {
		e.launch("norm_apply"+e.format(), e.tiled(n.x), at(n.y), at(n.x), at(n.residual), at(n.gamma), at(n.beta), n.mean, n.invStd,
			false, rows, channels, columns, float32(n.Epsilon), n.ReLU)
	}
}

func (e *Engine) BatchNormBackward(b op.BatchNorm, g op.BatchNormGradients, dy, x, y, gamma, beta, mean, invStd op.Tensor) {
	if !e.ready(x) {
		return
	}
	n := normBackward{
		norm: norm{b}, dx: g.X, dresidual: g.Residual, dy: dy, x: x, gamma: gamma, beta: beta, mean: mean, invStd: invStd,
		dgamma: or(g.Gamma, e.scratch.vectors[2]), dbeta: or(g.Beta, e.scratch.vectors[3]),
	}
	if b.Residual { // else y is a function of x, which saves reading it
		n.output = at(y)
	}
	e.differentiate(n)
}

// differentiate computes the gradients in the way that is the fastest. To do it
// again is harmless: what is masked stays so.
func (e *Engine) differentiate(n normBackward) {
	if n.dx.Wanted() && e.isTogether(n.kernel(), n.x, func() { e.normBackwardApart(n) }, func() { e.normBackwardTogether(n) }) {
		e.normBackwardTogether(n)
		return
	}
	e.normBackwardApart(n)
}

func (e *Engine) normBackwardApart(n normBackward) {
	rows, channels, columns := e.activation(n.x)
	e.launch("norm_sums"+e.format(), e.tiled(n.x), at(n.dresidual), n.dgamma, n.dbeta, at(n.dy), at(n.x), n.output, at(n.gamma), at(n.beta), at(n.mean), at(n.invStd),
		e.scratch.partial, e.scratch.arrivals, rows, channels, columns, n.ReLU)
	grad, relu := at(n.dy), n.ReLU
	if n.dresidual.Wanted() { // already masked, and dy may lie there
		grad, relu = at(n.dresidual), false
	}
	if n.dx.Wanted() {
		e.launch("norm_grad"+e.format(), e.tiled(n.x), at(n.dx), grad, at(n.x), n.output, at(n.gamma), at(n.beta), at(n.mean), at(n.invStd), n.dgamma, n.dbeta,
			rows, channels, columns, relu)
	}
}
