package experiment

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"largestep/data"
	"largestep/metrics/figure"
	"largestep/metrics/record"
	"largestep/train/catalog"
	"largestep/train/published"
	"largestep/train/run"
	"largestep/train/schedule"
)

// ImageFigure is a figure of ResNet-18 under a small step size and under large ones
// that decay.
type ImageFigure struct {
	Name    string
	Short   string // what it shows, in a line
	Long    string // the same in a paragraph
	Setting string // of its title, where it is not the main one
	Runs    string // the figure whose runs it draws
	apart   bool   // takes longer than all others together
	Columns []string
	// Net are the columns of the table beside losses and errors.
	Net []string
	// setting turns a scale's config into that of the figure.
	setting func(*run.Config)
	growth  float64 // of the large step size in a hundredth of the training; 0 for none
	// afterDecay is the factor by which the step size after the decay at a
	// fraction of the epochs differs from a tenth of the first; nil for 1.
	afterDecay func(decayAt float64) float64
	// curves are the runs' names and schedules; nil for the small step size and the
	// decays of the large one.
	curves    func(size StepSizes) ([]string, []schedule.Schedule)
	reference func(scale string) record.Reference // nil for none
	// settled are curves that differ in more than their schedules; nil for none.
	settled func(base run.Config, size StepSizes) []curve
	ends    bool // drawn as last values, not as curves
}

// StepSizes are the small η and the large one.
type StepSizes struct{ Small, Large float64 }

// stepSizes are the figures', by the names of their runs and of the scales. Where
// the large one grows it is where the growth begins.
var stepSizes = map[string]map[string]StepSizes{
	"main":              mainStepSizes,
	"stability":         mainStepSizes,
	"causes":            {"paper": {0.007, 1.5}, "full": {0.1, 1.5}, "long": {0.02, 2}, "small": {0.07, 0.7}, "quick": {0.03, 0.5}}, // 0.007 does not fit within small
	"plain":             {"paper": {0.01, 0.75}, "full": {0.1, 0.5}, "long": {0.01, 0.35}, "small": {0.01, 0.35}, "quick": {0.03, 0.25}},
	"edge-of-stability": {"paper": {0.02, 0.04}, "full": {0.02, 0.04}, "long": {0.02, 0.04}, "small": {0.02, 0.04}, "quick": {0.02, 0.04}},
	"sota":              {"paper": {0.002, 0.05}, "full": {0.002, 0.05}, "long": {0.002, 0.05}, "small": {0.002, 0.05}, "quick": {0.003, 0.05}},
}

var mainStepSizes = map[string]StepSizes{"paper": {0.007, 1.5}, "full": {0.1, 1.5}, "long": {0.02, 2}, "small": {0.007, 0.7}, "quick": {0.03, 0.5}}

