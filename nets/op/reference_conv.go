package op

func (Reference) Conv(c Convolution, y, x, w Tensor) {
	dispatch(y, func() { refConv[float32](c, y, x, w) }, func() { refConv[float64](c, y, x, w) })
}

func (Reference) ConvBackwardData(c Convolution, dx, dy, w Tensor, accumulate bool) {
	dispatch(dx, func() { refConvBackwardData[float32](c, dx, dy, w, accumulate) },
		func() { refConvBackwardData[float64](c, dx, dy, w, accumulate) })
}

func (Reference) ConvBackwardFilter(c Convolution, dw, dy, x Tensor) {
	dispatch(dw, func() { refConvBackwardFilter[float32](c, dw, dy, x) },
		func() { refConvBackwardFilter[float64](c, dw, dy, x) })
}

// eachTap calls f for every product y[yi] ← x[xi]·w[wi] of the convolution.
func eachTap(c Convolution, x, w, y []int, f func(yi, xi, wi int)) {
	for n := range y[0] {
		for oc := range y[1] {
			for oh := range y[2] {
				for ow := range y[3] {
					yi := ((n*y[1]+oc)*y[2]+oh)*y[3] + ow
					for ic := range x[1] {
						eachPixel(c, x, w, oh, ow, func(h, v, kh, kw int) {
							f(yi, ((n*x[1]+ic)*x[2]+h)*x[3]+v, ((oc*w[1]+ic)*w[2]+kh)*w[3]+kw)
						})
					}
				}
			}
		}
	}
}

// eachPixel calls f for the pixels (h, v) of x under the filter at (oh, ow).
func eachPixel(c Convolution, x, w []int, oh, ow int, f func(h, v, kh, kw int)) {
	for kh := range w[2] {
		for kw := range w[3] {
			h, v := oh*c.Stride+kh-c.Pad, ow*c.Stride+kw-c.Pad
			if h >= 0 && h < x[2] && v >= 0 && v < x[3] {
				f(h, v, kh, kw)
			}
		}
	}
}

func refConv[T float](c Convolution, y, x, w Tensor) {
	xd, wd := data[T](x), data[T](w)
	sums := make([]float64, y.Len())
	eachTap(c, x.Shape, w.Shape, y.Shape, func(yi, xi, wi int) { sums[yi] += float64(float64(xd[xi]) * float64(wd[wi])) })
	store(data[T](y), sums, false)
}

func refConvBackwardData[T float](c Convolution, dx, dy, w Tensor, accumulate bool) {
	dyd, wd := data[T](dy), data[T](w)
	sums := make([]float64, dx.Len())
	eachTap(c, dx.Shape, w.Shape, dy.Shape, func(yi, xi, wi int) { sums[xi] += float64(float64(dyd[yi]) * float64(wd[wi])) })
	store(data[T](dx), sums, accumulate)
}

func refConvBackwardFilter[T float](c Convolution, dw, dy, x Tensor) {
	dyd, xd := data[T](dy), data[T](x)
	sums := make([]float64, dw.Len())
	eachTap(c, x.Shape, dw.Shape, dy.Shape, func(yi, xi, wi int) { sums[wi] += float64(float64(dyd[yi]) * float64(xd[xi])) })
	store(data[T](dw), sums, false)
}

func store[T float](dst []T, sums []float64, accumulate bool) {
	for i, s := range sums {
		if accumulate {
			s += float64(dst[i])
		}
		dst[i] = T(s)
	}
}
