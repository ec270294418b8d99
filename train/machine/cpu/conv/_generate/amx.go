package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An amx writes a function that computes bricks of high tiles of 16 rows by wide
// tiles of 16 lanes. Sums stay in tiles over all taps. Neither avo nor Go's assembler
// knows the instructions: they are written as bytes, and so registers are physical.
type amx struct {
	*build.Context
	high, wide int
	t          gotypes.Component
}

// amxTiles writes the bricks of 2×2 tiles and, for 16 lanes or fewer, of up to four by
// one.
func amxTiles(c *build.Context) {
	for high := 1; high <= 4; high++ {
		(&amx{Context: c, high: high, wide: 1}).write()
	}
	for high := 1; high <= 2; high++ {
		(&amx{Context: c, high: high, wide: 2}).write()
	}
}

// General registers. That of t holds, within a tap, where b is.
var (
	amxA, amxB, amxC       = reg.R8, reg.R9, reg.R10 // a, b, c of the brick
	amxLDA, amxLDB, amxLDC = reg.R11, reg.R13, reg.R12
	amxTap, amxTaps        = reg.RSI, reg.RDI
	amxSteps               = reg.RCX
	amxT                   = reg.R14
	amxPanel               = reg.RBX // where b's second panel is
	// where a's tiles are; of the last there is one only where there is no panel
	amxRows = []reg.GPPhysical{reg.RAX, reg.RDX, reg.R15, reg.RBX}
)

// stepBytes is what a step takes of a row of a, where there are several.
const stepBytes = 64

func (k *amx) name() string { return fmt.Sprintf("amx%dx%d", k.high, k.wide) }

// Tiles of c, a, b; see configure in package conv.
func (k *amx) tileC(m, n int) uint8 { return uint8(m*k.wide + n) }
func (k *amx) tileA(m int) uint8    { return uint8(4 + m%3) }
func (k *amx) tileB(n int) uint8    { return uint8(8 - k.wide + n) }

func (k *amx) write() {
	k.Function(k.name())
	k.Attributes(attr.NOSPLIT)
	k.Signature(takes("t", "brick", "brick.go", "tile.go"))
	k.Doc(fmt.Sprintf("%s computes bricks of %d by %d tiles.", k.name(), k.high, k.wide))
	k.load()
	k.Label("brick")
	k.begin()
	k.overTaps()
	k.finish()
	k.release()
	k.RET()
}

// load reads the description, loads tiles' sizes and sets up addresses and strides.
func (k *amx) load() {
	p := k.Param("t")
	k.Load(p, amxT)
	k.t = p.Dereference(amxT)
	config, err := k.t.Field("tiles").Field("palette").Resolve()
	if err != nil {
		panic(err)
	}
	k.LEAQ(config.Addr, reg.RAX)
	k.configure(reg.RAX)
	for _, a := range []struct {
		base, offset string
		size         uint8
		r            reg.GPPhysical
	}{{"a", "a0", 2, amxA}, {"b", "b0", 2, amxB}, {"c", "c0", 4, amxC}} {
		k.Load(k.t.Field(a.base).Base(), a.r)
		k.Load(k.t.Field(a.offset), reg.RAX)
		k.LEAQ(Mem{Base: a.r, Index: reg.RAX, Scale: a.size}, a.r)
	}
	k.Load(k.t.Field("lda"), amxLDA)
	k.SHLQ(U8(1), amxLDA)
	k.Load(k.t.Field("ldc"), amxLDC)
	k.SHLQ(U8(2), amxLDC)
	k.MOVQ(U32(64), amxLDB)
}

// begin sets the sums to zero, or to c where asked to.
func (k *amx) begin() {
	k.Load(k.Param("t"), amxT)
	k.Load(k.t.Field("add"), reg.AL)
	k.TESTB(reg.AL, reg.AL)
	k.JZ(LabelRef("zero"))
	k.overC(k.loadTile)
	k.JMP(LabelRef("begun"))
	k.Label("zero")
	for m := range k.high {
		for n := range k.wide {
			k.zero(k.tileC(m, n))
		}
	}
	k.Label("begun")
}

// overC calls f for each of c's tiles.
func (k *amx) overC(f func(tile uint8, base, stride reg.GPPhysical, disp uint8)) {
	k.MOVQ(amxC, reg.RAX)
	k.MOVQ(amxLDC, reg.RDX)
	k.SHLQ(U8(4), reg.RDX)
	for m := range k.high {
		for n := range k.wide {
			f(k.tileC(m, n), reg.RAX, amxLDC, uint8(64*n))
		}
		if m < k.high-1 {
			k.ADDQ(reg.RDX, reg.RAX)
		}
	}
}

