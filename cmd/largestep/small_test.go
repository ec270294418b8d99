package main

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	trainrun "largestep/train/run"
)

// smallNet is a training of a moment of each small net, with the columns of its
// own.
var smallNets = []struct {
	args    string
	columns string
}{
	{"least-squares --train-size 20 --dims 3 --steps 100", "gap"},
	{"svm --train-size 20 --dims 3 --steps 100 --c 2", ""},
	{"logistic --train-size 20 --dims 3 --epochs 5 --sampling shuffle --batch 4", ""},
	{"diagonal --instance random --train-size 10 --dims 6 --nonzeros 2 --steps 100", "l0 l1 imbalance rank effective_rank"},
	{"relu --widths 4,3,2 --steps 100 --sampling full", "active_1 sparsity_1 active_2 sparsity_2 active_3 sparsity_3 pattern_distance"},
	{"relu-1d --steps 100 --order paper", "rank effective_rank active_1 sparsity_1 pattern_distance h(-1.525)"},
	{"teacher-2 --steps 100 --seed 3", "rank effective_rank active_1 sparsity_1 pattern_distance"},
	{"teacher-3 --steps 100 --instance random", "rank effective_rank active_1 sparsity_1 active_2 sparsity_2 pattern_distance"},
}

func TestTrainSmall(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, s := range smallNets {
		name, _, _ := strings.Cut(s.args, " ")
		out := succeed(t, append(strings.Fields("train "+s.args), "--eval-steps", "50", "--out", name)...)
		if !strings.Contains(out, name+": training loss") {
			t.Errorf("%s: it says %q", name, out)
		}
		columns, rows := table(t, filepath.Join(name, "metrics.csv"))
		own := strings.TrimSuffix(strings.TrimSuffix(strings.Join(columns[9:len(columns)-2], " "), "parameter_norm"), " ")
		if want := s.columns; own != want && !(name == "relu-1d" && strings.HasPrefix(own, want[:strings.Index(want, "h(")]+"h(") && strings.Count(own, "h(") == 81) {
			t.Errorf("%s: columns %s, want %s", name, own, want)
		}
		steps := "0 50 100"
		if name == "logistic" { // 5 epochs of 5 steps
			steps = "0 25"
		}
		var got []string
		for _, row := range rows {
			got = append(got, row[1])
			for i, cell := range row[9:] {
				if x := number(t, cell); math.IsNaN(x) || math.IsInf(x, 0) {
					t.Errorf("%s: %s is %s", name, columns[9+i], cell)
				}
			}
		}
		if strings.Join(got, " ") != steps {
			t.Errorf("%s: rows of steps %v, want %s", name, got, steps)
		}
		first, last := number(t, rows[0][5]), number(t, rows[len(rows)-1][5])
		if !(last < first) {
			t.Errorf("%s: training loss from %g to %g", name, first, last)
		}
		if state, _ := status(t, name); state != "finished" {
			t.Errorf("%s: %s", name, state)
		}
	}
}

// Epochs are counted in full, and a net without a test set has no test loss.
func TestProgressOfSmall(t *testing.T) {
	t.Chdir(t.TempDir())
	o := try(strings.Fields("train relu-1d --sampling full --steps 12345 --eval-steps 12345 --out a")...)
	if !strings.Contains(o.stderr, "a: epoch 12345 of 12345, training loss ") || strings.Contains(o.stderr+o.stdout, "test") {
		t.Errorf("it says %q, %q", o.stderr, o.stdout)
	}
}

