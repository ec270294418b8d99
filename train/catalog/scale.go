package catalog

import (
	"fmt"
	"slices"
	"strings"

	"largestep/data"
	"largestep/train/run"
	"largestep/train/schedule"
)

// Scale is a size at which classifiers of images show the effect of large step
// sizes.
type Scale struct {
	Name, About string
	Dataset     string // that it is made for
	Figures     bool   // too long for a training that nobody asks to be so
	// Width is the channels of the first stage.
	Width, TrainSize, TestSize, Batch, Epochs int
	StepSize                                  float64 // a large one

	Changed bool // by who asked for it: numbers of others' runs do not compare
}

// Scales, from the largest to the smallest.
var Scales = []Scale{
	{Name: "paper", About: "width 64, all of CIFAR-10, 100 epochs", Dataset: data.NameCIFAR10,
		Width: 64, TrainSize: 50_000, TestSize: 10_000, Batch: 256, Epochs: 100, StepSize: 1.5},
	{Name: "full", About: "width 16, all of CIFAR-10, 20 epochs: an hour on a laptop", Dataset: data.NameCIFAR10, Figures: true,
		Width: 16, TrainSize: 50_000, TestSize: 10_000, Batch: 128, Epochs: 20, StepSize: 1.5},
	{Name: "long", About: "as small, 100 epochs: the loss stabilises; half an hour on a laptop", Dataset: data.NameCIFAR10, Figures: true,
		Width: 16, TrainSize: 5_000, TestSize: 2_000, Batch: 64, Epochs: 100, StepSize: 2},
	{Name: "small", About: "width 16, 5,000 images of CIFAR-10, 30 epochs", Dataset: data.NameCIFAR10,
		Width: 16, TrainSize: 5_000, TestSize: 2_000, Batch: 64, Epochs: 30, StepSize: 0.7},
	{Name: "quick", About: "width 8, 1,000 made-up images, 40 epochs; minutes on a laptop", Dataset: data.NameMadeUp,
		Width: 8, TrainSize: 1_000, TestSize: 2_000, Batch: 32, Epochs: 40, StepSize: 0.5},
}

// decayAt is where the step size of a training decays that nobody gives a
// schedule.
const decayAt = 0.5

// Config is a net's at the scale: the paper's main setting, with neither
// momentum nor augmentation, weight decay 5e-4, and SGD without replacement.
func (s Scale) Config(net string) run.Config {
	decay, err := schedule.Decay(s.StepSize, decayAt)
	if err != nil {
		panic(err)
	}
	return run.Config{
		Net: net, Dataset: s.Dataset, Width: s.Width, TrainSize: s.TrainSize, TestSize: s.TestSize, Batch: s.Batch, Epochs: s.Epochs,
		Schedule: decay, WeightDecay: 5e-4, Sampling: data.Shuffle, EvalEvery: 1, Measures: defaultMeasures(true), Precision: "fp32",
	}
}

// ScaleNames lists the scales, and auto for the suitable one.
func ScaleNames() []string {
	var names []string
	for _, s := range Scales {
		names = append(names, s.Name)
	}
	return append(names, "auto")
}

// ScaleNamed finds a scale.
func ScaleNamed(name string) (Scale, error) {
	i := slices.IndexFunc(Scales, func(s Scale) bool { return s.Name == name })
	if i < 0 {
		return Scale{}, fmt.Errorf("unknown preset %q: choose one of %s", name, strings.Join(ScaleNames(), ", "))
	}
	return Scales[i], nil
}

// SuitableScale is what suits an engine and a data set: the paper's own scale
// needs a GPU.
func SuitableScale(at Circumstances) Scale {
	name := "small"
	switch {
	case data.SetNamed(at.Dataset).MadeUp():
		name = "quick"
	case at.Engine == "cuda":
		name = "paper"
	}
	s, err := ScaleNamed(name)
	if err != nil {
		panic(err)
	}
	return s
}

// With is the scale with other sizes, where they are not 0.
func (s Scale) With(sizes Scale) Scale {
	for _, size := range []struct {
		of   *int
		from int
	}{
		{&s.Width, sizes.Width}, {&s.TrainSize, sizes.TrainSize}, {&s.TestSize, sizes.TestSize},
		{&s.Batch, sizes.Batch}, {&s.Epochs, sizes.Epochs},
	} {
		if size.from != 0 {
			*size.of, s.Changed = size.from, true
		}
	}
	return s
}
