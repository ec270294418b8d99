package pass

import (
	"sync"

	"largestep/train/machine/cpu/bfloat"
	"largestep/train/machine/cpu/pool"
)

// A Matrix is activations in memory, of rows × channels: float32, or bfloat16. It may
// be neither, for none.
type Matrix struct {
	Floats []float32
	Short  []bfloat.Number
	Rows   // of pixels, of Floats; the zero value where all follow each other
}

// Rows is how rows of pixels lie in memory: Len floats, Pitch from one to the next. The
// zero value is one row after the other.
type Rows struct{ Len, Pitch int }

// RowsOf returns how rows of pixels × images × channels are to lie. Where they are a
// multiple of a page the same place in each competes for the same places in a cache, and a
// convolution reads six rows at a time; so they lie further apart. Rows are of four periods
// of a grid, of which kernels add up sums four at a time.
func RowsOf(pixels, images, channels int) Rows {
	const page, gap = 4096 / 4, 128
	n := pixels * images * channels
	if channels%16 != 0 || n%page != 0 || n%(4*period(channels)) != 0 {
		return Rows{}
	}
	return Rows{n, n + gap}
}

// apart tells whether something lies between the rows.
func (r Rows) apart() bool { return r.Pitch > 0 }

// len returns how many of n elements in memory belong to rows.
func (r Rows) len(n int) int {
	if !r.apart() {
		return n
	}
	return n / r.Pitch * r.Len
}

// place returns where element i lies.
func (r Rows) place(i int) int {
	if !r.apart() {
		return i
	}
	return i/r.Len*r.Pitch + i%r.Len
}

// Floats is a Matrix of float32, whose rows follow each other.
func Floats(x []float32) Matrix { return Matrix{Floats: x} }

func (m Matrix) len() int { return m.Rows.len(len(m.Floats) + len(m.Short)) }

func (m Matrix) none() bool { return m.Floats == nil && m.Short == nil }

// blockFloats is how many floats of bfloat16 are widened at a time, where channels are
// few enough for it: four streams of them stay in a level-1 cache.
const blockFloats = 1 << 10

// A block is a range of matrices. Kernels get it in float32: in place, or in memory of
// the block's own for each stream.
type block struct {
	lo, hi int
	rows   Rows
	memory *[streams][]float32
}

const streams = 4

var memories = sync.Pool{New: func() any { return new([streams][]float32) }}

// Blocks are the blocks of a range of matrices like one: of size or, where nothing is in
// bfloat16, as large as can be: for b := rangeOf(…); b.next(); { … }
type blocks struct {
	block
	end, size int
}

func rangeOf(lo, hi, size int, like Matrix) blocks {
	b := blocks{block{lo: lo, hi: lo, rows: like.Rows}, hi, hi - lo}
	if like.Short != nil && lo < hi {
		b.size, b.memory = size, memories.Get().(*[streams][]float32)
	}
	return b
}

// next goes on to the next block, if there is one.
func (b *blocks) next() bool {
	b.lo, b.hi = b.hi, min(b.hi+b.size, b.end)
	if b.rows.apart() {
		b.hi = min(b.hi, b.lo-b.lo%b.rows.Len+b.rows.Len)
	}
	if b.lo == b.hi && b.memory != nil {
		memories.Put(b.memory)
		b.memory = nil
	}
	return b.lo < b.hi
}

// in returns the block of m to be read, as stream i; nil stays nil.
func (b *block) in(i int, m Matrix) []float32 {
	x := b.out(i, m)
	if m.Short != nil {
		bfloat.Widen(x, m.Short[b.lo:b.hi])
	}
	return x
}

// out returns where the block of m is written to, as stream i, before store.
func (b *block) out(i int, m Matrix) []float32 {
	switch {
	case m.Floats != nil:
		return m.Floats[m.place(b.lo):][:b.hi-b.lo]
	case m.Short == nil:
		return nil
	}
	if n := b.hi - b.lo; cap(b.memory[i]) < n {
		b.memory[i] = make([]float32, n)
	}
	return b.memory[i][:b.hi-b.lo]
}

// store rounds what was written to out.
func (b *block) store(i int, m Matrix) {
	if m.Short != nil {
		bfloat.Round(m.Short[b.lo:b.hi], b.memory[i])
	}
}

// needLen panics unless every matrix has so many elements.
func needLen(n int, matrices ...Matrix) {
	for _, m := range matrices {
		if m.len() != n {
			panic("pass: matrix of wrong length")
		}
	}
}

// needRows panics unless the rows of matrices lie alike.
func needRows(rows Rows, matrices ...Matrix) {
	for _, m := range matrices {
		if !m.none() && m.Rows != rows {
			panic("pass: matrices of other rows")
		}
	}
}

// Load sets dst to the elements of m, one row after the other.
func (m Matrix) Load(p *pool.Pool, dst []float32) {
	needLen(len(dst), m)
	p.Do((len(dst)+chunk-1)/chunk, func(_, i int) {
		lo := i * chunk
		for b := rangeOf(lo, min(lo+chunk, len(dst)), blockFloats, m); b.next(); {
			copy(dst[b.lo:b.hi], b.in(0, m))
		}
	})
}

// Store sets the elements of m to src, or the nearest of it.
func (m Matrix) Store(p *pool.Pool, src []float32) {
	needLen(len(src), m)
	p.Do((len(src)+chunk-1)/chunk, func(_, i int) {
		lo := i * chunk
		for b := rangeOf(lo, min(lo+chunk, len(src)), blockFloats, m); b.next(); {
			copy(b.out(0, m), src[b.lo:b.hi])
			b.store(0, m)
		}
	})
}
