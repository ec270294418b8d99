package numpy

import (
	"math"
	"slices"
)

// glibcLog is the natural logarithm of 0 < x < 1, correctly rounded, except
// where glibc's choice of the second nearest number is known.
func glibcLog(x float64) float64 {
	y, rest := log(x)
	if _, found := slices.BinarySearch(misrounded, x); found {
		return math.Nextafter(y, math.Copysign(math.Inf(1), rest))
	}
	return y
}

// misrounded lists, in increasing order, the arguments behind the first 216,200
// normal numbers of seed 0 whose logarithm glibc 2.36 does not round to nearest
// (its error is up to 0.52 units in the last place), as far as the normal
// numbers show it.
var misrounded = []float64{
	0x1.5035f4c093533p-04, 0x1.d27793f87f3cbp-04, 0x1.0052abf619364p-02,
	0x1.160079d1e28b6p-02, 0x1.33eb5f406c059p-02, 0x1.707b3a8300befp-02,
	0x1.75eec2e1fadfep-02, 0x1.b490b9c84ab95p-02, 0x1.dfbe3388ed94cp-02,
	0x1.ee352b01e7c63p-02, 0x1.022a49201d9bep-01, 0x1.1209eeab02859p-01,
	0x1.2fe5a6131acc1p-01, 0x1.309a7c34e1062p-01, 0x1.31f960686154ap-01,
	0x1.37e4d4bae9833p-01, 0x1.4dd3489677ce7p-01, 0x1.54737bddeef84p-01,
	0x1.68876a22aac8ep-01, 0x1.6bc1525ca5902p-01, 0x1.74c7059264929p-01,
	0x1.801163a126a6fp-01, 0x1.86bd90800aa1ap-01, 0x1.88808d6957a53p-01,
	0x1.96cb3d154c596p-01, 0x1.98a2f43ac3583p-01, 0x1.9e9e2eec4f31ep-01,
	0x1.b7f5b2f760eb2p-01, 0x1.bc1397d0039b2p-01, 0x1.c15188e422ffdp-01,
	0x1.ca0385499663ap-01, 0x1.cbf81fd17b1a6p-01, 0x1.cd75f04454906p-01,
	0x1.cfa870a5c5c55p-01, 0x1.d883e555f1c40p-01, 0x1.d95a989a7fac6p-01,
	0x1.d9c2ca288ffb3p-01, 0x1.ea8b3a834c433p-01, 0x1.f86f1f4c5eb18p-01,
}

// log is the logarithm of a positive normal x as an unevaluated sum of two
// float64, good to 85 bits. With x = m·2ᵏ, √½ ≤ m < √2 and
// t = (m−1)/(m+1), it is k·ln 2 + 2·(t + t³/3 + t⁵/5 + …).
func log(x float64) (y, rest float64) {
	m, k := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, k = 2*m, k-1
	}
	t := double{m - 1, 0}.div(sum(m, 1))
	t2 := t.mul(t)
	// t² < 0.03: from the sixth term on, a float64 is precise enough.
	const plain = 6
	tail := 0.0
	for j := 24; j >= plain; j-- {
		tail = float64(tail*t2.hi) + 1/float64(2*j+1)
	}
	series := double{tail, 0}
	for j := plain - 1; j >= 0; j-- {
		series = series.mul(t2).add(double{1, 0}.div(double{float64(2*j + 1), 0}))
	}
	l := series.mul(t)
	l = double{2 * l.hi, 2 * l.lo}
	// ln2Hi has ten zero bits at its end, so that its product with k is exact.
	const ln2Hi = 0x1.62e42fefa38p-1
	const ln2Lo = math.Ln2 - ln2Hi
	l = sum(float64(float64(k)*ln2Hi), float64(float64(k)*ln2Lo)).add(l)
	return l.hi, l.lo
}

// double is a number hi + lo, where lo is at most half a unit in the last place
// of hi (Dekker 1971). Products are converted, which forbids the compiler to fuse
// them with sums and to round once less.
type double struct{ hi, lo float64 }

// sum is a + b, exactly.
func sum(a, b float64) double {
	s := a + b
	c := s - a
	return double{s, (a - (s - c)) + (b - c)}
}

func (a double) add(b double) double {
	s := sum(a.hi, b.hi)
	return sum(s.hi, s.lo+(a.lo+b.lo))
}

func (a double) mul(b double) double {
	p := float64(a.hi * b.hi)
	e := math.FMA(a.hi, b.hi, -p)
	return sum(p, e+(math.FMA(a.hi, b.lo, a.lo*b.hi)))
}

func (a double) div(b double) double {
	q := a.hi / b.hi
	r := math.FMA(-q, b.hi, a.hi) // exact
	return sum(q, (r+a.lo-float64(q*b.lo))/b.hi)
}
