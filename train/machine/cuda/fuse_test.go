//go:build gpu

package cuda

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"largestep/nets/op"
)

// fusing makes an engine that may take statistics from convolutions.
func fusing(t *testing.T, p Precision) *Engine {
	t.Helper()
	return trying(t, p, "statistics")
}

// Training with statistics from convolutions follows training without, and the
// step is recorded with them.
func TestFusedStatistics(t *testing.T) {
	emulated(t)
	want := losses(t, trying(t, BF16, "0"), 4, 8, 5, 0.01)
	e := fusing(t, BF16)
	got := losses(t, e, 4, 8, 5, 0.01)
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= 1e-2*w) {
			t.Errorf("step %d: loss %g, with statistics apart %g", i, got[i], w)
		}
	}
	if len(e.fused.places) != 20 || len(e.fused.apart) != 0 {
		t.Errorf("%d of 20 convolutions make statistics, %d kinds stay apart", len(e.fused.places), len(e.fused.apart))
	}
	for _, p := range e.fused.plans {
		if p.engine != 9 {
			t.Errorf("the plan is %v", p)
		}
	}
}

// Where cuDNN has no plan, or none that is faster, all is as without, also in
// another process.
func TestStatisticsApart(t *testing.T) {
	emulated(t)
	want := losses(t, trying(t, FP32, "0"), 4, 8, 3, 0.01)
	e := fusing(t, FP32) // for which the emulation has no engine
	if got := losses(t, e, 4, 8, 3, 0.01); !equal(got, want) {
		t.Errorf("losses %v, want %v", got, want)
	}
	if len(e.fused.places) != 0 || len(e.fused.apart) == 0 {
		t.Errorf("%d convolutions make statistics, %d kinds stay apart", len(e.fused.places), len(e.fused.apart))
	}

	e = fusing(t, TF32)
	path := os.Getenv(choicesVariable)
	batchNormAfterConv(t, e)
	kernel := "forward x 4x8x6x6 w 16x8x3x3 stride 1 pad 1 with statistics"
	u := use{e.card.name, cudnnVersion(), TF32, kernel}
	if got := reread(path).find(u); got.engine != 9 {
		t.Fatalf("the choice is %v", got)
	}
	e.convolutions.choices.keep(u, separate)
	second := open(t, TF32)
	second.convolutions.choices = reread(path)
	batchNormAfterConv(t, second)
	if len(second.fused.apart) != 1 || len(second.fused.plans) != 0 {
		t.Errorf("the choice of another process to stay apart: %d apart, %d plans", len(second.fused.apart), len(second.fused.plans))
	}
}

// What a plan with statistics writes are the sums of what it writes as the result,
// over whatever was there.
func TestSumsOfConvolution(t *testing.T) {
	for _, p := range []Precision{TF32, BF16} {
		t.Run(string(p), func(t *testing.T) {
			e := fusing(t, p)
			c := newConvolution(t, e, 3, 7)
			k := kernelOf(0, c.Convolution, c.x.Shape, c.y.Shape, 3, p)
			k.statistics = 1
			list, err := e.fused.few(k, separate)
			if err != nil {
				t.Skip(err)
			}
			defer e.enter()()
			s, err := e.fused.newSums(16)
			if err != nil {
				t.Fatal(err)
			}
			o := operands{out: at(c.y), first: at(c.x), second: e.filterOf(c.w), sums: s}
			for _, plan := range list {
				for range 2 {
					if err := e.convolutions.reserve(plan.workspace); err != nil {
						t.Fatal(err)
					}
					if err := e.convolutions.execute(plan, o, e.convolutions.workspace); err != nil {
						t.Fatalf("%v: %v", plan, err)
					}
					checkSums(t, e, c.y, s)
				}
				plan.destroy()
			}
		})
	}
}

// checkSums compares sums with those of a tensor.
func checkSums(t *testing.T, e *Engine, y op.Tensor, s sums) {
	t.Helper()
	values, channels, area := download(t, e, y), y.Shape[1], y.Shape[2]*y.Shape[3]
	sum, squares := make([]float32, channels), make([]float32, channels)
	for i, v := range values {
		c := i / area % channels
		sum[c] += v
		squares[c] += v * v
	}
	plain := specOf(op.Plain, channels)
	n := float64(len(values) / channels)
	for c, got := range download(t, e, op.Tensor{Spec: plain, Data: s.sum}) {
		if deviation := math.Sqrt(float64(squares[c]) / n); !(math.Abs(float64(got-sum[c])) <= 0.01*n*deviation) {
			t.Errorf("channel %d: sum %g, want %g", c, got, sum[c])
		}
	}
	same(t, download(t, e, op.Tensor{Spec: plain, Data: s.squares}), squares)
}

