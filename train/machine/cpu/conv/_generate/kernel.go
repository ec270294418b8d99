package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A family says how a kernel walks a; see tile in package conv.
type family string

const (
	nn family = "nn" // rows lie lda apart, steps side by side
	tn family = "tn" // steps lie lda apart, rows side by side
)

func (f family) formula() string {
	if f == tn {
		return "c[i*ldc+j] = Σ a[s*lda+i] * b[s*ldb+j]"
	}
	return "c[i*ldc+j] = Σ a[i*lda+s] * b[s*ldb+j]"
}

// ahead is how many steps before their use tn prefetches rows of a and b.
const ahead = 8

// rowsPerBase rows of a are addressed from one base register and the strides
// lda, 3 lda and 5 lda.
const rowsPerBase = 7

// A kernel writes one function. Sums stay in registers over all taps.
type kernel struct {
	*build.Context
	family family
	set    string // instruction set, by bits of its vectors
	lanes  int    // columns of the tile
	rows   int
	vector int // floats in a vector

	t                    gotypes.Component
	aBase, bBase, c      Mem // kept on the stack: addresses, advanced tile by tile
	count                Mem
	a                    []reg.GPVirtual // current step of every seventh row
	b, steps             reg.GPVirtual
	lda, lda3, lda5, ldb reg.GPVirtual
	sum                  [][]reg.VecPhysical
	row                  []reg.VecPhysical // a row of b
	broadcast            []reg.VecPhysical
	mask                 []reg.Register
}

func (k *kernel) name() string {
	return fmt.Sprintf("%s%sx%dr%d", k.family, k.set, k.lanes, k.rows)
}

func (k *kernel) avx512() bool { return k.set == "512" }

func (k *kernel) write() {
	k.Function(k.name())
	k.Attributes(attr.NOSPLIT)
	k.Signature(takes("t", "tile", "tile.go"))
	k.Doc(fmt.Sprintf("%s computes %s for tiles of %d rows by %d lanes.", k.name(), k.family.formula(), k.rows, k.lanes))
	k.assignVectors()
	k.load()
	k.Label("tile")
	k.zero()
	k.overTaps()
	k.finish()
	k.next()
	k.VZEROUPPER()
	k.RET()
}

// assignVectors divides the vector registers: sums first, then a row of b, the
// mask of AVX2, and what is left for broadcasts.
func (k *kernel) assignVectors() {
	spec, n := reg.S256, 16
	if k.avx512() {
		n = 32
	}
	if k.vector == 16 {
		spec = reg.S512
	}
	next := reg.Index(0)
	take := func() reg.VecPhysical {
		r := reg.Vector.Lookup(next, spec).(reg.VecPhysical)
		next++
		return r
	}
	for range k.rows {
		var row []reg.VecPhysical
		for range k.lanes / k.vector {
			row = append(row, take())
		}
		k.sum = append(k.sum, row)
	}
	for range k.lanes / k.vector {
		k.row = append(k.row, take())
	}
	if !k.avx512() && k.lanes == 8 {
		k.mask = []reg.Register{take()}
	}
	for len(k.broadcast) < 2 && int(next) < n {
		k.broadcast = append(k.broadcast, take())
	}
}

// load reads the tile's description and sets up addresses, strides and masks.
func (k *kernel) load() {
	k.t = k.Dereference(k.Param("t"))
	address := func(base, offset string) Mem {
		m, p, o := k.AllocLocal(8), k.GP64(), k.GP64()
		k.Load(k.t.Field(base).Base(), p)
		k.Load(k.t.Field(offset), o)
		k.LEAQ(Mem{Base: p, Index: o, Scale: 4}, p)
		k.MOVQ(p, m)
		return m
	}
	k.aBase, k.bBase, k.c = address("a", "a0"), address("b", "b0"), address("c", "c0")
	count := k.GP64()
	k.Load(k.t.Field("count"), count)
	k.count = k.AllocLocal(8)
	k.MOVQ(count, k.count)
	k.lda, k.ldb = k.GP64(), k.GP64()
	k.Load(k.t.Field("lda"), k.lda)
	k.Load(k.t.Field("ldb"), k.ldb)
	k.SHLQ(U8(2), k.lda)
	k.SHLQ(U8(2), k.ldb)
	if k.family == nn && k.rows > 3 {
		k.lda3 = k.GP64()
		k.LEAQ(Mem{Base: k.lda, Index: k.lda, Scale: 2}, k.lda3)
	}
	if k.family == nn && k.rows > 5 {
		k.lda5 = k.GP64()
		k.LEAQ(Mem{Base: k.lda, Index: k.lda, Scale: 4}, k.lda5)
	}
	k.loadMask()
}

