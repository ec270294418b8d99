package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A rounding writes functions that round float32 to bfloat16, 16 at a time, as
// rounded in package conv does.
type rounding struct {
	*build.Context
	half, one, quiet reg.VecVirtual
}

// bfloat writes what rounds, and what arranges pairs of bfloat16.
func bfloat(c *build.Context) {
	r := &rounding{Context: c}
	r.round()
	r.pair()
	r.transpose()
}

func (r *rounding) begin(name, signature, doc string) {
	r.Function(name)
	r.Attributes(attr.NOSPLIT)
	r.Pragma("noescape")
	r.SignatureExpr(signature)
	r.Doc(name + " " + doc)
}

// constants sets up what nearest needs.
func (r *rounding) constants() {
	broadcast := func(bits uint32) reg.VecVirtual {
		g, v := r.GP32(), r.ZMM()
		r.MOVL(U32(bits), g)
		r.VPBROADCASTD(g, v)
		return v
	}
	r.half, r.one, r.quiet = broadcast(0x7fff), broadcast(1), broadcast(0x400000)
}

// nearest adds to the bits of v what makes its upper halves the nearest bfloat16, of
// two the even one; what is no number becomes a quiet one.
func (r *rounding) nearest(v reg.VecVirtual) {
	odd := r.ZMM()
	r.VCMPPS(U8(3), v, v, reg.K3) // unordered
	r.VPSRLD(U8(16), v, odd)
	r.VPANDD(r.one, odd, odd)
	r.VPADDD(r.half, odd, odd)
	nan := r.ZMM()
	r.VPORD(r.quiet, v, nan)
	r.VPADDD(odd, v, v)
	r.VMOVDQA32(nan, reg.K3, v)
}

// round writes the rounding of n floats.
func (r *rounding) round() {
	r.begin("round512", "func(dst *uint16, src *float32, n int)", "rounds n floats.")
	dst, src, n := r.Load(r.Param("dst"), r.GP64()), r.Load(r.Param("src"), r.GP64()), r.Load(r.Param("n"), r.GP64())
	r.constants()
	v := r.ZMM()
	r.SUBQ(U8(16), n)
	r.JL(LabelRef("rest"))
	r.Label("loop")
	r.VMOVUPS(Mem{Base: src}, v)
	r.nearest(v)
	r.VPSRLD(U8(16), v, v)
	r.VPMOVDW(v, Mem{Base: dst})
	r.ADDQ(U8(64), src)
	r.ADDQ(U8(32), dst)
	r.SUBQ(U8(16), n)
	r.JGE(LabelRef("loop"))
	r.Label("rest")
	r.ADDQ(U8(16), n)
	r.JZ(LabelRef("done"))
	r.mask(n, reg.K1)
	r.VMOVUPS_Z(Mem{Base: src}, reg.K1, v)
	r.nearest(v)
	r.VPSRLD(U8(16), v, v)
	r.VPMOVDW(v, reg.K1, Mem{Base: dst})
	r.Label("done")
	r.VZEROUPPER()
	r.RET()
}

// mask sets k to n ones.
func (r *rounding) mask(n reg.Register, k reg.Register) {
	ones := r.GP64()
	r.MOVQ(I32(-1), ones)
	r.BZHIQ(n, ones, ones)
	r.KMOVW(ones.As32(), k)
}

