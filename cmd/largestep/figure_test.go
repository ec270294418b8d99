package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"largestep/train/run"
)

// threeEpochs are a figure's flags that make it quick.
var threeEpochs = append([]string{"--epochs", "3"}, tinyPreset...)

// TestFigureSparsity draws the runs of figure main without training them again.
func TestFigureSparsity(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, append([]string{"figure", "main"}, threeEpochs...)...)
	before := tree(t, "figures/main-quick")
	out := succeed(t, append([]string{"figure", "sparsity", "--preset", "quick"}, threeEpochs...)...)
	for _, d := range differences(before, tree(t, "figures/main-quick")) {
		if !strings.HasPrefix(d, "figures/main-quick/sparsity.") {
			t.Errorf("figure sparsity changed main's runs: %s", d)
		}
	}
	isPicture(t, "figures/main-quick/sparsity.png")
	isPicture(t, "figures/main-quick/sparsity.svg")
	isPicture(t, "figures/main-quick/sparsity.pdf")
	for _, want := range []string{"sparsity_5", "of other sizes"} {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %q: %s", want, out)
		}
	}
	for _, run := range []string{"small-eta-seed0", "large-eta-decay50-seed0"} {
		columns, rows := table(t, filepath.Join("figures/main-quick", run, "metrics.csv"))
		for i, name := range columns {
			if strings.HasPrefix(name, "sparsity_") {
				if x, active := number(t, rows[len(rows)-1][i]), number(t, rows[len(rows)-1][i-5]); x <= 0 || x > active+0.05 {
					t.Errorf("%s: %s is %g, active share %g", run, name, x, active)
				}
			}
		}
	}
}

// TestFigureOtherSettings looks at the settings and step sizes of the plain and
// the state-of-the-art runs.
func TestFigureOtherSettings(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"plain", "sota"} {
		out := succeed(t, append([]string{"figure", name, "--out", name}, threeEpochs...)...)
		isPicture(t, filepath.Join(name, name+".png"))
		small, large := config(t, name, "small-eta-seed0"), config(t, name, "large-eta-decay30-seed0")
		for _, c := range []run.Config{small, large} {
			if plain := name == "plain"; plain != (c.WeightDecay == 0) || plain != (c.Momentum == 0) || plain == c.Augment {
				t.Errorf("%s: weight decay %g, momentum %g, augment %v", name, c.WeightDecay, c.Momentum, c.Augment)
			}
		}
		if len(small.Schedule.Phases) != 1 || !small.Schedule.Phases[0].Rule.IsZero() {
			t.Errorf("%s: the small step size has the schedule %v", name, small.Schedule)
		}
		// The decayed step sizes of the authors' code: after growth, a tenth and a
		// hundredth of what it grew to; else 0.3/0.5 of a tenth and a hundredth.
		factor, growth := math.Pow(1.05, 30), "exp:1.05"
		if name == "sota" {
			factor, growth = 0.6, ""
		}
		if got := large.Schedule.Phases[0].Rule.String(); got != growth {
			t.Errorf("%s: growth %q", name, got)
		}
		for i, share := range []float64{1, factor / 10, factor / 100} {
			if got, want := large.Schedule.Phases[i].StepSize, share*large.Schedule.First(); !(math.Abs(got-want) <= 1e-12) {
				t.Errorf("%s: phase %d has step size %g, want %g", name, i, got, want)
			}
		}
		if note := "of other sizes"; !strings.Contains(out, note) {
			t.Errorf("%s: it lacks %q: %s", name, note, out)
		}
	}
}