// TestTrainRelativeToEdge finds 2 over the largest curvature for gradient
// descent, and trains below and above.
func TestTrainRelativeToEdge(t *testing.T) {
	t.Chdir(t.TempDir())
	args := "train least-squares --train-size 30 --dims 3 --sampling full --steps 2000 --step-size "
	succeed(t, strings.Fields(args+"0.9edge --out below")...)
	succeed(t, strings.Fields(args+"1.1edge --out above")...)
	if state, _ := status(t, "below"); state != "finished" {
		t.Errorf("0.9 of the edge: %s", state)
	}
	below, above := config(t, ".", "below"), config(t, ".", "above")
	if ratio := above.Schedule.First() / below.Schedule.First(); !(math.Abs(ratio-1.1/0.9) <= 1e-12) {
		t.Errorf("step sizes %g and %g", below.Schedule.First(), above.Schedule.First())
	}
	_, rows := table(t, "below/metrics.csv")
	if gap := number(t, rows[len(rows)-1][9]); gap > 1e-10 {
		t.Errorf("0.9 of the edge: gap %g", gap)
	}
	_, rows = table(t, "above/metrics.csv")
	if loss := number(t, rows[len(rows)-1][5]); loss < 1e6 {
		t.Errorf("1.1 of the edge: loss %g", loss)
	}
	out := succeed(t, strings.Fields("edge least-squares --train-size 30 --dims 3 --sampling full --within 2000")...)
	found := regexp.MustCompile(`edge of least-squares: step size (\S+) `).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("edge says %q", out)
	}
	if edge := number(t, found[1]); !(math.Abs(edge/(below.Schedule.First()/0.9)-1) <= 1e-4) {
		t.Errorf("edge %g, 0.9 of it %g", edge, below.Schedule.First())
	}
}

func TestCheckUnbiased(t *testing.T) {
	for _, name := range []string{"logistic --train-size 20 --dims 3", "diagonal", "diagonal --instance random --train-size 10 --dims 5 --nonzeros 2"} {
		out := succeed(t, strings.Fields("check unbiased "+name+" --repeats 200")...)
		full := number(t, regexp.MustCompile(`‖∇f‖ = (\S+)`).FindStringSubmatch(out)[1])
		if off := number(t, regexp.MustCompile(`mean of all ∇f_i: +off by (\S+)`).FindStringSubmatch(out)[1]); off > 1e-13*full {
			t.Errorf("%s: the mean of all is off by %g of %g", name, off, full)
		}
		draws := regexp.MustCompile(`draws: +off by (\S+) +expected about (\S+)`).FindAllStringSubmatch(out, -1)
		if len(draws) != 5 {
			t.Fatalf("%s: %d samples: %s", name, len(draws), out)
		}
		for _, d := range draws {
			if off, expected := number(t, d[1]), number(t, d[2]); off > 4*expected || off < expected/100 {
				t.Errorf("%s: off by %g, expected about %g", name, off, expected)
			}
		}
		last := regexp.MustCompile(`last step of an epoch, (\S+): +bias (\S+) +standard error (\S+)`).FindAllStringSubmatch(out, -1)
		if len(last) != 2 || last[0][1] != "with-replacement" || last[1][1] != "shuffle" {
			t.Errorf("%s: last steps %v", name, last)
		}
		for _, l := range last {
			if bias, e := number(t, l[2]), number(t, l[3]); l[1] == "with-replacement" && bias > 6*e || e <= 0 {
				t.Errorf("%s, %s: bias %g ± %g", name, l[1], bias, e)
			}
		}
	}
}

// TestFigureSmall makes figures of the small nets and makes them again, which
// must leave the runs alone.
func TestFigureSmall(t *testing.T) {
	names := []string{"relu-1d"}
	if !testing.Short() {
		names = append(names, "teacher-2", "teacher-3")
	}
	t.Chdir(t.TempDir())
	for _, name := range names {
		dir := filepath.Join("figures", name)
		out := succeed(t, "figure", name, "--seeds", "1")
		files := []string{name}
		if name == "relu-1d" {
			files = append(files, name+"-functions")
		}
		for _, f := range files {
			for _, ext := range []string{".png", ".svg", ".pdf"} {
				isPicture(t, filepath.Join(dir, f+ext))
			}
		}
		text := readFile(t, filepath.Join(dir, name+".txt"))
		for _, want := range []string{"decay at 50 %", "rank", "paper"} {
			if !strings.Contains(text, want) || !strings.Contains(out, want) {
				t.Errorf("%s.txt or the output lacks %q: %s", name, want, text)
			}
		}
		before := tree(t, dir)
		succeed(t, "figure", name, "--seeds", "1")
		for _, d := range differences(before, tree(t, dir)) {
			if path, _, _ := strings.Cut(d, " "); filepath.Dir(path) != dir {
				t.Errorf("the second call left %s", d)
			}
		}
		if now := readFile(t, filepath.Join(dir, name+".txt")); now != text {
			t.Errorf("the second call's table is %s, the first's %s", now, text)
		}
	}
}

