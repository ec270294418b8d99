package paper

import (
	"fmt"
	"math"

	"largestep/data"
	"largestep/metrics/figure"
	"largestep/train"
)

// Figure is a figure of ResNet-18 under a small step size and under large ones
// that decay.
type Figure struct {
	Name    string
	Short   string // what it shows, in a line
	About   string // the same in a paragraph
	Setting string // of its title, where it is not the main one
	Runs    string // the figure whose runs it draws
	Columns []string
	// Net are the columns of the table beside losses and errors.
	Net []string
	// config turns a preset's config into that of the setting, with its step
	// sizes.
	config func(Preset) (train.Config, StepSizes)
	growth float64 // of the large step size in a hundredth of the training; 0 for none
	// afterDecay is the factor by which the step size after the decay at a
	// fraction of the epochs differs from a tenth of the first; nil for 1.
	afterDecay func(decayAt float64) float64
	reference  func(preset string) figure.Reference
}

// Figures are those of ResNet-18.
var Figures = []Figure{
	{
		Name: "main", Runs: "main", Columns: []string{"train_loss", "test_error"}, Net: blocks("active"),
		Short: "Training loss and test error of ResNet-18 under four step-size schedules",
		About: `Main makes Figure 1 of the paper: ResNet-18 with a small constant step size, and
with a large one that decays at 10, 30 and 50 % of the epochs.`,
		config: mainSetting, reference: mainReference,
	},
	{
		Name: "sparsity", Runs: "main", Columns: append([]string{"train_loss"}, blocks("sparsity")...), Net: blocks("sparsity"),
		Short: "Sparsity of ResNet-18's features under the schedules of figure main",
		About: `Sparsity shows how the features become sparser while a large step size keeps the
training loss up: after each of the four stages and the average pool, the
fraction of positive features without duplicates. It draws the runs of "figure
main", and trains those that are missing.`,
		config: mainSetting, reference: sparsityReference,
	},
	{
		Name: "plain", Runs: "plain", Columns: otherPanels, Net: blocks("sparsity"),
		Short: "ResNet-18 without weight decay, momentum and augmentation",
		About: `Plain trains without weight decay, momentum and augmentation, so that the step
size alone can regularise. The large step size grows by 5 % in each hundredth of
the training until it decays.`,
		Setting: "without weight decay",
		config:  plainSetting, reference: plainReference, growth: plainGrowth,
		afterDecay: func(at float64) float64 { return math.Pow(plainGrowth, 100*at) },
	},
	{
		Name: "sota", Runs: "sota", Columns: otherPanels, Net: blocks("sparsity"),
		Short: "ResNet-18 with momentum, weight decay and augmentation",
		About: `Sota is the state-of-the-art setting: momentum 0.9, weight decay 5e-4, random
crops and flips.`,
		Setting: "with momentum and augmentation",
		config:  sotaSetting, reference: sotaReference,
		// Without growth, the authors' code relates the later step sizes to those
		// of a decay at 50 %.
		afterDecay: func(at float64) float64 { return at / 0.5 },
	},
}

var otherPanels = []string{"train_loss", "test_error", "sparsity_4", "sparsity_5"}

// blocks are a measure's columns for the four stages and the average pool.
func blocks(measure string) []string {
	var columns []string
	for i := range 5 {
		columns = append(columns, fmt.Sprintf("%s_%d", measure, i+1))
	}
	return columns
}

// plainGrowth is the factor by which the large step size of the plain setting
// grows over a hundredth of the training.
const plainGrowth = 1.05

func mainSetting(p Preset) (train.Config, StepSizes) { return p.Base, p.StepSizes }

func plainSetting(p Preset) (train.Config, StepSizes) {
	c := p.Base
	c.WeightDecay = 0
	return c, p.Plain
}

func sotaSetting(p Preset) (train.Config, StepSizes) {
	c := p.Base
	c.Momentum, c.Augment = 0.9, true
	return c, p.Sota
}

// Trainings are the four runs at a preset's scale: the small constant step size,
// and the large one decayed at 10, 30 and 50 % of the epochs.
func (f Figure) Trainings(p Preset) ([]Run, error) {
	p.Base.LogSteps = true // for the plateaus of the loss
	small, size := f.config(p)
	small.StepSize, small.Phases = size.Small, train.Constant(size.Small)
	name := func(schedule string) string { return fmt.Sprintf("%s-seed%d", schedule, p.Base.Seed) }
	runs := []Run{{Name: name("small-eta"), Config: small}}
	for _, at := range DecayFractions {
		c, _ := f.config(p)
		phases, err := train.Decay(size.Large, at)
		if err != nil {
			return nil, err
		}
		if f.afterDecay != nil {
			for i := range phases[1:] {
				phases[1+i].StepSize *= f.afterDecay(at)
			}
		}
		c.StepSize, c.DecayAt, c.Phases, c.WarmupExp = size.Large, at, phases, f.growth
		runs = append(runs, Run{Name: name(fmt.Sprintf("large-eta-decay%.0f", 100*at)), Config: c})
	}
	return runs, nil
}

// StepSizes are the figure's at a preset's scale.
func (f Figure) StepSizes(p Preset) StepSizes {
	_, size := f.config(p)
	return size
}

// Reference is what there is to compare with at a preset's scale, if it trains on
// the data that the preset is made for.
func (f Figure) Reference(p Preset) figure.Reference {
	if madeUp := p.Base.Dataset == data.NameMadeUp; madeUp != (p.Name == "quick") {
		return figure.Reference{Note: "The paper's numbers are of CIFAR-10, and PyTorch's of other images than these."}
	}
	return f.reference(p.Name)
}
