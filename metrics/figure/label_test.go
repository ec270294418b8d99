package figure

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"largestep/metrics/record"
	trainrun "largestep/train/run"
	"largestep/train/schedule"
)

func wantLabels(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestScheduleLabels(t *testing.T) {
	wantLabels(t, scheduleLabels(paperRuns()), "η = 0.007", "η = 1.5, decay at 10 %", "η = 1.5, decay at 30 %", "η = 1.5, decay at 50 %")
	free := run(1.5, 0.5, 10)
	other := run(1.5, 0.5, 10)
	other.Config.Exact = "large:1.5@0,small:0.3@0.5,final:0.03@0.9"
	wantLabels(t, scheduleLabels([]*record.Run{free, other}), free.Config.Exact, other.Config.Exact)
}

// recorded is a run as its folder has it.
func recorded(t *testing.T, name string, f trainrun.File) *record.Run {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	check(t, os.Mkdir(dir, 0o777))
	check(t, trainrun.WriteConfig(dir, f.Config, f.Environment))
	r, err := trainrun.Open(dir)
	check(t, err)
	return r
}

// ofImages is a config of an image classifier.
func ofImages() trainrun.File {
	return trainrun.File{Config: trainrun.Config{Net: "resnet18", Width: 8, Dataset: "made-up", TrainSize: 500, Batch: 100, Sampling: "shuffle",
		Epochs: 10, Schedule: schedule.Constant(0.5), Augment: true, WeightDecay: 5e-4, Seed: 1234567, EvalEvery: 1, LogSteps: true},
		Environment: trainrun.Environment{Version: "1", Engine: "cpu", Device: "avx2", Threads: 2}}
}

func TestDifferenceLabels(t *testing.T) {
	labels := func(names string, changes ...func(*trainrun.File)) []string {
		runs := []*record.Run{recorded(t, names[:1], ofImages())}
		for i, change := range changes {
			c := ofImages()
			change(&c)
			runs = append(runs, recorded(t, names[i+1:i+2], c))
		}
		return differenceLabels(runs)
	}
	wantLabels(t, labels("ab", func(c *trainrun.File) {
		c.Seed, c.Augment, c.WeightDecay, c.Batch = 2, false, 1.23456789e-5, 64
		c.Environment = trainrun.Environment{Version: "2", Engine: "cuda", Device: "GPU", Edge: 0.277973413643793}
		c.EvalEvery, c.LogSteps, c.Measures = 2, false, []string{"sparsity"}
	}), "augment, batch 100, seed 1234567, weight decay 0.0005", "no augment, batch 64, seed 2, weight decay 1.235e-05")
	got := labels("ab", func(c *trainrun.File) {
		c.Net, c.Dataset, c.Schedule = "diagonal", "diagonal", schedule.Constant(0.27380685)
		c.Width, c.TrainSize, c.Batch, c.Dims, c.Augment, c.EvalSteps = 0, 80, 1, 200, false, 100
	})
	if want := "diagonal, η = 0.2738, no augment, batch 1, dims 200, train size 80, width 0"; got[1] != want {
		t.Errorf("got  %s\nwant %s", got[1], want)
	}
	gpu := func(c *trainrun.File) { c.Environment.Engine, c.Environment.Threads = "cuda", 0 }
	older := func(c *trainrun.File) {
		c.Environment.Version, c.EvalEvery, c.Measures = "0", 5, []string{"sparsity"}
	}
	wantLabels(t, labels("ab", gpu), "engine cpu", "engine cuda")
	wantLabels(t, labels("ab", older), "a", "b")
	wantLabels(t, labels("abc", older, gpu), "engine cpu – a", "engine cpu – b", "engine cuda – c")
	wantLabels(t, labels("abc", older, func(c *trainrun.File) { c.Seed = 2 }), "seed 1234567 – a", "seed 1234567 – b", "seed 2 – c")
}

func TestLabelsOfEqualRuns(t *testing.T) {
	a, b := run(0.5, 0.3, 10), run(0.5, 0.3, 10)
	a.Dir, b.Dir = "runs/a", "other/a"
	wantLabels(t, differenceLabels([]*record.Run{a, b}), "runs/a", "other/a")
	wantLabels(t, scheduleLabels([]*record.Run{a, b}), "runs/a", "other/a")
	d := run(0.1, 0, 10)
	d.Config.Options = nil
	wantLabels(t, differenceLabels([]*record.Run{run(0.2, 0, 10), d})[:1], "η = 0.2, epochs 10, seed 0")
}

func TestStateLabels(t *testing.T) {
	r := run(1, 0, 40)
	r.Rows = r.Rows[:13]
	for state, want := range map[record.State]string{
		record.Finished:    "",
		record.Diverged:    "diverged at epoch 12.4",
		record.Interrupted: "unfinished: epoch 12 of 40",
		record.Running:     "unfinished: epoch 12 of 40",
	} {
		r.Status = record.Status{State: state, Epoch: 12.41}
		if got := stateLabel(r); got != want {
			t.Errorf("%s: %q, want %q", state, got, want)
		}
	}
	r.Rows = nil
	r.Status.State = record.Running
	if got := stateLabel(r); got != "no evaluation yet" {
		t.Error(got)
	}
}

func TestTitle(t *testing.T) {
	a, b := run(1, 0, 10), run(2, 0, 10)
	if got := commonTitle([]*record.Run{a, b}); got != "ResNet-18 on CIFAR-10" {
		t.Error(got)
	}
	b.Config.DatasetTitle = "made-up images"
	if got := commonTitle([]*record.Run{a, b}); got != "ResNet-18" {
		t.Error(got)
	}
	a.Config = record.Config{Net: "diagonal", NetTitle: "Diagonal linear network", Dataset: "diagonal", DatasetTitle: "Diagonal linear network"}
	if got := commonTitle([]*record.Run{a}); got != "Diagonal linear network" {
		t.Error(got)
	}
	a.Config = record.Config{Net: "my-net", Dataset: "my-images"}
	if got := commonTitle([]*record.Run{a}); got != "my-net on my-images" {
		t.Error(got)
	}
}

func labels(ticks []plot.Tick) (l []string) {
	for _, t := range ticks {
		if t.Label != "" {
			l = append(l, t.Label)
		}
	}
	return l
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		ticker    plot.Ticker
		low, high float64
		want      string
	}{
		{logTicks{}, 9e-4, 3, "10⁻³ 10⁻² 10⁻¹ 10⁰"},
		{logTicks{}, 0.15, 2.5, "0.2 0.5 1 2"},
		{logTicks{}, 2.1, 3.9, "2.5 3 3.5"},
		{logTicks{}, 2.31, 2.46, "2.35 2.4 2.45"},
		{logTicks{}, 0.31, 0.39, "0.32 0.34 0.36 0.38"},
		{logTicks{}, 2.1e-7, 2.9e-7, "2.2·10⁻⁷ 2.4·10⁻⁷ 2.6·10⁻⁷ 2.8·10⁻⁷"},
		{logTicks{}, 2.1e-7, 5.9e-7, "3·10⁻⁷ 4·10⁻⁷ 5·10⁻⁷"},
		{logTicks{}, 1e-20, 1, "10⁻¹⁸ 10⁻¹⁵ 10⁻¹² 10⁻⁹ 10⁻⁶ 10⁻³ 10⁰"},
		{linearTicks{}, 0, 100, "0 20 40 60 80 100"},
		{linearTicks{}, 0, 40, "0 10 20 30 40"},
		{linearTicks{}, -0.3, 0.31, "−0.2 0 0.2"},
		{linearTicks{}, 47.1, 58.9, "48 50 52 54 56 58"},
		{linearTicks{}, 0, 3e9, "0 1·10⁹ 2·10⁹ 3·10⁹"},
		{linearTicks{}, -2e-7, 2e-7, "−2·10⁻⁷ −1·10⁻⁷ 0 1·10⁻⁷ 2·10⁻⁷"},
		{linearTicks{}, 0, 1e5, "0 20000 40000 60000 80000 100000"},
	} {
		if got := strings.Join(labels(c.ticker.Ticks(c.low, c.high)), " "); got != c.want {
			t.Errorf("%T from %g to %g: %s, want %s", c.ticker, c.low, c.high, got, c.want)
		}
	}
}

