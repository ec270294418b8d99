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
	return pass.Floats(f32(t))
}

// numbers are an activation's elements in bfloat16.
func numbers(t op.Tensor) []bfloat.Number { return t.Data.([]bfloat.Number) }

// A widening gives activations to a kernel that has no other way than float32: as they
// are or, in bfloat16, as copies, of which store rounds the results.
type widening struct {
	e       *Engine
	results []widened
}

type widened struct {
	short  []bfloat.Number
	floats []float32
}

// widen begins one; there is one at a time.
func (e *Engine) widen() *widening {
	e.used = 0
	return &widening{e: e}
}

// in returns an operand, nil if there is none.
func (w *widening) in(t op.Tensor) []float32 {
	short, ok := t.Data.([]bfloat.Number)
	if !ok {
		return f32(t)
	}
	x := w.e.memory(len(short))
	pass.Widen(w.e.threads, x, short)
	return x
}

// out returns where a result is written to, nil if nobody wants it.
func (w *widening) out(t op.Tensor) []float32 {
	short, ok := t.Data.([]bfloat.Number)
	if !ok {
		return f32(t)
	}
	r := widened{short, w.e.memory(len(short))}
	w.results = append(w.results, r)
	return r.floats
}

// outOr is out, with memory like x for a result that nobody wants.
func (w *widening) outOr(t, x op.Tensor) []float32 {
	if t.Wanted() {
		return w.out(t)
	}
	return w.e.memory(x.Len())
}

// store rounds what was written to out.
func (w *widening) store() {
	for _, r := range w.results {
		pass.Round(w.e.threads, r.short, r.floats)
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
