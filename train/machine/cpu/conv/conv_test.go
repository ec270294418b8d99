package conv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"largestep/train/machine/cpu/bfloat"
	"largestep/train/machine/cpu/pool"
)

// guard is how many NaNs stand on either side of a slice: a read of one shows in
// the result, a write to one is looked for.
const guard = 64

// guarded returns n floats with guards around them, at odd addresses.
func guarded(n int) []float32 {
	all := make([]float32, n+2*guard+1)
	for i := range all {
		all[i] = float32(math.NaN())
	}
	return all[guard+1:][:n]
}

// randoms returns n guarded normally distributed floats.
func randoms(r *rand.Rand, n int) []float32 {
	s := guarded(n)
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

// checkGuards fails where something was written behind s.
func checkGuards(t *testing.T, name string, s []float32) {
	t.Helper()
	for i, v := range s[:len(s)+guard][len(s):] {
		if v == v {
			t.Errorf("%s: %v was written %d behind the end", name, v, i)
		}
	}
}

// An array4 is a tensor in the order of its four indices.
type array4 struct {
	dims [4]int
	v    []float64
}

func newArray4(d0, d1, d2, d3 int) array4 {
	return array4{[4]int{d0, d1, d2, d3}, make([]float64, d0*d1*d2*d3)}
}

func (a array4) at(i, j, k, l int) *float64 {
	return &a.v[((i*a.dims[1]+j)*a.dims[2]+k)*a.dims[3]+l]
}

// fromHWNC returns the activations s as NCHW.
func fromHWNC(s []float32, n, c, h, w int) array4 {
	a := newArray4(n, c, h, w)
	for i := range n {
		for j := range c {
			for y := range h {
				for x := range w {
					*a.at(i, j, y, x) = float64(s[((y*w+x)*n+i)*c+j])
				}
			}
		}
	}
	return a
}

// eachProduct calls f for every product in the convolution's definition, with
// places in y (NCHW), x (NCHW) and w (OIHW).
func (s Shape) eachProduct(f func(y, x, w [4]int)) {
	for n := range s.N {
		for o := range s.OC {
			for oh := range s.outH() {
				for ow := range s.outW() {
					for c := range s.C {
						for kh := range s.K {
							for kw := range s.K {
								h, w := oh*s.Stride+kh-s.Pad, ow*s.Stride+kw-s.Pad
								if h >= 0 && h < s.H && w >= 0 && w < s.W {
									f([4]int{n, o, oh, ow}, [4]int{n, c, h, w}, [4]int{o, c, kh, kw})
								}
							}
						}
					}
				}
			}
		}
	}
}

// An operands is a convolution's data, with the results that float64 gives.
type operands struct {
	x, dy, w, dx  []float32 // dx to accumulate on
	plainW        []float32
	wantY, wantDx array4
	wantDw        array4
}

// newOperands makes operands; the results are those of what round makes of them.
func newOperands(s Shape, round func(float32) float32) *operands {
	r := rand.New(rand.NewPCG(uint64(s.N*1000+s.C), uint64(s.OC*1000+s.H)))
	o := &operands{
		x: randoms(r, s.inLen()), dy: randoms(r, s.outLen()), dx: each(randoms(r, s.inLen()), round),
		plainW: randoms(r, s.OC*s.C*s.K*s.K), w: guarded(s.FilterLen()),
		wantY:  newArray4(s.N, s.OC, s.outH(), s.outW()),
		wantDx: newArray4(s.N, s.C, s.H, s.W),
		wantDw: newArray4(s.OC, s.C, s.K, s.K),
	}
	PackFilter(o.w, o.plainW, s.OC, s.C, s.K)
	x := fromHWNC(each(o.x, round), s.N, s.C, s.H, s.W)
	dy := fromHWNC(each(o.dy, round), s.N, s.OC, s.outH(), s.outW())
	plainW := each(o.plainW, round)
	s.eachProduct(func(iy, ix, iw [4]int) {
		w := float64(plainW[((iw[0]*s.C+iw[1])*s.K+iw[2])*s.K+iw[3]])
		at := func(a array4, i [4]int) *float64 { return a.at(i[0], i[1], i[2], i[3]) }
		*at(o.wantY, iy) += *at(x, ix) * w
		*at(o.wantDx, ix) += *at(dy, iy) * w
		*at(o.wantDw, iw) += *at(x, ix) * *at(dy, iy)
	})
	return o
}

func each(s []float32, f func(float32) float32) []float32 {
	all := make([]float32, len(s))
	for i, v := range s {
		all[i] = f(v)
	}
	return all
}

// As they are, and rounded to bfloat16: what ways in float32 and in bfloat16 compute.
func exactly(f float32) float32 { return f }
func shortly(f float32) float32 { return bfloat.Nearest(f).Float32() }

// bothOperands are those of the two.
func bothOperands(s Shape) func(way) *operands {
	exact, short := newOperands(s, exactly), newOperands(s, shortly)
	return func(w way) *operands {
		if w.rounding > 0 {
			return short
		}
		return exact
	}
}

// A way is one to compute convolutions. Its results have errors of limit, in units of
// a sum's standard deviation, and activations are rounded relatively to rounding.
type way struct {
	forward, filter func(c, a, b []float32)
	data            func(dx, dy, w []float32, accumulate bool)
	limit, rounding float64
}

func wayOf(c *Conv) way {
	limit := directError
	if c.winogradFilter != nil {
		limit = winogradError
	}
	return way{c.Forward, c.BackwardFilter, c.BackwardData, limit, 0}
}

// shortWay has c compute what is in float32.
func shortWay(t *testing.T, c *Short) way {
	result := func(name string, dst []float32, f func(dst []bfloat.Number)) {
		short := guardedNumbers(dst)
		f(short)
		for i, b := range short[:len(dst)+guard][len(dst):] {
			if b != notANumber {
				t.Errorf("%s: %v was written %d behind the end", name, b.Float32(), i)
			}
		}
		bfloat.Widen(dst, short)
	}
	return way{
		func(y, x, w []float32) {
			result("y", y, func(y []bfloat.Number) { c.Forward(y, guardedNumbers(x), w) })
		},
		func(dw, dy, x []float32) { c.BackwardFilter(dw, guardedNumbers(dy), guardedNumbers(x)) },
		func(dx, dy, w []float32, accumulate bool) {
			result("dx", dx, func(dx []bfloat.Number) { c.BackwardData(dx, guardedNumbers(dy), w, accumulate) })
		},
		directError, 1. / 256,
	}
}

const notANumber bfloat.Number = 0x7fc0

// guardedNumbers are the nearest of s, with guards around them.
func guardedNumbers(s []float32) []bfloat.Number {
	all := make([]bfloat.Number, len(s)+2*guard+1)
	for i := range all {
		all[i] = notANumber
	}
	short := all[guard+1:][:len(s)]
	bfloat.Round(short, s)
	return short
}

func numbers(s []float32) []bfloat.Number {
	short := make([]bfloat.Number, len(s))
	bfloat.Round(short, s)
	return short
}

// Rounding errors, in units of a sum's standard deviation, stay below these.
const (
	directError   = 2e-5
	winogradError = 1e-4
)

// checkNear compares sums of the given number of products of standard normal
// numbers, that may be rounded besides.
func checkNear(t *testing.T, name string, got, want []float64, terms int, limit, rounding float64) {
	t.Helper()
	limit *= math.Sqrt(float64(terms))
	for i := range want {
		if d := math.Abs(got[i] - want[i]); !(d <= limit+rounding*math.Abs(want[i])) {
			t.Fatalf("%s: element %d is %v, want %v: off by %.2g, limit %.2g", name, i, got[i], want[i], d, limit)
		}
	}
}

func forEachKernelSet(t *testing.T, f func(t *testing.T, kernels *kernelSet)) {
	for _, kernels := range kernelSets() {
		t.Run(kernels.name, func(t *testing.T) { f(t, kernels) })
	}
}

var oddShapes = []Shape{
	{N: 1, C: 1, H: 1, W: 1, OC: 1, K: 1, Stride: 1},
	{N: 1, C: 1, H: 3, W: 3, OC: 1, K: 3, Stride: 1, Pad: 1},
	{N: 2, C: 3, H: 5, W: 7, OC: 5, K: 3, Stride: 1, Pad: 1},
	{N: 7, C: 3, H: 8, W: 8, OC: 64, K: 3, Stride: 1, Pad: 1},
	{N: 3, C: 8, H: 8, W: 8, OC: 8, K: 3, Stride: 1, Pad: 1},
	{N: 5, C: 16, H: 6, W: 6, OC: 16, K: 3, Stride: 1, Pad: 1},
	{N: 5, C: 8, H: 8, W: 8, OC: 16, K: 3, Stride: 2, Pad: 1},
	{N: 4, C: 17, H: 7, W: 5, OC: 33, K: 3, Stride: 2, Pad: 1},
	{N: 34, C: 33, H: 16, W: 10, OC: 20, K: 3, Stride: 2, Pad: 1},
	{N: 2, C: 3, H: 1, W: 2, OC: 4, K: 3, Stride: 2, Pad: 1},
	{N: 13, C: 32, H: 4, W: 4, OC: 32, K: 3, Stride: 1, Pad: 1},
	{N: 15, C: 40, H: 4, W: 4, OC: 48, K: 3, Stride: 1, Pad: 1},
	{N: 29, C: 9, H: 3, W: 3, OC: 12, K: 3, Stride: 1, Pad: 1},
	{N: 6, C: 64, H: 4, W: 6, OC: 71, K: 1, Stride: 1},
	{N: 6, C: 20, H: 5, W: 5, OC: 24, K: 1, Stride: 2},
	{N: 2, C: 5, H: 9, W: 8, OC: 7, K: 5, Stride: 1, Pad: 2},
	{N: 2, C: 4, H: 9, W: 9, OC: 10, K: 5, Stride: 3, Pad: 4},
	{N: 3, C: 6, H: 4, W: 4, OC: 31, K: 3, Stride: 1, Pad: 0},
	{N: 3, C: 2, H: 4, W: 4, OC: 3, K: 2, Stride: 2, Pad: 0},
	{N: 70, C: 12, H: 2, W: 2, OC: 65, K: 3, Stride: 1, Pad: 1},
	{N: 3, C: 16, H: 9, W: 8, OC: 17, K: 3, Stride: 1, Pad: 1},
	{N: 33, C: 18, H: 5, W: 6, OC: 24, K: 3, Stride: 1, Pad: 1},
	{N: 50, C: 16, H: 4, W: 4, OC: 20, K: 3, Stride: 1, Pad: 1},
	{N: 80, C: 2, H: 16, W: 16, OC: 3, K: 3, Stride: 1, Pad: 1},
	{N: 5, C: 70, H: 5, W: 4, OC: 67, K: 3, Stride: 1, Pad: 1},
	{N: 3, C: 66, H: 9, W: 8, OC: 35, K: 3, Stride: 2, Pad: 1},
	{N: 4096, C: 1, H: 3, W: 3, OC: 1, K: 1, Stride: 2, Pad: 4},
	{N: 1030, C: 3, H: 5, W: 6, OC: 2, K: 3, Stride: 1, Pad: 1},
}

func TestAgainstDefinition(t *testing.T) {
	p := pool.New(2)
	defer p.Close()
	for _, s := range oddShapes {
		o := bothOperands(s)
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			forEachKernelSet(t, func(t *testing.T, kernels *kernelSet) {
				for name, c := range variants(t, p, s, kernels) {
					t.Run(name, func(t *testing.T) { checkShape(t, s, c, o(c)) })
				}
			})
		})
	}
}

