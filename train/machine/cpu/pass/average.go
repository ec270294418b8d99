package pass

import "largestep/train/machine/cpu/pool"

// averageColumns is the number of columns in a task of the average pool: with
// the sum in the first-level cache, the input goes by once.
const averageColumns = 2 << 10

// AveragePool computes the mean over the pixels of x (pixels × images ×
// channels, layout HWNC) as y (images × channels).
func AveragePool(p *pool.Pool, y, x []float32, pixels int) {
	need(pixels*len(y), x)
	share := 1 / float32(pixels)
	p.Do((len(y)+averageColumns-1)/averageColumns, func(_, i int) {
		lo, hi := i*averageColumns, min((i+1)*averageColumns, len(y))
		sum := y[lo:hi]
		apply(active.scale, reference.scale, sum, x[lo:hi], sum, share, 0, 0)
		for pixel := 1; pixel < pixels; pixel++ {
			at := pixel * len(y)
			apply(active.accumulate, reference.accumulate, sum, x[at+lo:at+hi], sum, share, 1, 0)
		}
	})
}

// AveragePoolGrad spreads dy (images × channels) over the pixels:
// dx[pixel, n, c] = dy[n, c] / pixels.
func AveragePoolGrad(p *pool.Pool, dx, dy []float32, pixels int) {
	need(pixels*len(dy), dx)
	p.Do(pixels, func(_, i int) {
		to := dx[i*len(dy) : (i+1)*len(dy)]
		apply(active.scale, reference.scale, to, dy, to, 1/float32(pixels), 0, 0)
	})
}
