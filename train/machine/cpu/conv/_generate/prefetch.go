package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// prefetch writes a loop over cache lines.
func prefetch(c *build.Context) {
	c.Function("prefetchAMD64")
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.SignatureExpr("func(s []float32)")
	c.Doc("prefetchAMD64 asks for s in the level-2 cache.")
	at, end := c.Load(c.Param("s").Base(), c.GP64()), c.Load(c.Param("s").Len(), c.GP64())
	c.LEAQ(Mem{Base: at, Index: end, Scale: 4}, end)
	c.Label("loop")
	c.CMPQ(at, end)
	c.JAE(LabelRef("done"))
	c.PREFETCHT1(Mem{Base: at})
	c.ADDQ(U8(64), at)
	c.JMP(LabelRef("loop"))
	c.Label("done")
	c.RET()
}