// variants returns the ways to compute a convolution of shape s.
func variants(t *testing.T, p *pool.Pool, s Shape, kernels *kernelSet) map[string]way {
	direct := newConv(p, s, new(Scratch), kernels)
	planDirect(direct)
	all := map[string]way{"direct": wayOf(direct)}
	if s.allowsWinograd() {
		for name, most := range map[string]limits{
			"winograd in local blocks":  {filter: math.MaxInt, sums: math.MaxInt},
			"winograd in shared blocks": {shared: 1},
			"winograd by pieces":        {panels: math.Inf(1), slices: math.Inf(1)},
		} {
			c := newConv(p, s, new(Scratch), kernels)
			c.planWinogradData(most)
			c.planWinogradFilter(most)
			all[name] = wayOf(c)
		}
		mixed := newConv(p, s, new(Scratch), kernels)
		mixed.planDirectData()
		mixed.planWinogradFilter(limits{})
		all["direct data, winograd's filter"] = wayOf(mixed)
	}
	if kernels != kernelSets()[0] || s.InPitch > 0 {
		return all
	}
	all["short"] = shortWay(t, newShort(p, s, new(Scratch), nil))
	for name, tiles := range tileSets() {
		all["short by tiles, "+name] = shortWay(t, newShort(p, s, new(Scratch), tiles))
	}
	return all
}

