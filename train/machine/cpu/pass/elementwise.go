package pass

import (
	"sync"

	"largestep/train/machine/cpu/pool"
)

// chunk is the length of an elementwise task: 64 KiB, some microseconds.
const chunk = 16 << 10

// Add computes z = x + y; z may be x or y.
func Add(p *pool.Pool, z, x, y Matrix) {
	if z.Short == nil {
		needRows(z.Rows, x, y)
		elements(p, active.add, reference.add, z.Floats, x.Floats, y.Floats, 0, 0, 0)
		return
	}
	needLen(z.len(), x, y)
	p.Do((z.len()+chunk-1)/chunk, func(_, i int) {
		for b := rangeOf(i*chunk, min((i+1)*chunk, z.len()), blockFloats, z); b.next(); {
			apply(active.add, reference.add, b.out(2, z), b.in(0, x), b.in(1, y), 0, 0, 0)
			b.store(2, z)
		}
	})
}

// Accumulate computes acc = β·acc + α·g. With β = 0, what acc held before does
// not matter, be it NaN.
func Accumulate(p *pool.Pool, acc, g []float32, alpha, beta float32) {
	if beta == 0 {
		elements(p, active.scale, reference.scale, acc, g, acc, alpha, 0, 0)
		return
	}
	elements(p, active.accumulate, reference.accumulate, acc, g, acc, alpha, beta, 0)
}

// SGD updates weights by gradient descent with weight decay λ and step size η:
// w −= η·(g + λ·w).
func SGD(p *pool.Pool, w, g []float32, stepSize, weightDecay float32) {
	elements(p, active.descend, reference.descend, w, g, w, stepSize, weightDecay, 0)
}

// SGDMomentum updates velocities and weights with momentum μ, as PyTorch has
// it: v = μ·v + (g + λ·w), then w −= η·v.
func SGDMomentum(p *pool.Pool, w, g, v []float32, stepSize, weightDecay, momentum float32) {
	elements(p, active.descendMomentum, reference.descendMomentum, w, g, v, stepSize, weightDecay, momentum)
}

// flat is an elementwise kernel under way.
type flat struct {
	fast, exact elementwise
	dst, x, y   []float32
	a, b, c     float32
	task        func(worker, i int)
}

var flats = sync.Pool{New: func() any {
	f := new(flat)
	f.task = f.run
	return f
}}

// elements runs a kernel over vectors of equal length; y is dst where the
// kernel has no use for it.
func elements(p *pool.Pool, fast, exact elementwise, dst, x, y []float32, a, b, c float32) {
	need(len(dst), x, y)
	f := flats.Get().(*flat)
	task := f.task
	*f = flat{fast, exact, dst, x, y, a, b, c, task}
	p.Do((len(dst)+chunk-1)/chunk, task)
	*f = flat{task: task}
	flats.Put(f)
}

func (f *flat) run(_, i int) {
	lo, hi := i*chunk, min((i+1)*chunk, len(f.dst))
	apply(f.fast, f.exact, f.dst[lo:hi], f.x[lo:hi], f.y[lo:hi], f.a, f.b, f.c)
}

// apply runs fast on a multiple of 16 elements and exact on the rest.
func apply(fast, exact elementwise, dst, x, y []float32, a, b, c float32) {
	n := len(dst) &^ 15
	fast(dst[:n], x[:n], y[:n], a, b, c)
	exact(dst[n:], x[n:], y[n:], a, b, c)
}
