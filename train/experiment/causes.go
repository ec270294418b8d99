package experiment

import (
	"fmt"

	"largestep/data"
	"largestep/train/run"
	"largestep/train/schedule"
)

// half is the fraction of a training for which causes of sparsity last that end: the
// rest descends with a small step size alone.
const half = 0.5

// The step sizes of diagonalCauses: a small one, and of SGD and gradient descent those
// just below the edge of the paper's instance.
const (
	smallDiagonal, largeSGD, largeGD = 0.05, 0.282, 2.895
)

// untilHalf is a step size that becomes another one half-way.
func untilHalf(eta, then float64) schedule.Schedule {
	return schedule.Schedule{Phases: []schedule.Phase{{Name: "large", StepSize: eta}, {Name: "small", Start: half, StepSize: then}}}
}

// diagonalCauses add to gradient descent with a small step size one cause each, but
// for the last ones, which go with mini-batches of one example: gradient descent has
// nothing of a single term's noise that they could add to.
func diagonalCauses(c run.Config) []curve {
	c.Measures = append(c.Measures, "sharpness")
	sgd, gd := c, c
	gd.Sampling, gd.Batch = data.Full, gd.TrainSize
	quiet := schedule.Constant(smallDiagonal)
	noisy := untilHalf(smallDiagonal, smallDiagonal)
	var list []curve
	add := func(label string, c run.Config, s schedule.Schedule, change func(c *run.Config)) {
		if change != nil {
			change(&c)
		}
		list = append(list, curve{label: label, family: label, config: c})
		list[len(list)-1].config.Schedule = s
	}
	small := fmt.Sprintf("η = %g", smallDiagonal)
	add("gradient descent, "+small, gd, quiet, nil)
	add(fmt.Sprintf("gradient descent, η = %g", largeGD), gd, untilHalf(largeGD, smallDiagonal), nil)
	add("weight decay 0.003", gd, quiet, func(c *run.Config) { c.WeightDecay = 3e-3 })
	add("SAM, ρ = 0.1", gd, quiet, func(c *run.Config) { c.SAM = 0.1 })
	add("isotropic noise, σ = 0.01", gd, noisy, func(c *run.Config) { c.GradientNoise = run.GradientNoise{Shape: run.Isotropic, Deviation: 0.01} })
	add("covariance noise, σ = 2", gd, noisy, func(c *run.Config) { c.GradientNoise = run.GradientNoise{Shape: run.Covariance, Deviation: 2} })
	add("batch 1, "+small, sgd, quiet, nil)
	add(fmt.Sprintf("batch 1, η = %g", largeSGD), sgd, untilHalf(largeSGD, smallDiagonal), nil)
	add("batch 1, label noise, σ = 0.5", sgd, noisy, func(c *run.Config) { c.LabelNoise = 0.5 })
	add("batch 1, SAM, ρ = 0.1", sgd, quiet, func(c *run.Config) { c.SAM = 0.1 })
	return list
}

// causesColumns are how the runs of figure causes end.
var causesColumns = []string{"test_error", "sparsity_4", "sparsity_5", "rank_5", "sharpness", "parameter_norm"}

// causesImages is how many images curvature and ranks are measured on, a few times in
// a training: a product with the Hessian takes as long as several epochs of them.
const causesImages = 256

// causesSetting is without weight decay, which is one of the causes.
func causesSetting(c *run.Config) {
	c.WeightDecay = 0
	c.Measures = append(c.Measures, "sharpness", "feature_rank")
	c.MeasureImages = min(max(causesImages, c.Batch), c.TrainSize)
	c.EvalEvery = max(1, c.Epochs/2)
}

// imageCauses add to a small step size one cause each.
func imageCauses(c run.Config, size StepSizes) []curve {
	small := schedule.Constant(size.Small)
	large, err := schedule.Decay(size.Large, half)
	if err != nil {
		panic(err) // of constants
	}
	var list []curve
	add := func(label string, s schedule.Schedule, change func(c *run.Config)) {
		one := curve{label: label, family: label, config: c}
		one.config.Schedule = s
		change(&one.config)
		list = append(list, one)
	}
	add(fmt.Sprintf("η = %g", size.Small), small, func(*run.Config) {})
	add(fmt.Sprintf("η = %g", size.Large), large, func(*run.Config) {})
	add("label noise 0.2", untilHalf(size.Small, size.Small), func(c *run.Config) { c.LabelNoise = 0.2 })
	add("SAM, ρ = 0.1", small, func(c *run.Config) { c.SAM = 0.1 })
	add("weight decay 0.01", small, func(c *run.Config) { c.WeightDecay = 0.01 })
	batch := max(2, c.Batch/4)
	add(fmt.Sprintf("batch %d", batch), small, func(c *run.Config) { c.Batch = batch })
	return list
}
