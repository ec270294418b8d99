// Package bfloat has the number format bfloat16, the upper half of a float32, and
// moves numbers between the two. What AVX-512 does sixteen at a time is otherwise left
// to plain Go.
package bfloat

import (
	"math"
	"slices"

	"largestep/train/machine/cpu/isa"
)

//go:generate go -C _generate run . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg bfloat

// A Number is a bfloat16.
type Number uint16

// Float32 returns b, exactly.
func (b Number) Float32() float32 { return math.Float32frombits(uint32(b) << 16) }

// Nearest returns f as the nearest Number, of two the even one. What is no number
// stays none.
func Nearest(f float32) Number {
	bits := math.Float32bits(f)
	if f != f {
		return Number(bits>>16 | 0x40) // quiet
	}
	return Number((bits + 0x7fff + bits>>16&1) >> 16)
}

// A set is the kernels of one instruction set. Lengths are those of dst; rows lie ldd
// and lds apart.
type set struct {
	name      string
	widen     func(dst []float32, src []Number)
	roundRows [2]func(dst []Number, src []float32, ldd, lds, rows, lanes int) // the second adds to dst
}

var plain = set{
	name: isa.Go, widen: widen,
	roundRows: [2]func(dst []Number, src []float32, ldd, lds, rows, lanes int){roundRows, addRows},
}

// sets are those that this processor runs, the fastest first.
func sets() (list []*set) {
	for _, s := range append(slices.Clone(assembly), &plain) {
		if slices.Contains(isa.Available(), s.name) {
			list = append(list, s)
		}
	}
	return list
}

// active is the set in use: plain Go where the chosen instruction set has none.
var active = func() *set {
	for _, s := range sets() {
		if s.name == isa.Chosen() {
			return s
		}
	}
	return &plain
}()

// Widen sets dst to src.
func Widen(dst []float32, src []Number) { active.widen(dst, src[:len(dst)]) }

// Round sets dst to the nearest of src.
func Round(dst []Number, src []float32) { RoundRows(dst, src, 0, 0, 1, len(dst), false) }

// RoundRows sets rows of lanes numbers, ldd apart in dst, to the nearest of those that
// lie lds apart in src; with add, of those plus what was there.
func RoundRows(dst []Number, src []float32, ldd, lds, rows, lanes int, add bool) {
	if rows < 1 || lanes < 1 {
		return
	}
	_, _ = dst[(rows-1)*ldd+lanes-1], src[(rows-1)*lds+lanes-1]
	f := active.roundRows[0]
	if add {
		f = active.roundRows[1]
	}
	f(dst, src, ldd, lds, rows, lanes)
}

func widen(dst []float32, src []Number) {
	for i, b := range src {
		dst[i] = b.Float32()
	}
}

func roundRows(dst []Number, src []float32, ldd, lds, rows, lanes int) {
	for i := range rows {
		row := dst[i*ldd:][:lanes]
		for j, f := range src[i*lds:][:lanes] {
			row[j] = Nearest(f)
		}
	}
}

func addRows(dst []Number, src []float32, ldd, lds, rows, lanes int) {
	for i := range rows {
		row := dst[i*ldd:][:lanes]
		for j, f := range src[i*lds:][:lanes] {
			row[j] = Nearest(row[j].Float32() + f)
		}
	}
}
