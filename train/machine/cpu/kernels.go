package cpu

import (
	"largestep/nets/op"
	"largestep/train/machine/cpu/bfloat"
	"largestep/train/machine/cpu/conv"
	"largestep/train/machine/cpu/pass"
	"largestep/train/machine/cpu/pool"
)

func (e *Engine) shapeOf(c op.Convolution, x, y op.Spec, kernel int) conv.Shape {
	s := conv.Shape{
		N: x.Shape[0], C: x.Shape[1], H: x.Shape[2], W: x.Shape[3], OC: y.Shape[1],
		K: kernel, Stride: c.Stride, Pad: c.Pad,
	}
	if !e.short {
		s.InPitch, s.OutPitch = rows(x).Pitch, rows(y).Pitch
	}
	return s
}

// planned finds or makes the convolution of a shape.
func planned[C any](e *Engine, plans map[conv.Shape]C, plan func(*pool.Pool, conv.Shape, *conv.Scratch) C, s conv.Shape) C {
	p, ok := plans[s]
	if !ok {
		p = plan(e.threads, s, &e.scratch)
		plans[s] = p
	}
	return p
}

func (e *Engine) conv(s conv.Shape) *conv.Conv       { return planned(e, e.convs, conv.New, s) }
func (e *Engine) shortConv(s conv.Shape) *conv.Short { return planned(e, e.shorts, conv.NewShort, s) }

// Conv implements op.Kernels, as do the methods that follow.
func (e *Engine) Conv(c op.Convolution, y, x, w op.Tensor) {
	s := e.shapeOf(c, x.Spec, y.Spec, w.Shape[2])
	if e.short {
		e.shortConv(s).Forward(numbers(y), numbers(x), f32(w))
	} else {
		e.conv(s).Forward(f32(y), f32(x), f32(w))
	}
}

func (e *Engine) ConvBackwardData(c op.Convolution, dx, dy, w op.Tensor, accumulate bool) {
	s := e.shapeOf(c, dx.Spec, dy.Spec, w.Shape[2])
	if e.short {
		e.shortConv(s).BackwardData(numbers(dx), numbers(dy), f32(w), accumulate)
	} else {
		e.conv(s).BackwardData(f32(dx), f32(dy), f32(w), accumulate)
	}
}

func (e *Engine) ConvBackwardFilter(c op.Convolution, dw, dy, x op.Tensor) {
	s := e.shapeOf(c, x.Spec, dy.Spec, dw.Shape[2])
	if e.short {
		e.shortConv(s).BackwardFilter(f32(dw), numbers(dy), numbers(x))
	} else {
		e.conv(s).BackwardFilter(f32(dw), f32(dy), f32(x))
	}
}

func (e *Engine) BatchNorm(b op.BatchNorm, r op.BatchNormResults, x, gamma, beta, residual op.Tensor) {
	n := pass.BatchNorm{
		X: matrix(x), Residual: matrix(residual), Y: orLike(r.Y, x), ReLU: b.ReLU,
		Gamma: f32(gamma), Beta: f32(beta),
		RunningMean: orScratch(r.RunningMean, x.Shape[1]), RunningVar: orScratch(r.RunningVar, x.Shape[1]),
		Mean: orScratch(r.Mean, x.Shape[1]), InvStd: orScratch(r.InvStd, x.Shape[1]),
		Eps: float32(b.Epsilon), Momentum: float32(b.Momentum),
	}
	n.Train(e.threads)
}

// orLike gives memory like x to a result that nobody wants.
func orLike(t, x op.Tensor) pass.Matrix {
	if t.Wanted() {
		return matrix(t)
	}
	m := matrix(x)
	if m.Short != nil {
		m.Short = make([]bfloat.Number, len(m.Short))
	} else {
		m.Floats = make([]float32, len(m.Floats))
	}
	return m
}

// orScratch gives memory to a result that nobody wants, which is rare.
func orScratch(t op.Tensor, n int) []float32 {
	if t.Wanted() {
		return f32(t)
	}
	return make([]float32, n)
}

func (e *Engine) BatchNormInference(b op.BatchNorm, y, x, gamma, beta, mean, variance, residual op.Tensor) {
	n := pass.BatchNorm{
		X: matrix(x), Residual: matrix(residual), Y: matrix(y), ReLU: b.ReLU, Gamma: f32(gamma), Beta: f32(beta),
		RunningMean: f32(mean), RunningVar: f32(variance), Eps: float32(b.Epsilon),
	}
	n.Infer(e.threads)
}

