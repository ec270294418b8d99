package paper

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"largestep/data"
	"largestep/metrics"
	"largestep/metrics/figure"
	"largestep/train"
	"largestep/train/instances"
)

// SmallFigure is a figure of the paper on one of its small problems: settings
// that differ in their step sizes, each run from several seeds.
type SmallFigure struct {
	Name, About string
	Command     string   // that makes it, if not Name: one may make several
	Columns     []string // panels
	Seeds       int      // runs of each setting, if nobody asks for another number
	Edge        float64  // on random instances, the fraction of the edge of divergence that the large step size is; 0 if it is as it is
	Instance    instances.Kind
	Cost        bool // drawn over gradient evaluations, not steps
	settings    func(base train.Config) ([]Setting, error)
	net, title  string
	published   []map[string]float64 // finals of the paper, in the order of the settings
	// again and ownAgain are those of the authors' code run again: medians over
	// orders of the examples, and of the paper's own order.
	again, ownAgain []map[string]float64
}

// Setting is one curve of a figure.
type Setting struct {
	Label    string
	Family   string // of settings that differ in their schedules alone, as figures colour them
	Config   train.Config
	relative *relative // on random instances of problems that have the paper's
}

// SmallFigures are the figures of the small problems. Where step sizes warm up,
// Edge is the paper's step size over the edge of the paper's instance; elsewhere
// it is just below the edge, where the paper's are.
var SmallFigures = []SmallFigure{
	{
		Name: "least-squares", Command: "sgd-vs-gd", title: "Least squares", Instance: instances.Random, net: "least-squares", Seeds: 5, Cost: true,
		About:    "gradient descent and SGD, with and without replacement, on least squares at equal cost",
		Columns:  []string{"gap"},
		settings: leastSquaresSettings,
	},
	{
		Name: "svm", Command: "sgd-vs-gd", title: "Support vector machine", Instance: instances.Random, net: "svm", Seeds: 5, Cost: true,
		About:    "the same on a support vector machine",
		Columns:  []string{"train_loss", "test_loss"},
		settings: methodSettings(0.01, 0.01),
	},
	{
		Name: "diagonal", Edge: 0.985, title: "Diagonal linear network", Instance: instances.Paper, net: "diagonal", Seeds: 8,
		About:    "SGD on a diagonal linear network: the longer the large steps, the sparser u ⊙ v",
		Columns:  []string{"train_loss", "test_loss", "l0", "rank"},
		settings: diagonalSettings,
		published: finalsOf([]string{"train_loss", "test_loss", "l0", "rank"},
			"1.42e-6 3.53e-3 200 200", "6.26e-5 6.59e-4 156 109", "5.98e-5 2.85e-4 89 68", "6.70e-5 1.54e-4 71 58"),
		again:    finalsOf([]string{"test_loss", "l0", "rank"}, "9e-3 200 –", "2.0e-4 161 104", "2.6e-4 85 67", "1.4e-4 69 59"),
		ownAgain: finalsOf([]string{"test_loss", "l0", "rank"}, "3.6e-3 200 –", "3.6e-4 154 102", "2.6e-4 82 66", "1.1e-4 70 63"),
	},
	{
		Name: "diagonal-gd", Edge: 0.985, title: "Diagonal linear network, GD and SGD", Instance: instances.Paper, net: "diagonal", Seeds: 24,
		About:    "gradient descent on a diagonal linear network stabilises, but does not generalise: the noise matters",
		Columns:  []string{"train_loss", "test_loss", "l0"},
		settings: diagonalGDSettings,
		published: finalsOf([]string{"test_loss", "l0"},
			".168 100", ".449 86", ".438 80", ".497 78", ".0385 33"),
	},
	{
		Name: "relu-1d", Edge: 0.07, title: "ReLU network in one dimension", Instance: instances.Paper, net: "relu-1d", Seeds: 8,
		About:    "a two-layer ReLU network on twelve points of a line",
		Columns:  []string{"train_loss", "rank", "active_1", "sparsity_1"},
		settings: relu1DSettings,
		published: finalsOf([]string{"train_loss", "rank", "active_1", "sparsity_1"},
			"2.09e-4 85 .487 .22", "1.69e-4 19 .267 .063"),
	},
	{
		Name: "teacher-2", Edge: 0.985, title: "Two-layer teacher and student", Instance: instances.Paper, net: "teacher-2", Seeds: 8,
		About:    "two-layer teacher and student",
		Columns:  []string{"train_loss", "test_loss", "rank", "sparsity_1"},
		settings: teacher2Settings,
		published: finalsOf([]string{"test_loss", "rank", "sparsity_1"},
			"6.1e-4 26 .263", "1.6e-4 16 .11", "1.4e-4 12 .087", "5.4e-5 7 .063"),
		ownAgain: finalsOf([]string{"test_loss", "rank", "sparsity_1"}, "6.3e-4 26 .263", "2.3e-4 16 .11", "3.0e-4 12 .077", "1.1e-4 10 .077"),
	},
	{
		Name: "teacher-3", Edge: 0.18, title: "Three-layer teacher and student", Instance: instances.Paper, net: "teacher-3", Seeds: 24,
		About:    "three-layer teacher and student",
		Columns:  []string{"train_loss", "test_loss", "rank", "sparsity_2"},
		settings: teacher3Settings,
		published: finalsOf([]string{"test_loss", "rank", "sparsity_2"},
			".0614 150 .466", ".0322 150 .312", ".0248 125 .252", ".0206 102 .182"),
		ownAgain: finalsOf([]string{"test_loss", "rank", "sparsity_2"}, ".059 150 .464", ".032 150 .314", ".025 126 .254", ".026 110 .206"),
	},
}

