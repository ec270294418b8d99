package main

import (
	"fmt"

	"largestep/train/machine/cpu/_arm64"
)

// A neon writes kernels in vectors of four floats. Vectors 24 to 31 hold what
// belongs to a whole call.
type neon struct{ *arm64.Assembly }

const (
	neonWidth = 16 // bytes
	neonFloor = 31
)

func writeNEON() *arm64.Assembly {
	n := neon{arm64.New("pass")}
	n.addSums()
	for _, optional := range []bool{false, true} {
		n.normalise(optional)
		n.gradSums(optional)
	}
	n.inputGrad()
	n.gradSumsOfX()
	n.inputGradOfX()
	n.elementwise()
	n.route()
	n.dot()
	n.countPositive()
	n.addWide()
	return n.Assembly
}

func (n neon) text(name, signature string) {
	n.Function(name+"NEON", fmt.Sprintf("%sNEON is %s.", name, name), arm64.Parse(signature))
}

// A neonGrid walks matrices of period columns: four rows at a time, so that what
// belongs to a column is loaded once for four, then one by one. General registers:
//
//	R0      bytes left          R10–R13  offset of the current vector in each row
//	R1–R4   streams             R14      bytes left of the row
//	R6, R7  columns             R15      bytes of a block
//	R8, R9  bytes in one row, two
type neonGrid struct {
	neon
	pointers map[string]int
}

// load loads the current vector of a stream in the block's row r, or of the r-th
// per-column parameters, into v.
func (g *neonGrid) load(v int, stream string, r int)  { g.Ldr(v, g.pointers[stream], 10+r) }
func (g *neonGrid) store(v int, stream string, r int) { g.Str(v, g.pointers[stream], 10+r) }

// walk emits the loops; body emits the work on one vector of columns in the given
// number of rows.
func (n neon) walk(streams, columns []string, body func(g *neonGrid, rows int)) {
	g := &neonGrid{n, map[string]int{}}
	for i, name := range streams {
		g.pointers[name] = 1 + i
		n.Load(n.Parameter(name).Base(), 1+i)
	}
	for i, name := range columns {
		g.pointers[name] = 6 + i
		n.Load(n.Parameter(name).Base(), 6+i)
	}
	n.Load(n.Parameter(streams[0]).Len(), 0)
	n.Do("LSL $2, R0, R0")
	n.Load(n.Parameter("period"), 8)
	n.Do("LSL $2, R8, R8")
	n.Do("LSL $1, R8, R9")
	for _, rows := range []int{4, 1} {
		label := map[int]string{4: "blocks", 1: "rows"}[rows]
		n.Do("MOVD $%d, R15", rows)
		n.Do("MUL R8, R15, R15")
		n.Label(label)
		n.Do("SUBS R15, R0, R0")
		n.Do("BLT %sEnd", label)
		g.acrossColumns(label+"Columns", rows, body)
		for i := range streams {
			n.Do("ADD R15, R%d, R%d", 1+i, 1+i)
		}
		n.Do("B %s", label)
		n.Label(label + "End")
		n.Do("ADD R15, R0, R0")
	}
	n.Do("RET")
}

// acrossColumns sets up offsets of four rows even for one: there may be as many
// per-column parameters.
func (g *neonGrid) acrossColumns(label string, rows int, body func(*neonGrid, int)) {
	g.Do("MOVD $0, R10")
	g.Do("MOVD R8, R11")
	g.Do("MOVD R9, R12")
	g.Do("ADD R8, R9, R13")
	g.Do("MOVD R8, R14")
	g.Label(label)
	body(g, rows)
	for r := range 4 {
		g.Do("ADD $%d, R%d, R%d", neonWidth, 10+r, 10+r)
	}
	g.Do("SUBS $%d, R14, R14", neonWidth)
	g.Do("BNE %s", label)
}

func (n neon) addSums() {
	n.text("addSums", "func(sums, x, shift []float32, period int)")
	n.walk([]string{"x"}, []string{"shift", "sums"}, func(g *neonGrid, rows int) {
		const shift, square = 8, 9
		g.load(shift, "shift", 0)
		g.load(square, "sums", 1)
		for r := range rows {
			g.load(r, "x", r)
			g.Fsub(r, r, shift)
			g.Fmla(square, r, r)
		}
		g.store(square, "sums", 1)
		g.addRows(rows)
	})
}

// addRows adds the sum of the first vectors to the first of sums; it uses one
// more.
func (g *neonGrid) addRows(rows int) {
	const sum = 10
	for k := rows / 2; k > 0; k /= 2 {
		for i := range k {
			g.Fadd(i, i, i+k)
		}
	}
	g.load(sum, "sums", 0)
	g.Fadd(sum, sum, 0)
	g.store(sum, "sums", 0)
}