// loadMask makes masks of the lanes in use.
func (k *kernel) loadMask() {
	lanes := k.GP64()
	if k.avx512() {
		k.Load(k.t.Field("lanes"), lanes)
		ones := k.GP64()
		k.MOVQ(I32(-1), ones)
		k.BZHIQ(lanes, ones, ones)
		k.mask = []reg.Register{reg.K1}
		k.KMOVW(ones.As32(), reg.K1)
		if k.lanes == 32 {
			k.SHRQ(U8(16), ones)
			k.mask = append(k.mask, reg.K2)
			k.KMOVW(ones.As32(), reg.K2)
		}
		return
	}
	if k.mask != nil {
		k.Load(k.t.Field("lanes"), lanes)
		k.NEGQ(lanes)
		table := k.GP64()
		k.LEAQ(k.masks(), table)
		k.VMOVUPS(Mem{Base: table, Index: lanes, Scale: 4, Disp: 8 * 4}, k.mask[0])
	}
}

var maskTable *Mem

// masks is a table of which the 8 words at 8−n are a mask of n lanes.
func (k *kernel) masks() Mem {
	if maskTable == nil {
		m := k.StaticGlobal("masks")
		k.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 16 {
			if i < 8 {
				k.AddDatum(4*i, U32(0xffffffff))
			} else {
				k.AddDatum(4*i, U32(0))
			}
		}
		maskTable = &m
	}
	return *maskTable
}

func (k *kernel) zero() {
	for _, row := range k.sum {
		for _, r := range row {
			if k.avx512() {
				k.VPXORD(r, r, r)
			} else {
				k.VXORPS(r, r, r)
			}
		}
	}
}

// overTaps adds up the products of all taps.
func (k *kernel) overTaps() {
	taps, n := k.GP64(), k.GP64()
	k.Load(k.t.Field("taps").Base(), taps)
	k.Load(k.t.Field("taps").Len(), n)
	k.TESTQ(n, n)
	k.JZ(LabelRef("finish"))

	k.b, k.steps = k.GP64(), k.GP64()
	k.a = nil
	bases := 1
	if k.family == nn {
		bases = (k.rows + rowsPerBase - 1) / rowsPerBase
	}
	for range bases {
		k.a = append(k.a, k.GP64())
	}

	k.Label("taps")
	k.MOVQ(Mem{Base: taps}, k.a[0])
	k.SHLQ(U8(2), k.a[0])
	k.ADDQ(k.aBase, k.a[0])
	k.MOVQ(Mem{Base: taps, Disp: 8}, k.b)
	k.SHLQ(U8(2), k.b)
	k.ADDQ(k.bBase, k.b)
	for i := 1; i < bases; i++ {
		k.LEAQ(Mem{Base: k.a[i-1], Index: k.lda3, Scale: 2}, k.a[i])
		k.ADDQ(k.lda, k.a[i])
	}
	k.Load(k.t.Field("steps"), k.steps)
	k.overSteps()
	k.ADDQ(U8(16), taps)
	k.DECQ(n)
	k.JNZ(LabelRef("taps"))
}

// overSteps adds up the products of one tap: groups of four steps, then what is
// left. In each group, and where there is none, it fetches.
func (k *kernel) overSteps() {
	const unroll = 4
	k.SUBQ(U8(unroll), k.steps)
	k.JL(LabelRef("few"))
	k.Label("steps")
	k.fetch("fetched")
	for u := range unroll {
		k.step(u)
	}
	k.advance(unroll)
	k.SUBQ(U8(unroll), k.steps)
	k.JGE(LabelRef("steps"))
	k.JMP(LabelRef("rest"))
	k.Label("few")
	k.fetch("fetchedFew")
	k.Label("rest")
	k.ADDQ(U8(unroll), k.steps)
	k.JZ(LabelRef("done"))
	k.Label("last")
	k.step(0)
	k.advance(1)
	k.DECQ(k.steps)
	k.JNZ(LabelRef("last"))
	k.Label("done")
}

// fetch asks for the next lines of the tile's queue, if there are any, and then goes on at
// done.
func (k *kernel) fetch(done string) {
	const lines, line = 4, 64
	q := k.Dereference(k.t.Field("queue"))
	asks, count, next := k.place(q.Field("asks").Base()), k.place(q.Field("asks").Len()), k.place(q.Field("next"))
	k.TESTQ(asks.Base, asks.Base)
	k.JZ(LabelRef(done))
	ask, from := k.GP64(), k.GP64()
	k.MOVQ(next, ask)
	k.CMPQ(ask, count)
	k.JGE(LabelRef(done))
	k.SHLQ(U8(4), ask)
	k.ADDQ(asks, ask)
	k.MOVQ(Mem{Base: ask}, from)
	for i := range lines {
		k.PREFETCHT1(Mem{Base: from, Disp: i * line})
	}
	k.ADDQ(U32(lines*line), from)
	k.MOVQ(from, Mem{Base: ask})
	k.CMPQ(from, Mem{Base: ask, Disp: 8})
	k.JB(LabelRef(done))
	k.INCQ(next)
	k.Label(done)
}

