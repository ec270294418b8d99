package experiment

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"largestep/data"
	"largestep/metrics/figure"
	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/instances"
	"largestep/train/published"
	"largestep/train/run"
)

// SmallFigure is a figure of the paper on one of its small problems: curves that
// differ in their step sizes, each of runs from several seeds.
type SmallFigure struct {
	Name, Short string
	command     string   // that makes it, if not Name: one may make several
	columns     []string // panels
	seeds       int      // runs of each curve, if nobody asks for another number
	edge        float64  // on random instances, the fraction of the edge of divergence that the large step size is; 0 if it is as it is
	Instance    instances.Kind
	cost        bool // drawn over gradient evaluations, not steps
	ends        bool // drawn as last values, not as curves
	curves      func(base run.Config) []curve
	net, title  string
}

// curve is a setting before its runs are counted.
type curve struct {
	label, family string
	config        run.Config
	relative      *relative // on random instances of problems that have the paper's
}

// smallFigures are the figures of the small problems. Where step sizes warm up,
// Edge is the paper's step size over the edge of the paper's instance; elsewhere
// it is just below the edge, where the paper's are.
var smallFigures = []SmallFigure{
	{
		Name: "least-squares", command: "sgd-vs-gd", title: "Least squares", Instance: instances.Random, net: "least-squares", seeds: 5, cost: true,
		Short:   "gradient descent and SGD, with and without replacement, on least squares at equal cost",
		columns: []string{"gap"},
		curves:  leastSquaresCurves,
	},
	{
		Name: "svm", command: "sgd-vs-gd", title: "Support vector machine", Instance: instances.Random, net: "svm", seeds: 5, cost: true,
		Short:   "the same on a support vector machine",
		columns: []string{"train_loss", "test_loss"},
		curves:  methodCurves(0.01, 0.01),
	},
	{
		Name: "diagonal", edge: 0.985, title: "Diagonal linear network", Instance: instances.Paper, net: "diagonal", seeds: 8,
		Short:   "SGD on a diagonal linear network: the longer the large steps, the sparser u ⊙ v",
		columns: []string{"train_loss", "test_loss", "l0", "rank"},
		curves:  diagonalCurves,
	},
	{
		Name: "diagonal-gd", edge: 0.985, title: "Diagonal linear network, GD and SGD", Instance: instances.Paper, net: "diagonal", seeds: 24,
		Short:   "gradient descent on a diagonal linear network stabilises, but does not generalise: the noise matters",
		columns: []string{"train_loss", "test_loss", "l0"},
		curves:  diagonalGDCurves,
	},
	{
		Name: "diagonal-causes", edge: 0.985, title: "Causes of sparsity in a diagonal linear network", Instance: instances.Paper, net: "diagonal", seeds: 8, ends: true,
		Short:   "what else makes u ⊙ v sparse: small batches, noise on labels and gradients, SAM, weight decay",
		columns: []string{"test_loss", "l0", "rank", "effective_rank", "sharpness", "parameter_norm"},
		curves:  diagonalCauses,
	},
	{
		Name: "relu-1d", edge: 0.07, title: "ReLU network in one dimension", Instance: instances.Paper, net: "relu-1d", seeds: 8,
		Short:   "a two-layer ReLU network on twelve points of a line",
		columns: []string{"train_loss", "rank", "active_1", "sparsity_1"},
		curves:  relu1DCurves,
	},
	{
		Name: "teacher-2", edge: 0.985, title: "Two-layer teacher and student", Instance: instances.Paper, net: "teacher-2", seeds: 8,
		Short:   "two-layer teacher and student",
		columns: []string{"train_loss", "test_loss", "rank", "sparsity_1"},
		curves:  teacher2Curves,
	},
	{
		Name: "teacher-3", edge: 0.18, title: "Three-layer teacher and student", Instance: instances.Paper, net: "teacher-3", seeds: 24,
		Short:   "three-layer teacher and student",
		columns: []string{"train_loss", "test_loss", "rank", "sparsity_2"},
		curves:  teacher3Curves,
	},
	{
		Name: "edge-of-stability-relu", title: "ReLU network, gradient descent", Instance: instances.Random, net: "relu", seeds: 5,
		Short:   "gradient descent on a ReLU network: the sharpness rises to 2/η and stays there; seconds",
		columns: []string{"train_loss", "sharpness"},
		curves:  descentCurves,
	},
	{
		Name: "momentum", title: "ReLU network, with and without momentum", Instance: instances.Random, net: "relu", seeds: 5,
		Short:   "the sharpness at which training with momentum β stays: 2(1+β)/η of gradient descent; of SGD beside 2(1−β)/η",
		columns: []string{"train_loss", "sharpness", "batch_sharpness"},
		curves:  momentumCurves,
	},
}

// About is Short.
func (f SmallFigure) About() string { return f.Short }

// Problem is what it trains.
func (f SmallFigure) Problem() catalog.Problem { return must(catalog.Find(f.net)) }

// smallEvaluations is the number of points of a curve.
const smallEvaluations = 40

