package pass

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"largestep/train/machine/cpu/pool"
)

// eachKernels runs test with every implementation that this machine can run.
func eachKernels(t *testing.T, test func(t *testing.T)) {
	defer func(before *kernels) { active = before }(active)
	for _, active = range available() {
		t.Run(active.name, test)
	}
}

// A zone hands out slices between canaries, at odd offsets from any alignment.
type zone struct {
	*rand.Rand
	blocks [][]float32
}

const guard = 37

func newZone() *zone { return &zone{Rand: rand.New(rand.NewPCG(1, 2))} }

// alloc returns n NaNs between canaries, which are NaNs too: what is read or
// left unwritten by mistake shows.
func (z *zone) alloc(n int) []float32 {
	block := make([]float32, n+2*guard)
	for i := range block {
		block[i] = float32(math.NaN())
	}
	z.blocks = append(z.blocks, block)
	return block[guard : guard+n : guard+n]
}

func (z *zone) normal(n int, mean, deviation float64) []float32 {
	x := z.alloc(n)
	for i := range x {
		x[i] = float32(mean + deviation*z.NormFloat64())
	}
	return x
}

func (z *zone) clone(x []float32) []float32 {
	if x == nil {
		return nil
	}
	y := z.alloc(len(x))
	copy(y, x)
	return y
}

// check fails if a canary was overwritten.
func (z *zone) check(t *testing.T) {
	t.Helper()
	for _, block := range z.blocks {
		for i := range guard {
			if block[i] == block[i] || block[len(block)-1-i] == block[len(block)-1-i] {
				t.Fatal("write outside of a slice")
			}
		}
	}
}

// near fails unless got is want to the tolerance, relative to scale.
func near(t *testing.T, what string, got []float32, want []float64, tolerance, scale float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(float64(got[i])-w) <= tolerance*(scale+math.Abs(w))) {
			t.Fatalf("%s[%d] = %v, want %v", what, i, got[i], w)
		}
	}
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
		t.Fatalf("%s: not the same bits", what)
	}
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// withPools runs test with pools of several numbers of threads.
func withPools(t *testing.T, test func(t *testing.T, p *pool.Pool)) {
	for _, threads := range []int{1, 2, 3, 5} {
		p := pool.New(threads)
		test(t, p)
		p.Close()
	}
}

// shapes calls test with odd and even sizes of rows × channels.
func shapes(t *testing.T, test func(t *testing.T, rows, channels int)) {
	largest := 150_000
	if raceEnabled || testing.Short() {
		largest = 2_000
	}
	for _, c := range []int{1, 3, 4, 5, 8, 12, 16, 24, 64, 512} {
		for _, n := range []int{1, 2, 7, 32, 64} {
			for _, pixels := range []int{1, 15} {
				if n*pixels > 1 && n*pixels*c < largest {
					t.Run(fmt.Sprintf("n%d.c%d.p%d", n, c, pixels), func(t *testing.T) { test(t, n*pixels, c) })
				}
			}
		}
	}
	t.Run("large", func(t *testing.T) { test(t, 10_013, 5) })
}

func TestElementwise(t *testing.T) {
	eachKernels(t, func(t *testing.T) {
		withPools(t, func(t *testing.T, p *pool.Pool) {
			for _, n := range []int{0, 1, 15, 16, 17, 63, 64, 129, 1000, chunk, 2*chunk + 333} {
				testElementwise(t, p, n)
			}
		})
	})
}

func testElementwise(t *testing.T, p *pool.Pool, n int) {
	z := newZone()
	x, y := z.normal(n, 0, 1), z.normal(n, 0, 1)
	expect := func(what string, got []float32, f func(x, y float64) float64) {
		t.Helper()
		want := make([]float64, n)
		for i := range want {
			want[i] = f(float64(x[i]), float64(y[i]))
		}
		near(t, fmt.Sprintf("n=%d %s", n, what), got, want, 4e-7, 1)
	}
	sum, inX, inY := z.alloc(n), z.clone(x), z.clone(y)
	Add(p, Floats(sum), Floats(x), Floats(y))
	Add(p, Floats(inX), Floats(inX), Floats(y))
	Add(p, Floats(inY), Floats(x), Floats(inY))
	expect("add", sum, func(x, y float64) float64 { return x + y })
	sameBits(t, "add in x", inX, sum)
	sameBits(t, "add in y", inY, sum)

	acc := z.clone(x)
	Accumulate(p, acc, y, 0.25, 0.75)
	expect("accumulate", acc, func(x, y float64) float64 { return 0.75*x + 0.25*y })
	fresh := z.alloc(n) // NaN
	Accumulate(p, fresh, y, 0.25, 0)
	expect("accumulate over NaN", fresh, func(x, y float64) float64 { return 0.25 * y })

	w := z.clone(x)
	SGD(p, w, y, 0.7, 0.01)
	expect("sgd", w, func(x, y float64) float64 { return x - 0.7*(y+0.01*x) })

	w, v := z.clone(x), z.normal(n, 0, 1)
	before := z.clone(v)
	SGDMomentum(p, w, y, v, 0.7, 0.01, 0.9)
	want, velocity := make([]float64, n), make([]float64, n)
	for i := range want {
		velocity[i] = 0.9*float64(before[i]) + float64(y[i]) + 0.01*float64(x[i])
		want[i] = float64(x[i]) - 0.7*velocity[i]
	}
	near(t, "velocity", v, velocity, 5e-7, 1)
	near(t, "weights with momentum", w, want, 5e-7, 1)
	z.check(t)
}

func TestWrongLengthsPanic(t *testing.T) {
	p := pool.New(1)
	x := func(n int) []float32 { return make([]float32, n) }
	for name, call := range map[string]func(){
		"add":       func() { Add(p, Floats(x(16)), Floats(x(16)), Floats(x(15))) },
		"sgd":       func() { SGD(p, x(16), x(32), 1, 0) },
		"linear":    func() { Linear(p, x(6), x(8), x(13), x(3)) },
		"average":   func() { AveragePool(p, x(6), Floats(x(25)), 4) },
		"max":       func() { (&MaxPool{Height: 2, Width: 2, Size: 2, Stride: 2}).Forward(p, x(3), x(13)) },
		"max grad":  func() { (&MaxPool{Height: 3, Width: 2, Size: 2, Stride: 2}).Grad(p, x(18), x(2), x(18), x(3)) },
		"count":     func() { CountPositive(p, Floats(x(10)), 3, []int32{0}) },
		"transpose": func() { NCHWToHWNC(p, x(10), x(12), 4) },
		"gather": func() {
			(&Images{Pixels: x8(12), Channels: 3, Height: 2, Width: 2}).Gather(p, 4, x(12), []int32{1}, nil)
		},
		"batchnorm": func() {
			b := BatchNorm{X: Floats(x(9)), Y: Floats(x(9)), Gamma: x(2), Beta: x(2), RunningMean: x(2), RunningVar: x(2)}
			b.Infer(p)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

func x8(n int) []byte { return make([]byte, n) }
