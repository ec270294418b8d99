package trainer

import (
	"context"

	"largestep/metrics/record"
	"largestep/train/run"
)

// A training that diverges has, when that is found out, gone on for steps whose
// number depends on the clock, and its latest checkpoint does, too. What it leaves
// must not: it goes back to the checkpoint and takes the steps again, up to the last
// state that is finite.

// nearEnd is how many steps before the loss that is not finite the state is looked
// at after each step. It is finite there, but for running statistics, which nothing
// in a training reads.
const nearEnd = 4

// diverge makes the last finite state the run's last checkpoint; the records are
// complete. A context that ends meanwhile leaves the checkpoint before.
func (t *trainer) diverge(ctx context.Context) error {
	if _, err := t.records.Sync(); err != nil {
		return err
	}
	found, kernels, limit := t.Diverged, t.Kernels, t.Step
	for _, from := range []int{limit - nearEnd, 0} {
		last, err := t.lastFinite(ctx, from, limit)
		if err != nil {
			return err
		}
		if last == nil {
			continue
		}
		last.Position = run.Position{Step: last.Step, Kernels: kernels, Diverged: found}
		if err := t.keep(*last); err != nil {
			return err
		}
		break
	}
	t.Diverged = found
	return nil
}

// lastFinite takes the steps since the checkpoint again and returns the last state
// that is finite, up to a step; nil if it is before the step from which on states
// are looked at.
func (t *trainer) lastFinite(ctx context.Context, from, limit int) (last *state, err error) {
	if err := t.initialize(); err != nil {
		return nil, err
	}
	if _, err := t.restore(); err != nil {
		return nil, err
	}
	for {
		if t.Step >= from && t.Part == 0 {
			s, err := t.state()
			if err != nil || !s.finite() {
				return last, err
			}
			last = &s
		}
		if t.Step >= limit {
			return last, nil
		}
		if ctx.Err() != nil {
			return nil, ErrInterrupted
		}
		if err := t.takeStep(ctx); err != nil {
			return nil, err
		}
		if t.Step%logCapacity == 0 {
			if _, err := t.graph.Losses(); err != nil {
				return nil, err
			}
		}
	}
}

// ended is how a run stands whose last checkpoint was saved, but not its end.
func (p position) ended(steps int) (record.State, bool) {
	switch {
	case p.Diverged != nil:
		return record.Diverged, true
	case p.Step == steps && !p.Due:
		return record.Finished, true
	}
	return "", false
}

type position run.Position
