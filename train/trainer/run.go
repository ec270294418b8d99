package trainer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"largestep/metrics/record"
	"largestep/nets/op"
	"largestep/train/machine"
	"largestep/train/run"
	"largestep/train/weights"
)

// Options are a training to be done.
type Options struct {
	Config      run.Config
	Environment run.Environment // what Run does not find out itself
	Dir         string          // the run folder
	// Resume goes on from the folder's latest checkpoint, if there is a run in
	// it; else the folder must be new or empty.
	Resume  bool
	Init    string  // file of initial parameters, or ""
	Problem Problem // what is minimised
	Engine  op.Engine
	// CheckpointEvery is the least time between two checkpoints; 0 asks for one after each step.
	CheckpointEvery time.Duration
	// Keep is how many checkpoints stay beside the latest. While a training goes
	// on, one does at least.
	Keep int
	// SaveEvery is after how many epochs the parameters are kept; 0 for none.
	SaveEvery int
	Hooks     Hooks
	Branches  []Branch
}

// Hooks let a progress bar follow a training. Nil ones are not called.
type Hooks struct {
	Start func(c run.Config, step int) // before the first step, or the first one resumed
	Step  func(p Progress)             // a few times a second
	Row   func(row record.Row)         // after each evaluation
	Warn  func(text string)            // of what somebody should know
}

// Progress is where a training is.
type Progress struct {
	Step, Steps     int
	Loss            float64 // of the latest mini-batch
	ImagesPerSecond float64 // since the last row
}

// ErrInterrupted is what Run returns when its context ends; the run folder holds
// a checkpoint of that very step, or of the part of a step that was done.
var ErrInterrupted = machine.ErrInterrupted

// Run trains and leaves its records in the run folder. Divergence is a state of
// the records and no error.
func Run(ctx context.Context, o Options) (record.Status, error) {
	o, err := o.resolved()
	if err != nil {
		return record.Status{}, err
	}
	if found, err := o.find(); err != nil || found.done() {
		return found.status, err
	}
	release, err := run.Lock(o.Dir)
	if err != nil {
		return record.Status{}, err
	}
	defer release()
	found, err := o.find() // again, now that nobody else changes it
	if err != nil || found.done() {
		return found.status, err
	}
	o.Config.InitSHA256 = found.initialParameters
	t, err := newTrainer(o, found.shorter)
	if err != nil {
		return record.Status{}, err
	}
	if found.fresh {
		if err := run.WriteConfig(o.Dir, o.Config, o.Environment); err != nil {
			return record.Status{}, err
		}
	}
	if err := run.Tidy(o.Dir, t.Position); err != nil {
		return record.Status{}, err
	}
	if found.shorter != nil {
		if err := t.extend(found); err != nil {
			return record.Status{}, err
		}
	}
	if state, ok := position(t.Position).ended(o.Config.Steps()); ok { // killed after its last checkpoint
		return t.endAgain(ctx, state)
	}
	if t.records == nil {
		if err := t.openRecords(); err != nil {
			return record.Status{}, err
		}
	}
	return t.train(ctx)
}

// extend makes a run longer: first its checkpoint says so, then its config.
func (t *trainer) extend(f found) (err error) {
	if t.Step == f.shorter.Steps() && !t.Due {
		if t.Position, err = t.Reopen(t.Dir, t.Config); err != nil {
			return err
		}
	}
	t.Sizes.Events, t.Sizes.EventsFile = 0, "" // which tell how long it is
	if err := t.openRecords(); err != nil {
		return err
	}
	t.started = time.Now().Add(-time.Duration(t.Seconds * float64(time.Second)))
	if err := t.save(); err != nil {
		return errors.Join(err, t.records.Close())
	}
	return run.WriteConfig(t.Dir, t.Config, f.environment)
}

// resolved are the options with the checksums of what they name, if all is well
// with them.
func (o Options) resolved() (Options, error) {
	if err := o.Config.Validate(); err != nil {
		return o, err
	}
	if n := o.Problem.Examples(); n != o.Config.TrainSize {
		return o, fmt.Errorf("%d training examples, config says %d", n, o.Config.TrainSize)
	}
	if err := checkProblem(&o.Config, o.Problem); err != nil {
		return o, err
	}
	env := &o.Environment
	env.Version, env.Go = run.Version(), runtime.Version()
	env.Engine, env.Device = o.Engine.Name(), o.Engine.Device()
	env.TrainSHA256, env.TestSHA256 = o.Problem.Fingerprints()
	if o.Init == "" {
		return o, nil
	}
	sum, err := weights.Checksum(o.Init)
	o.Config.InitSHA256 = sum
	return o, err
}

// checkProblem refuses what the problem does not have: noise on its targets, or an
// order of its examples for so many steps.
func checkProblem(c *run.Config, p Problem) error {
	if _, ok := p.(Noisy); c.LabelNoise > 0 && !ok {
		return fmt.Errorf("label noise %g: the problem has no targets that can have some", c.LabelNoise)
	}
	if c.Order == "" {
		return nil
	}
	ordered, ok := p.(Ordered)
	if want := c.Steps() * c.StepExamples(); !ok || len(ordered.Order()) < want {
		return fmt.Errorf("order %q: this instance has none for %d steps", c.Order, c.Steps())
	}
	return nil
}

// found is what there is of the run in its folder.
type found struct {
	fresh             bool // nothing
	status            record.Status
	initialParameters string // checksum of their file
	environment       run.Environment
	shorter           *run.Config // what it was, if more is asked for now
}

// done tells that there is nothing left to train.
func (f found) done() bool {
	return f.status.State == record.Finished && f.shorter == nil || f.status.State == record.Diverged
}

// find looks for the run to resume.
func (o *Options) find() (found, error) {
	c := o.Config
	file, status, err := run.Inspect(o.Dir)
	switch {
	case err != nil:
		return found{}, err
	case file == nil:
		return found{fresh: true, initialParameters: c.InitSHA256}, nil
	case !o.Resume:
		return found{}, fmt.Errorf("%s %w", o.Dir, run.ErrHoldsRun)
	}
	if o.Init == "" {
		c.InitSHA256 = file.InitSHA256 // its checkpoint has what came of it
	}
	f := found{status: status, initialParameters: c.InitSHA256, environment: file.Environment}
	longer, err := c.Extends(file.Config)
	if err != nil {
		return found{}, fmt.Errorf("%s %w", o.Dir, err)
	}
	if longer && status.State == record.Diverged {
		return found{}, fmt.Errorf("%s %w", o.Dir, run.ErrDiverged)
	}
	if longer {
		shorter := file.Config
		f.shorter, file.Config = &shorter, c
	}
	if err := file.Matches(c, o.Environment); err != nil {
		return found{}, fmt.Errorf("%s %w", o.Dir, err)
	}
	if f.done() { // nobody looks at its checkpoint
		return f, run.CheckConfig(o.Dir, c)
	}
	return f, nil
}
