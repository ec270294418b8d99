package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A transform writes a function that computes L X Lᵀ for a small constant matrix
// L, on as many X at once as a vector holds. See transform in package conv.
type transform struct {
	*build.Context
	name   string
	doc    string
	in     int // size of X
	out    int // size of L X Lᵀ
	add    bool
	vector int // floats
	apply  func(w *transform, x []reg.VecVirtual) []reg.VecVirtual

	t      gotypes.Component
	offset reg.GPVirtual // of the current vector, in bytes
}

// winograd writes the five transforms of F(4×4, 3×3); their matrices are in
// package conv's transform.go.
func winograd(c *build.Context, set string, vector int) {
	for _, w := range []*transform{
		{name: "dataTransform", doc: "Bᵀ X B", in: 6, out: 6, apply: (*transform).data},
		{name: "filterTransform", doc: "G X Gᵀ", in: 3, out: 6, apply: (*transform).filter},
		{name: "resultTransform", doc: "Aᵀ X A", in: 6, out: 4, apply: (*transform).result},
		{name: "resultTransformAdd", doc: "Aᵀ X A, added to what is there", in: 6, out: 4, apply: (*transform).result, add: true},
		{name: "slopeTransform", doc: "A X Aᵀ", in: 4, out: 6, apply: (*transform).slope},
		{name: "sumTransform", doc: "Gᵀ X G", in: 6, out: 3, apply: (*transform).sum},
	} {
		w.Context, w.vector = c, vector
		w.name += set
		w.write()
	}
}

func (w *transform) write() {
	w.Function(w.name)
	w.Attributes(attr.NOSPLIT)
	w.Signature(takes("t", "transform.go", "transform"))
	w.Doc(fmt.Sprintf("%s computes %s for t.n floats, a multiple of %d.", w.name, w.doc, w.vector))
	w.t = w.Dereference(w.Param("t"))
	n := w.GP64()
	w.Load(w.t.Field("n"), n)
	w.offset = w.GP64()
	w.XORQ(w.offset, w.offset)
	w.SHLQ(U8(2), n)
	w.JZ(LabelRef("done"))

	w.Label("loop")
	for j := range w.in { // columns of X
		var x []reg.VecVirtual
		for i := range w.in {
			x = append(x, w.load(w.pointer("src", i*w.in+j)))
		}
		for i, v := range w.apply(w, x) {
			w.VMOVUPS(v, w.between(i, j))
		}
	}
	for i := range w.out { // rows of L X
		var x []reg.VecVirtual
		for j := range w.in {
			x = append(x, w.load(w.between(i, j)))
		}
		for j, v := range w.apply(w, x) {
			m := w.pointer("dst", i*w.out+j)
			if w.add {
				w.VADDPS(m, v, v)
			}
			w.VMOVUPS(v, m)
		}
	}
	w.ADDQ(U8(4*w.vector), w.offset)
	w.CMPQ(w.offset, n)
	w.JL(LabelRef("loop"))
	w.Label("done")
	w.VZEROUPPER()
	w.RET()
}

// between is where element (i, j) of L X is kept.
func (w *transform) between(i, j int) Mem {
	a, err := w.t.Field("between").Index(16 * (i*w.in + j)).Resolve()
	if err != nil {
		panic(err)
	}
	return a.Addr
}

// pointer returns the current vector of slice i in one of t's fields.
func (w *transform) pointer(field string, i int) Mem {
	p := w.GP64()
	w.Load(w.t.Field(field).Index(i).Base(), p)
	return Mem{Base: p, Index: w.offset, Scale: 1}
}

func (w *transform) register() reg.VecVirtual {
	if w.vector == 16 {
		return w.ZMM()
	}
	return w.YMM()
}

func (w *transform) load(m Mem) reg.VecVirtual {
	r := w.register()
	w.VMOVUPS(m, r)
	return r
}

var constants = map[float64]Mem{}

// constant returns a vector of equal floats.
func (w *transform) constant(v float64) Mem {
	if m, ok := constants[v]; ok {
		return m
	}
	m := w.StaticGlobal(fmt.Sprintf("constant%d", len(constants)))
	w.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range w.vector {
		w.AddDatum(4*i, U32(math.Float32bits(float32(v))))
	}
	constants[v] = m
	return m
}

