package cpu

import (
	"largestep/nets/op"
	"largestep/train/machine/cpu/bfloat"
	"largestep/train/machine/cpu/pass"
)

// matrix views an activation's elements, or a row-major matrix's, in the engine's
// layout; no memory if nobody wants it.
func matrix(t op.Tensor) pass.Matrix {
	if short, ok := t.Data.([]bfloat.Number); ok {
		return pass.Matrix{Short: short}
	}
	return pass.Matrix{Floats: f32(t), Rows: rows(t.Spec)}
}

// numbers are an activation's elements in bfloat16.
func numbers(t op.Tensor) []bfloat.Number { return t.Data.([]bfloat.Number) }

// A widening gives activations to a kernel that has no other way than float32: as they
// are or, in bfloat16, as copies, of which store rounds the results.
type widening struct {
	e       *Engine
	dense   bool // copies of what has gaps, too
	results []widened
}

type widened struct {
	matrix pass.Matrix
	floats []float32
}

// widen begins one; there is one at a time.
func (e *Engine) widen() *widening {
	e.used = 0
	return &widening{e: e}
}

// dense is widen for a kernel that knows no gaps between rows.
func (e *Engine) dense() *widening {
	w := e.widen()
	w.dense = true
	return w
}

// rows tells how the rows of t's pixels lie in what in and out return.
func (w *widening) rows(t op.Tensor) pass.Rows {
	m := matrix(t)
	if w.copies(m) {
		return pass.Rows{}
	}
	return m.Rows
}

func (w *widening) copies(m pass.Matrix) bool {
	return m.Short != nil || w.dense && m.Floats != nil && m.Rows != pass.Rows{}
}

// in returns an operand, nil if there is none.
func (w *widening) in(t op.Tensor) []float32 {
	m := matrix(t)
	if !w.copies(m) {
		return m.Floats
	}
	x := w.e.memory(t.Len())
	m.Load(w.e.threads, x)
	return x
}

// out returns where a result is written to, nil if nobody wants it.
func (w *widening) out(t op.Tensor) []float32 {
	m := matrix(t)
	if !w.copies(m) {
		return m.Floats
	}
	r := widened{m, w.e.memory(t.Len())}
	w.results = append(w.results, r)
	return r.floats
}

// outOr is out, with memory like x for a result that nobody wants.
func (w *widening) outOr(t, x op.Tensor) []float32 {
	if t.Wanted() {
		return w.out(t)
	}
	return w.e.memory(w.e.elements(x.Spec))
}

// store rounds what was written to copies, or puts its rows apart.
func (w *widening) store() {
	for _, r := range w.results {
		r.matrix.Store(w.e.threads, r.floats)
	}
}

// memory returns n floats until the next widening begins.
func (e *Engine) memory(n int) []float32 {
	if e.used == len(e.spare) {
		e.spare = append(e.spare, nil)
	}
	s := &e.spare[e.used]
	e.used++
	if len(*s) < n {
		*s = make([]float32, n)
	}
	return (*s)[:n]
}
