// Command _generate writes the AVX-512 kernels of package bfloat. What a kernel
// computes is said by the plain-Go function of the same name.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!noasm")
	widen()
	roundRows(false)
	roundRows(true)
	Generate()
}

func text(name, signature string) {
	TEXT(name+"512", attr.NOSPLIT, signature)
	Pragma("noescape")
}

func load(name string) reg.Register { return Load(Param(name), GP64()) }

// mask sets K1 to as many ones as n has beyond a multiple of 16.
func mask(n reg.Register) {
	bits, rest := GP64(), GP64()
	MOVQ(n, rest)
	ANDQ(U8(15), rest)
	MOVQ(I32(-1), bits)
	BZHIQ(rest, bits, bits)
	KMOVW(bits.As32(), reg.K1)
}

// along emits a loop over n numbers at dst and src, 16 at a time, and then over those
// of K1. body gets whether that is so.
func along(name string, n, dst, src reg.Register, dstBytes, srcBytes int, body func(rest bool)) {
	left := GP64()
	MOVQ(n, left)
	SUBQ(U8(16), left)
	JL(LabelRef(name + "Rest"))
	Label(name)
	body(false)
	ADDQ(U8(16*srcBytes), src)
	ADDQ(U8(16*dstBytes), dst)
	SUBQ(U8(16), left)
	JGE(LabelRef(name))
	Label(name + "Rest")
	ADDQ(U8(16), left)
	JZ(LabelRef(name + "Done"))
	body(true)
	Label(name + "Done")
}

// loadWide reads 16 numbers as floats.
func loadWide(m Mem, rest bool) reg.VecVirtual {
	v := ZMM()
	if rest {
		VPMOVZXWD_Z(m, reg.K1, v)
	} else {
		VPMOVZXWD(m, v)
	}
	VPSLLD(U8(16), v, v)
	return v
}

func loadFloats(m Mem, rest bool) reg.VecVirtual {
	v := ZMM()
	if rest {
		VMOVUPS_Z(m, reg.K1, v)
	} else {
		VMOVUPS(m, v)
	}
	return v
}

// ahead is how many bytes in advance widen fetches: who widens block by block finds the
// next one in the cache.
const ahead = 2 << 10

func widen() {
	text("widen", "func(dst *float32, src *uint16, n int)")
	dst, src, n := load("dst"), load("src"), load("n")
	mask(n)
	along("loop", n, dst, src, 4, 2, func(rest bool) {
		if !rest {
			PREFETCHT0(Mem{Base: src, Disp: ahead})
		}
		v := loadWide(Mem{Base: src}, rest)
		if rest {
			VMOVUPS(v, reg.K1, Mem{Base: dst})
		} else {
			VMOVUPS(v, Mem{Base: dst})
		}
	})
	VZEROUPPER()
	RET()
}

// constants are what nearest needs.
type constants struct{ half, one, quiet reg.VecVirtual }

func loadConstants() constants {
	broadcast := func(bits uint32) reg.VecVirtual {
		g, v := GP32(), ZMM()
		MOVL(U32(bits), g)
		VPBROADCASTD(g, v)
		return v
	}
	return constants{broadcast(0x7fff), broadcast(1), broadcast(0x400000)}
}

// nearest makes the lower halves of v the nearest numbers.
func (c constants) nearest(v reg.VecVirtual) {
	odd, nan := ZMM(), ZMM()
	const unordered = 3
	VCMPPS(U8(unordered), v, v, reg.K2)
	VPSRLD(U8(16), v, odd)
	VPANDD(c.one, odd, odd)
	VPADDD(c.half, odd, odd)
	VPORD(c.quiet, v, nan)
	VPADDD(odd, v, v)
	VMOVDQA32(nan, reg.K2, v)
	VPSRLD(U8(16), v, v)
}

func roundRows(add bool) {
	name := "roundRows"
	if add {
		name = "addRows"
	}
	text(name, "func(dst *uint16, src *float32, ldd, lds, rows, lanes int)")
	dst, src := load("dst"), load("src")
	ldd, lds, rows, lanes := load("ldd"), load("lds"), load("rows"), load("lanes")
	SHLQ(U8(1), ldd)
	SHLQ(U8(2), lds)
	mask(lanes)
	c := loadConstants()
	to, from := GP64(), GP64()
	Label("rows")
	MOVQ(dst, to)
	MOVQ(src, from)
	along("loop", lanes, to, from, 2, 4, func(rest bool) {
		v := loadFloats(Mem{Base: from}, rest)
		if add {
			VADDPS(loadWide(Mem{Base: to}, rest), v, v)
		}
		c.nearest(v)
		if rest {
			VPMOVDW(v, reg.K1, Mem{Base: to})
		} else {
			VPMOVDW(v, Mem{Base: to})
		}
	})
	ADDQ(ldd, dst)
	ADDQ(lds, src)
	DECQ(rows)
	JNZ(LabelRef("rows"))
	VZEROUPPER()
	RET()
}
