package pass

import "largestep/train/machine/cpu/pool"

// Linear computes y = x·wᵀ + b for x (n × in), w (out × in), b (out) and
// y (n × out), all row-major.
func Linear(p *pool.Pool, y, x, w, b []float32) {
	out := len(b)
	n, in := len(y)/out, len(w)/out
	need(n*out, y)
	need(n*in, x)
	need(out*in, w)
	p.Do(n, func(_, i int) {
		xi, head := x[i*in:(i+1)*in], in&^15
		for o, bias := range b {
			wo := w[o*in : (o+1)*in]
			y[i*out+o] = active.dot(xi[:head], wo[:head]) + reference.dot(xi[head:], wo[head:]) + bias
		}
	})
}

// LinearGrad computes the gradients of Linear: dx = dy·w (not wanted if nil),
// dw = dyᵀ·x and db, the sum of dy over the images.
func LinearGrad(p *pool.Pool, dx, dw, db, dy, x, w []float32) {
	out := len(db)
	n, in := len(dy)/out, len(w)/out
	need(n*out, dy)
	need(n*in, x)
	need(out*in, w, dw)
	if dx != nil {
		need(n*in, dx)
		p.Do(n, func(_, i int) {
			combine(dx[i*in:(i+1)*in], w, dy[i*out:(i+1)*out], 1)
		})
	}
	p.Do(out, func(_, o int) {
		combine(dw[o*in:(o+1)*in], x, dy[o:], out)
		var sum float64
		for i := range n {
			sum += float64(dy[i*out+o])
		}
		db[o] = float32(sum)
	})
}

// combine computes dst = Σ_i factors[i·stride]·rows[i], with rows like dst.
func combine(dst, rows, factors []float32, stride int) {
	apply(active.scale, reference.scale, dst, rows[:len(dst)], dst, factors[0], 0, 0)
	for i := 1; i*len(dst) < len(rows); i++ {
		row := rows[i*len(dst) : (i+1)*len(dst)]
		apply(active.accumulate, reference.accumulate, dst, row, dst, factors[i*stride], 1, 0)
	}
}
