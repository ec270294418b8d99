package trainer

import (
	"errors"
	"time"

	"largestep/train/run"
)

// Branch is another run that takes its first steps as this one does, so that they
// need not be taken again: it begins with a copy of the records and the state at
// the step where the two part.
type Branch struct {
	Step        int // how many both take, as run.Shared counts them
	Dir         string
	Config      run.Config
	Environment run.Environment // but for the checksums of the examples
	// Begun is called once this run has come to the step, or gone on from a later
	// one.
	Begun func()
}

// passBranches tells those that the run has passed before.
func (t *trainer) passBranches() {
	for _, b := range t.Branches {
		if b.Step < t.Step {
			b.Begun()
		}
	}
}

// branch begins the runs that part from this one before the next step.
func (t *trainer) branch() error {
	for _, b := range t.Branches {
		if b.Step != t.Step || t.Part > 0 {
			continue
		}
		if err := t.beginBranch(b); err != nil {
			return err
		}
		b.Begun()
	}
	return nil
}

func (t *trainer) beginBranch(b Branch) error {
	if err := t.wait(); err != nil { // the losses of all steps so far
		return err
	}
	var err error
	if t.Sizes, err = t.records.Sync(); err != nil {
		return err
	}
	t.Seconds = time.Since(t.started).Seconds()
	state, err := t.state()
	if err != nil || !state.finite() { // it trains from its first step, then
		return err
	}
	b.Config.InitSHA256, state.Config = t.Config.InitSHA256, &b.Config
	env, own := &b.Environment, t.Environment
	env.Version, env.Go, env.Engine, env.Device = own.Version, own.Go, own.Engine, own.Device
	env.TrainSHA256, env.TestSHA256 = own.TrainSHA256, own.TestSHA256
	switch err := run.Branch(t.Dir, b.Dir, b.Config, b.Environment, state.Checkpoint, t.metadata()); {
	case errors.Is(err, run.ErrLocked): // somebody trains it from its first step
		return nil
	case err != nil:
		return err
	}
	t.records.Log.Printf("%s goes on from step %d of this run", b.Dir, t.Step)
	return nil
}
