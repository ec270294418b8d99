package op

import "math"

func (Reference) Gather(g Gathering, x, y, images, labels, index, window Tensor) {
	dispatch(x, func() { refGather[float32](g, x, images, index, window) },
		func() { refGather[float64](g, x, images, index, window) })
	GatherLabels(y, labels, index)
}

// GatherLabels is the part of Gather that is the same on every host engine.
func GatherLabels(y, labels, index Tensor) {
	if !y.Wanted() {
		return
	}
	for i, at := range data[int32](index) {
		if at < 0 {
			data[int32](y)[i] = -1
		} else {
			data[int32](y)[i] = data[int32](labels)[at]
		}
	}
}

func (Reference) SGD(s SGD, w, v, grad, eta Tensor) {
	dispatch(w, func() { refSGD[float32](s, w, v, grad, eta) }, func() { refSGD[float64](s, w, v, grad, eta) })
}

func (Reference) Accumulate(sum, x, decay Tensor, scale float64) {
	dispatch(sum, func() { refAccumulate[float32](sum, x, decay, scale) },
		func() { refAccumulate[float64](sum, x, decay, scale) })
}

func (Reference) Add(z, x, y Tensor) {
	dispatch(z, func() { refAdd[float32](z, x, y) }, func() { refAdd[float64](z, x, y) })
}

func (Reference) Record(log, loss, position Tensor) {
	at := &data[float64](log)[data[int32](position)[0]]
	dispatch(loss, func() { *at = float64(data[float32](loss)[0]) }, func() { *at = data[float64](loss)[0] })
}

func (Reference) Score(totals, logits, labels Tensor) {
	dispatch(logits, func() { refScore[float32](totals, logits, labels) },
		func() { refScore[float64](totals, logits, labels) })
}

func (Reference) Positives(total, x, labels Tensor) {
	dispatch(x, func() { refPositives[float32](total, x, labels) },
		func() { refPositives[float64](total, x, labels) })
}

func refGather[T float](g Gathering, x, images, index, window Tensor) {
	c, h, w := images.Shape[1], images.Shape[2], images.Shape[3]
	for i, at := range data[int32](index) {
		dst := data[T](x)[i*c*h*w : (i+1)*c*h*w]
		src := make([]uint8, c*h*w) // black
		if at >= 0 {
			src = data[uint8](images)[int(at)*c*h*w : (int(at)+1)*c*h*w]
		}
		dy, dx, flip := g.Pad, g.Pad, false
		if window.Wanted() {
			win := data[int32](window)[3*i : 3*i+3]
			dy, dx, flip = int(win[0]), int(win[1]), win[2] == 1
		}
		for j := range dst {
			row, col := j/w%h, j%w
			if flip {
				col = w - 1 - col
			}
			row, col = row+dy-g.Pad, col+dx-g.Pad
			var b uint8
			if row >= 0 && row < h && col >= 0 && col < w {
				b = src[j/(h*w)*h*w+row*w+col]
			}
			mean, std := g.Of(j / (h * w))
			dst[j] = T((float32(b)/255 - mean) / std)
		}
	}
}

func refSGD[T float](s SGD, w, v, grad, eta Tensor) {
	wd, vd, step := data[T](w), data[T](v), data[T](eta)[0]
	for i, g := range data[T](grad) {
		d := g + T(T(s.WeightDecay)*wd[i])
		if vd != nil {
			vd[i] = T(T(s.Momentum)*vd[i]) + d
			d = vd[i]
		}
		wd[i] -= T(step * d)
	}
}

func refAccumulate[T float](sum, x, decay Tensor, scale float64) {
	beta := data[T](decay)[0]
	for i, v := range data[T](x) {
		s := T(T(scale) * v)
		if beta != 0 { // 0·NaN is not 0
			s += T(beta * data[T](sum)[i])
		}
		data[T](sum)[i] = s
	}
}

func refAdd[T float](z, x, y Tensor) {
	for i, v := range data[T](x) {
		data[T](z)[i] = v + data[T](y)[i]
	}
}

func refScore[T float](totals, logits, labels Tensor) {
	k, total := logits.Shape[1], data[float64](totals)
	for i, label := range data[int32](labels) {
		if label < 0 {
			continue
		}
		z := data[T](logits)[i*k : (i+1)*k]
		total[0] += logSumExp(z) - float64(z[label])
		best := 0
		for j, v := range z {
			if math.IsNaN(float64(v)) {
				best = -1
				break
			}
			if v > z[best] {
				best = j
			}
		}
		if best != int(label) {
			total[1]++
		}
		total[2]++
	}
}

func refPositives[T float](total, x, labels Tensor) {
	size := x.Len() / x.Shape[0]
	for i, label := range data[int32](labels) {
		if label < 0 {
			continue
		}
		for _, v := range data[T](x)[i*size : (i+1)*size] {
			if v > 0 {
				data[float64](total)[0]++
			}
		}
	}
}