func TestRangesHoldTheValues(t *testing.T) {
	far := &curve{diverged: true, points: []point{{0, 2}, {1, 1e12}, {2, math.NaN()}}}
	near := &curve{points: []point{{0, 2}, {1, 0.01}, {2, 0}}}
	low, high := valueRange([]*curve{far, near}, scale{log: true})
	if !(low < 0.01 && low > 0.001 && high > 20 && high < 100) {
		t.Errorf("log: %g to %g", low, high)
	}
	if low, high := valueRange([]*curve{far}, scale{log: true}); !(low < 2 && high > 1e12) {
		t.Errorf("diverged alone: %g to %g", low, high)
	}
	if low, high := valueRange([]*curve{{points: []point{{0, 90}, {1, 12}}}}, scale{}); low != 0 || high < 90 {
		t.Errorf("linear: %g to %g", low, high)
	}
}

func TestFitKeepsToTheWidth(t *testing.T) {
	s := textStyle(legendSize)
	long := strings.Repeat("η = 0.007, ", 20)
	short := fit(s, long, 100)
	if s.Width(short) > 100 || !strings.HasSuffix(short, "…") || utf8.RuneCountInString(short) < 10 {
		t.Errorf("%q is %v wide", short, s.Width(short))
	}
	if got := fit(s, "η", 100); got != "η" {
		t.Error(got)
	}
	if a, b := s.Width("10⁻³"), s.Width("10−3"); !(a < b && a > 0.6*b) {
		t.Errorf("10⁻³ is %v wide, 10−3 %v", a, b)
	}
}