// imageFigures are those of ResNet-18.
var imageFigures = []ImageFigure{
	{
		Name: "main", Runs: "main", Columns: []string{"train_loss", "test_error"}, Net: published.Stages("active"),
		Short: "Training loss and test error of ResNet-18 under four step-size schedules",
		Long: `Main makes Figure 1 of the paper: ResNet-18 with a small constant step size, and
with a large one that decays at 10, 30 and 50 % of the epochs.`,
		setting: mainSetting, reference: published.Main,
	},
	{
		Name: "sparsity", Runs: "main", Columns: append([]string{"train_loss"}, published.Stages("sparsity")...), Net: published.Stages("sparsity"),
		Short: "Sparsity of ResNet-18's features under the schedules of figure main",
		Long: `Sparsity shows how the features become sparser while a large step size keeps the
training loss up: after each of the four stages and the average pool, the
fraction of positive features without duplicates. It draws the runs of "figure
main", and trains those that are missing.`,
		setting: mainSetting, reference: published.Sparsity,
	},
	{
		Name: "stability", Runs: "stability", apart: true, Columns: append([]string{"train_loss"}, stability...), Net: stability,
		Short: "Sharpness, noise, sparsity and rank of ResNet-18 under the schedules of figure main",
		Long: `Stability shows where the trainings of figure main are against their limit of
stability: the largest eigenvalue of the Hessian, and the batch sharpness of the
Hessian and of training's own steps, beside 2/η; and with them the noise of the
mini-batch gradients, and the sparsity and the rank of the features after the last
stage. It takes several times as long as figure
main, and measures about 25 times, on 512 training images or a mini-batch if that
is more.`,
		setting: stabilitySetting, reference: published.Stability,
	},
	{
		Name: "edge-of-stability", Runs: "edge-of-stability", apart: true, Columns: []string{"train_loss", "sharpness"}, Net: []string{"sharpness"},
		Short: "Gradient descent on ResNet-18: the sharpness rises to 2/η, and swings about it and beyond",
		Long: `Edge-of-stability descends along the gradient of all training images, with two
step sizes and neither momentum nor weight decay: the largest eigenvalue of the
Hessian rises to 2/η, where steps along its eigenvector no longer shrink (Cohen et
al. 2021). Here it then swings beyond; in the networks of figure
edge-of-stability-relu it stays there. There are ten steps for each epoch of figure
main.`,
		Setting: "gradient descent",
		setting: descentSetting, reference: published.Stability, curves: constants,
	},
	{
		Name: "plain", Runs: "plain", Columns: otherPanels, Net: published.Stages("sparsity"),
		Short: "ResNet-18 without weight decay, momentum and augmentation",
		Long: `Plain trains without weight decay, momentum and augmentation, so that the step
size alone can regularise. The large step size grows by 5 % in each hundredth of
the training until it decays.`,
		Setting: "without weight decay",
		setting: plainSetting, reference: published.Plain, growth: plainGrowth,
		afterDecay: func(at float64) float64 { return math.Pow(plainGrowth, 100*at) },
	},
	{
		Name: "sota", Runs: "sota", Columns: otherPanels, Net: published.Stages("sparsity"),
		Short: "ResNet-18 with momentum, weight decay and augmentation",
		Long: `Sota is the state-of-the-art setting: momentum 0.9, weight decay 5e-4, random
crops and flips.`,
		Setting: "with momentum and augmentation",
		setting: sotaSetting, reference: published.Sota,
		// Without growth, the authors' code relates the later step sizes to those
		// of a decay at 50 %.
		afterDecay: func(at float64) float64 { return at / 0.5 },
	},
	{
		Name: "causes", Runs: "causes", Columns: causesColumns, Net: causesColumns[1:],
		Short: "what else makes ResNet-18's features sparse: small batches, label noise, SAM, weight decay",
		Long: `Causes adds to a small step size, one at a time, what is said to make features
sparse: a large step size until half-way, noise on the labels until half-way,
sharpness-aware minimisation, weight decay, small mini-batches. It draws how the
runs end. "figure diagonal-causes" is the same of a diagonal linear network, with
noise on the gradient besides.`,
		Setting: "causes of sparse features",
		setting: causesSetting, settled: imageCauses, ends: true,
	},
}

var otherPanels = []string{"train_loss", "test_error", "sparsity_4", "sparsity_5"}

// plainGrowth is the factor by which the large step size of the plain setting
// grows over a hundredth of the training.
const plainGrowth = 1.05

func mainSetting(c *run.Config) {}

// stability are the columns that tell how stable a training is, and how simple.
var stability = []string{"sharpness", "batch_sharpness", "step_sharpness", "gradient_noise", "sparsity_4", "rank_4"}

func stabilitySetting(c *run.Config) {
	c.Measures = append(slices.Clone(c.Measures), "sharpness", "batch_sharpness", "batch_sharpness_by_losses", "step_sharpness", "gradient_noise", "feature_rank")
	c.MeasureImages = min(max(512, c.Batch), c.TrainSize)
	c.EvalEvery = max(1, c.Epochs/25)
}

// descentSetting sees the images in parts, whose own statistics batch norm takes;
// they are the same in each step.
func descentSetting(c *run.Config) {
	c.Sampling, c.Batch, c.WeightDecay = data.Full, min(250, c.TrainSize), 0
	c.Epochs *= 10
	c.Measures = append(slices.Clone(c.Measures), "sharpness")
	c.EvalEvery = max(1, c.Epochs/50)
}

// constants are two constant step sizes.
func constants(size StepSizes) (names []string, schedules []schedule.Schedule) {
	for _, eta := range []float64{size.Small, size.Large} {
		names, schedules = append(names, fmt.Sprintf("eta%g", eta)), append(schedules, schedule.Constant(eta))
	}
	return names, schedules
}

func plainSetting(c *run.Config) { c.WeightDecay = 0 }

func sotaSetting(c *run.Config) { c.Momentum, c.Augment = 0.9, true }

// About is Short.
func (f ImageFigure) About() string { return f.Short }

