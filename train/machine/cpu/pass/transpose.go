package pass

import "largestep/train/machine/cpu/pool"

// tileSide is the side of the square that is transposed at a time: one cache
// line of floats.
const tileSide = 16

// NCHWToHWNC changes the layout of images × channels × pixels: it transposes a
// matrix of images·channels rows. dst must not be src.
func NCHWToHWNC(p *pool.Pool, dst, src []float32, pixels int) {
	transpose(p, dst, src, len(src)/pixels, pixels)
}

// HWNCToNCHW is the inverse of NCHWToHWNC.
func HWNCToNCHW(p *pool.Pool, dst, src []float32, pixels int) {
	transpose(p, dst, src, pixels, len(src)/pixels)
}

func transpose(p *pool.Pool, dst, src []float32, rows, columns int) {
	need(rows*columns, dst, src)
	p.Do((columns+tileSide-1)/tileSide, func(_, i int) {
		first, last := i*tileSide, min((i+1)*tileSide, columns)
		for r := 0; r < rows; r += tileSide {
			end := min(r+tileSide, rows)
			for c := first; c < last; c++ {
				to := dst[c*rows+r : c*rows+end]
				for k := range to {
					to[k] = src[(r+k)*columns+c]
				}
			}
		}
	})
}
