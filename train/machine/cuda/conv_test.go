//go:build gpu

package cuda

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/tensor"
	"largestep/nets/op"
)

// convolution is one with its gradients, on an engine.
type convolution struct {
	op.Convolution
	x, w, y, dx, dw op.Tensor
}

// newConvolution fills x, w, y and dx with the same random numbers in every
// engine. Each test takes sizes of its own, since a choice is made once.
func newConvolution(t *testing.T, e *Engine, batch, side int) *convolution {
	t.Helper()
	c := &convolution{Convolution: op.Convolution{Stride: 1, Pad: 1}}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, v := range []struct {
		*op.Tensor
		kind  op.Kind
		shape tensor.Shape
	}{
		{&c.x, op.Activation, tensor.Shape{batch, 5, side, side}}, {&c.w, op.Filter, tensor.Shape{9, 5, 3, 3}},
		{&c.y, op.Activation, tensor.Shape{batch, 9, side, side}}, {&c.dx, op.Activation, tensor.Shape{batch, 5, side, side}},
		{&c.dw, op.FilterGradient, tensor.Shape{9, 5, 3, 3}},
	} {
		spec := specOf(v.kind, v.shape...)
		arena, err := e.Alloc(e.Bytes(spec))
		if err != nil {
			t.Fatal(err)
		}
		*v.Tensor = e.Place(arena, 0, spec)
		values := make([]float32, spec.Len())
		for i := range values {
			values[i] = float32(rng.NormFloat64())
		}
		if err := e.Upload(*v.Tensor, values); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func download(t *testing.T, e *Engine, v op.Tensor) []float32 {
	t.Helper()
	values := make([]float32, v.Len())
	if err := e.Download(values, v); err != nil {
		t.Fatal(err)
	}
	return values
}

// same fails if results differ by more than rounding to bfloat16.
func same(t *testing.T, got, want []float32) {
	t.Helper()
	for i, w := range want {
		if !(math.Abs(float64(got[i]-w)) <= 0.01*(1+math.Abs(float64(w)))) {
			t.Fatalf("element %d of %d is %g, want %g", i, len(want), got[i], w)
		}
	}
}

// chosen is the only plan of an engine.
func chosen(t *testing.T, e *Engine) plan {
	t.Helper()
	for _, p := range e.convolutions.chosen {
		if len(e.convolutions.chosen) == 1 {
			return p
		}
	}
	t.Fatalf("%d plans", len(e.convolutions.chosen))
	return plan{}
}

// The fastest plan that suits the precision is taken: of the emulation's engines
// that of 4099 bytes, in FP32 that of 70 without tensor cores.
func TestFastestPlanIsChosen(t *testing.T) {
	emulated(t)
	for p, want := range map[Precision]int{FP32: 70, TF32: 4099, BF16: 4099} {
		e := open(t, p)
		c := newConvolution(t, e, 2, 5)
		e.Conv(c.Convolution, c.y, c.x, c.w)
		if err := e.Sync(); err != nil {
			t.Fatal(err)
		}
		if got := chosen(t, e); got.workspace != want {
			t.Errorf("%s: the plan chosen needs %d bytes, want %d", p, got.workspace, want)
		}
	}
}

// Measuring does not add to a result that is to be added to once.
func TestMeasuringSparesSums(t *testing.T) {
	e := open(t, TF32)
	c := newConvolution(t, e, 2, 7)
	want := download(t, e, c.dx)
	e.ConvBackwardData(c.Convolution, c.dx, c.y, c.w, true)
	sum := download(t, e, c.dx)
	e.ConvBackwardData(c.Convolution, c.dx, c.y, c.w, false)
	for i, v := range download(t, e, c.dx) {
		want[i] += v
	}
	same(t, sum, want)
}

// Without memory to measure in, the plan that needs the least is taken.
func TestNoMemoryToMeasureIn(t *testing.T) {
	emulated(t)
	e := open(t, TF32)
	c := newConvolution(t, e, 2, 8)
	t.Setenv("CUDA_EMULATOR_FAIL", "cuMemAlloc_v2:2:1")
	e.Conv(c.Convolution, c.y, c.x, c.w)
	if err := e.Sync(); err != nil {
		t.Fatal(err)
	}
	if got := chosen(t, e); got.workspace != 70 {
		t.Errorf("the plan chosen needs %d bytes, want 70", got.workspace)
	}
}

// A convolution that is captured before it has run is not measured, but works.
func TestCaptureOfTheUnknown(t *testing.T) {
	e := open(t, BF16)
	c := newConvolution(t, e, 2, 9)
	replay, err := e.Capture(func() error {
		e.Conv(c.Convolution, c.y, c.x, c.w)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := replay(); err != nil {
		t.Fatal(err)
	}
	got := download(t, e, c.y)
	e.Conv(c.Convolution, c.y, c.x, c.w)
	same(t, got, download(t, e, c.y))
}

func TestNoPlan(t *testing.T) {
	emulated(t)
	e := open(t, FP32)
	c := newConvolution(t, e, 2, 10)
	e.convolutions.limit = 69
	e.Conv(c.Convolution, c.y, c.x, c.w)
	err := e.Sync()
	says(t, err, "none of cuDNN's 12", "0 MB", "update cuDNN", "(2, 5, 10, 10)", "stride 1")
	if !errors.Is(err, op.ErrFormat) {
		t.Errorf("%v does not say that another format may help", err)
	}
	e.err = nil // for Close
}

// What cuDNN says is wrong comes through.
func TestRefusedConvolution(t *testing.T) {
	emulated(t)
	e := open(t, FP32)
	c := newConvolution(t, e, 2, 11)
	c.Stride = 2 // which gives another y
	e.Conv(c.Convolution, c.y, c.x, c.w)
	says(t, e.Sync(), "describe a convolution", "CUDNN_STATUS_BAD_PARAM: operation: the shapes", "stride 2")
	e.err = nil // for Close
}
