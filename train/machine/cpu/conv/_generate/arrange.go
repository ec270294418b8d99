package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An arrangement writes functions that arrange bfloat16 for bricks; see tileSet in
// package conv.
type arrangement struct{ *build.Context }

func arrange(c *build.Context) {
	a := arrangement{c}
	a.pair()
	a.transpose()
}

func (a arrangement) begin(name, signature, doc string) {
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.Pragma("noescape")
	a.SignatureExpr(signature)
	a.Doc(name + " " + doc)
}

func (a arrangement) load(name string) reg.Register { return a.Load(a.Param(name), a.GP64()) }

// mask sets K1 to n ones.
func (a arrangement) mask(n reg.Register) {
	ones := a.GP64()
	a.MOVQ(I32(-1), ones)
	a.BZHIQ(n, ones, ones)
	a.KMOVW(ones.As32(), reg.K1)
}

// pair writes the interleaving of two rows each, of up to 16 lanes.
func (a arrangement) pair() {
	a.begin("pair512", "func(dst, src *uint16, lds, rows, lanes int)",
		"sets dst[k/2*32+j*2+k%2] to src[k*lds+j] for k < rows, j < lanes.")
	dst, src, lds, rows := a.load("dst"), a.load("src"), a.load("lds"), a.load("rows")
	a.mask(a.load("lanes"))
	a.SHLQ(U8(1), lds)
	even, odd := a.ZMM(), a.ZMM()
	a.SUBQ(U8(2), rows)
	a.JL(LabelRef("last"))
	a.Label("loop")
	a.VPMOVZXWD_Z(Mem{Base: src}, reg.K1, even)
	a.VPMOVZXWD_Z(Mem{Base: src, Index: lds, Scale: 1}, reg.K1, odd)
	a.VPSLLD(U8(16), odd, odd)
	a.VPORD(even, odd, odd)
	a.VMOVDQU32(odd, Mem{Base: dst})
	a.LEAQ(Mem{Base: src, Index: lds, Scale: 2}, src)
	a.ADDQ(U8(64), dst)
	a.SUBQ(U8(2), rows)
	a.JGE(LabelRef("loop"))
	a.Label("last")
	a.ADDQ(U8(2), rows)
	a.JZ(LabelRef("done"))
	a.VPMOVZXWD_Z(Mem{Base: src}, reg.K1, even)
	a.VMOVDQU32(even, Mem{Base: dst})
	a.Label("done")
	a.VZEROUPPER()
	a.RET()
}

// transpose writes the transposition of 16 × 16 pairs: pairs of rows interleaved,
// pairs of pairs, then quarters exchanged twice.
func (a arrangement) transpose() {
	a.begin("transposePairs512", "func(dst, src *uint16, ldd, wide, lanes int)",
		"sets dst[j*ldd+2*k+i] to src[k*32+2*j+i] for j < lanes, k < wide, i < 2.")
	dst, src, ldd, lanes := a.load("dst"), a.load("src"), a.load("ldd"), a.load("lanes")
	a.mask(a.load("wide"))
	a.SHLQ(U8(1), ldd)
	var v, w [16]reg.VecVirtual
	for i := range v {
		v[i], w[i] = a.ZMM(), a.ZMM()
		a.VMOVDQU32(Mem{Base: src, Disp: 64 * i}, v[i])
	}
	for i := 0; i < 16; i += 2 {
		a.VPUNPCKLDQ(v[i+1], v[i], w[i])
		a.VPUNPCKHDQ(v[i+1], v[i], w[i+1])
	}
	for i := 0; i < 16; i += 4 {
		for j := range 2 {
			a.VPUNPCKLQDQ(w[i+j+2], w[i+j], v[i+2*j])
			a.VPUNPCKHQDQ(w[i+j+2], w[i+j], v[i+2*j+1])
		}
	}
	// Vector 4 q + j now holds lanes j, j+4, j+8, j+12 of rows 4 q to 4 q + 3.
	for j := range 4 {
		a.VSHUFI32X4(U8(0x88), v[j+4], v[j], w[j])
		a.VSHUFI32X4(U8(0xdd), v[j+4], v[j], w[j+4])
		a.VSHUFI32X4(U8(0x88), v[j+12], v[j+8], w[j+8])
		a.VSHUFI32X4(U8(0xdd), v[j+12], v[j+8], w[j+12])
	}
	for j := range 4 {
		a.VSHUFI32X4(U8(0x88), w[j+8], w[j], v[j])
		a.VSHUFI32X4(U8(0x88), w[j+12], w[j+4], v[j+4])
		a.VSHUFI32X4(U8(0xdd), w[j+8], w[j], v[j+8])
		a.VSHUFI32X4(U8(0xdd), w[j+12], w[j+4], v[j+12])
	}
	for j := range v {
		a.VMOVDQU32(v[j], reg.K1, Mem{Base: dst})
		if j < 15 {
			a.ADDQ(ldd, dst)
			a.DECQ(lanes)
			a.JZ(LabelRef("done"))
		}
	}
	a.Label("done")
	a.VZEROUPPER()
	a.RET()
}