// TestFigureRandom makes a figure of random instances, whose step sizes are
// multiples of the edge that the run folders note, and makes it again.
func TestFigureRandom(t *testing.T) {
	t.Chdir(t.TempDir())
	args := []string{"figure", "teacher-2", "--instance", "random", "--seeds", "2"}
	out := succeed(t, args...)
	if strings.Contains(out, "paper") || !strings.Contains(out, "η = 0.985 edge, decay at 50 %") || !strings.Contains(out, "stood still") {
		t.Errorf("it says %q", out)
	}
	var edges []float64
	for _, seed := range []string{"0", "1"} {
		large, err := trainrun.ReadConfig("figures/teacher-2-random/eta0.985edge-decay50-seed" + seed)
		check(t, err)
		small, err := trainrun.ReadConfig("figures/teacher-2-random/eta0.281edge-seed" + seed)
		check(t, err)
		edge := large.Environment.Edge
		edges = append(edges, edge)
		for _, c := range []struct{ got, want float64 }{
			{large.Schedule.First(), 0.985 * edge}, {large.Schedule.Phases[1].StepSize, 0.985 * edge / 5}, {small.Schedule.First(), 0.985 * edge * 0.13 / 0.455}, {small.Environment.Edge, edge},
		} {
			if !(math.Abs(c.got-c.want) <= 1e-12) {
				t.Errorf("seed %s: %g, want %g of the edge %g", seed, c.got, c.want, edge)
			}
		}
	}
	if !(edges[0] > 0 && edges[1] > 0 && edges[0] != edges[1]) {
		t.Errorf("edges %v", edges)
	}
	before := tree(t, "figures/teacher-2-random")
	if again := succeed(t, args...); again != out {
		t.Errorf("the second call says %q, the first %q", again, out)
	}
	for _, d := range differences(before, tree(t, "figures/teacher-2-random")) {
		if !strings.HasPrefix(d, "figures/teacher-2-random/teacher-2.") {
			t.Errorf("the second call left %s", d)
		}
	}
}

// The edge that is printed does not diverge, and is as exact as the tolerance.
func TestEdgeDigits(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tolerance := range []float64{0.1, 0.005, 1e-5, 1e-9} {
		o := try(strings.Fields(fmt.Sprintf("edge diagonal --within 3 --tolerance %g", tolerance))...)
		edge := number(t, regexp.MustCompile(`step size (\S+) `).FindStringSubmatch(o.stdout)[1])
		least, most := math.Inf(1), 0.0
		for _, trial := range regexp.MustCompile(`step size (\S+) +(stable|diverges)\n`).FindAllStringSubmatch(o.stderr, -1) {
			if x := number(t, trial[1]); trial[2] == "diverges" {
				least = min(least, x)
			} else {
				most = max(most, x)
			}
		}
		if !(edge < least && least-edge <= 1.2*tolerance*edge && most < least && math.Abs(most-edge) <= 0.2*tolerance*edge) {
			t.Errorf("tolerance %g: edge %v, but %v is stable and %v diverges", tolerance, edge, most, least)
		}
	}
}

// TestInterruptedSearch says that there is nothing to save, and what was found.
func TestInterruptedSearch(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range []string{"train teacher-2 --step-size 0.9edge", "edge teacher-2", "figure teacher-2 --instance random"} {
		o := runContext(interruptAfter(20), strings.Fields(args)...)
		if o.code != exitInterrupted || !strings.Contains(o.stderr, "nothing to save") {
			t.Errorf("%s: status %d: %s", args, o.code, o.stderr)
		}
	}
	o := runContext(interruptAfter(100), "edge", "diagonal", "--within", "10")

	if m := regexp.MustCompile(`lies between (\S+) and (\S+):`).FindStringSubmatch(o.stderr); m == nil || !(number(t, m[1]) < number(t, m[2])) {
		t.Errorf("it says %q", o.stderr)
	}
}

