package op

import "math"

func (Reference) BatchNorm(b BatchNorm, r BatchNormResults, x, gamma, beta, residual Tensor) {
	dispatch(x, func() { refBatchNorm[float32](b, r, x, gamma, beta, residual) },
		func() { refBatchNorm[float64](b, r, x, gamma, beta, residual) })
}

func (Reference) BatchNormInference(b BatchNorm, y, x, gamma, beta, mean, variance, residual Tensor) {
	dispatch(x, func() { refNormalize[float32](b, y, x, gamma, beta, mean, variance, residual) },
		func() { refNormalize[float64](b, y, x, gamma, beta, mean, variance, residual) })
}

func (Reference) BatchNormBackward(b BatchNorm, g BatchNormGradients, dy, x, y, gamma, beta, mean, invStd Tensor) {
	dispatch(x, func() { refBatchNormBackward[float32](b, g, dy, x, y, gamma, mean, invStd) },
		func() { refBatchNormBackward[float64](b, g, dy, x, y, gamma, mean, invStd) })
}

// eachOf calls f with the index of every element of channel c of (N, C, H, W).
func eachOf(shape []int, c int, f func(i int)) {
	area := shape[2] * shape[3]
	for n := range shape[0] {
		at := (n*shape[1] + c) * area
		for i := at; i < at+area; i++ {
			f(i)
		}
	}
}

func refBatchNorm[T float](b BatchNorm, r BatchNormResults, x, gamma, beta, residual Tensor) {
	xd := data[T](x)
	count := float64(x.Shape[0] * x.Shape[2] * x.Shape[3])
	for c := range x.Shape[1] {
		var mean, variance float64
		eachOf(x.Shape, c, func(i int) { mean += float64(xd[i]) / count })
		eachOf(x.Shape, c, func(i int) { d := float64(xd[i]) - mean; variance += d * d / count })
		invStd := 1 / math.Sqrt(variance+b.Epsilon)
		set(r.Mean, c, T(mean))
		set(r.InvStd, c, T(invStd))
		move(b, data[T](r.RunningMean), c, mean)
		move(b, data[T](r.RunningVar), c, variance*count/(count-1))
		refAffine(b, data[T](r.Y), xd, data[T](residual), x.Shape, c,
			mean, invStd*float64(data[T](gamma)[c]), float64(data[T](beta)[c]))
	}
}

func set[T float](t Tensor, c int, v T) {
	if t.Wanted() {
		data[T](t)[c] = v
	}
}

// move takes a running statistic towards that of the batch.
func move[T float](b BatchNorm, running []T, c int, batch float64) {
	if running != nil {
		running[c] = T(float64((1-b.Momentum)*float64(running[c])) + float64(b.Momentum*batch))
	}
}

// refAffine: y = relu((x − mean)·scale + shift + residual) in channel c.
func refAffine[T float](b BatchNorm, y, x, residual []T, shape []int, c int, mean, scale, shift float64) {
	if y == nil {
		return
	}
	eachOf(shape, c, func(i int) {
		v := float64((float64(x[i])-mean)*scale) + shift
		if residual != nil {
			v += float64(residual[i])
		}
		if b.ReLU && v < 0 {
			v = 0
		}
		y[i] = T(v)
	})
}

func refNormalize[T float](b BatchNorm, y, x, gamma, beta, mean, variance, residual Tensor) {
	for c := range x.Shape[1] {
		scale := float64(data[T](gamma)[c]) / math.Sqrt(float64(data[T](variance)[c])+b.Epsilon)
		refAffine(b, data[T](y), data[T](x), data[T](residual), x.Shape, c,
			float64(data[T](mean)[c]), scale, float64(data[T](beta)[c]))
	}
}

// With g the gradient behind the ReLU, x̂ = (x − μ)·invStd and means over the
// n elements of a channel: dβ = Σg, dγ = Σ g·x̂,
// dx = γ·invStd·(g − dβ/n − x̂·dγ/n).
func refBatchNormBackward[T float](b BatchNorm, r BatchNormGradients, dy, x, y, gamma, mean, invStd Tensor) {
	dyd, xd, yd := data[T](dy), data[T](x), data[T](y)
	masked := func(i int) float64 {
		if b.ReLU && yd[i] <= 0 {
			return 0
		}
		return float64(dyd[i])
	}
	dx, dres := data[T](r.X), data[T](r.Residual)
	count := float64(x.Shape[0] * x.Shape[2] * x.Shape[3])
	for c := range x.Shape[1] {
		mu, inv := float64(data[T](mean)[c]), float64(data[T](invStd)[c])
		var dbeta, dgamma float64
		eachOf(x.Shape, c, func(i int) {
			dbeta += masked(i)
			dgamma += float64(masked(i) * (float64(xd[i]) - mu) * inv)
		})
		set(r.Beta, c, T(dbeta))
		set(r.Gamma, c, T(dgamma))
		scale := float64(data[T](gamma)[c]) * inv
		eachOf(x.Shape, c, func(i int) {
			g := masked(i) // before dres, which may share dy's memory, is written
			if dres != nil {
				dres[i] = T(g)
			}
			if dx != nil {
				dx[i] = T(scale * (g - dbeta/count - (float64(xd[i])-mu)*inv*dgamma/count))
			}
		})
	}
}