// TestPlan: at stride 2 a filter may be too large for Winograd, but not its gradient.
func TestPlan(t *testing.T) {
	p := pool.New(1)
	defer p.Close()
	for s, want := range map[Shape][2]bool{
		{N: 64, C: 512, H: 4, W: 4, OC: 512, K: 3, Stride: 1, Pad: 1}: {true, true},
		{N: 64, C: 256, H: 8, W: 8, OC: 512, K: 3, Stride: 2, Pad: 1}: {false, true},
		{N: 64, C: 256, H: 8, W: 8, OC: 512, K: 1, Stride: 2, Pad: 0}: {false, false},
		{N: 64, C: 3, H: 32, W: 32, OC: 64, K: 3, Stride: 1, Pad: 1}:  {false, false},
	} {
		c := New(p, s, new(Scratch))
		if got := [2]bool{c.winogradForward != nil, c.winogradFilter != nil}; got != want {
			t.Errorf("%+v: Winograd's for data and for the filter: %v, want %v", s, got, want)
		}
	}
}

// checkShape checks all directions.
func checkShape(t *testing.T, s Shape, c way, o *operands) {
	y := guarded(s.outLen())
	c.forward(y, o.x, o.w)
	checkNear(t, "y", fromHWNC(y, s.N, s.OC, s.outH(), s.outW()).v, o.wantY.v, s.C*s.K*s.K, c.limit, c.rounding)
	checkGuards(t, "y", y)

	dx := guarded(s.inLen())
	c.data(dx, o.dy, o.w, false)
	checkNear(t, "dx", fromHWNC(dx, s.N, s.C, s.H, s.W).v, o.wantDx.v, s.OC*s.K*s.K, c.limit, c.rounding)
	checkGuards(t, "dx", dx)

	copy(dx, o.dx)
	c.data(dx, o.dy, o.w, true)
	checkGuards(t, "dx accumulated", dx)
	sum := fromHWNC(o.dx, s.N, s.C, s.H, s.W).v
	for i := range sum {
		sum[i] += o.wantDx.v[i]
	}
	checkNear(t, "dx accumulated", fromHWNC(dx, s.N, s.C, s.H, s.W).v, sum, s.OC*s.K*s.K, c.limit, c.rounding)

	dw := guarded(s.FilterLen())
	c.filter(dw, o.dy, o.x)
	checkGuards(t, "dw", dw)
	plain := guarded(len(o.plainW))
	UnpackFilter(plain, dw, s.OC, s.C, s.K)
	checkGuards(t, "dw in plain order", plain)
	checkNear(t, "dw", widen(plain), o.wantDw.v, s.N*s.outH()*s.outW(), c.limit, 0)
	again := make([]float32, len(dw))
	PackFilter(again, plain, s.OC, s.C, s.K)
	if !slices.Equal(again, dw) {
		t.Error("lanes of dw beyond the output channels are not zero")
	}
}

