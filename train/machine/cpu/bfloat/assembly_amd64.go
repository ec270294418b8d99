//go:build !noasm

package bfloat

import "largestep/train/machine/cpu/isa"

// assembly are the sets that this build has beside plain Go. Kernels of rows take at
// least one number.
var assembly = []*set{{
	name: isa.AVX512,
	widen: func(dst []float32, src []Number) {
		if len(dst) > 0 {
			widen512(&dst[0], (*uint16)(&src[0]), len(dst))
		}
	},
	roundRows: [2]func(dst []Number, src []float32, ldd, lds, rows, lanes int){
		func(dst []Number, src []float32, ldd, lds, rows, lanes int) {
			roundRows512((*uint16)(&dst[0]), &src[0], ldd, lds, rows, lanes)
		},
		func(dst []Number, src []float32, ldd, lds, rows, lanes int) {
			addRows512((*uint16)(&dst[0]), &src[0], ldd, lds, rows, lanes)
		},
	},
}}
