package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"largestep/data"
	"largestep/metrics"
	"largestep/nets/op"
)

// Environment is what a config does not say of how a run was made.
type Environment struct {
	Version string `json:"version"` // of largestep
	Go      string `json:"go"`
	Engine  string `json:"engine"`
	Device  string `json:"device"`
	Threads int    `json:"threads,omitempty"`
	DataDir string `json:"data_dir,omitempty"`
	// Edge is that of divergence, if step sizes were given relative to it.
	Edge        float64 `json:"edge,omitempty"`
	TrainSHA256 string  `json:"train_sha256"` // of the training images used
	TestSHA256  string  `json:"test_sha256"`
}

// ConfigFile is the content of a run folder's config.json.
type ConfigFile struct {
	Config
	Environment Environment `json:"environment"`
}

// Options are a training to be done.
type Options struct {
	Config      Config
	Environment Environment
	Dir         string // the run folder
	// Resume goes on from the folder's latest checkpoint, if there is a run in
	// it; else the folder must be new or empty.
	Resume bool
	Init   string        // safetensors file of initial parameters, or ""
	Data   *data.Dataset // of an image classifier: Config.TrainSize and Config.TestSize images
	// Problem is what is minimised; nil for the classification of Data.
	Problem Problem
	Engine  op.Engine
	// CheckpointEvery is the least time between two checkpoints, which are
	// taken after evaluations.
	CheckpointEvery time.Duration
	Hooks           Hooks
}

// Hooks let a progress bar follow a training. Nil ones are not called.
type Hooks struct {
	Start func(c Config, step int) // before the first step, or the first one resumed
	Step  func(p Progress)         // a few times a second
	Row   func(row metrics.Row)    // after each evaluation
}

// Progress is where a training is.
type Progress struct {
	Step, Steps     int
	Loss            float64 // of the latest mini-batch
	ImagesPerSecond float64 // since the last row
}

// ErrInterrupted is what Run returns when its context ends; the run folder holds
// a checkpoint of that very step.
var ErrInterrupted = errors.New("interrupted")

// Run trains and leaves its records in the run folder. Divergence is a state of
// the records and no error.
func Run(ctx context.Context, o Options) (metrics.Status, error) {
	if err := o.check(); err != nil {
		return metrics.Status{}, err
	}
	if status, _, err := o.inspectFolder(); err != nil || done(status) {
		return status, err
	}
	release, err := lockFolder(o.Dir)
	if err != nil {
		return metrics.Status{}, err
	}
	defer release()
	status, fresh, err := o.inspectFolder() // again, now that nobody else changes it
	if err != nil || done(status) {
		return status, err
	}
	t, err := newTrainer(o)
	if err != nil {
		return metrics.Status{}, err
	}
	if fresh {
		if err := o.createFolder(); err != nil {
			return metrics.Status{}, err
		}
	}
	if err := t.tidy(); err != nil {
		return metrics.Status{}, err
	}
	if !fresh && t.Step == o.Config.Steps() { // killed after its last checkpoint
		return t.end(metrics.Finished, "")
	}
	if err := t.openRecords(); err != nil {
		return metrics.Status{}, err
	}
	return t.train(ctx)
}

// done tells that there is nothing left to train.
func done(s metrics.Status) bool { return s.State == metrics.Finished || s.State == metrics.Diverged }

func (o *Options) check() error {
	if err := o.Config.Validate(); err != nil {
		return err
	}
	if o.Problem == nil {
		p, err := o.Config.Images(o.Data)
		if err != nil {
			return err
		}
		o.Problem = p
	}
	if n := o.Problem.Examples(); n != o.Config.TrainSize {
		return fmt.Errorf("%d training examples, config says %d", n, o.Config.TrainSize)
	}
	if err := checkOrder(&o.Config, o.Problem); err != nil {
		return err
	}
	o.Environment.TrainSHA256, o.Environment.TestSHA256 = o.Problem.Fingerprints()
	if o.Init != "" {
		sum, err := fileChecksum(o.Init)
		if err != nil {
			return err
		}
		o.Config.Init = sum
	}
	return nil
}

// checkOrder refuses an order of examples that the problem does not have, or not
// for so many steps.
func checkOrder(c *Config, p Problem) error {
	if c.Order == "" {
		return nil
	}
	ordered, ok := p.(Ordered)
	if want := c.Steps() * c.StepExamples(); !ok || len(ordered.Order()) < want {
		return fmt.Errorf("order %q: this instance has none for %d steps", c.Order, c.Steps())
	}
	return nil
}