// The edge is that of the initial parameters that are given, in a search alone
// and before a training.
func TestEdgeOfGivenParameters(t *testing.T) {
	t.Chdir(t.TempDir())
	problem := "diagonal --instance random --train-size 10 --dims 6 --nonzeros 2 --sampling full"
	succeed(t, strings.Fields("train "+problem+" --steps 2000 --step-size 0.1 --out a")...)
	succeed(t, strings.Fields("train "+problem+" --steps 300 --step-size 1edge --out b --init a/checkpoint.safetensors")...)
	found := regexp.MustCompile(`step size (\S+) `)
	edge := func(more string) float64 {
		return number(t, found.FindStringSubmatch(succeed(t, strings.Fields("edge "+problem+" --within 300"+more)...))[1])
	}
	random, given := edge(""), edge(" --init a/checkpoint.safetensors")
	if trained := config(t, ".", "b").Schedule.First(); random == given || !(math.Abs(trained/given-1) <= 1e-4) {
		t.Errorf("edge from random parameters %g, from given ones %g, in a training %g", random, given, trained)
	}
	bad{"edge " + problem + " --init nowhere", 1, "nowhere"}.test(t)
}

// TestNoEdge has a loss that stays finite and one that is infinite, whatever the
// step size.
func TestNoEdge(t *testing.T) {
	t.Chdir(t.TempDir())
	if o := try(strings.Fields("train logistic --step-size 0.9edge")...); o.code != 1 || !strings.Contains(o.stderr, "\nlargestep: the logistic loss does not diverge") {
		t.Errorf("status %d: %s", o.code, o.stderr)
	}
	if o := try(strings.Fields("edge least-squares --noise 1e300 --within 10")...); o.code != 1 || !strings.Contains(o.stderr, "no edge between") {
		t.Errorf("status %d: %s", o.code, o.stderr)
	}
}

// TestFigureOfTwoProblems makes both figures of sgd-vs-gd.
func TestFigureOfTwoProblems(t *testing.T) {
	t.Chdir(t.TempDir())
	out := succeed(t, "figure", "sgd-vs-gd", "--seeds", "1", "--out", "f")
	if help := succeed(t, "figure", "sgd-vs-gd", "--help"); strings.Contains(help, "edge") || strings.Contains(help, "--instance random") {
		t.Errorf("the help speaks of what the figure has not: %s", help)
	}
	for _, problem := range []string{"least-squares", "svm"} {
		isPicture(t, filepath.Join("f", problem, problem+".png"))
		if !strings.Contains(out, readFile(t, filepath.Join("f", problem, problem+".txt"))) {
			t.Errorf("%s: its table is not in %q", problem, out)
		}
	}
}

// A figure is not drawn over another one, nor into a run.
func TestFigureFolderOfAnother(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, "figure", "relu-1d", "--seeds", "1", "--out", "f")
	succeed(t, strings.Fields("train svm --steps 10 --out run")...)
	for _, b := range []bad{
		{"figure relu-1d --seeds 1 --instance random --out f", 1, "f holds a run of another figure, decay2-seed0 (relu-1d, paper instance)"},
		{"figure teacher-2 --seeds 1 --out f", 1, "f holds a run of another figure"},
		{"figure main --out f", 1, "f holds a run of another figure"},
		{"figure relu-1d --out run", 1, "run holds a run, not a figure"},
		{"figure main --out run", 1, "run holds a run, not a figure"},
		{"figure relu-1d --out f/relu-1d.txt", 1, "relu-1d.txt"},
	} {
		t.Run(strings.ReplaceAll(b.args, "/", "|"), b.test)
	}
	succeed(t, "figure", "relu-1d", "--seeds", "1", "--out", "f")
}

// Noise on the labels changes what is trained, and is the same for the same seed.
func TestLabelNoise(t *testing.T) {
	t.Chdir(t.TempDir())
	end := func(dir, options string) string {
		succeed(t, strings.Fields("train diagonal --steps 300 --eval-steps 300 --phases 0.1@0,0.05@0.5 --out "+dir+" "+options)...)
		return tensors(t, dir+"/checkpoint.safetensors")
	}
	noisy := end("a", "--label-noise 0.2")
	if noisy == end("b", "") || noisy == end("c", "--label-noise 0.2 --seed 1") || noisy != end("d", "--label-noise 0.2") {
		t.Error("the noise is not what --label-noise and --seed make it")
	}
	bad{"train svm --label-noise 1.2", 1, "svm has classes"}.test(t)
	bad{"train diagonal --label-noise -1", 1, "label noise -1"}.test(t)
}

