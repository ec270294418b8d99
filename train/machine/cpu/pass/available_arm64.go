//go:build !noasm

package pass

import "largestep/train/machine/cpu/isa"

var neon = kernels{
	name:            isa.NEON,
	addSums:         addSumsNEON,
	normalise:       [2]func(y, x, residual, params []float32, period int, floor float32){normaliseNEON, normaliseAddNEON},
	gradSums:        [2]func(sums, g, x, y, dy, mean []float32, period int, floor float32){gradSumsNEON, gradSumsStoreNEON},
	inputGrad:       inputGradNEON,
	gradSumsOfX:     gradSumsOfXNEON,
	inputGradOfX:    inputGradOfXNEON,
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

// assembly are the implementations that this build has beside plain Go.
var assembly = []*kernels{&neon}
