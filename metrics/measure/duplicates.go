package measure

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
)

// chunk is how many images are compared at a time: 1,000 units of them, as
// float64, fit in a second-level cache of 1 MB.
const chunk = 128

// A unit's entries as deviations from the mean, in units of their norm, have a
// dot product with another's that is the Pearson correlation.
type standard struct{ mean, scale float64 }

// duplicates tells which of the units are correlated above the threshold with a
// later one of the list.
//
// The correlations grow chunk by chunk. What is still to come of a pair's is at
// most the product of the two rests' norms (Cauchy and Schwarz): most pairs are
// settled after a tenth of the images.
func (f *Features[T]) duplicates(units []int, threshold float64) (duplicate []bool) {
	duplicate = make([]bool, f.units)
	c := newComparison(f, units)
	for first := 0; first < f.images && c.open > 0; first += chunk {
		images := min(chunk, f.images-first)
		load(c, f, first, images)
		c.advance(images, threshold)
	}
	for k, u := range c.units {
		duplicate[u] = c.found[k]
	}
	return duplicate
}

// comparison is the state of the search for duplicates among units.
type comparison struct {
	units    []int
	standard []standard
	rest     []float64 // square norm of what is still to come of each unit
	found    []bool    // the unit has a later duplicate
	pairs    [][]pair  // of each unit, the later ones that may be duplicates
	open     int       // pairs in all
	entries  []float64 // units × chunk, standardised
}

// pair is a later unit and the correlation with it so far.
type pair struct {
	other       int32
	correlation float64
}

func newComparison[T float32 | float64](f *Features[T], units []int) *comparison {
	c := &comparison{}
	for _, u := range units {
		if s, ok := standardise(f.values[u]); ok {
			c.units = append(c.units, u)
			c.standard = append(c.standard, s)
		}
	}
	n := len(c.units)
	c.rest, c.found = make([]float64, n), make([]bool, n)
	c.entries = make([]float64, n*chunk)
	c.pairs = make([][]pair, n)
	all := make([]pair, n*(n-1)/2)
	for i := range n {
		c.rest[i] = 1
		later := n - 1 - i
		c.pairs[i], all = all[:later:later], all[later:]
		for j := range later {
			c.pairs[i][j].other = int32(i + 1 + j)
		}
		c.open += later
	}
	return c
}

// standardise returns a unit's mean and scale; ok is false where it is constant
// or not finite.
func standardise[T float32 | float64](column []T) (s standard, ok bool) {
	sum, constant := 0.0, true
	for _, v := range column {
		sum += float64(v)
		constant = constant && v == column[0]
	}
	s.mean = sum / float64(len(column))
	square := 0.0
	for _, v := range column {
		d := float64(v) - s.mean
		square += d * d
	}
	s.scale = 1 / math.Sqrt(square)
	return s, !constant && s.scale > 0 && !math.IsInf(s.scale, 0)
}

// load standardises the images first, first+1, … of each unit.
func load[T float32 | float64](c *comparison, f *Features[T], first, images int) {
	for i, u := range c.units {
		s, to, norm := c.standard[i], c.entries[i*chunk:][:images], 0.0
		for k, v := range f.values[u][first:][:images] {
			to[k] = (float64(v) - s.mean) * s.scale
			norm += to[k] * to[k]
		}
		c.rest[i] = max(0, c.rest[i]-norm)
		if first+images == f.images {
			c.rest[i] = 0 // without the sum's rounding
		}
	}
}

// advance adds the loaded images to the correlations and settles what it can.
func (c *comparison) advance(images int, threshold float64) {
	bound := make([]float64, len(c.units))
	for i, r := range c.rest {
		bound[i] = math.Sqrt(r)
	}
	c.open = 0
	for i := range c.units {
		x := blas64.Vector{N: images, Data: c.entries[i*chunk:], Inc: 1}
		still := c.pairs[i][:0]
		for _, p := range c.pairs[i] {
			y := blas64.Vector{N: images, Data: c.entries[int(p.other)*chunk:], Inc: 1}
			p.correlation += blas64.Dot(x, y)
			r := math.Abs(p.correlation)
			most := bound[i] * bound[p.other]
			if r-most > threshold {
				c.found[i], still = true, nil
				break
			}
			if r+most > threshold {
				still = append(still, p)
			}
		}
		c.pairs[i] = still
		c.open += len(still)
	}
}