// overTaps adds up the products of all taps.
func (k *amx) overTaps() {
	k.Load(k.t.Field("taps").Base(), amxTap)
	k.Load(k.t.Field("taps").Len(), amxTaps)
	k.TESTQ(amxTaps, amxTaps)
	k.JZ(LabelRef("finish"))
	k.Label("taps")
	k.Load(k.Param("t"), amxT)
	k.Load(k.t.Field("steps"), amxSteps)
	if k.wide == 2 {
		k.Load(k.t.Field("ldp"), amxPanel)
	}
	k.MOVQ(Mem{Base: amxTap, Disp: 8}, amxT)
	k.LEAQ(Mem{Base: amxB, Index: amxT, Scale: 2}, amxT)
	if k.wide == 2 {
		k.LEAQ(Mem{Base: amxT, Index: amxPanel, Scale: 2}, amxPanel)
	}
	k.MOVQ(Mem{Base: amxTap}, reg.RAX)
	k.LEAQ(Mem{Base: amxA, Index: reg.RAX, Scale: 2}, reg.RAX)
	for m := 1; m < k.high; m++ { // 16 rows on
		k.LEAQ(Mem{Base: amxRows[m-1], Index: amxLDA, Scale: 8}, amxRows[m])
		k.LEAQ(Mem{Base: amxRows[m], Index: amxLDA, Scale: 8}, amxRows[m])
	}
	k.Label("steps")
	k.step()
	k.DECQ(amxSteps)
	k.JNZ(LabelRef("steps"))
	k.ADDQ(U8(16), amxTap)
	k.DECQ(amxTaps)
	k.JNZ(LabelRef("taps"))
}

// step adds the products of one step and goes on to the next.
func (k *amx) step() {
	for m := range k.high {
		k.loadTile(k.tileA(m), amxRows[m], amxLDA, 0)
		k.ADDQ(U8(stepBytes), amxRows[m])
		for n := range k.wide {
			if m == 0 {
				at := []reg.GPPhysical{amxT, amxPanel}[n]
				k.loadTile(k.tileB(n), at, amxLDB, 0)
				k.ADDQ(U32(16*stepBytes), at)
			}
			k.product(k.tileC(m, n), k.tileA(m), k.tileB(n))
		}
	}
}

// finish stores the sums and goes on to the next brick, if there is one.
func (k *amx) finish() {
	k.Label("finish")
	k.overC(k.storeTile)
	k.Load(k.Param("t"), amxT)
	k.Load(k.t.Field("rows"), reg.RAX)
	k.MOVQ(amxLDA, reg.RDX)
	k.IMULQ(reg.RAX, reg.RDX)
	k.ADDQ(reg.RDX, amxA)
	k.IMULQ(amxLDC, reg.RAX)
	k.ADDQ(reg.RAX, amxC)
	count, err := k.t.Field("count").Resolve()
	if err != nil {
		panic(err)
	}
	k.DECQ(count.Addr)
	k.JNZ(LabelRef("brick"))
}

// The prefixes of instructions, as VEX has them.
const (
	noPrefix, f3, f2 = 0, 2, 3
)

func (k *amx) configure(at reg.GPPhysical) { k.vex(noPrefix, 0x49, 0, 0, uint8(at.PhysicalIndex())) }
func (k *amx) release()                    { k.vex(noPrefix, 0x49, 0, 0, 0xc0) }
func (k *amx) zero(tile uint8)             { k.vex(f2, 0x49, 0, 0, 0xc0|tile<<3) }
func (k *amx) product(c, a, b uint8)       { k.vex(f3, 0x5c, b, 0, 0xc0|c<<3|a) } // TDPBF16PS

// loadTile and storeTile move rows that lie stride apart, from base + disp on.
func (k *amx) loadTile(tile uint8, base, stride reg.GPPhysical, disp uint8) {
	k.moveTile(f2, tile, base, stride, disp)
}

func (k *amx) storeTile(tile uint8, base, stride reg.GPPhysical, disp uint8) {
	k.moveTile(f3, tile, base, stride, disp)
}

func (k *amx) moveTile(prefix, tile uint8, base, stride reg.GPPhysical, disp uint8) {
	b, s := uint8(base.PhysicalIndex()), uint8(stride.PhysicalIndex())
	k.vex(prefix, 0x4b, 0, s>>3<<1|b>>3, 0x44|tile<<3, s&7<<3|b&7, disp)
}

// vex writes an instruction of VEX.128.0F38.W0: source is vvvv, high are the fourth
// bits of the numbers of R, X and B.
func (k *amx) vex(prefix, opcode, source, high uint8, rest ...uint8) {
	code := append([]uint8{0xc4, ^high<<5 | 0x02, ^source&15<<3 | prefix, opcode}, rest...)
	for _, b := range code {
		k.Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []Op{U8(b)}})
	}
}