// place is where a field lies.
func (k *kernel) place(field gotypes.Component) Mem {
	b, err := field.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// advance moves the bases of a on by n steps.
func (k *kernel) advance(n int) {
	if k.family == nn {
		for _, a := range k.a {
			k.ADDQ(U8(4*n), a)
		}
	}
}

// step adds the products of step u from the bases.
func (k *kernel) step(u int) {
	for j, r := range k.row {
		m := Mem{Base: k.b, Disp: 4 * k.vector * j}
		switch {
		case k.family == tn && k.avx512():
			k.VMOVUPS_Z(m, k.mask[j], r)
		case k.family == tn && k.mask != nil:
			k.VMASKMOVPS(m, k.mask[0], r)
		default:
			k.VMOVUPS(m, r)
		}
	}
	if k.family == tn {
		k.prefetch()
	}
	for i, sum := range k.sum {
		m := k.element(i, u)
		if k.avx512() && k.lanes <= 16 {
			k.VFMADD231PS_BCST(m, k.row[0], sum[0])
			continue
		}
		v := k.broadcast[i%len(k.broadcast)]
		k.VBROADCASTSS(m, v)
		for j, r := range k.row {
			k.VFMADD231PS(v, r, sum[j])
		}
	}
	k.ADDQ(k.ldb, k.b)
	if k.family == tn {
		k.ADDQ(k.lda, k.a[0])
	}
}

// prefetch fetches rows of a and b that are used a few steps later.
func (k *kernel) prefetch() {
	k.PREFETCHT0(Mem{Base: k.a[0], Index: k.lda, Scale: ahead})
	for line := 0; line < 4*k.lanes; line += 64 {
		k.PREFETCHT0(Mem{Base: k.b, Index: k.ldb, Scale: ahead, Disp: line})
	}
}

// element is where a's element of row i, step u lies.
func (k *kernel) element(i, u int) Mem {
	if k.family == tn {
		return Mem{Base: k.a[0], Disp: 4 * i}
	}
	m := Mem{Base: k.a[i/rowsPerBase], Disp: 4 * u}
	switch i % rowsPerBase {
	case 1, 2, 4:
		m.Index, m.Scale = k.lda, uint8(i%rowsPerBase)
	case 3:
		m.Index, m.Scale = k.lda3, 1
	case 5:
		m.Index, m.Scale = k.lda5, 1
	case 6:
		m.Index, m.Scale = k.lda3, 2
	}
	return m
}

// finish adds c to the sums where asked to, and stores them.
func (k *kernel) finish() {
	k.Label("finish")
	c, ldc, p, add := k.GP64(), k.GP64(), k.GP64(), k.GP64()
	k.MOVQ(k.c, c)
	k.Load(k.t.Field("ldc"), ldc)
	k.SHLQ(U8(2), ldc)
	k.Load(k.t.Field("add"), add.As8())
	k.TESTB(add.As8(), add.As8())
	k.JZ(LabelRef("store"))
	k.MOVQ(c, p)
	k.overRows(p, ldc, func(m Mem, j int, sum reg.VecPhysical) {
		switch {
		case k.avx512():
			k.VMOVUPS_Z(m, k.mask[j], k.row[0])
			k.VADDPS(k.row[0], sum, sum)
		case k.mask != nil:
			k.VMASKMOVPS(m, k.mask[0], k.row[0])
			k.VADDPS(k.row[0], sum, sum)
		default:
			k.VADDPS(m, sum, sum)
		}
	})

	k.Label("store")
	if k.set == "256" && k.mask != nil {
		k.storePartial(c, ldc)
	}
	k.overRows(c, ldc, func(m Mem, j int, sum reg.VecPhysical) {
		if k.avx512() {
			k.VMOVUPS(sum, k.mask[j], m)
		} else {
			k.VMOVUPS(sum, m)
		}
	})
	k.Label("stored")
	k.MOVQ(c, k.c)
}

// storePartial stores the sums if not all lanes are in use. Masked stores cost
// nothing with AVX-512, but much with AVX2.
func (k *kernel) storePartial(c, ldc reg.GPVirtual) {
	lanes := k.GP64()
	k.Load(k.t.Field("lanes"), lanes)
	k.CMPQ(lanes, U8(k.lanes))
	k.JEQ(LabelRef("full"))
	k.overRows(c, ldc, func(m Mem, _ int, sum reg.VecPhysical) { k.VMASKMOVPS(sum, k.mask[0], m) })
	k.JMP(LabelRef("stored"))
	k.Label("full")
}

// overRows calls f for every sum and its place in c, and leaves p behind the
// last row.
func (k *kernel) overRows(p, ldc reg.GPVirtual, f func(m Mem, j int, sum reg.VecPhysical)) {
	for _, row := range k.sum {
		for j, sum := range row {
			f(Mem{Base: p, Disp: 4 * k.vector * j}, j, sum)
		}
		k.ADDQ(ldc, p)
	}
}

// next goes on to the next tile, if there is one.
func (k *kernel) next() {
	p := k.GP64()
	if k.family == nn {
		k.IMUL3Q(U8(k.rows), k.lda, p)
		k.ADDQ(p, k.aBase)
	} else {
		k.ADDQ(U8(4*k.rows), k.aBase)
	}
	k.DECQ(k.count)
	k.JNZ(LabelRef("tile"))
}
