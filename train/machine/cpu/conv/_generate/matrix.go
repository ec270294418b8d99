package main

import "fmt"

// A matrix is one of the small constant ones, L, of F(4×4, 3×3) and F(4×4, 2×2), with
// which L X Lᵀ is computed; they are written out in package conv's transform.go.
// Values of V are vectors, one element of many X.
type matrix[V any] struct {
	name  string
	doc   string
	in    int // size of X
	out   int // size of L X Lᵀ
	add   bool
	apply func(w arithmetic[V], x []V) []V // L x
}

// An arithmetic writes instructions on vectors.
type arithmetic[V any] interface {
	plus(a, b V) V
	minus(a, b V) V
	times(f float64, a V) V
	plusTimes(a V, f float64, b V) V // a + f b
}

func matrices[V any]() []matrix[V] {
	return []matrix[V]{
		{name: "dataTransform", doc: "Bᵀ X B", in: 6, out: 6, apply: data[V]},
		{name: "filterTransform", doc: "G X Gᵀ", in: 3, out: 6, apply: filter[V]},
		{name: "resultTransform", doc: "Aᵀ X A", in: 6, out: 4, apply: result[V]},
		{name: "resultTransformAdd", doc: "Aᵀ X A, added to what is there", in: 6, out: 4, apply: result[V], add: true},
		{name: "slopeTransform", doc: "A X Aᵀ", in: 4, out: 6, apply: slope[V]},
		{name: "sumTransform", doc: "Gᵀ X G", in: 6, out: 3, apply: sum[V]},
		{name: "sumTransformAdd", doc: "Gᵀ X G, added to what is there", in: 6, out: 3, apply: sum[V], add: true},
		{name: "phaseDataTransform", doc: "Bᵀ X B of F(4×4, 2×2)", in: 5, out: 5, apply: phaseData[V]},
		{name: "phaseFilterTransform", doc: "G X Gᵀ of F(4×4, 2×2)", in: 2, out: 5, apply: phaseFilter[V]},
		{name: "phaseResultTransform", doc: "Aᵀ X A of F(4×4, 2×2)", in: 5, out: 4, apply: phaseResult[V]},
		{name: "phaseResultTransformAdd", doc: "Aᵀ X A of F(4×4, 2×2), added to what is there", in: 5, out: 4, apply: phaseResult[V], add: true},
		{name: "phaseSlopeTransform", doc: "A X Aᵀ of F(4×4, 2×2)", in: 4, out: 5, apply: phaseSlope[V]},
		{name: "phaseSumTransform", doc: "Gᵀ X G of F(4×4, 2×2)", in: 5, out: 2, apply: phaseSum[V]},
		{name: "phaseSumTransformAdd", doc: "Gᵀ X G of F(4×4, 2×2), added to what is there", in: 5, out: 2, apply: phaseSum[V], add: true},
	}
}

func (m *matrix[V]) description(set string, vector int) string {
	return fmt.Sprintf("%s%s computes %s for t.n floats, a multiple of %d.", m.name, set, m.doc, vector)
}

// data is Bᵀ x.
func data[V any](w arithmetic[V], x []V) []V {
	even4 := w.plusTimes(x[4], -4, x[2])
	odd4 := w.plusTimes(x[3], -4, x[1])
	even1 := w.minus(x[4], x[2])
	odd1 := w.minus(x[3], x[1])
	return []V{
		w.plusTimes(w.plusTimes(x[4], -5, x[2]), 4, x[0]),
		w.plus(even4, odd4),
		w.minus(even4, odd4),
		w.plusTimes(even1, 2, odd1),
		w.plusTimes(even1, -2, odd1),
		w.plusTimes(w.plusTimes(x[5], -5, x[3]), 4, x[1]),
	}
}

// filter is G x.
func filter[V any](w arithmetic[V], x []V) []V {
	outer := w.times(-1./6, w.plus(x[0], x[2]))
	weighted := w.plusTimes(w.times(1./24, x[0]), 1./6, x[2])
	return []V{
		w.times(1./4, x[0]),
		w.plusTimes(outer, -1./6, x[1]),
		w.plusTimes(outer, 1./6, x[1]),
		w.plusTimes(weighted, 1./12, x[1]),
		w.plusTimes(weighted, -1./12, x[1]),
		x[2],
	}
}

