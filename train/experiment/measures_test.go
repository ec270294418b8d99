package experiment

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"largestep/data"
	"largestep/train/instances"
	"largestep/train/run"
	"largestep/train/schedule"
	"largestep/train/trainer"
)

// student is a two-layer net without biases: weights a (hidden × d) and b.
type student struct {
	d    int
	a, b []float64
}

// at returns h(x), the hidden activations and ∂h/∂(a, b).
func (s student) at(x []float64) (h float64, hidden, gradient []float64) {
	gradient = make([]float64, len(s.a)+len(s.b))
	for k, b := range s.b {
		z := max(0, inner(s.a[k*s.d:(k+1)*s.d], x))
		hidden = append(hidden, z)
		h += b * z
		gradient[len(s.a)+k] = z
		if z > 0 {
			for j := range x {
				gradient[k*s.d+j] = b * x[j]
			}
		}
	}
	return h, hidden, gradient
}

// loss is the mean square error; features are the hidden activations.
func (s student) loss(e instances.Examples) (loss float64, features [][]float64) {
	for i, y := range e.Labels {
		h, hidden, _ := s.at(row(e, i))
		loss += (h - y) * (h - y) / float64(e.N)
		features = append(features, hidden)
	}
	return loss, features
}

// singular are those of the Jacobian, from the eigenvalues of JᵀJ.
func (s student) singular(t *testing.T, inputs []float64) []float64 {
	n := len(s.a) + len(s.b)
	gram := mat.NewSymDense(n, nil)
	for i := range len(inputs) / s.d {
		_, _, g := s.at(inputs[i*s.d : (i+1)*s.d])
		gram.SymRankOne(gram, 1, mat.NewVecDense(n, g))
	}
	var e mat.EigenSym
	if !e.Factorize(gram, false) {
		t.Fatal("no eigenvalues")
	}
	values := e.Values(nil)
	for i, v := range values {
		values[i] = math.Sqrt(max(v, 0))
	}
	return values
}

// sparsity is the paper's: rows of unit length; without units that are never
// active, and without those that correlate above 0.99 with one that is left.
func sparsity(features [][]float64) (active, distinct float64) {
	n, units := len(features), len(features[0])
	columns := make([][]float64, units)
	left := map[int]bool{}
	for k := range units {
		for _, f := range features {
			columns[k] = append(columns[k], f[k]/math.Max(math.Sqrt(inner(f, f)), 1e-300))
			if f[k] != 0 {
				active += 1 / float64(n*units)
				left[k] = true
			}
		}
	}
	for k := range units {
		for other := range left {
			if left[k] && other != k && math.Abs(stat.Correlation(columns[k], columns[other], nil)) > 0.99 {
				delete(left, k)
			}
		}
	}
	for k := range left {
		for _, v := range columns[k] {
			if v != 0 {
				distinct += 1 / float64(n*units)
			}
		}
	}
	return active, distinct
}

