package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// along emits a loop over vectors of equal length, four steps at a time and
// then one by one. body emits the work on one machine vector, the k-th of its
// round, at off bytes from the pointers.
func (s isa) along(names []string, body func(at func(string) Mem, k int)) {
	pointers := map[string]reg.Register{}
	for _, name := range names {
		pointers[name] = Load(Param(name).Base(), GP64())
	}
	left := Load(Param(names[0]).Len(), GP64())
	index := GP64()
	XORQ(index, index)
	for _, steps := range []int{4, 1} {
		label := map[int]string{4: "fours", 1: "ones"}[steps]
		Label(label)
		SUBQ(U32(steps*step/4), left)
		JL(LabelRef(label + "End"))
		for k := range steps * step / s.width {
			body(func(name string) Mem {
				return Mem{Base: pointers[name], Index: index, Scale: 1, Disp: k * s.width}
			}, k)
		}
		ADDQ(U32(steps*step), index)
		JMP(LabelRef(label))
		Label(label + "End")
		if steps > 1 {
			ADDQ(U32(steps*step/4), left)
		}
	}
}

func (s isa) elementwise() {
	const signature = "func(dst, x, y []float32, a, b, c float32)"
	kernel := func(name string, vectors, scalars []string, body func(at func(string) Mem, scalar map[string]reg.VecVirtual)) {
		s.text(name, signature)
		scalar := map[string]reg.VecVirtual{}
		for _, p := range scalars {
			scalar[p] = s.broadcast(p)
		}
		s.along(vectors, func(at func(string) Mem, _ int) { body(at, scalar) })
		ret()
	}
	kernel("add", []string{"dst", "x", "y"}, nil, func(at func(string) Mem, _ map[string]reg.VecVirtual) {
		v := s.load(at("x"))
		VADDPS(at("y"), v, v)
		VMOVUPS(v, at("dst"))
	})
	kernel("larger", []string{"dst", "x", "y"}, nil, func(at func(string) Mem, _ map[string]reg.VecVirtual) {
		x, y := s.load(at("x")), s.load(at("y"))
		v := s.vec()
		VMAXPS(y, x, v) // y if one of them is NaN
		s.blend(s.compare(unordered, x, x), x, v)
		VMOVUPS(v, at("dst"))
	})
	kernel("scale", []string{"dst", "x"}, []string{"a"}, func(at func(string) Mem, scalar map[string]reg.VecVirtual) {
		v := s.vec()
		VMULPS(at("x"), scalar["a"], v)
		VMOVUPS(v, at("dst"))
	})
	kernel("accumulate", []string{"dst", "x"}, []string{"a", "b"}, func(at func(string) Mem, scalar map[string]reg.VecVirtual) {
		v := s.vec()
		VMULPS(at("dst"), scalar["b"], v)
		VFMADD231PS(at("x"), scalar["a"], v)
		VMOVUPS(v, at("dst"))
	})
	kernel("descend", []string{"dst", "x"}, []string{"a", "b"}, func(at func(string) Mem, scalar map[string]reg.VecVirtual) {
		w, g := s.load(at("dst")), s.load(at("x"))
		VFMADD231PS(w, scalar["b"], g)
		VFNMADD231PS(g, scalar["a"], w)
		VMOVUPS(w, at("dst"))
	})
	kernel("descendMomentum", []string{"dst", "x", "y"}, []string{"a", "b", "c"}, func(at func(string) Mem, scalar map[string]reg.VecVirtual) {
		w, g, v := s.load(at("dst")), s.load(at("x")), s.load(at("y"))
		VFMADD231PS(w, scalar["b"], g)
		VFMADD231PS(v, scalar["c"], g)
		VMOVUPS(g, at("y"))
		VFNMADD231PS(g, scalar["a"], w)
		VMOVUPS(w, at("dst"))
	})
}

// Predicates of VCMPPS, quiet.
const (
	equal     = 0x00 // false for NaN
	unordered = 0x03 // true if one is NaN
)

// compare gives a mask: a vector of AVX2, a mask register of AVX-512.
func (s isa) compare(predicate uint8, x, y reg.VecVirtual) reg.Register {
	var mask reg.Register = YMM()
	if s.width == 64 {
		mask = K()
	}
	VCMPPS(Imm(uint64(predicate)), y, x, mask)
	return mask
}

