//go:build gpu

package cuda

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"largestep/nets/op"
)

// try makes engines try alternatives; no other test sees their choices.
func try(t *testing.T, names string) {
	t.Setenv(fuseVariable, names)
	t.Setenv(choicesVariable, filepath.Join(t.TempDir(), "plans.tsv"))
}

func trying(t *testing.T, p Precision, names string) *Engine {
	t.Helper()
	try(t, names)
	return open(t, p)
}

// normCase is a batch norm in both directions, on numbers far from 0.
type normCase struct {
	normForward
	back normBackward
}

func newNormCase(t *testing.T, e *Engine, b op.BatchNorm, shape ...int) normCase {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	place := func(s op.Spec, mean, deviation float64) op.Tensor {
		a, err := e.Alloc(e.Bytes(s))
		if err != nil {
			t.Fatal(err)
		}
		host := make([]float32, s.Len())
		for i := range host {
			host[i] = float32(mean + deviation*rng.NormFloat64())
		}
		v := e.Place(a, 0, s)
		if err := e.Upload(v, host); err != nil {
			t.Fatal(err)
		}
		return v
	}
	activation, vector := specOf(op.Activation, shape...), specOf(op.Plain, shape[1])
	n := normForward{norm: norm{b}, x: place(activation, 3, 1), y: place(activation, 0, 1), gamma: place(vector, 1, 0.3), beta: place(vector, 0, 0.3)}
	mean, invStd := place(vector, 0, 1), place(vector, 0, 1)
	n.mean, n.invStd = at(mean), at(invStd)
	n.runningMean, n.runningVar = at(place(vector, 0, 1)), at(place(vector, 1, 0.1))
	back := normBackward{
		norm: n.norm, dx: place(activation, 0, 1), dy: place(activation, 0.5, 1), x: n.x, gamma: n.gamma, beta: n.beta, mean: mean, invStd: invStd,
		dgamma: at(place(vector, 0, 1)), dbeta: at(place(vector, 0, 1)),
	}
	if b.Residual {
		n.residual = place(activation, 0, 1)
		back.dresidual, back.output = place(activation, 0, 1), at(n.y)
	}
	return normCase{n, back}
}

// results are all that the kernels write; the channels' vectors come first.
func (n normCase) results(t *testing.T, e *Engine) (list [][]float32) {
	vector := specOf(op.Plain, n.x.Shape[1])
	for _, a := range []address{n.mean, n.invStd, n.runningMean, n.runningVar, n.back.dgamma, n.back.dbeta} {
		list = append(list, download(t, e, op.Tensor{Spec: vector, Data: a}))
	}
	for _, v := range []op.Tensor{n.y, n.back.dx, n.back.dresidual} {
		if v.Wanted() {
			list = append(list, download(t, e, v))
		}
	}
	return list
}

// One kernel whose blocks meet gives what several give: where all rows stay on the
// chip, where some do, and where blocks have none.
func TestCooperativeNorm(t *testing.T) {
	shapes := [][]int{{2, 5, 3, 3}, {1, 64, 5, 7}, {16, 24, 16, 16}, {3, 130, 8, 8}}
	for _, p := range []Precision{FP32, BF16} {
		for _, b := range []op.BatchNorm{{}, {ReLU: true}, {Residual: true}, {ReLU: true, Residual: true}} {
			b.Epsilon, b.Momentum = 1e-5, 0.1
			for _, shape := range shapes {
				t.Run(fmt.Sprintf("%s/%v", p, norm{b}.spell(op.Tensor{Spec: specOf(op.Activation, shape...)})), func(t *testing.T) {
					e := open(t, p)
					apart, together := newNormCase(t, e, b, shape...), newNormCase(t, e, b, shape...)
					for range 2 { // the second finds the counters as the first left them
						e.normForwardApart(apart.normForward)
						e.normBackwardApart(apart.back)
						e.normForwardTogether(together.normForward)
						e.normBackwardTogether(together.back)
					}
					want := apart.results(t, e)
					for i, got := range together.results(t, e) {
						closeTo(t, i, got, want[i], map[Precision]float64{FP32: 1e-5, BF16: 1e-2}[p])
					}
				})
			}
		}
	}
}

// closeTo compares results up to rounding. A value that rounding moves over a ReLU's
// threshold may differ: one of a thousand.
func closeTo(t *testing.T, i int, got, want []float32, tolerance float64) {
	t.Helper()
	wrong, scale := 0, 0.0
	for _, w := range want {
		scale = max(scale, math.Abs(float64(w)))
	}
	for k := range want {
		if !(math.Abs(float64(got[k]-want[k])) <= tolerance*scale) {
			wrong++
		}
	}
	if wrong*1000 > len(want) {
		t.Errorf("result %d: %d of %d values differ: %v, want %v", i, wrong, len(want), got[:min(8, len(got))], want[:min(8, len(want))])
	}
}

