package pass

import "largestep/train/machine/cpu/pool"

// averageColumns is the number of columns in a task of the average pool: with
// the sum in the first-level cache, the input goes by once.
const averageColumns = 2 << 10

// AveragePool computes the mean over the pixels of x (pixels × images ×
// channels, layout HWNC) as y (images × channels).
func AveragePool(p *pool.Pool, y []float32, x Matrix, pixels int) {
	needLen(pixels*len(y), x)
	share := 1 / float32(pixels)
	p.Do((len(y)+averageColumns-1)/averageColumns, func(_, i int) {
		lo, hi := i*averageColumns, min((i+1)*averageColumns, len(y))
		sum := y[lo:hi]
		for pixel := range pixels {
			at := pixel * len(y)
			for b := rangeOf(at+lo, at+hi, averageColumns, x); b.next(); {
				if pixel == 0 {
					apply(active.scale, reference.scale, sum, b.in(0, x), sum, share, 0, 0)
				} else {
					apply(active.accumulate, reference.accumulate, sum, b.in(0, x), sum, share, 1, 0)
				}
			}
		}
	})
}

// AveragePoolGrad spreads dy (images × channels) over the pixels:
// dx[pixel, n, c] = dy[n, c] / pixels.
func AveragePoolGrad(p *pool.Pool, dx Matrix, dy []float32, pixels int) {
	needLen(pixels*len(dy), dx)
	p.Do(pixels, func(_, i int) {
		at := i * len(dy)
		for b := rangeOf(at, at+len(dy), averageColumns, dx); b.next(); {
			to := b.out(0, dx)
			apply(active.scale, reference.scale, to, dy[b.lo-at:b.hi-at], to, 1/float32(pixels), 0, 0)
			b.store(0, dx)
		}
	})
}