// blend sets v to x where the mask is set.
func (s isa) blend(mask reg.Register, x, v reg.VecVirtual) {
	if s.width == 64 {
		VBLENDMPS(x, v, mask, v)
	} else {
		VBLENDVPS(mask, x, v, v)
	}
}

func (s isa) route() {
	s.text("route", "func(dx, rest, x, y []float32)")
	s.along([]string{"dx", "rest", "x", "y"}, func(at func(string) Mem, _ int) {
		x, rest, dx := s.load(at("x")), s.load(at("rest")), s.vec()
		mask, isNaN := s.compare(equal, x, s.load(at("y"))), s.compare(unordered, x, x)
		if s.width == 64 {
			KORW(isNaN, mask, mask)
			VMOVUPS_Z(rest, mask, dx)
			KNOTW(mask, mask)
			VMOVUPS_Z(rest, mask, rest)
		} else {
			VORPS(isNaN, mask, mask)
			VANDPS(rest, mask, dx)
			VANDNPS(rest, mask, rest)
		}
		VMOVUPS(dx, at("dx"))
		VMOVUPS(rest, at("rest"))
	})
	ret()
}

func (s isa) dot() {
	s.text("dot", "func(x, y []float32) float32")
	sums := make([]reg.VecVirtual, 4)
	for i := range sums {
		sums[i] = s.zero()
	}
	s.along([]string{"x", "y"}, func(at func(string) Mem, k int) {
		VFMADD231PS(at("y"), s.load(at("x")), sums[k%4])
	})
	VADDPS(sums[2], sums[0], sums[0])
	VADDPS(sums[3], sums[1], sums[1])
	VADDPS(sums[1], sums[0], sums[0])
	if s.width == 64 {
		high := YMM()
		VEXTRACTF64X4(Imm(1), sums[0], high)
		VADDPS(high, sums[0].AsY(), sums[0].AsY())
	}
	low, high := sums[0].AsX(), XMM()
	VEXTRACTF128(Imm(1), sums[0].AsY(), high)
	VADDPS(high, low, low)
	VHADDPS(low, low, low)
	VHADDPS(low, low, low)
	Store(low, ReturnIndex(0))
	ret()
}

func (s isa) countPositive() {
	s.text("countPositive", "func(x []float32) int64")
	const less = 0x11 // quiet; false for NaN
	zero, count := s.zero(), s.zero()
	ones := s.vec()
	if s.width == 64 {
		VPTERNLOGD(Imm(0xff), ones, ones, ones)
	}
	s.along([]string{"x"}, func(at func(string) Mem, _ int) {
		if s.width == 64 {
			mask := K()
			VCMPPS(Imm(less), at("x"), zero, mask)
			VPSUBD(ones, count, mask, count)
			return
		}
		mask := s.vec()
		VCMPPS(Imm(less), at("x"), zero, mask)
		VPSUBD(mask, count, count)
	})
	if s.width == 64 {
		high := YMM()
		VEXTRACTI64X4(Imm(1), count, high)
		VPADDD(high, count.AsY(), count.AsY())
	}
	low, high := count.AsX(), XMM()
	VEXTRACTI128(Imm(1), count.AsY(), high)
	VPADDD(high, low, low)
	VPHADDD(low, low, low)
	VPHADDD(low, low, low)
	total := GP32()
	VMOVD(low, total)
	Store(total.As64(), ReturnIndex(0))
	ret()
}

// addWide has no use for along: its two vectors differ in element size.
func (s isa) addWide() {
	s.text("addWide", "func(dst []float64, x []float32)")
	dst := Load(Param("dst").Base(), GP64())
	x := Load(Param("x").Base(), GP64())
	left := Load(Param("x").Len(), GP64())
	Label("loop")
	SUBQ(U32(s.width/8), left)
	JL(LabelRef("end"))
	v := s.vec()
	VCVTPS2PD(Mem{Base: x}, v)
	VADDPD(Mem{Base: dst}, v, v)
	VMOVUPD(v, Mem{Base: dst})
	ADDQ(U32(s.width/2), x)
	ADDQ(U32(s.width), dst)
	JMP(LabelRef("loop"))
	Label("end")
	ret()
}