// A gradient of the residual may take the place of dy.
func TestCooperativeNormInPlace(t *testing.T) {
	e := open(t, BF16)
	b := op.BatchNorm{ReLU: true, Residual: true, Epsilon: 1e-5, Momentum: 0.1}
	apart, together := newNormCase(t, e, b, 16, 24, 16, 16), newNormCase(t, e, b, 16, 24, 16, 16)
	together.back.dresidual = together.back.dy
	e.normForwardApart(apart.normForward)
	e.normBackwardApart(apart.back)
	e.normForwardApart(together.normForward)
	e.normBackwardTogether(together.back)
	want := apart.results(t, e)
	for i, got := range together.results(t, e) {
		closeTo(t, i, got, want[i], 1e-2)
	}
}

// Training with batch norm as one kernel follows training without, and each kind of
// batch norm was decided once.
func TestTrainingWithCooperativeNorm(t *testing.T) {
	emulated(t)
	want := losses(t, trying(t, BF16, "0"), 4, 8, 5, 0.01)
	e := trying(t, BF16, "norm")
	got := losses(t, e, 4, 8, 5, 0.01)
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= 1e-2*w) {
			t.Errorf("step %d: loss %g, apart %g", i, got[i], w)
		}
	}
	// in each direction: of each of four sizes with and without a residual, both with
	// ReLU, and of three shortcuts without either
	if len(e.norms) != 2*(4*2+3) {
		t.Errorf("%d kinds of batch norm were decided", len(e.norms))
	}
	for kernel, together := range e.norms {
		if !together {
			t.Errorf("%s stays apart", kernel)
		}
	}
}

// Where to meet takes longer than to read twice, where a card refuses, and where
// there are more tiles than multiprocessors, batch norm stays apart; in the log is
// what it was measured against.
func TestNormStaysApart(t *testing.T) {
	emulated(t)
	for name, variable := range map[string][2]string{
		"slower":  {"CUDA_EMULATOR_MEETING", "1"},
		"refused": {"CUDA_EMULATOR_FAIL", "cuLaunchCooperativeKernel:801:1"},
	} {
		t.Run(name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			t.Setenv(logVariable, log)
			e := trying(t, FP32, "norm")
			n := newNormCase(t, e, op.BatchNorm{ReLU: true, Epsilon: 1e-5, Momentum: 0.1}, 4, 9, 6, 6)
			running := download(t, e, op.Tensor{Spec: specOf(op.Plain, 9), Data: n.runningMean})
			t.Setenv(variable[0], variable[1])
			e.normalize(n.normForward, sums{})
			t.Setenv(variable[0], "")
			if err := e.Sync(); err != nil {
				t.Fatal(err)
			}
			if on, ok := e.norms["batch norm 4x9x6x6 relu"]; on || !ok {
				t.Errorf("the choices are %v", e.norms)
			}
			text, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), "\tapart\t0\t0.004\tchosen: 0.004 ms, apart 0.004 ms\n") {
				t.Errorf("the log does not have the choice:\n%s", text)
			}
			mean := download(t, e, op.Tensor{Spec: specOf(op.Plain, 9), Data: n.mean})
			for c, got := range download(t, e, op.Tensor{Spec: specOf(op.Plain, 9), Data: n.runningMean}) {
				if want := 0.9*running[c] + 0.1*mean[c]; math.Abs(float64(got-want)) > 1e-5 {
					t.Errorf("channel %d: running mean %g, want %g: measuring counts", c, got, want)
				}
			}
		})
	}
	e := trying(t, FP32, "norm")
	n := newNormCase(t, e, op.BatchNorm{Epsilon: 1e-5, Momentum: 0.1}, 2, 64*3+8, 2, 2)
	e.normalize(n.normForward, sums{})
	if err := e.Sync(); err != nil || len(e.norms) != 0 {
		t.Errorf("error %v, choices %v", err, e.norms)
	}
}

// A choice of another process counts.
func TestNormOfAnotherProcess(t *testing.T) {
	emulated(t)
	e := trying(t, FP32, "norm")
	n := newNormCase(t, e, op.BatchNorm{Epsilon: 1e-5, Momentum: 0.1}, 4, 9, 6, 6)
	e.convolutions.choices.keep(e.convolutions.useOf(n.normForward.kernel()), separate)
	second := open(t, FP32)
	second.convolutions.choices = reread(os.Getenv(choicesVariable))
	n = newNormCase(t, second, op.BatchNorm{Epsilon: 1e-5, Momentum: 0.1}, 4, 9, 6, 6)
	second.normalize(n.normForward, sums{})
	if on, ok := second.norms[n.normForward.kernel()]; on || !ok {
		t.Errorf("the choices are %v", second.norms)
	}
}
