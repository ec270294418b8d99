package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// narrow is the least period, in bytes: with AVX-512 all that belongs to so many
// columns stays in registers.
const narrow = 4 * 64

// A grid walks matrices of period columns row by row, as they lie in memory.
// Several rows at a time share what belongs to a column, but processors fetch them
// too late.
type grid struct {
	isa
	pointers map[string]reg.GPVirtual
	row      reg.GPVirtual // bytes in a row
	off      int           // of the current vector, within what is walked at a time
}

// at is the current vector of a stream.
func (g *grid) at(stream string) Mem { return Mem{Base: g.pointers[stream], Disp: g.off} }

// param is the current vector of the i-th of the parameters that lie one period
// apart.
func (g *grid) param(name string, i int) Mem {
	m := g.at(name)
	if i > 0 {
		m.Index, m.Scale = g.row, uint8(i)
	}
	return m
}

// A column is the work on a vector of columns: begin loads what belongs to them, row
// works on one row of the streams, end stores what has changed.
type column struct{ begin, row, end func() }

// walk emits the loops over the streams (matrices) and, from the start again for
// every row, the columns (per-column vectors).
func (s isa) walk(streams, columns []string, work func(g *grid) column) {
	g := &grid{isa: s, pointers: map[string]reg.GPVirtual{}}
	for _, name := range append(streams, columns...) {
		g.pointers[name] = Load(Param(name).Base(), GP64()).(reg.GPVirtual)
	}
	left := Load(Param(streams[0]).Len(), GP64()).(reg.GPVirtual)
	SHLQ(Imm(2), left)
	g.row = Load(Param("period"), GP64()).(reg.GPVirtual)
	SHLQ(Imm(2), g.row)
	if s.width == 64 {
		CMPQ(g.row, U32(narrow))
		JNE(LabelRef("wide"))
		g.walkNarrow(left, streams, work)
		ret()
		Label("wide")
	}
	g.walkWide(left, streams, columns, work)
	ret()
}

// walkNarrow keeps all columns in registers.
func (g *grid) walkNarrow(left reg.GPVirtual, streams []string, work func(g *grid) column) {
	var vectors []column
	for g.off = 0; g.off < narrow; g.off += g.width {
		c := work(g)
		c.begin()
		vectors = append(vectors, c)
	}
	each := func(do func(c column)) {
		for i, c := range vectors {
			g.off = i * g.width
			do(c)
		}
	}
	Label("rows")
	SUBQ(g.row, left)
	JL(LabelRef("rowsEnd"))
	each(func(c column) { c.row() })
	for _, name := range streams {
		ADDQ(g.row, g.pointers[name])
	}
	JMP(LabelRef("rows"))
	Label("rowsEnd")
	each(func(c column) { c.end() })
}

// walkWide loads columns anew for every row.
func (g *grid) walkWide(left reg.GPVirtual, streams, columns []string, work func(g *grid) column) {
	Label("wideRows")
	SUBQ(g.row, left)
	JL(LabelRef("wideRowsEnd"))
	for _, name := range columns {
		Load(Param(name).Base(), g.pointers[name])
	}
	inRow := GP64()
	MOVQ(g.row, inRow)
	Label("columns")
	for g.off = 0; g.off < step; g.off += g.width {
		c := work(g)
		c.begin()
		c.row()
		c.end()
	}
	for _, names := range [][]string{streams, columns} {
		for _, name := range names {
			ADDQ(Imm(step), g.pointers[name])
		}
	}
	SUBQ(Imm(step), inRow)
	JNE(LabelRef("columns"))
	JMP(LabelRef("wideRows"))
	Label("wideRowsEnd")
}

func (s isa) addSums() {
	s.text("addSums", "func(sums, x, shift []float32, period int)")
	s.walk([]string{"x"}, []string{"shift", "sums"}, func(g *grid) column {
		var shift, sum, square reg.VecVirtual
		return column{
			begin: func() {
				shift, sum, square = s.load(g.at("shift")), s.load(g.at("sums")), s.load(g.param("sums", 1))
			},
			row: func() {
				d := s.load(g.at("x"))
				VSUBPS(shift, d, d)
				VFMADD231PS(d, d, square)
				VADDPS(d, sum, sum)
			},
			end: func() { g.store(sum, square) },
		}
	})
}

// store stores the sums of a column.
func (g *grid) store(sum, product reg.VecVirtual) {
	VMOVUPS(sum, g.at("sums"))
	VMOVUPS(product, g.param("sums", 1))
}

func (s isa) normalise(add bool) {
	name, streams := "normalise", []string{"y", "x"}
	if add {
		name, streams = "normaliseAdd", append(streams, "residual")
	}
	s.text(name, "func(y, x, residual, params []float32, period int, floor float32)")
	floor := s.broadcast("floor")
	s.walk(streams, []string{"params"}, func(g *grid) column {
		var mean, scale, beta reg.VecVirtual
		return column{
			begin: func() {
				mean, scale, beta = s.load(g.param("params", 0)), s.load(g.param("params", 1)), s.load(g.param("params", 2))
			},
			row: func() {
				v := s.load(g.at("x"))
				VSUBPS(mean, v, v)
				VFMADD213PS(beta, scale, v)
				if add {
					VADDPS(g.at("residual"), v, v)
				}
				VMAXPS(v, floor, v) // in this order NaN stays NaN
				VMOVUPS(v, g.at("y"))
			},
			end: func() {},
		}
	})
}