func (e *Engine) BatchNormBackward(b op.BatchNorm, g op.BatchNormGradients, dy, x, y, gamma, beta, mean, invStd op.Tensor) {
	n := pass.BatchNormGrad{
		DY: matrix(dy), X: matrix(x), Gamma: f32(gamma), Mean: f32(mean), InvStd: f32(invStd),
		DX: orLike(g.X, x), DResidual: matrix(g.Residual),
		DGamma: orScratch(g.Gamma, x.Shape[1]), DBeta: orScratch(g.Beta, x.Shape[1]),
	}
	switch {
	case b.ReLU && b.Residual:
		n.Y = matrix(y)
	case b.ReLU:
		n.Beta = f32(beta)
	}
	n.Run(e.threads)
}

func (e *Engine) AveragePool(y, x op.Tensor) {
	pass.AveragePool(e.threads, f32(y), matrix(x), pixels(x))
}

func (e *Engine) AveragePoolBackward(dx, dy op.Tensor) {
	pass.AveragePoolGrad(e.threads, matrix(dx), f32(dy), pixels(dx))
}

func maxPool(p op.Pooling, w *widening, x, y op.Tensor) *pass.MaxPool {
	return &pass.MaxPool{
		Height: x.Shape[2], Width: x.Shape[3], Size: p.Size, Stride: p.Stride, In: w.rows(x), Out: w.rows(y),
	}
}

func (e *Engine) MaxPool(p op.Pooling, y, x op.Tensor) {
	w := e.widen()
	maxPool(p, w, x, y).Forward(e.threads, w.out(y), w.in(x))
	w.store()
}

func (e *Engine) MaxPoolBackward(p op.Pooling, dx, dy, x, y op.Tensor) {
	w := e.widen()
	maxPool(p, w, x, y).Grad(e.threads, w.out(dx), w.in(dy), w.in(x), w.in(y))
	w.store()
}

func (e *Engine) Linear(y, x, w, b op.Tensor) {
	pass.Linear(e.threads, f32(y), f32(x), f32(w), f32(b))
}

func (e *Engine) LinearBackward(dx, dw, db, dy, x, w op.Tensor) {
	pass.LinearGrad(e.threads, f32(dx), orScratch(dw, w.Len()), orScratch(db, w.Shape[0]), f32(dy), f32(x), f32(w))
}

func (e *Engine) Gather(g op.Gathering, x, y, images, labels, index, window op.Tensor) {
	set := pass.Images{
		Pixels:   images.Data.([]uint8),
		Channels: images.Shape[1], Height: images.Shape[2], Width: images.Shape[3],
	}
	if g.Normalization != (op.Normalization{}) {
		for c := range set.Channels {
			set.Values = append(set.Values, pass.Normalized(g.Of(c)))
		}
	}
	var crops []int32
	if window.Wanted() {
		crops = window.Data.([]int32)
	}
	w := e.widen()
	set.Gather(e.threads, g.Pad, w.out(x), index.Data.([]int32), crops)
	w.store()
	op.GatherLabels(y, labels, index)
}

func (e *Engine) SGD(s op.SGD, w, v, grad, eta op.Tensor) {
	if v.Wanted() {
		pass.SGDMomentum(e.threads, f32(w), f32(grad), f32(v), f32(eta)[0], float32(s.WeightDecay), float32(s.Momentum))
	} else {
		pass.SGD(e.threads, f32(w), f32(grad), f32(eta)[0], float32(s.WeightDecay))
	}
}

func (e *Engine) Accumulate(sum, x, decay op.Tensor, scale float64) {
	pass.Accumulate(e.threads, f32(sum), f32(x), float32(scale), f32(decay)[0])
}

func (e *Engine) Add(z, x, y op.Tensor) {
	pass.Add(e.threads, matrix(z), matrix(x), matrix(y))
}

func (e *Engine) Positives(total, x, labels op.Tensor) {
	n := pass.CountPositive(e.threads, matrix(x), pixels(x), labels.Data.([]int32))
	total.Data.([]float64)[0] += float64(n)
}

// Select implements op.FeatureKernels, as does CountPositive.
func (e *Engine) Select(z, x, units, labels op.Tensor) {
	pass.Select(e.threads, matrix(z), matrix(x), pixels(x), units.Data.([]int32), labels.Data.([]int32))
}

func (e *Engine) CountPositive(total, z op.Tensor) {
	pass.CountColumns(e.threads, total.Data.([]float64), matrix(z))
}