// finalsOf spreads rows of numbers over columns; – stands for none.
func finalsOf(columns []string, rows ...string) []map[string]float64 {
	var list []map[string]float64
	for _, row := range rows {
		values := map[string]float64{}
		for i, text := range strings.Fields(row) {
			if text == "–" {
				continue
			}
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				panic(err)
			}
			values[columns[i]] = v
		}
		list = append(list, values)
	}
	return list
}

// Net is the name of the figure's problem.
func (f SmallFigure) Net() string { return f.net }

// Title says what is drawn.
func (f SmallFigure) Title(instance instances.Kind) string {
	if instance == instances.Paper {
		return f.title + ", the paper's instance"
	}
	return f.title + ", random instances"
}

// Examples is n of the figure's problem.
func (f SmallFigure) Examples() int {
	c, err := Small(f.net)
	if err != nil {
		panic(err)
	}
	return c.TrainSize
}

// Settings are the figure's curves, on the paper's instance or random ones.
func (f SmallFigure) Settings(instance instances.Kind) ([]Setting, error) {
	base, err := Small(f.net)
	if err != nil {
		return nil, err
	}
	base.Instance = string(instance)
	settings, err := f.settings(base)
	if err != nil {
		return nil, err
	}
	for i := range settings {
		c := &settings[i].Config
		c.StepSize = c.Phases[0].StepSize
		c.CountEpochs()
		c.EvalSteps = max(1, c.Steps()/smallEvaluations)
	}
	if instance == instances.Random && f.Edge != 0 {
		relate(settings, f.Edge)
	}
	return settings, nil
}

// RunsOf is the number of runs of each setting on an instance, if nobody asks for
// another one: random instances differ more than orders of the examples do.
func (f SmallFigure) RunsOf(instance instances.Kind) int {
	if instance == instances.Random && f.Edge != 0 {
		return randomSeeds
	}
	return f.Seeds
}

const randomSeeds = 8

// smallEvaluations is the number of points of a curve.
const smallEvaluations = 40

// References are what there is to compare with: the paper's finals, and those of
// its authors' code run again, of the paper's own order of the examples or as
// medians over several. Random instances have none.
func (f SmallFigure) References(instance instances.Kind, ownOrder bool) []figure.Reference {
	if instance != instances.Paper {
		return nil
	}
	again := f.again
	if ownOrder {
		again = f.ownAgain
	}
	list := []figure.Reference{{Label: "paper", Finals: f.published}}
	if again != nil {
		list = append(list, figure.Reference{Label: Again, Finals: again})
	}
	return list
}

// Again labels the finals of the authors' code run again.
const Again = "again"

