// Package paper holds the experiments of "SGD with Large Step Sizes Learns
// Sparse Features" (Andriushchenko, Varre, Pillaud-Vivien, Flammarion, ICML
// 2023): which runs stand behind each figure, at the paper's scale and at
// smaller ones.
package paper

import (
	"fmt"
	"slices"
	"strings"

	"largestep/data"
	"largestep/train"
)

// Preset is a scale at which ResNet-18 shows the effect of large step sizes.
type Preset struct {
	Name  string
	About string
	// Base is a run's config without its schedule.
	Base train.Config
	StepSizes
	Plain StepSizes // without weight decay; Large is where the growth begins
	Sota  StepSizes // with momentum and augmentation
}

// StepSizes are the small η and the large one.
type StepSizes struct{ Small, Large float64 }

// Presets, from the largest to the smallest.
var Presets = []Preset{
	{
		Name:  "paper",
		About: "width 64, all of CIFAR-10, 100 epochs",
		Base:  resnet18(64, 50_000, 10_000, 256, 100),

		StepSizes: StepSizes{0.007, 1.5}, Plain: StepSizes{0.01, 0.75}, Sota: StepSizes{0.002, 0.05},
	},
	{
		Name:  "long",
		About: "as small, 100 epochs: the loss stabilises; half an hour on a laptop",
		Base:  resnet18(16, 5_000, 2_000, 64, 100),

		StepSizes: StepSizes{0.02, 2}, Plain: StepSizes{0.01, 0.35}, Sota: StepSizes{0.002, 0.05},
	},
	{
		Name:  "small",
		About: "width 16, 5,000 images of CIFAR-10, 30 epochs",
		Base:  resnet18(16, 5_000, 2_000, 64, 30),

		StepSizes: StepSizes{0.007, 0.7}, Plain: StepSizes{0.01, 0.35}, Sota: StepSizes{0.002, 0.05},
	},
	{
		Name:  "quick",
		About: "width 8, 1,000 made-up images, 40 epochs; minutes on a laptop",
		Base:  resnet18(8, 1_000, 2_000, 32, 40),

		StepSizes: StepSizes{0.03, 0.5}, Plain: StepSizes{0.03, 0.25}, Sota: StepSizes{0.003, 0.05},
	},
}

// resnet18 is the main setting, at all scales: no momentum, no augmentation,
// weight decay 5e-4, and SGD without replacement.
func resnet18(width, images, test, batch, epochs int) train.Config {
	return train.Config{
		Net: "resnet18", Width: width, TrainSize: images, TestSize: test, Batch: batch, Epochs: epochs,
		WeightDecay: 5e-4, Sampling: data.Shuffle, EvalEvery: 1, Sparsity: true, Precision: "fp32",
	}
}

// PresetByName finds a preset.
func PresetByName(name string) (Preset, error) {
	var names []string
	for _, p := range Presets {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Preset{}, fmt.Errorf("unknown preset %q: choose one of %s, auto", name, strings.Join(names, ", "))
}

// AutoPreset is what suits an engine and a data set: the paper's own scale needs
// a GPU.
func AutoPreset(engine string, madeUp bool) Preset {
	name := "small"
	switch {
	case madeUp:
		name = "quick"
	case engine == "cuda":
		name = "paper"
	}
	return Presets[slices.IndexFunc(Presets, func(p Preset) bool { return p.Name == name })]
}

// Run is one training of a figure.
type Run struct {
	Name     string // of its folder
	Config   train.Config
	relative *relative // nil if the config's step sizes are meant as they are
}

// DecayFractions are where the paper's figures decay the large step size.
var DecayFractions = []float64{0.1, 0.3, 0.5}