// Batch norm from sums of its operand and of the squares gives what batch norm gives.
func TestNormFromSums(t *testing.T) {
	for _, p := range []Precision{FP32, BF16} {
		for _, b := range []op.BatchNorm{{}, {ReLU: true, Residual: true}} {
			b.Epsilon, b.Momentum = 1e-5, 0.1
			e := open(t, p)
			apart, finished := newNormCase(t, e, b, 5, 130, 6, 6), newNormCase(t, e, b, 5, 130, 6, 6)
			s, err := e.fused.newSums(padded(130))
			if err != nil {
				t.Fatal(err)
			}
			sum, squares := make([]float32, 130), make([]float32, 130)
			for i, v := range download(t, e, apart.x) {
				sum[i/36%130] += v
				squares[i/36%130] += v * v
			}
			for a, values := range map[address][]float32{s.sum: sum, s.squares: squares} {
				if err := e.Upload(op.Tensor{Spec: specOf(op.Plain, 130), Data: a}, values); err != nil {
					t.Fatal(err)
				}
			}
			e.normForwardApart(apart.normForward)
			e.normForwardFinish(finished.normForward, s)
			want := apart.results(t, e)
			for i, got := range finished.results(t, e) {
				closeTo(t, i, got, want[i], map[Precision]float64{FP32: 1e-4, BF16: 1e-2}[p])
			}
		}
	}
}

func equal(a, b []float64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// batchNormAfterConv runs both twice, the second time with something else in between
// if that is given, and returns the means.
func batchNormAfterConv(t *testing.T, e *Engine, between ...func(y op.Tensor)) []float32 {
	t.Helper()
	c := newConvolution(t, e, 4, 6)
	spec := specOf(op.Plain, 9)
	arena, err := e.Alloc(4 * op.Alignment)
	if err != nil {
		t.Fatal(err)
	}
	var vectors [4]op.Tensor
	for i := range vectors {
		vectors[i] = e.Place(arena, i*op.Alignment, spec)
	}
	for run := range 2 {
		e.Conv(c.Convolution, c.y, c.x, c.w)
		for _, f := range between[:run*len(between)] {
			f(c.y)
		}
		e.BatchNorm(op.BatchNorm{Epsilon: 1e-5, Momentum: 0.1}, op.BatchNormResults{Mean: vectors[0], InvStd: vectors[1]}, c.y, vectors[2], vectors[3], op.Tensor{})
	}
	return download(t, e, vectors[0])
}

// Statistics that came with a convolution are not those of what was written over
// its result.
func TestStatisticsOfWhatWasWrittenOver(t *testing.T) {
	emulated(t)
	for name, between := range map[string]func(e *Engine) func(y op.Tensor){
		"kernel": func(e *Engine) func(y op.Tensor) { return func(y op.Tensor) { e.Add(y, y, y) } },
		"upload": func(e *Engine) func(y op.Tensor) {
			return func(y op.Tensor) {
				values := make([]float32, y.Len())
				for i := range values {
					values[i] = float32(i % 7)
				}
				if err := e.Upload(y, values); err != nil {
					t.Error(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			apart, e := open(t, TF32), fusing(t, TF32)
			same(t, batchNormAfterConv(t, e, between(e)), batchNormAfterConv(t, apart, between(apart)))
		})
	}
}

// A choice to fuse is in the log, with what it was measured against.
func TestLogOfFusion(t *testing.T) {
	emulated(t)
	path := filepath.Join(t.TempDir(), "log")
	t.Setenv(logVariable, path)
	batchNormAfterConv(t, fusing(t, TF32))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"apart\t4099\t2.002\tmeasured\n", "10=7 11=7\t67\t0.202\tmeasured\n", "9=7 10=7\t0\t0.102\tmeasured\n", "9=7 10=7\t0\t0.102\tchosen: 0.102 ms, apart 2.002 ms\n"} {
		if !strings.Contains(string(text), "with statistics") || strings.Count(string(text), want) != 1 {
			t.Errorf("the log does not have once %q:\n%s", want, text)
		}
	}
}