// pair writes the rounding of rows, of lanes side by side, to pairs.
func (r *rounding) pair() {
	r.begin("pair512", "func(dst *uint16, src *float32, lds, rows, lanes int)", "rounds rows of lanes to pairs.")
	dst, src := r.Load(r.Param("dst"), r.GP64()), r.Load(r.Param("src"), r.GP64())
	lds, rows, lanes := r.Load(r.Param("lds"), r.GP64()), r.Load(r.Param("rows"), r.GP64()), r.Load(r.Param("lanes"), r.GP64())
	r.SHLQ(U8(2), lds)
	r.mask(lanes, reg.K1)
	r.constants()
	even, odd := r.ZMM(), r.ZMM()
	store := func() {
		r.VPSRLD(U8(16), even, even)
		r.VPSRLD(U8(16), odd, odd)
		r.VPSLLD(U8(16), odd, odd)
		r.VPORD(even, odd, odd)
		r.VMOVDQU32(odd, Mem{Base: dst})
	}
	r.SUBQ(U8(2), rows)
	r.JL(LabelRef("last"))
	r.Label("loop")
	r.VMOVUPS_Z(Mem{Base: src}, reg.K1, even)
	r.VMOVUPS_Z(Mem{Base: src, Index: lds, Scale: 1}, reg.K1, odd)
	r.nearest(even)
	r.nearest(odd)
	store()
	r.LEAQ(Mem{Base: src, Index: lds, Scale: 2}, src)
	r.ADDQ(U8(64), dst)
	r.SUBQ(U8(2), rows)
	r.JGE(LabelRef("loop"))
	r.Label("last")
	r.ADDQ(U8(2), rows)
	r.JZ(LabelRef("done"))
	r.VMOVUPS_Z(Mem{Base: src}, reg.K1, even)
	r.nearest(even)
	r.VPXORD(odd, odd, odd)
	store()
	r.Label("done")
	r.VZEROUPPER()
	r.RET()
}

// transpose writes the transposition of 16 × 16 pairs: pairs of rows interleaved,
// pairs of pairs, then quarters exchanged twice.
func (r *rounding) transpose() {
	r.begin("transposePairs512", "func(dst, src *uint16, ldd, wide, lanes int)",
		"sets dst[j*ldd+2*k+i] to src[k*32+2*j+i] for j < lanes, k < wide, i < 2.")
	dst, src := r.Load(r.Param("dst"), r.GP64()), r.Load(r.Param("src"), r.GP64())
	ldd, wide, lanes := r.Load(r.Param("ldd"), r.GP64()), r.Load(r.Param("wide"), r.GP64()), r.Load(r.Param("lanes"), r.GP64())
	r.SHLQ(U8(1), ldd)
	r.mask(wide, reg.K1)
	var a, b [16]reg.VecVirtual
	for i := range a {
		a[i], b[i] = r.ZMM(), r.ZMM()
		r.VMOVDQU32(Mem{Base: src, Disp: 64 * i}, a[i])
	}
	for i := 0; i < 16; i += 2 {
		r.VPUNPCKLDQ(a[i+1], a[i], b[i])
		r.VPUNPCKHDQ(a[i+1], a[i], b[i+1])
	}
	for i := 0; i < 16; i += 4 {
		for j := range 2 {
			r.VPUNPCKLQDQ(b[i+j+2], b[i+j], a[i+2*j])
			r.VPUNPCKHQDQ(b[i+j+2], b[i+j], a[i+2*j+1])
		}
	}
	// Vector 4 q + j now holds lanes j, j+4, j+8, j+12 of rows 4 q to 4 q + 3.
	for j := range 4 {
		r.VSHUFI32X4(U8(0x88), a[j+4], a[j], b[j])
		r.VSHUFI32X4(U8(0xdd), a[j+4], a[j], b[j+4])
		r.VSHUFI32X4(U8(0x88), a[j+12], a[j+8], b[j+8])
		r.VSHUFI32X4(U8(0xdd), a[j+12], a[j+8], b[j+12])
	}
	for j := range 4 {
		r.VSHUFI32X4(U8(0x88), b[j+8], b[j], a[j])
		r.VSHUFI32X4(U8(0x88), b[j+12], b[j+4], a[j+4])
		r.VSHUFI32X4(U8(0xdd), b[j+8], b[j], a[j+8])
		r.VSHUFI32X4(U8(0xdd), b[j+12], b[j+4], a[j+12])
	}
	for j := range a {
		r.VMOVDQU32(a[j], reg.K1, Mem{Base: dst})
		if j < 15 {
			r.ADDQ(ldd, dst)
			r.DECQ(lanes)
			r.JZ(LabelRef("done"))
		}
	}
	r.Label("done")
	r.VZEROUPPER()
	r.RET()
}