// Runs are the trainings of a setting from so many seeds. On the paper's
// instance seeds change the order of the examples, and seed 0 takes the paper's
// own; on random ones they change everything.
func (s Setting) Runs(seeds int) []Run {
	var runs []Run
	if s.Config.Sampling == data.Full && s.Config.Instance == string(instances.Paper) {
		seeds = 1 // nothing is random
	}
	for seed := range seeds {
		c := s.Config
		c.Seed, c.LogSteps = uint64(seed), true // for the plateaus of the loss
		paperOrder := c.Net == "diagonal" || seed == 0
		if c.Instance == string(instances.Paper) && c.Sampling != data.Full && paperOrder {
			c.Order = "paper"
		}
		runs = append(runs, Run{fmt.Sprintf("%s-seed%d", folderName(s.Label), seed), c, s.relative})
	}
	return runs
}

// folderName makes a label fit for a file system: eta0.282-decay10 of
// "η = 0.282, decay at 10 %".
func folderName(label string) string {
	label = strings.NewReplacer("η = ", "eta", " edge", "edge", "decay at ", "decay", " %", "").Replace(label)
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == ' ':
			return '-'
		}
		return -1
	}, label)
}

// decayed is a large step size, from the fraction at on divided by factor.
func decayed(eta, factor, at float64) []train.Phase {
	return []train.Phase{{Name: "large", StepSize: eta}, {Name: "small", Start: at, StepSize: eta / factor}}
}

func decayLabel(eta, at float64) string { return fmt.Sprintf("η = %g, decay at %g %%", eta, 100*at) }

// constantAndDecayed are a small constant step size and a large one that is
// divided by a factor of its own at each of DecayFractions.
func constantAndDecayed(c train.Config, small, large float64, factors [3]float64, prefix string) []Setting {
	list := []Setting{setting(fmt.Sprintf("%sη = %g", prefix, small), with(c, train.Constant(small)))}
	for i, at := range DecayFractions {
		list = append(list, setting(prefix+decayLabel(large, at), with(c, decayed(large, factors[i], at))))
		list[i+1].Config.DecayAt = at
	}
	return list
}

func setting(label string, c train.Config) Setting { return Setting{Label: label, Config: c} }

func with(c train.Config, phases []train.Phase) train.Config {
	c.Phases = phases
	return c
}

func diagonalSettings(c train.Config) ([]Setting, error) {
	return constantAndDecayed(c, 0.25, 0.282, [3]float64{4.8, 3.4, 1.5}, ""), nil
}

func diagonalGDSettings(c train.Config) ([]Setting, error) {
	c.TrainSize, c.Dims = 40, 100
	gd := c
	gd.Sampling, gd.Batch = data.Full, gd.TrainSize
	list := constantAndDecayed(gd, 2, 3.53, [3]float64{4.8, 3.4, 1.5}, "GD, ")
	for i := range list {
		list[i].Family = "GD"
	}
	// The paper's 0.272 diverges for almost every order of the examples.
	for _, eta := range []float64{0.272, 0.269} {
		sgd := setting("SGD, "+decayLabel(eta, 0.5), with(c, decayed(eta, 20, 0.5)))
		sgd.Config.DecayAt, sgd.Family = 0.5, "SGD"
		list = append(list, sgd)
	}
	return list, nil
}

// figureNoise is so small that SGD comes within 1e-10 of the optimum in the
// figure's 40,000 steps: with k independent examples nothing can come closer
// than about noise²·d/k.
const figureNoise = 1e-4

func leastSquaresSettings(c train.Config) ([]Setting, error) {
	c.Noise = figureNoise
	return methodSettings(0.3, 0.02)(c)
}

