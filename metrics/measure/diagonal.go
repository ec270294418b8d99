package measure

import "math"

// l0Tolerance is the size above which an element of u ⊙ v counts as not zero.
const l0Tolerance = 1e-50

// L0 counts the i with |u_i v_i| > 1e-50.
func L0(u, v []float64) int {
	n := 0
	for i := range u {
		if math.Abs(u[i]*v[i]) > l0Tolerance {
			n++
		}
	}
	return n
}

// L1 is Σ |u_i v_i|.
func L1(u, v []float64) float64 {
	sum := 0.0
	for i := range u {
		sum += math.Abs(u[i] * v[i])
	}
	return sum
}

// Imbalance returns the largest and the mean of |u_i² − v_i²|, which gradient
// flow keeps as it was at the start and the noise of large steps drives to 0.
func Imbalance(u, v []float64) (largest, mean float64) {
	for i := range u {
		d := math.Abs((u[i] - v[i]) * (u[i] + v[i]))
		largest = max(largest, d)
		mean += d / float64(len(u))
	}
	return largest, mean
}