// TestFigureCauses looks at what is trained, and at the table of how it ends.
func TestFigureCauses(t *testing.T) {
	t.Chdir(t.TempDir())
	out := succeed(t, append([]string{"figure", "causes", "--seeds", "2", "--epochs", "1"}, tinyPreset...)...)
	isPicture(t, "figures/causes-quick/causes.png")
	for _, want := range []string{"label noise 0.2", "SAM, ρ = 0.1", "weight decay 0.01", "2 of 2 finished", "sharpness", "rank_5", "parameter_norm"} {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %q: %s", want, out)
		}
	}
	at := func(name string) run.Config { return config(t, "figures/causes-quick", name+"-seed1") }
	small := at("eta0.03")
	if small.WeightDecay != 0 || small.LabelNoise != 0 || small.SAM != 0 || small.Schedule.First() != 0.03 {
		t.Errorf("the step size alone: %+v", small)
	}
	if c := at("label-noise-0.2"); c.LabelNoise != 0.2 || len(c.Schedule.Phases) != 2 || c.Schedule.StepSize(0, 10) != c.Schedule.StepSize(9, 10) {
		t.Errorf("label noise: %+v", c)
	}
	if at("sam-rho0.1").SAM != 0.1 || at("weight-decay-0.01").WeightDecay != 0.01 || at("eta0.5").Schedule.First() != 0.5 || at("batch-4").Batch >= small.Batch {
		t.Error("a cause is not in its runs' settings")
	}
	bad{"figure causes --sam 1", 2, "unknown flag --sam"}.test(t)
}

// TestFigureAll makes every figure once.
func TestFigureAll(t *testing.T) {
	if testing.Short() {
		t.Skip("all figures")
	}
	t.Chdir(t.TempDir())
	out := succeed(t, append([]string{"figure", "all", "--seeds", "1", "--precision", "fp32"}, threeEpochs...)...)
	for _, path := range []string{
		"main-quick/main", "main-quick/sparsity", "plain-quick/plain", "sota-quick/sota", "sgd-vs-gd/least-squares/least-squares",
		"sgd-vs-gd/svm/svm", "diagonal/diagonal", "diagonal-gd/diagonal-gd", "relu-1d/relu-1d", "relu-1d/relu-1d-functions",
		"teacher-2/teacher-2", "teacher-3/teacher-3", "finite-sums/finite-sums",
		"edge-of-stability-relu/edge-of-stability-relu", "momentum/momentum",
	} {
		isPicture(t, filepath.Join("figures", path+".png"))
	}
	if c := config(t, "figures/diagonal", "eta0.25-seed0"); c.Precision != "fp64" {
		t.Errorf("the precision of ResNet-18 made %s of the diagonal network's own", c.Precision)
	}
	if n := strings.Count(out, "figure: "); n != 14 {
		t.Errorf("%d figures, want 14: %s", n, out)
	}
}

// TestFigureStability has all that it shows in the records of its runs.
func TestFigureStability(t *testing.T) {
	if testing.Short() {
		t.Skip("Hessians of four runs")
	}
	t.Chdir(t.TempDir())
	succeed(t, append([]string{"figure", "stability", "--out", "f", "--epochs", "1"}, tinyPreset...)...)
	isPicture(t, "f/stability.png")
	columns, rows := table(t, "f/large-eta-decay50-seed0/metrics.csv")
	for _, name := range []string{"sharpness", "batch_sharpness", "step_sharpness", "gradient_noise", "sparsity_4", "rank_4"} {
		if k := slices.Index(columns, name); k < 0 || rows[len(rows)-1][k] == "" {
			t.Errorf("no %s at the end", name)
		}
	}
}

func config(t *testing.T, dir, name string) run.Config {
	t.Helper()
	c, err := run.ReadConfig(filepath.Join(dir, name))
	check(t, err)
	return c.Config
}

func TestFigureHelp(t *testing.T) {
	for _, name := range []string{"main", "sparsity", "plain", "sota", "stability", "edge-of-stability"} {
		out := succeed(t, "figure", name, "--help")
		for _, want := range []string{name + ".png", "--preset", "  quick  width 8", fmt.Sprintf("figures/%s-PRESET", strings.Replace(name, "sparsity", "main", 1))} {
			if !strings.Contains(out, want) {
				t.Errorf("figure %s --help lacks %q", name, want)
			}
		}
	}
}