// Causes of sparsity beside the step size: each is what its seed makes it, changes
// what is trained, and survives that a run is cut short.
func TestCauses(t *testing.T) {
	t.Chdir(t.TempDir())
	const train = "train diagonal --instance random --train-size 10 --dims 6 --nonzeros 2 --steps 300 --eval-steps 100 --phases 0.05@0,0.02@0.5 --log-steps --out "
	succeed(t, strings.Fields(train+"plain")...)
	for name, options := range map[string]string{
		"isotropic":  "--gradient-noise isotropic:0.3",
		"covariance": "--gradient-noise covariance:1 --sampling full",
		"sam":        "--sam 0.3 --momentum 0.5",
		"all":        "--sam 0.1 --gradient-noise covariance:0.5 --label-noise 0.1 --precision fp32",
	} {
		succeed(t, strings.Fields(train+name+" "+options)...)
		if tensors(t, name+"/checkpoint.safetensors") == tensors(t, "plain/checkpoint.safetensors") {
			t.Errorf("%s changes nothing", name)
		}
		for _, at := range []int{1, 77, 150, 151} {
			dir := fmt.Sprint(name, at)
			if o := runContext(interruptAfter(at), strings.Fields(train+dir+" "+options)...); o.code != exitInterrupted {
				t.Errorf("%s: status %d, %s", dir, o.code, o.stderr)
			}
			succeed(t, "train", "diagonal", "--resume", "--out", dir)
			sameEnd(t, name, dir)
		}
	}
}

// TestRelativePhases trains on a schedule of multiples of the edge, whose edge is
// that of a constant step size.
func TestRelativePhases(t *testing.T) {
	t.Chdir(t.TempDir())
	problem := "least-squares --train-size 30 --dims 3 --noise 0 --sampling full"
	succeed(t, strings.Fields("train "+problem+" --steps 2000 --phases 0.9edge@0,0.3edge@0.5 --out a")...)
	c, err := trainrun.ReadConfig("a")
	check(t, err)
	edge := c.Environment.Edge
	if !(edge > 0) || !(math.Abs(c.Schedule.Phases[0].StepSize/edge-0.9) <= 1e-12) || !(math.Abs(c.Schedule.Phases[1].StepSize/edge-0.3) <= 1e-12) {
		t.Errorf("edge %g, phases %v", edge, c.Schedule)
	}
	args := "train " + problem + " --out a --resume --phases "
	succeed(t, strings.Fields(args+"0.9edge@0,0.3edge@0.5")...)
	bad{args + "0.8edge@0,0.3edge@0.5", 1, "schedule is"}.test(t)
	succeed(t, strings.Fields("train "+problem+" --steps 100 --step-size 0.9edge --decay-at 0.3 --out decay")...)
	succeed(t, strings.Fields("train "+problem+" --resume --out decay --decay-at 0.3")...)
	bad{"train " + problem + " --resume --out decay --decay-at 0.4", 1, "schedule is"}.test(t)
	bad{args + "0.9edge@0,0.3@0.5", 1, "or none"}.test(t)
	succeed(t, strings.Fields("train "+problem+" --steps 100 --step-size 0.01 --out plain")...)
	bad{"train " + problem + " --out plain --resume --step-size 0.5edge", 1, "not multiples"}.test(t)
	_, rows := table(t, "a/metrics.csv")
	if loss := number(t, rows[len(rows)-1][5]); loss > 1e-20 {
		t.Errorf("without noise: training loss %g", loss)
	}
	// A schedule that soon decays has a larger edge.
	found := func(args string) float64 {
		out := succeed(t, strings.Fields("edge "+problem+" --within 2000 "+args)...)
		return number(t, regexp.MustCompile(`step size (\S+) `).FindStringSubmatch(out)[1])
	}
	if constant, decayed := found(""), found("--phases 0.01@0,0.001@0.01"); !(math.Abs(constant/edge-1) <= 0.01) || decayed < 1.2*constant {
		t.Errorf("edge of a constant step size %g, of a schedule %g, of the run %g", constant, decayed, edge)
	}
}

