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
}

// Floats is a Matrix of float32.
func Floats(x []float32) Matrix { return Matrix{Floats: x} }

func (m Matrix) len() int { return len(m.Floats) + len(m.Short) }

func (m Matrix) none() bool { return m.Floats == nil && m.Short == nil }

// blockFloats is how many floats of bfloat16 are widened at a time, where channels are
// few enough for it: four streams of them stay in a level-1 cache.
const blockFloats = 1 << 10

// A block is a range of matrices. Kernels get it in float32: in place, or in memory of
// the block's own for each stream.
type block struct {
	lo, hi int
	memory *[streams][]float32
}

const streams = 4

var memories = sync.Pool{New: func() any { return new([streams][]float32) }}

// Blocks are the blocks of a range, of size or, where nothing is in bfloat16, a single
// one: for b := rangeOf(…); b.next(); { … }
type blocks struct {
	block
	end, size int
}

func rangeOf(lo, hi, size int, short bool) blocks {
	b := blocks{block{lo: lo, hi: lo}, hi, hi - lo}
	if short && lo < hi {
		b.size, b.memory = size, memories.Get().(*[streams][]float32)
	}
	return b
}

// next goes on to the next block, if there is one.
func (b *blocks) next() bool {
	b.lo, b.hi = b.hi, min(b.hi+b.size, b.end)
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
		return m.Floats[b.lo:b.hi]
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

// Widen sets x to what is in bfloat16.
func Widen(p *pool.Pool, x []float32, short []bfloat.Number) {
	need(len(short), x)
	p.Do((len(x)+chunk-1)/chunk, func(_, i int) {
		lo, hi := i*chunk, min((i+1)*chunk, len(x))
		bfloat.Widen(x[lo:hi], short[lo:hi])
	})
}

// Round sets what is in bfloat16 to the nearest of x.
func Round(p *pool.Pool, short []bfloat.Number, x []float32) {
	need(len(short), x)
	p.Do((len(x)+chunk-1)/chunk, func(_, i int) {
		lo, hi := i*chunk, min((i+1)*chunk, len(x))
		bfloat.Round(short[lo:hi], x[lo:hi])
	})
}
