package figure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"largestep/metrics/record"
	trainrun "largestep/train/run"
	"largestep/train/schedule"
)

// diagonalRun makes up a run of a diagonal net of 100,001 steps with 80 examples
// in the manner of the paper's: a noisy plateau until the decay, then a fall. A
// negative divergeAt is never.
func diagonalRun(stepSize, decayAt float64, seed uint64, divergeAt int) *record.Run {
	const total, every, n = 100_001, 500, 80
	r := &record.Run{Dir: fmt.Sprintf("runs/%g-%g-%d", stepSize, decayAt, seed)}
	r.Status = record.Status{State: record.Finished, Step: total, Epoch: float64(total) / n}
	r.Config = record.Config{Net: "diagonal", Dataset: "paper", Schedule: fmt.Sprintf("η = %g, decay at %g %%", stepSize, 100*decayAt), Epochs: 1, Steps: total}
	r.Config.Phases = []record.Phase{{Name: "constant", StepSize: stepSize}}
	if decayAt > 0 {
		r.Config.Phases = []record.Phase{{Name: "large", StepSize: stepSize}, {Name: "small", Start: decayAt, StepSize: stepSize / 4}}
		r.Plateaus = []record.Plateau{{Phase: "large", Start: 2000, End: int(total * decayAt), Level: 0.01}}
	}
	r.Own = []string{"l0", "l1", "rank", "imbalance"}
	rng := rand.New(rand.NewPCG(seed, uint64(100*decayAt)))
	for step := 0; step <= total; step += every {
		t := float64(step) / total
		loss, test, l0 := 0.3*math.Exp(-12*t)+2e-6, 0.4*math.Exp(-6*t)+8e-3*(1+0.2*float64(seed%3)), 200.0
		if decayAt > 0 {
			large := min(t, decayAt)
			l0 = 60 + 140*math.Exp(-5*large)
			test = 0.3*math.Exp(-9*large)*math.Exp(0.4*rng.NormFloat64()) + 1e-4
			loss = 0.01*math.Exp(0.6*rng.NormFloat64()) + 0.3*math.Exp(-60*t)
			if t > decayAt {
				loss = 6e-5 * math.Exp(0.1*rng.NormFloat64()+5*math.Exp(-40*(t-decayAt)))
				test = 0.1*math.Exp(-9*large)*math.Exp(0.05*rng.NormFloat64()) + 1e-4*float64(1+seed%4)
			}
		}
		row := record.Row{Epoch: float64(step) / n, Step: step, StepSize: stepSize, TrainLoss: loss, TestLoss: test,
			TrainError: math.NaN(), TestError: math.NaN()}
		if d := step - divergeAt; divergeAt >= 0 && d > 0 {
			row.TrainLoss, row.TestLoss = loss*math.Exp(float64(d)/100), test*math.Exp(float64(d)/100)
		}
		row.Own = []float64{math.Round(l0 + 4*rng.NormFloat64()*float64(step)/total), 3 * math.Exp(-t), math.Round(l0 * 0.8), math.Exp(-100 * t * decayAt)}
		r.Rows = append(r.Rows, row)
		if divergeAt >= 0 && step > divergeAt+2000 {
			r.Rows[len(r.Rows)-1].TrainLoss = math.Inf(1)
			r.Status = record.Status{State: record.Diverged, Step: step, Epoch: row.Epoch}
			break
		}
	}
	return r
}

// diagonalGroups are the paper's four settings; of the runs of the last two, one
// and two diverge, where there are several.
func diagonalGroups(seeds uint64) (groups []Group) {
	for i, decayAt := range []float64{0, 0.1, 0.3, 0.5} {
		stepSize := []float64{0.25, 0.282}[min(i, 1)]
		g := Group{Label: diagonalRun(stepSize, decayAt, 0, -1).Config.Schedule}
		for seed := range seeds {
			divergeAt := -1
			if seed > 0 && int(seed) < i {
				divergeAt = int(seed) * 12_000
			}
			g.Runs = append(g.Runs, diagonalRun(stepSize, decayAt, seed, divergeAt))
		}
		groups = append(groups, g)
	}
	return groups
}

