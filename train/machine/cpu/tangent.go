package cpu

import (
	"largestep/nets/op"
	"largestep/train/machine/cpu/pass"
)

var (
	_ op.TangentKernels      = (*Engine)(nil)
	_ op.SmallTangentKernels = (*Engine)(nil)
)

// BatchNormTangent implements op.TangentKernels, as do the methods that follow.
func (e *Engine) BatchNormTangent(b op.BatchNorm, fixed bool, r op.BatchNormResultTangents, x, y, gamma, mean, invStd op.Tensor, dot op.BatchNormTangents) {
	w := e.widen()
	n := pass.BatchNormTangent{
		Rows: w.rows(x),
		X:    w.in(x), Y: w.in(y), Gamma: f32(gamma), Mean: f32(mean), InvStd: f32(invStd),
		DotX: w.in(dot.X), DotGamma: f32(dot.Gamma), DotBeta: f32(dot.Beta), DotResidual: w.in(dot.Residual),
		ReLU: b.ReLU, Fixed: fixed, ResultY: w.outOr(r.Y, x),
		ResultMean: orScratch(r.Mean, x.Shape[1]), ResultInvStd: orScratch(r.InvStd, x.Shape[1]),
	}
	n.Run(e.threads)
	w.store()
}

func (e *Engine) BatchNormBackwardTangent(b op.BatchNorm, fixed bool, g op.BatchNormGradients, dy, x, y, gamma, mean, invStd op.Tensor, dot op.BatchNormBackwardTangents) {
	w := e.widen()
	n := pass.BatchNormGradTangent{
		Rows: w.rows(x),
		DY:   w.in(dy), X: w.in(x), Y: w.in(y), Gamma: f32(gamma), Mean: f32(mean), InvStd: f32(invStd),
		DotDY: w.in(dot.DY), DotX: w.in(dot.X), DotGamma: f32(dot.Gamma), DotMean: f32(dot.Mean), DotInvStd: f32(dot.InvStd),
		ReLU: b.ReLU, Fixed: fixed, ResultX: w.outOr(g.X, x), ResultResidual: w.out(g.Residual),
		ResultGamma: orScratch(g.Gamma, x.Shape[1]), ResultBeta: orScratch(g.Beta, x.Shape[1]),
	}
	n.Run(e.threads)
	w.store()
}

func (e *Engine) BatchNormInferenceBackward(b op.BatchNorm, g op.BatchNormGradients, dy, x, y, gamma, mean, invStd op.Tensor) {
	w := e.widen()
	n := pass.BatchNormInferGrad{
		Rows: w.rows(x),
		DY:   w.in(dy), X: w.in(x), Y: w.in(y), Gamma: f32(gamma), Mean: f32(mean), InvStd: f32(invStd), ReLU: b.ReLU,
		DX: w.outOr(g.X, x), DResidual: w.out(g.Residual),
		DGamma: orScratch(g.Gamma, x.Shape[1]), DBeta: orScratch(g.Beta, x.Shape[1]),
	}
	n.Run(e.threads)
	w.store()
}

func (e *Engine) InverseDeviation(y, variance op.Tensor, epsilon float64) {
	e.host.InverseDeviation(y, variance, epsilon)
}

func (e *Engine) MaxPoolTangent(p op.Pooling, doty, dotx, x op.Tensor) {
	w := e.widen()
	maxPool(p, w, x, doty).Tangent(e.threads, w.out(doty), w.in(dotx), w.in(x))
	w.store()
}

func (e *Engine) CrossEntropyCurvature(d, dloss, logits, labels, dot op.Tensor) {
	e.host.CrossEntropyCurvature(d, dloss, logits, labels, dot)
}

func (e *Engine) LossCurvature(l op.Loss, d, dloss, h, y, dot op.Tensor) {
	e.host.LossCurvature(l, d, dloss, h, y, dot)
}
