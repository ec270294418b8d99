package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A grid walks matrices of period columns: four rows at a time, so that what
// belongs to a column is loaded once for four, then one by one.
type grid struct {
	isa
	pointers  map[string]reg.GPVirtual
	row, row3 reg.GPVirtual // bytes in one row and in three
	off       int           // within a step
}

// at is the current vector of a stream in the block's row r. Per-column
// parameters lie one period apart, so r selects among them alike.
func (g *grid) at(stream string, r int) Mem {
	m := Mem{Base: g.pointers[stream], Disp: g.off}
	switch r {
	case 1, 2:
		m.Index, m.Scale = g.row, uint8(r)
	case 3:
		m.Index, m.Scale = g.row3, 1
	}
	return m
}

// walk emits the loops over the streams (matrices) and, from the start again
// for every block of rows, the columns (per-column vectors). body emits the
// work on one vector of columns in the given number of rows.
func (s isa) walk(streams, columns []string, body func(g *grid, rows int)) {
	g := &grid{isa: s, pointers: map[string]reg.GPVirtual{}}
	for _, name := range streams {
		g.pointers[name] = Load(Param(name).Base(), GP64()).(reg.GPVirtual)
	}
	left := Load(Param(streams[0]).Len(), GP64()).(reg.GPVirtual)
	SHLQ(Imm(2), left)
	g.row = Load(Param("period"), GP64()).(reg.GPVirtual)
	SHLQ(Imm(2), g.row)
	g.row3 = GP64()
	LEAQ(Mem{Base: g.row, Index: g.row, Scale: 2}, g.row3)
	for _, name := range columns {
		g.pointers[name] = GP64()
	}
	for _, rows := range []int{4, 1} {
		label := map[int]string{4: "blocks", 1: "rows"}[rows]
		Label(label)
		block := GP64()
		MOVQ(g.row, block)
		if rows == 4 {
			ADDQ(g.row3, block)
		}
		SUBQ(block, left)
		JL(LabelRef(label + "End"))
		g.acrossColumns(label+"Columns", rows, streams, columns, body)
		if rows == 4 {
			for _, name := range streams {
				ADDQ(g.row3, g.pointers[name])
			}
		}
		JMP(LabelRef(label))
		Label(label + "End")
		if rows == 4 {
			ADDQ(g.row, left)
			ADDQ(g.row3, left)
		}
	}
	ret()
}

func (g *grid) acrossColumns(label string, rows int, streams, columns []string, body func(*grid, int)) {
	for _, name := range columns {
		Load(Param(name).Base(), g.pointers[name])
	}
	left := GP64()
	MOVQ(g.row, left)
	Label(label)
	for g.off = 0; g.off < step; g.off += g.width {
		body(g, rows)
	}
	g.off = 0
	for _, names := range [][]string{streams, columns} {
		for _, name := range names {
			ADDQ(Imm(step), g.pointers[name])
		}
	}
	SUBQ(Imm(step), left)
	JNE(LabelRef(label))
}

func (s isa) addSums() {
	s.text("addSums", "func(sums, x, shift []float32, period int)")
	s.walk([]string{"x"}, []string{"shift", "sums"}, func(g *grid, rows int) {
		shift := s.load(g.at("shift", 0))
		d := make([]reg.VecVirtual, rows)
		for r := range d {
			d[r] = s.load(g.at("x", r))
			VSUBPS(shift, d[r], d[r])
		}
		square := s.load(g.at("sums", 1))
		for r := range d {
			VFMADD231PS(d[r], d[r], square)
		}
		VMOVUPS(square, g.at("sums", 1))
		g.addRows(d, g.at("sums", 0))
	})
}

// addRows adds the sum of the vectors to m.
func (g *grid) addRows(d []reg.VecVirtual, m Mem) {
	for n := len(d); n > 1; n /= 2 {
		for i := range n / 2 {
			VADDPS(d[i+n/2], d[i], d[i])
		}
	}
	VADDPS(m, d[0], d[0])
	VMOVUPS(d[0], m)
}

func (s isa) normalise(add bool) {
	name, streams := "normalise", []string{"y", "x"}
	if add {
		name, streams = "normaliseAdd", append(streams, "residual")
	}
	s.text(name, "func(y, x, residual, params []float32, period int, floor float32)")
	floor := s.broadcast("floor")
	s.walk(streams, []string{"params"}, func(g *grid, rows int) {
		mean, scale, beta := s.load(g.at("params", 0)), s.load(g.at("params", 1)), s.load(g.at("params", 2))
		for r := range rows {
			v := s.load(g.at("x", r))
			VSUBPS(mean, v, v)
			VFMADD213PS(beta, scale, v)
			if add {
				VADDPS(g.at("residual", r), v, v)
			}
			VMAXPS(v, floor, v) // in this order NaN stays NaN
			VMOVUPS(v, g.at("y", r))
		}
	})
}

// gradient loads dy of row r, 0 where y ≤ floor.
func (g *grid) gradient(r int, floor reg.VecVirtual) reg.VecVirtual {
	const notGreaterEqual = 0x19 // quiet; true for NaN
	if g.width == 64 {
		mask := K()
		VCMPPS(Imm(notGreaterEqual), g.at("y", r), floor, mask)
		v := g.vec()
		VMOVUPS_Z(g.at("dy", r), mask, v)
		return v
	}
	mask := g.vec()
	VCMPPS(Imm(notGreaterEqual), g.at("y", r), floor, mask)
	v := g.load(g.at("dy", r))
	VANDPS(mask, v, v)
	return v
}

func (s isa) gradSums(store bool) {
	name, streams := "gradSums", []string{"x", "y", "dy"}
	if store {
		name, streams = "gradSumsStore", append(streams, "g")
	}
	s.text(name, "func(sums, g, x, y, dy, mean []float32, period int, floor float32)")
	floor := s.broadcast("floor")
	s.walk(streams, []string{"mean", "sums"}, func(g *grid, rows int) {
		mean := s.load(g.at("mean", 0))
		product := s.load(g.at("sums", 1))
		gradients := make([]reg.VecVirtual, rows)
		for r := range gradients {
			gradients[r] = g.gradient(r, floor)
			if store {
				VMOVUPS(gradients[r], g.at("g", r))
			}
			d := s.load(g.at("x", r))
			VSUBPS(mean, d, d)
			VFMADD231PS(gradients[r], d, product)
		}
		VMOVUPS(product, g.at("sums", 1))
		g.addRows(gradients, g.at("sums", 0))
	})
}

func (s isa) inputGrad() {
	s.text("inputGrad", "func(dx, x, y, dy, params []float32, period int, floor float32)")
	floor := s.broadcast("floor")
	s.walk([]string{"dx", "x", "y", "dy"}, []string{"params"}, func(g *grid, rows int) {
		mean, a := s.load(g.at("params", 0)), s.load(g.at("params", 1))
		b, c := s.load(g.at("params", 2)), s.load(g.at("params", 3))
		for r := range rows {
			v := s.load(g.at("x", r))
			VSUBPS(mean, v, v)
			VFMADD213PS(c, b, v)
			VFMADD231PS(g.gradient(r, floor), a, v)
			VMOVUPS(v, g.at("dx", r))
		}
	})
}