// values makes a finished run whose test losses are given, one every ten steps.
func values(losses ...float64) *record.Run {
	r := &record.Run{Status: record.Status{State: record.Finished}, Config: record.Config{Epochs: 1}}
	for i, v := range losses {
		r.Rows = append(r.Rows, record.Row{Step: 10 * i, Epoch: float64(i), TestLoss: v})
	}
	return r
}

func diverged(r *record.Run) *record.Run {
	r.Status.State = record.Diverged
	return r
}

func TestGroupIsTheMedianOfFiniteRuns(t *testing.T) {
	nan := math.NaN()
	g := Group{Label: "a", Runs: []*record.Run{values(1, 4, nan), diverged(values(9, 1e9, math.Inf(1))), values(2, nan, nan), values(5, 8, nan, 7)}}
	c := newCurve(g, "test_loss", scales["test_loss"], Steps, style{})
	if want := []point{{0, 2}, {10, 6}, {20, nan}, {30, 7}}; !samePoints(c.points, want) {
		t.Errorf("median %v, want %v", c.points, want)
	}
	if want := []interval{{0, 1.5, 3.5}, {10, 5, 7}}; !slices.Equal(c.band[:2], want) {
		t.Errorf("band %v, want %v", c.band[:2], want)
	}
	if c.diverged || len(c.lost) != 1 || c.lost[0][1] != (point{10, 1e9}) {
		t.Errorf("diverged %v, lost %v", c.diverged, c.lost)
	}
	if got := g.label(); got != "a (1 of 4 diverged)" {
		t.Error(got)
	}
	g.Runs[0].Status.State = record.Interrupted
	if got := g.label(); got != "a (1 of 4 diverged, 1 of 4 unfinished)" {
		t.Error(got)
	}
	all := Group{Label: "b", Runs: []*record.Run{diverged(values(1, 3)), diverged(values(3, nan))}}
	c = newCurve(all, "test_loss", scales["test_loss"], Axis{}, style{})
	if want := []point{{0, 2}, {1, 3}}; !c.diverged || !samePoints(c.points, want) {
		t.Errorf("all diverged: %v, want %v", c.points, want)
	}
	one := Group{Label: "c", Runs: []*record.Run{values(1, 2)}}
	if c := newCurve(one, "test_loss", scales["test_loss"], GradientEvaluations(80), style{}); c.band != nil || c.points[1] != (point{80, 2}) {
		t.Errorf("one run: %v, band %v", c.points, c.band)
	}
}