// The edge is that of a constant step size, also where the step size warms up.
func TestEdgeOfWarmedUpStepSize(t *testing.T) {
	t.Chdir(t.TempDir())
	problem := "least-squares --train-size 30 --dims 3 --noise 0 --sampling full --steps 1000 --step-size 0.05edge "
	for name, warmup := range map[string]string{"none": "", "exp": "--warmup-exp 1.02", "gain": "--warmup-gain 10"} {
		succeed(t, strings.Fields("train "+problem+warmup+" --out "+name)...)
	}
	want := config(t, ".", "none").Schedule.First()
	for _, name := range []string{"exp", "gain"} {
		if got := config(t, ".", name).Schedule.First(); got != want {
			t.Errorf("%s: step size %g, without warm-up %g", name, got, want)
		}
	}
}

// A fork of a run stands still where the run did, though its initial loss is that
// of a trained net.
func TestPlateausOfFork(t *testing.T) {
	t.Chdir(t.TempDir())
	args := "train least-squares --phases 0.02@0,0.002@0.5 --log-steps --out "
	succeed(t, strings.Fields(args+"a")...)
	succeed(t, strings.Fields(args+"b --init a/phase-1.safetensors")...)
	for _, run := range []string{"a", "b"} {
		if text := readFile(t, run+"/plateaus.json"); !strings.Contains(text, `"level"`) {
			t.Errorf("%s: %s", run, text)
		}
	}
}

