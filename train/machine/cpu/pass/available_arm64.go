//go:build !noasm

package pass

var neon = kernels{
	name:            "NEON",
	addSums:         addSumsNEON,
	normalise:       [2]func(y, x, residual, params []float32, period int, floor float32){normaliseNEON, normaliseAddNEON},
	gradSums:        [2]func(sums, g, x, y, dy, mean []float32, period int, floor float32){gradSumsNEON, gradSumsStoreNEON},
	inputGrad:       inputGradNEON,
	addWide:         addWideNEON,
	add:             addNEON,
	larger:          largerNEON,
	route:           routeNEON,
	scale:           scaleNEON,
	accumulate:      accumulateNEON,
	descend:         descendNEON,
	descendMomentum: descendMomentumNEON,
	dot:             dotNEON,
	countPositive:   countPositiveNEON,
}

// available lists the implementations that this machine can run, best first.
func available() []*kernels { return []*kernels{&neon, &reference} }
