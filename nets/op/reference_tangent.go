package op

import "math"

var (
	_ TangentKernels      = Reference{}
	_ SmallTangentKernels = Reference{}
)

func (Reference) BatchNormTangent(b BatchNorm, fixed bool, r BatchNormResultTangents, x, y, gamma, mean, invStd Tensor, dot BatchNormTangents) {
	dispatch(x, func() { refBatchNormTangent[float32](b, fixed, r, x, y, gamma, mean, invStd, dot) },
		func() { refBatchNormTangent[float64](b, fixed, r, x, y, gamma, mean, invStd, dot) })
}

func (Reference) BatchNormBackwardTangent(b BatchNorm, fixed bool, g BatchNormGradients, dy, x, y, gamma, mean, invStd Tensor, dot BatchNormBackwardTangents) {
	dispatch(x, func() { refBatchNormBackwardTangent[float32](b, fixed, g, dy, x, y, gamma, mean, invStd, dot) },
		func() { refBatchNormBackwardTangent[float64](b, fixed, g, dy, x, y, gamma, mean, invStd, dot) })
}

func (Reference) BatchNormInferenceBackward(b BatchNorm, g BatchNormGradients, dy, x, y, gamma, mean, invStd Tensor) {
	dispatch(x, func() { refBatchNormInferenceBackward[float32](b, g, dy, x, y, gamma, mean, invStd) },
		func() { refBatchNormInferenceBackward[float64](b, g, dy, x, y, gamma, mean, invStd) })
}

func (Reference) InverseDeviation(y, variance Tensor, epsilon float64) {
	dispatch(y, func() { refInverseDeviation[float32](y, variance, epsilon) },
		func() { refInverseDeviation[float64](y, variance, epsilon) })
}

func (Reference) MaxPoolTangent(p Pooling, doty, dotx, x Tensor) {
	dispatch(x, func() { refMaxPoolTangent[float32](p, doty, dotx, x) }, func() { refMaxPoolTangent[float64](p, doty, dotx, x) })
}

func (Reference) CrossEntropyCurvature(d, dloss, logits, labels, dot Tensor) {
	dispatch(d, func() { refCrossEntropyCurvature[float32](d, dloss, logits, dot) },
		func() { refCrossEntropyCurvature[float64](d, dloss, logits, dot) })
}

func (Reference) LossCurvature(l Loss, d, dloss, h, y, dot Tensor) {
	dispatch(h, func() { refLossCurvature[float32](l, d, dloss, h, y, dot) },
		func() { refLossCurvature[float64](l, d, dloss, h, y, dot) })
}

// at is an element of a tensor that may be zero altogether.
func at[T float](t Tensor, i int) float64 {
	if !t.Wanted() {
		return 0
	}
	return float64(data[T](t)[i])
}

// unmasked tells whether a gradient passes a batch norm's ReLU.
func unmasked[T float](b BatchNorm, y Tensor, i int) bool { return !b.ReLU || !(data[T](y)[i] <= 0) }

// With s = invStd, x̂ = (x − μ)·s, a dot for a tangent and means over a channel:
// μ̇ = mean(ẋ), ṡ = −s²·mean(x̂·ẋ), x̂˙ = s·(ẋ − μ̇) + (x − μ)·ṡ, and
// ẏ = γ·x̂˙ + γ̇·x̂ + β̇ + the residual's. Fixed statistics have μ̇ = ṡ = 0.
func refBatchNormTangent[T float](b BatchNorm, fixed bool, r BatchNormResultTangents, x, y, gamma, mean, invStd Tensor, dot BatchNormTangents) {
	count := float64(x.Shape[0] * x.Shape[2] * x.Shape[3])
	for c := range x.Shape[1] {
		mu, s := at[T](mean, c), at[T](invStd, c)
		var dotMu, dotS float64
		if !fixed {
			eachOf(x.Shape, c, func(i int) {
				dotMu += at[T](dot.X, i) / count
				dotS -= float64(s*s*s*(at[T](x, i)-mu)*at[T](dot.X, i)) / count
			})
		}
		set(r.Mean, c, T(dotMu))
		set(r.InvStd, c, T(dotS))
		if !r.Y.Wanted() {
			continue
		}
		eachOf(x.Shape, c, func(i int) {
			d := at[T](x, i) - mu
			hat := float64(s*(at[T](dot.X, i)-dotMu)) + float64(d*dotS)
			v := float64(at[T](gamma, c)*hat) + float64(at[T](dot.Gamma, c)*d*s) + at[T](dot.Beta, c) + at[T](dot.Residual, i)
			if !unmasked[T](b, y, i) {
				v = 0
			}
			data[T](r.Y)[i] = T(v)
		})
	}
}

// channelGradient is what the gradients of a batch norm are, in one channel, and
// how they move, before the sums over the channel.
type channelGradient[T float] struct {
	b                              BatchNorm
	dy, x, y                       Tensor
	dot                            BatchNormBackwardTangents
	gamma, mu, s                   float64
	dotGamma, dotMu, dotS          float64
	beta, scale, dotBeta, dotScale float64 // Σg, Σg·x̂ and their tangents
}