func (w *transform) plus(a, b reg.VecVirtual) reg.VecVirtual {
	r := w.register()
	w.VADDPS(b, a, r)
	return r
}

func (w *transform) minus(a, b reg.VecVirtual) reg.VecVirtual {
	r := w.register()
	w.VSUBPS(b, a, r)
	return r
}

func (w *transform) times(f float64, a reg.VecVirtual) reg.VecVirtual {
	r := w.register()
	w.VMULPS(w.constant(f), a, r)
	return r
}

// plusTimes returns a + f b.
func (w *transform) plusTimes(a reg.VecVirtual, f float64, b reg.VecVirtual) reg.VecVirtual {
	r := w.register()
	w.VMOVAPS(a, r)
	w.VFMADD231PS(w.constant(f), b, r)
	return r
}

// data is Bᵀ x.
func (w *transform) data(x []reg.VecVirtual) []reg.VecVirtual {
	even4 := w.plusTimes(x[4], -4, x[2])
	odd4 := w.plusTimes(x[3], -4, x[1])
	even1 := w.minus(x[4], x[2])
	odd1 := w.minus(x[3], x[1])
	return []reg.VecVirtual{
		w.plusTimes(w.plusTimes(x[4], -5, x[2]), 4, x[0]),
		w.plus(even4, odd4),
		w.minus(even4, odd4),
		w.plusTimes(even1, 2, odd1),
		w.plusTimes(even1, -2, odd1),
		w.plusTimes(w.plusTimes(x[5], -5, x[3]), 4, x[1]),
	}
}

// filter is G x.
func (w *transform) filter(x []reg.VecVirtual) []reg.VecVirtual {
	outer := w.times(-1./6, w.plus(x[0], x[2]))
	weighted := w.plusTimes(w.times(1./24, x[0]), 1./6, x[2])
	return []reg.VecVirtual{
		w.times(1./4, x[0]),
		w.plusTimes(outer, -1./6, x[1]),
		w.plusTimes(outer, 1./6, x[1]),
		w.plusTimes(weighted, 1./12, x[1]),
		w.plusTimes(weighted, -1./12, x[1]),
		x[2],
	}
}

// result is Aᵀ x.
func (w *transform) result(x []reg.VecVirtual) []reg.VecVirtual {
	sum1, difference1 := w.plus(x[1], x[2]), w.minus(x[1], x[2])
	sum2, difference2 := w.plus(x[3], x[4]), w.minus(x[3], x[4])
	return []reg.VecVirtual{
		w.plus(w.plus(x[0], sum1), sum2),
		w.plusTimes(difference1, 2, difference2),
		w.plusTimes(sum1, 4, sum2),
		w.plus(w.plusTimes(difference1, 8, difference2), x[5]),
	}
}

// slope is A x.
func (w *transform) slope(x []reg.VecVirtual) []reg.VecVirtual {
	even1, odd1 := w.plus(x[0], x[2]), w.plus(x[1], x[3])
	even2, odd2 := w.plusTimes(x[0], 4, x[2]), w.plusTimes(x[1], 4, x[3])
	return []reg.VecVirtual{
		x[0],
		w.plus(even1, odd1),
		w.minus(even1, odd1),
		w.plusTimes(even2, 2, odd2),
		w.plusTimes(even2, -2, odd2),
		x[3],
	}
}

// sum is Gᵀ x.
func (w *transform) sum(x []reg.VecVirtual) []reg.VecVirtual {
	sum1, difference1 := w.plus(x[1], x[2]), w.minus(x[2], x[1])
	sum2, difference2 := w.plus(x[3], x[4]), w.minus(x[3], x[4])
	return []reg.VecVirtual{
		w.plusTimes(w.plusTimes(w.times(1./4, x[0]), -1./6, sum1), 1./24, sum2),
		w.plusTimes(w.times(1./6, difference1), 1./12, difference2),
		w.plusTimes(w.plusTimes(x[5], -1./6, sum1), 1./6, sum2),
	}
}