func samePoints(a, b []point) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func TestQuartiles(t *testing.T) { // as numpy.percentile(x, [25, 50, 75])
	for _, c := range []struct{ values, want []float64 }{
		{[]float64{3}, []float64{3, 3, 3}},
		{[]float64{4, 1}, []float64{1.75, 2.5, 3.25}},
		{[]float64{5, 1, math.NaN(), 2, math.Inf(1), 10, 4}, []float64{2, 4, 5}},
		{[]float64{0, 10, 20, 30, 40, 50, 60, 70}, []float64{17.5, 35, 52.5}},
	} {
		low, median, high := quartiles(c.values)
		if got := []float64{low, median, high}; !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
	if _, median, _ := quartiles(nil); !math.IsNaN(median) {
		t.Errorf("of nothing: %g", median)
	}
}

func TestAxes(t *testing.T) {
	r := diagonalRun(0.282, 0.5, 0, -1)
	for _, c := range []struct {
		x     Axis
		label string
		end   float64
		decay float64
	}{
		{Axis{}, "Epoch", 1250.0125, 625.00625},
		{Steps, "Step (thousands)", 100.001, 50.0005},
		{GradientEvaluations(80), "Gradient evaluations (thousands)", 100.001, 50.0005},
		{GradientEvaluations(80_000), "Gradient evaluations (millions)", 100.001, 50.0005},
	} {
		x := c.x.thousands(c.x.end([]*record.Run{r}))
		close := func(a, b float64) bool { return math.Abs(a-b) < 1e-9*b }
		if end, _ := x.Extent(r); x.Label != c.label || !close(end, c.end) {
			t.Errorf("%q to %v, want %q to %v", x.Label, end, c.label, c.end)
		}
		curve := newCurve(Group{Runs: []*record.Run{r}}, "l0", scales["l0"], x, style{})
		if len(curve.changes) != 1 || !close(curve.changes[0], c.decay) || !close(curve.largeEnd, c.decay) {
			t.Errorf("%s: changes at %v, large to %v, want %v", x.Label, curve.changes, curve.largeEnd, c.decay)
		}
		if p := curve.plateau; !close(p.end, 50_000/100_001.*c.end) || !close(p.start, 2000/100_001.*c.end) {
			t.Errorf("%s: plateau %v", x.Label, p)
		}
	}
	r.Rows, r.Config.Steps = nil, 0
	if end := Steps.end([]*record.Run{r}); end != 1 {
		t.Errorf("nothing known: to %g", end)
	}
}

func TestGroupPlateau(t *testing.T) {
	g := Group{Runs: []*record.Run{values(1, 1), values(1, 1), values(1, 1)}}
	if p := g.plateau(Steps); !p.empty() {
		t.Errorf("none recorded: %v", p)
	}
	constant := values(1, 1)
	constant.Plateaus = []record.Plateau{{Start: 3, End: 9}}
	if p := (Group{Runs: []*record.Run{constant}}).plateau(Steps); !p.empty() {
		t.Errorf("of a constant step size: %v", p)
	}
	for i, r := range g.Runs {
		r.Config.Phases = []record.Phase{{StepSize: 1}, {Start: 0.2, StepSize: 9}}
		if i < 2 {
			r.Plateaus = []record.Plateau{{Index: 0, Start: 0, End: 1}, {Index: 1, Start: 3 + i, End: 8}}
		}
	}
	if p := g.plateau(Steps); p != (span{3.5, 8}) {
		t.Errorf("the large phase's: %v", p)
	}
	g.Runs[1].Plateaus, g.Runs[2].Plateaus = nil, nil
	if p := g.plateau(Steps); p != (span{3, 8}) {
		t.Errorf("in the only one searched: %v", p)
	}
	g.Runs[1].Plateaus, g.Runs[2].Plateaus = []record.Plateau{}, []record.Plateau{}
	if p := g.plateau(Steps); !p.empty() {
		t.Errorf("in one of three runs: %v", p)
	}
}

// A shaded stretch is seen beside the curve, and only there.
func TestPlateauIsShaded(t *testing.T) {
	r := diagonalRun(0.282, 0.5, 0, -1)
	img, at, c := drawPanel(r, "l0")
	shade := tint(rgba(c))
	in, inY := at(400, 30)
	out, outY := at(900, 30)
	if !near(img.At(in, inY), shade) || near(img.At(out, outY), shade) {
		t.Errorf("%v on the plateau, %v after it, want %v and not", img.At(in, inY), img.At(out, outY), shade)
	}
}

func TestGroupsDraw(t *testing.T) {
	dir := t.TempDir()
	columns := []string{"train_loss", "test_loss", "l0", "l1", "rank", "imbalance"}
	for n := 1; n <= len(columns); n++ {
		path := filepath.Join(dir, fmt.Sprintf("%d.png", n))
		check(t, Groups(diagonalGroups(4), Options{Columns: columns[:n], X: Steps}, path))
		wide := map[int]int{1: 800}
		if w := readPNG(t, path).Bounds().Dx(); w != 1380 && w != wide[n] {
			t.Errorf("%d panels in %d pixels", n, w)
		}
	}
	check(t, Groups(diagonalGroups(3), Options{Columns: columns}, filepath.Join(dir, "f.svg"), filepath.Join(dir, "f.pdf")))
	for _, c := range []struct {
		err  error
		want string
	}{
		{Groups(nil, Options{}, "f.png"), "no runs"},
		{Groups([]Group{{Label: "a"}}, Options{}, "f.png"), `no runs of "a"`},
		{Groups(diagonalGroups(1), Options{Columns: []string{"l2"}}, "f.png"), `no run has a column "l2"`},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want %q", c.err, c.want)
		}
	}
}

