package experiment

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
	"largestep/data"
	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/instances"
	"largestep/train/machine/cpu/cputest"
	"largestep/train/run"
	"largestep/train/safetensors"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// runIn trains in a folder, or goes on there.
func runIn(t *testing.T, ctx context.Context, dir string, c run.Config) error {
	t.Helper()
	c.CountEpochs()
	if c.EvalSteps == 0 {
		c.EvalSteps = c.Steps()
	}
	p, c, err := must(catalog.Find(c.Net)).Make(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := cputest.New(t, 1)
	_, err = trainer.Run(ctx, trainer.Options{Config: c, Dir: dir, Resume: true, Problem: p, Engine: e, CheckpointEvery: time.Hour})
	return err
}

// trained runs a config and reads its records.
func trained(t *testing.T, c run.Config) *record.Run {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if err := runIn(t, context.Background(), dir, c); err != nil {
		t.Fatal(err)
	}
	return records(t, dir)
}

func records(t *testing.T, dir string) *record.Run {
	t.Helper()
	r, err := run.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// value is the entry of a column in the last row.
func value(t *testing.T, r *record.Run, column string) float64 {
	t.Helper()
	v, ok := r.Value(len(r.Rows)-1, column)
	if !ok {
		t.Fatalf("no column %q beside %v", column, r.Own)
	}
	return v
}

// weights are the parameters of a run's checkpoint.
func weights(t *testing.T, dir string) map[string][]float64 {
	t.Helper()
	tensors, _, err := safetensors.ReadFile(filepath.Join(dir, "checkpoint.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	w := map[string][]float64{}
	for _, tensor := range tensors {
		if w[tensor.Name], err = tensor.Float64s(); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func small(t *testing.T, name string) run.Config {
	t.Helper()
	return must(catalog.Find(name)).Defaults(catalog.Circumstances{})
}

// separation of the two classes of random instances.
const separation = 2

func batchLosses(t *testing.T, r *record.Run) []float64 {
	t.Helper()
	rows, err := r.Steps()
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	for _, row := range rows {
		losses = append(losses, row.BatchLoss)
	}
	return losses
}

func inner(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func row(e instances.Examples, i int) []float64 { return e.Inputs[i*e.D : (i+1)*e.D] }

// diagonalLoop descends on ½(⟨u ⊙ v, x⟩ − y)², averaged over the examples that
// each step lists, and returns the loss before each step.
func diagonalLoop(e instances.Examples, stepSize func(k int) float64, order [][]int32) []float64 {
	u, v := make([]float64, e.D), make([]float64, e.D)
	for j := range u {
		u[j] = 0.1
	}
	var losses []float64
	for k, list := range order {
		loss, g := 0.0, make([]float64, e.D) // of u ⊙ v
		for _, i := range list {
			x, h := row(e, int(i)), 0.0
			for j := range x {
				h += u[j] * v[j] * x[j]
			}
			r := h - e.Labels[i]
			loss += r * r / 2 / float64(len(list))
			for j := range x {
				g[j] += r * x[j] / float64(len(list))
			}
		}
		losses = append(losses, loss)
		for j := range g {
			u[j], v[j] = u[j]-stepSize(k)*g[j]*v[j], v[j]-stepSize(k)*g[j]*u[j]
		}
	}
	return losses
}

// The first 1,000 losses are those of a plain loop, with the paper's order of
// the examples and with all of them in each step.
func TestDiagonalLosses(t *testing.T) {
	const steps, decay = 1000, 300
	for _, size := range []instances.DiagonalSize{instances.DiagonalSGD, instances.DiagonalGD} {
		problem, err := instances.Diagonal(instances.Paper, size, 0)
		if err != nil {
			t.Fatal(err)
		}
		c := small(t, "diagonal")
		c.TrainSize, c.Dims, c.MaxSteps, c.LogSteps, c.Order = size.N, size.D, steps, true, "paper"
		large, order := 0.282, make([][]int32, steps)
		for k := range order {
			order[k] = problem.Order[k : k+1]
		}
		if size == instances.DiagonalGD {
			// The paper's 3.53 is beyond stability: rounding grows tenfold every few steps.
			large, c.Order, c.Sampling, c.Batch = 2, "", data.Full, size.N
			for k := range order {
				order[k] = data.Order(0, 0, size.N, data.Sequential)
			}
		}
		c.Schedule = decayed(large, 4.8, float64(decay)/steps)
		got := batchLosses(t, trained(t, c))
		want := diagonalLoop(problem.Train, func(k int) float64 {
			if k < decay {
				return large
			}
			return large / 4.8
		}, order)
		if len(got) != steps {
			t.Fatalf("%v: %d losses", size, len(got))
		}
		for k := range want {
			// Half a square of a difference from labels of order 1: where that is
			// tiny, the difference itself must agree.
			if math.Abs(got[k]-want[k]) > 1e-10*want[k] && math.Abs(math.Sqrt(got[k])-math.Sqrt(want[k])) > 1e-12 {
				t.Fatalf("%v: loss of step %d is %v, want %v", size, k, got[k], want[k])
			}
		}
	}
}

// solve is the solution of a symmetric positive definite system.
func solve(t *testing.T, a *mat.SymDense, b []float64) []float64 {
	t.Helper()
	var c mat.Cholesky
	x := mat.NewVecDense(len(b), nil)
	if !c.Factorize(a) {
		t.Fatal("the system is not positive definite")
	}
	if err := c.SolveVecTo(x, mat.NewVecDense(len(b), b)); err != nil {
		t.Fatal(err)
	}
	return x.RawVector().Data
}

// Gradient descent on least squares ends where the normal equations say.
func TestLeastSquaresOptimum(t *testing.T) {
	c := small(t, "least-squares")
	c.Sampling, c.Batch, c.MaxSteps, c.Schedule, c.Seed = data.Full, c.TrainSize, 1000, schedule.Constant(0.3), 5
	problem, err := instances.LeastSquares(c.TrainSize, c.Dims, c.Noise, 5)
	if err != nil {
		t.Fatal(err)
	}
	e := problem.Train
	a, b := mat.NewSymDense(e.D, nil), make([]float64, e.D)
	for i, y := range e.Labels {
		a.SymRankOne(a, 1, mat.NewVecDense(e.D, row(e, i)))
		for j, x := range row(e, i) {
			b[j] += x * y
		}
	}
	best := solve(t, a, b)
	optimum := 0.0
	for i, y := range e.Labels {
		r := inner(best, row(e, i)) - y
		optimum += r * r / float64(e.N)
	}
	r := trained(t, c)
	if got := value(t, r, "train_loss"); !(math.Abs(got-optimum) <= 1e-10*optimum) {
		t.Errorf("loss %v, closed form %v", got, optimum)
	}
	if gap := value(t, r, "gap"); gap < 0 || gap > 1e-10 {
		t.Errorf("gap %g", gap)
	}
	first, _ := r.Value(0, "gap")
	if want := r.Rows[0].TrainLoss - optimum; !(math.Abs(first-want) <= 1e-10) {
		t.Errorf("first gap %v, want %v", first, want)
	}
	for j, w := range weights(t, r.Dir)["linear.weight"] {
		if !(math.Abs(w-best[j]) <= 1e-8) {
			t.Errorf("weight %d is %v, closed form %v", j, w, best[j])
		}
	}
}

// Gradient descent on the logistic loss ends where Newton's method does.
func TestLogisticOptimum(t *testing.T) {
	c := small(t, "logistic")
	c.Sampling, c.Batch, c.MaxSteps, c.Schedule = data.Full, c.TrainSize, 10_000, schedule.Constant(1)
	problem, err := instances.TwoClasses(c.TrainSize, c.Dims, separation, 0)
	if err != nil {
		t.Fatal(err)
	}
	e := problem.Train
	n, d := e.N, e.D+1
	w, loss := make([]float64, d), 0.0
	for range 30 {
		hessian, g := mat.NewSymDense(d, nil), make([]float64, d)
		loss = 0
		for i, y := range e.Labels {
			x := append(append([]float64{}, row(e, i)...), 1)
			p := 1 / (1 + math.Exp(y*inner(w, x)))
			loss += -math.Log(1-p) / float64(n)
			hessian.SymRankOne(hessian, p*(1-p)/float64(n), mat.NewVecDense(d, x))
			for j := range x {
				g[j] -= y * p * x[j] / float64(n)
			}
		}
		for j, s := range solve(t, hessian, g) {
			w[j] -= s
		}
	}
	if got := value(t, trained(t, c), "train_loss"); !(math.Abs(got-loss) <= 1e-8*loss) {
		t.Errorf("loss %v, Newton's method %v", got, loss)
	}
}

// svmOptimum is the least ½‖w‖² + C/n Σ max(0, 1 − y(⟨w, x⟩ + b)), by sequential
// minimal optimisation of the dual, which picks the most violating pair.
func svmOptimum(t *testing.T, e instances.Examples, c float64) float64 {
	t.Helper()
	box := c / float64(e.N)
	alpha, w := make([]float64, e.N), make([]float64, e.D)
	for range 200_000 {
		up, down := -1, -1
		high, low := math.Inf(-1), math.Inf(1)
		for i, y := range e.Labels {
			f := y - inner(w, row(e, i))
			if (y > 0 && alpha[i] < box || y < 0 && alpha[i] > 0) && f > high {
				up, high = i, f
			}
			if (y > 0 && alpha[i] > 0 || y < 0 && alpha[i] < box) && f < low {
				down, low = i, f
			}
		}
		if high-low < 1e-9 {
			b, dual, primal := (high+low)/2, -inner(w, w)/2, inner(w, w)/2
			for i, y := range e.Labels {
				dual += alpha[i]
				primal += box * math.Max(0, 1-y*(inner(w, row(e, i))+b))
			}
			if primal-dual > 1e-7*primal {
				t.Fatalf("primal %v, dual %v", primal, dual)
			}
			return primal
		}
		// Along alpha_up += y_up·s, alpha_down −= y_down·s the sum of y·alpha stays.
		square := 0.0
		for j, x := range row(e, up) {
			square += (x - row(e, down)[j]) * (x - row(e, down)[j])
		}
		s := (high - low) / square
		room := func(i int, sign float64) float64 {
			if e.Labels[i]*sign > 0 {
				return box - alpha[i]
			}
			return alpha[i]
		}
		s = min(s, room(up, 1), room(down, -1))
		for _, m := range []struct {
			i    int
			sign float64
		}{{up, 1}, {down, -1}} {
			alpha[m.i] = min(max(alpha[m.i]+m.sign*e.Labels[m.i]*s, 0), box)
			for j, x := range row(e, m.i) {
				w[j] += m.sign * s * x
			}
		}
	}
	t.Fatal("no convergence")
	return 0
}

// Subgradient descent with a step size that shrinks comes close to the optimum,
// with all examples a step and with one; never below.
func TestSVMOptimum(t *testing.T) {
	c := small(t, "svm")
	problem, err := instances.TwoClasses(c.TrainSize, c.Dims, separation, 0)
	if err != nil {
		t.Fatal(err)
	}
	best := svmOptimum(t, problem.Train, c.C)
	var shrinking schedule.Schedule
	for k := range 12 {
		shrinking.Phases = append(shrinking.Phases, schedule.Phase{Name: "shrinking", Start: float64(k) / 12, StepSize: 0.02 * math.Pow(0.5, float64(k))})
	}
	full := c
	full.Sampling, full.Batch, full.MaxSteps, full.Schedule = data.Full, c.TrainSize, 6000, shrinking
	sgd := c
	sgd.MaxSteps, sgd.Schedule = 60_000, shrinking
	for _, s := range []struct {
		label     string
		config    run.Config
		tolerance float64
	}{{"gradient descent", full, 1e-4}, {"SGD", sgd, 1e-3}} {
		got := value(t, trained(t, s.config), "train_loss")
		if got < best*(1-1e-9) || got > best*(1+s.tolerance) {
			t.Errorf("%s: objective %v, optimum %v: off by %.2g", s.label, got, best, got/best-1)
		}
	}
}

// Names of runs can be read, and no two runs of a figure share one.
func TestRunNames(t *testing.T) {
	all := map[string]bool{}
	for _, f := range smallFigures {
		for _, kind := range []instances.Kind{instances.Paper, instances.Random} {
			if kind == instances.Paper && f.Instance != kind {
				continue
			}
			plan, err := f.Plan(Order{Instance: string(kind), Seeds: 2})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range plan.Settings {
				for _, r := range s.Runs {
					name := fmt.Sprintf("%s/%s/%s", f.Name, kind, r.Name)
					if all[name] || strings.Contains(r.Name, "--") {
						t.Errorf("%s: a name of two runs, or not readable", name)
					}
					all[name] = true
				}
			}
		}
	}
	for _, want := range []string{"diagonal/paper/eta0.282-decay10-seed1", "diagonal-gd/paper/gd-eta3.53-decay50-seed0",
		"teacher-2/random/eta0.985edge-decay30-seed0", "relu-1d/paper/decay2-seed0", "svm/random/sgd-with-replacement-eta0.01-decayed-seed1"} {
		if !all[want] {
			t.Errorf("no run %s", want)
		}
	}
}