// What tells labels apart is not cut off.
func TestShorten(t *testing.T) {
	s := textStyle(legendSize)
	const width = 150
	long := strings.Repeat("resnet18-w64-", 5)
	for _, c := range []struct {
		labels []string
		tell   []string // a part of each that must be left; none if nothing short can tell them apart
	}{
		{[]string{"a", "b"}, []string{"a", "b"}},
		{[]string{"short", "η" + strings.Repeat(" long", 20)}, []string{"short", "η long"}},
		{[]string{"first " + long, "second " + long}, []string{"first", "second"}},
		{[]string{long + "eta0.5-seed1", long + "eta0.5-seed2"}, []string{"…seed1", "…seed2"}},
		{[]string{long + "eta0.5-" + long + "1", long + "eta0.7-" + long + "1"}, []string{"eta0.5", "eta0.7"}},
		{[]string{"runs/a/" + long + "1/b", "runs/a/" + long + "2/b"}, []string{"…1/b", "…2/b"}},
		{[]string{strings.Repeat("x", 99) + "a", strings.Repeat("x", 99) + "b"}, []string{"xa", "xb"}},
		{[]string{"a " + long + "1", "a " + long + "2", "b " + long + "1"}, nil},
		{[]string{"", ""}, nil},
	} {
		for i, label := range shorten(s, c.labels, width) {
			if s.Width(label) > width {
				t.Errorf("%q is %v wide", label, s.Width(label))
			}
			if c.tell != nil && !strings.Contains(label, c.tell[i]) {
				t.Errorf("%q became %q, without %q", c.labels[i], label, c.tell[i])
			}
		}
	}
}

