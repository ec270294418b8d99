package trainer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"largestep/metrics/record"
	"largestep/train/run"
)

// reportEvery is how often the host asks the engine for losses between rows: to
// show them, and to find divergence.
const reportEvery = 300 * time.Millisecond

// errDiverged ends the loop when a loss is not finite.
var errDiverged = errors.New("the loss is not finite")

// loop takes all steps, evaluating before the first and after each EvalEvery
// epochs and the last.
func (t *trainer) loop(ctx context.Context) error {
	t.passBranches()
	for {
		if err := t.keepParameters(); err != nil {
			return err
		}
		if t.Due {
			if err := t.evaluate(ctx); err != nil {
				return err
			}
		}
		if t.Step == t.Config.Steps() {
			return nil
		}
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		if err := t.branch(); err != nil {
			return err
		}
		if err := t.takeStep(ctx); err != nil {
			return err
		}
		if time.Since(t.lastReport) > reportEvery {
			if err := t.wait(); err != nil {
				return err
			}
		}
		if !t.Due && time.Since(t.lastSaved) >= t.CheckpointEvery { // else the evaluation does
			if err := t.checkpoint(); err != nil {
				return err
			}
		}
	}
}

// takeStep takes a step, or the rest of one.
func (t *trainer) takeStep(ctx context.Context) error {
	batch := t.miniBatch(t.Step)
	start := time.Now()
	err := t.take(ctx, t.Step, batch)
	t.Training += time.Since(start).Seconds()
	t.Part = t.graph.done
	if err != nil {
		return err
	}
	if c := t.graph.Curvature(); batch.Curvature && finite(c) {
		t.CurvatureSum += c
		t.CurvatureCount++
	}
	t.Step++
	t.Images += t.Config.StepExamples()
	t.Due = t.Step == t.Config.Steps() || t.Step%t.Config.StepsPerEvaluation() == 0
	return nil
}

// wait is report, counted as training: it is what the engine still had to do.
func (t *trainer) wait() error {
	start := time.Now()
	err := t.report()
	t.Training += time.Since(start).Seconds()
	return err
}

// report waits for the engine, takes the losses over and tells whoever watches.
func (t *trainer) report() error {
	losses, err := t.graph.Losses()
	if err != nil {
		return err
	}
	c := &t.Config
	for _, loss := range losses {
		err := t.records.Step(record.StepRow{
			Step: t.logged, Epoch: float64(t.logged) / float64(c.StepsPerEpoch()), StepSize: c.StepSize(t.logged), BatchLoss: loss,
		})
		if err != nil {
			return err
		}
		t.lastLoss = loss
		t.logged++
		if !finite(loss) {
			t.Step, t.Part = t.logged-1, 0
			t.Diverged = &run.Divergence{Step: t.logged, Message: lossAt(loss, t.logged)}
			return errDiverged
		}
		t.LossSum += loss
		t.LossCount++
	}
	t.lastReport = time.Now()
	if t.Hooks.Step != nil {
		t.Hooks.Step(Progress{Step: t.Step, Steps: c.Steps(), Loss: t.lastLoss, ImagesPerSecond: t.speed()})
	}
	return nil
}

func (t *trainer) speed() float64 {
	if t.Training == 0 {
		return 0
	}
	return float64(t.Images) / t.Training
}

func lossAt(loss float64, step int) string { return fmt.Sprintf("loss %g at step %d", loss, step) }
