package measure

import (
	"fmt"
	"math/bits"
)

// Pattern tells which units are active on which inputs, a bit each.
type Pattern struct {
	bits []uint64
	size int
}

// NewPattern is the activation pattern of features (or pre-activations) in any
// fixed order: which of them are positive.
func NewPattern[T float32 | float64](features []T) Pattern {
	p := Pattern{make([]uint64, (len(features)+63)/64), len(features)}
	for i, v := range features {
		if v > 0 {
			p.bits[i/64] |= 1 << (i % 64)
		}
	}
	return p
}

// Distance is the fraction of the bits that differ, 0 for empty patterns.
func (p Pattern) Distance(q Pattern) (float64, error) {
	if p.size != q.size {
		return 0, fmt.Errorf("activation patterns of %d and %d bits", p.size, q.size)
	}
	if p.size == 0 {
		return 0, nil
	}
	n := 0
	for i, b := range p.bits {
		n += bits.OnesCount64(b ^ q.bits[i])
	}
	return float64(n) / float64(p.size), nil
}