// result is Aᵀ x.
func result[V any](w arithmetic[V], x []V) []V {
	sum1, difference1 := w.plus(x[1], x[2]), w.minus(x[1], x[2])
	sum2, difference2 := w.plus(x[3], x[4]), w.minus(x[3], x[4])
	return []V{
		w.plus(w.plus(x[0], sum1), sum2),
		w.plusTimes(difference1, 2, difference2),
		w.plusTimes(sum1, 4, sum2),
		w.plus(w.plusTimes(difference1, 8, difference2), x[5]),
	}
}

// slope is A x.
func slope[V any](w arithmetic[V], x []V) []V {
	even1, odd1 := w.plus(x[0], x[2]), w.plus(x[1], x[3])
	even2, odd2 := w.plusTimes(x[0], 4, x[2]), w.plusTimes(x[1], 4, x[3])
	return []V{
		x[0],
		w.plus(even1, odd1),
		w.minus(even1, odd1),
		w.plusTimes(even2, 2, odd2),
		w.plusTimes(even2, -2, odd2),
		x[3],
	}
}

// sum is Gᵀ x.
func sum[V any](w arithmetic[V], x []V) []V {
	sum1, difference1 := w.plus(x[1], x[2]), w.minus(x[2], x[1])
	sum2, difference2 := w.plus(x[3], x[4]), w.minus(x[3], x[4])
	return []V{
		w.plusTimes(w.plusTimes(w.times(1./4, x[0]), -1./6, sum1), 1./24, sum2),
		w.plusTimes(w.times(1./6, difference1), 1./12, difference2),
		w.plusTimes(w.plusTimes(x[5], -1./6, sum1), 1./6, sum2),
	}
}

// phaseData is Bᵀ x of F(4×4, 2×2).
func phaseData[V any](w arithmetic[V], x []V) []V {
	difference := w.minus(x[3], x[1])
	outer := w.plusTimes(difference, -2, x[2])
	return []V{
		w.plusTimes(outer, 2, x[0]),
		w.plusTimes(w.minus(x[3], x[2]), -2, x[1]),
		w.plusTimes(w.plusTimes(x[3], -3, x[2]), 2, x[1]),
		difference,
		w.plusTimes(w.minus(x[4], x[2]), -2, difference),
	}
}

// phaseFilter is G x of F(4×4, 2×2).
func phaseFilter[V any](w arithmetic[V], x []V) []V {
	return []V{
		w.times(1./2, x[0]),
		w.times(-1./2, w.plus(x[0], x[1])),
		w.times(1./6, w.minus(x[1], x[0])),
		w.plusTimes(w.times(1./6, x[0]), 1./3, x[1]),
		x[1],
	}
}

// phaseResult is Aᵀ x of F(4×4, 2×2).
func phaseResult[V any](w arithmetic[V], x []V) []V {
	sum, difference := w.plus(x[1], x[2]), w.minus(x[1], x[2])
	return []V{
		w.plus(w.plus(x[0], sum), x[3]),
		w.plusTimes(difference, 2, x[3]),
		w.plusTimes(sum, 4, x[3]),
		w.plusTimes(w.plus(difference, x[4]), 8, x[3]),
	}
}

// phaseSlope is A x of F(4×4, 2×2).
func phaseSlope[V any](w arithmetic[V], x []V) []V {
	even, odd := w.plus(x[0], x[2]), w.plus(x[1], x[3])
	return []V{
		x[0],
		w.plus(even, odd),
		w.minus(even, odd),
		w.plusTimes(w.plusTimes(w.plusTimes(x[0], 2, x[1]), 4, x[2]), 8, x[3]),
		x[3],
	}
}

// phaseSum is Gᵀ x of F(4×4, 2×2).
func phaseSum[V any](w arithmetic[V], x []V) []V {
	last := w.plusTimes(w.times(-1./2, x[1]), 1./6, w.minus(x[3], x[2]))
	return []V{
		w.plusTimes(last, 1./2, x[0]),
		w.plus(w.plusTimes(w.plusTimes(w.times(-1./2, x[1]), 1./6, x[2]), 1./3, x[3]), x[4]),
	}
}
