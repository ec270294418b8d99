package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// SparsityUnits is how many units of ResNet-18 the paper draws at most.
const SparsityUnits = 1000

// Thresholds of |Pearson correlation| above which two units are duplicates.
const (
	DuplicateConv      = 0.95  // blocks of a convolutional net
	DuplicateConnected = 0.99  // layers of a fully connected net
	DuplicateOneInput  = 0.999 // the same, where the net has one input
)

// DrawUnits draws at most the given number of the units 0 … total−1, all of
// them where they are fewer, in increasing order. The draw depends on the
// arguments alone.
func DrawUnits(total, most int, seed uint64) []int {
	if total <= most {
		units := make([]int, total)
		for i := range units {
			units[i] = i
		}
		return units
	}
	rng := rand.New(rand.NewPCG(seed, 0x756e697473)) // "units": a stream of its own
	drawn := make(map[int]bool, most)
	for j := total - most; j < total; j++ { // Floyd's sampling without replacement
		u := int(rng.Int64N(int64(j + 1)))
		if drawn[u] {
			u = j
		}
		drawn[u] = true
	}
	units := make([]int, 0, most)
	for u := range drawn {
		units = append(units, u)
	}
	slices.Sort(units)
	return units
}

// Features holds the outputs of some units after a ReLU for a sequence of
// images (or other inputs). A unit of a convolutional layer is one channel at
// one pixel.
type Features[T float32 | float64] struct {
	units  int
	images int
	values [][]T // for each unit, an entry per image
}

// NewFeatures makes room for the features of so many images; more may be added.
func NewFeatures[T float32 | float64](units, images int) *Features[T] {
	f := &Features[T]{units: units, values: make([][]T, units)}
	for u := range f.values {
		f.values[u] = make([]T, 0, images)
	}
	return f
}

// Add appends the features of a mini-batch: rows of one image each, the units in
// order.
func (f *Features[T]) Add(rows []T) error {
	if f.units == 0 || len(rows)%f.units != 0 {
		return fmt.Errorf("%d features: want rows of %d units", len(rows), f.units)
	}
	images := len(rows) / f.units
	for u := range f.values {
		column := f.values[u]
		for i := range images {
			column = append(column, rows[i*f.units+u])
		}
		f.values[u] = column
	}
	f.images += images
	return nil
}

// NormalizeRows scales the features of each image to unit length, as is done
// for fully connected nets; images without active units stay as they are.
func (f *Features[T]) NormalizeRows() {
	for i := range f.images {
		square := 0.0
		for _, column := range f.values {
			square += float64(column[i]) * float64(column[i])
		}
		if square == 0 {
			continue
		}
		norm := math.Sqrt(square)
		for _, column := range f.values {
			column[i] = T(float64(column[i]) / norm)
		}
	}
}

// Sparsity is what Features.Sparsity measures.
type Sparsity struct {
	Active     float64 // fraction of positive entries
	Distinct   float64 // the same with the entries of duplicates set to zero
	Dead       int     // units that are never active
	Duplicates int     // units dropped because a later one is correlated with them
}

// Sparsity counts the positive entries with and without duplicates: a unit is
// dropped if it is never active, or if a later unit has a Pearson correlation
// with it above the threshold in absolute value, so that the last of a group of
// duplicates stays. A unit that is constant or holds a NaN is correlated with
// none. Without entries the fractions are NaN.
//
// The paper goes through the units in order and compares each with those that
// remain. That is the same: an earlier unit that remained is correlated with no
// later one.
func (f *Features[T]) Sparsity(threshold float64) Sparsity {
	positive := make([]int, f.units)
	var alive []int
	for u, column := range f.values {
		for _, v := range column {
			if v > 0 {
				positive[u]++
			}
		}
		if positive[u] > 0 {
			alive = append(alive, u)
		}
	}
	s := Sparsity{Dead: f.units - len(alive)}
	duplicate := f.duplicates(alive, threshold)
	total, kept := 0, 0
	for _, u := range alive {
		total += positive[u]
		if duplicate[u] {
			s.Duplicates++
		} else {
			kept += positive[u]
		}
	}
	entries := float64(f.units) * float64(f.images)
	s.Active, s.Distinct = float64(total)/entries, float64(kept)/entries
	return s
}