func widen(s []float32) []float64 {
	wide := make([]float64, len(s))
	for i, v := range s {
		wide[i] = float64(v)
	}
	return wide
}

// TestSameBits: the number of threads does not show in the results, nor does
// the vectors' width where no part of the work is left to plain Go.
func TestSameBits(t *testing.T) {
	shapes := slices.Clone(oddShapes)
	if !testing.Short() { // of an emulated processor
		shapes = append(shapes, Shape{N: 64, C: 16, H: 16, W: 16, OC: 32, K: 3, Stride: 1, Pad: 1}, Shape{N: 17, C: 64, H: 8, W: 8, OC: 72, K: 3, Stride: 2, Pad: 1})
	}
	for _, s := range shapes {
		r := rand.New(rand.NewPCG(3, 4))
		x, dy, w := randoms(r, s.inLen()), randoms(r, s.outLen()), randoms(r, s.FilterLen())
		want := map[string][][]float32{}
		for _, kernels := range kernelSets() {
			for _, threads := range []int{1, 2, 7} {
				p := pool.New(threads)
				for name, c := range variants(t, p, s, kernels) {
					y, dx, dw := guarded(s.outLen()), guarded(s.inLen()), guarded(s.FilterLen())
					c.forward(y, x, w)
					c.data(dx, dy, w, false)
					c.filter(dw, dy, x)
					got := [][]float32{y, dx, dw}
					first := name
					if name != "direct" || kernels == goKernels {
						first += kernels.name
					}
					if want[first] == nil {
						want[first] = got
					}
					for i, result := range []string{"y", "dx", "dw"} {
						if !slices.Equal(got[i], want[first][i]) {
							t.Errorf("%+v, %s: %s differs with %s on %d threads", s, name, result, kernels.name, threads)
						}
					}
				}
				p.Close()
			}
		}
	}
}

