package main

import (
	"fmt"

	"largestep/train/machine/cpu/_arm64"
)

// A neonKernel writes a kernel for tiles of 8 lanes: two vectors a row, so that
// eight rows are the 16 sums that keep four pipes of four cycles busy. General
// registers:
//
//	R0      the tile            R8, R9   tap, taps left
//	R1–R3   a0, b0, c           R10      b
//	R4      tiles left          R11      steps left
//	R5–R7   lda, ldb, ldc       R12      free
//
// and in neonRows where rows of a are. Vector registers hold the sums, then
// elements of a, then rows of b.
type neonKernel struct {
	*arm64.Assembly
	family family
	rows   int
}

const (
	neonMost = 8  // rows
	neonA    = 16 // first vector of a
	neonB    = 24 // first vector of b
)

var neonRows = []int{13, 14, 15, 19, 20, 21, 22, 23} // R16 to R18 are taken

// neon writes kernels of both families.
func neon(a *arm64.Assembly) {
	for _, f := range []family{nn, tn} {
		for rows := 1; rows <= neonMost; rows++ {
			(&neonKernel{a, f, rows}).write()
		}
	}
}

func (k *neonKernel) write() {
	name := fmt.Sprintf("%sNEONr%d", k.family, k.rows)
	k.Function(name, fmt.Sprintf("%s computes %s for tiles of %d rows by 8 lanes.", name, k.family.formula(), k.rows), takes("t", "tile", "tile.go"))
	k.Load(k.Parameter("t"), 0)
	k.load()
	k.Label("tile")
	for v := range 2 * k.rows {
		k.Zero(v)
	}
	k.overTaps()
	k.finish()
	k.next()
}

// load reads the tile's description.
func (k *neonKernel) load() {
	for i, field := range []string{"a", "b", "c"} {
		k.Do("MOVD tile_%s(R0), R%d", field, 1+i)
		k.Do("MOVD tile_%s0(R0), R12", field)
		k.Do("ADD R12<<2, R%d, R%d", 1+i, 1+i)
	}
	k.Do("MOVD tile_count(R0), R4")
	for i, field := range []string{"lda", "ldb", "ldc"} {
		k.Do("MOVD tile_%s(R0), R%d", field, 5+i)
		k.Do("LSL $2, R%d, R%d", 5+i, 5+i)
	}
}

// overTaps adds up the products of all taps.
func (k *neonKernel) overTaps() {
	k.Do("MOVD tile_taps(R0), R8")
	k.Do("MOVD tile_taps+8(R0), R9")
	k.Do("CBZ R9, finish")

	k.Label("taps")
	k.Do("LDP.P 16(R8), (R12, R10)")
	k.Do("ADD R12<<2, R1, R%d", neonRows[0])
	k.Do("ADD R10<<2, R2, R10")
	if k.family == nn {
		for i := 1; i < k.rows; i++ {
			k.Do("ADD R5, R%d, R%d", neonRows[i-1], neonRows[i])
		}
	}
	k.Do("MOVD tile_steps(R0), R11")
	k.Do("SUBS $4, R11, R11")
	k.Do("BLT rest")

	k.Label("steps")
	k.fourSteps()
	k.Do("SUBS $4, R11, R11")
	k.Do("BGE steps")

	k.Label("rest")
	k.Do("ADDS $4, R11, R11")
	k.Do("BEQ done")

	k.Label("last")
	k.oneStep()
	k.Do("SUBS $1, R11, R11")
	k.Do("BNE last")

	k.Label("done")
	k.Do("SUBS $1, R9, R9")
	k.Do("BNE taps")
}

func (k *neonKernel) fourSteps() {
	if k.family == tn {
		for step := range 4 {
			k.columnOfA()
			k.multiply(step, func(row int) (int, int) { return neonA + row/4, row % 4 })
		}
		return
	}
	for i := range k.rows {
		k.Do("VLD1.P 16(R%d), [V%d.S4]", neonRows[i], neonA+i)
	}
	for step := range 4 {
		k.multiply(step, func(row int) (int, int) { return neonA + row, step })
	}
}

func (k *neonKernel) oneStep() {
	if k.family == tn {
		k.columnOfA()
		k.multiply(0, func(row int) (int, int) { return neonA + row/4, row % 4 })
		return
	}
	for i := range k.rows {
		k.Do("FMOVS.P 4(R%d), F%d", neonRows[i], neonA+i)
	}
	k.multiply(0, func(row int) (int, int) { return neonA + row, 0 })
}

// columnOfA loads as many elements of a, side by side, as there are rows, in
// vectors of four, and goes on to the next ones.
func (k *neonKernel) columnOfA() {
	a := neonRows[0]
	for i := 0; i < k.rows; i += 4 {
		v := neonA + i/4
		switch k.rows - i {
		case 1:
			k.Do("FMOVS %d(R%d), F%d", 4*i, a, v)
		case 2, 3:
			k.Do("FMOVD %d(R%d), F%d", 4*i, a, v)
		default:
			k.Do("FMOVQ %d(R%d), F%d", 4*i, a, v)
		}
		if k.rows-i == 3 {
			k.Do("ADD $%d, R%d, R12", 4*(i+2), a)
			k.Do("VLD1 (R12), V%d.S[2]", v)
		}
	}
	k.Do("ADD R5, R%d, R%d", a, a)
}

// multiply adds the products of a step, whose element of a row is where place
// says, and goes on to the next row of b.
func (k *neonKernel) multiply(step int, place func(row int) (vector, element int)) {
	b := neonB + 2*step
	k.Do("VLD1 (R10), [V%d.S4, V%d.S4]", b, b+1)
	k.Do("ADD R6, R10, R10")
	for row := range k.rows {
		v, i := place(row)
		k.FmlaElement(2*row, b, v, i)
		k.FmlaElement(2*row+1, b+1, v, i)
	}
}

// finish adds c to the sums where asked to, and stores them.
func (k *neonKernel) finish() {
	k.Label("finish")
	k.Do("MOVBU tile_add(R0), R12")
	k.Do("CBZ R12, store")
	k.Do("MOVD R3, R12")
	for row := range k.rows {
		k.Do("VLD1 (R12), [V%d.S4, V%d.S4]", neonB, neonB+1)
		k.Do("ADD R7, R12, R12")
		k.Fadd(2*row, 2*row, neonB)
		k.Fadd(2*row+1, 2*row+1, neonB+1)
	}

	k.Label("store")
	for row := range k.rows {
		k.Do("VST1 [V%d.S4, V%d.S4], (R3)", 2*row, 2*row+1)
		k.Do("ADD R7, R3, R3")
	}
}

// next goes on to the next tile, if there is one.
func (k *neonKernel) next() {
	if k.family == nn {
		k.Do("MOVD $%d, R12", k.rows)
		k.Do("MADD R12, R1, R5, R1")
	} else {
		k.Do("ADD $%d, R1, R1", 4*k.rows)
	}
	k.Do("SUBS $1, R4, R4")
	k.Do("BNE tile")
	k.Do("RET")
}
