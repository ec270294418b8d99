package arm64

import "fmt"

// Instructions that Go's assembler lacks, by the Arm Architecture Reference
// Manual (DDI 0487), C6.2 and C7.2. The result comes first, as in ARM's syntax.

// word writes an instruction; format says what it is in ARM's syntax.
func (a *Assembly) word(bits int, format string, args ...any) {
	fmt.Fprintf(&a.code, "\tWORD $0x%08x // %s\n", uint32(bits), fmt.Sprintf(format, args...))
}

// three writes an instruction on vectors of four floats.
func (a *Assembly) three(bits int, name string, d, n, m int) {
	a.word(bits|m<<16|n<<5|d, "%s v%d.4s, v%d.4s, v%d.4s", name, d, n, m)
}

// Fadd sets d = n + m.
func (a *Assembly) Fadd(d, n, m int) { a.three(0x4e20d400, "fadd", d, n, m) }

// Fsub sets d = n - m.
func (a *Assembly) Fsub(d, n, m int) { a.three(0x4ea0d400, "fsub", d, n, m) }

// Fmul sets d = n m.
func (a *Assembly) Fmul(d, n, m int) { a.three(0x6e20dc00, "fmul", d, n, m) }

// Fmax sets d to the larger of n and m; NaN is larger.
func (a *Assembly) Fmax(d, n, m int) { a.three(0x4e20f400, "fmax", d, n, m) }

// FmlaElement sets d = d + n m[i], rounded once.
func (a *Assembly) FmlaElement(d, n, m, i int) {
	a.word(0x4f801000|i&1<<21|i>>1<<11|m<<16|n<<5|d, "fmla v%d.4s, v%d.4s, v%d.s[%d]", d, n, m, i)
}

// Faddp sets d to the sums of the pairs of n, then of m.
func (a *Assembly) Faddp(d, n, m int) { a.three(0x6e20d400, "faddp", d, n, m) }

// Fcmeq sets the bits of d where n = m, and clears them elsewhere.
func (a *Assembly) Fcmeq(d, n, m int) { a.three(0x4e20e400, "fcmeq", d, n, m) }

// Fcmge sets the bits of d where n ≥ m, and clears them elsewhere.
func (a *Assembly) Fcmge(d, n, m int) { a.three(0x6e20e400, "fcmge", d, n, m) }

// FcmgtZero sets the bits of d where n > 0, and clears them elsewhere.
func (a *Assembly) FcmgtZero(d, n int) {
	a.word(0x4ea0c800|n<<5|d, "fcmgt v%d.4s, v%d.4s, #0.0", d, n)
}

// Bic sets d to the bits of n that m lacks.
func (a *Assembly) Bic(d, n, m int) {
	a.word(0x4e601c00|m<<16|n<<5|d, "bic v%d.16b, v%d.16b, v%d.16b", d, n, m)
}

// Fcvtl sets d to the lower half of n as float64, Fcvtl2 to the upper.
func (a *Assembly) Fcvtl(d, n int)  { a.word(0x0e617800|n<<5|d, "fcvtl v%d.2d, v%d.2s", d, n) }
func (a *Assembly) Fcvtl2(d, n int) { a.word(0x4e617800|n<<5|d, "fcvtl2 v%d.2d, v%d.4s", d, n) }

// FaddWide sets d = n + m of two float64.
func (a *Assembly) FaddWide(d, n, m int) {
	a.word(0x4e60d400|m<<16|n<<5|d, "fadd v%d.2d, v%d.2d, v%d.2d", d, n, m)
}

// Ldr loads a vector from base + index, Str stores one.
func (a *Assembly) Ldr(v, base, index int) {
	a.word(0x3ce06800|index<<16|base<<5|v, "ldr q%d, [x%d, x%d]", v, base, index)
}
func (a *Assembly) Str(v, base, index int) {
	a.word(0x3ca06800|index<<16|base<<5|v, "str q%d, [x%d, x%d]", v, base, index)
}
