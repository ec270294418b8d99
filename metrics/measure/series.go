package measure

import (
	"iter"
	"math"
)

// Series is a list of numbers that may be too long for memory.
type Series interface {
	Len() int
	// From yields those from i to j−1.
	From(i, j int) iter.Seq[float64]
}

// Losses is a list in memory.
type Losses []float64

// Len is their number.
func (l Losses) Len() int { return len(l) }

// From yields a part of them.
func (l Losses) From(i, j int) iter.Seq[float64] {
	return func(yield func(float64) bool) {
		for _, v := range l[i:j] {
			if !yield(v) {
				return
			}
		}
	}
}

// First is the first of the numbers i to j−1 for which f is true, j if there is none.
func First(s Series, i, j int, f func(float64) bool) int {
	k := i
	for v := range s.From(i, j) {
		if f(v) {
			return k
		}
		k++
	}
	return j
}

// Select is the k-th smallest, counted from 0, of the numbers i to j−1, NaN being
// smaller than all: by radix, 16 bits in a pass, in memory that does not depend on
// their number.
func Select(s Series, i, j, k int) float64 {
	var prefix uint64 // of the answer, its highest bits
	counts := make([]int, 1<<16)
	for shift := 48; shift >= 0; shift -= 16 {
		clear(counts)
		for v := range s.From(i, j) {
			if key := orderOf(v); key>>(shift+15)>>1 == prefix {
				counts[key>>shift&(1<<16-1)]++
			}
		}
		digit := 0
		for digit < len(counts)-1 && counts[digit] <= k {
			k -= counts[digit]
			digit++
		}
		prefix = prefix<<16 | uint64(digit)
	}
	return fromOrder(prefix)
}

// orderOf maps floats to integers of the same order.
func orderOf(v float64) uint64 {
	b := math.Float64bits(v)
	switch {
	case v != v:
		return 0
	case b>>63 == 1:
		return ^b
	}
	return b | 1<<63
}

func fromOrder(key uint64) float64 {
	switch {
	case key == 0:
		return math.NaN()
	case key>>63 == 1:
		return math.Float64frombits(key &^ (1 << 63))
	}
	return math.Float64frombits(^key)
}
