//go:build !noasm

package pass

import "largestep/train/machine/cpu/isa"

var avx2 = kernels{
	name:            isa.AVX2,
	addSums:         addSumsAVX2,
	normalise:       [2]func(y, x, residual, params []float32, period int, floor float32){normaliseAVX2, normaliseAddAVX2},
	gradSums:        [2]func(sums, g, x, y, dy, mean []float32, period int, floor float32){gradSumsAVX2, gradSumsStoreAVX2},
	inputGrad:       inputGradAVX2,
	gradSumsOfX:     gradSumsOfXAVX2,
	inputGradOfX:    inputGradOfXAVX2,
	addWide:         addWideAVX2,
	add:             addAVX2,
	larger:          largerAVX2,
	route:           routeAVX2,
	scale:           scaleAVX2,
	accumulate:      accumulateAVX2,
	descend:         descendAVX2,
	descendMomentum: descendMomentumAVX2,
	dot:             dotAVX2,
	countPositive:   countPositiveAVX2,
}

var avx512 = kernels{
	name:            isa.AVX512,
	addSums:         addSumsAVX512,
	normalise:       [2]func(y, x, residual, params []float32, period int, floor float32){normaliseAVX512, normaliseAddAVX512},
	gradSums:        [2]func(sums, g, x, y, dy, mean []float32, period int, floor float32){gradSumsAVX512, gradSumsStoreAVX512},
	inputGrad:       inputGradAVX512,
	gradSumsOfX:     gradSumsOfXAVX512,
	inputGradOfX:    inputGradOfXAVX512,
	addWide:         addWideAVX512,
	add:             addAVX512,
	larger:          largerAVX512,
	route:           routeAVX512,
	scale:           scaleAVX512,
	accumulate:      accumulateAVX512,
	descend:         descendAVX512,
	descendMomentum: descendMomentumAVX512,
	dot:             dotAVX512,
	countPositive:   countPositiveAVX512,
}

// assembly are the implementations that this build has beside plain Go.
var assembly = []*kernels{&avx512, &avx2}
