package main

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A transform writes a function that computes L X Lᵀ on as many X at once as a
// vector holds. See transform in package conv.
type transform struct {
	*build.Context
	matrix[*value]
	set    string
	vector int // floats
	kept   int // rows of L X that stay in registers; the others go through memory

	t         gotypes.Component
	offset    reg.GPVirtual // of the current vector, in bytes
	constants map[float64]reg.VecVirtual
}

// A value is a vector that is loaded or computed when it is first needed.
type value struct {
	make     func() reg.VecVirtual
	register reg.VecVirtual
}

func (v *value) get() reg.VecVirtual {
	if v.register == nil {
		v.register = v.make()
	}
	return v.register
}

// winograd writes the transforms. With AVX-512 there are registers for constants and for
// most of what lies between the two products.
func winograd(c *build.Context, set string, vector int) {
	for i, m := range matrices[*value]() {
		w := &transform{Context: c, matrix: m, set: set, vector: vector}
		if vector == 16 {
			w.kept = rowsKept[m.name]
			w.constants = map[float64]reg.VecVirtual{}
			for _, f := range constantsOf(matrices[int]()[i]) {
				w.constants[f] = nil
			}
		}
		w.write()
	}
}

// rowsKept is as many as the registers hold.
var rowsKept = map[string]int{
	"dataTransform": 4, "filterTransform": 6, "resultTransform": 4, "resultTransformAdd": 4,
	"slopeTransform": 6, "sumTransform": 3, "sumTransformAdd": 3,
	"phaseDataTransform": 5, "phaseFilterTransform": 5, "phaseResultTransform": 4, "phaseResultTransformAdd": 4,
	"phaseSlopeTransform": 5, "phaseSumTransform": 2, "phaseSumTransformAdd": 2,
}

func (w *transform) write() {
	w.Function(w.name + w.set)
	w.Attributes(attr.NOSPLIT)
	w.Signature(takes("t", "transform", "transform.go"))
	w.Doc(w.description(w.set, w.vector))
	w.t = w.Dereference(w.Param("t"))
	n := w.GP64()
	w.Load(w.t.Field("n"), n)
	w.offset = w.GP64()
	w.XORQ(w.offset, w.offset)
	w.SHLQ(U8(2), n)
	w.JZ(LabelRef("done"))
	for _, f := range slices.Sorted(maps.Keys(w.constants)) {
		w.constants[f] = w.load(func() Mem { return w.inMemory(f) }).get()
	}

	w.Label("loop")
	for i, row := range w.between() {
		w.storeRow(i, row)
	}
	w.ADDQ(U8(4*w.vector), w.offset)
	w.CMPQ(w.offset, n)
	w.JL(LabelRef("loop"))
	w.Label("done")
	w.VZEROUPPER()
	w.RET()
}

// between computes L X, by rows.
func (w *transform) between() [][]*value {
	rows := make([][]*value, w.out)
	for j := range w.in {
		var x []*value
		for i := range w.in {
			x = append(x, w.load(w.pointer("src", i*w.in+j)))
		}
		for i, v := range w.apply(w, x) {
			r := v.get()
			if i >= w.kept {
				w.VMOVUPS(r, w.place(i, j))
				v = w.load(func() Mem { return w.place(i, j) })
			}
			rows[i] = append(rows[i], v)
		}
	}
	return rows
}

// storeRow computes row i of L X Lᵀ of that of L X.
func (w *transform) storeRow(i int, row []*value) {
	for j, v := range w.apply(w, row) {
		at := w.pointer("dst", i*w.out+j)
		if w.add {
			v = w.plus(v, w.load(at))
		}
		w.VMOVUPS(v.get(), at())
	}
}

// place is where element (i, j) of L X is kept in memory.
func (w *transform) place(i, j int) Mem {
	a, err := w.t.Field("between").Index(16 * (i*w.in + j)).Resolve()
	if err != nil {
		panic(err)
	}
	return a.Addr
}

// pointer gives the current vector of slice i in one of t's fields.
func (w *transform) pointer(field string, i int) func() Mem {
	var p reg.GPVirtual
	return func() Mem {
		if p == nil {
			p = w.GP64()
			w.Load(w.t.Field(field).Index(i).Base(), p)
		}
		return Mem{Base: p, Index: w.offset, Scale: 1}
	}
}

func (w *transform) register() reg.VecVirtual {
	if w.vector == 16 {
		return w.ZMM()
	}
	return w.YMM()
}

func (w *transform) load(m func() Mem) *value {
	return &value{make: func() reg.VecVirtual {
		r := w.register()
		w.VMOVUPS(m(), r)
		return r
	}}
}

var inMemory = map[float64]Mem{}

// inMemory returns a vector of equal floats.
func (w *transform) inMemory(v float64) Mem {
	if m, ok := inMemory[v]; ok {
		return m
	}
	m := w.StaticGlobal(fmt.Sprintf("constant%d", len(inMemory)))
	w.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range w.vector {
		w.AddDatum(4*i, U32(math.Float32bits(float32(v))))
	}
	inMemory[v] = m
	return m
}

// constant returns a vector of equal floats, in a register if it has one.
func (w *transform) constant(v float64) Op {
	if r, ok := w.constants[v]; ok {
		return r
	}
	return w.inMemory(v)
}

// A recorder is an arithmetic that notes the constants it meets.
type recorder struct{ constants []float64 }

func (*recorder) plus(_, _ int) int                       { return 0 }
func (*recorder) minus(_, _ int) int                      { return 0 }
func (r *recorder) times(f float64, _ int) int            { r.constants = append(r.constants, f); return 0 }
func (r *recorder) plusTimes(_ int, f float64, _ int) int { return r.times(math.Abs(f), 0) }

// constantsOf lists the constants of a matrix; factors of sums without their signs.
func constantsOf(m matrix[int]) []float64 {
	var r recorder
	m.apply(&r, make([]int, m.in))
	return r.constants
}

func (w *transform) plus(a, b *value) *value {
	return w.of(a, b, func(a, b, r reg.VecVirtual) { w.VADDPS(b, a, r) })
}

func (w *transform) minus(a, b *value) *value {
	return w.of(a, b, func(a, b, r reg.VecVirtual) { w.VSUBPS(b, a, r) })
}

func (w *transform) times(f float64, a *value) *value {
	return w.of(a, a, func(a, _, r reg.VecVirtual) { w.VMULPS(w.constant(f), a, r) })
}

// plusTimes returns a + f b.
func (w *transform) plusTimes(a *value, f float64, b *value) *value {
	return w.of(a, b, func(a, b, r reg.VecVirtual) {
		w.VMOVAPS(a, r)
		if f < 0 {
			w.VFNMADD231PS(w.constant(-f), b, r)
		} else {
			w.VFMADD231PS(w.constant(f), b, r)
		}
	})
}

// of returns what an instruction makes of a and b.
func (w *transform) of(a, b *value, write func(a, b, r reg.VecVirtual)) *value {
	return &value{make: func() reg.VecVirtual {
		a, b, r := a.get(), b.get(), w.register()
		write(a, b, r)
		return r
	}}
}
