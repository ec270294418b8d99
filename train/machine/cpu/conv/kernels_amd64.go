//go:build !noasm

package conv

import "largestep/train/machine/cpu/bfloat"

// Kernels of AVX-512 mask lanes; of AVX2's, those of 8 lanes do.
var (
	avx512Kernels = &kernelSet{
		name: "avx512",
		nn: []family{
			{lanes: 32, min: 17, kernels: nn512x32},
			{lanes: 16, min: 9, kernels: nn512x16},
			{lanes: 8, min: 1, kernels: nn512x8},
		},
		tn: []family{
			{lanes: 32, min: 17, kernels: tn512x32},
			{lanes: 16, min: 9, kernels: tn512x16},
			{lanes: 8, min: 1, kernels: tn512x8},
		},
		transpose: transpose8,
		transforms: newTransforms(matrices3, 16, dataTransform512, filterTransform512, resultTransform512,
			resultTransformAdd512, slopeTransform512, sumTransform512, sumTransformAdd512),
		phases: newTransforms(matrices2, 16, phaseDataTransform512, phaseFilterTransform512, phaseResultTransform512,
			phaseResultTransformAdd512, phaseSlopeTransform512, phaseSumTransform512, phaseSumTransformAdd512),
		fetches: true,
		limits:  cacheLimits,
	}
	avx2Kernels = &kernelSet{
		name: "avx2",
		nn: []family{
			{lanes: 16, min: 16, kernels: nn256x16},
			{lanes: 8, min: 1, kernels: nn256x8},
		},
		tn: []family{
			{lanes: 16, min: 16, kernels: tn256x16},
			{lanes: 8, min: 1, kernels: tn256x8},
		},
		transpose: transpose8,
		transforms: newTransforms(matrices3, 8, dataTransform256, filterTransform256, resultTransform256,
			resultTransformAdd256, slopeTransform256, sumTransform256, sumTransformAdd256),
		phases: newTransforms(matrices2, 8, phaseDataTransform256, phaseFilterTransform256, phaseResultTransform256,
			phaseResultTransformAdd256, phaseSlopeTransform256, phaseSumTransform256, phaseSumTransformAdd256),
		fetches: true,
		limits:  cacheLimits,
	}
)

// amxTiles are the tiles of AMX.
var amxTiles = &tileSet{
	bricks: [2][]func(*brick){
		{nil, amx1x1, amx2x1, amx3x1, amx4x1},
		{nil, amx1x2, amx2x2},
	},
	pair: func(dst, src []bfloat.Number, lds, rows, lanes int) {
		_, _ = dst[(rows+1)/2*2*brickSide-1], src[(rows-1)*lds+lanes-1]
		pair512((*uint16)(&dst[0]), (*uint16)(&src[0]), lds, rows, lanes)
	},
	transpose: func(dst []bfloat.Number, src *pairs, ldd, wide, lanes int) {
		_ = dst[(lanes-1)*ldd+2*wide-1]
		transposePairs512((*uint16)(&dst[0]), (*uint16)(&src[0]), ldd, wide, lanes)
	},
}

// assembly are the sets that this build has beside plain Go.
var assembly = []*kernelSet{avx512Kernels, avx2Kernels}

// transpose8 sets dst[j*ldd+i] = src[i*lds+j] for i, j < 8.
func transpose8(dst, src []float32, ldd, lds int) {
	_, _ = dst[7*ldd+7], src[7*lds+7]
	transpose8AVX(&dst[0], &src[0], ldd, lds)
}

// The kernels by their number of rows.
var (
	nn512x32 = []func(*tile){
		nil, nn512x32r1, nn512x32r2, nn512x32r3, nn512x32r4, nn512x32r5, nn512x32r6, nn512x32r7,
		nn512x32r8, nn512x32r9, nn512x32r10, nn512x32r11, nn512x32r12, nn512x32r13, nn512x32r14,
	}
	nn512x16 = []func(*tile){
		nil, nn512x16r1, nn512x16r2, nn512x16r3, nn512x16r4, nn512x16r5, nn512x16r6, nn512x16r7,
		nn512x16r8, nn512x16r9, nn512x16r10, nn512x16r11, nn512x16r12, nn512x16r13, nn512x16r14,
	}
	nn512x8 = []func(*tile){
		nil, nn512x8r1, nn512x8r2, nn512x8r3, nn512x8r4, nn512x8r5, nn512x8r6, nn512x8r7,
		nn512x8r8, nn512x8r9, nn512x8r10, nn512x8r11, nn512x8r12, nn512x8r13, nn512x8r14,
	}
	nn256x16 = []func(*tile){
		nil, nn256x16r1, nn256x16r2, nn256x16r3, nn256x16r4, nn256x16r5, nn256x16r6,
	}
	nn256x8 = []func(*tile){
		nil, nn256x8r1, nn256x8r2, nn256x8r3, nn256x8r4, nn256x8r5, nn256x8r6, nn256x8r7,
		nn256x8r8, nn256x8r9, nn256x8r10, nn256x8r11, nn256x8r12,
	}
	tn512x32 = []func(*tile){
		nil, tn512x32r1, tn512x32r2, tn512x32r3, tn512x32r4, tn512x32r5, tn512x32r6, tn512x32r7,
		tn512x32r8, tn512x32r9, tn512x32r10, tn512x32r11, tn512x32r12, tn512x32r13, tn512x32r14,
	}
	tn512x16 = []func(*tile){
		nil, tn512x16r1, tn512x16r2, tn512x16r3, tn512x16r4, tn512x16r5, tn512x16r6, tn512x16r7,
		tn512x16r8, tn512x16r9, tn512x16r10, tn512x16r11, tn512x16r12, tn512x16r13, tn512x16r14,
	}
	tn512x8 = []func(*tile){
		nil, tn512x8r1, tn512x8r2, tn512x8r3, tn512x8r4, tn512x8r5, tn512x8r6, tn512x8r7,
		tn512x8r8, tn512x8r9, tn512x8r10, tn512x8r11, tn512x8r12, tn512x8r13, tn512x8r14,
	}
	tn256x16 = []func(*tile){
		nil, tn256x16r1, tn256x16r2, tn256x16r3, tn256x16r4, tn256x16r5, tn256x16r6,
	}
	tn256x8 = []func(*tile){
		nil, tn256x8r1, tn256x8r2, tn256x8r3, tn256x8r4, tn256x8r5, tn256x8r6, tn256x8r7,
		tn256x8r8, tn256x8r9, tn256x8r10, tn256x8r11, tn256x8r12,
	}
)