// g is the gradient behind the ReLU.
func (n *channelGradient[T]) g(dy Tensor, i int) float64 {
	if !unmasked[T](n.b, n.y, i) {
		return 0
	}
	return at[T](dy, i)
}

func (n *channelGradient[T]) hat(i int) float64 { return (at[T](n.x, i) - n.mu) * n.s }

func (n *channelGradient[T]) dotHat(i int) float64 {
	return float64(n.s*(at[T](n.dot.X, i)-n.dotMu)) + float64((at[T](n.x, i)-n.mu)*n.dotS)
}

func (n *channelGradient[T]) sums(shape []int, c int) {
	eachOf(shape, c, func(i int) {
		g, dotG := n.g(n.dy, i), n.g(n.dot.DY, i)
		n.beta += g
		n.scale += float64(g * n.hat(i))
		n.dotBeta += dotG
		n.dotScale += float64(dotG*n.hat(i)) + float64(g*n.dotHat(i))
	})
}

// The tangents of refBatchNormBackward's formulas. With fixed statistics the means
// are missing: dx = γ·s·g.
func refBatchNormBackwardTangent[T float](b BatchNorm, fixed bool, r BatchNormGradients, dy, x, y, gamma, mean, invStd Tensor, dot BatchNormBackwardTangents) {
	count := float64(x.Shape[0] * x.Shape[2] * x.Shape[3])
	for c := range x.Shape[1] {
		n := channelGradient[T]{b: b, dy: dy, x: x, y: y, dot: dot, gamma: at[T](gamma, c), mu: at[T](mean, c), s: at[T](invStd, c),
			dotGamma: at[T](dot.Gamma, c), dotMu: at[T](dot.Mean, c), dotS: at[T](dot.InvStd, c)}
		n.sums(x.Shape, c)
		set(r.Beta, c, T(n.dotBeta))
		set(r.Gamma, c, T(n.dotScale))
		factor, dotFactor := n.gamma*n.s, float64(n.dotGamma*n.s)+float64(n.gamma*n.dotS)
		eachOf(x.Shape, c, func(i int) {
			g, dotG := n.g(dy, i), n.g(dot.DY, i)
			set(r.Residual, i, T(dotG))
			if !fixed {
				dotG -= n.dotBeta/count + float64(n.dotHat(i)*n.scale)/count + float64(n.hat(i)*n.dotScale)/count
				g -= n.beta/count + float64(n.hat(i)*n.scale)/count
			}
			set(r.X, i, T(float64(dotFactor*g)+float64(factor*dotG)))
		})
	}
}

// With constant statistics: dβ = Σg, dγ = Σ g·x̂, dx = γ·invStd·g.
func refBatchNormInferenceBackward[T float](b BatchNorm, r BatchNormGradients, dy, x, y, gamma, mean, invStd Tensor) {
	for c := range x.Shape[1] {
		n := channelGradient[T]{b: b, dy: dy, x: x, y: y, gamma: at[T](gamma, c), mu: at[T](mean, c), s: at[T](invStd, c)}
		n.sums(x.Shape, c)
		set(r.Beta, c, T(n.beta))
		set(r.Gamma, c, T(n.scale))
		eachOf(x.Shape, c, func(i int) {
			g := n.g(dy, i)
			set(r.Residual, i, T(g))
			set(r.X, i, T(n.gamma*n.s*g))
		})
	}
}

func refInverseDeviation[T float](y, variance Tensor, epsilon float64) {
	for c, v := range data[T](variance) {
		data[T](y)[c] = T(1 / math.Sqrt(float64(v)+epsilon))
	}
}

func refMaxPoolTangent[T float](p Pooling, doty, dotx, x Tensor) {
	to, from := data[T](doty), data[T](dotx)
	eachMax(p, data[T](x), x.Shape, doty.Shape, func(yi, xi int) { to[yi] = from[xi] })
}

func refCrossEntropyCurvature[T float](d, dloss, logits, dot Tensor) {
	n, k := logits.Shape[0], logits.Shape[1]
	scale := float64(data[T](dloss)[0]) / float64(n)
	for i := range n {
		z, v, to := data[T](logits)[i*k:(i+1)*k], data[T](dot)[i*k:(i+1)*k], data[T](d)[i*k:(i+1)*k]
		lse, mean := logSumExp(z), 0.0
		for j := range z {
			mean += float64(math.Exp(float64(z[j])-lse) * float64(v[j]))
		}
		for j := range z {
			to[j] = T(math.Exp(float64(z[j])-lse) * (float64(v[j]) - mean) * scale)
		}
	}
}

func refLossCurvature[T float](l Loss, d, dloss, h, y, dot Tensor) {
	yd, to := data[T](y), data[T](d)
	scale := float64(data[T](dloss)[0]) / float64(len(yd))
	for i, v := range data[T](h) {
		to[i] = T(l.Curvature(float64(v), float64(yd[i])) * at[T](dot, i) * scale)
	}
}
