package trainer_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/floats"
	"largestep/data"
	"largestep/nets/op"
	"largestep/train/problem"
	"largestep/train/run"
	"largestep/train/safetensors"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// quadratic is a search for the edge of gradient descent on (w₁x₁ + w₂x₂ − y)²/2 with
// rows (√6, 0) and (0, √2), whose curvatures are 3 and 1 on average, and 6 and 2 alone,
// from w = (1, 2).
func quadratic(t *testing.T) (e trainer.Edge, w []float64) {
	t.Helper()
	p := regression(2, 2)
	p.Fit.Scale, p.Train = 0.5, problem.Sample{X: []float64{math.Sqrt(6), 0, 0, math.Sqrt(2)}, Y: []float64{1, 1}}
	w = []float64{1, 2}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	f, err := os.Create(path)
	check(t, err)
	defer f.Close()
	check(t, safetensors.Write(f, []safetensors.Tensor{safetensors.FromFloat64("linear.weight", []int{1, 2}, w)}, nil))
	return trainer.Edge{
		Engine: op.Reference{}, Problem: p, Init: path, Steps: 1000, Tolerance: 0.02,
		Config: run.Config{
			Net: "least-squares", TrainSize: 2, Batch: 2, Epochs: 1, Schedule: schedule.Constant(0.1),
			EvalEvery: 1, Sampling: data.Full, Precision: "fp64",
		},
	}, w
}

// Of gradient descent all orders are one, and the interval holds 2 over the curvature.
func TestIntervalOfQuadratic(t *testing.T) {
	for _, begin := range []float64{0.1, 2.0 / 3, 5} {
		e, _ := quadratic(t)
		e.Config.Schedule = schedule.Constant(begin)
		i, err := e.Interval(context.Background(), 2)
		check(t, err)
		if edge := 2.0 / 3; !(i.Stable <= edge*1.001 && edge <= i.Unstable*1.001 && i.Unstable <= i.Stable*1.03) {
			t.Errorf("from %g: %g to %g, want 2/3 in it", begin, i.Stable, i.Unstable)
		}
		for k, n := range i.Tallies {
			if n.Orders != 2 || n.Diverged != 0 && n.Diverged != 2 || k > 0 && n.StepSize <= i.Tallies[k-1].StepSize {
				t.Errorf("from %g: tallies %+v", begin, i.Tallies)
				break
			}
		}
	}
}

// Orders that differ have an interval; what the search says of them, trials alone say
// too.
func TestIntervalOfSGD(t *testing.T) {
	e, _ := quadratic(t)
	p := regression(12, 3)
	e.Problem, e.Init = p, ""
	e.Config.TrainSize, e.Config.Batch, e.Config.Sampling, e.Steps = 12, 1, data.WithReplacement, 100
	i, err := e.Interval(context.Background(), 4)
	check(t, err)
	mixed := 0
	for _, n := range i.Tallies {
		alone := 0
		for k := range 4 {
			one := e
			one.Config.Seed = uint64(k)
			losses, err := one.Fork(context.Background(), n.StepSize)
			check(t, err)
			if l := losses[0]; !(floats.Max(l) <= 1e6*max(l[0], 1)) {
				alone++
			}
		}
		if alone != n.Diverged {
			t.Errorf("step size %g: %d orders diverge, alone %d", n.StepSize, n.Diverged, alone)
		}
		if n.Diverged > 0 && n.Diverged < n.Orders {
			mixed++
		}
		if (n.StepSize <= i.Stable) && n.Diverged > 0 || n.StepSize >= i.Unstable && n.Diverged < n.Orders {
			t.Errorf("%+v in an interval of %g to %g", n, i.Stable, i.Unstable)
		}
	}
	if mixed == 0 || !(i.Stable < i.Unstable) {
		t.Errorf("no step size diverges for some orders alone: %+v", i)
	}
}

// A smaller factor finds the growth of the loss that does not diverge within few steps.
func TestIntervalByFactor(t *testing.T) {
	e, _ := quadratic(t)
	e.Steps = 10
	e.Config.Schedule = schedule.Constant(0.5)
	far, err := e.Interval(context.Background(), 1)
	check(t, err)
	e.Factor = 1.5
	near, err := e.Interval(context.Background(), 1)
	check(t, err)
	if !(near.Unstable < far.Stable && near.Stable > 0.6) {
		t.Errorf("with a factor of 1.5 the edge is at %g, with a million at %g", near.Stable, far.Stable)
	}
}

// A fork takes the steps of a plain loop from the same parameters.
func TestFork(t *testing.T) {
	e, start := quadratic(t)
	e.Steps = 60
	stepSizes := []float64{0.1, 0.7}
	losses, err := e.Fork(context.Background(), stepSizes...)
	check(t, err)
	for k, eta := range stepSizes {
		w := []float64{start[0], start[1]}
		for step := range e.Steps {
			a, b := math.Sqrt(6)*w[0]-1, math.Sqrt(2)*w[1]-1
			if want := (a*a + b*b) / 4; !(math.Abs(losses[k][step]-want) <= 1e-12*want) {
				t.Fatalf("η = %g: loss %g before step %d, want %g", eta, losses[k][step], step+1, want)
			}
			w[0] -= eta * math.Sqrt(6) * a / 2
			w[1] -= eta * math.Sqrt(2) * b / 2
		}
	}
}

// What the curvature says at the start is that of the quadratic.
func TestStart(t *testing.T) {
	e, _ := quadratic(t)
	p := e.Problem.(*problem.Vectors)
	p.Around = problem.Around{Examples: 2, Batch: 2, Mode: "training", Gradients: true, Products: true, Eigenvalues: 1}
	p.Measures = []problem.Measure{{Name: "sharpness", Of: func(s *problem.State) (float64, error) {
		v, err := s.Eigenvalues()
		if err != nil {
			return 0, err
		}
		return v.Values[0], nil
	}}}
	own, err := e.Start(context.Background())
	if check(t, err); !(math.Abs(own["sharpness"]-3) <= 1e-6) {
		t.Errorf("%v, want a sharpness of 3", own)
	}
}

func TestCatapult(t *testing.T) {
	flat := make([]float64, 100)
	for i := range flat {
		flat[i] = 1 + 0.5*float64(i%2)
	}
	with := func(change func(x []float64)) []float64 {
		x := append([]float64(nil), flat...)
		change(x)
		return x
	}
	for name, c := range map[string]struct {
		fork          []float64
		happens, back bool
	}{
		"the same":    {flat, false, true},
		"one loss":    {with(func(x []float64) { x[50] = 5 }), false, true},
		"a catapult":  {with(func(x []float64) { floats.AddConst(5, x[20:40]) }), true, true},
		"a growth":    {with(func(x []float64) { floats.AddConst(5, x[20:]) }), true, false},
		"a NaN":       {with(func(x []float64) { x[99] = math.NaN() }), true, false},
		"a short end": {append(append([]float64(nil), flat[:50]...), math.Inf(1)), true, false},
	} {
		got := trainer.NewCatapult(flat, c.fork, 2)
		if got.Happens() != c.happens || got.Returned != c.back {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
