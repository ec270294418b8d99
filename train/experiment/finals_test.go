package experiment

import (
	"math"
	"slices"
	"testing"

	"largestep/data"
	"largestep/train/instances"
)

func smallFigure(t testing.TB, name string) SmallFigure {
	t.Helper()
	for _, f := range smallFigures {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no figure %s", name)
	return SmallFigure{}
}

// settings are those of a figure on its own instance, evaluated at the ends only.
func settings(t testing.TB, name string, seeds int) []Setting {
	t.Helper()
	plan, err := smallFigure(t, name).Plan(Order{Seeds: seeds})
	if err != nil {
		t.Fatal(err)
	}
	for i := range plan.Settings {
		for k := range plan.Settings[i].Runs {
			c := &plan.Settings[i].Runs[k].Config
			c.EvalSteps = c.Steps()
		}
	}
	return plan.Settings
}

// pair is a final number of the paper, and that of its authors' code run again.
type pair struct{ published, again float64 }

// near compares a column's finals over a figure's settings with either set, and
// finds them falling.
func near(t *testing.T, figure, column string, got []float64, want []pair) {
	t.Helper()
	within := func(x, y float64) bool { return math.Abs(x-y) <= 0.2*y }
	for i, x := range got {
		if !within(x, want[i].published) && !within(x, want[i].again) {
			t.Errorf("%s: %s of setting %d is %.3g, paper %.3g, again %.3g", figure, column, i, x, want[i].published, want[i].again)
		}
		if i > 0 && x > got[i-1] {
			t.Errorf("%s: %s rises with the length of the large-step phase: %.3g", figure, column, got)
		}
	}
	if got[0] <= got[len(got)-1] {
		t.Errorf("%s: %s does not fall: %.3g", figure, column, got)
	}
}

// Finals as published, and of the authors' code run again on the same instance.
var paperFinals = map[string]map[string][]pair{
	"relu-1d": {
		"rank":       {{85, 85}, {19, 19}},
		"sparsity_1": {{0.22, 0.22}, {0.063, 0.063}},
		"active_1":   {{0.487, 0.487}, {0.267, 0.267}},
	},
	"teacher-2": {
		"rank":       {{26, 26}, {16, 16}, {12, 12}, {7, 10}},
		"sparsity_1": {{0.263, 0.263}, {0.11, 0.11}, {0.087, 0.077}, {0.063, 0.077}},
	},
	"teacher-3": {
		"rank":       {{150, 150}, {150, 150}, {125, 126}, {102, 110}},
		"sparsity_2": {{0.466, 0.464}, {0.312, 0.314}, {0.252, 0.254}, {0.182, 0.206}},
	},
}

func TestFinals(t *testing.T) {
	for name, columns := range paperFinals {
		if name == "teacher-3" && testing.Short() {
			continue
		}
		got := map[string][]float64{}
		for _, s := range settings(t, name, 1) {
			r := trained(t, s.Runs[0].Config)
			for column := range columns {
				got[column] = append(got[column], value(t, r, column))
			}
		}
		for column, want := range columns {
			near(t, name, column, got[column], want)
		}
	}
}

// medians are those of the finite finals of a column, for each setting of a
// figure, and how many runs diverged.
func medians(t *testing.T, name string, seeds int, columns ...string) (median map[string][]float64, diverged []int) {
	t.Helper()
	median = map[string][]float64{}
	for _, s := range settings(t, name, seeds) {
		finals, lost := map[string][]float64{}, 0
		for _, run := range s.Runs {
			r := trained(t, run.Config)
			if r.Status.State != "finished" {
				lost++
				continue
			}
			for _, c := range columns {
				finals[c] = append(finals[c], value(t, r, c))
			}
		}
		for _, c := range columns {
			slices.Sort(finals[c])
			n := len(finals[c])
			if n == 0 {
				t.Fatalf("%s, %s: all runs diverged", name, s.Label)
			}
			median[c] = append(median[c], (finals[c][(n-1)/2]+finals[c][n/2])/2)
		}
		diverged = append(diverged, lost)
	}
	return median, diverged
}

// Medians over orders of the examples: rank and sparsity fall.
func TestTeacher3Medians(t *testing.T) {
	if testing.Short() {
		t.Skip("96 runs")
	}
	t.Parallel()
	got, diverged := medians(t, "teacher-3", 24, "test_loss", "rank", "sparsity_2")
	for _, n := range diverged {
		if n > 0 {
			t.Errorf("diverged runs of each setting: %d", diverged)
		}
	}
	for column, x := range got {
		if !slices.IsSortedFunc(x, func(a, b float64) int { return -int(math.Copysign(1, a-b)) }) {
			t.Errorf("%s does not fall with the length of the large-step phase: %.3g", column, x)
		}
	}
}

// Eight orders of the examples, as the authors' code gave them.
func TestDiagonalMedians(t *testing.T) {
	if testing.Short() {
		t.Skip("32 runs of 100,001 steps")
	}
	t.Parallel()
	got, diverged := medians(t, "diagonal", 8, "test_loss", "l0", "rank")
	for i, n := range diverged {
		if n > 4 || i == 0 && n > 0 {
			t.Errorf("diverged runs of each setting: %d of 8", diverged)
		}
	}
	for column, want := range map[string][]float64{
		"test_loss": {9e-3, 2.0e-4, 2.6e-4, 1.4e-4}, "l0": {200, 161, 85, 69}, "rank": {200, 104, 67, 59},
	} {
		tolerance := 1.15
		if column == "test_loss" {
			tolerance = 2
		}
		for i, x := range got[column] {
			if ratio := x / want[i]; ratio > tolerance || ratio < 1/tolerance {
				t.Errorf("%s of setting %d: median %.3g, authors' code %.3g", column, i, x, want[i])
			}
		}
	}
}

// Gradient descent on the diagonal net stabilises, but does not generalise; SGD
// does.
func TestDiagonalGD(t *testing.T) {
	if testing.Short() {
		t.Skip("runs of 100,001 steps")
	}
	t.Parallel()
	list := settings(t, "diagonal-gd", 24)
	for _, s := range list[:4] {
		r := trained(t, s.Runs[0].Config)
		if loss := value(t, r, "test_loss"); !(loss > 0.1) {
			t.Errorf("%s: test loss %g", s.Label, loss)
		}
	}
	var finite []float64
	for _, run := range list[len(list)-1].Runs { // most diverge early
		if r := trained(t, run.Config); r.Status.State == "finished" {
			finite = append(finite, value(t, r, "test_loss"))
		}
	}
	slices.Sort(finite)
	if len(finite) < 4 || finite[len(finite)/2] > 0.06 {
		t.Errorf("SGD: test losses %.3g", finite)
	}
}

// All ways of descending reach the closed-form least squares, SGD with the
// figure's decay; with a constant step size SGD does not. On the support vector
// machine they come close to the independent solver's optimum, and not below.
func TestMethodsReachOptimum(t *testing.T) {
	t.Parallel()
	for _, s := range settings(t, "least-squares", 2) {
		for _, run := range s.Runs {
			gap := value(t, trained(t, run.Config), "gap")
			if reached := gap <= 1e-10; reached != (run.Config.Sampling == data.Full || len(run.Config.Schedule.Phases) > 1) {
				t.Errorf("%s: suboptimality gap %g", run.Name, gap)
			}
		}
	}
	problem, err := instances.TwoClasses(100, 10, separation, 0)
	if err != nil {
		t.Fatal(err)
	}
	best := svmOptimum(t, problem.Train, small(t, "svm").C)
	for _, s := range settings(t, "svm", 1) {
		loss := value(t, trained(t, s.Runs[0].Config), "train_loss")
		t.Logf("%s: %g above the optimum of %g", s.Label, loss/best-1, best)
		if decayed := len(s.Runs[0].Config.Schedule.Phases) > 1; loss < best*(1-1e-9) || decayed && loss > best*(1+2e-3) {
			t.Errorf("%s: objective %v, optimum %v", s.Label, loss, best)
		}
	}
}
