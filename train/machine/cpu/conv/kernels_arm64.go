//go:build !noasm

package conv

// neonKernels take 8 lanes; fewer are left to plain Go, whose compiler fuses
// multiply-adds too.
var neonKernels = &kernelSet{
	name: "neon",
	nn:   append([]family{{lanes: 8, min: 8, kernels: nnNEON}}, goKernels.nn...),
	tn:   append([]family{{lanes: 8, min: 8, kernels: tnNEON}}, goKernels.tn...),

	transpose: transpose8Go,
	transforms: newTransforms(matrices3, 4, dataTransformNEON, filterTransformNEON, resultTransformNEON,
		resultTransformAddNEON, slopeTransformNEON, sumTransformNEON, sumTransformAddNEON),
	phases: newTransforms(matrices2, 4, phaseDataTransformNEON, phaseFilterTransformNEON, phaseResultTransformNEON,
		phaseResultTransformAddNEON, phaseSlopeTransformNEON, phaseSumTransformNEON, phaseSumTransformAddNEON),
	limits: cacheLimits,
}

// assembly are the sets that this build has beside plain Go.
var assembly = []*kernelSet{neonKernels}

// The kernels by their number of rows.
var (
	nnNEON = []func(*tile){
		nil, nnNEONr1, nnNEONr2, nnNEONr3, nnNEONr4, nnNEONr5, nnNEONr6, nnNEONr7, nnNEONr8,
	}
	tnNEON = []func(*tile){
		nil, tnNEONr1, tnNEONr2, tnNEONr3, tnNEONr4, tnNEONr5, tnNEONr6, tnNEONr7, tnNEONr8,
	}
)

// amxTiles are the tiles of AMX.
var amxTiles *tileSet
