package op

import "math"

func (Reference) Linear(y, x, w, b Tensor) {
	dispatch(x, func() { refLinear[float32](y, x, w, b) }, func() { refLinear[float64](y, x, w, b) })
}

func (Reference) LinearBackward(dx, dw, db, dy, x, w Tensor) {
	dispatch(x, func() { refLinearBackward[float32](dx, dw, db, dy, x, w) },
		func() { refLinearBackward[float64](dx, dw, db, dy, x, w) })
}

func (Reference) CrossEntropy(loss, logits, labels Tensor) {
	dispatch(logits, func() { refCrossEntropy[float32](loss, logits, labels) },
		func() { refCrossEntropy[float64](loss, logits, labels) })
}

func (Reference) CrossEntropyBackward(dlogits, dloss, logits, labels Tensor) {
	dispatch(logits, func() { refCrossEntropyBackward[float32](dlogits, dloss, logits, labels) },
		func() { refCrossEntropyBackward[float64](dlogits, dloss, logits, labels) })
}

func refLinear[T float](y, x, w, b Tensor) {
	xd, wd, in, out := data[T](x), data[T](w), x.Shape[1], w.Shape[0]
	for n := range x.Shape[0] {
		for o := range out {
			sum := float64(data[T](b)[o])
			for i := range in {
				sum += float64(float64(xd[n*in+i]) * float64(wd[o*in+i]))
			}
			data[T](y)[n*out+o] = T(sum)
		}
	}
}

func refLinearBackward[T float](dx, dw, db, dy, x, w Tensor) {
	in, out := x.Shape[1], w.Shape[0]
	sums := [3][]float64{make([]float64, x.Len()), make([]float64, w.Len()), make([]float64, out)}
	for n := range x.Shape[0] {
		for o := range out {
			g := float64(data[T](dy)[n*out+o])
			sums[2][o] += g
			for i := range in {
				sums[0][n*in+i] += float64(g * float64(data[T](w)[o*in+i]))
				sums[1][o*in+i] += float64(g * float64(data[T](x)[n*in+i]))
			}
		}
	}
	for k, t := range [3]Tensor{dx, dw, db} {
		if t.Wanted() {
			store(data[T](t), sums[k], false)
		}
	}
}

// logSumExp is log Σ exp(z), which is NaN if any z is.
func logSumExp[T float](z []T) float64 {
	top := math.Inf(-1)
	for _, v := range z {
		top = max(top, float64(v)) // NaN if any is
	}
	if math.IsInf(top, -1) {
		return top
	}
	var sum float64
	for _, v := range z {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

func refCrossEntropy[T float](loss, logits, labels Tensor) {
	n, k := logits.Shape[0], logits.Shape[1]
	var sum float64
	for i, label := range data[int32](labels) {
		z := data[T](logits)[i*k : (i+1)*k]
		sum += logSumExp(z) - float64(z[label])
	}
	data[T](loss)[0] = T(sum / float64(n))
}

func refCrossEntropyBackward[T float](dlogits, dloss, logits, labels Tensor) {
	n, k := logits.Shape[0], logits.Shape[1]
	scale := float64(data[T](dloss)[0]) / float64(n)
	for i, label := range data[int32](labels) {
		z, d := data[T](logits)[i*k:(i+1)*k], data[T](dlogits)[i*k:(i+1)*k]
		lse := logSumExp(z)
		for j := range z {
			g := math.Exp(float64(z[j]) - lse)
			if j == int(label) {
				g--
			}
			d[j] = T(g * scale)
		}
	}
}
