package request

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"

	"github.com/spf13/pflag"
	"largestep/cmd/internal/usage"
	"largestep/train/catalog"
	"largestep/train/run"
	"largestep/train/trainer"
)

// Fork is what the flags of "check catapult" ask for: a run that goes on from a
// checkpoint with its step size and with a larger one.
type Fork struct {
	Request
	Times          float64 // the larger step size over the run's
	StepSize       float64 // the run's, once prepared
	Factor         float64
	Within, Orders int
	ownStepFlag    string
}

// Add adds the flags.
func (k *Fork) Add(f *pflag.FlagSet) {
	k.ownStepFlag = "own-step-size"
	f.Float64Var(&k.Times, "times", 1.2, "the larger step size over the run's")
	f.Float64Var(&k.StepSize, k.ownStepFlag, 0, "the run's step size, where the file does not say at which step it was saved (default: the last that it took)")
	f.Float64Var(&k.Factor, "factor", 2, "by which the highest loss, a mean over a twentieth of the steps, must exceed that with the run's step size")
	f.IntVar(&k.Within, "within", 200, "steps")
	f.IntVar(&k.Orders, "orders", 3, "of the examples")
	k.dataset.Add(f)
	k.Engine.Add(f)
}

// Prepare makes ready what the run of a checkpoint trains.
func (k *Fork) Prepare(ctx context.Context, f *pflag.FlagSet, out io.Writer, path string) (err error) {
	if k.Within < 1 || k.Orders < 1 || !(k.Times > 1) || !(k.Factor > 1) || math.IsInf(k.Times*k.Factor, 0) {
		return fmt.Errorf("--within %d, --orders %d, --times %g, --factor %g: want 1 or more, 1 or more, and two numbers above 1", k.Within, k.Orders, k.Times, k.Factor)
	}
	if k.resumed, err = run.ReadConfig(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s does not lie in a run folder, whose settings are needed", path)
	}
	if err != nil {
		return err
	}
	if k.Entry, err = catalog.Find(k.resumed.Net); err != nil {
		return err
	}
	if err := k.settle(f, path); err != nil {
		return err
	}
	k.resumed.Config.Order = "" // there is one of them
	k.Init = path
	return k.Request.Prepare(ctx, f, out)
}

// settle finds the run's step size at the checkpoint, and leaves out noise that has
// ended there.
func (k *Fork) settle(f *pflag.FlagSet, path string) error {
	step, known, err := run.StepOf(path)
	if err != nil {
		return err
	}
	c, last := &k.resumed.Config, max(step-1, 0)
	switch given := f.Changed(k.ownStepFlag); {
	case given && !(k.StepSize > 0):
		return fmt.Errorf("step size %g: want more than 0", k.StepSize)
	case !given && !known:
		return usage.Errorf("%s does not say at which step it was saved: give --%s", path, k.ownStepFlag)
	case !given:
		k.StepSize = c.StepSize(last)
	}
	if !known || !c.Noisy(last) {
		c.LabelNoise, c.GradientNoise = 0, run.GradientNoise{}
	}
	return nil
}

// Catapult forks with the examples in one of several orders.
func (k *Fork) Catapult(ctx context.Context, order int) (trainer.Catapult, error) {
	c := k.Config
	c.Seed += uint64(order)
	fork := trainer.Edge{Engine: k.Opened, Problem: k.Problem, Config: c, Init: k.Init, Steps: k.Within}
	losses, err := fork.Fork(ctx, k.StepSize, k.Times*k.StepSize)
	if err != nil {
		return trainer.Catapult{}, err
	}
	if own := losses[0]; len(own) < k.Within || math.IsNaN(own[k.Within-1]) || math.IsInf(own[k.Within-1], 0) {
		return trainer.Catapult{}, fmt.Errorf("%s: with its own step size of %g the loss diverges within %d steps: there is nothing to compare with", k.Init, k.StepSize, k.Within)
	}
	return trainer.NewCatapult(losses[0], losses[1], k.Factor), nil
}
