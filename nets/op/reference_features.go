package op

var _ FeatureKernels = Reference{}

func (Reference) Select(z, x, units, labels Tensor) {
	dispatch(z, func() { refSelect[float32](z, x, units, labels) }, func() { refSelect[float64](z, x, units, labels) })
}

func (Reference) CountPositive(total, z Tensor) {
	dispatch(z, func() { refCountPositive[float32](total, z) }, func() { refCountPositive[float64](total, z) })
}

func refSelect[T float](z, x, units, labels Tensor) {
	zd, xd, chosen := data[T](z), data[T](x), data[int32](units)
	clear(zd)
	size := x.Len() / x.Shape[0]
	for n, label := range data[int32](labels) {
		if label < 0 {
			continue
		}
		row := zd[n*len(chosen) : (n+1)*len(chosen)]
		for k, u := range chosen {
			row[k] = 1
			if u >= 0 {
				row[k] = xd[n*size+int(u)]
			}
		}
	}
}

func refCountPositive[T float](total, z Tensor) {
	counts := data[float64](total)
	for i, v := range data[T](z) {
		if v > 0 {
			counts[i%len(counts)]++
		}
	}
}
