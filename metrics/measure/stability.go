package measure

// LossLimit is η times the curvature of the loss beyond which steps with momentum β grow
// on a parabola: 2(1+β) (Cohen et al. 2021).
func LossLimit(momentum float64) float64 { return 2 * (1 + momentum) }

// BatchLimit is the same of the losses of mini-batches, each along its own gradient, on
// average: 2(1−β) (Andreyev and Beneventano 2024).
func BatchLimit(momentum float64) float64 { return 2 * (1 - momentum) }