func TestLegendNotes(t *testing.T) {
	notes := func(groups []Group) string {
		f := figure{groups: groups, Options: Options{Columns: []string{"test_loss"}}}
		return strings.Join(f.legend().notes, " ")
	}
	all := notes(diagonalGroups(8))
	for _, word := range []string{"Thick", "quartiles", "diverged", "Shaded: the mini-batch loss"} {
		if !strings.Contains(all, word) {
			t.Errorf("notes lack %q: %s", word, all)
		}
	}
	if got := notes([]Group{{Label: "a", Runs: []*record.Run{values(1, 2)}}}); got != "" {
		t.Errorf("one plain run: %s", got)
	}
	if got := notes([]Group{{Label: "a", Runs: []*record.Run{values(1, 0)}}}); !strings.Contains(got, "0 or less") {
		t.Errorf("a loss of 0: %s", got)
	}
}

// The line of a diverged run ends where it leaves the panel.
func TestUntilOut(t *testing.T) {
	p := emptyPanel("")
	p.Y.Max = 10
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		y    []float64
		want int
	}{
		{nil, 0}, {[]float64{1, 2}, 2}, {[]float64{1, 20, 30}, 2}, {[]float64{1, 20, 3, 40, 50, inf, nan}, 4},
		{[]float64{1, nan, 20, 30}, 3}, {[]float64{20, 30}, 1}, {[]float64{nan}, 1},
	} {
		var points []point
		for i, y := range c.y {
			points = append(points, point{float64(i), y})
		}
		if got := len(untilOut(points, p)); got != c.want {
			t.Errorf("%v: %d points, want %d", c.y, got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	groups := []Group{
		{Label: "small", Runs: []*record.Run{values(9, 0.0345678)}},
		{Label: "large", Runs: []*record.Run{values(0.001), values(0.003), diverged(values(7)), values(0.002)}},
		{Label: "lost", Runs: []*record.Run{diverged(values(7))}},
	}
	var b strings.Builder
	paper := record.Reference{Label: "paper", Finals: []map[string]float64{{}, {"test_loss": 1.54e-4}}}
	again := record.Reference{Label: "again", Finals: []map[string]float64{{"test_error": 0.5}}}
	check(t, Table(&b, groups, []string{"test_loss", "test_error"}, paper, again))
	want := `
run    runs  diverged  test loss              paper     test error (%)  again
small  1     0         0.0346                 –         0               50
large  4     1         0.002 (0.0015–0.0025)  0.000154  0 (0–0)         –
lost   1     1         –                      –         –               –
`
	if got := "\n" + b.String(); got != want {
		t.Errorf("got%swant%s", got, want)
	}
	groups[0].Runs[0].Status.State = record.Running
	b.Reset()
	check(t, Table(&b, groups[:1], []string{"test_loss"}))
	if want := "run    runs  diverged  unfinished  test loss\nsmall  1     0         1           –\n"; b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// What has no room on a page follows below, and a reference stays beside what it
// is to be compared with.
func TestTableIsFolded(t *testing.T) {
	groups := []Group{{Label: strings.Repeat("l", 32), Runs: []*record.Run{values(9, 0.5)}}}
	paper := record.Reference{Label: "paper", Finals: []map[string]float64{{"test_loss": 0.6, "test_error": 0.7}}}
	var b strings.Builder
	check(t, Table(&b, groups, []string{"train_loss", "test_loss", "test_error"}, paper))
	want := `
run                               runs  diverged  training loss
llllllllllllllllllllllllllllllll  1     0         0

run                               test loss  paper  test error (%)  paper
llllllllllllllllllllllllllllllll  0.5        0.6    0               70
`
	if got := "\n" + b.String(); got != want {
		t.Errorf("got%swant%s", got, want)
	}
	groups[0].Label = strings.Repeat("l", 100) // no room at all
	b.Reset()
	check(t, Table(&b, groups, []string{"test_loss"}, paper))
	if n := strings.Count(b.String(), "\n"); n != 3*2+2 {
		t.Errorf("%d lines:\n%s", n, b.String())
	}
}

func TestSaveCSV(t *testing.T) {
	groups := []Group{
		{Label: "η = 1, decay at 10 %", Runs: []*record.Run{values(0.5), values(1.5), diverged(values(7))}},
		{Label: "lost", Runs: []*record.Run{diverged(values(7))}},
	}
	path := filepath.Join(t.TempDir(), "f.csv")
	check(t, SaveCSV(path, groups, []string{"test_loss"}))
	b, err := os.ReadFile(path)
	check(t, err)
	want := `run,runs,diverged,unfinished,test_loss,test_loss_lower_quartile,test_loss_upper_quartile
"η = 1, decay at 10 %",3,1,0,1,0.75,1.25
lost,1,1,0,,,
`
	if string(b) != want {
		t.Errorf("got\n%swant\n%s", b, want)
	}
}

func TestScaleText(t *testing.T) {
	for v, want := range map[float64]string{200: "200", 1234.4: "1234", 72.25: "72.2", 0: "0", 1e12: "1e+12", -3.14159: "-3.14"} {
		if got := (scale{}).text(v); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
}

func TestBySeed(t *testing.T) {
	var runs []*record.Run
	for i, change := range []func(*trainrun.File){
		func(c *trainrun.File) { c.Order = "paper" },
		func(c *trainrun.File) { c.Batch = 64 },
		func(c *trainrun.File) { c.InitSHA256 = strings.Repeat("a", 64) },
		func(c *trainrun.File) {},
		func(c *trainrun.File) { c.InitSHA256 = strings.Repeat("b", 64) },
		func(c *trainrun.File) { c.Schedule = schedule.Constant(0.1) },
	} {
		c := ofImages()
		c.Seed = uint64(i)
		change(&c)
		runs = append(runs, recorded(t, "run", c))
	}
	var got []string
	for _, g := range bySeed(runs) {
		got = append(got, fmt.Sprintf("%d: %s", len(g.Runs), g.Label))
	}
	want := []string{"2: η = 0.5, batch 100", "1: η = 0.5, batch 64", "1: η = 0.5, batch 100, init sha256 aaaaaaaa…",
		"1: η = 0.5, batch 100, init sha256 bbbbbbbb…", "1: η = 0.1, batch 100"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if g := bySeed(runs[:1]); g[0].Label != "η = 0.5" {
		t.Errorf("a single group: %q", g[0].Label)
	}
}

// What is recorded of a run makes no other setting of it.
func TestBySeedLeavesRecordsOut(t *testing.T) {
	var runs []*record.Run
	for seed, change := range []func(*trainrun.File){
		func(c *trainrun.File) {},
		func(c *trainrun.File) {
			c.Measures, c.MeasureImages, c.MeasureMode, c.Eigenvalues = []string{"sharpness"}, 1000, "training", 2
		},
		func(c *trainrun.File) {
			c.LogSteps, c.Histograms, c.MeasureEvery, c.EvalEvery, c.EvalSteps = true, true, 16, 5, 7
		},
	} {
		c := ofImages()
		c.Seed = uint64(seed)
		change(&c)
		runs = append(runs, recorded(t, fmt.Sprintf("run%d", seed), c))
	}
	if groups := bySeed(runs); len(groups) != 1 || groups[0].Label != "η = 0.5" {
		t.Errorf("%d groups, the first %q", len(groups), groups[0].Label)
	}
}

// A warm-up is not the phase with the large step size, and no decay ends it.
func TestWarmUpIsNotLarge(t *testing.T) {
	decay, err := schedule.Decay(0.5, 0.3)
	check(t, err)
	warm := func(s schedule.Schedule) record.Config {
		s, err := s.WarmUp(0.05)
		check(t, err)
		c := ofImages()
		c.Schedule = s
		return recorded(t, "run", c).Config
	}
	for _, c := range []struct {
		name       string
		config     record.Config
		phase      int
		start, end float64
		decay      string
	}{
		{"constant", warm(schedule.Constant(0.5)), 1, 0, 0, ""},
		{"decay", warm(decay), 1, 0.05, 0.3, "0.3"},
	} {
		start, end := large(c.config)
		if got := LargePhase(c.config); got != c.phase || start != c.start || end != c.end {
			t.Errorf("%s: phase %d from %g to %g, want %d from %g to %g", c.name, got, start, end, c.phase, c.start, c.end)
		}
		if got := optionsOf(c.config)[decayOption]; got != c.decay {
			t.Errorf("%s: decay at %q, want %q", c.name, got, c.decay)
		}
	}
}

// Runs are told apart by what a short label does not say, too.
func TestBySeedComparesAll(t *testing.T) {
	with := func(text string) func(*trainrun.File) {
		s, err := schedule.Parse(text)
		check(t, err)
		return func(c *trainrun.File) { c.Schedule = s }
	}
	for name, pair := range map[string][2]func(*trainrun.File){
		"widths":       {func(c *trainrun.File) { c.Widths = []int{5} }, func(c *trainrun.File) { c.Widths = []int{30, 30} }},
		"fifth digit":  {with("0.28201@0"), with("0.28203@0")},
		"middle phase": {with("0.1@0,0.05@0.2,0.04@0.4,0.03@0.6,0.02@0.8"), with("0.1@0,0.05@0.2,0.09@0.4,0.03@0.6,0.02@0.8")},
		"decay factor": {with("large:1@0,small:0.1@0.5,final:0.01@0.9"), with("large:1@0,small:0.3@0.5,final:0.01@0.9")},
		"growth":       {with("1@0~exp:1.05"), with("1@0")},
	} {
		var runs []*record.Run
		for seed := range 4 {
			c := ofImages()
			c.Seed = uint64(seed)
			pair[seed%2](&c)
			runs = append(runs, recorded(t, fmt.Sprintf("run%d", seed), c))
		}
		groups := bySeed(runs)
		if len(groups) != 2 || len(groups[0].Runs) != 2 || groups[0].Label == groups[1].Label {
			t.Errorf("%s: %d groups, the first of %d runs, %q", name, len(groups), len(groups[0].Runs), groups[0].Label)
			continue
		}
		if name == "widths" && groups[1].Label != "widths 30,30" {
			t.Errorf("widths: %q", groups[1].Label)
		}
	}
}

// Labels that differ only where the legend cuts them off do not tell runs apart.
// However runs are listed, curves go from the smallest step size to the longest
// large one.
func TestOrdered(t *testing.T) {
	want := paperRuns()
	for _, order := range [][]int{{0, 1, 2, 3}, {1, 2, 3, 0}, {3, 1, 0, 2}} {
		var list []*record.Run
		for _, i := range order {
			list = append(list, want[i])
		}
		if got := ordered(list); !slices.Equal(got, want) {
			t.Errorf("runs listed as %v: not in the order of their schedules", order)
		}
	}
}

func TestToldApart(t *testing.T) {
	runs := []*record.Run{run(1, 0, 5), run(2, 0, 5)}
	x := strings.Repeat("x", 200)
	for _, c := range []struct {
		labels []string
		want   bool
	}{
		{[]string{"xxxxxxa", "xxxxxxb"}, true}, {[]string{x + "a", x + "b"}, true},
		{[]string{x + "a" + x, x + "b" + x}, false}, {[]string{"x", "x"}, false},
	} {
		f := figure{groups: each(runs, c.labels), across: 2}.withDefaults()
		if f.toldApart() != c.want {
			t.Errorf("%q are told apart: %v", c.labels, !c.want)
		}
	}
}
