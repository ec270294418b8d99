//go:build gpu

package cuda

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"largestep/data"
	"largestep/nets"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/machine/cpu"
	"largestep/train/problem"
	"largestep/train/trainer"
)

// losses trains a ResNet-18 on random images and gives the loss of each step.
func losses(t *testing.T, e op.Engine, width, batch, steps int, eta float64) []float64 {
	t.Helper()
	return lossesOf(t, e, width, steps, eta, trainer.StepOptions{Batch: batch, Parts: 1, SGD: op.SGD{WeightDecay: 5e-4, Momentum: 0.5}})
}

// lossesOf does so with steps as the options say; those of SAM get their labels from
// the host.
func lossesOf(t *testing.T, e op.Engine, width, steps int, eta float64, o trainer.StepOptions) []float64 {
	t.Helper()
	batch := o.Batch
	net, err := nets.NewResNet18(width, 10)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	images := &data.Images{Side: 32, Labels: make([]int32, 4*batch)}
	images.Pixels = make([]uint8, 4*batch*images.ImageBytes())
	for i := range images.Pixels {
		images.Pixels[i] = uint8(rng.Uint32())
	}
	for i := range images.Labels {
		images.Labels[i] = int32(rng.IntN(10))
	}
	vars := machine.NewVariables(e)
	problem := &problem.Images{Net: net, Data: &data.Dataset{Train: images}, Augment: true, LabelNoise: o.SAM > 0}
	step, err := trainer.NewStep(vars, problem, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := problem.Upload(vars); err != nil {
		t.Fatal(err)
	}
	if err := step.Initialize(0); err != nil {
		t.Fatal(err)
	}
	for i := range steps {
		order := data.Order(0, i/4, 4*batch, data.Shuffle)[i%4*batch : (i%4+1)*batch]
		b := trainer.MiniBatch{Index: order, Window: data.Augmentation(0, i/4, i%4, batch)}
		if problem.LabelNoise {
			problem.DrawLabelNoise(&b, 0, 0, 0, 0)
		}
		if err := step.Run(b, eta); err != nil {
			t.Fatal(err)
		}
	}
	l, err := step.Losses()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Whole training steps, captured and replayed, follow those of the CPU engine:
// 200 in float32 on a GPU, as many as take a few seconds on the emulation. The
// step size is one at which rounding does not grow: with 1e-3 the losses are apart
// by 3e-3 after 130 steps.
func TestStepsFollowTheCPU(t *testing.T) {
	steps := map[Precision]int{FP32: 200, TF32: 20, BF16: 20}
	tolerances := map[Precision]float64{FP32: 1e-3, TF32: 1e-2, BF16: 5e-2}
	for p, tolerance := range tolerances {
		t.Run(string(p), func(t *testing.T) {
			e := open(t, p)
			n := steps[p]
			if strings.Contains(e.Device(), "emulated") || testing.Short() {
				n = 6
			}
			host := cpu.New(2)
			defer host.Close()
			want, got := losses(t, host, 8, 16, n, 1e-4), losses(t, e, 8, 16, n, 1e-4)
			for i, w := range want {
				if !(math.Abs(got[i]-w) <= tolerance*w) {
					t.Fatalf("step %d of %d: loss %g, on the CPU %g", i, n, got[i], w)
				}
			}
		})
	}
}

// So do steps of SAM, whose norms and labels come from the host.
func TestSAMFollowsTheCPU(t *testing.T) {
	for p, tolerance := range map[Precision]float64{FP32: 1e-3, BF16: 5e-2} {
		t.Run(string(p), func(t *testing.T) {
			e := open(t, p)
			host := cpu.New(2)
			defer host.Close()
			o := trainer.StepOptions{Batch: 16, Parts: 1, SAM: 0.5, SGD: op.SGD{WeightDecay: 5e-4, Momentum: 0.5}}
			want, got := lossesOf(t, host, 8, 5, 1e-3, o), lossesOf(t, e, 8, 5, 1e-3, o)
			plain := losses(t, host, 8, 16, 5, 1e-3)
			for i, w := range want {
				if !(math.Abs(got[i]-w) <= tolerance*w) {
					t.Errorf("step %d: loss %g, on the CPU %g", i, got[i], w)
				}
			}
			if last := len(want) - 1; p == FP32 && !(math.Abs(plain[last]-want[last]) > 2*math.Abs(got[last]-want[last])) {
				t.Errorf("loss %g without SAM, %g with it and %g on the GPU: nothing is tested", plain[last], want[last], got[last])
			}
		})
	}
}

// The same training gives the same bits.
func TestRepeatable(t *testing.T) {
	first, second := losses(t, open(t, BF16), 4, 8, 4, 0.1), losses(t, open(t, BF16), 4, 8, 4, 0.1)
	for i := range first {
		if first[i] != second[i] {
			t.Fatalf("step %d: loss %g, then %g", i, first[i], second[i])
		}
	}
}

func TestCaptureThatFails(t *testing.T) {
	emulated(t)
	e := open(t, FP32)
	t.Setenv("CUDA_EMULATOR_FAIL", "cuStreamBeginCapture_v2:900:1")
	_, err := e.Capture(func() error { return nil })
	says(t, err, "begin recording", "900")
	t.Setenv("CUDA_EMULATOR_FAIL", "")
	e.err = nil
}

// Updates wait for one kernel, but one parameter is not updated twice in it, and
// whatever else is queued comes after.
func TestUpdatesWait(t *testing.T) {
	e := open(t, FP32)
	v := vectors(t, e, 4)
	w, grad, sum, eta := v[0], v[1], v[2], v[3]
	for tensor, values := range map[*op.Tensor][]float32{&w: {1, 2, 3, 4}, &grad: {1, 1, 1, 1}, &eta: {0.5, 0, 0, 0}} {
		if err := e.Upload(*tensor, values); err != nil {
			t.Fatal(err)
		}
	}
	e.SGD(op.SGD{}, w, op.Tensor{}, grad, eta)
	e.SGD(op.SGD{}, w, op.Tensor{}, grad, eta)
	e.Add(sum, w, w)
	e.SGD(op.SGD{WeightDecay: 1}, w, op.Tensor{}, grad, eta)
	for tensor, want := range map[*op.Tensor][4]float32{&sum: {0, 2, 4, 6}, &w: {-0.5, 0, 0.5, 1}} {
		var got [4]float32
		if err := e.Download(got[:], *tensor); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// The pieces of a parameter cover it once, and what it lacks they lack.
func TestPieces(t *testing.T) {
	for half := range uint32(2) {
		u := update{w: 1 << 20, copy: 2 << 20, grad: 3 << 20, elements: 2*piece + 5, half: half}
		var at uint32
		for _, p := range u.pieces() {
			want := update{
				w: u.w + address(4*at), copy: u.copy + address(2*at), grad: u.grad + address((4-2*half)*at),
				elements: min(piece, u.elements-at), half: half,
			}
			if p != want {
				t.Errorf("the piece at %d is %+v, want %+v", at, p, want)
			}
			at += p.elements
		}
		if at != u.elements {
			t.Errorf("pieces of %d elements, want %d", at, u.elements)
		}
	}
	if p := (update{w: 4, grad: 8, elements: piece}).pieces(); len(p) != 1 || p[0].copy != 0 || p[0].v != 0 {
		t.Errorf("pieces %+v", p)
	}
}
