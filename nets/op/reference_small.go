package op

var _ SmallKernels = Reference{}

func (Reference) Rows(x, y, xs, ys, index Tensor) {
	dispatch(x, func() { refRows[float32](x, y, xs, ys, index) }, func() { refRows[float64](x, y, xs, ys, index) })
}

func (Reference) Product(y, x, w Tensor) {
	dispatch(x, func() { refProduct[float32](y, x, w) }, func() { refProduct[float64](y, x, w) })
}

func (Reference) ProductBackward(dx, dw, dy, x, w Tensor) {
	dispatch(x, func() { refProductBackward[float32](dx, dw, dy, x, w) },
		func() { refProductBackward[float64](dx, dw, dy, x, w) })
}

func (Reference) Multiply(z, x, y Tensor) {
	dispatch(x, func() { refMultiply[float32](z, x, y) }, func() { refMultiply[float64](z, x, y) })
}

func (Reference) ReLU(y, x Tensor) {
	dispatch(x, func() { refReLU[float32](y, x, x) }, func() { refReLU[float64](y, x, x) })
}

func (Reference) ReLUBackward(dx, dy, y Tensor) {
	dispatch(y, func() { refReLU[float32](dx, dy, y) }, func() { refReLU[float64](dx, dy, y) })
}

func (Reference) Loss(l Loss, loss, h, y Tensor) {
	dispatch(h, func() { refLoss[float32](l, loss, h, y) }, func() { refLoss[float64](l, loss, h, y) })
}

func (Reference) LossBackward(l Loss, dh, dloss, h, y Tensor) {
	dispatch(h, func() { refLossBackward[float32](l, dh, dloss, h, y) },
		func() { refLossBackward[float64](l, dh, dloss, h, y) })
}

func (Reference) SumSquares(s, x Tensor, scale float64) {
	dispatch(x, func() { refSumSquares[float32](s, x, scale) }, func() { refSumSquares[float64](s, x, scale) })
}

func (Reference) SumSquaresBackward(dx, ds, x Tensor, scale float64) {
	dispatch(x, func() { refScale[float32](dx, ds, x, 2*scale) }, func() { refScale[float64](dx, ds, x, 2*scale) })
}

func refRows[T float](x, y, xs, ys, index Tensor) {
	d := xs.Shape[1]
	xd, yd, xsd, ysd := data[T](x), data[T](y), data[T](xs), data[T](ys)
	for i, at := range data[int32](index) {
		copy(xd[i*d:(i+1)*d], xsd[int(at)*d:(int(at)+1)*d])
		yd[i] = ysd[at]
	}
}

func refProduct[T float](y, x, w Tensor) {
	in, out := x.Shape[1], w.Shape[0]
	xd, wd, yd := data[T](x), data[T](w), data[T](y)
	for n := range x.Shape[0] {
		row := xd[n*in : (n+1)*in]
		for o := range out {
			var sum T
			for i, v := range wd[o*in : (o+1)*in] {
				sum += T(v * row[i])
			}
			yd[n*out+o] = sum
		}
	}
}

func refProductBackward[T float](dx, dw, dy, x, w Tensor) {
	in, out := x.Shape[1], w.Shape[0]
	xd, wd, dyd, dxd, dwd := data[T](x), data[T](w), data[T](dy), data[T](dx), data[T](dw)
	clear(dxd)
	clear(dwd)
	for n := range x.Shape[0] {
		for o := range out {
			g := dyd[n*out+o]
			if dxd != nil {
				addScaled(dxd[n*in:(n+1)*in], wd[o*in:(o+1)*in], g)
			}
			if dwd != nil {
				addScaled(dwd[o*in:(o+1)*in], xd[n*in:(n+1)*in], g)
			}
		}
	}
}

// addScaled: y += a·x.
func addScaled[T float](y, x []T, a T) {
	for i, v := range x {
		y[i] += T(a * v)
	}
}

func refMultiply[T float](z, x, y Tensor) {
	zd, yd := data[T](z), data[T](y)
	for i, v := range data[T](x) {
		zd[i] = v * yd[i]
	}
}

// refReLU keeps x where mask > 0, or is NaN, and else gives 0.
func refReLU[T float](y, x, mask Tensor) {
	yd, md := data[T](y), data[T](mask)
	for i, v := range data[T](x) {
		if md[i] <= 0 {
			v = 0
		}
		yd[i] = v
	}
}

func refLoss[T float](l Loss, loss, h, y Tensor) {
	sum, yd := 0.0, data[T](y)
	for i, v := range data[T](h) {
		sum += l.Value(float64(v), float64(yd[i]))
	}
	data[T](loss)[0] = T(sum / float64(len(yd)))
}

func refLossBackward[T float](l Loss, dh, dloss, h, y Tensor) {
	dhd, yd := data[T](dh), data[T](y)
	scale := float64(data[T](dloss)[0]) / float64(len(yd))
	for i, v := range data[T](h) {
		dhd[i] = T(l.Slope(float64(v), float64(yd[i])) * scale)
	}
}

func refSumSquares[T float](s, x Tensor, scale float64) {
	sum := 0.0
	for _, v := range data[T](x) {
		sum += float64(float64(v) * float64(v))
	}
	data[T](s)[0] = T(scale * sum)
}

func refScale[T float](dx, ds, x Tensor, scale float64) {
	dxd, a := data[T](dx), data[T](ds)[0]*T(scale)
	for i, v := range data[T](x) {
		dxd[i] = a * v
	}
}