// All that is recorded of a teacher's student at the end of a run, computed from
// its checkpoint.
func TestMeasuresOfStudent(t *testing.T) {
	c := small(t, "teacher-2")
	c.MaxSteps, c.Order, c.Schedule, c.Precision = 1500, "paper", schedule.Constant(0.455), "fp64"
	problem, err := instances.Teacher2(instances.Paper, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := trained(t, c)
	w := weights(t, r.Dir)
	end := student{2, w["layers.0.weight"], w["layers.1.weight"]}
	start := student{2, problem.Student[0].Values, problem.Student[1].Values}
	if len(end.a) != 40 || len(end.b) != 20 {
		t.Fatalf("%d and %d weights", len(end.a), len(end.b))
	}
	want := map[string]float64{}
	var features [][]float64
	want["train_loss"], features = end.loss(problem.Train)
	want["test_loss"], _ = end.loss(problem.Test)
	want["active_1"], want["sparsity_1"] = sparsity(features)
	_, initial := start.loss(problem.Train)
	for i := range features {
		for k := range features[i] {
			if (features[i][k] > 0) != (initial[i][k] > 0) {
				want["pattern_distance"] += 1 / float64(15*20)
			}
		}
	}
	singular, sum, entropy := end.singular(t, problem.Test.Inputs[:60*2]), 0.0, 0.0
	for _, s := range singular {
		sum += s
		if s > 1e-4*slices.Max(singular) {
			want["rank"]++
		}
	}
	for _, s := range singular {
		if s > 0 {
			entropy -= s / sum * math.Log(s/sum)
		}
	}
	want["effective_rank"] = math.Exp(entropy)
	for column, x := range want {
		tolerance := 1e-10
		if column == "effective_rank" { // roots of eigenvalues that are 0 but for rounding
			tolerance = 1e-5
		}
		if got := value(t, r, column); !(math.Abs(got-x) <= tolerance*x) {
			t.Errorf("%s is %v, want %v", column, got, x)
		}
	}
	if want["pattern_distance"] == 0 || want["sparsity_1"] == want["active_1"] {
		t.Errorf("the run shows too little: %v", want)
	}
	if d, _ := r.Value(0, "pattern_distance"); d != 0 {
		t.Errorf("distance from the start at the start: %v", d)
	}
}

// The same of u and v; the Jacobian of a net linear in x has rank d.
func TestMeasuresOfDiagonal(t *testing.T) {
	c := small(t, "diagonal")
	c.Instance, c.TrainSize, c.Dims, c.Nonzeros, c.MaxSteps = string(instances.Random), 12, 7, 2, 400
	r := trained(t, c)
	w := weights(t, r.Dir)
	u, v := w["u"], w["v"]
	want := map[string]float64{"l0": 7, "rank": 7, "parameter_norm": math.Sqrt(inner(u, u) + inner(v, v))}
	for j := range u {
		want["l1"] += math.Abs(u[j] * v[j])
		want["imbalance"] += math.Abs(u[j]*u[j]-v[j]*v[j]) / 7
	}
	problem, err := instances.Diagonal(instances.Random, instances.DiagonalSize{N: 12, D: 7, R: 2}, 0)
	if err != nil {
		t.Fatal(err)
	}
	loss := func(e instances.Examples) (sum float64) {
		for i, y := range e.Labels {
			h := -y
			for j, x := range row(e, i) {
				h += u[j] * v[j] * x
			}
			sum += h * h / 2 / float64(e.N)
		}
		return sum
	}
	want["train_loss"], want["test_loss"] = loss(problem.Train), loss(problem.Test)
	for column, x := range want {
		if got := value(t, r, column); !(math.Abs(got-x) <= 1e-10*x) {
			t.Errorf("%s is %v, want %v", column, got, x)
		}
	}
	if got := value(t, r, "effective_rank"); !(got > 1 && got <= 7+1e-9) {
		t.Errorf("effective rank %v of rank 7", got)
	}
}

// interruption is a context that ends once it has been asked so many times.
type interruption struct {
	context.Context
	left int
}

func (c *interruption) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// A run that was interrupted twice ends as one that was not: weights, losses and
// measures, the distance from the first activation pattern among them.
func TestResume(t *testing.T) {
	teacher := small(t, "teacher-3")
	teacher.Order = "paper"
	svm := small(t, "svm")
	svm.Sampling, svm.Batch, svm.Momentum = data.Shuffle, 7, 0.5
	for _, c := range []run.Config{teacher, svm} {
		c.MaxSteps, c.EvalSteps, c.LogSteps = 150, 40, true
		whole := trained(t, c)
		dir := filepath.Join(t.TempDir(), "run")
		for _, steps := range []int{57, 30} {
			if err := runIn(t, &interruption{context.Background(), steps}, dir, c); !errors.Is(err, trainer.ErrInterrupted) {
				t.Fatalf("%s: error %v", c.Net, err)
			}
			if r := records(t, dir); r.Status.Step >= 150 || r.Status.Step < steps {
				t.Fatalf("%s: interrupted at step %d", c.Net, r.Status.Step)
			}
		}
		if err := runIn(t, context.Background(), dir, c); err != nil {
			t.Fatal(err)
		}
		again := records(t, dir)
		a, b := weights(t, whole.Dir), weights(t, dir)
		for name := range a {
			if len(a[name]) == 0 || !slices.Equal(a[name], b[name]) {
				t.Errorf("%s: %s differs", c.Net, name)
			}
		}
		if !slices.Equal(batchLosses(t, whole), batchLosses(t, again)) || len(batchLosses(t, again)) != 150 {
			t.Errorf("%s: steps.csv differs", c.Net)
		}
		if len(whole.Rows) != 5 || len(again.Rows) != 5 {
			t.Fatalf("%s: %d and %d rows", c.Net, len(whole.Rows), len(again.Rows))
		}
		for i, x := range whole.Rows {
			y := again.Rows[i]
			if x.Step != y.Step || x.TrainLoss != y.TrainLoss || x.TestLoss != y.TestLoss || !slices.Equal(x.Own, y.Own) {
				t.Errorf("%s: row %d is\n%v, want\n%v", c.Net, i, y, x)
			}
		}
		if c.Net == "teacher-3" && !(value(t, again, "pattern_distance") > 0) {
			t.Errorf("the activation pattern stays: %v", again.Rows[4])
		}
	}
}

// The classifiers' errors are the fractions of examples on the wrong side of the
// plane; who fits numbers has none.
func TestClassificationErrors(t *testing.T) {
	for _, net := range []string{"svm", "logistic", "least-squares"} {
		c := small(t, net)
		c.MaxSteps = 300
		r := trained(t, c)
		train, test := value(t, r, "train_error"), value(t, r, "test_error")
		if net == "least-squares" {
			if !math.IsNaN(train) || !math.IsNaN(test) {
				t.Errorf("%s: errors %v and %v, want none", net, train, test)
			}
			continue
		}
		problem, err := instances.TwoClasses(c.TrainSize, c.Dims, separation, uint32(c.Seed))
		if err != nil {
			t.Fatal(err)
		}
		w := weights(t, r.Dir)
		for _, s := range []struct {
			instances.Examples
			got float64
		}{{problem.Train, train}, {problem.Test, test}} {
			wrong := 0.0
			for i, y := range s.Labels {
				if h := inner(row(s.Examples, i), w["linear.weight"]) + w["linear.bias"][0]; h*y < 0 {
					wrong++
				}
			}
			if want := wrong / float64(s.N); s.got != want || want == 0 || want > 0.4 {
				t.Errorf("%s: error %v of %d examples, want %v", net, s.got, s.N, want)
			}
		}
	}
}
