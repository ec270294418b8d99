// Command _generate writes the AVX2, AVX-512 and NEON kernels of package pass. What
// a kernel computes is said by the plain-Go function of the same name in
// kernels.go; here is only how.
package main

import (
	"flag"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// step is the number of bytes that all kernels advance by: the contract of
// package pass is that lengths and periods are multiples of 16 floats.
const step = 64

// An isa is an instruction set, with its vector width in bytes.
type isa struct {
	name  string
	width int
}

func main() {
	forNEON := flag.Bool("neon", false, "write NEON's kernels, not AVX2's and AVX-512's")
	flag.Parse()
	if *forNEON {
		writeNEON().Save(flag.CommandLine)
		return
	}
	ConstraintExpr("!noasm")
	for _, set := range []isa{{"AVX2", 32}, {"AVX512", 64}} {
		set.addSums()
		for _, optional := range []bool{false, true} {
			set.normalise(optional)
			set.gradSums(optional)
		}
		set.inputGrad()
		set.gradSumsOfX()
		set.inputGradOfX()
		set.elementwise()
		set.route()
		set.dot()
		set.countPositive()
		set.addWide()
	}
	Generate()
}

func (s isa) text(name, signature string) {
	TEXT(name+s.name, NOSPLIT, signature)
	Pragma("noescape")
}

func (s isa) vec() reg.VecVirtual {
	if s.width == 64 {
		return ZMM()
	}
	return YMM()
}

func (s isa) load(m Mem) reg.VecVirtual {
	v := s.vec()
	VMOVUPS(m, v)
	return v
}

func (s isa) broadcast(param string) reg.VecVirtual {
	address, err := Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	v := s.vec()
	VBROADCASTSS(address.Addr, v)
	return v
}

func (s isa) zero() reg.VecVirtual {
	v := s.vec()
	if s.width == 64 {
		VPXORD(v, v, v)
	} else {
		VXORPS(v, v, v)
	}
	return v
}

// ret ends a function.
func ret() {
	VZEROUPPER()
	RET()
}
