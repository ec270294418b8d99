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

// A transform writes a function that computes L X Lᵀ on as many X at once as a
// vector holds. See transform in package conv.
type transform struct {
	*build.Context
	matrix[reg.VecVirtual]
	set    string
	vector int // floats

	t      gotypes.Component
	offset reg.GPVirtual // of the current vector, in bytes
}

// winograd writes the transforms of F(4×4, 3×3).
func winograd(c *build.Context, set string, vector int) {
	for _, m := range matrices[reg.VecVirtual]() {
		(&transform{Context: c, matrix: m, set: set, vector: vector}).write()
	}
}

func (w *transform) write() {
	w.Function(w.name + w.set)
	w.Attributes(attr.NOSPLIT)
	w.Signature(takes("t", "transform.go", "transform"))
	w.Doc(w.description(w.set, w.vector))
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