// endEvaluations is that of a figure of the last values, whose measures take time.
const endEvaluations = 4

// Plan are the figure's curves, on the paper's instance or random ones.
func (f SmallFigure) Plan(o Order) (*Plan, error) {
	instance := f.Instance
	p := &Plan{Folder: cmp.Or(f.command, f.Name)}
	if o.Instance != "" {
		kind, err := instances.ParseKind(o.Instance)
		if err != nil {
			return nil, err
		}
		if kind != instance {
			p.Folder += "-" + o.Instance
		}
		instance = kind
	}
	if f.command != "" { // one of several
		p.Folder = filepath.Join(p.Folder, f.Name)
	}
	list, err := f.settled(instance, o.Precision)
	if err != nil {
		return nil, err
	}
	seeds := cmp.Or(o.Seeds, f.RunsOf(instance))
	for _, c := range list {
		p.Settings = append(p.Settings, Setting{Label: c.label, Family: c.family, Runs: f.runs(c, seeds)})
	}
	p.Drawing = f.drawing(instance, seeds)
	return p, nil
}

// settled are the curves with all that their runs have in common.
func (f SmallFigure) settled(instance instances.Kind, precision string) ([]curve, error) {
	problem := f.Problem()
	base := problem.Defaults(catalog.Circumstances{})
	base.Instance, base.LogSteps = string(instance), true // the losses for their plateaus
	if precision != "" {
		base.Precision = precision
	}
	if err := problem.CheckPrecision(base.Precision); err != nil {
		return nil, err
	}
	list := f.curves(base)
	for i := range list {
		c := &list[i].config
		c.CountEpochs()
		c.EvalSteps = max(1, c.Steps()/smallEvaluations)
		if f.ends {
			c.EvalSteps = max(1, c.Steps()/endEvaluations)
		}
	}
	if instance == instances.Random && f.edge != 0 {
		relate(list, f.edge)
	}
	return list, nil
}

// RunsOf is the number of runs of each curve on an instance, if nobody asks for
// another one: random instances differ more than orders of the examples do.
func (f SmallFigure) RunsOf(instance instances.Kind) int {
	if instance == instances.Random && f.edge != 0 {
		return randomSeeds
	}
	return f.seeds
}

const randomSeeds = 8

// runs are the trainings of a curve from so many seeds. On the paper's instance
// seeds change the order of the examples, and seed 0 takes the paper's own; on
// random ones they change everything.
func (f SmallFigure) runs(s curve, seeds int) []Run {
	var runs []Run
	onPaper := s.config.Instance == string(instances.Paper)
	if s.config.Sampling == data.Full && onPaper && s.config.GradientNoise.IsZero() && s.config.LabelNoise == 0 {
		seeds = 1 // nothing is random
	}
	for seed := range seeds {
		c := s.config
		c.Seed = uint64(seed)
		if onPaper && c.Sampling != data.Full && (seed == 0 || f.Problem().AnyOrder) {
			c.Order = "paper"
		}
		runs = append(runs, Run{Name: fmt.Sprintf("%s-seed%d", folderName(s.label), seed), Config: c, relative: s.relative})
	}
	return runs
}

func (f SmallFigure) drawing(instance instances.Kind, seeds int) Drawing {
	d := Drawing{Name: f.Name, Columns: f.columns, Table: f.columns, Title: f.title + ", the paper's instance", X: figure.Steps, Ends: f.ends}
	if instance != instances.Paper {
		d.Title = f.title + ", random instances"
	}
	if f.cost {
		d.X = figure.GradientEvaluations(f.Problem().Defaults(catalog.Circumstances{}).TrainSize)
	}
	d.finals = func(w *bytes.Buffer, groups []figure.Group) error {
		if instance != instances.Paper || f.ends {
			return figure.Table(w, groups, f.columns)
		}
		return f.comparison(w, groups, seeds)
	}
	return d
}

// comparison writes the final numbers beside the paper's, those of the paper's
// own order of the examples apart.
func (f SmallFigure) comparison(w *bytes.Buffer, groups []figure.Group, seeds int) error {
	references := published.Small(f.Name, seeds == 1)
	if err := figure.Table(w, groups, f.columns, references...); err != nil {
		return err
	}
	if seeds > 1 {
		own := slices.Clone(groups)
		for i := range own {
			own[i].Runs = own[i].Runs[:1]
		}
		fmt.Fprintf(w, "\nIn the paper's own order of the examples:\n")
		if err := figure.Table(w, own, f.columns, published.Small(f.Name, true)...); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(references, func(r record.Reference) bool { return r.Label == published.Again }) {
		fmt.Fprintf(w, "\n%s: the authors' code, run again.\n", published.Again)
	}
	return nil
}

// folderName makes a label fit for a file system: eta0.282-decay10 of
// "η = 0.282, decay at 10 %".
func folderName(label string) string {
	label = strings.NewReplacer("η = ", "eta", "σ = ", "sigma", "ρ = ", "rho", " edge", "edge", "decay at ", "decay", " %", "").Replace(label)
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
