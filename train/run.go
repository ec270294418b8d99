package train

import (
	"cmp"
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
	Version     string `json:"version"` // of largestep
	Go          string `json:"go"`
	Engine      string `json:"engine"`
	Device      string `json:"device"`
	Threads     int    `json:"threads,omitempty"`
	DataDir     string `json:"data_dir,omitempty"`
	TrainSHA256 string `json:"train_sha256"` // of the training images used
	TestSHA256  string `json:"test_sha256"`
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
	status, fresh, err := o.inspectFolder()
	if err != nil || status.State == metrics.Finished || status.State == metrics.Diverged {
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
	unlock, err := lockFolder(o.Dir)
	if err != nil {
		return metrics.Status{}, err
	}
	defer unlock()
	if !fresh && t.Step == o.Config.Steps() { // killed after its last checkpoint
		status := metrics.Status{State: metrics.Finished, Step: t.Step, Epoch: t.epoch()}
		return status, metrics.WriteStatus(o.Dir, status)
	}
	if err := t.openRecords(); err != nil {
		return metrics.Status{}, err
	}
	status, err = t.run(ctx)
	if err != nil && !errors.Is(err, ErrInterrupted) {
		t.records.log.Printf("failed: %v", err)
	}
	if err := cmp.Or(err, t.records.close()); err != nil {
		return status, err
	}
	return status, recordPlateaus(o.Dir)
}

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
	if o.Config.Order != "" {
		p, ok := o.Problem.(Ordered)
		if want := o.Config.Steps() * o.Config.Batch; !ok || len(p.Order()) < want {
			return fmt.Errorf("order %q: this instance has none for %d steps", o.Config.Order, want)
		}
	}
	o.Environment.TrainSHA256, o.Environment.TestSHA256 = o.Problem.Fingerprints()
	if o.Init != "" {
		sum, err := FileChecksum(o.Init)
		if err != nil {
			return err
		}
		o.Config.Init = sum
	}
	return nil
}