// The legend that is drawn has them so.
func TestLegendTellsApart(t *testing.T) {
	long := strings.Repeat("resnet18-w64-", 20)
	l := legend{entries: []entry{{label: long + "seed1"}, {label: long + "seed2"}}}
	entries := l.columns(300)[0].entries
	if a, b := entries[0].label, entries[1].label; a != "…seed1" || b != "…seed2" {
		t.Errorf("%q and %q", a, b)
	}
}

// Every label has its place, whole wherever one column has room for it.
func TestLegendColumns(t *testing.T) {
	for n := 1; n < 12; n++ {
		for _, width := range []vg.Length{60, 200, 350, 480} {
			var l legend
			for i := range n {
				l.entries = append(l.entries, entry{label: strings.Repeat("η", 1+i*i%23)})
			}
			columns := l.columns(width)
			total, entries := vg.Length(len(columns)-1)*columnGap, 0
			for _, c := range columns {
				total += c.width
				entries += len(c.entries)
				if d := len(columns[0].entries) - len(c.entries); d < 0 || d > 1 {
					t.Errorf("%d entries at width %v: columns of %d and %d", n, width, len(columns[0].entries), len(c.entries))
				}
				for _, e := range c.entries {
					if e.width() > c.width && len(columns) > 1 {
						t.Errorf("%d entries at width %v: one does not fit", n, width)
					}
				}
			}
			if total > width || entries != n {
				t.Errorf("%d entries: %d in columns of %v in all, want at most %v", n, entries, total, width)
			}
		}
	}
}

func TestFinals(t *testing.T) {
	runs := paperRuns()
	runs[1].Rows, runs[1].Own, runs[1].Status.State = nil, nil, record.Running
	runs[2].Rows[100].TrainLoss = math.NaN()
	runs[2].Status.State = record.Diverged
	var b strings.Builder
	check(t, Finals(&b, bySchedule(runs...), nil, record.Reference{}))
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	if len(lines) != 17 {
		t.Fatalf("%d lines:\n%s", len(lines), b.String())
	}
	for i, want := range []string{
		"run                     state     epoch  train loss  test error (%)",
		"run                     active_1 (%)  active_2 (%)  active_3 (%)  active_4 (%)",
		"run                     active_5 (%)",
	} {
		if got := lines[6*i]; got != want {
			t.Errorf("head\n%s, want\n%s", got, want)
		}
	}
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	column := strings.Index(lines[0], "train loss")
	for i, cell := range []string{"0.00177", "–", "–"} {
		if got := string([]rune(lines[i+1])[column:]); !strings.HasPrefix(got, cell+" ") && got != cell {
			t.Errorf("line %q: train loss is not %s", lines[i+1], cell)
		}
	}
	if !strings.HasSuffix(lines[1], " 35.3") {
		t.Errorf("line %q: no test error of 35.3 %%", lines[1])
	}
}

func TestScales(t *testing.T) {
	for column, want := range map[string]scale{
		"train_loss":         {"Training loss", true, 1},
		"l0":                 {"ℓ₀ of u ⊙ v", false, 1},
		"sparsity_2":         {"Feature sparsity, layer 2 (%)", false, 100},
		"suboptimality_gap":  {"Suboptimality gap", true, 1},
		"validation_loss":    {"Validation loss", true, 1},
		"number_of_mistakes": {"Number of mistakes", false, 1},
	} {
		if got := scaleOf(column, record.Config{}.Feature); got != want {
			t.Errorf("%s: %v, want %v", column, got, want)
		}
	}
	for column, want := range map[string]string{
		"sparsity_4": "Feature sparsity, stage 4 (%)", "sparsity_5": "Feature sparsity, average pool (%)", "active_5": "Active features, average pool (%)",
		"rank_2": "Feature rank, stage 2", "effective_rank_5": "Effective feature rank, average pool", "eigenvalue_3": "Eigenvalue 3 of the Hessian",
	} {
		if got := scaleOf(column, features(paperGroups())).label; got != want {
			t.Errorf("%s of a ResNet: %s, want %s", column, got, want)
		}
	}
}
