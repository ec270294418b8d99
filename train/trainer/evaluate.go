package trainer

import (
	"context"
	"math"
	"time"

	"largestep/metrics/record"
	"largestep/train/run"
)

// evaluate records a row and, when it is time or the end, a checkpoint.
func (t *trainer) evaluate(ctx context.Context) error {
	if err := t.wait(); err != nil {
		return err
	}
	row, err := t.measure(ctx)
	if err != nil {
		return err
	}
	histograms, err := t.histograms(ctx, row)
	if err != nil {
		return err
	}
	t.note()
	if err := t.records.Row(row); err != nil {
		return err
	}
	if err := t.records.Histograms(row.Step, histograms); err != nil {
		return err
	}
	t.LossSum, t.LossCount, t.CurvatureSum, t.CurvatureCount = 0, 0, 0, 0
	t.Training, t.Images, t.Due = 0, 0, false
	if t.Hooks.Row != nil {
		t.Hooks.Row(row)
	}
	if !finite(row.TrainLoss) {
		t.Diverged = &run.Divergence{Step: t.Step, Message: lossAt(row.TrainLoss, t.Step)}
		return errDiverged
	}
	if t.Step == 0 || t.Step == t.Config.Steps() || time.Since(t.lastSaved) >= t.CheckpointEvery {
		return t.checkpoint()
	}
	return nil
}

// note leaves in the log how the engine computes, as far as it has chosen since
// the last note.
func (t *trainer) note() {
	if e, ok := t.Engine.(interface{ Chosen() []string }); ok {
		all := e.Chosen()
		for _, choice := range all[t.noted:] {
			t.records.Log.Printf("%s", choice)
		}
		t.noted = len(all)
	}
}

func (t *trainer) measure(ctx context.Context) (record.Row, error) {
	c := &t.Config
	last := max(t.Step-1, 0)
	t.vars.Until(ctx)
	m, err := t.meter.Measure(Latest{StepSize: c.StepSize(last), StepSharpness: t.CurvatureSum / float64(t.CurvatureCount)})
	t.vars.Until(context.Background())
	if err != nil {
		return record.Row{}, err
	}
	if !finite(m.TrainLoss) { // a net that computes nothing is wrong about nothing, and no feature is positive or sparse
		m.TrainError = math.NaN()
		for i := range m.Own {
			m.Own[i] = math.NaN()
		}
	}
	if !finite(m.TestLoss) {
		m.TestError = math.NaN()
	}
	return record.Row{
		Epoch: t.epoch(t.Step), Step: t.Step,
		Phase:    c.Schedule.Phases[c.Phase(last)].Name,
		StepSize: c.StepSize(last), BatchLoss: t.LossSum / float64(t.LossCount),
		TrainLoss: m.TrainLoss, TrainError: m.TrainError, TestLoss: m.TestLoss, TestError: m.TestError,
		Own: m.Own, ImagesPerSecond: t.speed(), Seconds: time.Since(t.started).Seconds(),
	}, nil
}