func (n neon) normalise(add bool) {
	name, streams := "normalise", []string{"y", "x"}
	if add {
		name, streams = "normaliseAdd", append(streams, "residual")
	}
	n.text(name, "func(y, x, residual, params []float32, period int, floor float32)")
	n.Broadcast("floor", neonFloor)
	n.walk(streams, []string{"params"}, func(g *neonGrid, rows int) {
		const mean, scale, beta = 8, 9, 10
		g.load(mean, "params", 0)
		g.load(scale, "params", 1)
		g.load(beta, "params", 2)
		for r := range rows {
			x, v := r, 4+r
			g.load(x, "x", r)
			g.Fsub(x, x, mean)
			g.copy(v, beta)
			g.Fmla(v, x, scale)
			if add {
				g.load(x, "residual", r)
				g.Fadd(v, v, x)
			}
			g.Fmax(v, v, neonFloor)
			g.store(v, "y", r)
		}
	})
}

func (n neon) copy(to, from int) { n.Do("VMOV V%d.B16, V%d.B16", from, to) }

// gradient loads dy of row r into v, 0 where y ≤ floor; it uses free.
func (g *neonGrid) gradient(v, free, r int) {
	g.load(free, "y", r)
	g.gradientOf(v, free, r)
}

// gradientOf loads dy of row r into v, 0 where y ≤ floor; it overwrites y.
func (g *neonGrid) gradientOf(v, y, r int) {
	g.load(v, "dy", r)
	g.Fcmge(y, neonFloor, y) // false for NaN
	g.Bic(v, v, y)
}

func (n neon) gradSums(store bool) {
	name, streams := "gradSums", []string{"x", "y", "dy"}
	if store {
		name, streams = "gradSumsStore", append(streams, "g")
	}
	n.text(name, "func(sums, g, x, y, dy, mean []float32, period int, floor float32)")
	n.Broadcast("floor", neonFloor)
	n.walk(streams, []string{"mean", "sums"}, func(g *neonGrid, rows int) {
		const mean, product = 8, 9
		g.load(mean, "mean", 0)
		g.load(product, "sums", 1)
		for r := range rows {
			v, d := r, 4+r
			g.gradient(v, d, r)
			if store {
				g.store(v, "g", r)
			}
			g.load(d, "x", r)
			g.Fsub(d, d, mean)
			g.Fmla(product, d, v)
		}
		g.store(product, "sums", 1)
		g.addRows(rows)
	})
}

func (n neon) gradSumsOfX() {
	n.text("gradSumsOfX", "func(sums, x, dy, params []float32, period int)")
	n.Zero(neonFloor)
	n.walk([]string{"x", "dy"}, []string{"params", "sums"}, func(g *neonGrid, rows int) {
		const y, mean, product, scale, beta = 8, 9, 11, 12, 13 // addRows uses 10
		g.load(mean, "params", 0)
		g.load(scale, "params", 1)
		g.load(beta, "params", 2)
		g.load(product, "sums", 1)
		for r := range rows {
			v, d := r, 4+r
			g.load(d, "x", r)
			g.Fsub(d, d, mean)
			g.copy(y, beta)
			g.Fmla(y, d, scale)
			g.gradientOf(v, y, r)
			g.Fmla(product, d, v)
		}
		g.store(product, "sums", 1)
		g.addRows(rows)
	})
}

func (n neon) inputGradOfX() {
	n.text("inputGradOfX", "func(dx, x, dy, params, beta []float32, period int)")
	n.Zero(neonFloor)
	n.walk([]string{"dx", "x", "dy"}, []string{"params", "beta"}, func(g *neonGrid, rows int) {
		const mean, a, b, c, beta, y = 12, 13, 14, 15, 16, 17
		for i, v := range []int{mean, a, b, c} {
			g.load(v, "params", i)
		}
		g.load(beta, "beta", 0)
		for r := range rows {
			x, v, gradient := r, 4+r, 8+r
			g.load(x, "x", r)
			g.Fsub(x, x, mean)
			g.copy(y, beta)
			g.Fmla(y, x, a)
			g.gradientOf(gradient, y, r)
			g.copy(v, c)
			g.Fmla(v, x, b)
			g.Fmla(v, gradient, a)
			g.store(v, "dx", r)
		}
	})
}

func (n neon) inputGrad() {
	n.text("inputGrad", "func(dx, x, y, dy, params []float32, period int, floor float32)")
	n.Broadcast("floor", neonFloor)
	n.walk([]string{"dx", "x", "y", "dy"}, []string{"params"}, func(g *neonGrid, rows int) {
		const mean, a, b, c = 12, 13, 14, 15
		for i, v := range []int{mean, a, b, c} {
			g.load(v, "params", i)
		}
		for r := range rows {
			x, v, gradient := r, 4+r, 8+r
			g.gradient(gradient, x, r)
			g.load(x, "x", r)
			g.Fsub(x, x, mean)
			g.copy(v, c)
			g.Fmla(v, x, b)
			g.Fmla(v, gradient, a)
			g.store(v, "dx", r)
		}
	})
}
