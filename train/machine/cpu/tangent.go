package cpu

import (
	"largestep/nets/op"
	"largestep/train/machine/cpu/pass"
)

var _ op.TangentKernels = (*Engine)(nil)

// BatchNormTangent implements op.TangentKernels, as do the methods that follow.
func (e *Engine) BatchNormTangent(b op.BatchNorm, fixed bool, r op.BatchNormResultTangents, x, y, gamma, mean, invStd op.Tensor, dot op.BatchNormTangents) {
	n := pass.BatchNormTangent{
		X: f32(x), Y: f32(y), Gamma: f32(gamma), Mean: f32(mean), InvStd: f32(invStd),
		DotX: f32(dot.X), DotGamma: f32(dot.Gamma), DotBeta: f32(dot.Beta), DotResidual: f32(dot.Residual),
		ReLU: b.ReLU, Fixed: fixed, ResultY: orScratch(r.Y, len(f32(x))),
		ResultMean: orScratch(r.Mean, x.Shape[1]), ResultInvStd: orScratch(r.InvStd, x.Shape[1]),
	}
	n.Run(e.threads)
}

func (e *Engine) BatchNormBackwardTangent(b op.BatchNorm, fixed bool, g op.BatchNormGradients, dy, x, y, gamma, mean, invStd op.Tensor, dot op.BatchNormBackwardTangents) {
	n := pass.BatchNormGradTangent{
		DY: f32(dy), X: f32(x), Y: f32(y), Gamma: f32(gamma), Mean: f32(mean), InvStd: f32(invStd),
		DotDY: f32(dot.DY), DotX: f32(dot.X), DotGamma: f32(dot.Gamma), DotMean: f32(dot.Mean), DotInvStd: f32(dot.InvStd),
		ReLU: b.ReLU, Fixed: fixed, ResultX: orScratch(g.X, len(f32(x))), ResultResidual: f32(g.Residual),
		ResultGamma: orScratch(g.Gamma, x.Shape[1]), ResultBeta: orScratch(g.Beta, x.Shape[1]),
	}
	n.Run(e.threads)
}

func (e *Engine) BatchNormInferenceBackward(b op.BatchNorm, g op.BatchNormGradients, dy, x, y, gamma, mean, invStd op.Tensor) {
	n := pass.BatchNormInferGrad{
		DY: f32(dy), X: f32(x), Y: f32(y), Gamma: f32(gamma), Mean: f32(mean), InvStd: f32(invStd), ReLU: b.ReLU,
		DX: orScratch(g.X, len(f32(x))), DResidual: f32(g.Residual),
		DGamma: orScratch(g.Gamma, x.Shape[1]), DBeta: orScratch(g.Beta, x.Shape[1]),
	}
	n.Run(e.threads)
}

func (e *Engine) InverseDeviation(y, variance op.Tensor, epsilon float64) {
	e.host.InverseDeviation(y, variance, epsilon)
}

func (e *Engine) MaxPoolTangent(p op.Pooling, doty, dotx, x op.Tensor) {
	maxPool(p, x).Tangent(e.threads, f32(doty), f32(dotx), f32(x))
}

func (e *Engine) CrossEntropyCurvature(d, dloss, logits, labels, dot op.Tensor) {
	e.host.CrossEntropyCurvature(d, dloss, logits, labels, dot)
}

func (e *Engine) LossCurvature(l op.Loss, d, dloss, h, y, dot op.Tensor) {
	e.host.LossCurvature(l, d, dloss, h, y, dot)
}
