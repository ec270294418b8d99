package numpy

import "math"

// MatVec returns x @ w, (n) for row-major x (n, d) and w (d), to the bit as NumPy
// 2 with OpenBLAS gives it on processors with AVX2 or AVX-512, where n and d are
// multiples of 4: a row is summed in four lanes with fused multiply-adds. OpenBLAS
// sums the rows and elements left over from fours in other ways; MatVec does not
// follow it there, and may differ by units in the last place.
func MatVec(x, w []float64) []float64 {
	d := len(w)
	y := make([]float64, len(x)/d)
	for i := range y {
		var lane [4]float64
		for j, v := range x[i*d : (i+1)*d] {
			lane[j%4] = math.FMA(v, w[j], lane[j%4])
		}
		y[i] = (lane[0] + lane[2]) + (lane[1] + lane[3])
	}
	return y
}
