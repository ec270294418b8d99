package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose8 writes the transposition of a block of 8 × 8 floats: pairs of rows
// interleaved, pairs of pairs shuffled, halves exchanged.
func transpose8(c *build.Context) {
	c.Function("transpose8AVX")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(dst, src *float32, ldd, lds int)")
	c.Doc("transpose8AVX sets dst[j*ldd+i] = src[i*lds+j] for i, j < 8.")
	dst, src := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("src"), c.GP64())
	ldd, lds := c.Load(c.Param("ldd"), c.GP64()), c.Load(c.Param("lds"), c.GP64())
	c.SHLQ(U8(2), ldd)
	c.SHLQ(U8(2), lds)
	in, mid := make([]reg.VecVirtual, 8), make([]reg.VecVirtual, 8)
	for i := range in {
		in[i], mid[i] = c.YMM(), c.YMM()
	}
	for i := range in {
		c.VMOVUPS(Mem{Base: src}, in[i])
		if i < 7 {
			c.ADDQ(lds, src)
		}
	}
	for i := 0; i < 8; i += 2 {
		c.VUNPCKLPS(in[i+1], in[i], mid[i])
		c.VUNPCKHPS(in[i+1], in[i], mid[i+1])
	}
	for i := 0; i < 8; i += 4 {
		c.VSHUFPS(U8(0x44), mid[i+2], mid[i], in[i])
		c.VSHUFPS(U8(0xee), mid[i+2], mid[i], in[i+1])
		c.VSHUFPS(U8(0x44), mid[i+3], mid[i+1], in[i+2])
		c.VSHUFPS(U8(0xee), mid[i+3], mid[i+1], in[i+3])
	}
	for i := range 4 {
		c.VPERM2F128(U8(0x20), in[i+4], in[i], mid[i])
		c.VPERM2F128(U8(0x31), in[i+4], in[i], mid[i+4])
	}
	for i := range mid {
		c.VMOVUPS(mid[i], Mem{Base: dst})
		if i < 7 {
			c.ADDQ(ldd, dst)
		}
	}
	c.VZEROUPPER()
	c.RET()
}