// methodSettings compare gradient descent with SGD, with and without
// replacement, at equal numbers of gradients of single examples.
func methodSettings(full, one float64) func(c train.Config) ([]Setting, error) {
	return func(c train.Config) ([]Setting, error) {
		const epochs = 400
		c.MaxSteps = epochs * c.TrainSize
		gd := with(c, train.Constant(full))
		gd.Sampling, gd.Batch, gd.MaxSteps = data.Full, gd.TrainSize, epochs
		list := []Setting{setting(fmt.Sprintf("gradient descent, η = %g", full), gd)}
		for _, how := range []data.Sampling{data.WithReplacement, data.Shuffle} {
			for _, phases := range [][]train.Phase{train.Constant(one), halved(one)} {
				s := with(c, phases)
				s.Sampling = how
				label := fmt.Sprintf("SGD %s, η = %g", map[data.Sampling]string{data.WithReplacement: "with replacement", data.Shuffle: "without replacement"}[how], one)
				if len(phases) > 1 {
					label += ", decayed"
				}
				list = append(list, setting(label, s))
			}
		}
		for i := range list {
			list[i].Family = list[i].Label
		}
		return list, nil
	}
}

// halvings of a step size are enough for the noise that is left to fall below
// what has not been fitted yet.
const halvings = 10

// halved keeps a step size for 30 % of the training, then halves it again and
// again, in stages of equal length.
func halved(eta float64) []train.Phase {
	phases := []train.Phase{{Name: "large", StepSize: eta}}
	for i := range halvings {
		eta /= 2
		phases = append(phases, train.Phase{Name: "small", Start: 0.3 + 0.7*float64(i)/halvings, StepSize: eta})
	}
	return phases
}

// relu1DSettings warm η up to η(1 + (400f − 1)·t/T) until the decay at f.
func relu1DSettings(c train.Config) ([]Setting, error) {
	var list []Setting
	for _, d := range []struct{ at, factor float64 }{{0.02, 2.5}, {0.5, 3}} {
		s := warmed(c, 0.0002, float64(400*d.at)-1, 1, d.factor, d.at)
		list = append(list, setting(fmt.Sprintf("decay at %g %%", 100*d.at), s))
	}
	return list, nil
}

func teacher2Settings(c train.Config) ([]Setting, error) {
	return constantAndDecayed(c, 0.13, 0.455, [3]float64{2, 4, 5}, ""), nil
}

// teacher3Settings warm η up to η(1 + 5·√(t/T)) until the decay.
func teacher3Settings(c train.Config) ([]Setting, error) {
	list := []Setting{setting("η = 0.011", with(c, train.Constant(0.011)))}
	for i, factor := range []float64{3.5, 2.5, 5} {
		at := DecayFractions[i]
		list = append(list, setting(decayLabel(0.04, at), warmed(c, 0.04, 5, 0.5, factor, at)))
	}
	return list, nil
}

// warmed grows eta to eta·(1 + gain·(t/T)^power) until the fraction at, and
// divides what it has become by factor.
func warmed(c train.Config, eta, gain, power, factor, at float64) train.Config {
	c.WarmupGain, c.WarmupPower, c.DecayAt = gain, power, at
	c.Phases = decayed(eta, 1, at)
	c.Phases[1].StepSize = eta * (1 + float64(gain*math.Pow(at, power))) / factor
	return c
}

// Fits are the functions that the first run of each group has recorded: at the
// start, at the end, and at three points between.
func Fits(groups []figure.Group) []figure.Fit {
	var fits []figure.Fit
	for _, g := range groups {
		fits = append(fits, fit(g.Label, g.Runs[0]))
	}
	return fits
}

// IsFunctionColumn tells whether a column holds a value of the function.
func IsFunctionColumn(column string) bool { return strings.HasPrefix(column, "h(") }

func fit(label string, r *metrics.Run) figure.Fit {
	f := figure.Fit{Label: label}
	points := instances.Points1D()
	f.X, f.Y = points.Inputs, points.Labels
	var columns []int
	for k, name := range r.Net {
		if text, ok := strings.CutPrefix(name, "h("); ok {
			x, err := strconv.ParseFloat(strings.TrimSuffix(text, ")"), 64)
			if err == nil {
				f.Grid, columns = append(f.Grid, x), append(columns, k)
			}
		}
	}
	for i, row := range r.Rows {
		if i != 0 && i != len(r.Rows)-1 && !slices.Contains([]int{1, len(r.Rows) / 8, len(r.Rows) / 2}, i) {
			continue
		}
		s := figure.Snapshot{Step: row.Step}
		for _, k := range columns {
			s.Values = append(s.Values, row.Net[k])
		}
		f.Snapshots = append(f.Snapshots, s)
	}
	return f
}
