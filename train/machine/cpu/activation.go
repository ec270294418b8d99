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
	m := pass.Floats(f32(t))
	if interleaved(t.Spec) {
		m.Rows = rows(t.Spec)
	}
	return m
}

// numbers are an activation's elements in bfloat16.
func numbers(t op.Tensor) []bfloat.Number { return t.Data.([]bfloat.Number) }

// Plain gives activations to a kernel that knows nothing but float32 without gaps: as they
// are or as copies, of which store copies the results back.
type plain struct {
	e       *Engine
	gaps    bool // the kernel knows them
	results []copied
}

type copied struct {
	matrix pass.Matrix
	floats []float32
}

// plain begins one; there is one at a time.
func (e *Engine) plain() *plain {
	e.used = 0
	return &plain{e: e}
}

// withGaps is plain for a kernel that knows gaps.
func (e *Engine) withGaps() *plain {
	w := e.plain()
	w.gaps = true
	return w
}

// asIs returns the elements of m where they need no copy, or none.
func (w *plain) asIs(m pass.Matrix) ([]float32, bool) {
	return m.Floats, m.Short == nil && (m.Floats == nil || w.gaps || m.Pitch == m.Len)
}

// in returns an operand, nil if there is none.
func (w *plain) in(t op.Tensor) []float32 {
	m := matrix(t)
	x, ok := w.asIs(m)
	if ok {
		return x
	}
	x = w.e.memory(t.Len())
	if m.Short != nil {
		pass.Widen(w.e.threads, x, m.Short)
	} else {
		m.Join(w.e.threads, x, m.Floats)
	}
	return x
}

// out returns where a result is written to, nil if nobody wants it.
func (w *plain) out(t op.Tensor) []float32 {
	m := matrix(t)
	x, ok := w.asIs(m)
	if ok {
		return x
	}
	r := copied{m, w.e.memory(t.Len())}
	w.results = append(w.results, r)
	return r.floats
}

// outOr is out, with memory like x for a result that nobody wants.
func (w *plain) outOr(t, x op.Tensor) []float32 {
	if t.Wanted() {
		return w.out(t)
	}
	return w.e.memory(x.Len())
}

// store rounds what was written to out, or puts its rows apart.
func (w *plain) store() {
	for _, r := range w.results {
		if r.matrix.Short != nil {
			pass.Round(w.e.threads, r.matrix.Short, r.floats)
		} else {
			r.matrix.Part(w.e.threads, r.matrix.Floats, r.floats)
		}
	}
}

// memory returns n floats until the next plain begins.
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
