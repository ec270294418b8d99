//go:build !noasm

package pass

var neon = kernels{
	name:            "NEON",
	addSums:         addSumsNEON,
	normalise:       [2]func(y, x, residual, params []float32, period int, floor float32){normaliseNEON, normaliseAddNEON},
	gradSums:        [2][2]func(sums, g, x, y, dy, dy2, mean []float32, period int, floor float32){{gradSumsNEON, gradSumsStoreNEON}, {gradSumsAddNEON, gradSumsAddStoreNEON}},
	inputGrad:       [2]func(dx, x, y, dy, dy2, params []float32, period int, floor float32){inputGradNEON, inputGradAddNEON},
	addWide:         addWideNEON,
	add:             addNEON,
	scale:           scaleNEON,
	accumulate:      accumulateNEON,
	descend:         descendNEON,
	descendMomentum: descendMomentumNEON,
	dot:             dotNEON,
	countPositive:   countPositiveNEON,
}

// available lists the implementations that this machine can run, best first.
func available() []*kernels { return []*kernels{&neon, &reference} }
