package main

import (
	"fmt"
	"slices"
	"strings"

	"largestep/train/machine/cpu/_arm64"
)

// A neonTransform writes what a transform does, in vectors of four floats. Its
// values are numbered as they arise; they get registers once all uses are known.
// R0 points to the transform, R1 and R2 hold the bytes in all and done, R3
// addresses.
type neonTransform struct {
	*arm64.Assembly
	matrix[int]
	values    int
	pending   []neonOperation
	constants []float64 // in the last registers
}

// A neonOperation makes value to of two others and a constant, or moves one.
type neonOperation struct {
	kind     string // load, store, plus, minus, times or plusTimes
	to, a, b int    // none for those not used
	f        float64
	place    string // of load and store
}

const none = -1

func neonWinograd(a *arm64.Assembly) {
	for _, m := range matrices[int]() {
		(&neonTransform{Assembly: a, matrix: m}).write()
	}
}

func (w *neonTransform) write() {
	w.Function(w.name+"NEON", w.description("NEON", 4), takes("t", "transform", "transform.go"))
	w.Load(w.Parameter("t"), 0)
	columns, rows := w.columns(), w.rows()
	w.Do("MOVD transform_n(R0), R1")
	w.Do("LSL $2, R1, R1")
	w.Do("MOVD $0, R2")
	w.Do("CBZ R1, done")
	for i, f := range w.constants {
		w.Fill(31-i, f, 3)
	}
	w.Label("loop")
	w.emit(columns)
	w.emit(rows)
	w.Do("ADD $16, R2, R2")
	w.Do("CMP R1, R2")
	w.Do("BLT loop")
	w.Label("done")
	w.Do("RET")
}

// columns is L X, column by column.
func (w *neonTransform) columns() []neonOperation {
	for j := range w.in {
		var x []int
		for i := range w.in {
			x = append(x, w.load(pointer("src", i*w.in+j)))
		}
		for i, v := range w.apply(w, x) {
			w.store(v, w.between(i, j))
		}
	}
	return w.take()
}

// rows is (L X) Lᵀ, row by row.
func (w *neonTransform) rows() []neonOperation {
	for i := range w.out {
		var x []int
		for j := range w.in {
			x = append(x, w.load(w.between(i, j)))
		}
		for j, v := range w.apply(w, x) {
			if w.add {
				v = w.plus(v, w.load(pointer("dst", i*w.out+j)))
			}
			w.store(v, pointer("dst", i*w.out+j))
		}
	}
	return w.take()
}

// between is where element (i, j) of L X is kept.
func (w *neonTransform) between(i, j int) string {
	return fmt.Sprintf("transform_between+%d(R0)", 4*16*(i*w.in+j))
}

// pointer is where slice i of a field begins.
func pointer(field string, i int) string { return fmt.Sprintf("transform_%s+%d(R0)", field, 24*i) }

func (w *neonTransform) take() []neonOperation {
	list := w.pending
	w.pending = nil
	return list
}

func (w *neonTransform) make(o neonOperation) int {
	o.to = w.values
	w.values++
	w.pending = append(w.pending, o)
	return o.to
}

func (w *neonTransform) load(place string) int {
	return w.make(neonOperation{kind: "load", a: none, b: none, place: place})
}

func (w *neonTransform) store(v int, place string) {
	w.pending = append(w.pending, neonOperation{kind: "store", to: none, a: v, b: none, place: place})
}

func (w *neonTransform) plus(a, b int) int {
	return w.make(neonOperation{kind: "plus", a: a, b: b})
}

func (w *neonTransform) minus(a, b int) int {
	return w.make(neonOperation{kind: "minus", a: a, b: b})
}

func (w *neonTransform) times(f float64, a int) int {
	return w.make(neonOperation{kind: "times", a: a, b: none, f: w.constant(f)})
}

func (w *neonTransform) plusTimes(a int, f float64, b int) int {
	return w.make(neonOperation{kind: "plusTimes", a: a, b: b, f: w.constant(f)})
}

func (w *neonTransform) constant(f float64) float64 {
	if !slices.Contains(w.constants, f) {
		w.constants = append(w.constants, f)
	}
	return f
}

// emit writes the operations with a register for each value until its last use.
func (w *neonTransform) emit(list []neonOperation) {
	last, register := map[int]int{}, map[int]int{}
	for i, o := range list {
		last[o.a], last[o.b] = i, i
	}
	var free []int
	for v := 31 - len(w.constants); v >= 0; v-- {
		free = append(free, v)
	}
	for i, o := range list {
		overA := o.kind == "plusTimes" && last[o.a] == i && o.a != o.b
		if o.to != none {
			if overA {
				register[o.to] = register[o.a]
			} else {
				register[o.to], free = free[len(free)-1], free[:len(free)-1]
			}
		}
		w.operation(o, register, overA)
		for _, v := range []int{o.a, o.b} {
			if v != none && last[v] == i && !(overA && v == o.a) {
				free = append(free, register[v])
				last[v] = none
			}
		}
	}
}

// operation writes o; overA says that its result takes a's register.
func (w *neonTransform) operation(o neonOperation, register map[int]int, overA bool) {
	to, a, b, f := register[o.to], register[o.a], register[o.b], 31-slices.Index(w.constants, o.f)
	slice := !strings.HasPrefix(o.place, "transform_between")
	if o.place != "" && slice {
		w.Do("MOVD %s, R3", o.place)
		w.Do("ADD R2, R3, R3")
		o.place = "(R3)"
	}
	switch o.kind {
	case "load":
		w.Do("FMOVQ %s, F%d", o.place, to)
	case "store":
		w.Do("FMOVQ F%d, %s", a, o.place)
	case "plus":
		w.Fadd(to, a, b)
	case "minus":
		w.Fsub(to, a, b)
	case "times":
		w.Fmul(to, a, f)
	case "plusTimes":
		if !overA {
			w.Do("VMOV V%d.B16, V%d.B16", a, to)
		}
		w.Fmla(to, b, f)
	}
}
