package op

func (Reference) AveragePool(y, x Tensor) {
	dispatch(x, func() { refAveragePool[float32](y, x) }, func() { refAveragePool[float64](y, x) })
}

func (Reference) AveragePoolBackward(dx, dy Tensor) {
	dispatch(dx, func() { refAveragePoolBackward[float32](dx, dy) }, func() { refAveragePoolBackward[float64](dx, dy) })
}

func (Reference) MaxPool(p Pooling, y, x Tensor) {
	dispatch(x, func() { refMaxPool[float32](p, y, x) }, func() { refMaxPool[float64](p, y, x) })
}

func (Reference) MaxPoolBackward(p Pooling, dx, dy, x, y Tensor) {
	dispatch(x, func() { refMaxPoolBackward[float32](p, dx, dy, x) }, func() { refMaxPoolBackward[float64](p, dx, dy, x) })
}

func refAveragePool[T float](y, x Tensor) {
	xd, yd, area := data[T](x), data[T](y), x.Shape[2]*x.Shape[3]
	for i := range yd {
		var sum float64
		for _, v := range xd[i*area : (i+1)*area] {
			sum += float64(v)
		}
		yd[i] = T(sum / float64(area))
	}
}

func refAveragePoolBackward[T float](dx, dy Tensor) {
	area := dx.Shape[2] * dx.Shape[3]
	for i := range data[T](dx) {
		data[T](dx)[i] = data[T](dy)[i/area] / T(area)
	}
}

// eachMax calls f for every element y[yi] of the pool of x, with the place of
// the first of the largest elements in its window.
func eachMax[T float](p Pooling, x []T, xs, ys []int, f func(yi, xi int)) {
	for yi := range ys[0] * ys[1] * ys[2] * ys[3] {
		plane, row, column := yi/(ys[2]*ys[3]), yi/ys[3]%ys[2]*p.Stride, yi%ys[3]*p.Stride
		best := (plane*xs[2]+row)*xs[3] + column
		for h := range p.Size {
			for w := range p.Size {
				at := (plane*xs[2]+row+h)*xs[3] + column + w
				if v := x[at]; v > x[best] || v != v && x[best] == x[best] {
					best = at
				}
			}
		}
		f(yi, best)
	}
}

func refMaxPool[T float](p Pooling, y, x Tensor) {
	xd, yd := data[T](x), data[T](y)
	eachMax(p, xd, x.Shape, y.Shape, func(yi, xi int) { yd[yi] = xd[xi] })
}

func refMaxPoolBackward[T float](p Pooling, dx, dy, x Tensor) {
	dxd, dyd := data[T](dx), data[T](dy)
	clear(dxd)
	eachMax(p, data[T](x), x.Shape, dy.Shape, func(yi, xi int) { dxd[xi] += dyd[yi] })
}