// TestPitches: what lies between the rows of pixels is neither read nor written, and bits
// are those of rows that follow each other.
func TestPitches(t *testing.T) {
	p := pool.New(2)
	defer p.Close()
	for _, s := range oddShapes {
		r := rand.New(rand.NewPCG(3, 4))
		x, dy, w, sum := randoms(r, s.inLen()), randoms(r, s.outLen()), randoms(r, s.FilterLen()), randoms(r, s.inLen())
		pitched := s
		pitched.InPitch, pitched.OutPitch = s.inPitch(s.C)+13, s.outPitch(s.OC)+16
		for _, kernels := range kernelSets() {
			ways := variants(t, p, s, kernels)
			for name, c := range variants(t, p, pitched, kernels) {
				results := func(s Shape, c way) [][]float32 {
					y, dx, dw := guarded(s.outLen()), guarded(s.inLen()), guarded(s.FilterLen())
					dxSum := apart(sum, s.H, s.inPitch(s.C))
					for i, v := range dxSum { // a sum with NaN would not show
						if v != v {
							dxSum[i] = 1
						}
					}
					x, dy := apart(x, s.H, s.inPitch(s.C)), apart(dy, s.outH(), s.outPitch(s.OC))
					c.forward(y, x, w)
					c.data(dx, dy, w, false)
					c.data(dxSum, dy, w, true)
					c.filter(dw, dy, x)
					return [][]float32{y, dx, dxSum, dw}
				}
				want, got := results(s, ways[name]), results(pitched, c)
				for i, v := range got[2] {
					if i%pitched.InPitch >= s.inPitch(s.C) {
						if v != 1 {
							t.Errorf("%+v, %s, %s: %v was added between rows", s, kernels.name, name, v)
						}
						got[2][i] = float32(math.NaN())
					}
				}
				want[0] = apart(want[0], s.outH(), pitched.OutPitch)
				want[1], want[2] = apart(want[1], s.H, pitched.InPitch), apart(want[2], s.H, pitched.InPitch)
				for i, result := range []string{"y", "dx", "dx accumulated", "dw"} {
					if !slices.EqualFunc(got[i], want[i], func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
						t.Errorf("%+v, %s, %s: %s differs", s, kernels.name, name, result)
					}
				}
			}
		}
	}
}

// apart returns the rows of s with NaNs between them, pitch from one to the next.
func apart(s []float32, rows, pitch int) []float32 {
	all, row := guarded(rows*pitch), len(s)/rows
	for i := range rows {
		copy(all[i*pitch:], s[i*row:][:row])
	}
	return all
}

