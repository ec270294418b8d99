package trainer

import (
	"context"
	"fmt"

	"largestep/data"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/run"
	"largestep/train/weights"
)

// descent takes the steps of a training, from its initial parameters on; it knows
// neither where the training is nor what is recorded of it.
type descent struct {
	config  *run.Config
	problem Problem
	init    string // file of initial parameters, or ""
	vars    *machine.Variables
	graph   *Step
	changes []string // to the file of initial parameters, once read
	order   struct { // of the examples of an epoch
		epoch int
		index []int32
	}
}

// newDescent builds the graph of a step. The examples are to be brought to the engine
// once all other graphs are built, too.
func newDescent(e op.Engine, p Problem, c *run.Config, init string) (*descent, error) {
	d := &descent{config: c, problem: p, init: init, vars: machine.NewVariables(e)}
	var err error
	d.graph, err = NewStep(d.vars, p, StepOptions{
		Batch: c.Batch, Parts: c.Parts(), SGD: op.SGD{Momentum: c.Momentum, WeightDecay: c.WeightDecay}, Noise: c.GradientNoise, SAM: c.SAM, Curvature: c.MeasureEvery > 0,
	})
	return d, err
}

// initialize takes the initial parameters from the seed, or from the file.
func (d *descent) initialize() error {
	if d.init == "" {
		return d.graph.Initialize(d.config.Seed)
	}
	file, err := weights.ReadFile(d.init)
	if err != nil {
		return err
	}
	d.changes = file.Changes
	if err := weights.Import(d.vars, d.graph.Model.Variables, file.Tensors); err != nil {
		return fmt.Errorf("%s: %w", d.init, err)
	}
	return nil
}

// begin is at the first step again, at rest; the parameters are to be initialised.
func (d *descent) begin() error {
	d.graph.startOver()
	return d.graph.clearVelocities()
}

// take takes a step, or the rest of one, on its mini-batch.
func (d *descent) take(ctx context.Context, step int, b MiniBatch) error {
	return d.graph.Try(ctx, b, d.config.StepSize(step))
}

// miniBatch is that of a step.
func (d *descent) miniBatch(step int) MiniBatch {
	c := d.config
	perEpoch, images := c.StepsPerEpoch(), c.StepExamples()
	epoch, within := step/perEpoch, step%perEpoch
	b := MiniBatch{Index: d.examples(step, images), Curvature: c.MeasureEvery > 0 && step%c.MeasureEvery == 0}
	if c.Augment {
		b.Window = data.Augmentation(c.Seed, epoch, within, images)
	}
	if c.LabelNoise > 0 {
		amount := 0.0
		if c.Noisy(step) {
			amount = c.LabelNoise
		}
		d.problem.(Noisy).DrawLabelNoise(&b, amount, c.Seed, epoch, within)
	}
	if n := d.graph.NoiseLen(); n > 0 && c.Noisy(step) {
		b.Noise = data.GradientNoise(c.Seed, epoch, within, n)
	}
	return b
}

// examples lists the n examples of a step.
func (d *descent) examples(step, n int) []int32 {
	c := d.config
	if c.Order != "" {
		return d.problem.(Ordered).Order()[step*n : (step+1)*n]
	}
	epoch, within := step/c.StepsPerEpoch(), step%c.StepsPerEpoch()
	if d.order.epoch != epoch || d.order.index == nil {
		d.order.epoch = epoch
		d.order.index = data.Order(c.Seed, epoch, c.TrainSize, c.Sampling)
	}
	return d.order.index[within*n : (within+1)*n]
}
