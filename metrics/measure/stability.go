package measure

import "math"

// LossLimit is η times the curvature of the loss beyond which steps with momentum β grow
// on a parabola: 2(1+β) (Cohen et al. 2021).
func LossLimit(momentum float64) float64 { return 2 * (1 + momentum) }

// BatchLimit is the same of the losses of mini-batches, each along its own gradient, on
// average: 2(1−β) (Andreyev and Beneventano 2024).
func BatchLimit(momentum float64) float64 { return 2 * (1 - momentum) }

// CurvatureByLosses is gᵀHg/‖g‖² up to third order, 2(L(θ−ηg) − L(θ) + η‖g‖²)/(η²‖g‖²), from
// the losses at θ and after a step, ‖g‖² and η; NaN where they are not finite. It is not
// known where g is 0, and where losses of a mantissa of so many bits do not tell it
// from another by a hundredth of 2/η.
func CurvatureByLosses(loss, after, square, eta float64, mantissa int) (c float64, known bool) {
	const worth = 0.01
	slope := eta * square
	c = 2 * (after - loss + slope) / (eta * slope)
	if math.IsNaN(loss+after+slope) || math.IsInf(loss+after+slope, 0) {
		return math.NaN(), true
	}
	rounding := 4 * math.Ldexp(math.Abs(loss)+math.Abs(after), -mantissa)
	return c, slope*worth > rounding
}
