// Package flags has the flags that several commands share, and what follows from
// them: a run's config, its schedule, its data, what computes.
package flags

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"largestep/train/catalog"
	"largestep/train/run"
)

// Group adds flags that make a part of a config; what the config says are their
// defaults.
type Group func(*pflag.FlagSet, *run.Config)

// Training are the groups of a whole training.
var Training = []Group{Examples, Descent, Length, Records}

// Examples adds the flags that say what is trained, on which examples.
func Examples(f *pflag.FlagSet, c *run.Config) {
	f.IntVar(&c.Width, "width", c.Width, "channels of the first stage, 4 or more (the paper: 64)")
	f.IntVar(&c.TrainSize, "train-size", c.TrainSize, "training examples; of images --subset says which")
	f.Var((*Choice)(&c.Subset), "subset", AboutSubset+"; random draws from the seed")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "seed of initial parameters, order and augmentation, and of a random instance")
	f.StringVar(&c.Instance, "instance", c.Instance, "the paper's own instance, or a random one from the seed (paper, random)")
	f.IntVar(&c.Dims, "dims", c.Dims, "length of the vectors; --train-size is their number")
	f.IntVar(&c.Nonzeros, "nonzeros", c.Nonzeros, "nonzero entries of the true parameter")
	f.Float64Var(&c.Noise, "noise", c.Noise, "standard deviation of the labels about a linear function; with 0 all examples can be fitted")
	f.Float64Var(&c.C, "c", c.C, "weight C of the hinge losses")
	f.Var((*widths)(&c.Widths), "widths", "widths of the hidden layers, such as 20,20")
	f.StringVar(&c.Precision, "precision", c.Precision, "number format: fp32, or bf16 of activations, with which measures of curvature are coarse; on a GPU tf32, too; of small problems fp64 or fp32")
}

// Descent adds the flags that say how steps are taken.
func Descent(f *pflag.FlagSet, c *run.Config) {
	f.IntVar(&c.Batch, "batch", c.Batch, "examples of a mini-batch; an incomplete last one is dropped")
	f.Var((*sampling)(&c.Sampling), "sampling", "order of the examples: shuffle, with-replacement, sequential, or full (gradient descent: one step an epoch, an incomplete last part left out)")
	f.StringVar(&c.Order, "order", c.Order, "\"paper\" takes the examples in the order of the paper's run")
	f.Float64Var(&c.Momentum, "momentum", c.Momentum, "momentum")
	f.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "weight decay, on all parameters")
	f.BoolVar(&c.Augment, "augment", c.Augment, "random crop with padding 4, and horizontal flip")
	f.Var((*Normalization)(&c.Normalize), "normalize", AboutNormalize)
	f.Float64Var(&c.LabelNoise, "label-noise", c.LabelNoise, "noise on the labels, drawn afresh for each mini-batch of the first phase: of a squared loss its standard deviation, of classes the probability with which one becomes any other")
	f.Var((*gradientNoise)(&c.GradientNoise), "gradient-noise", "normal noise on the gradient of each step of the first phase: isotropic:σ with the standard deviation σ in each parameter, covariance:σ with σ² times the covariance of the gradients of single examples")
	f.Float64Var(&c.SAM, "sam", c.SAM, "sharpness-aware minimisation: the radius ρ, such as 0.05, by which each step first ascends; two gradients a step")
}

// Length adds the flags that say how long, and what for.
func Length(f *pflag.FlagSet, c *run.Config) {
	f.IntVar(&c.Epochs, "epochs", c.Epochs, "passes over the training set")
	f.IntVar(&c.MaxSteps, "steps", c.MaxSteps, "steps, instead of --epochs")
	f.IntVar(&c.TestSize, "test-size", c.TestSize, "test images; --subset says which")
}

// Records adds the flags of what is recorded, which change nothing else.
func Records(f *pflag.FlagSet, c *run.Config) {
	f.IntVar(&c.EvalEvery, "eval-every", c.EvalEvery, "epochs between evaluations")
	f.IntVar(&c.EvalSteps, "eval-steps", c.EvalSteps, "steps between evaluations, instead of --eval-every")
	f.Var((*measures)(&c.Measures), "measure", "numbers to record beside the problem's own, or none:"+aboutMeasures(c.Net))
	f.IntVar(&c.MeasureImages, "measure-images", c.MeasureImages, "training images, the first of the set and without augmentation, on which measures look around the parameters, in whole mini-batches of --batch (default: 1,000)")
	f.StringVar(&c.MeasureMode, "measure-mode", c.MeasureMode, "statistics of batch norm there: training, those of the mini-batch, or evaluation, the running ones (default: training)")
	f.IntVar(&c.Eigenvalues, "eigenvalues", c.Eigenvalues, "of the Hessian, the largest, that measure sharpness records (default: 1)")
	f.IntVar(&c.MeasureEvery, "measure-every", c.MeasureEvery, "of how many steps one is measured by step_sharpness (default: 16)")
	f.BoolVar(&c.LogSteps, "log-steps", c.LogSteps, "record the loss of every step in steps.csv, and find the plateaus of the loss")
	f.BoolVar(&c.Histograms, "histograms", c.Histograms, "record histograms of weights, and of the fraction of examples on which each unit is positive, in histograms.csv and for TensorBoard")
}

// aboutMeasures lists those that a net has.
func aboutMeasures(net string) (text string) {
	p, err := catalog.Find(net)
	for _, m := range catalog.Measures {
		if err != nil || m.Of(p) {
			text += fmt.Sprintf("\n  %s: %s", m.Name, m.About)
			if m.Number != "" {
				text += fmt.Sprintf(", or --%s of them", Of(m.Number))
			}
		}
	}
	return text
}

// optional are the flags that only some problems take.
var optional = func() map[string]bool {
	names := map[string]bool{"data": true}
	for _, p := range catalog.Problems {
		for _, option := range p.Options {
			names[Of(option)] = true
		}
	}
	return names
}()

// Of is the flag of an option of config.json.
func Of(option string) string {
	if option == "measures" {
		return "measure"
	}
	return strings.ReplaceAll(option, "_", "-")
}

// Option is the reverse of Of.
func Option(flag string) string {
	if flag == "measure" {
		return "measures"
	}
	return strings.ReplaceAll(flag, "-", "_")
}

// Takes tells whether a problem takes a flag.
func Takes(p catalog.Problem, flag string) bool {
	return !optional[flag] || flag == "data" && p.Reads() ||
		slices.ContainsFunc(p.Options, func(option string) bool { return Of(option) == flag })
}