// Problem is ResNet-18.
func (f ImageFigure) Problem() catalog.Problem { return resNet18 }

var resNet18 = must(catalog.Find("resnet18"))

func must(p catalog.Problem, err error) catalog.Problem {
	if err != nil {
		panic(err)
	}
	return p
}

// StepSizes are the figure's at a scale.
func (f ImageFigure) StepSizes(s catalog.Scale) StepSizes { return stepSizes[f.Runs][s.Name] }

// Plan are four runs of each seed at a scale: the small constant step size, and
// the large one decayed at 10, 30 and 50 % of the epochs.
func (f ImageFigure) Plan(o Order) (*Plan, error) {
	base := o.Scale.Config(resNet18.Name)
	if o.Precision != "" {
		base.Precision = o.Precision
	}
	set, err := o.Place.Load(base.TrainSize, base.TestSize)
	if err != nil {
		return nil, fmt.Errorf("preset %s: %w", o.Scale.Name, err)
	}
	base.Dataset, base.LogSteps = set.Name, true // the losses for their plateaus
	f.setting(&base)
	p := &Plan{
		Folder: f.Runs + "-" + o.Scale.Name, Data: set,
		Drawing: Drawing{Name: f.Name, Columns: f.Columns, Table: append([]string{"train_loss", "test_error"}, f.Net...), Setting: f.Setting, Ends: f.ends},
	}
	if p.Settings, err = f.settings(base, f.StepSizes(*o.Scale), o.Seed, max(o.Seeds, 1)); err != nil {
		return nil, err
	}
	ref := f.compared(*o.Scale, o.Place)
	p.finals = func(w *bytes.Buffer, groups []figure.Group) error { return figure.Finals(w, groups, f.Net, ref) }
	return p, nil
}

func (f ImageFigure) settings(base run.Config, size StepSizes, seed uint64, seeds int) ([]Setting, error) {
	if f.settled != nil {
		var settings []Setting
		for _, c := range f.settled(base, size) {
			settings = append(settings, Setting{Label: c.label, Family: c.family, Runs: seeded(folderName(c.label), c.config, seed, seeds)})
		}
		return settings, nil
	}
	names, schedules, err := f.schedules(size)
	if err != nil {
		return nil, err
	}
	settings := make([]Setting, len(schedules))
	for i, s := range schedules {
		c := base
		c.Schedule = s
		settings[i].Runs = seeded(names[i], c, seed, seeds)
	}
	return settings, nil
}

// seeded are runs that differ in their seeds.
func seeded(name string, c run.Config, seed uint64, seeds int) (runs []Run) {
	for k := range seeds {
		c.Seed = seed + uint64(k)
		runs = append(runs, Run{Name: fmt.Sprintf("%s-seed%d", name, c.Seed), Config: c})
	}
	return runs
}

// schedules are those of the figure's curves, and what their runs are called.
func (f ImageFigure) schedules(size StepSizes) (names []string, schedules []schedule.Schedule, err error) {
	if f.curves != nil {
		names, schedules = f.curves(size)
		return names, schedules, nil
	}
	schedules, names = []schedule.Schedule{schedule.Constant(size.Small)}, []string{"small-eta"}
	for _, at := range decayFractions {
		s, err := schedule.Decay(size.Large, at)
		if err != nil {
			return nil, nil, err
		}
		if f.afterDecay != nil {
			for i := range s.Phases[1:] {
				s.Phases[1+i].StepSize *= f.afterDecay(at)
			}
		}
		if f.growth != 0 {
			s = s.With(schedule.Exponential(f.growth))
		}
		schedules, names = append(schedules, s), append(names, fmt.Sprintf("large-eta-decay%.0f", 100*at))
	}
	return names, schedules, nil
}

// compared is what there is to compare with at a scale, if it trains on the data
// that the scale is made for.
func (f ImageFigure) compared(s catalog.Scale, place data.Place) record.Reference {
	if f.reference == nil {
		return record.Reference{}
	}
	if s.Changed {
		return record.Reference{Note: "The paper's numbers, and PyTorch's, are of other sizes than these."}
	}
	madeFor := data.SetNamed(s.Dataset)
	another := place.Name != madeFor.Name && place.Archive != (data.Archive{}) // no copy of it
	if another || madeFor.MadeUp() != place.MadeUp() {
		return record.Reference{Note: "The paper's numbers are of CIFAR-10, and PyTorch's of other images than these."}
	}
	return f.reference(s.Name)
}