// TestSameBitsOfLargeFilters: with more threads than large panels for all, they share blocks.
func TestSameBitsOfLargeFilters(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds")
	}
	s := Shape{N: 48, C: 512, H: 4, W: 4, OC: 520, K: 3, Stride: 1, Pad: 1}
	r := rand.New(rand.NewPCG(7, 8))
	x, dy, w := randoms(r, s.inLen()), randoms(r, s.outLen()), randoms(r, s.FilterLen())
	var want [][]float32
	for threads, division := range map[int]division{1: byPieces, 9: shared} {
		p := pool.New(threads)
		c := New(p, s, new(Scratch))
		if c.kernels.limits == cacheLimits && c.winogradForward.division != division {
			t.Errorf("%d threads divide the work in way %d, want %d", threads, c.winogradForward.division, division)
		}
		got := [][]float32{make([]float32, s.outLen()), make([]float32, s.inLen()), make([]float32, s.FilterLen())}
		c.Forward(got[0], x, w)
		c.BackwardData(got[1], dy, w, false)
		c.BackwardFilter(got[2], dy, x)
		p.Close()
		if want == nil {
			want = got
		}
		for i, result := range []string{"y", "dx", "dw"} {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("%s differs between 1 and 9 threads", result)
			}
		}
	}
}

// TestSharedScratch: what one Conv leaves in the scratch does not reach another.
func TestSharedScratch(t *testing.T) {
	p := pool.New(2)
	defer p.Close()
	scratch := new(Scratch)
	for _, s := range []Shape{oddShapes[2], oddShapes[10], {N: 50, C: 20, H: 4, W: 4, OC: 16, K: 3, Stride: 1, Pad: 1}, oddShapes[4]} {
		o := bothOperands(s)
		for _, w := range []way{wayOf(New(p, s, scratch)), shortWay(t, NewShort(p, s, scratch))} {
			checkShape(t, s, w, o(w))
		}
	}
}

func TestPackedFilterComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, s := range oddShapes {
		plain := randoms(r, s.OC*s.C*s.K*s.K)
		packed, again := guarded(s.FilterLen()), guarded(len(plain))
		PackFilter(packed, plain, s.OC, s.C, s.K)
		UnpackFilter(again, packed, s.OC, s.C, s.K)
		if !slices.Equal(again, plain) {
			t.Errorf("%+v: not what was packed", s)
		}
		checkGuards(t, "packed", packed)
		checkGuards(t, "unpacked", again)
	}
}

func TestImpossibleShapesPanic(t *testing.T) {
	p := pool.New(1)
	defer p.Close()
	good := Shape{N: 1, C: 1, H: 4, W: 4, OC: 1, K: 3, Stride: 1, Pad: 1}
	for name, spoil := range map[string]func(*Shape){
		"no images":       func(s *Shape) { s.N = 0 },
		"no channels":     func(s *Shape) { s.C = 0 },
		"no filters":      func(s *Shape) { s.OC = 0 },
		"no stride":       func(s *Shape) { s.Stride = 0 },
		"negative pad":    func(s *Shape) { s.Pad = -1 },
		"kernel too high": func(s *Shape) { s.H, s.Pad = 2, 0 },
		"kernel too wide": func(s *Shape) { s.W, s.Pad = 2, 0 },
		"short pitch":     func(s *Shape) { s.InPitch = 3 },
		"short result":    func(s *Shape) { s.OutPitch = 3 },
	} {
		s := good
		spoil(&s)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			New(p, s, new(Scratch))
		}()
	}
}

// FuzzShapes tries any small shape, in all ways.
func FuzzShapes(f *testing.F) {
	f.Add(byte(3), byte(5), byte(4), byte(6), byte(9), byte(2), byte(0), byte(1))
	f.Add(byte(14), byte(16), byte(7), byte(7), byte(40), byte(0), byte(1), byte(0))
	f.Fuzz(func(t *testing.T, n, c, h, w, oc, k, stride, pad byte) {
		s := Shape{
			N: 1 + int(n)*int(n)%1100, C: 1 + int(c)%48, H: 1 + int(h)%10, W: 1 + int(w)%10,
			OC: 1 + int(oc)%48, K: 1 + int(k)%5, Stride: 1 + int(stride)%3, Pad: int(pad) % 4,
		}
		if s.K > min(s.H, s.W)+2*s.Pad || s.N*s.C*s.H*s.W*s.OC > 1<<18 {
			t.Skip("no such convolution, or a slow one")
		}
		p := pool.New(1 + int(n)%2)
		defer p.Close()
		o := bothOperands(s)
		for _, kernels := range kernelSets() {
			for _, conv := range variants(t, p, s, kernels) {
				checkShape(t, s, conv, o(conv))
			}
		}
	})
}