func TestBadSmall(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, b := range []bad{
		{"train svm --train-size 1", 1, "n = 1"},
		{"train svm --train-size 0", 1, "0 training"},
		{"train least-squares --train-size -4", 1, "-4 training"},
		{"train least-squares --dims 0", 1, "d = 0"},
		{"train logistic --dims -1", 1, "d = -1"},
		{"train logistic --dims 1000000000", 1, "at most"},
		{"train svm --c 0", 1, "C = 0"},
		{"train svm --c -1", 1, "C = -1"},
		{"train svm --c NaN", 1, "C = NaN"},
		{"train relu --widths 0", 1, "width 0"},
		{"train relu --widths 5,-2", 1, "width -2"},
		{"train relu --widths=", 1, "without hidden layers"},
		{"train relu --widths ,", 1, "without hidden layers"},
		{"train relu --widths two", 2, "want whole numbers such as 20,20"},
		{"train diagonal --instance random --nonzeros 0", 1, "r = 0"},
		{"train diagonal --instance random --nonzeros 201", 1, "r = 201"},
		{"train diagonal --dims 7 --nonzeros 2", 1, "choose the random one"},
		{"train teacher-2 --dims 3", 1, "15 examples of 2"},
		{"train relu-1d --train-size 11", 1, "12 examples"},
		{"train svm --instance bogus", 1, "bogus"},
		{"train svm --instance paper", 1, "no instance"},
		{"train teacher-3 --instance random --order paper", 1, "order"},
		{"train diagonal --instance random --order paper --steps 10", 1, "order"},
		{"train diagonal --order bogus --steps 10", 1, "order"},
		{"train teacher-2 --order paper --sampling full --batch 1 --steps 2000", 1, "order"},
		{"train diagonal --order paper --sampling shuffle", 1, "without another sampling"},
		{"train svm --order paper", 1, "order"},
		{"train teacher-2 --order paper --steps 20000", 1, "20000"},
		{"train least-squares --phases 0.1@0,0@0.5", 1, "step size 0"},
		{"train least-squares --phases 0.1@0,NaN@0.5", 1, "step size NaN"},
		{"train least-squares --step-size NaN", 1, "step size NaN"},
		{"train least-squares --step-size Inf", 1, "step size"},
		{"train least-squares --step-size 0", 1, "step size 0"},
		{"train least-squares --step-size -1edge", 1, "step size -1"},
		{"train least-squares --step-size NaNedge", 1, "step size NaN"},
		{"train least-squares --step-size edge", 2, "multiple of the edge"},
		{"train least-squares --step-size 1ridge", 2, "multiple of the edge"},
		{"train least-squares --steps -1", 1, "-1 steps"},
		{"train least-squares --steps 0", 1, "0 steps"},
		{"train svm --steps 9223372036854775807", 1, "92233720368547759 epochs, 9223372036854775807 steps"},
		{"train least-squares --eval-steps -1", 1, "evaluation"},
		{"train least-squares --eval-steps 0", 1, "evaluation every 0 steps"},
		{"train least-squares --eval-steps 5 --eval-every 3", 2, "leave one out"},
		{"train least-squares --checkpoint-every -1s", 1, "checkpoint every -1s"},
		{"train least-squares --batch 101", 1, "batch of 101"},
		{"train least-squares --precision bf16", 1, "bf16"},
		{"train least-squares --sampling bogus", 2, "bogus"},
		{"train least-sqares", 1, "least-squares"},
		{"edge", 2, "NET"},
		{"edge bogus", 1, "bogus"},
		{"edge svm --within 0", 1, "0 steps"},
		{"edge svm --within 9223372036854775807", 1, "at most"},
		{"train svm --batch 9223372036854775807 --train-size 9223372036854775807", 1, "at most"},
		{"train svm --eval-every 9223372036854775807", 1, "at most"},
		{"train relu --widths 9223372036854775807", 1, "width"},
		{"train relu --widths 99999999999999999999", 2, "whole numbers"},
		{"train diagonal --instance random --nonzeros 9223372036854775807", 1, "r ="},
		{"edge logistic", 1, "does not diverge"},
		{"edge svm --steps 10", 2, "--steps"},
		{"edge svm --out new", 2, "--out"},
		{"edge svm --tolerance 0", 1, "tolerance"},
		{"edge svm --tolerance NaN", 1, "tolerance"},
		{"edge svm --c 0", 1, "C = 0"},
		{"edge diagonal --step-size NaN", 1, "step size NaN"},
		{"check", 2, "unbiased"},
		{"check unbiased", 2, "NET"},
		{"check unbiased resnet18", 1, "batch norm"},
		{"check unbiased bogus", 1, "bogus"},
		{"check unbiased svm --train-size 1", 1, "n = 1"},
		{"check unbiased logistic --repeats 1", 1, "2 or more"},
		{"check unbiased diagonal --step-size 1 --repeats 10", 1, "10 of 10 epochs diverged"},
		{"check unbiased diagonal --step-size 0.9edge", 2, "as a number"},
		{"check unbiased svm --batch 7", 2, "--batch"},
		{"check unbiased svm --out new", 2, "--out"},
		{"check unbiased svm --widths 3", 2, "means nothing"},
		{"train least-squares --noise -1", 1, "noise -1"},
		{"train least-squares --noise NaN", 1, "noise NaN"},
		{"train svm --noise 1", 2, "--noise means nothing"},
		{"train least-squares --phases 0.9edge@0,0.01@0.5", 1, "or none"},
		{"edge least-squares --phases 0.9edge@0", 2, "as numbers"},
		{"edge least-squares --step-size 0.9edge", 2, "as numbers"},
		{"edge least-squares --phases 0.01@0 --step-size 0.1", 2, "leave out"},
		{"train least-squares --phases 0.9edge@0,0edge@0.5", 1, "step size 0"},
		{"figure relu-1d --seeds 0", 1, "0 seeds"},
		{"figure main --seeds 0", 1, "0 seeds"},
		{"figure all --seeds 0", 1, "0 seeds"},
		{"figure teacher-2 --seeds -1", 1, "-1 seeds"},
		{"figure diagonal --seeds 1000000000", 1, "1000000000 seeds"},
		{"figure main --seeds 1000000000", 1, "1000000000 seeds"},
		{"figure teacher-2 --seeds two", 2, "two"},
		{"figure teacher-2 --instance bogus", 1, "bogus"},
		{"figure sgd-vs-gd --instance paper", 2, "--instance"},
		{"figure teacher-2 more", 2, "more"},
	} {
		t.Run(strings.ReplaceAll(b.args, "/", "|"), b.test)
	}
}
