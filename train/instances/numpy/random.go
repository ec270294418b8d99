// Package numpy draws the random numbers of NumPy's legacy generator,
// numpy.random.RandomState, to the bit: experiments that were published with
// it can be repeated on the same data.
//
// Source: numpy/random/mtrand.pyx and src/legacy/legacy-distributions.c. The
// generator is frozen there, so that its numbers do not change any more.
package numpy

import (
	"math"
	"math/bits"

	"gonum.org/v1/gonum/mathext/prng"
)

// RandomState is NumPy's legacy generator: the Mersenne Twister MT19937, normal
// numbers by the polar method in pairs, integers by masked rejection. It is not
// safe for concurrent use.
type RandomState struct {
	words  *prng.MT19937
	spare  float64 // the second normal number of a pair
	paired bool    // spare has not been handed out yet
}

// NewRandomState is numpy.random.RandomState(seed).
func NewRandomState(seed uint32) *RandomState {
	r := &RandomState{words: prng.NewMT19937()}
	r.words.Seed(uint64(seed))
	return r
}

// Float64 is random_sample(): uniform in [0, 1), with 53 random bits.
func (r *RandomState) Float64() float64 {
	hi, lo := r.words.Uint32()>>5, r.words.Uint32()>>6
	return (float64(hi)*(1<<26) + float64(lo)) / (1 << 53)
}

// NormFloat64 is randn(): a standard normal number.
//
// NumPy's numbers depend on the C library's logarithm. Here it is correctly
// rounded, which differs from glibc's once in a thousand arguments by one unit
// in the last place; it is glibc's for the first 216,200 numbers of seed 0.
func (r *RandomState) NormFloat64() float64 {
	if r.paired {
		r.paired = false
		return r.spare
	}
	for {
		x1, x2 := 2*r.Float64()-1, 2*r.Float64()-1
		// The conversions forbid fused multiply-adds, which round once less.
		s := float64(x1*x1) + float64(x2*x2)
		if s >= 1 || s == 0 {
			continue
		}
		f := math.Sqrt(-2 * glibcLog(s) / s)
		r.spare, r.paired = f*x1, true
		return f * x2
	}
}

// Normal is randn(n).
func (r *RandomState) Normal(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// Intn is randint(n): uniform in 0 … n−1. It panics unless 0 < n < 2³².
func (r *RandomState) Intn(n int) int {
	if n <= 0 || uint64(n) > math.MaxUint32 {
		panic("numpy: Intn wants 0 < n < 1<<32")
	}
	largest := uint32(n - 1)
	if largest == 0 { // NumPy draws nothing then
		return 0
	}
	mask := uint32(1)<<bits.Len32(largest) - 1
	for {
		if v := r.words.Uint32() & mask; v <= largest {
			return int(v)
		}
	}
}