// gradient loads dy, 0 where y ≤ floor.
func (g *grid) gradient(floor reg.VecVirtual) reg.VecVirtual {
	return g.gradientOf(g.at("y"), floor)
}

// gradientOf loads dy, 0 where y ≤ floor, for y in memory or a register.
func (g *grid) gradientOf(y Op, floor reg.VecVirtual) reg.VecVirtual {
	const notGreaterEqual = 0x19 // quiet; true for NaN
	if g.width == 64 {
		mask := K()
		VCMPPS(Imm(notGreaterEqual), y, floor, mask)
		v := g.vec()
		VMOVUPS_Z(g.at("dy"), mask, v)
		return v
	}
	mask := g.vec()
	VCMPPS(Imm(notGreaterEqual), y, floor, mask)
	v := g.load(g.at("dy"))
	VANDPS(mask, v, v)
	return v
}

// output computes scale·d + beta, what normalise gives without ReLU.
func (g *grid) output(d, scale, beta reg.VecVirtual) reg.VecVirtual {
	y := g.vec()
	VMOVAPS(d, y)
	VFMADD213PS(beta, scale, y)
	return y
}

func (s isa) gradSums(store bool) {
	name, streams := "gradSums", []string{"x", "y", "dy"}
	if store {
		name, streams = "gradSumsStore", append(streams, "g")
	}
	s.text(name, "func(sums, g, x, y, dy, mean []float32, period int, floor float32)")
	floor := s.broadcast("floor")
	s.walk(streams, []string{"mean", "sums"}, func(g *grid) column {
		var mean, sum, product reg.VecVirtual
		return column{
			begin: func() {
				mean, sum, product = s.load(g.at("mean")), s.load(g.at("sums")), s.load(g.param("sums", 1))
			},
			row: func() {
				gradient := g.gradient(floor)
				if store {
					VMOVUPS(gradient, g.at("g"))
				}
				d := s.load(g.at("x"))
				VSUBPS(mean, d, d)
				VFMADD231PS(gradient, d, product)
				VADDPS(gradient, sum, sum)
			},
			end: func() { g.store(sum, product) },
		}
	})
}

func (s isa) gradSumsOfX() {
	s.text("gradSumsOfX", "func(sums, x, dy, params []float32, period int)")
	floor := s.zero()
	s.walk([]string{"x", "dy"}, []string{"params", "sums"}, func(g *grid) column {
		var mean, scale, beta, sum, product reg.VecVirtual
		return column{
			begin: func() {
				mean, scale, beta = s.load(g.param("params", 0)), s.load(g.param("params", 1)), s.load(g.param("params", 2))
				sum, product = s.load(g.at("sums")), s.load(g.param("sums", 1))
			},
			row: func() {
				d := s.load(g.at("x"))
				VSUBPS(mean, d, d)
				gradient := g.gradientOf(g.output(d, scale, beta), floor)
				VFMADD231PS(gradient, d, product)
				VADDPS(gradient, sum, sum)
			},
			end: func() { g.store(sum, product) },
		}
	})
}

func (s isa) inputGrad() {
	s.text("inputGrad", "func(dx, x, y, dy, params []float32, period int, floor float32)")
	floor := s.broadcast("floor")
	s.walk([]string{"dx", "x", "y", "dy"}, []string{"params"}, func(g *grid) column {
		var mean, a, b, c reg.VecVirtual
		return column{
			begin: func() { mean, a, b, c = g.inputParams() },
			row: func() {
				v := s.load(g.at("x"))
				VSUBPS(mean, v, v)
				VFMADD213PS(c, b, v)
				VFMADD231PS(g.gradient(floor), a, v)
				VMOVUPS(v, g.at("dx"))
			},
			end: func() {},
		}
	})
}

func (s isa) inputGradOfX() {
	s.text("inputGradOfX", "func(dx, x, dy, params, beta []float32, period int)")
	floor := s.zero()
	s.walk([]string{"dx", "x", "dy"}, []string{"params", "beta"}, func(g *grid) column {
		var mean, a, b, c, beta reg.VecVirtual
		return column{
			begin: func() {
				mean, a, b, c = g.inputParams()
				beta = s.load(g.at("beta"))
			},
			row: func() {
				v := s.load(g.at("x"))
				VSUBPS(mean, v, v)
				gradient := g.gradientOf(g.output(v, a, beta), floor)
				VFMADD213PS(c, b, v)
				VFMADD231PS(gradient, a, v)
				VMOVUPS(v, g.at("dx"))
			},
			end: func() {},
		}
	})
}

// inputParams loads what dx = a·g + b·(x−mean) + c takes.
func (g *grid) inputParams() (mean, a, b, c reg.VecVirtual) {
	row3 := GP64() // the fourth parameter lies three rows away
	LEAQ(Mem{Base: g.row, Index: g.row, Scale: 2}, row3)
	fourth := g.at("params")
	fourth.Index, fourth.Scale = row3, 1
	return g.load(g.at("params")), g.load(g.param("params", 1)), g.load(g.param("params", 2)), g.load(fourth)
}
